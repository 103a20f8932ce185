/* ops.h: prototypes of the functions of every operator in ops.def. A function that no row names need not exist. */
#ifndef EKI_OPS_H
#define EKI_OPS_H

#include "graph/op.h"

#define EKI_OP(key, ...)                                                                                               \
    ek_status eki_op_##key##_infer(eki_infer *infer);                                                                  \
    ek_status eki_op_##key##_prepare(eki_step *step, ek_error *err);                                                   \
    ek_status eki_op_##key##_forward(eki_step *step, ek_error *err);                                                   \
    ek_status eki_op_##key##_backward(eki_step *step, ek_error *err);                                                  \
    ek_status eki_op_##key##_commit(eki_step *step, ek_error *err);                                                    \
    void eki_op_##key##_release(eki_step *step);
#include "graph/op/ops.def"
#undef EKI_OP

#endif
