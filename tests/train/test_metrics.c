/* test_metrics.c: metrics against their definitions, counted by hand; what is refused. */
#include "train/train_fixture.h"

#include <evenkeel/metrics.h>
#include <math.h>
#include <string.h>

/* 0 is taken for 0, 0, 1; 1 for 1; 2 for 0, 1; 3 has no example and is said once of a 1; nothing is taken for 2 or 4,
 * and 4 has no example either. */
static const int32_t labels[] = {0, 0, 0, 1, 2, 2, 1}, predicted[] = {0, 0, 1, 1, 0, 1, 3};
enum { COUNT = 7, CLASSES = 5 };

static void near(double a, double b) {
    if (isnan(a) && isnan(b)) return;
    if (!(fabs(a - b) < 1e-12)) fail_msg("%.17g is not %.17g", a, b);
}

static void check_class(const ek_metrics *m, int64_t index, int64_t right, double precision, double recall, double f1,
                        double iou) {
    ek_class_metrics c = ek_metrics_class(m, index);
    assert_int_equal(c.right, right);
    near(c.precision, precision);
    near(c.recall, recall);
    near(c.f1, f1);
    near(c.iou, iou);
}

static void test_classes(void **state) {
    (void)state;
    ek_metrics *m;
    OK(ek_metrics_create(CLASSES, &m, err));
    OK(ek_metrics_add(m, labels, predicted, 3, err));
    OK(ek_metrics_add(m, labels + 3, predicted + 3, COUNT - 3, err));
    check_class(m, 0, 2, 2 / 3.0, 2 / 3.0, 2 / 3.0, 2 / 4.0);
    check_class(m, 1, 1, 1 / 3.0, 1 / 2.0, 2 / 5.0, 1 / 4.0);
    check_class(m, 2, 0, NAN, 0, 0, 0);
    check_class(m, 3, 0, 0, NAN, 0, 0);
    check_class(m, 4, 0, NAN, NAN, NAN, NAN);
    ek_metrics_summary s = ek_metrics_read(m);
    assert_int_equal(s.examples, COUNT);
    assert_int_equal(s.right, 3);
    near(s.accuracy, 3 / 7.0);
    near(s.precision, (2 / 3.0 + 1 / 3.0 + 0) / 3);
    near(s.recall, (2 / 3.0 + 1 / 2.0 + 0) / 3);
    near(s.f1, (2 / 3.0 + 2 / 5.0 + 0) / 3);
    near(s.iou, (2 / 4.0 + 1 / 4.0 + 0) / 3);
    static const int64_t confusion[CLASSES][CLASSES] = {{2, 1}, {0, 1, 0, 1}, {1, 1}};
    for (int64_t i = 0; i < CLASSES; i++)
        for (int64_t k = 0; k < CLASSES; k++) assert_int_equal(ek_metrics_confusion(m, i, k), confusion[i][k]);
    assert_int_equal(ek_metrics_confusion(m, 0, CLASSES), -1);
    FAILS(EK_ERR_ARG, "the label of example 1 is -1, expected 0 to 4",
          ek_metrics_add(m, (const int32_t[]){0, -1}, predicted, 2, err));
    FAILS(EK_ERR_ARG, "the prediction of example 0 is 5", ek_metrics_add(m, labels, (const int32_t[]){5}, 1, err));
    assert_int_equal(ek_metrics_read(m).examples, COUNT); /* nothing of those was counted */
    ek_metrics_destroy(m);
}

static void test_edges(void **state) {
    (void)state;
    ek_metrics *m;
    OK(ek_metrics_create(EK_CONFUSION_CLASSES + 1, &m, err));
    assert_int_equal(ek_metrics_confusion(m, 0, 0), -1);
    assert_true(isnan(ek_metrics_read(m).accuracy) && isnan(ek_metrics_read(m).f1));
    ek_metrics_destroy(m);
    FAILS(EK_ERR_ARG, "classes = 0", ek_metrics_create(0, &m, err));
    FAILS(EK_ERR_ARG, "expected 1 to", ek_metrics_create(INT64_MAX, &m, err));
    const ek_judgement judged[4] = {{.above = 0}, {.above = 1}, {.above = 4}, {.above = 5}};
    near(ek_metrics_top(judged, 4, 1), 0.25);
    near(ek_metrics_top(judged, 4, 5), 0.75);
    assert_true(isnan(ek_metrics_top(judged, 0, 5)));
}

static void test_regression(void **state) {
    (void)state;
    const float p[4] = {1, 2, 3, 6}, t[4] = {1, 1, 5, 5}, same[2] = {3, 3};
    ek_regression r;
    OK(ek_regression_measure(p, t, 4, &r, err));
    near(r.mae, 1);
    near(r.rmse, sqrt(6 / 4.0));
    near(r.r2, 1 - 6 / 16.0);
    OK(ek_regression_measure(p, same, 2, &r, err));
    assert_true(isnan(r.r2));
    FAILS(EK_ERR_ARG, "no numbers", ek_regression_measure(p, t, 0, &r, err));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_classes), cmocka_unit_test(test_edges),
                                       cmocka_unit_test(test_regression)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
