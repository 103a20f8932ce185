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

/* Whether what folding makes is finite once it is written: new weights, and per output a new bias. */
static bool stays_finite(const eki_graph *graph, const eki_node *op, const eki_weight *w, const eki_affine *map,
                         bool before) {
    const eki_tensor *weight = eki_fixed(graph, op->in[1]), *bias = op->n_in > 2 ? eki_fixed(graph, op->in[2]) : NULL;
    bool gemm = eki_is_op(op, EKI_OP_Gemm);
    double alpha = gemm ? (double)eki_node_float(op, "alpha", 1.0F) : 1;
    double beta = gemm ? (double)eki_node_float(op, "beta", 1.0F) : 1;
    double most = eki_most_stored(weight->stored),
           most_bias = eki_most_stored(bias != NULL ? bias->stored : graph->half);
    for (int64_t o = 0; o < w->outputs; o++) {
        int64_t first = o / w->group_outputs * w->inputs;
        double sum = bias == NULL ? 0 : beta * eki_at(bias, eki_count(bias) == 1 ? 0 : o);
        if (!before) sum = map->a[o] * sum + map->b[o];
        for (int64_t i = 0; i < w->inputs * w->taps; i++) {
            double x = eki_at(weight, eki_weight_at(w, o, i / w->taps, i % w->taps));
            int64_t channel = before ? first + i / w->taps : o;
            if (!(fabs(x * map->a[channel]) <= most)) return false;
            if (before) sum += alpha * x * map->b[channel];
        }
        if (!(fabs(sum) <= most_bias)) return false;
    }
    return true;
}

/* Takes the weight's numbers from what may still be read. */
static bool may_read(int64_t *left, const eki_node *op, const eki_graph *graph) {
    int64_t count = eki_count(eki_fixed(graph, op->in[1]));
    if (count > *left) return false;
    *left -= count;
    return true;
}

/* Weights and bias: constant, float32, of a rank that the operator has. */
static bool check_weights(const eki_graph *graph, const eki_node *op, eki_weight *shape, char *why) {
    char label[192], through[EKI_CHAIN_TEXT];
    (void)eki_node_label(op, label);
    if (eki_node_reference(op) != NULL)
        REFUSE("the %.60s of %s is an attribute of the function, which each call gives", eki_node_reference(op), label);
    if (eki_is_op(op, EKI_OP_MatMul) && eki_fixed(graph, op->in[1]) == NULL && eki_fixed(graph, op->in[0]) != NULL)
        REFUSE("the constant of %s is its first factor", label);
    const eki_tensor *weight = op->n_in > 1 ? eki_fixed(graph, op->in[1]) : NULL;
    if (weight == NULL)
        REFUSE("the weight of %s %.160s", label, eki_not_fixed(graph, op->n_in > 1 ? op->in[1] : NULL, through));
    if (weight->dtype != EK_F32) REFUSE("the weight of %s is not float32", label);
    if (eki_count(weight) < 1) REFUSE("the weight of %s is empty", label);
    if (!eki_weight_of(op, weight, shape))
        REFUSE("the weight of %s has rank %d and %lld groups, which do not fit", label, weight->shape.rank,
               (long long)eki_node_int(op, "group", 1));
    if (op->n_in < 3 || op->in[2] == NULL) return true;
    const eki_tensor *bias = eki_fixed(graph, op->in[2]);
    if (bias == NULL) REFUSE("the bias of %s %.160s", label, eki_not_fixed(graph, op->in[2], through));
    if (bias->dtype != EK_F32) REFUSE("the bias of %s is not float32", label);
    if (eki_count(bias) != 1 && bias->shape.dims[bias->shape.rank - 1] != shape->outputs)
        REFUSE("the bias of %s has %lld elements, its weight %lld outputs", label, (long long)eki_count(bias),
               (long long)shape->outputs);
    return true;
}

/* A Gemm's C that is a value per column. */
static bool gemm_bias_fits(const eki_graph *graph, const eki_node *op) {
    const eki_tensor *c = op->n_in > 2 ? eki_fixed(graph, op->in[2]) : NULL;
    if (c == NULL || c->shape.rank < 2) return true;
    return c->shape.rank == 2 && c->shape.dims[0] == 1;
}

/* Another node that reads a value, or has a graph in it that does; NULL = none. */
static const eki_node *other_reader(const eki_graph *graph, const eki_value *value, const eki_node *reader,
                                    bool *nested) {
    *nested = false;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        for (int k = 0; k < node->n_in; k++) {
            if (node->in[k] == value && node != reader) return node;
        }
        for (int k = 0; k < node->n_captures; k++) {
            *nested = node->captures[k] == value;
            if (*nested) return node;
        }
    }
    return NULL;
}

bool eki_absorbs_after(const eki_graph *graph, const eki_uses *uses, const eki_chain *chain, const eki_affine *map,
                       eki_node *op, int64_t *left, char why[EKI_CHAIN_TEXT]) {
    char label[192], reader[192];
    eki_weight weight;
    const eki_value *out = op->out[0];
    (void)eki_node_label(op, label);
    if (out->is_output) REFUSE("the output of %s is also an output of the graph", label);
    if (uses->count[out->id] != 1) {
        bool nested;
        const eki_node *other = other_reader(graph, out, chain->nodes[0], &nested);
        REFUSE("the output of %.140s is also read by %s%.140s", label, nested ? "a graph inside " : "",
               other == NULL ? "the same node again" : eki_node_label(other, reader));
    }
    if (eki_has_activation(op) || eki_has_addend(op))
        REFUSE("%s has an %s within, behind the convolution", label, eki_has_activation(op) ? "activation" : "addend");
    if (!check_weights(graph, op, &weight, why)) return false;
    if (eki_is_op(op, EKI_OP_MatMul) && op->in[0]->shape.rank != 2)
        REFUSE("%s has no two-dimensional input, so that the norm's channels are not its columns", label);
    if (eki_is_op(op, EKI_OP_Gemm) && !gemm_bias_fits(graph, op))
        REFUSE("the bias of %s differs from row to row", label);
    if (weight.outputs != map->channels)
        REFUSE("%s has %lld output channels, the norm %lld", label, (long long)weight.outputs,
               (long long)map->channels);
    if (may_read(left, op, graph) && !stays_finite(graph, op, &weight, map, false))
        REFUSE("the folded weight or bias of %s would not be finite%s", label,
               eki_stored_text(eki_fixed(graph, op->in[1])->stored));
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
                        int64_t *left, char why[EKI_CHAIN_TEXT]) {
    char label[192];
    eki_weight weight;
    (void)eki_node_label(op, label);
    if (op->in[0] != value) REFUSE("%s reads it as a weight", label);
    if (!check_weights(graph, op, &weight, why)) return false;
    if (eki_is_op(op, EKI_OP_Gemm) && (eki_node_int(op, "transA", 0) != 0 || !gemm_bias_fits(graph, op)))
        REFUSE("%s is transposed or has a bias per row", label);
    if (eki_is_op(op, EKI_OP_MatMul) && value->shape.rank != 2)
        REFUSE("%s has no two-dimensional input, so that the norm's channels are not its rows", label);
    int64_t channels = weight.inputs * weight.groups;
    if (channels != map->channels)
        REFUSE("%s has %lld input channels, the norm %lld", label, (long long)channels, (long long)map->channels);
    if (may_read(left, op, graph) && !stays_finite(graph, op, &weight, map, true))
        REFUSE("the folded weight or bias of %s would not be finite%s", label,
               eki_stored_text(eki_fixed(graph, op->in[1])->stored));
    bool border = eki_is_convolution(op) && eki_conv_uneven(op) && eki_affine_shifts(map);
    if (border && eki_has_activation(op))
        REFUSE("%s pads with zeros, which the norm would have shifted, and has an activation within", label);
    if (border && (!static_extents(&value->shape) || !static_extents(&op->out[0]->shape)))
        REFUSE("%s %s, and height and width are not fixed", label,
               eki_is_op(op, EKI_OP_Conv) ? "pads with zeros, which the norm would have shifted"
                                          : "spreads what the norm shifts unevenly");
    if (border && !fits_image(&weight, &op->out[0]->shape))
        REFUSE("%s is so large that its border would be an image of more than %d values, or %d taps of its kernel",
               label, (int)IMAGE_ELEMENTS, (int)IMAGE_VISITS);
    return true;
}
