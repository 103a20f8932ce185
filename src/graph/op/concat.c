/* concat.c: Concat along an axis. ONNX opsets 1 (axis default 1), 4, 11, 13; any type of fixed size.
 *
 * Per index of the leading dimensions, one copy per input. Channels (axis 1) of blocked tensors are joined as they are
 * when every input but the last fills its blocks; else everything is asked in plain layout.
 */
#include "graph/op/op_common.h"

#include <string.h>

ek_status eki_op_concat_infer(eki_infer *infer) {
    int axis = 0;
    EKI_TRY(eki_infer_inputs(infer, 1, EKI_MAX_IO));
    eki_shape out = infer->in[0].shape;
    for (int i = 0; i < infer->node->n_in; i++) {
        const eki_shape *x = &infer->in[i].shape;
        if (infer->in[i].dtype != infer->in[0].dtype) {
            return eki_infer_fail(infer, EK_ERR_DTYPE, "input %d is %s, input 0 is %s", i,
                                  eki_dtype_name(infer->in[i].dtype), eki_dtype_name(infer->in[0].dtype));
        }
        if (x->rank < 0 || out.rank < 0) {
            out.rank = -1;
            continue;
        }
        EKI_TRY(eki_infer_axis(infer, eki_node_int(infer->node, "axis", 1), out.rank, false, &axis));
        if (i == 0) continue;
        if (x->rank != out.rank) return eki_infer_fail(infer, EK_ERR_SHAPE, "input %d has another rank", i);
        for (int d = 0; d < out.rank; d++) {
            if (d == axis) {
                if (x->dims[d] >= 0 && out.dims[d] >= 0) {
                    out.dims[d] += x->dims[d];
                } else {
                    EKI_TRY(eki_infer_fresh(infer, &out.dims[d]));
                }
            } else if (x->dims[d] >= 0 && out.dims[d] >= 0 && x->dims[d] != out.dims[d]) {
                return eki_infer_fail(infer, EK_ERR_SHAPE, "dimension %d of input %d is %lld, of input 0 %lld", d, i,
                                      (long long)x->dims[d], (long long)out.dims[d]);
            } else if (out.dims[d] < 0 && x->dims[d] >= 0) {
                out.dims[d] = x->dims[d];
            }
        }
    }
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return eki_infer_fold(infer, eki_op_concat_forward);
}

static int axis_of(const eki_step *step) {
    int64_t axis = eki_node_int(step->node, "axis", 1);
    return (int)(axis < 0 ? axis + step->out[0].shape.rank : axis);
}

ek_status eki_op_concat_prepare(eki_step *step, ek_error *err) {
    ek_layout layout = step->in[0].layout;
    if ((layout != EK_LAYOUT_BLOCKED8 && layout != EK_LAYOUT_BLOCKED16) || axis_of(step) != 1) {
        return eki_prepare_plain(step, err);
    }
    for (int i = 0; i + 1 < step->n_in; i++) {
        if (step->in[i].shape.dims[1] % (int64_t)layout != 0) return eki_prepare_plain(step, err);
    }
    for (int i = 0; i < step->n_in; i++) step->in_layout[i] = layout;
    step->out[0].layout = layout;
    return EK_OK;
}

/* Bytes that one index of the dimensions before the axis has in a tensor. */
static size_t bytes_per_outer(const eki_view *view, size_t outer) {
    return outer == 0 ? 0 : eki_view_bytes(view) / outer;
}

static size_t outer_count(const eki_step *step) {
    size_t outer = 1;
    for (int i = 0, axis = axis_of(step); i < axis; i++) outer *= (size_t)step->out[0].shape.dims[i];
    return outer;
}

ek_status eki_op_concat_forward(eki_step *step, ek_error *err) {
    (void)err;
    size_t outer = outer_count(step), row = bytes_per_outer(&step->out[0], outer), at = 0;
    for (int i = 0; i < step->n_in; i++) {
        size_t bytes = bytes_per_outer(&step->in[i], outer);
        for (size_t o = 0; o < outer && bytes > 0; o++) {
            memcpy((char *)step->out[0].data + o * row + at, (const char *)step->in[i].data + o * bytes, bytes);
        }
        at += bytes;
    }
    return EK_OK;
}

ek_status eki_op_concat_backward(eki_step *step, ek_error *err) {
    (void)err;
    size_t outer = outer_count(step), row = bytes_per_outer(&step->out[0], outer), at = 0;
    for (int i = 0; i < step->n_in; i++) {
        size_t bytes = bytes_per_outer(&step->in[i], outer);
        for (size_t o = 0; o < outer && bytes > 0 && step->din[i] != NULL; o++) {
            char *to = (char *)step->din[i] + o * bytes;
            if (step->dout[0] == NULL) {
                memset(to, 0, bytes);
            } else {
                memcpy(to, (const char *)step->dout[0] + o * row + at, bytes);
            }
        }
        at += bytes;
    }
    return EK_OK;
}
