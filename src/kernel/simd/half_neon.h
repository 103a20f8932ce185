/* half_neon.h: sixteen elements of 16 bits with NEON. */
#ifndef EKI_HALF_NEON_H
#define EKI_HALF_NEON_H

#include "kernel/simd/simd_neon.h"

typedef struct {
    uint16x8_t v[2];
} h16;

EK_INLINE h16 half_load(const uint16_t *p) { return (h16){{vld1q_u16(p), vld1q_u16(p + 8)}}; }
EK_INLINE h16 half_load8(const uint16_t *p) { return (h16){{vld1q_u16(p), vdupq_n_u16(0)}}; }
EK_INLINE h16 half_load_n(const uint16_t *p, size_t n) {
    uint16_t lanes[16] = {0};
    for (size_t i = 0; i < n; i++) lanes[i] = p[i];
    return half_load(lanes);
}
EK_INLINE void half_store(uint16_t *p, h16 a) {
    vst1q_u16(p, a.v[0]);
    vst1q_u16(p + 8, a.v[1]);
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

EK_INLINE f32x16 f32x16_of_bf16(h16 a) {
    f32x16 r;
    for (int i = 0; i < 2; i++) {
        r.v[2 * i] = vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(a.v[i]), 16));
        r.v[2 * i + 1] = vreinterpretq_f32_u32(vshll_n_u16(vget_high_u16(a.v[i]), 16));
    }
    return r;
}
/* Nearest even; a NaN keeps its sign and upper bits and is quiet. */
EK_INLINE uint16x4_t bf16_narrow4(float32x4_t a) {
    uint32x4_t bits = vreinterpretq_u32_f32(a), upper = vshrq_n_u32(bits, 16);
    uint32x4_t sum = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), vandq_u32(upper, vdupq_n_u32(1)));
    uint32x4_t quiet = vorrq_u32(upper, vdupq_n_u32(0x40));
    return vmovn_u32(vbslq_u32(vceqq_f32(a, a), vshrq_n_u32(sum, 16), quiet));
}
EK_INLINE h16 bf16_of_f32x16(f32x16 a) {
    return (h16){{vcombine_u16(bf16_narrow4(a.v[0]), bf16_narrow4(a.v[1])),
                  vcombine_u16(bf16_narrow4(a.v[2]), bf16_narrow4(a.v[3]))}};
}

EK_INLINE f32x16 f32x16_of_f16(h16 a) {
    f32x16 r;
    for (int i = 0; i < 2; i++) {
        r.v[2 * i] = vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(a.v[i])));
        r.v[2 * i + 1] = vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(a.v[i])));
    }
    return r;
}
EK_INLINE uint16x4_t f16_narrow4(float32x4_t a) { return vreinterpret_u16_f16(vcvt_f16_f32(a)); }
EK_INLINE h16 f16_of_f32x16(f32x16 a) {
    return (h16){{vcombine_u16(f16_narrow4(a.v[0]), f16_narrow4(a.v[1])),
                  vcombine_u16(f16_narrow4(a.v[2]), f16_narrow4(a.v[3]))}};
}

#endif
