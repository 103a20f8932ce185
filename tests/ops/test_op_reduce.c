/* Reductions along axes, and the two normalizations that are made of them. */
#include "op_harness.h"

#include <math.h>

static const char *const reduces[] = {"ReduceMax", "ReduceMin", "ReduceProd",
                                      "ReduceL1",  "ReduceL2",  "ReduceSumSquare"};

static void reductions(void **state) {
    (void)state;
    static const float rows[][2] = {{2, -1}, {-3, -4}, {-6, 24 * -1.0f}, {6, 10}, {0, 0}, {14, 42}};
    for (size_t i = 0; i < COUNT(reduces); i++) {
        float x[] = {1, 2, -3, -4, -1, 5}, want[2] = {rows[i][0], rows[i][1]};
        op_test t;
        if (i == 0) want[1] = 5;
        if (i == 2) want[1] = 20;
        if (i == 4) want[0] = sqrtf(14), want[1] = sqrtf(42);
        op_begin(&t, 18);
        NODE(&t, reduces[i], 1, op_input(&t, SHAPE(2, 3), x), op_ints(&t, SHAPE(1), I(1)));
        op_check(&t, want, 2);
    }
    op_test t;
    op_begin(&t, 13);
    NODE(&t, "ReduceMax", 1, op_input(&t, SHAPE(2, 2), F(1, NAN, 3, 2)));
    op_check(&t, F(NAN), 1);
    op_begin(&t, 18);
    NODE(&t, "ReduceProd", 1, op_input(&t, SHAPE(0, 2), NULL), op_ints(&t, SHAPE(1), I(0)));
    op_check(&t, F(1, 1), 2);
}

static void integers(void **state) {
    (void)state;
    static const struct {
        const char *op;
        int64_t y[2];
    } cases[] = {{"ReduceMax", {5, 7}}, {"ReduceMin", {-2, 3}}, {"ReduceProd", {-10, 21}}, {"ReduceSum", {3, 10}}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        op_begin(&t, 18);
        NODE(&t, cases[i].op, 1, op_ints(&t, SHAPE(2, 2), I(5, 3, -2, 7)), op_ints(&t, SHAPE(1), I(0)));
        op_run(&t, EKI_MODE_FILE);
        op_expect_ints(&t, 0, cases[i].y, 2);
        op_end(&t);
    }
}

static void gradients(void **state) {
    (void)state;
    static const int64_t axes[][2] = {{0, 1}, {1, 2}, {0, 2}};
    for (size_t i = 0; i < COUNT(reduces) * COUNT(axes); i++) {
        float x[24];
        for (int k = 0; k < 24; k++) x[k] = (float)(k * 7 % 24 + 12) / 16.0f * (k % 3 ? 1.0f : -1.0f);
        op_test t;
        op_begin(&t, 13);
        eki_node *node = NODE(&t, reduces[i % COUNT(reduces)], 1, op_input(&t, SHAPE(2, 3, 4), x));
        op_set_ints(&t, node, "axes", axes[i / COUNT(reduces)], 2);
        op_set_int(&t, node, "keepdims", (int64_t)(i & 1));
        op_check_gradient(&t, EKI_MODE_FILE);
    }
}

/* One zero among the factors: only it has a gradient. Two: nobody. Equal maxima share theirs. */
static void special_gradients(void **state) {
    (void)state;
    static const struct {
        const char *op;
        float x[3], dx[3];
    } cases[] = {{"ReduceProd", {2, 0, 3}, {0, 6, 0}},
                 {"ReduceProd", {2, 0, 0}, {0, 0, 0}},
                 {"ReduceMax", {4, 1, 4}, {0.5f, 0, 0.5f}},
                 {"ReduceL2", {0, 0, 0}, {0, 0, 0}}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        op_begin(&t, 13);
        NODE(&t, cases[i].op, 1, op_input(&t, SHAPE(3), cases[i].x));
        op_run(&t, EKI_MODE_FILE);
        eki_exec_output_gradient(t.exec, 0)[0] = 1.0f;
        assert_int_equal(eki_exec_backward(t.exec, &t.err), EK_OK);
        const float *dx = eki_exec_input_gradient(t.exec, 0);
        for (int k = 0; k < 3; k++) assert_true(dx[k] == cases[i].dx[k]);
        op_end(&t);
    }
}

static void lp_normalization(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 7);
    NODE(&t, "LpNormalization", 1, op_input(&t, SHAPE(2, 2), F(3, -4, 0, 0)));
    op_check(&t, F(0.6f, -0.8f, 0, 0), 4);
    op_begin(&t, 7);
    eki_node *node = NODE(&t, "LpNormalization", 1, op_input(&t, SHAPE(2, 2), F(3, -4, 1, 4)));
    op_set_int(&t, node, "p", 1);
    op_set_int(&t, node, "axis", 0);
    op_check(&t, F(0.75f, -0.5f, 0.25f, 0.5f), 4);
    for (int64_t i = 0; i < 6; i++) {
        op_begin(&t, 22);
        node = NODE(&t, "LpNormalization", 1, op_input(&t, SHAPE(3, 4, 5), NULL));
        op_set_int(&t, node, "p", i % 2 + 1);
        op_set_int(&t, node, "axis", i / 2);
        op_check_gradient(&t, EKI_MODE_FILE);
    }
}

static void mean_variance_normalization(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    NODE(&t, "MeanVarianceNormalization", 1, op_input(&t, SHAPE(2, 2, 1, 2), F(1, 2, 7, 7, 3, 4, 7, 7)));
    float r = sqrtf(1.25f);
    op_check(&t, F(-1.5f / r, -0.5f / r, 0, 0, 0.5f / r, 1.5f / r, 0, 0), 8);
    op_begin(&t, 9); /* a mean a million times the deviation */
    eki_node *node =
        NODE(&t, "MeanVarianceNormalization", 1, op_input(&t, SHAPE(1, 4), F(1048576, 1048577, 1048578, 1048579)));
    op_set_ints(&t, node, "axes", I(1), 1);
    op_check(&t, F(-1.5f / r, -0.5f / r, 0.5f / r, 1.5f / r), 4);
    static const int64_t axes[][2] = {{0, 1}, {2, 3}, {1, 3}};
    for (size_t i = 0; i <= COUNT(axes); i++) {
        op_begin(&t, 13);
        node = NODE(&t, "MeanVarianceNormalization", 1, op_input(&t, SHAPE(3, 2, 4, 5), NULL));
        if (i > 0) op_set_ints(&t, node, "axes", axes[i - 1], 2);
        op_check_gradient(&t, EKI_MODE_FILE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reductions),       cmocka_unit_test(integers),
        cmocka_unit_test(gradients),        cmocka_unit_test(special_gradients),
        cmocka_unit_test(lp_normalization), cmocka_unit_test(mean_variance_normalization),
    };
    return cmocka_run_group_tests_name("op_reduce", tests, NULL, NULL);
}
