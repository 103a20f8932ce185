/* test_inference_bits.c: logits of every architecture at batch 1, 7 and 1000, with 1, 2 and 3 threads, in file order
 * and with every example in another position: equal bytes. In training mode, where the batch does matter, they differ,
 * which shows that the comparison can fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <evenkeel/evenkeel.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 1000, CLASSES = 10, PIXELS = 28 * 28 };

static ek_error err;

static void good(ek_status status) {
    if (status != EK_OK) fail_msg("%s: %s", ek_status_name(status), err.text);
}

static ek_dataset *strokes(int64_t count) {
    char spec[64];
    ek_dataset *dataset;
    (void)snprintf(spec, sizeof spec, "builtin:strokes:%d", (int)count);
    good(ek_dataset_open(spec, EK_SPLIT_TRAIN, NULL, &dataset, &err));
    return dataset;
}

/* A few steps give running statistics that are not 0 and 1. */
static ek_model *trained(const char *architecture) {
    ek_build_options build = ek_build_options_default(architecture);
    build.channels = 1;
    build.height = build.width = 28;
    build.classes = CLASSES;
    ek_model *model;
    good(ek_model_build(&build, &model, &err));
    ek_dataset *dataset = strokes(96);
    ek_loader_options lo = ek_loader_options_default();
    lo.batch = 32;
    ek_loader *loader;
    good(ek_loader_create(dataset, &lo, &loader, &err));
    good(ek_loader_start_epoch(loader, 0, 0, &err));
    ek_train_options to = ek_train_options_default();
    to.total_steps = 3;
    ek_trainer *trainer;
    good(ek_trainer_create(model, &to, &trainer, &err));
    ek_batch batch;
    ek_step_result result;
    for (good(ek_loader_next(loader, &batch, &err)); batch.count > 0; good(ek_loader_next(loader, &batch, &err))) {
        good(ek_trainer_step(trainer, &batch, &result, &err));
    }
    ek_trainer_destroy(trainer);
    ek_loader_destroy(loader);
    ek_dataset_close(dataset);
    return model;
}

/* Example i of the shuffled set is example order(i) of the plain one: 387 and 1000 have no common divisor. */
static int64_t order(int64_t i) { return (387 * i + 11) % IMAGES; }

static void write_shuffled(const char *images_path, const char *labels_path) {
    ek_dataset *dataset = strokes(IMAGES);
    float *images = malloc(sizeof(float) * IMAGES * PIXELS);
    int32_t *labels = malloc(sizeof(int32_t) * IMAGES);
    for (int64_t i = 0; i < IMAGES; i++) {
        good(ek_dataset_read(dataset, order(i), images + i * PIXELS, &labels[i], &err));
    }
    good(ek_npy_write(images_path, EK_F32, 4, (int64_t[]){IMAGES, 1, 28, 28}, images, &err));
    good(ek_npy_write(labels_path, EK_I32, 1, (int64_t[]){IMAGES}, labels, &err));
    free(images);
    free(labels);
    ek_dataset_close(dataset);
}

static float *logits(ek_model *model, const ek_dataset *dataset, ek_mode mode, int64_t batch, int threads) {
    float *out = malloc(sizeof(float) * IMAGES * CLASSES);
    ek_eval_options options = ek_eval_options_default();
    ek_eval_result result;
    options.mode = mode;
    options.batch = batch;
    options.threads = threads;
    options.logits = out;
    good(ek_evaluate(model, dataset, &options, &result, &err));
    return out;
}

static int64_t differing(const float *a, const float *b, bool shuffled) {
    int64_t count = 0;
    for (int64_t i = 0; i < IMAGES; i++) {
        count += memcmp(a + (shuffled ? order(i) : i) * CLASSES, b + i * CLASSES, CLASSES * sizeof(float)) != 0;
    }
    return count;
}

static void check(const char *architecture) {
    static const int64_t batches[] = {1, 7, IMAGES};
    ek_model *model = trained(architecture);
    ek_dataset *plain = strokes(IMAGES), *shuffled;
    char images[64], labels[64], spec[160];
    (void)snprintf(images, sizeof images, "bits-%s-%d.x.npy", architecture, getenv("ONEDNN_MAX_CPU_ISA") != NULL);
    (void)snprintf(labels, sizeof labels, "bits-%s-%d.y.npy", architecture, getenv("ONEDNN_MAX_CPU_ISA") != NULL);
    (void)snprintf(spec, sizeof spec, "%s,%s", images, labels);
    write_shuffled(images, labels);
    good(ek_dataset_open(spec, EK_SPLIT_TEST, NULL, &shuffled, &err));
    float *reference = logits(model, plain, EK_MODE_INFERENCE, 64, 1);
    for (int threads = 1; threads <= 3; threads++) {
        for (int b = 0; b < 3; b++) {
            float *same = logits(model, plain, EK_MODE_INFERENCE, batches[b], threads);
            float *moved = logits(model, shuffled, EK_MODE_INFERENCE, batches[b], threads);
            assert_int_equal(differing(reference, same, false), 0);
            assert_int_equal(differing(reference, moved, true), 0);
            free(same);
            free(moved);
        }
    }
    float *training = logits(model, plain, EK_MODE_TRAINING, 64, 1);
    assert_true(differing(reference, training, false) > IMAGES / 2);
    free(training);
    free(reference);
    ek_dataset_close(plain);
    ek_dataset_close(shuffled);
    ek_model_destroy(model);
    (void)remove(images);
    (void)remove(labels);
}

static void test_mlp(void **state) {
    (void)state;
    check("mlp");
}

static void test_lenet(void **state) {
    (void)state;
    check("lenet");
}

static void test_cnn6(void **state) {
    (void)state;
    check("cnn6");
}

static void test_resnet20(void **state) {
    (void)state;
    check("resnet20");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mlp), cmocka_unit_test(test_lenet),
                                       cmocka_unit_test(test_cnn6), cmocka_unit_test(test_resnet20)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
