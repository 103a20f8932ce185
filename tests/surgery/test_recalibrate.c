/* test_recalibrate.c: the statistics are those of the data, computed directly in f64; they do not depend on the batch
 * size; what must be left alone is; a failure changes nothing. */
#include "net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 30 };

static ek_dataset *strokes(void) {
    ek_dataset *data;
    ek_dataset_options o = {.struct_size = sizeof o, .limit = IMAGES};
    OK(ek_dataset_open("builtin:strokes:60", EK_SPLIT_TRAIN, &o, &data, err));
    return data;
}

static ek_model *classifier(const char *architecture) {
    ek_build_options o = ek_build_options_default(architecture);
    ek_model *model;
    o.channels = 1;
    o.height = o.width = 28;
    o.classes = 10;
    o.dropout = 0.5;
    OK(ek_model_build(&o, &model, err));
    OK(ek_model_set_metadata(model, "evenkeel.mean", "0.2", err));
    OK(ek_model_set_metadata(model, "evenkeel.std", "0.4", err));
    return model;
}

static ek_recalibration *run(ek_model *model, const ek_dataset *data, const ek_recalibrate_options *o) {
    ek_recalibration *report;
    OK(ek_recalibrate(model, data, o, &report, err));
    return report;
}

static const float *tensor(ek_model *model, const char *name) {
    void *data;
    OK(ek_model_tensor_data(model, name, NULL, &data, err));
    return data;
}

static ek_mode mode = EK_MODE_INFERENCE;

/* The input of norm `index` over all of the data at once. */
static ek_session *input_of(ek_model *model, size_t index, const ek_dataset *data, ek_array *x) {
    const char *name = model->norms[index].node->in[0]->name;
    ek_session_options o = ek_session_options_default();
    ek_session *session;
    o.outputs = &name;
    o.output_count = 1;
    o.mode = mode;
    OK(ek_session_create(model, &o, &session, err));
    float *images = malloc(IMAGES * 28 * 28 * sizeof *images);
    for (int i = 0; i < IMAGES; i++) OK(ek_dataset_read(data, i, images + i * 28 * 28, NULL, err));
    for (int i = 0; i < IMAGES * 28 * 28; i++) images[i] = (images[i] - 0.2F) / 0.4F;
    ek_array in = {EK_F32, 4, {IMAGES, 1, 28, 28}, images};
    OK(ek_session_run(session, &in, 1, err));
    *x = ek_session_output(session, 0);
    free(images);
    return session;
}

/* Whether norm `index` of `model` holds the statistics that its input has in `source`. */
static void check_norm(ek_model *model, ek_model *source, size_t index, const ek_dataset *data) {
    ek_array x;
    ek_session *session = input_of(source, index, data, &x);
    ek_model_norm info = ek_model_norm_get(model, index);
    const float *mean = tensor(model, info.mean), *variance = tensor(model, info.variance), *v = x.data;
    int64_t space = 1, channels = x.dims[1];
    for (int i = 2; i < x.rank; i++) space *= x.dims[i];
    double n = (double)(IMAGES * space);
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0, square = 0;
        for (int64_t i = 0; i < IMAGES * space; i++) sum += (double)v[(i / space * channels + c) * space + i % space];
        for (int64_t i = 0; i < IMAGES * space; i++) {
            double d = (double)v[(i / space * channels + c) * space + i % space] - sum / n;
            square += d * d;
        }
        double deviation = sqrt(square / n);
        if (!(fabs((double)mean[c] - sum / n) <= 1e-6 * deviation)) {
            fail_msg("%s: mean %g, not %g", info.node, (double)mean[c], sum / n);
        }
        if (!(fabs((double)variance[c] - square / n) <= 1e-6 * square / n)) {
            fail_msg("%s: variance %g, not %g", info.node, (double)variance[c], square / n);
        }
    }
    ek_session_destroy(session);
}

/* Each norm holds the statistics that its input has in the finished model. */
static void test_sequential(void **state) {
    (void)state;
    static const char *const names[] = {"cnn6", "resnet20"};
    for (int k = 0; k < 2; k++) {
        ek_dataset *data = strokes();
        ek_model *model = classifier(names[k]);
        ek_recalibration *report = run(model, data, NULL);
        assert_int_equal(ek_recalibration_count(report), ek_model_norm_count(model));
        for (size_t i = 0; i < ek_model_norm_count(model); i++) {
            const ek_recalibrated *row = ek_recalibration_row(report, i);
            assert_true(row->updated && row->values >= IMAGES && row->ratio_min <= row->ratio_max);
            check_norm(model, model, i, data);
        }
        ek_recalibration_destroy(report);
        ek_model_destroy(model);
        ek_dataset_close(data);
    }
}

/* In one pass they are those of the model in training mode, nothing dropped; here all of the data is one batch. */
static void test_one_pass(void **state) {
    (void)state;
    ek_dataset *data = strokes();
    ek_model *model = classifier("cnn6"), *source = classifier("cnn6"), *other = classifier("cnn6");
    ek_recalibrate_options o = ek_recalibrate_options_default();
    o.one_pass = 1;
    ek_recalibration *report = run(model, data, &o);
    mode = EK_MODE_TRAINING;
    for (size_t i = 0; i < ek_model_norm_count(model); i++) check_norm(model, source, i, data);
    mode = EK_MODE_INFERENCE;
    ek_recalibration_destroy(report);
    ek_recalibration_destroy(run(other, data, NULL));
    assert_true(fixture_hash(model) != fixture_hash(other));
    ek_model_destroy(other);
    ek_model_destroy(source);
    ek_model_destroy(model);
    ek_dataset_close(data);
}

/* A model written for batches of 20 sees 20 images, then 10 of them twice: batch statistics are those of its own. */
static void test_fixed_batch(void **state) {
    (void)state;
    for (int one_pass = 0; one_pass < 2; one_pass++) {
        ek_dataset *data = strokes();
        ek_model *fixed = classifier("cnn6"), *open = classifier("cnn6");
        const int64_t dims[4] = {20, 1, 28, 28};
        OK(ek_set_input(fixed, dims, err));
        assert_int_equal(ek_model_input(fixed, 0).dims[0], 20);
        ek_recalibrate_options o = ek_recalibrate_options_default();
        o.one_pass = one_pass;
        o.batch = 20;
        ek_recalibration_destroy(run(fixed, data, &o));
        ek_recalibration_destroy(run(open, data, &o));
        for (size_t i = 0; i < ek_model_norm_count(fixed); i++) {
            ek_model_norm info = ek_model_norm_get(fixed, i);
            for (int c = 0; c < info.channels; c++) {
                float variance = tensor(open, info.variance)[c], deviation = sqrtf(variance);
                float gap = fabsf(tensor(fixed, info.mean)[c] - tensor(open, info.mean)[c]);
                assert_true(gap <= 1e-5F * deviation);
                assert_true(fabsf(tensor(fixed, info.variance)[c] - variance) <= 1e-5F * variance);
            }
        }
        ek_model_destroy(open);
        ek_model_destroy(fixed);
        ek_dataset_close(data);
    }
}

static void test_batch_size(void **state) {
    (void)state;
    ek_dataset *data = strokes();
    uint64_t hashes[3];
    const int64_t batches[3] = {1, 7, 64};
    for (int i = 0; i < 3; i++) {
        ek_model *model = classifier("cnn6");
        ek_recalibrate_options o = ek_recalibrate_options_default();
        o.batch = batches[i];
        o.threads = i;
        ek_recalibration_destroy(run(model, data, &o));
        hashes[i] = fixture_hash(model);
        ek_model_destroy(model);
    }
    assert_true(hashes[0] == hashes[1] && hashes[1] == hashes[2]);
    ek_dataset_close(data);
}

static void test_blend_and_freeze(void **state) {
    (void)state;
    ek_dataset *data = strokes();
    ek_model *full = classifier("lenet"), *half = classifier("lenet"), *frozen = classifier("lenet");
    ek_recalibrate_options o = ek_recalibrate_options_default();
    o.blend = 0.25;
    ek_recalibration_destroy(run(full, data, NULL));
    ek_recalibration_destroy(run(half, data, &o));
    ek_model_norm info = ek_model_norm_get(full, 0);
    float all = tensor(full, info.mean)[0], part = tensor(half, info.mean)[0];
    assert_true(fabsf(part - 0.75F * all) <= 1e-6F * fabsf(all)); /* old mean: 0 */
    OK(ek_model_freeze(frozen, "*", 1, 0, NULL, err));
    uint64_t before = fixture_hash(frozen);
    ek_recalibration *report = run(frozen, data, NULL);
    assert_true(fixture_hash(frozen) == before);
    assert_false(ek_recalibration_row(report, 0)->updated);
    assert_non_null(strstr(ek_recalibration_row(report, 0)->text, "frozen"));
    ek_recalibration_destroy(report);
    ek_model_destroy(frozen);
    ek_model_destroy(half);
    ek_model_destroy(full);
    ek_dataset_close(data);
}

/* As if the old statistics were those of so many images: what half of the data and then the other half give is what
 * all of it gives, where each norm's input does not depend on the statistics (the first norm). */
static void test_old_images(void **state) {
    (void)state;
    ek_dataset *all, *half;
    ek_dataset_options first = {.struct_size = sizeof first, .limit = 20};
    OK(ek_dataset_open("builtin:strokes:20", EK_SPLIT_TRAIN, &first, &half, err));
    ek_recalibrate_options o = ek_recalibrate_options_default();
    ek_model *parts = classifier("cnn6"), *whole = classifier("cnn6");
    ek_recalibration_destroy(run(parts, half, NULL));
    o.old_images = 20;
    ek_recalibration_destroy(run(parts, half, &o)); /* the same again: nothing moves */
    ek_recalibration_destroy(run(whole, half, NULL));
    ek_model_norm info = ek_model_norm_get(whole, 0);
    for (int c = 0; c < info.channels; c++) {
        assert_true(fabsf(tensor(parts, info.variance)[c] - tensor(whole, info.variance)[c]) <=
                    1e-6F * tensor(whole, info.variance)[c]);
    }
    /* Two sets far apart: mean in the middle, and their distance is variance. */
    first.gain = 1;
    first.offset = 2;
    OK(ek_dataset_open("builtin:strokes:20", EK_SPLIT_TRAIN, &first, &all, err));
    float mean = tensor(whole, info.mean)[0], variance = tensor(whole, info.variance)[0];
    ek_model *far = classifier("cnn6");
    ek_recalibration_destroy(run(far, all, NULL));
    float far_mean = tensor(far, info.mean)[0], far_variance = tensor(far, info.variance)[0], gap = far_mean - mean;
    o.old_images = 60;
    ek_recalibration_destroy(run(whole, all, &o));
    assert_true(gap * gap > variance);
    assert_true(fabsf(tensor(whole, info.mean)[0] - (0.75F * mean + 0.25F * far_mean)) <= 1e-5F * fabsf(gap));
    float expected = 0.75F * variance + 0.25F * far_variance + 0.1875F * gap * gap;
    assert_true(fabsf(tensor(whole, info.variance)[0] - expected) <= 1e-5F * expected);
    ek_model_destroy(far);
    ek_model_destroy(whole);
    ek_model_destroy(parts);
    ek_dataset_close(all);
    ek_dataset_close(half);
}

/* Dropout is off, also in one pass, where the norms below see batch statistics. */
static void test_dropout_off(void **state) {
    (void)state;
    ek_dataset *data = strokes();
    ek_model *models[2];
    for (int k = 0; k < 2; k++) {
        const int64_t one = 1;
        net n = net_image(17, 1, 28);
        eki_value *ratio = net_constant(&n, "ratio", 0, &one, 0.5, 0.5), *train;
        eki_shape scalar = {.rank = 0};
        OK(eki_graph_add_tensor(n.graph, "train", EK_BOOL, &scalar, &train, err));
        *(unsigned char *)train->init->data = 1;
        eki_value *in[3] = {n.x, ratio, train};
        (void)net_node(&n, "Dropout", "drop", in, 3);
        (void)net_bn(&n, "bn", 1);
        models[k] = net_finish(&n);
        ek_recalibrate_options o = ek_recalibrate_options_default();
        o.one_pass = k;
        ek_recalibration_destroy(run(models[k], data, &o));
    }
    fixture_same_tensors(models[0], models[1]);
    float mean[EK_MAX_CHANNELS], std[EK_MAX_CHANNELS];
    OK(ek_dataset_measure(data, 0, mean, std, err));
    assert_true(fabsf(tensor(models[0], "bn.mean")[0] - mean[0]) <= 1e-6F);
    assert_true(fabsf(tensor(models[0], "bn.var")[0] - std[0] * std[0]) <= 1e-6F * std[0] * std[0] * 4);
    for (int k = 0; k < 2; k++) ek_model_destroy(models[k]);
    ek_dataset_close(data);
}

static int stop(void *context, int64_t done, int64_t total) {
    (void)context;
    return done * 2 > total;
}

static void test_failures(void **state) {
    (void)state;
    ek_dataset *data = strokes();
    ek_model *model = classifier("cnn6");
    ek_recalibration *report;
    ek_recalibrate_options o = ek_recalibrate_options_default();
    uint64_t before = fixture_hash(model);
    o.progress = stop;
    FAILS(EK_ERR_INTERRUPTED, "the model is as it was", ek_recalibrate(model, data, &o, &report, err));
    assert_true(fixture_hash(model) == before);
    o = ek_recalibrate_options_default();
    o.blend = 1;
    FAILS(EK_ERR_ARG, "blend", ek_recalibrate(model, data, &o, &report, err));
    const eki_node *conv = model->norms[2].node->in[0]->producer;
    ((float *)conv->in[1]->init->data)[0] = NAN;
    before = fixture_hash(model);
    FAILS(EK_ERR_NONFINITE, "is not finite", ek_recalibrate(model, data, NULL, &report, err));
    assert_true(fixture_hash(model) == before);
    ek_model_destroy(model);
    model = fixture_model("cnn6", EK_NORM_BATCH, 8, 0.0);
    FAILS(EK_ERR_SHAPE, "images are 1x28x28", ek_recalibrate(model, data, NULL, &report, err));
    ek_model_destroy(model);
    ek_dataset_close(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequential),       cmocka_unit_test(test_one_pass),    cmocka_unit_test(test_batch_size),
        cmocka_unit_test(test_blend_and_freeze), cmocka_unit_test(test_failures),    cmocka_unit_test(test_old_images),
        cmocka_unit_test(test_dropout_off),      cmocka_unit_test(test_fixed_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
