/* live_make.c: a laboratory is made, set and freed. */
#include "web/live_net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float *take(live *lab, size_t count) {
    float *room = lab->held_count < LIVE_HELD ? calloc(count, sizeof *room) : NULL;
    if (room == NULL)
        lab->failed = 1;
    else
        lab->held[lab->held_count++] = room;
    return room;
}

static size_t batch_of(size_t count) { return LIVE_MOST * count; }

static void take_layer(live *lab, int i) {
    const live_shape *s = &live_shapes[i];
    live_layer *l = &lab->layer[i];
    l->flipped = take(lab, live_weights_of(s));
    l->before = take(lab, batch_of(live_outputs_of(s)));
    l->before_grad = take(lab, batch_of(live_outputs_of(s)));
    l->after = take(lab, batch_of(live_outputs_of(s)));
    l->after_grad = take(lab, batch_of(live_outputs_of(s)));
    l->pooled = s->pool > 1 ? take(lab, batch_of(live_pooled_of(s))) : l->after;
    l->pooled_grad = s->pool > 1 ? take(lab, batch_of(live_pooled_of(s))) : l->after_grad;
    l->running_mean = take(lab, (size_t)s->out);
    l->running_var = take(lab, (size_t)s->out);
    l->mean = take(lab, (size_t)s->out);
    l->var = take(lab, (size_t)s->out);
}

static void take_parameters(live *lab) {
    size_t count = 0;
    for (int i = 0; i < LIVE_LAYERS; i++) count += live_weights_of(&live_shapes[i]) + 2 * (size_t)live_shapes[i].out;
    lab->parameters = count;
    lab->value = take(lab, count);
    lab->grad = take(lab, count);
    lab->speed = take(lab, count);
}

static void share_parameters(live *lab) {
    float *value = lab->value, *grad = lab->grad;
    for (int i = 0; i < LIVE_LAYERS; i++) {
        live_layer *l = &lab->layer[i];
        size_t weights = live_weights_of(&live_shapes[i]), out = (size_t)live_shapes[i].out;
        l->weight = value, l->scale = value + weights, l->bias = l->scale + out;
        l->weight_grad = grad, l->scale_grad = grad + weights, l->bias_grad = l->scale_grad + out;
        value += weights + 2 * out, grad += weights + 2 * out;
    }
}

/* He et al. 2015: deviation sqrt(2 / inputs of an output). */
static void start(live *lab) {
    for (int i = 0; i < LIVE_LAYERS; i++) {
        const live_shape *s = &live_shapes[i];
        live_layer *l = &lab->layer[i];
        double deviation = sqrt(2.0 / (s->taps * s->taps * s->in));
        for (size_t k = 0; k < live_weights_of(s); k++)
            l->weight[k] = (float)(deviation * live_bell(64 + (uint64_t)i, k));
        for (int k = 0; k < s->out; k++) l->scale[k] = l->running_var[k] = 1;
    }
    live_mark(lab);
}

static double within(double value, double low, double high) {
    return value > low ? value < high ? value : high : low; /* NaN is low */
}

void live_choose(live *lab, int batch, double rate, double inertia, double decay, double keep) {
    lab->batch = (int)within(batch, 1, LIVE_MOST);
    lab->rate = within(rate, 0, 100);
    lab->inertia = within(inertia, 0, 1);
    lab->decay = within(decay, 0, 1);
    keep = within(keep, 0, 1);
    if (!(keep == lab->keep)) live_norm_forget(lab);
    lab->keep = keep;
}

void live_light(live *lab, double light) { lab->light = within(light, -1, 1); }

live *live_new(int norm) {
    live *lab = calloc(1, sizeof *lab);
    if (lab == NULL) return NULL;
    lab->norm = norm >= LIVE_NONE && norm <= LIVE_LAYER ? (live_norm)norm : LIVE_NONE;
    lab->measured = -1;
    lab->images = take(lab, (size_t)LIVE_MOST * LIVE_PIXELS);
    lab->mark = take(lab, live_weights_of(&live_shapes[2]));
    lab->last = take(lab, live_weights_of(&live_shapes[2]));
    take_parameters(lab);
    for (int i = 0; i < LIVE_LAYERS; i++) take_layer(lab, i);
    if (lab->failed) {
        live_free(lab);
        return NULL;
    }
    share_parameters(lab);
    start(lab);
    live_choose(lab, 32, 0.05, 0.9, 0, 0.9);
    return lab;
}

void live_free(live *lab) {
    if (lab == NULL) return;
    live_norm_forget(lab);
    for (int i = 0; i < LIVE_NORMED; i++) free(lab->layer[i].saved);
    for (int i = 0; i < lab->held_count; i++) free(lab->held[i]);
    free(lab->workspace);
    free(lab);
}
