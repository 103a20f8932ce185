/* test_recalibrate_mnist.c: cnn6 trained on MNIST, tested on x -> 0.3 x + 0.4: at least 95 % of the accuracy that is
 * lost comes back from 1,000 images whose labels nobody looks at; the statistics are those computed in f64 from the
 * engine's own activations; images of something else make it worse. Skipped without ../shared/data/mnist.
 */
#include "net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MNIST EK_SOURCE_DIR "/../shared/data/mnist"

enum { TRAIN = 4000, EPOCHS = 2, IMAGES = 1000, NORMS = 6, CHANNELS = 64 };

static ek_dataset *open_mnist(ek_split split, int64_t limit, double gain, double offset) {
    ek_dataset *data;
    ek_dataset_options o = {.struct_size = sizeof o, .limit = limit, .gain = gain, .offset = offset};
    OK(ek_dataset_open(MNIST, split, &o, &data, err));
    return data;
}

static ek_model *train(void) {
    ek_build_options build = ek_build_options_default("cnn6");
    ek_model *model;
    ek_trainer *trainer;
    ek_loader *loader;
    ek_batch batch;
    build.channels = 1;
    build.height = build.width = 28;
    build.classes = 10;
    OK(ek_model_build(&build, &model, err));
    OK(ek_model_set_metadata(model, "evenkeel.mean", "0.1307", err));
    OK(ek_model_set_metadata(model, "evenkeel.std", "0.3081", err));
    ek_dataset *data = open_mnist(EK_SPLIT_TRAIN, TRAIN, 1, 0);
    ek_loader_options o = ek_loader_options_default();
    o.shuffle = 1;
    o.mean[0] = 0.1307F;
    o.std[0] = 0.3081F;
    OK(ek_loader_create(data, &o, &loader, err));
    ek_train_options t = ek_train_options_default();
    t.lr = 0.2;
    t.total_steps = EPOCHS * ek_loader_batches(loader);
    OK(ek_trainer_create(model, &t, &trainer, err));
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        OK(ek_loader_start_epoch(loader, epoch, 0, err));
        for (;;) {
            OK(ek_loader_next(loader, &batch, err));
            if (batch.count == 0) break;
            OK(ek_trainer_step(trainer, &batch, NULL, err));
        }
    }
    ek_trainer_destroy(trainer);
    ek_loader_destroy(loader);
    ek_dataset_close(data);
    return model;
}

static double accuracy(ek_model *model, const ek_dataset *data) {
    ek_eval_result result;
    OK(ek_evaluate(model, data, NULL, &result, err));
    return result.accuracy;
}

typedef struct moments {
    double mean[NORMS][CHANNELS], variance[NORMS][CHANNELS];
} moments;

/* One pass over the activations: sums of x, or of (x - mean) squared. */
static void pass(ek_model *model, const ek_dataset *data, bool second, moments *m) {
    static double sums[NORMS][CHANNELS];
    double counts[NORMS] = {0};
    const char *names[NORMS];
    ek_session_options o = ek_session_options_default();
    ek_session *session;
    float *images = malloc(sizeof *images * 28 * 28 * 100);
    assert_int_equal(model->n_norms, NORMS);
    for (int i = 0; i < NORMS; i++) names[i] = model->norms[i].node->in[0]->name;
    o.outputs = names;
    o.output_count = NORMS;
    memset(sums, 0, sizeof sums);
    OK(ek_session_create(model, &o, &session, err));
    for (int64_t at = 0; at < IMAGES; at += 100) {
        ek_array in = {EK_F32, 4, {100, 1, 28, 28}, images};
        for (int64_t i = 0; i < 100; i++) OK(ek_dataset_read(data, at + i, images + i * 784, NULL, err));
        for (int i = 0; i < 78400; i++) images[i] = (images[i] - 0.1307F) / 0.3081F;
        OK(ek_session_run(session, &in, 1, err));
        for (int k = 0; k < NORMS; k++) {
            ek_array x = ek_session_output(session, (size_t)k);
            const float *v = x.data;
            int64_t channels = x.dims[1], space = x.dims[2] * x.dims[3];
            assert_true(channels <= CHANNELS);
            counts[k] += (double)(100 * space);
            for (int64_t i = 0; i < 100 * channels * space; i++) {
                int64_t c = i / space % channels;
                double d = (double)v[i] - (second ? m->mean[k][c] : 0);
                sums[k][c] += second ? d * d : d;
            }
        }
    }
    for (int k = 0; k < NORMS; k++) {
        for (int c = 0; c < CHANNELS; c++) (second ? m->variance : m->mean)[k][c] = sums[k][c] / counts[k];
    }
    ek_session_destroy(session);
    free(images);
}

static const float *tensor(ek_model *model, const char *name) {
    void *data;
    OK(ek_model_tensor_data(model, name, NULL, &data, err));
    return data;
}

/* |difference of means| / deviation and relative difference of variances, both at most 1e-6. */
static void check_exact(ek_model *model, const ek_dataset *data) {
    static moments m;
    double worst_mean = 0, worst_variance = 0;
    pass(model, data, false, &m);
    pass(model, data, true, &m);
    for (int k = 0; k < NORMS; k++) {
        ek_model_norm info = ek_model_norm_get(model, (size_t)k);
        const float *mean = tensor(model, info.mean), *variance = tensor(model, info.variance);
        for (int c = 0; c < info.channels; c++) {
            double deviation = sqrt(m.variance[k][c]);
            worst_mean = fmax(worst_mean, fabs((double)mean[c] - m.mean[k][c]) / deviation);
            worst_variance = fmax(worst_variance, fabs((double)variance[c] / m.variance[k][c] - 1));
        }
    }
    print_message("worst difference of a mean %.2g deviations, of a variance %.2g\n", worst_mean, worst_variance);
    assert_true(worst_mean <= 1e-6 && worst_variance <= 1e-6);
}

static void recalibrate(ek_model *model, const ek_dataset *data, int64_t batch) {
    ek_recalibration *report;
    ek_recalibrate_options o = ek_recalibrate_options_default();
    o.batch = batch;
    OK(ek_recalibrate(model, data, &o, &report, err));
    ek_recalibration_destroy(report);
}

static ek_model *copy(const ek_model *model) {
    ek_model *again;
    OK(ek_model_save(model, fixture_path("copy.onnx"), NULL, err));
    OK(ek_model_load(fixture_path("copy.onnx"), &again, err));
    return again;
}

static void test_mnist(void **state) {
    (void)state;
    if (access(MNIST, R_OK) != 0) {
        print_message("skipped: no ../shared/data/mnist\n");
        skip();
    }
    ek_model *model = train(), *other = copy(model);
    /* Accuracy on images that the statistics were not measured on as well. */
    ek_dataset *clean = open_mnist(EK_SPLIT_TEST, 2 * IMAGES, 1, 0),
               *dark = open_mnist(EK_SPLIT_TEST, 2 * IMAGES, 0.3, 0.4);
    ek_dataset *some = open_mnist(EK_SPLIT_TEST, IMAGES, 0.3, 0.4), *inverse = open_mnist(EK_SPLIT_TEST, IMAGES, -1, 1);
    double whole = accuracy(model, clean), lost = accuracy(model, dark);
    recalibrate(model, some, 64);
    double back = accuracy(model, dark), share = (back - lost) / (whole - lost);
    print_message("accuracy %.2f %%, in the dark %.2f %%, recalibrated %.2f %%: %.1f %% of the loss is back\n",
                  100 * whole, 100 * lost, 100 * back, 100 * share);
    assert_true(whole > 0.9 && lost < 0.5 && share >= 0.95);
    check_exact(model, some);
    ek_model *again = copy(model);
    recalibrate(again, some, 1000 / 3);
    fixture_same_tensors(model, again);
    recalibrate(other, inverse, 64);
    double wrong = accuracy(other, clean);
    print_message("recalibrated on inverted images: %.2f %%\n", 100 * wrong);
    assert_true(wrong < whole - 0.2);
    ek_dataset_close(inverse);
    ek_dataset_close(some);
    ek_dataset_close(dark);
    ek_dataset_close(clean);
    ek_model_destroy(again);
    ek_model_destroy(other);
    ek_model_destroy(model);
}

static int clean_up(void **state) {
    (void)state;
    fixture_clean();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mnist)};
    return cmocka_run_group_tests(tests, NULL, clean_up);
}
