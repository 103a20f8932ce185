/* ghost.h: batch norm over virtual batches. */
#ifndef EKI_NORM_GHOST_H
#define EKI_NORM_GHOST_H

#include "norm/job.h"

void eki_ghost_forward(const eki_job *job, bool running);
void eki_ghost_again(const eki_job *job);
void eki_ghost_backward(const eki_job *job, bool through_statistics);

/* Some (virtual) batch has one valid value per channel. */
bool eki_masked_single(const eki_job *job);

/* The job of samples [first, first + slice->samples) of a BATCH job, whose statistics are those of set `set` on. */
eki_job eki_job_slice(const eki_job *job, const ek_norm_plan *slice, int64_t first, int64_t set);

#endif
