/* test_graph.c: values, nodes, order, checks and inference of the IR. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "graph/exec.h"
#include "graph/infer.h"

#include <stdio.h>
#include <string.h>

static ek_error err;

static eki_value *value(eki_graph *graph, const char *name) {
    eki_value *v;
    assert_int_equal(eki_graph_value(graph, name, &v, &err), EK_OK);
    return v;
}

static eki_node *node(eki_graph *graph, const char *op, const char *in, const char *out) {
    eki_node *n;
    eki_value *i = value(graph, in), *o = value(graph, out);
    assert_int_equal(eki_graph_add_node(graph, op, "", "", &i, 1, &o, 1, &n, &err), EK_OK);
    return n;
}

static eki_graph *chain(void) {
    eki_graph *graph;
    assert_int_equal(eki_graph_create(17, &graph, &err), EK_OK);
    node(graph, "Relu", "b", "c");
    node(graph, "Relu", "x", "a");
    node(graph, "Tanh", "a", "b");
    eki_value *x = value(graph, "x");
    int64_t batch;
    assert_int_equal(eki_graph_symbol(graph, "N", &batch, &err), EK_OK);
    x->dtype = EK_F32;
    x->shape = eki_shape_of(2, (int64_t[]){batch, 3});
    assert_int_equal(eki_graph_add_input(graph, x, &err), EK_OK);
    assert_int_equal(eki_graph_add_output(graph, value(graph, "c"), &err), EK_OK);
    return graph;
}

static void test_order(void **state) {
    (void)state;
    eki_graph *graph = chain();
    assert_int_equal(eki_graph_sort(graph, &err), EK_OK);
    assert_string_equal(graph->nodes[0]->out[0]->name, "a");
    assert_string_equal(graph->nodes[1]->out[0]->name, "b");
    assert_string_equal(graph->nodes[2]->out[0]->name, "c");
    for (int i = 0; i < 3; i++) assert_int_equal(graph->nodes[i]->id, i);
    eki_graph_destroy(graph);
}

static void test_cycle_is_named(void **state) {
    (void)state;
    eki_graph *graph = chain();
    node(graph, "Relu", "loop2", "loop1");
    node(graph, "Relu", "loop1", "loop2");
    assert_int_equal(eki_graph_sort(graph, &err), EK_ERR_FORMAT);
    assert_non_null(strstr(err.text, "cycle"));
    assert_non_null(strstr(err.text, "loop"));
    eki_graph_destroy(graph);
}

static void test_two_producers(void **state) {
    (void)state;
    eki_graph *graph = chain();
    eki_value *x = value(graph, "x"), *c = value(graph, "c");
    assert_int_equal(eki_graph_add_node(graph, "Relu", "", "", &x, 1, &c, 1, NULL, &err), EK_ERR_FORMAT);
    assert_non_null(strstr(err.text, "'c'"));
    eki_graph_destroy(graph);
}

static void test_undefined_input(void **state) {
    (void)state;
    eki_graph *graph = chain();
    node(graph, "Relu", "nowhere", "d");
    assert_int_equal(eki_graph_check(graph, &err), EK_ERR_FORMAT);
    assert_non_null(strstr(err.text, "nowhere"));
    eki_graph_destroy(graph);
}

static void test_symbols_and_inference(void **state) {
    (void)state;
    eki_graph *graph = chain();
    char text[192];
    assert_int_equal(eki_graph_sort(graph, &err), EK_OK);
    assert_int_equal(eki_graph_infer(graph, NULL, &err), EK_OK);
    assert_string_equal(eki_shape_text(graph, &graph->outputs[0]->shape, text), "[N,3]");
    eki_shape wrong = eki_shape_of(2, (int64_t[]){4, 5});
    assert_int_equal(eki_graph_infer(graph, &wrong, &err), EK_ERR_SHAPE);
    assert_non_null(strstr(err.text, "[4,5]"));
    eki_graph_destroy(graph);
}

static void test_unsupported_listed_at_once(void **state) {
    (void)state;
    eki_graph *graph = chain();
    node(graph, "Frobnicate", "x", "f");
    node(graph, "Xyzzy", "x", "g");
    node(graph, "Xyzzy", "x", "h");
    assert_int_equal(eki_check_operators(graph, NULL, &err), EK_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "Frobnicate (x1"));
    assert_non_null(strstr(err.text, "Xyzzy (x2"));
    eki_graph_destroy(graph);
}

static void test_attributes(void **state) {
    (void)state;
    eki_graph *graph = chain();
    eki_node *n = graph->nodes[0];
    assert_int_equal(eki_node_set_int(graph, n, "axis", 2, &err), EK_OK);
    assert_int_equal(eki_node_set_float(graph, n, "alpha", 0.5f, &err), EK_OK);
    assert_int_equal(eki_node_set_int(graph, n, "axis", 3, &err), EK_OK);
    assert_int_equal(eki_node_int(n, "axis", 0), 3);
    assert_int_equal(eki_node_int(n, "alpha", 7), 7);
    eki_node_remove_attr(n, "axis");
    assert_int_equal(eki_node_int(n, "axis", 9), 9);
    assert_true(eki_node_float(n, "alpha", 0) == 0.5f);
    eki_graph_destroy(graph);
}

static void test_many_names(void **state) {
    (void)state;
    eki_graph *graph = chain();
    char name[32];
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "value%d", i);
        value(graph, name);
    }
    size_t before = graph->n_values;
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "value%d", i);
        assert_string_equal(eki_graph_find(graph, name)->name, name);
    }
    assert_int_equal(graph->n_values, before);
    assert_null(eki_graph_find(graph, "value5000"));
    eki_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_cycle_is_named),
        cmocka_unit_test(test_two_producers),
        cmocka_unit_test(test_undefined_input),
        cmocka_unit_test(test_symbols_and_inference),
        cmocka_unit_test(test_unsupported_listed_at_once),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
