/* check.c: what every graph must fulfil, and what nested graphs read of outer ones. */
#include "onnx/graph.h"

static bool has_source(const eki_value *value) {
    return value->producer != NULL || value->init != NULL || value->input_index >= 0 || value->opaque ||
           value->outer != NULL;
}

/* One more value that a node reads through the graphs nested in it; the array doubles. */
static ek_status add_capture(eki_graph *graph, eki_node *node, eki_value *value, ek_error *err) {
    size_t n = (size_t)node->n_captures;
    if ((n & (n - 1)) == 0) {
        eki_size size = eki_size_of(n == 0 ? 1 : n, 2 * sizeof(eki_value *));
        eki_value **grown = eki_arena_alloc(&graph->arena, size);
        if (grown == NULL) return eki_fail_nomem(err, size.bytes);
        for (size_t i = 0; i < n; i++) grown[i] = node->captures[i];
        node->captures = grown;
    }
    node->captures[node->n_captures++] = value;
    value->captured++;
    return EK_OK;
}

/* The nearest outer value of that name; where it is read, as a capture of the node that the graphs on the way nest in.
 */
static ek_status capture(const eki_graph *graph, eki_value *value, bool read, ek_error *err) {
    for (; graph->parent != NULL; graph = graph->parent) {
        eki_value *outer = eki_graph_find(graph->parent, value->name);
        if (outer == NULL || !has_source(outer) || outer->outer != NULL) continue;
        value->outer = outer;
        return read ? add_capture(graph->parent, graph->owner, outer, err) : EK_OK;
    }
    return EK_OK;
}

static ek_status forget_captures(void *context, eki_graph *graph, ek_error *err) {
    (void)context;
    (void)err;
    for (size_t i = 0; i < graph->n_nodes; i++) graph->nodes[i]->n_captures = 0;
    for (size_t i = 0; i < graph->n_values; i++) {
        graph->values[i]->outer = NULL;
        graph->values[i]->captured = 0;
    }
    return EK_OK;
}

/* Whether the node that it nests in is gone, or one around that. */
static bool is_gone(const eki_graph *graph) {
    for (; graph->parent != NULL; graph = graph->parent) {
        if (graph->owner->op_type == NULL) return true;
    }
    return false;
}

static ek_status capture_one(eki_graph *graph, eki_value *value, bool read, ek_error *err) {
    bool open = value != NULL && !has_source(value);
    return open ? capture(graph, value, read, err) : EK_OK;
}

static ek_status resolve_one(void *context, eki_graph *graph, ek_error *err) {
    (void)context;
    if (graph->parent == NULL || is_gone(graph)) return EK_OK;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        for (int k = 0; node->op_type != NULL && k < node->n_in; k++)
            EKI_TRY(capture_one(graph, node->in[k], true, err));
    }
    for (size_t i = 0; i < graph->n_outputs; i++) EKI_TRY(capture_one(graph, graph->outputs[i], true, err));
    /* What is only described here (value_info) stays so. */
    for (size_t i = 0; i < graph->n_values; i++) EKI_TRY(capture_one(graph, graph->values[i], false, err));
    return EK_OK;
}

ek_status eki_graph_resolve(eki_graph *graph, ek_error *err) {
    EKI_TRY(eki_graph_each(graph, forget_captures, NULL, err));
    return eki_graph_each(graph, resolve_one, NULL, err);
}

static ek_status check_node(const eki_graph *graph, const eki_node *node, ek_error *err) {
    char label[192];
    for (int k = 0; k < node->n_in; k++) {
        if (node->in[k] == NULL || has_source(node->in[k])) continue;
        return eki_fail(err, EK_ERR_FORMAT,
                        "%s: %s reads '%s', which no node, initializer or graph input provides; the file is damaged or "
                        "was cut out of a larger graph",
                        graph->path, eki_node_label(node, label), node->in[k]->name);
    }
    return EK_OK;
}

static ek_status check_one(void *context, eki_graph *graph, ek_error *err) {
    const eki_graph *top = context;
    for (size_t i = 0; i < graph->n_nodes; i++) EKI_TRY(check_node(graph, graph->nodes[i], err));
    if (graph->n_outputs == 0 && graph == top) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: the graph has no output; expected at least one", graph->path);
    }
    for (size_t i = 0; i < graph->n_outputs; i++) {
        if (has_source(graph->outputs[i])) continue;
        return eki_fail(err, EK_ERR_FORMAT, "%s: graph output '%s' is produced by no node", graph->path,
                        graph->outputs[i]->name);
    }
    return EK_OK;
}

ek_status eki_graph_check(eki_graph *graph, ek_error *err) { return eki_graph_each(graph, check_one, graph, err); }
