/* Does every operator name its node and its file when an input has a wrong type, or an attribute? */
#include "op_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 3 };

/* One node of an operator with float inputs but for `wrong`, which are of a type that nothing computes with. */
static eki_node *odd_node(op_test *t, const eki_op *op, eki_opcode code, int n_in, int wrong) {
    eki_value *in[INPUTS];
    op_begin(t, 23);
    t->graph->path = "odd.onnx";
    for (int i = 0; i < n_in; i++) {
        in[i] = op_input(t, SHAPE(2, 3, 4, 4), NULL);
        if (i == wrong) in[i]->dtype = EK_STRING;
    }
    eki_node *node = op_node(t, op->name, 1, in, (size_t)n_in);
    assert_int_equal(node->op, code);
    op_output(t, node->out[0]);
    return node;
}

/* Whether it fails; then with names: of an input that is of no use to anybody, its own. */
static bool fails(op_test *t, const eki_node *node) {
    char label[192];
    ek_status status = eki_exec_create(t->graph, &t->options, &t->exec, &t->err);
    if (status == EK_OK) status = eki_exec_prepare(t->exec, t->shapes, &t->err);
    if (status == EK_OK) status = eki_exec_forward(t->exec, &t->err);
    bool named = strstr(t->err.text, eki_node_label(node, label)) != NULL || strstr(t->err.text, "'x") != NULL;
    named = named && strncmp(t->err.text, "odd.onnx: ", 10) == 0;
    if (status != EK_OK && !named) fail_msg("%s: an error without a name: '%s'", label, t->err.text);
    op_end(t);
    return status != EK_OK;
}

static void wrong_types(void **state) {
    (void)state;
    op_test t;
    for (int code = EKI_OP_NONE + 1; code < EKI_OPS; code++) {
        const eki_op *op = eki_op_find((eki_opcode)code, 23);
        int failed = 0;
        for (int i = 0; op != NULL && i < INPUTS * INPUTS; i++) {
            int n_in = i / INPUTS + 1, wrong = i % INPUTS;
            if (wrong < n_in) failed += fails(&t, odd_node(&t, op, (eki_opcode)code, n_in, wrong));
        }
        if (op != NULL && failed == 0) fail_msg("%s takes text everywhere", op->name);
    }
}

static void wrong_attributes(void **state) {
    (void)state;
    static const char *const names[] = {"axis",  "axes", "perm",    "pads",       "strides", "kernel_shape",
                                        "group", "to",   "epsilon", "num_groups", "value",   "scales",
                                        "size",  "mode", "p",       "split"};
    op_test t;
    for (int code = EKI_OP_NONE + 1; code < EKI_OPS; code++) {
        const eki_op *op = eki_op_find((eki_opcode)code, 23);
        for (size_t i = 0; op != NULL && i < INPUTS * COUNT(names); i++) {
            eki_node *node = odd_node(&t, op, (eki_opcode)code, (int)(i / COUNT(names)) + 1, -1);
            if (i % 2 == 0) op_set_string(&t, node, names[i % COUNT(names)], "much");
            if (i % 2 != 0) op_set_ints(&t, node, names[i % COUNT(names)], I(-7, INT64_MAX, INT64_MIN), 3);
            (void)fails(&t, node);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(wrong_types), cmocka_unit_test(wrong_attributes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
