/* test_live.c: the laboratory of the page, natively: gradients of its own convolutions, statistics, logits beside other
 * mates, norms with the bits of every machine. */
#include "web/live_net.h"

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

static double loss_at(live *lab, int n) {
    assert_true(live_forward(lab, n, LIVE_TRAIN));
    return live_loss(lab, n);
}

/* Slopes by differences, at weights, scales and biases of every layer. */
static void slopes(int norm) {
    enum { N = 4 };
    live *lab = fresh(norm, N, 0, 0);
    (void)live_step(lab); /* fills the batch and the gradient; nothing moves at rate 0 */
    for (int i = 0; i < LIVE_LAYERS; i++) {
        live_layer *l = &lab->layer[i];
        float *at[] = {l->weight, l->weight + live_weights_of(&live_shapes[i]) - 3, l->bias + 1, l->scale};
        float *grad[] = {l->weight_grad, l->weight_grad + live_weights_of(&live_shapes[i]) - 3, l->bias_grad + 1,
                         l->scale_grad};
        for (int k = 0; k < (norm && i < LIVE_NORMED ? 4 : 3); k++) {
            float was = *at[k], step = 3e-4f;
            *at[k] = was + step;
            double up = loss_at(lab, N);
            *at[k] = was - step;
            double slope = (up - loss_at(lab, N)) / (2 * (double)step);
            *at[k] = was;
            if (fabs(slope - (double)*grad[k]) > 5e-3 * (1 + fabs(slope)))
                fail_msg("norm %d layer %d place %d: slope %g, gradient %g", norm, i, k, slope, (double)*grad[k]);
        }
    }
    live_free(lab);
}

static void test_gradients(void **state) {
    (void)state;
    for (int norm = LIVE_NONE; norm <= LIVE_LAYER; norm++) slopes(norm);
}

static void test_mates(void **state) {
    (void)state;
    float first[LIVE_CLASSES];
    for (int norm = LIVE_BATCH; norm <= LIVE_LAYER; norm++)
        for (int mode = LIVE_TRAIN; mode <= LIVE_EVAL; mode++) {
            live *lab = fresh(norm, 8, 0.05, 0);
            memcpy(first, live_logits(lab, 3, 8, 0, -1, mode), sizeof first);
            int same_bits = memcmp(first, live_logits(lab, 3, 8, 1, -1, mode), sizeof first) == 0;
            assert_int_equal(same_bits, norm != LIVE_BATCH || mode == LIVE_EVAL);
            memcpy(first, live_logits(lab, 3, 1, 0, -1, mode), sizeof first);
            int alike = memcmp(first, live_logits(lab, 4, 1, 0, -1, mode), sizeof first) == 0;
            assert_int_equal(alike, norm == LIVE_BATCH && mode == LIVE_TRAIN);
            live_free(lab);
        }
}

static void test_running(void **state) {
    (void)state;
    live *lab = fresh(LIVE_BATCH, 32, 0, 0);
    double by_hand = 0;
    for (int i = 0; i < 5; i++) {
        assert_true(live_watch(lab));
        by_hand = 0.9 * by_hand + 0.1 * live_batch_mean(lab, 0, 2);
        assert_true(fabs(live_running_mean(lab, 0, 2) - by_hand) < 1e-6);
    }
    assert_true(isnan(live_running_mean(lab, LIVE_NORMED, 0)) && isnan(live_batch_mean(lab, 0, 8)));
    live_free(lab);
}

/* Measured anew, running statistics are a mean of means, whatever they were; no image is used up. */
static void test_measure(void **state) {
    (void)state;
    live *lab = fresh(LIVE_BATCH, 8, 0.05, 0), *twin = fresh(LIVE_BATCH, 8, 0.05, 0);
    for (int i = 0; i < 3; i++) assert_true(live_step(lab) == live_step(twin));
    live_light(lab, 0.3);
    assert_true(live_measure(lab));
    double anew = live_running_mean(lab, 0, 1);
    assert_true(anew != live_running_mean(twin, 0, 1) && live_measure(lab) && live_running_mean(lab, 0, 1) == anew);
    live_light(lab, 0);
    assert_true(live_step(lab) == live_step(twin));
    live_free(lab);
    live_free(twin);
}

static void test_mathematics(void **state) {
    (void)state;
    for (double x = -40; x < 40; x += 0.37) assert_true(fabs(live_exp(x) / exp(x) - 1) < 1e-14);
    for (double x = 1e-9; x < 1e9; x *= 1.7) assert_true(fabs(live_log(x) - log(x)) < 1e-14 * (1 + fabs(log(x))));
    assert_true(live_exp(-800) == 0 && isnan(live_exp(NAN)));
}

/* Settings out of range are taken to the end of it, and a network that blows up says so. */
static void test_bounds(void **state) {
    (void)state;
    live *lab = live_new(17);
    assert_non_null(lab);
    live_choose(lab, 1000, NAN, 7, -1, 2);
    assert_int_equal(lab->batch, LIVE_MOST);
    assert_true(lab->rate == 0 && lab->inertia == 1 && lab->decay == 0 && lab->keep == 1);
    live_choose(lab, -5, 1e9, 0.9, 0, 0.9);
    for (int i = 0; i < 20; i++) (void)live_step(lab);
    assert_false(isfinite(live_step(lab)));
    live_free(lab);
    live_free(NULL);
}

/* The hash of all hashes is the same in every build. */
static void test_bits(void **state) {
    (void)state;
    uint32_t all = 0;
    for (int i = 0; i < 1000; i++) {
        uint32_t bits = live_bits(i);
        assert_int_not_equal(bits, 0);
        all = all * 31 + bits;
    }
    assert_int_equal(all, 0x0a76f596);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients), cmocka_unit_test(test_mates),       cmocka_unit_test(test_running),
        cmocka_unit_test(test_measure),   cmocka_unit_test(test_mathematics), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_bits),
    };
    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
