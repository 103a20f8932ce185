/* The newer elementwise functions: values from the ONNX text, accuracy, gradients. */
#include "op_harness.h"

#include <math.h>
#include <string.h>

static void values(void **state) {
    (void)state;
    static const struct {
        const char *op;
        float x[4], y[4];
    } cases[] = {
        {"Elu", {-1, 0, 2, NAN}, {-0.63212056f, 0, 2, NAN}},
        {"Selu", {-1, 0, 2, -100}, {-1.11133074f, 0, 2.10140204f, -1.7580993f}},
        {"Celu", {-1, 0, 2, -100}, {-0.63212056f, 0, 2, -1}},
        {"ThresholdedRelu", {-1, 0, 1, 2}, {0, 0, 0, 2}},
        {"Softplus", {0, 1, -100, 100}, {0.69314718f, 1.31326169f, 3.7835e-44f, 100}},
        {"Softsign", {0, 1, -3, 9}, {0, 0.5f, -0.75f, 0.9f}},
        {"Mish", {0, 1, -100, 100}, {0, 0.86509839f, -3.7835e-42f, 100}},
        {"Gelu", {0, 1, -1, 100}, {0, 0.84134475f, -0.15865525f, 100}},
        {"Log", {1, 2.71828183f, 0, -1}, {0, 1, -INFINITY, NAN}},
        {"Erf", {0, 0.5f, -9, INFINITY}, {0, 0.52049988f, -1, 1}},
        {"Floor", {-1.5f, 1.5f, 2, -0.2f}, {-2, 1, 2, -1}},
        {"Ceil", {-1.5f, 1.5f, 2, 0.2f}, {-1, 2, 2, 1}},
        {"Round", {-2.5f, -1.5f, 0.5f, 1.5f}, {-2, -2, 0, 2}},
        {"Sign", {-3, 0, 7, NAN}, {-1, 0, 1, NAN}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        op_begin(&t, 20);
        NODE(&t, cases[i].op, 1, op_input(&t, SHAPE(2, 2), cases[i].x));
        op_check(&t, cases[i].y, 4);
    }
    op_test t;
    op_begin(&t, 20);
    op_set_string(&t, NODE(&t, "Gelu", 1, op_input(&t, SHAPE(2), F(1, -1))), "approximate", "tanh");
    op_check(&t, F(0.84119199f, -0.15880801f), 2);
    op_begin(&t, 20);
    eki_node *node = NODE(&t, "Selu", 1, op_input(&t, SHAPE(2), F(1, -1)));
    op_set_float(&t, node, "alpha", 2);
    op_set_float(&t, node, "gamma", 3);
    op_check(&t, F(3, 3 * 2 * -0.63212056f), 2);
}

/* Log and Erf stay within two units in the last place of long double. */
static void accuracy(void **state) {
    (void)state;
    enum { N = 4000 };
    static float x[N];
    for (int which = 0; which < 2; which++) {
        op_test t;
        for (int i = 0; i < N; i++) x[i] = ldexpf(1.0f + (float)(i % 97) / 97.0f, i % 40 - (which ? 30 : 20));
        op_begin(&t, 13);
        NODE(&t, which ? "Erf" : "Log", 1, op_input(&t, SHAPE(N), x));
        op_run(&t, EKI_MODE_FILE);
        const float *y = op_result(&t, 0, NULL);
        for (int i = 0; i < N; i++) {
            float exact = (float)(which ? erfl((long double)x[i]) : logl((long double)x[i]));
            float unit = nextafterf(fabsf(exact), INFINITY) - fabsf(exact);
            if (!(fabsf(y[i] - exact) <= 2.0f * unit)) fail_msg("%d at %.9g: %.9g", which, (double)x[i], (double)y[i]);
        }
        op_end(&t);
    }
}

static void gradients(void **state) {
    (void)state;
    static const struct {
        const char *op;
        float low, high;
    } cases[] = {{"Elu", 0, 0},         {"Selu", 0, 0},        {"Celu", 0, 0},        {"ThresholdedRelu", 1.1f, 2},
                 {"Softplus", 0, 0},    {"Softsign", -3, -1},  {"Mish", 0, 0},        {"Gelu", 0, 0},
                 {"Log", 1, 3},         {"Erf", -1, 1},        {"Sin", 0, 0},         {"Cos", 0, 0},
                 {"Tan", -1, 1},        {"Asin", -0.7f, 0.7f}, {"Acos", -0.7f, 0.7f}, {"Atan", 0, 0},
                 {"Sinh", -2, 2},       {"Cosh", -2, 2},       {"Asinh", 0, 0},       {"Acosh", 1.5f, 3},
                 {"Atanh", -0.7f, 0.7f}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        op_begin(&t, 20);
        eki_value *x = op_input(&t, SHAPE(3, 5, 7), NULL);
        if (cases[i].low != cases[i].high) op_refill(&t, x, cases[i].low, cases[i].high);
        NODE(&t, cases[i].op, 1, x);
        op_check_gradient(&t, EKI_MODE_FILE);
    }
    op_test t;
    op_begin(&t, 20);
    op_set_string(&t, NODE(&t, "Gelu", 1, op_input(&t, SHAPE(3, 5), NULL)), "approximate", "tanh");
    op_check_gradient(&t, EKI_MODE_FILE);
}

/* What is constant in pieces has gradient zero: the other path's gradient is all there is. */
static void steps_let_training_pass(void **state) {
    (void)state;
    static const char *const ops[] = {"Floor", "Ceil", "Round", "Sign"};
    for (size_t i = 0; i < COUNT(ops); i++) {
        op_test t;
        op_begin(&t, 13);
        eki_value *x = op_input(&t, SHAPE(4), F(0.3f, 1.2f, -0.7f, -1.4f));
        NODE(&t, "Mul", 1, x, NODE(&t, ops[i], 1, x)->out[0]);
        op_check_gradient(&t, EKI_MODE_TRAINING);
    }
}

static void prelu(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 16);
    NODE(&t, "PRelu", 1, op_input(&t, SHAPE(2, 2), F(-1, 2, -3, 4)), op_param(&t, SHAPE(2, 1), F(0.5f, 2)));
    op_check(&t, F(-0.5f, 2, -6, 4), 4);
    for (int form = 0; form < 3; form++) {
        op_begin(&t, 16);
        eki_value *x = op_input(&t, SHAPE(2, 3, 4, 5), NULL);
        NODE(&t, "PRelu", 1, x,
             op_param(&t,
                      form == 0   ? SHAPE(3, 1, 1)
                      : form == 1 ? SHAPE(1)
                                  : SHAPE(2, 3, 4, 5),
                      NULL));
        op_check_gradient(&t, EKI_MODE_TRAINING);
    }
    op_begin(&t, 16);
    NODE(&t, "PRelu", 1, op_input(&t, SHAPE(1, 2), NULL), op_param(&t, SHAPE(3, 2), NULL));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "slope");
    op_end(&t);
}

static void mod(void **state) {
    (void)state;
    op_test t;
    for (int64_t c_sign = 0; c_sign < 2; c_sign++) {
        op_begin(&t, 13);
        eki_node *node =
            NODE(&t, "Mod", 1, op_ints(&t, SHAPE(5), I(7, -7, 7, -7, -6)), op_ints(&t, SHAPE(5), I(3, 3, -3, -3, 3)));
        op_set_int(&t, node, "fmod", c_sign);
        op_run(&t, EKI_MODE_FILE);
        op_expect_ints(&t, 0, c_sign ? I(1, -1, 1, -1, 0) : I(1, 2, -2, -1, 0), 5);
        op_end(&t);
    }
    op_begin(&t, 13);
    op_set_int(&t, NODE(&t, "Mod", 1, op_input(&t, SHAPE(2), F(5.5f, -5.5f)), op_param(&t, SCALAR, F(2))), "fmod", 1);
    op_check(&t, F(1.5f, -1.5f), 2);
    op_begin(&t, 13);
    NODE(&t, "Mod", 1, op_ints(&t, SHAPE(1), I(1)), op_ints(&t, SHAPE(1), I(0)));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_FORMAT, "division by zero");
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values), cmocka_unit_test(accuracy), cmocka_unit_test(gradients),
        cmocka_unit_test(prelu),  cmocka_unit_test(mod),      cmocka_unit_test(steps_let_training_pass),
    };
    return cmocka_run_group_tests_name("op_activation", tests, NULL, NULL);
}
