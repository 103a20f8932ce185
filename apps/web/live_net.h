/* live_net.h: the inside of the laboratory. */
#ifndef LIVE_NET_H
#define LIVE_NET_H

#include "web/live.h"

#include <evenkeel/norm.h>
#include <stddef.h>

enum { LIVE_NORMED = 4, LIVE_LAYERS = 5, LIVE_WIDEST = 256, LIVE_HELD = 128 };

/* A product at every pixel of a square: of the pixel and its neighbours (taps = 3), or of the pixel (taps = 1).
 * Channels are last. A dense layer is one pixel. `pool`: what follows it is averaged over pool x pool pixels. */
typedef struct live_shape {
    int side, taps, in, out, pool;
} live_shape;
extern const live_shape live_shapes[LIVE_LAYERS];

size_t live_weights_of(const live_shape *s);
size_t live_inputs_of(const live_shape *s);  /* of one image */
size_t live_outputs_of(const live_shape *s); /* before the pool */
size_t live_pooled_of(const live_shape *s);

typedef struct live_layer {
    float *weight, *scale, *bias;                   /* in lab->value */
    float *weight_grad, *scale_grad, *bias_grad;    /* in lab->grad */
    float *flipped;                                 /* the weights, transposed */
    float *before, *after, *pooled;                 /* the product; norm and ReLU; the layer's output */
    float *before_grad, *after_grad, *pooled_grad;  /* after_grad is pooled_grad where nothing is pooled */
    float *running_mean, *running_var, *mean, *var; /* mean, var: of the last training batch */
    ek_norm_plan *plan[LIVE_MOST + 1], *cumulative; /* by images a batch; for measuring anew */
    void *saved;
    size_t saved_bytes;
} live_layer;

struct live {
    live_norm norm;
    int batch;
    double rate, inertia, decay, keep, light;
    uint64_t seen; /* training images so far */
    size_t parameters;
    float *value, *grad, *speed;
    live_layer layer[LIVE_LAYERS];
    float *images; /* the batch */
    int digits[LIVE_MOST];
    float *mark, *last; /* directions of the watched weights */
    double turned, cosine;
    void *workspace;
    size_t workspace_bytes;
    unsigned char read[LIVE_MOST];
    int64_t measured; /* batches of live_measure so far */
    void *held[LIVE_HELD];
    int held_count, failed;
};

/* ---- live_random.c: numbers by counter ---- */
uint64_t live_word(uint64_t stream, uint64_t counter);
double live_uniform(uint64_t stream, uint64_t counter); /* [0, 1) */
double live_bell(uint64_t stream, uint64_t counter);    /* mean 0, deviation 1, within 3 */

/* ---- live_math.c: by + - * / alone ---- */
double live_exp(double x);
double live_log(double x); /* x > 0 */

/* ---- live_digits.c ---- */
enum { LIVE_SPLIT_TRAIN = 1, LIVE_SPLIT_TEST = 2 };
int live_digit_of(uint64_t split, uint64_t index);
/* Image `index` of a split as `digit`, in [0, 1]. */
void live_draw(uint64_t split, uint64_t index, int digit, float *pixels);
/* Test image, drawn once. */
const float *live_test_image(int image);

/* ---- live_product.c ---- */
void live_product(const live_shape *s, int n, const float *x, const float *w, float *y);
void live_flip(const live_shape *s, const float *w, float *flipped);
/* dx = NULL: not wanted. */
void live_product_back(const live_shape *s, int n, const float *x, const float *flipped, const float *dy, float *dx,
                       float *dw);
void live_pool(const live_shape *s, int n, const float *x, float *y);
void live_pool_back(const live_shape *s, int n, const float *dy, float *dx);

/* ---- live_norm.c: norm and ReLU of a layer; 0: refused ---- */
int live_norm_forward(live *lab, int layer, int n, live_mode mode);
int live_norm_back(live *lab, int layer, int n);
int live_norm_commit(live *lab, int layer, int n);
/* Forward by the batch, into running statistics that are the mean of all batches since `measured` was 0. */
int live_norm_measure(live *lab, int layer, int64_t *measured);
void live_norm_forget(live *lab); /* plans, which hold `keep` */

/* ---- live_forward.c ---- */
/* The network on lab->images; logits are in layer[LIVE_LAYERS - 1].pooled. 0: refused. */
int live_forward(live *lab, int n, live_mode mode);
int live_backward(live *lab, int n); /* from the gradient of the logits */
/* Mean loss on lab->digits; writes the gradient of the logits. */
double live_loss(live *lab, int n);
/* Puts an image into place `at` of the batch, in the light of the lab. */
void live_put(live *lab, int at, const float *pixels, int digit);
int live_best(const float *logits);

/* ---- live_turn.c ---- */
void live_turn_before(live *lab); /* around the step: remembers the direction */
void live_turn_after(live *lab);

#endif
