/* test_norm_memory.c: memory that ends. Making a plan takes all it needs through the allocator seam and, when the k-th
 * piece is refused, for every k, fails with EK_ERR_NOMEM and has given everything back; executing takes none at all,
 * nor do batches in parts or over several ranks. */
#include "norm/fixture.h"

#include <cmocka.h>
#include <evenkeel/parts.h>
#include <evenkeel/sync.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Two ranks in one thread: what they started is combined when both have. */
enum { RANKS = 2 };
static void *blocks[RANKS];
static int started;

static ek_status start_exchange(void *context, void *block, size_t bytes, ek_sync_combine_fn combine, void **operation,
                                ek_error *err) {
    (void)err;
    blocks[started++] = block;
    *operation = context;
    if (started < RANKS) return EK_OK;
    (void)combine(blocks[0], blocks[1], bytes);
    memcpy(blocks[1], blocks[0], bytes);
    return EK_OK;
}
static ek_status test_exchange(void *context, void *operation, int *done, ek_error *err) {
    (void)context, (void)operation, (void)err;
    *done = started == RANKS;
    return EK_OK;
}
static void cancel_exchange(void *context, void *operation) { (void)context, (void)operation; }

static const ek_exchange exchange = {.struct_size = sizeof exchange,
                                     .context = blocks,
                                     .start = start_exchange,
                                     .test = test_exchange,
                                     .cancel = cancel_exchange};

typedef ek_status (*sync_start)(const ek_norm_plan *, const ek_norm_sync *, void *, const ek_norm_args *, ek_error *);
typedef ek_status (*sync_finish)(const ek_norm_plan *, void *, const ek_norm_args *, ek_error *);

/* Both ranks start, test and finish. */
static ek_status both(fixture *f[RANKS], void *state[RANKS], const ek_norm_sync *sync, sync_start start,
                      sync_finish finish, ek_error *err) {
    ek_status status = EK_OK;
    started = 0;
    for (int r = 0; r < RANKS && status == EK_OK; r++) status = start(f[r]->plan, &sync[r], state[r], &f[r]->args, err);
    for (int r = 0; r < RANKS && status == EK_OK; r++) {
        int done = 0;
        status = ek_norm_sync_test(f[r]->plan, state[r], &done, err);
        if (status == EK_OK) status = finish(f[r]->plan, state[r], &f[r]->args, err);
    }
    return status;
}

static void check_sync(const shape *s, ek_sync_mode mode) {
    fixture *f[RANKS];
    void *state[RANKS];
    ek_norm_sync sync[RANKS];
    ek_norm_desc desc = shape_desc(s);
    ek_error err = {.text = ""};
    int64_t examples = desc.dims[0];
    desc.parallel.threads = 1;
    desc.chunk = examples;
    for (int r = 0; r < RANKS; r++) {
        f[r] = fixture_make(&desc, 3 + (uint64_t)r, 1.0, 2.0);
        sync[r] = ek_norm_sync_default(&exchange, r, RANKS);
        sync[r].mode = mode;
        if (mode == EK_SYNC_EXACT) {
            sync[r].first = r * examples;
            sync[r].global_count = RANKS * examples;
        }
        size_t bytes = ek_norm_sync_bytes(f[r]->plan, mode, sync[r].global_count);
        state[r] = __real_aligned_alloc(64, bytes);
        assert_true(bytes > 0 && state[r] != NULL);
        memset(state[r], 0, bytes);
    }
    size_t before = libc_calls;
    libc_left = 0;
    ek_status status = both(f, state, sync, ek_norm_sync_forward_start, ek_norm_sync_forward_finish, &err);
    if (status == EK_OK) {
        status = both(f, state, sync, ek_norm_sync_backward_start, ek_norm_sync_backward_finish, &err);
    }
    ek_norm_sync_cancel(f[0]->plan, state[0]);
    libc_left = SIZE_MAX;
    if (status != EK_OK) fail_msg("%s: %s", shape_text(s), err.text);
    if (libc_calls != before) fail_msg("%s: synchronizing allocates, mode %d", shape_text(s), (int)mode);
    assert_true(same_bits(f[0]->mean, f[1]->mean, f[0]->sets)); /* they did exchange */
    assert_true(same_bits(f[0]->dscale, f[1]->dscale, f[0]->parameters));
    for (int r = 0; r < RANKS; r++) {
        fixture_free(f[r]);
        free(state[r]);
    }
}

static void synchronizing_takes_none(void **state) {
    (void)state;
    int count = 0;
    for (size_t i = 0; i < all_shapes_count; i++) {
        if (all_shapes[i].kind != EK_NORM_BATCH || all_shapes[i].dims[0] == 0) continue;
        check_sync(&all_shapes[i], EK_SYNC_FAST);
        check_sync(&all_shapes[i], EK_SYNC_EXACT);
        count++;
    }
    assert_true(count > 3);
}

static ek_status all_parts(fixture *f, void *memory, ek_error *err) {
    int64_t n = f->desc.dims[0];
    ek_status status = ek_norm_parts_begin(f->plan, memory, err);
    if (status == EK_OK) status = ek_norm_parts_add(f->plan, memory, 0, n, &f->args, err);
    if (status == EK_OK) status = ek_norm_parts_finish(f->plan, memory, &f->args, err);
    if (status == EK_OK) status = ek_norm_parts_forward(f->plan, memory, n, &f->args, err);
    if (status == EK_OK) status = ek_norm_parts_add_gradients(f->plan, memory, 0, n, &f->args, err);
    if (status == EK_OK) status = ek_norm_parts_finish_gradients(f->plan, memory, &f->args, err);
    return status == EK_OK ? ek_norm_parts_backward(f->plan, memory, n, &f->args, err) : status;
}

static void parts_take_none(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        if (desc.kind != EK_NORM_BATCH) continue;
        desc.parallel.threads = 1;
        fixture *f = fixture_make(&desc, 3, 1.0, 2.0);
        void *memory = __real_aligned_alloc(64, (ek_norm_parts_bytes(f->plan) + 63) / 64 * 64);
        ek_error err = {.text = ""};
        size_t before = libc_calls;
        libc_left = 0;
        ek_status status = all_parts(f, memory, &err);
        libc_left = SIZE_MAX;
        if (status != EK_OK) fail_msg("%s: %s", shape_text(&all_shapes[i]), err.text);
        if (libc_calls != before) fail_msg("%s: parts allocate", shape_text(&all_shapes[i]));
        free(memory);
        fixture_free(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(seam_runs_dry), cmocka_unit_test(malloc_runs_dry),
                                       cmocka_unit_test(executing_takes_none),
                                       cmocka_unit_test(synchronizing_takes_none), cmocka_unit_test(parts_take_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
