/* hard_models.c: what the specification or protobuf allows, and a reader that is too strict or too tidy gets wrong. */
#include "hard_models.h"

#include <stdio.h>

static void add_entry(pb *message, unsigned field, const char *key, const char *value) {
    pb entry = {0};
    pb_text(&entry, 1, key);
    if (value != NULL) pb_text(&entry, 2, value);
    pb_message(message, field, &entry);
}

static void add_opset(pb *message, unsigned field, const char *domain, int64_t version) {
    pb opset = {0};
    if (domain != NULL) pb_text(&opset, 1, domain);
    pb_int(&opset, 2, version);
    pb_message(message, field, &opset);
}

static void simple(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    finish_model(file, &graph);
}

/* ---- keys that come twice ---- */

static void metadata_twice(pb *file) {
    simple(file);
    add_entry(file, 14, "k", "first");
    add_entry(file, 14, "other", NULL);
    add_entry(file, 14, "k", "second");
    add_entry(file, 14, "k", "second");
    add_entry(file, 14, "", "no key");
}

static void value_info_twice(pb *file) {
    pb graph = {0};
    add_node(&graph, "Relu", "x", "h");
    add_node(&graph, "Relu", "h", "y");
    add_info(&graph, 13, "h", "batch");
    add_info(&graph, 11, "x", "batch");
    add_info(&graph, 12, "y", NULL);
    add_info(&graph, 13, "h", NULL);
    add_info(&graph, 13, "x", "other");
    finish_model(file, &graph);
}

static void opset_twice(pb *file) {
    simple(file);
    add_opset(file, 8, NULL, 17);
    add_opset(file, 8, "ai.onnx", 17);
    add_opset(file, 8, "com.example", 1);
    add_opset(file, 8, "com.example", 1);
}

static void node_name_twice(pb *file) {
    pb graph = {0};
    add_node(&graph, "Relu", "x", "h");
    add_node(&graph, "Relu", "h", "y");
    add_info(&graph, 11, "x", "batch");
    add_info(&graph, 12, "y", "batch");
    finish_model(file, &graph);
}

/* ---- order ---- */

static void unsorted_nodes(pb *file) {
    pb graph = {0};
    add_node(&graph, "Relu", "b", "y");
    add_node(&graph, "Neg", "a", "b");
    add_node(&graph, "Abs", "x", "a");
    add_node(&graph, "Exp", "b", "unused");
    add_info(&graph, 11, "x", "batch");
    add_info(&graph, 12, "y", "batch");
    finish_model(file, &graph);
}

static void graph_last_names_first(pb *file) {
    pb graph = {0};
    add_info(&graph, 12, "y", "batch");
    pb_text(&graph, 10, "documentation");
    add_info(&graph, 11, "x", "batch");
    pb_text(&graph, 2, "g");
    add_node(&graph, "Add", "x", "y");
    add_tensor(&graph, "w", 2, 4, 8);
    add_opset(file, 8, "", 17);
    pb_message(file, 7, &graph);
    pb_int(file, 1, 8);
}

/* ---- graphs in graphs ---- */

static void branch(pb *node, const char *name, const char *op, const char *reads, const char *gives) {
    pb attr = {0}, graph = {0};
    add_node(&graph, op, reads, gives);
    add_tensor(&graph, "w", 2, 4, 8); /* hides the outer one */
    add_info(&graph, 12, gives, "batch");
    pb_text(&attr, 1, name);
    pb_message(&attr, 6, &graph);
    pb_int(&attr, 20, 5);
    pb_message(node, 5, &attr);
}

static void captured_names(pb *file) {
    pb graph = {0}, node = {0};
    add_node(&graph, "Relu", "x", "h");
    pb_text(&node, 1, "condition");
    pb_text(&node, 2, "y");
    pb_text(&node, 4, "If");
    branch(&node, "then_branch", "Neg", "h", "t");
    branch(&node, "else_branch", "Abs", "x", "e");
    pb_message(&graph, 1, &node);
    add_tensor(&graph, "w", 2, 4, 8);
    add_info(&graph, 11, "x", "batch");
    add_info(&graph, 11, "condition", NULL);
    add_info(&graph, 12, "y", "batch");
    finish_model(file, &graph);
}

static void captured_before_it_is_made(pb *file) {
    pb graph = {0}, node = {0};
    pb_text(&node, 1, "condition");
    pb_text(&node, 2, "y");
    pb_text(&node, 4, "If");
    branch(&node, "then_branch", "Neg", "h", "t");
    branch(&node, "else_branch", "Abs", "h", "e");
    pb_message(&graph, 1, &node);
    add_node(&graph, "Relu", "x", "h");
    add_info(&graph, 11, "x", "batch");
    add_info(&graph, 11, "condition", NULL);
    add_info(&graph, 12, "y", "batch");
    finish_model(file, &graph);
}

static void functions(pb *file) {
    pb function = {0}, empty = {0}, node = {0}, attr = {0};
    simple(file);
    pb_text(&function, 1, "F");
    pb_text(&function, 4, "a");
    pb_text(&function, 4, "");
    pb_text(&function, 5, "b");
    pb_text(&function, 6, "alpha");
    pb_text(&node, 1, "a");
    pb_text(&node, 2, "b");
    pb_text(&node, 4, "LeakyRelu");
    pb_text(&attr, 1, "alpha");
    pb_text(&attr, 21, "alpha");
    pb_int(&attr, 20, 1);
    pb_message(&node, 5, &attr);
    pb_message(&function, 7, &node);
    add_opset(&function, 9, "", 17);
    pb_text(&function, 10, "com.example");
    add_info(&function, 12, "b", "batch");
    pb_text(&function, 13, "overload");
    pb_message(file, 25, &function);
    pb_message(file, 25, &empty);
}

/* ---- little in them ---- */

static void empty_messages(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    for (unsigned field = 13; field <= 16; field++) pb_bytes(&graph, field, "", 0);
    finish_model(file, &graph);
    pb_bytes(file, 14, "", 0);
    pb_bytes(file, 20, "", 0);
    pb_bytes(file, 25, "", 0);
    pb_text(file, 3, "");
}

static void add_empty_tensor(pb *graph, const char *name, int with_raw) {
    pb tensor = {0};
    pb_int(&tensor, 1, 0);
    pb_int(&tensor, 1, 4);
    pb_int(&tensor, 2, EK_F32);
    pb_text(&tensor, 8, name);
    if (with_raw) pb_bytes(&tensor, 9, "", 0);
    pb_bytes(&tensor, 4, "", 0);
    pb_message(graph, 5, &tensor);
}

static void empty_tensors(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    add_empty_tensor(&graph, "with", 1);
    add_empty_tensor(&graph, "without", 0);
    finish_model(file, &graph);
}

static void untyped_values(pb *file) {
    pb graph = {0}, input = {0}, output = {0}, type = {0};
    add_node(&graph, "Relu", "x", "y");
    pb_text(&input, 1, "x");
    pb_message(&graph, 11, &input);
    pb_text(&output, 1, "y");
    pb_message(&output, 2, &type);
    pb_message(&graph, 12, &output);
    finish_model(file, &graph);
}

static void input_is_output(pb *file) {
    pb graph = {0};
    add_info(&graph, 11, "x", "batch");
    add_info(&graph, 12, "x", "batch");
    add_tensor(&graph, "w", 2, 4, 8);
    add_info(&graph, 12, "w", NULL);
    finish_model(file, &graph);
}

/* ---- much in them ---- */

static void high_rank(pb *file) {
    pb graph = {0}, tensor = {0}, shape = {0}, tensor_type = {0}, type = {0}, info = {0};
    const float number = 1;
    relu_graph(&graph);
    for (int i = 0; i < 12; i++) {
        pb dim = {0};
        pb_int(&tensor, 1, 1);
        pb_int(&dim, 1, 1);
        pb_message(&shape, 1, &dim);
    }
    pb_int(&tensor, 2, EK_F32);
    pb_text(&tensor, 8, "deep");
    pb_bytes(&tensor, 9, &number, sizeof number);
    pb_message(&graph, 5, &tensor);
    pb_int(&tensor_type, 1, EK_F32);
    pb_message(&tensor_type, 2, &shape);
    pb_message(&type, 1, &tensor_type);
    pb_text(&info, 1, "deep");
    pb_message(&info, 2, &type);
    pb_message(&graph, 11, &info);
    finish_model(file, &graph);
}

static void long_tags(pb *file) {
    static const unsigned char version[] = {0x88, 0x80, 0x00, 0x88, 0x80, 0x80, 0x00}; /* field 1 = 8, in 7 bytes */
    pb graph = {0};
    relu_graph(&graph);
    pb_raw(file, version, sizeof version);
    pb_message(file, 7, &graph);
    add_opset(file, 8, "", 17);
}

/* Files of 2017 have no opset_import; the specification says what holds then. */
static void before_opsets(pb *file) {
    pb graph = {0};
    relu_graph(&graph);
    pb_int(file, 1, 2);
    pb_message(file, 7, &graph);
}

const hard_model hard_models[] = {
    {"metadata keys twice", metadata_twice},
    {"value_info twice", value_info_twice},
    {"opset imports twice", opset_twice},
    {"node names twice", node_name_twice},
    {"unsorted nodes", unsorted_nodes},
    {"fields in no usual order", graph_last_names_first},
    {"captured names", captured_names},
    {"captured before it is made", captured_before_it_is_made},
    {"functions", functions},
    {"empty messages", empty_messages},
    {"empty tensors", empty_tensors},
    {"values without type", untyped_values},
    {"an input that is an output", input_is_output},
    {"rank 12", high_rank},
    {"tags longer than needed", long_tags},
    {"IR version 2 without opset_import", before_opsets},
};

const size_t n_hard_models = sizeof hard_models / sizeof *hard_models;
