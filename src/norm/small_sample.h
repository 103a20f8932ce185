/* small_sample.h: when a batch, or a virtual one, has one value per channel, and what desc.small_sample says then. */
#ifndef EKI_SMALL_SAMPLE_H
#define EKI_SMALL_SAMPLE_H

#include "norm/job.h"

int64_t eki_ghost_samples(const ek_norm_plan *plan, int64_t g);  /* examples of the g-th virtual batch */
int64_t eki_ghost_count(const ek_norm_plan *plan, int64_t g);    /* values per channel in it */
bool eki_small_single(const ek_norm_plan *plan);                 /* some (virtual) batch has one value per channel */
bool eki_small_frozen(const ek_norm_plan *plan);                 /* the policy forbids an update */
bool eki_small_running(const ek_norm_plan *plan, int64_t count); /* of `count` values per channel takes running ones */

#endif
