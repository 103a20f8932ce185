/* lrn.c: LRN, local response normalization over channels. ONNX opsets 1 and 13; f32; forward only.
 *
 * y[c] = x[c] / (bias + alpha / size * sum of x[k]^2)^beta, k from c - floor((size-1)/2) to c + ceil((size-1)/2).
 * The sum is taken in f64 in channel order.
 */
#include "graph/op/op_common.h"

#include <math.h>

ek_status eki_op_lrn_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    if (eki_node_int(infer->node, "size", 0) < 1) {
        return eki_infer_fail(infer, EK_ERR_FORMAT, "attribute size is missing or below 1");
    }
    if (infer->in[0].shape.rank >= 0 && infer->in[0].shape.rank < 2) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "the input has no channels");
    }
    return eki_infer_same(infer);
}

typedef struct job {
    const float *x;
    float *y;
    int64_t channels, size;
    size_t inner;
    double alpha, beta, bias;
} job;

/* One example. */
static void example(void *argument, size_t n) {
    const job *j = argument;
    const float *x = j->x + n * (size_t)j->channels * j->inner;
    float *y = j->y + n * (size_t)j->channels * j->inner;
    for (int64_t c = 0; c < j->channels; c++) {
        int64_t before = (j->size - 1) / 2, after = j->size - 1 - before;
        int64_t first = c > before ? c - before : 0, last = c < j->channels - 1 - after ? c + after : j->channels - 1;
        for (size_t i = 0; i < j->inner; i++) {
            double sum = 0.0, v = x[(size_t)c * j->inner + i];
            for (int64_t k = first; k <= last; k++) {
                double other = x[(size_t)k * j->inner + i];
                sum += other * other;
            }
            y[(size_t)c * j->inner + i] = (float)(v / pow(j->bias + j->alpha / (double)j->size * sum, j->beta));
        }
    }
}

ek_status eki_op_lrn_forward(eki_step *step, ek_error *err) {
    (void)err;
    const eki_shape *shape = &step->in[0].shape;
    job j = {.x = step->in[0].data, .y = step->out[0].data, .channels = shape->dims[1], .inner = 1};
    j.size = eki_node_int(step->node, "size", 1);
    j.alpha = eki_node_float(step->node, "alpha", 1e-4f);
    j.beta = eki_node_float(step->node, "beta", 0.75f);
    j.bias = eki_node_float(step->node, "bias", 1.0f);
    for (int i = 2; i < shape->rank; i++) j.inner *= (size_t)shape->dims[i];
    eki_for_tasks(step, (size_t)shape->dims[0], example, &j);
    return EK_OK;
}
