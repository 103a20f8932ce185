/* arithmetic.h: unit roundoffs, exact-enough sums, and the constants that docs/numerics.md names.
 *
 * Reference quantities are long double (64 bits of significand at least) with compensated sums; bounds are double.
 */
#ifndef BOUNDS_ARITHMETIC_H
#define BOUNDS_ARITHMETIC_H

#include <evenkeel/status.h>
#include <float.h>
#include <math.h>

_Static_assert(LDBL_MANT_DIG >= 64, "the reference needs a long double of 64 bits or more");

typedef long double real;

#define U 0x1p-53             /* unit roundoff of f64 */
#define V 0x1p-24             /* of f32 */
#define THETA (1.0 + 0x1p-18) /* holds every product of two roundings: counts are below 2^30 */

/* Terms that are added up in f32 before their sum enters the f64 sums; 1 = none are. docs/numerics.md, "Sums": such
 * terms are formed in f32 too, by three roundings at most. */
#define NARROW_TERMS 1

/* A sum of terms formed with some roundings: the longest chain of additions and those roundings, in f64. */
extern double chain_weight; /* 1, or 0: bounds without the errors of sums, which are broken then */
static inline double chain(double length) {
    const double narrow = NARROW_TERMS > 1 ? (NARROW_TERMS + 2) * V : 0.0;
    return chain_weight * (length * U + narrow) * THETA;
}

/* Neumaier's sum: the error is that of the last rounding. */
typedef struct exact_sum {
    real s, c;
} exact_sum;

static inline void add(exact_sum *a, real x) {
    real t = a->s + x, z = t - a->s;
    a->c += (a->s - (t - z)) + (x - z);
    a->s = t;
}
static inline real total(const exact_sum *a) { return a->s + a->c; }

/* What a type of data computes in: f32 (and what is widened to it), or f64. */
typedef struct arithmetic {
    double w;            /* unit roundoff */
    double half;         /* half of the smallest number: the error of a product that underflows */
    double narrowed;     /* what it costs to put an f64 there: w, or 0 for f64 */
    double under;        /* what an f64 product may lose by underflow; 0 where inputs are f32: none can */
    double h, h_half;    /* one more rounding of results (bf16, f16), or 0 */
    double most, h_most; /* largest numbers */
} arithmetic;

static inline arithmetic arithmetic_of(ek_dtype type) {
    arithmetic a = {V, 0x1p-150, V, 0, 0, 0, (double)FLT_MAX, (double)FLT_MAX};
    if (type == EK_F64) a = (arithmetic){U, 0x1p-1074, 0, 0x1p-1074, 0, 0, DBL_MAX, DBL_MAX};
    if (type == EK_BF16) a.h = 0x1p-8, a.h_half = 0x1p-134, a.h_most = 0x1.fep127;
    if (type == EK_F16) a.h = 0x1p-11, a.h_half = 0x1p-25, a.h_most = 65504;
    return a;
}

#endif
