/* test_ranks_gradient.c: gradients of a training step over ranks, norms synchronized, against central differences of
 * the f64 loss of the whole batch. Shares are uneven, and one rank may have no example. Ranks are threads.
 *
 * For each parameter tensor, backward must agree along several directions: random ones, and one element. The error is
 * relative to the derivative, or to its typical size |g| |d| / sqrt(n) where that is larger.
 */
#include "train/train_fixture.h"
#include "wide.h"
#include "world.h"

#include "base/random.h"
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXTENT = 4, CLASSES = 4, BATCH = 13, DIRECTIONS = 3, MOST_RANKS = 5, MOST_PARAMETERS = 32 };
static const double TOLERANCE = 2e-5;

typedef struct setting {
    const char *architecture;
    int reproducible, sync;
    int64_t shares[MOST_RANKS]; /* examples of each rank */
    fixture_batch batch;
    double **gradients; /* of rank 0, by parameter; and their names */
    char (*names)[64];
    size_t *sizes, count;
} setting;

static ek_model *build(const setting *s) {
    ek_build_options o = ek_build_options_default(s->architecture);
    ek_model *model = NULL;
    o.channels = 1;
    o.height = o.width = EXTENT;
    o.classes = CLASSES;
    o.activation = EK_ACTIVATION_TANH; /* smooth: differences meet no corner */
    if (strcmp(s->architecture, "mlp") == 0) {
        o.hidden_layers = 2;
        o.hidden_units = 12;
    }
    OK(ek_model_build(&o, &model, err));
    return model;
}

static void keep(setting *s, const ek_trainer *trainer) {
    s->count = eki_exec_parameter_count(trainer->exec);
    s->gradients = calloc(s->count, sizeof *s->gradients);
    s->names = calloc(s->count, sizeof *s->names);
    s->sizes = calloc(s->count, sizeof *s->sizes);
    for (size_t i = 0; i < s->count; i++) {
        const eki_parameter *p = eki_exec_parameter(trainer->exec, i);
        s->sizes[i] = p->count;
        (void)snprintf(s->names[i], sizeof s->names[i], "%s", p->value->name);
        s->gradients[i] = malloc(p->count * sizeof(double));
        for (size_t k = 0; k < p->count; k++) s->gradients[i][k] = (double)p->gradient[k];
    }
}

static void same(world_rank *self, const setting *s, const ek_trainer *trainer) {
    for (size_t i = 0; i < s->count; i++) {
        const eki_parameter *p = eki_exec_parameter(trainer->exec, i);
        for (size_t k = 0; k < p->count; k++) {
            if ((double)p->gradient[k] != s->gradients[i][k]) self->status = EK_ERR_CHECK;
        }
    }
}

static void step(world_rank *self) {
    setting *s = self->context;
    ek_model *model = build(s);
    ek_train_options o = ek_train_options_default();
    ek_trainer *trainer;
    ek_batch mine = s->batch.batch;
    o.total_steps = 1;
    o.threads = 1;
    o.reproducible = s->reproducible;
    o.chunk = 1;
    o.comm = self->comm;
    o.sync_norm = s->sync;
    mine.first = 0;
    for (int r = 0; r < self->rank; r++) mine.first += s->shares[r];
    mine.count = s->shares[self->rank];
    mine.total = BATCH;
    mine.images += mine.first * EXTENT * EXTENT;
    mine.labels += mine.first;
    mine.ids += mine.first;
    self->status = ek_trainer_create(model, &o, &trainer, &self->err);
    if (self->status == EK_OK) self->status = ek_trainer_step(trainer, &mine, NULL, &self->err);
    if (self->rank == 0 && self->status == EK_OK) keep(s, trainer);
    /* All have rank 0's gradients when they have come through this. */
    if (self->status == EK_OK) self->status = ek_comm_agree(self->comm, "end", "", 0, &self->err);
    if (self->status == EK_OK) same(self, s, trainer);
    if (self->status == EK_OK) self->status = ek_comm_agree(self->comm, "end", "", 0, &self->err);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
}

static void take_step(setting *s, int ranks) {
    world_rank results[WORLD_MAX];
    const world_options o = {.timeout = 60};
    s->batch = fixture_make_batch(BATCH, EXTENT * EXTENT, CLASSES, 5);
    world_run(ranks, &o, step, s, results);
    for (int r = 0; r < ranks; r++) {
        if (results[r].status != EK_OK) fail_msg("rank %d: %s", r, results[r].err.text);
    }
}

static void drop(setting *s) {
    for (size_t i = 0; i < s->count; i++) free(s->gradients[i]);
    free(s->gradients);
    free(s->names);
    free(s->sizes);
    fixture_free_batch(&s->batch);
}

/* ---- Central differences: of the whole batch, so the same for any shares ---- */

typedef struct truth {
    double *slopes[MOST_PARAMETERS]; /* by name, in DIRECTIONS directions */
    char names[MOST_PARAMETERS][64];
    size_t count;
} truth;

/* Two random directions and one element. */
static double direction(int which, size_t i, size_t n) {
    const eki_random random = eki_random_stream(77, "direction", n, (uint64_t)which);
    return which < DIRECTIONS - 1 ? eki_random_normal(random, i) : i == n / 2 ? 1 : 0;
}

static double loss_at(wide_net *net, const fixture_batch *b, wide_array *p, const double *before, size_t n, int which,
                      double h) {
    for (size_t i = 0; i < n; i++) p->data[i] = before[i] + h * direction(which, i, n);
    double loss = wide_loss(net, b->images, b->labels, BATCH, EXTENT);
    memcpy(p->data, before, n * sizeof *before);
    return loss;
}

static void differentiate(truth *t, const setting *s, wide_net *net, size_t index) {
    const double h = 1e-5;
    size_t n = s->sizes[index];
    wide_array *p = wide_parameter(net, s->names[index]);
    double *before = malloc(n * sizeof *before);
    assert_non_null(before);
    memcpy(before, p->data, n * sizeof *before);
    t->slopes[index] = calloc(DIRECTIONS, sizeof(double));
    memcpy(t->names[index], s->names[index], sizeof t->names[index]);
    for (int which = 0; which < DIRECTIONS; which++) {
        double up = loss_at(net, &s->batch, p, before, n, which, h);
        double down = loss_at(net, &s->batch, p, before, n, which, -h);
        t->slopes[index][which] = (up - down) / (2 * h);
    }
    free(before);
}

static const truth *truth_of(const setting *s) {
    static truth known[2];
    truth *t = &known[strcmp(s->architecture, "mlp") == 0];
    wide_net net;
    if (t->count > 0) return t;
    ek_model *model = build(s);
    wide_make(&net, model);
    t->count = s->count;
    assert_true(t->count <= MOST_PARAMETERS);
    for (size_t i = 0; i < t->count; i++) differentiate(t, s, &net, i);
    wide_free(&net);
    ek_model_destroy(model);
    return t;
}

static double worst_error(const setting *s, char *where, size_t room) {
    const truth *t = truth_of(s);
    double worst = 0;
    assert_int_equal(s->count, t->count);
    for (size_t i = 0; i < s->count * DIRECTIONS; i++) {
        size_t index = i / DIRECTIONS, n = s->sizes[index];
        int which = (int)(i % DIRECTIONS);
        double slope = 0, gg = 0, dd = 0, numeric = t->slopes[index][which];
        assert_string_equal(s->names[index], t->names[index]);
        for (size_t k = 0; k < n; k++) {
            double g = s->gradients[index][k], d = direction(which, k, n);
            slope += g * d;
            gg += g * g;
            dd += d * d;
        }
        double scale = fmax(fabs(numeric), sqrt(gg * dd / (double)n));
        /* What a norm takes away again (a bias in front of it) has gradient 0, which f32 meets but for rounding. */
        double error = fabs(numeric - slope) / fmax(scale, 1e-3);
        if (error <= worst) continue;
        worst = error;
        (void)snprintf(where, room, "%s, direction %d", s->names[index], which);
    }
    return worst;
}

static double largest; /* over all that passed */

static void check(setting s, int ranks) {
    char where[96] = "";
    s.sync = 1;
    for (s.reproducible = 0; s.reproducible <= 1; s.reproducible++) {
        take_step(&s, ranks);
        double error = worst_error(&s, where, sizeof where);
        if (!(error <= TOLERANCE)) fail_msg("%s over %d ranks: %s is off by %g", s.architecture, ranks, where, error);
        largest = fmax(largest, error);
        drop(&s);
    }
}

static void uneven_shares(void **state) {
    (void)state;
    check((setting){.architecture = "cnn6", .shares = {13}}, 1);
    check((setting){.architecture = "cnn6", .shares = {9, 4}}, 2);
    check((setting){.architecture = "cnn6", .shares = {1, 10, 2}}, 3);
    check((setting){.architecture = "mlp", .shares = {12, 1}}, 2);
    check((setting){.architecture = "mlp", .shares = {4, 5, 4}}, 3);
    printf("worst difference %.2g (bound %.2g)\n", largest, TOLERANCE);
}

static void ranks_without_examples(void **state) {
    (void)state;
    check((setting){.architecture = "cnn6", .shares = {9, 0, 4}}, 3);
    check((setting){.architecture = "cnn6", .shares = {0, 13}}, 2);
    check((setting){.architecture = "mlp", .shares = {0, 6, 0, 7, 0}}, 5);
    printf("worst difference %.2g (bound %.2g)\n", largest, TOLERANCE);
}

/* Statistics of each rank's own part are another function: the same comparison must fail, by far. */
static void norms_by_themselves_are_noticed(void **state) {
    (void)state;
    setting s = {.architecture = "cnn6", .shares = {9, 4}};
    char where[96];
    take_step(&s, 2);
    assert_true(worst_error(&s, where, sizeof where) > 1000 * TOLERANCE);
    drop(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uneven_shares),
        cmocka_unit_test(ranks_without_examples),
        cmocka_unit_test(norms_by_themselves_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
