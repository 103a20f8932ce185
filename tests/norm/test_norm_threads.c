/* test_norm_threads.c: plans on real threads, through a pool of POSIX threads behind the seam, and plans shared by
 * threads: the bits of one thread. Under ThreadSanitizer (scripts/tsan.sh) it shows that nothing races; it knows POSIX
 * threads, where it does not know OpenMP's. `test_norm_threads --race` races on purpose, to prove that it looks. */
#include "norm/fixture.h"

#include "base/memory.h"
#include <cmocka.h>
#include <evenkeel/cpu.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 4, ENOUGH = 5 * 16384 }; /* elements for several tasks */

typedef struct {
    size_t first, tasks;
    void (*body)(void *argument, size_t index);
    void *argument;
} share;

static void *run_share(void *pointer) {
    const share *s = pointer;
    for (size_t i = s->first; i < s->tasks; i += THREADS) s->body(s->argument, i);
    return NULL;
}

/* Every THREADS-th task to a thread: no shared counter, whose order would hide races from the sanitizer. */
static void run_pool(void *context, size_t tasks, void (*body)(void *argument, size_t index), void *argument) {
    pthread_t threads[THREADS];
    share shares[THREADS];
    if (context != NULL) *(size_t *)context += tasks;
    for (size_t t = 0; t < THREADS; t++) {
        shares[t] = (share){t, tasks, body, argument};
        if (pthread_create(&threads[t], NULL, run_share, &shares[t]) != 0) fail_msg("no thread");
    }
    for (size_t t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
}

/* The shape with so many examples that the work is cut into tasks; 0 when that cannot be. */
static int enlarge(shape *s) {
    int64_t rest = 1;
    for (int i = 1; i < s->rank; i++) rest *= s->dims[i];
    if (rest == 0 || s->dims[0] == 0) return 0;
    if (s->dims[0] * rest < ENOUGH) s->dims[0] = (ENOUGH + rest - 1) / rest;
    return 1;
}

static fixture *make(const shape *s, ek_parallel parallel) {
    ek_norm_desc desc = shape_desc(s);
    desc.parallel = parallel;
    return fixture_make(&desc, 5, 3.0, 2.0);
}

static void compare(const fixture *a, const fixture *b, const shape *s) {
    if (!same_bits(a->y, b->y, a->buffer)) fail_msg("%s: y", shape_text(s));
    if (!same_bits(a->dx, b->dx, a->buffer)) fail_msg("%s: dx", shape_text(s));
    if (!same_bits(a->dscale, b->dscale, a->parameters)) fail_msg("%s: dscale", shape_text(s));
    if (!same_bits(a->dbias, b->dbias, a->parameters)) fail_msg("%s: dbias", shape_text(s));
    if (!same_bits(a->mean, b->mean, a->sets)) fail_msg("%s: mean", shape_text(s));
    if (!same_bits(a->var, b->var, a->sets)) fail_msg("%s: var", shape_text(s));
}

static void pool(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        shape s = all_shapes[i];
        if (!enlarge(&s)) continue;
        size_t tasks = 0;
        fixture *one = make(&s, (ek_parallel){.threads = 1});
        fixture *many = make(&s, (ek_parallel){&tasks, run_pool, i % 2 ? THREADS : INT32_MAX / 2 + 1});
        fixture_forward(one, EK_STATS_BATCH);
        fixture_backward(one);
        fixture_forward(many, EK_STATS_BATCH);
        fixture_backward(many);
        if (tasks < 4) fail_msg("%s: never cut into tasks", shape_text(&s));
        compare(one, many, &s);
        fixture_free(one);
        fixture_free(many);
    }
}

#ifdef _OPENMP
/* The recipe of docs/embedding.md for a call from within a parallel region. */
static void run_taskloop(void *context, size_t tasks, void (*body)(void *argument, size_t index), void *argument) {
    *(size_t *)context += tasks;
#pragma omp taskloop grainsize(1)
    for (size_t i = 0; i < tasks; i++) body(argument, i);
}

static void within_a_region(void **state) {
    (void)state;
    size_t tasks = 0;
    shape s = {EK_NORM_LAYER, EK_LAYOUT_NCHW, 2, {900, 128}, 1, 0, EK_AFFINE_ELEMENT};
    fixture *one = make(&s, (ek_parallel){.threads = 1}),
            *many = make(&s, (ek_parallel){&tasks, run_taskloop, THREADS});
    fixture_forward(one, EK_STATS_BATCH);
    fixture_backward(one);
#pragma omp parallel num_threads(2)
#pragma omp single
    {
        fixture_forward(many, EK_STATS_BATCH);
        fixture_backward(many);
    }
    assert_true(tasks >= 4);
    compare(one, many, &s);
    fixture_free(one);
    fixture_free(many);
}
#endif

typedef struct {
    const fixture *f;
    ek_norm_args args;
    ek_error err;
    ek_status status;
} user;

/* Repeats the fixture's calls on its plan, its x and its dy, with everything else the thread's own. */
static void *use_plan(void *pointer) {
    user *u = pointer;
    const fixture *f = u->f;
    ek_norm_args *a = &u->args;
    *a = f->args;
    a->y = copy_of(f->y, f->buffer);
    a->dx = copy_of(f->dx, f->buffer);
    a->dscale = copy_of(f->dscale, f->parameters);
    a->dbias = copy_of(f->dbias, f->parameters);
    a->mean = copy_of(f->mean, f->sets);
    a->var = copy_of(f->var, f->sets);
    a->saved = eki_alloc(eki_sized(ek_norm_saved_bytes(f->plan)));
    a->workspace = eki_alloc(eki_sized(ek_norm_workspace_bytes(f->plan)));
    u->status = ek_norm_forward(f->plan, EK_STATS_BATCH, a, &u->err);
    if (u->status == EK_OK) u->status = ek_norm_backward(f->plan, a, &u->err);
    return NULL;
}

static void shared_plan(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += 3) {
        fixture *f = make(&all_shapes[i], (ek_parallel){NULL, run_pool, THREADS});
        fixture_forward(f, EK_STATS_BATCH);
        fixture_backward(f);
        pthread_t threads[THREADS];
        user users[THREADS];
        for (int t = 0; t < THREADS; t++) {
            users[t].f = f;
            assert_int_equal(pthread_create(&threads[t], NULL, use_plan, &users[t]), 0);
        }
        for (int t = 0; t < THREADS; t++) {
            pthread_join(threads[t], NULL);
            ek_norm_args *a = &users[t].args;
            if (users[t].status != EK_OK) fail_msg("%s: %s", shape_text(&all_shapes[i]), users[t].err.text);
            fixture other = *f;
            other.y = a->y, other.dx = a->dx, other.dscale = a->dscale, other.dbias = a->dbias;
            other.mean = a->mean, other.var = a->var;
            compare(f, &other, &all_shapes[i]);
            void *mine[] = {a->y, a->dx, a->dscale, a->dbias, a->mean, a->var, a->saved, a->workspace};
            for (size_t k = 0; k < sizeof mine / sizeof mine[0]; k++) eki_free(mine[k]);
        }
        fixture_free(f);
    }
}

static void *first_call(void *unused) {
    (void)unused;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_LAYER);
    ek_norm_plan *plan = NULL;
    desc.rank = 2, desc.dims[0] = 3, desc.dims[1] = 5;
    if (ek_norm_plan_create(&desc, &plan, NULL) != EK_OK) return NULL;
    ek_norm_plan_destroy(plan);
    return (void *)(uintptr_t)ek_cpu_isa();
}

/* Must be the first test: the kernel table is chosen on first use. */
static void first_use(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++) assert_int_equal(pthread_create(&threads[t], NULL, first_call, NULL), 0);
    for (int t = 0; t < THREADS; t++) {
        void *isa;
        pthread_join(threads[t], &isa);
        assert_true(isa == (const void *)ek_cpu_isa());
    }
}

static void count(void *argument, size_t index) { *(volatile size_t *)argument += index; }

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--race") == 0) {
        size_t sum = 0;
        run_pool(NULL, 100000, count, &sum);
        return printf("raced: %zu\n", sum) < 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(first_use), cmocka_unit_test(pool),
#ifdef _OPENMP
                                       cmocka_unit_test(within_a_region),
#endif
                                       cmocka_unit_test(shared_plan)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
