/* simd_neon.h: the vector operations with NEON (AArch64); a logical vector is four registers. */
#ifndef EKI_SIMD_NEON_H
#define EKI_SIMD_NEON_H

#include <arm_neon.h>

/* How many f64x8 the registers hold; 8 at least, as kernels have it. */
enum { F64X8_REGISTERS = 8 };

typedef struct {
    float32x4_t v[4];
} f32x16;

typedef struct {
    float64x2_t v[4];
} f64x8;

static const uint64_t eki_mask_longs[16] = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0),
                                            ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};

/* Lanes [first, first + width) of the first n: how many of them. */
EK_INLINE size_t lanes_here(size_t n, size_t first, size_t width) {
    return n <= first ? 0 : n - first < width ? n - first : width;
}

/* Four floats or two doubles of which the first n exist. */
EK_INLINE float32x4_t quad_load_n(const float *p, size_t n) {
    float32x4_t a = vdupq_n_f32(0.0f);
    if (n == 4) return vld1q_f32(p);
    if (n > 0) a = vld1q_lane_f32(p, a, 0);
    if (n > 1) a = vld1q_lane_f32(p + 1, a, 1);
    if (n > 2) a = vld1q_lane_f32(p + 2, a, 2);
    return a;
}
EK_INLINE void quad_store_n(float *p, float32x4_t a, size_t n) {
    if (n == 4) {
        vst1q_f32(p, a);
        return;
    }
    if (n > 0) vst1q_lane_f32(p, a, 0);
    if (n > 1) vst1q_lane_f32(p + 1, a, 1);
    if (n > 2) vst1q_lane_f32(p + 2, a, 2);
}
EK_INLINE float64x2_t pair_load_n(const double *p, size_t n) {
    if (n == 2) return vld1q_f64(p);
    return n == 1 ? vld1q_lane_f64(p, vdupq_n_f64(0.0), 0) : vdupq_n_f64(0.0);
}
EK_INLINE void pair_store_n(double *p, float64x2_t a, size_t n) {
    if (n == 2) vst1q_f64(p, a);
    if (n == 1) vst1q_lane_f64(p, a, 0);
}

EK_INLINE f32x16 f32x16_set1(float a) {
    return (f32x16){{vdupq_n_f32(a), vdupq_n_f32(a), vdupq_n_f32(a), vdupq_n_f32(a)}};
}
EK_INLINE f32x16 f32x16_load(const float *p) {
    return (f32x16){{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
}
EK_INLINE f32x16 f32x16_load_n(const float *p, size_t n) {
    f32x16 r = f32x16_set1(0.0f);
    for (size_t q = 0; 4 * q < n; q++) r.v[q] = quad_load_n(p + 4 * q, lanes_here(n, 4 * q, 4));
    return r;
}
EK_INLINE void f32x16_store(float *p, f32x16 a) {
    vst1q_f32(p, a.v[0]);
    vst1q_f32(p + 4, a.v[1]);
    vst1q_f32(p + 8, a.v[2]);
    vst1q_f32(p + 12, a.v[3]);
}
EK_INLINE void f32x16_stream(float *p, f32x16 a) { f32x16_store(p, a); }
EK_INLINE void f32x16_store_n(float *p, f32x16 a, size_t n) {
    for (size_t q = 0; 4 * q < n; q++) quad_store_n(p + 4 * q, a.v[q], lanes_here(n, 4 * q, 4));
}
EK_INLINE f32x16 f32x16_add(f32x16 a, f32x16 b) {
    return (f32x16){
        {vaddq_f32(a.v[0], b.v[0]), vaddq_f32(a.v[1], b.v[1]), vaddq_f32(a.v[2], b.v[2]), vaddq_f32(a.v[3], b.v[3])}};
}
EK_INLINE f32x16 f32x16_sub(f32x16 a, f32x16 b) {
    return (f32x16){
        {vsubq_f32(a.v[0], b.v[0]), vsubq_f32(a.v[1], b.v[1]), vsubq_f32(a.v[2], b.v[2]), vsubq_f32(a.v[3], b.v[3])}};
}
EK_INLINE f32x16 f32x16_mul(f32x16 a, f32x16 b) {
    return (f32x16){
        {vmulq_f32(a.v[0], b.v[0]), vmulq_f32(a.v[1], b.v[1]), vmulq_f32(a.v[2], b.v[2]), vmulq_f32(a.v[3], b.v[3])}};
}

EK_INLINE f32x16 f32x16_div(f32x16 a, f32x16 b) {
    return (f32x16){
        {vdivq_f32(a.v[0], b.v[0]), vdivq_f32(a.v[1], b.v[1]), vdivq_f32(a.v[2], b.v[2]), vdivq_f32(a.v[3], b.v[3])}};
}

/* a > b ? yes : no, so that a NaN in either gives no. */
EK_INLINE f32x16 f32x16_greater(f32x16 a, f32x16 b, f32x16 yes, f32x16 no) {
    f32x16 r;
    for (int q = 0; q < 4; q++) r.v[q] = vbslq_f32(vcgtq_f32(a.v[q], b.v[q]), yes.v[q], no.v[q]);
    return r;
}
/* a > b ? a : b and a < b ? a : b, so that a NaN in b, the second operand, stays. */
EK_INLINE f32x16 f32x16_max(f32x16 a, f32x16 b) { return f32x16_greater(a, b, a, b); }
EK_INLINE f32x16 f32x16_min(f32x16 a, f32x16 b) { return f32x16_greater(b, a, a, b); }

/* 2^k of a = k + 1.5 * 2^23, -126 <= k <= 127. */
EK_INLINE f32x16 f32x16_pow2(f32x16 a) {
    f32x16 r;
    for (int q = 0; q < 4; q++) {
        uint32x4_t bits = vshlq_n_u32(vreinterpretq_u32_f32(a.v[q]), 23);
        r.v[q] = vreinterpretq_f32_u32(vaddq_u32(bits, vdupq_n_u32(0x3f800000u)));
    }
    return r;
}

EK_INLINE f64x8 f64x8_set1(double a) {
    return (f64x8){{vdupq_n_f64(a), vdupq_n_f64(a), vdupq_n_f64(a), vdupq_n_f64(a)}};
}
EK_INLINE f64x8 f64x8_load(const double *p) {
    return (f64x8){{vld1q_f64(p), vld1q_f64(p + 2), vld1q_f64(p + 4), vld1q_f64(p + 6)}};
}
EK_INLINE f64x8 f64x8_load_n(const double *p, size_t n) {
    f64x8 r = f64x8_set1(0.0);
    for (size_t q = 0; 2 * q < n; q++) r.v[q] = pair_load_n(p + 2 * q, lanes_here(n, 2 * q, 2));
    return r;
}
EK_INLINE void f64x8_store(double *p, f64x8 a) {
    vst1q_f64(p, a.v[0]);
    vst1q_f64(p + 2, a.v[1]);
    vst1q_f64(p + 4, a.v[2]);
    vst1q_f64(p + 6, a.v[3]);
}
EK_INLINE void f64x8_store_n(double *p, f64x8 a, size_t n) {
    for (size_t q = 0; 2 * q < n; q++) pair_store_n(p + 2 * q, a.v[q], lanes_here(n, 2 * q, 2));
}
EK_INLINE f64x8 f64x8_add(f64x8 a, f64x8 b) {
    return (f64x8){
        {vaddq_f64(a.v[0], b.v[0]), vaddq_f64(a.v[1], b.v[1]), vaddq_f64(a.v[2], b.v[2]), vaddq_f64(a.v[3], b.v[3])}};
}
EK_INLINE f64x8 f64x8_plus(f64x8 a, f64x8 b) { return f64x8_add(a, b); }
EK_INLINE f64x8 f64x8_sub(f64x8 a, f64x8 b) {
    return (f64x8){
        {vsubq_f64(a.v[0], b.v[0]), vsubq_f64(a.v[1], b.v[1]), vsubq_f64(a.v[2], b.v[2]), vsubq_f64(a.v[3], b.v[3])}};
}
EK_INLINE f64x8 f64x8_mul(f64x8 a, f64x8 b) {
    return (f64x8){
        {vmulq_f64(a.v[0], b.v[0]), vmulq_f64(a.v[1], b.v[1]), vmulq_f64(a.v[2], b.v[2]), vmulq_f64(a.v[3], b.v[3])}};
}
EK_INLINE f64x8 f64x8_div(f64x8 a, f64x8 b) {
    return (f64x8){
        {vdivq_f64(a.v[0], b.v[0]), vdivq_f64(a.v[1], b.v[1]), vdivq_f64(a.v[2], b.v[2]), vdivq_f64(a.v[3], b.v[3])}};
}
EK_INLINE f64x8 f64x8_sqrt(f64x8 a) {
    return (f64x8){{vsqrtq_f64(a.v[0]), vsqrtq_f64(a.v[1]), vsqrtq_f64(a.v[2]), vsqrtq_f64(a.v[3])}};
}
/* a > b ? a : b, so that a NaN in b stays. */
EK_INLINE f64x8 f64x8_max(f64x8 a, f64x8 b) {
    f64x8 r;
    for (int q = 0; q < 4; q++) r.v[q] = vbslq_f64(vcgtq_f64(a.v[q], b.v[q]), a.v[q], b.v[q]);
    return r;
}
EK_INLINE double f64x8_first(f64x8 a) { return vgetq_lane_f64(a.v[0], 0); }

/* a + b in the first n lanes, a in the others. */
EK_INLINE f64x8 f64x8_add_n(f64x8 a, f64x8 b, size_t n) {
    f64x8 sum = f64x8_add(a, b);
    const uint64_t *mask = eki_mask_longs + 8 - n;
    for (int q = 0; q < 4; q++) sum.v[q] = vbslq_f64(vld1q_u64(mask + 2 * q), sum.v[q], a.v[q]);
    return sum;
}

/* Eight floats as doubles. */
EK_INLINE f64x8 quads_widen(float32x4_t lo, float32x4_t hi) {
    return (f64x8){
        {vcvt_f64_f32(vget_low_f32(lo)), vcvt_high_f64_f32(lo), vcvt_f64_f32(vget_low_f32(hi)), vcvt_high_f64_f32(hi)}};
}
EK_INLINE f64x8 f64x8_widen(const float *p) { return quads_widen(vld1q_f32(p), vld1q_f32(p + 4)); }
EK_INLINE f64x8 f64x8_widen_n(const float *p, size_t n) {
    const float *next = p + lanes_here(n, 0, 4);
    return quads_widen(quad_load_n(p, lanes_here(n, 0, 4)), quad_load_n(next, lanes_here(n, 4, 4)));
}

/* Lanes 8 * half to 8 * half + 7 as doubles; half is a constant. */
EK_INLINE f64x8 f64x8_half(f32x16 a, int half) {
    float32x4_t low = a.v[2 * half], high = a.v[2 * half + 1];
    return (f64x8){{vcvt_f64_f32(vget_low_f32(low)), vcvt_high_f64_f32(low), vcvt_f64_f32(vget_low_f32(high)),
                    vcvt_high_f64_f32(high)}};
}

EK_INLINE double f64x8_sum(f64x8 a) {
    float64x2_t two = vaddq_f64(vaddq_f64(a.v[0], a.v[2]), vaddq_f64(a.v[1], a.v[3]));
    return vgetq_lane_f64(two, 0) + vgetq_lane_f64(two, 1);
}

/* Lane i is f64x8_sum(v[i]). */
EK_INLINE f64x8 f64x8_sums(const f64x8 v[8]) {
    double lanes[8];
    for (int i = 0; i < 8; i++) lanes[i] = f64x8_sum(v[i]);
    return f64x8_load(lanes);
}

#endif
