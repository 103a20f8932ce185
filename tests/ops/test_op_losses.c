/* Do the loss operators give ONNX's values, for every reduction, with weights, an ignored class and any rank, and are
 * their gradients the derivatives?
 */
#include "op_harness.h"

#include <math.h>

static const char *const names[] = {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"};
static const char *const reductions[] = {"none", "sum", "mean"};

typedef struct form {
    bool softmax, weighted, ignoring;
    int reduction, rank; /* of the scores, 2 to 4 */
} form;

static const int64_t extents[] = {3, 4, 2, 5}; /* N, C, d1, d2 */
static const float weights[] = {0.5f, 2.0f, 1.0f, 0.25f};
enum { IGNORED = 7 };

static int64_t class_at(size_t i, const form *f) { return f->ignoring && i % 3 == 1 ? IGNORED : (int64_t)(i * 7 % 4); }

static size_t positions(const form *f) {
    size_t count = (size_t)extents[0];
    for (int i = 2; i < f->rank; i++) count *= (size_t)extents[i];
    return count;
}

static eki_value *build(op_test *t, const form *f) {
    eki_shape scores = eki_shape_of(f->rank, extents), classes = {.rank = f->rank - 1, .dims = {extents[0]}};
    int64_t labels[64];
    for (int i = 2; i < f->rank; i++) classes.dims[i - 1] = extents[i];
    for (size_t i = 0; i < positions(f); i++) labels[i] = class_at(i, f);
    op_begin(t, 13);
    eki_value *x = op_input(t, scores, NULL);
    eki_value *in[3] = {x, op_ints(t, classes, labels), f->weighted ? op_param(t, SHAPE(4), weights) : NULL};
    eki_node *node = op_node(t, names[f->softmax], 1, in, f->weighted ? 3 : 2);
    op_set_string(t, node, "reduction", reductions[f->reduction]);
    if (f->ignoring) op_set_int(t, node, "ignore_index", IGNORED);
    return x;
}

/* From the definition, term by term. */
static double expected(const op_test *t, const form *f, size_t position, double *weight) {
    size_t inner = positions(f) / (size_t)extents[0];
    const float *x = t->feed[0] + position / inner * 4 * inner + position % inner;
    int64_t class = class_at(position, f);
    double sum = 0;
    *weight = class == IGNORED ? 0 : f->weighted ? (double)weights[class] : 1;
    if (class == IGNORED) return 0;
    for (size_t c = 0; c < 4; c++) sum += exp((double)x[c * inner]);
    return -*weight * ((double)x[(size_t) class * inner] - (f->softmax ? log(sum) : 0));
}

static void check_values(op_test *t, const form *f) {
    float values[64];
    double sum = 0, all = 0, weight;
    size_t count = positions(f);
    for (size_t i = 0; i < count; i++) {
        double v = expected(t, f, i, &weight);
        values[i] = (float)v;
        sum += v;
        all += weight;
    }
    if (f->reduction > 0) values[0] = (float)(f->reduction == 1 ? sum : sum / all);
    op_expect(t, 0, values, f->reduction > 0 ? 1 : count, 1e-5);
}

static void every_form(void **state) {
    (void)state;
    for (int i = 0; i < 2 * 2 * 2 * 3 * 3; i++) {
        form f = {
            .softmax = i % 2, .weighted = i / 2 % 2, .ignoring = i / 4 % 2, .reduction = i / 8 % 3, .rank = 2 + i / 24};
        op_test t;
        build(&t, &f);
        op_run(&t, EKI_MODE_TRAINING);
        check_values(&t, &f);
        assert_true(op_gradient_error(&t) < 1e-4);
        op_end(&t);
    }
}

/* A loss and the logarithms of the probabilities, both of which lead back to the scores. */
static void both_outputs(void **state) {
    (void)state;
    for (int both = 0; both < 2; both++) {
        op_test t;
        op_begin(&t, 13);
        eki_value *x = op_input(&t, SHAPE(3, 4, 2), NULL);
        eki_value *in[2] = {x, op_ints(&t, SHAPE(3, 2), I(0, 1, 2, 3, 1, 1))};
        eki_node *node = op_node(&t, "SoftmaxCrossEntropyLoss", 2, in, 2);
        NODE(&t, "Add", 1, node->out[1], both ? node->out[0] : x);
        op_check_gradient(&t, EKI_MODE_TRAINING);
    }
}

/* Logits of a thousand cost exp nothing, and a sum over no example is NaN where it is a mean. */
static void extremes(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    NODE(&t, "SoftmaxCrossEntropyLoss", 1, op_input(&t, SHAPE(1, 3), F(1000, 0, -1000)), op_ints(&t, SHAPE(1), I(2)));
    op_check(&t, F(2000), 1);
    op_begin(&t, 13);
    eki_node *node =
        NODE(&t, "SoftmaxCrossEntropyLoss", 1, op_input(&t, SHAPE(2, 3), NULL), op_ints(&t, SHAPE(2), I(5, 5)));
    op_set_int(&t, node, "ignore_index", 5);
    op_run(&t, EKI_MODE_FILE);
    assert_true(isnan(op_result(&t, 0, &(size_t){0})[0]));
    op_end(&t);
}

/* Behind a node with more inputs, none of which is taken for weights. */
static void behind_another(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 13);
    eki_node *sum = NODE(&t, "Sum", 1, op_input(&t, SHAPE(1, 2), F(0, 0)), op_param(&t, SHAPE(1, 2), F(0, 0)),
                         op_param(&t, SHAPE(1), F(0)));
    NODE(&t, "SoftmaxCrossEntropyLoss", 1, sum->out[0], op_ints(&t, SHAPE(1), I(1)));
    op_check(&t, F(0.69314718f), 1);
}

static void refused(void **state) {
    (void)state;
    static const struct {
        eki_shape scores, classes;
        int64_t class;
        const char *reduction, *text;
    } rows[] = {
        {{2, {2, 3}}, {1, {2}}, 3, "mean", "class 3 at position 0"},
        {{2, {2, 3}}, {1, {2}}, -1, "mean", "outside [0, 3)"},
        {{2, {2, 3}}, {1, {3}}, 0, "mean", "expected [N, C, ...]"},
        {{2, {2, 3}}, {2, {2, 3}}, 0, "mean", "expected [N, C, ...]"},
        {{1, {3}}, {1, {3}}, 0, "mean", "expected [N, C, ...]"},
        {{2, {2, 3}}, {1, {2}}, 0, "median", "none, sum, mean"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        op_test t;
        int64_t classes[6] = {rows[i].class, 0, 0, 0, 0, 0};
        op_begin(&t, 13);
        eki_node *node =
            NODE(&t, names[i % 2], 1, op_input(&t, rows[i].scores, NULL), op_ints(&t, rows[i].classes, classes));
        op_set_string(&t, node, "reduction", rows[i].reduction);
        ek_status status = i < 2 || i == 5 ? EK_ERR_FORMAT : EK_ERR_SHAPE;
        op_run_fails(&t, EKI_MODE_FILE, status, rows[i].text);
        op_end(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form),     cmocka_unit_test(both_outputs), cmocka_unit_test(extremes),
        cmocka_unit_test(behind_another), cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
