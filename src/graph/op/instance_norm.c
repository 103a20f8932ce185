/* instance_norm.c: InstanceNormalization: statistics per example and channel. ONNX opsets 1, 6, 22; f32.
 *
 * Ulyanov, Vedaldi, Lempitsky 2016. No running statistics, so the same in every mode.
 */
#include "graph/op/op_norm.h"

ek_status eki_op_InstanceNormalization_infer(eki_infer *infer) {
    EKI_TRY(eki_norm_infer_inputs(infer, 3, 3, 3));
    const eki_shape *x = &infer->in[0].shape;
    int64_t channels = x->rank > 1 ? x->dims[1] : -1;
    EKI_TRY(eki_norm_infer_length(infer, 1, "scale", channels));
    return eki_norm_infer_length(infer, 2, "B", channels);
}

ek_status eki_op_InstanceNormalization_prepare(eki_step *step, ek_error *err) {
    ek_norm_desc desc = eki_norm_desc_of(step, EK_NORM_INSTANCE);
    return eki_norm_prepare(step, &desc, 0, false, err);
}

ek_status eki_op_InstanceNormalization_forward(eki_step *step, ek_error *err) {
    ek_norm_args args = eki_norm_args(step);
    return eki_norm_run(step, &args, err);
}

ek_status eki_op_InstanceNormalization_backward(eki_step *step, ek_error *err) { return eki_norm_backward(step, err); }
void eki_op_InstanceNormalization_release(eki_step *step) { eki_norm_release(step); }

EKI_OPERATOR(InstanceNormalization, .diff_inputs = 0x7, EKI_ALL_OF(InstanceNormalization), .again = eki_norm_again,
             .release = eki_op_InstanceNormalization_release);
