/* gather.c: Gather of slices along an axis by integer indices (negative ones count from the end). ONNX opsets 1, 11,
 * 13; data of any fixed-size type.
 *
 * Backward adds the slices of dy into dx in the order of the indices.
 */
#include "graph/op/op_common.h"

#include <string.h>

ek_status eki_op_Gather_infer(eki_infer *infer) {
    int axis;
    EKI_TRY(eki_infer_inputs(infer, 2, 2));
    const eki_shape *x = &infer->in[0].shape, *index = &infer->in[1].shape;
    if (infer->in[1].dtype != EK_I64 && infer->in[1].dtype != EK_I32) {
        return eki_infer_fail(infer, EK_ERR_DTYPE, "indices are %s, expected i64 or i32",
                              eki_dtype_name(infer->in[1].dtype));
    }
    if (x->rank < 0 || index->rank < 0) {
        eki_infer_set_unknown(infer, 0, infer->in[0].dtype);
        return EK_OK;
    }
    EKI_TRY(eki_infer_axis(infer, eki_node_int(infer->node, "axis", 0), x->rank, false, &axis));
    if (x->rank + index->rank - 1 > EKI_MAX_RANK) {
        return eki_infer_fail(infer, EK_ERR_LIMIT, "the result's rank is above %d", EKI_MAX_RANK);
    }
    eki_shape out = {.rank = 0};
    for (int i = 0; i < axis; i++) out.dims[out.rank++] = x->dims[i];
    for (int i = 0; i < index->rank; i++) out.dims[out.rank++] = index->dims[i];
    for (int i = axis + 1; i < x->rank; i++) out.dims[out.rank++] = x->dims[i];
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return eki_infer_fold(infer, eki_op_Gather_forward);
}

ek_status eki_op_Gather_prepare(eki_step *step, ek_error *err) {
    step->keep_in[1] = step->want_din[0];
    return eki_prepare_plain(step, err);
}

typedef struct extents {
    size_t outer, dim, inner, indices;
} extents;

static extents measure(const eki_step *step) {
    extents e = {1, 1, 1, eki_view_elements(&step->in[1])};
    const eki_shape *x = &step->in[0].shape;
    int64_t axis = eki_node_int(step->node, "axis", 0);
    if (axis < 0) axis += x->rank;
    for (int i = 0; i < x->rank; i++) *(i < axis ? &e.outer : i == axis ? &e.dim : &e.inner) *= (size_t)x->dims[i];
    return e;
}

static ek_status index_at(const eki_step *step, const extents *e, size_t at, size_t *index, ek_error *err) {
    const void *data = step->constant[1] != NULL ? step->constant[1]->data : step->in[1].data;
    int64_t v = step->in[1].dtype == EK_I64 ? ((const int64_t *)data)[at] : ((const int32_t *)data)[at];
    int64_t dim = (int64_t)e->dim;
    if (v < -dim || v >= dim) {
        return eki_step_fail(step, err, EK_ERR_ARG, "index %lld is outside [%lld, %lld)", (long long)v, (long long)-dim,
                             (long long)dim);
    }
    *index = (size_t)(v < 0 ? v + dim : v);
    return EK_OK;
}

ek_status eki_op_Gather_forward(eki_step *step, ek_error *err) {
    extents e = measure(step);
    size_t bytes = e.inner * eki_dtype_bytes(step->in[0].dtype), index = 0;
    for (size_t i = 0; i < e.indices; i++) {
        EKI_TRY(index_at(step, &e, i, &index, err));
        for (size_t o = 0; o < e.outer; o++) {
            memcpy((char *)step->out[0].data + (o * e.indices + i) * bytes,
                   (const char *)step->in[0].data + (o * e.dim + index) * bytes, bytes);
        }
    }
    return EK_OK;
}

ek_status eki_op_Gather_backward(eki_step *step, ek_error *err) {
    extents e = measure(step);
    size_t index = 0;
    const float *dy = step->dout[0];
    float *dx = step->din[0];
    if (dx == NULL) return EK_OK;
    memset(dx, 0, eki_view_bytes(&step->in[0]));
    if (dy == NULL) return EK_OK;
    for (size_t i = 0; i < e.indices; i++) {
        EKI_TRY(index_at(step, &e, i, &index, err));
        for (size_t o = 0; o < e.outer; o++) {
            const float *from = dy + (o * e.indices + i) * e.inner;
            float *to = dx + (o * e.dim + index) * e.inner;
            for (size_t k = 0; k < e.inner; k++) to[k] += from[k];
        }
    }
    return EK_OK;
}

EKI_OPERATOR(Gather, .diff_inputs = 0x1, EKI_ALL_OF(Gather));
