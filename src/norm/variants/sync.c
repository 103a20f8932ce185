/* sync.c: batch norm over several ranks. A rank's partial results, at their global index, become the block of its
 * message; what comes back is turned into statistics and sums as those of one process are.
 */
#include "norm/variants/sync_state.h"

#include "base/error.h"
#include "base/threads.h"
#include "norm/norm_args.h"
#include "norm/phases.h"
#include "norm/small_sample.h"
#include "norm/variants/mask.h"

#include <string.h>

ek_norm_sync ek_norm_sync_default(const ek_exchange *exchange, int rank, int ranks) {
    ek_norm_sync sync;
    memset(&sync, 0, sizeof sync);
    sync.struct_size = sizeof sync;
    sync.exchange = exchange;
    sync.rank = rank;
    sync.ranks = ranks;
    return sync;
}

static void describe(const ek_norm_plan *plan, const ek_norm_sync *sync, int phase, int64_t *field) {
    bool exact = sync->mode == EK_SYNC_EXACT;
    int64_t capacity = eki_sync_capacity(plan, sync->mode, sync->global_count);
    field[EKI_SYNC_STEP] = sync->step;
    field[EKI_SYNC_LAYER] = sync->layer;
    field[EKI_SYNC_PHASE] = phase;
    field[EKI_SYNC_MODE] = sync->mode;
    field[EKI_SYNC_RANKS] = sync->ranks;
    field[EKI_SYNC_CHANNELS] = plan->channels;
    field[EKI_SYNC_DTYPE] = plan->desc.dtype;
    field[EKI_SYNC_GLOBAL] = sync->global_count;
    field[EKI_SYNC_CHUNK] = exact ? plan->units.chunk : 0;
    field[EKI_SYNC_SPACE] = exact ? plan->space : 0;
    field[EKI_SYNC_LAYOUT] = exact ? (int64_t)plan->desc.layout : 0;
    field[EKI_SYNC_BLOCKS] = exact ? plan->units.blocks : 0;
    field[EKI_SYNC_CAPACITY] = capacity;
    field[EKI_SYNC_BYTES] = (int64_t)eki_sync_block_bytes(capacity, plan->channels);
}

static eki_sync_state *begin_state(const ek_norm_plan *plan, const eki_sync_taken *taken, int phase, void *memory) {
    const ek_norm_sync *sync = &taken->sync;
    eki_sync_state *state = memory;
    memset(state, 0, sizeof *state);
    state->magic = EKI_SYNC_STATE_MAGIC;
    state->fingerprint = plan->fingerprint;
    state->sync = *sync;
    state->exchange = taken->exchange;
    if (sync->mode == EK_SYNC_EXACT) (void)eki_sync_units(plan, sync->global_count, &state->units);
    state->block = (eki_sync_header *)(void *)((char *)memory + eki_sync_state_bytes());
    describe(plan, sync, phase, state->field);
    eki_sync_header *block = state->block;
    memset(block, 0, (size_t)state->field[EKI_SYNC_BYTES]);
    block->magic = EKI_SYNC_MAGIC;
    memcpy(block->field, state->field, sizeof state->field);
    block->first_rank = sync->rank;
    block->ranks = 1;
    block->fault.what = EKI_FAULT_NONE;
    return state;
}

typedef struct {
    const eki_job *job;
    eki_sync_state *state;
    int64_t first_unit;
    size_t tasks;
} filling;

/* One channel: EXACT the cover of our units, FAST the root of our own tree. */
static void cover_channel(const filling *f, int64_t c, eki_cover *cover) {
    const eki_job *job = f->job;
    int64_t units = job->plan->units.count, channels = job->plan->channels;
    cover->moments = f->state->field[EKI_SYNC_PHASE] == EKI_SYNC_FORWARD;
    cover->count = 0;
    for (int64_t i = c, u = 0; u < units; u++, i += channels) {
        eki_moments value = cover->moments ? job->moments[i] : (eki_moments){0, job->sums[i].a, job->sums[i].b};
        (void)eki_cover_push(cover, (eki_tree_node){0, f->first_unit + u}, value);
    }
    if (f->state->sync.mode == EK_SYNC_EXACT) return;
    cover->value[0] = eki_cover_root(cover);
    cover->node[0] = (eki_tree_node){0, 0};
    cover->count = 1;
}

static void fill_channels(void *argument, size_t index) {
    const filling *f = argument;
    size_t begin, end;
    eki_cover cover;
    eki_split((size_t)f->job->plan->channels, f->tasks, index, &begin, &end);
    for (int64_t c = (int64_t)begin; c < (int64_t)end; c++) {
        cover_channel(f, c, &cover);
        eki_sync_store(f->state->block, c, &cover);
        if (c == 0) eki_sync_store_nodes(f->state->block, &cover);
    }
}

/* The partial results of the job into the block. */
static void fill_block(const eki_job *job, eki_sync_state *state) {
    const ek_norm_plan *plan = job->plan;
    const eki_units *units = &plan->units;
    filling f = {job, state, state->sync.first / units->chunk * units->blocks, 1};
    if (state->sync.mode == EK_SYNC_FAST) f.first_unit = 0;
    if (8 * units->count * plan->channels >= 2 * EKI_TASK_ELEMENTS) {
        f.tasks = (size_t)eki_min(plan->channels, eki_parallel_threads(&plan->desc.parallel));
    }
    eki_parallel_in(job->caller, &plan->desc.parallel, f.tasks, fill_channels, &f);
}

/* The exchange is the caller's, and so are its modes. */
static ek_status start_exchange(eki_sync_state *state, eki_float_mode caller, ek_error *err) {
    state->stage = EKI_SYNC_DONE;
    if (state->sync.exchange == NULL) return EK_OK; /* the only rank */
    ek_exchange *e = &state->exchange;
    eki_float_mode_set(caller);
    ek_status status = e->start(e->context, state->block, (size_t)state->field[EKI_SYNC_BYTES], ek_sync_combine,
                                &state->operation, err);
    state->stage = status == EK_OK ? EKI_SYNC_STARTED : EKI_SYNC_IDLE;
    return status == EK_OK ? EK_OK : eki_sync_prefix(&state->sync, status, err);
}

ek_status ek_norm_sync_forward_start(const ek_norm_plan *plan, const ek_norm_sync *sync, void *memory,
                                     const ek_norm_args *given, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    eki_sync_taken taken;
    EKI_TRY(eki_sync_take(plan, sync, memory, &taken, err));
    EKI_TRY(eki_args_take_part(plan, given, EKI_NEED_X, &args, err));
    if (plan->elements > 0) EKI_TRY(eki_mask_check(plan, &args, err));
    eki_sync_state *state = begin_state(plan, &taken, EKI_SYNC_FORWARD, memory);
    if (plan->elements > 0) {
        eki_job job = eki_job_make(plan, &args, caller);
        if (plan->masked) eki_mask_fill(&job, &args);
        eki_run_stage(&job, EKI_OVER_UNITS, eki_phases_of(plan)->moments);
        fill_block(&job, state);
    }
    return start_exchange(state, caller, err);
}

ek_status ek_norm_sync_test(const ek_norm_plan *plan, void *memory, int *done, ek_error *err) {
    eki_sync_state *state = memory;
    if (done == NULL) return eki_fail(err, EK_ERR_ARG, "done is NULL, expected the address of an int");
    *done = 0;
    EKI_TRY(eki_sync_check_state(plan, state, err));
    if (state->stage == EKI_SYNC_STARTED) {
        int over = 0;
        ek_status status = state->exchange.test(state->exchange.context, state->operation, &over, err);
        if (status != EK_OK) state->stage = EKI_SYNC_IDLE;
        if (status != EK_OK) return eki_sync_prefix(&state->sync, status, err);
        if (over) state->stage = EKI_SYNC_DONE;
    }
    *done = state->stage == EKI_SYNC_DONE;
    return EK_OK;
}

void ek_norm_sync_cancel(const ek_norm_plan *plan, void *memory) {
    eki_sync_state *state = memory;
    if (plan == NULL || state == NULL || state->magic != EKI_SYNC_STATE_MAGIC) return;
    if (state->stage == EKI_SYNC_STARTED) state->exchange.cancel(state->exchange.context, state->operation);
    state->stage = EKI_SYNC_IDLE;
}

/* The local plan with the whole batch's count: statistics and means over sets ask for that alone. */
static ek_norm_plan plan_of_all(const ek_norm_plan *plan, int64_t count) {
    ek_norm_plan whole = *plan;
    whole.set_size = count;
    return whole;
}

static ek_status check_small(const ek_norm_plan *whole, const ek_norm_sync *sync, ek_error *err) {
    ek_small_sample policy = whole->desc.small_sample;
    if (whole->set_size != 1 || (policy != EK_SMALL_ERROR && policy != EK_SMALL_USE_RUNNING)) return EK_OK;
    eki_fail(
        err, EK_ERR_SHAPE,
        "all ranks together have one value per channel and desc.small_sample is %d, expected EK_SMALL_BIASED (0) or "
        "EK_SMALL_SKIP_UPDATE (1) for a synchronized batch",
        (int)policy);
    return eki_sync_prefix(sync, EK_ERR_SHAPE, err);
}

/* Channel c of what all ranks have together. */
static eki_moments root_of(const eki_sync_state *state, int64_t c) {
    eki_cover cover;
    eki_sync_load(state->block, c, &cover);
    return eki_cover_root(&cover);
}

ek_status ek_norm_sync_forward_finish(const ek_norm_plan *plan, void *memory, const ek_norm_args *given,
                                      ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    eki_sync_state *state = memory;
    EKI_TRY(eki_sync_check_finish(plan, state, EKI_SYNC_FORWARD, err));
    EKI_TRY(
        eki_args_take_part(plan, given, EKI_NEED_X | EKI_NEED_Y | EKI_NEED_SAVED | EKI_TAKES_STATISTICS, &args, err));
    double n = eki_sync_elements(state->block);
    ek_norm_plan whole = plan_of_all(plan, (int64_t)n);
    EKI_TRY(check_small(&whole, &state->sync, err));
    if (plan->elements > 0) EKI_TRY(eki_mask_check(plan, &args, err));
    eki_job job = eki_job_make(&whole, &args, caller);
    if (plan->masked) eki_mask_fill(&job, &args);
    for (int64_t c = 0; n > 0 && c < plan->channels; c++) {
        eki_stats_set(&job.stats, c, root_of(state, c), plan->desc.epsilon);
    }
    if (plan->elements > 0) {
        eki_batch_coefficients(&job, 0, plan->channels);
        eki_run_stage(&job, EKI_OVER_CELLS, eki_phases_of(plan)->affine);
    }
    eki_stats_publish(&job, &args, n > 0 ? EKI_FROM_BATCH : EKI_FROM_NOTHING);
    job.stats.header->spread = 1;
    job.stats.header->frozen = eki_small_frozen(&whole); /* about all ranks' values */
    state->stage = EKI_SYNC_IDLE;
    return EK_OK;
}

/* The mask of the forward, again. */
static ek_status take_mask(eki_job *job, const ek_norm_args *args, ek_error *err) {
    if (!job->plan->masked) return EK_OK;
    if (job->plan->elements > 0) EKI_TRY(eki_mask_check(job->plan, args, err));
    eki_mask_fill(job, args);
    return eki_mask_check_again(job, err);
}

static ek_status check_saved(const ek_norm_plan *plan, const ek_norm_args *args, const char *call, ek_error *err) {
    EKI_TRY(eki_saved_check(plan, args->saved, call, err));
    const eki_saved_header *header = args->saved;
    if (header->spread) return EK_OK;
    return eki_fail(err, EK_ERR_STATE,
                    "saved is of a forward of this rank alone, %s expects one of ek_norm_sync_forward_finish(): call "
                    "ek_norm_backward()",
                    call);
}

ek_status ek_norm_sync_backward_start(const ek_norm_plan *plan, const ek_norm_sync *sync, void *memory,
                                      const ek_norm_args *given, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    eki_sync_taken taken;
    EKI_TRY(eki_sync_take(plan, sync, memory, &taken, err));
    EKI_TRY(eki_args_take_part(plan, given, EKI_NEED_X | EKI_NEED_DY | EKI_NEED_SAVED, &args, err));
    EKI_TRY(check_saved(plan, &args, "ek_norm_sync_backward_start()", err));
    eki_job job = eki_job_make(plan, &args, caller);
    EKI_TRY(take_mask(&job, &args, err));
    eki_stats_complete(&job);
    eki_sync_state *state = begin_state(plan, &taken, EKI_SYNC_BACKWARD, memory);
    if (plan->elements > 0) {
        if (eki_computes_again(&job)) eki_batch_coefficients(&job, 0, plan->channels);
        eki_run_stage(&job, EKI_OVER_UNITS, eki_phases_of(plan)->gradsums);
        fill_block(&job, state);
    }
    return start_exchange(state, caller, err);
}

ek_status ek_norm_sync_backward_finish(const ek_norm_plan *plan, void *memory, const ek_norm_args *given,
                                       ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    eki_sync_state *state = memory;
    EKI_TRY(eki_sync_check_finish(plan, state, EKI_SYNC_BACKWARD, err));
    EKI_TRY(eki_args_take_part(
        plan, given, EKI_NEED_X | EKI_NEED_DY | EKI_NEED_SAVED | EKI_TAKES_DX | EKI_TAKES_PARAMETERS, &args, err));
    EKI_TRY(check_saved(plan, &args, "ek_norm_sync_backward_finish()", err));
    ek_norm_plan whole = plan_of_all(plan, ((const eki_saved_header *)args.saved)->count);
    eki_job job = eki_job_make(&whole, &args, caller);
    EKI_TRY(take_mask(&job, &args, err));
    eki_stats_complete(&job);
    for (int64_t c = 0; c < plan->channels; c++) {
        eki_moments sums = root_of(state, c);
        eki_batch_gradient(&job, c, (eki_pair){sums.mean, sums.m2});
    }
    if (plan->elements > 0 && eki_wants_dx(&job)) {
        if (eki_computes_again(&job)) eki_batch_coefficients(&job, 0, plan->channels);
        eki_run_stage(&job, EKI_OVER_CELLS, eki_phases_of(plan)->gradaffine);
    }
    state->stage = EKI_SYNC_IDLE;
    return EK_OK;
}
