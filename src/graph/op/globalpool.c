/* globalpool.c: GlobalAveragePool and GlobalMaxPool. ONNX opsets 1, 22; f32; any layout in, plain out.
 *
 * The mean of a channel is summed in f64 over its pixels in order, so an example's result depends on nothing else. A
 * blocked tensor is read as it lies: `block` channels side by side.
 */
#include "graph/op/op_common.h"

#include <string.h>

enum { MAX_BLOCK = 16 };

typedef struct job {
    const float *x, *dy;
    float *y, *dx;
    int64_t channels, pixels, block, blocks;
    bool mean;
} job;

static job describe(const eki_step *step) {
    const eki_view *x = &step->in[0];
    job j = {
        .channels = x->shape.dims[1], .pixels = 1, .block = x->layout >= EK_LAYOUT_BLOCKED8 ? (int64_t)x->layout : 1};
    for (int i = 2; i < x->shape.rank; i++) j.pixels *= x->shape.dims[i];
    j.blocks = (j.channels + j.block - 1) / j.block;
    j.x = x->data;
    j.y = step->out[0].data;
    j.mean = step->node->op == EKI_OP_GlobalAveragePool;
    return j;
}

/* Whole blocks, so that the loop over channels is one of constant length; padding is summed too. */
static void sum_16(const float *x, int64_t pixels, double sum[16]) {
    for (int64_t p = 0; p < pixels; p++, x += 16) {
        for (int l = 0; l < 16; l++) sum[l] += x[l];
    }
}

static void sum_8(const float *x, int64_t pixels, double sum[8]) {
    for (int64_t p = 0; p < pixels; p++, x += 8) {
        for (int l = 0; l < 8; l++) sum[l] += x[l];
    }
}

static void means(const job *j, const float *x, int64_t used, float *y) {
    double sum[MAX_BLOCK] = {0};
    if (j->block == 16) {
        sum_16(x, j->pixels, sum);
    } else if (j->block == 8) {
        sum_8(x, j->pixels, sum);
    } else {
        for (int64_t p = 0; p < j->pixels; p++) sum[0] += x[p];
    }
    for (int64_t l = 0; l < used; l++) y[l] = (float)(sum[l] / (double)j->pixels);
}

static void maxima(const job *j, const float *x, int64_t used, float *y) {
    memcpy(y, x, (size_t)used * sizeof *y);
    for (int64_t p = 0; p < j->pixels; p++, x += j->block) {
        for (int64_t l = 0; l < used; l++) {
            if (!(x[l] <= y[l])) y[l] = x[l];
        }
    }
}

static int64_t used_channels(const job *j, int64_t block) {
    int64_t left = j->channels - block * j->block;
    return left < j->block ? left : j->block;
}

/* Channels [b * block, + used) of one example; `used` < block at the end. */
static void forward_task(void *argument, size_t index) {
    const job *j = argument;
    int64_t n = (int64_t)index / j->blocks, b = (int64_t)index % j->blocks, used = used_channels(j, b);
    const float *x = j->x + (int64_t)index * j->pixels * j->block;
    (j->mean ? means : maxima)(j, x, used, j->y + n * j->channels + b * j->block);
}

static void spread_mean(const job *j, const float *dy, int64_t used, float *dx) {
    float share[MAX_BLOCK] = {0};
    for (int64_t l = 0; l < used; l++) share[l] = (float)((double)dy[l] / (double)j->pixels);
    for (int64_t p = 0; p < j->pixels; p++) memcpy(dx + p * j->block, share, (size_t)j->block * sizeof *dx);
}

/* To the first of equal maxima. */
static void spread_maximum(const job *j, const float *x, const float *dy, int64_t used, float *dx) {
    bool done[MAX_BLOCK] = {false};
    float most[MAX_BLOCK];
    maxima(j, x, used, most);
    memset(dx, 0, (size_t)(j->pixels * j->block) * sizeof *dx);
    for (int64_t p = 0; p < j->pixels; p++, x += j->block, dx += j->block) {
        for (int64_t l = 0; l < used; l++) {
            if (done[l] || x[l] != most[l]) continue;
            dx[l] = dy[l];
            done[l] = true;
        }
    }
}

static void backward_task(void *argument, size_t index) {
    const job *j = argument;
    int64_t n = (int64_t)index / j->blocks, b = (int64_t)index % j->blocks, used = used_channels(j, b);
    int64_t at = (int64_t)index * j->pixels * j->block;
    const float *dy = j->dy + n * j->channels + b * j->block;
    if (j->mean) {
        spread_mean(j, dy, used, j->dx + at);
    } else {
        spread_maximum(j, j->x + at, dy, used, j->dx + at);
    }
}

ek_status eki_op_GlobalAveragePool_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    eki_shape shape = infer->in[0].shape;
    if (shape.rank >= 0 && shape.rank < 3) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "input has rank %d, expected at least 3", shape.rank);
    }
    for (int i = 2; i < shape.rank; i++) {
        if (shape.dims[i] == 0) return eki_infer_fail(infer, EK_ERR_SHAPE, "dimension %d is empty", i);
        shape.dims[i] = 1;
    }
    eki_infer_set(infer, 0, EK_F32, &shape);
    return EK_OK;
}

ek_status eki_op_GlobalAveragePool_prepare(eki_step *step, ek_error *err) {
    (void)err;
    step->out[0].layout = EK_LAYOUT_NCHW;
    if (step->in[0].layout == EK_LAYOUT_NHWC) step->in_layout[0] = EK_LAYOUT_NCHW;
    step->keep_in[0] = step->want_din[0] && step->node->op == EKI_OP_GlobalMaxPool;
    return EK_OK;
}

ek_status eki_op_GlobalAveragePool_forward(eki_step *step, ek_error *err) {
    (void)err;
    job j = describe(step);
    eki_for_tasks(step, (size_t)(step->in[0].shape.dims[0] * j.blocks), forward_task, &j);
    return EK_OK;
}

ek_status eki_op_GlobalAveragePool_backward(eki_step *step, ek_error *err) {
    (void)err;
    job j = describe(step);
    j.dy = step->dout[0];
    j.dx = step->din[0];
    eki_for_tasks(step, (size_t)(step->in[0].shape.dims[0] * j.blocks), backward_task, &j);
    return EK_OK;
}

void eki_op_GlobalAveragePool_release(eki_step *step) { (void)step; }

ek_status eki_op_GlobalMaxPool_infer(eki_infer *infer) { return eki_op_GlobalAveragePool_infer(infer); }
ek_status eki_op_GlobalMaxPool_prepare(eki_step *step, ek_error *err) {
    return eki_op_GlobalAveragePool_prepare(step, err);
}
ek_status eki_op_GlobalMaxPool_forward(eki_step *step, ek_error *err) {
    return eki_op_GlobalAveragePool_forward(step, err);
}
ek_status eki_op_GlobalMaxPool_backward(eki_step *step, ek_error *err) {
    return eki_op_GlobalAveragePool_backward(step, err);
}
void eki_op_GlobalMaxPool_release(eki_step *step) { (void)step; }

EKI_OPERATOR(GlobalAveragePool, .diff_inputs = 0x1, EKI_ALL_OF(GlobalAveragePool),
             .release = eki_op_GlobalAveragePool_release);
EKI_OPERATOR(GlobalMaxPool, .diff_inputs = 0x1, EKI_ALL_OF(GlobalMaxPool), .release = eki_op_GlobalMaxPool_release);
