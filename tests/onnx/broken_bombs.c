/* broken_bombs.c: small files that would cost a careless reader its stack, its memory or its time. */
#include "models.h"

#include <stdio.h>

/* Wraps `inner` again and again in length-delimited fields, from the inside out, without copying it each time. */
typedef struct shell {
    unsigned field;
} shell;

static void nest(pb *file, const shell *shells, size_t kinds, size_t levels) {
    size_t room = levels * kinds * 8 + 16, at = room;
    unsigned char *bytes = malloc(room);
    if (bytes == NULL) abort();
    for (size_t i = 0; i < levels * kinds; i++) {
        pb head = {0};
        pb_tag(&head, shells[kinds - 1 - i % kinds].field, 2);
        pb_number(&head, room - at);
        at -= head.size;
        memcpy(bytes + at, head.data, head.size);
        pb_free(&head);
    }
    pb_raw(file, bytes + at, room - at);
    free(bytes);
}

/* graph -> node -> attribute -> g -> node ... */
static void graphs(pb *file, size_t levels) {
    const shell shells[] = {{1}, {5}, {6}};
    pb graph = {0};
    nest(&graph, shells, 3, levels);
    finish_model(file, &graph);
}

static void types(pb *file, size_t levels) {
    const shell shells[] = {{4}, {1}}; /* TypeProto.sequence_type -> Sequence.elem_type */
    pb graph = {0}, info = {0}, type = {0};
    nest(&type, shells, 2, levels);
    pb_text(&info, 1, "x");
    pb_message(&info, 2, &type);
    pb_message(&graph, 11, &info);
    finish_model(file, &graph);
}

/* A node with the graph as its body, into another graph. */
static void wrap(pb *graph, pb *body) {
    pb attr = {0}, node = {0};
    pb_text(&attr, 1, "body");
    pb_int(&attr, 20, 5);
    pb_message(&attr, 6, body);
    pb_text(&node, 2, "z");
    pb_text(&node, 4, "If");
    pb_message(&node, 5, &attr);
    pb_message(graph, 1, &node);
}

static void graphs_31(pb *file) {
    pb graph = {0}, body = {0};
    for (int i = 0; i < 29; i++) {
        pb outer = {0};
        wrap(&outer, &body);
        body = outer;
    }
    relu_graph(&graph);
    wrap(&graph, &body);
    finish_model(file, &graph);
}

static void graphs_33(pb *file) { graphs(file, 33); }
static void graphs_30_kb(pb *file) { graphs(file, 3000); }
static void graphs_100_kb(pb *file) { graphs(file, 9000); }
static void types_30_kb(pb *file) { types(file, 5000); }

/* The field again and again, empty, until there are 4 MB. */
static void repeat(pb *file, unsigned field) {
    pb graph = {0}, item = {0};
    relu_graph(&graph);
    pb_bytes(&item, field, "", 0);
    while (graph.size < (size_t)4 << 20) pb_raw(&graph, item.data, item.size);
    pb_free(&item);
    finish_model(file, &graph);
}

static void empty_nodes(pb *file) { repeat(file, 1); }
static void empty_initializers(pb *file) { repeat(file, 5); }
static void empty_inputs(pb *file) { repeat(file, 11); }
static void empty_value_infos(pb *file) { repeat(file, 13); }
static void unknown_fields(pb *file) { repeat(file, 99); }

/* One node with 4 MB of empty fields. */
static void one_node(pb *file, unsigned field) {
    pb graph = {0}, node = {0}, item = {0};
    relu_graph(&graph);
    pb_text(&node, 4, "Concat");
    pb_bytes(&item, field, "", 0);
    while (node.size < (size_t)4 << 20) pb_raw(&node, item.data, item.size);
    pb_free(&item);
    pb_message(&graph, 1, &node);
    finish_model(file, &graph);
}

static void empty_attributes(pb *file) { one_node(file, 5); }
static void empty_node_inputs(pb *file) { one_node(file, 1); }
static void unknown_node_fields(pb *file) { one_node(file, 50); }

/* Unknown and known fields in turn, so that what is kept cannot be borrowed as one piece. */
static void interleaved(pb *file) {
    pb graph = {0}, node = {0};
    relu_graph(&graph);
    pb_text(&node, 4, "Concat");
    while (node.size < (size_t)2 << 20) {
        pb_text(&node, 1, "x");
        pb_text(&node, 50, "?");
    }
    pb_message(&graph, 1, &node);
    finish_model(file, &graph);
}

static void metadata(pb *file) {
    pb graph = {0}, entry = {0};
    relu_graph(&graph);
    for (int i = 0; i < 5000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        pb_text(&entry, 1, key);
        pb_message(file, 14, &entry);
    }
    finish_model(file, &graph);
}

/* 3000 local functions, each calling the next, the last the first: kept as they are, never followed. */
static void chained_functions(pb *file) {
    enum { FUNCTIONS = 3000 };
    pb graph = {0}, call = {0};
    char name[16];
    pb_text(&call, 1, "x");
    pb_text(&call, 2, "y");
    pb_text(&call, 4, "f0");
    pb_text(&call, 7, "local");
    pb_message(&graph, 1, &call);
    add_info(&graph, 11, "x", NULL);
    add_info(&graph, 12, "y", NULL);
    finish_model(file, &graph);
    for (int i = 0; i < FUNCTIONS; i++) {
        pb function = {0}, node = {0};
        (void)snprintf(name, sizeof name, "f%d", i);
        pb_text(&function, 1, name);
        pb_text(&function, 4, "x");
        pb_text(&function, 5, "y");
        (void)snprintf(name, sizeof name, "f%d", (i + 1) % FUNCTIONS);
        pb_text(&node, 1, "x");
        pb_text(&node, 2, "y");
        pb_text(&node, 4, name);
        pb_text(&node, 7, "local");
        pb_message(&function, 7, &node);
        pb_text(&function, 10, "local");
        pb_message(file, 25, &function);
    }
}

static void small_numbers(pb *file) {
    pb graph = {0}, tensor = {0};
    size_t count = (size_t)20 << 20;
    unsigned char *ones = malloc(count);
    if (ones == NULL) abort();
    memset(ones, 1, count);
    relu_graph(&graph);
    pb_int(&tensor, 1, (int64_t)count);
    pb_int(&tensor, 2, EK_I64);
    pb_bytes(&tensor, 7, ones, count);
    pb_text(&tensor, 8, "w");
    pb_message(&graph, 5, &tensor);
    finish_model(file, &graph);
    free(ones);
}

static const broken_case cases[] = {
    {"31 nested graphs", graphs_31, EK_OK, ""},
    {"33 nested graphs", graphs_33, EK_ERR_LIMIT, "graphs are nested more than 32 deep"},
    {"30 KB of nested graphs", graphs_30_kb, EK_ERR_LIMIT, "graphs are nested more than 32 deep"},
    {"100 KB of nested graphs", graphs_100_kb, EK_ERR_LIMIT, "graphs are nested more than 32 deep"},
    {"30 KB of nested types", types_30_kb, EK_ERR_LIMIT, "messages are nested more than 100 deep"},
    {"4 MB of empty nodes", empty_nodes, EK_ERR_LIMIT, "raise the budget"},
    {"4 MB of empty initializers", empty_initializers, EK_ERR_LIMIT, "raise the budget"},
    {"4 MB of empty inputs", empty_inputs, EK_ERR_LIMIT, "raise the budget"},
    {"4 MB of empty value_infos", empty_value_infos, EK_OK, ""},
    {"4 MB of unknown fields", unknown_fields, EK_OK, ""},
    {"4 MB of empty attributes", empty_attributes, EK_ERR_LIMIT, "at most 256 attributes"},
    {"4 MB of empty node inputs", empty_node_inputs, EK_OK, ""},
    {"4 MB of unknown node fields", unknown_node_fields, EK_OK, ""},
    {"unknown fields between known ones", interleaved, EK_OK, ""},
    {"5000 metadata entries", metadata, EK_ERR_LIMIT, "more than 4096 metadata_props"},
    {"3000 functions in a circle", chained_functions, EK_OK, ""},
    {"20 MB of one-byte int64", small_numbers, EK_ERR_LIMIT, "raise the budget"},
};

broken_list broken_bombs(void) { return (broken_list){cases, sizeof cases / sizeof *cases}; }
