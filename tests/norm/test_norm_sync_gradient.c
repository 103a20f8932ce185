/* test_norm_sync_gradient.c: backward over ranks with uneven shares, each rank a thread of its own, against central
 * differences of the f64 reference of the whole batch, taken through the statistics that all ranks share. Under
 * ThreadSanitizer it shows that ranks in one process race nowhere.
 */
#include "norm/spread.h"

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const double TOLERANCE = 1e-5;

static void *play_rank(void *argument) {
    spread_rank *r = argument;
    r->status = spread_rank_forward(r);
    if (r->status == EK_OK) r->status = spread_rank_backward(r);
    return NULL;
}

static void play(spread *s) {
    pthread_t threads[WORLD_RANKS];
    for (int r = 0; r < s->w.ranks; r++) {
        if (pthread_create(&threads[r], NULL, play_rank, &s->rank[r]) != 0) fail_msg("no thread");
    }
    for (int r = 0; r < s->w.ranks; r++) pthread_join(threads[r], NULL);
    for (int r = 0; r < s->w.ranks; r++) {
        if (s->rank[r].status != EK_OK) fail_msg("rank %d: %s", r, s->rank[r].err.text);
    }
}

/* L = sum dy * y over the whole batch. */
static double loss(fixture *f) {
    fixture_reference(f, EK_STATS_BATCH, 1);
    double sum = 0;
    for (size_t i = 0; i < f->elements; i++) sum += f->rdy[i] * f->ry[i];
    return sum;
}

static double difference(fixture *f, double *value) {
    const double h = 1e-5, before = *value;
    *value = before + h;
    double up = loss(f);
    *value = before - h;
    double down = loss(f);
    *value = before;
    return (up - down) / (2 * h);
}

static double worst;

static void check(double error, const char *what) {
    if (!(error <= worst)) worst = error;
    if (!(error <= TOLERANCE)) fail_msg("gradient of %s is off by %g", what, error);
}

enum { MOST = 256 };

static void check_spread(spread *s) {
    fixture *f = s->f;
    double g[MOST];
    assert_true(f->elements <= MOST);
    for (size_t i = 0; i < f->elements; i++) g[i] = difference(f, &f->rx[i]);
    check(fixture_error(f, f->dx, g), "x");
    if (f->desc.residual) {
        for (size_t i = 0; i < f->elements; i++) g[i] = difference(f, &f->rresidual[i]);
        check(fixture_error(f, f->dresidual, g), "residual");
    }
    for (size_t p = 0; p < f->parameters; p++) g[p] = difference(f, &f->rscale[p]);
    for (int r = 0; r < s->w.ranks; r++) check(array_error(s->rank[r].dscale, g, f->parameters), "scale");
    for (size_t p = 0; p < f->parameters; p++) g[p] = difference(f, &f->rbias[p]);
    for (int r = 0; r < s->w.ranks; r++) check(array_error(s->rank[r].dbias, g, f->parameters), "bias");
}

static ek_norm_desc desc_of(ek_layout layout) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.layout = layout;
    desc.rank = 4;
    const int64_t dims[] = {9, 3, 2, 3};
    memcpy(desc.dims, dims, sizeof dims);
    desc.chunk = 1;
    return desc;
}

static void central_differences(void **state) {
    (void)state;
    const int64_t shares[][5] = {{2, 0, 5, 1, 1}, {1, 8, 0, 0, 0}, {9, 0, 0, 0, 0}};
    const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8};
    const ek_activation smooth[] = {EK_ACTIVATION_NONE, EK_ACTIVATION_TANH, EK_ACTIVATION_GELU};
    for (int i = 0; i < 3; i++) {
        for (int mode = 0; mode < 2; mode++) {
            ek_norm_desc desc = desc_of(layouts[i]);
            desc.activation = smooth[i];
            desc.residual = i > 0;
            spread s;
            spread_make(&s, &desc, (ek_sync_mode)mode, 5, shares[i], WORLD_HALVES_DOWN);
            play(&s);
            check_spread(&s);
            spread_free(&s);
        }
    }
    printf("worst difference %.2g (bound %.2g)\n", worst, TOLERANCE);
}

/* The gradient of a rank by itself, without the exchange, must fail the same comparison, by far. */
static void local_gradient_is_noticed(void **state) {
    (void)state;
    const int64_t shares[] = {4, 5};
    ek_norm_desc desc = desc_of(EK_LAYOUT_NCHW);
    spread s;
    spread_make(&s, &desc, EK_SYNC_FAST, 2, shares, WORLD_UP);
    for (int r = 0; r < 2; r++) {
        spread_rank *me = &s.rank[r];
        if (ek_norm_forward(me->plan, EK_STATS_BATCH, &me->args, &me->err) != EK_OK) fail_msg("%s", me->err.text);
        if (ek_norm_backward(me->plan, &me->args, &me->err) != EK_OK) fail_msg("%s", me->err.text);
    }
    double g[MOST];
    for (size_t i = 0; i < s.f->elements; i++) g[i] = difference(s.f, &s.f->rx[i]);
    assert_true(fixture_error(s.f, s.f->dx, g) > 100 * TOLERANCE);
    spread_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(central_differences),
                                       cmocka_unit_test(local_gradient_is_noticed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
