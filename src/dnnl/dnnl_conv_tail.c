/* dnnl_conv_tail.c: residual and activation behind a convolution whose primitive does not take them in. Numbers in bf16
 * are added in f32 and rounded once. */
#include "base/exp.h"
#include "base/half.h"
#include "base/threads.h"
#include "base/vectors.h"
#include "dnnl/dnnl_internal.h"

#include <string.h>

enum { GRAIN = 1 << 13 };

typedef struct finish_job {
    char *dst;
    const char *residual;
    eki_activation activation;
    eki_dnnl_form form;
    size_t count, unit;
} finish_job;

static void add(float *restrict sum, const float *restrict term, size_t count) {
    for (size_t i = 0; i < count; i++) sum[i] += term[i];
}

static inline float hard_swish(float x) {
    float gate = 1.0f / 6.0f * x + 0.5f;
    gate = gate < 0.0f ? 0.0f : gate;
    return x * (gate > 1.0f ? 1.0f : gate);
}

EKI_VECTORS static void activate(eki_activation f, float *data, size_t count) {
    const float alpha = f.alpha, beta = f.beta;
    switch (f.kind) {
    case EK_ACTIVATION_RELU:
        for (size_t i = 0; i < count; i++) data[i] = data[i] <= 0.0f ? 0.0f : data[i];
        break;
    case EK_ACTIVATION_LEAKY_RELU:
        for (size_t i = 0; i < count; i++) data[i] = data[i] < 0.0f ? alpha * data[i] : data[i];
        break;
    case EK_ACTIVATION_CLIP:
        for (size_t i = 0; i < count; i++) data[i] = data[i] <= alpha ? alpha : data[i];
        for (size_t i = 0; i < count; i++) data[i] = data[i] >= beta ? beta : data[i];
        break;
    case EK_ACTIVATION_HARD_SWISH:
        for (size_t i = 0; i < count; i++) data[i] = hard_swish(data[i]);
        break;
    case EK_ACTIVATION_SILU:
        for (size_t i = 0; i < count; i++) data[i] = data[i] * eki_logistic(data[i]);
        break;
    default: break;
    }
}

static void finish(const finish_job *j, float *dst, const float *residual, size_t count) {
    if (residual != NULL) add(dst, residual, count);
    activate(j->activation, dst, count);
}

static void finish_half(const finish_job *j, char *dst, const char *residual, size_t count) {
    enum { ROOM = 512 };
    float sum[ROOM], term[ROOM];
    for (size_t at = 0; at < count; at += ROOM) {
        size_t n = count - at < ROOM ? count - at : ROOM;
        eki_half_widen(EK_BF16, dst + at * j->unit, sum, n);
        if (residual != NULL) eki_half_widen(EK_BF16, residual + at * j->unit, term, n);
        finish(j, sum, residual != NULL ? term : NULL, n);
        eki_half_narrow(EK_BF16, sum, dst + at * j->unit, n);
    }
}

static void finish_grain(void *argument, size_t index) {
    const finish_job *j = argument;
    size_t begin = index * GRAIN, count = j->count - begin < GRAIN ? j->count - begin : GRAIN;
    char *dst = j->dst + begin * j->unit;
    const char *residual = j->residual != NULL ? j->residual + begin * j->unit : NULL;
    if (j->form.dtype == EK_BF16) {
        finish_half(j, dst, residual, count);
    } else {
        finish(j, (float *)(void *)dst, (const float *)(const void *)residual, count);
    }
}

static void copy_grain(void *argument, size_t index) {
    const finish_job *j = argument;
    size_t begin = index * GRAIN, count = j->count - begin < GRAIN ? j->count - begin : GRAIN;
    memcpy(j->dst + begin * j->unit, j->residual + begin * j->unit, count * j->unit);
}

static void run(const eki_conv *conv, finish_job *j, eki_task_fn grain) {
    const eki_conv_desc *d = &conv->desc;
    int64_t count = eki_dnnl_padded(d->dst_layout, d->o) * conv->dst_space * d->n;
    j->count = count > 0 ? (size_t)count : 0;
    j->form = eki_conv_form(conv, d->dst_layout);
    j->unit = eki_dnnl_unit(j->form);
    eki_parallel_for(&(ek_parallel){.threads = d->threads}, (j->count + GRAIN - 1) / GRAIN, grain, j);
}

void eki_conv_finish(const eki_conv *conv, const void *residual, eki_activation activation, void *dst) {
    finish_job j = {.dst = dst, .residual = residual, .activation = activation};
    if (residual != NULL || activation.kind != EK_ACTIVATION_NONE) run(conv, &j, finish_grain);
}

void eki_conv_preset(const eki_conv *conv, const void *residual, void *dst) {
    finish_job j = {.dst = dst, .residual = residual};
    if (residual != dst) run(conv, &j, copy_grain);
}
