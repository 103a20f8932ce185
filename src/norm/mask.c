/* mask.c: which positions of each example take part: from args.lengths and args.mask to one byte per position.
 *
 * The bytes are in the workspace, so that every masked loop looks at one array whatever the caller gave.
 */
#include "base/error.h"
#include "norm/norm_job.h"

/* Positions of one step along the first spatial dimension, and its extent. */
static int64_t first_extent(const ek_norm_plan *plan) { return plan->desc.rank > 2 ? plan->desc.dims[2] : 1; }

static ek_status check_lengths(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err) {
    if (args->lengths == NULL) return EK_OK;
    for (int64_t n = 0; n < plan->samples; n++) {
        if (args->lengths[n] >= 0 && args->lengths[n] <= first_extent(plan)) continue;
        return eki_fail(err, EK_ERR_SHAPE,
                        "args.lengths[%lld] is %lld, expected 0 to %lld, the extent of the first dimension after the "
                        "channels",
                        (long long)n, (long long)args->lengths[n], (long long)first_extent(plan));
    }
    return EK_OK;
}

ek_status eki_mask_check(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err) {
    bool given = args->lengths != NULL || args->mask != NULL;
    if (given && !plan->masked) {
        return eki_fail(err, EK_ERR_ARG, "args.%s is given, but desc.masked is 0: make the plan with desc.masked = 1",
                        args->lengths != NULL ? "lengths" : "mask");
    }
    if (!plan->masked) return EK_OK;
    if (!given) {
        return eki_fail(
            err, EK_ERR_ARG,
            "args.lengths and args.mask are NULL, but desc.masked is 1: give one of them (or both), or make "
            "the plan with desc.masked = 0");
    }
    return check_lengths(plan, args, err);
}

static int64_t fill_sample(const ek_norm_plan *plan, const ek_norm_args *args, int64_t n, unsigned char *valid) {
    int64_t space = plan->space, end = space, count = 0;
    if (args->lengths != NULL) end = args->lengths[n] * (space / first_extent(plan));
    for (int64_t s = 0; s < space; s++) {
        valid[s] = s < end && (args->mask == NULL || args->mask[n * space + s] != 0);
        count += valid[s];
    }
    return count;
}

void eki_mask_fill(eki_job *job, const ek_norm_args *args) {
    const ek_norm_plan *plan = job->plan;
    job->valid_count = 0;
    for (int64_t n = 0; n < plan->samples && plan->elements > 0; n++) {
        job->valid_count += fill_sample(plan, args, n, job->valid + n * plan->space);
    }
}

ek_status eki_mask_check_again(const eki_job *job, ek_error *err) {
    int64_t before = job->stats.header->positions;
    if (before == job->valid_count) return EK_OK;
    return eki_fail(err, EK_ERR_STATE,
                    "args.lengths and args.mask leave %lld positions, the forward had %lld: give backward the mask of "
                    "its forward",
                    (long long)job->valid_count, (long long)before);
}
