/* test_inspect_written.c: what is odd about how norms are written: half precision, powers, tied tensors. */
#include "net.h"

#include <stdio.h>
#include <string.h>

static const ek_finding *find(const ek_inspection *in, const char *code) {
    for (size_t i = 0; i < ek_inspection_finding_count(in); i++) {
        const ek_finding *f = ek_inspection_finding(in, i);
        if (strcmp(f->code, code) == 0) return f;
    }
    return NULL;
}

/* ---- half precision ---- */

static const char *name_of(const net *n) {
    static char name[32];
    (void)snprintf(name, sizeof name, "node%d", (int)n->graph->n_nodes);
    return name;
}

static eki_value *half(eki_value *value) {
    value->stored = value->init->stored = EK_F16;
    eki_tensor_round(value->init);
    return value;
}

static eki_value *scalar(net *n, const char *name, double number) {
    return net_constant(n, name, 0, NULL, number, number);
}

static void cast(net *n, ek_dtype to) {
    eki_node *node = net_one(n, "Cast", name_of(n));
    OK(eki_node_set_int(n->graph, node, "to", to, err));
}

static void mean(net *n) {
    static const int64_t axis = 2;
    eki_node *node = net_one(n, "ReduceMean", name_of(n));
    OK(eki_node_set_ints(n->graph, node, "axes", &axis, 1, err));
}

/* A layer norm that is written out in float16, or (wide) in float32 within such a file. */
static ek_model *written(bool wide, bool power, double epsilon) {
    const int64_t dims[3] = {2, 3, 8};
    net n = net_start(13, 3, dims);
    cast(&n, EK_F16);
    if (wide) cast(&n, EK_F32);
    eki_value *x = n.x, *small = scalar(&n, "epsilon", epsilon), *two = scalar(&n, "two", 2);
    if (!wide) half(small);
    mean(&n);
    eki_value *pair[2] = {x, n.x};
    net_node(&n, "Sub", "centred", pair, 2);
    eki_value *d = n.x;
    net_two(&n, power ? "Pow" : "Mul", "square", power ? two : d);
    mean(&n);
    net_two(&n, "Add", "sum", small);
    net_one(&n, "Sqrt", "root");
    eki_value *quotient[2] = {d, n.x};
    net_node(&n, "Div", "ln", quotient, 2);
    if (wide) cast(&n, EK_F16);
    net_two(&n, "Mul", "scaled", half(net_vector(&n, "w", 8, 0.5, 1.5)));
    cast(&n, EK_F32);
    return net_finish(&n);
}

static void check_written(bool wide, bool power, double epsilon, const char *code) {
    ek_model *model = written(wide, power, epsilon);
    ek_inspection *in;
    size_t count = code == NULL ? 0 : 1;
    OK(ek_inspect(model, &in, err));
    if (code != NULL && find(in, code) == NULL) fail_msg("%s was not found", code);
    if (code != NULL) assert_int_equal(find(in, code)->norm_index, 0);
    double scale[8];
    assert_int_equal(ek_inspection_norm(in, 0)->scale.count, 8);
    OK(ek_inspection_values(in, 0, EK_PART_SCALE, scale, 8, err));
    assert_true(scale[0] >= 0.5 && scale[7] <= 1.5);
    if (count != ek_inspection_finding_count(in)) fail_msg("%s is not alone", code != NULL ? code : "nothing");
    ek_inspection_destroy(in);
    ek_model_destroy(model);
}

static void test_half(void **state) {
    (void)state;
    check_written(false, false, 1e-3, "half-square");
    check_written(true, false, 1e-3, NULL);
    check_written(true, true, 1e-3, "pow-negative");
    check_written(true, false, 1e-9, NULL); /* float32 has it */
    ek_model *model = written(false, false, 1e-9);
    ek_inspection *in;
    OK(ek_inspect(model, &in, err));
    assert_non_null(find(in, "half-epsilon"));
    ek_inspection_destroy(in);
    ek_model_destroy(model);
}

/* ---- tied ---- */

static ek_model *tied(bool identity) {
    net n = net_image(17, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 8, 3, 1, 1}, false);
    eki_node *first = net_bn(&n, "first", 8);
    eki_node *second = net_bn(&n, "second", 8);
    eki_value *x = n.x;
    n.x = first->in[1];
    if (identity) net_one(&n, "Identity", "same");
    second->in[1] = n.x;
    n.x = x;
    return net_finish(&n);
}

static void test_tied(void **state) {
    (void)state;
    for (int identity = 0; identity < 2; identity++) {
        ek_model *model = tied(identity), *apart;
        ek_inspection *in;
        ek_edit_report *report;
        ek_convert_options options = ek_convert_options_default();
        options.untie = 1;
        OK(ek_inspect(model, &in, err));
        const ek_finding *f = find(in, "tied-parameters");
        if (f == NULL) fail_msg("tied parameters were not found");
        assert_string_equal(f->norm, "first");
        assert_non_null(strstr(f->text, "the scale of 'second'"));
        ek_inspection_destroy(in);
        OK(ek_convert(model, &options, &apart, &report, NULL, err));
        assert_int_equal(ek_edit_report_count(report), 1);
        assert_true(ek_edit_report_row(report, 0)->changed);
        assert_string_not_equal(ek_model_norm_get(apart, 0).scale, ek_model_norm_get(apart, 1).scale);
        OK(ek_inspect(apart, &in, err));
        assert_null(find(in, "tied-parameters"));
        ek_inspection_destroy(in);
        ek_edit_report_destroy(report);
        ek_model_destroy(apart);
        ek_model_destroy(model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_half), cmocka_unit_test(test_tied)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
