/* mask.h: norms of which some positions take no part. */
#ifndef EKI_NORM_MASK_H
#define EKI_NORM_MASK_H

#include "norm/job.h"

/* mask.c: args.lengths and args.mask as job->valid. */
ek_status eki_mask_check(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err);
void eki_mask_fill(eki_job *job, const ek_norm_args *args);
ek_status eki_mask_check_again(const eki_job *job, ek_error *err); /* the mask of the forward? */

/* Runs of valid positions: from *end on, the next [*begin, *end); false when there is none. NULL = all are valid. */
bool eki_next_run(const unsigned char *valid, int64_t n, int64_t *begin, int64_t *end);
int64_t eki_count_valid(const unsigned char *valid, int64_t n);

static inline const unsigned char *eki_valid_at(const eki_job *job, int64_t sample, int64_t position) {
    return job->valid != NULL ? job->valid + sample * job->plan->space + position : NULL;
}

/* ROWS: the whole row is hidden. */
static inline bool eki_row_hidden(const eki_job *job, int64_t row) {
    return job->valid != NULL && job->plan->family == EKI_ROWS && !job->valid[row];
}

/* Zeros at what is hidden of a tensor that was written: elements of one sample and channel, or rows of columns. */
void eki_hide_segments(const eki_job *job, void *tensor, eki_rows rows);
void eki_hide_rows(const eki_job *job, void *tensor, int64_t offset, const unsigned char *valid, int64_t rows,
                   int64_t cols);

/* masked_sums.c: moments of one unit and channel, or of one block of a contiguous set. */
eki_moments eki_masked_row_moments(const eki_job *job, eki_span span, int64_t channel);
eki_moments eki_masked_set_block(const eki_job *job, int64_t set, int64_t block);

#endif
