/* Do the normalization operators follow their ONNX versions, the plan's mode and the freeze switches; are their
 * gradients right in each; and are running statistics committed once and never poisoned? */
#include "op_harness.h"

#include <math.h>
#include <string.h>

static const double BOUND = 1e-4;

typedef struct norm_values {
    eki_value *x, *scale, *bias, *mean, *var;
    eki_node *node;
} norm_values;

/* BatchNormalization over [4,3,2,2] (or rank 2: [8,3]) with running statistics that differ from the batch's. */
static norm_values batch_graph(op_test *t, int64_t opset, int n_out, int rank) {
    norm_values v;
    op_begin(t, opset);
    v.x = op_input(t, rank == 2 ? SHAPE(8, 3) : SHAPE(4, 3, 2, 2), NULL);
    v.scale = op_param(t, SHAPE(3), NULL);
    v.bias = op_param(t, SHAPE(3), NULL);
    v.mean = op_param(t, SHAPE(3), (float[]){0.25f, -0.5f, 1.0f});
    v.var = op_param(t, SHAPE(3), (float[]){0.5f, 2.0f, 1.5f});
    v.node = NODE(t, "BatchNormalization", n_out, v.x, v.scale, v.bias, v.mean, v.var);
    return v;
}

static const float *data_of(const eki_value *value) { return value->init->data; }

/* Population moments of channel c of the [4,3,2,2] input, in f64. */
static void moments(const op_test *t, size_t c, double *mean, double *var) {
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < 16; i++) sum += (double)t->feed[0][i / 4 * 12 + c * 4 + i % 4];
    *mean = sum / 16.0;
    for (size_t i = 0; i < 16; i++) {
        double d = (double)t->feed[0][i / 4 * 12 + c * 4 + i % 4] - *mean;
        squares += d * d;
    }
    *var = squares / 16.0;
}

/* Y is that of batch statistics (batch) or of running ones. */
static void expect_batch_norm(op_test *t, const norm_values *v, bool batch) {
    const float *y = op_result(t, 0, NULL);
    for (size_t i = 0; i < 48; i++) {
        size_t c = i / 4 % 3;
        double mean = (double)data_of(v->mean)[c], var = (double)data_of(v->var)[c];
        if (batch) moments(t, c, &mean, &var);
        double expected = ((double)t->feed[0][i] - mean) / sqrt(var + (double)1e-5f) * (double)data_of(v->scale)[c] +
                          (double)data_of(v->bias)[c];
        assert_float_equal((double)y[i], expected, 2e-6 * fmax(1.0, fabs(expected)));
    }
}

static void batch_mode_follows_the_file(void **state) {
    (void)state;
    static const struct {
        int64_t opset;
        const char *attribute;
        int64_t value;
        int n_out;
        bool batch;
    } cases[] = {
        {6, "is_test", 1, 1, false},
        {6, "is_test", 0, 1, true},
        {1, "is_test", 0, 5, true},
        {7, NULL, 0, 1, false},
        {9, NULL, 0, 1, false},
        {9, NULL, 0, 5, true},
        {14, NULL, 0, 1, false},
        {15, "training_mode", 1, 3, true},
        {15, "training_mode", 1, 1, true},
        {15, "training_mode", 0, 1, false},
        {9, "training_mode", 1, 1, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        norm_values v = batch_graph(&t, cases[i].opset, cases[i].n_out, 4);
        if (cases[i].attribute != NULL) {
            assert_int_equal(eki_node_set_int(t.graph, v.node, cases[i].attribute, cases[i].value, NULL), EK_OK);
        }
        op_run(&t, EKI_MODE_FILE);
        expect_batch_norm(&t, &v, cases[i].batch);
        op_run(&t, EKI_MODE_INFERENCE);
        expect_batch_norm(&t, &v, false);
        op_run(&t, EKI_MODE_TRAINING);
        expect_batch_norm(&t, &v, true);
        op_end(&t);
    }
}

static void running_outputs(void **state) {
    (void)state;
    for (int64_t opset = 9; opset <= 15; opset += 6) {
        op_test t;
        norm_values v = batch_graph(&t, opset, opset == 9 ? 5 : 3, 4);
        eki_node_set_float(t.graph, v.node, "momentum", 0.75f, NULL);
        eki_node_set_int(t.graph, v.node, "training_mode", 1, NULL);
        op_run(&t, EKI_MODE_FILE);
        for (size_t c = 0; c < 3; c++) {
            double mean, var;
            moments(&t, c, &mean, &var);
            double new_mean = 0.75 * (double)data_of(v.mean)[c] + 0.25 * mean;
            double new_var = 0.75 * (double)data_of(v.var)[c] + 0.25 * var;
            assert_float_equal((double)op_result(&t, 1, NULL)[c], new_mean, 1e-6);
            assert_float_equal((double)op_result(&t, 2, NULL)[c], new_var, 1e-6);
            if (opset != 9) continue;
            assert_float_equal((double)op_result(&t, 3, NULL)[c], mean, 1e-6);
            assert_float_equal((double)op_result(&t, 4, NULL)[c], var, 1e-6);
        }
        assert_float_equal((double)data_of(v.mean)[0], 0.25, 0.0);
        op_end(&t);
    }
}

static void commit_updates_once(void **state) {
    (void)state;
    for (int switches = 0; switches < 8; switches++) {
        uint8_t flags[1] = {(uint8_t)switches};
        op_test t;
        norm_values v = batch_graph(&t, 15, 1, 4);
        bool updates = (switches & (EKI_NORM_FROZEN_STATS | EKI_NORM_NO_UPDATE)) == 0;
        t.options.norm_switches = flags;
        op_run(&t, EKI_MODE_TRAINING);
        expect_batch_norm(&t, &v, (switches & EKI_NORM_FROZEN_STATS) == 0);
        op_forward(&t); /* a repeated forward must not count twice */
        assert_int_equal(eki_exec_commit(t.exec, &t.err), EK_OK);
        double mean, var;
        moments(&t, 1, &mean, &var);
        double momentum = (double)0.9f, wanted_mean = -0.5, wanted_var = 2.0;
        if (updates) wanted_mean = momentum * -0.5 + (1.0 - momentum) * mean;
        if (updates) wanted_var = momentum * 2.0 + (1.0 - momentum) * var;
        assert_float_equal((double)data_of(v.mean)[1], wanted_mean, 1e-6);
        assert_float_equal((double)data_of(v.var)[1], wanted_var, 1e-6);
        assert_int_equal(eki_exec_plan(t.exec)->skipped_updates, 0);
        op_end(&t);
    }
}

static void non_finite_batches_do_not_poison(void **state) {
    (void)state;
    op_test t;
    norm_values v = batch_graph(&t, 15, 1, 4);
    t.feed[0][4] = (float)NAN; /* channel 1 */
    op_run(&t, EKI_MODE_TRAINING);
    assert_int_equal(eki_exec_commit(t.exec, &t.err), EK_OK);
    for (size_t c = 0; c < 3; c++) {
        assert_true(data_of(v.mean)[c] == ((float[]){0.25f, -0.5f, 1.0f})[c]);
        assert_true(data_of(v.var)[c] == ((float[]){0.5f, 2.0f, 1.5f})[c]);
    }
    assert_int_equal(eki_exec_plan(t.exec)->skipped_updates, 1);
    assert_non_null(strstr(eki_exec_plan(t.exec)->skipped_text, "channel 1"));
    op_end(&t);
}

static void batch_gradients(void **state) {
    (void)state;
    for (int rank = 2; rank <= 4; rank += 2) {
        for (int switches = 0; switches < 8; switches++) {
            uint8_t flags[1] = {(uint8_t)switches};
            op_test t;
            batch_graph(&t, 15, 1, rank);
            t.options.norm_switches = flags;
            op_run(&t, EKI_MODE_TRAINING);
            assert_int_equal(eki_exec_parameter_count(t.exec), (switches & EKI_NORM_FROZEN_AFFINE) ? 0 : 2);
            assert_true(op_gradient_error(&t) < BOUND);
            op_end(&t);
        }
    }
}

static void batch_errors(void **state) {
    (void)state;
    op_test t;
    norm_values v = batch_graph(&t, 8, 1, 4);
    eki_node_set_int(t.graph, v.node, "spatial", 0, NULL);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_UNSUPPORTED, "spatial = 0");
    op_end(&t);
    op_begin(&t, 15);
    eki_value *x = op_input(&t, SHAPE(4, 3, 2, 2), NULL), *p = op_param(&t, SHAPE(3), NULL);
    NODE(&t, "BatchNormalization", 1, x, p, p, op_param(&t, SHAPE(4), NULL), p);
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "mean has shape [4], expected [3]");
    op_end(&t);
}

/* What a file may say of a norm and no norm can mean: an error that names node and number, not a NaN. */
static void senseless_numbers(void **state) {
    (void)state;
    static const struct {
        const char *attribute;
        float value;
        const char *text;
    } cases[] = {{"epsilon", -1e-5f, "epsilon is -1e-05, expected a finite number >= 0"},
                 {"epsilon", (float)NAN, "epsilon is nan"},
                 {"epsilon", (float)INFINITY, "epsilon is inf"},
                 {"momentum", 1.5f, "momentum is 1.5"},
                 {"momentum", -0.1f, "momentum is -0.1"},
                 {"momentum", (float)NAN, "momentum is nan"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        op_test t;
        norm_values v = batch_graph(&t, 15, 1, 4);
        op_set_float(&t, v.node, cases[i].attribute, cases[i].value);
        op_run_fails(&t, EKI_MODE_FILE, EK_ERR_FORMAT, cases[i].text);
        assert_non_null(strstr(t.err.text, "(BatchNormalization)"));
        op_end(&t);
    }
    for (int64_t groups = -1; groups <= 7; groups += 4) { /* -1, 3, 7 of 8 channels */
        op_test t;
        op_begin(&t, 21);
        eki_value *p = op_param(&t, SHAPE(8), NULL);
        eki_node *node = NODE(&t, "GroupNormalization", 1, op_input(&t, SHAPE(2, 8, 2, 2), NULL), p, p);
        op_set_int(&t, node, "num_groups", groups);
        op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "num_groups");
        op_end(&t);
    }
}

/* A freshly made model: scale and variance are one initializer of ones, bias and mean one of zeros. */
static void shared_parameters(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 15);
    eki_value *x = op_input(&t, SHAPE(4, 3, 2, 2), NULL), *one = op_param(&t, SHAPE(3), F(1, 1, 1));
    eki_value *zero = op_param(&t, SHAPE(3), F(0, 0, 0));
    eki_node *node = NODE(&t, "BatchNormalization", 3, x, one, zero, zero, one);
    op_set_int(&t, node, "training_mode", 1);
    op_run(&t, EKI_MODE_FILE);
    const float *y = op_result(&t, 0, NULL);
    for (size_t c = 0; c < 3; c++) {
        double mean, var;
        moments(&t, c, &mean, &var);
        for (size_t n = 0; n < 4; n++) {
            double v = ((double)t.feed[0][(n * 3 + c) * 4] - mean) / sqrt(var + (double)1e-5f);
            assert_float_equal((double)y[(n * 3 + c) * 4], v, 2e-6 * fmax(1.0, fabs(v)));
        }
        assert_float_equal((double)op_result(&t, 1, NULL)[c], (1 - (double)0.9f) * mean, 1e-6);
        assert_float_equal((double)op_result(&t, 2, NULL)[c], (double)0.9f + (1 - (double)0.9f) * var, 1e-6);
        assert_true(data_of(one)[c] == 1 && data_of(zero)[c] == 0);
    }
    op_end(&t);
}

/* y = (x - mean) / sqrt(var + eps) per set of `n` consecutive elements, times scale[i of `channels`] plus bias. */
static void expect_rows(op_test *t, size_t n, size_t inner, size_t channels, const float *scale, const float *bias,
                        bool centre) {
    size_t count;
    const float *y = op_result(t, 0, &count), *x = t->feed[0];
    for (size_t s = 0; s < count / n; s++) {
        double mean = 0.0, var = 0.0;
        for (size_t i = 0; i < n && centre; i++) mean += (double)x[s * n + i] / (double)n;
        for (size_t i = 0; i < n; i++) var += ((double)x[s * n + i] - mean) * ((double)x[s * n + i] - mean) / (double)n;
        for (size_t i = s * n; i < (s + 1) * n; i++) {
            size_t c = i / inner % channels;
            double v = ((double)x[i] - mean) / sqrt(var + (double)1e-5f) * (double)scale[c];
            v += bias != NULL ? (double)bias[c] : 0.0;
            assert_float_equal((double)y[i], v, 2e-6 * fmax(1.0, fabs(v)));
        }
    }
}

static void finish(op_test *t) {
    double error = op_gradient_error(t);
    if (error > BOUND) fail_msg("gradient differs by %.3g", error);
    op_end(t);
}

static void instance_norm(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 6);
    eki_value *x = op_input(&t, SHAPE(2, 3, 4, 5), NULL), *scale = op_param(&t, SHAPE(3), NULL);
    eki_value *bias = op_param(&t, SHAPE(3), NULL);
    NODE(&t, "InstanceNormalization", 1, x, scale, bias);
    op_run(&t, EKI_MODE_TRAINING);
    expect_rows(&t, 20, 20, 3, data_of(scale), data_of(bias), true);
    finish(&t);
}

static void group_norm(void **state) {
    (void)state;
    for (int64_t opset = 18; opset <= 21; opset += 3) {
        op_test t;
        op_begin(&t, opset);
        int64_t length = opset == 18 ? 2 : 6;
        eki_value *x = op_input(&t, SHAPE(2, 6, 2, 3), NULL), *scale = op_param(&t, SHAPE(length), NULL);
        eki_value *bias = op_param(&t, SHAPE(length), NULL);
        eki_node *node = NODE(&t, "GroupNormalization", 1, x, scale, bias);
        eki_node_set_int(t.graph, node, "num_groups", 2, NULL);
        op_run(&t, EKI_MODE_FILE);
        expect_rows(&t, 18, opset == 18 ? 18 : 6, opset == 18 ? 2 : 6, data_of(scale), data_of(bias), true);
        finish(&t);

        op_begin(&t, opset);
        eki_value *wrong = op_param(&t, SHAPE(opset == 18 ? 6 : 2), NULL);
        node = NODE(&t, "GroupNormalization", 1, op_input(&t, SHAPE(2, 6, 2, 3), NULL), wrong, wrong);
        eki_node_set_int(t.graph, node, "num_groups", 2, NULL);
        op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, opset == 18 ? "21 or later" : "18 to 20");
        op_end(&t);
    }
}

static void layer_and_rms_norm(void **state) {
    (void)state;
    for (int form = 0; form < 6; form++) {
        op_test t;
        bool rms = form % 2 == 1, channel = form >= 4;
        op_begin(&t, 23);
        eki_shape shape = form < 2 ? SHAPE(12) : form < 4 ? SHAPE(4, 12) : SHAPE(4, 1);
        eki_value *x = op_input(&t, SHAPE(3, 4, 12), NULL), *scale = op_param(&t, shape, NULL);
        eki_value *bias = op_param(&t, shape, NULL), *in[] = {x, scale, bias};
        eki_node *node = op_node(&t, rms ? "RMSNormalization" : "LayerNormalization", 1, in, rms ? 2 : 3);
        eki_node_set_int(t.graph, node, "axis", form < 2 ? -1 : 1, NULL);
        op_run(&t, EKI_MODE_FILE);
        expect_rows(&t, form < 2 ? 12 : 48, channel ? 12 : 1,
                    form < 2  ? 12
                    : channel ? 4
                              : 48,
                    data_of(scale), rms ? NULL : data_of(bias), !rms);
        finish(&t);
    }
    op_test t;
    op_begin(&t, 17);
    NODE(&t, "LayerNormalization", 1, op_input(&t, SHAPE(2, 4), NULL), op_param(&t, SHAPE(3), NULL));
    op_run_fails(&t, EKI_MODE_FILE, EK_ERR_SHAPE, "Scale has shape [3]");
    op_end(&t);
}

static void layer_norm_statistics(void **state) {
    (void)state;
    op_test t;
    float x[] = {1, 2, 3, 4, -1, 1, -1, 1};
    op_begin(&t, 17);
    NODE(&t, "LayerNormalization", 3, op_input(&t, SHAPE(2, 4), x), op_param(&t, SHAPE(4), NULL));
    op_run(&t, EKI_MODE_FILE);
    op_expect_shape(&t, 1, SHAPE(2, 1));
    op_expect(&t, 1, (float[]){2.5f, 0.0f}, 2, 1e-7);
    op_expect(&t, 2, (float[]){(float)(1.0 / sqrt(1.25 + 1e-5)), (float)(1.0 / sqrt(1.0 + 1e-5))}, 2, 1e-6);
    op_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_mode_follows_the_file),
        cmocka_unit_test(running_outputs),
        cmocka_unit_test(commit_updates_once),
        cmocka_unit_test(non_finite_batches_do_not_poison),
        cmocka_unit_test(senseless_numbers),
        cmocka_unit_test(shared_parameters),
        cmocka_unit_test(batch_gradients),
        cmocka_unit_test(batch_errors),
        cmocka_unit_test(instance_norm),
        cmocka_unit_test(group_norm),
        cmocka_unit_test(layer_and_rms_norm),
        cmocka_unit_test(layer_norm_statistics),
    };
    return cmocka_run_group_tests_name("op_norm", tests, NULL, NULL);
}
