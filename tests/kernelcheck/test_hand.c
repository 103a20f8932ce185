/* test_hand.c: a kernel written by hand takes its own place in the table of its instruction set and data type, and no
 * other. Linked with the tables of planted/, where widen and row_hide of generic f32 are such kernels. */
#define EK_ISA generic
#define EK_DATA f32
#include "cpu/dispatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

void EK_FN(hand_widen)(const void *x, size_t n, float *y);
void EK_FN(hand_row_hide)(const void *x, void *y, const unsigned char *valid, size_t n);

static void takes_its_place(void **state) {
    (void)state;
    const eki_kernels *k = eki_kernels_at(0, EKI_F32);
    assert_true(k == &EK_FN(kernels));
    assert_true(k->widen == EK_FN(hand_widen) && k->row_hide == EK_FN(hand_row_hide));
}

static void others_are_compiled(void **state) {
    (void)state;
    const eki_kernels *k = eki_kernels_at(0, EKI_F32);
    int compiled = 0, all = 0;
#define EK_KERNEL(name, parameters) compiled += k->name == EK_FN(name), all++;
#include "kernel/kernels.def"
#undef EK_KERNEL
    assert_int_equal(compiled, all - 2);
}

/* The tables of other types and instruction sets know nothing of them: hidden elements become zero. */
static void other_tables_are_as_they_were(void **state) {
    (void)state;
    const uint32_t x[2] = {0x3f803f80, 0x3f803f80};
    const unsigned char hidden[4] = {0, 0, 0, 0};
    for (size_t i = 0; eki_kernels_at(i, EKI_F32) != NULL; i++) {
        for (int data = 0; data < EKI_DATA_TYPES && eki_kernels_supported(i); data++) {
            uint32_t y[2] = {1, 1};
            eki_kernels_at(i, (eki_data)data)->row_hide(x, y, hidden, data == EKI_F32 ? 2 : 4);
            int planted = i == 0 && data == EKI_F32;
            assert_int_equal(memcmp(y, x, sizeof y) == 0, planted);
            assert_int_equal(y[0] == 0 && y[1] == 0, !planted);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(takes_its_place), cmocka_unit_test(others_are_compiled),
                                       cmocka_unit_test(other_tables_are_as_they_were)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
