/* test_statistics.c: running statistics that a training begins never hold their initial values, those that a file
 * brings are averaged on; which of the two is kept in the file, counted in batches that were accepted, and gone where
 * somebody else sets the statistics.
 */
#include "train/train_fixture.h"

#include <evenkeel/surgery.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 8, EXTENT = 12 };

static ek_train_options options_of(ek_statistics statistics) {
    ek_train_options o = ek_train_options_default();
    o.lr = 1e-9; /* the same weights all the time, nearly */
    o.schedule = EK_SCHEDULE_CONSTANT;
    o.threads = 1;
    o.total_steps = 100;
    o.statistics = statistics;
    return o;
}

static ek_trainer *trainer_of(ek_model *model, ek_statistics statistics) {
    ek_train_options o = options_of(statistics);
    ek_trainer *trainer;
    OK(ek_trainer_create(model, &o, &trainer, err));
    return trainer;
}

static void steps(ek_trainer *trainer, uint64_t first, uint64_t last) {
    for (uint64_t i = first; i < last; i++) {
        fixture_batch b = fixture_make_batch(BATCH, EXTENT * EXTENT, 4, i);
        OK(ek_trainer_step(trainer, &b.batch, NULL, err));
        fixture_free_batch(&b);
    }
}

static int64_t counted(const ek_model *model, size_t norm) {
    ek_model_norm info = ek_model_norm_get(model, norm);
    char key[256];
    snprintf(key, sizeof key, "evenkeel.updates.%s", info.output);
    const char *text = ek_model_metadata(model, key);
    assert_int_equal(text != NULL ? strtoll(text, NULL, 10) : 0, info.updates);
    return info.updates;
}

static float *values(ek_model *model, size_t norm, int variance, size_t *count) {
    ek_model_norm info = ek_model_norm_get(model, norm);
    void *data;
    OK(ek_model_tensor_data(model, variance ? info.variance : info.mean, NULL, &data, err));
    *count = (size_t)info.channels;
    return data;
}

/* Weight that the initial variance of 1 has in the first norm: what is left of it when it is raised by a million. */
static double weight_of_initial(ek_statistics statistics, uint64_t updates) {
    double found[2];
    for (int raised = 0; raised < 2; raised++) {
        ek_model *model = fixture_model("cnn6", EK_NORM_BATCH, EXTENT, 0);
        ek_trainer *trainer = trainer_of(model, statistics);
        size_t count;
        if (raised) values(model, 0, 1, &count)[3] = 1e6F;
        steps(trainer, 0, updates);
        found[raised] = (double)values(model, 0, 1, &count)[3];
        ek_trainer_destroy(trainer);
        ek_model_destroy(model);
    }
    return (found[1] - found[0]) / (1e6 - 1);
}

static void initial_values(void **state) {
    (void)state;
    for (uint64_t t = 1; t <= 3; t++) {
        assert_true(weight_of_initial(EK_STATISTICS_AUTO, t) == 0);
        assert_true(weight_of_initial(EK_STATISTICS_DEBIASED, t) == 0);
        assert_true(weight_of_initial(EK_STATISTICS_EXACT, t) == 0);
        double plain = weight_of_initial(EK_STATISTICS_EMA, t);
        if (fabs(plain - pow(0.9, (double)t)) > 1e-5) fail_msg("weight %g after %d updates", plain, (int)t);
    }
}

/* A file whose statistics were measured, but not counted, is averaged on; at 0 and 1, or with a count, it is not. */
static void by_the_file(void **state) {
    (void)state;
    ek_model *model = fixture_model("cnn6", EK_NORM_BATCH, EXTENT, 0);
    size_t count, norms = ek_model_norm_count(model);
    values(model, 1, 0, &count)[2] = 0.125F; /* measured */
    ek_trainer *trainer = trainer_of(model, EK_STATISTICS_AUTO);
    steps(trainer, 0, 2);
    for (size_t i = 0; i < norms; i++) assert_int_equal(counted(model, i), i == 1 ? 0 : 2);
    ek_trainer_destroy(trainer);
    trainer = trainer_of(model, EK_STATISTICS_AUTO); /* the count says that a debiased average goes on */
    steps(trainer, 2, 12);
    for (size_t i = 0; i < norms; i++) assert_int_equal(counted(model, i), i == 1 ? 0 : 12);
    ek_trainer_destroy(trainer);
    trainer = trainer_of(model, EK_STATISTICS_DEBIASED); /* what was not counted begins anew */
    steps(trainer, 12, 13);
    for (size_t i = 0; i < norms; i++) assert_int_equal(counted(model, i), i == 1 ? 1 : 13);
    ek_trainer_destroy(trainer);
    trainer = trainer_of(model, EK_STATISTICS_EMA);
    for (size_t i = 0; i < norms; i++) assert_int_equal(counted(model, i), i == 1 ? 1 : 13);
    steps(trainer, 13, 14);
    for (size_t i = 0; i < norms; i++) assert_int_equal(counted(model, i), 0);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
}

/* Neither frozen steps nor batches that are refused count. */
static void accepted_only(void **state) {
    (void)state;
    ek_model *model = fixture_model("cnn6", EK_NORM_BATCH, EXTENT, 0);
    OK(ek_model_freeze(model, ek_model_norm_get(model, 2).output, 1, -1, NULL, err));
    ek_trainer *trainer = trainer_of(model, EK_STATISTICS_AUTO);
    steps(trainer, 0, 3);
    assert_int_equal(counted(model, 0), 3);
    assert_int_equal(counted(model, 2), 0);
    fixture_batch b = fixture_make_batch(BATCH, EXTENT * EXTENT, 4, 9);
    b.images[5] = NAN;
    FAILS(EK_ERR_NONFINITE, "not finite", ek_trainer_step(trainer, &b.batch, NULL, err));
    fixture_free_batch(&b);
    assert_int_equal(counted(model, 0), 3);
    OK(ek_model_freeze(model, "*", 0, -1, NULL, err));
    OK(ek_trainer_regroup(trainer, NULL, 0, err));
    steps(trainer, 3, 4);
    assert_int_equal(counted(model, 0), 4);
    assert_int_equal(counted(model, 2), 1);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
}

/* At m = 1 the mean of all batches, at m = 0 the last one. */
static void extremes(void **state) {
    (void)state;
    float batch[3], found;
    for (int m = 0; m <= 1; m++) {
        for (int one = 0; one < 4; one++) { /* each batch alone, then all three */
            ek_build_options o = ek_build_options_default("cnn6");
            ek_model *model;
            size_t count;
            o.channels = 1;
            o.height = o.width = EXTENT;
            o.classes = 4;
            o.momentum = m;
            OK(ek_model_build(&o, &model, err));
            ek_trainer *trainer = trainer_of(model, EK_STATISTICS_AUTO);
            steps(trainer, one < 3 ? (uint64_t)one : 0, one < 3 ? (uint64_t)one + 1 : 3);
            found = values(model, 0, 1, &count)[1];
            if (one < 3) batch[one] = found;
            ek_trainer_destroy(trainer);
            ek_model_destroy(model);
        }
        float expected = m == 0 ? batch[2] : (batch[0] + batch[1] + batch[2]) / 3;
        if (fabsf(found / expected - 1) > 1e-5F)
            fail_msg("m = %d: %g, expected %g", m, (double)found, (double)expected);
    }
}

/* The count survives the file, and goes where statistics are set by others. */
static void kept_and_forgotten(void **state) {
    (void)state;
    ek_model *model = fixture_model("cnn6", EK_NORM_BATCH, EXTENT, 0), *again;
    ek_trainer *trainer = trainer_of(model, EK_STATISTICS_AUTO);
    const ek_position start = {.flags = ""};
    ek_checkpoint checkpoint;
    steps(trainer, 0, 11);
    OK(ek_trainer_save(trainer, fixture_path("m.onnx"), &start, err));
    OK(ek_checkpoint_load(fixture_path("m.onnx"), &checkpoint, err));
    assert_int_equal(counted(checkpoint.model, 0), 11);
    ek_trainer *resumed = trainer_of(checkpoint.model, EK_STATISTICS_AUTO);
    OK(ek_trainer_restore(resumed, &checkpoint, err));
    steps(trainer, 11, 13);
    steps(resumed, 11, 13);
    fixture_same_tensors(model, checkpoint.model);
    assert_int_equal(counted(checkpoint.model, 0), 13);
    ek_trainer_destroy(resumed);
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
    ek_trainer_destroy(trainer);

    ek_convert_options convert = ek_convert_options_default();
    ek_edit_report *report;
    convert.norm = EK_TO_GROUP;
    convert.pattern = ek_model_norm_get(model, 1).output;
    OK(ek_convert(model, &convert, &again, &report, NULL, err));
    assert_int_equal(counted(again, 0), 13);
    assert_int_equal(counted(again, 1), 0);
    ek_edit_report_destroy(report);
    ek_model_destroy(again);

    ek_dataset *data;
    ek_recalibration *measured;
    OK(ek_dataset_open("builtin:strokes:40", EK_SPLIT_TRAIN, NULL, &data, err));
    ek_model *wide = fixture_model("cnn6", EK_NORM_BATCH, 28, 0);
    char key[256];
    snprintf(key, sizeof key, "evenkeel.updates.%s", ek_model_norm_get(wide, 0).output);
    OK(ek_model_set_metadata(wide, key, "7", err));
    assert_int_equal(counted(wide, 0), 7);
    OK(ek_recalibrate(wide, data, NULL, &measured, err));
    assert_int_equal(counted(wide, 0), 0);
    assert_null(ek_model_metadata(wide, key));
    ek_recalibration_destroy(measured);
    ek_dataset_close(data);

    const char *const bad[] = {"-3", "", "3 ", "0", "9999999999999999999", "x"};
    ek_train_options o = options_of(EK_STATISTICS_AUTO);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        OK(ek_model_set_metadata(wide, key, bad[i], err));
        FAILS(EK_ERR_FORMAT, "evenkeel.updates.", ek_trainer_create(wide, &o, &trainer, err));
    }
    OK(ek_model_set_metadata(wide, key, NULL, err));
    o.statistics = (ek_statistics)4;
    FAILS(EK_ERR_ARG, "statistics 4", ek_trainer_create(wide, &o, &trainer, err));
    ek_model_destroy(wide);
    ek_model_destroy(model);
}

int main(void) {
    fixture_folder();
    const struct CMUnitTest tests[] = {cmocka_unit_test(initial_values), cmocka_unit_test(by_the_file),
                                       cmocka_unit_test(accepted_only), cmocka_unit_test(extremes),
                                       cmocka_unit_test(kept_and_forgotten)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fixture_clean();
    return failed;
}
