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

/* A batch norm with its tensors, N x C x S, all of one type. */
typedef struct {
    ek_dtype dtype;
    int64_t n, c, s;
    ek_norm_plan *plan;
    char *x, *y, *dy, *dx, *residual, *dresidual, *dscale, *dbias;
    void *saved, *workspace;
} norm;

static size_t bytes_of(const norm *m, int64_t count) {
    return (size_t)count * (m->dtype == EK_F64 ? sizeof(double) : sizeof(float));
}

static char *numbers(const norm *m, int64_t count) {
    char *memory = malloc(bytes_of(m, count));
    assert_non_null(memory);
    return memory;
}

static void put(const norm *m, char *tensor, int64_t i, float value) {
    if (m->dtype == EK_F64) {
        ((double *)(void *)tensor)[i] = (double)value;
    } else {
        ((float *)(void *)tensor)[i] = value;
    }
}

static norm make(ek_dtype dtype, int64_t n, int64_t c, int64_t s, int fused) {
    norm m = {.dtype = dtype, .n = n, .c = c, .s = s};
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.dtype = dtype;
    desc.rank = 3;
    desc.dims[0] = n;
    desc.dims[1] = c;
    desc.dims[2] = s;
    desc.residual = fused;
    desc.activation = fused ? EK_ACTIVATION_RELU : EK_ACTIVATION_NONE;
    assert_int_equal(ek_norm_plan_create(&desc, &m.plan, NULL), EK_OK);
    char **tensors[] = {&m.x, &m.y, &m.dy, &m.dx, &m.residual, &m.dresidual};
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) *tensors[i] = numbers(&m, n * c * s);
    m.dscale = numbers(&m, c);
    m.dbias = numbers(&m, c);
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
static char *part(char *tensor, const norm *all, int64_t n, int64_t first) {
    return tensor + bytes_of(all, (n * all->c + first) * all->s);
}

static void check_few(norm *all, int64_t first, int64_t count, int fused) {
    norm few = make(all->dtype, all->n, count, all->s, fused);
    size_t bytes = bytes_of(all, count * all->s);
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
    assert_memory_equal(few.dscale, all->dscale + bytes_of(all, first), bytes_of(all, count));
    assert_memory_equal(few.dbias, all->dbias + bytes_of(all, first), bytes_of(all, count));
    end(&few);
}

static void check(ek_dtype dtype, int64_t n, int64_t c, int64_t s, int fused) {
    norm all = make(dtype, n, c, s, fused);
    for (int64_t i = 0; i < n * c * s; i++) {
        put(&all, all.x, i, (float)(i * 2654435761 % 1009) * 0.01f - 5.0f);
        put(&all, all.dy, i, (float)(i * 40503 % 1013) * 0.01f - 5.0f);
        put(&all, all.residual, i, (float)(i * 48271 % 509) * 0.01f - 2.5f);
    }
    run(&all, fused);
    for (int64_t first = 0; first < c; first += c / 3) check_few(&all, first, c - first < FEW ? c - first : FEW, fused);
    end(&all);
}

static void test_long_rows(void **state) {
    (void)state;
    check(EK_F32, 4, 35, 66000, 0);
    check(EK_F32, 4, 35, 66000, 1);
    check(EK_F64, 4, 35, 33000, 1);
}
static void test_short_rows(void **state) {
    (void)state;
    check(EK_F32, 8, 1201, 900, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_long_rows), cmocka_unit_test(test_short_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
