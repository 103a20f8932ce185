/* MaxPool and AveragePool to the letter: ceil_mode, counted padding, dilations, Indices, padding as wide as the window.
 */
#include "op_harness.h"

#include <float.h>
#include <math.h>

static const float ramp[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static void set2(op_test *t, eki_node *node, const char *name, int64_t a, int64_t b) {
    assert_int_equal(eki_node_set_ints(t->graph, node, name, (int64_t[]){a, b}, 2, NULL), EK_OK);
}

static void set4(op_test *t, eki_node *node, const char *name, const int64_t values[4]) {
    assert_int_equal(eki_node_set_ints(t->graph, node, name, values, 4, NULL), EK_OK);
}

static void set_int(op_test *t, eki_node *node, const char *name, int64_t value) {
    assert_int_equal(eki_node_set_int(t->graph, node, name, value, NULL), EK_OK);
}

static void ceil_mode_max(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 12);
    eki_node *node = NODE(&t, "MaxPool", 1, op_input(&t, SHAPE(1, 1, 3, 3), ramp));
    set2(&t, node, "kernel_shape", 2, 2);
    set2(&t, node, "strides", 2, 2);
    set_int(&t, node, "ceil_mode", 1);
    op_run(&t, EKI_MODE_FILE);
    op_expect(&t, 0, (float[]){5, 6, 8, 9}, 4, 0.0);
    op_end(&t);
}

/* Without counting, padding leaves the divisor; with it, only what ceil_mode adds beyond the padding does. */
static void average_divisors(void **state) {
    (void)state;
    for (int counted = 0; counted < 2; counted++) {
        op_test t;
        op_begin(&t, 19);
        eki_node *node = NODE(&t, "AveragePool", 1, op_input(&t, SHAPE(1, 1, 3, 3), ramp));
        set2(&t, node, "kernel_shape", 3, 3);
        set2(&t, node, "strides", 3, 3);
        set4(&t, node, "pads", (int64_t[]){1, 1, 0, 0});
        set_int(&t, node, "ceil_mode", 1);
        set_int(&t, node, "count_include_pad", counted);
        op_run(&t, EKI_MODE_FILE);
        /* windows [-1,2) and [2,5) per dimension */
        const float plain[] = {12.0f / 4, 9.0f / 2, 15.0f / 2, 9.0f};
        const float padded[] = {12.0f / 9, 9.0f / 3, 15.0f / 3, 9.0f};
        op_expect(&t, 0, counted ? padded : plain, 4, 1e-6);
        assert_true(op_gradient_error(&t) < 1e-3);
        op_end(&t);
    }
}

/* What a window of four gives, and which of the four gets its gradient: as PyTorch says, and of several NaNs the last.
 */
typedef struct extreme {
    float x[4], y;
    int winner;
} extreme;

static const extreme extremes[] = {
    {{-INFINITY, -INFINITY, -INFINITY, -INFINITY}, -INFINITY, 0},
    {{-INFINITY, -INFINITY, -FLT_MAX, -INFINITY}, -FLT_MAX, 2},
    {{-FLT_MAX, -FLT_MAX, -FLT_MAX, -FLT_MAX}, -FLT_MAX, 0},
    {{NAN, 1, 2, -4}, NAN, 0},
    {{1, NAN, 2, -4}, NAN, 1},
    {{1, 2, -4, NAN}, NAN, 3},
    {{NAN, NAN, NAN, NAN}, NAN, 3},
    {{-INFINITY, NAN, -INFINITY, -INFINITY}, NAN, 1},
    {{INFINITY, -INFINITY, 3, 4}, INFINITY, 0},
};

/* By oneDNN as in plain loops, which Indices ask for; pads so that the window's first taps lie outside. */
static void extreme_windows(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(extremes) * 4; i++) {
        const extreme *want = &extremes[i / 4];
        op_test t;
        size_t count;
        op_begin(&t, 12);
        t.options.backward = t.options.input_gradient = true;
        eki_node *node = NODE(&t, "MaxPool", 1 + (int)(i % 2), op_input(&t, SHAPE(1, 1, 2, 2), want->x));
        set2(&t, node, "kernel_shape", i & 2 ? 3 : 2, i & 2 ? 3 : 2);
        if (i & 2) set4(&t, node, "pads", (int64_t[]){1, 1, 0, 0});
        op_output(&t, node->out[0]);
        op_run(&t, EKI_MODE_FILE);
        const float *y = op_result(&t, 0, &count);
        if (!(y[0] == want->y || (isnan(y[0]) && isnan(want->y)))) fail_msg("case %zu: %g", i, (double)y[0]);
        eki_exec_output_gradient(t.exec, 0)[0] = 7.0f;
        op_ok(&t, eki_exec_backward(t.exec, &t.err));
        const float *dx = eki_exec_input_gradient(t.exec, 0);
        for (int k = 0; k < 4; k++)
            if (dx[k] != (k == want->winner ? 7.0f : 0.0f)) fail_msg("case %zu: dx[%d] = %g", i, k, (double)dx[k]);
        op_end(&t);
    }
}

static void indices_in_both_orders(void **state) {
    (void)state;
    for (int order = 0; order < 2; order++) {
        op_test t;
        op_begin(&t, 12);
        eki_node *node = NODE(&t, "MaxPool", 2, op_input(&t, SHAPE(1, 1, 3, 3), ramp));
        set2(&t, node, "kernel_shape", 2, 2);
        set_int(&t, node, "storage_order", order);
        op_run(&t, EKI_MODE_FILE);
        op_expect(&t, 0, (float[]){5, 6, 8, 9}, 4, 0.0);
        op_expect_ints(&t, 1, order ? (int64_t[]){4, 7, 5, 8} : (int64_t[]){4, 5, 7, 8}, 4);
        op_end(&t);
    }
}

static void dilation(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 12);
    eki_node *node = NODE(&t, "MaxPool", 1, op_input(&t, SHAPE(1, 1, 3, 3), ramp));
    set2(&t, node, "kernel_shape", 2, 2);
    set2(&t, node, "dilations", 2, 2);
    op_run(&t, EKI_MODE_FILE);
    op_expect(&t, 0, (float[]){9}, 1, 0.0);
    op_end(&t);
}

/* A window in the padding alone: the maximum of nothing is -infinity, and no gradient goes anywhere. */
static void windows_in_the_padding(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 12);
    t.options.backward = t.options.input_gradient = true;
    eki_node *node = NODE(&t, "MaxPool", 1, op_input(&t, SHAPE(1, 1, 2), (float[]){1, 2}));
    assert_int_equal(eki_node_set_ints(t.graph, node, "kernel_shape", (int64_t[]){1}, 1, NULL), EK_OK);
    assert_int_equal(eki_node_set_ints(t.graph, node, "pads", (int64_t[]){1, 1}, 2, NULL), EK_OK);
    op_run(&t, EKI_MODE_FILE);
    op_expect_shape(&t, 0, SHAPE(1, 1, 4));
    size_t count;
    const float *y = op_result(&t, 0, &count);
    assert_true(y[0] == -INFINITY && y[1] == 1.0f && y[2] == 2.0f && y[3] == -INFINITY);
    float *dy = eki_exec_output_gradient(t.exec, 0);
    for (size_t i = 0; i < count; i++) dy[i] = 1.0f;
    assert_int_equal(eki_exec_backward(t.exec, &t.err), EK_OK);
    const float *dx = eki_exec_input_gradient(t.exec, 0);
    assert_true(dx[0] == 1.0f && dx[1] == 1.0f);
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ceil_mode_max),   cmocka_unit_test(average_divisors),
        cmocka_unit_test(extreme_windows), cmocka_unit_test(indices_in_both_orders),
        cmocka_unit_test(dilation),        cmocka_unit_test(windows_in_the_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
