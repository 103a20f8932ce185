/* simd_avx512.h: the vector operations with AVX-512 (F, BW, DQ, VL). */
#ifndef EKI_SIMD_AVX512_H
#define EKI_SIMD_AVX512_H

#include <immintrin.h>

/* How many f64x8 the registers hold; 8 at least, as kernels have it. */
enum { F64X8_REGISTERS = 32 };

typedef __m512 f32x16;
typedef __m512d f64x8;

EK_INLINE __mmask16 mask16(size_t n) { return (__mmask16)((1u << n) - 1u); }
EK_INLINE __mmask8 mask8(size_t n) { return (__mmask8)((1u << n) - 1u); }

EK_INLINE f32x16 f32x16_set1(float a) { return _mm512_set1_ps(a); }
EK_INLINE f32x16 f32x16_load(const float *p) { return _mm512_loadu_ps(p); }
EK_INLINE f32x16 f32x16_load_n(const float *p, size_t n) { return _mm512_maskz_loadu_ps(mask16(n), p); }
EK_INLINE void f32x16_store(float *p, f32x16 a) { _mm512_storeu_ps(p, a); }
EK_INLINE void f32x16_store_n(float *p, f32x16 a, size_t n) { _mm512_mask_storeu_ps(p, mask16(n), a); }
/* Aligned to 64 bytes, past the caches. */
EK_INLINE void f32x16_stream(float *p, f32x16 a) { _mm512_stream_ps(p, a); }
EK_INLINE f32x16 f32x16_add(f32x16 a, f32x16 b) { return _mm512_add_ps(a, b); }
EK_INLINE f32x16 f32x16_sub(f32x16 a, f32x16 b) { return _mm512_sub_ps(a, b); }
EK_INLINE f32x16 f32x16_mul(f32x16 a, f32x16 b) { return _mm512_mul_ps(a, b); }

EK_INLINE f32x16 f32x16_div(f32x16 a, f32x16 b) { return _mm512_div_ps(a, b); }

/* a > b ? a : b, a < b ? a : b and a > b ? yes : no, so that a NaN in b, the second operand, stays. */
EK_INLINE f32x16 f32x16_max(f32x16 a, f32x16 b) { return _mm512_max_ps(a, b); }
EK_INLINE f32x16 f32x16_min(f32x16 a, f32x16 b) { return _mm512_min_ps(a, b); }
EK_INLINE f32x16 f32x16_greater(f32x16 a, f32x16 b, f32x16 yes, f32x16 no) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), no, yes);
}

/* 2^k of a = k + 1.5 * 2^23, -126 <= k <= 127. */
EK_INLINE f32x16 f32x16_pow2(f32x16 a) {
    __m512i bits = _mm512_slli_epi32(_mm512_castps_si512(a), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(bits, _mm512_set1_epi32(0x3f800000)));
}

EK_INLINE f64x8 f64x8_set1(double a) { return _mm512_set1_pd(a); }
EK_INLINE f64x8 f64x8_load(const double *p) { return _mm512_loadu_pd(p); }
EK_INLINE f64x8 f64x8_load_n(const double *p, size_t n) { return _mm512_maskz_loadu_pd(mask8(n), p); }
EK_INLINE void f64x8_store(double *p, f64x8 a) { _mm512_storeu_pd(p, a); }
EK_INLINE void f64x8_store_n(double *p, f64x8 a, size_t n) { _mm512_mask_storeu_pd(p, mask8(n), a); }
EK_INLINE f64x8 f64x8_add(f64x8 a, f64x8 b) { return _mm512_add_pd(a, b); }
/* a * 1 - b in one rounding is a - b, bit for bit; where additions and conversions share their units (AMD), the units
 * for products would else be idle, and sums are a sixth to a third faster. */
EK_INLINE f64x8 f64x8_sub(f64x8 a, f64x8 b) { return _mm512_fmsub_pd(a, _mm512_set1_pd(1.0), b); }
/* a + b, the same bits, on those units too: a longer way, for sums of four vectors and more side by side. */
EK_INLINE f64x8 f64x8_plus(f64x8 a, f64x8 b) { return _mm512_fmadd_pd(b, _mm512_set1_pd(1.0), a); }
EK_INLINE f64x8 f64x8_mul(f64x8 a, f64x8 b) { return _mm512_mul_pd(a, b); }
EK_INLINE f64x8 f64x8_div(f64x8 a, f64x8 b) { return _mm512_div_pd(a, b); }
EK_INLINE f64x8 f64x8_sqrt(f64x8 a) { return _mm512_sqrt_pd(a); }
/* a > b ? a : b, so that a NaN in b stays. */
EK_INLINE f64x8 f64x8_max(f64x8 a, f64x8 b) { return _mm512_max_pd(a, b); }
EK_INLINE double f64x8_first(f64x8 a) { return _mm512_cvtsd_f64(a); }

/* a + b in the first n lanes, a in the others. */
EK_INLINE f64x8 f64x8_add_n(f64x8 a, f64x8 b, size_t n) { return _mm512_mask_add_pd(a, mask8(n), a, b); }

/* Eight floats as doubles. */
EK_INLINE f64x8 f64x8_widen(const float *p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
EK_INLINE f64x8 f64x8_widen_n(const float *p, size_t n) { return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask8(n), p)); }
/* Lanes 8 * half to 8 * half + 7 as doubles; half is a constant. */
EK_INLINE f64x8 f64x8_half(f32x16 a, int half) {
    return _mm512_cvtps_pd(half ? _mm512_extractf32x8_ps(a, 1) : _mm512_castps512_ps256(a));
}

EK_INLINE double f64x8_sum(f64x8 a) {
    __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

/* Lane i is f64x8_sum(v[i]), with its additions. */
EK_INLINE __m512d halves_sum(f64x8 a, f64x8 b) { /* four lanes of each */
    return _mm512_add_pd(_mm512_shuffle_f64x2(a, b, 0x44), _mm512_shuffle_f64x2(a, b, 0xee));
}
EK_INLINE __m512d quarters_sum(__m512d a, __m512d b) { /* two lanes of each of four */
    return _mm512_add_pd(_mm512_shuffle_f64x2(a, b, 0x88), _mm512_shuffle_f64x2(a, b, 0xdd));
}
EK_INLINE f64x8 f64x8_sums(const f64x8 v[8]) {
    __m512d even = quarters_sum(halves_sum(v[0], v[2]), halves_sum(v[4], v[6]));
    __m512d odd = quarters_sum(halves_sum(v[1], v[3]), halves_sum(v[5], v[7]));
    return _mm512_add_pd(_mm512_unpacklo_pd(even, odd), _mm512_unpackhi_pd(even, odd));
}

#endif
