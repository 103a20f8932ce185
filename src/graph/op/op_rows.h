/* op_rows.h: the operators that the engine runs, and prototypes of their functions: EKI_RUN in ops/ops.def. */
#ifndef EKI_OP_ROWS_H
#define EKI_OP_ROWS_H

#include "graph/op.h"

#define EKI_OP(name, ...)
#define EKI_RUN(name, ...)                                                                                             \
    extern const eki_op eki_op_##name;                                                                                 \
    ek_status eki_op_##name##_infer(eki_infer *infer);                                                                 \
    ek_status eki_op_##name##_prepare(eki_step *step, ek_error *err);                                                  \
    ek_status eki_op_##name##_forward(eki_step *step, ek_error *err);                                                  \
    ek_status eki_op_##name##_backward(eki_step *step, ek_error *err);                                                 \
    ek_status eki_op_##name##_commit(eki_step *step, ek_error *err);                                                   \
    void eki_op_##name##_release(eki_step *step);
#include "ops/ops.def"

#endif
