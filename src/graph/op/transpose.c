/* transpose.c: Transpose by `perm` (default: reversed). ONNX opsets 1 to 23; any type of 1, 2, 4 or 8 bytes.
 *
 * A strided walk over the result. Backward is the inverse permutation.
 */
#include "graph/op/op_common.h"

static bool permutation(const eki_node *node, int rank, int perm[EKI_MAX_RANK]) {
    const int64_t *values;
    size_t count;
    uint32_t seen = 0;
    bool given = eki_node_ints(node, "perm", &values, &count);
    if (given && count != (size_t)rank) return false;
    for (int i = 0; i < rank; i++) {
        int64_t p = given ? values[i] : rank - 1 - i;
        if (p < 0 || p >= rank) return false;
        perm[i] = (int)p;
        seen |= 1u << p;
    }
    return seen == (1u << rank) - 1u;
}

ek_status eki_op_Transpose_infer(eki_infer *infer) {
    int perm[EKI_MAX_RANK];
    const eki_shape *x = &infer->in[0].shape;
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    if (x->rank < 0) {
        eki_infer_set_unknown(infer, 0, infer->in[0].dtype);
        return EK_OK;
    }
    if (!permutation(infer->node, x->rank, perm)) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "perm is not a permutation of %d dimensions", x->rank);
    }
    eki_shape out = {.rank = x->rank};
    for (int i = 0; i < x->rank; i++) out.dims[i] = x->dims[perm[i]];
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return eki_infer_fold(infer, eki_op_Transpose_forward);
}

ek_status eki_op_Transpose_forward(eki_step *step, ek_error *err) {
    (void)err;
    int perm[EKI_MAX_RANK];
    int64_t own[EKI_MAX_RANK], strides[EKI_MAX_RANK];
    eki_walk walk;
    int rank = step->in[0].shape.rank;
    permutation(step->node, rank, perm);
    eki_row_strides(&step->in[0].shape, own);
    for (int i = 0; i < rank; i++) strides[i] = own[perm[i]];
    eki_walk_init(&walk, &step->out[0].shape);
    eki_walk_add(&walk, strides);
    eki_walk_copy(step, &walk, step->in[0].data, step->out[0].data, eki_dtype_bytes(step->in[0].dtype));
    return EK_OK;
}

ek_status eki_op_Transpose_backward(eki_step *step, ek_error *err) {
    (void)err;
    int perm[EKI_MAX_RANK];
    int64_t own[EKI_MAX_RANK], strides[EKI_MAX_RANK];
    eki_walk walk;
    int rank = step->in[0].shape.rank;
    if (step->din[0] == NULL) return EK_OK;
    if (step->dout[0] == NULL) {
        eki_zero_gradient(step, 0);
        return EK_OK;
    }
    permutation(step->node, rank, perm);
    eki_row_strides(&step->out[0].shape, own);
    for (int i = 0; i < rank; i++) strides[perm[i]] = own[i];
    eki_walk_init(&walk, &step->in[0].shape);
    eki_walk_add(&walk, strides);
    eki_walk_copy(step, &walk, step->dout[0], step->din[0], sizeof(float));
    return EK_OK;
}

EKI_OPERATOR(Transpose, .diff_inputs = 0x1, .infer = eki_op_Transpose_infer, .forward = eki_op_Transpose_forward,
             .backward = eki_op_Transpose_backward);
