/* fold_before.c: a map taken into the convolutions and products that read it.
 *
 *     W (a x + b) + c = (W a) x + (W b + c)
 *
 * A convolution that pads with zeros pads after the map: at the border b is missing where the kernel hangs over. What
 * is missing depends on the position alone, so it is a constant image, [1,C,H,W], which an Add puts in.
 */
#include "graph/op/op_window.h"
#include "surgery/surgery.h"

#include <stdlib.h>
#include <string.h>

/* A weight as [outputs][inputs of a group][taps]. */
typedef struct kernel {
    int64_t outputs, inputs, taps, group_outputs;
    bool columns; /* of a product: [inputs][outputs] in memory */
} kernel;

static kernel kernel_of(const eki_node *op, const eki_tensor *weight) {
    const int64_t *d = weight->shape.dims;
    if (!eki_is_op(op, "Conv")) {
        bool rows = eki_is_op(op, "Gemm") && eki_node_int(op, "transB", 0) != 0;
        return rows ? (kernel){d[0], d[1], 1, d[0], false} : (kernel){d[1], d[0], 1, d[1], true};
    }
    int64_t taps = 1, groups = eki_node_int(op, "group", 1);
    for (int i = 2; i < weight->shape.rank; i++) taps *= d[i];
    return (kernel){d[0], d[1], taps, d[0] / (groups > 0 ? groups : 1), false};
}

static int64_t place(const kernel *k, int64_t o, int64_t i, int64_t tap) {
    return k->columns ? i * k->outputs + o : (o * k->inputs + i) * k->taps + tap;
}

/* New weights, and sums[o][tap] = sum over inputs of W b. */
static void multiply(const kernel *k, const eki_tensor *weight, const eki_affine *map, double *values, double *sums) {
    for (int64_t o = 0; o < k->outputs; o++) {
        int64_t first = o / k->group_outputs * k->inputs;
        for (int64_t i = 0; i < k->inputs; i++) {
            for (int64_t tap = 0; tap < k->taps; tap++) {
                int64_t at = place(k, o, i, tap);
                values[at] = eki_at(weight, at) * map->a[first + i];
                sums[o * k->taps + tap] += eki_at(weight, at) * map->b[first + i];
            }
        }
    }
}

/* Whether tap `tap` at output position `position` falls outside of the input. */
static bool hangs_over(const eki_window *w, const int64_t *extents, int64_t position, int64_t tap) {
    for (int d = w->spatial - 1; d >= 0; d--) {
        int64_t at = position % w->out[d] * w->stride[d] - w->pad_begin[d] + tap % w->kernel[d] * w->dilation[d];
        if (at < 0 || at >= extents[d]) return true;
        position /= w->out[d];
        tap /= w->kernel[d];
    }
    return false;
}

static ek_status add_border(eki_graph *graph, eki_node *op, const kernel *k, const double *sums, ek_error *err) {
    eki_window window;
    const eki_shape *x = &op->in[0]->shape;
    EKI_TRY(eki_window_read(op, x, op->in[1]->init != NULL ? op->in[1]->init->shape.dims + 2 : NULL, &window, err));
    eki_shape shape = {.rank = x->rank, .dims = {1, k->outputs}};
    int64_t positions = 1;
    for (int d = 0; d < window.spatial; d++) {
        shape.dims[2 + d] = window.out[d];
        positions *= window.out[d];
    }
    double *map = calloc((size_t)(positions * k->outputs) + 1, sizeof *map);
    if (map == NULL) return eki_fail_nomem(err, (size_t)(positions * k->outputs) * sizeof *map);
    for (int64_t p = 0; p < positions; p++) {
        for (int64_t tap = 0; tap < k->taps; tap++) {
            if (!hangs_over(&window, x->dims + 2, p, tap)) continue;
            for (int64_t o = 0; o < k->outputs; o++) map[o * positions + p] -= sums[o * k->taps + tap];
        }
    }
    ek_status status = eki_edit_add(graph, op, "border", &shape, map, err);
    free(map);
    return status;
}

static ek_status set_bias(eki_graph *graph, eki_node *op, const kernel *k, const double *sums, ek_error *err) {
    const eki_tensor *bias = op->n_in > 2 ? eki_fixed(graph, op->in[2]) : NULL;
    double *values = calloc((size_t)k->outputs + 1, sizeof *values);
    if (values == NULL) return eki_fail_nomem(err, (size_t)k->outputs * sizeof *values);
    bool gemm = eki_is_op(op, "Gemm");
    double beta = gemm ? (double)eki_node_float(op, "beta", 1.0F) : 1.0;
    double alpha = gemm ? (double)eki_node_float(op, "alpha", 1.0F) : 1.0;
    for (int64_t o = 0; o < k->outputs; o++) {
        for (int64_t tap = 0; tap < k->taps; tap++) values[o] += alpha * sums[o * k->taps + tap];
        if (bias != NULL) values[o] += beta * eki_at(bias, eki_count(bias) == 1 ? 0 : o);
    }
    eki_shape shape = eki_shape_of(1, &k->outputs);
    ek_status status = eki_is_op(op, "MatMul") ? eki_edit_add(graph, op, "bias", &shape, values, err)
                                               : eki_edit_constant(graph, op, 2, "bias", &shape, values, err);
    free(values);
    if (status == EK_OK && gemm && beta != 1.0) eki_node_remove_attr(op, "beta");
    return status;
}

static ek_status fold_into(eki_graph *graph, eki_node *op, const eki_affine *map, ek_error *err) {
    const eki_tensor *weight = eki_fixed(graph, op->in[1]);
    kernel k = kernel_of(op, weight);
    eki_shape shape = weight->shape;
    size_t count = (size_t)eki_count(weight), sums_count = (size_t)(k.outputs * k.taps);
    double *values = calloc(count + sums_count + 1, sizeof *values), *sums = values + count;
    if (values == NULL) return eki_fail_nomem(err, (count + sums_count) * sizeof *values);
    multiply(&k, weight, map, values, sums);
    bool shifts = eki_affine_shifts(map), border = shifts && eki_is_op(op, "Conv") && eki_conv_padded(op);
    ek_status status = eki_edit_constant(graph, op, 1, "weight", &shape, values, err);
    if (status == EK_OK && shifts) status = set_bias(graph, op, &k, sums, err);
    if (status == EK_OK && border) status = add_border(graph, op, &k, sums, err);
    free(values);
    return status;
}

ek_status eki_fold_before(eki_graph *graph, const eki_site *site, const eki_affine *map, ek_error *err) {
    eki_value *in = eki_affine_input(graph, site->chain[0]), *out = site->chain[site->length - 1]->out[0];
    size_t nodes = graph->n_nodes;
    for (size_t i = 0; i < nodes; i++) {
        eki_node *op = graph->nodes[i];
        if (op->op_type == NULL || op->n_in < 1 || op->in[0] != out) continue;
        op->in[0] = in;
        EKI_TRY(fold_into(graph, op, map, err));
    }
    for (int i = 0; i < site->length; i++) {
        site->chain[i]->op_type = NULL;
        site->chain[i]->out[0]->producer = NULL;
        site->chain[i]->out[0]->declared = false;
    }
    return EK_OK;
}
