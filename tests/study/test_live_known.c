/* test_live_known.c: the numbers that the page tells of the laboratory, found natively; the browser finds the same
 * (live.test.mjs). */
#include "web/live.h"
#include "web/live_known.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static live *fresh(int norm, int batch, double rate, double decay) {
    live *lab = live_new(norm);
    assert_non_null(lab);
    live_choose(lab, batch, rate, 0.9, decay, 0.9);
    return lab;
}

static double trained_for(int norm, int batch, double rate, int steps) {
    live *lab = fresh(norm, batch, rate, 0);
    for (int i = 0; i < steps; i++) (void)live_step(lab);
    double right = 100 * live_accuracy(lab, LIVE_TRAIN);
    live_free(lab);
    return right;
}

/* As the page writes them: to `digits` digits. */
static void same(const char *name, double told, double found, int digits) {
    char a[32], b[32];
    snprintf(a, sizeof a, "%.*f", digits, told);
    snprintf(b, sizeof b, "%.*f", digits, found);
    if (strcmp(a, b) != 0) fail_msg("%s: the page tells %s, found %s (%.9g)", name, a, b, found);
}

static void test_rates(void **state) {
    (void)state;
    same("high_none", live_shown.high_none, trained_for(LIVE_NONE, 32, 0.4, 150), 1);
    same("high_batch", live_shown.high_batch, trained_for(LIVE_BATCH, 32, 0.4, 150), 1);
    same("low_none", live_shown.low_none, trained_for(LIVE_NONE, 32, 0.03, 150), 1);
    same("low_batch", live_shown.low_batch, trained_for(LIVE_BATCH, 32, 0.03, 150), 1);
}

static void test_batch_of_one(void **state) {
    (void)state;
    same("one_batch", live_shown.one_batch, trained_for(LIVE_BATCH, 1, 0.004, 1500), 1);
    same("one_group", live_shown.one_group, trained_for(LIVE_GROUP, 1, 0.004, 1500), 1);
}

static void test_light(void **state) {
    (void)state;
    live *lab = fresh(LIVE_BATCH, 32, 0.05, 0);
    for (int i = 0; i < 200; i++) (void)live_step(lab);
    same("light_before", live_shown.light_before, 100 * live_accuracy(lab, LIVE_EVAL), 1);
    live_light(lab, 0.4);
    same("light_broken", live_shown.light_broken, 100 * live_accuracy(lab, LIVE_EVAL), 1);
    assert_true(live_measure(lab));
    same("light_anew", live_shown.light_anew, 100 * live_accuracy(lab, LIVE_EVAL), 1);
    live_free(lab);
}

static double degrees(double chord) { return 2 * asin(chord / 2) * 180 / acos(-1); }

/* Degrees a step over steps 301 to 400; the gradient is at right angles to the weights in all of them. */
static double pace(double decay) {
    live *lab = fresh(LIVE_BATCH, 32, 0.03, decay);
    double sum = 0;
    for (int i = 0; i < 400; i++) {
        (void)live_step(lab);
        assert_true(fabs(live_cosine(lab)) < 1e-4);
        if (i >= 300) sum += degrees(live_turned(lab)) / 100;
    }
    live_free(lab);
    return sum;
}

static void test_turn(void **state) {
    (void)state;
    double found = pace(0.05), theory = sqrt(2 * 0.03 * 0.05 / 1.9) * 180 / acos(-1);
    same("turn_decayed", live_shown.turn_decayed, found, 2);
    same("turn_predicted", live_shown.turn_predicted, theory, 2);
    assert_true(fabs(found / theory - 1) < 0.1);
    same("turn_free", live_shown.turn_free, pace(0), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_batch_of_one),
        cmocka_unit_test(test_light),
        cmocka_unit_test(test_turn),
    };
    return cmocka_run_group_tests_name("live_known", tests, NULL, NULL);
}
