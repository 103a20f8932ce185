/* unary_activation.c: Elu, Selu, Celu, ThresholdedRelu, Softplus, Softsign, Mish, Gelu. ONNX opsets 1 to 23, f32.
 *
 * Written so that nothing overflows and small results keep their digits: expm1 near zero, log1p(exp(-|x|)), erfc for
 * the left tail of Gelu.
 */
#include "base/exp.h"
#include "graph/op/op_unary.h"

#include <math.h>

static inline float elu_f(float x, const eki_unary_job *j) { return x < 0.0f ? j->alpha * expm1f(x) : x; }
static inline float elu_d(float x, const eki_unary_job *j) { return x < 0.0f ? j->alpha * eki_exp(x) : 1.0f; }
EKI_UNARY(Elu, elu_f, elu_d, x, true, 1.0f, 0.0f)

/* beta is the attribute gamma. */
static inline float selu_f(float x, const eki_unary_job *j) { return j->beta * (x <= 0.0f ? j->alpha * expm1f(x) : x); }
static inline float selu_d(float x, const eki_unary_job *j) {
    return j->beta * (x <= 0.0f ? j->alpha * eki_exp(x) : 1.0f);
}
EKI_UNARY(Selu, selu_f, selu_d, x, true, 1.67326319217681884765625f, 1.05070102214813232421875f)

static inline float celu_f(float x, const eki_unary_job *j) { return x < 0.0f ? j->alpha * expm1f(x / j->alpha) : x; }
static inline float celu_d(float x, const eki_unary_job *j) { return x < 0.0f ? eki_exp(x / j->alpha) : 1.0f; }
EKI_UNARY(Celu, celu_f, celu_d, x, true, 1.0f, 0.0f)

/* With a negative alpha f(0) is still 0. */
static inline float thresholded_f(float x, const eki_unary_job *j) { return x > j->alpha || x != x ? x : 0.0f; }
static inline float thresholded_d(float x, const eki_unary_job *j) { return x > j->alpha ? 1.0f : 0.0f; }
EKI_UNARY(ThresholdedRelu, thresholded_f, thresholded_d, x, true, 1.0f, 0.0f)

static inline float softplus(float x) { return (x > 0.0f ? x : 0.0f) + log1pf(eki_exp_down(-fabsf(x))); }

static inline float softplus_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return x != x ? x : softplus(x);
}
static inline float softplus_d(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return eki_logistic(x);
}
EKI_UNARY(Softplus, softplus_f, softplus_d, x, false, 0.0f, 0.0f)

static inline float softsign_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return x / (1.0f + fabsf(x));
}
static inline float softsign_d(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    float d = 1.0f + fabsf(x);
    return 1.0f / (d * d);
}
EKI_UNARY(Softsign, softsign_f, softsign_d, x, true, 0.0f, 0.0f)

static inline float mish_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return x * tanhf(x != x ? x : softplus(x));
}
static inline float mish_d(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    float t = tanhf(softplus(x));
    return t + x * (1.0f - t * t) * eki_logistic(x);
}
EKI_UNARY(Mish, mish_f, mish_d, x, true, 0.0f, 0.0f)

static const float ROOT_HALF = 0.70710678f, ROOT_2_PI = 0.79788456f, CUBE = 0.044715f;

static inline float gelu_tanh(float x) { return tanhf(ROOT_2_PI * (x + CUBE * x * x * x)); }

static inline float gelu_f(float x, const eki_unary_job *j) {
    return 0.5f * x * (j->by_tanh ? 1.0f + gelu_tanh(x) : erfcf(-x * ROOT_HALF));
}
static inline float gelu_d(float x, const eki_unary_job *j) {
    if (j->by_tanh) {
        float t = gelu_tanh(x);
        return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * ROOT_2_PI * (1.0f + 3.0f * CUBE * x * x);
    }
    return 0.5f * erfcf(-x * ROOT_HALF) + 0.5f * x * ROOT_2_PI * eki_exp(-0.5f * x * x);
}
EKI_UNARY(Gelu, gelu_f, gelu_d, x, true, 0.0f, 0.0f)
