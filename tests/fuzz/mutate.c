/* mutate.c: the changes, one function each. Failures (no memory, a name that is taken) leave the graph as it is. */
#include "mutate.h"

#include "base/random.h"
#include "graph/op.h"
#include "onnx/onnx.h"
#include "structure.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct dice {
    eki_random random;
    uint64_t turn;
} dice;

static uint64_t below(dice *d, uint64_t bound) {
    return bound == 0 ? 0 : eki_random_below(d->random, d->turn++, bound);
}

static eki_node *any_node(eki_graph *g, dice *d) { return g->n_nodes == 0 ? NULL : g->nodes[below(d, g->n_nodes)]; }
static eki_value *any_value(eki_graph *g, dice *d) {
    return g->n_values == 0 ? NULL : g->values[below(d, g->n_values)];
}

static int64_t odd_number(dice *d) {
    static const int64_t numbers[] = {0, 1, -1, 2, 3, 7, -2, 255, 1 << 16, INT32_MAX, INT64_MAX, INT64_MIN, 1L << 40};
    return numbers[below(d, sizeof numbers / sizeof *numbers)];
}

static void other_operator(eki_graph *g, dice *d) {
    eki_node *node = any_node(g, d);
    if (node != NULL) eki_node_become(node, (eki_opcode)(1 + below(d, EKI_OPS - 1)));
}

static void rewire(eki_graph *g, dice *d) {
    eki_node *node = any_node(g, d);
    if (node != NULL && node->n_in > 0) node->in[below(d, (uint64_t)node->n_in)] = any_value(g, d);
}

static void drop_input(eki_graph *g, dice *d) {
    eki_node *node = any_node(g, d);
    if (node == NULL || node->n_in == 0) return;
    if (below(d, 2) == 0) {
        node->in[below(d, (uint64_t)node->n_in)] = NULL;
    } else {
        node->n_in--;
    }
}

static void odd_attribute(eki_graph *g, dice *d) {
    static const char *const names[] = {
        "axis",     "axes",    "group",         "strides",    "pads",      "kernel_shape", "epsilon",
        "momentum", "perm",    "training_mode", "num_groups", "dilations", "transB",       "alpha",
        "keepdims", "spatial", "is_test",       "to",         "auto_pad",  "split",        "output_shape"};
    static ek_error err;
    eki_node *node = any_node(g, d);
    const char *name = names[below(d, sizeof names / sizeof *names)];
    int64_t list[4] = {odd_number(d), odd_number(d), odd_number(d), odd_number(d)};
    if (node == NULL) return;
    switch (below(d, 3)) {
    case 0: (void)eki_node_set_int(g, node, name, odd_number(d), &err); break;
    case 1: (void)eki_node_set_float(g, node, name, (float)odd_number(d), &err); break;
    default: (void)eki_node_set_ints(g, node, name, list, below(d, 5), &err); break;
    }
}

static void remove_node(eki_graph *g, dice *d) {
    eki_node *node = any_node(g, d);
    if (node == NULL) return;
    eki_node_drop(node);
    eki_graph_sweep(g);
}

static void odd_weight(eki_graph *g, dice *d) {
    static const float values[] = {0.0f, -1.0f, 1e30f, -1e38f, 1e-40f, __builtin_nanf(""), __builtin_inff()};
    static ek_error err;
    eki_value *value = any_value(g, d);
    if (value == NULL || value->init == NULL || value->init->bytes < 4) return;
    if (eki_tensor_own(value->init, &err) != EK_OK) return;
    memcpy((char *)value->init->data + 4 * below(d, value->init->bytes / 4), &values[below(d, 7)], 4);
}

/* The same elements as another shape. */
static void other_shape(eki_graph *g, dice *d) {
    eki_value *value = any_value(g, d);
    if (value == NULL) return;
    eki_shape *shape = value->init != NULL ? &value->init->shape : &value->shape;
    if (value->init == NULL && shape->rank > 0) {
        shape->dims[below(d, (uint64_t)shape->rank)] = odd_number(d) & INT64_MAX;
    } else if (shape->rank > 1 && below(d, 2) == 0) {
        int64_t first = shape->dims[0];
        shape->dims[0] = shape->dims[1];
        shape->dims[1] = first;
    } else if (shape->rank >= 0 && shape->rank < EKI_MAX_RANK) {
        shape->dims[shape->rank++] = 1;
    }
    if (value->init != NULL) value->shape = value->init->shape;
}

static void other_opset(eki_graph *g, dice *d) {
    if (g->n_opsets > 0) g->opsets[0].version = 1 + (int64_t)below(d, 25);
}

static void more_outputs(eki_graph *g, dice *d) {
    static ek_error err;
    eki_value *value = any_value(g, d);
    if (value != NULL && !value->is_output) (void)eki_graph_add_output(g, value, &err);
}

static void one_more_node(eki_graph *g, dice *d) {
    static ek_error err;
    char name[32];
    eki_node *like = any_node(g, d), *made;
    eki_value *out;
    (void)snprintf(name, sizeof name, "fuzz%u", (unsigned)below(d, 1u << 30));
    if (like == NULL || eki_graph_find(g, name) != NULL || eki_graph_value(g, name, &out, &err) != EK_OK) return;
    (void)eki_graph_add_node(g, like->op_type, like->domain, name, like->in, like->n_in, &out, 1, &made, &err);
}

static void make_changes(eki_graph *graph, uint64_t seed) {
    static void (*const changes[])(eki_graph *, dice *) = {
        other_operator, rewire,     rewire,      drop_input,  odd_attribute, odd_attribute, remove_node,
        odd_weight,     odd_weight, other_shape, other_opset, more_outputs,  one_more_node};
    dice d = {.random = eki_random_stream(seed, "fuzz", 0, 0)};
    for (uint64_t i = 1 + below(&d, 4); i > 0; i--) changes[below(&d, sizeof changes / sizeof *changes)](graph, &d);
}

/* The graph as a file; 0 where it cannot be one, or not in so much room. */
static size_t put(const eki_graph *graph, uint8_t *data, size_t room) {
    static ek_error err;
    char path[64];
    eki_map map;
    size_t done = 0;
    (void)snprintf(path, sizeof path, "/dev/shm/ek-fuzz-graph-%ld.onnx", (long)getpid());
    if (eki_onnx_save(graph, path, &err) != EK_OK) return 0;
    if (eki_map_open(path, &map, &err) == EK_OK) {
        if (map.size <= room) memcpy(data, map.data, done = map.size);
        eki_map_close(&map);
    }
    (void)unlink(path);
    return done;
}

static size_t change_graph(uint8_t *data, size_t size, size_t room, uint64_t seed) {
    static ek_error err;
    eki_graph *graph;
    if (eki_onnx_load_bytes(data, size, "fuzz", NULL, &graph, &err) != EK_OK) return 0;
    make_changes(graph, seed);
    size_t done = put(graph, data, room);
    eki_graph_destroy(graph);
    return done;
}

size_t fuzz_change(uint8_t *data, size_t size, size_t room, uint64_t seed) {
    return seed % 2 == 0 ? fuzz_structure(data, size, room, seed) : change_graph(data, size, room, seed);
}
