/* theorems.h: the inequalities of docs/numerics.md, by their numbers, held against the results of a trial. */
#ifndef BOUNDS_THEOREMS_H
#define BOUNDS_THEOREMS_H

#include "bounds/reference.h"

typedef enum theorem {
    N_NONE,
    N1_MEAN,
    N2_VARIANCE,
    N3_RSTD,
    N4_PUBLISHED,
    N5_RUNNING,
    N6_Y,
    N7_Y_RUNNING,
    N8_HALVES,
    N9_DBIAS,
    N10_DSCALE,
    N11_DX,
    N12_DX_RUNNING,
    N13_ACTIVATION,
    N14_SLOPE,
    N15_RENORM,
    N16_RANKS,
    N17_MERGED,
    N18_GIVEN,
    N19_ADDED,
    N20_FROM_Y,
    THEOREMS
} theorem;

extern const char *const theorem_names[THEOREMS];

/* What a trial shows: per theorem the worst ratio of error to bound, the outputs held against it, and the kernel. */
typedef struct findings {
    double ratio[THEOREMS];
    uint64_t outputs[THEOREMS];
    const char *kernel[THEOREMS];
} findings;

void found(findings *f, theorem n, double error, double bound);

/* Leaves a part out of every bound, to see that it is broken then: "mean" (dm in y and the gradients), "rstd" (rho),
 * "sums", "roundings" (w), "narrowing" (c), "halves" (h). False where there is no such part. */
bool theorems_without(const char *part);

/* Forward and, where it was run, backward. */
void check_trial(const trial *t, bool backward, findings *f);

/* |y computed of t computed - y of t| where t is off by `off` at most, and the same of the slope; INFINITY where
 * nothing is said: beside a corner. (activations.c) */
double activation_bound(const ek_norm_desc *desc, const arithmetic *type, real t, double off);
double slope_bound(const ek_norm_desc *desc, const arithmetic *type, real t, double off);

/* Which kernels a plan runs: moments, sums of parameters, sums of sets, affine, gradient. (kernels.c) */
typedef struct kernel_names {
    const char *moments, *affine, *parameters, *sums, *gradient;
} kernel_names;
kernel_names kernels_of(const trial *t);

#endif
