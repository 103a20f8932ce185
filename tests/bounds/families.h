/* families.h: inputs that norms find hard, and random descriptors. All of it is a function of a seed. */
#ifndef BOUNDS_FAMILIES_H
#define BOUNDS_FAMILIES_H

#include "bounds/trial.h"

/* splitmix64 */
typedef struct draws {
    uint64_t state;
} draws;
uint64_t draw(draws *d);
double uniform(draws *d, double low, double high);
static inline int below(draws *d, int n) { return (int)(draw(d) % (uint64_t)n); }
static inline bool chance(draws *d, double p) { return uniform(d, 0, 1) < p; }

/* Families of x. */
typedef enum x_family {
    X_NOISE,
    X_FAR,       /* |mean| / s from 100 to 1e7 */
    X_OUTLIER,   /* one, first, last or anywhere */
    X_ALTERNATE, /* m + s, m - s, with a little noise */
    X_GEOMETRIC,
    X_DENORMAL,
    X_HUGE,
    X_ULPS,   /* a few units in the last place about m */
    X_STAIR,  /* large first, then what is just lost in their sum, */
    X_STAIRS, /* or in the sum of their squares */
    X_TWO,
    X_LONELY, /* constant but for one unit in the last place */
    X_BITS,   /* random exponents */
    X_DRIFT,  /* parts of the set have other means */
    FAMILIES
} x_family;

/* Fills everything of a trial: a family of x, dy (often made of x, so that dx cancels), parameters, mask. */
void fill(trial *t, draws *d, int family);

/* A descriptor of about `least` to `elements` elements, and what the trial leaves out. `type` 0 = any. */
ek_norm_desc random_desc(draws *d, double least, double elements, ek_dtype type, ek_norm_stats *stats);

#endif
