/* test_raise.c: a model at a higher opset computes the same to the bit; what cannot move is refused by name; norms keep
 * their mode. */
#include "net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static ek_status raise_to(ek_model *model, int opset, ek_model **raised, ek_error *err) {
    ek_convert_options options = ek_convert_options_default();
    ek_edit_report *report;
    options.opset = opset;
    ek_status status = ek_convert(model, &options, raised, &report, NULL, err);
    if (status == EK_OK) ek_edit_report_destroy(report);
    return status;
}

static double difference(ek_model *a, ek_model *b) {
    ek_comparison result;
    ek_compare_options options = ek_compare_options_default();
    options.runs = 1;
    OK(ek_compare(a, b, &options, &result, err));
    return result.worst;
}

/* ---- one node whose form changed ---- */

static void ints(net *n, eki_node *node, const char *name, size_t count, const int64_t *values) {
    OK(eki_node_set_ints(n->graph, node, name, values, count, err));
}

static void clip(net *n) {
    eki_node *node = net_one(n, "Clip", "clip");
    OK(eki_node_set_float(n->graph, node, "min", -0.5F, err));
    OK(eki_node_set_float(n->graph, node, "max", 0.25F, err));
}
static void clip_above(net *n) { OK(eki_node_set_float(n->graph, net_one(n, "Clip", "clip"), "max", 0.5F, err)); }
static void pad(net *n) {
    eki_node *node = net_one(n, "Pad", "pad");
    ints(n, node, "pads", 8, (const int64_t[]){0, 0, 1, 2, 0, 0, 2, 1});
    OK(eki_node_set_float(n->graph, node, "value", 1.5F, err));
}
static void slice(net *n) {
    eki_node *node = net_one(n, "Slice", "slice");
    ints(n, node, "starts", 2, (const int64_t[]){1, 0});
    ints(n, node, "ends", 2, (const int64_t[]){5, -1});
    ints(n, node, "axes", 2, (const int64_t[]){2, 3});
}
static void reduce(net *n) {
    ints(n, net_one(n, "ReduceSum", "sum"), "axes", 2, (const int64_t[]){2, 3});
    OK(eki_node_set_int(n->graph, n->x->producer, "keepdims", 1, err));
}
static void squeeze(net *n) {
    reduce(n);
    ints(n, net_one(n, "Squeeze", "squeeze"), "axes", 2, (const int64_t[]){2, 3});
    ints(n, net_one(n, "Unsqueeze", "unsqueeze"), "axes", 1, (const int64_t[]){2});
}
static void mean(net *n) { ints(n, net_one(n, "ReduceMean", "mean"), "axes", 1, (const int64_t[]){1}); }
static void dropout(net *n) { OK(eki_node_set_float(n->graph, net_one(n, "Dropout", "drop"), "ratio", 0.3F, err)); }
static void softmax(net *n) {
    reduce(n);
    OK(eki_node_set_int(n->graph, net_one(n, "Softmax", "softmax"), "axis", 1, err));
    (void)net_one(n, "Relu", "relu"); /* else what goes into it is compared */
}
static void upsample(net *n) {
    eki_attr *attr;
    static const float scales[4] = {1, 1, 2, 3};
    OK(eki_node_attr_slot(n->graph, net_one(n, "Upsample", "up"), "scales", &attr, err));
    attr->type = EKI_ATTR_FLOATS;
    attr->floats = scales;
    attr->count = 4;
}
static void split(net *n) {
    eki_node *node = net_one(n, "Split", "split");
    eki_value **out = eki_arena_alloc(&n->graph->arena, eki_size_of(2, sizeof *out));
    out[0] = node->out[0];
    OK(eki_graph_value(n->graph, "second", &out[1], err));
    out[1]->producer = node;
    out[1]->producer_output = 1;
    node->out = out;
    node->n_out = 2;
    OK(eki_node_set_int(n->graph, node, "axis", 1, err));
    ints(n, node, "split", 2, (const int64_t[]){2, 2});
    (void)net_two(n, "Sub", "sub", out[1]);
}
static void even_split(net *n) {
    split(n);
    eki_node *node = n->graph->nodes[n->graph->n_nodes - 2];
    if (strcmp(node->op_type, "Split") == 0) eki_node_remove_attr(node, "split");
}
static void norm(net *n) {
    eki_node *node = net_bn(n, "bn", 4);
    if (eki_graph_opset(n->graph, "") < 7) OK(eki_node_set_int(n->graph, node, "is_test", 1, err));
    if (eki_graph_opset(n->graph, "") < 9) OK(eki_node_set_int(n->graph, node, "spatial", 1, err));
}

static void test_forms(void **state) {
    (void)state;
    static const struct {
        const char *name;
        void (*add)(net *);
        int64_t since;
    } cases[] = {
        {"Clip", clip, 6},         {"Clip above", clip_above, 7}, {"Pad", pad, 2},
        {"Slice", slice, 7},       {"ReduceSum", reduce, 7},      {"Squeeze", squeeze, 7},
        {"ReduceMean", mean, 9},   {"Dropout", dropout, 7},       {"Softmax", softmax, 7},
        {"Upsample", upsample, 7}, {"Split", split, 7},           {"Split evenly", even_split, 9},
        {"norm", norm, 6},         {"norm, 8", norm, 8},
    };
    static const int targets[] = {11, 13, 14, 17, 18, 21, 23};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t t = 0; t < sizeof targets / sizeof *targets; t++) {
            net n = net_image(cases[i].since, 4, 6);
            if (cases[i].since >= 7) net_conv(&n, "conv", (conv_shape){4, 4, 3, 1, 1}, true);
            cases[i].add(&n);
            ek_model *model = net_finish(&n), *raised, *loaded;
            ek_error why = {0};
            if (raise_to(model, targets[t], &raised, &why) != EK_OK) fail_msg("%s: %s", cases[i].name, why.text);
            assert_int_equal(ek_model_opset(raised), targets[t]);
            OK(ek_model_save(raised, fixture_path("r.onnx"), NULL, err));
            OK(ek_model_load(fixture_path("r.onnx"), &loaded, err));
            assert_int_equal(ek_model_opset(loaded), targets[t]);
            double worst = difference(model, loaded);
            if (worst != 0) fail_msg("%s to %d: difference %g", cases[i].name, targets[t], worst);
            ek_model_destroy(loaded);
            ek_model_destroy(raised);
            ek_model_destroy(model);
        }
    }
    fixture_clean();
}

/* ---- refused ---- */

static void rows_of_axes(net *n) { (void)net_one(n, "Softmax", "softmax"), (void)net_one(n, "Relu", "relu"); }
static void resize(net *n) {
    const int64_t four = 4;
    (void)net_two(n, "Resize", "resize", net_constant(n, "scales", 1, &four, 1, 1));
}
static void unknown(net *n) { (void)net_one(n, "Frobnicate", "dice"); }
static void per_place(net *n) { OK(eki_node_set_int(n->graph, net_bn(n, "bn", 4), "spatial", 0, err)); }
static void automatic(net *n) {
    eki_node *up = net_deconv(n, "up", (conv_shape){4, 4, 3, 0, 1}, false);
    eki_node_remove_attr(up, "pads");
    OK(eki_node_set_string(n->graph, up, "auto_pad", "SAME_UPPER", err));
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        void (*add)(net *);
        int64_t since;
        const char *why;
    } cases[] = {
        {rows_of_axes, 11, "node 'softmax' (Softmax) cannot move from opset 11 to 17: it goes over several axes"},
        {resize, 10, "node 'resize' (Resize) cannot move from opset 10 to 17: its operator changed"},
        {automatic, 9, "node 'up' (ConvTranspose) cannot move from opset 9 to 17: auto_pad means something else"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net n = net_image(cases[i].since, 4, 6);
        cases[i].add(&n);
        ek_model *model = net_finish(&n), *raised;
        FAILS(EK_ERR_UNSUPPORTED, cases[i].why, raise_to(model, 17, &raised, err));
        assert_null(raised);
        ek_model_destroy(model);
    }
    net odd = net_image(7, 4, 6), place = net_image(8, 4, 6);
    unknown(&odd);
    per_place(&place);
    net plain = net_image(17, 4, 6);
    norm(&plain);
    ek_model *models[3] = {net_finish(&odd), net_finish(&place), net_finish(&plain)}, *raised;
    FAILS(EK_ERR_UNSUPPORTED, "Frobnicate", raise_to(models[0], 17, &raised, err));
    FAILS(EK_ERR_UNSUPPORTED, "spatial = 0", raise_to(models[1], 17, &raised, err));
    FAILS(EK_ERR_ARG, "it can be raised to 23", raise_to(models[2], 24, &raised, err));
    FAILS(EK_ERR_ARG, "it can be raised to 23", raise_to(models[2], 16, &raised, err));
    for (int i = 0; i < 3; i++) ek_model_destroy(models[i]);
}

/* ---- modes ---- */

static ek_model *training_by_outputs(int64_t opset, int outputs, bool read) {
    static const char *const names[] = {"", "new_mean", "new_var", "saved_mean", "saved_var"};
    net n = net_image(opset, 3, 8);
    eki_node *bn = net_bn(&n, "bn", 3);
    eki_value **out = eki_arena_alloc(&n.graph->arena, eki_size_of(5, sizeof *out));
    out[0] = bn->out[0];
    for (int i = 1; i < outputs; i++) {
        OK(eki_graph_value(n.graph, names[i], &out[i], err));
        out[i]->producer = bn;
        out[i]->producer_output = i;
    }
    bn->out = out;
    bn->n_out = outputs;
    if (read) net_output(&n, out[outputs - 1]);
    return net_finish(&n);
}

static void test_modes(void **state) {
    (void)state;
    ek_model *model = training_by_outputs(9, 5, false), *raised;
    OK(raise_to(model, 15, &raised, err));
    const eki_node *bn = raised->norms[0].node;
    assert_int_equal(eki_node_int(bn, "training_mode", 0), 1);
    assert_int_equal(bn->n_out, 3);
    assert_true(difference(model, raised) <= 1e-6);
    ek_model_destroy(raised);
    OK(raise_to(model, 13, &raised, err));
    assert_int_equal(raised->norms[0].node->n_out, 5);
    assert_true(difference(model, raised) == 0);
    ek_model_destroy(raised);
    ek_convert_options options = ek_convert_options_default();
    ek_edit_report *report;
    options.inference = 1;
    options.opset = 17;
    OK(ek_convert(model, &options, &raised, &report, NULL, err));
    assert_int_equal(eki_node_int(raised->norms[0].node, "training_mode", 0), 0);
    assert_int_equal(raised->norms[0].node->n_out, 1);
    assert_string_equal(ek_edit_report_row(report, 0)->text, "inference with its running statistics");
    ek_edit_report_destroy(report);
    ek_model_destroy(raised);
    ek_model_destroy(model);

    model = training_by_outputs(9, 5, true);
    FAILS(EK_ERR_UNSUPPORTED, "the statistics of its batch", raise_to(model, 15, &raised, err));
    FAILS(EK_ERR_UNSUPPORTED, "are read", ek_convert(model, &options, &raised, &report, NULL, err));
    ek_model_destroy(model);
    model = training_by_outputs(9, 3, true); /* running statistics: opset 14 gives them */
    OK(raise_to(model, 14, &raised, err));
    assert_true(difference(model, raised) <= 1e-6);
    ek_model_destroy(raised);
    ek_model_destroy(model);

    net n = net_image(6, 3, 8);
    net_bn(&n, "bn", 3); /* is_test = 0 */
    model = net_finish(&n);
    FAILS(EK_ERR_UNSUPPORTED, "training mode, which needs opset 14", raise_to(model, 13, &raised, err));
    OK(raise_to(model, 14, &raised, err));
    assert_int_equal(eki_node_int(raised->norms[0].node, "training_mode", 0), 1);
    assert_true(difference(model, raised) == 0);
    ek_model_destroy(raised);
    ek_model_destroy(model);
}

/* Opsets 6, 7 and 9 with as many outputs, in training mode, have five to 13 and three from 14 on, all named, and no
 * attribute that the opset lacks. */
static void test_training_outputs(void **state) {
    (void)state;
    static const int froms[] = {6, 7, 9}, targets[] = {7, 9, 13, 14, 15};
    for (size_t i = 0; i < 15; i++) {
        for (int outputs = 3; outputs <= 5; outputs++) {
            int from = froms[i / 5], to = targets[i % 5];
            ek_model *model = training_by_outputs(from, outputs, false), *raised;
            eki_node *old = model->document->nodes[0];
            if (from < 7) OK(eki_node_set_int(model->document, old, "is_test", 0, err));
            if (from < 9) OK(eki_node_set_int(model->document, old, "spatial", 1, err));
            if (to > from && (from < 9 || to > 13)) { /* from 9 to 13 nothing changed, and nothing does */
                OK(raise_to(model, to, &raised, err));
                const eki_node *bn = raised->document->nodes[0];
                assert_int_equal(bn->n_out, to < 14 ? 5 : 3);
                for (int k = 0; k < bn->n_out; k++) assert_ptr_equal(bn->out[k]->producer, bn);
                assert_null(eki_node_attr(bn, "is_test"));
                if (to >= 9) assert_null(eki_node_attr(bn, "spatial"));
                assert_true((eki_node_attr(bn, "training_mode") != NULL) == (to >= 14));
                ek_model_destroy(raised);
            }
            ek_model_destroy(model);
        }
    }
}

static void test_group_norm(void **state) {
    (void)state;
    net n = net_image(18, 8, 6);
    eki_value *in[3] = {n.x, net_vector(&n, "w", 2, 0.5, 2), net_vector(&n, "b", 2, -1, 1)};
    OK(eki_node_set_int(n.graph, net_node(&n, "GroupNormalization", "gn", in, 3), "num_groups", 2, err));
    ek_model *model = net_finish(&n), *raised;
    OK(raise_to(model, 21, &raised, err));
    ek_model_norm norm = ek_model_norm_get(raised, 0);
    assert_int_equal(norm.channels, 8);
    assert_int_equal(ek_model_tensor_count(raised), 2); /* the old ones are gone */
    assert_true(difference(model, raised) == 0);
    ek_inspection *look;
    OK(ek_inspect(raised, &look, err));
    assert_int_equal(ek_inspection_finding_count(look), 0);
    ek_inspection_destroy(look);
    ek_model_destroy(raised);
    ek_model_destroy(model);
}

/* PyTorch: momentum is what is taken of the new; running variance is over n - 1. */
static void test_torch(void **state) {
    (void)state;
    net n = net_image(17, 3, 8);
    OK(eki_node_set_float(n.graph, net_bn(&n, "bn", 3), "momentum", 0.1F, err));
    ek_model *model = net_finish(&n), *converted;
    ek_convert_options options = ek_convert_options_default();
    ek_edit_report *report;
    options.from_torch = 1;
    OK(ek_convert(model, &options, &converted, &report, NULL, err));
    assert_true(fabs(ek_model_norm_get(converted, 0).momentum - 0.9) < 1e-6);
    assert_true(difference(model, converted) == 0);
    ek_edit_report_destroy(report);
    ek_model_destroy(converted);
    options.torch_batch = 2;
    OK(ek_convert(model, &options, &converted, &report, NULL, err));
    const float *old = model->norms[0].node->in[4]->init->data, *now = converted->norms[0].node->in[4]->init->data;
    for (int c = 0; c < 3; c++) assert_true(now[c] == (float)((double)old[c] * (127.0 / 128.0)));
    assert_non_null(strstr(ek_edit_report_row(report, 0)->text, "(128 values)"));
    ek_edit_report_destroy(report);
    ek_model_destroy(converted);
    ek_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_modes),      cmocka_unit_test(test_training_outputs),
        cmocka_unit_test(test_group_norm), cmocka_unit_test(test_torch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
