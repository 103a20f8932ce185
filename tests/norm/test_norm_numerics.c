/* test_norm_numerics.c: the numerics contract: large mean over deviation, constant channels, numbers near 1e30, sets
 * of one, two and three elements, epsilon 0, empty tensors, NaN and infinity. */
#include "norm/fixture.h"

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef void (*case_fn)(const shape *s, fixture *f);

static void for_all(uint64_t seed, double offset, double spread, case_fn body) {
    for (size_t i = 0; i < all_shapes_count; i++) {
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        fixture *f = fixture_make(&desc, seed, offset, spread);
        body(&all_shapes[i], f);
        fixture_free(f);
    }
}

static double worst_y, worst_dx;

/* |mean| / std = 1e6: x itself has only four significant steps per deviation, but y and dx are exact for that x. */
static void far_mean(const shape *s, fixture *f) {
    fixture_forward(f, EK_STATS_BATCH);
    fixture_backward(f);
    fixture_reference(f, EK_STATS_BATCH, 1);
    double y = fixture_error(f, f->y, f->ry), dx = fixture_error(f, f->dx, f->rdx);
    if (y > worst_y) worst_y = y;
    if (dx > worst_dx) worst_dx = dx;
    if (!(y <= 3e-7)) fail_msg("%s: y off by %g", shape_text(s), y);
    if (!reference_of(s->kind)->centred) return; /* a mean that is all of x leaves a gradient that cancels to nothing */
    if (!(dx <= 1e-6)) fail_msg("%s: dx off by %g", shape_text(s), dx);
}

static void mean_over_deviation(void **state) {
    (void)state;
    for_all(31, 1e6, 1.0, far_mean);
    for_all(31, -3e6, 3.0, far_mean);
    printf("|mean|/std = 1e6: y %.2g (bound 3e-07), dx %.2g (1e-06)\n", worst_y, worst_dx);
}

static void set_constant(fixture *f, float value) {
    for (size_t i = 0; i < f->elements; i++) f->x[fixture_offset(f, i)] = value;
}

static void expect_bias(const shape *s, fixture *f, double value) {
    fixture_forward(f, EK_STATS_BATCH);
    for (size_t i = 0; i < f->elements; i++) {
        float y = f->y[fixture_offset(f, i)], bias = f->bias[f->parameter[i]];
        if (y != bias)
            fail_msg("%s: constant %g gives y %.9g, bias %.9g", shape_text(s), value, (double)y, (double)bias);
    }
    for (size_t i = 0; i < f->sets; i++) assert_true(f->var[i] == 0.0f && f->mean[i] == (float)value);
    if (f->desc.epsilon > 0 && f->desc.epsilon < 1e-50) return; /* the gradient is of order 1e50 and does not fit f32 */
    fixture_backward(f);
    for (size_t i = 0; i < f->elements; i++) assert_true(isfinite(f->dx[fixture_offset(f, i)]));
}

static void constant(const shape *s, fixture *f) {
    const float values[] = {0.1f, -1e30f, 1e-40f, 3.4e38f, 16777217.0f, 0.0f};
    if (!reference_of(s->kind)->centred) return;
    for (int i = 0; i < 6; i++) {
        set_constant(f, values[i]);
        expect_bias(s, f, (double)values[i]);
    }
}

/* Exactly bias, also with epsilon 0, where the gradient is 0. */
static void constant_channel_is_bias(void **state) {
    (void)state;
    for_all(32, 0, 1, constant);
    for (size_t i = 0; i < all_shapes_count; i++) {
        if (!reference_of(all_shapes[i].kind)->centred) continue;
        const double epsilons[] = {0, 1e-100};
        for (int e = 0; e < 2; e++) {
            ek_norm_desc desc = shape_desc(&all_shapes[i]);
            desc.epsilon = epsilons[e];
            fixture *f = fixture_make(&desc, 33, 0, 1);
            set_constant(f, 0.1f);
            expect_bias(&all_shapes[i], f, (double)0.1f);
            for (size_t k = 0; e == 0 && k < f->elements; k++) assert_true(f->dx[fixture_offset(f, k)] == 0.0f);
            fixture_free(f);
        }
    }
}

static void huge(const shape *s, fixture *f) {
    fixture_forward(f, EK_STATS_BATCH);
    fixture_backward(f);
    fixture_reference(f, EK_STATS_BATCH, 1);
    double y = fixture_error(f, f->y, f->ry), dx = fixture_error(f, f->dx, f->rdx);
    if (!(y <= 4e-7)) fail_msg("%s: y off by %g", shape_text(s), y);
    if (!(dx <= 4e-7)) fail_msg("%s: dx off by %g", shape_text(s), dx);
    double dscale = array_error(f->dscale, f->rdscale, f->parameters);
    if (!(dscale <= 2e-7)) fail_msg("%s: dscale off by %g", shape_text(s), dscale);
}

static void numbers_near_1e30(void **state) {
    (void)state;
    for_all(34, 0, 1e30, huge);
    for_all(35, 1e30, 3e29, huge);
    for_all(36, 0, 1e-18, huge); /* far below epsilon: y is nearly bias, and the gradient nearly linear */
}

static void tiny_sets(void **state) {
    (void)state;
    for (int64_t n = 1; n <= 3; n++) {
        for (int kind = 1; ek_norm_kind_name((ek_norm_kind)kind) != NULL; kind++) {
            for (int shift = 0; shift < 2; shift++) {
                ek_norm_desc desc = ek_norm_desc_default((ek_norm_kind)kind);
                desc.rank = 3;
                bool batch = reference_of(desc.kind)->share == EKI_REF_BATCH;
                desc.dims[0] = shift == 0 || !batch ? 2 : n;
                desc.dims[1] = 5;
                desc.dims[2] = shift == 0 || !batch ? n : 1;
                desc.groups = 5;
                fixture *f = fixture_make(&desc, (uint64_t)n, 0.3, 1);
                fixture_forward(f, EK_STATS_BATCH);
                fixture_backward(f);
                fixture_reference(f, EK_STATS_BATCH, 1);
                assert_true(fixture_error(f, f->y, f->ry) <= 3e-7);
                for (size_t i = 0; i < f->elements; i++) assert_true(fabs((double)f->dx[i] - f->rdx[i]) <= 1e-4);
                fixture_free(f);
            }
        }
    }
}

/* No elements: nothing is written but zero parameter gradients; legal with NULL data. */
static void empty(void **state) {
    (void)state;
    for (int kind = 1; ek_norm_kind_name((ek_norm_kind)kind) != NULL; kind++) {
        for (int where = 0; where < 3; where += 2) {
            ek_norm_desc desc = ek_norm_desc_default((ek_norm_kind)kind);
            desc.rank = 3;
            desc.dims[0] = 2;
            desc.dims[1] = desc.dims[2] = 4;
            desc.dims[where] = 0;
            fixture *f = fixture_make(&desc, 1, 0, 1);
            f->args.x = f->args.y = NULL;
            f->args.dy = f->args.dx = NULL;
            f->args.mean = f->args.var = NULL;
            fixture_forward(f, EK_STATS_BATCH);
            fixture_backward(f);
            for (size_t p = 0; p < f->parameters; p++) assert_true(f->dscale[p] == 0.0f && f->dbias[p] == 0.0f);
            fixture_free(f);
        }
    }
}

/* A NaN or infinity reaches every element of its own set and none of another. */
static void nonfinite_stays_in_its_set(void **state) {
    (void)state;
    const float values[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < all_shapes_count; i++) {
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        fixture *f = fixture_make(&desc, 41, 0, 1);
        size_t at = f->elements * 2 / 3;
        f->x[fixture_offset(f, at)] = values[i % 3];
        fixture_forward(f, EK_STATS_BATCH);
        fixture_backward(f);
        for (size_t k = 0; k < f->elements; k++) {
            bool hit = f->set[k] == f->set[at];
            bool bad = !isfinite(f->y[fixture_offset(f, k)]);
            if (reference_of(desc.kind)->centred && hit != bad)
                fail_msg("%s: element %zu", shape_text(&all_shapes[i]), k);
            if (!hit && bad) fail_msg("%s: element %zu of another set", shape_text(&all_shapes[i]), k);
            if (!hit && !isfinite(f->dx[fixture_offset(f, k)])) fail_msg("%s: dx %zu", shape_text(&all_shapes[i]), k);
        }
        fixture_free(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(mean_over_deviation),
                                       cmocka_unit_test(constant_channel_is_bias),
                                       cmocka_unit_test(numbers_near_1e30),
                                       cmocka_unit_test(tiny_sets),
                                       cmocka_unit_test(empty),
                                       cmocka_unit_test(nonfinite_stays_in_its_set)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
