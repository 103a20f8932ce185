/* raise.c: the subgraphs that lower.c writes, back into one norm each.
 *
 * Every constant is checked (groups, ones, zeros, axes, shapes of scale and bias) and every value in between must have
 * one reader, so that the norm computes what the subgraph did; names play no part. All matches are collected before
 * anything changes, because the opset must move as a whole: when another operator of the model forbids that, the
 * subgraphs stay.
 */
#include "graph/infer.h"
#include "model/match.h"

#include <stdlib.h>
#include <string.h>

enum { MATCH_NODES = 6 };

typedef struct norm_match {
    bool group;
    eki_node *nodes[MATCH_NODES]; /* replaced; the last one gives name and output */
    eki_value *x, *scale, *bias;
    int64_t groups, axis;
    float epsilon;
} norm_match;

typedef struct raiser {
    eki_graph *graph;
    eki_uses uses;
    norm_match *matches;
    size_t n_matches, cap_matches;
    ek_error *err;
} raiser;

/* A parameter that only this node reads, of shape [channels, 1, ...] and rank `rank`. */
static bool is_spread(const raiser *r, const eki_value *value, int rank, int64_t channels) {
    if (value == NULL || value->init == NULL || value->input_index >= 0 || value->is_output) return false;
    const eki_shape *shape = &value->init->shape;
    if (value->init->dtype != EK_F32 || r->uses.count[value->id] != 1 || shape->rank != rank) return false;
    if (rank < 1 || shape->dims[0] != channels) return false;
    for (int i = 1; i < rank; i++) {
        if (shape->dims[i] != 1) return false;
    }
    return true;
}

/* The shape a Reshape goes back to is x's own: Shape(x), or its extents where they are fixed. */
static bool restores_shape(const eki_node *reshape, const eki_value *x) {
    if (reshape->n_in != 2 || reshape->in[1] == NULL || eki_node_int(reshape, "allowzero", 0) != 0) return false;
    const eki_node *shape = reshape->in[1]->producer;
    if (eki_is_op(shape, EKI_OP_Shape) && shape->n_in == 1 && shape->in[0] == x && shape->n_attr == 0) return true;
    int64_t dims[EKI_MAX_RANK];
    if (x->shape.rank < 2) return false;
    memcpy(dims, x->shape.dims, sizeof dims);
    for (int i = 1; i < x->shape.rank; i++) {
        if (dims[i] <= 0) return false;
    }
    const eki_tensor *to = eki_constant(reshape->in[1]);
    if (eki_ints_are(to, dims, (size_t)x->shape.rank)) return true;
    dims[0] = 0; /* as in the input, whose first dimension is still N */
    if (eki_ints_are(to, dims, (size_t)x->shape.rank)) return true;
    dims[0] = -1;
    return eki_ints_are(to, dims, (size_t)x->shape.rank);
}

static bool match_group(const raiser *r, eki_node *norm, norm_match *m) {
    if (norm->n_in != 3) return false;
    eki_node *grouped = eki_before(&r->uses, norm->in[0], EKI_OP_Reshape);
    eki_node *back = eki_next(&r->uses, norm, EKI_OP_Reshape);
    if (grouped == NULL || back == NULL || grouped->n_in != 2) return false;
    eki_value *x = grouped->in[0];
    if (x == NULL || eki_node_int(grouped, "allowzero", 0) != 0) return false;
    const eki_tensor *to = eki_constant(grouped->in[1]), *ones = eki_constant(norm->in[1]);
    m->groups = ones == NULL || ones->shape.rank != 1 ? 0 : ones->shape.dims[0];
    int64_t target[3] = {0, m->groups, -1}, channels = x->shape.rank >= 2 ? x->shape.dims[1] : 0;
    if (m->groups < 1 || channels < 1 || channels % m->groups != 0 || !eki_ints_are(to, target, 3)) return false;
    if (!eki_all_equal(ones, m->groups, 1.0F) || !eki_all_equal(eki_constant(norm->in[2]), m->groups, 0.0F)) {
        return false;
    }
    if (back->in[0] != norm->out[0] || !restores_shape(back, x)) return false;
    eki_node *scaled = eki_next(&r->uses, back, EKI_OP_Mul);
    eki_node *shifted = scaled == NULL ? NULL : eki_next(&r->uses, scaled, EKI_OP_Add);
    if (shifted == NULL) return false;
    m->scale = eki_other(scaled, back->out[0]);
    m->bias = eki_other(shifted, scaled->out[0]);
    if (!is_spread(r, m->scale, x->shape.rank - 1, channels) || !is_spread(r, m->bias, x->shape.rank - 1, channels)) {
        return false;
    }
    eki_node *nodes[MATCH_NODES] = {grouped, norm, back, scaled, shifted};
    memcpy(m->nodes, nodes, sizeof nodes);
    m->group = true;
    m->x = x;
    m->epsilon = eki_node_float(norm, "epsilon", 1e-5F);
    return true;
}

/* ReduceMean over the last dimensions, kept: the first of them, or -1. */
static int64_t mean_axis(const eki_node *mean, int rank) {
    const int64_t *axes = NULL;
    size_t count = 0;
    int64_t read[EKI_MAX_RANK];
    if (eki_node_int(mean, "keepdims", 1) != 1 || rank < 2) return -1;
    if (mean->n_in > 1) {
        const eki_tensor *tensor = eki_constant(mean->in[1]);
        if (tensor == NULL || tensor->dtype != EK_I64 || tensor->bytes > sizeof read) return -1;
        memcpy(read, tensor->data, tensor->bytes);
        axes = read;
        count = tensor->bytes / sizeof *read;
    } else if (!eki_node_ints(mean, "axes", &axes, &count)) {
        return -1;
    }
    if (count < 1 || count >= (size_t)rank) return -1;
    for (size_t i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis != rank - (int64_t)count + (int64_t)i) return -1;
    }
    return rank - (int64_t)count;
}

/* Scale of an RMS norm over dims[axis..]: all of these extents, or one per channel. */
static bool is_rms_scale(const raiser *r, const eki_value *value, const eki_shape *x, int64_t axis) {
    if (axis == 1 && x->dims[1] > 0 && is_spread(r, value, x->rank - 1, x->dims[1])) return true;
    if (value == NULL || value->init == NULL || value->input_index >= 0 || value->init->dtype != EK_F32) return false;
    if (r->uses.count[value->id] != 1) return false;
    eki_shape normalized = eki_shape_of(x->rank - (int)axis, x->dims + axis);
    return eki_shape_known(&normalized) && eki_shape_equal(&normalized, &value->init->shape);
}

static bool match_rms(const raiser *r, eki_node *root, norm_match *m) {
    if (root->n_in != 1) return false;
    eki_node *sum = eki_before(&r->uses, root->in[0], EKI_OP_Add);
    if (sum == NULL || sum->n_in != 2) return false;
    int at = eki_scalar(eki_constant(sum->in[1]), &m->epsilon) ? 0 : 1;
    if (at == 1 && !eki_scalar(eki_constant(sum->in[0]), &m->epsilon)) return false;
    eki_node *mean = eki_before(&r->uses, sum->in[at], EKI_OP_ReduceMean);
    if (mean != NULL && mean->n_in < 1) return false;
    eki_node *squares = mean == NULL ? NULL : eki_before(&r->uses, mean->in[0], EKI_OP_Mul);
    eki_node *quotient = eki_next(&r->uses, root, EKI_OP_Div);
    if (squares == NULL || quotient == NULL || squares->n_in != 2 || quotient->n_in != 2) return false;
    if (squares->in[0] != squares->in[1]) return false;
    eki_value *x = squares->in[0];
    if (x == NULL || quotient->in[0] != x || quotient->in[1] != root->out[0]) return false;
    eki_node *scaled = eki_next(&r->uses, quotient, EKI_OP_Mul);
    m->axis = mean_axis(mean, x->shape.rank);
    if (scaled == NULL || m->axis < 1) return false;
    m->scale = eki_other(scaled, quotient->out[0]);
    if (!is_rms_scale(r, m->scale, &x->shape, m->axis)) return false;
    eki_node *nodes[MATCH_NODES] = {squares, mean, sum, root, quotient, scaled};
    memcpy(m->nodes, nodes, sizeof nodes);
    m->group = false;
    m->x = x;
    return true;
}

static ek_status collect(raiser *r) {
    for (size_t i = 0; i < r->graph->n_nodes; i++) {
        eki_node *node = r->graph->nodes[i];
        norm_match m = {0};
        bool found = (eki_is_op(node, EKI_OP_InstanceNormalization) && match_group(r, node, &m)) ||
                     (eki_is_op(node, EKI_OP_Sqrt) && match_rms(r, node, &m));
        if (!found) continue;
        if (!eki_grow((void **)&r->matches, &r->cap_matches, r->n_matches + 1, sizeof *r->matches)) {
            return eki_fail_nomem(r->err, (r->n_matches + 1) * sizeof *r->matches);
        }
        r->matches[r->n_matches++] = m;
    }
    return EK_OK;
}

/* Whether the rest of the model may move to the opset that the norms need. */
static ek_status may_move(const raiser *r, int64_t opset, bool *may) {
    uint8_t *ignore = calloc(r->graph->n_nodes + 1, 1);
    if (ignore == NULL) return eki_fail_nomem(r->err, r->graph->n_nodes);
    for (size_t i = 0; i < r->n_matches; i++) {
        for (int j = 0; j < MATCH_NODES; j++) {
            if (r->matches[i].nodes[j] != NULL) ignore[r->matches[i].nodes[j]->id] = 1;
        }
    }
    *may = eki_opset_check(r->graph, opset, ignore, NULL) == EK_OK;
    free(ignore);
    return EK_OK;
}

/* Forgets a value that nothing reads any more, with the node or data that made it. */
static void drop_value(raiser *r, eki_value *value) {
    if (value == NULL || value->is_output || value->input_index >= 0 || --r->uses.count[value->id] > 0) return;
    if (value->init != NULL) {
        if (value->init->owned) eki_free(value->init->data);
        value->init = NULL;
    } else if (value->producer != NULL) {
        eki_node *producer = value->producer; /* Shape or Constant */
        for (int i = 0; i < producer->n_in; i++) drop_value(r, producer->in[i]);
        eki_node_drop(producer);
        value->producer = NULL;
    }
    value->declared = false;
    value->origin = (eki_bytes){0};
}

static void drop_nodes(raiser *r, const norm_match *m, const eki_node *last) {
    for (int i = 0; i < MATCH_NODES; i++) {
        eki_node *node = m->nodes[i];
        if (node == NULL) continue;
        eki_node_drop(node);
        if (node != last) {
            node->out[0]->producer = NULL;
            node->out[0]->declared = false;
            node->out[0]->origin = (eki_bytes){0};
        }
    }
    for (int i = 0; i < MATCH_NODES; i++) {
        eki_node *node = m->nodes[i];
        for (int j = 0; node != NULL && j < node->n_in; j++) {
            eki_value *value = node->in[j];
            bool constant = value != NULL && value->producer != NULL &&
                            (eki_is_op(value->producer, EKI_OP_Shape) || eki_is_op(value->producer, EKI_OP_Constant));
            bool kept = value == m->x || value == m->scale || value == m->bias;
            if (!kept && value != NULL && (constant || value->init != NULL)) drop_value(r, value);
        }
    }
}

static ek_status rewrite(raiser *r, const norm_match *m) {
    eki_graph *graph = r->graph;
    eki_node *last = m->group ? m->nodes[4] : m->nodes[5], *node;
    eki_value *in[3] = {m->x, m->scale, m->bias}, *out = last->out[0];
    out->producer = NULL;
    drop_nodes(r, m, last);
    if (m->group) {
        eki_value *parameters[2] = {m->scale, m->bias};
        for (int i = 0; i < 2; i++) {
            parameters[i]->init->shape.rank = 1;
            parameters[i]->shape = parameters[i]->init->shape;
        }
        EKI_TRY(eki_graph_add_op(graph, EKI_OP_GroupNormalization, last->name, in, 3, &out, 1, &node, r->err));
        EKI_TRY(eki_node_set_int(graph, node, "num_groups", m->groups, r->err));
    } else {
        EKI_TRY(eki_graph_add_op(graph, EKI_OP_RMSNormalization, last->name, in, 2, &out, 1, &node, r->err));
        EKI_TRY(eki_node_set_int(graph, node, "axis", m->axis, r->err));
    }
    return eki_node_set_float(graph, node, "epsilon", m->epsilon, r->err);
}

static ek_status raise_all(raiser *r) {
    EKI_TRY(eki_uses_create(r->graph, &r->uses, r->err));
    EKI_TRY(collect(r));
    if (r->n_matches == 0) return EK_OK;
    int64_t opset = eki_graph_opset(r->graph, "");
    for (size_t i = 0; i < r->n_matches; i++) {
        int64_t needed = r->matches[i].group ? EKI_OPSET_GROUP : EKI_OPSET_RMS;
        if (needed > opset) opset = needed;
    }
    bool may = false;
    EKI_TRY(may_move(r, opset, &may));
    if (!may) return EK_OK;
    for (size_t i = 0; i < r->n_matches; i++) EKI_TRY(rewrite(r, &r->matches[i]));
    eki_graph_sweep(r->graph);
    EKI_TRY(eki_graph_sort(r->graph, r->err));
    return eki_opset_declare(r->graph, opset, r->err);
}

/* Cheap look before inference and matching: most models have nothing to raise. */
static bool worth_looking(const eki_graph *graph) {
    if (eki_graph_opset(graph, "") < EKI_OPSET_MIN) return false;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (!eki_is_op(node, EKI_OP_InstanceNormalization) && !eki_is_op(node, EKI_OP_Sqrt)) continue;
        const eki_node *before = node->n_in > 0 && node->in[0] != NULL ? node->in[0]->producer : NULL;
        if (eki_is_op(before, EKI_OP_Reshape) || eki_is_op(before, EKI_OP_Add)) return true;
    }
    return false;
}

ek_status eki_raise_norms(eki_graph *graph, ek_error *err) {
    if (!worth_looking(graph)) return EK_OK;
    ek_error ignored;
    bool runs = eki_check_operators(graph, NULL, &ignored) == EK_OK && eki_graph_infer(graph, NULL, &ignored) == EK_OK;
    if (!runs) return EK_OK; /* nowhere here; leave it */
    raiser r = {.graph = graph, .err = err};
    ek_status status = raise_all(&r);
    eki_uses_free(&r.uses);
    free(r.matches);
    return status;
}
