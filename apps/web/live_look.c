/* live_look.c: what a laboratory shows: accuracy, readings, logits, statistics. None of it changes what it trains. */
#include "web/live_net.h"

#include <math.h>

/* Test images from `first` on, n of them, through the network. */
static int show(live *lab, int first, int n, live_mode mode) {
    for (int k = 0; k < n; k++)
        live_put(lab, k, live_test_image((first + k) % LIVE_TESTS), live_digit((first + k) % LIVE_TESTS));
    return live_forward(lab, n, mode);
}

static int right_of(const live *lab, int n) {
    int right = 0;
    for (int k = 0; k < n; k++)
        right += live_best(lab->layer[LIVE_LAYERS - 1].pooled + k * LIVE_CLASSES) == lab->digits[k];
    return right;
}

double live_accuracy(live *lab, int mode) {
    int right = 0, size = mode == LIVE_EVAL ? LIVE_MOST : lab->batch;
    for (int first = 0; first < LIVE_TESTS; first += size) {
        int n = LIVE_TESTS - first < size ? LIVE_TESTS - first : size;
        if (!show(lab, first, n, (live_mode)mode)) return NAN;
        right += right_of(lab, n);
    }
    return (double)right / LIVE_TESTS;
}

const unsigned char *live_read(live *lab, int first, int mode) {
    int good = show(lab, first, LIVE_MOST, (live_mode)mode);
    for (int k = 0; k < LIVE_MOST; k++)
        lab->read[k] = good ? (unsigned char)live_best(lab->layer[LIVE_LAYERS - 1].pooled + k * LIVE_CLASSES) : 0;
    return lab->read;
}

const float *live_logits(live *lab, int image, int batch, int mates, int digit, int mode) {
    float pixels[LIVE_PIXELS];
    int n = batch < 1 ? 1 : batch > LIVE_MOST ? LIVE_MOST : batch;
    live_put(lab, 0, live_test_image(image % LIVE_TESTS), live_digit(image % LIVE_TESTS));
    for (int k = 1; k < n; k++) {
        uint64_t index = (uint64_t)mates * LIVE_MOST + (uint64_t)k;
        int drawn = digit >= 0 && digit < LIVE_CLASSES ? digit : live_digit_of(LIVE_SPLIT_TRAIN, index);
        live_draw(LIVE_SPLIT_TRAIN, index, drawn, pixels);
        live_put(lab, k, pixels, drawn);
    }
    return live_forward(lab, n, (live_mode)mode) ? lab->layer[LIVE_LAYERS - 1].pooled : NULL;
}

const float *live_batch(const live *lab) { return lab->images; }

const float *live_image(live *lab, int image) {
    live_put(lab, 0, live_test_image(image % LIVE_TESTS), live_digit(image % LIVE_TESTS));
    return lab->images;
}

static int known(const live *lab, int layer, int channel) {
    return lab->norm == LIVE_BATCH && layer >= 0 && layer < LIVE_NORMED && channel >= 0 &&
           channel < live_shapes[layer].out;
}

double live_batch_mean(const live *lab, int layer, int channel) {
    return known(lab, layer, channel) ? (double)lab->layer[layer].mean[channel] : NAN;
}

double live_running_mean(const live *lab, int layer, int channel) {
    return known(lab, layer, channel) ? (double)lab->layer[layer].running_mean[channel] : NAN;
}
