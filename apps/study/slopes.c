/* slopes.c: gradients of the loss with respect to images and parameters, through a session. */
#include "study/lab.h"

#include <math.h>
#include <stdlib.h>

double eks_dot(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

ek_status eks_slopes_open(ek_model *model, int64_t virtual_batch, ek_session **session, ek_error *err) {
    const char *logits = ek_model_logits(model);
    ek_session_options options = ek_session_options_default();
    options.mode = EK_MODE_TRAINING;
    options.threads = 1;
    options.gradients = 1;
    options.virtual_batch = virtual_batch;
    options.outputs = &logits;
    options.output_count = 1;
    return ek_session_create(model, &options, session, err);
}

ek_status eks_slopes(ek_session *session, const eks_pool *pool, const float *x, const int32_t *labels, int64_t count,
                     ek_error *err) {
    union {
        const float *read;
        void *data;
    } images = {.read = x};
    ek_array input = {EK_F32, 4, {count, pool->channels, pool->side, pool->side}, images.data};
    EKS_TRY(ek_session_run(session, &input, 1, err));
    const float *logits = ek_session_output(session, 0).data;
    size_t classes = (size_t)pool->classes;
    float *gradient = eks_floats((size_t)count * classes, err);
    if (!gradient) return EK_ERR_NOMEM;
    for (size_t i = 0; i < (size_t)count; i++) {
        double top = -INFINITY, sum = 0;
        for (size_t c = 0; c < classes; c++) top = fmax(top, (double)logits[i * classes + c]);
        for (size_t c = 0; c < classes; c++) sum += exp((double)logits[i * classes + c] - top);
        for (size_t c = 0; c < classes; c++) {
            double p = exp((double)logits[i * classes + c] - top) / sum;
            gradient[i * classes + c] = (float)((p - ((size_t)labels[i] == c)) / (double)count);
        }
    }
    ek_status status = ek_session_backward(session, 0, gradient, err);
    free(gradient);
    return status;
}
