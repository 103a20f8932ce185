/* Resize, Upsample and Pad: examples of the ONNX text, gradients. */
#include "op_harness.h"

static eki_node *resize(op_test *t, int64_t opset, eki_shape x, const float *data, const float *scales,
                        const int64_t *sizes) {
    op_begin(t, opset);
    eki_value *in = op_input(t, x, data), *by = NULL;
    if (scales != NULL) by = op_param(t, SHAPE(4), scales);
    if (opset < 11) return NODE(t, "Resize", 1, in, by);
    return NODE(t, "Resize", 1, in, NULL, by, sizes != NULL ? op_ints(t, SHAPE(4), sizes) : NULL);
}

static void examples(void **state) {
    (void)state;
    op_test t;
    resize(&t, 10, SHAPE(1, 1, 2, 4), F(1, 2, 3, 4, 5, 6, 7, 8), F(1, 1, 0.6f, 0.6f), NULL);
    op_check(&t, F(1, 3), 2);
    resize(&t, 11, SHAPE(1, 1, 2, 2), F(1, 2, 3, 4), F(1, 1, 2, 3), NULL);
    op_check(&t, F(1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4), 24);
    eki_node *node = resize(&t, 13, SHAPE(1, 1, 2, 2), F(1, 2, 3, 4), F(1, 1, 2, 2), NULL);
    op_set_string(&t, node, "mode", "linear");
    op_check(&t, F(1, 1.25f, 1.75f, 2, 1.5f, 1.75f, 2.25f, 2.5f, 2.5f, 2.75f, 3.25f, 3.5f, 3, 3.25f, 3.75f, 4), 16);
    node = resize(&t, 13, SHAPE(1, 1, 2, 2), F(1, 2, 3, 4), F(1, 1, 2, 2), NULL);
    op_set_string(&t, node, "mode", "linear");
    op_set_string(&t, node, "coordinate_transformation_mode", "align_corners");
    op_check(&t,
             F(1, 4 / 3.0f, 5 / 3.0f, 2, 5 / 3.0f, 2, 7 / 3.0f, 8 / 3.0f, 7 / 3.0f, 8 / 3.0f, 3, 10 / 3.0f, 3,
               10 / 3.0f, 11 / 3.0f, 4),
             16);
    node = resize(&t, 19, SHAPE(1, 1, 1, 4), F(1, 2, 3, 4), NULL, I(1, 1, 1, 2));
    op_set_string(&t, node, "coordinate_transformation_mode", "asymmetric");
    op_set_string(&t, node, "nearest_mode", "ceil");
    op_check(&t, F(1, 3), 2);
}

static void upsample(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 9);
    NODE(&t, "Upsample", 1, op_input(&t, SHAPE(1, 1, 1, 2), F(1, 2)), op_param(&t, SHAPE(4), F(1, 1, 2, 3)));
    op_check(&t, F(1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2), 12);
    op_begin(&t, 9);
    eki_node *node =
        NODE(&t, "Upsample", 1, op_input(&t, SHAPE(1, 1, 1, 2), F(1, 2)), op_param(&t, SHAPE(4), F(1, 1, 1, 2)));
    op_set_string(&t, node, "mode", "linear");
    op_check(&t, F(1, 1.5f, 2, 2), 4);
}

static void resize_gradients(void **state) {
    (void)state;
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const coordinates[] = {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"};
    for (size_t i = 0; i < COUNT(modes) * COUNT(coordinates); i++) {
        op_test t;
        eki_node *node = resize(&t, 19, SHAPE(2, 3, 5, 4), NULL, NULL, I(2, 3, 3, 9));
        op_set_string(&t, node, "mode", modes[i % 3]);
        op_set_string(&t, node, "coordinate_transformation_mode", coordinates[i / 3]);
        op_check_gradient(&t, EKI_MODE_FILE);
    }
    op_test t;
    resize(&t, 13, SHAPE(2, 3, 5, 4), NULL, F(1, 2, 1, 1.5f), NULL);
    op_check_gradient(&t, EKI_MODE_FILE);
}

/* Behind a convolution, where tensors are blocked or, between groups that fill no blocks, have their channels last. */
static void resize_blocked(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        op_test t;
        int64_t groups = i / 2 > 0 ? 3 : 1;
        op_begin(&t, 13);
        t.options.plain = i % 2 != 0;
        eki_node *conv =
            NODE(&t, "Conv", 1, op_input(&t, SHAPE(2, 9, 4, 5), NULL), op_param(&t, SHAPE(9, 9 / groups, 1, 1), NULL));
        op_set_int(&t, conv, "group", groups);
        eki_node *node = NODE(&t, "Resize", 1, conv->out[0], NULL, op_param(&t, SHAPE(4), F(1, 1, 2, 1.5f)));
        op_set_string(&t, node, "mode", "linear");
        op_check_gradient(&t, EKI_MODE_TRAINING);
    }
}

static void resize_errors(void **state) {
    (void)state;
    op_test t;
    resize(&t, 13, SHAPE(1, 1, 2, 2), NULL, NULL, NULL);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_FORMAT, "neither scales nor sizes");
    op_end(&t);
    op_set_int(&t, resize(&t, 18, SHAPE(1, 1, 2, 2), NULL, F(1, 1, 2, 2), NULL), "antialias", 1);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_UNSUPPORTED, "antialias");
    op_end(&t);
    resize(&t, 13, SHAPE(1, 1, 2, 2), NULL, F(1, 1, -2, 2), NULL);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_FORMAT, "out of range");
    op_end(&t);
}

static void pad_examples(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 7);
    eki_node *node = NODE(&t, "Pad", 1, op_input(&t, SHAPE(2, 2), F(1, 2, 3, 4)));
    op_set_ints(&t, node, "pads", I(0, 1, 0, 0), 4);
    op_set_float(&t, node, "value", 9);
    op_check(&t, F(9, 1, 2, 9, 3, 4), 6);
    static const struct {
        const char *mode;
        float y[8];
    } cases[] = {
        {"reflect", {3, 2, 1, 2, 3, 2, 1, 2}}, {"edge", {1, 1, 1, 2, 3, 3, 3, 3}}, {"wrap", {2, 3, 1, 2, 3, 1, 2, 3}}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_begin(&t, 19);
        node = NODE(&t, "Pad", 1, op_input(&t, SHAPE(3), F(1, 2, 3)), op_ints(&t, SHAPE(2), I(2, 3)));
        op_set_string(&t, node, "mode", cases[i].mode);
        op_check(&t, cases[i].y, 8);
    }
    op_begin(&t, 18);
    NODE(&t, "Pad", 1, op_input(&t, SHAPE(2, 3), F(1, 2, 3, 4, 5, 6)), op_ints(&t, SHAPE(2), I(-1, 1)),
         op_param(&t, SCALAR, F(7)), op_ints(&t, SHAPE(1), I(-1)));
    op_check(&t, F(2, 3, 7, 5, 6, 7), 6);
    op_begin(&t, 13);
    NODE(&t, "Pad", 1, op_input(&t, SHAPE(2), NULL), op_ints(&t, SHAPE(2), I(-1, -2)));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "cut off more");
    op_end(&t);
}

static void pad_gradients(void **state) {
    (void)state;
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
    for (size_t i = 0; i < COUNT(modes); i++) {
        op_test t;
        op_begin(&t, 19);
        eki_node *node =
            NODE(&t, "Pad", 1, op_input(&t, SHAPE(2, 3, 4), NULL), op_ints(&t, SHAPE(6), I(0, 1, 5, 0, -1, 3)));
        op_set_string(&t, node, "mode", modes[i]);
        op_check_gradient(&t, EKI_MODE_FILE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),       cmocka_unit_test(upsample),      cmocka_unit_test(resize_gradients),
        cmocka_unit_test(resize_blocked), cmocka_unit_test(resize_errors), cmocka_unit_test(pad_examples),
        cmocka_unit_test(pad_gradients),
    };
    return cmocka_run_group_tests_name("op_resize", tests, NULL, NULL);
}
