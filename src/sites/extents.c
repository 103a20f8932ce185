/* extents.c: extents of values by simple rules, so that a file without declared shapes, or with operators that nobody
 * here can run, is understood all the same. What a rule cannot tell stays open; nothing is ever an error.
 */
#include "sites/spell.h"

#include <stdlib.h>
#include <string.h>

const eki_shape *eki_extents(const eki_finder *f, const eki_value *value) { return &f->extents[value->id]; }

static bool read_list(void *context, const eki_value *value, int64_t *list, int *count) {
    const eki_finder *f = context;
    return eki_constant_list(f->constants, value, list, count);
}

static eki_shape unknown(void) { return (eki_shape){.rank = -1}; }

static const eki_shape *input(const eki_finder *f, const eki_node *node, int index) {
    static const eki_shape none = {.rank = -1};
    return index < node->n_in && node->in[index] != NULL ? eki_extents(f, node->in[index]) : &none;
}

/* Extents that broadcast; one that is open may be anything that the other allows. */
static eki_shape broadcast(const eki_shape *a, const eki_shape *b) {
    if (a->rank < 0 || b->rank < 0) return unknown();
    eki_shape out = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 0; i < out.rank; i++) {
        int ia = i - (out.rank - a->rank), ib = i - (out.rank - b->rank);
        int64_t da = ia < 0 ? 1 : a->dims[ia], db = ib < 0 ? 1 : b->dims[ib];
        out.dims[i] = da == 1 ? db : db == 1 || da == db ? da : da > 1 ? da : db > 1 ? db : EKI_OPEN;
    }
    return out;
}

static eki_shape pointwise(const eki_finder *f, const eki_node *node) {
    eki_shape out = *input(f, node, 0);
    if (eki_node_attr(node, "broadcast") != NULL) return out; /* before opset 7: to the first */
    for (int i = 1; i < node->n_in; i++) out = broadcast(&out, input(f, node, i));
    return out;
}

/* The same rank and first extents as x, the rest open. */
static eki_shape keep_first(const eki_shape *x, int kept) {
    eki_shape out = *x;
    for (int i = kept; i < out.rank; i++) out.dims[i] = EKI_OPEN;
    return out;
}

static eki_shape convolution(const eki_finder *f, const eki_node *node) {
    const eki_shape *w = input(f, node, 1);
    if (w->rank < 3) return keep_first(input(f, node, 0), 0);
    eki_shape out = {.rank = w->rank};
    for (int i = 0; i < out.rank; i++) out.dims[i] = EKI_OPEN;
    if (input(f, node, 0)->rank == w->rank) out.dims[0] = input(f, node, 0)->dims[0];
    int64_t group = eki_node_int(node, "group", 1);
    out.dims[1] = w->dims[0];
    if (node->op != EKI_OP_ConvTranspose) return out;
    if (w->dims[1] < 0 || group < 1 || !eki_mul_i64(w->dims[1], group, &out.dims[1])) out.dims[1] = EKI_OPEN;
    return out;
}

static eki_shape product(const eki_finder *f, const eki_node *node) {
    const eki_shape *a = input(f, node, 0), *b = input(f, node, 1);
    if (node->op == EKI_OP_Gemm) {
        bool turned = eki_node_int(node, "transB", 0) != 0, a_turned = eki_node_int(node, "transA", 0) != 0;
        eki_shape out = {.rank = 2, .dims = {EKI_OPEN, EKI_OPEN}};
        if (a->rank == 2) out.dims[0] = a->dims[a_turned ? 1 : 0];
        if (b->rank == 2) out.dims[1] = b->dims[turned ? 0 : 1];
        return out;
    }
    if (node->op != EKI_OP_MatMul) return convolution(f, node);
    if (a->rank < 2 || b->rank < 2) return unknown();
    eki_shape fronts[2] = {*a, *b};
    fronts[0].rank -= 2;
    for (int i = 0; i < b->rank - 2; i++) fronts[1].dims[i] = b->dims[i];
    fronts[1].rank -= 2;
    eki_shape out = broadcast(&fronts[0], &fronts[1]);
    out.dims[out.rank] = a->dims[a->rank - 2];
    out.dims[out.rank + 1] = b->dims[b->rank - 1];
    out.rank += 2;
    return out;
}

static eki_shape reduction(const eki_finder *f, const eki_node *node) {
    const eki_shape *x = input(f, node, 0);
    int64_t list[EKI_CONSTANT_LIST];
    int count;
    if (x->rank < 0 || eki_node_int(node, "keepdims", 1) != 1) return unknown();
    if (!eki_node_list(node, "axes", 1, read_list, (void *)(uintptr_t)f, list, &count)) {
        return node->n_in > 1 ? keep_first(x, 0) : unknown();
    }
    eki_shape out = *x;
    for (int i = 0; i < count; i++) {
        int64_t axis = list[i] < 0 ? list[i] + x->rank : list[i];
        if (axis >= 0 && axis < x->rank) out.dims[axis] = 1;
    }
    return out;
}

static eki_shape pooling(const eki_finder *f, const eki_node *node) {
    eki_shape out = keep_first(input(f, node, 0), 2);
    bool global = node->op == EKI_OP_GlobalAveragePool || node->op == EKI_OP_GlobalMaxPool;
    for (int i = 2; global && i < out.rank; i++) out.dims[i] = 1;
    return out;
}

static eki_shape contrib(const eki_finder *f, const eki_node *node) {
    switch (eki_contrib_code(node->op_type, node->domain)) {
    case EKI_CONTRIB_NONE: return unknown();
    case EKI_CONTRIB_FusedConv: return convolution(f, node);
    case EKI_CONTRIB_FusedMatMul: return unknown();
    case EKI_CONTRIB_FusedGemm: return unknown();
    default: return *input(f, node, 0);
    }
}

static eki_shape made_by(const eki_finder *f, const eki_node *node) {
    int perm[EKI_MAX_RANK];
    eki_shape out;
    if (node->op == EKI_OP_NONE) return contrib(f, node);
    if (eki_moved_shape(node, input(f, node, 0), read_list, (void *)(uintptr_t)f, &out, perm)) return out;
    if (eki_reshape_extents(f, node, &out)) return out;
    if (eki_op_has(node->op, EKI_PRODUCT)) return product(f, node);
    if (eki_op_has(node->op, EKI_POOLING)) return pooling(f, node);
    if (eki_op_has(node->op, EKI_REDUCTION)) return reduction(f, node);
    if (eki_op_has(node->op, EKI_POINTWISE)) return pointwise(f, node);
    if (eki_op_has(node->op, EKI_ACTIVATION | EKI_NORM | EKI_SOFTMAX | EKI_SAME)) return *input(f, node, 0);
    switch (node->op) {
    case EKI_OP_Concat:
    case EKI_OP_Pad:
    case EKI_OP_Slice:
    case EKI_OP_Split: return keep_first(input(f, node, 0), 0);
    case EKI_OP_Resize:
    case EKI_OP_Upsample: return keep_first(input(f, node, 0), 0);
    case EKI_OP_MeanVarianceNormalization:
    case EKI_OP_LpNormalization:
    case EKI_OP_LRN: return *input(f, node, 0);
    default: return unknown();
    }
}

/* Extents of a value of one of the graphs around. In a view of a document, nested graphs are the document's own, whose
 * outer values have the view's ids. */
static const eki_shape *outer_extents(const eki_finder *f, const eki_value *outer) {
    static const eki_shape none = {.rank = -1};
    for (const eki_finder *at = f->parent; at != NULL; at = at->parent) {
        bool inside = (size_t)outer->id < at->graph->n_values;
        if (inside && at->graph->values[outer->id] == outer) return eki_extents(at, outer);
        if (inside && at->parent == NULL && strcmp(at->graph->values[outer->id]->name, outer->name) == 0) {
            return eki_extents(at, outer);
        }
    }
    return &none;
}

/* What the file declares counts; a rule fills in where it says nothing, and extents that it leaves open. */
static void merge(eki_shape *known, const eki_shape *rule) {
    if (known->rank < 0) *known = *rule;
    if (known->rank != rule->rank) return;
    for (int i = 0; i < known->rank; i++) {
        if (known->dims[i] < 0 && rule->dims[i] >= 0) known->dims[i] = rule->dims[i];
    }
}

ek_status eki_extents_find(eki_finder *f, ek_error *err) {
    const eki_graph *graph = f->graph;
    f->extents = eki_calloc(graph->n_values + 1, sizeof *f->extents);
    if (f->extents == NULL) return eki_fail_nomem(err, graph->n_values * sizeof *f->extents);
    for (size_t i = 0; i < graph->n_values; i++) {
        const eki_value *value = graph->values[i];
        eki_shape *known = &f->extents[i], shape;
        *known = value->init != NULL ? value->init->shape : value->shape;
        if (value->outer != NULL) *known = *outer_extents(f, value->outer);
        if (known->rank < 0 && eki_is_constant(f->constants, value, &shape)) *known = shape;
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->op_type == NULL || node->n_out < 1 || node->out[0] == NULL || node->n_in < 1) continue;
        eki_shape rule = made_by(f, node);
        merge(&f->extents[node->out[0]->id], &rule);
    }
    return EK_OK;
}
