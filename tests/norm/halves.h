/* halves.h: a plan of bf16 or f16 beside a fixture, which is f32 and whose tensors are rounded to that type. */
#ifndef HALVES_H
#define HALVES_H

#include "kernel/kernel.h"
#include "norm/fixture.h"

typedef struct halves {
    eki_data data;
    ek_norm_plan *plan;
    ek_norm_args args;
    uint16_t *x, *y, *dy, *dx, *residual, *dresidual;
    float *dscale, *dbias, *mean, *var;
} halves;

/* Rounds x, dy and residual of `f` to `dtype`, and makes a plan of that type with the same values and parameters. */
halves *halves_make(fixture *f, ek_dtype dtype);
void halves_free(halves *h);

/* Runs the plan; asserts success. */
void halves_forward(const fixture *f, halves *h, ek_norm_stats stats);
void halves_backward(const fixture *f, halves *h);

/* Whether `a` is b, each element rounded once. */
int halves_equal(const halves *h, const uint16_t *a, const float *b, size_t n);

#endif
