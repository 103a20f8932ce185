/* test_norm_running.c: the commit of batch statistics: both momentum conventions, both variances, the four policies
 * for one value per channel, and batches that must not touch the running statistics. */
#include "norm/fixture.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 5 };

static ek_norm_desc make_desc(int64_t n, int64_t space) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3;
    desc.dims[0] = n;
    desc.dims[1] = CHANNELS;
    desc.dims[2] = space;
    return desc;
}

static ek_norm_update update(fixture *f) {
    ek_norm_update report = {7, 7, 7};
    ek_error err;
    ek_status status = ek_norm_update_running(f->plan, f->args.saved, f->running_mean, f->running_var, &report, &err);
    if (status != EK_OK) fail_msg("%s", err.text);
    return report;
}

static void expect_near(float value, double expected) {
    if (!(fabs((double)value - expected) <= 2e-7 * (1 + fabs(expected)))) {
        fail_msg("%.9g, expected %.9g", (double)value, expected);
    }
}

/* keep * running + take * batch, with the variance scaled by `factor`. */
static void check_update(ek_norm_desc desc, double keep, double take, double factor) {
    fixture *f = fixture_make(&desc, 3, 10, 2);
    float *mean = copy_of(f->running_mean, CHANNELS), *var = copy_of(f->running_var, CHANNELS);
    fixture_forward(f, EK_STATS_BATCH);
    fixture_reference(f, EK_STATS_BATCH, 1);
    assert_true(same_bits(mean, f->running_mean, CHANNELS) && same_bits(var, f->running_var, CHANNELS));
    ek_norm_update report = update(f);
    assert_true(report.updated == 1 && report.nonfinite == 0 && report.first_nonfinite == -1);
    for (int c = 0; c < CHANNELS; c++) {
        expect_near(f->running_mean[c], keep * (double)mean[c] + take * f->rmean[c]);
        expect_near(f->running_var[c], keep * (double)var[c] + take * factor * f->rvar[c]);
    }
    free(mean);
    free(var);
    fixture_free(f);
}

static void conventions(void **state) {
    (void)state;
    ek_norm_desc desc = make_desc(4, 3);
    check_update(desc, 0.9, 0.1, 1);
    desc.running_variance = EK_VARIANCE_UNBIASED;
    check_update(desc, 0.9, 0.1, 12.0 / 11.0);
    desc.momentum = 0.25;
    desc.momentum_convention = EK_MOMENTUM_REPLACE;
    check_update(desc, 0.75, 0.25, 12.0 / 11.0);
    desc.running_variance = EK_VARIANCE_POPULATION;
    check_update(desc, 0.75, 0.25, 1);
    desc.momentum = 1;
    check_update(desc, 0, 1, 1);
    desc.momentum_convention = EK_MOMENTUM_KEEP;
    check_update(desc, 1, 0, 1);
}

static void expect_untouched(fixture *f, int64_t nonfinite, int64_t first) {
    float *mean = copy_of(f->running_mean, CHANNELS), *var = copy_of(f->running_var, CHANNELS);
    ek_norm_update report = update(f);
    assert_int_equal(report.updated, 0);
    assert_int_equal(report.nonfinite, nonfinite);
    assert_int_equal(report.first_nonfinite, first);
    assert_true(same_bits(mean, f->running_mean, CHANNELS) && same_bits(var, f->running_var, CHANNELS));
    free(mean);
    free(var);
}

/* All channels or none: two damaged channels are counted and the first is named. */
static void nonfinite_batch(void **state) {
    (void)state;
    const float values[] = {NAN, INFINITY, -INFINITY, 3e38f};
    for (int i = 0; i < 4; i++) {
        ek_norm_desc desc = make_desc(4, 3);
        fixture *f = fixture_make(&desc, 3, 10, 2);
        f->x[3 * CHANNELS * 3 + 2 * 3 + 1] = values[i]; /* sample 3, channel 2 */
        f->x[4 * 3] = values[i];                        /* sample 0, channel 4 */
        fixture_forward(f, EK_STATS_BATCH);
        expect_untouched(f, 2, 2); /* 3e38: the variance is finite, but not as a float */
        fixture_free(f);
    }
}

static void other_sources(void **state) {
    (void)state;
    ek_norm_desc desc = make_desc(4, 3);
    fixture *f = fixture_make(&desc, 3, 10, 2);
    fixture_forward(f, EK_STATS_RUNNING);
    expect_untouched(f, 0, -1);
    fixture_free(f);
    desc.dims[0] = 0;
    f = fixture_make(&desc, 3, 10, 2);
    fixture_forward(f, EK_STATS_BATCH);
    expect_untouched(f, 0, -1);
    fixture_free(f);
}

static fixture *one_value(ek_small_sample policy) {
    ek_norm_desc desc = make_desc(1, 1);
    desc.small_sample = policy;
    return fixture_make(&desc, 8, 1, 1);
}

static void expect_y_is_bias(const fixture *f) { assert_true(same_bits(f->y, f->bias, CHANNELS)); }

static void small_biased(void **state) {
    (void)state;
    fixture *f = one_value(EK_SMALL_BIASED);
    float before = f->running_var[1];
    fixture_forward(f, EK_STATS_BATCH);
    expect_y_is_bias(f);
    assert_int_equal(update(f).updated, 1);
    expect_near(f->running_var[1], 0.9 * (double)before);
    fixture_backward(f);
    for (int c = 0; c < CHANNELS; c++) assert_true(f->dx[c] == 0.0f && f->dscale[c] == 0.0f && f->dbias[c] == f->dy[c]);
    fixture_free(f);
    ek_norm_desc desc = make_desc(1, 1);
    desc.running_variance = EK_VARIANCE_UNBIASED; /* n - 1 = 0: the population variance, 0, not NaN */
    f = fixture_make(&desc, 8, 1, 1);
    fixture_forward(f, EK_STATS_BATCH);
    assert_int_equal(update(f).updated, 1);
    for (int c = 0; c < CHANNELS; c++) assert_true(isfinite(f->running_var[c]));
    fixture_free(f);
}

static void small_skip_update(void **state) {
    (void)state;
    fixture *f = one_value(EK_SMALL_SKIP_UPDATE);
    fixture_forward(f, EK_STATS_BATCH);
    expect_y_is_bias(f);
    expect_untouched(f, 0, -1);
    fixture_free(f);
}

static void small_use_running(void **state) {
    (void)state;
    fixture *f = one_value(EK_SMALL_USE_RUNNING);
    fixture_forward(f, EK_STATS_BATCH);
    fixture_reference(f, EK_STATS_RUNNING, 1);
    assert_true(fixture_error(f, f->y, f->ry) < 3e-7);
    fixture_backward(f);
    assert_true(fixture_error(f, f->dx, f->rdx) < 3e-7);
    expect_untouched(f, 0, -1);
    fixture_free(f);
}

static void small_error(void **state) {
    (void)state;
    fixture *f = one_value(EK_SMALL_ERROR);
    ek_error err;
    assert_int_equal(ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err), EK_ERR_SHAPE);
    assert_non_null(strstr(err.text, "[1, 5, 1]"));
    assert_non_null(strstr(err.text, "EK_SMALL_USE_RUNNING"));
    fixture_forward(f, EK_STATS_RUNNING); /* inference of one example is no small sample */
    fixture_free(f);
}

/* Policies are about exactly one value: two are a batch. */
static void two_values_are_a_batch(void **state) {
    (void)state;
    for (int policy = EK_SMALL_BIASED; policy <= EK_SMALL_ERROR; policy++) {
        ek_norm_desc desc = make_desc(2, 1);
        desc.small_sample = (ek_small_sample)policy;
        fixture *f = fixture_make(&desc, 8, 1, 1);
        fixture_forward(f, EK_STATS_BATCH);
        fixture_reference(f, EK_STATS_BATCH, 1);
        assert_true(fixture_error(f, f->y, f->ry) < 3e-7);
        assert_int_equal(update(f).updated, 1);
        fixture_free(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(conventions),       cmocka_unit_test(nonfinite_batch),
                                       cmocka_unit_test(other_sources),     cmocka_unit_test(small_biased),
                                       cmocka_unit_test(small_skip_update), cmocka_unit_test(small_use_running),
                                       cmocka_unit_test(small_error),       cmocka_unit_test(two_values_are_a_batch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
