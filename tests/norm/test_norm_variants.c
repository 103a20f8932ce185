/* test_norm_variants.c: virtual (ghost) batches and batch renorm, against their definitions. */
#include "norm/everywhere.h"

#include "base/memory.h"
#include <cmocka.h>
#include <evenkeel/moments.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 6 };

static ek_error err;

static ek_norm_desc desc_of(ek_layout layout, int64_t n, int64_t space) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.layout = layout;
    desc.rank = 3;
    desc.dims[0] = n;
    desc.dims[1] = CHANNELS;
    desc.dims[2] = space;
    return desc;
}

static const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};

static void expect_below(double error, double bound, const char *what) {
    if (!(error <= bound)) fail_msg("%s is off by %g, bound %g", what, error, bound);
}

static void check_values(fixture *f, ek_norm_stats stats) {
    fixture_forward(f, stats);
    fixture_backward(f);
    fixture_reference(f, stats, 1);
    expect_below(fixture_error(f, f->y, f->ry), 3e-7, "y");
    expect_below(fixture_error(f, f->dx, f->rdx), 4e-7, "dx");
    expect_below(array_error(f->dscale, f->rdscale, f->parameters), 1e-7, "dscale");
    expect_below(array_error(f->dbias, f->rdbias, f->parameters), 1e-7, "dbias");
    expect_below(array_error(f->mean, f->rmean, f->sets), 1e-7, "mean");
    expect_below(array_error(f->var, f->rvar, f->sets), 1e-7, "var");
}

/* Every layout; a short last virtual batch; S = 1; one sample per batch. */
static void ghost_values(void **state) {
    (void)state;
    const int64_t cases[][3] = {{12, 4, 7}, {13, 4, 7}, {40, 16, 1}, {5, 1, 9}, {9, 8, 20}, {3, 2, 17000}};
    for (int l = 0; l < 4; l++) {
        for (int i = 0; i < 6; i++) {
            ek_norm_desc desc = desc_of(layouts[l], cases[i][0], cases[i][2]);
            desc.ghost = cases[i][1];
            fixture *f = fixture_make(&desc, 5, 2, 3);
            assert_int_equal(f->sets, CHANNELS * ((cases[i][0] + desc.ghost - 1) / desc.ghost));
            check_values(f, EK_STATS_BATCH);
            check_values(f, EK_STATS_RUNNING);
            fixture_free(f);
        }
    }
    ek_norm_desc desc = desc_of(EK_LAYOUT_NCHW, 37, 300);
    desc.ghost = 8;
    same_bits_everywhere(desc, NULL);
}

/* One virtual batch is the batch; one example each is instance norm, bit for bit. */
static void ghost_identities(void **state) {
    (void)state;
    ek_norm_desc desc = desc_of(EK_LAYOUT_NCHW, 7, 30);
    fixture *plain = fixture_make(&desc, 5, 2, 3);
    desc.ghost = 7;
    fixture *whole = fixture_make(&desc, 5, 2, 3);
    desc.ghost = 1;
    fixture *each = fixture_make(&desc, 5, 2, 3);
    desc.ghost = 0;
    desc.kind = EK_NORM_INSTANCE;
    fixture *instance = fixture_make(&desc, 5, 2, 3);
    fixture *pairs[2][2] = {{plain, whole}, {each, instance}};
    for (int i = 0; i < 2; i++) {
        memcpy(pairs[i][1]->x, pairs[i][0]->x, plain->buffer * sizeof(float));
        for (int j = 0; j < 2; j++) {
            fixture_forward(pairs[i][j], EK_STATS_BATCH);
            fixture_backward(pairs[i][j]);
        }
        assert_true(same_bits(pairs[i][0]->y, pairs[i][1]->y, plain->buffer));
        assert_true(same_bits(pairs[i][0]->var, pairs[i][1]->var, pairs[i][0]->sets));
        fixture *a = pairs[i][0], *b = pairs[i][1];
        for (size_t e = 0; e < a->buffer && i == 0; e++) assert_true(a->dx[e] == b->dx[e]);
        assert_true(i == 1 || same_bits(a->dscale, b->dscale, CHANNELS));
    }
    fixture_free(plain);
    fixture_free(whole);
    fixture_free(each);
    fixture_free(instance);
}

/* The update takes the mean over virtual batches, weighed by their elements; moments are per virtual batch. */
static void ghost_running(void **state) {
    (void)state;
    ek_norm_desc desc = desc_of(EK_LAYOUT_NCHW, 10, 3);
    desc.ghost = 4;
    desc.running_variance = EK_VARIANCE_UNBIASED;
    fixture *f = fixture_make(&desc, 5, 2, 3);
    float before[CHANNELS];
    memcpy(before, f->running_var, sizeof before);
    fixture_forward(f, EK_STATS_BATCH);
    fixture_reference(f, EK_STATS_BATCH, 1);
    ek_norm_update report;
    assert_int_equal(ek_norm_update_running(f->plan, f->args.saved, f->running_mean, f->running_var, &report, &err),
                     EK_OK);
    assert_int_equal(report.updated, 1);
    ek_moments moments[3 * CHANNELS];
    assert_int_equal(ek_norm_batch_moments(f->plan, f->args.saved, moments, &err), EK_OK);
    assert_true(moments[0].count == 12 && moments[3 * CHANNELS - 1].count == 6);
    for (int c = 0; c < CHANNELS; c++) {
        double v[3] = {f->rvar[c] * 12 / 11, f->rvar[CHANNELS + c] * 12 / 11, f->rvar[2 * CHANNELS + c] * 6 / 5};
        double expected = 0.9 * (double)before[c] + 0.1 * (v[0] * 12 + v[1] * 12 + v[2] * 6) / 30;
        assert_true(fabs((double)f->running_var[c] / expected - 1) < 3e-7);
    }
    fixture_free(f);
}

/* 5 examples of one value by 4: the last virtual batch has a single value per channel. */
static void ghost_small_samples(void **state) {
    (void)state;
    for (int policy = EK_SMALL_BIASED; policy <= EK_SMALL_ERROR; policy++) {
        ek_norm_desc desc = desc_of(EK_LAYOUT_NHWC, 5, 1);
        desc.ghost = 4;
        desc.small_sample = (ek_small_sample)policy;
        fixture *f = fixture_make(&desc, 5, 2, 3);
        if (policy == EK_SMALL_ERROR) {
            assert_int_equal(ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err), EK_ERR_SHAPE);
            assert_non_null(strstr(err.text, "in a virtual batch"));
            fixture_free(f);
            continue;
        }
        fixture_forward(f, EK_STATS_BATCH);
        ek_norm_update report;
        assert_int_equal(ek_norm_update_running(f->plan, f->args.saved, f->running_mean, f->running_var, &report, &err),
                         EK_OK);
        assert_int_equal(report.updated, policy == EK_SMALL_BIASED);
        bool uses_running = f->mean[CHANNELS] == f->running_mean[0];
        assert_true(uses_running == (policy == EK_SMALL_USE_RUNNING));
        fixture_backward(f);
        assert_true((f->dx[4 * CHANNELS] != 0.0f) == uses_running);
        fixture_free(f);
    }
}

/* y = scale * (xhat * r + d) + bias by the definition, from rx; r and d given or made. Returns sum dy * y. */
static double renorm_direct(fixture *f, double r[CHANNELS], double d[CHANNELS], bool make) {
    eki_ref_norm norm = {.elements = f->elements,
                         .sets = f->sets,
                         .parameters = f->parameters,
                         .set = f->set,
                         .parameter = f->parameter,
                         .centred = 1,
                         .epsilon = f->desc.epsilon};
    eki_ref_moments(&norm, f->rx, f->rmean, f->rvar);
    for (int c = 0; c < CHANNELS && make; c++) {
        double sigma = sqrt((double)f->running_var[c] + f->desc.epsilon);
        r[c] = fmin(fmax(sqrt(f->rvar[c] + f->desc.epsilon) / sigma, 1 / f->desc.renorm_r_max), f->desc.renorm_r_max);
        d[c] = (f->rmean[c] - (double)f->running_mean[c]) / sigma;
        d[c] = fmin(fmax(d[c], -f->desc.renorm_d_max), f->desc.renorm_d_max);
    }
    double sum = 0;
    for (size_t i = 0; i < f->elements; i++) {
        size_t c = f->set[i];
        double xhat = (f->rx[i] - f->rmean[c]) / sqrt(f->rvar[c] + f->desc.epsilon);
        f->ry[i] = f->rscale[c] * (xhat * r[c] + d[c]) + f->rbias[c];
        sum += f->rdy[i] * f->ry[i];
    }
    return sum;
}

static double slope(fixture *f, double r[CHANNELS], double d[CHANNELS], double *value) {
    const double h = 1e-5, before = *value;
    *value = before + h;
    double up = renorm_direct(f, r, d, false);
    *value = before - h;
    double down = renorm_direct(f, r, d, false);
    *value = before;
    return (up - down) / (2 * h);
}

/* Both ranges of the clips, every layout: y, and gradients by central differences with r and d held. */
static void renorm_values(void **state) {
    (void)state;
    const double limits[][2] = {{1.01, 0.05}, {3, 5}, {100, 100}, {1, 0}};
    for (int i = 0; i < 16; i++) {
        ek_norm_desc desc = desc_of(layouts[i / 4], 4, 5);
        desc.renorm_r_max = limits[i % 4][0];
        desc.renorm_d_max = limits[i % 4][1];
        fixture *f = fixture_make(&desc, 5, 2, 3);
        fixture_forward(f, EK_STATS_BATCH);
        fixture_backward(f);
        double r[CHANNELS], d[CHANNELS];
        renorm_direct(f, r, d, true);
        expect_below(fixture_error(f, f->y, f->ry), 4e-7, "y");
        for (size_t e = 0; e < f->elements; e++) f->rdx[e] = slope(f, r, d, &f->rx[e]);
        for (int c = 0; c < CHANNELS; c++) {
            f->rdscale[c] = slope(f, r, d, &f->rscale[c]);
            f->rdbias[c] = slope(f, r, d, &f->rbias[c]);
        }
        expect_below(fixture_error(f, f->dx, f->rdx), 1e-6, "dx");
        expect_below(array_error(f->dscale, f->rdscale, CHANNELS), 1e-6, "dscale");
        expect_below(array_error(f->dbias, f->rdbias, CHANNELS), 1e-6, "dbias");
        fixture_free(f);
    }
}

/* r_max = 1 and d_max = 0 is batch norm; running statistics that equal the batch's change nothing; unclipped, y is that
 * of inference with the running statistics. */
static void renorm_identities(void **state) {
    (void)state;
    ek_norm_desc desc = desc_of(EK_LAYOUT_NCHW, 6, 50);
    fixture *plain = fixture_make(&desc, 5, 2, 3);
    fixture_forward(plain, EK_STATS_BATCH);
    fixture_backward(plain);
    desc.renorm_r_max = 1;
    fixture *off = fixture_make(&desc, 5, 2, 3);
    fixture_forward(off, EK_STATS_BATCH);
    fixture_backward(off);
    assert_true(same_bits(plain->y, off->y, plain->buffer) && same_bits(plain->dx, off->dx, plain->buffer));
    assert_true(same_bits(plain->dscale, off->dscale, CHANNELS));
    desc.renorm_r_max = desc.renorm_d_max = 1e6;
    fixture *wide = fixture_make(&desc, 5, 2, 3);
    fixture_forward(wide, EK_STATS_BATCH);
    fixture_reference(wide, EK_STATS_RUNNING, 1);
    expect_below(fixture_error(wide, wide->y, wide->ry), 1e-6, "y");
    fixture_forward(wide, EK_STATS_RUNNING);
    fixture_forward(plain, EK_STATS_RUNNING);
    assert_true(same_bits(plain->y, wide->y, plain->buffer));
    desc.ghost = 4; /* each virtual batch has its own r and d */
    same_bits_everywhere(desc, NULL);
    fixture_free(plain);
    fixture_free(off);
    fixture_free(wide);
}

static void refuse(ek_norm_desc desc, const char *part) {
    ek_norm_plan *plan;
    assert_int_equal(ek_norm_plan_create(&desc, &plan, &err), EK_ERR_ARG);
    if (strstr(err.text, part) == NULL) fail_msg("\"%s\" does not contain \"%s\"", err.text, part);
}

static void errors(void **state) {
    (void)state;
    ek_norm_desc good = desc_of(EK_LAYOUT_NCHW, 4, 4), d = good;
    d.ghost = -1;
    refuse(d, "desc.ghost is -1");
    d.ghost = 2;
    d.kind = EK_NORM_GROUP;
    refuse(d, "desc.ghost is set, expected 0 for group norm");
    d = good;
    d.renorm_r_max = 0.5;
    refuse(d, "desc.renorm_r_max is 0.5");
    d.renorm_r_max = NAN;
    refuse(d, "desc.renorm_r_max is nan");
    d.renorm_r_max = 2;
    d.renorm_d_max = -1;
    refuse(d, "desc.renorm_d_max is -1");
    d.renorm_r_max = 0;
    d.renorm_d_max = 1;
    refuse(d, "turns batch renorm off");
    d = good;
    d.renorm_r_max = 2;
    fixture *f = fixture_make(&d, 1, 0, 1);
    f->args.running_var = NULL;
    assert_int_equal(ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err), EK_ERR_ARG);
    assert_non_null(strstr(err.text, "batch renorm compares"));
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ghost_values),  cmocka_unit_test(ghost_identities),
                                       cmocka_unit_test(ghost_running), cmocka_unit_test(ghost_small_samples),
                                       cmocka_unit_test(renorm_values), cmocka_unit_test(renorm_identities),
                                       cmocka_unit_test(errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
