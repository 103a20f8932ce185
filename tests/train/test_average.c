/* test_average.c: averages of weights against their formulas, across a checkpoint and new switches; statistics measured
 * for them are better than those of the trained weights; what is refused. */
#include "train/train_fixture.h"
#include "train/trainer.h"

#include <evenkeel/surgery.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXTENT = 8, CLASSES = 4, STEPS = 12, N = 8 };

static ek_train_options some_options(ek_average average) {
    ek_train_options o = ek_train_options_default();
    o.total_steps = STEPS;
    o.lr = 0.05;
    o.threads = 1;
    o.average = average;
    o.average_decay = 0.5;
    o.average_start = 0.5;
    return o;
}

static const float *weights_of(const ek_model *model) {
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) {
        ek_tensor_info info = ek_model_tensor(model, i);
        if (strcmp(info.name, "fc1.weight") == 0) return info.data;
    }
    fail_msg("no fc1.weight");
    return NULL;
}

static void step(ek_trainer *trainer, int key) {
    fixture_batch b = fixture_make_batch(6, EXTENT * EXTENT, CLASSES, (uint64_t)key);
    OK(ek_trainer_step(trainer, &b.batch, NULL, err));
    fixture_free_batch(&b);
}

/* Takes steps, and keeps in `average` what the formula says of the first N weights. */
static void follow(ek_average kind, const ek_model *model, ek_trainer *trainer, int from, int to, double average[N],
                   int *n) {
    for (int i = from; i < to; i++) {
        step(trainer, i);
        if (kind == EK_AVERAGE_SWA && i + 1 <= STEPS / 2) continue;
        double slow = (1.0 + *n) / (10.0 + *n), ema = 1 - (slow < 0.5 ? slow : 0.5);
        double share = *n == 0 ? 1 : kind == EK_AVERAGE_SWA ? 1.0 / (*n + 1) : ema;
        for (int k = 0; k < N; k++) average[k] += share * ((double)weights_of(model)[k] - average[k]);
        ++*n;
    }
    assert_int_equal(ek_trainer_averaged(trainer), *n);
}

static void check(const ek_trainer *trainer, const ek_model *model, const double average[N]) {
    ek_model *made;
    uint64_t before = fixture_hash(model);
    OK(ek_trainer_average(trainer, &made, err));
    for (int k = 0; k < N; k++) assert_true(fabs((double)weights_of(made)[k] - average[k]) < 1e-6);
    assert_true(fixture_hash(model) == before && fixture_hash(made) != before);
    ek_model_destroy(made);
}

static void test_formula(void **state) {
    (void)state;
    for (int kind = EK_AVERAGE_EMA; kind <= EK_AVERAGE_SWA; kind++) {
        ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0), *made;
        ek_train_options o = some_options((ek_average)kind);
        ek_trainer *trainer;
        double average[N] = {0};
        int n = 0;
        OK(ek_trainer_create(model, &o, &trainer, err));
        FAILS(EK_ERR_STATE, "no step has come", ek_trainer_average(trainer, &made, err));
        follow((ek_average)kind, model, trainer, 0, 8, average, &n);
        check(trainer, model, average);
        /* Resumed from here, and with other switches for a while, it is the same to the bit. */
        ek_checkpoint checkpoint;
        OK(ek_trainer_save(trainer, fixture_path("m.onnx"), NULL, err));
        follow((ek_average)kind, model, trainer, 8, STEPS, average, &n);
        check(trainer, model, average);
        OK(ek_trainer_take_average(trainer, err));
        uint64_t hash = fixture_hash(model);
        ek_trainer_destroy(trainer);
        ek_model_destroy(model);
        OK(ek_checkpoint_load(fixture_path("m.onnx"), &checkpoint, err));
        o.average = EK_AVERAGE_NONE;
        OK(ek_trainer_create(checkpoint.model, &o, &trainer, err));
        FAILS(EK_ERR_ARG, "saved with average", ek_trainer_restore(trainer, &checkpoint, err));
        ek_trainer_destroy(trainer);
        o.average = (ek_average)kind;
        OK(ek_trainer_create(checkpoint.model, &o, &trainer, err));
        OK(ek_trainer_restore(trainer, &checkpoint, err));
        OK(ek_trainer_regroup(trainer, NULL, 0, err));
        for (int i = 8; i < STEPS; i++) step(trainer, i);
        OK(ek_trainer_take_average(trainer, err));
        assert_true(fixture_hash(checkpoint.model) == hash);
        ek_trainer_destroy(trainer);
        ek_model_destroy(checkpoint.model);
        ek_checkpoint_free(&checkpoint);
        fixture_clean();
    }
}

/* Every byte of the sections of an average is seen to. */
static void test_damage(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    ek_train_options o = some_options(EK_AVERAGE_EMA);
    ek_trainer *trainer;
    size_t size, at = 0;
    OK(ek_trainer_create(model, &o, &trainer, err));
    step(trainer, 1);
    OK(ek_trainer_save(trainer, fixture_path("m.onnx"), NULL, err));
    unsigned char *bytes = fixture_read(fixture_path("m.onnx.state"), &size);
    while (at + 4 < size && memcmp(bytes + at, "AVER", 4) != 0) at++;
    assert_true(at + 200 < size);
    for (size_t i = at; i < at + 200; i++) {
        ek_error why;
        eki_state *read;
        bytes[i] ^= 4;
        fixture_write(fixture_path("broken.state"), bytes, size);
        if (eki_state_read(fixture_path("broken.state"), &read, &why) == EK_OK) fail_msg("byte %zu went unseen", i);
        bytes[i] ^= 4;
    }
    free(bytes);
    /* Checksums are right, but an average is missing. */
    trainer->options.average = (ek_average)7;
    OK(ek_trainer_save(trainer, fixture_path("bad.onnx"), NULL, err));
    eki_state *read;
    FAILS(EK_ERR_FORMAT, "holds impossible numbers", eki_state_read(fixture_path("bad.onnx.state"), &read, err));
    trainer->options.average = EK_AVERAGE_EMA;
    const char *name = trainer->groups.items[1].name;
    trainer->groups.items[1].name = "none";
    OK(ek_trainer_save(trainer, fixture_path("bad.onnx"), NULL, err));
    trainer->groups.items[1].name = name;
    ek_checkpoint checkpoint;
    OK(ek_checkpoint_load(fixture_path("bad.onnx"), &checkpoint, err));
    FAILS(EK_ERR_FORMAT, "'none'", ek_trainer_restore(trainer, &checkpoint, err));
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
    o.average_decay = 1;
    ek_trainer *none;
    FAILS(EK_ERR_ARG, "average_decay = 1 is out of range", ek_trainer_create(model, &o, &none, err));
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

static double loss_of(ek_model *model, const ek_dataset *data) {
    ek_eval_options o = ek_eval_options_default();
    ek_eval_result result;
    o.threads = 1;
    OK(ek_evaluate(model, data, &o, &result, err));
    return result.loss;
}

/* Copies measured on a few images, always the same; the model that they are of stays as it was. */
static void check_copies(const ek_model *model, const ek_dataset *data) {
    ek_recalibrate_options o = ek_recalibrate_options_default();
    uint64_t before = fixture_hash(model), hash[3];
    for (int i = 0; i < 3; i++) {
        ek_model *copy;
        ek_recalibration *report;
        o.sample = i < 2 ? 50 : 0;
        OK(ek_model_copy(model, &copy, err));
        assert_true(fixture_hash(copy) == before);
        OK(ek_recalibrate(copy, data, &o, &report, err));
        hash[i] = fixture_hash(copy);
        assert_int_equal(ek_recalibration_row(report, 0)->values,
                         (i < 2 ? 50 : ek_dataset_describe(data).count) * 28 * 28);
        ek_recalibration_destroy(report);
        ek_model_destroy(copy);
    }
    assert_true(fixture_hash(model) == before);
    assert_true(hash[0] == hash[1] && hash[0] != hash[2] && hash[0] != before);
}

/* Measured on arrays of the same numbers, in one pass and in as many as there are norms, statistics have the same bits.
 */
static void check_arrays(const ek_model *model, const ek_dataset *data) {
    int64_t count = ek_dataset_describe(data).count;
    float *pixels = test_calloc((size_t)count, 28 * 28 * sizeof *pixels);
    const ek_array_source source = {
        .name = ek_model_input(model, 0).name, .dtype = EK_F32, .rank = 4, .dims = {count, 1, 28, 28}, .data = pixels};
    ek_dataset *arrays;
    for (int64_t i = 0; i < count; i++) OK(ek_dataset_read(data, i, pixels + i * 28 * 28, NULL, err));
    OK(ek_dataset_open_arrays(&source, 1, 0, &arrays, err));
    for (int one_pass = 0; one_pass < 2; one_pass++) {
        ek_recalibrate_options o = ek_recalibrate_options_default();
        ek_model *copies[2];
        ek_recalibration *report;
        o.one_pass = one_pass;
        o.use_metadata = 0;
        o.batch = 25; /* the last one is short */
        for (int i = 0; i < 2; i++) {
            OK(ek_model_copy(model, &copies[i], err));
            OK(ek_recalibrate(copies[i], i ? arrays : data, &o, &report, err));
            ek_recalibration_destroy(report);
        }
        assert_true(fixture_hash(copies[0]) == fixture_hash(copies[1]));
        assert_true(fixture_hash(copies[0]) != fixture_hash(model));
        for (int i = 0; i < 2; i++) ek_model_destroy(copies[i]);
    }
    ek_dataset_close(arrays);
    test_free(pixels);
}

static void train(ek_trainer *trainer, ek_loader *loader, int epochs) {
    ek_batch batch;
    for (int epoch = 0; epoch < epochs; epoch++) {
        OK(ek_loader_start_epoch(loader, epoch, 0, err));
        for (int64_t i = 0; i < ek_loader_batches(loader); i++) {
            OK(ek_loader_next(loader, &batch, err));
            OK(ek_trainer_step(trainer, &batch, NULL, err));
        }
    }
}

/* How much is trained, and over how many steps an exponential average goes. */
typedef struct design {
    const char *data;
    int64_t batch;
    int epochs;
    double decay;
} design;

static const design few = {"builtin:strokes:300", 25, 5, 0.95};
/* An average over many more steps than running statistics remember. */
static const design many = {"builtin:strokes:1000", 10, 10, 0.99};

/* The weights of an average with the statistics of the trained ones, and with their own. */
static void compare(const design *d, ek_average kind, uint64_t seed) {
    ek_build_options build = ek_build_options_default("lenet");
    ek_loader_options loading = ek_loader_options_default();
    ek_train_options o = some_options(kind);
    ek_dataset *data, *other;
    ek_loader *loader;
    ek_model *model, *average;
    ek_trainer *trainer;
    ek_recalibration *report;
    loading.batch = d->batch;
    loading.shuffle = 1;
    build.seed = loading.seed = o.seed = seed;
    OK(ek_dataset_open(d->data, EK_SPLIT_TRAIN, NULL, &data, err));
    OK(ek_dataset_divide(data, 0.3, seed, &other, err));
    OK(ek_loader_create(data, &loading, &loader, err));
    o.lr = 0.1;
    o.total_steps = d->epochs * ek_loader_batches(loader);
    o.schedule = EK_SCHEDULE_CONSTANT;
    o.average_decay = d->decay;
    OK(ek_model_build(&build, &model, err));
    OK(ek_trainer_create(model, &o, &trainer, err));
    train(trainer, loader, d->epochs);
    OK(ek_trainer_average(trainer, &average, err));
    double old = loss_of(average, other);
    if (d->epochs == few.epochs && kind == EK_AVERAGE_SWA) check_arrays(average, data);
    OK(ek_recalibrate(average, data, NULL, &report, err));
    double measured = loss_of(average, other);
    print_message("%s, seed %d: loss %.4f with the old statistics, %.4f with its own, %.4f of the last weights\n",
                  kind == EK_AVERAGE_EMA ? "ema" : "swa", (int)seed, old, measured, loss_of(model, other));
    assert_true(measured < old);
    ek_recalibration_destroy(report);
    if (d->epochs == few.epochs && kind == EK_AVERAGE_EMA) check_copies(model, data);
    ek_model_destroy(average);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    ek_loader_destroy(loader);
    ek_dataset_close(data);
    ek_dataset_close(other);
}

static void test_statistics(void **state) {
    (void)state;
    compare(&few, EK_AVERAGE_EMA, 1);
    compare(&few, EK_AVERAGE_SWA, 1);
}

static void test_seeds(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        compare(&many, EK_AVERAGE_EMA, seed);
        compare(&many, EK_AVERAGE_SWA, seed);
    }
}

/* With an argument: over seeds, which takes half a minute. */
int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_formula), cmocka_unit_test(test_damage),
                                       cmocka_unit_test(test_statistics)};
    const struct CMUnitTest seeds[] = {cmocka_unit_test(test_seeds)};
    (void)argv;
    return argc > 1 ? cmocka_run_group_tests(seeds, NULL, NULL) : cmocka_run_group_tests(tests, NULL, NULL);
}
