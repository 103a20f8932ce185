/* half.c: conversions on bit patterns. */
#include "base/half.h"

#include <stdint.h>
#include <string.h>

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float widen_f16(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 31) return float_of(sign | 0x7f800000 | fraction << 13);
    if (exponent > 0) return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    float value = (float)fraction * 0x1p-24f; /* zero and denormals, exactly */
    return sign != 0 ? -value : value;
}

/* The denormals of f16 are multiples of 2^-24: so many of them, to nearest even. */
static uint32_t denormal_f16(uint32_t magnitude) {
    uint32_t shift = 126 - (magnitude >> 23);
    if (shift > 25) return 0;
    uint32_t fraction = (magnitude & 0x7fffff) | 0x800000;
    uint32_t whole = fraction >> shift, rest = fraction & ((1u << shift) - 1), middle = 1u << (shift - 1);
    return whole + (rest > middle || (rest == middle && (whole & 1) != 0));
}

static uint16_t narrow_f16(float value) {
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
        uint32_t payload = magnitude >> 13 & 0x3ff;
        return (uint16_t)(sign | 0x7c00 | (payload != 0 ? payload : 0x200));
    }
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 and above */
    if (magnitude < 0x38800000) return (uint16_t)(sign | denormal_f16(magnitude));
    magnitude += 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (magnitude - 0x38000000) >> 13);
}

static float widen_bf16(uint16_t half) { return float_of((uint32_t)half << 16); }

/* Both ways are computed, so that a loop of it has no branch. */
static uint16_t narrow_bf16(float value) {
    uint32_t bits = bits_of(value), upper = bits >> 16;
    uint32_t number = (bits + 0x7fff + (upper & 1)) >> 16, nan = upper | ((upper & 0x7f) != 0 ? 0u : 0x40u);
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? nan : number);
}

bool eki_is_half(ek_dtype dtype) { return dtype == EK_F16 || dtype == EK_BF16; }

/* Written out for each type, so that the compiler sees a loop without a choice in it. */
#define LOOPS(type)                                                                                                    \
    static void widen_all_##type(const void *halves, float *floats, size_t count) {                                    \
        for (size_t i = 0; i < count; i++) {                                                                           \
            uint16_t half;                                                                                             \
            memcpy(&half, (const char *)halves + 2 * i, sizeof half);                                                  \
            floats[i] = widen_##type(half);                                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    static void narrow_all_##type(const float *floats, void *halves, size_t count) {                                   \
        for (size_t i = 0; i < count; i++) {                                                                           \
            uint16_t half = narrow_##type(floats[i]);                                                                  \
            memcpy((char *)halves + 2 * i, &half, sizeof half);                                                        \
        }                                                                                                              \
    }

LOOPS(f16)
LOOPS(bf16)

void eki_half_widen(ek_dtype dtype, const void *halves, float *floats, size_t count) {
    (dtype == EK_F16 ? widen_all_f16 : widen_all_bf16)(halves, floats, count);
}

void eki_half_narrow(ek_dtype dtype, const float *floats, void *halves, size_t count) {
    (dtype == EK_F16 ? narrow_all_f16 : narrow_all_bf16)(floats, halves, count);
}

void eki_half_round(ek_dtype dtype, float *floats, size_t count) {
    for (size_t i = 0; i < count; i++) {
        floats[i] = dtype == EK_F16 ? widen_f16(narrow_f16(floats[i])) : widen_bf16(narrow_bf16(floats[i]));
    }
}
