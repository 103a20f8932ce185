/* test_optimizer.c: optimizers against sequences computed by hand in f64, schedules at their key points, the loss
 * against its definition and differences. */
#include "train/train_fixture.h"
#include "train/trainer.h"

#include "base/threads.h"

#include <math.h>
#include <string.h>

enum { STEPS = 6, N = 3 };

static const double gradients[STEPS][N] = {{0.5, -1.0, 0.25}, {0.1, 0.4, -2.0},   {-0.3, 0.2, 1.5},
                                           {1.0, 0.0, 0.125}, {0.7, -0.6, -0.01}, {-1.2, 0.9, 0.3}};
static const double start[N] = {1.0, -2.0, 0.5};

typedef struct reference {
    double w[N], m[N], v[N];
} reference;

static void reference_step(const ek_train_options *o, double lr, int t, reference *r) {
    for (int i = 0; i < N; i++) {
        double g = gradients[t - 1][i];
        if (o->optimizer == EK_ADAMW) {
            r->w[i] -= lr * o->weight_decay * r->w[i];
        } else {
            g += o->weight_decay * r->w[i];
        }
        if (o->optimizer == EK_SGD) {
            r->m[i] = o->momentum * r->m[i] + g;
            r->w[i] -= lr * (o->nesterov ? g + o->momentum * r->m[i] : r->m[i]);
            continue;
        }
        r->m[i] = o->beta1 * r->m[i] + (1 - o->beta1) * g;
        r->v[i] = o->beta2 * r->v[i] + (1 - o->beta2) * g * g;
        double m = r->m[i] / (1 - pow(o->beta1, t)), v = r->v[i] / (1 - pow(o->beta2, t));
        r->w[i] -= lr * m / (sqrt(v) + o->adam_epsilon);
    }
}

static void check_sequence(const ek_train_options *o) {
    float weights[N], gradient[N], first[N] = {0}, second[N] = {0};
    reference r = {.w = {start[0], start[1], start[2]}};
    eki_trained item = {.name = "w",
                        .weights = weights,
                        .gradient = gradient,
                        .count = N,
                        .trained = true,
                        .decayed = true,
                        .lr_scale = 1};
    int slots = eki_optimizer_slots(o);
    if (slots > 0) item.first = first;
    if (slots > 1) item.second = second;
    eki_groups groups = {.items = &item, .count = 1};
    for (int i = 0; i < N; i++) weights[i] = (float)start[i];
    for (int t = 1; t <= STEPS; t++) {
        for (int i = 0; i < N; i++) gradient[i] = (float)gradients[t - 1][i];
        eki_optimizer_step(o, 0.05, 1, t, &groups);
        reference_step(o, 0.05, t, &r);
        for (int i = 0; i < N; i++) assert_true(fabs((double)weights[i] - r.w[i]) < 2e-6);
    }
}

static void test_sequences(void **state) {
    (void)state;
    ek_train_options o = ek_train_options_default();
    for (int decay = 0; decay < 2; decay++) {
        o.weight_decay = decay ? 0.1 : 0.0;
        o.optimizer = EK_SGD;
        for (int nesterov = 0; nesterov < 2; nesterov++) {
            o.nesterov = nesterov;
            o.momentum = 0.9;
            check_sequence(&o);
        }
        o.momentum = 0.0;
        check_sequence(&o);
        o.optimizer = EK_ADAM;
        check_sequence(&o);
        o.optimizer = EK_ADAMW;
        check_sequence(&o);
    }
}

static void test_frozen_is_untouched(void **state) {
    (void)state;
    float weights[2] = {1, 2}, gradient[2] = {5, 5};
    eki_trained item = {
        .name = "w", .weights = weights, .gradient = gradient, .count = 2, .decayed = true, .lr_scale = 1};
    eki_groups groups = {.items = &item, .count = 1};
    ek_train_options o = ek_train_options_default();
    o.weight_decay = 0.5;
    eki_optimizer_step(&o, 0.1, 1, 1, &groups);
    assert_true(weights[0] == 1.0F && weights[1] == 2.0F);
    gradient[1] = NAN;
    assert_null(eki_optimizer_nonfinite(&groups));
    item.trained = true;
    assert_ptr_equal(eki_optimizer_nonfinite(&groups), &item);
    gradient[1] = INFINITY;
    assert_ptr_equal(eki_optimizer_nonfinite(&groups), &item);
}

/* Cutting the work for threads changes no bits: many blocks against one element at a time. */
static void test_blocks(void **state) {
    (void)state;
    enum { LARGE = 40000 };
    static float w[LARGE], g[LARGE], m[LARGE], v[LARGE];
    ek_train_options o = ek_train_options_default();
    o.optimizer = EK_ADAM;
    for (int i = 0; i < LARGE; i++) {
        w[i] = (float)sin(i);
        g[i] = (float)cos(i);
    }
    eki_trained items[3] = {
        {.name = "frozen", .count = 100000},
        {.name = "a", .weights = w, .gradient = g, .first = m, .second = v, .count = 7, .trained = 1, .lr_scale = 1},
        {.name = "b",
         .weights = w + 7,
         .gradient = g + 7,
         .first = m + 7,
         .second = v + 7,
         .count = LARGE - 7,
         .trained = 1,
         .lr_scale = 1}};
    eki_groups groups = {.items = items, .count = 3};
    eki_optimizer_step(&o, 0.01, 1, 3, &groups);
    for (int i = 0; i < LARGE; i += 997) {
        float w1 = (float)sin(i), m1 = 0, v1 = 0;
        eki_trained one = {.name = "one",
                           .weights = &w1,
                           .gradient = &g[i],
                           .first = &m1,
                           .second = &v1,
                           .count = 1,
                           .trained = 1,
                           .lr_scale = 1};
        eki_groups single = {.items = &one, .count = 1};
        eki_optimizer_step(&o, 0.01, 1, 3, &single);
        assert_memory_equal(&w1, &w[i], sizeof w1);
        assert_memory_equal(&v1, &v[i], sizeof v1);
    }
}

/* The norm of many blocks is that of the definition and the same for any number of threads; what is not trained does
 * not count; shrinking is shrinking the gradient. */
static void test_norm(void **state) {
    (void)state;
    enum { LARGE = 70001 };
    static float w[LARGE], g[LARGE];
    double sum = 0, one, two;
    int threads = eki_threads_get();
    for (int i = 0; i < LARGE; i++) {
        g[i] = (float)cos(i) * 1e20F;
        sum += (double)g[i] * (double)g[i];
    }
    eki_trained items[3] = {
        {.name = "frozen", .gradient = g, .weights = w, .count = LARGE},
        {.name = "a", .gradient = g, .weights = w, .count = 3, .trained = true, .lr_scale = 1},
        {.name = "b", .gradient = g + 3, .weights = w + 3, .count = LARGE - 3, .trained = true, .lr_scale = 1}};
    eki_groups groups = {.items = items, .count = 3};
    eki_threads_set(1);
    OK(eki_optimizer_norm(&groups, &one, err));
    eki_threads_set(3);
    OK(eki_optimizer_norm(&groups, &two, err));
    eki_threads_set(threads);
    assert_true(one == two);
    assert_true(fabs(one / sqrt(sum) - 1) < 1e-12);
    ek_train_options o = ek_train_options_default();
    o.momentum = 0;
    eki_optimizer_step(&o, 1.0, 0.25F, 1, &groups);
    for (int i = 0; i < LARGE; i++) assert_true(w[i] == -0.25F * g[i]);
}

static void assert_near(double a, double b) {
    if (fabs(a - b) > 1e-12 * (1 + fabs(b))) fail_msg("%.17g is not %.17g", a, b);
}

static void test_schedules(void **state) {
    (void)state;
    ek_train_options o = ek_train_options_default();
    o.lr = 2.0;
    o.total_steps = 100;
    assert_near(eki_learning_rate(&o, 0), 2.0 / 25);
    assert_near(eki_learning_rate(&o, 15), 0.5 * (2.0 / 25 + 2.0));
    assert_near(eki_learning_rate(&o, 30), 2.0);
    assert_near(eki_learning_rate(&o, 99), 2.0 / 1e4);
    assert_near(eki_learning_rate(&o, 1000), 2.0 / 1e4);
    o.schedule = EK_SCHEDULE_CONSTANT;
    assert_near(eki_learning_rate(&o, 50), 2.0);
    o.schedule = EK_SCHEDULE_STEP;
    assert_near(eki_learning_rate(&o, 49), 2.0);
    assert_near(eki_learning_rate(&o, 50), 0.2);
    assert_near(eki_learning_rate(&o, 75), 0.02);
    o.schedule = EK_SCHEDULE_COSINE;
    assert_near(eki_learning_rate(&o, 0), 2.0);
    assert_near(eki_learning_rate(&o, 50), 1.0);
    assert_true(eki_learning_rate(&o, 99) > 0 && eki_learning_rate(&o, 99) < 0.001);
    o.warmup_steps = 10;
    assert_near(eki_learning_rate(&o, 0), 2.0 / 11);
    assert_near(eki_learning_rate(&o, 9), 20.0 / 11);
    assert_near(eki_learning_rate(&o, 10), 2.0);
    assert_near(eki_learning_rate(&o, 55), 1.0);
    for (int64_t total = 1; total < 5; total++) { /* the shortest runs divide by no zero */
        for (int schedule = 0; schedule < 4; schedule++) {
            o.warmup_steps = 0;
            o.total_steps = total;
            o.schedule = (ek_schedule)schedule;
            for (int64_t s = 0; s <= total; s++) {
                double lr = eki_learning_rate(&o, s);
                assert_true(isfinite(lr) && lr > 0 && lr <= 2.0);
            }
        }
    }
}

static void test_loss(void **state) {
    (void)state;
    const float logits[2][3] = {{1.0F, 2.0F, 3.0F}, {-50.0F, 100.0F, 0.25F}};
    const int32_t labels[2] = {0, 2};
    float gradient[2][3], moved[2][3];
    eki_loss loss = eki_loss_compute(&logits[0][0], 2, 3, labels, &gradient[0][0]);
    double first = log(exp(0.0) + exp(1.0) + exp(2.0)); /* minus logit 0 relative to it */
    assert_near(loss.sum, first + 99.75);
    assert_int_equal(loss.correct, 0);
    assert_int_equal(loss.bad_row, -1);
    for (int r = 0; r < 2; r++) {
        for (int c = 0; c < 3; c++) {
            double change = 0;
            for (int sign = -1; sign <= 1; sign += 2) {
                memcpy(moved, logits, sizeof moved);
                moved[r][c] += (float)sign * 0.0625F;
                change += sign * eki_loss_compute(&moved[0][0], 2, 3, labels, NULL).sum / 2;
            }
            assert_true(fabs(change / 0.125 - (double)gradient[r][c]) < 2e-3);
        }
    }
    float huge[2] = {1e30F, -1e30F}, bad[2] = {NAN, 1};
    assert_near(eki_loss_compute(huge, 1, 2, (int32_t[]){0}, NULL).sum, 0.0);
    assert_int_equal(eki_loss_compute(bad, 1, 2, (int32_t[]){1}, NULL).bad_row, 0);
    FAILS(EK_ERR_ARG, "example 77 has label 3", eki_loss_check_labels((int32_t[]){3}, (uint64_t[]){77}, 1, 3, err));
    FAILS(EK_ERR_ARG, "label -1", eki_loss_check_labels((int32_t[]){-1}, NULL, 1, 3, err));
}

/* Of two labels the loss is both by their shares, and so is its gradient. */
static void test_mixture(void **state) {
    (void)state;
    const float logits[2][3] = {{1.0F, 2.0F, 3.0F}, {-5.0F, 4.0F, 0.25F}}, shares[2] = {0.75F, 0.5F};
    const int32_t labels[2] = {0, 2}, others[2] = {1, 2};
    const eki_mixture mixture = {others, shares};
    float gradient[2][3], own[2][3], other[2][3];
    double losses[2], first[2], second[2];
    eki_loss_part(&logits[0][0], 2, 3, labels, (eki_mixture){0}, 4, first, &own[0][0]);
    eki_loss_part(&logits[0][0], 2, 3, others, (eki_mixture){0}, 4, second, &other[0][0]);
    eki_loss loss = eki_loss_part(&logits[0][0], 2, 3, labels, mixture, 4, losses, &gradient[0][0]);
    assert_near(loss.sum, losses[0] + losses[1]);
    for (int r = 0; r < 2; r++) {
        double share = (double)shares[r];
        assert_near(losses[r], share * first[r] + (1 - share) * second[r]);
        for (int c = 0; c < 3; c++) {
            double wanted = share * (double)own[r][c] + (1 - share) * (double)other[r][c];
            assert_true(fabs((double)gradient[r][c] - wanted) < 1e-7);
        }
    }
}

static void test_options(void **state) {
    (void)state;
    ek_train_options o = ek_train_options_default(), checked;
    FAILS(EK_ERR_ARG, "total_steps", eki_train_options_check(&checked, &o, err));
    o.total_steps = 10;
    OK(eki_train_options_check(&checked, &o, err));
    assert_near(checked.lr, 0.1);
    o.optimizer = EK_ADAMW;
    OK(eki_train_options_check(&checked, &o, err));
    assert_near(checked.lr, 1e-3);
    o.warmup_steps = 2;
    FAILS(EK_ERR_ARG, "one-cycle", eki_train_options_check(&checked, &o, err));
    o.warmup_steps = 0;
    o.lr = NAN;
    FAILS(EK_ERR_ARG, "lr", eki_train_options_check(&checked, &o, err));
    o.lr = 0.1;
    o.momentum = 1.0;
    FAILS(EK_ERR_ARG, "momentum", eki_train_options_check(&checked, &o, err));
    o.momentum = 0.9;
    o.optimizer = (ek_optimizer)7;
    FAILS(EK_ERR_ARG, "optimizer 7", eki_train_options_check(&checked, &o, err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences), cmocka_unit_test(test_frozen_is_untouched),
        cmocka_unit_test(test_blocks),    cmocka_unit_test(test_norm),
        cmocka_unit_test(test_schedules), cmocka_unit_test(test_mixture),
        cmocka_unit_test(test_loss),      cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
