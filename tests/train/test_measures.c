/* test_measures.c: what outputs are worth by their targets, against numbers worked out by hand. */
#include "model/model.h"
#include "train_fixture.h"

#include <evenkeel/metrics.h>
#include <math.h>
#include <string.h>

static void assert_near(double a, double b) { assert_true(fabs(a - b) <= 1e-9 * fmax(1, fabs(b))); }

/* x -> y, the same numbers. */
static ek_model *make_model(int rank, const int64_t *extents) {
    eki_graph *graph;
    eki_value *x, *y;
    eki_node *node;
    ek_model *model;
    assert_int_equal(eki_graph_create(17, &graph, NULL), EK_OK);
    assert_int_equal(eki_graph_value(graph, "x", &x, NULL), EK_OK);
    assert_int_equal(eki_graph_value(graph, "y", &y, NULL), EK_OK);
    x->dtype = EK_F32;
    x->shape = eki_shape_of(rank, extents);
    assert_int_equal(eki_graph_symbol(graph, "N", &x->shape.dims[0], NULL), EK_OK);
    assert_int_equal(eki_graph_add_input(graph, x, NULL), EK_OK);
    assert_int_equal(eki_graph_add_node(graph, "Identity", "", "", &x, 1, &y, 1, &node, NULL), EK_OK);
    assert_int_equal(eki_graph_add_output(graph, y, NULL), EK_OK);
    OK(eki_model_wrap(graph, &model, err));
    return model;
}

typedef struct pair {
    ek_array_source x, t;
} pair;

/* One term over x and t, batch by batch; losses may be NULL. */
static ek_measurement *measure(const pair *p, const ek_loss *loss, int64_t batch, double *losses) {
    ek_measurement *m;
    ek_eval_result result;
    ek_dataset *data;
    const ek_array_source sources[2] = {p->x, p->t};
    ek_model *model = make_model(p->x.rank, p->x.dims);
    ek_eval_options o = ek_eval_options_default();
    o.terms = loss;
    o.term_count = 1;
    o.batch = batch;
    o.losses = losses;
    OK(ek_measurement_create(&m, err));
    o.measurement = m;
    assert_int_equal(ek_measurement_count(m), 0);
    OK(ek_dataset_open_arrays(sources, 2, 0, &data, err));
    OK(ek_evaluate(model, data, &o, &result, err));
    OK(ek_evaluate(model, data, &o, &result, err)); /* once more: nothing is added to what was there */
    assert_int_equal(ek_measurement_count(m), 1);
    if (losses != NULL) {
        double mean = 0;
        for (int64_t i = 0; i < result.images; i++) mean += losses[i] / (double)result.images;
        if (loss->kind != EK_LOSS_CROSS_ENTROPY) assert_near(mean, result.loss);
    }
    ek_dataset_close(data);
    ek_model_destroy(model);
    return m;
}

#define SOURCE(name_, type, values, ...)                                                                               \
    {                                                                                                                  \
        .name = name_, .dtype = type, .rank = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                      \
        .dims = {__VA_ARGS__}, .data = values                                                                          \
    }

static void numbers(void **state) {
    (void)state;
    static const float x[4] = {1, 2, 3, 6}, t[4] = {1, 4, 3, 2}, same[4] = {2, 2, 2, 2};
    pair p = {SOURCE("x", EK_F32, x, 4, 1), SOURCE("t", EK_F32, t, 4, 1)};
    const ek_loss loss = {.kind = EK_LOSS_MSE, .target = "t"};
    double losses[4];
    for (int64_t batch = 1; batch <= 4; batch++) {
        ek_measurement *m = measure(&p, &loss, batch, losses);
        ek_measured r = ek_measurement_read(m, 0);
        assert_int_equal(r.kind, EK_MEASURE_NUMBERS);
        assert_string_equal(r.output, "y");
        assert_int_equal(r.count, 4);
        assert_null(r.classes);
        assert_near(r.numbers.mae, 6.0 / 4);
        assert_near(r.numbers.rmse, sqrt(20.0 / 4));
        assert_near(r.numbers.r2, 1 - 20.0 / 5);
        assert_near(losses[1], 4);
        assert_near(losses[3], 16);
        ek_measurement_destroy(m);
    }
    p.t.data = same;
    ek_measurement *m = measure(&p, &loss, 3, NULL);
    assert_true(isnan(ek_measurement_read(m, 0).numbers.r2)); /* targets have no spread */
    ek_measurement_destroy(m);
}

/* Two images of 2 x 2 pixels, three classes; scores are 1 for the predicted class. */
static void places(void **state) {
    (void)state;
    static const int predicted[2][4] = {{0, 0, 1, 1}, {1, 0, 0, 1}};
    static const int64_t t[8] = {0, 1, 1, 1, 0, 0, -100, 1};
    float x[2 * 3 * 4] = {0};
    double losses[2];
    for (int i = 0; i < 8; i++) x[i / 4 * 12 + predicted[i / 4][i % 4] * 4 + i % 4] = 1;
    const pair p = {SOURCE("x", EK_F32, x, 2, 3, 2, 2), SOURCE("t", EK_I64, t, 2, 2, 2)};
    const ek_loss loss = {.kind = EK_LOSS_CROSS_ENTROPY, .target = "t"};
    for (int64_t batch = 1; batch <= 2; batch++) {
        ek_measurement *m = measure(&p, &loss, batch, losses);
        ek_measured r = ek_measurement_read(m, 0);
        ek_metrics_summary s = ek_metrics_read(r.classes);
        assert_int_equal(r.kind, EK_MEASURE_PLACES);
        assert_int_equal(r.count, 7);
        assert_int_equal(s.classes, 3);
        assert_int_equal(ek_metrics_confusion(r.classes, 0, 0), 2);
        assert_int_equal(ek_metrics_confusion(r.classes, 0, 1), 1);
        assert_int_equal(ek_metrics_confusion(r.classes, 1, 0), 1);
        assert_int_equal(ek_metrics_confusion(r.classes, 1, 1), 3);
        assert_near(s.accuracy, 5.0 / 7);
        assert_near(ek_metrics_class(r.classes, 0).iou, 2.0 / 4);
        assert_near(ek_metrics_class(r.classes, 1).iou, 3.0 / 5);
        assert_true(isnan(ek_metrics_class(r.classes, 2).iou)); /* is nowhere */
        assert_near(s.iou, (2.0 / 4 + 3.0 / 5) / 2);
        double right = log(exp(1) + 2) - 1, wrong = log(exp(1) + 2); /* of a pixel */
        assert_true(fabs(losses[0] - (3 * right + wrong) / 4) < 1e-6);
        assert_true(fabs(losses[1] - (2 * right + wrong) / 3) < 1e-6);
        ek_measurement_destroy(m);
    }
}

static void labels(void **state) {
    (void)state;
    static const float x[4][3] = {{1, -1, -1}, {2, 3, -1}, {-1, 1, -4}, {0, 0, -1}};
    static const float t[4][3] = {{1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {0, 1, 0}};
    const pair p = {SOURCE("x", EK_F32, x, 4, 3), SOURCE("t", EK_F32, t, 4, 3)};
    const ek_loss loss = {.kind = EK_LOSS_BCE, .target = "t"};
    for (int64_t batch = 1; batch <= 3; batch += 2) {
        ek_measurement *m = measure(&p, &loss, batch, NULL);
        ek_measured r = ek_measurement_read(m, 0);
        ek_metrics_summary s = ek_metrics_read(r.classes);
        ek_class_metrics first = ek_metrics_class(r.classes, 0), second = ek_metrics_class(r.classes, 1);
        assert_int_equal(r.kind, EK_MEASURE_LABELS);
        assert_int_equal(r.count, 12);
        assert_near(first.precision, 1.0 / 2);
        assert_near(first.recall, 1.0 / 2);
        assert_near(second.precision, 1);
        assert_near(second.recall, 2.0 / 3);
        assert_near(second.f1, 4.0 / 5);
        assert_true(isnan(ek_metrics_class(r.classes, 2).recall));
        assert_near(s.f1, (1.0 / 2 + 4.0 / 5) / 2);
        assert_near(s.accuracy, 9.0 / 12);
        assert_int_equal(ek_metrics_confusion(r.classes, 0, 0), -1);
        ek_measurement_destroy(m);
    }
}

static void classes(void **state) {
    (void)state;
    static const float x[4][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {2, 2, 0}};
    static const int32_t t[4] = {0, 0, 2, 1};
    const pair p = {SOURCE("x", EK_F32, x, 4, 3), SOURCE("t", EK_I32, t, 4)};
    const ek_loss loss = {.kind = EK_LOSS_CROSS_ENTROPY, .target = "t"};
    ek_measurement *m = measure(&p, &loss, 3, NULL);
    ek_measured r = ek_measurement_read(m, 0);
    assert_int_equal(r.kind, EK_MEASURE_CLASSES);
    assert_near(ek_metrics_read(r.classes).accuracy, 2.0 / 4);
    assert_int_equal(ek_metrics_confusion(r.classes, 1, 0), 1); /* the first of equals */
    assert_string_equal(ek_measurement_read(m, 1).output, "");
    ek_measurement_destroy(m);
    ek_measurement_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(places),
        cmocka_unit_test(labels),
        cmocka_unit_test(classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
