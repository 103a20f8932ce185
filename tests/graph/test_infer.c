/* test_infer.c: what is known of a graph with operators that the engine lacks, and that they are asked for only where
 * something needs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "graph/exec.h"
#include "graph/infer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static ek_error err;

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != EK_OK) fail_msg("%s: %s", #call, err.text);                                                      \
    } while (0)

static eki_value *value(eki_graph *graph, const char *name) {
    eki_value *v;
    OK(eki_graph_value(graph, name, &v, &err));
    return v;
}

static eki_value *declare(eki_graph *graph, const char *name, ek_dtype dtype, int rank, const int64_t *dims) {
    eki_value *v = value(graph, name);
    v->dtype = dtype;
    v->shape = eki_shape_of(rank, dims);
    return v;
}

static eki_node *node(eki_graph *graph, const char *domain, const char *op, const char *in, const char *more,
                      const char *out) {
    eki_node *n;
    eki_value *i[2] = {value(graph, in), more != NULL ? value(graph, more) : NULL}, *o = value(graph, out);
    OK(eki_graph_add_node(graph, op, domain, "", i, more != NULL ? 2 : 1, &o, 1, &n, &err));
    return n;
}

static eki_graph *start(void) {
    eki_graph *graph;
    OK(eki_graph_create(17, &graph, &err));
    OK(eki_graph_add_opset(graph, "com.acme", 1, &err));
    OK(eki_graph_add_input(graph, declare(graph, "x", EK_F32, 4, (int64_t[]){2, 3, 8, 8}), &err));
    return graph;
}

static void weight(eki_graph *graph, const char *name, int rank, const int64_t *dims) {
    eki_value *v;
    eki_shape shape = eki_shape_of(rank, dims);
    OK(eki_graph_add_tensor(graph, name, EK_F32, &shape, &v, &err));
}

static void has_shape(eki_graph *graph, const char *name, const char *wanted) {
    char text[192];
    assert_string_equal(eki_shape_text(graph, &value(graph, name)->shape, text), wanted);
}

static void test_unknown_is_declared_or_not_known(void **state) {
    (void)state;
    eki_graph *graph = start();
    node(graph, "com.acme", "MyOp", "x", NULL, "said");
    node(graph, "", "Relu", "said", NULL, "behind");
    node(graph, "com.acme", "MyOp", "behind", NULL, "silent");
    node(graph, "", "Relu", "silent", NULL, "lost");
    declare(graph, "said", EK_F32, 3, (int64_t[]){2, 5, 7});
    OK(eki_graph_infer(graph, NULL, &err));
    has_shape(graph, "behind", "[2,5,7]");
    assert_int_equal(value(graph, "behind")->dtype, EK_F32);
    assert_int_equal(value(graph, "silent")->shape.rank, -1);
    assert_int_equal(value(graph, "lost")->shape.rank, -1);
    eki_graph_destroy(graph);
}

/* The weight still tells rank and channels. */
static void test_convolution_behind_unknown(void **state) {
    (void)state;
    eki_graph *graph = start();
    node(graph, "com.acme", "MyOp", "x", NULL, "m");
    weight(graph, "w", 4, (int64_t[]){6, 3, 3, 3});
    weight(graph, "t", 4, (int64_t[]){6, 5, 2, 2});
    node(graph, "", "Conv", "m", "w", "c");
    eki_node *spread = node(graph, "", "ConvTranspose", "c", "t", "d");
    OK(eki_node_set_int(graph, spread, "group", 3, &err));
    OK(eki_graph_infer(graph, NULL, &err));
    const eki_shape *c = &value(graph, "c")->shape, *d = &value(graph, "d")->shape;
    assert_int_equal(c->rank, 4);
    assert_int_equal(c->dims[1], 6);
    assert_true(c->dims[0] < 0 && c->dims[2] < 0 && c->dims[2] != c->dims[3]);
    assert_int_equal(d->rank, 4);
    assert_int_equal(d->dims[1], 15);
    eki_graph_destroy(graph);
}

static void test_errors_of_the_file_stay(void **state) {
    (void)state;
    eki_graph *graph = start();
    graph->path = "some.onnx";
    weight(graph, "w", 1, (int64_t[]){2});
    node(graph, "com.acme", "MyOp", "x", NULL, "m");
    node(graph, "", "Reshape", "x", "w", "wrong");
    assert_int_equal(eki_graph_infer(graph, NULL, &err), EK_ERR_DTYPE);
    assert_non_null(strstr(err.text, "some.onnx"));
    assert_non_null(strstr(err.text, "'wrong' (Reshape)"));
    assert_non_null(strstr(err.text, "float32"));
    eki_graph_destroy(graph);
}

/* Types that the engine does not compute with are not the file's fault. */
static void test_other_types_pass(void **state) {
    (void)state;
    eki_graph *graph = start();
    OK(eki_graph_add_input(graph, declare(graph, "wide", EK_F64, 2, (int64_t[]){2, 3}), &err));
    node(graph, "", "Sigmoid", "wide", NULL, "s");
    declare(graph, "s", EK_F64, 2, (int64_t[]){2, 3});
    OK(eki_graph_infer(graph, NULL, &err));
    has_shape(graph, "s", "[2,3]");
    eki_graph_destroy(graph);
}

/* Every operator looks at inputs of which nothing is known, and at none: it may refuse, not crash. */
static void test_every_operator_blind(void **state) {
    (void)state;
    int looked = 0;
    for (int code = 1; code < EKI_OPS; code++) {
        const char *name = eki_op_name((eki_opcode)code);
        if (eki_op_run((eki_opcode)code) == NULL) continue;
        for (int inputs = 0; inputs < 6; inputs++) {
            eki_graph *graph = start();
            eki_value *in[6], *out = value(graph, "y");
            eki_node *made;
            node(graph, "com.acme", "MyOp", "x", NULL, "m");
            for (int i = 0; i < inputs; i++) in[i] = value(graph, i % 2 ? "x" : "m");
            OK(eki_graph_add_node(graph, name, "", "", in, inputs, &out, 1, &made, &err));
            ek_status status = eki_graph_infer(graph, NULL, &err);
            assert_true(inputs == 0 || status == EK_OK);
            looked++;
            eki_graph_destroy(graph);
        }
    }
    assert_true(looked > 300);
}

/* x -> Relu -> r -> MyOp -> y, and an input of strings that only MyOp reads. */
static void test_only_what_is_asked_for(void **state) {
    (void)state;
    eki_graph *graph = start();
    const char *outputs[] = {"r"};
    eki_exec_options options = {.mode = EKI_MODE_FILE, .outputs = outputs, .n_outputs = 1};
    eki_exec *exec;
    node(graph, "", "Relu", "x", NULL, "r");
    OK(eki_graph_add_input(graph, declare(graph, "words", EK_DTYPE_NONE, 1, (int64_t[]){(int64_t)1 << 60}), &err));
    node(graph, "com.acme", "MyOp", "r", "words", "y");
    OK(eki_graph_add_output(graph, value(graph, "y"), &err));
    OK(eki_exec_create(graph, &options, &exec, &err));
    assert_true(eki_exec_input_needed(exec, 0));
    assert_false(eki_exec_input_needed(exec, 1));
    eki_shape shapes[2] = {value(graph, "x")->shape, {0}};
    OK(eki_exec_prepare(exec, shapes, &err));
    float *x = eki_exec_input(exec, 0).data;
    for (int i = 0; i < 384; i++) x[i] = (float)(i - 200);
    assert_null(eki_exec_input(exec, 1).data);
    OK(eki_exec_forward(exec, &err));
    const float *r = eki_exec_output(exec, 0).data;
    for (int i = 0; i < 384; i++) assert_true(r[i] == fmaxf((float)(i - 200), 0));
    eki_exec_destroy(exec);
    options.outputs = NULL;
    assert_int_equal(eki_exec_create(graph, &options, &exec, &err), EK_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "com.acme.MyOp"));
    eki_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_is_declared_or_not_known),
        cmocka_unit_test(test_convolution_behind_unknown),
        cmocka_unit_test(test_errors_of_the_file_stay),
        cmocka_unit_test(test_other_types_pass),
        cmocka_unit_test(test_every_operator_blind),
        cmocka_unit_test(test_only_what_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
