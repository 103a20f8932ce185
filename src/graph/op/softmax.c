/* softmax.c: Softmax and LogSoftmax. ONNX opsets 1, 11 (input flattened to two dimensions at `axis`, default 1) and 13
 * (along `axis`, default -1); f32.
 *
 * Per row, in index order: the maximum m, then the sum of exp(x - m) in f64. Nothing depends on other rows.
 * Backward reads y: Softmax dx = y * (dy - sum(dy * y)); LogSoftmax dx = dy - exp(y) * sum(dy).
 */
#include "base/exp.h"
#include "graph/op/op_common.h"

#include <math.h>
#include <string.h>

static ek_status infer(eki_infer *infer) {
    int axis;
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    if (infer->in[0].shape.rank >= 0) {
        int64_t wanted = eki_node_int(infer->node, "axis", infer->opset < 13 ? 1 : -1);
        EKI_TRY(eki_infer_axis(infer, wanted, infer->in[0].shape.rank, infer->opset < 13, &axis));
    }
    return eki_infer_same(infer);
}

static ek_status prepare(eki_step *step, ek_error *err) {
    step->keep_out[0] = step->want_din[0];
    return eki_prepare_plain(step, err);
}

typedef struct job {
    const float *x, *y, *dy;
    float *to;
    size_t rows, n, inner; /* row r: elements (r / inner) * n * inner + r % inner + i * inner */
    size_t rows_per_task;
    bool log;
} job;

static void split(const eki_step *step, job *j) {
    const eki_shape *shape = &step->in[0].shape;
    int64_t axis = eki_node_int(step->node, "axis", step->opset < 13 ? 1 : -1);
    if (axis < 0) axis += shape->rank;
    j->rows = j->n = j->inner = 1;
    for (int i = 0; i < shape->rank; i++) {
        size_t dim = (size_t)shape->dims[i];
        if (i < axis) {
            j->rows *= dim;
        } else if (i == axis || step->opset < 13) {
            j->n *= dim;
        } else {
            j->inner *= dim;
        }
    }
    j->rows *= j->inner;
    j->rows_per_task = j->n < 16384 ? 16384 / (j->n + 1) + 1 : 1;
}

EKI_VECTORS static void forward_one(const job *j, size_t row) {
    size_t base = row / j->inner * j->n * j->inner + row % j->inner, inner = j->inner;
    const float *x = j->x + base;
    float *y = j->to + base, most = x[0];
    double sum = 0.0;
    for (size_t i = 1; i < j->n; i++) most = x[i * inner] > most ? x[i * inner] : most;
    for (size_t i = 0; i < j->n; i++) {
        float e = eki_exp_down(x[i * inner] - most);
        y[i * inner] = e;
        sum += (double)e;
    }
    double rest = j->log ? log(sum) : 1.0 / sum;
    for (size_t i = 0; i < j->n; i++) {
        double v = j->log ? (double)(x[i * inner] - most) - rest : (double)y[i * inner] * rest;
        y[i * inner] = (float)v;
    }
}

static void backward_one(const job *j, size_t row) {
    size_t base = row / j->inner * j->n * j->inner + row % j->inner, inner = j->inner;
    const float *y = j->y + base, *dy = j->dy + base;
    float *dx = j->to + base;
    double sum = 0.0;
    for (size_t i = 0; i < j->n; i++) sum += (double)dy[i * inner] * (j->log ? 1.0 : (double)y[i * inner]);
    for (size_t i = 0; i < j->n; i++) {
        double v = y[i * inner], d = dy[i * inner];
        dx[i * inner] = (float)(j->log ? d - exp(v) * sum : v * (d - sum));
    }
}

static void rows_task(void *argument, size_t task) {
    const job *j = argument;
    size_t begin = task * j->rows_per_task, end = begin + j->rows_per_task;
    for (size_t row = begin; row < end && row < j->rows; row++) {
        if (j->dy == NULL) {
            forward_one(j, row);
        } else {
            backward_one(j, row);
        }
    }
}

static void run(const eki_step *step, job *j) {
    split(step, j);
    if (j->n > 0) eki_for_tasks(step, (j->rows + j->rows_per_task - 1) / j->rows_per_task, rows_task, j);
}

static ek_status forward(eki_step *step, bool logarithm) {
    job j = {.x = step->in[0].data, .to = step->out[0].data, .log = logarithm};
    run(step, &j);
    return EK_OK;
}

static ek_status backward(eki_step *step, bool logarithm) {
    job j = {.y = step->out[0].data, .dy = step->dout[0], .to = step->din[0], .log = logarithm};
    if (j.to == NULL) return EK_OK;
    if (j.dy == NULL) {
        memset(j.to, 0, eki_view_bytes(&step->out[0]));
    } else {
        run(step, &j);
    }
    return EK_OK;
}

ek_status eki_op_Softmax_infer(eki_infer *i) { return infer(i); }
ek_status eki_op_Softmax_prepare(eki_step *step, ek_error *err) { return prepare(step, err); }
ek_status eki_op_Softmax_forward(eki_step *step, ek_error *err) {
    (void)err;
    return forward(step, false);
}
ek_status eki_op_Softmax_backward(eki_step *step, ek_error *err) {
    (void)err;
    return backward(step, false);
}

ek_status eki_op_LogSoftmax_infer(eki_infer *i) { return infer(i); }
ek_status eki_op_LogSoftmax_prepare(eki_step *step, ek_error *err) { return prepare(step, err); }
ek_status eki_op_LogSoftmax_forward(eki_step *step, ek_error *err) {
    (void)err;
    return forward(step, true);
}
ek_status eki_op_LogSoftmax_backward(eki_step *step, ek_error *err) {
    (void)err;
    return backward(step, true);
}

EKI_OPERATOR(Softmax, .diff_inputs = 0x1, EKI_ALL_OF(Softmax));
EKI_OPERATOR(LogSoftmax, .diff_inputs = 0x1, EKI_ALL_OF(LogSoftmax));
