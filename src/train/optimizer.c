/* optimizer.c: SGD with momentum and Nesterov's variant, Adam with L2 decay, AdamW with decoupled decay.
 *
 *     SGD    g += wd w;  v = mu v + g;  w -= lr v                    (Nesterov: w -= lr (g + mu v))
 *     Adam   g += wd w;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;
 *            w -= lr / (1-b1^t) * m / (sqrt(v) / sqrt(1-b2^t) + eps)
 *     AdamW  w *= 1 - lr wd;  then Adam without decay
 *
 * lr is the parameter's own share of the learning rate (lr_scale), g is scaled down first where it is clipped.
 *
 * Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2; momentum as PyTorch has it (no dampening).
 * Parameters and slots are f32, scalars f64. Each element is independent, so that cutting the work into blocks for
 * threads changes no bits; powers are made by repeated squaring, not by libm, so that they are the same everywhere.
 */
#include "base/threads.h"
#include "train/trainer.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 1 << 14 };

typedef struct update {
    const ek_train_options *options;
    const eki_groups *groups;
    double rate, correction; /* Adam: 1 - b1^t */
    float shrink;            /* of gradients; 1 = as they are, to the bit */
    float root_correction;   /* Adam: sqrt(1 - b2^t) */
} update;

int eki_optimizer_slots(const ek_train_options *options) {
    if (options->optimizer != EK_SGD) return 2;
    return options->momentum > 0 ? 1 : 0;
}

static double power(double base, int64_t exponent) {
    double result = 1.0;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1) result *= base;
        base *= base;
    }
    return result;
}

static void sgd(const update *u, const eki_trained *p, size_t begin, size_t end) {
    const float lr = (float)(u->rate * p->lr_scale), mu = (float)u->options->momentum;
    const float decay = p->decayed ? (float)u->options->weight_decay : 0.0F;
    const float shrink = u->shrink;
    const int nesterov = u->options->nesterov;
    for (size_t i = begin; i < end; i++) {
        float g = shrink * p->gradient[i] + decay * p->weights[i];
        if (p->first != NULL) {
            float v = mu * p->first[i] + g;
            p->first[i] = v;
            g = nesterov ? g + mu * v : v;
        }
        p->weights[i] -= lr * g;
    }
}

static void adam(const update *u, const eki_trained *p, size_t begin, size_t end) {
    const ek_train_options *o = u->options;
    const float b1 = (float)o->beta1, b2 = (float)o->beta2, c1 = (float)(1.0 - o->beta1), c2 = (float)(1.0 - o->beta2);
    const float epsilon = (float)o->adam_epsilon, shrink = u->shrink;
    const bool decoupled = o->optimizer == EK_ADAMW;
    const float l2 = p->decayed && !decoupled ? (float)o->weight_decay : 0.0F;
    const float keep = p->decayed && decoupled ? (float)(1.0 - u->rate * p->lr_scale * o->weight_decay) : 1.0F;
    const float step_size = (float)(u->rate * p->lr_scale / u->correction);
    for (size_t i = begin; i < end; i++) {
        float w = p->weights[i] * keep;
        float g = shrink * p->gradient[i] + l2 * w;
        float m = b1 * p->first[i] + c1 * g;
        float v = b2 * p->second[i] + c2 * (g * g);
        p->first[i] = m;
        p->second[i] = v;
        p->weights[i] = w - step_size * m / (sqrtf(v) / u->root_correction + epsilon);
    }
}

/* Blocks are numbered through all trained parameters in order. */
static const eki_trained *locate(const eki_groups *groups, size_t block, size_t *begin, size_t *end) {
    for (size_t i = 0; i < groups->count; i++) {
        const eki_trained *p = &groups->items[i];
        size_t blocks = p->trained ? (p->count + BLOCK - 1) / BLOCK : 0;
        if (block < blocks) {
            *begin = block * BLOCK;
            *end = *begin + BLOCK < p->count ? *begin + BLOCK : p->count;
            return p;
        }
        block -= blocks;
    }
    return NULL;
}

static size_t count_blocks(const eki_groups *groups) {
    size_t blocks = 0;
    for (size_t i = 0; i < groups->count; i++) {
        if (groups->items[i].trained) blocks += (groups->items[i].count + BLOCK - 1) / BLOCK;
    }
    return blocks;
}

static void update_block(void *argument, size_t block) {
    const update *u = argument;
    size_t begin, end;
    const eki_trained *p = locate(u->groups, block, &begin, &end);
    if (p == NULL) return;
    if (u->options->optimizer == EK_SGD) {
        sgd(u, p, begin, end);
    } else {
        adam(u, p, begin, end);
    }
}

void eki_optimizer_step(const ek_train_options *o, double lr, float shrink, int64_t t, const eki_groups *groups) {
    update u = {.options = o, .groups = groups, .rate = lr, .correction = 1.0, .shrink = shrink};
    if (o->optimizer != EK_SGD) {
        u.correction = 1.0 - power(o->beta1, t);
        u.root_correction = (float)sqrt(1.0 - power(o->beta2, t));
    }
    eki_parallel_for(NULL, count_blocks(groups), update_block, &u);
}

typedef struct squares {
    const eki_groups *groups;
    double *sums; /* of each block */
} squares;

/* Eight sums side by side, which then meet in order. */
static void square_block(void *argument, size_t block) {
    const squares *s = argument;
    double lanes[8] = {0}, sum = 0;
    size_t begin, end;
    const eki_trained *p = locate(s->groups, block, &begin, &end);
    for (size_t i = begin; p != NULL && i < end; i++) {
        double g = (double)p->gradient[i];
        lanes[i % 8] += g * g;
    }
    for (int k = 0; k < 8; k++) sum += lanes[k];
    s->sums[block] = sum;
}

ek_status eki_optimizer_norm(const eki_groups *groups, double *norm, ek_error *err) {
    size_t blocks = count_blocks(groups);
    squares s = {.groups = groups, .sums = eki_alloc(eki_size_of(blocks, sizeof *s.sums))};
    double sum = 0;
    if (s.sums == NULL) return eki_fail_nomem(err, blocks * sizeof *s.sums);
    eki_parallel_for(NULL, blocks, square_block, &s);
    for (size_t i = 0; i < blocks; i++) sum += s.sums[i];
    eki_free(s.sums);
    *norm = sqrt(sum);
    return EK_OK;
}

static bool all_finite(const float *values, size_t count) {
    int bad = 0;
    for (size_t i = 0; i < count; i++) bad |= !(fabsf(values[i]) <= FLT_MAX);
    return bad == 0;
}

const eki_trained *eki_optimizer_nonfinite(const eki_groups *groups) {
    for (size_t i = 0; i < groups->count; i++) {
        const eki_trained *p = &groups->items[i];
        if (p->trained && !all_finite(p->gradient, p->count)) return p;
    }
    return NULL;
}
