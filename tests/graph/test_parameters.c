/* test_parameters.c: does a session know from the start what it trains, at whatever shapes it is run? */
#include "../ops/op_harness.h"

#include "graph/plan.h"

#include <string.h>

static eki_exec *session_of(op_test *t, bool backward) {
    t->options.mode = EKI_MODE_TRAINING;
    t->options.backward = backward;
    op_ok(t, eki_exec_create(t->graph, &t->options, &t->exec, &t->err));
    return t->exec;
}

static void expect_parameters(op_test *t, const eki_value *const *values, size_t count) {
    assert_int_equal(eki_exec_parameter_count(t->exec), count);
    for (size_t i = 0; i < count; i++) {
        const eki_parameter *p = eki_exec_parameter(t->exec, i);
        assert_ptr_equal(p->value, values[i]);
        assert_non_null(p->gradient);
        assert_int_equal(p->count * sizeof(float), values[i]->init->bytes);
    }
}

/* x W, then batch norm: W, scale and bias in the order of the nodes; running mean and variance are none. */
static eki_value *net(op_test *t, eki_value *values[5]) {
    static const float ones[3] = {1, 1, 1};
    eki_value *x = op_input(t, SHAPE(4, 2), NULL);
    values[0] = op_param(t, SHAPE(2, 3), NULL);
    for (int i = 1; i < 5; i++) values[i] = op_param(t, SHAPE(3), ones);
    eki_value *h = NODE(t, "MatMul", 1, x, values[0])->out[0];
    eki_node *norm = NODE(t, "BatchNormalization", 1, h, values[1], values[2], values[3], values[4]);
    op_output(t, norm->out[0]);
    return norm->out[0];
}

static void test_before_running(void **state) {
    (void)state;
    op_test t;
    eki_value *values[5];
    op_begin(&t, 13);
    (void)net(&t, values);
    (void)session_of(&t, true);
    expect_parameters(&t, (const eki_value *[]){values[0], values[1], values[2]}, 3);
    op_ok(&t, eki_exec_prepare(t.exec, t.shapes, &t.err));
    expect_parameters(&t, (const eki_value *[]){values[0], values[1], values[2]}, 3);
    op_end(&t);
}

static void test_frozen(void **state) {
    (void)state;
    op_test t;
    eki_value *values[5];
    op_begin(&t, 13);
    const eki_value *y = net(&t, values);
    uint8_t switches[8] = {0};
    assert_true(t.graph->n_nodes < sizeof switches);
    switches[y->producer->id] = EKI_NORM_FROZEN_AFFINE;
    t.options.norm_switches = switches;
    (void)session_of(&t, true);
    expect_parameters(&t, (const eki_value *[]){values[0]}, 1);
    op_end(&t);
}

static void test_none_without_gradients(void **state) {
    (void)state;
    op_test t;
    eki_value *values[5];
    op_begin(&t, 13);
    (void)net(&t, values);
    (void)session_of(&t, false);
    expect_parameters(&t, NULL, 0);
    op_end(&t);
}

/* Two models in one file: only what leads to the outputs that are asked for is trained. */
static void test_only_what_is_needed(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_value *x = op_input(&t, SHAPE(1, 2), NULL), *a = op_param(&t, SHAPE(2, 3), NULL);
    eki_value *b = op_param(&t, SHAPE(2, 4), NULL);
    const char *wanted = NODE(&t, "MatMul", 1, x, b)->out[0]->name;
    op_output(&t, NODE(&t, "MatMul", 1, x, a)->out[0]);
    t.options.outputs = &wanted;
    t.options.n_outputs = 1;
    (void)session_of(&t, true);
    expect_parameters(&t, (const eki_value *[]){b}, 1);
    op_end(&t);
}

/* A class token as vision transformers have it: expanded to as many rows as the input has, which is known, and could be
 * folded, as soon as there is a plan. It is trained all the same, and follows its changes. */
static void test_expanded_to_the_batch(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_value *x = op_input(&t, SHAPE(3, 2), F(1, 2, 3, 4, 5, 6));
    op_ok(&t, eki_graph_symbol(t.graph, "N", &x->shape.dims[0], &t.err));
    eki_value *token = op_param(&t, SHAPE(1, 2), F(10, 20));
    eki_value *rows = NODE(&t, "Expand", 1, token, NODE(&t, "Shape", 1, x)->out[0])->out[0];
    op_output(&t, NODE(&t, "Add", 1, x, rows)->out[0]);
    (void)session_of(&t, true);
    expect_parameters(&t, (const eki_value *[]){token}, 1);
    op_ok(&t, eki_exec_prepare(t.exec, t.shapes, &t.err));
    op_forward(&t);
    op_expect(&t, 0, F(11, 22, 13, 24, 15, 26), 6, 0);
    float *dy = eki_exec_output_gradient(t.exec, 0);
    for (int i = 0; i < 6; i++) dy[i] = (float)(i + 1);
    op_ok(&t, eki_exec_backward(t.exec, &t.err));
    assert_true(eki_exec_parameter(t.exec, 0)->gradient[0] == 1 + 3 + 5);
    assert_true(eki_exec_parameter(t.exec, 0)->gradient[1] == 2 + 4 + 6);
    ((float *)token->init->data)[0] = 100; /* a step of training */
    op_forward(&t);
    op_expect(&t, 0, F(101, 22, 103, 24, 105, 26), 6, 0);
    op_end(&t);
}

/* A parameter that is given other extents meanwhile has no room for its gradient: that is said. */
static void test_replaced(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_value *x = op_input(&t, SHAPE(1, 2), NULL), *w = op_param(&t, SHAPE(2, 3), NULL);
    op_output(&t, NODE(&t, "MatMul", 1, x, w)->out[0]);
    (void)session_of(&t, true);
    eki_shape wider = SHAPE(2, 300);
    op_ok(&t, eki_tensor_replace(w->init, &wider, &t.err));
    assert_int_equal(eki_exec_prepare(t.exec, t.shapes, &t.err), EK_ERR_STATE);
    assert_non_null(strstr(t.err.text, w->name));
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_running),         cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_none_without_gradients), cmocka_unit_test(test_only_what_is_needed),
        cmocka_unit_test(test_expanded_to_the_batch),  cmocka_unit_test(test_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
