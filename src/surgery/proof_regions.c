/* proof_regions.c: changed nodes that hang together: one reads what the other makes, or both make the same value. */
#include "surgery/proof.h"

#include <stdlib.h>

typedef struct forest {
    int *parent; /* nodes of `before`, then those of `after` */
    int first;   /* how many there are before */
} forest;

static int root_of(forest *f, int i) {
    while (f->parent[i] != i) i = f->parent[i] = f->parent[f->parent[i]];
    return i;
}

static void join(forest *f, int a, int b) {
    int x = root_of(f, a), y = root_of(f, b);
    if (x != y) f->parent[x > y ? x : y] = x > y ? y : x;
}

static int index_of(const forest *f, int side, const eki_node *node) { return node->id + (side > 0 ? f->first : 0); }

static void join_readers(const eki_proving *p, forest *f, int s) {
    const eki_side *side = &p->sides[s];
    for (size_t i = 0; i < side->graph->n_nodes; i++) {
        const eki_node *node = side->graph->nodes[i];
        if (side->region[node->id] < 0) continue;
        for (int k = 0; k < node->n_in; k++) {
            const eki_node *maker = node->in[k] != NULL ? node->in[k]->producer : NULL;
            if (maker != NULL && side->region[maker->id] >= 0) join(f, index_of(f, s, node), index_of(f, s, maker));
        }
    }
}

static void join_sides(const eki_proving *p, forest *f) {
    const eki_side *a = &p->sides[0], *b = &p->sides[1];
    for (size_t i = 0; i < a->graph->n_nodes; i++) {
        const eki_node *node = a->graph->nodes[i];
        if (a->region[node->id] < 0) continue;
        for (int k = 0; k < node->n_out; k++) {
            const eki_value *value = node->out[k] != NULL ? eki_graph_find(b->graph, node->out[k]->name) : NULL;
            if (value == NULL || value->producer == NULL || b->region[value->producer->id] < 0) continue;
            join(f, index_of(f, 0, node), index_of(f, 1, value->producer));
        }
    }
}

/* Numbers in the order of the nodes. */
static ek_status number(eki_proving *p, forest *f, int all) {
    int *numbers = eki_alloc(eki_size_of((size_t)all + 1, sizeof *numbers));
    if (numbers == NULL) return eki_fail_nomem(p->err, (size_t)all * sizeof *numbers);
    for (int i = 0; i < all; i++) numbers[i] = -1;
    for (int s = 0; s < 2; s++) {
        const eki_side *side = &p->sides[s];
        for (size_t i = 0; i < side->graph->n_nodes; i++) {
            const eki_node *node = side->graph->nodes[i];
            if (side->region[node->id] < 0) continue;
            int root = root_of(f, index_of(f, s, node));
            if (numbers[root] < 0) numbers[root] = p->regions++;
            side->region[node->id] = numbers[root];
        }
    }
    free(numbers);
    return EK_OK;
}

static void find_outside(const eki_side *side) {
    const eki_graph *graph = side->graph;
    for (size_t i = 0; i < graph->n_values; i++) {
        side->outside[i] = graph->values[i]->is_output || graph->values[i]->captured > 0;
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        for (int k = 0; k < node->n_in; k++) {
            if (node->in[k] != NULL && side->region[node->id] < 0) side->outside[node->in[k]->id] = true;
        }
    }
}

/* Constants, and what is computed of constants alone. */
static void find_fixed(const eki_side *side) {
    const eki_graph *graph = side->graph;
    for (size_t i = 0; i < graph->n_values; i++) side->fixed[i] = graph->values[i]->init != NULL;
    for (size_t i = 0; i < graph->n_nodes; i++) { /* sorted */
        const eki_node *node = graph->nodes[i];
        bool fixed = eki_op_find(node->op, eki_graph_opset(graph, node->domain)) != NULL &&
                     (node->n_in > 0 || eki_op_has(node->op, EKI_CONSTANT));
        for (int k = 0; k < node->n_in; k++) fixed &= node->in[k] == NULL || side->fixed[node->in[k]->id];
        for (int k = 0; k < node->n_out; k++) {
            if (node->out[k] != NULL) side->fixed[node->out[k]->id] = fixed;
        }
    }
}

ek_status eki_proof_regions(eki_proving *p) {
    int first = (int)p->sides[0].graph->n_nodes, all = first + (int)p->sides[1].graph->n_nodes;
    forest f = {.parent = eki_alloc(eki_size_of((size_t)all + 1, sizeof *f.parent)), .first = first};
    if (f.parent == NULL) return eki_fail_nomem(p->err, (size_t)all * sizeof *f.parent);
    for (int i = 0; i < all; i++) f.parent[i] = i;
    for (int s = 0; s < 2; s++) {
        join_readers(p, &f, s);
        find_outside(&p->sides[s]);
        find_fixed(&p->sides[s]);
    }
    join_sides(p, &f);
    ek_status status = number(p, &f, all);
    free(f.parent);
    return status;
}
