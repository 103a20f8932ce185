/* concat.c: Concat along an axis. ONNX opsets 1 (axis default 1), 4, 11, 13; any type of fixed size.
 *
 * Per index of the leading dimensions, one copy per input. Channels (axis 1) are joined as they lie channels last, and
 * in blocks where every input but the last fills its own; else everything is asked in plain layout.
 */
#include "graph/op/op_common.h"

#include <string.h>

ek_status eki_op_Concat_infer(eki_infer *infer) {
    int axis = 0;
    EKI_TRY(eki_infer_inputs(infer, infer->node->n_in > 1 ? infer->node->n_in : 1, EKI_MAX_IO));
    eki_shape out = infer->in[0].shape;
    for (int i = 0; i < infer->node->n_in; i++) {
        const eki_shape *x = &infer->in[i].shape;
        if (infer->in[i].dtype != infer->in[0].dtype) {
            return eki_infer_fail(infer, EK_ERR_DTYPE, "input %d is %s, input 0 is %s", i,
                                  eki_dtype_name(infer->in[i].dtype), eki_dtype_name(infer->in[0].dtype));
        }
        if (x->rank < 0 || out.rank < 0) {
            out.rank = -1;
            continue;
        }
        EKI_TRY(eki_infer_axis(infer, eki_node_int(infer->node, "axis", 1), out.rank, false, &axis));
        if (i == 0) continue;
        if (x->rank != out.rank) return eki_infer_fail(infer, EK_ERR_SHAPE, "input %d has another rank", i);
        for (int d = 0; d < out.rank; d++) {
            if (d == axis) {
                if (x->dims[d] >= 0 && out.dims[d] >= 0) {
                    out.dims[d] += x->dims[d];
                } else {
                    EKI_TRY(eki_infer_fresh(infer, &out.dims[d]));
                }
            } else if (x->dims[d] >= 0 && out.dims[d] >= 0 && x->dims[d] != out.dims[d]) {
                return eki_infer_fail(infer, EK_ERR_SHAPE, "dimension %d of input %d is %lld, of input 0 %lld", d, i,
                                      (long long)x->dims[d], (long long)out.dims[d]);
            } else if (out.dims[d] < 0 && x->dims[d] >= 0) {
                out.dims[d] = x->dims[d];
            }
        }
    }
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return eki_infer_fold(infer, eki_op_Concat_forward);
}

static int axis_of(const eki_step *step) {
    int64_t axis = eki_node_int(step->node, "axis", 1);
    return (int)(axis < 0 ? axis + step->out[0].shape.rank : axis);
}

/* Whether the channels of the inputs lie one behind the other in the result, in this layout: in blocks where they fill
 * them. */
static bool joins_in(const eki_step *step, ek_layout layout) {
    if (layout == EK_LAYOUT_NCHW || axis_of(step) != 1) return false;
    for (int i = 0; i + 1 < step->n_in && layout != EK_LAYOUT_NHWC; i++) {
        if (step->in[i].shape.dims[1] % (int64_t)layout != 0) return false;
    }
    return true;
}

/* The result is bf16 where an input is, and then all are. */
static void choose_type(eki_step *step) {
    bool half = false;
    for (int i = 0; i < step->n_in; i++) half = half || step->in[i].dtype == EK_BF16;
    for (int i = 0; i < step->n_in && half; i++) step->in_type[i] = EK_BF16;
    if (half) step->out[0].dtype = EK_BF16;
}

/* That of the first; channels last where some come so: what convolutions made so is read so, as a rule. */
static ek_layout choose_layout(const eki_step *step) {
    for (int i = 0; i < step->n_in; i++) {
        if (step->in[i].layout == EK_LAYOUT_NHWC) return EK_LAYOUT_NHWC;
    }
    return step->in[0].layout;
}

static size_t outer_count(const eki_step *step) {
    const eki_shape *shape = &step->out[0].shape;
    size_t outer = 1;
    for (int i = 0, axis = axis_of(step); i < axis; i++) outer *= (size_t)shape->dims[i];
    for (int i = 2; i < shape->rank && step->out[0].layout == EK_LAYOUT_NHWC; i++) outer *= (size_t)shape->dims[i];
    return outer;
}

ek_status eki_op_Concat_prepare(eki_step *step, ek_error *err) {
    (void)err;
    ek_layout layout = choose_layout(step);
    choose_type(step);
    if (!joins_in(step, layout)) layout = EK_LAYOUT_NCHW;
    for (int i = 0; i < step->n_in; i++) step->in_layout[i] = layout;
    step->out[0].layout = layout;
    step->joins = outer_count(step) == 1;
    return EK_OK;
}

/* Bytes that one index of the dimensions before the axis (channels last: one pixel) has in a tensor. */
static size_t bytes_per_outer(const eki_view *view, size_t outer) {
    return outer == 0 ? 0 : eki_view_bytes(view) / outer;
}

enum { PIECE = 1 << 16 }; /* bytes of one task */

typedef struct job {
    eki_step *step;
    size_t outer, row, pieces; /* row: bytes of the result per outer index */
    bool back;
} job;

/* Bytes `begin` to `end` of input i at an outer index, which lie at `at` in the result. */
static void copy_part(const job *j, int i, size_t o, size_t at, size_t begin, size_t end) {
    const eki_step *step = j->step;
    const size_t there = o * j->row + at + begin, here = o * bytes_per_outer(&step->in[i], j->outer) + begin;
    if (j->back) {
        if (step->din[i] != NULL) memcpy((char *)step->din[i] + here, (const char *)step->dout[0] + there, end - begin);
        return;
    }
    char *to = (char *)step->out[0].data + there;
    const char *from = (const char *)step->in[i].data + here;
    if (to != from) memcpy(to, from, end - begin); /* else it was written there */
}

/* A piece of one index of the leading dimensions: what it has of every input, one behind the other. */
static void copy_piece(void *argument, size_t index) {
    const job *j = argument;
    size_t o = index / j->pieces, begin = index % j->pieces * PIECE, end = begin + PIECE, at = 0;
    for (int i = 0; i < j->step->n_in && at < end; i++) {
        size_t bytes = bytes_per_outer(&j->step->in[i], j->outer);
        size_t first = begin > at ? begin - at : 0, last = end - at < bytes ? end - at : bytes;
        if (first < last) copy_part(j, i, o, at, first, last);
        at += bytes;
    }
}

static void run(eki_step *step, bool back) {
    job j = {.step = step, .outer = outer_count(step), .back = back};
    j.row = bytes_per_outer(&step->out[0], j.outer);
    j.pieces = (j.row + PIECE - 1) / PIECE;
    eki_for_tasks(step, j.outer * j.pieces, copy_piece, &j);
}

ek_status eki_op_Concat_forward(eki_step *step, ek_error *err) {
    (void)err;
    run(step, false);
    return EK_OK;
}

ek_status eki_op_Concat_backward(eki_step *step, ek_error *err) {
    (void)err;
    if (step->dout[0] != NULL) {
        run(step, true);
        return EK_OK;
    }
    for (int i = 0; i < step->n_in; i++) {
        if (step->din[i] != NULL) memset(step->din[i], 0, eki_view_bytes(&step->in[i]));
    }
    return EK_OK;
}

EKI_OPERATOR(Concat, .diff_inputs = 0xffffffff, .takes_bf16 = 0xffffffff, EKI_ALL_OF(Concat));
