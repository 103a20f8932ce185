/* op_unary.h: elementwise functions of one tensor. A file names a function and its derivative as `static inline float
 * name(float, const eki_unary_job *)`, and EKI_UNARY makes the operator.
 *
 * The derivative is of x or of y, whichever backward then keeps. Functions are of one element, so that its value never
 * depends on its neighbours. `zero`: f(0) = 0 and finite derivative there, else the padding of blocked layouts is made
 * 0.
 */
#ifndef EKI_OP_UNARY_H
#define EKI_OP_UNARY_H

#include "graph/op/op_common.h"

#include <string.h>

typedef struct eki_unary_job {
    const float *x, *y, *dy;
    float *to;
    float alpha, beta; /* attributes alpha and beta or gamma */
    bool by_tanh;      /* attribute approximate is "tanh" */
} eki_unary_job;

ek_status eki_unary_infer(eki_infer *infer, eki_step_fn forward);
/* from: 'x', 'y', or another letter when the derivative is constant. */
ek_status eki_unary_prepare(eki_step *step, ek_error *err, char from);
ek_status eki_unary_forward(eki_step *step, eki_grain_fn grain, bool zero, float alpha, float beta);
ek_status eki_unary_backward(eki_step *step, eki_grain_fn grain, float alpha, float beta);

/* v: x in forward, x or y in backward. Always inlined with a literal function. */
typedef float (*eki_unary_fn)(float v, const eki_unary_job *j);

/* By way of a buffer: where result and x share memory, compilers would not make vectors. */
static inline __attribute__((always_inline)) void eki_unary_map(const eki_unary_job *job, size_t begin, size_t end,
                                                                eki_unary_fn f) {
    const eki_unary_job j = *job;
    float x[EKI_LINE];
    for (size_t n; begin < end; begin += n) {
        n = end - begin < EKI_LINE ? end - begin : EKI_LINE;
        memcpy(x, j.x + begin, n * sizeof *x);
        for (size_t i = 0; i < n; i++) j.to[begin + i] = f(x[i], &j);
    }
}

static inline __attribute__((always_inline)) void eki_unary_scale(const eki_unary_job *j, const float *v, size_t begin,
                                                                  size_t end, eki_unary_fn derivative) {
    const float *dy = j->dy;
    float *dx = j->to;
    for (size_t i = begin; i < end; i++) dx[i] = dy[i] * derivative(v[i], j);
}

#define EKI_UNARY_FORWARD(op, f, from, zero, alpha, beta)                                                              \
    EKI_VECTORS static void op##_grain(void *a, size_t begin, size_t end) { eki_unary_map(a, begin, end, f); }         \
    EKI_UNARY_BY_GRAIN(op, op##_grain, from, zero, alpha, beta)

#define EKI_UNARY_BY_GRAIN(op, grain, from, zero, alpha, beta)                                                         \
    ek_status eki_op_##op##_infer(eki_infer *i) { return eki_unary_infer(i, eki_op_##op##_forward); }                  \
    ek_status eki_op_##op##_prepare(eki_step *step, ek_error *err) { return eki_unary_prepare(step, err, #from[0]); }  \
    ek_status eki_op_##op##_forward(eki_step *step, ek_error *err) {                                                   \
        (void)err;                                                                                                     \
        return eki_unary_forward(step, grain, zero, alpha, beta);                                                      \
    }

/* An operator whose gradient is zero everywhere. */
#define EKI_UNARY_FLAT(op, f, from, zero, alpha, beta)                                                                 \
    EKI_UNARY_FORWARD(op, f, from, zero, alpha, beta)                                                                  \
    EKI_OPERATOR(op, .infer = eki_op_##op##_infer, .prepare = eki_op_##op##_prepare, .forward = eki_op_##op##_forward, \
                 .backward = eki_flat_backward);

/* An operator from f and df. */
#define EKI_UNARY(op, f, df, from, zero, alpha, beta)                                                                  \
    EKI_UNARY_FORWARD(op, f, from, zero, alpha, beta)                                                                  \
    EKI_UNARY_BACKWARD(op, df, from, alpha, beta)

#define EKI_UNARY_BACKWARD(op, df, from, alpha, beta)                                                                  \
    EKI_VECTORS static void op##_back(void *a, size_t begin, size_t end) {                                             \
        eki_unary_scale(a, ((const eki_unary_job *)a)->from, begin, end, df);                                          \
    }                                                                                                                  \
    ek_status eki_op_##op##_backward(eki_step *step, ek_error *err) {                                                  \
        (void)err;                                                                                                     \
        return eki_unary_backward(step, op##_back, alpha, beta);                                                       \
    }                                                                                                                  \
    EKI_OPERATOR(op, .diff_inputs = 0x1, EKI_ALL_OF(op));

#define EKI_UNUSED (void)j

#endif
