/* test_proof.c: are changes proved where the rest of the graph cannot run, and are wrong ones caught there?
 *
 * Every model ends in an operator that nobody has, so that only local proofs are left.
 */
#include "patterns.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Each output goes through com.acme.Mystery. */
static void blind(ek_model *model) {
    eki_graph *graph = model->document;
    OK(eki_graph_add_opset(graph, "com.acme", 1, err));
    for (size_t i = 0; i < graph->n_outputs; i++) {
        eki_value *out = graph->outputs[i], *end;
        eki_node *node;
        char name[64];
        (void)snprintf(name, sizeof name, "end.%d", (int)i);
        OK(eki_graph_value(graph, name, &end, err));
        OK(eki_graph_add_node(graph, "Mystery", "com.acme", "", &out, 1, &end, 1, &node, err));
        out->is_output = false;
        graph->outputs[i] = end;
        end->is_output = true;
        end->dtype = EK_F32;
    }
    OK(eki_model_rebuild(model, err));
}

static ek_model *fold_of(const ek_model *model) {
    ek_model *folded;
    ek_edit_report *report;
    OK(ek_fold(model, &folded, &report, err));
    ek_edit_report_destroy(report);
    return folded;
}

static ek_proof *prove_with(ek_model *a, ek_model *b, const ek_proof_options *options) {
    ek_proof *proof;
    OK(ek_prove(a, b, options, &proof, err));
    return proof;
}

static ek_verdict verdict_of(ek_model *a, ek_model *b) {
    ek_proof_options o = ek_proof_options_default();
    o.compare.runs = 1;
    ek_proof *proof = prove_with(a, b, &o);
    const ek_proof_result *r = ek_proof_result_of(proof);
    ek_verdict verdict = r->verdict;
    if (r->whole) fail_msg("the whole model ran");
    if (strstr(r->why, "no com.acme.Mystery here") == NULL) fail_msg("why: %s", r->why);
    ek_proof_destroy(proof);
    return verdict;
}

static void for_all(void (*check)(const pattern *)) {
    for (const pattern *p = patterns_after; p->name != NULL; p++) check(p);
    for (const pattern *p = patterns_before; p->name != NULL; p++) check(p);
    for (const pattern *p = patterns_more; p->name != NULL; p++) check(p);
}

static void check_proved(const pattern *p) {
    ek_model *model = p->build(false);
    blind(model);
    ek_model *folded = fold_of(model);
    ek_proof *proof = prove_with(model, folded, NULL);
    const ek_proof_result *r = ek_proof_result_of(proof);
    if (r->verdict != EK_VERDICT_PROVED || !(r->worst <= 2e-5) || r->proved != r->regions || r->regions == 0)
        fail_msg("%s: %zu of %zu regions, worst %g at %s: %s", p->name, r->proved, r->regions, r->worst, r->output,
                 r->regions > 0 ? ek_proof_region_get(proof, 0)->text : "");
    ek_proof_destroy(proof);
    ek_model_destroy(folded);
    ek_model_destroy(model);
}

static void test_patterns(void **state) {
    (void)state;
    for_all(check_proved);
}

/* ---- folds that went wrong ---- */

static eki_tensor *part(ek_model *m, size_t norm, int input) {
    const eki_value *value = eki_model_norm_node(m, norm)->in[input];
    return value->init;
}

static void wrong_scale(ek_model *m, size_t norm) {
    eki_tensor *scale = part(m, norm, 1);
    for (int64_t c = 0; scale != NULL && c < eki_count(scale); c++) ((float *)scale->data)[c] *= 1.01F;
}

static void wrong_bias(ek_model *m, size_t norm) {
    eki_tensor *bias = part(m, norm, 2);
    if (bias != NULL) ((float *)bias->data)[0] += 0.01F;
}

static void swapped_channels(ek_model *m, size_t norm) {
    for (int i = 1; i < 5; i++) {
        eki_tensor *tensor = part(m, norm, i);
        if (tensor == NULL || eki_count(tensor) < 2) continue;
        float *x = tensor->data, keep = x[0];
        x[0] = x[1];
        x[1] = keep;
    }
}

static void missed_epsilon(ek_model *m, size_t norm) {
    eki_node *node = eki_model_norm_node(m, norm);
    float epsilon = eki_node_float(node, "epsilon", 1e-5F);
    OK(eki_node_set_float(m->document, node, "epsilon", epsilon > 1e-3F ? 0.0F : 0.01F, err));
}

static int planted;
static void (*spoil)(ek_model *, size_t);

static void check_caught(const pattern *p) {
    ek_model *model = p->build(false);
    blind(model);
    for (size_t norm = 0; norm < model->n_norms; norm++) {
        ek_model *other = p->build(false);
        blind(other);
        if (part(other, norm, 1) != NULL) {
            spoil(other, norm);
            ek_model *folded = fold_of(other);
            if (verdict_of(model, folded) != EK_VERDICT_DIFFERS) fail_msg("%s: norm %zu is not caught", p->name, norm);
            ek_model_destroy(folded);
            planted++;
        }
        ek_model_destroy(other);
    }
    ek_model_destroy(model);
}

static void test_planted(void **state) {
    (void)state;
    void (*const spoils[])(ek_model *, size_t) = {wrong_scale, wrong_bias, swapped_channels, missed_epsilon};
    for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
        spoil = spoils[i];
        planted = 0;
        for_all(check_caught);
        assert_true(planted >= 40);
    }
}

/* ---- regions ---- */

/* conv, norm, ReLU, twice, with an unknown operator between: two regions. */
static net two_layers(void) {
    net n = net_image(17, 4, 6);
    OK(eki_graph_add_opset(n.graph, "com.acme", 1, err));
    (void)net_conv(&n, "a", (conv_shape){4, 4, 3, 1, 1}, true);
    (void)net_bn(&n, "an", 4);
    (void)net_one(&n, "Relu", "ar");
    eki_node *mystery = net_one(&n, "Mystery", "m");
    mystery->domain = "com.acme";
    mystery->op = EKI_OP_NONE;
    (void)net_conv(&n, "b", (conv_shape){4, 6, 3, 1, 1}, false);
    (void)net_bn(&n, "bn", 6);
    return n;
}

static void test_regions_around_unknown(void **state) {
    (void)state;
    net n = two_layers();
    ek_model *model = net_finish(&n), *folded = fold_of(model);
    assert_int_equal(ek_model_norm_count(folded), 0);
    ek_proof *proof = prove_with(model, folded, NULL);
    const ek_proof_result *r = ek_proof_result_of(proof);
    assert_int_equal(r->verdict, EK_VERDICT_PROVED);
    assert_int_equal(r->regions, 2);
    assert_int_equal(r->proved, 2);
    assert_int_equal(r->whole, 0);
    const ek_proof_region *first = ek_proof_region_get(proof, 0), *second = ek_proof_region_get(proof, 1);
    assert_string_equal(first->output, "an.out");
    assert_string_equal(second->output, "bn.out"); /* its input has no shape but what the weight tells */
    assert_int_equal(first->nodes_before, 2);
    assert_int_equal(first->nodes_after, 1);
    assert_true(first->difference > 0 && first->difference < 1e-5 && second->difference < 1e-5);
    assert_null(ek_proof_region_get(proof, 2));
    ek_proof_destroy(proof);
    proof = prove_with(model, model, NULL);
    assert_int_equal(ek_proof_result_of(proof)->regions, 0);
    assert_int_equal(ek_proof_result_of(proof)->verdict, EK_VERDICT_PROVED);
    ek_proof_destroy(proof);
    ek_model_destroy(folded);
    ek_model_destroy(model);
}

/* A norm that a product reads, behind an unknown operator: rank 2 is for the caller to say. */
static void test_shapes_asked_for(void **state) {
    (void)state;
    net n = net_image(17, 4, 6);
    OK(eki_graph_add_opset(n.graph, "com.acme", 1, err));
    eki_node *mystery = net_one(&n, "Mystery", "m");
    mystery->domain = "com.acme";
    mystery->op = EKI_OP_NONE;
    (void)net_bn(&n, "bn", 4);
    (void)net_gemm(&n, "fc", 4, 3, false, true);
    ek_model *model = net_finish(&n), *folded = fold_of(model);
    assert_int_equal(ek_model_norm_count(folded), 0);
    ek_proof *proof = prove_with(model, folded, NULL);
    assert_int_equal(ek_proof_result_of(proof)->verdict, EK_VERDICT_OPEN);
    assert_true(ek_proof_region_get(proof, 0)->text[0] != '\0');
    ek_proof_destroy(proof);
    ek_proof_options o = ek_proof_options_default();
    o.compare.shapes = &(ek_check_shape){.name = "m.out", .rank = 2, .dims = {5, 4}};
    o.compare.shape_count = 1;
    proof = prove_with(model, folded, &o);
    assert_int_equal(ek_proof_result_of(proof)->verdict, EK_VERDICT_PROVED);
    ek_proof_destroy(proof);
    float x[8] = {1, -2, 3, 4, 0, 0, 1, -1};
    o.compare.shape_count = 0;
    o.compare.inputs = &(ek_check_input){.name = "m.out", .array = {EK_F32, 2, {2, 4}, x}};
    o.compare.input_count = 1;
    proof = prove_with(model, folded, &o);
    assert_int_equal(ek_proof_result_of(proof)->verdict, EK_VERDICT_PROVED);
    ek_proof_destroy(proof);
    o.compare.inputs = &(ek_check_input){.name = "nowhere", .array = {EK_F32, 2, {2, 4}, x}};
    FAILS(EK_ERR_ARG, "'nowhere'", ek_prove(model, folded, &o, &proof, err));
    ek_model_destroy(folded);
    ek_model_destroy(model);
}

/* ---- ranges ---- */

static void test_models_that_take_logarithms(void **state) {
    (void)state;
    static const char *const ops[] = {"Log", "Sqrt"};
    for (int i = 0; i < 4; i++) {
        net n = net_image(17, 4, 6);
        if (i < 2) (void)net_one(&n, ops[i], "first");
        (void)net_conv(&n, "conv", (conv_shape){4, 4, 3, 1, 1}, true);
        (void)net_bn(&n, "bn", 4);
        if (i >= 2) (void)net_one(&n, ops[i - 2], "last");
        ek_model *model = net_finish(&n), *folded = fold_of(model);
        ek_proof *proof = prove_with(model, folded, NULL);
        const ek_proof_result *r = ek_proof_result_of(proof);
        if (r->verdict != EK_VERDICT_PROVED || !r->whole || r->regions != 1) fail_msg("%s: %s", ops[i % 2], r->why);
        ek_proof_destroy(proof);
        ek_model_destroy(folded);
        ek_model_destroy(model);
    }
}

/* ---- half precision ---- */

static void store_half(net *n, ek_dtype type) {
    n->graph->half = type;
    for (size_t i = 0; i < n->graph->n_values; i++) {
        eki_value *value = n->graph->values[i];
        if (value->init == NULL) continue;
        value->stored = value->init->stored = type;
        eki_tensor_round(value->init);
    }
}

static void test_half_precision(void **state) {
    (void)state;
    static const ek_dtype types[] = {EK_F16, EK_BF16};
    for (int i = 0; i < 2; i++) {
        net n = net_image(17, 4, 6);
        (void)net_conv(&n, "conv", (conv_shape){4, 4, 3, 1, 1}, true);
        (void)net_bn(&n, "bn", 4);
        store_half(&n, types[i]);
        ek_model *model = net_finish(&n), *folded = fold_of(model);
        ek_proof *proof = prove_with(model, folded, NULL);
        const ek_proof_result *r = ek_proof_result_of(proof);
        assert_int_equal(r->verdict, EK_VERDICT_PROVED);
        assert_true(r->tolerance == (i == 0 ? 1e-2 : 5e-2));
        assert_true(r->worst > 1e-5); /* rounded to what the file holds */
        ek_proof_destroy(proof);
        ek_proof_options o = ek_proof_options_default();
        o.tolerance = 1e-6;
        proof = prove_with(model, folded, &o);
        assert_int_equal(ek_proof_result_of(proof)->verdict, EK_VERDICT_DIFFERS);
        ek_proof_destroy(proof);
        ek_model_destroy(folded);
        ek_model_destroy(model);
    }
}

/* Of two norms the first would overflow float16: it stays, with the reason, and the other folds. */
static void test_overflow_stays(void **state) {
    (void)state;
    for (int spoiled = 0; spoiled < 3; spoiled++) { /* nothing, a weight, a bias */
        net n = net_image(17, 4, 6);
        (void)net_conv(&n, "a", (conv_shape){4, 4, 3, 1, 1}, true);
        eki_node *norm = net_bn(&n, "an", 4);
        if (spoiled == 1) ((float *)norm->in[1]->init->data)[2] = 6e4F, ((float *)norm->in[4]->init->data)[2] = 1e-3F;
        if (spoiled == 2) ((float *)norm->in[2]->init->data)[1] = 6e4F, ((float *)norm->in[3]->init->data)[1] = -6e4F;
        if (spoiled == 2) ((float *)norm->in[1]->init->data)[1] = 2;
        (void)net_one(&n, "Relu", "r");
        (void)net_conv(&n, "b", (conv_shape){4, 4, 3, 1, 1}, true);
        (void)net_bn(&n, "bn", 4);
        store_half(&n, EK_F16);
        ek_model *model = net_finish(&n), *folded;
        ek_edit_report *report;
        OK(ek_fold(model, &folded, &report, err));
        const ek_edit_row *row = ek_edit_report_row(report, 0);
        assert_string_equal(row->norm, "an");
        assert_int_equal(row->changed, spoiled == 0);
        assert_true((strstr(row->text, "not be finite in float16") != NULL) == (spoiled != 0));
        assert_int_equal(ek_edit_report_row(report, 1)->changed, 1);
        ek_edit_report_destroy(report);
        ek_model_destroy(folded);
        ek_model_destroy(model);
    }
}

/* Two norms share scale and bias, the second through Identity nodes: both fold, and nothing is left of the sharing. */
static void test_shared_through_identity(void **state) {
    (void)state;
    net n = net_image(17, 4, 6);
    (void)net_conv(&n, "a", (conv_shape){4, 4, 3, 1, 1}, true);
    eki_node *first = net_bn(&n, "an", 4);
    (void)net_one(&n, "Relu", "r");
    (void)net_conv(&n, "b", (conv_shape){4, 4, 3, 1, 1}, true);
    eki_node *second = net_bn(&n, "bn", 4);
    eki_value *end = n.x;
    for (int i = 1; i < 3; i++) {
        n.x = first->in[i];
        (void)net_one(&n, "Identity", i == 1 ? "scale" : "bias");
        second->in[i] = n.x;
    }
    n.x = end;
    OK(eki_graph_sort(n.graph, err));
    ek_model *model = net_finish(&n);
    blind(model);
    ek_model *folded = fold_of(model);
    assert_int_equal(ek_model_norm_count(folded), 0);
    assert_int_equal(ek_model_node_count(folded), 4); /* two convolutions, a ReLU, the unknown */
    assert_null(eki_graph_find(folded->document, "an.weight")->init);
    assert_null(eki_graph_find(folded->document, "an.bias")->init);
    assert_int_equal(verdict_of(model, folded), EK_VERDICT_PROVED);
    ek_model_destroy(folded);
    ek_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_planted),
        cmocka_unit_test(test_regions_around_unknown),
        cmocka_unit_test(test_shapes_asked_for),
        cmocka_unit_test(test_models_that_take_logarithms),
        cmocka_unit_test(test_half_precision),
        cmocka_unit_test(test_overflow_stays),
        cmocka_unit_test(test_shared_through_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
