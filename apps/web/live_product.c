/* live_product.c: convolutions and dense layers, channels last: at each pixel, for each tap, a row of inputs times a
 * matrix, over the channels that lie beside each other. */
#include "web/live_net.h"

#include <string.h>

const live_shape live_shapes[LIVE_LAYERS] = {
    {16, 3, 1, 8, 2}, {8, 3, 8, 16, 2}, {4, 3, 16, 16, 1}, {1, 1, 256, 32, 1}, {1, 1, 32, 10, 1},
};

static size_t pixels(int side) { return (size_t)side * (size_t)side; }

size_t live_weights_of(const live_shape *s) { return pixels(s->taps) * (size_t)s->in * (size_t)s->out; }
size_t live_inputs_of(const live_shape *s) { return pixels(s->side) * (size_t)s->in; }
size_t live_outputs_of(const live_shape *s) { return pixels(s->side) * (size_t)s->out; }
size_t live_pooled_of(const live_shape *s) { return pixels(s->side / s->pool) * (size_t)s->out; }

/* y[0..out) += x[0..in) w, w of `in` rows. `out` is a constant where this is inlined, so that sums stay in registers.
 */
static inline void rows_times(int in, int out, const float *x, const float *w, float *y) {
    float sum[32];
    for (int j = 0; j < out; j++) sum[j] = y[j];
    for (int i = 0; i < in; i++, w += out)
        for (int j = 0; j < out; j++) sum[j] += x[i] * w[j];
    for (int j = 0; j < out; j++) y[j] = sum[j];
}

static void row_times(int in, int out, const float *x, const float *w, float *y) {
    switch (out) {
    case 8: rows_times(in, 8, x, w, y); return;
    case 10: rows_times(in, 10, x, w, y); return;
    case 16: rows_times(in, 16, x, w, y); return;
    case 32: rows_times(in, 32, x, w, y); return;
    default:
        for (int i = 0; i < in; i++, w += out)
            for (int j = 0; j < out; j++) y[j] += x[i] * w[j];
    }
}

/* dw += x dy, `in` rows of `out`. */
static inline void outer(int in, int out, const float *x, const float *dy, float *dw) {
    for (int i = 0; i < in; i++, dw += out)
        for (int j = 0; j < out; j++) dw[j] += x[i] * dy[j];
}

static void row_outer(int in, int out, const float *x, const float *dy, float *dw) {
    switch (out) {
    case 8: outer(in, 8, x, dy, dw); return;
    case 16: outer(in, 16, x, dy, dw); return;
    case 32: outer(in, 32, x, dy, dw); return;
    default: outer(in, out, x, dy, dw);
    }
}

/* One row of inputs and one of outputs that a tap joins, in the batch. */
typedef void join(const live_shape *s, size_t input, size_t output, size_t weight, void *arrays);

/* Row y of all images, column x: every tap inside the image. */
static inline void neighbours(const live_shape *s, int y, int x, join *what, void *arrays) {
    int reach = s->taps / 2, within = y % s->side, pixel = y * s->side + x;
    for (int dy = -reach; dy <= reach; dy++)
        for (int dx = -reach; dx <= reach; dx++) {
            if (within + dy < 0 || within + dy >= s->side || x + dx < 0 || x + dx >= s->side) continue;
            size_t tap = (size_t)((dy + reach) * s->taps + dx + reach);
            what(s, (size_t)(pixel + dy * s->side + dx) * (size_t)s->in, (size_t)pixel * (size_t)s->out,
                 tap * (size_t)s->in * (size_t)s->out, arrays);
        }
}

static inline void each(const live_shape *s, int n, join *what, void *arrays) {
    for (int y = 0; y < n * s->side; y++)
        for (int x = 0; x < s->side; x++) neighbours(s, y, x, what, arrays);
}

typedef struct arrays {
    const float *x, *w, *dy;
    float *y, *dx, *dw;
} arrays;

static void join_forward(const live_shape *s, size_t input, size_t output, size_t weight, void *given) {
    const arrays *a = given;
    row_times(s->in, s->out, a->x + input, a->w + weight, a->y + output);
}

static void join_back(const live_shape *s, size_t input, size_t output, size_t weight, void *given) {
    const arrays *a = given;
    row_outer(s->in, s->out, a->x + input, a->dy + output, a->dw + weight);
    if (a->dx != NULL) row_times(s->out, s->in, a->dy + output, a->w + weight, a->dx + input);
}

void live_product(const live_shape *s, int n, const float *x, const float *w, float *y) {
    memset(y, 0, (size_t)n * live_outputs_of(s) * sizeof *y);
    each(s, n, join_forward, &(arrays){.x = x, .w = w, .y = y});
}

void live_flip(const live_shape *s, const float *w, float *flipped) {
    int taps = s->taps * s->taps, block = s->in * s->out;
    for (int t = 0; t < taps; t++)
        for (int k = 0; k < block; k++) flipped[t * block + k % s->out * s->in + k / s->out] = w[t * block + k];
}

void live_product_back(const live_shape *s, int n, const float *x, const float *flipped, const float *dy, float *dx,
                       float *dw) {
    memset(dw, 0, live_weights_of(s) * sizeof *dw);
    if (dx != NULL) memset(dx, 0, (size_t)n * live_inputs_of(s) * sizeof *dx);
    each(s, n, join_back, &(arrays){.x = x, .w = flipped, .dy = dy, .dx = dx, .dw = dw});
}

/* Where pixel p of image k goes, as a row of the pooled. */
static size_t pooled_row(const live_shape *s, int k, int p) {
    int side = s->side / s->pool;
    return (size_t)(k * side * side + p / s->side / s->pool * side + p % s->side / s->pool) * (size_t)s->out;
}

void live_pool(const live_shape *s, int n, const float *x, float *y) {
    int area = s->side * s->side;
    float part = 1.0f / (float)(s->pool * s->pool);
    memset(y, 0, (size_t)n * live_pooled_of(s) * sizeof *y);
    for (int k = 0; k < n * area; k++, x += s->out) {
        float *to = y + pooled_row(s, k / area, k % area);
        for (int j = 0; j < s->out; j++) to[j] += part * x[j];
    }
}

void live_pool_back(const live_shape *s, int n, const float *dy, float *dx) {
    int area = s->side * s->side;
    float part = 1.0f / (float)(s->pool * s->pool);
    for (int k = 0; k < n * area; k++, dx += s->out) {
        const float *from = dy + pooled_row(s, k / area, k % area);
        for (int j = 0; j < s->out; j++) dx[j] = part * from[j];
    }
}
