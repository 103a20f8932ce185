/* norm_key.h: what must agree for `saved` of one plan to be read by another: everything that changes its meaning. */
#ifndef EKI_NORM_KEY_H
#define EKI_NORM_KEY_H

#include <evenkeel/norm.h>

/* No padding, so that keys compare as bytes. */
typedef struct eki_norm_key {
    int32_t kind, layout, dtype, rank, axis, affine, small_sample, renorm, masked, activation, residual, reserved;
    int64_t groups, ghost;
    int64_t dims[EK_NORM_MAX_RANK]; /* 0 from `rank` on */
    double epsilon;
} eki_norm_key;

/* Of a checked descriptor. */
eki_norm_key eki_norm_key_of(const ek_norm_desc *desc);

/* "its desc.epsilon is 1e-05, the plan's is 0.001": the first field in which two keys differ. */
enum { EKI_KEY_TEXT = 640 };
const char *eki_norm_key_difference(const eki_norm_key *saved, const eki_norm_key *plan, char text[EKI_KEY_TEXT]);

#endif
