/* half_avx512.h: sixteen elements of 16 bits with AVX-512. VCVTNEPS2BF16 takes denormals for zero, so bf16 is rounded
 * by integer arithmetic; VCVTPS2PH rounds as IEEE says. */
#ifndef EKI_HALF_AVX512_H
#define EKI_HALF_AVX512_H

typedef __m256i h16;

EK_INLINE h16 half_load(const uint16_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
EK_INLINE h16 half_load8(const uint16_t *p) {
    return _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
}
EK_INLINE h16 half_load_n(const uint16_t *p, size_t n) { return _mm256_maskz_loadu_epi16(mask16(n), p); }
EK_INLINE void half_store(uint16_t *p, h16 a) { _mm256_storeu_si256((__m256i *)(void *)p, a); }
EK_INLINE void half_store_n(uint16_t *p, h16 a, size_t n) { _mm256_mask_storeu_epi16(p, mask16(n), a); }
/* Aligned to 32 bytes, past the caches. */
EK_INLINE void half_stream(uint16_t *p, h16 a) { _mm256_stream_si256((__m256i *)(void *)p, a); }

EK_INLINE f32x16 f32x16_of_bf16(h16 a) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(a), 16)); }
/* Nearest even; a NaN keeps its sign and upper bits and is quiet. */
EK_INLINE h16 bf16_of_f32x16(f32x16 a) {
    __m512i bits = _mm512_castps_si512(a), upper = _mm512_srli_epi32(bits, 16);
    __m512i odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
    __m512i sum = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    __m512i rounded = _mm512_srli_epi32(sum, 16), quiet = _mm512_or_si512(upper, _mm512_set1_epi32(0x40));
    return _mm512_cvtepi32_epi16(_mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), quiet));
}

EK_INLINE f32x16 f32x16_of_f16(h16 a) { return _mm512_cvtph_ps(a); }
EK_INLINE h16 f16_of_f32x16(f32x16 a) { return _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT); }

#endif
