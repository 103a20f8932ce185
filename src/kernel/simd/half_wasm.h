/* half_wasm.h: sixteen elements of 16 bits with WebAssembly's 128-bit vectors. */
#ifndef EKI_HALF_WASM_H
#define EKI_HALF_WASM_H

#include "kernel/simd/simd_wasm.h"

typedef struct {
    v128_t v[2];
} h16;

EK_INLINE h16 half_load(const uint16_t *p) { return (h16){{wasm_v128_load(p), wasm_v128_load(p + 8)}}; }
EK_INLINE h16 half_load8(const uint16_t *p) { return (h16){{wasm_v128_load(p), wasm_i32x4_const_splat(0)}}; }
EK_INLINE h16 half_load_n(const uint16_t *p, size_t n) {
    uint16_t lanes[16] = {0};
    for (size_t i = 0; i < n; i++) lanes[i] = p[i];
    return half_load(lanes);
}
EK_INLINE void half_store(uint16_t *p, h16 a) {
    wasm_v128_store(p, a.v[0]);
    wasm_v128_store(p + 8, a.v[1]);
}
EK_INLINE void half_store_n(uint16_t *p, h16 a, size_t n) {
    uint16_t lanes[16];
    half_store(lanes, a);
    for (size_t i = 0; i < n; i++) p[i] = lanes[i];
}
EK_INLINE void half_stream(uint16_t *p, h16 a, h16 b) {
    half_store(p, a);
    half_store(p + 16, b);
}

/* Sixteen words from sixteen elements, and back: of words that fit 16 bits. */
EK_INLINE f32x16 words_of(h16 a) {
    return (f32x16){{wasm_u32x4_extend_low_u16x8(a.v[0]), wasm_u32x4_extend_high_u16x8(a.v[0]),
                     wasm_u32x4_extend_low_u16x8(a.v[1]), wasm_u32x4_extend_high_u16x8(a.v[1])}};
}
EK_INLINE h16 of_words(f32x16 a) {
    return (h16){{wasm_u16x8_narrow_i32x4(a.v[0], a.v[1]), wasm_u16x8_narrow_i32x4(a.v[2], a.v[3])}};
}

EK_INLINE f32x16 f32x16_of_bf16(h16 a) {
    f32x16 r = words_of(a);
    for (int q = 0; q < 4; q++) r.v[q] = wasm_i32x4_shl(r.v[q], 16);
    return r;
}
/* Nearest even; a NaN keeps its sign and upper bits and is quiet. */
EK_INLINE v128_t bf16_narrow4(v128_t bits) {
    v128_t upper = wasm_u32x4_shr(bits, 16), odd = wasm_v128_and(upper, wasm_i32x4_const_splat(1));
    v128_t sum = wasm_i32x4_add(wasm_i32x4_add(bits, wasm_i32x4_const_splat(0x7fff)), odd);
    v128_t quiet = wasm_v128_or(upper, wasm_i32x4_const_splat(0x40));
    return wasm_v128_bitselect(quiet, wasm_u32x4_shr(sum, 16), wasm_f32x4_ne(bits, bits));
}
EK_INLINE h16 bf16_of_f32x16(f32x16 a) {
    for (int q = 0; q < 4; q++) a.v[q] = bf16_narrow4(a.v[q]);
    return of_words(a);
}

/* As a float with an exponent that is 112 too small, times 2^112, which is exact, for denormals too; infinity and NaN
 * get the exponent of theirs. */
EK_INLINE v128_t f16_widen4(v128_t a) {
    v128_t sign = wasm_i32x4_shl(wasm_v128_and(a, wasm_i32x4_const_splat(0x8000)), 16);
    v128_t size = wasm_i32x4_shl(wasm_v128_and(a, wasm_i32x4_const_splat(0x7fff)), 13);
    v128_t finite = wasm_f32x4_mul(size, wasm_f32x4_const_splat(0x1p112f));
    v128_t beyond = wasm_i32x4_gt(size, wasm_i32x4_const_splat((0x7c00 << 13) - 1));
    v128_t other = wasm_v128_or(size, wasm_i32x4_const_splat(0x7f800000));
    return wasm_v128_or(sign, wasm_v128_bitselect(other, finite, beyond));
}
EK_INLINE f32x16 f32x16_of_f16(h16 a) {
    f32x16 r = words_of(a);
    for (int q = 0; q < 4; q++) r.v[q] = f16_widen4(r.v[q]);
    return r;
}
/* Nearest even: above 2^-14 by carrying into the digits that stay, below by adding 1/2, whose last digit is 2^-24. */
EK_INLINE v128_t f16_narrow4(v128_t bits) {
    v128_t size = wasm_v128_and(bits, wasm_i32x4_const_splat(0x7fffffff));
    v128_t sign = wasm_v128_and(wasm_u32x4_shr(bits, 16), wasm_i32x4_const_splat(0x8000));
    v128_t digits = wasm_u32x4_shr(size, 13), odd = wasm_v128_and(digits, wasm_i32x4_const_splat(1));
    v128_t carried = wasm_i32x4_add(wasm_i32x4_add(size, odd), wasm_i32x4_const_splat(0xfff - (112 << 23)));
    v128_t small = wasm_i32x4_sub(wasm_f32x4_add(size, wasm_f32x4_const_splat(0.5f)), //
                                  wasm_i32x4_const_splat(0x3f000000));
    v128_t finite = wasm_v128_bitselect(small, wasm_u32x4_shr(carried, 13),
                                        wasm_i32x4_lt(size, wasm_i32x4_const_splat(0x38800000)));
    v128_t large = wasm_i32x4_gt(size, wasm_i32x4_const_splat(0x477fefff));
    v128_t nan = wasm_v128_or(wasm_v128_and(digits, wasm_i32x4_const_splat(0x3ff)), wasm_i32x4_const_splat(0x7e00));
    v128_t r = wasm_v128_bitselect(wasm_i32x4_const_splat(0x7c00), finite, large);
    return wasm_v128_or(sign, wasm_v128_bitselect(nan, r, wasm_i32x4_gt(size, wasm_i32x4_const_splat(0x7f800000))));
}
EK_INLINE h16 f16_of_f32x16(f32x16 a) {
    for (int q = 0; q < 4; q++) a.v[q] = f16_narrow4(a.v[q]);
    return of_words(a);
}

#endif
