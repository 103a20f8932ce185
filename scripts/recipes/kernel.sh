# A kernel: sums of a row without a shift.
title="a kernel"
targets="kernelcheck"

plant() {
    cat >>src/kernel/kernels.def <<'END2'

/* sums = {sum x, sum x^2} over `count` segments of n elements, in the order of row_moments. */
EK_KERNEL(row_squares, (const void *x, size_t n, size_t count, size_t stride, double sums[2]))
END2
    cat >src/kernel/row_squares.c <<'END2'
/* row_squares.c: sums of elements and of their squares. */
#include "kernel/row_lanes.h"

void EK_FN(row_squares)(const void *x, size_t n, size_t count, size_t stride, double sums[2]) {
    lanes s = lanes_zero();
    for (size_t i = 0; i < count; i++) {
        add_squares(&s, element_at(x, i * stride), n, segment_ahead(n, count), f64x8_set1(0.0));
    }
    sums[0] = f64x16_sum(s.a[0], s.a[1]);
    sums[1] = f64x16_sum(s.b[0], s.b[1]);
}
END2
    cat >>tests/kernelcheck/kernel_cases.c <<'END2'

CASE(row_squares, TWO_SUMS, 0, 4)
static void run_row_squares(const eki_kernels *k, const problem *p) {
    k->row_squares(p->x, p->n, p->rows, p->stride, p->sums);
}
static real row_square(const problem *p, size_t row, size_t i, int which) {
    return which ? x_at(p, row, i) * x_at(p, row, i) : x_at(p, row, i);
}
static expected ref_row_squares(const problem *p, size_t row, size_t i) {
    (void)row;
    return sum_all(p, (int)i, row_square);
}
END2
}

check() {
    quietly $build/kernelcheck --list
    grep -q row_squares "$work/log"
    quietly $build/kernelcheck --kernel row_squares
}
