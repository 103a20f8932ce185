/* trial.h: one problem for the bounds: a descriptor, its numbers, a run of it, and the results as double.
 *
 * Inputs and results are kept in logical order as doubles that the data type holds exactly; the run converts them.
 */
#ifndef BOUNDS_TRIAL_H
#define BOUNDS_TRIAL_H

#include "norm/norm_plan.h"
#include "norm/norm_stats.h"
#include <evenkeel/norm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct trial {
    ek_norm_desc desc;
    ek_norm_stats stats; /* of the forward */
    ek_norm_plan *plan;
    size_t elements, buffer, sets, parameters;
    uint32_t *set, *parameter, *unit, *offset, *order; /* of every element; unit and order: within its set */
    uint32_t units;                                    /* of a set, at most */
    uint8_t *mask;                                     /* [N, space] or NULL */
    bool scaled, biased;                               /* scale and bias are given */
    double *x, *dy, *residual, *scale, *bias, *running_mean, *running_var;
    double *y, *dx, *dresidual, *dscale, *dbias, *mean, *var; /* results */
    double *set_mean, *set_var, *set_rstd;                    /* f64 statistics of the forward */
    ek_norm_args args;
    void *typed[6],
        *small[9]; /* x, y, dy, dx, residual, dresidual; scale, bias, dscale, dbias, running, mean, var, rstd */
    size_t flags;  /* of backward: ek_norm_flags */
    bool given;    /* backward has the mean and rstd that forward reported, and no other statistics */
    double *old_dx, *old_dscale, *old_dbias, *rstd; /* what gradients are added to; rstd as forward reports it */
    double levels_more;                             /* of merging, beyond those of one process: N16 */
    bool results;                                   /* of a type of less digits: results are rounded once more */
} trial;

/* NULL where the descriptor is refused. */
trial *trial_make(const ek_norm_desc *desc, ek_norm_stats stats);
void trial_free(trial *t);

/* The nearest number that the type of the tensors, or of the parameters, holds; at most half of the largest. */
double trial_rounded(const trial *t, double value);
double trial_parameter(const trial *t, double value);

bool trial_valid(const trial *t, size_t i);

/* Forward, and with `backward` that too; false where the library refuses. */
bool trial_run(trial *t, bool backward);

#endif
