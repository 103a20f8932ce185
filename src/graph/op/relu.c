/* relu.c: Relu, max(x, 0). ONNX opsets 1, 6, 13, 14; f32, in a plan also bf16.
 *
 * Compare and select, so that every instruction set gives the same bits; NaN stays NaN and -0 becomes 0 or stays, as
 * the comparison says. Backward reads y, which the next operator keeps anyway: dx = y > 0 ? dy : 0.
 */
#include "graph/op/op_common.h"

#include <string.h>

ek_status eki_op_Relu_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_infer_same(infer));
    return eki_infer_fold(infer, eki_op_Relu_forward);
}

ek_status eki_op_Relu_prepare(eki_step *step, ek_error *err) {
    step->keep_out[0] = step->want_din[0];
    step->in_place = EKI_ANY_INPUT;
    step->out[0].dtype = step->in[0].dtype;
    return eki_prepare_same_layout(step, err);
}

typedef struct job {
    const void *x, *y, *dy;
    void *to;
} job;

EKI_VECTORS static void forward_grain(void *argument, size_t begin, size_t end) {
    const job *j = argument;
    const float *x = j->x;
    float *y = j->to; /* may be x */
    for (size_t i = begin; i < end; i++) {
        float v = x[i];
        y[i] = v < 0.0f ? 0.0f : v;
    }
}

EKI_VECTORS static void backward_grain(void *argument, size_t begin, size_t end) {
    const job *j = argument;
    const float *restrict y = j->y, *restrict dy = j->dy;
    float *restrict dx = j->to;
    for (size_t i = begin; i < end; i++) {
        float g = dy[i]; /* read always, so that the loop has no branch */
        dx[i] = y[i] > 0.0f ? g : 0.0f;
    }
}

/* In bf16 the order of numbers is that of their bits: from 0x8001 to 0xff80 they are negative, from 1 to 0x7f80
 * positive. */
static void forward_half(void *argument, size_t begin, size_t end) {
    const job *j = argument;
    const uint16_t *x = j->x;
    uint16_t *y = j->to;
    for (size_t i = begin; i < end; i++) {
        uint16_t v = x[i];
        y[i] = v > 0x8000 && v <= 0xff80 ? 0 : v;
    }
}

static void backward_half(void *argument, size_t begin, size_t end) {
    const job *j = argument;
    const uint16_t *restrict y = j->y, *restrict dy = j->dy;
    uint16_t *restrict dx = j->to;
    for (size_t i = begin; i < end; i++) {
        uint16_t g = dy[i];
        dx[i] = y[i] >= 1 && y[i] <= 0x7f80 ? g : 0;
    }
}

static bool is_half(const eki_step *step) { return step->in[0].dtype == EK_BF16; }

ek_status eki_op_Relu_forward(eki_step *step, ek_error *err) {
    (void)err;
    job j = {.x = step->in[0].data, .to = step->out[0].data};
    eki_for_grains(step, eki_view_elements(&step->out[0]), is_half(step) ? forward_half : forward_grain, &j);
    return EK_OK;
}

ek_status eki_op_Relu_backward(eki_step *step, ek_error *err) {
    (void)err;
    job j = {.y = step->out[0].data, .dy = step->dout[0], .to = step->din[0]};
    if (j.to == NULL) return EK_OK;
    if (j.dy == NULL) {
        memset(j.to, 0, eki_view_bytes(&step->out[0]));
    } else {
        eki_for_grains(step, eki_view_elements(&step->out[0]), is_half(step) ? backward_half : backward_grain, &j);
    }
    return EK_OK;
}

EKI_OPERATOR(Relu, .diff_inputs = 0x1, .takes_bf16 = 0x1, EKI_ALL_OF(Relu));
