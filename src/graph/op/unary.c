/* unary.c: the elementwise functions of one tensor: LeakyRelu, Sigmoid, Tanh, Sqrt, Exp, Reciprocal, Neg, Abs,
 * HardSigmoid, HardSwish. ONNX opsets 1 to 23, f32. Made by op_unary.h.
 */
#include "base/exp.h"
#include "graph/op/op_unary.h"

#include <math.h>

static inline float leaky_f(float x, const eki_unary_job *j) { return x < 0.0f ? j->alpha * x : x; }
static inline float leaky_d(float x, const eki_unary_job *j) { return x < 0.0f ? j->alpha : 1.0f; }
EKI_UNARY(LeakyRelu, leaky_f, leaky_d, x, true, 0.01f, 0.0f)

static inline float sigmoid_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return eki_logistic(x);
}
static inline float sigmoid_d(float y, const eki_unary_job *j) {
    EKI_UNUSED;
    return y * (1.0f - y);
}
EKI_UNARY(Sigmoid, sigmoid_f, sigmoid_d, y, false, 0.0f, 0.0f)

static inline float tanh_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return tanhf(x);
}
static inline float tanh_d(float y, const eki_unary_job *j) {
    EKI_UNUSED;
    return 1.0f - y * y;
}
EKI_UNARY(Tanh, tanh_f, tanh_d, y, true, 0.0f, 0.0f)

static inline float sqrt_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return sqrtf(x);
}
static inline float sqrt_d(float y, const eki_unary_job *j) {
    EKI_UNUSED;
    return 0.5f / y;
}
EKI_UNARY(Sqrt, sqrt_f, sqrt_d, y, false, 0.0f, 0.0f)

static inline float exp_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return eki_exp(x);
}
static inline float exp_d(float y, const eki_unary_job *j) {
    EKI_UNUSED;
    return y;
}
EKI_UNARY(Exp, exp_f, exp_d, y, false, 0.0f, 0.0f)

static inline float reciprocal_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return 1.0f / x;
}
static inline float reciprocal_d(float y, const eki_unary_job *j) {
    EKI_UNUSED;
    return -y * y;
}
EKI_UNARY(Reciprocal, reciprocal_f, reciprocal_d, y, false, 0.0f, 0.0f)

static inline float neg_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return -x;
}
static inline float neg_d(float dy, const eki_unary_job *j) {
    EKI_UNUSED;
    (void)dy;
    return -1.0f;
}
EKI_UNARY(Neg, neg_f, neg_d, dy, true, 0.0f, 0.0f)

static inline float abs_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return fabsf(x);
}
static inline float abs_d(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f;
}
EKI_UNARY(Abs, abs_f, abs_d, x, true, 0.0f, 0.0f)

static inline float hard_sigmoid_f(float x, const eki_unary_job *j) {
    float v = j->alpha * x + j->beta;
    return v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
}
static inline float hard_sigmoid_d(float x, const eki_unary_job *j) {
    float v = j->alpha * x + j->beta;
    return v > 0.0f && v < 1.0f ? j->alpha : 0.0f;
}
EKI_UNARY(HardSigmoid, hard_sigmoid_f, hard_sigmoid_d, x, false, 0.2f, 0.5f)

/* x * HardSigmoid(x) with alpha = 1/6, beta = 1/2. */
EKI_VECTORS static void hard_swish_grain(void *argument, size_t begin, size_t end) {
    const eki_unary_job j = *(const eki_unary_job *)argument;
    float gate[EKI_LINE]; /* in three loops, since compilers make branches of one, and multiply in each */
    for (size_t n; begin < end; begin += n) {
        n = end - begin < EKI_LINE ? end - begin : EKI_LINE;
        for (size_t i = 0; i < n; i++) {
            float v = j.alpha * j.x[begin + i] + j.beta;
            gate[i] = v < 0.0f ? 0.0f : v;
        }
        for (size_t i = 0; i < n; i++) gate[i] = gate[i] > 1.0f ? 1.0f : gate[i];
        for (size_t i = 0; i < n; i++) j.to[begin + i] = j.x[begin + i] * gate[i];
    }
}
static inline float hard_swish_d(float x, const eki_unary_job *j) {
    return hard_sigmoid_f(x, j) + x * hard_sigmoid_d(x, j);
}
EKI_UNARY_BY_GRAIN(HardSwish, hard_swish_grain, x, true, 1.0f / 6.0f, 0.5f)
EKI_UNARY_BACKWARD(HardSwish, hard_swish_d, x, 1.0f / 6.0f, 0.5f)
