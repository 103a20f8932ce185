/* simd_wasm.h: the vector operations with WebAssembly's 128-bit vectors; a logical vector is four of them. Nothing of
 * "relaxed" SIMD, whose results the machine chooses. */
#ifndef EKI_SIMD_WASM_H
#define EKI_SIMD_WASM_H

#include <wasm_simd128.h>

/* How many f64x8 the registers hold; 8 at least, as kernels have it. */
enum { F64X8_REGISTERS = 8 };

typedef struct {
    v128_t v[4];
} f32x16;

typedef struct {
    v128_t v[4];
} f64x8;

static const uint64_t eki_mask_longs[16] = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0),
                                            ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};

/* Lanes [first, first + width) of the first n: how many of them. */
EK_INLINE size_t lanes_here(size_t n, size_t first, size_t width) {
    return n <= first ? 0 : n - first < width ? n - first : width;
}

/* Four floats or two doubles of which the first n exist. */
EK_INLINE v128_t quad_load_n(const float *p, size_t n) {
    v128_t a = wasm_f32x4_const_splat(0.0f);
    if (n == 4) return wasm_v128_load(p);
    if (n > 0) a = wasm_v128_load32_lane(p, a, 0);
    if (n > 1) a = wasm_v128_load32_lane(p + 1, a, 1);
    if (n > 2) a = wasm_v128_load32_lane(p + 2, a, 2);
    return a;
}
EK_INLINE void quad_store_n(float *p, v128_t a, size_t n) {
    if (n == 4) {
        wasm_v128_store(p, a);
        return;
    }
    if (n > 0) wasm_v128_store32_lane(p, a, 0);
    if (n > 1) wasm_v128_store32_lane(p + 1, a, 1);
    if (n > 2) wasm_v128_store32_lane(p + 2, a, 2);
}
EK_INLINE v128_t pair_load_n(const double *p, size_t n) {
    if (n == 2) return wasm_v128_load(p);
    return n == 1 ? wasm_v128_load64_zero(p) : wasm_f64x2_const_splat(0.0);
}
EK_INLINE void pair_store_n(double *p, v128_t a, size_t n) {
    if (n == 2) wasm_v128_store(p, a);
    if (n == 1) wasm_v128_store64_lane(p, a, 0);
}

EK_INLINE f32x16 f32x16_set1(float a) {
    v128_t all = wasm_f32x4_splat(a);
    return (f32x16){{all, all, all, all}};
}
EK_INLINE f32x16 f32x16_load(const float *p) {
    return (f32x16){{wasm_v128_load(p), wasm_v128_load(p + 4), wasm_v128_load(p + 8), wasm_v128_load(p + 12)}};
}
EK_INLINE f32x16 f32x16_load_n(const float *p, size_t n) {
    f32x16 r = f32x16_set1(0.0f);
    for (size_t q = 0; 4 * q < n; q++) r.v[q] = quad_load_n(p + 4 * q, lanes_here(n, 4 * q, 4));
    return r;
}
EK_INLINE void f32x16_store(float *p, f32x16 a) {
    for (int q = 0; q < 4; q++) wasm_v128_store(p + 4 * q, a.v[q]);
}
EK_INLINE void f32x16_stream(float *p, f32x16 a) { f32x16_store(p, a); }
EK_INLINE void f32x16_store_n(float *p, f32x16 a, size_t n) {
    for (size_t q = 0; 4 * q < n; q++) quad_store_n(p + 4 * q, a.v[q], lanes_here(n, 4 * q, 4));
}

/* The operation on each of the four parts. */
#define EKI_EACH(type, operation, a, b)                                                                                \
    ((type){{operation((a).v[0], (b).v[0]), operation((a).v[1], (b).v[1]), operation((a).v[2], (b).v[2]),              \
             operation((a).v[3], (b).v[3])}})

EK_INLINE f32x16 f32x16_add(f32x16 a, f32x16 b) { return EKI_EACH(f32x16, wasm_f32x4_add, a, b); }
EK_INLINE f32x16 f32x16_sub(f32x16 a, f32x16 b) { return EKI_EACH(f32x16, wasm_f32x4_sub, a, b); }
EK_INLINE f32x16 f32x16_mul(f32x16 a, f32x16 b) { return EKI_EACH(f32x16, wasm_f32x4_mul, a, b); }
EK_INLINE f32x16 f32x16_div(f32x16 a, f32x16 b) { return EKI_EACH(f32x16, wasm_f32x4_div, a, b); }

/* a > b ? yes : no, so that a NaN in either gives no. */
EK_INLINE f32x16 f32x16_greater(f32x16 a, f32x16 b, f32x16 yes, f32x16 no) {
    f32x16 r;
    for (int q = 0; q < 4; q++) r.v[q] = wasm_v128_bitselect(yes.v[q], no.v[q], wasm_f32x4_gt(a.v[q], b.v[q]));
    return r;
}
/* a > b ? a : b and a < b ? a : b, so that a NaN in b, the second operand, stays: pmax(b, a) is b < a ? a : b. */
EK_INLINE f32x16 f32x16_max(f32x16 a, f32x16 b) { return EKI_EACH(f32x16, wasm_f32x4_pmax, b, a); }
EK_INLINE f32x16 f32x16_min(f32x16 a, f32x16 b) { return EKI_EACH(f32x16, wasm_f32x4_pmin, b, a); }

/* 2^k of a = k + 1.5 * 2^23, -126 <= k <= 127. */
EK_INLINE f32x16 f32x16_pow2(f32x16 a) {
    f32x16 r;
    for (int q = 0; q < 4; q++) r.v[q] = wasm_i32x4_add(wasm_i32x4_shl(a.v[q], 23), wasm_i32x4_const_splat(0x3f800000));
    return r;
}

EK_INLINE f64x8 f64x8_set1(double a) {
    v128_t both = wasm_f64x2_splat(a);
    return (f64x8){{both, both, both, both}};
}
EK_INLINE f64x8 f64x8_load(const double *p) {
    return (f64x8){{wasm_v128_load(p), wasm_v128_load(p + 2), wasm_v128_load(p + 4), wasm_v128_load(p + 6)}};
}
EK_INLINE f64x8 f64x8_load_n(const double *p, size_t n) {
    f64x8 r = f64x8_set1(0.0);
    for (size_t q = 0; 2 * q < n; q++) r.v[q] = pair_load_n(p + 2 * q, lanes_here(n, 2 * q, 2));
    return r;
}
EK_INLINE void f64x8_store(double *p, f64x8 a) {
    for (int q = 0; q < 4; q++) wasm_v128_store(p + 2 * q, a.v[q]);
}
EK_INLINE void f64x8_store_n(double *p, f64x8 a, size_t n) {
    for (size_t q = 0; 2 * q < n; q++) pair_store_n(p + 2 * q, a.v[q], lanes_here(n, 2 * q, 2));
}
EK_INLINE f64x8 f64x8_add(f64x8 a, f64x8 b) { return EKI_EACH(f64x8, wasm_f64x2_add, a, b); }
EK_INLINE f64x8 f64x8_plus(f64x8 a, f64x8 b) { return f64x8_add(a, b); }
EK_INLINE f64x8 f64x8_sub(f64x8 a, f64x8 b) { return EKI_EACH(f64x8, wasm_f64x2_sub, a, b); }
EK_INLINE f64x8 f64x8_mul(f64x8 a, f64x8 b) { return EKI_EACH(f64x8, wasm_f64x2_mul, a, b); }
EK_INLINE f64x8 f64x8_div(f64x8 a, f64x8 b) { return EKI_EACH(f64x8, wasm_f64x2_div, a, b); }
EK_INLINE f64x8 f64x8_sqrt(f64x8 a) {
    return (f64x8){
        {wasm_f64x2_sqrt(a.v[0]), wasm_f64x2_sqrt(a.v[1]), wasm_f64x2_sqrt(a.v[2]), wasm_f64x2_sqrt(a.v[3])}};
}
/* a > b ? a : b, so that a NaN in b stays. */
EK_INLINE f64x8 f64x8_max(f64x8 a, f64x8 b) { return EKI_EACH(f64x8, wasm_f64x2_pmax, b, a); }
EK_INLINE double f64x8_first(f64x8 a) { return wasm_f64x2_extract_lane(a.v[0], 0); }

/* a + b in the first n lanes, a in the others. */
EK_INLINE f64x8 f64x8_add_n(f64x8 a, f64x8 b, size_t n) {
    f64x8 sum = f64x8_add(a, b);
    const uint64_t *mask = eki_mask_longs + 8 - n;
    for (int q = 0; q < 4; q++) sum.v[q] = wasm_v128_bitselect(sum.v[q], a.v[q], wasm_v128_load(mask + 2 * q));
    return sum;
}

/* Eight floats as doubles. */
EK_INLINE v128_t upper_pair(v128_t a) { return wasm_i64x2_shuffle(a, a, 1, 1); }
EK_INLINE f64x8 quads_widen(v128_t lo, v128_t hi) {
    return (f64x8){{wasm_f64x2_promote_low_f32x4(lo), wasm_f64x2_promote_low_f32x4(upper_pair(lo)),
                    wasm_f64x2_promote_low_f32x4(hi), wasm_f64x2_promote_low_f32x4(upper_pair(hi))}};
}
EK_INLINE f64x8 f64x8_widen(const float *p) { return quads_widen(wasm_v128_load(p), wasm_v128_load(p + 4)); }
EK_INLINE f64x8 f64x8_widen_n(const float *p, size_t n) {
    const float *next = p + lanes_here(n, 0, 4);
    return quads_widen(quad_load_n(p, lanes_here(n, 0, 4)), quad_load_n(next, lanes_here(n, 4, 4)));
}

/* Lanes 8 * half to 8 * half + 7 as doubles; half is a constant. */
EK_INLINE f64x8 f64x8_half(f32x16 a, int half) { return quads_widen(a.v[2 * half], a.v[2 * half + 1]); }

/* (a0 + a2) + (a1 + a3): two lanes that are left to add. */
EK_INLINE v128_t pair_sum(f64x8 a) {
    return wasm_f64x2_add(wasm_f64x2_add(a.v[0], a.v[2]), wasm_f64x2_add(a.v[1], a.v[3]));
}
EK_INLINE double f64x8_sum(f64x8 a) {
    v128_t two = pair_sum(a);
    return wasm_f64x2_extract_lane(two, 0) + wasm_f64x2_extract_lane(two, 1);
}

/* Lane i is f64x8_sum(v[i]). */
EK_INLINE f64x8 f64x8_sums(const f64x8 v[8]) {
    f64x8 r;
    for (int q = 0; q < 4; q++) {
        v128_t even = pair_sum(v[2 * q]), odd = pair_sum(v[2 * q + 1]);
        r.v[q] = wasm_f64x2_add(wasm_i64x2_shuffle(even, odd, 0, 2), wasm_i64x2_shuffle(even, odd, 1, 3));
    }
    return r;
}

#endif
