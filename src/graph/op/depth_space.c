/* depth_space.c: DepthToSpace and SpaceToDepth: blocks of pixels become channels, and back. ONNX opsets 1 to 23; rank
 * 4; any type of 1, 2, 4 or 8 bytes.
 *
 * Each is a transposition of [N, blocks, C, H, blocksize, W, blocksize] as strides over the tensors as they are; the
 * gradient is the other one. A channel of the deep tensor is (by, bx, c), or with mode CRD (c, by, bx).
 */
#include "graph/op/op_common.h"

#include <string.h>

static int64_t side_of(const eki_node *node) { return eki_node_int(node, "blocksize", 0); }

static bool channels_first(const eki_node *node) { return eki_node_string_is(node, "mode", "CRD", false); }

static ek_status infer(eki_infer *infer, bool to_space, eki_step_fn forward) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    const eki_shape *x = &infer->in[0].shape;
    int64_t side = side_of(infer->node), area, deep;
    if (x->rank < 0) {
        eki_infer_set_unknown(infer, 0, infer->in[0].dtype);
        return EK_OK;
    }
    if (x->rank != 4) return eki_infer_fail(infer, EK_ERR_SHAPE, "input has rank %d, expected 4", x->rank);
    if (side < 1 || !eki_mul_i64(side, side, &area)) {
        return eki_infer_fail(infer, EK_ERR_ARG, "blocksize is %lld, expected at least 1", (long long)side);
    }
    eki_shape out = *x;
    for (int i = 1; i < 4; i++) {
        bool splits = to_space == (i == 1);
        int64_t by = i == 1 ? area : side;
        if (x->dims[i] < 0) {
            EKI_TRY(eki_infer_fresh(infer, &out.dims[i]));
        } else if (splits && x->dims[i] % by != 0) {
            return eki_infer_fail(infer, EK_ERR_SHAPE, "extent %lld of dimension %d is no multiple of %lld",
                                  (long long)x->dims[i], i, (long long)by);
        } else if (splits) {
            out.dims[i] = x->dims[i] / by;
        } else if (!eki_mul_i64(x->dims[i], by, &deep)) {
            return eki_infer_fail(infer, EK_ERR_LIMIT, "extent %lld of dimension %d times %lld is too large",
                                  (long long)x->dims[i], i, (long long)by);
        } else {
            out.dims[i] = deep;
        }
    }
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return eki_infer_fold(infer, forward);
}

/* The result in its own order: pixels (y, by, x, bx) when it is the wide tensor, channels of blocks when the deep one.
 */
static void move(const eki_step *step, const eki_shape *wide, const void *from, void *to, size_t bytes, bool to_space) {
    int64_t b = side_of(step->node), n = wide->dims[0], c = wide->dims[1], h = wide->dims[2] / b, w = wide->dims[3] / b;
    bool first = channels_first(step->node);
    int64_t area = h * w, channel = first ? b * b * area : area; /* strides in the deep tensor */
    int64_t row = first ? b * area : b * c * area, column = first ? area : c * area;
    eki_walk walk;
    eki_shape shape = {.rank = 6, .dims = {n, c, h, b, w, b}};
    int64_t strides[EKI_MAX_RANK] = {b * b * c * area, channel, w, row, 1, column};
    if (!to_space) {
        const int64_t y = w * b * b, plane = h * y; /* strides in the wide tensor */
        shape = first ? (eki_shape){.rank = 6, .dims = {n, c, b, b, h, w}}
                      : (eki_shape){.rank = 6, .dims = {n, b, b, c, h, w}};
        const int64_t by_block[] = {c * plane, w * b, 1, plane, y, b},
                      by_channel[] = {c * plane, plane, w * b, 1, y, b};
        memcpy(strides, first ? by_channel : by_block, sizeof by_block);
    }
    eki_walk_init(&walk, &shape);
    eki_walk_add(&walk, strides);
    eki_walk_copy(step, &walk, from, to, bytes);
}

static ek_status forward(eki_step *step, bool to_space) {
    const eki_view *x = &step->in[0], *y = &step->out[0];
    move(step, to_space ? &y->shape : &x->shape, x->data, y->data, eki_dtype_bytes(x->dtype), to_space);
    return EK_OK;
}

static ek_status backward(eki_step *step, bool to_space) {
    const eki_view *x = &step->in[0], *y = &step->out[0];
    if (step->dout[0] == NULL) eki_zero_gradient(step, 0);
    if (step->din[0] == NULL || step->dout[0] == NULL) return EK_OK;
    move(step, to_space ? &y->shape : &x->shape, step->dout[0], step->din[0], sizeof(float), !to_space);
    return EK_OK;
}

#define DEPTH_SPACE(op, to_space)                                                                                      \
    ek_status eki_op_##op##_infer(eki_infer *i) { return infer(i, to_space, eki_op_##op##_forward); }                  \
    ek_status eki_op_##op##_forward(eki_step *step, ek_error *err) {                                                   \
        (void)err;                                                                                                     \
        return forward(step, to_space);                                                                                \
    }                                                                                                                  \
    ek_status eki_op_##op##_backward(eki_step *step, ek_error *err) {                                                  \
        (void)err;                                                                                                     \
        return backward(step, to_space);                                                                               \
    }                                                                                                                  \
    EKI_OPERATOR(op, .diff_inputs = 0x1, .infer = eki_op_##op##_infer, .forward = eki_op_##op##_forward,               \
                 .backward = eki_op_##op##_backward)

DEPTH_SPACE(DepthToSpace, true);
DEPTH_SPACE(SpaceToDepth, false);
