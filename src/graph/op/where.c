/* where.c: Where: X where the condition holds, else Y. ONNX opsets 9 and 16; any type of fixed size, broadcasting. */
#include "graph/op/op_common.h"

#include <string.h>

ek_status eki_op_Where_infer(eki_infer *infer) {
    eki_shape out;
    EKI_TRY(eki_infer_inputs(infer, 3, 3));
    ek_dtype dtype = infer->in[1].dtype;
    if (infer->in[0].dtype != EK_BOOL || dtype != infer->in[2].dtype) {
        return eki_infer_fail(infer, EK_ERR_DTYPE, "inputs are %s, %s and %s; expected bool and twice one type",
                              eki_dtype_name(infer->in[0].dtype), eki_dtype_name(dtype),
                              eki_dtype_name(infer->in[2].dtype));
    }
    EKI_TRY(eki_infer_broadcast_pair(infer, &infer->in[1].shape, &infer->in[2].shape, &out));
    EKI_TRY(eki_infer_broadcast_pair(infer, &out, &infer->in[0].shape, &out));
    eki_infer_set(infer, 0, dtype, &out);
    return eki_infer_fold(infer, eki_op_Where_forward);
}

ek_status eki_op_Where_prepare(eki_step *step, ek_error *err) {
    step->keep_in[0] = step->want_din[1] || step->want_din[2];
    if (step->keep_in[0]) step->scratch_bytes = eki_size_of(eki_view_elements(&step->out[0]), sizeof(float)).bytes;
    return eki_prepare_plain(step, err);
}

typedef struct job {
    const uint8_t *condition;
    const char *x, *y; /* NULL: zeros */
    char *to;
    size_t bytes;
} job;

static void row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    for (size_t i = 0; i < n; i++) {
        int64_t k = (int64_t)i;
        bool first = j->condition[offset[0] + k * step[0]] != 0;
        const char *from = first ? j->x : j->y;
        int64_t at = first ? offset[1] + k * step[1] : offset[2] + k * step[2];
        char *to = j->to + (out + i) * j->bytes;
        if (from == NULL) {
            memset(to, 0, j->bytes);
        } else {
            memcpy(to, from + at * (int64_t)j->bytes, j->bytes);
        }
    }
}

static void run(const eki_step *step, job *j, const eki_shape *x, const eki_shape *y) {
    eki_walk walk;
    eki_walk_init(&walk, &step->out[0].shape);
    eki_walk_add_broadcast(&walk, &step->in[0].shape);
    eki_walk_add_broadcast(&walk, x);
    eki_walk_add_broadcast(&walk, y);
    eki_walk_run(step, &walk, row, j);
}

ek_status eki_op_Where_forward(eki_step *step, ek_error *err) {
    (void)err;
    job j = {step->in[0].data, step->in[1].data, step->in[2].data, step->out[0].data,
             eki_dtype_bytes(step->out[0].dtype)};
    run(step, &j, &step->in[1].shape, &step->in[2].shape);
    return EK_OK;
}

ek_status eki_op_Where_backward(eki_step *step, ek_error *err) {
    (void)err;
    const eki_shape *full = &step->out[0].shape;
    for (int i = 1; i < 3; i++) {
        if (step->din[i] == NULL) continue;
        if (step->dout[0] == NULL) {
            eki_zero_gradient(step, i);
            continue;
        }
        bool whole = eki_same_shape(&step->in[i], &step->out[0]);
        const char *dy = step->dout[0];
        job j = {.condition = step->in[0].data, .bytes = sizeof(float)};
        *(i == 1 ? &j.x : &j.y) = dy;
        j.to = whole ? step->din[i] : step->scratch;
        run(step, &j, full, full);
        if (!whole) eki_reduce_to(step, step->scratch, full, &step->in[i].shape, step->din[i]);
    }
    return EK_OK;
}

EKI_OPERATOR(Where, .diff_inputs = 0x6, EKI_ALL_OF(Where));
