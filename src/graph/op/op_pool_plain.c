/* op_pool_plain.c: pooling in plain loops over (N, C, D1, D2, D3), window by window, serial.
 *
 * Averages count the positions that lie inside the input (AVERAGE) or inside input plus padding (AVERAGE_PADDED).
 */
#include "graph/op/op_pool_plain.h"

#include "base/half.h"

#include <math.h>

typedef struct extents {
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], begin[3], end[3];
    bool half;
} extents;

static extents three_dimensions(const eki_plain_pool *pool) {
    extents e = {.half = pool->half};
    int missing = 3 - pool->window.spatial;
    for (int i = 0; i < 3; i++) {
        int k = i - missing;
        e.in[i] = k < 0 ? 1 : pool->shape.dims[k + 2];
        e.out[i] = k < 0 ? 1 : pool->window.out[k];
        e.kernel[i] = k < 0 ? 1 : pool->window.kernel[k];
        e.stride[i] = k < 0 ? 1 : pool->window.stride[k];
        e.dilation[i] = k < 0 ? 1 : pool->window.dilation[k];
        e.begin[i] = k < 0 ? 0 : pool->window.pad_begin[k];
        e.end[i] = k < 0 ? 0 : pool->window.pad_end[k];
    }
    return e;
}

/* One window: how many positions count, the sum, the maximum and where it is. */
typedef struct window_result {
    double sum;
    int64_t inside, padded, best;
    int64_t tap; /* of the maximum, counted over the whole kernel */
    float most;
} window_result;

/* Taps k of dimension i of a window that begins at `at`: [*first, *last) lie inside the input, the result is how many
 * lie inside input plus padding. Found by arithmetic, so that a window far larger than the input costs nothing. */
static int64_t taps(const extents *e, int i, int64_t at, int64_t *first, int64_t *last) {
    int64_t d = e->dilation[i], inside = (e->in[i] - at + d - 1) / d, padded = (e->in[i] + e->end[i] - at + d - 1) / d;
    *first = at < 0 ? (-at + d - 1) / d : 0;
    *last = inside < e->kernel[i] ? inside : e->kernel[i];
    if (*last < *first) *last = *first;
    return padded < e->kernel[i] ? (padded > 0 ? padded : 0) : e->kernel[i];
}

typedef void (*visit_fn)(void *argument, int64_t offset);

/* A NaN is larger than any number, so that it is never lost; of equal numbers the first counts, of NaNs the last. */
static bool is_larger(const window_result *r, float x) { return r->best < 0 || x > r->most || isnan(x); }

static float pixel(const extents *e, const void *x, int64_t at) {
    float value;
    if (!e->half) return ((const float *)x)[at];
    eki_half_widen(EK_BF16, (const uint16_t *)x + at, &value, 1);
    return value;
}

/* x, where not NULL, has its pixels `step` apart. */
static void visit_window(const extents *e, const int64_t out[3], window_result *r, const void *x, int64_t step,
                         visit_fn visit, void *argument) {
    int64_t begin[3], first[3], last[3], k[3];
    *r = (window_result){.best = -1, .inside = 1, .padded = 1};
    for (int i = 0; i < 3; i++) {
        begin[i] = out[i] * e->stride[i] - e->begin[i];
        r->padded *= taps(e, i, begin[i], &first[i], &last[i]);
        r->inside *= last[i] - first[i];
    }
    for (k[0] = first[0]; k[0] < last[0]; k[0]++) {
        for (k[1] = first[1]; k[1] < last[1]; k[1]++) {
            for (k[2] = first[2]; k[2] < last[2]; k[2]++) {
                int64_t offset = 0;
                for (int i = 0; i < 3; i++) offset = offset * e->in[i] + begin[i] + k[i] * e->dilation[i];
                if (visit != NULL) visit(argument, offset);
                if (x == NULL) continue;
                float value = pixel(e, x, offset * step);
                r->sum += value;
                if (!is_larger(r, value)) continue;
                r->best = offset;
                r->tap = (k[0] * e->kernel[1] + k[1]) * e->kernel[2] + k[2];
                r->most = value;
            }
        }
    }
}

static float result_value(const eki_plain_pool *pool, const window_result *r) {
    if (pool->kind == EKI_POOL_MAX) return r->best < 0 ? -INFINITY : r->most; /* padding counts as -infinity */
    int64_t count = pool->kind == EKI_POOL_AVERAGE ? r->inside : r->padded;
    return count > 0 ? (float)(r->sum / (double)count) : 0.0f;
}

static int64_t column_major(const extents *e, int64_t offset) {
    int64_t d2 = offset % e->in[2], d1 = offset / e->in[2] % e->in[1], d0 = offset / e->in[2] / e->in[1];
    return d0 + e->in[0] * (d1 + e->in[1] * d2);
}

void eki_plain_pool_most(const eki_plain_pool *pool, const void *x, int64_t step, int64_t index, float *most,
                         int64_t *tap) {
    extents e = three_dimensions(pool);
    int64_t o[3] = {index / e.out[2] / e.out[1], index / e.out[2] % e.out[1], index % e.out[2]};
    window_result r;
    visit_window(&e, o, &r, x, step, NULL, NULL);
    *most = result_value(pool, &r);
    *tap = r.best < 0 ? 0 : r.tap;
}

static int64_t planes(const eki_plain_pool *pool) { return pool->shape.dims[0] * pool->shape.dims[1]; }

void eki_plain_pool_forward(const eki_plain_pool *pool, const float *x, float *y, int64_t *indices) {
    extents e = three_dimensions(pool);
    int64_t plane = e.in[0] * e.in[1] * e.in[2], o[3], at = 0;
    for (int64_t p = 0; p < planes(pool); p++) {
        for (o[0] = 0; o[0] < e.out[0]; o[0]++) {
            for (o[1] = 0; o[1] < e.out[1]; o[1]++) {
                for (o[2] = 0; o[2] < e.out[2]; o[2]++, at++) {
                    window_result r;
                    visit_window(&e, o, &r, x + p * plane, 1, NULL, NULL);
                    y[at] = result_value(pool, &r);
                    if (indices == NULL) continue;
                    int64_t best = r.best < 0 ? 0 : r.best;
                    indices[at] = p * plane + (pool->column_major ? column_major(&e, best) : best);
                }
            }
        }
    }
}

typedef struct addition {
    float *dx, share;
} addition;

static void add_share(void *argument, int64_t offset) {
    const addition *a = argument;
    a->dx[offset] += a->share;
}

void eki_plain_pool_backward(const eki_plain_pool *pool, const float *x, const float *dy, float *dx) {
    extents e = three_dimensions(pool);
    int64_t plane = e.in[0] * e.in[1] * e.in[2], o[3], at = 0;
    for (int64_t p = 0; p < planes(pool); p++) {
        for (o[0] = 0; o[0] < e.out[0]; o[0]++) {
            for (o[1] = 0; o[1] < e.out[1]; o[1]++) {
                for (o[2] = 0; o[2] < e.out[2]; o[2]++, at++) {
                    window_result r;
                    visit_window(&e, o, &r, pool->kind == EKI_POOL_MAX ? x + p * plane : NULL, 1, NULL, NULL);
                    if (pool->kind == EKI_POOL_MAX) {
                        if (r.best >= 0) dx[p * plane + r.best] += dy[at];
                        continue;
                    }
                    int64_t count = pool->kind == EKI_POOL_AVERAGE ? r.inside : r.padded;
                    addition a = {dx + p * plane, count > 0 ? dy[at] / (float)count : 0.0f};
                    visit_window(&e, o, &r, NULL, 1, add_share, &a);
                }
            }
        }
    }
}
