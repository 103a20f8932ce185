/* identity.c: Identity. ONNX opsets 1 to 23. Any layout, any type. */
#include "graph/op/op_common.h"

ek_status eki_op_Identity_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_same(infer));
    return eki_infer_fold(infer, eki_op_Identity_forward);
}

ek_status eki_op_Identity_prepare(eki_step *step, ek_error *err) {
    step->in_place = EKI_ANY_INPUT;
    return eki_prepare_same_layout(step, err);
}

ek_status eki_op_Identity_forward(eki_step *step, ek_error *err) { return eki_copy_forward(step, err); }
ek_status eki_op_Identity_backward(eki_step *step, ek_error *err) { return eki_copy_backward(step, err); }

EKI_OPERATOR(Identity, .diff_inputs = 0x1, EKI_ALL_OF(Identity));
