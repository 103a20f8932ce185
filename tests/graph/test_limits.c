/* Is what no machine can hold refused before memory is touched, however few bytes ask for it? */
#include "../ops/op_harness.h"

#include <string.h>

#define I(...)                                                                                                         \
    (int64_t[]) { __VA_ARGS__ }

/* Terabytes of zeros, asked for by three numbers. */
static void constant_of_shape(void **state) {
    (void)state;
    static const int64_t targets[][3] = {{1 << 20, 1 << 18, 1}, {1 << 20, 1 << 20, 1}, {INT64_MAX, INT64_MAX, 2}};
    for (size_t i = 0; i < COUNT(targets); i++) {
        op_test t;
        op_begin(&t, 13);
        NODE(&t, "ConstantOfShape", 1, op_ints(&t, SHAPE(3), targets[i]));
        op_run_fails(&t, EKI_MODE_FILE, EK_ERR_LIMIT, "y1");
        op_end(&t);
    }
}

/* Each tensor would fit, all of them together would not. */
static void many_tensors(void **state) {
    (void)state;
    op_test t;
    int64_t elements = (int64_t)(eki_memory_limit() / sizeof(float) / 8);
    op_begin(&t, 13);
    eki_value *all[20];
    for (int i = 0; i < 20; i++) all[i] = NODE(&t, "ConstantOfShape", 1, op_ints(&t, SHAPE(1), &elements))->out[0];
    op_node(&t, "Sum", 1, all, 20);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_LIMIT, "MiB of memory");
    op_end(&t);
}

/* An empty tensor whose strides would overflow. */
static void empty_but_endless(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_value *x = op_input(&t, SHAPE(0, 1), NULL);
    x->shape = t.shapes[0] = SHAPE(0, (int64_t)1 << 62, (int64_t)1 << 62);
    NODE(&t, "Transpose", 1, x);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_LIMIT, "beyond the limit");
    op_end(&t);
}

/* Pads and kernels of 2^24 are taken, but cost no more than the pixels they meet. */
static void huge_window(void **state) {
    (void)state;
    op_test t;
    const int64_t kernel = 1 << 24;
    op_begin(&t, 13);
    eki_node *node = NODE(&t, "MaxPool", 1, op_input(&t, SHAPE(1, 1, 2, 2), (float[]){1.0f, 2.0f, 4.0f, 3.0f}));
    eki_node_set_ints(t.graph, node, "kernel_shape", I(kernel, kernel), 2, NULL);
    eki_node_set_ints(t.graph, node, "pads", I(kernel - 1, kernel - 1, kernel - 1, kernel - 1), 4, NULL);
    eki_node_set_ints(t.graph, node, "strides", I(kernel, kernel), 2, NULL);
    op_run(&t, EKI_MODE_FILE);
    op_expect(&t, 0, (float[]){1.0f, 2.0f, 4.0f, 3.0f}, 4, 0.0);
    op_end(&t);
    op_begin(&t, 13);
    node = NODE(&t, "MaxPool", 1, op_input(&t, SHAPE(1, 1, 2, 2), NULL));
    eki_node_set_ints(t.graph, node, "kernel_shape", I(INT64_MAX, 1), 2, NULL);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_FORMAT, "kernel_shape[0]");
    op_end(&t);
}

/* What an operator cannot do without, or does not have. */
static void wrong_arity(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_value *x = op_input(&t, SHAPE(2), NULL);
    op_node(&t, "Concat", 1, (eki_value *[]){x, NULL, x}, 3);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_FORMAT, "input 1 is missing");
    op_end(&t);
    op_begin(&t, 13);
    NODE(&t, "Relu", 2, op_input(&t, SHAPE(2), NULL));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_FORMAT, "has no output 1");
    op_end(&t);
    op_begin(&t, 13);
    eki_node *node = NODE(&t, "Dropout", 2, op_input(&t, SHAPE(2), NULL));
    op_output(&t, node->out[1]);
    node->out[0] = NULL;
    op_run_fails(&t, EKI_MODE_TRAINING, EK_ERR_FORMAT, "output 0 is missing");
    op_end(&t);
}

/* All at once, so that one look says what a model lacks; an operator of an opset to come is none of this one. */
static void unknown_operators(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 17);
    eki_node *first = NODE(&t, "Mystery", 1, op_input(&t, SHAPE(2), NULL));
    eki_node *second = NODE(&t, "Relu", 1, first->out[0]);
    NODE(&t, "GroupNormalization", 1, second->out[0]);
    second->domain = "com.example";
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_UNSUPPORTED, "operators not supported at opset 17: Mystery (x1, first at");
    assert_non_null(strstr(t.err.text, "com.example.Relu (x1, first at"));
    assert_non_null(strstr(t.err.text, "GroupNormalization (x1, first at"));
    op_end(&t);
}

/* A server that sees a new shape with every request: a graph does not grow with the plans made for it. */
static void plans_leave_nothing_behind(void **state) {
    (void)state;
    op_test t;
    size_t used = 0, symbols = 0;
    op_begin(&t, 13);
    eki_value *x = op_input(&t, SHAPE(1, 3, 4), NULL);
    assert_int_equal(eki_graph_symbol(t.graph, "N", &x->shape.dims[0], NULL), EK_OK);
    eki_value *shape = NODE(&t, "Shape", 1, x)->out[0];
    eki_value *first = NODE(&t, "Gather", 1, shape, op_ints(&t, SHAPE(1), I(0)))->out[0];
    eki_node *target = NODE(&t, "Concat", 1, first, op_ints(&t, SHAPE(1), I(-1)));
    eki_node_set_int(t.graph, target, "axis", 0, NULL);
    NODE(&t, "Reshape", 1, x, target->out[0]);
    op_run(&t, EKI_MODE_FILE);
    for (int64_t n = 1; n < 40; n++) {
        t.shapes[0].dims[0] = n;
        assert_int_equal(eki_exec_prepare(t.exec, t.shapes, &t.err), EK_OK);
        op_expect_shape(&t, 0, SHAPE(n, 12));
        if (n == 1) used = t.graph->arena.used;
        if (n == 1) symbols = t.graph->n_symbols;
    }
    assert_int_equal(t.graph->arena.used, used);
    assert_int_equal(t.graph->n_symbols, symbols);
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_of_shape),          cmocka_unit_test(many_tensors),
        cmocka_unit_test(empty_but_endless),          cmocka_unit_test(huge_window),
        cmocka_unit_test(unknown_operators),          cmocka_unit_test(wrong_arity),
        cmocka_unit_test(plans_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
