/* models.c: the pieces that crafted models are made of, and one model with something of everything. */
#include "models.h"

void add_info(pb *graph, unsigned field, const char *name, const char *dim) {
    pb rows = {0}, columns = {0}, shape = {0}, tensor = {0}, type = {0}, info = {0};
    if (dim != NULL) {
        pb_text(&rows, 2, dim);
    } else {
        pb_int(&rows, 1, 2);
    }
    pb_int(&columns, 1, 4);
    pb_message(&shape, 1, &rows);
    pb_message(&shape, 1, &columns);
    pb_int(&tensor, 1, EK_F32);
    pb_message(&tensor, 2, &shape);
    pb_message(&type, 1, &tensor);
    pb_text(&info, 1, name);
    pb_message(&info, 2, &type);
    pb_message(graph, field, &info);
}

void add_node(pb *graph, const char *op, const char *in, const char *out) {
    pb node = {0};
    pb_text(&node, 1, in);
    pb_text(&node, 2, out);
    pb_text(&node, 3, "n");
    pb_text(&node, 4, op);
    pb_message(graph, 1, &node);
}

void add_tensor(pb *graph, const char *name, int64_t rows, int64_t columns, size_t floats) {
    pb tensor = {0};
    pb_int(&tensor, 1, rows);
    pb_int(&tensor, 1, columns);
    pb_int(&tensor, 2, EK_F32);
    pb_text(&tensor, 8, name);
    float *data = calloc(floats + 1, sizeof *data);
    for (size_t i = 0; data != NULL && i < floats; i++) data[i] = (float)i;
    pb_bytes(&tensor, 9, data, floats * sizeof *data);
    free(data);
    pb_message(graph, 5, &tensor);
}

void relu_graph(pb *graph) {
    add_node(graph, "Relu", "x", "y");
    pb_text(graph, 2, "g");
    add_info(graph, 11, "x", "batch");
    add_info(graph, 12, "y", "batch");
}

static void add_opset(pb *model, const char *domain, int64_t version) {
    pb opset = {0};
    pb_text(&opset, 1, domain);
    pb_int(&opset, 2, version);
    pb_message(model, 8, &opset);
}

void finish_model(pb *model, pb *graph) {
    pb_int(model, 1, 8);
    pb_text(model, 2, "test");
    pb_message(model, 7, graph);
    add_opset(model, "", 17);
}

static void begin_attr(pb *attr, const char *name, int type) {
    pb_text(attr, 1, name);
    pb_int(attr, 20, type);
}

static void add_scalars(pb *node) {
    pb f = {0}, i = {0}, s = {0}, bare = {0};
    begin_attr(&f, "f", 1);
    pb_float(&f, 2, 0.5f);
    pb_text(&f, 13, "documentation of f");
    pb_message(node, 5, &f);
    begin_attr(&i, "i", 2);
    pb_int(&i, 3, -7);
    pb_message(node, 5, &i);
    begin_attr(&s, "s", 3);
    pb_bytes(&s, 4, "a\0b", 3);
    pb_message(node, 5, &s);
    pb_text(&bare, 1, "no_type"); /* as in IR version 1 */
    pb_int(&bare, 3, 9);
    pb_message(node, 5, &bare);
}

static void add_lists(pb *node) {
    pb floats = {0}, ints = {0}, packed = {0}, strings = {0}, numbers = {0};
    begin_attr(&floats, "floats", 6);
    pb_float(&floats, 7, 1.5f);
    pb_float(&floats, 7, -2.5f);
    pb_message(node, 5, &floats);
    begin_attr(&ints, "ints", 7);
    pb_int(&ints, 8, -1);
    pb_int(&ints, 8, INT64_MAX);
    pb_message(node, 5, &ints);
    begin_attr(&packed, "packed", 7);
    pb_number(&numbers, 300);
    pb_number(&numbers, 4);
    pb_message(&packed, 8, &numbers);
    pb_int(&packed, 8, 5);
    pb_message(node, 5, &packed);
    begin_attr(&strings, "strings", 8);
    pb_text(&strings, 9, "one");
    pb_text(&strings, 9, "");
    pb_message(node, 5, &strings);
}

static void add_others(pb *node) {
    pb t = {0}, g = {0}, value = {0}, inner = {0}, future = {0};
    begin_attr(&t, "t", 4);
    pb_int(&value, 1, 2);
    pb_int(&value, 2, EK_I64);
    pb_int(&value, 7, -3);
    pb_int(&value, 7, 3);
    pb_text(&value, 8, "name of t");
    pb_message(&t, 5, &value);
    pb_message(node, 5, &t);
    begin_attr(&g, "g", 5);
    relu_graph(&inner);
    pb_message(&g, 6, &inner);
    pb_message(node, 5, &g);
    begin_attr(&future, "future", 99);
    pb_text(&future, 70, "later");
    pb_message(node, 5, &future);
}

void rich_model(pb *model) {
    pb graph = {0}, node = {0}, function = {0}, entry = {0};
    add_tensor(&graph, "w", 2, 4, 8);
    add_node(&graph, "Relu", "x", "h");
    pb_text(&graph, 10, "documentation of the graph");
    pb_text(&node, 1, "h");
    pb_text(&node, 1, "");
    pb_text(&node, 1, "w");
    pb_text(&node, 2, "y");
    pb_text(&node, 2, "");
    pb_text(&node, 4, "Custom");
    pb_text(&node, 6, "documentation of the node");
    pb_text(&node, 7, "com.example");
    pb_text(&node, 77, "unknown field of the node");
    add_scalars(&node);
    add_lists(&node);
    add_others(&node);
    pb_message(&graph, 1, &node);
    pb_text(&graph, 2, "rich");
    add_info(&graph, 11, "x", "batch");
    add_info(&graph, 11, "w", NULL);
    add_info(&graph, 12, "y", "");
    add_info(&graph, 13, "h", "batch");
    add_info(&graph, 13, "inside a function", NULL);
    pb_text(&graph, 88, "unknown field of the graph");
    finish_model(model, &graph);
    add_opset(model, "com.example", 1);
    pb_text(&entry, 1, "key");
    pb_text(&entry, 2, "value");
    pb_message(model, 14, &entry);
    pb_text(&function, 1, "Custom2");
    pb_message(model, 25, &function);
    pb_int(model, 99, 12345);
}

broken_list broken_cases(int list) {
    switch (list) {
    case 0: return broken_wire();
    case 1: return broken_graphs();
    case 2: return broken_tensors();
    default: return broken_bombs();
    }
}
