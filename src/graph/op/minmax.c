/* minmax.c: Min and Max of any number of tensors. ONNX opsets 6 (one shape) and 8, 12, 13 (broadcasting); f32, and
 * whole numbers but u64.
 *
 * Input by input; NaN wins, as in numpy. Forward notes which input gave each element, the first of equals, and backward
 * passes dy there.
 */
#include "graph/op/op_common.h"

static ek_status infer(eki_infer *infer, eki_step_fn forward) {
    EKI_TRY(eki_infer_inputs(infer, infer->node->n_in > 1 ? infer->node->n_in : 1, EKI_MAX_IO));
    ek_dtype dtype = infer->in[0].dtype;
    eki_shape out = infer->in[0].shape;
    for (int i = 0; i < infer->node->n_in; i++) {
        if (infer->in[i].dtype != dtype || (dtype != EK_F32 && !eki_is_whole(dtype))) {
            return eki_infer_fail(infer, EK_ERR_DTYPE,
                                  "input %d is %s, input 0 is %s; all must be float32 or of one type of whole numbers, "
                                  "i8 to i64 or u8 to u32",
                                  i, eki_dtype_name(infer->in[i].dtype), eki_dtype_name(dtype));
        }
        EKI_TRY(eki_infer_broadcast_pair(infer, &out, &infer->in[i].shape, &out));
    }
    eki_infer_set(infer, 0, dtype, &out);
    return eki_infer_fold(infer, forward);
}

static ek_status prepare(eki_step *step, ek_error *err) {
    bool wanted = false;
    for (int i = 0; i < step->n_in; i++) wanted = wanted || step->want_din[i];
    size_t count = eki_view_elements(&step->out[0]);
    if (wanted) {
        step->saved_bytes = count;
        step->scratch_bytes = eki_size_of(count, sizeof(float)).bytes;
    }
    return eki_prepare_plain(step, err);
}

typedef struct job {
    ek_dtype dtype;
    bool max;
    uint8_t input; /* which one is looked at; the winner so far is in y */
    const void *x;
    void *y;
    uint8_t *winner; /* NULL = not asked for */
} job;

static void row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    for (size_t i = 0; i < n; i++) {
        int64_t from = offset[0] + (int64_t)i * step[0], to = (int64_t)(out + i);
        bool wins = j->input == 0;
        if (j->dtype == EK_F32) {
            float x = ((const float *)j->x)[from], *y = (float *)j->y + to;
            wins = wins || (x != x && *y == *y) || (j->max ? x > *y : x < *y);
            if (wins) *y = x;
        } else {
            int64_t x = eki_load_int(j->dtype, j->x, from);
            int64_t y = wins ? x : eki_load_int(j->dtype, j->y, to);
            wins = wins || (j->max ? x > y : x < y);
            if (wins) eki_store_int(j->dtype, j->y, to, x);
        }
        if (wins && j->winner != NULL) j->winner[to] = j->input;
    }
}

static ek_status forward(eki_step *step, bool max) {
    for (int i = 0; i < step->n_in; i++) {
        eki_walk walk;
        job j = {step->out[0].dtype, max, (uint8_t)i, step->in[i].data, step->out[0].data, step->saved};
        eki_walk_init(&walk, &step->out[0].shape);
        eki_walk_add_broadcast(&walk, &step->in[i].shape);
        eki_walk_run(step, &walk, row, &j);
    }
    return EK_OK;
}

typedef struct pick {
    const float *dy;
    const uint8_t *winner;
    float *dx;
    uint8_t input;
} pick;

static void pick_grain(void *argument, size_t begin, size_t end) {
    const pick *p = argument;
    for (size_t i = begin; i < end; i++) p->dx[i] = p->winner[i] == p->input ? p->dy[i] : 0.0f;
}

static ek_status backward(eki_step *step) {
    for (int i = 0; i < step->n_in; i++) {
        if (step->dout[0] == NULL) eki_zero_gradient(step, i);
        if (step->din[i] == NULL || step->dout[0] == NULL) continue;
        bool whole = eki_same_shape(&step->in[i], &step->out[0]);
        pick p = {step->dout[0], step->saved, whole ? step->din[i] : step->scratch, (uint8_t)i};
        eki_for_grains(step, eki_view_elements(&step->out[0]), pick_grain, &p);
        if (!whole) eki_reduce_to(step, p.dx, &step->out[0].shape, &step->in[i].shape, step->din[i]);
    }
    return EK_OK;
}

#define MINMAX(op, max)                                                                                                \
    ek_status eki_op_##op##_infer(eki_infer *i) { return infer(i, eki_op_##op##_forward); }                            \
    ek_status eki_op_##op##_prepare(eki_step *step, ek_error *err) { return prepare(step, err); }                      \
    ek_status eki_op_##op##_forward(eki_step *step, ek_error *err) {                                                   \
        (void)err;                                                                                                     \
        return forward(step, max);                                                                                     \
    }                                                                                                                  \
    ek_status eki_op_##op##_backward(eki_step *step, ek_error *err) {                                                  \
        (void)err;                                                                                                     \
        return backward(step);                                                                                         \
    }                                                                                                                  \
    EKI_OPERATOR(op, .since = 6, .diff_inputs = 0xffffffff, EKI_ALL_OF(op));

MINMAX(Min, false)
MINMAX(Max, true)
