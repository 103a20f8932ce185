/* test_norm_fusion.c: residual and activation fused into every kind and layout: values and gradients against the
 * reference, bits against the same steps apart, equal bits for threads and instruction sets, and the error of the
 * activations by themselves. */
#include "norm/fixture.h"

#include "base/memory.h"
#include "base/threads.h"
#include "cpu/dispatch.h"
#include "support/activation_ref.h"
#include <cmocka.h>
#include <evenkeel/cpu.h>
#include <evenkeel/parts.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    ek_activation activation;
    double alpha, beta;
    const char *name;
} act;

static const act acts[] = {{EK_ACTIVATION_NONE, 0, 0, "none"},
                           {EK_ACTIVATION_RELU, 0, 0, "relu"},
                           {EK_ACTIVATION_LEAKY_RELU, 0.125, 0, "leaky relu"},
                           {EK_ACTIVATION_CLIP, 0, 1.5, "clip"},
                           {EK_ACTIVATION_SIGMOID, 0, 0, "sigmoid"},
                           {EK_ACTIVATION_TANH, 0, 0, "tanh"},
                           {EK_ACTIVATION_SILU, 0, 0, "silu"},
                           {EK_ACTIVATION_HARD_SIGMOID, 0.25, 0.5, "hard sigmoid"},
                           {EK_ACTIVATION_HARD_SWISH, 0, 0, "hard swish"},
                           {EK_ACTIVATION_GELU, 0, 0, "gelu"}};
enum { ACTS = sizeof acts / sizeof acts[0] };

static const double BOUND_Y = 5e-7, BOUND_DX = 8e-7, BOUND_PARAMETER = 5e-7;
static double worst[3];

static fixture *make(const shape *s, const act *a, int residual, uint64_t seed) {
    ek_norm_desc desc = shape_desc(s);
    desc.activation = a->activation;
    desc.activation_alpha = a->alpha;
    desc.activation_beta = a->beta;
    desc.residual = residual;
    return fixture_make(&desc, seed, 0.7, 2.0);
}

static void check(const shape *s, const act *a, const char *what, int slot, double error, double bound) {
    if (!(error <= worst[slot])) worst[slot] = error;
    if (!(error <= bound)) fail_msg("%s, %s: %s is off by %g, bound %g", shape_text(s), a->name, what, error, bound);
}

/* A slope that jumps makes the gradient of an element within rounding of the jump arbitrary: keep away from it. */
static void leave_corners(fixture *f, ek_norm_stats stats) {
    const double corners[] = {0, 1.5, -2, 2, -3, 3};
    for (int round = 0; round < 2; round++) {
        ek_activation activation = f->desc.activation;
        f->desc.activation = EK_ACTIVATION_NONE;
        fixture_reference(f, stats, 1);
        f->desc.activation = activation;
        for (size_t i = 0; i < f->elements; i++) {
            for (int c = 0; c < 6; c++) {
                if (fabs(f->ry[i] - corners[c]) > 1e-5) continue;
                if (f->desc.residual) f->residual[fixture_offset(f, i)] += 1e-3f;
                if (!f->desc.residual) f->x[fixture_offset(f, i)] += 1e-2f;
            }
        }
        fixture_sync(f);
    }
}

static void compare(const shape *s, const act *a, int residual, ek_norm_stats stats) {
    fixture *f = make(s, a, residual, 5 + (uint64_t)a->activation);
    leave_corners(f, stats);
    fixture_forward(f, stats);
    fixture_backward(f);
    fixture_reference(f, stats, 1);
    check(s, a, "y", 0, fixture_error(f, f->y, f->ry), BOUND_Y);
    check(s, a, "dx", 1, fixture_error(f, f->dx, f->rdx), BOUND_DX);
    check(s, a, "dscale", 2, array_error(f->dscale, f->rdscale, f->parameters), BOUND_PARAMETER);
    check(s, a, "dbias", 2, array_error(f->dbias, f->rdbias, f->parameters), BOUND_PARAMETER);
    if (residual) check(s, a, "dresidual", 1, fixture_error(f, f->dresidual, f->rdresidual), BOUND_DX);
    fixture_free(f);
}

static void values(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        const shape *s = &all_shapes[i];
        for (int a = 0; a < ACTS; a++) {
            int residual = a == 0 || (a + (int)i) % 2;
            if (a > EK_ACTIVATION_RELU && (a + (int)i) % 3 > 1) continue;
            compare(s, &acts[a], residual, EK_STATS_BATCH);
            if (a == EK_ACTIVATION_RELU) compare(s, &acts[a], !residual, EK_STATS_BATCH);
            if (s->kind == EK_NORM_BATCH) compare(s, &acts[a], residual, EK_STATS_RUNNING);
        }
    }
    printf("worst error: y %.2g (bound %.2g), dx %.2g (%.2g), parameters %.2g (%.2g)\n", worst[0], BOUND_Y, worst[1],
           BOUND_DX, worst[2], BOUND_PARAMETER);
}

/* -0 counts as 0: with running statistics fused and separate dx differ in that. */
static void expect_same(const shape *s, const act *a, const char *what, const float *x, const float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]) ? !isnan(y[i]) : x[i] != y[i])
            fail_msg("%s, %s: fused %s[%zu] is %a, apart %a", shape_text(s), a->name, what, i, (double)x[i],
                     (double)y[i]);
    }
}

/* Norm, then the residual, then the activation, each by itself; the same for the gradients. */
static void against_steps(const shape *s, const act *a, int residual, ek_norm_stats stats) {
    fixture *f = make(s, a, residual, 3), *plain = make(s, &acts[0], 0, 3);
    fixture_forward(f, stats);
    fixture_backward(f);
    fixture_forward(plain, stats);
    for (size_t i = 0; i < f->elements; i++) {
        size_t at = fixture_offset(f, i);
        float t = residual ? plain->y[at] + f->residual[at] : plain->y[at], dy = plain->dy[at], slope = 1;
        if (a->activation == EK_ACTIVATION_RELU || a->activation == EK_ACTIVATION_CLIP) t = t < 0 ? 0 : t;
        if (a->activation == EK_ACTIVATION_RELU) slope = t > 0 ? 1 : 0;
        if (a->activation == EK_ACTIVATION_CLIP) t = t > 1.5f ? 1.5f : t;
        if (a->activation == EK_ACTIVATION_CLIP) slope = t > 0 && t < 1.5f ? 1 : 0;
        if (a->activation == EK_ACTIVATION_LEAKY_RELU) slope = t > 0 ? 1 : 0.125f;
        if (a->activation == EK_ACTIVATION_LEAKY_RELU) t = t < 0 ? 0.125f * t : t;
        plain->y[at] = t;
        plain->dy[at] = slope == 0 ? 0 : slope * dy;
    }
    fixture_backward(plain);
    expect_same(s, a, "y", f->y, plain->y, f->buffer);
    expect_same(s, a, "dx", f->dx, plain->dx, f->buffer);
    expect_same(s, a, "dscale", f->dscale, plain->dscale, f->parameters);
    expect_same(s, a, "dbias", f->dbias, plain->dbias, f->parameters);
    for (size_t i = 0; residual && i < f->elements; i++) {
        size_t at = fixture_offset(f, i);
        expect_same(s, a, "dresidual", f->dresidual + at, plain->dy + at, 1);
    }
    fixture_free(f);
    fixture_free(plain);
}

static void equals_the_steps(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        for (int a = 0; a <= EK_ACTIVATION_CLIP; a++) {
            for (int residual = 0; residual < 2; residual++) {
                against_steps(&all_shapes[i], &acts[a], residual, EK_STATS_BATCH);
                if (all_shapes[i].kind == EK_NORM_BATCH) {
                    against_steps(&all_shapes[i], &acts[a], residual, EK_STATS_RUNNING);
                }
            }
        }
    }
}

/* Results so large that they go past the caches, and what is fused with them. */
static void large_results(void **state) {
    (void)state;
    const shape large[] = {{EK_NORM_BATCH, EK_LAYOUT_NCHW, 4, {5, 21, 143, 145}, 0, 0, EK_AFFINE_ELEMENT},
                           {EK_NORM_BATCH, EK_LAYOUT_NHWC, 4, {4, 32, 131, 133}, 0, 0, EK_AFFINE_ELEMENT},
                           {EK_NORM_GROUP, EK_LAYOUT_BLOCKED16, 4, {4, 20, 131, 133}, 0, 5, EK_AFFINE_ELEMENT},
                           {EK_NORM_LAYER, EK_LAYOUT_NCHW, 2, {2100, 1001}, 1, 0, EK_AFFINE_ELEMENT}};
    for (int i = 0; i < 4; i++) {
        against_steps(&large[i], &acts[EK_ACTIVATION_RELU], 1, EK_STATS_BATCH);
        against_steps(&large[i], &acts[EK_ACTIVATION_CLIP], i % 2, EK_STATS_BATCH);
    }
    against_steps(&large[0], &acts[EK_ACTIVATION_LEAKY_RELU], 1, EK_STATS_RUNNING);
}

/* Forward and backward again into other buffers; they must be those of f. */
static void expect_again(fixture *f, const shape *s, const act *a, const char *what) {
    float *y = copy_of(f->y, f->buffer), *dx = copy_of(f->dx, f->buffer), *dr = copy_of(f->dresidual, f->buffer);
    float *dscale = copy_of(f->dscale, f->parameters), *dbias = copy_of(f->dbias, f->parameters);
    fixture_forward(f, EK_STATS_BATCH);
    fixture_backward(f);
    int same = same_bits(y, f->y, f->buffer) && same_bits(dx, f->dx, f->buffer) &&
               same_bits(dscale, f->dscale, f->parameters) && same_bits(dbias, f->dbias, f->parameters) &&
               (!f->desc.residual || same_bits(dr, f->dresidual, f->buffer));
    if (!same) fail_msg("%s, %s: bits change with %s", shape_text(s), a->name, what);
    float *all[] = {y, dx, dr, dscale, dbias};
    for (int i = 0; i < 5; i++) eki_free(all[i]);
}

static void equal_bits(void **state) {
    (void)state;
    int before = eki_threads_get();
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        for (int a = (int)i % 3; a < ACTS; a += 3) {
            const shape *s = &all_shapes[i];
            fixture *f = make(s, &acts[a], (a + (int)i / 3) % 2, 8);
            eki_threads_set(1);
            assert_int_equal(ek_cpu_set_isa("generic", NULL), EK_OK);
            fixture_forward(f, EK_STATS_BATCH);
            fixture_backward(f);
            for (size_t k = 1; eki_kernels_at(k, EKI_F32) != NULL; k++) {
                if (!eki_kernels_supported(k)) continue;
                assert_int_equal(ek_cpu_set_isa(eki_kernels_at(k, EKI_F32)->isa, NULL), EK_OK);
                expect_again(f, s, &acts[a], eki_kernels_at(k, EKI_F32)->isa);
            }
            eki_threads_set(3);
            expect_again(f, s, &acts[a], "threads");
            fixture_free(f);
        }
    }
    eki_threads_set(before);
    assert_int_equal(ek_cpu_set_isa(NULL, NULL), EK_OK);
}

/* y over the residual, dresidual or dx over dy, and each gradient without the other. */
static void in_place(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        const act *a = &acts[i % 2 ? EK_ACTIVATION_RELU : EK_ACTIVATION_SILU];
        fixture *f = make(&all_shapes[i], a, 1, 4), *g = make(&all_shapes[i], a, 1, 4);
        fixture_forward(f, EK_STATS_BATCH);
        fixture_backward(f);
        g->args.y = g->residual;
        fixture_forward(g, EK_STATS_BATCH);
        expect_same(&all_shapes[i], a, "y over residual", f->y, g->args.y, f->buffer);
        g->args.y = f->y;
        g->args.residual = f->residual;
        g->args.dresidual = g->dy;
        fixture_backward(g);
        expect_same(&all_shapes[i], a, "dresidual over dy", f->dresidual, g->dy, f->buffer);
        expect_same(&all_shapes[i], a, "dx", f->dx, g->dx, f->buffer);
        g->args.dy = f->dy;
        g->args.dx = NULL;
        g->args.dresidual = g->dresidual;
        fixture_backward(g);
        expect_same(&all_shapes[i], a, "dresidual alone", f->dresidual, g->dresidual, f->buffer);
        g->args.dx = g->dx;
        g->args.dresidual = NULL;
        fixture_backward(g);
        expect_same(&all_shapes[i], a, "dx alone", f->dx, g->dx, f->buffer);
        fixture_free(f);
        fixture_free(g);
    }
}

/* Virtual batches, each fused as a batch of its own. */
static void virtual_batches(void **state) {
    (void)state;
    const shape slice = {EK_NORM_BATCH, EK_LAYOUT_NHWC, 4, {3, 10, 7, 9}, 0, 0, EK_AFFINE_ELEMENT};
    for (int a = 1; a < ACTS; a++) {
        ek_norm_desc desc = shape_desc(&slice);
        desc.activation = acts[a].activation;
        desc.activation_alpha = acts[a].alpha;
        desc.activation_beta = acts[a].beta;
        desc.residual = 1;
        fixture *one = fixture_make(&desc, 2, 0.7, 2.0);
        desc.dims[0] = 6;
        desc.ghost = 3;
        fixture *two = fixture_make(&desc, 2, 0.7, 2.0);
        size_t n = one->buffer;
        fixture_forward(two, EK_STATS_BATCH);
        fixture_backward(two);
        memcpy(one->x, two->x + n, n * sizeof(float));
        memcpy(one->residual, two->residual + n, n * sizeof(float));
        memcpy(one->dy, two->dy + n, n * sizeof(float));
        memcpy(one->scale, two->scale, one->parameters * sizeof(float));
        memcpy(one->bias, two->bias, one->parameters * sizeof(float));
        fixture_forward(one, EK_STATS_BATCH);
        fixture_backward(one);
        assert_true(same_bits(one->y, two->y + n, n) && same_bits(one->dx, two->dx + n, n));
        assert_true(same_bits(one->dresidual, two->dresidual + n, n));
        fixture_free(one);
        fixture_free(two);
    }
}

/* A fused batch in two parts has the bits of the whole. */
static void batch_in_parts(void **state) {
    (void)state;
    const shape whole = {EK_NORM_BATCH, EK_LAYOUT_NHWC, 4, {6, 10, 7, 9}, 0, 0, EK_AFFINE_ELEMENT};
    for (int a = 1; a < ACTS; a++) {
        ek_norm_desc desc = shape_desc(&whole);
        desc.activation = acts[a].activation;
        desc.activation_alpha = acts[a].alpha;
        desc.activation_beta = acts[a].beta;
        desc.residual = 1;
        desc.chunk = 3;
        fixture *f = fixture_make(&desc, 2, 0.7, 2.0), *g = fixture_make(&desc, 2, 0.7, 2.0);
        fixture_forward(f, EK_STATS_BATCH);
        fixture_backward(f);
        void *parts = eki_alloc(eki_sized(ek_norm_parts_bytes(g->plan)));
        size_t half = g->buffer / 2;
        ek_norm_args args[2] = {g->args, g->args};
        args[1].x = g->x + half;
        args[1].y = g->y + half;
        args[1].residual = g->residual + half;
        args[1].dy = g->dy + half;
        args[1].dx = g->dx + half;
        args[1].dresidual = g->dresidual + half;
        ek_error err;
        assert_int_equal(ek_norm_parts_begin(g->plan, parts, &err), EK_OK);
        for (int i = 0; i < 2; i++)
            assert_int_equal(ek_norm_parts_add(g->plan, parts, 3 * i, 3, &args[i], &err), EK_OK);
        assert_int_equal(ek_norm_parts_finish(g->plan, parts, &args[0], &err), EK_OK);
        for (int i = 0; i < 2; i++) assert_int_equal(ek_norm_parts_forward(g->plan, parts, 3, &args[i], &err), EK_OK);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(ek_norm_parts_add_gradients(g->plan, parts, 3 * i, 3, &args[i], &err), EK_OK);
        }
        assert_int_equal(ek_norm_parts_finish_gradients(g->plan, parts, &args[0], &err), EK_OK);
        for (int i = 0; i < 2; i++) assert_int_equal(ek_norm_parts_backward(g->plan, parts, 3, &args[i], &err), EK_OK);
        assert_true(same_bits(f->y, g->y, f->buffer) && same_bits(f->dx, g->dx, f->buffer));
        assert_true(same_bits(f->dresidual, g->dresidual, f->buffer));
        assert_true(same_bits(f->dscale, g->dscale, f->parameters) && same_bits(f->dbias, g->dbias, f->parameters));
        eki_free(parts);
        fixture_free(f);
        fixture_free(g);
    }
}

/* Through the row kernel as the identity map: error against long double, in units of 2^-24 of max(|y|, floor). */
static double activation_error(const act *a, float from, float to, double floor) {
    enum { N = 4096 };
    static float t[N], y[N];
    double most = 0;
    const float zero = 0, one = 1;
    eki_scaling_columns identity = {&zero, &zero, &one, &zero};
    eki_epilogue e = {.activation = (int)a->activation, .alpha = (float)a->alpha, .beta = (float)a->beta};
    for (int piece = 0; piece < 64; piece++) {
        for (int i = 0; i < N; i++) t[i] = from + (to - from) * ((float)(piece * N + i) / (64.0f * N));
        eki_kernels_get(EKI_F32)->row_affine(t, y, 1, N, N, &identity, &e);
        for (int i = 0; i < N; i++) {
            double exact = (double)eki_ref_activation((int)a->activation, (long double)t[i], a->alpha, a->beta);
            double unit = fmax(fabs(exact), floor) * 0x1p-24, error = fabs((double)y[i] - exact) / unit;
            if (!(error <= most)) most = error;
        }
    }
    return most;
}

/* The bounds of docs/numerics.md: relative error in units of 2^-24. */
static void activations_alone(void **state) {
    (void)state;
    const struct {
        ek_activation activation;
        float from, to;
        double bound, floor;
    } ranges[] = {{EK_ACTIVATION_SIGMOID, -86, 90, 6, 0},    {EK_ACTIVATION_TANH, -20, 20, 6, 0},
                  {EK_ACTIVATION_TANH, -1, 1, 6, 0},         {EK_ACTIVATION_SILU, -80, 80, 7, 0},
                  {EK_ACTIVATION_GELU, -1, 30, 8, 0},        {EK_ACTIVATION_GELU, -12, 0, 8, 0.1},
                  {EK_ACTIVATION_HARD_SWISH, -2, 9, 8, 0},   {EK_ACTIVATION_HARD_SWISH, -9, 0, 4, 1},
                  {EK_ACTIVATION_HARD_SIGMOID, -9, 9, 4, 1}, {EK_ACTIVATION_LEAKY_RELU, -9, 9, 2, 0}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const act *a = &acts[ranges[i].activation];
        double error = activation_error(a, ranges[i].from, ranges[i].to, ranges[i].floor);
        printf("%s on [%g, %g]: %.2f x 2^-24 (bound %g)\n", a->name, (double)ranges[i].from, (double)ranges[i].to,
               error, ranges[i].bound);
        if (!(error <= ranges[i].bound)) fail_msg("%s is off by %g x 2^-24", a->name, error);
    }
}

static void special_values(void **state) {
    (void)state;
    const float t[4] = {NAN, INFINITY, -INFINITY, -0.0f};
    float y[4];
    const float zero = 0, one = 1, minus = -0.0f;
    eki_scaling_columns identity = {&zero, &zero, &one, &minus};
    for (int a = 1; a < ACTS; a++) {
        eki_epilogue e = {.activation = a, .alpha = (float)acts[a].alpha, .beta = (float)acts[a].beta};
        eki_kernels_get(EKI_F32)->row_affine(t, y, 1, 4, 4, &identity, &e);
        if (!isnan(y[0])) fail_msg("%s of NaN is %g", acts[a].name, (double)y[0]);
        double exact = (double)eki_ref_activation(a, (long double)INFINITY, acts[a].alpha, acts[a].beta);
        if ((double)y[1] != exact) fail_msg("%s of infinity is %g", acts[a].name, (double)y[1]);
        assert_true(fabs((double)y[3]) <= 0.5);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),          cmocka_unit_test(equals_the_steps), cmocka_unit_test(large_results),
        cmocka_unit_test(equal_bits),      cmocka_unit_test(in_place),         cmocka_unit_test(activations_alone),
        cmocka_unit_test(virtual_batches), cmocka_unit_test(batch_in_parts),   cmocka_unit_test(special_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
