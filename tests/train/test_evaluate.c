/* test_evaluate.c: the same bits for any batch size; metadata; what is refused. */
#include "train/train_fixture.h"

#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 83, CLASSES = 10 };

static ek_dataset *strokes(void) {
    ek_dataset *dataset;
    OK(ek_dataset_open("builtin:strokes:83", EK_SPLIT_TRAIN,
                       &(ek_dataset_options){.struct_size = sizeof(ek_dataset_options), .limit = IMAGES}, &dataset,
                       err));
    assert_int_equal(ek_dataset_describe(dataset).count, IMAGES);
    return dataset;
}

static ek_model *lenet(int classes) {
    ek_build_options o = ek_build_options_default("lenet");
    ek_model *model;
    o.classes = classes;
    OK(ek_model_build(&o, &model, err));
    return model;
}

static ek_eval_result evaluate(ek_model *model, const ek_dataset *dataset, int64_t batch, int threads, float *logits) {
    ek_eval_options o = ek_eval_options_default();
    ek_eval_result result;
    o.batch = batch;
    o.threads = threads;
    o.logits = logits;
    OK(ek_evaluate(model, dataset, &o, &result, err));
    return result;
}

static void test_any_batch(void **state) {
    (void)state;
    static float reference[IMAGES * CLASSES], logits[IMAGES * CLASSES];
    ek_dataset *dataset = strokes();
    ek_model *model = lenet(CLASSES);
    ek_eval_result first = evaluate(model, dataset, IMAGES, 1, reference);
    assert_int_equal(first.images, IMAGES);
    assert_int_equal(first.classes, CLASSES);
    assert_true(first.loss > 0 && isfinite(first.loss));
    const int64_t batches[] = {1, 7, 32, 1000};
    for (int i = 0; i < 4; i++) {
        ek_eval_result again = evaluate(model, dataset, batches[i], 2, logits);
        assert_memory_equal(logits, reference, sizeof logits);
        assert_memory_equal(&again, &first, sizeof again);
    }
    model->document->inputs[0]->shape.dims[0] = 8; /* a model written for batches of 8 */
    OK(eki_model_rebuild(model, err));
    ek_eval_result padded = evaluate(model, dataset, 64, 2, logits);
    assert_memory_equal(logits, reference, sizeof logits);
    assert_memory_equal(&padded, &first, sizeof padded);
    ek_model_destroy(model);
    ek_dataset_close(dataset);
}

/* Judgements say what the logits say, and sums over them are the result. */
static void test_judgements(void **state) {
    (void)state;
    static float logits[IMAGES * CLASSES];
    static ek_judgement all[IMAGES];
    ek_dataset *dataset = strokes();
    ek_model *model = lenet(CLASSES);
    ek_eval_result expected = evaluate(model, dataset, 32, 1, logits), result;
    ek_eval_options o = ek_eval_options_default();
    o.judgements = all;
    OK(ek_evaluate(model, dataset, &o, &result, err));
    assert_memory_equal(&result, &expected, sizeof result);
    double sum = 0;
    int64_t correct = 0;
    for (int i = 0; i < IMAGES; i++) {
        const float *row = logits + (ptrdiff_t)i * CLASSES;
        int32_t label;
        int64_t above = 0;
        OK(ek_dataset_read(dataset, i, NULL, &label, err));
        for (int c = 0; c < CLASSES; c++) {
            assert_true(row[c] <= row[all[i].predicted]);
            above += row[c] > row[label] || (row[c] == row[label] && c < label);
        }
        assert_int_equal(all[i].label, label);
        assert_int_equal(all[i].above, above);
        correct += all[i].predicted == label;
        sum += all[i].loss;
    }
    assert_int_equal(correct, expected.correct);
    assert_true(sum / IMAGES == expected.loss);
    ek_model_destroy(model);
    ek_dataset_close(dataset);
}

static void test_metadata(void **state) {
    (void)state;
    ek_dataset *dataset = strokes();
    ek_model *model = lenet(CLASSES);
    double plain = evaluate(model, dataset, 32, 1, NULL).loss;
    OK(ek_model_set_metadata(model, "evenkeel.mean", "0.25", err));
    OK(ek_model_set_metadata(model, "evenkeel.std", "0.5", err));
    assert_true(evaluate(model, dataset, 32, 1, NULL).loss != plain);
    ek_eval_options o = ek_eval_options_default();
    ek_eval_result result;
    o.use_metadata = 0;
    OK(ek_evaluate(model, dataset, &o, &result, err));
    assert_true(result.loss == plain);
    o.use_metadata = 1;
    OK(ek_model_set_metadata(model, "evenkeel.mean", "0.1,0.2", err));
    FAILS(EK_ERR_FORMAT, "evenkeel.mean = '0.1,0.2'", ek_evaluate(model, dataset, &o, &result, err));
    ek_model_destroy(model);
    ek_dataset_close(dataset);
}

static int stop_early(void *context, int64_t done, int64_t total) {
    assert_int_equal(total, IMAGES);
    *(int64_t *)context = done;
    return done >= 40;
}

static void test_refusals(void **state) {
    (void)state;
    ek_dataset *dataset = strokes();
    ek_model *few = lenet(4), *large = fixture_model("cnn6", EK_NORM_BATCH, 20, 0.0), *model = lenet(CLASSES);
    ek_eval_options o = ek_eval_options_default();
    ek_eval_result result;
    int64_t done = 0;
    FAILS(EK_ERR_ARG, "the model has 4 classes", ek_evaluate(few, dataset, &o, &result, err));
    FAILS(EK_ERR_SHAPE, "images are 1x28x28", ek_evaluate(large, dataset, &o, &result, err));
    o.batch = 20;
    o.progress = stop_early;
    o.context = &done;
    FAILS(EK_ERR_INTERRUPTED, "stopped after 40 of 83", ek_evaluate(model, dataset, &o, &result, err));
    assert_int_equal(done, 40);
    o.batch = 0;
    FAILS(EK_ERR_ARG, "batch = 0", ek_evaluate(model, dataset, &o, &result, err));
    ek_model_destroy(few);
    ek_model_destroy(large);
    ek_model_destroy(model);
    ek_dataset_close(dataset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_batch),
        cmocka_unit_test(test_judgements),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
