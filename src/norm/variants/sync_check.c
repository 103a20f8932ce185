/* sync_check.c: takes over what a caller says of an exchange, and every check of the calls of synchronized norms,
 * before an exchange and behind it. */
#include "norm/variants/sync_state.h"

#include "base/error.h"
#include "base/options.h"

#include <string.h>

ek_status eki_sync_prefix(const ek_norm_sync *sync, ek_status status, ek_error *err) {
    bool named = sync->name != NULL;
    return eki_error_prefix(err, status, "layer %lld%s%s%s, step %lld", (long long)sync->layer, named ? " (" : "",
                            named ? sync->name : "", named ? ")" : "", (long long)sync->step);
}

static ek_status check_plan(const ek_norm_plan *plan, ek_error *err) {
    if (plan == NULL) return eki_fail(err, EK_ERR_ARG, "plan is NULL, expected a plan from ek_norm_plan_create()");
    if (eki_sync_supported(plan)) return EK_OK;
    return eki_fail(
        err, EK_ERR_UNSUPPORTED,
        "the plan is of %s%s, which cannot be synchronized: only batch norm without virtual batches or batch "
        "renorm can",
        eki_norm_kind_name(plan->desc.kind),
        plan->renorm            ? " with batch renorm"
        : plan->desc.ghost != 0 ? " with virtual batches"
                                : "");
}

static ek_status take_exchange(const ek_norm_sync *sync, ek_exchange *e, ek_error *err) {
    memset(e, 0, sizeof *e);
    if (sync->exchange == NULL) {
        if (sync->ranks == 1) return EK_OK;
        return eki_fail(err, EK_ERR_ARG, "sync.exchange is NULL, expected callbacks: there are %d ranks",
                        (int)sync->ranks);
    }
    EKI_TRY(eki_options_take(e, sizeof *e, sync->exchange, "ek_exchange", err));
    for (size_t i = 0; i < sizeof e->reserved / sizeof e->reserved[0]; i++) {
        if (e->reserved[i] == NULL) continue;
        return eki_fail(err, EK_ERR_ARG, "exchange.reserved[%zu] is not NULL: clear the struct before filling it", i);
    }
    if (e->start != NULL && e->test != NULL && e->cancel != NULL) return EK_OK;
    return eki_fail(err, EK_ERR_ARG, "exchange.%s is NULL, expected start, test and cancel",
                    e->start == NULL  ? "start"
                    : e->test == NULL ? "test"
                                      : "cancel");
}

static ek_status take_sync(const ek_norm_sync *given, ek_norm_sync *sync, ek_error *err) {
    if (given == NULL) return eki_fail(err, EK_ERR_ARG, "sync is NULL, expected one from ek_norm_sync_default()");
    memset(sync, 0, sizeof *sync);
    EKI_TRY(eki_options_take(sync, sizeof *sync, given, "ek_norm_sync", err));
    for (size_t i = 0; i < sizeof sync->reserved / sizeof sync->reserved[0]; i++) {
        if (sync->reserved[i] == 0) continue;
        return eki_fail(err, EK_ERR_ARG, "sync.reserved[%zu] is not zero: start from ek_norm_sync_default()", i);
    }
    if (sync->mode != EK_SYNC_FAST && sync->mode != EK_SYNC_EXACT) {
        return eki_fail(err, EK_ERR_ARG, "sync.mode is %d, expected EK_SYNC_FAST (0) or EK_SYNC_EXACT (1)",
                        (int)sync->mode);
    }
    if (sync->ranks < 1 || sync->rank < 0 || sync->rank >= sync->ranks) {
        return eki_fail(err, EK_ERR_ARG, "sync.rank is %d of %d ranks, expected 0 to ranks - 1", (int)sync->rank,
                        (int)sync->ranks);
    }
    return EK_OK;
}

/* EXACT: whole chunks within the whole batch. */
static ek_status check_place(const ek_norm_plan *plan, const ek_norm_sync *sync, ek_error *err) {
    int64_t first = sync->first, count = plan->samples, all = sync->global_count, chunk = plan->units.chunk, units;
    if (sync->mode == EK_SYNC_FAST) {
        if (first == 0 && all == 0) return EK_OK;
        return eki_fail(err, EK_ERR_ARG,
                        "sync.first is %lld and sync.global_count %lld, expected 0: EK_SYNC_FAST needs no place",
                        (long long)first, (long long)all);
    }
    if (first < 0 || all < 0 || first > all || count > all - first) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "sync.first is %lld and the plan has %lld examples, expected a part of the %lld of "
                        "sync.global_count",
                        (long long)first, (long long)count, (long long)all);
    }
    if (!eki_sync_units(plan, all, &units)) {
        return eki_fail(err, EK_ERR_LIMIT, "sync.global_count is %lld: the number of elements does not fit",
                        (long long)all);
    }
    if (count == 0 || (first % chunk == 0 && (count % chunk == 0 || first + count == all))) return EK_OK;
    return eki_fail(
        err, EK_ERR_SHAPE,
        "sync.first is %lld and the plan has %lld examples, EK_SYNC_EXACT expects whole chunks of %lld: share "
        "the batch out in chunks, or set desc.chunk",
        (long long)first, (long long)count, (long long)chunk);
}

ek_status eki_sync_take(const ek_norm_plan *plan, const ek_norm_sync *given, const void *state, eki_sync_taken *taken,
                        ek_error *err) {
    const ek_norm_sync *sync = &taken->sync;
    EKI_TRY(check_plan(plan, err));
    EKI_TRY(take_sync(given, &taken->sync, err));
    EKI_TRY(take_exchange(sync, &taken->exchange, err));
    EKI_TRY(check_place(plan, sync, err));
    if (state != NULL && (uintptr_t)state % 64 == 0) return EK_OK;
    return eki_fail(err, EK_ERR_ARG, "state is at %p, expected %zu bytes (ek_norm_sync_bytes), 64-byte aligned", state,
                    ek_norm_sync_bytes(plan, sync->mode, sync->global_count));
}

ek_status eki_sync_check_state(const ek_norm_plan *plan, const eki_sync_state *state, ek_error *err) {
    EKI_TRY(check_plan(plan, err));
    if (state == NULL) return eki_fail(err, EK_ERR_ARG, "state is NULL, expected memory that a start has seen");
    if (state->magic == EKI_SYNC_STATE_MAGIC && state->fingerprint == plan->fingerprint &&
        state->stage != EKI_SYNC_IDLE) {
        return EK_OK;
    }
    return eki_fail(err, EK_ERR_STATE,
                    "state holds no exchange of this plan: call ek_norm_sync_forward_start() or "
                    "ek_norm_sync_backward_start() first");
}

/* Element counts come from other machines and are about to become integers. What came back is of our exchange, from all
 * ranks, and of all examples. */
static ek_status check_block(const eki_sync_state *state, ek_error *err) {
    const eki_sync_header *block = state->block;
    if (block->magic == EKI_SYNC_MAGIC && block->fault.what != EKI_FAULT_NONE) return eki_sync_fault_text(block, err);
    bool ours = block->magic == EKI_SYNC_MAGIC && memcmp(block->field, state->field, sizeof state->field) == 0 &&
                block->nodes >= 0 && block->nodes <= block->field[EKI_SYNC_CAPACITY] &&
                eki_sync_elements(block) <= (double)(INT64_C(1) << 56);
    if (!ours) return eki_fail(err, EK_ERR_DIST, "the exchange returned something else than the block it was given");
    if (block->first_rank != 0 || block->ranks != state->sync.ranks) {
        return eki_fail(err, EK_ERR_DIST,
                        "the exchange returned %lld ranks from rank %lld on, expected the blocks of all %d ranks",
                        (long long)block->ranks, (long long)block->first_rank, (int)state->sync.ranks);
    }
    if (state->sync.mode == EK_SYNC_FAST) return EK_OK;
    eki_cover cover;
    eki_sync_load(block, 0, &cover);
    int64_t begin = eki_cover_begin(&cover), end = eki_cover_end(&cover);
    if (begin == 0 && end == state->units) return EK_OK;
    return eki_fail(err, EK_ERR_DIST,
                    "the ranks together hold examples %lld to %lld, expected all %lld of sync.global_count: every "
                    "example must be on one rank",
                    (long long)eki_sync_example(block, begin), (long long)eki_sync_example(block, end) - 1,
                    (long long)state->sync.global_count);
}

ek_status eki_sync_check_finish(const ek_norm_plan *plan, eki_sync_state *state, int phase, ek_error *err) {
    EKI_TRY(eki_sync_check_state(plan, state, err));
    if (state->field[EKI_SYNC_PHASE] != phase) {
        return eki_fail(err, EK_ERR_STATE, "state holds a %s, expected a %s: finish what was started",
                        phase == EKI_SYNC_FORWARD ? "backward" : "forward",
                        phase == EKI_SYNC_FORWARD ? "forward" : "backward");
    }
    if (state->stage != EKI_SYNC_DONE) {
        return eki_sync_prefix(
            &state->sync, eki_fail(err, EK_ERR_STATE, "the exchange is not done: call ek_norm_sync_test() until it is"),
            err);
    }
    ek_status status = check_block(state, err);
    return status == EK_OK ? EK_OK : eki_sync_prefix(&state->sync, status, err);
}
