/* Is every operator's backward the derivative of its forward? And would the check notice if it were not? */
#include "op_harness.h"

/* The check itself: a backward of the wrong sign, of any operator, must not pass. */
static void wrong_sign_is_noticed(void **state) {
    (void)state;
    static const char *const ops[] = {"Mul", "Add", "Div"};
    for (size_t i = 0; i < COUNT(ops); i++) {
        op_test t;
        op_begin(&t, 13);
        NODE(&t, ops[i], 1, op_input(&t, SHAPE(3, 4), NULL), op_param(&t, SHAPE(4), NULL));
        t.flip = true;
        op_run(&t, EKI_MODE_TRAINING);
        assert_true(op_gradient_error(&t) > 0.1);
        op_end(&t);
    }
    op_test t;
    op_begin(&t, 15);
    NODE(&t, "BatchNormalization", 1, op_input(&t, SHAPE(4, 3, 2, 2), NULL), op_param(&t, SHAPE(3), NULL),
         op_param(&t, SHAPE(3), NULL), op_param(&t, SHAPE(3), (float[]){0, 0, 0}),
         op_param(&t, SHAPE(3), (float[]){1, 1, 1}));
    t.flip = true;
    op_run(&t, EKI_MODE_TRAINING);
    assert_true(op_gradient_error(&t) > 0.1);
    op_end(&t);
}

static void binary_operators(void **state) {
    (void)state;
    static const char *const ops[] = {"Add", "Sub", "Mul", "Div", "Pow"};
    for (size_t i = 0; i < COUNT(ops); i++) {
        for (int form = 0; form < 6; form++) {
            op_test t;
            eki_value *a, *b;
            op_begin(&t, 14);
            a = op_input(&t, form == 4 ? SHAPE(4, 1) : form == 5 ? SCALAR : SHAPE(2, 3, 4, 5), NULL);
            b = op_param(&t,
                         form == 0   ? SHAPE(2, 3, 4, 5)
                         : form == 1 ? SHAPE(3, 1, 1)
                         : form == 2 ? SHAPE(5)
                         : form == 3 ? SHAPE(1, 3, 1, 5)
                         : form == 4 ? SHAPE(2, 1, 3)
                                     : SHAPE(3),
                         NULL);
            op_refill(&t, a, 0.5f, 2.0f);
            op_refill(&t, b, 0.5f, 2.0f);
            NODE(&t, ops[i], 1, a, b);
            op_check_gradient(&t, EKI_MODE_FILE);
        }
    }
}

static void one_tensor_twice(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 14);
    eki_value *x = op_input(&t, SHAPE(3, 4), NULL);
    NODE(&t, "Mul", 1, x, x);
    op_check_gradient(&t, EKI_MODE_FILE);
}

static void old_broadcast(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 6);
    eki_node *node = NODE(&t, "Mul", 1, op_input(&t, SHAPE(2, 3, 4), NULL), op_param(&t, SHAPE(3), NULL));
    assert_int_equal(eki_node_set_int(t.graph, node, "broadcast", 1, NULL), EK_OK);
    assert_int_equal(eki_node_set_int(t.graph, node, "axis", 1, NULL), EK_OK);
    op_check_gradient(&t, EKI_MODE_FILE);
}

static void sum_of_many(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    NODE(&t, "Sum", 1, op_input(&t, SHAPE(2, 3, 4), NULL), op_param(&t, SHAPE(4), NULL),
         op_param(&t, SHAPE(3, 1), NULL), op_input(&t, SHAPE(2, 3, 4), NULL));
    op_check_gradient(&t, EKI_MODE_FILE);
}

static void functions(void **state) {
    (void)state;
    static const struct {
        const char *op;
        float low, high;
    } cases[] = {{"Relu", 0, 0},
                 {"LeakyRelu", 0, 0},
                 {"Sigmoid", -3, 3},
                 {"Tanh", -2, 2},
                 {"Sqrt", 0.5, 3},
                 {"Exp", -1, 1},
                 {"Reciprocal", 1, 3},
                 {"Neg", 0, 0},
                 {"Abs", 0, 0},
                 {"HardSigmoid", -2.4f, 2},
                 {"HardSwish", -2.9f, 2.9f}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        op_begin(&t, 14);
        eki_value *x = op_input(&t, SHAPE(3, 5, 7), NULL);
        if (cases[i].low != cases[i].high) op_refill(&t, x, cases[i].low, cases[i].high);
        NODE(&t, cases[i].op, 1, x);
        op_check_gradient(&t, EKI_MODE_FILE);
    }
}

static void clip(void **state) {
    (void)state;
    float x[] = {-1.5f, -0.75f, -0.25f, 0.25f, 0.75f, 1.5f};
    op_test t;
    op_begin(&t, 6);
    eki_node *node = NODE(&t, "Clip", 1, op_input(&t, SHAPE(6), x));
    assert_int_equal(eki_node_set_float(t.graph, node, "min", -1.0f, NULL), EK_OK);
    assert_int_equal(eki_node_set_float(t.graph, node, "max", 0.5f, NULL), EK_OK);
    op_check_gradient(&t, EKI_MODE_FILE);
}

static void softmaxes(void **state) {
    (void)state;
    static const char *const ops[] = {"Softmax", "LogSoftmax"};
    for (int64_t opset = 11; opset <= 13; opset += 2) {
        for (int64_t axis = -1; axis < 3; axis++) {
            for (size_t i = 0; i < COUNT(ops); i++) {
                op_test t;
                op_begin(&t, opset);
                eki_node *node = NODE(&t, ops[i], 1, op_input(&t, SHAPE(3, 4, 5), NULL));
                assert_int_equal(eki_node_set_int(t.graph, node, "axis", axis, NULL), EK_OK);
                op_check_gradient(&t, EKI_MODE_FILE);
            }
        }
    }
}

static void reductions(void **state) {
    (void)state;
    static const char *const ops[] = {"ReduceMean", "ReduceSum"};
    static const int64_t axes[][2] = {{0, 1}, {1, 2}, {0, 2}, {-1, 0}};
    for (size_t i = 0; i < COUNT(ops) * COUNT(axes); i++) {
        op_test t;
        op_begin(&t, 11);
        eki_node *node = NODE(&t, ops[i % 2], 1, op_input(&t, SHAPE(3, 4, 5), NULL));
        assert_int_equal(eki_node_set_ints(t.graph, node, "axes", axes[i / 2], 2, NULL), EK_OK);
        assert_int_equal(eki_node_set_int(t.graph, node, "keepdims", (int64_t)(i & 1), NULL), EK_OK);
        op_check_gradient(&t, EKI_MODE_FILE);
    }
    op_test t;
    op_begin(&t, 18);
    NODE(&t, "ReduceMean", 1, op_input(&t, SHAPE(3, 4, 5), NULL), op_ints(&t, SHAPE(1), (int64_t[]){-2}));
    op_check_gradient(&t, EKI_MODE_FILE);
}

static void movement(void **state) {
    (void)state;
    static const char *const plain[] = {"Identity", "Flatten", "Transpose"};
    for (size_t i = 0; i < COUNT(plain); i++) {
        op_test t;
        op_begin(&t, 13);
        NODE(&t, plain[i], 1, op_input(&t, SHAPE(2, 3, 4), NULL));
        op_check_gradient(&t, EKI_MODE_FILE);
    }
    static const struct {
        const char *op;
        int64_t values[2];
    } lists[] = {{"Reshape", {-1, 6}}, {"Unsqueeze", {0, -1}}, {"Squeeze", {0, 2}}};
    for (size_t i = 0; i < COUNT(lists); i++) {
        op_test t;
        op_begin(&t, 13);
        eki_value *x = op_input(&t, SHAPE(1, 4, 1, 3), NULL);
        NODE(&t, lists[i].op, 1, x, op_ints(&t, SHAPE(2), lists[i].values));
        op_check_gradient(&t, EKI_MODE_FILE);
    }
    op_test t;
    op_begin(&t, 13);
    eki_node *node = NODE(&t, "Transpose", 1, op_input(&t, SHAPE(2, 3, 4, 5), NULL));
    assert_int_equal(eki_node_set_ints(t.graph, node, "perm", (int64_t[]){0, 2, 3, 1}, 4, NULL), EK_OK);
    op_check_gradient(&t, EKI_MODE_FILE);
}

static void joining_and_picking(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_node *node = NODE(&t, "Concat", 1, op_input(&t, SHAPE(2, 1, 4), NULL), op_param(&t, SHAPE(2, 3, 4), NULL),
                          op_input(&t, SHAPE(2, 2, 4), NULL));
    assert_int_equal(eki_node_set_int(t.graph, node, "axis", -2, NULL), EK_OK);
    op_check_gradient(&t, EKI_MODE_FILE);

    op_begin(&t, 13);
    node = NODE(&t, "Gather", 1, op_input(&t, SHAPE(2, 5, 3), NULL), op_ints(&t, SHAPE(4), (int64_t[]){0, 4, -2, 0}));
    assert_int_equal(eki_node_set_int(t.graph, node, "axis", 1, NULL), EK_OK);
    op_check_gradient(&t, EKI_MODE_FILE);

    op_begin(&t, 13);
    NODE(&t, "Slice", 1, op_input(&t, SHAPE(3, 6, 5), NULL), op_ints(&t, SHAPE(2), (int64_t[]){5, 1}),
         op_ints(&t, SHAPE(2), (int64_t[]){INT64_MIN, 3}), op_ints(&t, SHAPE(2), (int64_t[]){1, -1}),
         op_ints(&t, SHAPE(2), (int64_t[]){-2, 1}));
    op_check_gradient(&t, EKI_MODE_FILE);

    op_begin(&t, 13);
    node = NODE(&t, "Cast", 1, op_input(&t, SHAPE(3, 2), NULL));
    assert_int_equal(eki_node_set_int(t.graph, node, "to", EK_F32, NULL), EK_OK);
    op_check_gradient(&t, EKI_MODE_FILE);
}

static void lrn(void **state) {
    (void)state;
    for (int64_t size = 1; size < 6; size++) {
        op_test t;
        op_begin(&t, 13);
        eki_node *node = NODE(&t, "LRN", 1, op_input(&t, SHAPE(2, 5, 3), NULL));
        assert_int_equal(eki_node_set_int(t.graph, node, "size", size, NULL), EK_OK);
        assert_int_equal(eki_node_set_float(t.graph, node, "alpha", 0.5f, NULL), EK_OK);
        op_check_gradient(&t, EKI_MODE_FILE);
    }
}

/* RMS norm as older files spell it: x / sqrt(mean(x^2) + eps) * scale. */
static void rms_norm_as_a_subgraph(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 17);
    eki_value *x = op_input(&t, SHAPE(3, 4, 8), NULL);
    eki_node *node = NODE(&t, "ReduceMean", 1, NODE(&t, "Mul", 1, x, x)->out[0]);
    assert_int_equal(eki_node_set_ints(t.graph, node, "axes", (int64_t[]){-1}, 1, NULL), EK_OK);
    eki_node *epsilon = op_node(&t, "Constant", 1, NULL, 0);
    assert_int_equal(eki_node_set_float(t.graph, epsilon, "value_float", 1e-5f, NULL), EK_OK);
    eki_value *sum = NODE(&t, "Add", 1, node->out[0], epsilon->out[0])->out[0];
    eki_value *root = NODE(&t, "Sqrt", 1, sum)->out[0];
    NODE(&t, "Mul", 1, NODE(&t, "Div", 1, x, root)->out[0], op_param(&t, SHAPE(8), NULL));
    op_check_gradient(&t, EKI_MODE_TRAINING);
}

/* Y / (1 + Mean^2) + InvStdDev * x: all three outputs lead to the loss; a set is a row, or all of an example. */
static void layer_norm_statistics(void **state) {
    (void)state;
    for (int form = 0; form < 4; form++) {
        op_test t;
        op_begin(&t, 17);
        eki_value *x = op_input(&t, form < 2 ? SHAPE(3, 4, 8) : SHAPE(2, 3, 4, 5), NULL);
        eki_value *scale = op_param(&t, form < 2 ? SHAPE(8) : SHAPE(3, 1, 1), NULL);
        eki_node *norm = NODE(&t, "LayerNormalization", form % 2 ? 2 : 3, x, scale);
        if (form >= 2) op_set_int(&t, norm, "axis", 1);
        eki_value *square = NODE(&t, "Mul", 1, norm->out[1], norm->out[1])->out[0];
        eki_value *below = NODE(&t, "Add", 1, square, op_param(&t, SHAPE(1), F(1)))->out[0];
        eki_value *sum = NODE(&t, "Div", 1, norm->out[0], below)->out[0];
        if (norm->n_out > 2) NODE(&t, "Add", 1, sum, NODE(&t, "Mul", 1, norm->out[2], x)->out[0]);
        op_check_gradient(&t, EKI_MODE_TRAINING);
    }
}

/* Scale and bias that broadcast to the normalized dimensions, each in its own way. */
static void layer_norm_repeated(void **state) {
    (void)state;
    const eki_shape shapes[][2] = {{SHAPE(8), SHAPE(4, 1)}, {SHAPE(1), SHAPE(4, 8)}, {SHAPE(1, 4, 1), SHAPE(1, 1, 8)}};
    for (size_t form = 0; form < 2 * sizeof shapes / sizeof *shapes; form++) {
        op_test t;
        op_begin(&t, 23);
        eki_value *x = op_input(&t, SHAPE(3, 4, 8), NULL), *scale = op_param(&t, shapes[form / 2][0], NULL);
        eki_value *in[] = {x, scale, op_param(&t, shapes[form / 2][1], NULL)};
        bool rms = form % 2 == 1;
        eki_node *norm = op_node(&t, rms ? "RMSNormalization" : "LayerNormalization", 1, in, rms ? 2 : 3);
        op_set_int(&t, norm, "axis", 1);
        op_check_gradient(&t, EKI_MODE_TRAINING);
    }
}

/* Behind a convolution x comes in a blocked layout; the statistics alone lead to the loss. */
static void layer_norm_statistics_alone(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 17);
    eki_value *x = op_input(&t, SHAPE(2, 4, 5, 5), NULL), *weight = op_param(&t, SHAPE(16, 4, 1, 1), NULL);
    eki_value *y = NODE(&t, "Conv", 1, x, weight)->out[0];
    eki_node *norm = NODE(&t, "LayerNormalization", 3, y, op_param(&t, SHAPE(16, 1, 1), NULL));
    op_set_int(&t, norm, "axis", 1);
    NODE(&t, "Add", 1, norm->out[1], norm->out[2]);
    op_check_gradient(&t, EKI_MODE_TRAINING);
}

static void cast_to_f64_has_none(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_node *wide = NODE(&t, "Cast", 1, op_input(&t, SHAPE(3, 2), NULL));
    op_set_int(&t, wide, "to", EK_F64);
    eki_node *back = NODE(&t, "Cast", 1, wide->out[0]);
    op_set_int(&t, back, "to", EK_F32);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_UNSUPPORTED,
                 "it casts to float64 between a trainable parameter and the loss");
    op_end(&t);
}

static void dropout(void **state) {
    (void)state;
    for (int64_t opset = 6; opset <= 13; opset += 7) {
        op_test t;
        op_begin(&t, opset);
        NODE(&t, "Dropout", 1, op_input(&t, SHAPE(8, 32), NULL));
        op_check_gradient(&t, EKI_MODE_TRAINING);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_sign_is_noticed),
        cmocka_unit_test(binary_operators),
        cmocka_unit_test(one_tensor_twice),
        cmocka_unit_test(old_broadcast),
        cmocka_unit_test(sum_of_many),
        cmocka_unit_test(functions),
        cmocka_unit_test(clip),
        cmocka_unit_test(softmaxes),
        cmocka_unit_test(reductions),
        cmocka_unit_test(movement),
        cmocka_unit_test(joining_and_picking),
        cmocka_unit_test(rms_norm_as_a_subgraph),
        cmocka_unit_test(layer_norm_statistics),
        cmocka_unit_test(layer_norm_statistics_alone),
        cmocka_unit_test(layer_norm_repeated),
        cmocka_unit_test(cast_to_f64_has_none),
        cmocka_unit_test(dropout),
        cmocka_unit_test(lrn),
    };
    return cmocka_run_group_tests_name("op_gradient", tests, NULL, NULL);
}
