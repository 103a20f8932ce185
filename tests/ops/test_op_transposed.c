/* ConvTranspose: values from the ONNX text, extents, gradients, layouts. */
#include "op_harness.h"

#include <math.h>
#include <string.h>

/* The text's first example: a 3x3 kernel of ones spreads each pixel over nine. */
static void spreads_pixels(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 11);
    float ones[18];
    for (int i = 0; i < 18; i++) ones[i] = 1.0f;
    NODE(&t, "ConvTranspose", 1, op_input(&t, SHAPE(1, 1, 3, 3), F(0, 1, 2, 3, 4, 5, 6, 7, 8)),
         op_param(&t, SHAPE(1, 2, 3, 3), ones), op_param(&t, SHAPE(2), F(0, 100)));
    float want[50],
        plane[25] = {0, 1, 3, 3, 2, 3, 8, 15, 12, 7, 9, 21, 36, 27, 15, 9, 20, 33, 24, 13, 6, 13, 21, 15, 8};
    for (int i = 0; i < 50; i++) want[i] = plane[i % 25] + (i < 25 ? 0.0f : 100.0f);
    op_check(&t, want, 50);
}

typedef struct form {
    int64_t groups, strides[2], pads[4], dilations[2], extra[2], output[2], out[2];
    const char *auto_pad;
} form;

/* Input 5 x 4, kernel 3 x 3. */
static const form forms[] = {
    {.groups = 1, .strides = {1, 1}, .dilations = {1, 1}, .out = {7, 6}},
    {.groups = 1, .strides = {3, 2}, .dilations = {1, 1}, .out = {15, 9}},
    {.groups = 2, .strides = {2, 2}, .pads = {1, 1, 1, 1}, .dilations = {1, 1}, .extra = {1, 1}, .out = {10, 8}},
    {.groups = 1, .strides = {2, 2}, .pads = {0, 2, 2, 0}, .dilations = {2, 1}, .out = {11, 7}},
    {.groups = 1, .strides = {3, 2}, .dilations = {1, 1}, .output = {12, 8}, .out = {12, 8}},
    {.groups = 4, .strides = {2, 2}, .dilations = {1, 1}, .auto_pad = "SAME_UPPER", .out = {10, 8}},
    {.groups = 1, .strides = {2, 2}, .dilations = {1, 1}, .auto_pad = "SAME_LOWER", .out = {10, 8}},
};

static void build(op_test *t, const form *f, int64_t channels) {
    op_begin(t, 11);
    eki_value *x = op_input(t, SHAPE(2, channels, 5, 4), NULL);
    eki_value *w = op_param(t, SHAPE(channels, 2, 3, 3), NULL), *b = op_param(t, SHAPE(2 * f->groups), NULL);
    eki_node *node = NODE(t, "ConvTranspose", 1, x, w, b);
    op_set_int(t, node, "group", f->groups);
    op_set_ints(t, node, "strides", f->strides, 2);
    op_set_ints(t, node, "dilations", f->dilations, 2);
    op_set_ints(t, node, "output_padding", f->extra, 2);
    if (f->output[0] > 0) op_set_ints(t, node, "output_shape", f->output, 2);
    if (f->auto_pad != NULL) {
        op_set_string(t, node, "auto_pad", f->auto_pad);
    } else {
        op_set_ints(t, node, "pads", f->pads, 4);
    }
}

static void extents_and_gradients(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        for (int64_t channels = 4; channels <= 16; channels += 12) {
            op_test t;
            build(&t, &forms[i], channels);
            op_run(&t, EKI_MODE_FILE);
            op_expect_shape(&t, 0, SHAPE(2, 2 * forms[i].groups, forms[i].out[0], forms[i].out[1]));
            op_end(&t);
            build(&t, &forms[i], channels);
            op_check_gradient(&t, EKI_MODE_TRAINING);
        }
    }
}

/* Between operators in blocked layouts the result is that of plain ones. */
static void layouts_agree(void **state) {
    (void)state;
    static float first[2 * 32 * 11 * 9];
    for (int plain = 0; plain < 2; plain++) {
        op_test t;
        op_begin(&t, 11);
        t.options.plain = plain != 0;
        eki_value *x = op_input(&t, SHAPE(2, 20, 5, 4), NULL);
        NODE(&t, "Relu", 1, x);
        eki_node *node = NODE(&t, "ConvTranspose", 1, t.graph->nodes[0]->out[0],
                              op_param(&t, SHAPE(20, 24, 3, 3), NULL), op_param(&t, SHAPE(24), NULL));
        op_set_ints(&t, node, "strides", I(2, 2), 2);
        NODE(&t, "Relu", 1, node->out[0]);
        op_run(&t, EKI_MODE_FILE);
        size_t count;
        const float *y = op_result(&t, 0, &count);
        for (size_t k = 0; k < count && plain; k++) assert_true(fabsf(y[k] - first[k]) <= 1e-4f);
        memcpy(first, y, count * sizeof *y);
        op_end(&t);
    }
}

static void other_ranks_and_errors(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 11);
    eki_node *node =
        NODE(&t, "ConvTranspose", 1, op_input(&t, SHAPE(2, 3, 6), NULL), op_param(&t, SHAPE(3, 2, 4), NULL));
    op_set_ints(&t, node, "strides", I(2), 1);
    op_check_gradient(&t, EKI_MODE_TRAINING);
    op_begin(&t, 11);
    NODE(&t, "ConvTranspose", 1, op_input(&t, SHAPE(1, 2, 2, 3, 2), NULL), op_param(&t, SHAPE(2, 2, 2, 2, 2), NULL));
    op_check_gradient(&t, EKI_MODE_TRAINING);
    op_begin(&t, 11);
    NODE(&t, "ConvTranspose", 1, op_input(&t, SHAPE(1, 2, 2, 3), NULL), op_param(&t, SHAPE(3, 2, 2, 2), NULL));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "do not fit group=1");
    op_end(&t);
    op_begin(&t, 11);
    node = NODE(&t, "ConvTranspose", 1, op_input(&t, SHAPE(1, 2, 2, 3), NULL), op_param(&t, SHAPE(2, 2, 2, 2), NULL));
    op_set_ints(&t, node, "pads", I(2, 0, 2, 0), 4);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "would be");
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spreads_pixels),
        cmocka_unit_test(extents_and_gradients),
        cmocka_unit_test(layouts_agree),
        cmocka_unit_test(other_ranks_and_errors),
    };
    return cmocka_run_group_tests_name("op_transposed", tests, NULL, NULL);
}
