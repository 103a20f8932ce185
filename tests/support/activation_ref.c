/* activation_ref.c: the reference of the activations; long double and libm. */
#include "support/activation_ref.h"

#include <evenkeel/norm.h>
#include <math.h>

typedef long double real;

static real sigmoid(real t) { return t >= 0 ? 1 / (1 + expl(-t)) : expl(t) / (1 + expl(t)); }
static real normal(real t) { return erfcl(-t * 0.707106781186547524400844362104849039L) / 2; }
static real bell(real t) { return expl(-t * t / 2) * 0.398942280401432677939946059934381868L; }
static real clip(real t, real lo, real hi) { return t < lo ? lo : t > hi ? hi : t; }

real eki_ref_activation(int activation, real t, double alpha, double beta) {
    real a = (real)alpha, b = (real)beta;
    switch (activation) {
    case EK_ACTIVATION_RELU: return t < 0 ? 0 : t;
    case EK_ACTIVATION_LEAKY_RELU: return t < 0 ? a * t : t;
    case EK_ACTIVATION_CLIP: return clip(t, a, b);
    case EK_ACTIVATION_SIGMOID: return sigmoid(t);
    case EK_ACTIVATION_TANH: return tanhl(t);
    case EK_ACTIVATION_SILU: return t * sigmoid(t);
    case EK_ACTIVATION_HARD_SIGMOID: return clip(a * t + b, 0, 1);
    case EK_ACTIVATION_HARD_SWISH: return t * clip(t / 6 + 0.5L, 0, 1);
    case EK_ACTIVATION_GELU: return t * normal(t);
    default: return t;
    }
}

real eki_ref_slope(int activation, real t, double alpha, double beta) {
    real a = (real)alpha, b = (real)beta, s = sigmoid(t);
    switch (activation) {
    case EK_ACTIVATION_RELU: return t > 0;
    case EK_ACTIVATION_LEAKY_RELU: return t > 0 ? 1 : a;
    case EK_ACTIVATION_CLIP: return t > a && t < b;
    case EK_ACTIVATION_SIGMOID: return s * (1 - s);
    case EK_ACTIVATION_TANH: return 1 - tanhl(t) * tanhl(t);
    case EK_ACTIVATION_SILU: return s * (1 + t * (1 - s));
    case EK_ACTIVATION_HARD_SIGMOID: return a * t + b > 0 && a * t + b < 1 ? a : 0;
    case EK_ACTIVATION_HARD_SWISH: return !(t > -3) ? 0 : t >= 3 ? 1 : t / 3 + 0.5L;
    case EK_ACTIVATION_GELU: return normal(t) + t * bell(t);
    default: return 1;
    }
}
