/* checking.h: what the files of the theorems share: theorems.c (statistics, y), gradients.c. */
#ifndef BOUNDS_CHECKING_H
#define BOUNDS_CHECKING_H

#include "bounds/theorems.h"

typedef struct checking {
    const trial *t;
    reference *r;
    findings *f;
    bool running, from_y;
} checking;

static inline double distance(double computed, real exact) { return (double)fabsl((real)computed - exact); }

/* An element of y or dx, which a 16-bit plan rounds once more. */
void check_result(const checking *c, theorem n, double computed, real exact, double bound);

/* Error of t before the activation; whether every number on the way to y and dx fits the type. */
double affine_error(const checking *c, size_t i, const affine_ref *a);
bool affine_fits(const checking *c, size_t i, const affine_ref *a);

/* Batch renorm: the errors of what is added to scale xhat. */
double shift_error(const checking *c, const set_ref *set, double scale, double bias);

/* N9 to N12, and N15, N18 to N20. */
void check_gradients(const checking *c);

#endif
