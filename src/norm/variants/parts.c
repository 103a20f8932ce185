/* parts.c: a batch in parts. `parts` keeps the partial result of every unit at its global index, so that the tree over
 * them is that of the whole batch: the same units, the same order, the same bits, however the parts were cut or came.
 */
#include <evenkeel/parts.h>

#include "base/error.h"
#include "norm/norm_args.h"
#include "norm/phases.h"
#include "norm/variants/ghost.h"
#include "norm/variants/mask.h"

#include <string.h>

#define PARTS_MAGIC UINT64_C(0x5354524150454b31) /* "1KEPARTS" */

enum { COLLECTS_MOMENTS = 1, HAS_STATISTICS = 2, COLLECTS_SUMS = 3, HAS_GRADIENTS = 4 };

/* Then one flag per unit, six coefficients per channel, and the partial results: moments, later gradient sums. */
typedef struct {
    uint64_t magic, fingerprint;
    int64_t stage;
    int64_t positions, positions_again; /* with a mask: valid ones of this round over x, and over dy */
    uint64_t reserved[3];
} parts_header;

_Static_assert(sizeof(parts_header) == 64, "the header of parts is 64 bytes");

static size_t round64(size_t bytes) { return (bytes + 63) / 64 * 64; }
static size_t flag_bytes(const ek_norm_plan *plan) { return round64((size_t)plan->units.count); }
static size_t coefficient_bytes(const ek_norm_plan *plan) {
    return round64(6 * (size_t)plan->channels * eki_real_bytes(plan));
}

static unsigned char *flags_of(parts_header *parts) { return (unsigned char *)(parts + 1); }

static void *partials_of(const ek_norm_plan *plan, parts_header *parts) {
    return flags_of(parts) + flag_bytes(plan) + coefficient_bytes(plan);
}

static bool supported(const ek_norm_plan *plan) {
    return plan->family == EKI_BATCH && plan->ghosts == 1 && plan->desc.ghost == 0 && !plan->renorm;
}

size_t ek_norm_parts_bytes(const ek_norm_plan *plan) {
    if (plan == NULL || !supported(plan)) return 0;
    size_t partials = (size_t)(plan->units.count * plan->channels) * sizeof(eki_moments);
    return sizeof(parts_header) + flag_bytes(plan) + coefficient_bytes(plan) + round64(partials);
}

int64_t ek_norm_parts_chunk(const ek_norm_plan *plan) { return plan == NULL ? 0 : plan->units.chunk; }

ek_status ek_norm_parts_begin(const ek_norm_plan *plan, void *parts, ek_error *err) {
    if (plan == NULL) return eki_fail(err, EK_ERR_ARG, "plan is NULL, expected a plan from ek_norm_plan_create()");
    if (!supported(plan)) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "the plan is of %s%s, which cannot run in parts: only batch norm without virtual batches or "
                        "batch renorm can",
                        eki_norm_kind_name(plan->desc.kind),
                        plan->renorm           ? " with batch renorm"
                        : plan->desc.ghost > 0 ? " with virtual batches"
                                               : "");
    }
    if (parts == NULL || (uintptr_t)parts % 64 != 0) {
        return eki_fail(err, EK_ERR_ARG, "parts is at %p, expected %zu bytes (ek_norm_parts_bytes), 64-byte aligned",
                        parts, ek_norm_parts_bytes(plan));
    }
    parts_header *header = parts;
    memset(header, 0, sizeof *header + flag_bytes(plan));
    header->magic = PARTS_MAGIC;
    header->fingerprint = plan->fingerprint;
    header->stage = COLLECTS_MOMENTS;
    return EK_OK;
}

static ek_status check_parts(const ek_norm_plan *plan, const parts_header *parts, ek_error *err) {
    if (plan == NULL) return eki_fail(err, EK_ERR_ARG, "plan is NULL, expected a plan from ek_norm_plan_create()");
    if (parts == NULL)
        return eki_fail(err, EK_ERR_ARG, "parts is NULL, expected memory that ek_norm_parts_begin() saw");
    if (parts->magic == PARTS_MAGIC && parts->fingerprint == plan->fingerprint) return EK_OK;
    return eki_fail(err, EK_ERR_STATE, "parts was not begun with this plan: call ek_norm_parts_begin() first");
}

/* The element-wise rounds take any examples. */
static ek_status check_count(const ek_norm_plan *plan, int64_t count, ek_error *err) {
    if (count >= 0 && count <= plan->samples) return EK_OK;
    return eki_fail(err, EK_ERR_SHAPE, "count is %lld, expected 0 to %lld examples", (long long)count,
                    (long long)plan->samples);
}

static ek_status check_range(const ek_norm_plan *plan, int64_t first, int64_t count, ek_error *err) {
    int64_t chunk = plan->units.chunk, n = plan->samples;
    if (first < 0 || count < 0 || first > n || count > n - first) {
        return eki_fail(err, EK_ERR_SHAPE, "first is %lld and count %lld, expected a part of the %lld examples",
                        (long long)first, (long long)count, (long long)n);
    }
    if (first % chunk != 0 || (count % chunk != 0 && first + count != n)) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "first is %lld and count %lld, expected whole chunks of %lld examples: set desc.chunk to the "
                        "number of examples in a part",
                        (long long)first, (long long)count, (long long)chunk);
    }
    return EK_OK;
}

/* Units [*begin, *end) of a part, none of them there before. */
static ek_status check_new(const ek_norm_plan *plan, parts_header *parts, int64_t first, int64_t count, int64_t *begin,
                           int64_t *end, ek_error *err) {
    EKI_TRY(check_range(plan, first, count, err));
    int64_t chunk = plan->units.chunk;
    *begin = first / chunk * plan->units.blocks;
    *end = (first + count + chunk - 1) / chunk * plan->units.blocks;
    for (int64_t u = *begin; u < *end; u++) {
        if (!flags_of(parts)[u]) continue;
        return eki_fail(err, EK_ERR_STATE, "example %lld is in a part of this round already: give every part once",
                        (long long)(u / plan->units.blocks * chunk));
    }
    return EK_OK;
}

static ek_status check_complete(const ek_norm_plan *plan, parts_header *parts, ek_error *err) {
    for (int64_t u = 0; u < plan->units.count; u++) {
        if (flags_of(parts)[u]) continue;
        return eki_fail(err, EK_ERR_STATE, "example %lld of %lld is in no part of this round yet: give all parts first",
                        (long long)(u / plan->units.blocks * plan->units.chunk), (long long)plan->samples);
    }
    return EK_OK;
}

static ek_status check_stage(const parts_header *parts, int64_t least, const char *before, ek_error *err) {
    if (parts->stage >= least) return EK_OK;
    return eki_fail(err, EK_ERR_STATE, "parts is not that far: call %s first", before);
}

/* The job of one part, under its part of the mask. */
static ek_status part_job(const ek_norm_plan *plan, const ek_norm_args *args, const ek_norm_plan *slice,
                          eki_float_mode caller, eki_job *job, ek_error *err) {
    EKI_TRY(eki_mask_check(slice, args, err));
    *job = eki_job_make(plan, args, caller);
    eki_job_of(job, slice);
    if (plan->masked) eki_mask_fill(job, args);
    return EK_OK;
}

/* Whether the whole batch leaves one value per channel. */
static bool single_value(const ek_norm_plan *plan, const parts_header *parts) {
    return plan->masked ? parts->positions == 1 : plan->set_size == 1;
}

/* The gradient coefficients outlive a call, so they are in `parts`. */
static void use_coefficients(const ek_norm_plan *plan, parts_header *parts, eki_job *job) {
    eki_job_gradient_at(job, flags_of(parts) + flag_bytes(plan));
}

ek_status ek_norm_parts_add(const ek_norm_plan *plan, void *parts, int64_t first, int64_t count,
                            const ek_norm_args *given, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    int64_t begin, end;
    ek_norm_plan slice;
    EKI_TRY(check_parts(plan, parts, err));
    parts_header *header = parts;
    if (header->stage != COLLECTS_MOMENTS) {
        return eki_fail(err, EK_ERR_STATE,
                        "the statistics are made already: call ek_norm_parts_begin() for a new batch");
    }
    EKI_TRY(check_new(plan, header, first, count, &begin, &end, err));
    eki_plan_slice(plan, count, &slice);
    EKI_TRY(eki_args_take_part(&slice, given, EKI_NEED_X, &args, err));
    if (slice.elements == 0) return EK_OK;
    eki_job job;
    EKI_TRY(part_job(plan, &args, &slice, caller, &job, err));
    job.moments = (eki_moments *)partials_of(plan, header) + begin * plan->channels;
    eki_run_stage(&job, EKI_OVER_UNITS, eki_phases_of(plan)->moments);
    header->positions += job.valid_count;
    memset(flags_of(header) + begin, 1, (size_t)(end - begin));
    return EK_OK;
}

ek_status ek_norm_parts_finish(const ek_norm_plan *plan, void *parts, const ek_norm_args *given, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    EKI_TRY(check_parts(plan, parts, err));
    parts_header *header = parts;
    if (header->stage != COLLECTS_MOMENTS) {
        return eki_fail(err, EK_ERR_STATE,
                        "the statistics are made already: call ek_norm_parts_begin() for a new batch");
    }
    if (plan->elements > 0) EKI_TRY(check_complete(plan, header, err));
    ek_small_sample policy = plan->desc.small_sample;
    if (single_value(plan, header) && (policy == EK_SMALL_ERROR || policy == EK_SMALL_USE_RUNNING)) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "the whole batch leaves one value per channel and desc.small_sample is %d, expected "
                        "EK_SMALL_BIASED (0) or EK_SMALL_SKIP_UPDATE (1) for a batch in parts",
                        (int)policy);
    }
    ek_norm_plan empty = *plan;
    empty.elements = 0;
    EKI_TRY(eki_args_take_part(&empty, given, EKI_NEED_SAVED | EKI_TAKES_STATISTICS, &args, err));
    eki_job job = eki_job_make(plan, &args, caller);
    job.moments = partials_of(plan, header);
    job.valid_count = header->positions;
    bool nothing = plan->elements == 0 || (plan->masked && header->positions == 0);
    if (!nothing) eki_run_stage(&job, EKI_OVER_CHANNELS, eki_batch_statistics);
    eki_stats_publish(&job, &args, nothing ? EKI_FROM_NOTHING : EKI_FROM_BATCH);
    header->stage = HAS_STATISTICS;
    return EK_OK;
}

ek_status ek_norm_parts_forward(const ek_norm_plan *plan, const void *parts, int64_t count, const ek_norm_args *given,
                                ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    ek_norm_plan slice;
    EKI_TRY(check_parts(plan, parts, err));
    EKI_TRY(check_stage(parts, HAS_STATISTICS, "ek_norm_parts_finish()", err));
    EKI_TRY(check_count(plan, count, err));
    eki_plan_slice(plan, count, &slice);
    EKI_TRY(eki_args_take_part(&slice, given, EKI_NEED_X | EKI_NEED_Y | EKI_NEED_SAVED, &args, err));
    EKI_TRY(eki_saved_check(plan, args.saved, "ek_norm_parts_forward()", err));
    if (slice.elements == 0) return EK_OK;
    eki_job job;
    EKI_TRY(part_job(plan, &args, &slice, caller, &job, err));
    eki_stats_complete(&job);
    eki_batch_coefficients(&job, 0, plan->channels);
    eki_run_stage(&job, EKI_OVER_CELLS, eki_phases_of(plan)->affine);
    return EK_OK;
}

ek_status ek_norm_parts_add_gradients(const ek_norm_plan *plan, void *parts, int64_t first, int64_t count,
                                      const ek_norm_args *given, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    int64_t begin, end;
    ek_norm_plan slice;
    EKI_TRY(check_parts(plan, parts, err));
    parts_header *header = parts;
    EKI_TRY(check_stage(header, HAS_STATISTICS, "ek_norm_parts_finish()", err));
    EKI_TRY(check_range(plan, first, count, err));
    eki_plan_slice(plan, count, &slice);
    EKI_TRY(eki_args_take_part(&slice, given, EKI_NEED_X | EKI_NEED_DY | EKI_NEED_SAVED, &args, err));
    EKI_TRY(eki_saved_check(plan, args.saved, "ek_norm_parts_add_gradients()", err));
    if (header->stage != COLLECTS_SUMS) {
        memset(flags_of(header), 0, flag_bytes(plan));
        header->positions_again = 0;
    }
    header->stage = COLLECTS_SUMS;
    EKI_TRY(check_new(plan, header, first, count, &begin, &end, err));
    if (slice.elements == 0) return EK_OK;
    eki_job job;
    EKI_TRY(part_job(plan, &args, &slice, caller, &job, err));
    job.sums = (eki_pair *)partials_of(plan, header) + begin * plan->channels;
    eki_stats_complete(&job);
    if (eki_computes_again(&job)) eki_batch_coefficients(&job, 0, plan->channels);
    eki_run_stage(&job, EKI_OVER_UNITS, eki_phases_of(plan)->gradsums);
    header->positions_again += job.valid_count;
    memset(flags_of(header) + begin, 1, (size_t)(end - begin));
    return EK_OK;
}

ek_status ek_norm_parts_finish_gradients(const ek_norm_plan *plan, void *parts, const ek_norm_args *given,
                                         ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    EKI_TRY(check_parts(plan, parts, err));
    parts_header *header = parts;
    bool empty = plan->elements == 0;
    EKI_TRY(check_stage(header, empty ? HAS_STATISTICS : COLLECTS_SUMS, "ek_norm_parts_add_gradients()", err));
    if (!empty) EKI_TRY(check_complete(plan, header, err));
    ek_norm_plan none = *plan;
    none.elements = 0;
    EKI_TRY(eki_args_take_part(&none, given, EKI_NEED_SAVED | EKI_TAKES_PARAMETERS, &args, err));
    EKI_TRY(eki_saved_check(plan, args.saved, "ek_norm_parts_finish_gradients()", err));
    eki_job job = eki_job_make(plan, &args, caller);
    job.valid_count = header->positions_again;
    if (plan->masked) EKI_TRY(eki_mask_check_again(&job, err));
    job.sums = partials_of(plan, header);
    eki_stats_complete(&job);
    use_coefficients(plan, header, &job);
    if (empty) {
        eki_zero_parameters(&job);
    } else {
        eki_run_stage(&job, EKI_OVER_CHANNELS, eki_batch_totals);
    }
    header->stage = HAS_GRADIENTS;
    return EK_OK;
}

ek_status ek_norm_parts_backward(const ek_norm_plan *plan, const void *parts, int64_t count, const ek_norm_args *given,
                                 ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    ek_norm_plan slice;
    EKI_TRY(check_parts(plan, parts, err));
    EKI_TRY(check_stage(parts, HAS_GRADIENTS, "ek_norm_parts_finish_gradients()", err));
    EKI_TRY(check_count(plan, count, err));
    eki_plan_slice(plan, count, &slice);
    EKI_TRY(eki_args_take_part(&slice, given, EKI_NEED_X | EKI_NEED_DY | EKI_NEED_DX | EKI_NEED_SAVED, &args, err));
    EKI_TRY(eki_saved_check(plan, args.saved, "ek_norm_parts_backward()", err));
    if (slice.elements == 0) return EK_OK;
    eki_job job;
    EKI_TRY(part_job(plan, &args, &slice, caller, &job, err));
    eki_stats_complete(&job);
    if (eki_computes_again(&job)) eki_batch_coefficients(&job, 0, plan->channels);
    use_coefficients(plan, (parts_header *)(uintptr_t)parts, &job);
    eki_run_stage(&job, EKI_OVER_CELLS, eki_phases_of(plan)->gradaffine);
    return EK_OK;
}
