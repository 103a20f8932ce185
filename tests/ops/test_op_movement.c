/* Do the operators that move, rename, convert or make elements do what the ONNX text says? Cases worked out by hand. */
#include "op_harness.h"

#include <math.h>

static void shapes(void **state) {
    (void)state;
    static const struct {
        const char *op;
        int64_t opset, values[4];
        size_t n;
        int64_t out[4];
        size_t rank;
    } cases[] = {
        {"Reshape", 13, {0, -1}, 2, {1, 12}, 2}, {"Reshape", 13, {-1, 2}, 2, {6, 2}, 2},
        {"Reshape", 13, {12}, 1, {12}, 1},       {"Squeeze", 13, {0, 2}, 2, {4, 3}, 2},
        {"Squeeze", 13, {-2}, 1, {1, 4, 3}, 3},  {"Unsqueeze", 13, {0}, 0, {1, 4, 1, 3}, 4},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        op_begin(&t, cases[i].opset);
        eki_value *x = op_input(&t, SHAPE(1, 4, 1, 3), NULL);
        NODE(&t, cases[i].op, 1, x, op_ints(&t, SHAPE((int64_t)cases[i].n), cases[i].values));
        op_run(&t, EKI_MODE_FILE);
        op_expect_shape(&t, 0, eki_shape_of((int)cases[i].rank, cases[i].out));
        op_expect(&t, 0, t.feed[0], 12, 0);
        op_end(&t);
    }
    op_test t;
    op_begin(&t, 4);
    op_set_ints(&t, NODE(&t, "Reshape", 1, op_input(&t, SHAPE(2, 6), NULL)), "shape", I(3, -1), 2);
    op_run(&t, EKI_MODE_FILE);
    op_expect_shape(&t, 0, SHAPE(3, 4));
    op_end(&t);
    op_begin(&t, 9);
    op_set_int(&t, NODE(&t, "Flatten", 1, op_input(&t, SHAPE(2, 3, 4), NULL)), "axis", 2);
    op_run(&t, EKI_MODE_FILE);
    op_expect_shape(&t, 0, SHAPE(6, 4));
    op_end(&t);
    op_begin(&t, 13);
    NODE(&t, "Reshape", 1, op_input(&t, SHAPE(2, 6), NULL), op_ints(&t, SHAPE(2), I(5, -1)));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "12 elements do not divide into 5");
    op_end(&t);
}

static void movement(void **state) {
    (void)state;
    float x[] = {1, 2, 3, 4, 5, 6};
    op_test t;
    op_begin(&t, 13);
    NODE(&t, "Transpose", 1, op_input(&t, SHAPE(2, 3), x));
    op_check(&t, F(1, 4, 2, 5, 3, 6), 6);
    op_begin(&t, 13);
    op_set_int(&t, NODE(&t, "Concat", 1, op_input(&t, SHAPE(2, 1), F(7, 8)), op_input(&t, SHAPE(2, 3), x)), "axis", -1);
    op_check(&t, F(7, 1, 2, 3, 8, 4, 5, 6), 8);
    op_begin(&t, 13);
    eki_node *node = NODE(&t, "Gather", 1, op_input(&t, SHAPE(2, 3), x), op_ints(&t, SHAPE(2), I(-1, 0)));
    op_set_int(&t, node, "axis", 1);
    op_check(&t, F(3, 1, 6, 4), 4);
    op_begin(&t, 13);
    NODE(&t, "Gather", 1, op_input(&t, SHAPE(2, 3), x), op_ints(&t, SCALAR, I(2)));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_FORMAT, "index 2 is outside [-2, 2)");
    op_end(&t);
    op_begin(&t, 13);
    NODE(&t, "Slice", 1, op_input(&t, SHAPE(2, 3), x), op_ints(&t, SHAPE(1), I(-1)), op_ints(&t, SHAPE(1), I(-100)),
         op_ints(&t, SHAPE(1), I(1)), op_ints(&t, SHAPE(1), I(-2)));
    op_check(&t, F(3, 1, 6, 4), 4);
    op_begin(&t, 9);
    node = NODE(&t, "Slice", 1, op_input(&t, SHAPE(2, 3), x));
    op_set_ints(&t, node, "starts", I(1), 1);
    op_set_ints(&t, node, "ends", I(INT64_MAX), 1);
    op_check(&t, F(4, 5, 6), 3);
}

static void casts(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_node *node = NODE(&t, "Cast", 1, op_input(&t, SHAPE(5), F(1.9f, -1.9f, NAN, 1e30f, 0)));
    op_set_int(&t, node, "to", EK_I64);
    op_run(&t, EKI_MODE_FILE);
    op_expect_ints(&t, 0, I(1, -1, 0, INT64_MAX, 0), 5);
    op_end(&t);
    op_begin(&t, 13);
    node = NODE(&t, "Cast", 1, op_input(&t, SHAPE(3), F(0.5f, 0, NAN)));
    op_set_int(&t, node, "to", EK_BOOL);
    node = NODE(&t, "Cast", 1, node->out[0]);
    op_set_int(&t, node, "to", EK_F32);
    op_check(&t, F(1, 0, 1), 3);
    op_begin(&t, 13);
    op_set_int(&t, NODE(&t, "Cast", 1, op_input(&t, SHAPE(1), NULL)), "to", EK_STRING);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_UNSUPPORTED, "no conversion");
    op_end(&t);
}

static void constants(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_node *node = op_node(&t, "Constant", 1, NULL, 0);
    op_set_float(&t, node, "value_float", 2.5f);
    NODE(&t, "Mul", 1, op_input(&t, SHAPE(2), F(2, 4)), node->out[0]);
    op_check(&t, F(5, 10), 2);
    op_begin(&t, 13);
    node = NODE(&t, "ConstantOfShape", 1, op_ints(&t, SHAPE(1), I(2)));
    NODE(&t, "Add", 1, op_input(&t, SHAPE(2), F(2, 4)), node->out[0]);
    op_check(&t, F(2, 4), 2);
    op_begin(&t, 13); /* above the folding limit it runs as a step */
    node = NODE(&t, "ConstantOfShape", 1, op_ints(&t, SHAPE(2), I(300, 300)));
    NODE(&t, "Add", 1, op_input(&t, SHAPE(1), F(7)), node->out[0]);
    op_run(&t, EKI_MODE_FILE);
    op_expect_shape(&t, 0, SHAPE(300, 300));
    assert_true(op_result(&t, 0, NULL)[89999] == 7.0f);
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(movement),
        cmocka_unit_test(casts),
        cmocka_unit_test(constants),
    };
    return cmocka_run_group_tests_name("op_movement", tests, NULL, NULL);
}
