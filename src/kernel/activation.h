/* activation.h: the activations and their derivatives over vectors, in f32, by polynomials of our own.
 *
 * Each is a fixed expression of separate, correctly rounded operations, so that every instruction set gives the same
 * bits. NaN stays NaN. Bounds and how they were measured: docs/numerics.md.
 */
#ifndef EKI_ACTIVATION_H
#define EKI_ACTIVATION_H

#include "kernel/kernel.h"
#include "kernel/simd/simd.h"

EK_INLINE f32x16 multiply_add(f32x16 a, f32x16 b, float c) { return f32x16_add(f32x16_mul(a, b), f32x16_set1(c)); }

EK_INLINE f32x16 polynomial(f32x16 x, const float *c, int degree) {
    f32x16 sum = f32x16_set1(c[degree]);
    for (int i = degree - 1; i >= 0; i--) sum = multiply_add(sum, x, c[i]);
    return sum;
}

EK_INLINE f32x16 magnitude(f32x16 t) { return f32x16_max(t, f32x16_sub(f32x16_set1(0.0f), t)); }

/* exp(-a) for a >= 0; 0 beyond 87. -a = k ln 2 + r, k by rounding, ln 2 in two parts; exp r = 1 + (r + r^2 q(r)). */
EK_INLINE f32x16 exp_minus(f32x16 a) {
    static const float q[] = {5.000000000e-01f, 1.666657667e-01f, 4.166655421e-02f, 8.363232884e-03f, 1.392625083e-03f};
    const f32x16 magic = f32x16_set1(0x1.8p23f), limit = f32x16_set1(87.0f);
    f32x16 x = f32x16_sub(f32x16_set1(0.0f), f32x16_min(limit, a));
    f32x16 shifted = f32x16_add(f32x16_mul(x, f32x16_set1(1.44269504f)), magic), k = f32x16_sub(shifted, magic);
    f32x16 r = f32x16_sub(x, f32x16_mul(k, f32x16_set1(0.693359375f)));
    r = f32x16_sub(r, f32x16_mul(k, f32x16_set1(-2.12194440e-4f)));
    f32x16 e = f32x16_add(r, f32x16_mul(f32x16_mul(r, r), polynomial(r, q, 4)));
    e = f32x16_mul(f32x16_add(e, f32x16_set1(1.0f)), f32x16_pow2(shifted));
    return f32x16_greater(a, limit, f32x16_set1(0.0f), e);
}

/* 1 / (1 + exp(-t)), through exp(-|t|) so that nothing overflows and small values keep their digits. */
EK_INLINE f32x16 sigmoid(f32x16 t) {
    const f32x16 one = f32x16_set1(1.0f), zero = f32x16_set1(0.0f);
    f32x16 e = exp_minus(magnitude(t));
    return f32x16_div(f32x16_greater(zero, t, e, one), f32x16_add(one, e));
}

/* (1 - e) / (1 + e) with e = exp(-2|t|) and the sign of t; below 0.625, where that cancels, t + t z p(z), z = t^2. */
EK_INLINE f32x16 hyperbolic_tangent(f32x16 t) {
    static const float p[] = {-3.333332843e-01f, 1.333271885e-01f, -5.384326318e-02f, 2.096132911e-02f,
                              -6.045165097e-03f};
    const f32x16 one = f32x16_set1(1.0f), zero = f32x16_set1(0.0f);
    f32x16 a = magnitude(t), e = exp_minus(f32x16_add(a, a)), z = f32x16_mul(t, t);
    f32x16 large = f32x16_div(f32x16_sub(one, e), f32x16_add(one, e));
    large = f32x16_greater(zero, t, f32x16_sub(zero, large), large);
    f32x16 small = f32x16_add(t, f32x16_mul(f32x16_mul(t, z), polynomial(z, p, 4)));
    return f32x16_greater(a, f32x16_set1(0.625f), large, small);
}

/* The normal distribution function, and exp(-t^2/2): below zero exp(-t^2/2) R(|t|), R a polynomial in 1/(1+0.3|t|). */
EK_INLINE f32x16 normal_distribution(f32x16 t, f32x16 *bell) {
    static const float c[] = {3.733222152e-06f,  1.196010581e-01f, 1.204224852e-01f,  1.054138951e-01f,
                              9.567323322e-02f,  5.515608272e-02f, -1.412581725e-02f, 1.227156872e-01f,
                              -1.816838212e-01f, 9.437258961e-02f, -1.754912644e-02f};
    const f32x16 one = f32x16_set1(1.0f);
    f32x16 a = magnitude(t), s = f32x16_div(one, multiply_add(a, f32x16_set1(0.3f), 1.0f));
    *bell = exp_minus(f32x16_mul(f32x16_mul(a, a), f32x16_set1(0.5f)));
    f32x16 tail = f32x16_mul(*bell, polynomial(s, c, 10));
    return f32x16_greater(f32x16_set1(0.0f), t, tail, f32x16_sub(one, tail));
}

EK_INLINE f32x16 clip(f32x16 t, float lo, float hi) {
    return f32x16_min(f32x16_set1(hi), f32x16_max(f32x16_set1(lo), t));
}

EK_INLINE f32x16 inside(f32x16 t, float lo, float hi, f32x16 yes, f32x16 no) {
    return f32x16_greater(t, f32x16_set1(lo), f32x16_greater(f32x16_set1(hi), t, yes, no), no);
}

/* One activation of a vector; a call of its own, so that the many do not bloat every kernel. */
static __attribute__((noinline, unused)) f32x16 activate(f32x16 t, int activation, float alpha, float beta) {
    const f32x16 zero = f32x16_set1(0.0f);
    f32x16 bell;
    switch (activation) {
    case EKI_RELU: return f32x16_max(zero, t);
    case EKI_LEAKY_RELU: return f32x16_greater(zero, t, f32x16_mul(t, f32x16_set1(alpha)), t);
    case EKI_CLIP: return clip(t, alpha, beta);
    case EKI_SIGMOID: return sigmoid(t);
    case EKI_TANH: return hyperbolic_tangent(t);
    case EKI_SILU: return f32x16_mul(t, sigmoid(t));
    case EKI_HARD_SIGMOID: return clip(multiply_add(t, f32x16_set1(alpha), beta), 0.0f, 1.0f);
    case EKI_HARD_SWISH: return f32x16_mul(t, clip(multiply_add(t, f32x16_set1(1.0f / 6.0f), 0.5f), 0.0f, 1.0f));
    case EKI_GELU: return f32x16_mul(t, normal_distribution(t, &bell));
    default: return t;
    }
}

/* dy times the derivative, from `at`: the output y where eki_reads_output(activation), else the input t. */
static __attribute__((noinline, unused)) f32x16 activate_gradient(f32x16 dy, f32x16 at, int activation, float alpha,
                                                                  float beta) {
    const f32x16 zero = f32x16_set1(0.0f), one = f32x16_set1(1.0f);
    f32x16 slope, bell;
    switch (activation) {
    case EKI_RELU: return f32x16_greater(at, zero, dy, zero);
    case EKI_LEAKY_RELU: return f32x16_greater(at, zero, dy, f32x16_mul(dy, f32x16_set1(alpha)));
    case EKI_CLIP: return inside(at, alpha, beta, dy, zero);
    case EKI_SIGMOID: return f32x16_mul(dy, f32x16_mul(at, f32x16_sub(one, at)));
    case EKI_TANH: return f32x16_mul(dy, f32x16_sub(one, f32x16_mul(at, at)));
    case EKI_SILU:
        slope = sigmoid(at);
        slope = f32x16_mul(slope, multiply_add(at, f32x16_sub(one, slope), 1.0f));
        return f32x16_mul(dy, slope);
    case EKI_HARD_SIGMOID: return inside(at, 0.0f, 1.0f, f32x16_mul(dy, f32x16_set1(alpha)), zero);
    case EKI_HARD_SWISH:
        slope = multiply_add(at, f32x16_set1(1.0f / 3.0f), 0.5f);
        slope = f32x16_greater(at, f32x16_set1(-3.0f), f32x16_greater(f32x16_set1(3.0f), at, slope, one), zero);
        return f32x16_mul(dy, slope);
    case EKI_GELU:
        slope = normal_distribution(at, &bell);
        return f32x16_mul(dy, f32x16_add(slope, f32x16_mul(f32x16_mul(at, bell), f32x16_set1(0.398942280f))));
    default: return dy;
    }
}

#endif
