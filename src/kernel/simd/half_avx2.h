/* half_avx2.h: sixteen elements of 16 bits with AVX2 and F16C. */
#ifndef EKI_HALF_AVX2_H
#define EKI_HALF_AVX2_H

#include "kernel/simd/simd_avx2.h"

typedef __m256i h16;

EK_INLINE h16 half_load(const uint16_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
EK_INLINE h16 half_load8(const uint16_t *p) {
    return _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
}
EK_INLINE h16 half_load_n(const uint16_t *p, size_t n) {
    uint16_t lanes[16] = {0};
    for (size_t i = 0; i < n; i++) lanes[i] = p[i];
    return half_load(lanes);
}
EK_INLINE void half_store(uint16_t *p, h16 a) { _mm256_storeu_si256((__m256i *)(void *)p, a); }
EK_INLINE void half_store_n(uint16_t *p, h16 a, size_t n) {
    uint16_t lanes[16];
    half_store(lanes, a);
    for (size_t i = 0; i < n; i++) p[i] = lanes[i];
}
/* A line of 64 bytes, past the caches. */
EK_INLINE void half_stream(uint16_t *p, h16 a, h16 b) {
    _mm256_stream_si256((__m256i *)(void *)p, a);
    _mm256_stream_si256((__m256i *)(void *)(p + 16), b);
}

EK_INLINE __m256 bf16_widen8(__m128i a) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(a), 16)); }
EK_INLINE f32x16 f32x16_of_bf16(h16 a) {
    return (f32x16){bf16_widen8(_mm256_castsi256_si128(a)), bf16_widen8(_mm256_extracti128_si256(a, 1))};
}
/* Nearest even; a NaN keeps its sign and upper bits and is quiet. Eight results in the lower halves of words. */
EK_INLINE __m256i bf16_narrow8(__m256 a) {
    __m256i bits = _mm256_castps_si256(a), upper = _mm256_srli_epi32(bits, 16);
    __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    __m256i sum = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    __m256i rounded = _mm256_srli_epi32(sum, 16), quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    return _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q)));
}
EK_INLINE h16 bf16_of_f32x16(f32x16 a) {
    return _mm256_permute4x64_epi64(_mm256_packus_epi32(bf16_narrow8(a.lo), bf16_narrow8(a.hi)), 0xd8);
}

EK_INLINE f32x16 f32x16_of_f16(h16 a) {
    return (f32x16){_mm256_cvtph_ps(_mm256_castsi256_si128(a)), _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1))};
}
EK_INLINE h16 f16_of_f32x16(f32x16 a) {
    __m128i lo = _mm256_cvtps_ph(a.lo, _MM_FROUND_TO_NEAREST_INT),
            hi = _mm256_cvtps_ph(a.hi, _MM_FROUND_TO_NEAREST_INT);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(lo), hi, 1);
}

#endif
