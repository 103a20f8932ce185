/* test_half.c: every pattern of float16 and bfloat16 widened, and every border between two of them narrowed. */
#include "base/half.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static float widen(ek_dtype dtype, uint16_t half) {
    float value;
    eki_half_widen(dtype, &half, &value, 1);
    return value;
}

static uint16_t narrow(ek_dtype dtype, float value) {
    uint16_t half;
    eki_half_narrow(dtype, &value, &half, 1);
    return half;
}

static float next(float value, int32_t by) {
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits += by;
    memcpy(&value, &bits, sizeof bits);
    return value;
}

/* The value by the formula of IEEE 754, in f64. */
static double formula(uint16_t half, int fraction_bits, int bias) {
    int exponent = (half & 0x7fff) >> fraction_bits, fraction = half & ((1 << fraction_bits) - 1);
    double value = exponent == 0 ? (double)fraction : (double)(fraction + (1 << fraction_bits));
    for (int e = (exponent == 0 ? 1 : exponent) - bias - fraction_bits; e != 0; e += e < 0 ? 1 : -1) {
        value = e < 0 ? value / 2 : value * 2;
    }
    return half & 0x8000 ? -value : value;
}

static void all_patterns(ek_dtype dtype, int fraction_bits, int bias) {
    uint16_t infinity = (uint16_t)(0x7fff >> fraction_bits << fraction_bits);
    for (uint32_t h = 0; h <= 0xffff; h++) {
        uint16_t half = (uint16_t)h;
        float value = widen(dtype, half);
        assert_int_equal(narrow(dtype, value), half);
        if ((half & 0x7fff) > infinity) assert_true(value != value);
        if ((half & 0x7fff) < infinity) assert_true((double)value == formula(half, fraction_bits, bias));
    }
}

/* Between two neighbours a number goes to the nearer one, and from the middle to the even one. */
static void all_borders(ek_dtype dtype, uint16_t infinity) {
    for (uint16_t half = 0; half < infinity - 1; half++) {
        float low = widen(dtype, half), high = widen(dtype, (uint16_t)(half + 1)), middle = low + (high - low) / 2;
        for (int sign = 0; sign < 2; sign++) {
            float s = sign ? -1.0f : 1.0f;
            uint16_t bit = (uint16_t)(sign << 15), even = (uint16_t)(half + (half & 1));
            assert_int_equal(narrow(dtype, s * middle), bit | even);
            assert_int_equal(narrow(dtype, s * next(middle, -1)), bit | half);
            assert_int_equal(narrow(dtype, s * next(middle, 1)), bit | (half + 1));
        }
    }
}

static void float16(void **state) {
    (void)state;
    all_patterns(EK_F16, 10, 15);
    all_borders(EK_F16, 0x7c00);
    assert_int_equal(narrow(EK_F16, 65519.996f), 0x7bff);
    assert_int_equal(narrow(EK_F16, 65520.0f), 0x7c00);
    assert_int_equal(narrow(EK_F16, -3e38f), 0xfc00);
    assert_int_equal(narrow(EK_F16, next(0.0f, 1)), 0);
    assert_int_equal(narrow(EK_F16, next(0.0f, 0x7f800001)) & 0x7fff, 0x7e00); /* NaN of a low payload stays one */
}

static void bfloat16(void **state) {
    (void)state;
    all_patterns(EK_BF16, 7, 127);
    all_borders(EK_BF16, 0x7f80);
    assert_int_equal(narrow(EK_BF16, 3.4e38f), 0x7f80);
    assert_int_equal(narrow(EK_BF16, next(0.0f, 0x7f800001)) & 0x7fff, 0x7fc0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(float16), cmocka_unit_test(bfloat16)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
