/* norm_args.h: the pointers of a call, taken over from a caller of any version, and their checks. */
#ifndef EKI_NORM_ARGS_H
#define EKI_NORM_ARGS_H

#include "norm/norm_plan.h"

/* Each copies `given` into `args` and checks that. plan and given may be NULL, which is an error. */
ek_status eki_args_take_forward(const ek_norm_plan *plan, ek_norm_stats stats, const ek_norm_args *given,
                                ek_norm_args *args, ek_error *err);
ek_status eki_args_take_backward(const ek_norm_plan *plan, const ek_norm_args *given, ek_norm_args *args,
                                 ek_error *err);
ek_status eki_args_take_again(const ek_norm_plan *plan, const ek_norm_args *given, ek_norm_args *args, ek_error *err);
/* What a call over a part of a batch needs; TAKES: writes it where it is given. */
enum {
    EKI_NEED_X = 1,
    EKI_NEED_Y = 2,
    EKI_NEED_DY = 4,
    EKI_NEED_DX = 8,
    EKI_NEED_SAVED = 16,
    EKI_TAKES_DX = 32,
    EKI_TAKES_STATISTICS = 64, /* saved, mean, var */
    EKI_TAKES_PARAMETERS = 128 /* dscale, dbias */
};
ek_status eki_args_take_part(const ek_norm_plan *slice, const ek_norm_args *given, unsigned need, ek_norm_args *args,
                             ek_error *err);
ek_status eki_args_check_running(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err);
ek_status eki_saved_check(const ek_norm_plan *plan, const void *saved, const char *call, ek_error *err);
ek_status eki_small_sample_error(const ek_norm_plan *plan, ek_error *err);

/* norm_running.c: the plan is of batch norm, and the two arrays are there and apart. */
ek_status eki_running_check(const ek_norm_plan *plan, const void *mean, const void *var, ek_error *err);

/* fusion.c: backward finds the slope of the activation from the y of the forward. */
bool eki_reads_output(const ek_norm_plan *plan);

#endif
