/* Is the engine's exp what its header says: at most one unit in the last place off, right at both ends, NaN of NaN? And
 * the logistic function: at most three units off, 0 and 1 far out? Against libm in f64, over float32 numbers of every
 * size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/exp.h"

#include <math.h>

enum { STRIDE = 1021 };
static const double NORMAL = 0x1p-126, LARGEST = 0x1.fffffep127;

static double units_off(float got, double right) {
    int exponent;
    (void)frexp(right, &exponent);
    return fabs((double)got - right) / ldexp(1.0, exponent - 24 < -149 ? -149 : exponent - 24);
}

/* The largest error of f over numbers from `low` to `high`, where the right result is at least `least`. */
static double worst(float (*f)(float), double (*right)(double), float low, float high, double least) {
    double most = 0.0;
    for (uint64_t bits = 0; bits < 0x100000000; bits += STRIDE) {
        float x = eki_of_bits((uint32_t)bits);
        if (!(x >= low && x <= high)) continue;
        double exact = right((double)x), off = 0.0;
        float got = f(x);
        if (exact > LARGEST) {
            assert_true(isinf(got) && got > 0.0f);
        } else if (exact < least) {
            assert_true(got >= 0.0f && (double)got <= least);
        } else {
            off = units_off(got, exact);
        }
        most = off > most ? off : most;
    }
    return most;
}

static double logistic(double x) { return 1.0 / (1.0 + exp(-x)); }

static void close_to_libm(void **state) {
    (void)state;
    double all = worst(eki_exp, exp, -INFINITY, INFINITY, 0x1p-149),
           down = worst(eki_exp_down, exp, -INFINITY, 0, NORMAL);
    double gate = worst(eki_logistic, logistic, -INFINITY, INFINITY, NORMAL);
    print_message("units off: exp %.3f, of what is below 0 %.3f, logistic %.3f\n", all, down, gate);
    assert_true(all < 1.0 && down < 1.0 && gate < 3.0);
    assert_true(all > 0.5 && down > 0.5 && gate > 0.5); /* else nothing was compared */
}

static void ends(void **state) {
    (void)state;
    assert_true(eki_exp(0.0f) == 1.0f && eki_exp_down(0.0f) == 1.0f && eki_logistic(0.0f) == 0.5f);
    assert_true(eki_exp(-INFINITY) == 0.0f && eki_exp_down(-INFINITY) == 0.0f && eki_logistic(-INFINITY) == 0.0f);
    assert_true(isinf(eki_exp(INFINITY)) && eki_logistic(INFINITY) == 1.0f);
    assert_true(isnan(eki_exp(NAN)) && isnan(eki_exp_down(NAN)) && isnan(eki_exp_down(-NAN)) &&
                isnan(eki_logistic(NAN)));
    assert_true(eki_exp(-95.0f) > 0.0f && eki_exp_down(-95.0f) == 0.0f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(close_to_libm), cmocka_unit_test(ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
