/* Are the gradients of convolutions, products and pools, which oneDNN computes, those of their forward? In the plain
 * and in the blocked layouts, with and without reproducible weight gradients.
 */
#include "op_harness.h"

static const double BOUND = 1e-4;

/* Runs every combination of layout and reproducibility. */
static void agree(void (*build)(op_test *t, int form), int forms) {
    for (int form = 0; form < forms; form++) {
        for (int options = 0; options < 4; options++) {
            op_test t;
            build(&t, form);
            t.options.plain = (options & 1) != 0;
            t.options.reproducible = (options & 2) != 0;
            op_run(&t, EKI_MODE_TRAINING);
            double error = op_gradient_error(&t);
            if (error > BOUND) fail_msg("form %d, options %d: gradient differs by %.3g", form, options, error);
            op_end(&t);
        }
    }
}

static void ints(op_test *t, eki_node *node, const char *name, const int64_t *values, size_t count) {
    assert_int_equal(eki_node_set_ints(t->graph, node, name, values, count, NULL), EK_OK);
}

static void build_conv(op_test *t, int form) {
    static const int64_t groups[] = {1, 1, 2, 16, 1};
    int64_t c = form == 4 ? 3 : 16;
    op_begin(t, 13);
    eki_value *x = op_input(t, form == 1 ? SHAPE(2, c, 9) : SHAPE(3, c, 6, 7), NULL);
    eki_value *w = op_param(t, form == 1 ? SHAPE(8, c, 3) : SHAPE(16, c / groups[form], 3, 3), NULL);
    eki_node *node = NODE(t, "Conv", 1, x, w, op_param(t, SHAPE(form == 1 ? 8 : 16), NULL));
    assert_int_equal(eki_node_set_int(t->graph, node, "group", groups[form], NULL), EK_OK);
    if (form == 2) ints(t, node, "strides", (int64_t[]){2, 2}, 2);
    if (form == 3) ints(t, node, "dilations", (int64_t[]){1, 2}, 2);
    if (form != 1) ints(t, node, "pads", (int64_t[]){1, 0, 1, 2}, 4);
}

static void convolution(void **state) {
    (void)state;
    agree(build_conv, 5);
}

static void build_gemm(op_test *t, int form) {
    bool ta = (form & 1) != 0, tb = (form & 2) != 0;
    op_begin(t, 13);
    eki_value *a = op_input(t, ta ? SHAPE(6, 5) : SHAPE(5, 6), NULL);
    eki_value *b = op_param(t, tb ? SHAPE(4, 6) : SHAPE(6, 4), NULL);
    eki_node *node = NODE(t, "Gemm", 1, a, b, op_param(t, form >= 4 ? SHAPE(5, 1) : SHAPE(4), NULL));
    assert_int_equal(eki_node_set_int(t->graph, node, "transA", ta, NULL), EK_OK);
    assert_int_equal(eki_node_set_int(t->graph, node, "transB", tb, NULL), EK_OK);
    if (form < 4) return;
    assert_int_equal(eki_node_set_float(t->graph, node, "alpha", 0.5f, NULL), EK_OK);
    assert_int_equal(eki_node_set_float(t->graph, node, "beta", 2.0f, NULL), EK_OK);
}

static void gemm(void **state) {
    (void)state;
    agree(build_gemm, 8);
}

static void build_matmul(op_test *t, int form) {
    op_begin(t, 13);
    eki_value *a = op_input(t, form == 0 ? SHAPE(5, 6) : SHAPE(2, 3, 5, 6), NULL);
    NODE(t, "MatMul", 1, a, op_param(t, form == 2 ? SHAPE(2, 3, 6, 4) : SHAPE(6, 4), NULL));
}

static void matmul(void **state) {
    (void)state;
    agree(build_matmul, 3);
}

static void build_pool(op_test *t, int form) {
    static const char *const ops[] = {"AveragePool", "AveragePool", "GlobalAveragePool", "MaxPool", "GlobalMaxPool"};
    float values[2 * 3 * 36]; /* all different, further apart than the check's step: no maximum changes hands */
    for (int i = 0; i < 216; i++) values[i] = (float)((i * 89) % 216) / 8.0f - 13.0f;
    op_begin(t, 13);
    eki_node *node = NODE(t, ops[form], 1, op_input(t, SHAPE(2, 3, 6, 6), values));
    if (form == 2 || form == 4) return;
    ints(t, node, "kernel_shape", (int64_t[]){3, 2}, 2);
    ints(t, node, "strides", (int64_t[]){2, 2}, 2);
    ints(t, node, "pads", (int64_t[]){1, 0, 1, 1}, 4);
    if (form == 1) assert_int_equal(eki_node_set_int(t->graph, node, "count_include_pad", 1, NULL), EK_OK);
}

static void pooling(void **state) {
    (void)state;
    agree(build_pool, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution),
        cmocka_unit_test(gemm),
        cmocka_unit_test(matmul),
        cmocka_unit_test(pooling),
    };
    return cmocka_run_group_tests_name("op_product", tests, NULL, NULL);
}
