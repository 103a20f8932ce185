/* op_reduce_axes.c: which axes a Reduce operator reduces: an attribute, from some opset on an input; keepdims;
 * noop_with_empty_axes. And the same on integers, for shape arithmetic.
 */
#include "graph/op/op_reduce.h"

ek_status eki_reduce_infer(eki_infer *infer, int64_t since_input, bool ints, eki_step_fn forward) {
    const int64_t *axes;
    size_t count;
    bool known, given, reduced[EKI_MAX_RANK] = {false};
    const eki_shape *x = &infer->in[0].shape;
    eki_shape out = {.rank = 0};
    EKI_TRY(eki_infer_inputs(infer, 1, infer->opset < since_input ? 1 : 2));
    ek_dtype dtype = infer->in[0].dtype;
    if (!ints || !eki_is_int(dtype)) EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_infer_list(infer, "axes", 1, since_input, &axes, &count, &known, &given));
    if (!known || x->rank < 0) {
        eki_infer_set_unknown(infer, 0, dtype);
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
    eki_infer_set(infer, 0, dtype, &out);
    return eki_infer_fold(infer, forward);
}

ek_status eki_reduce_mask(const eki_step *step, int64_t since_input, uint32_t *mask, int64_t *terms, ek_error *err) {
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

eki_shape eki_reduce_kept(const eki_step *step, uint32_t mask) {
    eki_shape kept = step->in[0].shape;
    for (int i = 0; i < kept.rank; i++) {
        if (mask >> i & 1) kept.dims[i] = 1;
    }
    return kept;
}

static int64_t join(eki_reduce_kind kind, int64_t a, int64_t b) {
    switch (kind) {
    case EKI_REDUCE_PROD: return (int64_t)((uint64_t)a * (uint64_t)b);
    case EKI_REDUCE_MAX: return a > b ? a : b;
    case EKI_REDUCE_MIN: return a < b ? a : b;
    default: return (int64_t)((uint64_t)a + (uint64_t)b);
    }
}

static int64_t neutral(eki_reduce_kind kind, ek_dtype dtype) {
    bool wide = dtype == EK_I64;
    switch (kind) {
    case EKI_REDUCE_PROD: return 1;
    case EKI_REDUCE_MAX: return wide ? INT64_MIN : INT32_MIN;
    case EKI_REDUCE_MIN: return wide ? INT64_MAX : INT32_MAX;
    default: return 0;
    }
}

void eki_reduce_ints(const eki_step *step, eki_reduce_kind kind, uint32_t mask) {
    ek_dtype dtype = step->in[0].dtype;
    void *y = step->out[0].data;
    const eki_shape *x = &step->in[0].shape;
    eki_shape kept = eki_reduce_kept(step, mask);
    int64_t strides[EKI_MAX_RANK], results = (int64_t)eki_view_elements(&step->out[0]);
    eki_row_strides(&kept, strides);
    for (int64_t i = 0; i < results; i++) eki_store_int(dtype, y, i, neutral(kind, dtype));
    for (int64_t i = 0, n = (int64_t)eki_view_elements(&step->in[0]); i < n; i++) {
        int64_t at = 0, rest = i;
        for (int d = x->rank - 1; d >= 0; d--) {
            if ((mask >> d & 1) == 0) at += rest % x->dims[d] * strides[d];
            rest /= x->dims[d];
        }
        eki_store_int(dtype, y, at, join(kind, eki_load_int(dtype, y, at), eki_load_int(dtype, step->in[0].data, i)));
    }
}
