/* resample.c: Resize (ONNX opsets 10, 11, 13, 18, 19) and Upsample (7, 9): nearest, linear and cubic; f32.
 *
 * Interpolation is separable: one stage per axis that changes, over tables of indices and weights made once per plan
 * (op_resize.c). Channels never mix, so that any layout is taken as it comes. Backward runs the stages in reverse, each
 * result giving its gradient to its taps in index order.
 */
#include "graph/op/op_resize.h"

#include <stdlib.h>
#include <string.h>

static ek_status infer(eki_infer *infer, int most) {
    const eki_tensor *constants[4] = {NULL};
    const eki_shape *x = &infer->in[0].shape;
    eki_resize r;
    bool known;
    EKI_TRY(eki_infer_inputs(infer, 1, most));
    EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_resize_check(infer->node, infer->opset, infer->err));
    if (x->rank < 0) {
        eki_infer_set_unknown(infer, 0, EK_F32);
        return EK_OK;
    }
    for (int i = 1; i < infer->node->n_in; i++) constants[i] = infer->in[i].constant;
    EKI_TRY(eki_resize_read(infer->node, infer->opset, x, constants, &r, &known, infer->err));
    eki_shape out = eki_shape_of(x->rank, r.out);
    for (int i = 0; i < out.rank; i++) {
        bool same = known && out.dims[i] == x->dims[i] && r.scale[i] == 1.0;
        if (!known || (out.dims[i] < 0 && !same)) EKI_TRY(eki_infer_fresh(infer, &out.dims[i]));
    }
    eki_infer_set(infer, 0, EK_F32, &out);
    return EK_OK;
}

typedef struct stage {
    size_t outer, inner;
    int64_t in, out;
    int taps;
    int64_t *index; /* out x taps */
    float *weight;
} stage;

typedef struct resize_state {
    int n;
    stage stages[EKI_MAX_RANK];
    size_t largest; /* bytes of the largest tensor between two stages */
} resize_state;

static ek_status make_stage(const eki_step *step, const eki_resize *r, int axis, stage *s, ek_error *err) {
    int64_t index[EKI_RESIZE_TAPS];
    float weight[EKI_RESIZE_TAPS];
    size_t room = (size_t)s->out + 1;
    s->index = eki_alloc(eki_size_of(room, EKI_RESIZE_TAPS * sizeof *s->index));
    s->weight = eki_alloc(eki_size_of(room, EKI_RESIZE_TAPS * sizeof *s->weight));
    if (s->index == NULL || s->weight == NULL) return eki_fail_nomem(err, room * EKI_RESIZE_TAPS * sizeof *s->index);
    for (int64_t i = 0; i < s->out && s->in > 0; i++) {
        s->taps = eki_resize_taps(step->node, step->opset, r, axis, s->in, i, index, weight);
        memcpy(s->index + i * s->taps, index, (size_t)s->taps * sizeof *index);
        memcpy(s->weight + i * s->taps, weight, (size_t)s->taps * sizeof *weight);
    }
    return EK_OK;
}

/* How many channels lie innermost, and what else there is of them. */
static size_t inner_channels(const eki_view *y, size_t *rest) {
    size_t channels = y->shape.rank > 1 ? (size_t)y->shape.dims[1] : 1, inner = 1;
    if (y->layout == EK_LAYOUT_NHWC) inner = channels;
    if (y->layout >= EK_LAYOUT_BLOCKED8) inner = (size_t)y->layout;
    *rest = inner > 0 ? (channels + inner - 1) / inner : 0;
    return inner;
}

/* The stored extent of each axis. */
static ek_status make_stages(eki_step *step, const eki_resize *r, resize_state *state, ek_error *err) {
    const eki_shape *x = &step->in[0].shape;
    size_t extent[EKI_MAX_RANK], rest, inner = inner_channels(&step->out[0], &rest);
    for (int i = 0; i < x->rank; i++) extent[i] = (size_t)x->dims[i];
    if (step->out[0].layout != EK_LAYOUT_NCHW) extent[1] = rest;
    for (int k = 0; k < 2 * x->rank; k++) { /* what shrinks comes first: less work, and nothing larger than both ends */
        int axis = k % x->rank;
        stage s = {.outer = 1, .inner = inner, .in = x->dims[axis], .out = r->out[axis]};
        bool same = s.in == s.out && r->scale[axis] == 1.0, first = s.out < s.in;
        if (same || first != (k < x->rank)) continue;
        for (int i = 0; i < x->rank; i++) {
            if (i != axis) *(i < axis ? &s.outer : &s.inner) *= extent[i];
        }
        extent[axis] = (size_t)s.out;
        state->stages[state->n] = s;
        EKI_TRY(make_stage(step, r, axis, &state->stages[state->n++], err));
        eki_size plane = eki_size_of(s.inner, eki_size_of((size_t)s.out, sizeof(float)).bytes);
        size_t bytes = eki_size_of(s.outer, plane.bytes).bytes;
        if (bytes > state->largest) state->largest = bytes;
    }
    return EK_OK;
}

static ek_status prepare(eki_step *step, ek_error *err) {
    eki_resize r;
    bool known;
    const eki_shape *x = &step->in[0].shape;
    resize_state *state = step->priv = eki_calloc(1, sizeof *state);
    if (state == NULL) return eki_fail_nomem(err, sizeof *state);
    EKI_TRY(eki_resize_read(step->node, step->opset, x, step->constant, &r, &known, err));
    ek_layout layout = step->in[0].layout;
    EKI_TRY(eki_prepare_plain(step, err));
    bool channels = x->rank > 1 && (r.scale[0] != 1.0 || r.scale[1] != 1.0);
    if (!channels) step->in_layout[0] = step->out[0].layout = layout;
    EKI_TRY(make_stages(step, &r, state, err));
    step->scratch_bytes = state->n > 1 ? eki_size_of(2, state->largest).bytes : 0;
    return EK_OK;
}

enum { GRAIN = 16384 }; /* elements of a task, if rows are not longer */

typedef struct job {
    const stage *s;
    const float *from;
    float *to;
    size_t rows, parts; /* of one task, and tasks of one outer index */
} job;

static void forward_row(const stage *s, const float *x, int64_t i, float *y) {
    const int64_t *index = s->index + i * s->taps;
    const float *weight = s->weight + i * s->taps, *first = x + (size_t)index[0] * s->inner;
    if (s->taps == 1) {
        memcpy(y, first, s->inner * sizeof *y);
        return;
    }
    for (size_t k = 0; k < s->inner; k++) y[k] = weight[0] * first[k];
    for (int t = 1; t < s->taps; t++) {
        const float *next = x + (size_t)index[t] * s->inner;
        for (size_t k = 0; k < s->inner; k++) y[k] += weight[t] * next[k];
    }
}

static void forward_part(void *argument, size_t task) {
    const job *j = argument;
    const stage *s = j->s;
    size_t o = task / j->parts, begin = task % j->parts * j->rows, end = begin + j->rows;
    const float *x = j->from + o * (size_t)s->in * s->inner;
    float *y = j->to + o * (size_t)s->out * s->inner;
    if (end > (size_t)s->out) end = (size_t)s->out;
    if (s->inner == 1 && s->taps == 1) {
        for (size_t i = begin; i < end; i++) y[i] = x[s->index[i]];
        return;
    }
    for (size_t i = begin; i < end; i++) forward_row(s, x, (int64_t)i, y + i * s->inner);
}

static void backward_outer(void *argument, size_t o) {
    const job *j = argument;
    const stage *s = j->s;
    const float *dy = j->from + o * (size_t)s->out * s->inner;
    float *dx = j->to + o * (size_t)s->in * s->inner;
    memset(dx, 0, (size_t)s->in * s->inner * sizeof *dx);
    for (int64_t i = 0; i < s->out; i++, dy += s->inner) {
        for (int t = 0; t < s->taps; t++) {
            float *to = dx + (size_t)s->index[i * s->taps + t] * s->inner, weight = s->weight[i * s->taps + t];
            for (size_t k = 0; k < s->inner; k++) to[k] += weight * dy[k];
        }
    }
}

/* Stage after stage, from `from` to `to`, by way of the two halves of the scratch memory. */
static void run(const eki_step *step, const float *from, float *to, bool back) {
    const resize_state *state = step->priv;
    for (int k = 0; k < state->n; k++) {
        const stage *s = &state->stages[back ? state->n - 1 - k : k];
        float *half = (float *)step->scratch + (size_t)(k % 2) * (state->largest / sizeof *half);
        float *target = k == state->n - 1 ? to : half;
        job j = {.s = s, .from = from, .to = target, .rows = s->inner < GRAIN ? GRAIN / (s->inner + 1) + 1 : 1};
        j.parts = ((size_t)s->out + j.rows - 1) / j.rows;
        eki_for_tasks(step, back ? s->outer : s->outer * j.parts, back ? backward_outer : forward_part, &j);
        from = target;
    }
}

static ek_status forward(eki_step *step, ek_error *err) {
    const resize_state *state = step->priv;
    if (state->n == 0) return eki_copy_forward(step, err);
    if (eki_view_elements(&step->out[0]) == 0) return EK_OK;
    if (eki_view_elements(&step->in[0]) == 0) {
        return eki_step_fail(step, err, EK_ERR_SHAPE, "an empty tensor cannot become larger");
    }
    run(step, step->in[0].data, step->out[0].data, false);
    return EK_OK;
}

static ek_status backward(eki_step *step, ek_error *err) {
    const resize_state *state = step->priv;
    if (state->n == 0) return eki_copy_backward(step, err);
    if (step->dout[0] == NULL || eki_view_elements(&step->out[0]) == 0) {
        eki_zero_gradient(step, 0);
    } else if (step->din[0] != NULL) {
        run(step, step->dout[0], step->din[0], true);
    }
    return EK_OK;
}

static void release(eki_step *step) {
    resize_state *state = step->priv;
    for (int i = 0; state != NULL && i < state->n; i++) {
        free(state->stages[i].index);
        free(state->stages[i].weight);
    }
    free(state);
    step->priv = NULL;
}

ek_status eki_op_Resize_infer(eki_infer *i) { return infer(i, i->opset < 11 ? 2 : 4); }
ek_status eki_op_Resize_prepare(eki_step *step, ek_error *err) { return prepare(step, err); }
ek_status eki_op_Resize_forward(eki_step *step, ek_error *err) { return forward(step, err); }
ek_status eki_op_Resize_backward(eki_step *step, ek_error *err) { return backward(step, err); }
void eki_op_Resize_release(eki_step *step) { release(step); }

ek_status eki_op_Upsample_infer(eki_infer *i) { return infer(i, i->opset < 9 ? 1 : 2); }
ek_status eki_op_Upsample_prepare(eki_step *step, ek_error *err) { return prepare(step, err); }
ek_status eki_op_Upsample_forward(eki_step *step, ek_error *err) { return forward(step, err); }
ek_status eki_op_Upsample_backward(eki_step *step, ek_error *err) { return backward(step, err); }
void eki_op_Upsample_release(eki_step *step) { release(step); }

EKI_OPERATOR(Resize, .diff_inputs = 0x1, EKI_ALL_OF(Resize), .release = eki_op_Resize_release);
EKI_OPERATOR(Upsample, .since = 7, .until = 9, .diff_inputs = 0x1, EKI_ALL_OF(Upsample),
             .release = eki_op_Upsample_release);
