/* reshape.c: Reshape and Flatten: the same elements under another shape. ONNX opsets 1 to 23.
 *
 * Reshape takes its target as an attribute (opset 1) or an input (5 on). 0 copies the input's extent (unless allowzero,
 * 14 on), -1 stands for the rest. With symbolic dimensions the -1 is solved by cancelling the symbols that the target
 * copies: [N, 3, 4] to [0, -1] is [N, 12], and to [-1, 12] is [N, 12] as well.
 */
#include "graph/op/op_common.h"

typedef struct target {
    eki_shape shape;
    int rest; /* index of -1, or none */
    bool copied[EKI_MAX_RANK];
} target;

/* The -1 of a target: what is left of the input's extents. */
static ek_status solve_rest(eki_infer *infer, target *t) {
    const eki_shape *x = &infer->in[0].shape;
    int64_t given = 1, left[EKI_MAX_RANK], known = 1, product;
    int symbols = 0;
    for (int i = 0; i < t->shape.rank; i++) {
        if (i == t->rest || (t->copied[i] && t->shape.dims[i] < 0)) continue;
        if (!eki_mul_i64(given, t->shape.dims[i], &given)) given = 0;
    }
    for (int i = 0; i < x->rank; i++) {
        bool cancelled = i < t->shape.rank && t->copied[i] && x->dims[i] < 0;
        if (cancelled) continue;
        if (x->dims[i] < 0) left[symbols++] = x->dims[i];
        if (x->dims[i] >= 0 && !eki_mul_i64(known, x->dims[i], &known)) known = 0;
    }
    if (symbols > 0) {
        int64_t all[2] = {left[0], given > 0 && known % given == 0 ? known / given : 2};
        EKI_TRY(eki_infer_product(infer, all, symbols == 1 ? 2 : 0, &product));
        if (symbols > 1) EKI_TRY(eki_infer_fresh(infer, &product));
        t->shape.dims[t->rest] = product;
        return EK_OK;
    }
    if (given == 0 || known % given != 0) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "%lld elements do not divide into %lld", (long long)known,
                              (long long)given);
    }
    t->shape.dims[t->rest] = known / given;
    return EK_OK;
}

static ek_status read_target(eki_infer *infer, const int64_t *values, size_t count, target *t) {
    const eki_shape *x = &infer->in[0].shape;
    bool allowzero = infer->opset >= 14 && eki_node_int(infer->node, "allowzero", 0) != 0;
    *t = (target){.shape = {.rank = (int)count}, .rest = -1};
    if (count > EKI_MAX_RANK) {
        return eki_infer_fail(infer, EK_ERR_LIMIT, "rank %zu is above %d", count, EKI_MAX_RANK);
    }
    for (int i = 0; i < t->shape.rank; i++) {
        t->shape.dims[i] = values[i];
        if (values[i] < -1 || (values[i] == -1 && t->rest >= 0)) {
            return eki_infer_fail(infer, EK_ERR_SHAPE, "target dimension %d is %lld", i, (long long)values[i]);
        }
        if (values[i] == -1) t->rest = i;
        if (values[i] != 0 || allowzero) continue;
        if (x->rank >= 0 && i >= x->rank) {
            return eki_infer_fail(infer, EK_ERR_SHAPE, "target dimension %d copies one that the input lacks", i);
        }
        t->copied[i] = true;
        if (x->rank >= 0) {
            t->shape.dims[i] = x->dims[i];
        } else {
            EKI_TRY(eki_infer_fresh(infer, &t->shape.dims[i]));
        }
    }
    return EK_OK;
}

/* The target's value is not known; its length may be. */
static ek_status unknown_target(eki_infer *infer) {
    const eki_shape *s = &infer->in[1].shape;
    eki_shape out = {.rank = -1};
    if (s->rank == 1 && s->dims[0] >= 0 && s->dims[0] <= EKI_MAX_RANK) out.rank = (int)s->dims[0];
    for (int i = 0; i < out.rank; i++) EKI_TRY(eki_infer_fresh(infer, &out.dims[i]));
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return EK_OK;
}

ek_status eki_op_Reshape_infer(eki_infer *infer) {
    const int64_t *values;
    size_t count;
    bool known, given;
    int64_t before, after;
    target t;
    EKI_TRY(eki_infer_inputs(infer, infer->opset < 5 ? 1 : 2, infer->opset < 5 ? 1 : 2));
    EKI_TRY(eki_infer_list(infer, "shape", 1, 5, &values, &count, &known, &given));
    const eki_shape *list = &infer->in[1].shape;
    bool empty = infer->opset >= 5 && list->rank == 1 && list->dims[0] == 0; /* known without its value: a scalar */
    if (!known && !empty) return unknown_target(infer);
    EKI_TRY(read_target(infer, values, count, &t));
    const eki_shape *x = &infer->in[0].shape;
    if (t.rest >= 0 && x->rank < 0) {
        EKI_TRY(eki_infer_fresh(infer, &t.shape.dims[t.rest]));
    } else if (t.rest >= 0) {
        EKI_TRY(solve_rest(infer, &t));
    }
    if (x->rank >= 0 && eki_shape_count(x, &before) && eki_shape_count(&t.shape, &after) && before != after) {
        char from[192], to[192];
        return eki_infer_fail(infer, EK_ERR_SHAPE, "%s has %lld elements, %s has %lld",
                              eki_shape_text(infer->graph, x, from), (long long)before,
                              eki_shape_text(infer->graph, &t.shape, to), (long long)after);
    }
    eki_infer_set(infer, 0, infer->in[0].dtype, &t.shape);
    return eki_infer_fold(infer, eki_op_Reshape_forward);
}

ek_status eki_op_Flatten_infer(eki_infer *infer) {
    int axis;
    eki_shape out = {.rank = 2};
    const eki_shape *x = &infer->in[0].shape;
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    if (x->rank < 0) {
        EKI_TRY(eki_infer_fresh(infer, &out.dims[0]));
        EKI_TRY(eki_infer_fresh(infer, &out.dims[1]));
    } else {
        EKI_TRY(eki_infer_axis(infer, eki_node_int(infer->node, "axis", 1), x->rank, true, &axis));
        EKI_TRY(eki_infer_product(infer, x->dims, axis, &out.dims[0]));
        EKI_TRY(eki_infer_product(infer, x->dims + axis, x->rank - axis, &out.dims[1]));
    }
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return eki_infer_fold(infer, eki_op_Flatten_forward);
}

ek_status eki_op_Reshape_forward(eki_step *step, ek_error *err) { return eki_copy_forward(step, err); }
ek_status eki_op_Reshape_backward(eki_step *step, ek_error *err) { return eki_copy_backward(step, err); }
ek_status eki_op_Flatten_forward(eki_step *step, ek_error *err) { return eki_copy_forward(step, err); }
ek_status eki_op_Flatten_backward(eki_step *step, ek_error *err) { return eki_copy_backward(step, err); }

EKI_OPERATOR(Flatten, .diff_inputs = 0x1, .infer = eki_op_Flatten_infer, .forward = eki_op_Flatten_forward,
             .backward = eki_op_Flatten_backward);
EKI_OPERATOR(Reshape, .diff_inputs = 0x1, .infer = eki_op_Reshape_infer, .forward = eki_op_Reshape_forward,
             .backward = eki_op_Reshape_backward);
