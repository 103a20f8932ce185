/* test_norm_values.c: forward and backward of every kind, layout, rank and axis against the f64 reference. */
#include "norm/fixture.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bounds on max|a - b| / max|b|: a few roundings of f32 (2^-24 = 6e-8), as docs/numerics.md derives. */
static const double BOUND_Y = 3e-7, BOUND_DX = 4e-7, BOUND_PARAMETER = 1e-7, BOUND_STATS = 1e-7;

static double worst[4];

static void check(const shape *s, const char *what, int slot, double error, double bound) {
    if (!(error <= worst[slot])) worst[slot] = error;
    if (!(error <= bound)) fail_msg("%s: %s is off by %g, bound %g", shape_text(s), what, error, bound);
}

/* Every element of the padding is written as zero; every other element is the tensor's. */
static void check_padding(const fixture *f, const float *buffer, const char *what) {
    char *owned = calloc(f->buffer + 1, 1);
    for (size_t i = 0; i < f->elements; i++) owned[fixture_offset(f, i)] = 1;
    for (size_t i = 0; i < f->buffer; i++) {
        if (!owned[i] && (buffer[i] != 0.0f || signbit(buffer[i])))
            fail_msg("%s: padding %zu is %g", what, i, (double)buffer[i]);
    }
    free(owned);
}

static void compare(const shape *s, fixture *f, ek_norm_stats stats) {
    fixture_forward(f, stats);
    fixture_backward(f);
    fixture_reference(f, stats, 1);
    check(s, "y", 0, fixture_error(f, f->y, f->ry), BOUND_Y);
    check(s, "dx", 1, fixture_error(f, f->dx, f->rdx), BOUND_DX);
    check(s, "dscale", 2, array_error(f->dscale, f->rdscale, f->parameters), BOUND_PARAMETER);
    check(s, "dbias", 2, array_error(f->dbias, f->rdbias, f->parameters), BOUND_PARAMETER);
    check(s, "mean", 3, array_error(f->mean, f->rmean, f->sets), BOUND_STATS);
    check(s, "var", 3, array_error(f->var, f->rvar, f->sets), BOUND_STATS);
    check_padding(f, f->y, "y");
    check_padding(f, f->dx, "dx");
}

static void batch_statistics(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        fixture *f = fixture_make(&desc, 1 + i, 0.7, 2.0);
        compare(&all_shapes[i], f, EK_STATS_BATCH);
        fixture_free(f);
    }
    printf("worst error: y %.2g (bound %.2g), dx %.2g (%.2g), parameters %.2g (%.2g), statistics %.2g (%.2g)\n",
           worst[0], BOUND_Y, worst[1], BOUND_DX, worst[2], BOUND_PARAMETER, worst[3], BOUND_STATS);
}

static void running_statistics(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        if (reference_of(all_shapes[i].kind)->share != EKI_REF_BATCH) continue;
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        fixture *f = fixture_make(&desc, 100 + i, 0.7, 2.0);
        compare(&all_shapes[i], f, EK_STATS_RUNNING);
        fixture_free(f);
    }
}

/* A kind of the library without a reference would pass every test: it has no shapes. */
static void every_kind_is_tested(void **state) {
    (void)state;
    assert_null(ek_norm_kind_name((ek_norm_kind)0));
    for (ek_norm_kind kind = EK_NORM_BATCH; ek_norm_kind_name(kind) != NULL; kind = (ek_norm_kind)(kind + 1)) {
        size_t count = 0;
        assert_int_equal(ek_norm_kind_over_axes(kind), reference_of(kind)->share == EKI_REF_AXES);
        for (size_t i = 0; i < all_shapes_count; i++) count += all_shapes[i].kind == kind;
        if (count == 0) fail_msg("%s norm has no shapes in fixture.c", ek_norm_kind_name(kind));
    }
}

/* No scale, no bias, and each alone. */
static void absent_parameters(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        fixture *f = fixture_make(&desc, 200 + i, 0.1, 1.0);
        for (int which = 0; which < 3; which++) {
            f->args.scale = which == 0 ? f->scale : NULL;
            f->args.bias = which == 1 ? f->bias : NULL;
            compare(&all_shapes[i], f, EK_STATS_BATCH);
        }
        fixture_free(f);
    }
}

/* What is not wanted is not written, and the rest is the same. */
static void frozen_parameters(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        fixture *f = fixture_make(&desc, 300 + i, 0.1, 1.0);
        fixture_forward(f, EK_STATS_BATCH);
        fixture_reference(f, EK_STATS_BATCH, 1);
        f->args.dscale = f->args.dbias = NULL;
        fixture_backward(f);
        check(&all_shapes[i], "dx", 1, fixture_error(f, f->dx, f->rdx), BOUND_DX);
        assert_true(f->dscale[0] == 777.0f && f->dbias[0] == 777.0f);
        f->args.dx = NULL;
        f->args.dscale = f->dscale;
        fixture_backward(f);
        check(&all_shapes[i], "dscale", 2, array_error(f->dscale, f->rdscale, f->parameters), BOUND_PARAMETER);
        assert_true(f->dbias[0] == 777.0f);
        fixture_free(f);
    }
}

/* Forward without `saved` gives the same y. */
static void without_saved(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        fixture *f = fixture_make(&desc, 400 + i, 0.1, 1.0);
        fixture_forward(f, EK_STATS_BATCH);
        float *with = copy_of(f->y, f->buffer);
        void *saved = f->args.saved;
        f->args.saved = NULL;
        fixture_forward(f, EK_STATS_BATCH);
        assert_true(same_bits(with, f->y, f->buffer));
        f->args.saved = saved;
        free(with);
        fixture_free(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind_is_tested), cmocka_unit_test(batch_statistics),
                                       cmocka_unit_test(running_statistics),   cmocka_unit_test(absent_parameters),
                                       cmocka_unit_test(frozen_parameters),    cmocka_unit_test(without_saved)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
