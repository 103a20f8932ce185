/* fixture.h: one plan with its buffers, random data, and what the reference says about it. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "support/norm_ref.h"
#include <evenkeel/norm.h>
#include <setjmp.h>
#include <stdarg.h>

typedef struct fixture {
    ek_norm_desc desc;
    ek_norm_plan *plan;
    ek_norm_args args;
    size_t elements, buffer, sets, parameters;
    float *x, *y, *dy, *dx;               /* buffers in the layout of the plan; padding of inputs is NaN */
    float *residual, *dresidual;          /* likewise, where the plan has a residual */
    float *scale, *bias, *dscale, *dbias; /* parameters */
    float *mean, *var;                    /* of the sets, as forward reports them */
    float *running_mean, *running_var;    /* BATCH: [C] */
    size_t *set, *parameter;              /* of every logical element */
    double *rx, *ry, *rdy, *rdx;          /* reference values, in logical order */
    double *rresidual, *rdresidual;
    double *rscale, *rbias, *rdscale, *rdbias, *rmean, *rvar;
} fixture;

/* "batch 4,6,5,5 nchw", axis, groups, ... */
typedef struct shape {
    ek_norm_kind kind;
    ek_layout layout;
    int rank;
    int64_t dims[EK_NORM_MAX_RANK];
    int axis;
    int64_t groups;
    ek_norm_affine affine;
} shape;

ek_norm_desc shape_desc(const shape *s);
const char *shape_text(const shape *s);

/* Every kind, layout, rank and axis worth a case. */
extern shape all_shapes[];
extern size_t all_shapes_count, listed_shapes_count; /* listed: those that stand in fixture.c, which come first */

/* Completes an array of shapes, ended by rank 0: a kind that is not among them gets those of the first one there whose
 * sets are alike. Returns how many there are then; with `room` for so many. */
size_t shapes_complete(shape *shapes, size_t room);

/* The reference of a kind; fails where there is none. */
const eki_ref_kind *reference_of(ek_norm_kind kind);
/* Step through them: 1; under an emulator (EK_TEST_SHORT) 7. */
size_t shape_step(void);

/* Random data: x = offset + spread * normal. The plan must be valid. */
fixture *fixture_make(const ek_norm_desc *desc, uint64_t seed, double offset, double spread);
void fixture_free(fixture *f);

/* Position in a buffer of logical element i. */
size_t fixture_offset(const fixture *f, size_t i);

/* Copies x, dy, scale, bias to the reference arrays again after a test has changed them. */
void fixture_sync(fixture *f);

/* Poisons outputs and workspace, runs, asserts success. */
void fixture_forward(fixture *f, ek_norm_stats stats);
void fixture_backward(fixture *f);

/* Fills ry, rdx, rdscale, rdbias, rmean, rvar. */
void fixture_reference(fixture *f, ek_norm_stats stats, double sign);

/* Worst |a - b| / max|b|, over a buffer and a logical array, or two plain arrays. */
double fixture_error(const fixture *f, const float *buffer, const double *reference);
double array_error(const float *a, const double *b, size_t n);

/* Equal bits, any NaN equal to any NaN. */
int same_bits(const float *a, const float *b, size_t n);

/* Exactly n * 4 bytes of f32, a copy to compare with later. */
float *copy_of(const float *a, size_t n);

#endif
