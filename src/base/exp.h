/* exp.h: exp in float32 that compilers make vectors of: no branches, the same bits on any machine, at most one unit
 * in the last place off (tests/ops/test_op_exp.c); NaN of NaN.
 *
 * x = n ln 2 + r, |r| <= ln 2 / 2; exp(r) by the polynomial of Cephes' expf, times 2^n.
 */
#ifndef EKI_EXP_H
#define EKI_EXP_H

#include <stdint.h>
#include <string.h>

static inline uint32_t eki_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float eki_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^n, -126 <= n <= 127. */
static inline float eki_power_of_two(uint32_t n) { return eki_of_bits((n + 127u) << 23); }

/* exp(r) and n of x from -104 to 89. */
static inline float eki_exp_parts(float x, uint32_t *n) {
    const float ROUNDER = 12582912.0f; /* 1.5 2^23: adding it leaves whole numbers in the last bits */
    float shifted = x * 1.44269504088896341f + ROUNDER, whole = shifted - ROUNDER;
    float r = x - whole * 0.693359375f;
    r = r - whole * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    *n = eki_bits(shifted) - eki_bits(ROUNDER);
    return p * (r * r) + r + 1.0f;
}

/* Of any x: 0 below -103.98, infinity above 88.73. In two factors, so that subnormal results are right. */
static inline float eki_exp(float x) {
    uint32_t n;
    x = x < -104.0f ? -104.0f : x;
    x = x > 89.0f ? 89.0f : x;
    float p = eki_exp_parts(x, &n);
    uint32_t half = (uint32_t)((int32_t)n / 2);
    return p * eki_power_of_two(half) * eki_power_of_two(n - half);
}

/* Of x up to 0; where the result is below 2^-126 it is 0: sums of which the largest term is 1 do not notice, and
 * nothing is subnormal on the way, which is slow. */
static inline float eki_exp_down(float x) {
    const float LEAST = -87.3365447f; /* ln 2^-126 */
    uint32_t n;
    float p = eki_exp_parts(x < LEAST ? LEAST : x, &n);
    uint32_t kept = x < LEAST ? 0u : ~0u;
    return eki_of_bits(eki_bits(p * eki_power_of_two(n)) & kept);
}

/* 1 / (1 + exp(-x)), through exp of a negative number only, so that nothing overflows; 0 below -87.34. */
static inline float eki_logistic(float x) {
    uint32_t below = 0u - (eki_bits(x) >> 31); /* all bits of a negative x */
    float e = eki_exp_down(eki_of_bits(eki_bits(x) | 0x80000000u));
    uint32_t top = (eki_bits(e) & below) | (eki_bits(1.0f) & ~below);
    return eki_of_bits(top) / (1.0f + e);
}

#endif
