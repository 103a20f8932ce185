/* test_norm_convert.c: elements of 16 bits to floats and back, on every instruction set, against arithmetic.
 *
 * Widening is tried on all 65536 elements. Narrowing is tried on the floats around every element and around every
 * midpoint between two, and on every float in steps; EK_TEST_ALL=1 tries all 2^32.
 */
#include "cpu/dispatch.h"
#include "support/half_ref.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCK = 4096, ELEMENTS = 65536 };

static const char *name_of(eki_data data) { return eki_kernels_at(0, data)->data; }

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void widening(void **state) {
    (void)state;
    static uint16_t all[ELEMENTS];
    static float to[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) all[i] = (uint16_t)i;
    for (eki_data data = EKI_F32 + 1; data < EKI_DATA_TYPES; data++) {
        for (size_t k = 0; eki_kernels_at(k, data) != NULL; k++) {
            if (!eki_kernels_supported(k)) continue;
            eki_kernels_at(k, data)->widen(all, ELEMENTS, to);
            for (int i = 0; i < ELEMENTS; i++) {
                float right = eki_ref_widen(data, all[i]);
                if (isnan(right) ? isnan(to[i]) : bits_of(to[i]) == bits_of(right)) continue;
                fail_msg("%s %04x on %s is %a, not %a", name_of(data), i, eki_kernels_at(k, data)->isa, (double)to[i],
                         (double)right);
            }
        }
    }
}

/* The n floats of `from`, n <= BLOCK, on every instruction set. */
static void check_narrow(eki_data data, const float *from, size_t n) {
    uint16_t to[BLOCK], right[BLOCK];
    for (size_t i = 0; i < n; i++) right[i] = eki_ref_narrow(data, from[i]);
    for (size_t k = 0; eki_kernels_at(k, data) != NULL; k++) {
        if (!eki_kernels_supported(k)) continue;
        eki_kernels_at(k, data)->narrow(from, n, to);
        for (size_t i = 0; i < n; i++) {
            if (eki_ref_same(data, to[i], right[i])) continue;
            fail_msg("%a to %s on %s is %04x, not %04x", (double)from[i], name_of(data), eki_kernels_at(k, data)->isa,
                     to[i], right[i]);
        }
    }
}

/* Midpoints from the definition: halfway, in double, between an element and the next. */
static void narrowing_neighbours(void **state) {
    (void)state;
    float from[12];
    for (eki_data data = EKI_F32 + 1; data < EKI_DATA_TYPES; data++) {
        unsigned infinity = eki_ref_infinity(data);
        for (unsigned i = 0; i < infinity; i++) {
            float low = eki_ref_widen(data, (uint16_t)i), high = eki_ref_widen(data, (uint16_t)(i + 1));
            float step = low - eki_ref_widen(data, (uint16_t)(i > 0 ? i - 1 : 0));
            float middle = i + 1 < infinity ? (float)(((double)low + (double)high) / 2) : low + step / 2;
            const float near[2] = {low, middle};
            for (int j = 0; j < 6; j++) {
                uint32_t bits = bits_of(near[j / 3]) + (uint32_t)(j % 3 - 1);
                if (bits > 0x80000000) bits = 0;
                from[j] = float_of(bits);
                from[j + 6] = -from[j];
            }
            check_narrow(data, from, 12);
        }
    }
}

static void narrowing_all(void **state) {
    (void)state;
    uint64_t step = getenv("EK_TEST_ALL") != NULL ? 1 : getenv("EK_TEST_SHORT") != NULL ? 120011 : 307;
    float from[BLOCK];
    for (eki_data data = EKI_F32 + 1; data < EKI_DATA_TYPES; data++) {
        size_t n = 0;
        for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += step) {
            from[n++] = float_of((uint32_t)bits);
            if (n == BLOCK) check_narrow(data, from, n);
            n %= BLOCK;
        }
        check_narrow(data, from, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(widening), cmocka_unit_test(narrowing_neighbours),
                                       cmocka_unit_test(narrowing_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
