/* lower.c: group and RMS norm as subgraphs of opset 17 operators.
 *
 *     group  Reshape [0,G,-1] -> InstanceNormalization (ones, zeros) -> Reshape to Shape(x) -> Mul scale -> Add bias
 *     rms    Mul(x,x) -> ReduceMean -> Add epsilon -> Sqrt -> Div(x, .) -> Mul scale
 *
 * Group norm is instance norm over groups (Wu and He 2018, section 3.1). The original shape comes from a Shape node,
 * so that every dimension may stay symbolic. The last node keeps the norm's name and output, by which src/sites and the
 * freeze metadata find it again. Used on a view (copy.c), never on a model itself.
 */
#include "model/model.h"

#include <stdio.h>
#include <string.h>

typedef struct lowering {
    eki_graph *graph;
    const eki_node *node;
    const char *base; /* prefix of new names */
    int64_t version;
    ek_error *err;
} lowering;

/* A value named "base/suffix" that nothing uses yet. */
static ek_status fresh_value(lowering *low, const char *suffix, eki_value **value) {
    char name[512];
    for (int attempt = 0;; attempt++) {
        if (attempt == 0) {
            (void)snprintf(name, sizeof name, "%.400s/%s", low->base, suffix);
        } else {
            (void)snprintf(name, sizeof name, "%.400s/%s_%d", low->base, suffix, attempt);
        }
        const eki_value *found = eki_graph_find(low->graph, name);
        bool used = found != NULL && (found->producer || found->init || found->input_index >= 0 || found->is_output);
        if (!used) return eki_graph_value(low->graph, name, value, low->err);
    }
}

static ek_status add_constant(lowering *low, const char *suffix, ek_dtype dtype, const eki_shape *shape,
                              const void *data, eki_value **value) {
    EKI_TRY(fresh_value(low, suffix, value));
    eki_tensor *tensor;
    EKI_TRY(eki_add_constant(low->graph, (*value)->name, dtype, shape, value, &tensor, low->err));
    memcpy(tensor->data, data, tensor->bytes);
    return EK_OK;
}

static ek_status add_floats(lowering *low, const char *suffix, const eki_shape *shape, float number,
                            eki_value **value) {
    eki_tensor *tensor;
    EKI_TRY(fresh_value(low, suffix, value));
    EKI_TRY(eki_add_constant(low->graph, (*value)->name, EK_F32, shape, value, &tensor, low->err));
    for (size_t i = 0; i < tensor->bytes / sizeof number; i++) ((float *)tensor->data)[i] = number;
    return EK_OK;
}

/* op(a, b, c) -> a new value, or `result` when given, which then gets the node its name. */
static ek_status add_op(lowering *low, eki_opcode op, const char *suffix, eki_value *a, eki_value *b, eki_value *c,
                        eki_value **out, eki_node **node) {
    char name[512];
    eki_value *in[3] = {a, b, c};
    int n_in = c != NULL ? 3 : b != NULL ? 2 : 1;
    bool last = *out != NULL;
    if (!last) EKI_TRY(fresh_value(low, suffix, out));
    (void)snprintf(name, sizeof name, "%.400s/%s", low->base, suffix);
    return eki_graph_add_op(low->graph, op, last ? low->node->name : name, in, n_in, out, 1, node, low->err);
}

static bool only_use(const eki_graph *graph, const eki_value *value, const eki_node *user) {
    bool fed = value->input_index >= 0 && !eki_lists_weights(graph);
    if (fed || value->is_output) return false;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        for (int j = 0; j < node->n_in; j++) {
            if (node != user && node->in[j] == value) return false;
        }
    }
    return true;
}

/* The parameter [C] as [C,1,...] of rank `rank`, under its own name where nothing else uses it. */
static ek_status spread(lowering *low, eki_value *parameter, int rank, eki_value **out) {
    char label[192];
    if (parameter == NULL || parameter->init == NULL) {
        return eki_fail(low->err, EK_ERR_UNSUPPORTED,
                        "%s: scale and bias must be initializers to be written at opset %d; save without --opset",
                        eki_node_label(low->node, label), (int)low->version);
    }
    const eki_shape *have = &parameter->init->shape, *x = &low->node->in[0]->shape;
    if (have->rank != 1 || have->dims[0] != x->dims[1]) {
        return eki_fail(low->err, EK_ERR_UNSUPPORTED,
                        "%s: '%s' does not have one element per channel, so it cannot be written at opset %d",
                        eki_node_label(low->node, label), parameter->name, (int)low->version);
    }
    eki_shape shape = {.rank = rank, .dims = {have->dims[0]}};
    for (int i = 1; i < rank; i++) shape.dims[i] = 1;
    *out = parameter;
    if (!only_use(low->graph, parameter, low->node)) {
        bool listed = eki_lists_weights(low->graph);
        eki_tensor *copy = eki_arena_memdup(&low->graph->arena, parameter->init, sizeof *copy);
        if (copy == NULL) return eki_fail_nomem(low->err, sizeof *copy);
        copy->owned = false;
        EKI_TRY(fresh_value(low, parameter == low->node->in[1] ? "scale" : "bias", out));
        (*out)->init = copy;
        (*out)->dtype = copy->dtype;
        (*out)->stored = copy->stored;
        if (listed) EKI_TRY(eki_graph_add_input(low->graph, *out, low->err));
    }
    (*out)->init->shape = shape;
    (*out)->shape = shape;
    return EK_OK;
}

static ek_status lower_group(lowering *low, eki_value *result) {
    const eki_node *node = low->node;
    eki_value *x = node->in[0], *scale, *bias, *to, *ones, *zeros, *shape = NULL, *a = NULL, *b = NULL, *c = NULL;
    eki_value *d = NULL;
    int64_t groups = eki_node_int(node, "num_groups", 1), target[3] = {0, groups, -1};
    eki_shape three = {.rank = 1, .dims = {3}}, per_group = {.rank = 1, .dims = {groups}};
    eki_node *norm;
    EKI_TRY(spread(low, node->in[1], x->shape.rank - 1, &scale));
    EKI_TRY(spread(low, node->n_in > 2 ? node->in[2] : NULL, x->shape.rank - 1, &bias));
    EKI_TRY(add_constant(low, "groups", EK_I64, &three, target, &to));
    EKI_TRY(add_floats(low, "ones", &per_group, 1, &ones));
    EKI_TRY(add_floats(low, "zeros", &per_group, 0, &zeros));
    EKI_TRY(add_op(low, EKI_OP_Shape, "shape", x, NULL, NULL, &shape, NULL));
    EKI_TRY(add_op(low, EKI_OP_Reshape, "grouped", x, to, NULL, &a, NULL));
    EKI_TRY(add_op(low, EKI_OP_InstanceNormalization, "normalized", a, ones, zeros, &b, &norm));
    float epsilon = eki_node_float(node, "epsilon", 1e-5F);
    EKI_TRY(eki_node_set_float(low->graph, norm, "epsilon", epsilon, low->err));
    EKI_TRY(add_op(low, EKI_OP_Reshape, "ungrouped", b, shape, NULL, &c, NULL));
    EKI_TRY(add_op(low, EKI_OP_Mul, "scaled", c, scale, NULL, &d, NULL));
    return add_op(low, EKI_OP_Add, "", d, bias, NULL, &result, NULL);
}

static ek_status lower_rms(lowering *low, eki_value *result) {
    const eki_node *node = low->node;
    eki_value *x = node->in[0], *epsilon, *axes = NULL, *a = NULL, *b = NULL, *c = NULL, *d = NULL, *e = NULL;
    int64_t axis = eki_node_int(node, "axis", -1), list[EKI_MAX_RANK];
    float value = eki_node_float(node, "epsilon", 1e-5F);
    eki_shape scalar = {.rank = 0}, count = {.rank = 1};
    eki_node *mean;
    if (axis < 0) axis += x->shape.rank;
    for (int64_t i = axis; i < x->shape.rank; i++) list[count.dims[0]++] = i;
    EKI_TRY(add_constant(low, "epsilon", EK_F32, &scalar, &value, &epsilon));
    if (low->version >= 18) EKI_TRY(add_constant(low, "axes", EK_I64, &count, list, &axes));
    EKI_TRY(add_op(low, EKI_OP_Mul, "squares", x, x, NULL, &a, NULL));
    EKI_TRY(add_op(low, EKI_OP_ReduceMean, "mean_square", a, axes, NULL, &b, &mean));
    if (axes == NULL) {
        EKI_TRY(eki_node_set_ints(low->graph, mean, "axes", list, (size_t)count.dims[0], low->err));
    }
    EKI_TRY(eki_node_set_int(low->graph, mean, "keepdims", 1, low->err));
    EKI_TRY(add_op(low, EKI_OP_Add, "variance", b, epsilon, NULL, &c, NULL));
    EKI_TRY(add_op(low, EKI_OP_Sqrt, "rms", c, NULL, NULL, &d, NULL));
    EKI_TRY(add_op(low, EKI_OP_Div, "normalized", x, d, NULL, &e, NULL));
    return add_op(low, EKI_OP_Mul, "", e, node->in[1], NULL, &result, NULL);
}

static ek_status lower_node(eki_graph *graph, eki_node *node, bool group, int64_t version, ek_error *err) {
    char label[192];
    eki_value *result = node->out[0];
    lowering low = {.graph = graph, .node = node, .version = version, .err = err};
    low.base = node->name[0] != '\0' ? node->name : result->name;
    if (node->in[0]->shape.rank < 2) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "%s: its input's rank is not known, so it cannot be written at opset %d",
                        eki_node_label(node, label), (int)version);
    }
    result->producer = NULL;
    EKI_TRY(group ? lower_group(&low, result) : lower_rms(&low, result));
    eki_node_drop(node); /* swept below */
    return EK_OK;
}

ek_status eki_lower_group(eki_graph *graph, eki_node *node, ek_error *err) {
    return lower_node(graph, node, true, eki_graph_opset(graph, ""), err);
}

ek_status eki_lower_norms(eki_graph *graph, int64_t version, ek_error *err) {
    size_t n_nodes = graph->n_nodes;
    bool inferred = false, changed = false;
    for (size_t i = 0; i < n_nodes; i++) {
        eki_node *node = graph->nodes[i];
        bool group = node->op == EKI_OP_GroupNormalization && version < EKI_OPSET_GROUP;
        bool rms = node->op == EKI_OP_RMSNormalization && version < EKI_OPSET_RMS;
        if (!group && !rms) continue;
        if (!inferred) EKI_TRY(eki_graph_infer(graph, NULL, err));
        inferred = true;
        EKI_TRY(lower_node(graph, node, group, version, err));
        changed = true;
    }
    if (!changed) return EK_OK;
    eki_graph_sweep(graph);
    return eki_graph_sort(graph, err);
}
