/* Comparisons, logic, Where, Min, Max, ArgMax, ArgMin. */
#include "op_harness.h"

#include <math.h>

/* Runs the node's first output through Cast to f32. */
static void check_cast(op_test *t, eki_node *node, const float *y, size_t count) {
    op_set_int(t, NODE(t, "Cast", 1, node->out[0]), "to", EK_F32);
    op_check(t, y, count);
}

static eki_value *bools(op_test *t, const float *values, int64_t count) {
    eki_node *node = NODE(t, "Cast", 1, op_input(t, eki_shape_of(1, &count), values));
    op_set_int(t, node, "to", EK_BOOL);
    return node->out[0];
}

static void comparisons(void **state) {
    (void)state;
    static const struct {
        const char *op;
        float y[4];
    } cases[] = {{"Equal", {0, 1, 0, 0}},
                 {"Less", {1, 0, 0, 0}},
                 {"Greater", {0, 0, 1, 0}},
                 {"LessOrEqual", {1, 1, 0, 0}},
                 {"GreaterOrEqual", {0, 1, 1, 0}}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        op_begin(&t, 16);
        eki_value *x = op_input(&t, SHAPE(4), F(1, 2, 3, NAN));
        check_cast(&t, NODE(&t, cases[i].op, 1, x, op_param(&t, SCALAR, F(2))), cases[i].y, 4);
        op_begin(&t, 16);
        eki_value *n = op_ints(&t, SHAPE(3), I(1, 2, INT64_MAX));
        check_cast(&t, NODE(&t, cases[i].op, 1, n, op_ints(&t, SHAPE(1), I(2))), cases[i].y, 3);
    }
}

static void logic(void **state) {
    (void)state;
    static const struct {
        const char *op;
        float y[4];
    } cases[] = {{"And", {0, 0, 0, 1}}, {"Or", {0, 1, 1, 1}}, {"Xor", {0, 1, 1, 0}}};
    op_test t;
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_begin(&t, 13);
        eki_value *a = bools(&t, F(0, 0, 1, 1), 4);
        check_cast(&t, NODE(&t, cases[i].op, 1, a, bools(&t, F(0, 5, 0, 5), 4)), cases[i].y, 4);
    }
    op_begin(&t, 13);
    check_cast(&t, NODE(&t, "Not", 1, bools(&t, F(0, 7), 2)), F(1, 0), 2);
    op_begin(&t, 13);
    NODE(&t, "And", 1, op_input(&t, SHAPE(1), NULL), op_input(&t, SHAPE(1), NULL));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_DTYPE, "must be bool");
    op_end(&t);
}

static void where(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 9);
    eki_value *c = bools(&t, F(1, 0), 2);
    NODE(&t, "Where", 1, c, op_input(&t, SHAPE(2, 1), F(1, 2)), op_input(&t, SHAPE(2), F(7, 8)));
    op_check(&t, F(1, 8, 2, 8), 4);
    op_begin(&t, 16);
    c = bools(&t, F(1, 0, 1), 3);
    NODE(&t, "Where", 1, c, op_param(&t, SHAPE(4, 1), NULL), op_param(&t, SHAPE(2, 1, 3), NULL));
    op_check_gradient(&t, EKI_MODE_TRAINING);
}

static void min_max(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    NODE(&t, "Max", 1, op_input(&t, SHAPE(3), F(1, 5, NAN)), op_param(&t, SHAPE(2, 1), F(3, 9)));
    op_check(&t, F(3, 5, NAN, 9, 9, NAN), 6);
    op_begin(&t, 13);
    NODE(&t, "Min", 1, op_input(&t, SHAPE(3), F(1, 5, 2)), op_param(&t, SCALAR, F(3)), op_param(&t, SCALAR, F(NAN)));
    op_check(&t, F(NAN, NAN, NAN), 3);
    op_begin(&t, 13);
    NODE(&t, "Min", 1, op_ints(&t, SHAPE(3), I(1, 5, 2)), op_ints(&t, SCALAR, I(2)));
    op_run(&t, EKI_MODE_FILE);
    op_expect_ints(&t, 0, I(1, 2, 2), 3);
    op_end(&t);
    static const char *const ops[] = {"Min", "Max"};
    for (size_t i = 0; i < COUNT(ops); i++) {
        op_begin(&t, 13);
        NODE(&t, ops[i], 1, op_input(&t, SHAPE(2, 3), F(1, -1, 0.5f, 2, -2, 0.25f)),
             op_param(&t, SHAPE(3), F(0.75f, 0, -1)), op_param(&t, SHAPE(2, 1), F(1.5f, -0.5f)));
        op_check_gradient(&t, EKI_MODE_TRAINING);
    }
}

static void extremes_by_index(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    NODE(&t, "ArgMax", 1, op_input(&t, SHAPE(2, 3), F(1, 5, 5, 9, NAN, 3)));
    op_run(&t, EKI_MODE_FILE);
    op_expect_shape(&t, 0, SHAPE(1, 3));
    op_expect_ints(&t, 0, I(1, 1, 0), 3);
    op_end(&t);
    op_begin(&t, 13);
    eki_node *node = NODE(&t, "ArgMin", 1, op_input(&t, SHAPE(2, 3), F(5, 1, 1, 2, 2, 3)));
    op_set_int(&t, node, "axis", -1);
    op_set_int(&t, node, "keepdims", 0);
    op_set_int(&t, node, "select_last_index", 1);
    op_run(&t, EKI_MODE_FILE);
    op_expect_shape(&t, 0, SHAPE(2));
    op_expect_ints(&t, 0, I(2, 1), 2);
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons),
        cmocka_unit_test(logic),
        cmocka_unit_test(where),
        cmocka_unit_test(min_max),
        cmocka_unit_test(extremes_by_index),
    };
    return cmocka_run_group_tests_name("op_choice", tests, NULL, NULL);
}
