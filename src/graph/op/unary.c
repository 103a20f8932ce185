/* unary.c: the elementwise functions of one tensor: LeakyRelu, Sigmoid, Tanh, Sqrt, Exp, Reciprocal, Neg, Abs,
 * HardSigmoid, HardSwish. ONNX opsets 1 to 23, f32.
 *
 * One row per operator: the function, and its derivative from x or from y (whichever backward then needs to keep).
 * libm is called element by element, so an element's value never depends on its neighbours. Functions with f(0) = 0
 * and a finite derivative there work on blocked layouts too.
 */
#include "graph/op/op_common.h"

#include <math.h>
#include <string.h>

typedef struct job {
    const float *x, *y, *dy;
    float *to;
    float alpha, beta;
} job;

static ek_status unary_infer(eki_infer *infer, eki_step_fn forward) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_infer_same(infer));
    return eki_infer_fold(infer, forward);
}

static ek_status unary_prepare(eki_step *step, ek_error *err, bool zero, bool keep_x, bool keep_y) {
    step->keep_in[0] = keep_x && step->want_din[0];
    step->keep_out[0] = keep_y && step->want_din[0];
    return zero ? eki_prepare_same_layout(step, err) : eki_prepare_plain(step, err);
}

static ek_status unary_forward(eki_step *step, eki_piece_fn piece, float alpha, float beta) {
    job j = {.x = step->in[0].data, .to = step->out[0].data};
    j.alpha = eki_node_float(step->node, "alpha", alpha);
    j.beta = eki_node_float(step->node, "beta", beta);
    eki_for_pieces(step, eki_view_elements(&step->out[0]), piece, &j);
    return EK_OK;
}

static ek_status unary_backward(eki_step *step, eki_piece_fn piece, float alpha, float beta) {
    job j = {.x = step->in[0].data, .y = step->out[0].data, .dy = step->dout[0], .to = step->din[0]};
    if (j.to == NULL) return EK_OK;
    if (j.dy == NULL) {
        memset(j.to, 0, eki_view_bytes(&step->out[0]));
        return EK_OK;
    }
    j.alpha = eki_node_float(step->node, "alpha", alpha);
    j.beta = eki_node_float(step->node, "beta", beta);
    eki_for_pieces(step, eki_view_elements(&step->out[0]), piece, &j);
    return EK_OK;
}

/* v: x in forward, x or y in backward. Always inlined with a literal function. */
typedef float (*scalar_fn)(float v, const job *j);

static inline __attribute__((always_inline)) void map(const job *j, size_t begin, size_t end, scalar_fn f) {
    const float *x = j->x;
    float *y = j->to;
    for (size_t i = begin; i < end; i++) y[i] = f(x[i], j);
}

static inline __attribute__((always_inline)) void scale(const job *j, const float *v, size_t begin, size_t end,
                                                        scalar_fn derivative) {
    const float *dy = j->dy;
    float *dx = j->to;
    for (size_t i = begin; i < end; i++) dx[i] = dy[i] * derivative(v[i], j);
}

/* Defines the five functions of an operator from f and df (both `static float name(float, const job *)`). */
#define UNARY(op, f, df, from, zero, alpha, beta)                                                                      \
    static void op##_piece(void *a, size_t begin, size_t end) { map(a, begin, end, f); }                               \
    static void op##_back(void *a, size_t begin, size_t end) { scale(a, ((const job *)a)->from, begin, end, df); }     \
    ek_status eki_op_##op##_infer(eki_infer *i) { return unary_infer(i, eki_op_##op##_forward); }                      \
    ek_status eki_op_##op##_prepare(eki_step *step, ek_error *err) {                                                   \
        return unary_prepare(step, err, zero, #from[0] == 'x', #from[0] == 'y');                                       \
    }                                                                                                                  \
    ek_status eki_op_##op##_forward(eki_step *step, ek_error *err) {                                                   \
        (void)err;                                                                                                     \
        return unary_forward(step, op##_piece, alpha, beta);                                                           \
    }                                                                                                                  \
    ek_status eki_op_##op##_backward(eki_step *step, ek_error *err) {                                                  \
        (void)err;                                                                                                     \
        return unary_backward(step, op##_back, alpha, beta);                                                           \
    }

#define UNUSED (void)j

static inline float leaky_f(float x, const job *j) { return x < 0.0f ? j->alpha * x : x; }
static inline float leaky_d(float x, const job *j) { return x < 0.0f ? j->alpha : 1.0f; }
UNARY(leakyrelu, leaky_f, leaky_d, x, true, 0.01f, 0.0f)

/* Through exp of a negative number only, so that nothing overflows. */
static inline float sigmoid_f(float x, const job *j) {
    UNUSED;
    float e = expf(-fabsf(x));
    return (x >= 0.0f ? 1.0f : e) / (1.0f + e);
}
static inline float sigmoid_d(float y, const job *j) {
    UNUSED;
    return y * (1.0f - y);
}
UNARY(sigmoid, sigmoid_f, sigmoid_d, y, false, 0.0f, 0.0f)

static inline float tanh_f(float x, const job *j) {
    UNUSED;
    return tanhf(x);
}
static inline float tanh_d(float y, const job *j) {
    UNUSED;
    return 1.0f - y * y;
}
UNARY(tanh, tanh_f, tanh_d, y, true, 0.0f, 0.0f)

static inline float sqrt_f(float x, const job *j) {
    UNUSED;
    return sqrtf(x);
}
static inline float sqrt_d(float y, const job *j) {
    UNUSED;
    return 0.5f / y;
}
UNARY(sqrt, sqrt_f, sqrt_d, y, false, 0.0f, 0.0f)

static inline float exp_f(float x, const job *j) {
    UNUSED;
    return expf(x);
}
static inline float exp_d(float y, const job *j) {
    UNUSED;
    return y;
}
UNARY(exp, exp_f, exp_d, y, false, 0.0f, 0.0f)

static inline float reciprocal_f(float x, const job *j) {
    UNUSED;
    return 1.0f / x;
}
static inline float reciprocal_d(float y, const job *j) {
    UNUSED;
    return -y * y;
}
UNARY(reciprocal, reciprocal_f, reciprocal_d, y, false, 0.0f, 0.0f)

static inline float neg_f(float x, const job *j) {
    UNUSED;
    return -x;
}
static inline float neg_d(float dy, const job *j) {
    UNUSED;
    (void)dy;
    return -1.0f;
}
UNARY(neg, neg_f, neg_d, dy, true, 0.0f, 0.0f)

static inline float abs_f(float x, const job *j) {
    UNUSED;
    return fabsf(x);
}
static inline float abs_d(float x, const job *j) {
    UNUSED;
    return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f;
}
UNARY(abs, abs_f, abs_d, x, true, 0.0f, 0.0f)

static inline float hard_sigmoid_f(float x, const job *j) {
    float v = j->alpha * x + j->beta;
    return v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
}
static inline float hard_sigmoid_d(float x, const job *j) {
    float v = j->alpha * x + j->beta;
    return v > 0.0f && v < 1.0f ? j->alpha : 0.0f;
}
UNARY(hardsigmoid, hard_sigmoid_f, hard_sigmoid_d, x, false, 0.2f, 0.5f)

/* x * HardSigmoid(x) with alpha = 1/6, beta = 1/2. */
static inline float hard_swish_f(float x, const job *j) { return x * hard_sigmoid_f(x, j); }
static inline float hard_swish_d(float x, const job *j) { return hard_sigmoid_f(x, j) + x * hard_sigmoid_d(x, j); }
UNARY(hardswish, hard_swish_f, hard_swish_d, x, true, 1.0f / 6.0f, 0.5f)
