/* broken_graphs.c: models whose messages are well formed and whose graph is not. */
#include "models.h"

static void no_graph(pb *file) {
    pb_int(file, 1, 8);
    pb_text(file, 2, "test");
}

static void no_opset(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    pb_int(file, 1, 3);
    pb_message(file, 7, &graph);
}

static void opsets(pb *file, int64_t first, int64_t second) {
    pb graph = {0}, opset = {0};
    relu_graph(&graph);
    pb_message(file, 7, &graph);
    pb_int(&opset, 2, first);
    pb_message(file, 8, &opset);
    pb_text(&opset, 1, "ai.onnx");
    pb_int(&opset, 2, second);
    pb_message(file, 8, &opset);
}

static void two_opsets(pb *file) { opsets(file, 17, 18); }
static void opset_zero(pb *file) { opsets(file, 0, 17); }
static void opset_negative(pb *file) { opsets(file, -3, 17); }

static void future_ir(pb *file) {
    pb graph = {0}, opset = {0};
    relu_graph(&graph);
    pb_int(file, 1, 1000);
    pb_message(file, 7, &graph);
    pb_int(&opset, 2, 1000);
    pb_message(file, 8, &opset);
}

static void cycle(pb *file) {
    pb graph = {0};
    add_node(&graph, "Relu", "b", "a");
    add_node(&graph, "Relu", "a", "b");
    add_info(&graph, 12, "b", NULL);
    finish_model(file, &graph);
}

static void self_reference(pb *file) {
    pb graph = {0};
    add_node(&graph, "Relu", "y", "y");
    add_info(&graph, 12, "y", NULL);
    finish_model(file, &graph);
}

static void two_producers(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    add_node(&graph, "Sigmoid", "x", "y");
    finish_model(file, &graph);
}

static void output_twice_in_node(pb *file) {
    pb graph = {0}, node = {0};
    relu_graph(&graph);
    pb_text(&node, 1, "x");
    pb_text(&node, 2, "z");
    pb_text(&node, 2, "z");
    pb_text(&node, 4, "Split");
    pb_message(&graph, 1, &node);
    finish_model(file, &graph);
}

static void writes_input(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    add_node(&graph, "Relu", "y", "x");
    finish_model(file, &graph);
}

static void writes_initializer(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    add_tensor(&graph, "w", 1, 4, 4);
    add_node(&graph, "Relu", "x", "w");
    finish_model(file, &graph);
}

static void undefined_input(pb *file) {
    pb graph = {0};
    add_node(&graph, "Relu", "nowhere", "y");
    add_info(&graph, 12, "y", NULL);
    finish_model(file, &graph);
}

static void dangling_output(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    add_info(&graph, 12, "z", NULL);
    finish_model(file, &graph);
}

static void no_output(pb *file) {
    pb graph = {0};
    add_node(&graph, "Relu", "x", "y");
    add_info(&graph, 11, "x", NULL);
    finish_model(file, &graph);
}

static void listed(pb *file, unsigned field, const char *name) {
    pb graph = {0};
    relu_graph(&graph);
    add_info(&graph, field, name, NULL);
    finish_model(file, &graph);
}

static void input_twice(pb *file) { listed(file, 11, "x"); }
static void output_twice(pb *file) { listed(file, 12, "y"); }
static void nameless_input(pb *file) { listed(file, 11, ""); }

static void no_op_type(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    add_node(&graph, "", "x", "z");
    finish_model(file, &graph);
}

static void disorder(pb *file) {
    pb graph = {0};
    add_node(&graph, "Relu", "b", "y");
    add_node(&graph, "Relu", "a", "b");
    add_node(&graph, "Relu", "x", "a");
    add_info(&graph, 11, "x", NULL);
    add_info(&graph, 12, "y", NULL);
    finish_model(file, &graph);
}

/* A node with the attribute that `attr` holds, twice if wanted. */
static void with_attr(pb *file, pb *attr, int times) {
    pb graph = {0}, node = {0};
    relu_graph(&graph);
    pb_text(&node, 2, "z");
    pb_text(&node, 3, "culprit");
    pb_text(&node, 4, "Custom");
    for (int i = 0; i < times; i++) pb_bytes(&node, 5, attr->data, attr->size);
    pb_free(attr);
    pb_message(&graph, 1, &node);
    finish_model(file, &graph);
}

static void attr_twice(pb *file) {
    pb attr = {0};
    pb_text(&attr, 1, "axis");
    pb_int(&attr, 20, 2);
    with_attr(file, &attr, 2);
}

static void attr_nameless(pb *file) {
    pb attr = {0};
    pb_int(&attr, 20, 2);
    with_attr(file, &attr, 1);
}

static void attr_mistyped(pb *file) {
    pb attr = {0};
    pb_text(&attr, 1, "axis");
    pb_int(&attr, 20, 2);
    pb_float(&attr, 7, 1.0f);
    with_attr(file, &attr, 1);
}

static void attr_without_tensor(pb *file) {
    pb attr = {0};
    pb_text(&attr, 1, "value");
    pb_int(&attr, 20, 4);
    with_attr(file, &attr, 1);
}

static void many_attrs(pb *file) {
    pb attr = {0};
    pb_text(&attr, 1, "axis");
    with_attr(file, &attr, 300);
}

static void sparse(pb *file) {
    pb graph = {0}, tensor = {0};
    relu_graph(&graph);
    pb_message(&graph, 15, &tensor);
    finish_model(file, &graph);
}

static const broken_case cases[] = {
    {"no graph", no_graph, EK_ERR_FORMAT, "the file has no graph"},
    {"no opset", no_opset, EK_ERR_FORMAT, "no opset_import (ir_version 3)"},
    {"two opsets", two_opsets, EK_ERR_FORMAT, "twice, with version 17 and 18"},
    {"opset 0", opset_zero, EK_ERR_FORMAT, "version 0, expected 1 or more"},
    {"negative opset", opset_negative, EK_ERR_FORMAT, "version -3"},
    {"future IR and opset", future_ir, EK_OK, ""},
    {"cycle", cycle, EK_ERR_FORMAT, "the graph has a cycle through node 'n' (Relu)"},
    {"self reference", self_reference, EK_ERR_FORMAT, "cycle"},
    {"two producers", two_producers, EK_ERR_FORMAT, "already the output of another node"},
    {"output twice in a node", output_twice_in_node, EK_ERR_FORMAT, "value 'z' is written by"},
    {"node writes an input", writes_input, EK_ERR_FORMAT, "already an input or initializer"},
    {"node writes an initializer", writes_initializer, EK_ERR_FORMAT, "already an input or initializer"},
    {"undefined input", undefined_input, EK_ERR_FORMAT, "reads 'nowhere'"},
    {"dangling output", dangling_output, EK_ERR_FORMAT, "graph output 'z' is produced by no node"},
    {"no output", no_output, EK_ERR_FORMAT, "the graph has no output"},
    {"input twice", input_twice, EK_ERR_FORMAT, "graph input 'x' is listed twice"},
    {"output twice", output_twice, EK_ERR_FORMAT, "graph output 'y' is listed twice"},
    {"nameless input", nameless_input, EK_ERR_FORMAT, "a graph input has no name"},
    {"no op_type", no_op_type, EK_ERR_FORMAT, "node 1 'n' (): it has no op_type"},
    {"disorder", disorder, EK_OK, ""},
    {"attribute twice", attr_twice, EK_ERR_FORMAT, "'culprit' (Custom): attribute 'axis' is given twice"},
    {"attribute without name", attr_nameless, EK_ERR_FORMAT, "it has no name"},
    {"mistyped attribute", attr_mistyped, EK_ERR_FORMAT, "attribute 'axis': it is declared an int, but holds floats"},
    {"tensor attribute without tensor", attr_without_tensor, EK_ERR_FORMAT, "it is declared a tensor, but has none"},
    {"300 attributes", many_attrs, EK_ERR_LIMIT, "at most 256 attributes"},
    {"sparse initializer", sparse, EK_OK, ""},
};

broken_list broken_graphs(void) { return (broken_list){cases, sizeof cases / sizeof *cases}; }
