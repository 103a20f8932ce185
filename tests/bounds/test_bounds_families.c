/* test_bounds_families.c: inputs with errors that are no multiple of the result: the mean of a set is rounded, and an
 * element beside the mean, or a sum of products with differences from it, shows that. Each holds its theorem, and would
 * break an inequality that leaves the error of the mean out.
 */
#include <setjmp.h>
#include <stdarg.h>

#include "bounds/families.h"
#include "bounds/theorems.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* n elements at |mean| / s = 1e6, one set, no bias. */
static trial *far_mean(ek_norm_kind kind, ek_dtype type, int64_t n, uint64_t seed) {
    ek_norm_desc desc = ek_norm_desc_default(kind);
    draws d = {seed};
    desc.dtype = type;
    desc.rank = 3, desc.dims[0] = desc.dims[1] = 1, desc.dims[2] = n;
    trial *t = trial_make(&desc, EK_STATS_BATCH);
    assert_non_null(t);
    /* Differences from an f32 in pairs, that cancel, and one of a unit in its last place: the mean is that unit / n
     * away from an element. */
    double m = (double)(float)(1e6 * uniform(&d, 1, 2)), away = 0;
    for (int64_t i = 0; i < n; i++) {
        away = i % 2 ? -away : floor(16 * 1.7 * uniform(&d, -1, 1)) / 8;
        if (i >= n - 2) away = i == n - 1 ? 0.125 : 0;
        t->x[i] = trial_rounded(t, m + away);
        t->dy[i] = trial_rounded(t, 1 + 0.1 * uniform(&d, -1, 1));
    }
    t->scale[0] = 1.25;
    t->biased = false;
    return t;
}

/* The worst error of y in units of the rounding of |scale xhat| alone. */
static double without_mean(const trial *t, double roundings) {
    reference r = reference_make(t);
    double worst = 0;
    for (size_t i = 0; i < t->elements; i++) {
        affine_ref a = reference_affine(t, &r, i);
        double size = roundings * r.type.w * fabs((double)a.t);
        if (size > 0) worst = fmax(worst, fabs((double)((real)t->y[i] - a.t)) / size);
    }
    reference_free(&r);
    return worst;
}

typedef struct outcome {
    double naive, theorem; /* worst ratios to an inequality without the error of the mean, and to the theorem */
} outcome;

static void y_of(ek_dtype type, int64_t n, double roundings, outcome *worst) {
    *worst = (outcome){0, 0};
    for (uint64_t seed = 1; seed <= 24; seed++) {
        trial *t = far_mean(seed % 2 ? EK_NORM_BATCH : EK_NORM_INSTANCE, type, n, seed);
        findings f = {{0}, {0}, {NULL}};
        assert_true(trial_run(t, true));
        check_trial(t, true, &f);
        worst->naive = fmax(worst->naive, without_mean(t, roundings));
        worst->theorem = fmax(worst->theorem, f.ratio[N6_Y]);
        assert_true(f.outputs[N6_Y] == (uint64_t)n);
        trial_free(t);
    }
}

static void f32_y_beside_a_far_mean(void **state) {
    (void)state;
    const int64_t sizes[] = {3001, 16000, 100003};
    const double least[] = {2, 10, 50};
    for (int i = 0; i < 3; i++) {
        outcome o;
        y_of(EK_F32, sizes[i], 6, &o);
        printf("f32 y, n = %lld: %.3g of 6 v |scale xhat|, %.3f of N6\n", (long long)sizes[i], o.naive, o.theorem);
        assert_true(o.naive > least[i]);
        assert_true(o.theorem <= 1);
    }
}

static void f64_y_beside_a_far_mean(void **state) {
    (void)state;
    const int64_t sizes[] = {3001, 100003};
    for (int i = 0; i < 2; i++) {
        outcome o;
        y_of(EK_F64, sizes[i], 8 + 2e6, &o);
        printf("f64 y, n = %lld: %.3g of (8 + 2 |mean| / s) u |scale xhat|, %.3f of N6\n", (long long)sizes[i], o.naive,
               o.theorem);
        assert_true(o.naive > 10);
        assert_true(o.theorem <= 1);
    }
}

static void f64_dscale_of_a_far_mean(void **state) {
    (void)state;
    outcome worst = {0, 0};
    for (uint64_t seed = 1; seed <= 24; seed++) {
        trial *t = far_mean(EK_NORM_BATCH, EK_F64, 1000, seed);
        findings f = {{0}, {0}, {NULL}};
        assert_true(trial_run(t, true));
        reference r = reference_make(t);
        check_trial(t, true, &f);
        exact_sum sum = {0, 0};
        double size = 0;
        for (size_t i = 0; i < t->elements; i++) {
            real term = (real)t->dy[i] * reference_affine(t, &r, i).xhat;
            add(&sum, term);
            size += fabs((double)term);
        }
        double naive = fabs((double)((real)t->dscale[0] - total(&sum))) / ((1000.0 / 16 + 8) * U * size);
        worst.naive = fmax(worst.naive, naive);
        worst.theorem = fmax(worst.theorem, f.ratio[N10_DSCALE]);
        reference_free(&r);
        trial_free(t);
    }
    printf("f64 dscale: %.3g of (n / 16 + 8) u sum |dy xhat|, %.3f of N10\n", worst.naive, worst.theorem);
    assert_true(worst.naive > 1000);
    assert_true(worst.theorem <= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(f32_y_beside_a_far_mean),
                                       cmocka_unit_test(f64_y_beside_a_far_mean),
                                       cmocka_unit_test(f64_dscale_of_a_far_mean)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
