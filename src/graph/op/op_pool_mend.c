/* op_pool_mend.c: what oneDNN's maximum pooling loses.
 *
 * It begins with the lowest finite number and takes what is larger, so a window of -infinity alone gives that number,
 * and a NaN is never taken. Both are looked for in one reading, which memory still has near; only where one is found
 * are windows done again, in plain loops.
 */
#include "base/half.h"
#include "base/threads.h"
#include "graph/op/op_pool_plain.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>

enum { GRAIN = 65536 };

typedef struct mend_job {
    const eki_pool_result *result;
    int64_t channels, block, blocks, in, out; /* of one example; pixels of a plane */
    size_t x_count, y_count;
    atomic_bool nan, lowest;
} mend_job;

static bool has_nan(const float *x, size_t count) {
    size_t half = count / 2;
    int found = count % 2 != 0 && isnan(x[count - 1]);
    for (size_t i = 0; i < half; i++) found |= isunordered(x[i], x[i + half]);
    return found != 0;
}

static bool has_lowest(const float *y, size_t count) {
    int found = 0;
    for (size_t i = 0; i < count; i++) found |= y[i] == -FLT_MAX;
    return found != 0;
}

/* bf16: the same of the upper halves of f32. */
enum { HALF_INFINITY = 0x7f80, HALF_LOWEST = 0xff7f };

static bool is_half_nan(uint16_t x) { return (x & 0x7fff) > HALF_INFINITY; }

static bool has_half_nan(const uint16_t *x, size_t count) {
    int found = 0;
    for (size_t i = 0; i < count; i++) found |= is_half_nan(x[i]);
    return found != 0;
}

static bool has_half_lowest(const uint16_t *y, size_t count) {
    int found = 0;
    for (size_t i = 0; i < count; i++) found |= y[i] == HALF_LOWEST;
    return found != 0;
}

static size_t part(size_t count, size_t begin) {
    if (begin >= count) return 0;
    return count - begin < GRAIN ? count - begin : GRAIN;
}

static void look(void *argument, size_t index) {
    mend_job *j = argument;
    const eki_pool_result *r = j->result;
    size_t begin = index * GRAIN, xs = part(j->x_count, begin), ys = part(j->y_count, begin);
    bool nan, lowest;
    if (r->pool->half) {
        nan = has_half_nan((const uint16_t *)r->x + begin, xs);
        lowest = has_half_lowest((const uint16_t *)r->y + begin, ys);
    } else {
        nan = has_nan((const float *)r->x + begin, xs);
        lowest = has_lowest((const float *)r->y + begin, ys);
    }
    if (nan) atomic_store(&j->nan, true);
    if (lowest) atomic_store(&j->lowest, true);
}

/* Where the first pixel of a channel of an example lies, and how far apart pixels are. */
static int64_t plane_begin(const mend_job *j, int64_t n, int64_t c, int64_t pixels, int64_t *step) {
    if (j->result->layout == EK_LAYOUT_NHWC) {
        *step = j->channels;
        return n * pixels * j->channels + c;
    }
    *step = j->block;
    return (n * j->blocks + c / j->block) * pixels * j->block + c % j->block;
}

static bool plane_has_nan(const eki_pool_result *r, int64_t begin, int64_t step, int64_t pixels) {
    for (int64_t at = begin; at < begin + pixels * step; at += step) {
        if (r->pool->half ? is_half_nan(((const uint16_t *)r->x)[at]) : isnan(((const float *)r->x)[at])) return true;
    }
    return false;
}

static bool is_lowest(const eki_pool_result *r, int64_t at) {
    return r->pool->half ? ((const uint16_t *)r->y)[at] == HALF_LOWEST : ((const float *)r->y)[at] == -FLT_MAX;
}

static void set_result(const eki_pool_result *r, int64_t at, float most) {
    if (r->pool->half)
        eki_half_narrow(EK_BF16, &most, (uint16_t *)r->y + at, 1);
    else
        ((float *)r->y)[at] = most;
}

static void set_winner(const eki_pool_result *r, int64_t at, int64_t tap) {
    if (r->winners == NULL) return;
    if (r->unit == 1)
        ((uint8_t *)r->winners)[at] = (uint8_t)tap;
    else
        ((int32_t *)r->winners)[at] = (int32_t)tap;
}

static void mend_plane(void *argument, size_t index) {
    const mend_job *j = argument;
    const eki_pool_result *r = j->result;
    int64_t n = (int64_t)index / j->channels, c = (int64_t)index % j->channels, step, tap;
    int64_t first = plane_begin(j, n, c, j->in, &step), begin = plane_begin(j, n, c, j->out, &step);
    const char *x = (const char *)r->x + (size_t)first * (r->pool->half ? sizeof(uint16_t) : sizeof(float));
    bool all = atomic_load(&j->nan) && plane_has_nan(r, first, step, j->in);
    for (int64_t p = 0; p < j->out; p++) {
        int64_t at = begin + p * step;
        float most;
        if (!all && !is_lowest(r, at)) continue;
        eki_plain_pool_most(r->pool, x, step, p, &most, &tap);
        set_result(r, at, most);
        set_winner(r, at, tap);
    }
}

void eki_pool_mend(const eki_pool_result *result) {
    const eki_shape *x = &result->pool->shape;
    mend_job j = {.result = result, .channels = x->dims[1], .block = 1, .in = 1, .out = 1};
    if (result->layout >= EK_LAYOUT_BLOCKED8) j.block = (int64_t)result->layout;
    j.blocks = (j.channels + j.block - 1) / j.block;
    for (int i = 0; i < result->pool->window.spatial; i++) {
        j.in *= x->dims[i + 2];
        j.out *= result->pool->window.out[i];
    }
    size_t planes = (size_t)(x->dims[0] * j.blocks * j.block), larger;
    j.x_count = planes * (size_t)j.in;
    j.y_count = planes * (size_t)j.out;
    if (j.x_count == 0 || j.y_count == 0) return;
    larger = j.x_count > j.y_count ? j.x_count : j.y_count;
    ek_parallel parallel = {.threads = result->threads};
    eki_parallel_for(&parallel, (larger + GRAIN - 1) / GRAIN, look, &j);
    if (!atomic_load(&j.nan) && !atomic_load(&j.lowest)) return;
    eki_parallel_for(&parallel, (size_t)(x->dims[0] * j.channels), mend_plane, &j);
}
