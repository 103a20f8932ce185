/* Are maxima over -infinity and NaN right in every layout, forward and backward, beside ordinary windows that stay as
 * they are to the bit? Against plain loops over plain tensors.
 */
#include "op_harness.h"

#include "graph/op/op_pool_plain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 2 };

typedef struct geometry {
    int64_t channels, in[3], kernel, stride, pad;
    int spatial;
} geometry;

static const geometry geometries[] = {
    {16, {9, 8}, 3, 2, 1, 2},   {6, {7, 7}, 2, 2, 0, 2},     {20, {12}, 3, 1, 1, 1},
    {5, {5, 4, 6}, 2, 2, 0, 3}, {17, {40, 40}, 17, 9, 8, 2}, /* winners of 4 bytes */
};

typedef struct tensors {
    eki_plain_pool plain;
    int64_t in, out; /* pixels of a plane */
    float *x, *dy, *y, *dx;
} tensors;

static float *numbers(int64_t count) {
    float *result = calloc((size_t)count, sizeof *result);
    assert_non_null(result);
    return result;
}

/* Windows of every kind: planes of -infinity, lone NaNs, NaN at the border, and numbers. */
static float value_at(int64_t plane, int64_t i) {
    float number = op_grid_value(3, (uint64_t)(plane * 1000 + i));
    if (plane % 5 == 0) return -INFINITY;
    if (plane % 5 == 1) return i % 7 < 5 ? -INFINITY : number;
    if (plane % 5 == 2) return i == 0 || i == 17 ? (float)NAN : number;
    return number;
}

static void fill(tensors *t, const geometry *g) {
    t->plain = (eki_plain_pool){.kind = EKI_POOL_MAX, .shape = {.rank = g->spatial + 2, .dims = {N, g->channels}}};
    t->plain.window.spatial = g->spatial;
    t->in = t->out = 1;
    for (int i = 0; i < g->spatial; i++) {
        eki_window *w = &t->plain.window;
        t->plain.shape.dims[i + 2] = g->in[i];
        w->kernel[i] = g->kernel;
        w->stride[i] = g->stride;
        w->dilation[i] = 1;
        w->pad_begin[i] = w->pad_end[i] = g->pad;
        w->out[i] = (g->in[i] + 2 * g->pad - g->kernel) / g->stride + 1;
        t->in *= g->in[i];
        t->out *= w->out[i];
    }
    int64_t planes = N * g->channels;
    t->x = numbers(planes * t->in);
    t->dx = numbers(planes * t->in);
    t->y = numbers(planes * t->out);
    t->dy = numbers(planes * t->out);
    for (int64_t i = 0; i < planes * t->in; i++) t->x[i] = value_at(i / t->in, i % t->in);
    for (int64_t i = 0; i < planes * t->out; i++) t->dy[i] = op_grid_value(4, (uint64_t)i);
    eki_plain_pool_forward(&t->plain, t->x, t->y, NULL);
    eki_plain_pool_backward(&t->plain, t->x, t->dy, t->dx);
}

static void release(tensors *t) {
    free(t->x);
    free(t->dx);
    free(t->y);
    free(t->dy);
}

static eki_pool *make_pool(const tensors *t, ek_layout layout, bool backward) {
    const eki_window *w = &t->plain.window;
    eki_pool_desc d = {.kind = EKI_POOL_MAX, .spatial = w->spatial, .n = N, .c = t->plain.shape.dims[1]};
    eki_pool *pool;
    ek_error err;
    for (int i = 0; i < w->spatial; i++) {
        d.in[i] = t->plain.shape.dims[i + 2];
        d.kernel[i] = w->kernel[i];
        d.stride[i] = w->stride[i];
        d.dilation[i] = w->dilation[i];
        d.out[i] = w->out[i];
        d.pad_begin[i] = w->pad_begin[i];
        d.pad_end[i] = (w->out[i] - 1) * w->stride[i] + w->kernel[i] - d.in[i] - w->pad_begin[i];
        if (d.pad_end[i] < 0) d.pad_end[i] = 0;
    }
    d.layout = layout;
    d.backward = backward;
    d.threads = 2;
    if (eki_pool_create(&d, &pool, &err) != EK_OK) fail_msg("%s", err.text);
    return pool;
}

static void change(const tensors *t, int64_t pixels, const float *from, ek_layout a, float *to, ek_layout b) {
    int64_t dims[3] = {N, t->plain.shape.dims[1], pixels};
    assert_int_equal(eki_reorder(from, (eki_dnnl_form){EK_F32, a}, to, (eki_dnnl_form){EK_F32, b}, 3, dims, 1, NULL),
                     EK_OK);
}

static void expect_same(const float *got, const float *want, int64_t count, const char *what, int which) {
    for (int64_t i = 0; i < count; i++) {
        if (memcmp(&got[i], &want[i], sizeof *got) == 0 || (isnan(got[i]) && isnan(want[i]))) continue;
        if (strcmp(what, "dx") == 0 && fabsf(got[i] - want[i]) <= 1e-5f) continue; /* sums in another order */
        fail_msg("case %d, %s[%d]: %g, expected %g", which, what, (int)i, (double)got[i], (double)want[i]);
    }
}

static void check_layout(const tensors *t, ek_layout layout, bool backward, int which) {
    int64_t block = layout >= EK_LAYOUT_BLOCKED8 ? (int64_t)layout : 1, c = t->plain.shape.dims[1];
    int64_t planes = N * ((c + block - 1) / block * block);
    float *x = numbers(planes * t->in), *dx = numbers(planes * t->in), *plain = numbers(planes * t->in);
    float *y = numbers(planes * t->out), *dy = numbers(planes * t->out);
    eki_pool *pool = make_pool(t, layout, backward);
    void *saved = malloc(eki_pool_saved_bytes(pool) + 1), *scratch = malloc(eki_pool_scratch_bytes(pool) + 1);
    size_t unit = eki_pool_saved_unit(pool);
    assert_int_equal(unit, !backward ? 0 : t->plain.window.kernel[0] > 15 ? 4 : 1);
    change(t, t->in, t->x, EK_LAYOUT_NCHW, x, layout);
    change(t, t->out, t->dy, EK_LAYOUT_NCHW, dy, layout);
    assert_int_equal(eki_pool_forward(pool, x, y, saved, scratch, NULL), EK_OK);
    eki_pool_mend(&(eki_pool_result){&t->plain, layout, x, y, unit > 0 ? saved : NULL, unit, 2});
    change(t, t->out, y, layout, plain, EK_LAYOUT_NCHW);
    expect_same(plain, t->y, N * c * t->out, "y", which);
    if (backward) {
        assert_int_equal(eki_pool_backward(pool, dy, saved, dx, scratch, NULL), EK_OK);
        change(t, t->in, dx, layout, plain, EK_LAYOUT_NCHW);
        expect_same(plain, t->dx, N * c * t->in, "dx", which);
    }
    eki_pool_destroy(pool);
    void *all[] = {x, dx, plain, y, dy, saved, scratch};
    for (size_t i = 0; i < COUNT(all); i++) free(all[i]);
}

static void every_layout(void **state) {
    (void)state;
    const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, eki_dnnl_block()};
    for (size_t i = 0; i < COUNT(geometries); i++) {
        tensors t;
        fill(&t, &geometries[i]);
        for (int k = 0; k < 6; k++) check_layout(&t, layouts[k % 3], k >= 3, (int)i * 6 + k);
        release(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_layout)};
    return cmocka_run_group_tests_name("op_pool_mend", tests, NULL, NULL);
}
