/* op_reduce.h: what the Reduce operators share: their axes. */
#ifndef EKI_OP_REDUCE_H
#define EKI_OP_REDUCE_H

#include "graph/op/op_common.h"

/* The first opset in which the axes are an input. */
enum { EKI_SUM_AXES_INPUT = 13, EKI_REDUCE_AXES_INPUT = 18 };

/* The whole infer function. `ints`: i32 and i64 are taken too. */
ek_status eki_reduce_infer(eki_infer *infer, int64_t since_input, bool ints, eki_step_fn forward);
/* Bits of the reduced dimensions, and how many elements each result is made of. */
ek_status eki_reduce_mask(const eki_step *step, int64_t since_input, uint32_t *mask, int64_t *terms, ek_error *err);
/* The input's shape with 1 for the reduced dimensions. */
eki_shape eki_reduce_kept(const eki_step *step, uint32_t mask);
/* Sum, product, maximum or minimum of an i32 or i64 input. */
void eki_reduce_ints(const eki_step *step, eki_reduce_kind kind, uint32_t mask);

#endif
