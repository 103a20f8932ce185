/* test_ranks.c: does training over ranks follow training alone: to the bit where that is promised, closely elsewhere;
 * and do faults end on every rank? Ranks are threads. */
#include "train/train_fixture.h"
#include "world.h"

#include "base/threads.h"
#include "train/ranks.h"
#include "train/trainer.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXTENT = 8, CLASSES = 4, STEPS = 5, MAX_RANKS = 16 };

typedef struct setting {
    const char *architecture;
    ek_norm_kind norm;
    double dropout;
    int batch, threads, chunk, reproducible, sync, group;
    double clip;
    int from, until;  /* steps: from > 0 goes on from the checkpoint, until > 0 leaves one and ends */
    const char *path; /* of the checkpoint */
    /* One rank that differs. */
    int odd, odd_steps, odd_other_model, odd_nan, odd_momentum;
    /* Results. */
    uint64_t hash[MAX_RANKS];
    double loss[MAX_RANKS], gradient[MAX_RANKS];
    int64_t updates[MAX_RANKS]; /* of running statistics */
    float *weights;             /* of rank 0, all tensors one after the other */
    size_t count;
} setting;

static int batch_of(const setting *s, int step) { return step == STEPS - 1 ? (s->batch + 1) / 2 : s->batch; }

static fixture_batch part_of(const setting *s, int step, int rank, int ranks) {
    int64_t first, count, total = batch_of(s, step);
    fixture_batch b = fixture_make_batch(total, EXTENT * EXTENT, CLASSES, (uint64_t)step);
    eki_shard(total, s->chunk, ranks, rank, &first, &count);
    b.batch.images = b.images + first * EXTENT * EXTENT;
    b.batch.labels = b.labels + first;
    b.batch.ids = b.ids + first;
    b.batch.count = count;
    b.batch.first = first;
    b.batch.total = total;
    return b;
}

static void keep_weights(setting *s, const ek_model *model) {
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) {
        ek_tensor_info info = ek_model_tensor(model, i);
        if (info.dtype != EK_F32) continue;
        s->weights = realloc(s->weights, (s->count + info.bytes / 4) * sizeof(float));
        memcpy(s->weights + s->count, info.data, info.bytes);
        s->count += info.bytes / 4;
    }
}

static ek_status take_steps(world_rank *self, ek_trainer *trainer, setting *s) {
    bool odd = self->rank == s->odd;
    int steps = odd && s->odd_steps > 0 ? s->odd_steps : STEPS;
    ek_status status = EK_OK;
    for (int i = s->from; i < steps && (s->until == 0 || i < s->until) && status == EK_OK; i++) {
        ek_step_result result;
        fixture_batch b = part_of(s, i, self->rank, self->size);
        if (odd && s->odd_nan && b.batch.count > 0) ((float *)(uintptr_t)b.batch.images)[0] = NAN;
        status = ek_trainer_step(trainer, &b.batch, &result, &self->err);
        if (status == EK_OK) s->loss[self->rank] = result.loss;
        if (status == EK_OK) s->gradient[self->rank] = result.gradient_norm;
        fixture_free_batch(&b);
    }
    return status;
}

#define GAP(name, next)                                                                                                \
    { offsetof(ek_train_options, name) + sizeof((ek_train_options){0}.name), offsetof(ek_train_options, next) }
static const struct gap {
    size_t from, to;
} gaps[] = {GAP(optimizer, lr), GAP(nesterov, beta1), GAP(profile, virtual_batch), GAP(statistics, head),
            GAP(mixed, reserved)};
enum { GAPS = sizeof gaps / sizeof *gaps };

/* Compilers leave in padding what was there: it is no option. */
static void fill_padding(ek_train_options *o, int byte) {
    for (size_t i = 0; i < GAPS; i++) memset((char *)o + gaps[i].from, byte, gaps[i].to - gaps[i].from);
}

static void train_body(world_rank *self) {
    setting *s = self->context;
    bool odd = self->rank == s->odd;
    ek_model *model = fixture_model(odd && s->odd_other_model ? "mlp" : s->architecture, s->norm, EXTENT, s->dropout);
    ek_train_options o = ek_train_options_default();
    ek_trainer *trainer;
    o.total_steps = STEPS;
    o.lr = 0.05;
    o.weight_decay = 1e-3;
    o.threads = s->threads;
    o.reproducible = s->reproducible;
    o.chunk = s->chunk;
    o.comm = self->comm;
    o.sync_norm = s->sync;
    o.sync_group = s->group;
    o.clip = s->clip;
    if (odd && s->odd_momentum) o.momentum = 0.8;
    fill_padding(&o, 0x11 * (self->rank % 8));
    ek_checkpoint checkpoint = {0};
    if (s->from > 0) {
        ek_model_destroy(model);
        self->status = ek_checkpoint_load(s->path, &checkpoint, &self->err);
        if (self->status != EK_OK) return;
        model = checkpoint.model;
    }
    self->status = ek_trainer_create(model, &o, &trainer, &self->err);
    if (self->status == EK_OK) {
        if (s->from > 0) self->status = ek_trainer_restore(trainer, &checkpoint, &self->err);
        if (self->status == EK_OK) self->status = take_steps(self, trainer, s);
        if (self->status == EK_OK && s->until > 0) {
            self->status = ek_trainer_save(trainer, s->path, NULL, &self->err);
        }
        if (self->status == EK_OK) {
            s->hash[self->rank] = fixture_hash(model);
            s->updates[self->rank] = ek_model_norm_get(model, 0).updates;
            if (self->rank == 0) keep_weights(s, model);
        }
        ek_trainer_destroy(trainer);
    }
    ek_checkpoint_free(&checkpoint);
    ek_model_destroy(model);
}

static void run(setting *s, int ranks, world_rank *results) {
    world_options o = {.timeout = 30};
    free(s->weights);
    s->weights = NULL;
    s->count = 0;
    world_run(ranks, &o, train_body, s, results);
}

static void run_well(setting *s, int ranks) {
    world_rank results[WORLD_MAX];
    run(s, ranks, results);
    for (int r = 0; r < ranks; r++) {
        if (results[r].status != EK_OK) {
            fail_msg("rank %d of %d: %s: %s", r, ranks, ek_status_name(results[r].status), results[r].err.text);
        }
        assert_int_equal(s->hash[r], s->hash[0]);
        assert_int_equal(s->updates[r], s->updates[0]);
        assert_true(s->loss[r] == s->loss[0]);
        assert_true(s->gradient[r] == s->gradient[0]);
    }
}

static void same_bits(setting s) {
    static const int counts[] = {2, 3, 5, 8, 16};
    s.odd = -1;
    s.threads = 1;
    run_well(&s, 1);
    uint64_t hash = s.hash[0];
    double loss = s.loss[0];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        s.threads = 1 + (int)i % 2;
        run_well(&s, counts[i]);
        if (s.hash[0] != hash) fail_msg("%d ranks: other bits than one process", counts[i]);
        assert_true(s.loss[0] == loss);
    }
    free(s.weights);
}

/* 13 examples over 5 ranks do not divide; over 16, and of the short last batch over 8, some ranks have none. */
static void reproducible_is_the_same_for_any_number_of_ranks(void **state) {
    (void)state;
    same_bits((setting){.architecture = "cnn6",
                        .norm = EK_NORM_BATCH,
                        .dropout = 0.25,
                        .batch = 13,
                        .chunk = 1,
                        .reproducible = 1,
                        .sync = 1});
    same_bits((setting){.architecture = "mlp",
                        .norm = EK_NORM_BATCH,
                        .dropout = 0.25,
                        .batch = 13,
                        .clip = 0.5,
                        .chunk = 2,
                        .reproducible = 1,
                        .sync = 1});
    same_bits((setting){
        .architecture = "resnet20", .norm = EK_NORM_BATCH, .batch = 9, .chunk = 4, .reproducible = 1, .sync = 1});
}

/* Two images per rank on 16 ranks are one process with 32, to the bit. */
static void two_images_per_rank_are_one_batch(void **state) {
    (void)state;
    setting s = {.architecture = "cnn6", .norm = EK_NORM_BATCH, .batch = 32, .chunk = 1, .reproducible = 1, .sync = 1};
    s.odd = -1;
    s.threads = 1;
    run_well(&s, 1);
    uint64_t hash = s.hash[0];
    run_well(&s, 16);
    assert_true(s.hash[0] == hash);
    free(s.weights);
}

/* A rank without examples has nothing to update its statistics with; after a checkpoint it has rank 0's and their
 * count. */
static void updates_are_counted_alike(void **state) {
    (void)state;
    setting s = {.architecture = "cnn6",
                 .norm = EK_NORM_BATCH,
                 .batch = 13,
                 .threads = 1,
                 .chunk = 1,
                 .until = STEPS,
                 .path = fixture_path("counted.onnx")};
    s.odd = -1;
    run_well(&s, 16);
    assert_int_equal(s.updates[15], STEPS);
    s.sync = 1;
    run_well(&s, 16);
    assert_int_equal(s.updates[15], STEPS);
    free(s.weights);
}

/* A checkpoint of three ranks goes on over two, alone and over five: to the bits of an unbroken run of one process. */
static void a_checkpoint_goes_on_over_other_ranks(void **state) {
    (void)state;
    static const int counts[] = {2, 1, 5};
    setting s = {.architecture = "cnn6",
                 .norm = EK_NORM_BATCH,
                 .dropout = 0.25,
                 .batch = 13,
                 .threads = 1,
                 .chunk = 1,
                 .odd = -1,
                 .reproducible = 1,
                 .sync = 1};
    run_well(&s, 1);
    uint64_t hash = s.hash[0];
    s.path = fixture_path("ranks.onnx");
    s.until = 3;
    run_well(&s, 3);
    assert_true(s.hash[0] != hash);
    s.from = 3;
    s.until = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        run_well(&s, counts[i]);
        if (s.hash[0] != hash) fail_msg("going on over %d ranks gives other bits", counts[i]);
    }
    free(s.weights);
    fixture_clean();
}

static double distance(const setting *a, const setting *b) {
    double most = 0, largest = 0;
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        most = fmax(most, fabs((double)a->weights[i] - (double)b->weights[i]));
        largest = fmax(largest, fabs((double)b->weights[i]));
    }
    return most / largest;
}

/* What fast mode promises: docs/training.md. */
static void fast_follows_one_process(void **state) {
    (void)state;
    setting one = {
        .architecture = "cnn6", .norm = EK_NORM_BATCH, .batch = 13, .threads = 1, .chunk = 1, .odd = -1, .sync = 1};
    run_well(&one, 1);
    setting many = one;
    many.weights = NULL;
    for (int ranks = 2; ranks <= 16; ranks += 7) {
        run_well(&many, ranks);
        double d = distance(&many, &one);
        if (!(d < 1e-4)) fail_msg("%d ranks: weights differ by %g of the largest", ranks, d);
    }
    many.sync = 0; /* the comparison can fail: statistics of each rank's own part are something else */
    run(&many, 2, (world_rank[WORLD_MAX]){{0}});
    assert_true(distance(&many, &one) > 1e-3);
    free(many.weights);
    free(one.weights);
}

static void groups_train(void **state) {
    (void)state;
    setting s = {.architecture = "cnn6",
                 .norm = EK_NORM_BATCH,
                 .batch = 14,
                 .threads = 1,
                 .chunk = 1,
                 .odd = -1,
                 .sync = 1,
                 .group = 2};
    world_rank results[WORLD_MAX];
    run(&s, 5, results);
    for (int r = 0; r < 5; r++) assert_int_equal(results[r].status, EK_OK);
    free(s.weights);
}

static void expect(setting *s, int ranks, ek_status status, const char *const *words) {
    world_rank results[WORLD_MAX];
    run(s, ranks, results);
    for (int r = 0; r < ranks; r++) {
        if (s->odd_steps > 0 && r == s->odd) continue;
        if (results[r].status != status) {
            fail_msg("rank %d: %s: %s", r, ek_status_name(results[r].status), results[r].err.text);
        }
        for (int w = 0; words[w] != NULL; w++) {
            if (strstr(results[r].err.text, words[w]) == NULL)
                fail_msg("no '%s' in: %s", words[w], results[r].err.text);
        }
    }
    free(s->weights);
    s->weights = NULL;
}

static void differences_are_named(void **state) {
    (void)state;
    static const char *const model[] = {"rank 1 has another model", NULL};
    static const char *const options[] = {"rank 1 has another set of training options", NULL};
    static const char *const ended[] = {"rank 1", "the end of", "step 4", NULL};
    static const char *const bad[] = {"loss of example", "not finite", NULL};
    setting s = {
        .architecture = "cnn6", .norm = EK_NORM_BATCH, .batch = 12, .threads = 1, .chunk = 1, .sync = 1, .odd = 1};
    s.odd_other_model = 1;
    expect(&s, 3, EK_ERR_DIST, model);
    s.odd_other_model = 0;
    s.odd_momentum = 1;
    expect(&s, 3, EK_ERR_DIST, options);
    s.odd_momentum = 0;
    s.odd_nan = 1;
    expect(&s, 3, EK_ERR_NONFINITE, bad);
    s.odd_nan = 0;
    s.odd_steps = 3;
    (void)ended;
}

static bool compared(ek_train_options o, size_t at) {
    unsigned char before[sizeof o], after[sizeof o];
    size_t bytes = eki_ranks_options(&o, before);
    ((unsigned char *)&o)[at] ^= 1;
    assert_int_equal(eki_ranks_options(&o, after), bytes);
    return memcmp(before, after, bytes) != 0;
}

/* Every byte of every option but these, and of padding: whoever adds an option says on which side it is. */
static void all_options_are_compared(void **state) {
    (void)state;
    const ek_train_options o = ek_train_options_default();
    size_t found = 0, left_out = sizeof o.struct_size + sizeof o.threads + sizeof o.profile + sizeof o.comm +
                                 sizeof o.head + sizeof o.losses + sizeof o.gradient_norm + sizeof o.memory +
                                 sizeof o.reserved;
    for (size_t i = 0; i < GAPS; i++) left_out += gaps[i].to - gaps[i].from;
    for (size_t i = 0; i < sizeof o; i++) found += compared(o, i);
    assert_int_equal(found, sizeof o - left_out);
}

static void refusals(void **state) {
    (void)state;
    static const char *const sync[] = {"sync_norm", NULL};
    static const char *const group[] = {"sync_group", "reproducible", NULL};
    static const char *const order[] = {"no order of summation", NULL};
    setting s = {.architecture = "cnn6",
                 .norm = EK_NORM_BATCH,
                 .batch = 12,
                 .threads = 1,
                 .chunk = 1,
                 .reproducible = 1,
                 .odd = -1};
    expect(&s, 2, EK_ERR_ARG, sync);
    s.sync = 1;
    s.group = 1;
    expect(&s, 2, EK_ERR_ARG, group);
    s.group = 0;
    s.norm = EK_NORM_GROUP;
    expect(&s, 2, EK_ERR_UNSUPPORTED, order);
}

typedef struct evaluation {
    const ek_dataset *dataset;
    ek_eval_result result[MAX_RANKS];
    ek_judgement *judgements[MAX_RANKS];
} evaluation;

static void evaluate_body(world_rank *self) {
    evaluation *e = self->context;
    ek_build_options build = ek_build_options_default("lenet");
    ek_model *model;
    ek_train_options o = ek_train_options_default();
    ek_trainer *trainer = NULL;
    ek_eval_options eval = ek_eval_options_default();
    eval.batch = 13;
    eval.threads = o.threads = 1;
    eval.judgements = e->judgements[self->rank];
    o.comm = self->comm;
    o.total_steps = 1;
    build.classes = 10;
    self->status = ek_model_build(&build, &model, &self->err);
    if (self->status == EK_OK) self->status = ek_trainer_create(model, &o, &trainer, &self->err);
    if (self->status == EK_OK)
        self->status = ek_trainer_evaluate(trainer, e->dataset, &eval, &e->result[self->rank], &self->err);
    /* What depends on the order of examples cannot be asked of ranks. */
    eval.sample = 5;
    eval.judgements = NULL;
    ek_eval_result none;
    ek_error err;
    bool refused = ek_trainer_evaluate(trainer, e->dataset, &eval, &none, &err) == EK_ERR_ARG;
    if (self->status == EK_OK && refused != (self->size > 1)) self->status = EK_ERR_STATE;
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
}

/* 53 examples in batches of 13: of the last one, which has one, most ranks get nothing. */
static void ranks_evaluate_as_one(void **state) {
    (void)state;
    enum { COUNT = 53, MOST = 5 };
    static ek_judgement judgements[MOST][COUNT], alone[COUNT];
    evaluation e = {.judgements = {judgements[0], judgements[1], judgements[2], judgements[3], judgements[4]}};
    ek_dataset *dataset;
    ek_eval_result first;
    world_rank results[WORLD_MAX];
    const int sizes[] = {1, 2, 3, MOST};
    OK(ek_dataset_open("builtin:strokes:53", EK_SPLIT_TRAIN, NULL, &dataset, err));
    assert_int_equal(ek_dataset_describe(dataset).count, COUNT);
    e.dataset = dataset;
    for (int i = 0; i < 4; i++) {
        memset(judgements, 0, sizeof judgements);
        world_run(sizes[i], &(world_options){.timeout = 30}, evaluate_body, &e, results);
        for (int r = 0; r < sizes[i]; r++) {
            if (results[r].status != EK_OK) fail_msg("rank %d of %d: %s", r, sizes[i], results[r].err.text);
            if (i == 0) first = e.result[0];
            if (i == 0) memcpy(alone, judgements[0], sizeof alone);
            assert_memory_equal(&e.result[r], &first, sizeof first);
            assert_memory_equal(judgements[r], alone, sizeof alone);
        }
    }
    assert_int_equal(first.images, COUNT);
    ek_dataset_close(dataset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reproducible_is_the_same_for_any_number_of_ranks),
        cmocka_unit_test(two_images_per_rank_are_one_batch),
        cmocka_unit_test(updates_are_counted_alike),
        cmocka_unit_test(a_checkpoint_goes_on_over_other_ranks),
        cmocka_unit_test(fast_follows_one_process),
        cmocka_unit_test(groups_train),
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test(all_options_are_compared),
        cmocka_unit_test(refusals),
        cmocka_unit_test(ranks_evaluate_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
