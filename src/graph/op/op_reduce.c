/* op_reduce.c: sums over some dimensions of a row-major f32 tensor, in f64, in row-major order of what is summed.
 *
 * Dimensions of one kind (kept or summed) that are neighbours are merged. Where the innermost one is kept, a tile of
 * neighbouring results is summed at once, so that memory is read along rows; the order of each single sum is the same
 * either way. The parallel unit is a tile of results: no sum is ever split.
 */
#include "graph/op/op_common.h"

#include <math.h>

enum { TILE = 64 };

typedef struct axes {
    int n;
    int64_t dims[EKI_MAX_RANK], strides[EKI_MAX_RANK];
} axes;

typedef struct reduction {
    const float *src;
    float *out;
    axes kept, summed;
    double scale;
    eki_reduce_kind kind;
    size_t row, tiles_per_row; /* results per innermost kept row, when that row is contiguous; else 1 */
} reduction;

static void put(axes *a, int64_t extent, int64_t stride, bool merge) {
    if (merge && a->n > 0) {
        a->dims[a->n - 1] *= extent;
        a->strides[a->n - 1] = stride;
    } else {
        a->dims[a->n] = extent;
        a->strides[a->n++] = stride;
    }
}

static inline __attribute__((always_inline)) double join(eki_reduce_kind kind, double acc, double v) {
    switch (kind) {
    case EKI_REDUCE_ABS: return acc + (v < 0.0 ? -v : v);
    case EKI_REDUCE_SQUARE: return acc + v * v;
    case EKI_REDUCE_PROD: return acc * v;
    case EKI_REDUCE_MAX: return v > acc || v != v ? v : acc;
    case EKI_REDUCE_MIN: return v < acc || v != v ? v : acc;
    default: return acc + v;
    }
}

static double neutral(eki_reduce_kind kind) {
    switch (kind) {
    case EKI_REDUCE_PROD: return 1.0;
    case EKI_REDUCE_MAX: return -HUGE_VAL;
    case EKI_REDUCE_MIN: return HUGE_VAL;
    default: return 0.0;
    }
}

/* acc[0..width) joins the elements at base + column over all reduced indices. Inlined for each kind. */
static inline __attribute__((always_inline)) void join_tile(eki_reduce_kind kind, const axes *s, const float *base,
                                                            size_t width, double *acc) {
    int64_t index[EKI_MAX_RANK] = {0};
    int last = s->n - 1;
    for (;;) {
        for (int64_t k = 0; k < s->dims[last]; k++) {
            const float *from = base + k * s->strides[last];
            for (size_t j = 0; j < width; j++) acc[j] = join(kind, acc[j], (double)from[j]);
        }
        int d = last - 1;
        for (; d >= 0; d--) {
            base += s->strides[d];
            if (++index[d] < s->dims[d]) break;
            base -= s->strides[d] * s->dims[d];
            index[d] = 0;
        }
        if (d < 0) return;
    }
}

static void fill_tile(const reduction *r, const float *base, size_t width, double *acc) {
    const axes *s = &r->summed;
    switch (r->kind) {
    case EKI_REDUCE_SUM: join_tile(EKI_REDUCE_SUM, s, base, width, acc); break;
    case EKI_REDUCE_ABS: join_tile(EKI_REDUCE_ABS, s, base, width, acc); break;
    case EKI_REDUCE_SQUARE: join_tile(EKI_REDUCE_SQUARE, s, base, width, acc); break;
    case EKI_REDUCE_PROD: join_tile(EKI_REDUCE_PROD, s, base, width, acc); break;
    case EKI_REDUCE_MAX: join_tile(EKI_REDUCE_MAX, s, base, width, acc); break;
    case EKI_REDUCE_MIN: join_tile(EKI_REDUCE_MIN, s, base, width, acc); break;
    }
}

static void reduce_tile(void *argument, size_t tile) {
    const reduction *r = argument;
    double acc[TILE];
    size_t row = tile / r->tiles_per_row, column = tile % r->tiles_per_row * TILE;
    size_t width = r->row - column < TILE ? r->row - column : TILE;
    const float *base = r->src + column;
    int outer = r->kept.n - (r->row > 1 ? 1 : 0);
    size_t rest = row;
    for (int d = outer - 1; d >= 0; d--) {
        base += (int64_t)(rest % (size_t)r->kept.dims[d]) * r->kept.strides[d];
        rest /= (size_t)r->kept.dims[d];
    }
    for (size_t j = 0; j < width; j++) acc[j] = neutral(r->kind);
    fill_tile(r, base, width, acc);
    for (size_t j = 0; j < width; j++) r->out[row * r->row + column + j] = (float)(acc[j] * r->scale);
}

void eki_reduce(const eki_step *step, eki_reduce_kind kind, const float *src, const eki_shape *shape, uint32_t reduced,
                double scale, float *out) {
    reduction r = {.kind = kind, .src = src, .out = out, .scale = scale, .row = 1, .tiles_per_row = 1};
    int64_t strides[EKI_MAX_RANK], terms = 1, results = 1;
    int previous = -1;
    eki_row_strides(shape, strides);
    for (int i = 0; i < shape->rank; i++) {
        int summed = (reduced >> i & 1) != 0;
        *(summed ? &terms : &results) *= shape->dims[i];
        if (shape->dims[i] == 1) continue;
        put(summed ? &r.summed : &r.kept, shape->dims[i], strides[i], previous == summed);
        previous = summed;
    }
    if (r.summed.n == 0) put(&r.summed, 1, 0, false);
    if (terms == 0) {
        for (int64_t i = 0; i < results; i++) out[i] = (float)neutral(kind);
        return;
    }
    if (previous == 0) {
        r.row = (size_t)r.kept.dims[r.kept.n - 1];
        r.tiles_per_row = (r.row + TILE - 1) / TILE;
    }
    if (results > 0) eki_for_tasks(step, (size_t)results / r.row * r.tiles_per_row, reduce_tile, &r);
}

void eki_reduce_sum(const eki_step *step, const float *src, const eki_shape *shape, uint32_t reduced, double scale,
                    float *out) {
    eki_reduce(step, EKI_REDUCE_SUM, src, shape, reduced, scale, out);
}

void eki_reduce_to(const eki_step *step, const float *src, const eki_shape *from, const eki_shape *to, float *out) {
    uint32_t reduced = 0;
    for (int i = 0; i < from->rank; i++) {
        int j = i - (from->rank - to->rank);
        if (j < 0 || (to->dims[j] == 1 && from->dims[i] != 1)) reduced |= 1u << i;
    }
    eki_reduce_sum(step, src, from, reduced, 1.0, out);
}
