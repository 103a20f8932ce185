/* live_step.c: what moves a laboratory: a step of training, a look at a batch, statistics measured anew. */
#include "web/live_net.h"

static void next_images(live *lab, int n) {
    float pixels[LIVE_PIXELS];
    for (int k = 0; k < n; k++, lab->seen++) {
        int digit = live_digit_of(LIVE_SPLIT_TRAIN, lab->seen);
        live_draw(LIVE_SPLIT_TRAIN, lab->seen, digit, pixels);
        live_put(lab, k, pixels, digit);
    }
}

static int commit(live *lab) {
    for (int i = 0; i < LIVE_NORMED; i++)
        if (!live_norm_commit(lab, i, lab->batch)) return 0;
    return 1;
}

/* Nesterov's is not used: v = inertia v + g, w -= rate v. */
static void move(live *lab, size_t from, size_t to, double decay) {
    float rate = (float)lab->rate, inertia = (float)lab->inertia, pull = (float)decay;
    for (size_t i = from; i < to; i++) {
        lab->speed[i] = inertia * lab->speed[i] + (lab->grad[i] + pull * lab->value[i]);
        lab->value[i] -= rate * lab->speed[i];
    }
}

static void descend(live *lab) {
    size_t at = 0;
    live_turn_before(lab);
    for (int i = 0; i < LIVE_LAYERS; i++) {
        size_t weights = live_weights_of(&live_shapes[i]), others = 2 * (size_t)live_shapes[i].out;
        move(lab, at, at + weights, lab->decay);
        move(lab, at + weights, at + weights + others, 0);
        at += weights + others;
    }
    live_turn_after(lab);
}

double live_step(live *lab) {
    next_images(lab, lab->batch);
    if (!live_forward(lab, lab->batch, LIVE_TRAIN)) return -1;
    double loss = live_loss(lab, lab->batch);
    if (!live_backward(lab, lab->batch) || !commit(lab)) return -1;
    descend(lab);
    return loss;
}

int live_watch(live *lab) {
    next_images(lab, lab->batch);
    return live_forward(lab, lab->batch, LIVE_TRAIN) && commit(lab);
}

int live_measure(live *lab) {
    enum { BATCHES = 16 };
    uint64_t seen = lab->seen;
    int good = 1;
    for (lab->measured = 0; good && lab->measured < BATCHES; lab->measured++) {
        next_images(lab, LIVE_MOST);
        good = live_forward(lab, LIVE_MOST, LIVE_TRAIN);
    }
    lab->measured = -1;
    lab->seen = seen;
    return good;
}
