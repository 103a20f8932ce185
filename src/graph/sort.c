/* sort.c: topological order (Kahn, stable by file position) and the checks every graph must pass. */
#include "graph/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *eki_node_label(const eki_node *node, char text[192]) {
    const char *op = node->op_type != NULL ? node->op_type : "removed";
    if (node->name[0] != '\0') {
        (void)snprintf(text, 192, "node '%.100s' (%.60s)", node->name, op);
    } else if (node->n_out > 0 && node->out[0] != NULL) {
        (void)snprintf(text, 192, "node of output '%.90s' (%.60s)", node->out[0]->name, op);
    } else {
        (void)snprintf(text, 192, "node %d (%.60s)", node->id, op);
    }
    return text;
}

/* Each node's number of inputs still to be produced, and the consumers of each node as an edge list. */
typedef struct edges {
    int *waiting, *first, *next, *target;
} edges;

static size_t count_inputs(const eki_graph *graph) {
    size_t total = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) total += (size_t)graph->nodes[i]->n_in;
    return total;
}

static void collect(const eki_graph *graph, edges *e) {
    int used = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) e->first[i] = -1;
    for (size_t i = graph->n_nodes; i-- > 0;) {
        const eki_node *node = graph->nodes[i];
        for (int k = 0; k < node->n_in; k++) {
            const eki_node *producer = node->in[k] != NULL ? node->in[k]->producer : NULL;
            if (producer == NULL) continue;
            e->waiting[i]++;
            e->target[used] = (int)i;
            e->next[used] = e->first[producer->id];
            e->first[producer->id] = used++;
        }
    }
}

/* A min-heap of node indices keeps the order stable. */
static void heap_push(int *heap, size_t *size, int value) {
    size_t i = (*size)++;
    while (i > 0 && heap[(i - 1) / 2] > value) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = value;
}

static int heap_pop(int *heap, size_t *size) {
    int top = heap[0], last = heap[--*size];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < *size; i = child) {
        if (child + 1 < *size && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= last) break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    return top;
}

static size_t kahn(const eki_graph *graph, edges *e, int *heap, eki_node **order) {
    size_t heaped = 0, done = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (e->waiting[i] == 0) heap_push(heap, &heaped, (int)i);
    }
    while (heaped > 0) {
        int i = heap_pop(heap, &heaped);
        order[done++] = graph->nodes[i];
        for (int k = e->first[i]; k >= 0; k = e->next[k]) {
            if (--e->waiting[e->target[k]] == 0) heap_push(heap, &heaped, e->target[k]);
        }
    }
    return done;
}

static ek_status fail_cycle(const eki_graph *graph, const edges *e, ek_error *err) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        char label[192];
        if (e->waiting[i] > 0) {
            return eki_fail(err, EK_ERR_FORMAT, "%s: the graph has a cycle through %s; ONNX graphs must be acyclic",
                            graph->path, eki_node_label(graph->nodes[i], label));
        }
    }
    return EK_OK;
}

ek_status eki_graph_sort(eki_graph *graph, ek_error *err) {
    size_t n = graph->n_nodes, m = count_inputs(graph);
    for (size_t i = 0; i < n; i++) graph->nodes[i]->id = (int)i;
    int *memory = calloc(3 * n + 2 * m + 1, sizeof *memory);
    eki_node **order = calloc(n + 1, sizeof *order);
    if (memory == NULL || order == NULL) {
        free(memory);
        free(order);
        return eki_fail_nomem(err, (3 * n + 2 * m) * sizeof *memory);
    }
    edges e = {.waiting = memory, .first = memory + n, .next = memory + 3 * n, .target = memory + 3 * n + m};
    collect(graph, &e);
    size_t done = kahn(graph, &e, memory + 2 * n, order);
    ek_status status = done < n ? fail_cycle(graph, &e, err) : EK_OK;
    if (status == EK_OK) {
        for (size_t i = 0; i < n; i++) {
            graph->nodes[i] = order[i];
            order[i]->id = (int)i;
        }
    }
    free(memory);
    free(order);
    return status;
}

ek_status eki_graph_check(const eki_graph *graph, ek_error *err) {
    char label[192];
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        for (int k = 0; k < node->n_in; k++) {
            const eki_value *value = node->in[k];
            if (value == NULL || value->producer != NULL || value->init != NULL || value->input_index >= 0) continue;
            return eki_fail(
                err, EK_ERR_FORMAT,
                "%s: %s reads '%s', which no node, initializer or graph input provides; the file is damaged or "
                "was cut out of a larger graph",
                graph->path, eki_node_label(node, label), value->name);
        }
    }
    if (graph->n_outputs == 0) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: the graph has no output; expected at least one", graph->path);
    }
    for (size_t i = 0; i < graph->n_outputs; i++) {
        const eki_value *value = graph->outputs[i];
        if (value->producer == NULL && value->init == NULL && value->input_index < 0) {
            return eki_fail(err, EK_ERR_FORMAT, "%s: graph output '%s' is produced by no node", graph->path,
                            value->name);
        }
    }
    return EK_OK;
}
