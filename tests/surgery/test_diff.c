/* test_diff.c: equal models have no change; each kind of change is found, alone, and tensors come largest first. */
#include "net.h"

#include <math.h>
#include <string.h>

static ek_model *base(void) {
    net n = net_image(17, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 8, 3, 1, 1}, true);
    net_bn(&n, "bn", 8);
    net_one(&n, "Relu", "relu");
    return net_finish(&n);
}

static void check_one(ek_model *changed, const char *kind, const char *name, const char *text) {
    ek_model *a = base();
    ek_diff *d;
    OK(ek_diff_models(a, changed, &d, err));
    if (ek_diff_count(d) != 1) fail_msg("%s: %zu changes", kind, ek_diff_count(d));
    const ek_change *c = ek_diff_change(d, 0);
    assert_string_equal(c->kind, kind);
    assert_string_equal(c->name, name);
    if (strstr(c->text, text) == NULL) fail_msg("%s: '%s' lacks '%s'", kind, c->text, text);
    ek_diff_destroy(d);
    ek_model_destroy(a);
    ek_model_destroy(changed);
}

static void test_equal(void **state) {
    (void)state;
    ek_model *a = base(), *b = base();
    ek_diff *d;
    OK(ek_diff_models(a, b, &d, err));
    assert_int_equal(ek_diff_count(d), 0);
    assert_null(ek_diff_change(d, 0));
    ek_diff_destroy(d);
    ek_model_destroy(a);
    ek_model_destroy(b);
}

static void test_kinds(void **state) {
    (void)state;
    ek_model *m = base();
    OK(eki_graph_add_opset(m->document, "", 18, err));
    OK(eki_model_rebuild(m, err));
    check_one(m, "opset", "", "17 -> 18");
    m = base();
    OK(ek_model_set_metadata(m, "key", "value", err));
    check_one(m, "metadata", "key", "added 'value'");
    m = base();
    OK(eki_node_set_float(m->document, eki_model_norm_node(m, 0), "epsilon", 1e-3F, err));
    OK(eki_model_rebuild(m, err));
    check_one(m, "attribute", "bn", "epsilon: none -> 0.00100000005");
    m = base();
    eki_node_become(m->document->nodes[2], EKI_OP_Tanh);
    OK(eki_model_rebuild(m, err));
    check_one(m, "node", "relu", "Relu -> Tanh");
    m = base();
    m->document->inputs[0]->shape.dims[2] = 16;
    OK(eki_model_rebuild(m, err));
    check_one(m, "input", "x", "8,8] -> ");
    m = base();
    ((float *)eki_graph_find(m->document, "bn.mean")->init->data)[3] += 1;
    check_one(m, "tensor", "bn.mean", "relative difference ");
}

static void test_order(void **state) {
    (void)state;
    ek_model *a = base(), *b = base();
    ek_diff *d;
    ((float *)eki_graph_find(b->document, "conv.weight")->init->data)[0] += 0.001F;
    ((float *)eki_graph_find(b->document, "bn.mean")->init->data)[0] += 1;
    ((float *)eki_graph_find(b->document, "bn.var")->init->data)[0] = NAN;
    OK(ek_diff_models(a, b, &d, err));
    assert_int_equal(ek_diff_count(d), 3);
    assert_string_equal(ek_diff_change(d, 0)->name, "bn.var");
    assert_string_equal(ek_diff_change(d, 1)->name, "bn.mean");
    assert_string_equal(ek_diff_change(d, 2)->name, "conv.weight");
    assert_true(isinf(ek_diff_change(d, 0)->difference));
    ek_diff_destroy(d);
    ek_model_destroy(a);
    ek_model_destroy(b);
}

static void test_folded(void **state) {
    (void)state;
    ek_model *a = base(), *b;
    ek_edit_report *report;
    ek_diff *d;
    bool removed = false, weight = false;
    OK(ek_fold(a, &b, &report, err));
    OK(ek_diff_models(a, b, &d, err));
    for (size_t i = 0; i < ek_diff_count(d); i++) {
        const ek_change *c = ek_diff_change(d, i);
        removed |= strcmp(c->kind, "node-removed") == 0 && strcmp(c->name, "bn") == 0;
        weight |= strcmp(c->kind, "tensor") == 0 && strcmp(c->name, "conv.weight") == 0;
    }
    assert_true(removed && weight);
    ek_diff_destroy(d);
    ek_edit_report_destroy(report);
    ek_model_destroy(b);
    ek_model_destroy(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
