/* norm_overlap.h: which arguments of a call may share memory. */
#ifndef EKI_NORM_OVERLAP_H
#define EKI_NORM_OVERLAP_H

#include "norm/norm_plan.h"

/* Arguments, as bits of a set. */
enum {
    EKI_ARG_Y = 1 << 0,
    EKI_ARG_DX = 1 << 1,
    EKI_ARG_DRESIDUAL = 1 << 2,
    EKI_ARG_X = 1 << 3,
    EKI_ARG_DY = 1 << 4,
    EKI_ARG_RESIDUAL = 1 << 5,
    EKI_ARG_DSCALE = 1 << 6,
    EKI_ARG_DBIAS = 1 << 7,
    EKI_ARG_SCALE = 1 << 8,
    EKI_ARG_BIAS = 1 << 9,
    EKI_ARG_RUNNING_MEAN = 1 << 10,
    EKI_ARG_RUNNING_VAR = 1 << 11,
    EKI_ARG_MEAN = 1 << 12,
    EKI_ARG_VAR = 1 << 13,
    EKI_ARG_SAVED = 1 << 14,
    EKI_ARG_WORKSPACE = 1 << 15,
    EKI_ARG_LENGTHS = 1 << 16,
    EKI_ARG_MASK = 1 << 17,
    EKI_ARG_RSTD = 1 << 18
};

/* What a call writes lies apart from all it reads and writes, or, for a few pairs, is the same: the table of
 * ek_norm_args. Arguments in neither set, and those that are NULL, are not looked at. */
ek_status eki_overlap_check(const ek_norm_plan *plan, const ek_norm_args *args, unsigned reads, unsigned writes,
                            ek_error *err);

#endif
