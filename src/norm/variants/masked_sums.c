/* masked_sums.c: partial moments of the elements at valid positions, in row memory; column memory sums runs of valid
 * rows (phase_moments.c, phase_gradsums.c). The shift of a unit is its first valid element.
 *
 * A masked element is passed over and its neighbours stay in their lanes, so a mask that hides nothing gives the bits
 * of the norm without one.
 */
#include "norm/variants/mask.h"

#include <string.h>

eki_moments eki_masked_row_moments(const eki_job *job, eki_span s, int64_t channel) {
    const ek_norm_plan *plan = job->plan;
    int64_t space = plan->space, stride = plan->channels * space, n = 0;
    const void *x = eki_from(job, job->x, (s.sample * plan->channels + channel) * space + s.begin);
    const unsigned char *valid = job->valid + s.sample * space + s.begin;
    double shift = 0, sums[2];
    for (int64_t i = 0; i < s.samples; i++) {
        int64_t begin = 0, end = 0;
        bool any = n == 0 && eki_next_run(valid + i * space, s.length, &begin, &end);
        if (any && plan->centred) shift = eki_value(job, eki_from(job, x, i * stride + begin));
        n += eki_count_valid(valid + i * space, s.length);
    }
    if (n == 0) return (eki_moments){0, 0, 0};
    job->kernels->row_moments_masked(x, valid, (size_t)s.length, (size_t)s.samples, (size_t)stride, (size_t)space,
                                     shift, sums);
    return eki_moments_from_sums((double)n, shift, sums[0], sums[1], plan->centred);
}

/* The mask of a block of a set: that of its sample, once per channel. */
static const unsigned char *block_mask(const eki_job *job, int64_t set, int64_t begin, int64_t length,
                                       unsigned char buffer[EKI_ROW_LIMIT]) {
    const ek_norm_plan *plan = job->plan;
    const unsigned char *valid = job->valid + set / plan->groups * plan->space;
    int64_t at = begin % plan->space;
    if (at + length <= plan->space) return valid + at;
    for (int64_t i = 0; i < length;) {
        int64_t rest = plan->space - at, count = length - i < rest ? length - i : rest;
        memcpy(buffer + i, valid + at, (size_t)count);
        i += count;
        at = 0;
    }
    return buffer;
}

eki_moments eki_masked_set_block(const eki_job *job, int64_t set, int64_t block) {
    const ek_norm_plan *plan = job->plan;
    unsigned char buffer[EKI_ROW_LIMIT];
    int64_t begin = block * EKI_ROW_LIMIT, rest = plan->set_size - begin, first = 0, end = 0;
    int64_t length = rest < EKI_ROW_LIMIT ? rest : EKI_ROW_LIMIT;
    const void *x = eki_from(job, job->x, set * plan->set_size + begin);
    const unsigned char *valid = block_mask(job, set, begin, length, buffer);
    if (!eki_next_run(valid, length, &first, &end)) return (eki_moments){0, 0, 0};
    double shift = plan->centred ? eki_value(job, eki_from(job, x, first)) : 0.0, sums[2];
    job->kernels->row_moments_masked(x, valid, (size_t)length, 1, 0, 0, shift, sums);
    return eki_moments_from_sums((double)eki_count_valid(valid, length), shift, sums[0], sums[1], plan->centred);
}
