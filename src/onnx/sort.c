/* sort.c: topological order, depth first: nodes in the order of the file, each preceded by those that it still needs.
 *
 * So a file that is in order stays so, and a node that was put in comes where the one was that it replaces, or right
 * before the first that needs it. The
 * stack is an array of its own: graphs can be long.
 */
#include "onnx/graph.h"

#include <stdlib.h>

typedef enum mark { UNSEEN = 0, OPEN, DONE } mark;

/* A node on the way down, and which of its producers is next. */
typedef struct step {
    eki_node *node;
    int next;
} step;

typedef struct order {
    const eki_graph *graph;
    unsigned char *marks; /* by node id */
    step *stack;
    size_t depth;
    eki_node **nodes;
    size_t count;
} order;

/* The k-th node that this one needs; NULL = that input has no producer. False behind the last. */
static bool needs(const eki_node *node, int k, eki_node **producer) {
    if (k >= node->n_in + node->n_captures) return false;
    const eki_value *value = k < node->n_in ? node->in[k] : node->captures[k - node->n_in];
    *producer = value != NULL ? value->producer : NULL;
    return true;
}

static void enter(order *o, eki_node *node) {
    o->marks[node->id] = OPEN;
    o->stack[o->depth++] = (step){.node = node};
}

static ek_status visit(order *o, eki_node *from, ek_error *err) {
    enter(o, from);
    while (o->depth > 0) {
        step *top = &o->stack[o->depth - 1];
        eki_node *producer;
        char label[192];
        if (!needs(top->node, top->next++, &producer)) {
            o->marks[top->node->id] = DONE;
            o->nodes[o->count++] = top->node;
            o->depth--;
        } else if (producer != NULL && o->marks[producer->id] == OPEN) {
            return eki_fail(err, EK_ERR_FORMAT, "%s: the graph has a cycle through %s; ONNX graphs must be acyclic",
                            o->graph->path, eki_node_label(producer, label));
        } else if (producer != NULL && o->marks[producer->id] == UNSEEN) {
            enter(o, producer);
        }
    }
    return EK_OK;
}

/* What stands where a node was taken out: the makers of what it made. */
static ek_status visit_heirs(order *o, const eki_node *gone, ek_error *err) {
    for (int k = 0; k < gone->n_out; k++) {
        eki_node *heir = gone->out[k] != NULL ? gone->out[k]->producer : NULL;
        if (heir != NULL && heir->op_type != NULL && o->marks[heir->id] == UNSEEN) EKI_TRY(visit(o, heir, err));
    }
    return EK_OK;
}

/* Nodes of the file in its order, then the others in theirs. */
static ek_status visit_all(order *o, ek_error *err) {
    const eki_graph *graph = o->graph;
    for (size_t i = 0; i < graph->n_file_nodes; i++) {
        eki_node *node = graph->file_nodes[i];
        if (node->op_type == NULL) EKI_TRY(visit_heirs(o, node, err));
        if (node->op_type != NULL && o->marks[node->id] == UNSEEN) EKI_TRY(visit(o, node, err));
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (o->marks[graph->nodes[i]->id] == UNSEEN) EKI_TRY(visit(o, graph->nodes[i], err));
    }
    return EK_OK;
}

ek_status eki_graph_sort(eki_graph *graph, ek_error *err) {
    size_t n = graph->n_nodes;
    order o = {.graph = graph};
    eki_graph_sweep(graph);
    o.marks = eki_calloc(n + 1, sizeof *o.marks);
    o.stack = eki_calloc(n + 1, sizeof *o.stack);
    o.nodes = eki_calloc(n + 1, sizeof *o.nodes);
    bool enough = o.marks != NULL && o.stack != NULL && o.nodes != NULL;
    ek_status status = enough ? visit_all(&o, err) : eki_fail_nomem(err, n * (sizeof *o.stack + sizeof *o.nodes));
    for (size_t i = 0; status == EK_OK && i < o.count; i++) {
        graph->nodes[i] = o.nodes[i];
        o.nodes[i]->id = (int)i;
    }
    free(o.marks);
    free(o.stack);
    free(o.nodes);
    return status;
}
