/* unary_angle.c: the trigonometric and hyperbolic functions and their inverses. ONNX opsets 7 and 9 to 23, f32. */
#include "graph/op/op_unary.h"

#include <math.h>

/* A function f of x, its derivative d, and whether f(0) is 0. */
#define ANGLE(op, f, d, zero)                                                                                          \
    static inline float op##_f(float x, const eki_unary_job *j) {                                                      \
        EKI_UNUSED;                                                                                                    \
        return f;                                                                                                      \
    }                                                                                                                  \
    static inline float op##_d(float x, const eki_unary_job *j) {                                                      \
        EKI_UNUSED;                                                                                                    \
        return d;                                                                                                      \
    }                                                                                                                  \
    EKI_UNARY(op, op##_f, op##_d, x, zero, 0.0f, 0.0f)

ANGLE(Sin, sinf(x), cosf(x), true)
ANGLE(Cos, cosf(x), -sinf(x), false)
ANGLE(Tan, tanf(x), 1.0f + tanf(x) * tanf(x), true)
ANGLE(Asin, asinf(x), 1.0f / sqrtf((1.0f - x) * (1.0f + x)), true)
ANGLE(Acos, acosf(x), -1.0f / sqrtf((1.0f - x) * (1.0f + x)), false)
ANGLE(Atan, atanf(x), 1.0f / (1.0f + x * x), true)
ANGLE(Sinh, sinhf(x), coshf(x), true)
ANGLE(Cosh, coshf(x), sinhf(x), false)
ANGLE(Asinh, asinhf(x), 1.0f / hypotf(1.0f, x), true)
ANGLE(Acosh, acoshf(x), 1.0f / sqrtf((x - 1.0f) * (x + 1.0f)), false)
ANGLE(Atanh, atanhf(x), 1.0f / ((1.0f - x) * (1.0f + x)), true)
