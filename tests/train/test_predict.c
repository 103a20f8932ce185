/* test_predict.c: the logits are those of an evaluation, in any batch; scores are known for what they are. */
#include "train/train_fixture.h"

#include "model/model.h"
#include "support/room.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 41, CLASSES = 7 };

static ek_dataset *strokes(void) {
    ek_dataset *dataset;
    ek_dataset_options o = {.struct_size = sizeof o, .limit = IMAGES};
    OK(ek_dataset_open("builtin:strokes:60", EK_SPLIT_TRAIN, &o, &dataset, err));
    return dataset;
}

/* A lenet whose logits go through these operators, one after the other. */
static ek_model *lenet(int classes, const char *const *ops) {
    ek_build_options o = ek_build_options_default("lenet");
    ek_model *model;
    o.classes = classes;
    OK(ek_model_build(&o, &model, err));
    eki_graph *graph = model->document;
    for (; ops != NULL && *ops != NULL; ops++) {
        eki_value *in = graph->outputs[0], *out;
        eki_node *node;
        OK(eki_graph_value(graph, *ops, &out, err));
        OK(eki_graph_add_node(graph, *ops, "", "", &in, 1, &out, 1, &node, err));
        out->dtype = EK_F32;
        out->shape = in->shape;
        graph->outputs[0] = out;
    }
    OK(eki_model_rebuild(model, err));
    return model;
}

static ek_predictions predict(ek_model *model, const ek_dataset *dataset, int64_t batch, ek_scores scores) {
    ek_eval_options o = ek_eval_options_default();
    ek_predictions p;
    o.batch = batch;
    OK(ek_predict(model, dataset, &o, scores, &p, err));
    assert_int_equal(p.images, IMAGES);
    assert_int_equal(p.classes, CLASSES);
    return p;
}

static void assert_softmax(const ek_predictions *p) {
    for (int i = 0; i < IMAGES; i++) {
        double sum = 0;
        const float *x = p->logits + (size_t)i * CLASSES, *y = p->probabilities + (size_t)i * CLASSES;
        for (int c = 0; c < CLASSES; c++) sum += exp((double)x[c]);
        for (int c = 0; c < CLASSES; c++) assert_true(fabs((double)y[c] - exp((double)x[c]) / sum) < 1e-7);
    }
}

static void test_any_batch(void **state) {
    (void)state;
    enum { ALL = 10 };
    const size_t bytes = sizeof(float) * IMAGES * CLASSES;
    static float logits[IMAGES * ALL];
    ek_dataset *dataset = strokes();
    ek_model *model = lenet(CLASSES, NULL), *ten = lenet(ALL, NULL);
    OK(ek_model_set_metadata(ten, "evenkeel.mean", "0.25", err));
    OK(ek_model_set_metadata(ten, "evenkeel.std", "0.5", err));
    ek_eval_options o = ek_eval_options_default();
    ek_eval_result result;
    o.logits = logits;
    OK(ek_evaluate(ten, dataset, &o, &result, err));
    ek_predictions p;
    OK(ek_predict(ten, dataset, NULL, EK_SCORES_AUTO, &p, err));
    assert_memory_equal(p.logits, logits, sizeof logits);
    ek_predictions_free(&p);
    p = predict(model, dataset, 256, EK_SCORES_AUTO); /* seven classes, labels up to 9, which do not count */
    assert_int_equal(p.scores, EK_SCORES_LOGITS);
    assert_softmax(&p);
    for (int64_t batch = 1; batch < 50; batch += 20) {
        ek_predictions again = predict(model, dataset, batch, EK_SCORES_AUTO);
        assert_memory_equal(again.logits, p.logits, bytes);
        assert_memory_equal(again.probabilities, p.probabilities, bytes);
        ek_predictions_free(&again);
    }
    ek_predictions_free(&p);
    ek_model_destroy(ten);
    ek_model_destroy(model);
    ek_dataset_close(dataset);
}

/* The same numbers, whether the file has the softmax, something behind it, or none. */
static void test_scores(void **state) {
    (void)state;
    static const char *const softmax[] = {"Softmax", NULL}, *const hidden[] = {"Softmax", "Identity", NULL},
                             *const sigmoid[] = {"Sigmoid", NULL}, *const positive[] = {"Exp", NULL};
    const size_t bytes = sizeof(float) * IMAGES * CLASSES;
    ek_dataset *dataset = strokes();
    ek_model *plain = lenet(CLASSES, NULL), *last = lenet(CLASSES, softmax), *inner = lenet(CLASSES, hidden),
             *each = lenet(CLASSES, sigmoid), *above = lenet(CLASSES, positive);
    ek_predictions a = predict(plain, dataset, 16, EK_SCORES_AUTO), b = predict(last, dataset, 16, EK_SCORES_AUTO);
    assert_int_equal(b.scores, EK_SCORES_LOGITS);
    assert_memory_equal(b.logits, a.logits, bytes);
    assert_memory_equal(b.probabilities, a.probabilities, bytes);
    ek_predictions_free(&b);
    b = predict(inner, dataset, 16, EK_SCORES_AUTO);
    assert_int_equal(b.scores, EK_SCORES_PROBABILITIES);
    for (int i = 0; i < IMAGES * CLASSES; i++) assert_true(fabsf(b.probabilities[i] - a.probabilities[i]) < 1e-6F);
    ek_predictions_free(&b);
    b = predict(inner, dataset, 16, EK_SCORES_LOGITS); /* the caller knows better */
    assert_softmax(&b);
    ek_predictions_free(&b);
    b = predict(each, dataset, 16, EK_SCORES_AUTO);
    assert_int_equal(b.scores, EK_SCORES_PROBABILITIES);
    assert_memory_equal(b.logits, b.probabilities, bytes);
    ek_predictions_free(&b);
    b = predict(above, dataset, 16, EK_SCORES_AUTO); /* nowhere below 0, but no sum of 1 */
    assert_int_equal(b.scores, EK_SCORES_LOGITS);
    ek_predictions_free(&b);
    ek_predictions_free(&a);
    ek_model *models[] = {plain, last, inner, each, above};
    for (int i = 0; i < 5; i++) ek_model_destroy(models[i]);
    ek_dataset_close(dataset);
}

static void test_refusals(void **state) {
    (void)state;
    ek_dataset *dataset = strokes();
    ek_model *one = lenet(1, NULL);
    ek_predictions p;
    FAILS(EK_ERR_SHAPE, "one number an image", ek_predict(one, dataset, NULL, EK_SCORES_AUTO, &p, err));
    assert_null(p.logits);
    FAILS(EK_ERR_ARG, "NULL", ek_predict(NULL, dataset, NULL, EK_SCORES_AUTO, &p, err));
    ek_predictions_free(NULL);
    ek_model_destroy(one);
    ek_dataset_close(dataset);
}

/* What all scores take is held against the memory there is before it is asked for. */
static void test_room(void **state) {
    (void)state;
    ek_dataset *dataset;
    ek_predictions p;
    ek_eval_options o = ek_eval_options_default();
    ek_model *model = lenet(1000, NULL);
    o.batch = 1;
    OK(ek_dataset_open("builtin:strokes:12000", EK_SPLIT_TRAIN, NULL, &dataset, err)); /* 96 MB of scores */
    room_leave(64u << 20);
    FAILS(EK_ERR_LIMIT, "of 12000 images in 1000 classes do not fit into the ",
          ek_predict(model, dataset, &o, EK_SCORES_AUTO, &p, err));
    room_leave(SIZE_MAX);
    ek_dataset_close(dataset);
    ek_model_destroy(model);
}

/* The output itself, whatever is behind the logits, in any batch. */
static void test_output(void **state) {
    (void)state;
    static const char *const ops[] = {"Sigmoid", NULL};
    ek_dataset *dataset = strokes();
    for (int way = 0; way < 2; way++) {
        ek_model *model = lenet(CLASSES, way == 1 ? ops : NULL);
        ek_predictions p = predict(model, dataset, 16, EK_SCORES_AUTO);
        ek_eval_options o = ek_eval_options_default();
        ek_output output;
        o.batch = 7;
        OK(ek_predict_output(model, dataset, &o, &output, err));
        assert_int_equal(output.images, IMAGES);
        assert_int_equal(output.rank, 2);
        assert_int_equal(output.dims[0], IMAGES);
        assert_int_equal(output.dims[1], CLASSES);
        assert_int_equal(output.scores, way == 1 ? EK_SCORES_PROBABILITIES : EK_SCORES_LOGITS);
        assert_memory_equal(output.values, p.logits, IMAGES * CLASSES * sizeof *p.logits);
        ek_output_free(&output);
        o.head = "none";
        assert_int_equal(ek_predict_output(model, dataset, &o, &output, NULL), EK_ERR_ARG);
        assert_null(output.values);
        ek_predictions_free(&p);
        ek_model_destroy(model);
    }
    ek_dataset_close(dataset);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_batch), cmocka_unit_test(test_output),
                                       cmocka_unit_test(test_scores), cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
