/* half_generic.h: sixteen elements of 16 bits in plain C, by their bits; the definition that the others must meet. */
#ifndef EKI_HALF_GENERIC_H
#define EKI_HALF_GENERIC_H

#include "kernel/simd/simd_generic.h"

typedef struct {
    uint16_t v[16];
} h16;

EK_INLINE h16 half_load(const uint16_t *p) {
    h16 r;
    memcpy(&r, p, sizeof r);
    return r;
}
EK_INLINE h16 half_load_n(const uint16_t *p, size_t n) {
    h16 r = {{0}};
    for (size_t i = 0; i < n; i++) r.v[i] = p[i];
    return r;
}
EK_INLINE h16 half_load8(const uint16_t *p) { return half_load_n(p, 8); }
EK_INLINE void half_store(uint16_t *p, h16 a) { memcpy(p, &a, sizeof a); }
EK_INLINE void half_store_n(uint16_t *p, h16 a, size_t n) {
    for (size_t i = 0; i < n; i++) p[i] = a.v[i];
}
EK_INLINE void half_stream(uint16_t *p, h16 a, h16 b) {
    half_store(p, a);
    half_store(p + 16, b);
}

EK_INLINE uint32_t bits_of(float a) {
    uint32_t bits;
    memcpy(&bits, &a, sizeof bits);
    return bits;
}
EK_INLINE float float_of(uint32_t bits) {
    float a;
    memcpy(&a, &bits, sizeof a);
    return a;
}

EK_INLINE float f32_of_bf16(uint16_t a) { return float_of((uint32_t)a << 16); }
/* Nearest even; a NaN keeps its sign and upper bits and is quiet. */
EK_INLINE uint16_t bf16_of_f32(float a) {
    uint32_t bits = bits_of(a), rounded = bits + 0x7fff + (bits >> 16 & 1);
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded >> 16);
}

/* A denormal is its digits times 2^-24; the others get another exponent. */
EK_INLINE float f32_of_f16(uint16_t a) {
    uint32_t exponent = a & 0x7c00, digits = a & 0x3ff, sign = (uint32_t)(a & 0x8000) << 16;
    uint32_t normal = ((uint32_t)(a & 0x7fff) << 13) + (exponent == 0x7c00 ? 224u << 23 : 112u << 23);
    uint32_t quiet = exponent == 0x7c00 && digits != 0 ? 1u << 22 : 0;
    return float_of(sign | (exponent == 0 ? bits_of((float)digits * 0x1p-24f) : normal | quiet));
}
/* Nearest even: above 2^-14 by carrying into the digits that stay, below by adding 1/2, whose last digit is 2^-24. */
EK_INLINE uint16_t f16_of_f32(float a) {
    uint32_t bits = bits_of(a), size = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
    uint32_t normal = (size + 0xfff + (size >> 13 & 1) - (112u << 23)) >> 13;
    uint32_t small = bits_of(float_of(size) + 0.5f) - 0x3f000000;
    uint32_t finite = size < 0x38800000 ? small : normal, nan = 0x7e00 | (size >> 13 & 0x3ff);
    return (uint16_t)(sign | (size > 0x7f800000 ? nan : size >= 0x477ff000 ? 0x7c00 : finite));
}

EK_INLINE f32x16 f32x16_of_bf16(h16 a) {
    float lanes[16];
    for (int i = 0; i < 16; i++) lanes[i] = f32_of_bf16(a.v[i]);
    return f32x16_load(lanes);
}
EK_INLINE h16 bf16_of_f32x16(f32x16 a) {
    float lanes[16];
    h16 r;
    f32x16_store(lanes, a);
    for (int i = 0; i < 16; i++) r.v[i] = bf16_of_f32(lanes[i]);
    return r;
}
EK_INLINE f32x16 f32x16_of_f16(h16 a) {
    float lanes[16];
    for (int i = 0; i < 16; i++) lanes[i] = f32_of_f16(a.v[i]);
    return f32x16_load(lanes);
}
EK_INLINE h16 f16_of_f32x16(f32x16 a) {
    float lanes[16];
    h16 r;
    f32x16_store(lanes, a);
    for (int i = 0; i < 16; i++) r.v[i] = f16_of_f32(lanes[i]);
    return r;
}

#endif
