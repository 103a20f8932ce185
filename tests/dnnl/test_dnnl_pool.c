/* Is pooling right (against f64 loops), in every layout, and do its bits ignore the batch and the threads? */
#include "base/memory.h"
#include "dnnl/dnnl_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct pool_case {
    int spatial;
    int64_t c, in[3], kernel[3], stride[3], dilation[3], begin[3], end[3];
    bool ceil_mode;
} pool_case;

static const pool_case cases[] = {
    {2, 16, {8, 8}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, false},
    {2, 20, {9, 7}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, false},
    {2, 3, {9, 8}, {3, 2}, {1, 2}, {1, 1}, {1, 0}, {0, 1}, false},
    {2, 6, {8, 8}, {3, 3}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, true},
    {2, 5, {9, 9}, {3, 3}, {1, 1}, {2, 2}, {1, 1}, {1, 1}, false},
    {1, 6, {15}, {4}, {3}, {1}, {1}, {2}, false},
    {3, 4, {5, 6, 7}, {2, 3, 2}, {2, 1, 2}, {1, 1, 1}, {0, 1, 0}, {1, 1, 1}, false},
};
enum { CASES = sizeof cases / sizeof cases[0], IMAGES = 3 };

typedef struct pool_result {
    int64_t in_count, out_count; /* of one image */
    float *y, *dx;
} pool_result;

static eki_pool_desc describe(const pool_case *p, eki_pool_kind kind) {
    eki_pool_desc d = {.kind = kind, .spatial = p->spatial, .n = IMAGES, .c = p->c, .backward = true, .threads = 2};
    for (int i = 0; i < p->spatial; i++) {
        d.in[i] = p->in[i];
        d.kernel[i] = p->kernel[i];
        d.stride[i] = p->stride[i];
        d.dilation[i] = p->dilation[i];
        d.pad_begin[i] = p->begin[i];
        d.pad_end[i] = p->end[i];
        int64_t room = p->in[i] + p->begin[i] + p->end[i] - (p->kernel[i] - 1) * p->dilation[i] - 1;
        d.out[i] = (room + (p->ceil_mode ? p->stride[i] - 1 : 0)) / p->stride[i] + 1;
    }
    return d;
}

static int64_t space_of(const int64_t *dims, int spatial) {
    int64_t result = 1;
    for (int i = 0; i < spatial; i++) result *= dims[i];
    return result;
}

/* The input pixel under tap t of window p, or -1 in the padding. */
static int64_t pixel_under(const eki_pool_desc *d, int64_t p, int64_t t) {
    int64_t at = 0, scale = 1;
    for (int i = d->spatial - 1; i >= 0; i--) {
        int64_t x = p % d->out[i] * d->stride[i] - d->pad_begin[i] + t % d->kernel[i] * d->dilation[i];
        if (x < 0 || x >= d->in[i]) return -1;
        at += x * scale;
        scale *= d->in[i];
        p /= d->out[i];
        t /= d->kernel[i];
    }
    return at;
}

static void naive_window(const eki_pool_desc *d, int64_t p, const float *x, const float *dy, float *y, double *dx) {
    int64_t taps = space_of(d->kernel, d->spatial), inside = 0, best = -1;
    double sum = 0.0;
    for (int64_t t = 0; t < taps; t++) {
        int64_t at = pixel_under(d, p, t);
        if (at < 0) continue;
        inside++;
        sum += (double)x[at];
        if (best < 0 || x[at] > x[best]) best = at;
    }
    if (d->kind == EKI_POOL_MAX) {
        y[p] = x[best];
        dx[best] += (double)dy[p];
        return;
    }
    double count = (double)(d->kind == EKI_POOL_AVERAGE ? inside : taps);
    y[p] = (float)(sum / count);
    for (int64_t t = 0; t < taps; t++) {
        int64_t at = pixel_under(d, p, t);
        if (at >= 0) dx[at] += (double)dy[p] / count;
    }
}

static pool_result new_result(const eki_pool_desc *d) {
    pool_result r = {.in_count = d->c * space_of(d->in, d->spatial), .out_count = d->c * space_of(d->out, d->spatial)};
    r.y = random_floats(d->n * r.out_count, 8);
    r.dx = random_floats(d->n * r.in_count, 8);
    return r;
}

static void free_pool(pool_result *r) {
    eki_free(r->y);
    eki_free(r->dx);
}

static pool_result naive(const eki_pool_desc *d, const float *x, const float *dy) {
    pool_result r = new_result(d);
    int64_t in = space_of(d->in, d->spatial), out = space_of(d->out, d->spatial);
    double *dx = eki_alloc_zero(eki_size_of((size_t)(d->n * r.in_count), sizeof *dx));
    for (int64_t plane = 0; plane < d->n * d->c; plane++) {
        for (int64_t p = 0; p < out; p++) {
            naive_window(d, p, x + plane * in, dy + plane * out, r.y + plane * out, dx + plane * in);
        }
    }
    for (int64_t i = 0; i < d->n * r.in_count; i++) r.dx[i] = (float)dx[i];
    eki_free(dx);
    return r;
}

static int64_t stored(const eki_pool_desc *d, bool input) {
    int64_t c = d->c, block = (int64_t)d->layout;
    if (d->layout >= EK_LAYOUT_BLOCKED8) c = (c + block - 1) / block * block;
    return d->n * c * space_of(input ? d->in : d->out, d->spatial);
}

static void change(const eki_pool_desc *d, bool input, const float *from, ek_layout a, float *to, ek_layout b) {
    int64_t dims[3] = {d->n, d->c, space_of(input ? d->in : d->out, d->spatial)};
    assert_int_equal(eki_reorder(from, (eki_dnnl_form){EK_F32, a}, to, (eki_dnnl_form){EK_F32, b}, 3, dims, 1, NULL),
                     EK_OK);
}

static pool_result run(const eki_pool_desc *d, const float *x, const float *dy) {
    ek_error err = {.text = ""};
    eki_pool *pool;
    if (eki_pool_create(d, &pool, &err) != EK_OK) fail_msg("%s", err.text);
    pool_result r = new_result(d);
    float *src = random_floats(stored(d, true), 1), *ddst = random_floats(stored(d, false), 1);
    float *dst = random_floats(stored(d, false), 1), *dsrc = random_floats(stored(d, true), 1);
    void *saved = eki_alloc(eki_sized(eki_pool_saved_bytes(pool))),
         *scratch = eki_alloc(eki_sized(eki_pool_scratch_bytes(pool)));
    change(d, true, x, EK_LAYOUT_NCHW, src, d->layout);
    change(d, false, dy, EK_LAYOUT_NCHW, ddst, d->layout);
    if (eki_pool_forward(pool, src, dst, saved, scratch, &err) != EK_OK) fail_msg("%s", err.text);
    if (eki_pool_backward(pool, ddst, saved, dsrc, scratch, &err) != EK_OK) fail_msg("%s", err.text);
    change(d, false, dst, d->layout, r.y, EK_LAYOUT_NCHW);
    change(d, true, dsrc, d->layout, r.dx, EK_LAYOUT_NCHW);
    /* Padding is zero: the tensors equal themselves after a round trip. */
    change(d, true, r.dx, EK_LAYOUT_NCHW, src, d->layout);
    assert_bits(dsrc, src, stored(d, true), "padding of dx");
    change(d, false, r.y, EK_LAYOUT_NCHW, ddst, d->layout);
    assert_bits(dst, ddst, stored(d, false), "padding of y");
    eki_free(src);
    eki_free(ddst);
    eki_free(dst);
    eki_free(dsrc);
    eki_free(saved);
    eki_free(scratch);
    eki_pool_destroy(pool);
    return r;
}

static void equals_naive_loops(void **state) {
    (void)state;
    const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, eki_dnnl_block()};
    for (int i = 0; i < CASES * 3 * 3; i++) {
        eki_pool_desc d = describe(&cases[i / 9], (eki_pool_kind)(i / 3 % 3));
        d.layout = layouts[i % 3];
        pool_result shape = new_result(&d);
        float *x = random_floats(d.n * shape.in_count, 1), *dy = random_floats(d.n * shape.out_count, 2);
        pool_result want = naive(&d, x, dy), got = run(&d, x, dy);
        char name[64];
        (void)snprintf(name, sizeof name, "case %d kind %d layout %d", i / 9, (int)d.kind, (int)d.layout);
        assert_close(got.y, want.y, d.n * shape.out_count, 1e-6, name);
        assert_close(got.dx, want.dx, d.n * shape.in_count, 1e-6, name);
        free_pool(&want);
        free_pool(&got);
        free_pool(&shape);
        eki_free(x);
        eki_free(dy);
    }
}

static void bits_ignore_batch_and_threads(void **state) {
    (void)state;
    for (int i = 0; i < CASES * 3; i++) {
        eki_pool_desc d = describe(&cases[i / 3], (eki_pool_kind)(i % 3));
        d.layout = eki_dnnl_block();
        d.n = 64;
        d.threads = 1;
        pool_result shape = new_result(&d);
        float *x = random_floats(d.n * shape.in_count, 1), *dy = random_floats(d.n * shape.out_count, 2);
        pool_result want = run(&d, x, dy);
        for (int k = 0; k < 9; k++) {
            static const int64_t sizes[] = {1, 7, 64};
            d.n = sizes[k / 3];
            d.threads = k % 3 + 1;
            int64_t first = d.n == 64 ? 0 : 11;
            pool_result got = run(&d, x + first * shape.in_count, dy + first * shape.out_count);
            assert_bits(got.y, want.y + first * shape.out_count, d.n * shape.out_count, "y");
            assert_bits(got.dx, want.dx + first * shape.in_count, d.n * shape.in_count, "dx");
            free_pool(&got);
        }
        free_pool(&want);
        free_pool(&shape);
        eki_free(x);
        eki_free(dy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_naive_loops),
        cmocka_unit_test(bits_ignore_batch_and_threads),
    };
    print_message("oneDNN %s\n", eki_dnnl_describe());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
