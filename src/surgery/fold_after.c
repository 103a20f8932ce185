/* fold_after.c: a map taken into the convolution or product before it, or into the first norm of its chain.
 *
 *     a (W x + c) + b = (a W) x + (a c + b)
 */
#include "surgery/surgery.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ek_status scale_weight(eki_graph *graph, eki_node *op, const eki_affine *map, ek_error *err) {
    const eki_tensor *weight = eki_fixed(graph, op->in[1]);
    int64_t count = eki_count(weight);
    eki_weight w = {0};
    eki_shape shape = weight->shape;
    (void)eki_weight_of(op, weight, &w); /* eki_absorbs_after has looked */
    double *values = eki_alloc(eki_size_of((size_t)count + 1, sizeof *values));
    if (values == NULL) return eki_fail_nomem(err, (size_t)count * sizeof *values);
    for (int64_t o = 0; o < w.outputs; o++) {
        for (int64_t i = 0; i < w.inputs; i++) {
            for (int64_t tap = 0; tap < w.taps; tap++) {
                int64_t at = eki_weight_at(&w, o, i, tap);
                values[at] = eki_at(weight, at) * map->a[o];
            }
        }
    }
    ek_status status = eki_edit_constant(graph, op, 1, "weight", &shape, values, err);
    free(values);
    return status;
}

static ek_status set_bias(eki_graph *graph, eki_node *op, const eki_affine *map, ek_error *err) {
    const eki_tensor *bias = op->n_in > 2 ? eki_fixed(graph, op->in[2]) : NULL;
    bool gemm = eki_is_op(op, EKI_OP_Gemm);
    double beta = gemm ? (double)eki_node_float(op, "beta", 1.0F) : 1.0;
    if (bias == NULL && !eki_affine_shifts(map)) return EK_OK;
    double *values = eki_alloc(eki_size_of((size_t)map->channels + 1, sizeof *values));
    if (values == NULL) return eki_fail_nomem(err, (size_t)map->channels * sizeof *values);
    for (int64_t c = 0; c < map->channels; c++) {
        double old = bias == NULL ? 0 : beta * eki_at(bias, eki_count(bias) == 1 ? 0 : c);
        values[c] = map->a[c] * old + map->b[c];
    }
    eki_shape shape = eki_shape_of(1, &map->channels);
    ek_status status = eki_edit_constant(graph, op, 2, "bias", &shape, values, err);
    free(values);
    if (status == EK_OK && gemm && beta != 1.0) eki_node_remove_attr(op, "beta");
    return status;
}

/* The addition that ends the chain, of a number a channel; *k: which of its inputs those are. */
static eki_node *last_add(const eki_graph *graph, const eki_chain *chain, int64_t channels, int *k) {
    eki_node *last = chain->nodes[chain->length - 1];
    if (!eki_is_op(last, EKI_OP_Add) || last->n_in != 2) return NULL;
    *k = eki_fixed(graph, last->in[1]) != NULL ? 1 : 0;
    const eki_tensor *numbers = eki_fixed(graph, last->in[*k]);
    return numbers != NULL && eki_count(numbers) == channels ? last : NULL;
}

/* A product has no bias of its own: the chain's addition stays, or one is put behind. */
static ek_status fold_product(eki_graph *graph, const eki_chain *chain, const eki_affine *map, ek_error *err) {
    int k = 0;
    eki_node *op = chain->op, *add = last_add(graph, chain, map->channels, &k);
    eki_shape shape = eki_shape_of(1, &map->channels);
    if (!eki_affine_shifts(map)) add = NULL;
    eki_value *product = op->out[0];
    eki_edit_bypass(chain, add != NULL ? add : op);
    EKI_TRY(scale_weight(graph, op, map, err));
    if (!eki_affine_shifts(map)) return EK_OK;
    if (add == NULL) return eki_edit_add(graph, op, "bias", &shape, map->b, err);
    add->in[1 - k] = product;
    shape = eki_fixed(graph, add->in[k])->shape;
    return eki_edit_constant(graph, add, k, "bias", &shape, map->b, err);
}

ek_status eki_fold_after(eki_graph *graph, const eki_chain *chain, const eki_affine *map, ek_error *err) {
    eki_node *op = chain->op;
    if (eki_is_op(op, EKI_OP_MatMul)) return fold_product(graph, chain, map, err);
    eki_edit_bypass(chain, op);
    EKI_TRY(scale_weight(graph, op, map, err));
    return set_bias(graph, op, map, err);
}

/* The first norm of the chain keeps its statistics and takes over the map of all: a = scale' / std. */
static eki_node *survivor(const eki_chain *chain) {
    for (int i = 0; i < chain->length; i++) {
        if (chain->nodes[i]->op == EKI_OP_BatchNormalization) return chain->nodes[i];
    }
    return NULL;
}

/* Scale and bias with which the survivor does what the chain did; malloc'ed, `channels` each. NULL = no memory. */
static double *joined(const eki_graph *graph, const eki_node *norm, const eki_affine *map) {
    const eki_tensor *mean = eki_fixed(graph, norm->in[3]), *variance = eki_fixed(graph, norm->in[4]);
    double epsilon = (double)eki_node_float(norm, "epsilon", 1e-5F);
    size_t n = (size_t)map->channels;
    double *scale = eki_alloc(eki_size_of(n + 1, 2 * sizeof *scale));
    for (size_t c = 0; scale != NULL && c < n; c++) {
        scale[c] = map->a[c] * sqrt(eki_at(variance, (int64_t)c) + epsilon);
        scale[n + c] = map->b[c] + map->a[c] * eki_at(mean, (int64_t)c);
    }
    return scale;
}

bool eki_joins_finite(const eki_graph *graph, const eki_chain *chain, const eki_affine *map) {
    double *values = joined(graph, survivor(chain), map);
    bool finite = values == NULL || eki_stays_finite(values, 2 * map->channels, graph->half);
    free(values);
    return finite;
}

ek_status eki_fold_join(eki_graph *graph, const eki_chain *chain, const eki_affine *map, ek_error *err) {
    eki_node *norm = survivor(chain);
    double *scale = joined(graph, norm, map);
    if (scale == NULL) return eki_fail_nomem(err, 2 * (size_t)map->channels * sizeof *scale);
    eki_value *in = eki_affine_input(graph, chain->nodes[0]);
    eki_edit_bypass(chain, norm);
    norm->in[0] = in;
    eki_shape shape = eki_shape_of(1, &map->channels);
    ek_status status = eki_edit_constant(graph, norm, 1, "scale", &shape, scale, err);
    if (status == EK_OK) status = eki_edit_constant(graph, norm, 2, "bias", &shape, scale + map->channels, err);
    free(scale);
    return status;
}
