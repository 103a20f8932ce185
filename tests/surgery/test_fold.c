/* test_fold.c: every pattern folds and computes the same to 1e-5; its twin is refused for the right reason; a fold
 * that went wrong is caught. */
#include "patterns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double difference(ek_model *a, ek_model *b) {
    ek_comparison result;
    OK(ek_compare(a, b, NULL, &result, err));
    assert_int_equal(result.runs, 3);
    return result.worst;
}

static void check_folds(const pattern *p) {
    ek_model *model = p->build(false), *folded;
    ek_edit_report *report;
    OK(ek_fold(model, &folded, &report, err));
    for (size_t i = 0; i < ek_edit_report_count(report); i++) {
        const ek_edit_row *row = ek_edit_report_row(report, i);
        if (!row->changed) fail_msg("%s: %s is not folded: %s", p->name, row->norm, row->text);
    }
    if (ek_model_norm_count(folded) != p->norms_left)
        fail_msg("%s: %zu norms left", p->name, ek_model_norm_count(folded));
    double worst = difference(model, folded);
    if (!(worst <= 1e-5)) fail_msg("%s: relative difference %g", p->name, worst);
    ek_edit_report_destroy(report);
    ek_model_destroy(folded);
    ek_model_destroy(model);
}

static void check_refuses(const pattern *p) {
    ek_model *model = p->build(true), *folded;
    ek_edit_report *report;
    OK(ek_fold(model, &folded, &report, err));
    const ek_edit_row *found = NULL;
    for (size_t i = 0; i < ek_edit_report_count(report); i++) {
        const ek_edit_row *row = ek_edit_report_row(report, i);
        if (strcmp(row->norm, p->norm) == 0) found = row;
    }
    if (found == NULL) fail_msg("%s: the report lacks %s", p->name, p->norm);
    if (found->changed) fail_msg("%s: the twin was folded %s", p->name, found->text);
    if (strstr(found->text, p->why) == NULL) fail_msg("%s: refused as '%s', not '%s'", p->name, found->text, p->why);
    ek_edit_report_destroy(report);
    ek_model_destroy(folded);
    ek_model_destroy(model);
}

/* A norm that stays reads what it read, and no node comes or goes. */
static void test_kept(void **state) {
    (void)state;
    for (const pattern *p = patterns_constants; p->name != NULL; p++) {
        ek_model *model = p->build(true), *folded;
        ek_edit_report *report;
        OK(ek_fold(model, &folded, &report, err));
        bool changed = false;
        for (size_t i = 0; i < ek_edit_report_count(report); i++) changed |= ek_edit_report_row(report, i)->changed;
        if (!changed) assert_int_equal(folded->document->n_nodes, model->document->n_nodes);
        for (size_t i = 0; i < folded->document->n_nodes; i++) {
            const eki_node *node = folded->document->nodes[i];
            for (int k = 0; k < node->n_in; k++) {
                if (strstr(node->in[k]->name, ".literal") != NULL) fail_msg("%s: reads %s", p->name, node->in[k]->name);
            }
        }
        ek_edit_report_destroy(report);
        ek_model_destroy(folded);
        ek_model_destroy(model);
    }
}

/* A weight that a Cast makes half precision is written so, though the file stores it as float32. */
static void test_stored(void **state) {
    (void)state;
    net n = net_image(13, 3, 8);
    eki_node *conv = net_conv(&n, "conv", (conv_shape){3, 5, 3, 1, 1}, false);
    eki_value *out = n.x;
    OK(eki_node_set_int(n.graph, net_node(&n, "Cast", "cast", &conv->in[1], 1), "to", EK_F16, err));
    conv->in[1] = n.x;
    n.x = out;
    net_bn(&n, "bn", 5);
    ek_model *model = net_finish(&n), *folded;
    ek_edit_report *report;
    OK(ek_fold(model, &folded, &report, err));
    assert_int_equal(folded->document->n_nodes, 1);
    const eki_node *op = folded->document->nodes[0];
    assert_int_equal(op->in[1]->init->stored, EK_F16);
    assert_int_equal(op->in[2]->init->stored, EK_F16);
    ek_edit_report_destroy(report);
    ek_model_destroy(folded);
    ek_model_destroy(model);
}

static void for_all(void (*check)(const pattern *)) {
    int count = 0;
    for (const pattern *p = patterns_after; p->name != NULL; p++, count++) check(p);
    for (const pattern *p = patterns_before; p->name != NULL; p++, count++) check(p);
    for (const pattern *p = patterns_more; p->name != NULL; p++, count++) check(p);
    for (const pattern *p = patterns_constants; p->name != NULL; p++, count++) check(p);
    assert_true(count >= 40);
}

static void test_patterns(void **state) {
    (void)state;
    for_all(check_folds);
}

static void test_twins(void **state) {
    (void)state;
    for_all(check_refuses);
}

/* The result is saved, loads back, and nothing of the norms is left in the file. */
static void test_saved(void **state) {
    (void)state;
    for (const pattern *p = patterns_after; p->name != NULL; p++) {
        ek_model *model = p->build(false), *folded, *loaded;
        ek_edit_report *report;
        OK(ek_fold(model, &folded, &report, err));
        OK(ek_model_save(folded, fixture_path("f.onnx"), NULL, err));
        OK(ek_model_load(fixture_path("f.onnx"), &loaded, err));
        assert_true(difference(model, loaded) <= 1e-5);
        for (size_t i = 0; i < ek_model_tensor_count(loaded); i++) {
            const char *name = ek_model_tensor(loaded, i).name;
            if (strstr(name, ".var") != NULL || strstr(name, "mean") != NULL) fail_msg("%s: %s is left", p->name, name);
        }
        ek_edit_report_destroy(report);
        ek_model_destroy(loaded);
        ek_model_destroy(folded);
        ek_model_destroy(model);
    }
    fixture_clean();
}

/* A weight in a Constant node whose tensor has a name of its own (Paddle writes such files). */
static void test_constant_nodes(void **state) {
    (void)state;
    static const unsigned char name[] = {8 << 3 | 2, 1, 'w'};
    net n = net_image(17, 3, 8);
    eki_node *conv = net_conv(&n, "conv", (conv_shape){3, 5, 3, 0, 1}, false), *node;
    eki_value *weight = conv->in[1];
    eki_tensor *tensor = weight->init;
    eki_attr *attr;
    weight->init = NULL;
    tensor->origin = (eki_bytes){name, sizeof name};
    OK(eki_graph_add_node(n.graph, "Constant", "", "", NULL, 0, &weight, 1, &node, err));
    OK(eki_node_attr_slot(n.graph, node, "value", &attr, err));
    attr->type = EKI_ATTR_TENSOR;
    attr->t = tensor;
    net_bn(&n, "bn", 5);
    OK(eki_graph_sort(n.graph, err));
    ek_model *model = net_finish(&n), *loaded, *folded, *again;
    ek_edit_report *report;
    OK(ek_model_save(model, fixture_path("c.onnx"), NULL, err));
    OK(ek_model_load(fixture_path("c.onnx"), &loaded, err));
    OK(ek_fold(loaded, &folded, &report, err));
    assert_int_equal(ek_model_norm_count(folded), 0);
    OK(ek_model_save(folded, fixture_path("d.onnx"), NULL, err));
    OK(ek_model_load(fixture_path("d.onnx"), &again, err));
    assert_true(difference(model, again) <= 1e-5);
    ek_edit_report_destroy(report);
    ek_model_destroy(again);
    ek_model_destroy(folded);
    ek_model_destroy(loaded);
    ek_model_destroy(model);
    fixture_clean();
}

/* Folding must leave the model that it was given alone. */
static void test_source_untouched(void **state) {
    (void)state;
    ek_model *model = fixture_model("resnet20", EK_NORM_BATCH, 8, 0.0), *folded;
    ek_edit_report *report;
    uint64_t before = fixture_hash(model);
    OK(ek_model_freeze(model, "*", 1, 1, NULL, err));
    OK(ek_fold(model, &folded, &report, err));
    assert_true(fixture_hash(model) == before);
    assert_int_equal(ek_model_norm_count(folded), 0);
    assert_int_equal(ek_model_node_count(folded) + ek_model_norm_count(model), ek_model_node_count(model));
    assert_null(ek_model_metadata(folded, "evenkeel.freeze.bn1.out"));
    assert_true(difference(model, folded) <= 1e-5);
    ek_edit_report_destroy(report);
    ek_model_destroy(folded);
    ek_model_destroy(model);
}

/* ---- folds that went wrong ---- */

static ek_model *dense(bool bias, bool norm) {
    const int64_t matrix[2] = {3, 6}, line[2] = {1, 4};
    net n = net_start(17, 2, matrix);
    net_matmul(&n, "fc", 6, 4);
    if (bias) net_two(&n, "Add", "bias", net_vector(&n, "fc.bias", 4, -1, 1));
    if (norm) net_two(&n, "Mul", "mul", net_constant(&n, "m", 2, line, 0.5, 2));
    if (norm) net_two(&n, "Add", "add", net_vector(&n, "a", 4, -1, 1));
    return net_finish(&n);
}

/* Dense and batch norm as Keras's exporter writes them: MatMul, bias, Mul, Add. A bias alone stays, and so does the
 * node of the last addition. */
static void test_dense(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        ek_model *model = dense(i & 1, i & 2), *folded;
        ek_edit_report *report;
        model->document->nodes[model->document->n_nodes - 1]->name = "last";
        OK(ek_fold(model, &folded, &report, err));
        size_t left = i == 0 ? 1 : 2;
        assert_int_equal(folded->document->n_nodes, left);
        assert_string_equal(folded->document->nodes[left - 1]->name, "last");
        assert_int_equal(ek_edit_report_count(report), i >= 2 ? 1 : 0);
        assert_true(difference(model, folded) <= 1e-5);
        ek_edit_report_destroy(report);
        ek_model_destroy(folded);
        ek_model_destroy(model);
    }
}

static ek_model *fold_of(ek_model *model) {
    ek_model *folded;
    ek_edit_report *report;
    OK(ek_fold(model, &folded, &report, err));
    ek_edit_report_destroy(report);
    return folded;
}

static void test_wrong_epsilon(void **state) {
    (void)state;
    ek_model *model = patterns_after[0].build(false), *other = patterns_after[0].build(false);
    OK(eki_node_set_float(other->document, eki_model_norm_node(other, 0), "epsilon", 1e-3F, err));
    OK(eki_model_rebuild(other, err));
    ek_model *folded = fold_of(other);
    assert_true(difference(other, folded) <= 1e-5);
    assert_true(difference(model, folded) > 1e-4);
    ek_model_destroy(folded);
    ek_model_destroy(other);
    ek_model_destroy(model);
}

static void transpose(float *w, size_t n) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            float keep = w[i * n + j];
            w[i * n + j] = w[j * n + i];
            w[j * n + i] = keep;
        }
    }
}

static void test_wrong_weights(void **state) {
    (void)state;
    for (const pattern *p = patterns_after; p->name != NULL; p++) {
        ek_model *model = p->build(false), *folded = fold_of(model);
        bool square = strcmp(p->name, "Gemm, transposed") == 0;
        for (size_t i = 0; i < ek_model_tensor_count(folded); i++) {
            void *data;
            ek_tensor_info info = ek_model_tensor(folded, i);
            if (strstr(info.name, "weight") == NULL) continue;
            OK(ek_model_tensor_data(folded, info.name, &info, &data, err));
            if (square) transpose(data, 6);
            for (size_t k = 0; !square && k < info.bytes / sizeof(float); k++) ((float *)data)[k] += 0.05F;
        }
        if (!(difference(model, folded) > 1e-4)) fail_msg("%s: not caught", p->name);
        ek_model_destroy(folded);
        ek_model_destroy(model);
    }
}

/* Without the map of the border, the interior is right and the rim is not. */
static void test_missing_border(void **state) {
    (void)state;
    ek_model *model = patterns_before[1].build(false), *folded = fold_of(model);
    bool found = false;
    for (size_t i = 0; i < ek_model_tensor_count(folded); i++) {
        void *data;
        ek_tensor_info info = ek_model_tensor(folded, i);
        if (strstr(info.name, "border") == NULL) continue;
        OK(ek_model_tensor_data(folded, info.name, &info, &data, err));
        const float *map = data;
        assert_true(map[8 + 1] == 0 && map[0] != 0); /* interior and corner of the first channel, 8 x 8 */
        memset(data, 0, info.bytes);
        found = true;
    }
    assert_true(found);
    assert_true(difference(model, folded) > 1e-4);
    ek_model_destroy(folded);
    ek_model_destroy(model);
}

static void test_compare_errors(void **state) {
    (void)state;
    ek_model *a = patterns_after[0].build(false), *b = patterns_after[10].build(false);
    ek_comparison result;
    ek_compare_options none = ek_compare_options_default();
    none.runs = 0;
    FAILS(EK_ERR_ARG, "must be at least 1", ek_compare(a, a, &none, &result, err));
    FAILS(EK_ERR_SHAPE, "", ek_compare(a, b, NULL, &result, err));
    void *weight;
    OK(ek_model_tensor_data(a, "conv.weight", NULL, &weight, err));
    ((float *)weight)[0] = NAN;
    FAILS(EK_ERR_NONFINITE, "of the first model is not finite", ek_compare(a, a, NULL, &result, err));
    ek_model_destroy(a);
    ek_model_destroy(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),       cmocka_unit_test(test_kept),
        cmocka_unit_test(test_stored),         cmocka_unit_test(test_twins),
        cmocka_unit_test(test_saved),          cmocka_unit_test(test_source_untouched),
        cmocka_unit_test(test_wrong_epsilon),  cmocka_unit_test(test_wrong_weights),
        cmocka_unit_test(test_missing_border), cmocka_unit_test(test_compare_errors),
        cmocka_unit_test(test_constant_nodes), cmocka_unit_test(test_dense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
