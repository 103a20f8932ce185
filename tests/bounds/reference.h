/* reference.h: the exact values of a trial, and the magnitudes in which its bounds are stated. */
#ifndef BOUNDS_REFERENCE_H
#define BOUNDS_REFERENCE_H

#include "bounds/arithmetic.h"
#include "bounds/trial.h"

/* Lengths of the longest chains of additions: within units, and levels of trees over them. */
typedef struct chains {
    double unit, levels;   /* moments of a set */
    double parameter, set; /* sums of dscale, dbias; of k1, k2 */
} chains;

/* One unit: d = x - K, K its shift; for f64 d = x - mean. */
typedef struct unit_ref {
    double n;
    real shift;
    exact_sum d;    /* sum d */
    real s1, s2;    /* sum |d|, sum d^2 */
    real about, m2; /* sum |x - mean|, sum (x - mean)^2, of the mean of the unit */
    real offset;    /* of the mean from the shift */
} unit_ref;

/* A set: exact statistics and the bounds of what is computed for them. */
typedef struct set_ref {
    double n;
    real origin, offset; /* the mean is their sum, which one long double may not hold */
    real mean, var, rstd;
    double dmean, dvar, drstd; /* N1, N2, absolute; N3, relative, or infinite: nothing is said */
    /* Batch renorm: y = scale (factor xhat + shift) + bias; else 1, 0. Errors: relative, absolute. */
    real factor, shift;
    double dfactor, dshift;
    /* Sums over the set of a = scale g: signed, of magnitudes, of a xhat, of |a| (|x - mean| + dmean). */
    exact_sum a, ax;
    real a_size, ax_size, az_size; /* the last from y: |a| Z */
    double scale_most;
    real k1, k2;
    double dk1, dk2;
} set_ref;

/* The elements of one parameter in one set: of g = dy before the activation. */
typedef struct pair_ref {
    exact_sum g, gx; /* sum g, sum g (x - mean) */
    real g_size, gx_size, gz_size;
    double n;
} pair_ref;

typedef struct reference {
    chains chain;
    arithmetic type;
    set_ref *sets;
    unit_ref *units; /* [set][unit] */
} reference;

/* Statistics and their bounds. */
reference reference_make(const trial *t);
void reference_free(reference *r);

static inline real from_mean(const set_ref *set, double x) { return ((real)x - set->origin) - set->offset; }

/* t = scale (factor xhat + shift) + bias + residual of an element, exactly. */
typedef struct affine_ref {
    real xhat, scaled, t; /* scaled: scale factor xhat */
} affine_ref;
affine_ref reference_affine(const trial *t, const reference *r, size_t i);

/* The gradient before the activation that backward formed: dy, or dresidual. */
static inline real reference_g(const trial *t, size_t i) {
    return (real)(t->desc.activation != EK_ACTIVATION_NONE ? t->dresidual[i] : t->dy[i]);
}

#endif
