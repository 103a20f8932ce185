/* argmax.c: ArgMax and ArgMin along an axis. ONNX opsets 1, 11, 12 (select_last_index), 13; f32, i32, i64.
 *
 * The first of equal elements, or the last. NaN counts as the extremum.
 */
#include "graph/op/op_common.h"

static ek_status infer(eki_infer *infer, eki_step_fn forward) {
    int axis;
    const eki_shape *x = &infer->in[0].shape;
    eki_shape out = {.rank = 0};
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    if (!eki_is_int(infer->in[0].dtype)) EKI_TRY(eki_infer_f32(infer, 0));
    if (x->rank < 0) {
        eki_infer_set_unknown(infer, 0, EK_I64);
        return EK_OK;
    }
    EKI_TRY(eki_infer_axis(infer, eki_node_int(infer->node, "axis", 0), x->rank, false, &axis));
    if (x->dims[axis] == 0) return eki_infer_fail(infer, EK_ERR_SHAPE, "dimension %d is empty", axis);
    bool keep = eki_node_int(infer->node, "keepdims", 1) != 0;
    for (int i = 0; i < x->rank; i++) {
        if (i != axis) out.dims[out.rank++] = x->dims[i];
        if (i == axis && keep) out.dims[out.rank++] = 1;
    }
    eki_infer_set(infer, 0, EK_I64, &out);
    return eki_infer_fold(infer, forward);
}

typedef struct job {
    const void *x;
    int64_t *y;
    ek_dtype dtype;
    size_t dim, inner;
    bool max, last;
} job;

static bool better(const job *j, int64_t a, int64_t b) {
    if (j->dtype != EK_F32) {
        int64_t x = eki_load_int(j->dtype, j->x, a), y = eki_load_int(j->dtype, j->x, b);
        return (j->max ? x > y : x < y) || (j->last && x == y);
    }
    float x = ((const float *)j->x)[a], y = ((const float *)j->x)[b];
    if (x != x || y != y) return x != x && (y == y || j->last);
    return (j->max ? x > y : x < y) || (j->last && x == y);
}

static void grain(void *argument, size_t begin, size_t end) {
    const job *j = argument;
    for (size_t i = begin; i < end; i++) {
        int64_t base = (int64_t)(i / j->inner * j->dim * j->inner + i % j->inner), best = 0;
        for (int64_t k = 1; k < (int64_t)j->dim; k++) {
            if (better(j, base + k * (int64_t)j->inner, base + best * (int64_t)j->inner)) best = k;
        }
        j->y[i] = best;
    }
}

static ek_status forward(eki_step *step, bool max) {
    const eki_shape *x = &step->in[0].shape;
    int64_t axis = eki_node_int(step->node, "axis", 0);
    if (axis < 0) axis += x->rank;
    job j = {.x = step->in[0].data, .y = step->out[0].data, .dtype = step->in[0].dtype, .inner = 1, .max = max};
    j.dim = (size_t)x->dims[axis];
    j.last = eki_node_int(step->node, "select_last_index", 0) != 0;
    for (int i = (int)axis + 1; i < x->rank; i++) j.inner *= (size_t)x->dims[i];
    eki_for_grains(step, eki_view_elements(&step->out[0]), grain, &j);
    return EK_OK;
}

ek_status eki_op_ArgMax_infer(eki_infer *i) { return infer(i, eki_op_ArgMax_forward); }
ek_status eki_op_ArgMax_forward(eki_step *step, ek_error *err) {
    (void)err;
    return forward(step, true);
}

ek_status eki_op_ArgMin_infer(eki_infer *i) { return infer(i, eki_op_ArgMin_forward); }
ek_status eki_op_ArgMin_forward(eki_step *step, ek_error *err) {
    (void)err;
    return forward(step, false);
}

EKI_OPERATOR(ArgMax, .infer = eki_op_ArgMax_infer, .forward = eki_op_ArgMax_forward, .backward = eki_flat_backward);
EKI_OPERATOR(ArgMin, .infer = eki_op_ArgMin_infer, .forward = eki_op_ArgMin_forward, .backward = eki_flat_backward);
