/* dnnl_conv_tail.c: residual and ReLU behind a convolution whose primitive does not take them in. */
#include "base/threads.h"
#include "dnnl/dnnl_internal.h"

#include <string.h>

enum { GRAIN = 1 << 13 };

typedef struct finish_job {
    float *dst;
    const float *residual;
    bool relu;
    size_t count;
} finish_job;

static void add(float *restrict sum, const float *restrict term, size_t count) {
    for (size_t i = 0; i < count; i++) sum[i] += term[i];
}

/* NaN stays, and -0 becomes 0 as in the primitive. */
static void rectify(float *data, size_t count) {
    for (size_t i = 0; i < count; i++) {
        float v = data[i];
        data[i] = v <= 0.0f ? 0.0f : v;
    }
}

static void finish_grain(void *argument, size_t index) {
    const finish_job *j = argument;
    size_t begin = index * GRAIN, count = j->count - begin < GRAIN ? j->count - begin : GRAIN;
    if (j->residual != NULL) add(j->dst + begin, j->residual + begin, count);
    if (j->relu) rectify(j->dst + begin, count);
}

static void copy_grain(void *argument, size_t index) {
    const finish_job *j = argument;
    size_t begin = index * GRAIN, count = j->count - begin < GRAIN ? j->count - begin : GRAIN;
    memcpy(j->dst + begin, j->residual + begin, count * sizeof(float));
}

static void run(const eki_conv *conv, finish_job *j, eki_task_fn grain) {
    const eki_conv_desc *d = &conv->desc;
    int64_t count = eki_dnnl_padded(d->dst_layout, d->o) * conv->dst_space * d->n;
    j->count = count > 0 ? (size_t)count : 0;
    eki_parallel_for(&(ek_parallel){.threads = d->threads}, (j->count + GRAIN - 1) / GRAIN, grain, j);
}

void eki_conv_finish(const eki_conv *conv, const float *residual, bool relu, float *dst) {
    finish_job j = {.dst = dst, .residual = residual, .relu = relu};
    if (residual != NULL || relu) run(conv, &j, finish_grain);
}

void eki_conv_preset(const eki_conv *conv, const float *residual, float *dst) {
    finish_job j = {.dst = dst, .residual = residual};
    if (residual != dst) run(conv, &j, copy_grain);
}
