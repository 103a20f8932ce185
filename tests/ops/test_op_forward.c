/* Does each operator compute what the ONNX text says, version by version? Small cases worked out by hand. */
#include "op_harness.h"

#include <float.h>
#include <math.h>
#include <string.h>

static void functions(void **state) {
    (void)state;
    static const struct {
        const char *op;
        float x[4], y[4];
    } cases[] = {
        {"Relu", {-1, 0, 2, NAN}, {0, 0, 2, NAN}},
        {"LeakyRelu", {-1, 0, 2, NAN}, {-0.01f, 0, 2, NAN}},
        {"Sigmoid", {0, 1, -100, 100}, {0.5f, 0.73105858f, 3.7835e-44f, 1}},
        {"Tanh", {0, 1, -50, 50}, {0, 0.76159416f, -1, 1}},
        {"Sqrt", {0, 4, 2, -1}, {0, 2, 1.41421356f, NAN}},
        {"Exp", {0, 1, -200, 200}, {1, 2.71828183f, 0, INFINITY}},
        {"Reciprocal", {1, -4, 0, INFINITY}, {1, -0.25f, INFINITY, 0}},
        {"Neg", {1, -4, 0, INFINITY}, {-1, 4, 0, -INFINITY}},
        {"Abs", {1, -4, 0, -INFINITY}, {1, 4, 0, INFINITY}},
        {"HardSigmoid", {-3, 0, 1, 9}, {0, 0.5f, 0.7f, 1}},
        {"HardSwish", {-3, 0, 1, 9}, {0, 0, 0.66666667f, 9}},
        {"Identity", {-3, 0, 1, NAN}, {-3, 0, 1, NAN}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        op_begin(&t, 14);
        NODE(&t, cases[i].op, 1, op_input(&t, SHAPE(2, 2), cases[i].x));
        op_check(&t, cases[i].y, 4);
    }
    op_test t;
    op_begin(&t, 6);
    op_set_float(&t, NODE(&t, "LeakyRelu", 1, op_input(&t, SHAPE(2), F(-2, 3))), "alpha", 0.5f);
    op_check(&t, F(-1, 3), 2);
}

static void arithmetic(void **state) {
    (void)state;
    static const struct {
        const char *op;
        float y[4];
    } cases[] = {{"Add", {3, 6, 5, 8}},
                 {"Sub", {-1, -2, 1, 0}},
                 {"Mul", {2, 8, 6, 16}},
                 {"Div", {0.5f, 0.5f, 1.5f, 1}},
                 {"Pow", {1, 16, 9, 256}}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        op_begin(&t, 13);
        NODE(&t, cases[i].op, 1, op_input(&t, SHAPE(2, 2), F(1, 2, 3, 4)), op_input(&t, SHAPE(2), F(2, 4)));
        op_check(&t, cases[i].y, 4);
    }
    op_test t;
    op_begin(&t, 13);
    NODE(&t, "Sub", 1, op_input(&t, SHAPE(2, 1), F(1, 2)), op_input(&t, SHAPE(1, 3), F(10, 20, 30)));
    op_check(&t, F(-9, -19, -29, -8, -18, -28), 6);
    op_begin(&t, 13);
    NODE(&t, "Add", 1, op_input(&t, SHAPE(2, 3), NULL), op_input(&t, SHAPE(2), NULL));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "3 and 2 do not broadcast");
    op_end(&t);
    op_begin(&t, 8);
    NODE(&t, "Sum", 1, op_input(&t, SHAPE(2), F(1, 2)), op_input(&t, SHAPE(2, 1), F(10, 20)),
         op_input(&t, SCALAR, F(100)));
    op_check(&t, F(111, 112, 121, 122), 4);
}

static void arithmetic_before_opset_7(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 6);
    eki_node *node = NODE(&t, "Add", 1, op_input(&t, SHAPE(2, 2, 1), F(1, 2, 3, 4)), op_input(&t, SHAPE(2), F(10, 20)));
    op_set_int(&t, node, "broadcast", 1);
    op_set_int(&t, node, "axis", 0);
    op_check(&t, F(11, 12, 23, 24), 4);
    op_begin(&t, 6);
    node = NODE(&t, "Add", 1, op_input(&t, SHAPE(2, 2), F(1, 2, 3, 4)), op_input(&t, SHAPE(2), F(10, 20)));
    op_set_int(&t, node, "broadcast", 1);
    op_check(&t, F(11, 22, 13, 24), 4);
    op_begin(&t, 6);
    NODE(&t, "Add", 1, op_input(&t, SHAPE(2, 2), NULL), op_input(&t, SHAPE(2), NULL));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "broadcast is not set");
    op_end(&t);
}

static void integers(void **state) {
    (void)state;
    static const struct {
        const char *op;
        int64_t y[3];
    } cases[] = {{"Add", {9, -5, 4}}, {"Sub", {5, -9, 0}}, {"Mul", {14, -14, 4}}, {"Div", {3, -3, 1}}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        op_begin(&t, 13);
        NODE(&t, cases[i].op, 1, op_ints(&t, SHAPE(3), I(7, -7, 2)), op_ints(&t, SHAPE(1), I(2)));
        op_run(&t, EKI_MODE_FILE);
        op_expect_ints(&t, 0, cases[i].y, 3);
        op_end(&t);
    }
    op_test t;
    op_begin(&t, 13);
    NODE(&t, "Div", 1, op_ints(&t, SHAPE(1), I(1)), op_ints(&t, SHAPE(1), I(0)));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_FORMAT, "division by zero");
    op_end(&t);
}

static void clip(void **state) {
    (void)state;
    float x[] = {-5, -0.5f, 0.5f, NAN};
    op_test t;
    op_begin(&t, 6);
    eki_node *node = NODE(&t, "Clip", 1, op_input(&t, SHAPE(4), x));
    op_set_float(&t, node, "min", -1);
    op_check(&t, F(-1, -0.5f, 0.5f, NAN), 4);
    op_begin(&t, 11);
    NODE(&t, "Clip", 1, op_input(&t, SHAPE(4), x), NULL, op_param(&t, SCALAR, F(0)));
    op_check(&t, F(-5, -0.5f, 0, NAN), 4);
    op_begin(&t, 13);
    NODE(&t, "Clip", 1, op_input(&t, SHAPE(4), x), op_input(&t, SCALAR, F(2)), op_input(&t, SCALAR, F(1)));
    op_check(&t, F(1, 1, 1, NAN), 4);
}

static void softmax(void **state) {
    (void)state;
    float x[] = {0, 0, 0.69314718f, 1000, 1000, 1000, 1000, 1000};
    op_test t;
    op_begin(&t, 13);
    NODE(&t, "Softmax", 1, op_input(&t, SHAPE(2, 2, 2), x));
    op_check(&t, F(0.5f, 0.5f, 0, 1, 0.5f, 0.5f, 0.5f, 0.5f), 8);
    op_begin(&t, 11); /* flattened from axis 1 on */
    NODE(&t, "Softmax", 1, op_input(&t, SHAPE(2, 1, 2), F(0, 0, 1, 1)));
    op_check(&t, F(0.5f, 0.5f, 0.5f, 0.5f), 4);
    op_begin(&t, 11);
    op_set_int(&t, NODE(&t, "Softmax", 1, op_input(&t, SHAPE(2, 2), F(3, 3, 3, 3))), "axis", 0);
    op_check(&t, F(0.25f, 0.25f, 0.25f, 0.25f), 4);
    op_begin(&t, 13);
    op_set_int(&t, NODE(&t, "LogSoftmax", 1, op_input(&t, SHAPE(2, 2), F(0, 5, 0, 5))), "axis", 0);
    op_check(&t, F(-0.69314718f, -0.69314718f, -0.69314718f, -0.69314718f), 4);
}

static void reductions(void **state) {
    (void)state;
    op_test t;
    float x[] = {1, 2, 3, 4, 5, 6};
    op_begin(&t, 11);
    NODE(&t, "ReduceMean", 1, op_input(&t, SHAPE(2, 3), x));
    op_check(&t, F(3.5f), 1);
    op_begin(&t, 18);
    eki_node *node = NODE(&t, "ReduceMean", 1, op_input(&t, SHAPE(2, 3), x), op_ints(&t, SHAPE(1), I(-1)));
    op_set_int(&t, node, "keepdims", 0);
    op_run(&t, EKI_MODE_FILE);
    op_expect_shape(&t, 0, SHAPE(2));
    op_expect(&t, 0, F(2, 5), 2, 0);
    op_end(&t);
    op_begin(&t, 13);
    node = NODE(&t, "ReduceSum", 1, op_input(&t, SHAPE(2, 3), x));
    op_set_int(&t, node, "noop_with_empty_axes", 1);
    op_check(&t, x, 6);
    op_begin(&t, 11);
    node = NODE(&t, "ReduceSum", 1, op_input(&t, SHAPE(2, 3), x));
    op_set_ints(&t, node, "axes", I(0), 1);
    op_check(&t, F(5, 7, 9), 3);
}

static void lrn(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_node *node = NODE(&t, "LRN", 1, op_input(&t, SHAPE(1, 3, 1), F(1, 2, 3)));
    op_set_int(&t, node, "size", 2); /* this channel and the next */
    op_set_float(&t, node, "alpha", 2.0f);
    op_set_float(&t, node, "beta", 0.5f);
    op_check(&t, F(1 / sqrtf(6), 2 / sqrtf(14), 3 / sqrtf(10)), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions),  cmocka_unit_test(arithmetic), cmocka_unit_test(arithmetic_before_opset_7),
        cmocka_unit_test(integers),   cmocka_unit_test(clip),       cmocka_unit_test(softmax),
        cmocka_unit_test(reductions), cmocka_unit_test(lrn),
    };
    return cmocka_run_group_tests_name("op_forward", tests, NULL, NULL);
}
