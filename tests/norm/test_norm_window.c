/* test_norm_window.c: a backward so large that it goes by windows of channels gives the bits of one that has few
 * channels and goes through them at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <evenkeel/norm.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 11 };

/* A batch norm with its tensors, N x C x S. */
typedef struct {
    int64_t n, c, s;
    ek_norm_plan *plan;
    float *x, *y, *dy, *dx, *residual, *dresidual, *dscale, *dbias;
    void *saved, *workspace;
} norm;

static float *floats(int64_t count) {
    float *memory = malloc((size_t)count * sizeof(float));
    assert_non_null(memory);
    return memory;
}

static norm make(int64_t n, int64_t c, int64_t s, int fused) {
    norm m = {.n = n, .c = c, .s = s};
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3;
    desc.dims[0] = n;
    desc.dims[1] = c;
    desc.dims[2] = s;
    desc.residual = fused;
    desc.activation = fused ? EK_ACTIVATION_RELU : EK_ACTIVATION_NONE;
    assert_int_equal(ek_norm_plan_create(&desc, &m.plan, NULL), EK_OK);
    float **tensors[] = {&m.x, &m.y, &m.dy, &m.dx, &m.residual, &m.dresidual};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) *tensors[i] = floats(n * c * s);
    m.dscale = floats(c);
    m.dbias = floats(c);
    m.saved = malloc(ek_norm_saved_bytes(m.plan));
    m.workspace = aligned_alloc(64, (ek_norm_workspace_bytes(m.plan) + 63) / 64 * 64);
    return m;
}

static void end(norm *m) {
    void *owned[] = {m->x, m->y, m->dy, m->dx, m->residual, m->dresidual, m->dscale, m->dbias, m->saved, m->workspace};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
    ek_norm_plan_destroy(m->plan);
}

static void run(norm *m, int fused) {
    ek_norm_args args = {.struct_size = sizeof args, .x = m->x, .y = m->y, .saved = m->saved};
    args.workspace = m->workspace;
    if (fused) args.residual = m->residual;
    assert_int_equal(ek_norm_forward(m->plan, EK_STATS_BATCH, &args, NULL), EK_OK);
    args.dy = m->dy;
    args.dx = m->dx;
    args.dscale = m->dscale;
    args.dbias = m->dbias;
    if (fused) args.dresidual = m->dresidual;
    assert_int_equal(ek_norm_backward(m->plan, &args, NULL), EK_OK);
}

/* Channels [first, first + few->c) of sample n. */
static float *part(float *tensor, const norm *all, int64_t n, int64_t first) {
    return tensor + (n * all->c + first) * all->s;
}

static void check_few(norm *all, int64_t first, int64_t count, int fused) {
    norm few = make(all->n, count, all->s, fused);
    size_t bytes = (size_t)(count * all->s) * sizeof(float);
    for (int64_t n = 0; n < all->n; n++) {
        memcpy(part(few.x, &few, n, 0), part(all->x, all, n, first), bytes);
        memcpy(part(few.dy, &few, n, 0), part(all->dy, all, n, first), bytes);
        memcpy(part(few.residual, &few, n, 0), part(all->residual, all, n, first), bytes);
    }
    run(&few, fused);
    for (int64_t n = 0; n < all->n; n++) {
        assert_memory_equal(part(few.dx, &few, n, 0), part(all->dx, all, n, first), bytes);
        if (fused) assert_memory_equal(part(few.dresidual, &few, n, 0), part(all->dresidual, all, n, first), bytes);
    }
    assert_memory_equal(few.dscale, all->dscale + first, (size_t)count * sizeof(float));
    assert_memory_equal(few.dbias, all->dbias + first, (size_t)count * sizeof(float));
    end(&few);
}

static void check(int64_t n, int64_t c, int64_t s, int fused) {
    norm all = make(n, c, s, fused);
    for (int64_t i = 0; i < n * c * s; i++) {
        all.x[i] = (float)(i * 2654435761 % 1009) * 0.01f - 5.0f;
        all.dy[i] = (float)(i * 40503 % 1013) * 0.01f - 5.0f;
        all.residual[i] = (float)(i * 48271 % 509) * 0.01f - 2.5f;
    }
    run(&all, fused);
    for (int64_t first = 0; first < c; first += c / 3) check_few(&all, first, c - first < FEW ? c - first : FEW, fused);
    end(&all);
}

static void test_long_rows(void **state) {
    (void)state;
    check(4, 35, 66000, 0);
    check(4, 35, 66000, 1);
}
static void test_short_rows(void **state) {
    (void)state;
    check(8, 1201, 900, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_long_rows), cmocka_unit_test(test_short_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
