/* shape.c: Shape, the extents of a tensor as i64. ONNX opsets 1, 13 and, with start and end, 15 to 23.
 *
 * Known as soon as the extents asked for are, whatever the input's values.
 */
#include "graph/op/op_common.h"

static void range(const eki_node *node, int rank, int *begin, int *end) {
    int64_t from = eki_node_int(node, "start", 0), to = eki_node_int(node, "end", rank);
    if (from < 0) from += rank;
    if (to < 0) to += rank;
    from = from < 0 ? 0 : from > rank ? rank : from;
    to = to < from ? from : to > rank ? rank : to;
    *begin = (int)from;
    *end = (int)to;
}

ek_status eki_op_Shape_infer(eki_infer *infer) {
    int begin, end;
    eki_tensor *tensor;
    eki_shape out = {.rank = 1};
    const eki_shape *x = &infer->in[0].shape;
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    if (x->rank < 0) {
        EKI_TRY(eki_infer_fresh(infer, &out.dims[0]));
        eki_infer_set(infer, 0, EK_I64, &out);
        return EK_OK;
    }
    range(infer->node, x->rank, &begin, &end);
    out.dims[0] = end - begin;
    eki_infer_set(infer, 0, EK_I64, &out);
    for (int i = begin; i < end; i++) {
        if (x->dims[i] < 0) return EK_OK;
    }
    EKI_TRY(eki_tensor_create(infer->graph, EK_I64, &out, &tensor, infer->err));
    for (int i = begin; i < end; i++) ((int64_t *)tensor->data)[i - begin] = x->dims[i];
    infer->out[0].constant = tensor;
    return EK_OK;
}

ek_status eki_op_Shape_forward(eki_step *step, ek_error *err) {
    (void)err;
    int begin, end;
    range(step->node, step->in[0].shape.rank, &begin, &end);
    for (int i = begin; i < end; i++) ((int64_t *)step->out[0].data)[i - begin] = step->in[0].shape.dims[i];
    return EK_OK;
}

EKI_OPERATOR(Shape, .infer = eki_op_Shape_infer, .forward = eki_op_Shape_forward);
