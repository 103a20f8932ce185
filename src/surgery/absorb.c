/* absorb.c: whether a convolution or product can take a per-channel map into its weights, and if not, why. */
#include "surgery/surgery.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define REFUSE(...) return (void)snprintf(why, EKI_CHAIN_TEXT, __VA_ARGS__), false

bool eki_affine_shifts(const eki_affine *map) {
    for (int64_t c = 0; c < map->channels; c++) {
        if (map->b[c] != 0) return true;
    }
    return false;
}

static double largest(const double *values, int64_t count) {
    double most = 0;
    for (int64_t i = 0; i < count; i++) most = fabs(values[i]) > most ? fabs(values[i]) : most;
    return most;
}

/* Weights and bias: constant, float32, of a rank that the operator has, and finite after the change. */
static bool check_weights(const eki_graph *graph, const eki_node *op, const eki_affine *map, eki_weight *shape,
                          char *why) {
    char label[192];
    (void)eki_node_label(op, label);
    if (eki_is_op(op, EKI_OP_MatMul) && eki_fixed(graph, op->in[1]) == NULL && eki_fixed(graph, op->in[0]) != NULL)
        REFUSE("the constant of %s is its first factor", label);
    const eki_tensor *weight = op->n_in > 1 ? eki_fixed(graph, op->in[1]) : NULL;
    if (weight == NULL)
        REFUSE("the weight of %s is no constant%s", label,
               op->n_in > 1 && op->in[1] != NULL && op->in[1]->init != NULL
                   ? ": it is also a graph input, so that a caller may replace it"
                   : "");
    if (weight->dtype != EK_F32) REFUSE("the weight of %s is not float32", label);
    if (eki_count(weight) < 1) REFUSE("the weight of %s is empty", label);
    if (!eki_weight_of(op, weight, shape))
        REFUSE("the weight of %s has rank %d and %lld groups, which do not fit", label, weight->shape.rank,
               (long long)eki_node_int(op, "group", 1));
    if (op->n_in > 2 && op->in[2] != NULL) {
        const eki_tensor *bias = eki_fixed(graph, op->in[2]);
        if (bias == NULL || bias->dtype != EK_F32) REFUSE("the bias of %s is no float32 constant", label);
    }
    double most = 0;
    for (int64_t i = 0; i < eki_count(weight); i++) most = fmax(most, fabs(eki_at(weight, i)));
    if (!(most * largest(map->a, map->channels) <= FLT_MAX) || largest(map->b, map->channels) > FLT_MAX)
        REFUSE("the folded weight of %s would not be finite", label);
    return true;
}

/* A Gemm's C that is a value per column. */
static bool gemm_bias_fits(const eki_graph *graph, const eki_node *op) {
    const eki_tensor *c = op->n_in > 2 ? eki_fixed(graph, op->in[2]) : NULL;
    if (c == NULL || c->shape.rank < 2) return true;
    return c->shape.rank == 2 && c->shape.dims[0] == 1;
}

static const eki_node *other_reader(const eki_graph *graph, const eki_value *value, const eki_node *reader) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        for (int k = 0; k < graph->nodes[i]->n_in; k++) {
            if (graph->nodes[i]->in[k] == value && graph->nodes[i] != reader) return graph->nodes[i];
        }
    }
    return NULL;
}

bool eki_absorbs_after(const eki_graph *graph, const eki_uses *uses, const eki_chain *chain, const eki_affine *map,
                       eki_node *op, char why[EKI_CHAIN_TEXT]) {
    char label[192], reader[192];
    eki_weight weight;
    const eki_value *out = op->out[0];
    (void)eki_node_label(op, label);
    if (out->is_output) REFUSE("the output of %s is also an output of the graph", label);
    if (uses->count[out->id] != 1) {
        const eki_node *other = other_reader(graph, out, chain->nodes[0]);
        REFUSE("the output of %s is also read by %s", label,
               other == NULL ? "the same node again" : eki_node_label(other, reader));
    }
    if (!check_weights(graph, op, map, &weight, why)) return false;
    if (eki_is_op(op, EKI_OP_MatMul) && op->in[0]->shape.rank != 2)
        REFUSE("%s has no two-dimensional input, so that the norm's channels are not its columns", label);
    if (eki_is_op(op, EKI_OP_Gemm) && !gemm_bias_fits(graph, op))
        REFUSE("the bias of %s differs from row to row", label);
    if (weight.outputs != map->channels)
        REFUSE("%s has %lld output channels, the norm %lld", label, (long long)weight.outputs,
               (long long)map->channels);
    return true;
}

static bool static_extents(const eki_shape *shape) {
    for (int i = 2; i < shape->rank; i++) {
        if (shape->dims[i] < 0) return false;
    }
    return shape->rank > 2;
}

enum { IMAGE_ELEMENTS = 1 << 24, IMAGE_VISITS = 1 << 25 }; /* 64 MiB; a second or less */

/* The border image is part of the file, and made position by position: extents are what a file declares. */
static bool fits_image(const eki_weight *weight, const eki_shape *out) {
    int64_t positions = 1, elements, visits;
    for (int i = 2; i < out->rank; i++) {
        if (!eki_mul_i64(positions, out->dims[i], &positions)) return false;
    }
    return eki_mul_i64(positions, weight->outputs, &elements) && elements <= IMAGE_ELEMENTS &&
           eki_mul_i64(positions, weight->taps, &visits) && visits <= IMAGE_VISITS;
}

bool eki_absorbs_before(const eki_graph *graph, const eki_value *value, const eki_affine *map, eki_node *op,
                        char why[EKI_CHAIN_TEXT]) {
    char label[192];
    eki_weight weight;
    (void)eki_node_label(op, label);
    if (op->in[0] != value) REFUSE("%s reads it as a weight", label);
    if (!check_weights(graph, op, map, &weight, why)) return false;
    if (eki_is_op(op, EKI_OP_Gemm) && (eki_node_int(op, "transA", 0) != 0 || !gemm_bias_fits(graph, op)))
        REFUSE("%s is transposed or has a bias per row", label);
    if (eki_is_op(op, EKI_OP_MatMul) && value->shape.rank != 2)
        REFUSE("%s has no two-dimensional input, so that the norm's channels are not its rows", label);
    int64_t channels = weight.inputs * weight.groups;
    if (channels != map->channels)
        REFUSE("%s has %lld input channels, the norm %lld", label, (long long)channels, (long long)map->channels);
    bool border = eki_op_has(op->op, EKI_CONVOLUTION) && eki_conv_uneven(op) && eki_affine_shifts(map);
    if (border && (!static_extents(&value->shape) || !static_extents(&op->out[0]->shape)))
        REFUSE("%s %s, and height and width are not fixed", label,
               eki_is_op(op, EKI_OP_Conv) ? "pads with zeros, which the norm would have shifted"
                                          : "spreads what the norm shifts unevenly");
    if (border && !fits_image(&weight, &op->out[0]->shape))
        REFUSE("%s is so large that its border would be an image of more than %d values, or %d taps of its kernel",
               label, (int)IMAGE_ELEMENTS, (int)IMAGE_VISITS);
    return true;
}
