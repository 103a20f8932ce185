/* test_norm_debiased.c: running statistics that never hold their initial values: the commit against its formula in long
 * double, under both conventions, at the ends of momentum, after many updates and on every instruction set.
 */
#include "cpu/dispatch.h"
#include "norm/fixture.h"

#include <cmocka.h>
#include <evenkeel/cpu.h>
#include <math.h>
#include <string.h>

enum { CHANNELS = 5, VALUES = 12, STEPS = 40 };

static ek_error err;

static void ok(ek_status status) {
    if (status != EK_OK) fail_msg("%s", err.text);
}

static ek_norm_desc desc_of(ek_momentum_convention convention, double momentum) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3;
    desc.dims[0] = 4;
    desc.dims[1] = CHANNELS;
    desc.dims[2] = 3;
    desc.momentum = momentum;
    desc.momentum_convention = convention;
    desc.running_start = EK_START_DEBIASED;
    return desc;
}

/* An f64 plan with batches that differ from step to step. */
typedef struct run {
    ek_norm_plan *plan;
    double x[4 * CHANNELS * 3], mean[CHANNELS], var[CHANNELS];
    double running_mean[CHANNELS], running_var[CHANNELS];
    uint64_t saved[512];
    _Alignas(64) uint64_t workspace[8192];
    ek_norm_args args;
    int64_t updates;
} run;

static void start(run *r, ek_norm_desc desc) {
    static double y[4 * CHANNELS * 3];
    memset(r, 0, sizeof *r);
    desc.dtype = EK_F64;
    ok(ek_norm_plan_create(&desc, &r->plan, &err));
    assert_true(ek_norm_saved_bytes(r->plan) <= sizeof r->saved);
    assert_true(ek_norm_workspace_bytes(r->plan) <= sizeof r->workspace);
    for (int c = 0; c < CHANNELS; c++)
        r->running_mean[c] = r->running_var[c] = NAN; /* the first commit reads nothing */
    r->args = (ek_norm_args){.struct_size = sizeof r->args,
                             .x = r->x,
                             .y = y,
                             .mean = r->mean,
                             .var = r->var,
                             .saved = r->saved,
                             .workspace = r->workspace};
}

static void step(run *r, int t) {
    for (int i = 0; i < 4 * CHANNELS * 3; i++) r->x[i] = 3.0 + sin(i * 0.7 + t) * (1.0 + t % 5) + 0.1 * t;
    ok(ek_norm_forward(r->plan, EK_STATS_BATCH, &r->args, &err));
    ok(ek_norm_update_debiased(r->plan, r->saved, r->running_mean, r->running_var, &r->updates, NULL, &err));
    assert_int_equal(r->updates, t);
}

static void expect_near(double found, long double expected, double bound) {
    if (!(fabsl((long double)found - expected) <= (long double)bound * fabsl(expected))) {
        fail_msg("%.17g, expected %.17g", found, (double)expected);
    }
}

/* sum (1 - m) m^(t-i) batch_i / (1 - m^t); the weights as they stand, over their own sum, which m = 1 has too. */
static void formula(ek_momentum_convention convention, double momentum, long double keep) {
    run r;
    long double means[CHANNELS] = {0}, variances[CHANNELS] = {0}, weight = 0;
    start(&r, desc_of(convention, momentum));
    for (int t = 1; t <= STEPS; t++) {
        step(&r, t);
        weight = keep * weight + 1;
        for (int c = 0; c < CHANNELS; c++) {
            means[c] = keep * means[c] + (long double)r.mean[c];
            variances[c] = keep * variances[c] + (long double)r.var[c];
            expect_near(r.running_mean[c], means[c] / weight, 1e-14);
            expect_near(r.running_var[c], variances[c] / weight, 1e-14);
        }
    }
    ek_norm_plan_destroy(r.plan);
}

static void formulas(void **state) {
    (void)state;
    const double momenta[] = {0, 0.1, 0.5, 0.9, 0.99, 0.999999, 1 - 1e-12, 1};
    for (size_t i = 0; i < sizeof momenta / sizeof *momenta; i++) {
        formula(EK_MOMENTUM_KEEP, momenta[i], (long double)momenta[i]);
        formula(EK_MOMENTUM_REPLACE, momenta[i], 1 - (long double)momenta[i]);
        formula(EK_MOMENTUM_CUMULATIVE, momenta[i], 1);
    }
}

/* The first commit is the batch to the bit; m = 0 stays the last batch; m = 1 has the bits of the cumulative average.
 */
static void ends(void **state) {
    (void)state;
    run last, all, cumulative;
    ek_norm_desc mean_of_all = desc_of(EK_MOMENTUM_CUMULATIVE, 0.9);
    mean_of_all.running_start = EK_START_INITIAL;
    start(&last, desc_of(EK_MOMENTUM_REPLACE, 1));
    start(&all, desc_of(EK_MOMENTUM_KEEP, 1));
    start(&cumulative, mean_of_all);
    for (int t = 1; t <= STEPS; t++) {
        step(&last, t);
        step(&all, t);
        assert_memory_equal(last.running_mean, last.mean, sizeof last.mean);
        assert_memory_equal(last.running_var, last.var, sizeof last.var);
        if (t == 1) assert_memory_equal(all.running_var, all.var, sizeof all.var);
        ok(ek_norm_update_cumulative(cumulative.plan, all.saved, cumulative.running_mean, cumulative.running_var,
                                     &cumulative.updates, NULL, &err));
        assert_memory_equal(all.running_mean, cumulative.running_mean, sizeof all.running_mean);
        assert_memory_equal(all.running_var, cumulative.running_var, sizeof all.running_var);
    }
    ek_norm_plan_destroy(last.plan);
    ek_norm_plan_destroy(all.plan);
    ek_norm_plan_destroy(cumulative.plan);
}

/* With many updates behind it the commit is that of the plain average. */
static void becomes_plain(void **state) {
    (void)state;
    run r;
    start(&r, desc_of(EK_MOMENTUM_KEEP, 0.99));
    step(&r, 1);
    const int64_t counts[] = {10000, 1000000000, INT64_MAX - 1};
    for (int i = 0; i < 3; i++) {
        double before = r.running_mean[2];
        r.updates = counts[i];
        ok(ek_norm_update_debiased(r.plan, r.saved, r.running_mean, r.running_var, &r.updates, NULL, &err));
        assert_true(r.updates == counts[i] + 1);
        expect_near(r.running_mean[2], 0.99L * (long double)before + 0.01L * (long double)r.mean[2], 1e-15);
        r.running_mean[2] += 1;
    }
    assert_int_equal(ek_norm_update_debiased(r.plan, r.saved, r.running_mean, r.running_var, &r.updates, NULL, &err),
                     EK_ERR_ARG);
    assert_non_null(strstr(err.text, "largest"));
    ek_norm_plan_destroy(r.plan);
}

/* f32, virtual batches: the same bits on every instruction set; a poisoned batch does not count. */
static void everywhere(void **state) {
    (void)state;
    float mean[2][CHANNELS], var[2][CHANNELS];
    for (size_t i = 0; eki_kernels_at(i, EKI_F32) != NULL; i++) {
        if (!eki_kernels_supported(i)) continue;
        assert_int_equal(ek_cpu_set_isa(eki_kernels_at(i, EKI_F32)->isa, NULL), EK_OK);
        int64_t updates = 0;
        for (uint64_t t = 0; t < 7; t++) {
            ek_norm_desc desc = desc_of(EK_MOMENTUM_KEEP, 0.9);
            desc.ghost = t % 2 == 0 ? 0 : 3;
            fixture *f = fixture_make(&desc, t, 5, 2);
            fixture_forward(f, EK_STATS_BATCH);
            ok(ek_norm_update_debiased(f->plan, f->args.saved, mean[i > 0], var[i > 0], &updates, NULL, &err));
            f->x[7] = INFINITY;
            fixture_forward(f, EK_STATS_BATCH);
            ek_norm_update report;
            ok(ek_norm_update_debiased(f->plan, f->args.saved, mean[i > 0], var[i > 0], &updates, &report, &err));
            assert_true(report.updated == 0 && report.nonfinite == 1 && updates == (int64_t)t + 1);
            fixture_free(f);
        }
        assert_memory_equal(mean[0], mean[i > 0], sizeof mean[0]);
        assert_memory_equal(var[0], var[i > 0], sizeof var[0]);
    }
    assert_int_equal(ek_cpu_set_isa(NULL, NULL), EK_OK);
}

static void expect(ek_status status, ek_status expected, const char *part) {
    assert_int_equal(status, expected);
    if (strstr(err.text, part) == NULL) fail_msg("\"%s\" does not contain \"%s\"", err.text, part);
}

static void errors(void **state) {
    (void)state;
    ek_norm_desc desc = desc_of(EK_MOMENTUM_KEEP, 0.9);
    fixture *f = fixture_make(&desc, 1, 0, 1);
    float *mean = f->running_mean, *var = f->running_var;
    int64_t updates = -1;
    fixture_forward(f, EK_STATS_BATCH);
    expect(ek_norm_update_running(f->plan, f->args.saved, mean, var, NULL, &err), EK_ERR_ARG, "_debiased()");
    expect(ek_norm_update_debiased(f->plan, f->args.saved, mean, var, NULL, NULL, &err), EK_ERR_ARG, "updates is NULL");
    expect(ek_norm_update_debiased(f->plan, f->args.saved, mean, var, &updates, NULL, &err), EK_ERR_ARG, "negative");
    expect(ek_norm_update_debiased(NULL, f->args.saved, mean, var, &updates, NULL, &err), EK_ERR_ARG, "plan is NULL");
    updates = 1;
    mean[2] = NAN;
    expect(ek_norm_update_debiased(f->plan, f->args.saved, mean, var, &updates, NULL, &err), EK_ERR_NONFINITE,
           "running_mean[2]");
    fixture_free(f);
    desc.running_start = EK_START_INITIAL;
    f = fixture_make(&desc, 1, 0, 1);
    fixture_forward(f, EK_STATS_BATCH);
    expect(ek_norm_update_debiased(f->plan, f->args.saved, f->running_mean, f->running_var, &updates, NULL, &err),
           EK_ERR_ARG, "ek_norm_update_running()");
    fixture_free(f);
    ek_norm_plan *plan;
    desc.running_start = (ek_running_start)2;
    expect(ek_norm_plan_create(&desc, &plan, &err), EK_ERR_ARG, "desc.running_start is 2");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(formulas), cmocka_unit_test(ends),
                                       cmocka_unit_test(becomes_plain), cmocka_unit_test(everywhere),
                                       cmocka_unit_test(errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
