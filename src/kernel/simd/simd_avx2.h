/* simd_avx2.h: the vector operations with AVX2; a logical vector is two registers. */
#ifndef EKI_SIMD_AVX2_H
#define EKI_SIMD_AVX2_H

#include <immintrin.h>

/* How many f64x8 the registers hold; 8 at least, as kernels have it. */
enum { F64X8_REGISTERS = 8 };

typedef struct {
    __m256 lo, hi;
} f32x16;

typedef struct {
    __m256d lo, hi;
} f64x8;

static const int32_t eki_mask_words[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
static const int64_t eki_mask_longs[8] = {-1, -1, -1, -1, 0, 0, 0, 0};

EK_INLINE size_t at_most(size_t n, size_t limit) { return n < limit ? n : limit; }
EK_INLINE size_t beyond(size_t n, size_t limit) { return n > limit ? n - limit : 0; }

/* All ones in the first n lanes; n <= 8 and n <= 4. */
EK_INLINE __m256i mask_f32(size_t n) {
    return _mm256_loadu_si256((const __m256i *)(const void *)(eki_mask_words + 8 - n));
}
EK_INLINE __m256i mask_f64(size_t n) {
    return _mm256_loadu_si256((const __m256i *)(const void *)(eki_mask_longs + 4 - n));
}

EK_INLINE f32x16 f32x16_set1(float a) { return (f32x16){_mm256_set1_ps(a), _mm256_set1_ps(a)}; }
EK_INLINE f32x16 f32x16_load(const float *p) { return (f32x16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
EK_INLINE f32x16 f32x16_load_n(const float *p, size_t n) {
    const float *next = p + at_most(n, 8);
    return (f32x16){_mm256_maskload_ps(p, mask_f32(at_most(n, 8))), _mm256_maskload_ps(next, mask_f32(beyond(n, 8)))};
}
/* Aligned to 64 bytes, past the caches. */
EK_INLINE void f32x16_stream(float *p, f32x16 a) {
    _mm256_stream_ps(p, a.lo);
    _mm256_stream_ps(p + 8, a.hi);
}
EK_INLINE void f32x16_store(float *p, f32x16 a) {
    _mm256_storeu_ps(p, a.lo);
    _mm256_storeu_ps(p + 8, a.hi);
}
EK_INLINE void f32x16_store_n(float *p, f32x16 a, size_t n) {
    _mm256_maskstore_ps(p, mask_f32(at_most(n, 8)), a.lo);
    _mm256_maskstore_ps(p + at_most(n, 8), mask_f32(beyond(n, 8)), a.hi);
}
EK_INLINE f32x16 f32x16_add(f32x16 a, f32x16 b) {
    return (f32x16){_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
EK_INLINE f32x16 f32x16_sub(f32x16 a, f32x16 b) {
    return (f32x16){_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
EK_INLINE f32x16 f32x16_mul(f32x16 a, f32x16 b) {
    return (f32x16){_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}

EK_INLINE f32x16 f32x16_div(f32x16 a, f32x16 b) {
    return (f32x16){_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}

/* a > b ? a : b, a < b ? a : b and a > b ? yes : no, so that a NaN in b, the second operand, stays. */
EK_INLINE f32x16 f32x16_max(f32x16 a, f32x16 b) {
    return (f32x16){_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}
EK_INLINE f32x16 f32x16_min(f32x16 a, f32x16 b) {
    return (f32x16){_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}
EK_INLINE f32x16 f32x16_greater(f32x16 a, f32x16 b, f32x16 yes, f32x16 no) {
    return (f32x16){_mm256_blendv_ps(no.lo, yes.lo, _mm256_cmp_ps(a.lo, b.lo, _CMP_GT_OQ)),
                    _mm256_blendv_ps(no.hi, yes.hi, _mm256_cmp_ps(a.hi, b.hi, _CMP_GT_OQ))};
}

EK_INLINE __m256 pow2_f32(__m256 a) {
    __m256i bits = _mm256_slli_epi32(_mm256_castps_si256(a), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(bits, _mm256_set1_epi32(0x3f800000)));
}
/* 2^k of a = k + 1.5 * 2^23, -126 <= k <= 127. */
EK_INLINE f32x16 f32x16_pow2(f32x16 a) { return (f32x16){pow2_f32(a.lo), pow2_f32(a.hi)}; }

EK_INLINE f64x8 f64x8_set1(double a) { return (f64x8){_mm256_set1_pd(a), _mm256_set1_pd(a)}; }
EK_INLINE f64x8 f64x8_load(const double *p) { return (f64x8){_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)}; }
EK_INLINE f64x8 f64x8_load_n(const double *p, size_t n) {
    const double *next = p + at_most(n, 4);
    return (f64x8){_mm256_maskload_pd(p, mask_f64(at_most(n, 4))), _mm256_maskload_pd(next, mask_f64(beyond(n, 4)))};
}
EK_INLINE void f64x8_store(double *p, f64x8 a) {
    _mm256_storeu_pd(p, a.lo);
    _mm256_storeu_pd(p + 4, a.hi);
}
EK_INLINE void f64x8_store_n(double *p, f64x8 a, size_t n) {
    _mm256_maskstore_pd(p, mask_f64(at_most(n, 4)), a.lo);
    _mm256_maskstore_pd(p + at_most(n, 4), mask_f64(beyond(n, 4)), a.hi);
}
EK_INLINE f64x8 f64x8_add(f64x8 a, f64x8 b) { return (f64x8){_mm256_add_pd(a.lo, b.lo), _mm256_add_pd(a.hi, b.hi)}; }
EK_INLINE f64x8 f64x8_plus(f64x8 a, f64x8 b) { return f64x8_add(a, b); }
EK_INLINE f64x8 f64x8_sub(f64x8 a, f64x8 b) { return (f64x8){_mm256_sub_pd(a.lo, b.lo), _mm256_sub_pd(a.hi, b.hi)}; }
EK_INLINE f64x8 f64x8_mul(f64x8 a, f64x8 b) { return (f64x8){_mm256_mul_pd(a.lo, b.lo), _mm256_mul_pd(a.hi, b.hi)}; }
EK_INLINE f64x8 f64x8_div(f64x8 a, f64x8 b) { return (f64x8){_mm256_div_pd(a.lo, b.lo), _mm256_div_pd(a.hi, b.hi)}; }
EK_INLINE f64x8 f64x8_sqrt(f64x8 a) { return (f64x8){_mm256_sqrt_pd(a.lo), _mm256_sqrt_pd(a.hi)}; }
/* a > b ? a : b, so that a NaN in b stays. */
EK_INLINE f64x8 f64x8_max(f64x8 a, f64x8 b) { return (f64x8){_mm256_max_pd(a.lo, b.lo), _mm256_max_pd(a.hi, b.hi)}; }
EK_INLINE double f64x8_first(f64x8 a) { return _mm256_cvtsd_f64(a.lo); }

/* a + b in the first n lanes, a in the others. */
EK_INLINE f64x8 f64x8_add_n(f64x8 a, f64x8 b, size_t n) {
    f64x8 sum = f64x8_add(a, b);
    __m256d lo = _mm256_castsi256_pd(mask_f64(at_most(n, 4)));
    __m256d hi = _mm256_castsi256_pd(mask_f64(beyond(n, 4)));
    return (f64x8){_mm256_blendv_pd(a.lo, sum.lo, lo), _mm256_blendv_pd(a.hi, sum.hi, hi)};
}

/* Eight floats as doubles. */
EK_INLINE f64x8 f64x8_widen(const float *p) {
    return (f64x8){_mm256_cvtps_pd(_mm_loadu_ps(p)), _mm256_cvtps_pd(_mm_loadu_ps(p + 4))};
}
EK_INLINE f64x8 f64x8_widen_n(const float *p, size_t n) {
    __m256 a = _mm256_maskload_ps(p, mask_f32(n));
    return (f64x8){_mm256_cvtps_pd(_mm256_castps256_ps128(a)), _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1))};
}
/* Lanes 8 * half to 8 * half + 7 as doubles; half is a constant. */
EK_INLINE f64x8 f64x8_half(f32x16 a, int half) {
    __m256 eight = half ? a.hi : a.lo;
    return (f64x8){_mm256_cvtps_pd(_mm256_castps256_ps128(eight)), _mm256_cvtps_pd(_mm256_extractf128_ps(eight, 1))};
}

EK_INLINE double f64x8_sum(f64x8 a) {
    __m256d four = _mm256_add_pd(a.lo, a.hi);
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

/* Lane i is f64x8_sum(v[i]), with its additions. */
EK_INLINE __m256d quarters_sum(f64x8 a, f64x8 b) { /* two lanes of each */
    __m256d p = _mm256_add_pd(a.lo, a.hi), q = _mm256_add_pd(b.lo, b.hi);
    return _mm256_add_pd(_mm256_permute2f128_pd(p, q, 0x20), _mm256_permute2f128_pd(p, q, 0x31));
}
EK_INLINE __m256d four_sums(const f64x8 v[4]) {
    __m256d even = quarters_sum(v[0], v[2]), odd = quarters_sum(v[1], v[3]);
    return _mm256_add_pd(_mm256_unpacklo_pd(even, odd), _mm256_unpackhi_pd(even, odd));
}
EK_INLINE f64x8 f64x8_sums(const f64x8 v[8]) { return (f64x8){four_sums(v), four_sums(v + 4)}; }

#endif
