/* test_inspect.c: every finding shows where it should and nowhere else, with its severity and a remedy. */
#include "net.h"

#include <math.h>
#include <string.h>

static const ek_finding *find(const ek_inspection *in, const char *code) {
    for (size_t i = 0; i < ek_inspection_finding_count(in); i++) {
        const ek_finding *f = ek_inspection_finding(in, i);
        if (strcmp(f->code, code) == 0) return f;
    }
    return NULL;
}

/* conv (no bias), bn, relu. */
static ek_model *healthy(void) {
    net n = net_image(17, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 8, 3, 1, 1}, false);
    eki_node *bn = net_bn(&n, "bn", 8);
    OK(eki_node_set_float(n.graph, bn, "momentum", 0.9F, err));
    net_one(&n, "Relu", "relu");
    return net_finish(&n);
}

static float *parameter(ek_model *model, const char *name) {
    void *data;
    OK(ek_model_tensor_data(model, name, NULL, &data, err));
    return data;
}

static void test_healthy(void **state) {
    (void)state;
    ek_model *model = healthy();
    ek_inspection *in;
    OK(ek_inspect(model, &in, err));
    assert_int_equal(ek_inspection_norm_count(in), 1);
    const ek_norm_seen *seen = ek_inspection_norm(in, 0);
    assert_string_equal(seen->name, "bn");
    assert_string_equal(seen->feeder, "Conv");
    assert_string_equal(seen->fold, "into node 'conv' (Conv)");
    assert_int_equal(seen->place, EK_SEEN_BEFORE);
    assert_true(seen->foldable && !seen->training);
    assert_true(seen->variance.count == 8 && seen->variance.minimum >= 0.3 && seen->variance.maximum <= 2);
    assert_int_equal(ek_inspection_finding_count(in), 0);
    assert_null(ek_inspection_norm(in, 1));
    assert_null(ek_inspection_finding(in, 0));
    ek_inspection_destroy(in);
    ek_model_destroy(model);
}

/* What is done to the healthy model, and the one finding that it must give. */
static void never_updated(ek_model *m) {
    for (int i = 0; i < 8; i++) {
        parameter(m, "bn.mean")[i] = 0;
        parameter(m, "bn.var")[i] = 1;
    }
}
static void small_variance(ek_model *m) { parameter(m, "bn.var")[2] = 0.5e-5F, parameter(m, "bn.weight")[2] = 1e-3F; }
static void near_epsilon(ek_model *m) { parameter(m, "bn.var")[2] = 5e-5F, parameter(m, "bn.weight")[2] = 1e-3F; }
static void nan_mean(ek_model *m) { parameter(m, "bn.mean")[1] = NAN; }
static void negative(ek_model *m) { parameter(m, "bn.var")[1] = -0.5F; }
static void dead(ek_model *m) { parameter(m, "bn.weight")[5] = 1e-9F; }
static void loud(ek_model *m) { parameter(m, "bn.weight")[5] = 5000; }
static void momentum(ek_model *m) {
    OK(eki_node_set_float(m->document, eki_model_norm_node(m, 0), "momentum", 0.1F, err));
    OK(eki_model_rebuild(m, err));
}
static void training(ek_model *m) {
    OK(eki_node_set_int(m->document, eki_model_norm_node(m, 0), "training_mode", 1, err));
    OK(eki_model_rebuild(m, err));
}

static void test_findings(void **state) {
    (void)state;
    static const struct {
        const char *code;
        ek_severity severity;
        void (*spoil)(ek_model *);
    } cases[] = {
        {"never-updated", EK_WARNING, never_updated},
        {"small-variance", EK_WARNING, small_variance},
        {"near-epsilon", EK_NOTE, near_epsilon},
        {"not-finite", EK_SEVERE, nan_mean},
        {"negative-variance", EK_SEVERE, negative},
        {"dead-channels", EK_NOTE, dead},
        {"amplified", EK_WARNING, loud},
        {"momentum", EK_WARNING, momentum},
        {"training-mode", EK_WARNING, training},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ek_model *model = healthy();
        ek_inspection *in;
        cases[i].spoil(model);
        OK(ek_inspect(model, &in, err));
        const ek_finding *f = find(in, cases[i].code);
        if (f == NULL) fail_msg("%s was not found", cases[i].code);
        if (ek_inspection_finding_count(in) != 1) fail_msg("%s is not alone", cases[i].code);
        assert_int_equal(f->severity, cases[i].severity);
        assert_string_equal(f->norm, "bn");
        assert_int_equal(f->norm_index, 0);
        assert_true(f->text[0] != '\0' && f->remedy[0] != '\0');
        ek_inspection_destroy(in);
        ek_model_destroy(model);
    }
}

/* The values of each part as they are in the file; parts and room that there is not. */
static void test_values(void **state) {
    (void)state;
    static const char *const names[EK_PARTS] = {"bn.weight", "bn.bias", "bn.mean", "bn.var"};
    ek_model *model = healthy();
    ek_inspection *in;
    double values[8];
    parameter(model, "bn.mean")[3] = NAN;
    OK(ek_inspect(model, &in, err));
    for (int part = 0; part < EK_PARTS; part++) {
        OK(ek_inspection_values(in, 0, (ek_norm_part)part, values, 8, err));
        for (int i = 0; i < 8; i++) {
            double expected = (double)parameter(model, names[part])[i];
            assert_true(values[i] == expected || (isnan(values[i]) && isnan(expected)));
        }
    }
    assert_int_equal(ek_inspection_values(in, 0, EK_PART_BIAS, values, 7, NULL), EK_ERR_ARG);
    assert_int_equal(ek_inspection_values(in, 0, EK_PARTS, values, 8, NULL), EK_ERR_ARG);
    assert_int_equal(ek_inspection_values(in, 1, EK_PART_BIAS, values, 8, NULL), EK_ERR_ARG);
    ek_inspection_destroy(in);
    ek_model_destroy(model);
}

/* Two norms on either side of an activation, a bias in front of a norm, one mean for both. Notes come last. */
static void test_structure(void **state) {
    (void)state;
    net n = net_image(17, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 8, 3, 1, 1}, true);
    eki_node *first = net_bn(&n, "first", 8);
    net_one(&n, "Relu", "relu");
    eki_node *second = net_bn(&n, "second", 8);
    second->in[3] = first->in[3];
    ek_model *model = net_finish(&n);
    ek_inspection *in;
    OK(ek_inspect(model, &in, err));
    assert_non_null(find(in, "mixed-placement"));
    assert_non_null(find(in, "redundant-bias"));
    assert_non_null(find(in, "shared-statistics"));
    assert_int_equal(find(in, "mixed-placement")->norm_index, -1);
    assert_int_equal(find(in, "redundant-bias")->norm_index, 0);
    assert_int_equal(ek_inspection_finding(in, 0)->severity, EK_WARNING);
    assert_int_equal(ek_inspection_norm(in, 1)->place, EK_SEEN_AFTER);
    assert_false(ek_inspection_norm(in, 1)->foldable);
    ek_inspection_destroy(in);
    ek_model_destroy(model);
}

/* A bias before the norm, of each kind of layer; behind a norm it is nobody's but its own. */
static void test_redundant_bias(void **state) {
    (void)state;
    const int64_t matrix[2] = {2, 6};
    for (int kind = 0; kind < 4; kind++) {
        net n = kind == 2 ? net_start(17, 2, matrix) : net_image(17, 3, 8);
        if (kind == 0) net_conv(&n, "layer", (conv_shape){3, 4, 3, 1, 1}, true);
        if (kind == 1) net_deconv(&n, "layer", (conv_shape){3, 4, 3, 1, 1}, true);
        if (kind == 2) net_gemm(&n, "layer", 6, 4, false, true);
        if (kind == 3) net_deconv(&n, "layer", (conv_shape){3, 4, 3, 1, 1}, false);
        net_bn(&n, "bn", 4);
        ek_model *model = net_finish(&n);
        ek_inspection *in;
        OK(ek_inspect(model, &in, err));
        const ek_finding *f = find(in, "redundant-bias");
        assert_true((f != NULL) == (kind < 3));
        if (f != NULL) assert_non_null(strstr(f->text, kind == 2 ? "the product before it" : "the convolution before"));
        ek_inspection_destroy(in);
        ek_model_destroy(model);
    }
}

/* Old files list every weight as an input: said once, for the whole model. */
static void test_listed_weights(void **state) {
    (void)state;
    net n = net_image(9, 3, 8);
    n.graph->ir_version = 4;
    net_bn(&n, "bn", 3);
    for (size_t i = 0; i < n.graph->n_values; i++) {
        if (n.graph->values[i]->init != NULL) OK(eki_graph_add_input(n.graph, n.graph->values[i], err));
    }
    ek_model *model = net_finish(&n);
    ek_inspection *in;
    OK(ek_inspect(model, &in, err));
    const ek_finding *f = find(in, "weights-as-inputs");
    assert_non_null(f);
    assert_string_equal(f->norm, "");
    assert_int_equal(f->severity, EK_NOTE);
    ek_inspection_destroy(in);
    ek_model_destroy(model);
}

/* Training mode as each age of opsets says it. */
static void test_training_modes(void **state) {
    (void)state;
    static const int64_t opsets[] = {6, 9, 14};
    for (int i = 0; i < 6; i++) {
        bool trains = i % 2 == 1;
        net n = net_image(opsets[i / 2], 3, 8);
        eki_node *bn = net_bn(&n, "bn", 3);
        if (i / 2 == 0) OK(eki_node_set_int(n.graph, bn, "is_test", !trains, err));
        if (i / 2 == 2) OK(eki_node_set_int(n.graph, bn, "training_mode", trains, err));
        if (i / 2 == 1 && trains) {
            eki_value **out = eki_arena_alloc(&n.graph->arena, eki_size_of(2, sizeof *out));
            out[0] = bn->out[0];
            OK(eki_graph_value(n.graph, "new_mean", &out[1], err));
            out[1]->producer = bn;
            out[1]->producer_output = 1;
            bn->out = out;
            bn->n_out = 2;
        }
        ek_model *model = net_finish(&n);
        ek_inspection *in;
        OK(ek_inspect(model, &in, err));
        assert_true((find(in, "training-mode") != NULL) == trains);
        assert_int_equal(ek_inspection_norm(in, 0)->training, trains);
        ek_inspection_destroy(in);
        ek_model_destroy(model);
    }
}

/* What a newer opset changed is not known here: nobody should rely on it unsaid. */
static void test_newer_opset(void **state) {
    (void)state;
    for (int opset = 23; opset <= 24; opset++) {
        net n = net_image(opset, 3, 8);
        net_one(&n, "Relu", "relu");
        ek_model *model = net_finish(&n);
        ek_inspection *in;
        OK(ek_inspect(model, &in, err));
        assert_true((find(in, "newer-opset") != NULL) == (opset == 24));
        ek_inspection_destroy(in);
        ek_model_destroy(model);
    }
}

static void test_group_norm(void **state) {
    (void)state;
    for (int opset = 18; opset <= 21; opset += 3) {
        net n = net_image(opset, 8, 8);
        eki_value *in3[3] = {n.x, net_vector(&n, "w", opset == 18 ? 2 : 8, 1, 2),
                             net_vector(&n, "b", opset == 18 ? 2 : 8, 0, 1)};
        eki_node *gn = net_node(&n, "GroupNormalization", "gn", in3, 3);
        OK(eki_node_set_int(n.graph, gn, "num_groups", 2, err));
        ek_model *model = net_finish(&n);
        ek_inspection *in;
        OK(ek_inspect(model, &in, err));
        assert_true((find(in, "group-norm-18") != NULL) == (opset == 18));
        assert_false(ek_inspection_norm(in, 0)->foldable);
        ek_inspection_destroy(in);
        ek_model_destroy(model);
    }
}

/* A model that the engine cannot run is examined all the same. */
static void test_unknown_operator(void **state) {
    (void)state;
    net n = net_image(17, 3, 8);
    net_one(&n, "Elu", "elu");
    net_bn(&n, "bn", 3);
    ek_model *model = net_finish(&n);
    ek_inspection *in;
    OK(ek_inspect(model, &in, err));
    assert_int_equal(ek_inspection_norm(in, 0)->place, EK_SEEN_AFTER);
    assert_string_equal(ek_inspection_norm(in, 0)->feeder, "Elu");
    ek_inspection_destroy(in);
    ek_model_destroy(model);
}

/* Nodes with too few inputs: files that no runtime would take, but that an inspection must survive. */
static void test_cut_nodes(void **state) {
    (void)state;
    net n = net_image(17, 3, 8);
    net_one(&n, "MatMul", "half");
    net_bn(&n, "bn", 3)->n_in = 4;
    net_node(&n, "Relu", "relu", NULL, 0);
    net_bn(&n, "second", 3)->in[0] = NULL;
    net_node(&n, "Conv", "conv", NULL, 0);
    net_bn(&n, "third", 3);
    net_one(&n, "Conv", "last");
    net_node(&n, "BatchNormalization", "none", NULL, 0);
    ek_model *model = net_finish(&n);
    ek_inspection *in;
    OK(ek_inspect(model, &in, err));
    assert_int_equal(ek_inspection_norm_count(in), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_false(ek_inspection_norm(in, i)->foldable);
        assert_true(ek_inspection_norm(in, i)->fold[0] != '\0');
    }
    ek_inspection_destroy(in);
    ek_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_healthy),        cmocka_unit_test(test_findings),
        cmocka_unit_test(test_values),         cmocka_unit_test(test_structure),
        cmocka_unit_test(test_newer_opset),    cmocka_unit_test(test_group_norm),
        cmocka_unit_test(test_redundant_bias), cmocka_unit_test(test_listed_weights),
        cmocka_unit_test(test_training_modes), cmocka_unit_test(test_unknown_operator),
        cmocka_unit_test(test_cut_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
