/* sum.c: Sum of any number of tensors. ONNX opsets 1, 6 (one shape) and 8 (broadcasting).
 *
 * ((x0 + x1) + x2) + ..., element by element; each gradient is dy, summed over the dimensions that were broadcast.
 */
#include "graph/op/op_common.h"

#include <string.h>

ek_status eki_op_Sum_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, infer->node->n_in > 1 ? infer->node->n_in : 1, EKI_MAX_IO));
    eki_shape out = infer->in[0].shape;
    for (int i = 0; i < infer->node->n_in; i++) {
        EKI_TRY(eki_infer_f32(infer, i));
        EKI_TRY(eki_infer_broadcast_pair(infer, &out, &infer->in[i].shape, &out));
    }
    eki_infer_set(infer, 0, EK_F32, &out);
    return eki_infer_fold(infer, eki_op_Sum_forward);
}

static bool one_shape(const eki_step *step) {
    for (int i = 1; i < step->n_in; i++) {
        if (!eki_same_shape(&step->in[0], &step->in[i])) return false;
    }
    return true;
}

ek_status eki_op_Sum_prepare(eki_step *step, ek_error *err) {
    step->in_place = step->n_in == 2 && one_shape(step) ? EKI_ANY_INPUT : 0;
    return one_shape(step) ? eki_prepare_same_layout(step, err) : eki_prepare_plain(step, err);
}

typedef struct job {
    const float *a, *b; /* b NULL: copy a */
    float *y;
} job;

EKI_VECTORS static void add_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    const float *a = j->a + offset[0], *b = j->b != NULL ? j->b + offset[1] : NULL;
    float *y = j->y + out;
    if (b == NULL) {
        for (size_t i = 0; i < n; i++) y[i] = a[(int64_t)i * step[0]];
    } else if (step[0] == 1 && step[1] == 1) {
        for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
    } else {
        for (size_t i = 0; i < n; i++) y[i] = a[(int64_t)i * step[0]] + b[(int64_t)i * step[1]];
    }
}

/* y = a + b, where `a` is input 0 in the first round and y itself afterwards. */
static void add(eki_step *step, int a, int b, bool flat) {
    eki_walk walk;
    const eki_view *y = &step->out[0], *va = a < 0 ? y : &step->in[a], *vb = b < 0 ? NULL : &step->in[b];
    job j = {va->data, vb != NULL ? vb->data : NULL, y->data};
    if (flat) {
        eki_walk_flat(&walk, eki_view_elements(y));
    } else {
        eki_walk_init(&walk, &y->shape);
        eki_walk_add_broadcast(&walk, &va->shape);
        if (vb != NULL) eki_walk_add_broadcast(&walk, &vb->shape);
    }
    eki_walk_run(step, &walk, add_row, &j);
}

ek_status eki_op_Sum_forward(eki_step *step, ek_error *err) {
    (void)err;
    bool flat = one_shape(step);
    add(step, 0, step->n_in > 1 ? 1 : -1, flat);
    for (int i = 2; i < step->n_in; i++) add(step, -1, i, flat);
    return EK_OK;
}

ek_status eki_op_Sum_backward(eki_step *step, ek_error *err) {
    (void)err;
    for (int i = 0; i < step->n_in; i++) {
        size_t bytes = eki_view_bytes(&step->in[i]);
        if (step->din[i] == NULL) continue;
        if (step->dout[0] == NULL) {
            memset(step->din[i], 0, bytes);
        } else if (eki_same_shape(&step->in[i], &step->out[0])) {
            memcpy(step->din[i], step->dout[0], bytes);
        } else {
            eki_reduce_to(step, step->dout[0], &step->out[0].shape, &step->in[i].shape, step->din[i]);
        }
    }
    return EK_OK;
}

EKI_OPERATOR(Sum, .diff_inputs = 0xffffffff, EKI_ALL_OF(Sum));
