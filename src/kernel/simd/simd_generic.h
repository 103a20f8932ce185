/* simd_generic.h: the vector operations in plain C with 16-byte vector types, which every compiler that builds
 * Evenkeel maps to what the machine has (SSE2, NEON) or to scalar code. */
#ifndef EKI_SIMD_GENERIC_H
#define EKI_SIMD_GENERIC_H

#include <string.h>

/* How many f64x8 the registers hold; 8 at least, as kernels have it. */
enum { F64X8_REGISTERS = 8 };

typedef float eki_f32x2 __attribute__((vector_size(8)));
typedef int32_t eki_i32x4 __attribute__((vector_size(16)));
typedef uint32_t eki_u32x4 __attribute__((vector_size(16)));
typedef float eki_f32x4 __attribute__((vector_size(16)));
typedef double eki_f64x2 __attribute__((vector_size(16)));

typedef struct {
    eki_f32x4 v[4];
} f32x16;

typedef struct {
    eki_f64x2 v[4];
} f64x8;

EK_INLINE f32x16 f32x16_set1(float a) {
    eki_f32x4 all = {a, a, a, a};
    return (f32x16){{all, all, all, all}};
}
EK_INLINE f32x16 f32x16_load(const float *p) {
    f32x16 r;
    memcpy(&r, p, sizeof r);
    return r;
}
EK_INLINE f32x16 f32x16_load_n(const float *p, size_t n) {
    float lanes[16] = {0};
    for (size_t i = 0; i < n; i++) lanes[i] = p[i];
    return f32x16_load(lanes);
}
EK_INLINE void f32x16_store(float *p, f32x16 a) { memcpy(p, &a, sizeof a); }
EK_INLINE void f32x16_stream(float *p, f32x16 a) { f32x16_store(p, a); }
EK_INLINE void f32x16_store_n(float *p, f32x16 a, size_t n) {
    float lanes[16];
    f32x16_store(lanes, a);
    for (size_t i = 0; i < n; i++) p[i] = lanes[i];
}
EK_INLINE f32x16 f32x16_add(f32x16 a, f32x16 b) {
    return (f32x16){{a.v[0] + b.v[0], a.v[1] + b.v[1], a.v[2] + b.v[2], a.v[3] + b.v[3]}};
}
EK_INLINE f32x16 f32x16_sub(f32x16 a, f32x16 b) {
    return (f32x16){{a.v[0] - b.v[0], a.v[1] - b.v[1], a.v[2] - b.v[2], a.v[3] - b.v[3]}};
}
EK_INLINE f32x16 f32x16_mul(f32x16 a, f32x16 b) {
    return (f32x16){{a.v[0] * b.v[0], a.v[1] * b.v[1], a.v[2] * b.v[2], a.v[3] * b.v[3]}};
}

EK_INLINE f32x16 f32x16_div(f32x16 a, f32x16 b) {
    return (f32x16){{a.v[0] / b.v[0], a.v[1] / b.v[1], a.v[2] / b.v[2], a.v[3] / b.v[3]}};
}

/* a > b ? yes : no, so that a NaN in either gives no. */
EK_INLINE f32x16 f32x16_greater(f32x16 a, f32x16 b, f32x16 yes, f32x16 no) {
    f32x16 r;
    for (int i = 0; i < 4; i++) {
        eki_i32x4 mask = a.v[i] > b.v[i];
        r.v[i] = (eki_f32x4)((mask & (eki_i32x4)yes.v[i]) | (~mask & (eki_i32x4)no.v[i]));
    }
    return r;
}
/* a > b ? a : b and a < b ? a : b, so that a NaN in b, the second operand, stays. */
EK_INLINE f32x16 f32x16_max(f32x16 a, f32x16 b) { return f32x16_greater(a, b, a, b); }
EK_INLINE f32x16 f32x16_min(f32x16 a, f32x16 b) { return f32x16_greater(b, a, a, b); }

/* 2^k of a = k + 1.5 * 2^23, -126 <= k <= 127. */
EK_INLINE f32x16 f32x16_pow2(f32x16 a) {
    f32x16 r;
    for (int i = 0; i < 4; i++) r.v[i] = (eki_f32x4)(((eki_u32x4)a.v[i] << 23) + 0x3f800000u);
    return r;
}

EK_INLINE f64x8 f64x8_set1(double a) {
    eki_f64x2 both = {a, a};
    return (f64x8){{both, both, both, both}};
}
EK_INLINE f64x8 f64x8_load(const double *p) {
    f64x8 r;
    memcpy(&r, p, sizeof r);
    return r;
}
EK_INLINE f64x8 f64x8_load_n(const double *p, size_t n) {
    double lanes[8] = {0};
    for (size_t i = 0; i < n; i++) lanes[i] = p[i];
    return f64x8_load(lanes);
}
EK_INLINE void f64x8_store(double *p, f64x8 a) { memcpy(p, &a, sizeof a); }
EK_INLINE void f64x8_store_n(double *p, f64x8 a, size_t n) {
    double lanes[8];
    f64x8_store(lanes, a);
    for (size_t i = 0; i < n; i++) p[i] = lanes[i];
}
EK_INLINE f64x8 f64x8_add(f64x8 a, f64x8 b) {
    return (f64x8){{a.v[0] + b.v[0], a.v[1] + b.v[1], a.v[2] + b.v[2], a.v[3] + b.v[3]}};
}
EK_INLINE f64x8 f64x8_plus(f64x8 a, f64x8 b) { return f64x8_add(a, b); }
EK_INLINE f64x8 f64x8_sub(f64x8 a, f64x8 b) {
    return (f64x8){{a.v[0] - b.v[0], a.v[1] - b.v[1], a.v[2] - b.v[2], a.v[3] - b.v[3]}};
}
EK_INLINE f64x8 f64x8_mul(f64x8 a, f64x8 b) {
    return (f64x8){{a.v[0] * b.v[0], a.v[1] * b.v[1], a.v[2] * b.v[2], a.v[3] * b.v[3]}};
}
EK_INLINE f64x8 f64x8_div(f64x8 a, f64x8 b) {
    return (f64x8){{a.v[0] / b.v[0], a.v[1] / b.v[1], a.v[2] / b.v[2], a.v[3] / b.v[3]}};
}
EK_INLINE f64x8 f64x8_sqrt(f64x8 a) {
    double lanes[8];
    f64x8_store(lanes, a);
    for (int i = 0; i < 8; i++) lanes[i] = __builtin_sqrt(lanes[i]);
    return f64x8_load(lanes);
}
/* a > b ? a : b, so that a NaN in b stays. */
EK_INLINE f64x8 f64x8_max(f64x8 a, f64x8 b) {
    double left[8], right[8];
    f64x8_store(left, a);
    f64x8_store(right, b);
    for (int i = 0; i < 8; i++) right[i] = left[i] > right[i] ? left[i] : right[i];
    return f64x8_load(right);
}
EK_INLINE double f64x8_first(f64x8 a) { return a.v[0][0]; }

/* a + b in the first n lanes, a in the others. */
EK_INLINE f64x8 f64x8_add_n(f64x8 a, f64x8 b, size_t n) {
    double lanes[8], sums[8];
    f64x8_store(lanes, a);
    f64x8_store(sums, f64x8_add(a, b));
    for (size_t i = 0; i < n; i++) lanes[i] = sums[i];
    return f64x8_load(lanes);
}

/* Eight floats as doubles. */
EK_INLINE f64x8 f64x8_widen(const float *p) {
    f64x8 r;
    for (int i = 0; i < 4; i++) {
        eki_f32x2 two;
        memcpy(&two, p + 2 * i, sizeof two);
        r.v[i] = __builtin_convertvector(two, eki_f64x2);
    }
    return r;
}
EK_INLINE f64x8 f64x8_widen_n(const float *p, size_t n) {
    float lanes[8] = {0};
    for (size_t i = 0; i < n; i++) lanes[i] = p[i];
    return f64x8_widen(lanes);
}
/* Lanes 8 * half to 8 * half + 7 as doubles. */
EK_INLINE f64x8 f64x8_half(f32x16 a, int half) {
    float lanes[16];
    f32x16_store(lanes, a);
    return f64x8_widen(lanes + 8 * half);
}

EK_INLINE double f64x8_sum(f64x8 a) {
    eki_f64x2 two = (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]);
    return two[0] + two[1];
}

/* Lane i is f64x8_sum(v[i]). */
EK_INLINE f64x8 f64x8_sums(const f64x8 v[8]) {
    double lanes[8];
    for (int i = 0; i < 8; i++) lanes[i] = f64x8_sum(v[i]);
    return f64x8_load(lanes);
}

#endif
