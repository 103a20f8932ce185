/* rich_document.c: built field by field, in the order of onnx.proto where nothing speaks against it. */
#include "rich_document.h"

#include "../onnx/protoread.h"

#include <stdio.h>

/* ---- pieces ---- */

static void entry(pb *message, unsigned field, const char *key, const char *value) {
    pb e = {0};
    pb_text(&e, 1, key);
    pb_text(&e, 2, value);
    pb_message(message, field, &e);
}

static void opset(pb *message, unsigned field, const char *domain, int64_t version) {
    pb o = {0};
    pb_text(&o, 1, domain);
    pb_int(&o, 2, version);
    pb_message(message, field, &o);
}

static void tensor_type(pb *type, unsigned field, const char *symbol) {
    pb dims[2] = {{0}, {0}}, shape = {0}, tensor = {0};
    pb_text(&dims[0], 2, symbol);
    pb_text(&dims[0], 3, "DATA_BATCH");
    pb_int(&dims[1], 1, 4);
    pb_message(&shape, 1, &dims[0]);
    pb_message(&shape, 1, &dims[1]);
    pb_int(&tensor, 1, 1);
    pb_message(&tensor, 2, &shape);
    pb_message(type, field, &tensor);
}

static void value(pb *graph, unsigned field, const char *name, pb *type) {
    pb info = {0};
    pb_text(&info, 1, name);
    pb_message(&info, 2, type);
    pb_text(&info, 3, "about a value");
    pb_message(graph, field, &info);
}

static void float_value(pb *graph, unsigned field, const char *name) {
    pb type = {0};
    tensor_type(&type, 1, "N");
    pb_text(&type, 6, "IMAGE");
    value(graph, field, name, &type);
}

/* A sequence, a map, an optional and a sparse tensor. */
static void other_types(pb *graph) {
    pb element = {0}, kind = {0}, type = {0};
    tensor_type(&element, 1, "N");
    pb_message(&kind, 1, &element);
    pb_message(&type, 4, &kind);
    value(graph, 13, "sequence", &type);
    tensor_type(&element, 1, "N");
    pb_int(&kind, 1, 7);
    pb_message(&kind, 2, &element);
    pb_message(&type, 5, &kind);
    value(graph, 13, "map", &type);
    tensor_type(&element, 1, "N");
    pb_message(&kind, 1, &element);
    pb_message(&type, 9, &kind);
    value(graph, 13, "optional", &type);
    tensor_type(&type, 8, "N");
    value(graph, 13, "sparse", &type);
}

static pb tensor(const char *name, int dtype, int64_t count) {
    pb t = {0};
    pb_int(&t, 1, count);
    pb_int(&t, 2, dtype);
    pb_text(&t, 8, name);
    return t;
}

static pb float_tensor(const char *name) {
    static const float numbers[] = {1, -2, 0.5F, 4};
    pb t = tensor(name, 1, 4);
    pb_text(&t, 12, "about a tensor");
    pb_bytes(&t, 9, numbers, sizeof numbers);
    return t;
}

static pb sparse_tensor(const char *name) {
    pb sparse = {0}, values = float_tensor(name), indices = tensor("", 7, 4);
    for (int i = 0; i < 4; i++) pb_int(&indices, 7, 2 * i);
    pb_message(&sparse, 1, &values);
    pb_message(&sparse, 2, &indices);
    pb_int(&sparse, 3, 100);
    return sparse;
}

/* ---- initializers: one of every way to store numbers ---- */

static void typed(pb *graph, const char *name, int dtype, unsigned field, int packed) {
    pb t = tensor(name, dtype, 3), numbers = {0};
    for (int i = 1; i <= 3; i++) {
        if (packed) {
            pb_number(&numbers, (uint64_t)i);
        } else {
            pb_int(&t, field, i);
        }
    }
    if (packed) pb_message(&t, field, &numbers);
    pb_message(graph, 5, &t);
}

static void reals(pb *graph) {
    static const float floats[] = {1, 2, 3, 4};
    static const double doubles[] = {1, 2, 3, 4};
    pb t = tensor("bias", 1, 4);
    pb_bytes(&t, 4, floats, sizeof floats);
    pb_message(graph, 5, &t);
    t = tensor("doubles", 11, 4);
    pb_bytes(&t, 10, doubles, sizeof doubles);
    pb_message(graph, 5, &t);
}

static void others(pb *graph) {
    static const unsigned char halves[] = {0, 0x3c, 0, 0x40};
    pb t = tensor("text", 8, 2), segment = {0};
    pb_text(&t, 6, "one");
    pb_text(&t, 6, "two");
    pb_message(graph, 5, &t);
    t = tensor("outside", 1, 4);
    entry(&t, 13, "location", "weights.bin");
    entry(&t, 13, "offset", "4");
    entry(&t, 13, "length", "16");
    entry(&t, 13, "checksum", "none");
    pb_int(&t, 14, 1);
    pb_message(graph, 5, &t);
    t = tensor("half", 10, 2);
    pb_bytes(&t, 9, halves, sizeof halves);
    pb_message(graph, 5, &t);
    t = tensor("segment", 1, 4);
    pb_int(&segment, 1, 1);
    pb_int(&segment, 2, 2);
    pb_message(&t, 3, &segment);
    pb_message(graph, 5, &t);
}

static void initializers(pb *graph) {
    pb t = float_tensor("weight");
    pb_message(graph, 5, &t);
    reals(graph);
    typed(graph, "int32", 6, 5, 0);
    typed(graph, "int64", 7, 7, 1);
    typed(graph, "uint64", 13, 11, 1);
    others(graph);
    t = sparse_tensor("sparse_weight");
    pb_message(graph, 15, &t);
}

/* ---- nodes ---- */

static pb attribute(const char *name, int type) {
    pb a = {0};
    pb_text(&a, 1, name);
    pb_int(&a, 20, type);
    return a;
}

static void ints(pb *node, const char *name, int64_t first, int64_t second) {
    pb a = attribute(name, 7);
    pb_int(&a, 8, first);
    pb_int(&a, 8, second);
    pb_message(node, 5, &a);
}

static pb node(const char *op, const char *in, const char *out, const char *name) {
    pb n = {0};
    pb_text(&n, 1, in);
    pb_text(&n, 2, out);
    if (name != NULL) pb_text(&n, 3, name);
    pb_text(&n, 4, op);
    return n;
}

static void conv(pb *graph, const char *in, const char *out, const char *name) {
    pb n = node("Conv", in, out, name), a = attribute("auto_pad", 3);
    pb_text(&n, 1, "weight");
    ints(&n, "pads", 1, 1);
    pb_text(&a, 4, "NOTSET");
    pb_message(&n, 5, &a);
    a = attribute("group", 2);
    pb_int(&a, 3, 1);
    pb_text(&a, 13, "about an attribute");
    pb_message(&n, 5, &a);
    pb_message(graph, 1, &n);
}

static pb inner_graph(const char *out) {
    pb graph = {0}, t = float_tensor("inner_weight");
    conv(&graph, "h", out, "inner");
    pb_text(&graph, 2, "a branch");
    pb_message(&graph, 5, &t);
    float_value(&graph, 12, out);
    return graph;
}

static void numbers(pb *n) {
    pb a = attribute("f", 1);
    pb_float(&a, 2, 0.5F);
    pb_message(n, 5, &a);
    a = attribute("floats", 6);
    pb_float(&a, 7, 1.5F);
    pb_float(&a, 7, 2.5F);
    pb_message(n, 5, &a);
    a = attribute("strings", 8);
    pb_text(&a, 9, "one");
    pb_text(&a, 9, "two");
    pb_message(n, 5, &a);
    a = attribute("reference", 1);
    pb_text(&a, 21, "alpha");
    pb_message(n, 5, &a);
}

static void tensors(pb *n) {
    pb a = attribute("t", 4), t = float_tensor("");
    pb_message(&a, 5, &t);
    pb_message(n, 5, &a);
    a = attribute("tensors", 9);
    for (int i = 0; i < 2; i++) {
        t = float_tensor(i == 0 ? "first" : "second");
        pb_message(&a, 10, &t);
    }
    pb_message(n, 5, &a);
    a = attribute("sparse_tensor", 11);
    t = sparse_tensor("");
    pb_message(&a, 22, &t);
    pb_message(n, 5, &a);
    a = attribute("sparse_tensors", 12);
    t = sparse_tensor("s");
    pb_message(&a, 23, &t);
    pb_message(n, 5, &a);
}

static void types_and_graphs(pb *n) {
    pb a = attribute("tp", 13), type = {0}, graph;
    tensor_type(&type, 1, "N");
    pb_message(&a, 14, &type);
    pb_message(n, 5, &a);
    a = attribute("type_protos", 14);
    tensor_type(&type, 1, "N");
    pb_message(&a, 15, &type);
    pb_message(n, 5, &a);
    a = attribute("graphs", 10);
    for (int i = 0; i < 2; i++) {
        graph = inner_graph(i == 0 ? "g0" : "g1");
        pb_message(&a, 11, &graph);
    }
    pb_message(n, 5, &a);
}

static void nodes(pb *graph) {
    pb n, a, branch;
    conv(graph, "x", "h", "conv1");
    n = node("Custom", "h", "y", "custom");
    pb_text(&n, 1, "");
    pb_text(&n, 1, "bias");
    pb_text(&n, 2, "y2");
    pb_text(&n, 6, "about a node");
    pb_text(&n, 7, "com.example");
    numbers(&n);
    tensors(&n);
    types_and_graphs(&n);
    pb_text(&n, 200, "unknown");
    pb_message(graph, 1, &n);
    n = node("If", "condition", "z", "if_1");
    for (int i = 0; i < 2; i++) {
        a = attribute(i == 0 ? "then_branch" : "else_branch", 5);
        branch = inner_graph(i == 0 ? "t" : "e");
        pb_message(&a, 6, &branch);
        pb_message(&n, 5, &a);
    }
    pb_message(graph, 1, &n);
    n = node("Relu", "z", "r", NULL);
    pb_message(graph, 1, &n);
    n = node("Print", "r", "", NULL);
    pb_message(graph, 1, &n);
}

/* ---- the model ---- */

static void function(pb *model) {
    pb f = {0}, n = node("LeakyRelu", "a", "b", "leaky"), a = attribute("alpha", 1);
    pb_text(&a, 21, "alpha");
    pb_message(&n, 5, &a);
    pb_text(&f, 1, "F");
    pb_text(&f, 4, "a");
    pb_text(&f, 4, "a2");
    pb_text(&f, 5, "b");
    pb_text(&f, 5, "b2");
    pb_text(&f, 6, "alpha");
    pb_text(&f, 6, "beta");
    pb_message(&f, 7, &n);
    n = node("Relu", "a2", "b2", "second");
    pb_message(&f, 7, &n);
    pb_text(&f, 8, "about a function");
    opset(&f, 9, "", 17);
    opset(&f, 9, "com.example", 1);
    pb_text(&f, 10, "com.example");
    pb_message(model, 25, &f);
}

static void training(pb *model) {
    pb t = {0}, graph = inner_graph("initial");
    pb_message(&t, 1, &graph);
    graph = inner_graph("step");
    pb_message(&t, 2, &graph);
    entry(&t, 3, "weight", "initial");
    entry(&t, 4, "weight", "step");
    entry(&t, 4, "bias", "step");
    pb_message(model, 20, &t);
}

static void annotations(pb *graph) {
    pb a = {0};
    pb_text(&a, 1, "h");
    entry(&a, 2, "SCALE_TENSOR", "scale");
    entry(&a, 2, "ZERO_POINT_TENSOR", "zero");
    pb_message(graph, 14, &a);
}

void rich_document(pb *file) {
    pb graph = {0};
    nodes(&graph);
    pb_text(&graph, 2, "main");
    initializers(&graph);
    pb_text(&graph, 10, "about a graph");
    float_value(&graph, 11, "x");
    float_value(&graph, 11, "condition");
    float_value(&graph, 11, "bias"); /* an initializer too */
    float_value(&graph, 12, "y");
    float_value(&graph, 12, "r");
    float_value(&graph, 13, "h");
    other_types(&graph);
    annotations(&graph);
    pb_text(&graph, 201, "unknown");
    pb_int(file, 1, 8);
    pb_text(file, 2, "a producer");
    pb_text(file, 3, "1.0");
    pb_text(file, 4, "org.example");
    pb_int(file, 5, 3);
    pb_text(file, 6, "about a model");
    pb_message(file, 7, &graph);
    opset(file, 8, "", 17);
    opset(file, 8, "com.example", 2);
    entry(file, 14, "key", "value");
    entry(file, 14, "other", "more");
    training(file);
    function(file);
    pb_int(file, 202, 5);
    pb_int(file, 202, 6);
}

/* ---- changes ---- */

typedef struct change {
    change_kind kind;
    double number;
    const char *text;
} change;

static void put(pb *out, uint32_t field, const change *c) {
    if (c->kind == SET_INT || c->kind == ADD_INT) pb_int(out, field, (int64_t)c->number);
    if (c->kind == SET_FLOAT) pb_float(out, field, (float)c->number);
    if (c->kind == SET_TEXT || c->kind == ADD_TEXT) pb_text(out, field, c->text);
}

static int apply(const unsigned char *at, const unsigned char *end, const char *path, const change *c, pb *out);

/* The field that the path ends at. */
static void apply_here(const pb_field *f, const unsigned char *field_end, const unsigned char *end, const change *c,
                       const unsigned char **at, pb *out) {
    pb_field next;
    const unsigned char *ahead = field_end;
    switch (c->kind) {
    case REMOVE: return;
    case REPEAT:
        pb_raw(out, f->start, (size_t)(field_end - f->start));
        pb_raw(out, f->start, (size_t)(field_end - f->start));
        return;
    case SWAP:
        while (pb_next(&ahead, end, &next) && next.number != f->number) {
        }
        pb_raw(out, next.start, (size_t)(ahead - next.start));
        pb_raw(out, field_end, (size_t)(next.start - field_end));
        pb_raw(out, f->start, (size_t)(field_end - f->start));
        *at = ahead;
        return;
    default: put(out, f->number, c);
    }
}

static int apply(const unsigned char *at, const unsigned char *end, const char *path, const change *c, pb *out) {
    char *rest;
    unsigned long number = strtoul(path, &rest, 10), skip = *rest == '.' ? strtoul(rest + 1, &rest, 10) : 0;
    int last = *rest == '\0', found = 0;
    if (last && (c->kind == ADD_INT || c->kind == ADD_TEXT)) {
        pb_raw(out, at, (size_t)(end - at));
        put(out, (uint32_t)number, c);
        return 1;
    }
    for (pb_field f; pb_next(&at, end, &f);) {
        if (f.number != number || found || skip-- > 0) {
            pb_raw(out, f.start, (size_t)(at - f.start));
        } else if (last) {
            apply_here(&f, at, end, c, &at, out);
            found = 1;
        } else {
            pb inside = {0};
            found = apply(f.data, f.data + f.size, rest + 1, c, &inside);
            pb_message(out, f.number, &inside);
        }
    }
    return found;
}

int change_at(const pb *file, const char *path, change_kind kind, double number, const char *text, pb *out) {
    const change c = {kind, number, text};
    return apply(file->data, file->data + file->size, path, &c, out);
}
