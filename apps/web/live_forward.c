/* live_forward.c: the network forward, its loss, and backward. */
#include "web/live_net.h"

#include <math.h>
#include <string.h>

static const float *input_of(const live *lab, int layer) {
    return layer > 0 ? lab->layer[layer - 1].pooled : lab->images;
}

void live_put(live *lab, int at, const float *pixels, int digit) {
    float *to = lab->images + (size_t)at * LIVE_PIXELS, light = (float)lab->light;
    for (int i = 0; i < LIVE_PIXELS; i++) {
        float v = pixels[i] + light;
        to[i] = v < 0 ? 0 : v > 1 ? 1 : v;
    }
    lab->digits[at] = digit;
}

/* Behind the product of a layer: norm, ReLU and pool; of the last one a bias. */
static int rest(live *lab, int layer, int n, live_mode mode) {
    const live_shape *s = &live_shapes[layer];
    live_layer *l = &lab->layer[layer];
    if (layer == LIVE_LAYERS - 1) {
        for (int i = 0; i < n * s->out; i++) l->pooled[i] = l->before[i] + l->bias[i % s->out];
        return 1;
    }
    if (!(lab->measured >= 0 ? live_norm_measure(lab, layer, &(int64_t){lab->measured})
                             : live_norm_forward(lab, layer, n, mode)))
        return 0;
    if (s->pool > 1) live_pool(s, n, l->after, l->pooled);
    return 1;
}

int live_forward(live *lab, int n, live_mode mode) {
    for (int i = 0; i < LIVE_LAYERS; i++) {
        live_product(&live_shapes[i], n, input_of(lab, i), lab->layer[i].weight, lab->layer[i].before);
        if (!rest(lab, i, n, mode)) return 0;
    }
    return 1;
}

int live_best(const float *logits) {
    int best = 0;
    for (int i = 1; i < LIVE_CLASSES; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

/* Softmax and cross-entropy of one image; its gradient, of the mean over n. */
static double loss_of(const float *logits, int digit, int n, float *grad) {
    double power[LIVE_CLASSES], sum = 0, top = (double)logits[live_best(logits)];
    for (int i = 0; i < LIVE_CLASSES; i++) sum += power[i] = live_exp((double)logits[i] - top);
    for (int i = 0; i < LIVE_CLASSES; i++) grad[i] = (float)((power[i] / sum - (i == digit)) / n);
    return isfinite(sum) ? live_log(sum) + top - (double)logits[digit] : sum;
}

double live_loss(live *lab, int n) {
    live_layer *l = &lab->layer[LIVE_LAYERS - 1];
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += loss_of(l->pooled + k * LIVE_CLASSES, lab->digits[k], n, l->pooled_grad + k * LIVE_CLASSES);
    return sum / n;
}

static int rest_back(live *lab, int layer, int n) {
    const live_shape *s = &live_shapes[layer];
    live_layer *l = &lab->layer[layer];
    if (layer == LIVE_LAYERS - 1) {
        memset(l->bias_grad, 0, (size_t)s->out * sizeof *l->bias_grad);
        memcpy(l->before_grad, l->pooled_grad, (size_t)(n * s->out) * sizeof *l->before_grad);
        for (int i = 0; i < n * s->out; i++) l->bias_grad[i % s->out] += l->pooled_grad[i];
        return 1;
    }
    if (s->pool > 1) live_pool_back(s, n, l->pooled_grad, l->after_grad);
    return live_norm_back(lab, layer, n);
}

int live_backward(live *lab, int n) {
    for (int i = LIVE_LAYERS - 1; i >= 0; i--) {
        live_layer *l = &lab->layer[i];
        if (!rest_back(lab, i, n)) return 0;
        live_flip(&live_shapes[i], l->weight, l->flipped);
        live_product_back(&live_shapes[i], n, input_of(lab, i), l->flipped, l->before_grad,
                          i > 0 ? lab->layer[i - 1].pooled_grad : NULL, l->weight_grad);
    }
    return 1;
}
