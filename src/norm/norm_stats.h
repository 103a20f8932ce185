/* norm_stats.h: the statistics of every set, `saved`, and the coefficients that the affine phases read. */
#ifndef EKI_NORM_STATS_H
#define EKI_NORM_STATS_H

#include "kernel/kernel.h"
#include "norm/norm_plan.h"
#include "norm/partial.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum eki_source { EKI_FROM_BATCH = 1, EKI_FROM_RUNNING = 2, EKI_FROM_NOTHING = 3 } eki_source;

/* What `saved` begins with; mean (not of RMS norm, where it is 0) and var of every set follow, as f64; with batch
 * renorm r and d; with a mask the count. rstd is made of var again. */
typedef struct eki_saved_header {
    uint64_t magic;
    eki_norm_key key;  /* of the plan */
    int64_t count;     /* elements per set */
    int64_t positions; /* with a mask: valid positions of all samples */
    uint32_t source;   /* eki_source */
    uint16_t frozen;   /* 1 = the small sample policy forbids an update */
    uint8_t spread;    /* 1 = of a batch over several ranks, `count` elements in all */
    uint8_t given;     /* 1 = the caller gave the statistics, and var holds rstd */
} eki_saved_header;

#define EKI_SAVED_MAGIC UINT64_C(0x4556454e4b454c31) /* "EVENKEL1" */

typedef struct eki_stats {
    eki_saved_header *header;
    double *mean, *rstd, *var;
    double *n;     /* with a mask: elements of the set; else NULL */
    double *r, *d; /* batch renorm: xhat * r + d takes the place of xhat; else NULL */
} eki_stats;

uint64_t eki_saved_bytes(const ek_norm_plan *plan);

/* What of the statistics is not in `saved`: rstd and, where that lacks it or it is about another x, mean. */
uint64_t eki_stats_bytes(const ek_norm_plan *plan);

/* Statistics in `saved`, and in `more` of so many bytes, which may be NULL where they are not needed. */
eki_stats eki_stats_at(const ek_norm_plan *plan, void *saved, void *more);

/* Variance of a set in `saved`, also where rstd was given: then what is left of 1 / rstd^2. */
double eki_saved_var(const ek_norm_plan *plan, const eki_stats *stats, int64_t set);

/* The header, of statistics from `source`; what only a mask knows is 0. */
void eki_saved_begin(const ek_norm_plan *plan, void *saved, eki_source source);

/* rstd = 1 / sqrt(var + epsilon), or 0 where that sum is 0, so that y = bias there. */
double eki_rstd(double var, double epsilon);
void eki_rstds(const double *var, int64_t count, double epsilon, double *rstd);

/* Mean, variance and rstd of one set from its merged moments; of an empty set mean and variance are 0. */
void eki_stats_set(const eki_stats *stats, int64_t set, eki_moments moments, double epsilon);

eki_scaling eki_scaling_make(double mean, double rstd, double scale, double bias);
eki_gradient eki_gradient_make(double mean, double rstd, double scale, double k1, double k2);

#endif
