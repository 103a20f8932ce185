/* half_avx512.h: sixteen elements of 16 bits with AVX-512. VCVTNEPS2BF16 takes denormals for zero, so bf16 is rounded
 * by integer arithmetic; VCVTPS2PH rounds as IEEE says. */
#ifndef EKI_HALF_AVX512_H
#define EKI_HALF_AVX512_H

#include "kernel/simd/simd_avx512.h"

typedef __m256i h16;

EK_INLINE h16 half_load(const uint16_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
EK_INLINE h16 half_load8(const uint16_t *p) {
    return _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
}
EK_INLINE h16 half_load_n(const uint16_t *p, size_t n) { return _mm256_maskz_loadu_epi16(mask16(n), p); }
EK_INLINE void half_store(uint16_t *p, h16 a) { _mm256_storeu_si256((__m256i *)(void *)p, a); }
EK_INLINE void half_store_n(uint16_t *p, h16 a, size_t n) { _mm256_mask_storeu_epi16(p, mask16(n), a); }
/* A line of 64 bytes, past the caches: stores of half a line take twice as long. */
EK_INLINE void half_stream(uint16_t *p, h16 a, h16 b) {
    _mm512_stream_si512((__m512i *)(void *)p, _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1));
}

/* Words of 0 and elements alternate: one permutation widens sixteen. */
EK_INLINE f32x16 f32x16_of_bf16(h16 a) {
    const __m512i twice = _mm512_set_epi16(15, 15, 14, 14, 13, 13, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8, 7, 7, 6, 6, 5, 5,
                                           4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
    return _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(0xaaaaaaaau, twice, _mm512_castsi256_si512(a)));
}
/* Nearest even: half a unit less one is added, and one more where the digit that stays is odd; any NaN becomes one that
 * this leaves alone. */
EK_INLINE h16 bf16_of_f32x16(f32x16 a) {
    const __m512i odd = _mm512_set_epi16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 31, 29, 27, 25, 23, 21, 19, 17,
                                         15, 13, 11, 9, 7, 5, 3, 1);
    __m512i bits = _mm512_castps_si512(_mm512_fixupimm_ps(a, a, _mm512_set1_epi32(0x11111133), 0));
    __m512i sum = _mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff));
    sum =
        _mm512_mask_add_epi32(sum, _mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x10000)), sum, _mm512_set1_epi32(1));
    return _mm512_castsi512_si256(_mm512_permutexvar_epi16(odd, sum));
}

EK_INLINE f32x16 f32x16_of_f16(h16 a) { return _mm512_cvtph_ps(a); }
EK_INLINE h16 f16_of_f32x16(f32x16 a) { return _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT); }

#endif
