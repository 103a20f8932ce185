/* fold_before.c: a map taken into the convolutions and products that read it.
 *
 *     W (a x + b) + c = (W a) x + (W b + c)
 *
 * A convolution that pads with zeros pads after the map: at the border b is missing where the kernel hangs over. What
 * is missing depends on the position alone, so it is a constant image, [1,C,H,W], which an Add puts in. A ConvTranspose
 * gives each position some of the taps only, so that it needs such an image all over.
 */
#include "graph/op/op_window.h"
#include "surgery/surgery.h"

#include <stdlib.h>
#include <string.h>

/* New weights, and sums[o][tap] = sum over inputs of W b. */
static void multiply(const eki_weight *k, const eki_tensor *weight, const eki_affine *map, double *values,
                     double *sums) {
    for (int64_t o = 0; o < k->outputs; o++) {
        int64_t first = o / k->group_outputs * k->inputs;
        for (int64_t i = 0; i < k->inputs; i++) {
            for (int64_t tap = 0; tap < k->taps; tap++) {
                int64_t at = eki_weight_at(k, o, i, tap);
                values[at] = eki_at(weight, at) * map->a[first + i];
                sums[o * k->taps + tap] += eki_at(weight, at) * map->b[first + i];
            }
        }
    }
}

static ek_status add_border(eki_graph *graph, eki_node *op, const eki_weight *k, const double *sums, ek_error *err) {
    eki_window window;
    const eki_shape *x = &op->in[0]->shape;
    EKI_TRY(eki_conv_window(op, &eki_fixed(graph, op->in[1])->shape, &window, err));
    eki_shape shape = {.rank = x->rank, .dims = {1, k->outputs}};
    int64_t positions = 1; /* eki_absorbs_before has looked at how many */
    bool any = false;
    for (int d = 0; d < window.spatial; d++) {
        shape.dims[2 + d] = window.out[d];
        positions *= window.out[d];
    }
    eki_size one = eki_size_of((size_t)positions, sizeof(double));
    double *map = eki_calloc((size_t)k->outputs + 1, one.bytes);
    if (map == NULL) return eki_fail_nomem(err, one.bytes);
    for (int64_t p = 0; p < positions; p++) {
        for (int64_t tap = 0; tap < k->taps; tap++) {
            if (!eki_conv_misses(op, &window, p, tap)) continue;
            any = true;
            for (int64_t o = 0; o < k->outputs; o++) map[o * positions + p] -= sums[o * k->taps + tap];
        }
    }
    ek_status status = any ? eki_edit_add(graph, op, "border", &shape, map, err) : EK_OK;
    free(map);
    return status;
}

static ek_status set_bias(eki_graph *graph, eki_node *op, const eki_weight *k, const double *sums, ek_error *err) {
    const eki_tensor *bias = op->n_in > 2 ? eki_fixed(graph, op->in[2]) : NULL;
    double *values = eki_calloc((size_t)k->outputs + 1, sizeof *values);
    if (values == NULL) return eki_fail_nomem(err, (size_t)k->outputs * sizeof *values);
    bool gemm = eki_is_op(op, EKI_OP_Gemm);
    double beta = gemm ? (double)eki_node_float(op, "beta", 1.0F) : 1.0;
    double alpha = gemm ? (double)eki_node_float(op, "alpha", 1.0F) : 1.0;
    for (int64_t o = 0; o < k->outputs; o++) {
        for (int64_t tap = 0; tap < k->taps; tap++) values[o] += alpha * sums[o * k->taps + tap];
        if (bias != NULL) values[o] += beta * eki_at(bias, eki_count(bias) == 1 ? 0 : o);
    }
    eki_shape shape = eki_shape_of(1, &k->outputs);
    ek_status status = eki_is_op(op, EKI_OP_MatMul) ? eki_edit_add(graph, op, "bias", &shape, values, err)
                                                    : eki_edit_constant(graph, op, 2, "bias", &shape, values, err);
    free(values);
    if (status == EK_OK && gemm && beta != 1.0) eki_node_remove_attr(op, "beta");
    return status;
}

static ek_status fold_into(eki_graph *graph, eki_node *op, const eki_affine *map, ek_error *err) {
    const eki_tensor *weight = eki_fixed(graph, op->in[1]);
    eki_weight k = {0};
    eki_shape shape = weight->shape;
    (void)eki_weight_of(op, weight, &k); /* eki_absorbs_before has looked */
    size_t count = (size_t)eki_count(weight);
    eki_size row = eki_size_of((size_t)k.taps, sizeof(double)), all = eki_size_of((size_t)k.outputs, row.bytes);
    eki_size size = eki_size_sum(eki_size_of(count, sizeof(double)), all);
    double *values = eki_alloc_zero(size);
    if (values == NULL) return eki_fail_nomem(err, size.bytes);
    double *sums = values + count;
    multiply(&k, weight, map, values, sums);
    bool shifts = eki_affine_shifts(map), border = shifts && weight->shape.rank > 2 && eki_conv_uneven(op);
    ek_status status = eki_edit_constant(graph, op, 1, "weight", &shape, values, err);
    if (status == EK_OK && shifts) status = set_bias(graph, op, &k, sums, err);
    if (status == EK_OK && border) status = add_border(graph, op, &k, sums, err);
    free(values);
    return status;
}

ek_status eki_fold_before(eki_graph *graph, const eki_chain *chain, const eki_affine *map, ek_error *err) {
    eki_value *in = eki_affine_input(graph, chain->nodes[0]), *out = chain->nodes[chain->length - 1]->out[0];
    size_t nodes = graph->n_nodes;
    for (size_t i = 0; i < nodes; i++) {
        eki_node *op = graph->nodes[i];
        if (op->op_type == NULL || op->n_in < 1 || op->in[0] != out) continue;
        op->in[0] = in;
        EKI_TRY(fold_into(graph, op, map, err));
    }
    for (int i = 0; i < chain->length; i++) {
        eki_node_drop(chain->nodes[i]);
        chain->nodes[i]->out[0]->producer = NULL;
        chain->nodes[i]->out[0]->declared = false;
    }
    return EK_OK;
}
