/* wide_math.c: activations in f64, by series of our own: no libm, so the same bits everywhere. Bounds:
 * docs/numerics.md.
 */
#include "norm/wide.h"

#include <math.h>
#include <string.h>

/* 2^k, -1022 <= k <= 1023. */
static double power_of_two(int k) {
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* sum of x^i / i!, i = first .. 24, divided by x^first; |x| <= 1.1. */
static double exponential_series(double x, int first) {
    double sum = 1.0;
    for (int i = 24; i > first; i--) sum = 1.0 + sum * (x / i);
    return sum;
}

/* exp(-a), a >= 0: -a = k ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts; 0 beyond 746. */
static double exp_minus(double a) {
    if (a > 746.0) return 0.0;
    const double magic = 0x1.8p52;
    double k = (magic - a * 0x1.71547652b82fep0) - magic;
    double r = (-a - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
    int half = (int)k / 2;
    return exponential_series(r, 0) * power_of_two(half) * power_of_two((int)k - half);
}

static double sigmoid(double t) {
    double e = exp_minus(fabs(t));
    return t < 0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
}

/* (exp(2a) - 1) / (exp(2a) + 1) of a = |t|; for small a by the series of exp(2a) - 1, which does not cancel. */
static double hyperbolic_tangent(double t) {
    double a = fabs(t), e = exp_minus(2.0 * a), size = (1.0 - e) / (1.0 + e);
    if (a < 0.55) {
        double m = 2.0 * a * exponential_series(2.0 * a, 1);
        size = m / (m + 2.0);
    }
    return t < 0 ? -size : size;
}

/* exp(-a^2 / 2): the square in two parts, since its rounding would be multiplied by its size. */
static double bell(double a) {
    uint64_t bits;
    memcpy(&bits, &a, sizeof bits);
    bits &= ~UINT64_C(0x7ffffff);
    double high;
    memcpy(&high, &bits, sizeof high);
    return exp_minus(0.5 * high * high) * exp_minus(0.5 * (a - high) * (a + high));
}

/* The normal distribution function. Near 0, 1/2 + density * (t + t^3/3 + t^5/15 + ...), whose terms have one sign; in
 * the tails Laplace's continued fraction, density / (a + 1 / (a + 2 / (a + ...))), the shorter the larger a is. */
static double normal_distribution(double t, double density) {
    double a = fabs(t), sum = 1.0;
    if (a < 1.25) {
        for (int i = 71; i > 1; i -= 2) sum = 1.0 + sum * (a * a / i);
        double half = density * a * sum;
        return t < 0 ? 0.5 - half : 0.5 + half;
    }
    double fraction = a;
    for (int i = 10 + (a < 40.0 ? (int)(480.0 / (a * a)) : 0); i > 0; i--) fraction = a + i / fraction;
    double tail = density / fraction;
    return t < 0 ? tail : 1.0 - tail;
}

static double density_of(double t) { return bell(fabs(t)) * 0x1.9884533d43651p-2; }

static double clip(double t, double low, double high) {
    double least = low > t ? low : t;
    return high < least ? high : least;
}

static double inside(double t, double low, double high, double value) { return t > low && high > t ? value : 0.0; }

double eki_wide_activate(const ek_norm_desc *desc, double t) {
    double a = desc->activation_alpha, b = desc->activation_beta;
    if (isnan(t)) return t;
    switch (desc->activation) {
    case EK_ACTIVATION_RELU: return 0.0 > t ? 0.0 : t;
    case EK_ACTIVATION_LEAKY_RELU: return 0.0 > t ? t * a : t;
    case EK_ACTIVATION_CLIP: return clip(t, a, b);
    case EK_ACTIVATION_SIGMOID: return sigmoid(t);
    case EK_ACTIVATION_TANH: return hyperbolic_tangent(t);
    case EK_ACTIVATION_SILU: return t * sigmoid(t);
    case EK_ACTIVATION_HARD_SIGMOID: return clip(t * a + b, 0.0, 1.0);
    case EK_ACTIVATION_HARD_SWISH: return t * clip(t / 6.0 + 0.5, 0.0, 1.0);
    case EK_ACTIVATION_GELU: return t * normal_distribution(t, density_of(t));
    default: return t;
    }
}

double eki_wide_slope(const ek_norm_desc *desc, double at) {
    double a = desc->activation_alpha, b = desc->activation_beta, s;
    switch (desc->activation) {
    case EK_ACTIVATION_RELU: return at > 0.0 ? 1.0 : 0.0;
    case EK_ACTIVATION_LEAKY_RELU: return at > 0.0 ? 1.0 : a;
    case EK_ACTIVATION_CLIP: return inside(at, a, b, 1.0);
    case EK_ACTIVATION_SIGMOID: return at * (1.0 - at);
    case EK_ACTIVATION_TANH: return 1.0 - at * at;
    case EK_ACTIVATION_SILU:
        if (isnan(at)) return at;
        s = sigmoid(at);
        return s * (1.0 + at * (1.0 - s));
    case EK_ACTIVATION_HARD_SIGMOID: return inside(at, 0.0, 1.0, a);
    case EK_ACTIVATION_HARD_SWISH: return at > -3.0 ? (3.0 > at ? at / 3.0 + 0.5 : 1.0) : 0.0;
    case EK_ACTIVATION_GELU:
        if (isnan(at)) return at;
        s = density_of(at);
        return normal_distribution(at, s) + at * s;
    default: return 1.0;
    }
}
