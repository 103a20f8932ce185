/* test_norm_memory.c: memory that ends. Making a plan takes all it needs through the allocator seam and, when the k-th
 * piece is refused, for every k, fails with EK_ERR_NOMEM and has given everything back; executing takes none at all. */
#include "norm/fixture.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *pointer, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *pointer, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);

/* Calls of the C library so far, and how many more are granted. */
static size_t libc_calls, libc_left = SIZE_MAX;

static int granted(void) {
    libc_calls++;
    if (libc_left == 0) return 0;
    if (libc_left != SIZE_MAX) libc_left--;
    return 1;
}
void *__wrap_malloc(size_t bytes) { return granted() ? __real_malloc(bytes) : NULL; }
void *__wrap_calloc(size_t count, size_t bytes) { return granted() ? __real_calloc(count, bytes) : NULL; }
void *__wrap_realloc(void *pointer, size_t bytes) { return granted() ? __real_realloc(pointer, bytes) : NULL; }
void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
    return granted() ? __real_aligned_alloc(alignment, bytes) : NULL;
}

typedef struct {
    size_t calls, left, living;
} meter;

static void *meter_alloc(void *context, size_t bytes) {
    meter *m = context;
    m->calls++;
    if (m->left == 0) return NULL;
    m->left--;
    m->living++;
    return __real_aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static void meter_release(void *context, void *pointer) {
    meter *m = context;
    if (pointer != NULL) m->living--;
    free(pointer);
}

static void expect_nomem(const shape *s, const ek_norm_desc *desc, const char *whose, size_t k) {
    ek_error err = {.text = ""};
    ek_norm_plan *plan = (ek_norm_plan *)(void *)&err;
    ek_status status = ek_norm_plan_create(desc, &plan, &err);
    libc_left = SIZE_MAX;
    if (status != EK_ERR_NOMEM || plan != NULL || err.status != status || err.text[0] == '\0') {
        fail_msg("%s: without call %zu of %s: %s, \"%s\"", shape_text(s), k, whose, ek_status_name(status), err.text);
    }
}

static void seam_runs_dry(void **state) {
    (void)state;
    size_t most = 0;
    for (size_t i = 0; i < all_shapes_count; i++) {
        const shape *s = &all_shapes[i];
        meter m = {0, SIZE_MAX, 0};
        ek_norm_desc desc = shape_desc(s);
        desc.allocator = (ek_allocator){&m, meter_alloc, meter_release};
        ek_norm_plan *plan;
        size_t before = libc_calls;
        assert_int_equal(ek_norm_plan_create(&desc, &plan, NULL), EK_OK);
        if (libc_calls != before) fail_msg("%s: a plan went past the seam to malloc", shape_text(s));
        ek_norm_plan_destroy(plan);
        assert_int_equal(m.living, 0);
        size_t calls = m.calls;
        if (calls > most) most = calls;
        for (size_t k = 0; k < calls; k++) {
            m = (meter){0, k, 0};
            expect_nomem(s, &desc, "the seam", k);
            if (m.living != 0) fail_msg("%s: %zu pieces kept after call %zu failed", shape_text(s), m.living, k);
        }
    }
    assert_true(most > 0);
    printf("a plan takes at most %zu pieces\n", most);
}

static void malloc_runs_dry(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        ek_norm_plan *plan;
        size_t before = libc_calls;
        assert_int_equal(ek_norm_plan_create(&desc, &plan, NULL), EK_OK);
        size_t calls = libc_calls - before;
        ek_norm_plan_destroy(plan);
        assert_true(calls > 0);
        for (size_t k = 0; k < calls; k++) {
            libc_left = k;
            expect_nomem(&all_shapes[i], &desc, "malloc", k);
        }
    }
}

/* With no memory to be had: forward, backward, and the commit. One thread, since OpenMP allocates for its threads. */
static void executing_takes_none(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        desc.parallel.threads = 1;
        fixture *f = fixture_make(&desc, 3, 1.0, 2.0);
        ek_error err;
        size_t before = libc_calls;
        libc_left = 0;
        ek_status forward = ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err);
        ek_status backward = ek_norm_backward(f->plan, &f->args, &err);
        ek_status update = EK_OK;
        if (desc.kind == EK_NORM_BATCH) {
            update = ek_norm_update_running(f->plan, f->args.saved, f->running_mean, f->running_var, NULL, &err);
        }
        libc_left = SIZE_MAX;
        assert_true(forward == EK_OK && backward == EK_OK && update == EK_OK);
        if (libc_calls != before) fail_msg("%s: executing allocates", shape_text(&all_shapes[i]));
        assert_int_equal(ek_norm_workspace_bytes(f->plan) % 64, 0);
        fixture_free(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(seam_runs_dry), cmocka_unit_test(malloc_runs_dry),
                                       cmocka_unit_test(executing_takes_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
