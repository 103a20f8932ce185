/* test_feed.c: is the order of a model's channels recognized, and does each model get the images in its own?
 *
 * Twins that differ only in a Transpose in front must give the same bits: logits, statistics, steps of training.
 */
#include "surgery/net.h"

#include "feed/feed.h"

#include <evenkeel/surgery.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 6, WIDTH = 5, CHANNELS = 3, CLASSES = 4, IMAGES = 11 };
static const int64_t first_dims[4] = {-1, CHANNELS, SIDE, WIDTH}, last_dims[4] = {-1, SIDE, WIDTH, CHANNELS};

static void transpose(net *n, const int64_t perm[4]) {
    OK(eki_node_set_ints(n->graph, net_one(n, "Transpose", "order"), "perm", perm, 4, err));
}

/* Convolution, batch norm, pooling, classifier; `last`: of channels-last images, with a scaling in front as Keras has
 * it.
 */
static ek_model *network(bool last, const int64_t *dims) {
    net n = net_start(13, 4, dims);
    eki_value *half = net_constant(&n, "half", 0, NULL, 0.5, 0.5);
    net_two(&n, "Mul", "scaling", half);
    if (last) transpose(&n, (const int64_t[]){0, 3, 1, 2});
    n.made = 100; /* the same numbers in both */
    net_conv(&n, "conv", (conv_shape){CHANNELS, 8, 3, 1, 1}, false);
    net_bn(&n, "bn", 8);
    net_one(&n, "Relu", "relu");
    net_one(&n, "GlobalAveragePool", "pool");
    net_one(&n, "Flatten", "flat");
    net_gemm(&n, "fc", 8, CLASSES, false, true);
    return net_finish(&n);
}

static ek_dataset *images(void) {
    static float x[IMAGES][CHANNELS][SIDE][WIDTH];
    int64_t y[IMAGES];
    char spec[2200];
    ek_dataset *dataset;
    fixture_batch b = fixture_make_batch(IMAGES, CHANNELS * SIDE * WIDTH, CLASSES, 5);
    memcpy(x, b.images, sizeof x);
    for (int i = 0; i < IMAGES; i++) y[i] = i % CLASSES;
    fixture_free_batch(&b);
    OK(ek_npy_write(fixture_path("x.npy"), EK_F32, 4, (const int64_t[]){IMAGES, CHANNELS, SIDE, WIDTH}, x, err));
    OK(ek_npy_write(fixture_path("y.npy"), EK_I64, 1, (const int64_t[]){IMAGES}, y, err));
    (void)snprintf(spec, sizeof spec, "%s,%s", fixture_path("x.npy"), fixture_path("y.npy"));
    OK(ek_dataset_open(spec, EK_SPLIT_TRAIN, NULL, &dataset, err));
    return dataset;
}

static bool is_last(const ek_model *model) {
    bool guessed;
    return eki_model_image_layout(model, &guessed) == EKI_CHANNELS_LAST;
}

/* A model of these extents whose input goes through `op` and a Flatten alone. */
static ek_model *plain(const char *op, const int64_t *perm, const int64_t *dims) {
    net n = net_start(13, 4, dims);
    if (op != NULL) net_one(&n, op, "first");
    if (perm != NULL) transpose(&n, perm);
    net_one(&n, "Flatten", "flat");
    return net_finish(&n);
}

static void test_recognized(void **state) {
    (void)state;
    static const int64_t open[4] = {-1, -1, -1, -1}, gray[4] = {-1, 28, 28, 1}, pixel[4] = {-1, 1, 4, 4};
    static const int64_t to_first[4] = {0, 3, 1, 2}, to_last[4] = {0, 2, 3, 1}, swapped[4] = {0, 1, 3, 2};
    const struct {
        const char *op;
        const int64_t *perm, *dims;
        bool last;
    } cases[] = {
        {NULL, to_first, open, true},         {"Relu", to_first, open, true}, {NULL, to_last, open, false},
        {NULL, NULL, last_dims, true},        {NULL, NULL, gray, true},       {NULL, NULL, first_dims, false},
        {NULL, NULL, pixel, false},           {NULL, NULL, open, false},      {NULL, swapped, open, false},
        {"GlobalMaxPool", NULL, gray, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ek_model *model = plain(cases[i].op, cases[i].perm, cases[i].dims);
        ek_model_images d;
        if (is_last(model) != cases[i].last) fail_msg("case %zu: channels last: %d", i, !cases[i].last);
        OK(ek_model_describe_images(model, &d, err));
        assert_int_equal(d.channels_last, cases[i].last);
        ek_model_destroy(model);
    }
}

static void test_described(void **state) {
    (void)state;
    ek_model *model = network(true, last_dims);
    ek_model_images d;
    OK(ek_model_describe_images(model, &d, err));
    assert_true(d.channels == CHANNELS && d.height == SIDE && d.width == WIDTH && d.channels_last == 1);
    ek_model_destroy(model);
}

static void logits_of(ek_model *model, const ek_dataset *data, int64_t batch, float *logits) {
    ek_eval_options o = ek_eval_options_default();
    ek_eval_result result;
    o.batch = batch;
    o.logits = logits;
    OK(ek_evaluate(model, data, &o, &result, err));
    assert_int_equal(result.images, IMAGES);
    assert_int_equal(result.classes, CLASSES);
}

static void test_same_logits(void **state) {
    (void)state;
    static const int64_t open[4] = {-1, -1, -1, -1}, own[4] = {4, SIDE, WIDTH, CHANNELS};
    const int64_t *const dims[] = {last_dims, open, own};
    float expected[IMAGES * CLASSES], found[IMAGES * CLASSES];
    ek_dataset *data = images();
    ek_model *first = network(false, first_dims);
    logits_of(first, data, 4, expected);
    for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++) {
        ek_model *last = network(true, dims[i]);
        for (int64_t batch = 1; batch <= IMAGES; batch += 5) {
            logits_of(last, data, batch, found);
            assert_memory_equal(found, expected, sizeof found);
        }
        ek_model_destroy(last);
    }
    ek_model_destroy(first);
    ek_dataset_close(data);
    fixture_clean();
}

static void test_same_statistics(void **state) {
    (void)state;
    ek_dataset *data = images();
    ek_model *first = network(false, first_dims), *last = network(true, last_dims);
    ek_recalibration *reports[2];
    uint64_t before = fixture_hash(first);
    OK(ek_recalibrate(first, data, NULL, &reports[0], err));
    OK(ek_recalibrate(last, data, NULL, &reports[1], err));
    assert_true(fixture_hash(first) != before);
    fixture_same_tensors(first, last);
    for (int i = 0; i < 2; i++) ek_recalibration_destroy(reports[i]);
    ek_model_destroy(first);
    ek_model_destroy(last);
    ek_dataset_close(data);
    fixture_clean();
}

static void test_same_training(void **state) {
    (void)state;
    ek_model *models[2] = {network(false, first_dims), network(true, last_dims)};
    uint64_t before = fixture_hash(models[0]);
    for (int m = 0; m < 2; m++) {
        ek_train_options o = ek_train_options_default();
        ek_trainer *trainer;
        o.total_steps = 3;
        o.lr = 0.05;
        OK(ek_trainer_create(models[m], &o, &trainer, err));
        for (uint64_t i = 0; i < 3; i++) {
            fixture_batch b = fixture_make_batch(5, CHANNELS * SIDE * WIDTH, CLASSES, i);
            OK(ek_trainer_step(trainer, &b.batch, NULL, err));
            fixture_free_batch(&b);
        }
        ek_trainer_destroy(trainer);
    }
    assert_true(fixture_hash(models[0]) != before);
    fixture_same_tensors(models[0], models[1]);
    for (int m = 0; m < 2; m++) ek_model_destroy(models[m]);
}

/* A classifier that ends in a pooling: [N,classes,1,1], or with a Transpose behind [N,1,1,classes]; unpooled it is
 * none.
 */
static ek_model *unflattened(bool pooled, bool last) {
    net n = net_start(13, 4, first_dims);
    net_conv(&n, "conv", (conv_shape){CHANNELS, CLASSES, 3, 1, 1}, false);
    if (pooled) net_one(&n, "GlobalAveragePool", "pool");
    if (last) transpose(&n, (const int64_t[]){0, 2, 3, 1});
    return net_finish(&n);
}

static void test_logits_of_rank_four(void **state) {
    (void)state;
    float a[IMAGES * CLASSES], b[IMAGES * CLASSES];
    ek_dataset *data = images();
    ek_model *first = unflattened(true, false), *last = unflattened(true, true), *none = unflattened(false, false);
    ek_eval_result result;
    logits_of(first, data, 4, a);
    logits_of(last, data, 4, b);
    assert_memory_equal(a, b, sizeof a);
    FAILS(EK_ERR_SHAPE, "a classifier gives [examples, classes]", ek_evaluate(none, data, NULL, &result, err));
    ek_model_destroy(first);
    ek_model_destroy(last);
    ek_model_destroy(none);
    ek_dataset_close(data);
    fixture_clean();
}

/* Features first, then logits: by name the second is meant, for evaluation, prediction and training. */
static ek_model *two_headed(const char **features, const char **logits) {
    net n = net_start(13, 4, first_dims);
    net_conv(&n, "conv", (conv_shape){CHANNELS, 8, 3, 1, 1}, false);
    net_one(&n, "GlobalAveragePool", "pool");
    net_one(&n, "Flatten", "flat");
    net_output(&n, n.x);
    *features = n.x->name;
    net_gemm(&n, "fc", 8, CLASSES, false, true);
    net_one(&n, "Softmax", "probabilities");
    *logits = n.x->name;
    return net_finish(&n);
}

static void test_head_trains(ek_model *model, const char *head, size_t parameters) {
    ek_train_options o = ek_train_options_default();
    ek_trainer *trainer;
    o.total_steps = 1;
    o.head = head;
    OK(ek_trainer_create(model, &o, &trainer, err));
    assert_int_equal(ek_trainer_parameter_count(trainer), parameters);
    ek_trainer_destroy(trainer);
}

static void test_head(void **state) {
    (void)state;
    const char *features, *logits;
    ek_dataset *data = images();
    ek_model *model = two_headed(&features, &logits);
    ek_eval_options o = ek_eval_options_default();
    ek_eval_result result;
    ek_predictions p;
    OK(ek_evaluate(model, data, &o, &result, err));
    assert_int_equal(result.classes, 8);
    o.head = logits;
    OK(ek_evaluate(model, data, &o, &result, err));
    assert_int_equal(result.classes, CLASSES);
    OK(ek_predict(model, data, &o, EK_SCORES_AUTO, &p, err));
    assert_int_equal(p.classes, CLASSES);
    assert_int_equal(p.scores, EK_SCORES_LOGITS); /* of the Softmax that this output has, and the first has not */
    ek_predictions_free(&p);
    test_head_trains(model, NULL, 1);
    test_head_trains(model, features, 1);
    test_head_trains(model, logits, 3);
    o.head = "nothing";
    char listed[160];
    (void)snprintf(listed, sizeof listed, "head 'nothing' is no output of the model; it has '%s', '%s'", features,
                   logits);
    FAILS(EK_ERR_ARG, listed, ek_evaluate(model, data, &o, &result, err));
    FAILS(EK_ERR_ARG, listed, ek_predict(model, data, &o, EK_SCORES_AUTO, &p, err));
    ek_model_destroy(model);
    ek_dataset_close(data);
    fixture_clean();
}

/* Logits that do not depend on the images: nothing is fed, and nothing breaks. */
static void test_unread_input(void **state) {
    (void)state;
    static const int64_t dims[2] = {IMAGES, CLASSES};
    float logits[IMAGES * CLASSES];
    ek_dataset *data = images();
    net n = net_start(13, 4, first_dims);
    n.x = net_constant(&n, "table", 2, dims, -1, 1);
    net_one(&n, "Identity", "scores");
    ek_model *model = net_finish(&n);
    logits_of(model, data, IMAGES, logits);
    ek_train_options o = ek_train_options_default();
    ek_trainer *trainer;
    o.total_steps = 1;
    OK(ek_trainer_create(model, &o, &trainer, err));
    fixture_batch b = fixture_make_batch(IMAGES, CHANNELS * SIDE * WIDTH, CLASSES, 1);
    OK(ek_trainer_step(trainer, &b.batch, NULL, err));
    fixture_free_batch(&b);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    ek_dataset_close(data);
    fixture_clean();
}

static void test_refused(void **state) {
    (void)state;
    static const int64_t wider[4] = {-1, SIDE, WIDTH + 1, CHANNELS}, swapped[4] = {-1, CHANNELS, SIDE, WIDTH};
    ek_dataset *data = images();
    ek_model *a = network(true, wider), *b = network(true, swapped);
    ek_eval_result result;
    ek_recalibration *report;
    FAILS(EK_ERR_SHAPE,
          "images are 3x6x5 (channels, height, width), which input 'x' of shape [?,6,6,3], channels last,",
          ek_evaluate(a, data, NULL, &result, err));
    FAILS(EK_ERR_SHAPE, "[?,3,6,5], channels last, does not take", ek_recalibrate(b, data, NULL, &report, err));
    ek_model_destroy(a);
    ek_model_destroy(b);
    ek_dataset_close(data);
    fixture_clean();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recognized),          cmocka_unit_test(test_described),
        cmocka_unit_test(test_same_logits),         cmocka_unit_test(test_same_statistics),
        cmocka_unit_test(test_same_training),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_logits_of_rank_four), cmocka_unit_test(test_head),
        cmocka_unit_test(test_unread_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
