/* reduce.c: ReduceMean and ReduceSum. ONNX opsets 1 to 23: axes as an attribute, from 18 (mean) and 13 (sum) on as an
 * input; keepdims; noop_with_empty_axes. f32.
 *
 * Sums run in f64 over their elements in row-major order. Backward spreads dy over what was summed.
 */
#include "graph/op/op_common.h"

#include <string.h>

static ek_status infer(eki_infer *infer, int64_t since_input, eki_step_fn forward) {
    const int64_t *axes;
    size_t count;
    bool known, given, reduced[EKI_MAX_RANK] = {false};
    const eki_shape *x = &infer->in[0].shape;
    eki_shape out = {.rank = 0};
    EKI_TRY(eki_infer_inputs(infer, 1, infer->opset < since_input ? 1 : 2));
    EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_infer_list(infer, "axes", 1, since_input, &axes, &count, &known, &given));
    if (!known || x->rank < 0) {
        eki_infer_set_unknown(infer, 0, EK_F32);
        return EK_OK;
    }
    bool keep = eki_node_int(infer->node, "keepdims", 1) != 0;
    bool all = count == 0 && eki_node_int(infer->node, "noop_with_empty_axes", 0) == 0;
    for (size_t i = 0; i < count; i++) {
        int axis;
        EKI_TRY(eki_infer_axis(infer, axes[i], x->rank, false, &axis));
        reduced[axis] = true;
    }
    for (int i = 0; i < x->rank; i++) {
        if (!reduced[i] && !all) {
            out.dims[out.rank++] = x->dims[i];
        } else if (keep) {
            out.dims[out.rank++] = 1;
        }
    }
    eki_infer_set(infer, 0, EK_F32, &out);
    return eki_infer_fold(infer, forward);
}

/* Bits of the summed dimensions, and how many elements each sum has. */
static ek_status summed(const eki_step *step, int64_t since_input, uint32_t *mask, int64_t *terms, ek_error *err) {
    int64_t list[EKI_MAX_RANK];
    const int64_t *axes = list;
    size_t count = 0;
    int n = 0, rank = step->in[0].shape.rank;
    if (step->opset < since_input) {
        eki_node_ints(step->node, "axes", &axes, &count);
    } else if (step->n_in > 1 && step->has_in[1]) {
        EKI_TRY(eki_step_list(step, 1, list, EKI_MAX_RANK, &n, err));
        count = (size_t)n;
    }
    bool all = count == 0 && eki_node_int(step->node, "noop_with_empty_axes", 0) == 0;
    *mask = all ? (1u << rank) - 1u : 0;
    for (size_t i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank) return eki_step_fail(step, err, EK_ERR_SHAPE, "an axis is outside the rank");
        *mask |= 1u << axis;
    }
    *terms = 1;
    for (int i = 0; i < rank; i++) {
        if (*mask >> i & 1) *terms *= step->in[0].shape.dims[i];
    }
    return EK_OK;
}

static ek_status forward(eki_step *step, ek_error *err, int64_t since_input, bool mean) {
    uint32_t mask;
    int64_t terms;
    EKI_TRY(summed(step, since_input, &mask, &terms, err));
    eki_reduce_sum(step, step->in[0].data, &step->in[0].shape, mask, mean ? 1.0 / (double)terms : 1.0,
                   step->out[0].data);
    return EK_OK;
}

typedef struct job {
    const float *dy;
    float *dx;
    double terms;
} job;

static void spread_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    for (size_t i = 0; i < n; i++) j->dx[out + i] = (float)((double)j->dy[offset[0] + (int64_t)i * step[0]] / j->terms);
}

static ek_status backward(eki_step *step, ek_error *err, int64_t since_input, bool mean) {
    uint32_t mask;
    int64_t terms;
    eki_walk walk;
    eki_shape kept = step->in[0].shape;
    if (step->din[0] == NULL) return EK_OK;
    if (step->dout[0] == NULL) {
        memset(step->din[0], 0, eki_view_bytes(&step->in[0]));
        return EK_OK;
    }
    EKI_TRY(summed(step, since_input, &mask, &terms, err));
    for (int i = 0; i < kept.rank; i++) {
        if (mask >> i & 1) kept.dims[i] = 1;
    }
    job j = {step->dout[0], step->din[0], mean ? (double)terms : 1.0};
    eki_walk_init(&walk, &step->in[0].shape);
    eki_walk_add_broadcast(&walk, &kept);
    eki_walk_run(step, &walk, spread_row, &j);
    return EK_OK;
}

enum { MEAN_AXES_INPUT = 18, SUM_AXES_INPUT = 13 };

ek_status eki_op_reducemean_infer(eki_infer *i) { return infer(i, MEAN_AXES_INPUT, eki_op_reducemean_forward); }
ek_status eki_op_reducemean_forward(eki_step *step, ek_error *err) { return forward(step, err, MEAN_AXES_INPUT, true); }
ek_status eki_op_reducemean_backward(eki_step *step, ek_error *err) {
    return backward(step, err, MEAN_AXES_INPUT, true);
}

ek_status eki_op_reducesum_infer(eki_infer *i) { return infer(i, SUM_AXES_INPUT, eki_op_reducesum_forward); }
ek_status eki_op_reducesum_forward(eki_step *step, ek_error *err) { return forward(step, err, SUM_AXES_INPUT, false); }
ek_status eki_op_reducesum_backward(eki_step *step, ek_error *err) {
    return backward(step, err, SUM_AXES_INPUT, false);
}
