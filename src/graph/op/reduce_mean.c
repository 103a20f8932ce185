/* reduce_mean.c: ReduceMean and ReduceSum. ONNX opsets 1 to 23: axes as an attribute, from 18 (mean) and 13 (sum) on as
 * an input; keepdims; noop_with_empty_axes. f32; ReduceSum of i32 and i64 too.
 *
 * Sums run in f64 over their elements in row-major order. Backward spreads dy over what was summed.
 */
#include "graph/op/op_reduce.h"

#include <string.h>

static ek_status forward(eki_step *step, ek_error *err, int64_t since_input, bool mean) {
    uint32_t mask;
    int64_t terms;
    EKI_TRY(eki_reduce_mask(step, since_input, &mask, &terms, err));
    if (step->in[0].dtype != EK_F32) {
        eki_reduce_ints(step, EKI_REDUCE_SUM, mask);
        return EK_OK;
    }
    eki_reduce_sum(step, step->in[0].data, &step->in[0].shape, mask, mean ? 1.0 / (double)terms : 1.0,
                   step->out[0].data);
    return EK_OK;
}

typedef struct job {
    const float *dy;
    float *dx;
    double terms;
} job;

static void spread_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    for (size_t i = 0; i < n; i++) j->dx[out + i] = (float)((double)j->dy[offset[0] + (int64_t)i * step[0]] / j->terms);
}

static ek_status backward(eki_step *step, ek_error *err, int64_t since_input, bool mean) {
    uint32_t mask;
    int64_t terms;
    eki_walk walk;
    if (step->din[0] == NULL) return EK_OK;
    if (step->dout[0] == NULL) {
        memset(step->din[0], 0, eki_view_bytes(&step->in[0]));
        return EK_OK;
    }
    EKI_TRY(eki_reduce_mask(step, since_input, &mask, &terms, err));
    eki_shape kept = eki_reduce_kept(step, mask);
    job j = {step->dout[0], step->din[0], mean ? (double)terms : 1.0};
    eki_walk_init(&walk, &step->in[0].shape);
    eki_walk_add_broadcast(&walk, &kept);
    eki_walk_run(step, &walk, spread_row, &j);
    return EK_OK;
}

ek_status eki_op_ReduceMean_infer(eki_infer *i) {
    return eki_reduce_infer(i, EKI_REDUCE_AXES_INPUT, false, eki_op_ReduceMean_forward);
}
ek_status eki_op_ReduceMean_forward(eki_step *step, ek_error *err) {
    return forward(step, err, EKI_REDUCE_AXES_INPUT, true);
}
ek_status eki_op_ReduceMean_backward(eki_step *step, ek_error *err) {
    return backward(step, err, EKI_REDUCE_AXES_INPUT, true);
}

ek_status eki_op_ReduceSum_infer(eki_infer *i) {
    return eki_reduce_infer(i, EKI_SUM_AXES_INPUT, true, eki_op_ReduceSum_forward);
}
ek_status eki_op_ReduceSum_forward(eki_step *step, ek_error *err) {
    return forward(step, err, EKI_SUM_AXES_INPUT, false);
}
ek_status eki_op_ReduceSum_backward(eki_step *step, ek_error *err) {
    return backward(step, err, EKI_SUM_AXES_INPUT, false);
}

EKI_OPERATOR(ReduceMean, .diff_inputs = 0x1, .infer = eki_op_ReduceMean_infer, .forward = eki_op_ReduceMean_forward,
             .backward = eki_op_ReduceMean_backward);
EKI_OPERATOR(ReduceSum, .diff_inputs = 0x1, .infer = eki_op_ReduceSum_infer, .forward = eki_op_ReduceSum_forward,
             .backward = eki_op_ReduceSum_backward);
