/* test_norm_modes.c: the modes of the caller's arithmetic (denormals flushed, another rounding, traps) change no bit of
 * a norm, whichever threads have them and whenever they were set, and every call gives them back. */
#include "norm/rig.h"

#include "base/memory.h"
#include "base/threads.h"
#include <cmocka.h>
#include <evenkeel/moments.h>
#include <evenkeel/parts.h>
#include <evenkeel/sync.h>
#include <float.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Modes as the processor has them, set here without the library. */
#if defined(__x86_64__)
#define FLUSH UINT64_C(0x9fc0) /* to zero, both ways */
#define UPWARD UINT64_C(0x5f80)
#define TRAPS UINT64_C(0x0000) /* every one of them */
static uint64_t get_modes(void) {
    uint32_t word;
    __asm__ volatile("stmxcsr %0" : "=m"(word) : : "memory");
    return word & ~UINT32_C(0x3f);
}
static void set_modes(uint64_t modes) {
    uint32_t word = (uint32_t)modes;
    __asm__ volatile("ldmxcsr %0" : : "m"(word) : "memory");
}
#elif defined(__aarch64__)
#define FLUSH (UINT64_C(1) << 24)
#define UPWARD (UINT64_C(1) << 22)
#define TRAPS FLUSH /* many processors have none */
static uint64_t get_modes(void) {
    uint64_t word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word) : : "memory");
    return word;
}
static void set_modes(uint64_t modes) { __asm__ volatile("msr fpcr, %0" : : "r"(modes) : "memory"); }
#else
#define FLUSH 0
#define UPWARD 0
#define TRAPS 0
static uint64_t get_modes(void) { return 0; }
static void set_modes(uint64_t modes) { (void)modes; }
#endif

static uint64_t usual;

/* The modes do what this test thinks they do. */
static void modes_matter(void **state) {
    (void)state;
    if (FLUSH == 0) skip();
    volatile float tiny = FLT_MIN, third = 1.0f / 3.0f, one = 1.0f;
    volatile float kept = tiny * third, nearest = one + third * FLT_EPSILON;
    set_modes(FLUSH);
    volatile float flushed = tiny * third;
    set_modes(UPWARD);
    volatile float upward = one + third * FLT_EPSILON;
    set_modes(usual);
    assert_true(kept > 0.0f && flushed == 0.0f);
    assert_true(nearest == 1.0f && upward > 1.0f);
}

/* Threads that differ among themselves. */
static void run_mixed(void *context, size_t tasks, void (*body)(void *, size_t), void *argument) {
    uint64_t before = get_modes();
    if (before != *(const uint64_t *)context) fail_msg("the seam runs in modes %llx", (unsigned long long)before);
    for (size_t i = 0; i < tasks; i++) {
        uint64_t own = i % 3 == 0 ? FLUSH : i % 3 == 1 ? UPWARD : usual;
        set_modes(own);
        body(argument, i);
        if (get_modes() != own) fail_msg("a task leaves other modes behind");
    }
    set_modes(before);
}

/* A pool that is there before the modes of its user are set. */
typedef struct {
    pthread_t thread[2];
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    void (*body)(void *, size_t);
    void *argument;
    size_t next, tasks, done;
    int over;
} pool;

static void *work(void *pointer) {
    pool *p = pointer;
    pthread_mutex_lock(&p->mutex);
    while (!p->over) {
        if (p->next == p->tasks) {
            pthread_cond_wait(&p->changed, &p->mutex);
            continue;
        }
        size_t i = p->next++;
        pthread_mutex_unlock(&p->mutex);
        p->body(p->argument, i);
        pthread_mutex_lock(&p->mutex);
        p->done++;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

static void run_pool(void *context, size_t tasks, void (*body)(void *, size_t), void *argument) {
    pool *p = context;
    pthread_mutex_lock(&p->mutex);
    p->body = body;
    p->argument = argument;
    p->next = p->done = 0;
    p->tasks = tasks;
    pthread_cond_broadcast(&p->changed);
    while (p->done < tasks) pthread_cond_wait(&p->changed, &p->mutex);
    pthread_mutex_unlock(&p->mutex);
}

static void pool_begin(pool *p) {
    memset(p, 0, sizeof *p);
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
    for (int t = 0; t < 2; t++) assert_int_equal(pthread_create(&p->thread[t], NULL, work, p), 0);
}

static void pool_end(pool *p) {
    pthread_mutex_lock(&p->mutex);
    p->over = 1;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    for (int t = 0; t < 2; t++) pthread_join(p->thread[t], NULL);
}

static void expect_modes(uint64_t modes, const char *call) {
    if (get_modes() != modes) fail_msg("%s leaves modes %llx", call, (unsigned long long)get_modes());
}

static void ok(ek_status status, const ek_error *err) {
    if (status != EK_OK) fail_msg("%s", err->text);
}

/* All that batch norm has besides, into the outputs of `r`: a batch in parts, one over ranks, commits, moments. */
static void run_batch(rig *r) {
    ek_error err;
    const ek_norm_plan *plan = r->plan;
    int64_t n = r->desc.dims[0];
    ok(ek_norm_update_running(plan, r->args.saved, r->buffer[RIG_RUNNING_MEAN], r->buffer[RIG_RUNNING_VAR], NULL, &err),
       &err);
    void *parts = eki_alloc(eki_sized(ek_norm_parts_bytes(plan)));
    ok(ek_norm_parts_begin(plan, parts, &err), &err);
    ok(ek_norm_parts_add(plan, parts, 0, n, &r->args, &err), &err);
    ok(ek_norm_parts_finish(plan, parts, &r->args, &err), &err);
    ok(ek_norm_parts_forward(plan, parts, n, &r->args, &err), &err);
    ok(ek_norm_parts_add_gradients(plan, parts, 0, n, &r->args, &err), &err);
    ok(ek_norm_parts_finish_gradients(plan, parts, &r->args, &err), &err);
    ok(ek_norm_parts_backward(plan, parts, n, &r->args, &err), &err);
    eki_free(parts);
    int done = 0;
    ek_norm_sync sync = ek_norm_sync_default(NULL, 0, 1);
    void *sync_state = eki_alloc(eki_sized(ek_norm_sync_bytes(plan, EK_SYNC_FAST, 0)));
    ok(ek_norm_sync_forward_start(plan, &sync, sync_state, &r->args, &err), &err);
    ok(ek_norm_sync_test(plan, sync_state, &done, &err), &err);
    ok(ek_norm_sync_forward_finish(plan, sync_state, &r->args, &err), &err);
    ok(ek_norm_sync_backward_start(plan, &sync, sync_state, &r->args, &err), &err);
    ok(ek_norm_sync_test(plan, sync_state, &done, &err), &err);
    ok(ek_norm_sync_backward_finish(plan, sync_state, &r->args, &err), &err);
    eki_free(sync_state);
    ek_moments *moments = eki_alloc(eki_size_of(r->count[RIG_MEAN], sizeof *moments));
    ok(ek_norm_batch_moments(plan, r->args.saved, moments, &err), &err);
    moments[0] = ek_moments_merge(moments[0], moments[r->count[RIG_MEAN] - 1]);
    double variance = ek_moments_variance(moments[0], EK_VARIANCE_UNBIASED);
    uint32_t half[2];
    memcpy(half, &variance, sizeof variance);
    half[0] ^= half[1];
    memcpy(r->buffer[RIG_MEAN], half, sizeof half[0]);
    ok(ek_norm_set_running(plan, moments, r->buffer[RIG_RUNNING_MEAN], r->buffer[RIG_RUNNING_VAR], &err), &err);
    eki_free(moments);
}

/* One set of outputs per pass; `modes` while the library is at work, not where the data are made. */
enum { PASSES = 3 };
static void run(const ek_norm_desc *desc, double size, uint64_t modes, rig_outputs out[PASSES]) {
    rig *r = rig_make(desc, 4, size, 2.0);
    set_modes(modes);
    rig_forward(r, EK_STATS_BATCH);
    rig_backward(r);
    expect_modes(modes, "forward and backward");
    set_modes(usual);
    out[0] = rig_keep(r);
    set_modes(modes);
    if (desc->kind == EK_NORM_BATCH) run_batch(r);
    expect_modes(modes, "a call of batch norm");
    set_modes(usual);
    out[1] = rig_keep(r);
    set_modes(modes);
    rig_forward(r, EK_STATS_RUNNING);
    rig_backward(r);
    expect_modes(modes, "forward and backward");
    set_modes(usual);
    out[2] = rig_keep(r);
    rig_free(r);
}

static void compare(const ek_norm_desc *desc, double size, const rig_outputs one[PASSES], uint64_t modes,
                    const char *what) {
    rig_outputs other[PASSES];
    run(desc, size, modes, other);
    rig *r = rig_make(desc, 4, size, 2.0);
    for (int p = 0; p < PASSES; p++) {
        int buffer = rig_differs(r, &one[p], &other[p]);
        if (buffer >= 0) {
            fail_msg("kind %d layout %d type %d, size %g, pass %d: %s changes with %s", (int)desc->kind,
                     (int)desc->layout, (int)desc->dtype, size, p, rig_name(buffer), what);
        }
        rig_drop(&other[p]);
    }
    rig_free(r);
}

/* Where the numbers of a type end. */
static double tiny(ek_dtype type) { return type == EK_F64 ? DBL_MIN : type == EK_F16 ? 6.1e-5 : (double)FLT_MIN; }

static void every_mode(ek_norm_desc desc, double size, pool *before) {
    rig_outputs one[PASSES];
    uint64_t modes = usual;
    desc.parallel = (ek_parallel){.threads = 1};
    run(&desc, size, usual, one);
    compare(&desc, size, one, FLUSH, "flush to zero");
    compare(&desc, size, one, UPWARD, "upward rounding");
    compare(&desc, size, one, TRAPS, "traps");
    modes = FLUSH;
    desc.parallel = (ek_parallel){&modes, run_mixed, 5};
    compare(&desc, size, one, FLUSH, "flush to zero in some threads");
    desc.parallel = (ek_parallel){before, run_pool, 5};
    compare(&desc, size, one, FLUSH, "flush to zero set behind the pool");
    desc.parallel = (ek_parallel){0};
    compare(&desc, size, one, FLUSH, "flush to zero with the default threads");
    for (int p = 0; p < PASSES; p++) rig_drop(&one[p]);
}

/* Several tasks. */
static void enlarge(ek_norm_desc *desc) {
    int64_t rest = 1, enough = 3 * 16384;
    for (int i = 1; i < desc->rank; i++) rest *= desc->dims[i];
    if (desc->dims[0] * rest < enough) desc->dims[0] = (enough + rest - 1) / rest;
}

static void all_kinds(void **state) {
    (void)state;
    pool before;
    pool_begin(&before);
    int threads = eki_threads_get();
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        for (int t = 0; t < 4; t++) {
            if (t > 0 && (i + (size_t)t) % 2 == 0) continue;
            ek_norm_desc desc = shape_desc(&all_shapes[i]);
            desc.dtype = rig_types[t];
            if (i % 4 == (size_t)t) enlarge(&desc);
            eki_threads_set(2 + (int)(i / 4) % 3); /* some begin under other modes than the rest */
            every_mode(desc, tiny(desc.dtype), &before);
            if ((i + (size_t)t) % 3 == 0) every_mode(desc, 1.0, &before);
        }
    }
    eki_threads_set(threads);
    pool_end(&before);
}

/* dy near 1e-30 over x of size one, with what is fused. */
static void small_gradients(void **state) {
    (void)state;
    pool before;
    pool_begin(&before);
    for (int a = EK_ACTIVATION_NONE; a <= EK_ACTIVATION_GELU; a += 3) {
        ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
        desc.rank = 4, desc.dims[0] = 8, desc.dims[1] = 6, desc.dims[2] = 40, desc.dims[3] = 40;
        desc.activation = (ek_activation)a;
        if (a == EK_ACTIVATION_CLIP) desc.activation_beta = 1e-37;
        desc.residual = a > 0;
        every_mode(desc, 1e-38, &before);
        every_mode(desc, 1e-30, &before);
    }
    pool_end(&before);
}

int main(void) {
    usual = get_modes();
    const struct CMUnitTest tests[] = {cmocka_unit_test(modes_matter), cmocka_unit_test(all_kinds),
                                       cmocka_unit_test(small_gradients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
