/* expand.c: Expand (ONNX opsets 8, 13) and Tile (6, 13): copies of a tensor side by side. Any type of fixed size.
 *
 * Both are a walk over the result in which some strides are 0. Tile splits an axis into (repeat, extent); what has one
 * copy stays whole. Backward sums over the dimensions of stride 0.
 */
#include "graph/op/op_common.h"

#include <string.h>

/* The result as the walk sees it; `copies` has the bits of the dimensions that repeat. */
typedef struct tiling {
    eki_shape shape;
    int64_t strides[EKI_MAX_RANK];
    uint32_t copies;
} tiling;

typedef struct job {
    const char *from;
    char *to;
    size_t bytes;
} job;

static void row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    const char *from = j->from + offset[0] * (int64_t)j->bytes;
    char *to = j->to + out * j->bytes;
    if (step[0] == 1) {
        memcpy(to, from, n * j->bytes);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(to + i * j->bytes, from + (int64_t)i * step[0] * (int64_t)j->bytes, j->bytes);
    }
}

static void repeat(const eki_step *step, const tiling *t) {
    eki_walk walk;
    job j = {step->in[0].data, step->out[0].data, eki_dtype_bytes(step->in[0].dtype)};
    eki_walk_init(&walk, &t->shape);
    eki_walk_add(&walk, t->strides);
    eki_walk_run(step, &walk, row, &j);
}

/* ---- Expand ---- */

static ek_status fresh_rank(eki_infer *infer, int64_t rank) {
    eki_shape out = {.rank = rank >= 0 && rank <= EKI_MAX_RANK ? (int)rank : -1};
    for (int i = 0; i < out.rank; i++) EKI_TRY(eki_infer_fresh(infer, &out.dims[i]));
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return EK_OK;
}

/* The list in input 1; *known is false when it is not known, and the output is then set as far as it can be. */
static ek_status read_list(eki_infer *infer, const int64_t **values, size_t *count, bool *known) {
    bool given;
    const eki_shape *x = &infer->in[0].shape, *list = &infer->in[1].shape;
    EKI_TRY(eki_infer_inputs(infer, 2, 2));
    EKI_TRY(eki_infer_list(infer, "", 1, 0, values, count, known, &given));
    *known = *known && x->rank >= 0;
    if (*known && *count > EKI_MAX_RANK) {
        return eki_infer_fail(infer, EK_ERR_LIMIT, "the result's rank is above %d", EKI_MAX_RANK);
    }
    for (size_t i = 0; *known && i < *count; i++) {
        if ((*values)[i] < 0) return eki_infer_fail(infer, EK_ERR_ARG, "element %zu of input 1 is negative", i);
    }
    if (*known) return EK_OK;
    int64_t length = list->rank == 1 && list->dims[0] >= 0 && x->rank >= 0 ? list->dims[0] : -1;
    return fresh_rank(infer, length > x->rank ? length : length < 0 ? -1 : x->rank);
}

ek_status eki_op_Expand_infer(eki_infer *infer) {
    const int64_t *values;
    size_t count;
    bool known;
    eki_shape out;
    EKI_TRY(read_list(infer, &values, &count, &known));
    if (!known) return EK_OK;
    eki_shape target = eki_shape_of((int)count, values);
    EKI_TRY(eki_infer_broadcast_pair(infer, &infer->in[0].shape, &target, &out));
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return eki_infer_fold(infer, eki_op_Expand_forward);
}

ek_status eki_op_Expand_forward(eki_step *step, ek_error *err) {
    (void)err;
    eki_walk walk;
    tiling t = {.shape = step->out[0].shape};
    eki_walk_init(&walk, &t.shape);
    eki_walk_add_broadcast(&walk, &step->in[0].shape);
    memcpy(t.strides, walk.stride[0], sizeof t.strides);
    repeat(step, &t);
    return EK_OK;
}

ek_status eki_op_Expand_backward(eki_step *step, ek_error *err) {
    (void)err;
    if (step->dout[0] == NULL) eki_zero_gradient(step, 0);
    if (step->dout[0] == NULL || step->din[0] == NULL) return EK_OK;
    eki_reduce_to(step, step->dout[0], &step->out[0].shape, &step->in[0].shape, step->din[0]);
    return EK_OK;
}

/* ---- Tile ---- */

ek_status eki_op_Tile_infer(eki_infer *infer) {
    const int64_t *values;
    size_t count;
    bool known;
    EKI_TRY(read_list(infer, &values, &count, &known));
    if (!known) return EK_OK;
    eki_shape out = infer->in[0].shape;
    if (count != (size_t)out.rank) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "there are %zu repeats for %d dimensions", count, out.rank);
    }
    for (int i = 0; i < out.rank; i++) {
        if (out.dims[i] < 0 && values[i] != 1) {
            EKI_TRY(eki_infer_fresh(infer, &out.dims[i]));
        } else if (out.dims[i] >= 0 && !eki_mul_i64(out.dims[i], values[i], &out.dims[i])) {
            return eki_infer_fail(infer, EK_ERR_LIMIT, "dimension %d overflows", i);
        }
    }
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return eki_infer_fold(infer, eki_op_Tile_forward);
}

static bool push(tiling *t, int64_t extent, int64_t stride, bool copies) {
    int last = t->shape.rank - 1;
    bool joins = !copies && last >= 0 && (t->copies >> last & 1) == 0 && t->strides[last] == stride * extent;
    if (joins) {
        t->shape.dims[last] *= extent;
        t->strides[last] = stride;
        return true;
    }
    if (t->shape.rank == EKI_MAX_RANK) return false;
    if (copies) t->copies |= 1u << t->shape.rank;
    t->strides[t->shape.rank] = stride;
    t->shape.dims[t->shape.rank++] = extent;
    return true;
}

static ek_status tile_of(const eki_step *step, tiling *t, ek_error *err) {
    int64_t own[EKI_MAX_RANK];
    const eki_shape *x = &step->in[0].shape, *y = &step->out[0].shape;
    *t = (tiling){.shape = {.rank = 0}};
    eki_row_strides(x, own);
    for (int i = 0; i < x->rank; i++) {
        int64_t repeats = x->dims[i] > 0 ? y->dims[i] / x->dims[i] : 1;
        bool room = (repeats == 1 || push(t, repeats, 0, true)) && push(t, x->dims[i], own[i], false);
        if (!room) return eki_step_fail(step, err, EK_ERR_LIMIT, "repeats too many dimensions at once");
    }
    return EK_OK;
}

ek_status eki_op_Tile_forward(eki_step *step, ek_error *err) {
    tiling t;
    EKI_TRY(tile_of(step, &t, err));
    repeat(step, &t);
    return EK_OK;
}

ek_status eki_op_Tile_backward(eki_step *step, ek_error *err) {
    tiling t;
    if (step->dout[0] == NULL) eki_zero_gradient(step, 0);
    if (step->dout[0] == NULL || step->din[0] == NULL) return EK_OK;
    EKI_TRY(tile_of(step, &t, err));
    eki_reduce_sum(step, step->dout[0], &t.shape, t.copies, 1.0, step->din[0]);
    return EK_OK;
}

EKI_OPERATOR(Expand, .diff_inputs = 0x1, .infer = eki_op_Expand_infer, .forward = eki_op_Expand_forward,
             .backward = eki_op_Expand_backward);
EKI_OPERATOR(Tile, .since = 6, .diff_inputs = 0x1, .infer = eki_op_Tile_infer, .forward = eki_op_Tile_forward,
             .backward = eki_op_Tile_backward);
