/* test_convert.c: what should be exact is; what cannot be is the least-squares fit, and nearer than what is carried
 * over. */
#include "net.h"
#include "random_net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double difference(ek_model *a, ek_model *b) {
    ek_comparison result;
    ek_compare_options options = ek_compare_options_default();
    options.runs = 1;
    OK(ek_compare(a, b, &options, &result, err));
    return result.worst;
}

static ek_model *convert(ek_model *model, const ek_convert_options *options, double *drift) {
    ek_model *converted;
    ek_edit_report *report;
    OK(ek_convert(model, options, &converted, &report, drift, err));
    ek_edit_report_destroy(report);
    return converted;
}

static ek_model *convert_to(ek_model *model, ek_norm_target norm) {
    ek_convert_options options = ek_convert_options_default();
    options.norm = norm;
    options.groups = 4;
    return convert(model, &options, NULL);
}

/* A built model whose norms have something to say. */
static ek_model *lively(const char *architecture, ek_norm_kind norm) {
    ek_model *model = fixture_model(architecture, norm, 28, 0.0);
    for (size_t i = 0; i < ek_model_norm_count(model); i++) {
        ek_model_norm info = ek_model_norm_get(model, i);
        const char *names[4] = {info.scale, info.bias, info.mean, info.variance};
        for (int k = 0; k < 4; k++) {
            void *data;
            if (names[k][0] == '\0') continue;
            OK(ek_model_tensor_data(model, names[k], NULL, &data, err));
            for (int64_t c = 0; c < info.channels; c++) {
                double wave = sin((double)(3 * c + 7 * k + (int64_t)i));
                ((float *)data)[c] = (float)(k == 0 || k == 3 ? 1 + 0.5 * wave : 0.3 * wave);
            }
        }
    }
    return model;
}

static ek_dataset *strokes(int64_t limit) {
    ek_dataset *data;
    ek_dataset_options options = {.struct_size = sizeof options, .limit = limit};
    OK(ek_dataset_open("builtin:strokes:200", EK_SPLIT_TRAIN, &options, &data, err));
    return data;
}

/* ---- exact ---- */

static size_t batch_norms(const ek_model *model) {
    size_t count = 0;
    for (size_t i = 0; i < ek_model_norm_count(model); i++) count += ek_model_norm_get(model, i).kind == EK_NORM_BATCH;
    return count;
}

static void test_frozen(void **state) {
    (void)state;
    ek_model *model = lively("resnet20", EK_NORM_BATCH);
    OK(ek_model_freeze(model, "*", 1, 1, NULL, err));
    uint64_t before = fixture_hash(model);
    ek_model *frozen = convert_to(model, EK_TO_FROZEN), *back = convert_to(frozen, EK_TO_BATCH);
    assert_true(fixture_hash(model) == before);
    assert_int_equal(ek_model_norm_count(frozen), 0);
    assert_null(ek_model_metadata(frozen, "evenkeel.freeze.bn1.out"));
    assert_int_equal(batch_norms(back), batch_norms(model));
    assert_true(difference(model, frozen) <= 1e-5);
    assert_true(difference(frozen, back) <= 1e-6);
    assert_string_equal(ek_model_norm_get(back, 0).output, ek_model_norm_get(model, 0).output);
    OK(ek_model_save(back, fixture_path("b.onnx"), NULL, err));
    ek_model *loaded;
    OK(ek_model_load(fixture_path("b.onnx"), &loaded, err));
    assert_true(difference(model, loaded) <= 1e-5);
    ek_model_destroy(loaded);
    ek_model_destroy(back);
    ek_model_destroy(frozen);
    ek_model_destroy(model);
    fixture_clean();
}

static void test_frozen_random(void **state) {
    (void)state;
    size_t before = 0, after = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        ek_model *model = random_net(seed), *frozen = convert_to(model, EK_TO_FROZEN);
        ek_model *back = convert_to(frozen, EK_TO_BATCH);
        double first = difference(model, frozen), second = difference(model, back);
        if (!(first <= 2e-5) || !(second <= 2e-5)) fail_msg("graph %d: %g and %g", (int)seed, first, second);
        before += ek_model_norm_count(model);
        after += ek_model_norm_count(frozen);
        ek_model_destroy(back);
        ek_model_destroy(frozen);
        ek_model_destroy(model);
    }
    assert_true(before > 400 && after > 0 && after < before / 3);
}

/* A group norm of one group is a layer norm, of all channels an instance norm; and at any opset it is the same. */
static void test_same_norms(void **state) {
    (void)state;
    ek_model *model = lively("cnn6", EK_NORM_BATCH);
    ek_convert_options options = ek_convert_options_default();
    options.norm = EK_TO_GROUP;
    options.groups = 1;
    ek_model *one = convert(model, &options, NULL), *layer = convert_to(model, EK_TO_LAYER);
    assert_true(difference(one, layer) == 0);
    options.groups = 1000;
    ek_model *all = convert(model, &options, NULL), *instance = convert_to(model, EK_TO_INSTANCE);
    assert_true(difference(all, instance) <= 1e-5);
    assert_int_equal(ek_model_opset(one), 17);
    assert_int_equal(ek_model_opset(instance), 17);
    assert_int_equal(ek_model_norm_get(one, 0).kind, EK_NORM_GROUP);
    ek_model *layers = convert_to(one, EK_TO_LAYER); /* parameters carried from kind to kind */
    assert_true(difference(one, layers) == 0);
    ek_model_destroy(layers);
    ek_model_destroy(instance);
    ek_model_destroy(all);
    ek_model_destroy(layer);
    ek_model_destroy(one);
    ek_model_destroy(model);
}

static ek_model *old_net(int64_t opset, int64_t ir) {
    net n = net_image(opset, 4, 8);
    n.graph->ir_version = ir;
    net_conv(&n, "conv", (conv_shape){4, 8, 3, 1, 1}, false);
    net_bn(&n, "bn", 8);
    net_one(&n, "Relu", "relu");
    for (size_t i = 0; ir < 4 && i < n.graph->n_values; i++) {
        if (n.graph->values[i]->init != NULL) OK(eki_graph_add_input(n.graph, n.graph->values[i], err));
    }
    return net_finish(&n);
}

/* Where the opset has no group norm it is a subgraph, which computes the same. */
static void test_old_opset(void **state) {
    (void)state;
    static const int64_t opsets[][2] = {{9, 3}, {9, 4}, {13, 7}, {19, 9}};
    ek_model *native = old_net(21, 10), *there = convert_to(native, EK_TO_GROUP);
    for (size_t i = 0; i < 4; i++) {
        ek_model *model = old_net(opsets[i][0], opsets[i][1]), *group = convert_to(model, EK_TO_GROUP), *loaded;
        assert_true(difference(there, group) <= 1e-6);
        OK(ek_model_save(group, fixture_path("g.onnx"), NULL, err));
        OK(ek_model_load(fixture_path("g.onnx"), &loaded, err));
        assert_true(difference(there, loaded) <= 1e-6);
        assert_int_equal(ek_model_input_count(loaded), 1);
        assert_int_equal(loaded->document->ir_version, opsets[i][1]);
        assert_int_equal(eki_lists_weights(loaded->document), opsets[i][1] < 4);
        ek_model_destroy(loaded);
        ek_model_destroy(group);
        ek_model_destroy(model);
    }
    ek_model_destroy(there);
    ek_model_destroy(native);
    fixture_clean();
}

/* Where there is nothing to do, an old file keeps its IR version and its list of weights. */
static void test_nothing_to_do(void **state) {
    (void)state;
    ek_model *model = old_net(9, 3);
    ek_convert_options options = ek_convert_options_default();
    options.fuse = 1;
    ek_model *same = convert(model, &options, NULL);
    assert_int_equal(same->document->ir_version, 3);
    assert_true(same->document->n_inputs > 1);
    assert_int_equal(same->document->n_inputs, model->document->n_inputs);
    ek_model_destroy(same);
    ek_model_destroy(model);
}

/* ---- fitted ---- */

static void outputs_of(ek_model *model, const char *name, const ek_dataset *data, float **values, int64_t dims[4]) {
    ek_session *session;
    ek_session_options options = ek_session_options_default();
    ek_dataset_info info = ek_dataset_describe(data);
    size_t each = (size_t)(info.channels * info.height * info.width);
    float *images = malloc((size_t)info.count * each * sizeof *images);
    for (int64_t i = 0; i < info.count; i++) {
        int32_t label;
        OK(ek_dataset_read(data, i, images + (size_t)i * each, &label, err));
    }
    options.outputs = &name;
    options.output_count = 1;
    OK(ek_session_create(model, &options, &session, err));
    ek_array in = {EK_F32, 4, {info.count, info.channels, info.height, info.width}, images};
    OK(ek_session_run(session, &in, 1, err));
    ek_array out = ek_session_output(session, 0);
    size_t count = 1;
    for (int i = 0; i < 4; i++) dims[i] = i < out.rank ? out.dims[i] : 1;
    for (int i = 0; i < 4; i++) count *= (size_t)dims[i];
    *values = malloc(count * sizeof **values);
    memcpy(*values, out.data, count * sizeof **values);
    ek_session_destroy(session);
    free(images);
}

/* Least squares: what is left has mean 0 and no correlation with what was fitted, in every channel. */
static void check_fit(ek_model *before, ek_model *after, const char *output, const ek_dataset *data) {
    int64_t d[4];
    float *y, *z;
    outputs_of(before, output, data, &y, d);
    outputs_of(after, output, data, &z, d);
    for (int64_t c = 0; c < d[1]; c++) {
        double rest = 0, with = 0, power = 0, n = (double)(d[0] * d[2] * d[3]), mean = 0;
        for (int pass = 0; pass < 2; pass++) {
            for (int64_t i = 0; i < d[0]; i++) {
                for (int64_t k = 0; k < d[2] * d[3]; k++) {
                    int64_t at = (i * d[1] + c) * d[2] * d[3] + k;
                    double r = (double)y[at] - (double)z[at];
                    if (pass == 0) mean += (double)y[at] / n;
                    if (pass == 0) continue;
                    rest += r;
                    with += r * ((double)z[at] - mean);
                    power += ((double)y[at] - mean) * ((double)y[at] - mean);
                }
            }
        }
        if (!(fabs(rest) <= 1e-4 * n * sqrt(power / n + 1e-12)) || !(fabs(with) <= 1e-4 * power + 1e-9))
            fail_msg("%s, channel %d: rest %g, with %g of %g", output, (int)c, rest / n, with, power);
    }
    free(y);
    free(z);
}

static void test_fit(void **state) {
    (void)state;
    static const ek_norm_target targets[] = {EK_TO_GROUP, EK_TO_LAYER, EK_TO_INSTANCE};
    ek_dataset *data = strokes(60);
    ek_model *model = lively("cnn6", EK_NORM_BATCH);
    for (size_t i = 0; i < 3; i++) {
        ek_convert_options options = ek_convert_options_default();
        double drift = -1, none = -1;
        options.norm = targets[i];
        options.groups = 4;
        ek_model *carried = convert(model, &options, &none);
        assert_true(none < 0);
        options.dataset = data;
        options.batch = 17;
        ek_model *fitted = convert(model, &options, &drift);
        float *want, *plain, *near;
        int64_t d[4];
        double far = 0, close = 0, scale = 0;
        outputs_of(model, "logits", data, &want, d);
        outputs_of(carried, "logits", data, &plain, d);
        outputs_of(fitted, "logits", data, &near, d);
        for (int64_t k = 0; k < d[0] * d[1]; k++) {
            far += pow((double)plain[k] - (double)want[k], 2);
            close += pow((double)near[k] - (double)want[k], 2);
            scale = fmax(scale, fabs((double)want[k]));
        }
        if (!(close < 0.5 * far)) fail_msg("target %d: %g fitted, %g carried", (int)i, close, far);
        assert_true(drift > 0 && drift < 2);
        for (size_t k = 0; k < ek_model_norm_count(model); k++) {
            check_fit(model, fitted, ek_model_norm_get(model, k).output, data);
        }
        free(want);
        free(plain);
        free(near);
        ek_model_destroy(fitted);
        ek_model_destroy(carried);
    }
    ek_model_destroy(model);
    ek_dataset_close(data);
}

/* From a norm of examples to a batch norm: statistics measured, scale and bias fitted. Batches change no bit. */
static void test_to_batch(void **state) {
    (void)state;
    ek_dataset *data = strokes(60);
    ek_model *model = lively("cnn6", EK_NORM_GROUP);
    ek_convert_options options = ek_convert_options_default();
    double drift[2];
    options.norm = EK_TO_BATCH;
    options.dataset = data;
    options.batch = 60;
    ek_model *whole = convert(model, &options, &drift[0]);
    options.batch = 7;
    ek_model *parts = convert(model, &options, &drift[1]);
    fixture_same_tensors(whole, parts);
    assert_true(drift[0] == drift[1] && drift[0] < 1);
    assert_int_equal(batch_norms(whole), 6);
    for (size_t k = 0; k < 6; k++) check_fit(model, whole, ek_model_norm_get(model, k).output, data);
    ek_recalibrate_options one = ek_recalibrate_options_default();
    ek_recalibration *again;
    OK(ek_recalibrate(whole, data, &one, &again, err));
    for (size_t i = 0; i < 6; i++) assert_true(ek_recalibration_row(again, i)->shift_max < 1e-5);
    ek_recalibration_destroy(again);
    options.norm = EK_TO_FROZEN;
    ek_model *frozen = convert(model, &options, &drift[0]);
    assert_int_equal(ek_model_norm_count(frozen), 0);
    assert_true(drift[0] < 1);
    ek_model_destroy(frozen);
    ek_model_destroy(parts);
    ek_model_destroy(whole);
    ek_model_destroy(model);
    ek_dataset_close(data);
}

/* ---- refused ---- */

static void refuses(ek_model *model, ek_norm_target norm, const char *why) {
    ek_convert_options options = ek_convert_options_default();
    ek_model *converted;
    ek_edit_report *report;
    options.norm = norm;
    OK(ek_convert(model, &options, &converted, &report, NULL, err));
    const ek_edit_row *row = ek_edit_report_row(report, 0);
    assert_non_null(row);
    if (row->changed || strstr(row->text, why) == NULL) fail_msg("'%s' for '%s'", row->text, why);
    ek_edit_report_destroy(report);
    ek_model_destroy(converted);
    ek_model_destroy(model);
}

static ek_model *norm_net(int rank, const int64_t *dims, int64_t opset) {
    net n = net_start(opset, rank, dims);
    net_bn(&n, "bn", dims[1]);
    return net_finish(&n);
}

static ek_model *training_net(void) {
    net n = net_image(17, 3, 8);
    OK(eki_node_set_int(n.graph, net_bn(&n, "bn", 3), "training_mode", 1, err));
    return net_finish(&n);
}

static ek_model *computed_net(void) {
    net n = net_image(17, 3, 8);
    eki_node *bn = net_bn(&n, "bn", 3);
    eki_value *y = n.x;
    n.x = bn->in[1];
    bn->in[1] = net_one(&n, "Tanh", "tanh")->out[0];
    n.x = y;
    OK(eki_graph_sort(n.graph, err));
    return net_finish(&n);
}

static ek_model *row_net(void) {
    const int64_t dims[3] = {-1, 5, 6};
    net n = net_start(17, 3, dims);
    (void)net_two(&n, "LayerNormalization", "ln", net_vector(&n, "w", 6, 1, 2));
    return net_finish(&n);
}

static void test_refusals(void **state) {
    (void)state;
    static const int64_t rows[2] = {-1, 4}, image[4] = {-1, 4, 6, 6};
    refuses(norm_net(2, rows, 17), EK_TO_INSTANCE, "a norm over single values");
    refuses(norm_net(4, image, 17), EK_TO_BATCH, "it is one already");
    refuses(norm_net(4, image, 6), EK_TO_FROZEN, "it needs opset 7");
    refuses(training_net(), EK_TO_FROZEN, "training mode");
    refuses(computed_net(), EK_TO_GROUP, "no constant with a value per channel");
    refuses(row_net(), EK_TO_GROUP, "rows, not channels");
    refuses(lively("cnn6", EK_NORM_GROUP), EK_TO_BATCH, "--data measures");
    ek_model *model = norm_net(4, image, 17), *converted;
    ek_edit_report *report;
    ek_convert_options options = ek_convert_options_default();
    FAILS(EK_ERR_ARG, "nothing to do", ek_convert(model, &options, &converted, &report, NULL, err));
    options.norm = EK_TO_GROUP;
    options.pattern = "x*";
    FAILS(EK_ERR_ARG, "no norm matches 'x*'", ek_convert(model, &options, &converted, &report, NULL, err));
    options.groups = 0;
    FAILS(EK_ERR_ARG, "groups = 0", ek_convert(model, &options, &converted, &report, NULL, err));
    assert_null(converted);
    ek_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frozen),    cmocka_unit_test(test_frozen_random), cmocka_unit_test(test_same_norms),
        cmocka_unit_test(test_old_opset), cmocka_unit_test(test_fit),           cmocka_unit_test(test_to_batch),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_nothing_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
