/* test_norm_presets.c: the presets are what docs/semantics.md says, the cumulative average is the mean of the batches,
 * and merged moments are the moments of all data at once. */
#include "norm/fixture.h"

#include "base/memory.h"
#include <cmocka.h>
#include <evenkeel/moments.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 5, SPACE = 7 };

static ek_error err;

static void preset_values(void **state) {
    (void)state;
    const struct {
        ek_norm_preset preset;
        double batch_epsilon, rms_epsilon, momentum;
        ek_momentum_convention convention;
        ek_running_variance variance;
        ek_small_sample small_sample;
    } rows[] = {{EK_PRESET_ONNX, 1e-5, 1e-5, 0.9, EK_MOMENTUM_KEEP, EK_VARIANCE_POPULATION, EK_SMALL_BIASED},
                {EK_PRESET_TORCH, 1e-5, 0x1p-23, 0.1, EK_MOMENTUM_REPLACE, EK_VARIANCE_UNBIASED, EK_SMALL_ERROR},
                {EK_PRESET_KERAS, 1e-3, 1e-6, 0.99, EK_MOMENTUM_KEEP, EK_VARIANCE_POPULATION, EK_SMALL_BIASED},
                {EK_PRESET_FLAX, 1e-5, 1e-6, 0.99, EK_MOMENTUM_KEEP, EK_VARIANCE_POPULATION, EK_SMALL_BIASED},
                {EK_PRESET_CUDNN, 1e-5, 1e-5, 0.1, EK_MOMENTUM_REPLACE, EK_VARIANCE_UNBIASED, EK_SMALL_SKIP_UPDATE},
                {EK_PRESET_TF_FUSED, 1e-4, 1e-6, 1.0, EK_MOMENTUM_REPLACE, EK_VARIANCE_UNBIASED, EK_SMALL_BIASED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ek_norm_desc d = ek_norm_desc_preset(EK_NORM_BATCH, rows[i].preset);
        assert_true(d.epsilon == rows[i].batch_epsilon && d.momentum == rows[i].momentum);
        assert_true(d.momentum_convention == rows[i].convention && d.running_variance == rows[i].variance);
        assert_int_equal(d.small_sample, rows[i].small_sample);
        assert_true(ek_norm_desc_preset(EK_NORM_RMS, rows[i].preset).epsilon == rows[i].rms_epsilon);
    }
    ek_norm_desc plain = ek_norm_desc_default(EK_NORM_GROUP), onnx = ek_norm_desc_preset(EK_NORM_GROUP, EK_PRESET_ONNX);
    assert_memory_equal(&plain, &onnx, sizeof plain);
    ek_norm_plan *plan;
    ek_norm_desc none = ek_norm_desc_preset(EK_NORM_BATCH, (ek_norm_preset)6);
    assert_int_equal(ek_norm_plan_create(&none, &plan, &err), EK_ERR_ARG);
}

static ek_norm_desc desc_of(int64_t n) {
    ek_norm_desc desc = ek_norm_desc_preset(EK_NORM_BATCH, EK_PRESET_TORCH);
    desc.momentum_convention = EK_MOMENTUM_CUMULATIVE;
    desc.rank = 3;
    desc.dims[0] = n;
    desc.dims[1] = CHANNELS;
    desc.dims[2] = SPACE;
    return desc;
}

static void expect_near(float value, double expected) {
    if (!(fabs((double)value - expected) <= 4e-7 * (1 + fabs(expected)))) {
        fail_msg("%.9g, expected %.9g", (double)value, expected);
    }
}

static int64_t commit(fixture *f, float *mean, float *var, int64_t *updates) {
    ek_norm_update report;
    ek_status status = ek_norm_update_cumulative(f->plan, f->args.saved, mean, var, updates, &report, &err);
    if (status != EK_OK) fail_msg("%s", err.text);
    return report.updated;
}

static void cumulative_average(void **state) {
    (void)state;
    float mean[CHANNELS], var[CHANNELS];
    double mean_sum[CHANNELS] = {0}, var_sum[CHANNELS] = {0};
    for (int c = 0; c < CHANNELS; c++) mean[c] = var[c] = NAN; /* not read by the first commit */
    int64_t updates = 0;
    for (int b = 0; b < 6; b++) {
        ek_norm_desc desc = desc_of(3 + b);
        fixture *f = fixture_make(&desc, (uint64_t)b, b, 1 + b);
        fixture_forward(f, EK_STATS_BATCH);
        fixture_reference(f, EK_STATS_BATCH, 1);
        assert_int_equal(commit(f, mean, var, &updates), 1);
        assert_int_equal(updates, b + 1);
        double n = (double)((3 + b) * SPACE);
        for (int c = 0; c < CHANNELS; c++) {
            mean_sum[c] += f->rmean[c];
            var_sum[c] += f->rvar[c] * n / (n - 1);
            expect_near(mean[c], mean_sum[c] / (b + 1));
            expect_near(var[c], var_sum[c] / (b + 1));
        }
        f->x[3] = NAN; /* a poisoned batch does not count */
        fixture_forward(f, EK_STATS_BATCH);
        assert_int_equal(commit(f, mean, var, &updates), 0);
        assert_int_equal(updates, b + 1);
        fixture_free(f);
    }
}

static void expect(ek_status status, ek_status expected, const char *part) {
    assert_int_equal(status, expected);
    if (strstr(err.text, part) == NULL) fail_msg("\"%s\" does not contain \"%s\"", err.text, part);
}

static void cumulative_errors(void **state) {
    (void)state;
    ek_norm_desc desc = desc_of(3);
    fixture *f = fixture_make(&desc, 1, 0, 1);
    fixture_forward(f, EK_STATS_BATCH);
    float *mean = f->running_mean, *var = f->running_var;
    int64_t updates = -1;
    expect(ek_norm_update_running(f->plan, f->args.saved, mean, var, NULL, &err), EK_ERR_ARG, "_cumulative()");
    expect(ek_norm_update_cumulative(f->plan, f->args.saved, mean, var, NULL, NULL, &err), EK_ERR_ARG, "updates is N");
    expect(ek_norm_update_cumulative(f->plan, f->args.saved, mean, var, &updates, NULL, &err), EK_ERR_ARG, "negative");
    updates = 1;
    mean[2] = NAN;
    expect(ek_norm_update_cumulative(f->plan, f->args.saved, mean, var, &updates, NULL, &err), EK_ERR_NONFINITE,
           "running_mean[2]");
    fixture_free(f);
    desc.momentum_convention = EK_MOMENTUM_KEEP;
    f = fixture_make(&desc, 1, 0, 1);
    fixture_forward(f, EK_STATS_BATCH);
    expect(ek_norm_update_cumulative(f->plan, f->args.saved, f->running_mean, f->running_var, &updates, NULL, &err),
           EK_ERR_ARG, "ek_norm_update_running()");
    fixture_free(f);
}

/* Batches of different sizes and means: the total is that of all values in one set, between-batch variance included. */
static void population(void **state) {
    (void)state;
    ek_moments total[CHANNELS], batch[CHANNELS];
    memset(total, 0, sizeof total);
    long double sum[CHANNELS] = {0}, square[CHANNELS] = {0}, count = 0, offset = 1e4L;
    ek_norm_desc desc = desc_of(1);
    fixture *f = NULL;
    for (int b = 0; b < 9; b++) {
        desc.dims[0] = 1 + b * b % 7;
        f = fixture_make(&desc, (uint64_t)b, 1e4 + 3 * b, 2);
        fixture_forward(f, EK_STATS_BATCH);
        assert_int_equal(ek_norm_batch_moments(f->plan, f->args.saved, batch, &err), EK_OK);
        for (size_t i = 0; i < f->elements; i++) {
            long double v = f->rx[i] - offset;
            sum[f->set[i]] += v;
            square[f->set[i]] += v * v;
        }
        count += desc.dims[0] * SPACE;
        for (int c = 0; c < CHANNELS; c++) total[c] = ek_moments_merge(total[c], batch[c]);
        if (b < 8) fixture_free(f);
    }
    assert_int_equal(ek_norm_set_running(f->plan, total, f->running_mean, f->running_var, &err), EK_OK);
    for (int c = 0; c < CHANNELS; c++) {
        long double mean = sum[c] / count, m2 = square[c] - sum[c] * mean;
        assert_true(total[c].count == (int64_t)count);
        assert_true(fabsl(total[c].mean - (mean + offset)) < 1e-12L * offset);
        assert_true(fabsl(total[c].m2 / m2 - 1) < 1e-12L);
        expect_near(f->running_mean[c], (double)(mean + offset));
        expect_near(f->running_var[c], (double)(m2 / (count - 1))); /* the torch preset is unbiased */
    }
    fixture_free(f);
}

static void moments_edges(void **state) {
    (void)state;
    ek_moments none = {0, 0, 0}, some = {3, 0.1, 0.7}, out[CHANNELS];
    ek_moments a = ek_moments_merge(none, some), b = ek_moments_merge(some, none);
    assert_memory_equal(&a, &some, sizeof some);
    assert_memory_equal(&b, &some, sizeof some);
    assert_true(ek_moments_variance(none, EK_VARIANCE_POPULATION) == 0);
    assert_true(ek_moments_variance((ek_moments){1, 2, 0}, EK_VARIANCE_UNBIASED) == 0);
    assert_true(ek_moments_variance(some, EK_VARIANCE_UNBIASED) == 0.35);
    ek_norm_desc desc = desc_of(2);
    fixture *f = fixture_make(&desc, 1, 0, 1);
    fixture_forward(f, EK_STATS_RUNNING);
    assert_int_equal(ek_norm_batch_moments(f->plan, f->args.saved, out, &err), EK_OK);
    assert_true(out[4].count == 0);
    expect(ek_norm_set_running(f->plan, out, f->running_mean, f->running_var, &err), EK_ERR_ARG, "moments[0].count");
    expect(ek_norm_set_running(f->plan, NULL, f->running_mean, f->running_var, &err), EK_ERR_ARG, "moments is NULL");
    expect(ek_norm_batch_moments(f->plan, f->args.saved, NULL, &err), EK_ERR_ARG, "out is NULL, expected 5");
    expect(ek_norm_batch_moments(NULL, f->args.saved, out, &err), EK_ERR_ARG, "plan is NULL");
    f->x[SPACE] = INFINITY;
    fixture_forward(f, EK_STATS_BATCH);
    expect(ek_norm_batch_moments(f->plan, f->args.saved, out, &err), EK_ERR_NONFINITE, "set 1");
    for (int c = 0; c < CHANNELS; c++) out[c] = (ek_moments){2, 1e300, 1};
    expect(ek_norm_set_running(f->plan, out, f->running_mean, f->running_var, &err), EK_ERR_NONFINITE, "moments[0]");
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(preset_values), cmocka_unit_test(cumulative_average),
                                       cmocka_unit_test(cumulative_errors), cmocka_unit_test(population),
                                       cmocka_unit_test(moments_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
