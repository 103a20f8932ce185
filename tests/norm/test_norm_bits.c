/* test_norm_bits.c: the same bits for any number of threads, any order of tasks, any instruction set, in place or
 * not, and at any alignment of the buffers. Shapes are large enough that work is really cut into many tasks. */
#include "norm/fixture.h"

#include "base/memory.h"
#include "base/threads.h"
#include "cpu/dispatch.h"
#include <cmocka.h>
#include <evenkeel/cpu.h>
#include <stdio.h>
#include <string.h>

#define NCHW EK_LAYOUT_NCHW
#define NHWC EK_LAYOUT_NHWC
#define B8 EK_LAYOUT_BLOCKED8
#define B16 EK_LAYOUT_BLOCKED16

/* At least 7 tasks of 16384 elements each. */
enum { MOST_SHAPES = 64 };
static shape large_shapes[MOST_SHAPES] = {
    {EK_NORM_BATCH, NCHW, 4, {40, 10, 19, 23}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_BATCH, NCHW, 4, {2, 3, 150, 133}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_BATCH, NCHW, 2, {9000, 20}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_BATCH, NHWC, 4, {40, 70, 9, 7}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_BATCH, NHWC, 4, {2, 20, 70, 63}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_BATCH, B8, 4, {40, 20, 13, 15}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_BATCH, B16, 4, {40, 20, 13, 15}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_INSTANCE, NCHW, 4, {40, 10, 19, 23}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_INSTANCE, B16, 4, {10, 20, 33, 31}, 0, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_GROUP, NCHW, 4, {40, 10, 19, 23}, 0, 5, EK_AFFINE_ELEMENT},
    {EK_NORM_GROUP, NCHW, 4, {3, 4, 130, 133}, 0, 2, EK_AFFINE_ELEMENT},
    {EK_NORM_GROUP, NCHW, 2, {900, 200}, 0, 5, EK_AFFINE_ELEMENT},
    {EK_NORM_GROUP, NHWC, 4, {4, 20, 70, 61}, 0, 4, EK_AFFINE_ELEMENT},
    {EK_NORM_GROUP, B8, 4, {40, 20, 13, 15}, 0, 4, EK_AFFINE_ELEMENT},
    {EK_NORM_LAYER, NCHW, 2, {2000, 67}, 1, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_LAYER, NCHW, 2, {3, 70001}, 1, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_LAYER, NCHW, 2, {40, 5003}, 1, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_LAYER, NCHW, 4, {40, 10, 19, 23}, 1, 0, EK_AFFINE_CHANNEL},
    {EK_NORM_RMS, NCHW, 2, {2000, 67}, 1, 0, EK_AFFINE_ELEMENT},
    {EK_NORM_RMS, B16, 4, {40, 20, 13, 15}, 1, 0, EK_AFFINE_CHANNEL},
};
static size_t shapes;

typedef struct {
    float *y, *dx, *dscale, *dbias, *mean, *var;
} outputs;

static outputs run(fixture *f) {
    fixture_forward(f, EK_STATS_BATCH);
    fixture_backward(f);
    return (outputs){copy_of(f->y, f->buffer),         copy_of(f->dx, f->buffer), copy_of(f->dscale, f->parameters),
                     copy_of(f->dbias, f->parameters), copy_of(f->mean, f->sets), copy_of(f->var, f->sets)};
}

static void release(outputs *o) {
    float *all[] = {o->y, o->dx, o->dscale, o->dbias, o->mean, o->var};
    for (int i = 0; i < 6; i++) eki_free(all[i]);
}

static void expect_same(const fixture *f, const outputs *a, const outputs *b, const shape *s, const char *what) {
    const struct {
        const char *name;
        const float *a, *b;
        size_t n;
    } pairs[] = {{"y", a->y, b->y, f->buffer},
                 {"dx", a->dx, b->dx, f->buffer},
                 {"dscale", a->dscale, b->dscale, f->parameters},
                 {"dbias", a->dbias, b->dbias, f->parameters},
                 {"mean", a->mean, b->mean, f->sets},
                 {"var", a->var, b->var, f->sets}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (!same_bits(pairs[i].a, pairs[i].b, pairs[i].n)) {
            fail_msg("%s: %s changes with %s", shape_text(s), pairs[i].name, what);
        }
    }
}

static size_t tasks_seen;

/* Last task first. */
static void run_backwards(void *context, size_t tasks, void (*body)(void *, size_t), void *argument) {
    (void)context;
    if (tasks > tasks_seen) tasks_seen = tasks;
    for (size_t i = tasks; i > 0; i--) body(argument, i - 1);
}

/* Odd tasks first, then even ones. */
static void run_odd_first(void *context, size_t tasks, void (*body)(void *, size_t), void *argument) {
    (void)context;
    for (size_t i = 1; i < tasks; i += 2) body(argument, i);
    for (size_t i = 0; i < tasks; i += 2) body(argument, i);
}

static fixture *make(const shape *s, ek_parallel parallel, double offset) {
    ek_norm_desc desc = shape_desc(s);
    desc.parallel = parallel;
    return fixture_make(&desc, 9, offset, 3.0);
}

static void threads(void **state) {
    (void)state;
    const int counts[] = {1, 2, 3, 7};
    int before = eki_threads_get();
    for (size_t i = 0; i < shapes; i++) {
        const shape *s = &large_shapes[i];
        fixture *f = make(s, (ek_parallel){0}, 5.0);
        eki_threads_set(1);
        outputs one = run(f);
        for (int t = 1; t < 4; t++) {
            eki_threads_set(counts[t]);
            outputs many = run(f);
            expect_same(f, &one, &many, s, "the number of threads");
            release(&many);
        }
        release(&one);
        fixture_free(f);
    }
    eki_threads_set(before);
}

static void order_of_tasks(void **state) {
    (void)state;
    const ek_parallel seams[] = {{NULL, run_backwards, 7}, {NULL, run_odd_first, 3}, {NULL, run_backwards, 64}};
    for (size_t i = 0; i < shapes; i++) {
        const shape *s = &large_shapes[i];
        fixture *f = make(s, (ek_parallel){.threads = 1}, 5.0);
        outputs one = run(f);
        for (int t = 0; t < 3; t++) {
            tasks_seen = 0;
            fixture *g = make(s, seams[t], 5.0);
            outputs many = run(g);
            expect_same(f, &one, &many, s, "the thread seam");
            if (seams[t].run == run_backwards && tasks_seen < 2) fail_msg("%s: never cut into tasks", shape_text(s));
            release(&many);
            fixture_free(g);
        }
        release(&one);
        fixture_free(f);
    }
}

static void with_each_isa(const shape *s, double offset) {
    fixture *f = make(s, (ek_parallel){0}, offset);
    assert_int_equal(ek_cpu_set_isa("generic", NULL), EK_OK);
    outputs generic = run(f);
    for (size_t i = 1; eki_kernels_at(i, EKI_F32) != NULL; i++) {
        if (!eki_kernels_supported(i)) continue;
        const char *isa = eki_kernels_at(i, EKI_F32)->isa;
        assert_int_equal(ek_cpu_set_isa(isa, NULL), EK_OK);
        assert_string_equal(ek_cpu_isa(), isa);
        outputs other = run(f);
        expect_same(f, &generic, &other, s, isa);
        release(&other);
    }
    release(&generic);
    fixture_free(f);
    assert_int_equal(ek_cpu_set_isa(NULL, NULL), EK_OK);
}

static void instruction_sets(void **state) {
    (void)state;
    for (size_t i = 0; i < shapes; i++) with_each_isa(&large_shapes[i], 5.0);
    for (size_t i = 0; i < all_shapes_count; i++) with_each_isa(&all_shapes[i], 1e5);
    for (size_t i = 0; eki_kernels_at(i, EKI_F32) != NULL; i++) {
        printf("%s: %s\n", eki_kernels_at(i, EKI_F32)->isa,
               eki_kernels_supported(i) ? "compared" : "not on this processor");
    }
}

static void in_place(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        fixture *f = make(&all_shapes[i], (ek_parallel){0}, 5.0);
        outputs apart = run(f);
        memcpy(f->dx, f->dy, f->buffer * sizeof(float));
        f->args.dy = f->args.dx = f->dx;
        float *dx = f->dx;
        f->dx = NULL; /* the fixture must not poison it */
        fixture_backward(f);
        f->dx = dx;
        memcpy(f->y, f->x, f->buffer * sizeof(float));
        f->args.x = f->args.y = f->y;
        float *y = f->y;
        f->y = NULL;
        fixture_forward(f, EK_STATS_BATCH);
        f->y = y;
        outputs same = {f->y, f->dx, f->dscale, f->dbias, f->mean, f->var};
        expect_same(f, &apart, &same, &all_shapes[i], "in place");
        release(&apart);
        fixture_free(f);
    }
}

/* f32 buffers need 4-byte alignment only. */
static void alignment(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        fixture *f = make(&all_shapes[i], (ek_parallel){0}, 5.0);
        outputs aligned = run(f);
        float *buffers[4];
        for (size_t b = 0; b < 4; b++) buffers[b] = eki_alloc(eki_size_of(f->buffer + 16, sizeof(float)));
        for (size_t shift = 1; shift < 8; shift += 3) {
            memcpy(buffers[0] + shift, f->x, f->buffer * sizeof(float));
            memcpy(buffers[1] + shift + 1, f->dy, f->buffer * sizeof(float));
            f->args.x = buffers[0] + shift;
            f->args.dy = buffers[1] + shift + 1;
            f->args.y = buffers[2] + shift + 2;
            f->args.dx = buffers[3] + shift + 3;
            fixture_forward(f, EK_STATS_BATCH);
            fixture_backward(f);
            outputs shifted = {f->args.y, f->args.dx, f->dscale, f->dbias, f->mean, f->var};
            expect_same(f, &aligned, &shifted, &all_shapes[i], "alignment");
        }
        for (size_t b = 0; b < 4; b++) eki_free(buffers[b]);
        release(&aligned);
        fixture_free(f);
    }
}

int main(void) {
    shapes = shapes_complete(large_shapes, MOST_SHAPES);
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads), cmocka_unit_test(order_of_tasks),
                                       cmocka_unit_test(instruction_sets), cmocka_unit_test(in_place),
                                       cmocka_unit_test(alignment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
