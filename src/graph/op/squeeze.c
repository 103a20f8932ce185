/* squeeze.c: Squeeze and Unsqueeze: dimensions of extent 1 taken out or put in. ONNX opsets 1 to 23: axes as an
 * attribute, from 13 on as an input. Squeeze without axes takes out every 1.
 */
#include "graph/op/op_common.h"

ek_status eki_op_Squeeze_infer(eki_infer *infer) {
    const int64_t *axes;
    size_t count;
    bool known, given, drop[EKI_MAX_RANK] = {false};
    const eki_shape *x = &infer->in[0].shape;
    eki_shape out = {.rank = 0};
    EKI_TRY(eki_infer_inputs(infer, 1, infer->opset < 13 ? 1 : 2));
    EKI_TRY(eki_infer_list(infer, "axes", 1, 13, &axes, &count, &known, &given));
    bool open = !given && x->rank >= 0 && !eki_shape_known(x); /* a symbol may turn out to be 1 */
    if (!known || x->rank < 0 || open) {
        eki_infer_set_unknown(infer, 0, infer->in[0].dtype);
        return EK_OK;
    }
    for (size_t i = 0; i < count; i++) {
        int axis;
        EKI_TRY(eki_infer_axis(infer, axes[i], x->rank, false, &axis));
        if (x->dims[axis] >= 0 && x->dims[axis] != 1) {
            return eki_infer_fail(infer, EK_ERR_SHAPE, "dimension %d is %lld, only 1 can be squeezed", axis,
                                  (long long)x->dims[axis]);
        }
        drop[axis] = true;
    }
    for (int i = 0; i < x->rank; i++) {
        if (!drop[i] && (given || x->dims[i] != 1)) out.dims[out.rank++] = x->dims[i];
    }
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return eki_infer_fold(infer, eki_op_Squeeze_forward);
}

ek_status eki_op_Unsqueeze_infer(eki_infer *infer) {
    const int64_t *axes;
    size_t count;
    bool known, given, put[EKI_MAX_RANK] = {false};
    const eki_shape *x = &infer->in[0].shape;
    EKI_TRY(eki_infer_inputs(infer, infer->opset < 13 ? 1 : 2, infer->opset < 13 ? 1 : 2));
    EKI_TRY(eki_infer_list(infer, "axes", 1, 13, &axes, &count, &known, &given));
    if (!given) return eki_infer_fail(infer, EK_ERR_FORMAT, "axes are missing");
    if (!known || x->rank < 0) {
        eki_infer_set_unknown(infer, 0, infer->in[0].dtype);
        return EK_OK;
    }
    if (count > (size_t)(EKI_MAX_RANK - x->rank)) {
        return eki_infer_fail(infer, EK_ERR_LIMIT, "the result's rank is above %d", EKI_MAX_RANK);
    }
    eki_shape out = {.rank = x->rank + (int)count};
    for (size_t i = 0; i < count; i++) {
        int axis;
        EKI_TRY(eki_infer_axis(infer, axes[i], out.rank, false, &axis));
        if (put[axis]) return eki_infer_fail(infer, EK_ERR_SHAPE, "axis %d is given twice", axis);
        put[axis] = true;
    }
    for (int i = 0, j = 0; i < out.rank; i++) out.dims[i] = put[i] ? 1 : x->dims[j++];
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return eki_infer_fold(infer, eki_op_Unsqueeze_forward);
}

ek_status eki_op_Squeeze_forward(eki_step *step, ek_error *err) { return eki_copy_forward(step, err); }
ek_status eki_op_Squeeze_backward(eki_step *step, ek_error *err) { return eki_copy_backward(step, err); }
ek_status eki_op_Unsqueeze_forward(eki_step *step, ek_error *err) { return eki_copy_forward(step, err); }
ek_status eki_op_Unsqueeze_backward(eki_step *step, ek_error *err) { return eki_copy_backward(step, err); }

EKI_OPERATOR(Squeeze, .diff_inputs = 0x1, .infer = eki_op_Squeeze_infer, .forward = eki_op_Squeeze_forward,
             .backward = eki_op_Squeeze_backward);
EKI_OPERATOR(Unsqueeze, .diff_inputs = 0x1, .infer = eki_op_Unsqueeze_infer, .forward = eki_op_Unsqueeze_forward,
             .backward = eki_op_Unsqueeze_backward);
