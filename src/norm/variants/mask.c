/* mask.c: which positions of each example take part: from args.lengths and args.mask to one byte per position.
 *
 * The bytes are in the workspace, so that every masked loop looks at one array whatever the caller gave.
 */
#include "norm/variants/mask.h"

#include "base/error.h"

#include <string.h>

/* Extent of the dimension that lengths are about: the first after the channels, or that of rows after the examples. */
static int64_t first_extent(const ek_norm_plan *plan) {
    const ek_norm_desc *d = &plan->desc;
    if (plan->family == EKI_ROWS) return d->axis > 1 ? d->dims[1] : 1;
    return d->rank > 2 ? d->dims[2] : 1;
}

static ek_status check_lengths(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err) {
    if (args->lengths == NULL) return EK_OK;
    for (int64_t n = 0; n < plan->mask_examples; n++) {
        if (args->lengths[n] >= 0 && args->lengths[n] <= first_extent(plan)) continue;
        return eki_fail(err, EK_ERR_SHAPE,
                        "args.lengths[%lld] is %lld, expected 0 to %lld, the extent of the first dimension after the "
                        "%s",
                        (long long)n, (long long)args->lengths[n], (long long)first_extent(plan),
                        plan->family == EKI_ROWS ? "examples" : "channels");
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

static int64_t fill_example(const ek_norm_plan *plan, const ek_norm_args *args, int64_t n, unsigned char *valid) {
    int64_t positions = plan->mask_positions, end = positions, count = 0;
    if (args->lengths != NULL) end = args->lengths[n] * (positions / first_extent(plan));
    for (int64_t s = 0; s < positions; s++) {
        valid[s] = s < end && (args->mask == NULL || args->mask[n * positions + s] != 0);
        count += valid[s];
    }
    return count;
}

void eki_mask_fill(eki_job *job, const ek_norm_args *args) {
    const ek_norm_plan *plan = job->plan;
    job->valid_count = 0;
    for (int64_t n = 0; n < plan->mask_examples && plan->elements > 0; n++) {
        job->valid_count += fill_example(plan, args, n, job->valid + n * plan->mask_positions);
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

bool eki_next_run(const unsigned char *valid, int64_t n, int64_t *begin, int64_t *end) {
    if (*end >= n) return false;
    if (valid == NULL) {
        *begin = *end;
        *end = n;
        return true;
    }
    const unsigned char *first = memchr(valid + *end, 1, (size_t)(n - *end));
    if (first == NULL) return false;
    *begin = first - valid;
    const unsigned char *last = memchr(first, 0, (size_t)(n - *begin));
    *end = last != NULL ? last - valid : n;
    return true;
}

/* Eight bytes at a time, each of them a sum of its own, at most 255. */
int64_t eki_count_valid(const unsigned char *valid, int64_t n) {
    const uint64_t even = UINT64_C(0x00ff00ff00ff00ff), fours = UINT64_C(0x0001000100010001);
    int64_t count = 0, i = 0;
    while (i + 8 <= n) {
        uint64_t sums = 0;
        for (int turn = 0; turn < 255 && i + 8 <= n; turn++, i += 8) {
            uint64_t word;
            memcpy(&word, valid + i, 8);
            sums += word;
        }
        uint64_t pairs = (sums & even) + (sums >> 8 & even);
        count += (int64_t)(pairs * fours >> 48);
    }
    for (; i < n; i++) count += valid[i];
    return count;
}

void eki_hide_segments(const eki_job *job, void *tensor, eki_rows rows) {
    if (job->valid == NULL || tensor == NULL) return;
    const ek_norm_plan *plan = job->plan;
    const unsigned char *valid = eki_valid_at(job, rows.sample, rows.begin);
    for (int64_t c = rows.channel; c < rows.channel + rows.count; c++) {
        void *row = eki_to(job, tensor, (rows.sample * plan->channels + c) * plan->space + rows.begin);
        job->kernels->row_hide(row, row, valid, (size_t)rows.length);
    }
}

void eki_hide_rows(const eki_job *job, void *tensor, int64_t offset, const unsigned char *valid, int64_t rows,
                   int64_t cols) {
    if (valid == NULL || tensor == NULL) return;
    int64_t stride = eki_tile_stride(job->plan);
    size_t bytes = (size_t)(cols * job->plan->element_bytes);
    for (int64_t row = 0; row < rows; row++) {
        if (!valid[row]) memset(eki_to(job, tensor, offset + row * stride), 0, bytes);
    }
}
