/* test_unfold.c: an identity norm changes no bit and folds away again; a measured one has the data's statistics. */
#include "net.h"
#include "random_net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double difference(ek_model *a, ek_model *b) {
    ek_comparison result;
    ek_compare_options options = ek_compare_options_default();
    options.runs = 1;
    OK(ek_compare(a, b, &options, &result, err));
    return result.worst;
}

static ek_model *fold_of(ek_model *model) {
    ek_model *folded;
    ek_edit_report *report;
    OK(ek_fold(model, &folded, &report, err));
    ek_edit_report_destroy(report);
    return folded;
}

static ek_model *unfold_of(ek_model *model, const ek_unfold_options *options, size_t added) {
    ek_model *unfolded;
    ek_edit_report *report;
    size_t changed = 0;
    OK(ek_unfold(model, options, &unfolded, &report, err));
    for (size_t i = 0; i < ek_edit_report_count(report); i++) changed += ek_edit_report_row(report, i)->changed != 0;
    assert_int_equal(ek_model_norm_count(unfolded), ek_model_norm_count(model) + changed);
    if (added > 0) assert_int_equal(changed, added);
    ek_edit_report_destroy(report);
    return unfolded;
}

/* Every number of the folded model comes back, to the bit. */
static void test_there_and_back(void **state) {
    (void)state;
    ek_model *model = fixture_model("resnet20", EK_NORM_BATCH, 8, 0.0), *folded = fold_of(model);
    uint64_t before = fixture_hash(folded);
    ek_model *unfolded = unfold_of(folded, NULL, 21), *again = fold_of(unfolded);
    assert_true(fixture_hash(folded) == before);
    assert_true(difference(folded, unfolded) == 0);
    assert_int_equal(ek_model_norm_count(again), 0);
    ek_diff *diff;
    OK(ek_diff_models(folded, again, &diff, err));
    assert_int_equal(ek_diff_count(diff), 0);
    ek_diff_destroy(diff);
    ek_model_destroy(again);
    ek_model_destroy(unfolded);
    ek_model_destroy(folded);
    ek_model_destroy(model);
}

/* Random graphs: unfold changes no bit, and fold after it nothing that counts. */
static void test_random(void **state) {
    (void)state;
    int done = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        ek_model *model = random_net(seed), *folded = fold_of(model), *unfolded;
        ek_edit_report *report;
        ek_error why = {0};
        if (ek_unfold(folded, NULL, &unfolded, &report, &why) == EK_OK) {
            ek_model *again = fold_of(unfolded);
            double first = difference(folded, unfolded), second = difference(model, again);
            if (first != 0 || !(second <= 2e-5)) fail_msg("graph %d: %g and %g", (int)seed, first, second);
            ek_edit_report_destroy(report);
            ek_model_destroy(again);
            ek_model_destroy(unfolded);
            done++;
        } else if (strstr(why.text, "no convolution matches") == NULL) {
            fail_msg("graph %d: %s", (int)seed, why.text);
        }
        ek_model_destroy(folded);
        ek_model_destroy(model);
    }
    assert_true(done > 100);
}

static ek_model *small(void) {
    net n = net_image(13, 3, 8);
    net_conv(&n, "stem", (conv_shape){3, 6, 3, 1, 1}, true);
    net_bn(&n, "bn", 6);
    net_one(&n, "Relu", "relu");
    net_deconv(&n, "up", (conv_shape){6, 4, 2, 0, 2}, true);
    eki_node *odd = net_conv(&n, "odd", (conv_shape){4, 4, 1, 0, 1}, false);
    eki_value *x = n.x;
    n.x = odd->in[1];
    odd->in[1] = net_one(&n, "Tanh", "tanh")->out[0];
    n.x = x;
    return net_finish(&n);
}

static void test_report(void **state) {
    (void)state;
    ek_model *model = small(), *unfolded;
    ek_edit_report *report;
    OK(eki_graph_sort(model->document, err));
    OK(ek_unfold(model, NULL, &unfolded, &report, err));
    assert_int_equal(ek_edit_report_count(report), 3);
    const ek_edit_row *stem = ek_edit_report_row(report, 0), *up = ek_edit_report_row(report, 1);
    assert_string_equal(stem->norm, "stem");
    assert_string_equal(stem->text, "a batch norm follows it already");
    assert_true(!stem->changed && up->changed);
    assert_string_equal(up->text, "a batch norm of 4 channels");
    assert_string_equal(ek_edit_report_row(report, 2)->text, "its weight is no constant");
    assert_int_equal(ek_model_norm_count(unfolded), 2);
    assert_string_equal(ek_model_norm_get(unfolded, 1).node, "up.norm");
    assert_true(fabs(ek_model_norm_get(unfolded, 1).momentum - 0.9) < 1e-6);
    assert_true(difference(model, unfolded) == 0);
    ek_edit_report_destroy(report);
    ek_model_destroy(unfolded);

    ek_unfold_options options = ek_unfold_options_default();
    options.pattern = "u?";
    options.epsilon = 1e-3;
    unfolded = unfold_of(model, &options, 1);
    assert_true(difference(model, unfolded) == 0);
    ek_model_destroy(unfolded);
    options.pattern = "nothing*";
    FAILS(EK_ERR_ARG, "no convolution matches 'nothing*'", ek_unfold(model, &options, &unfolded, &report, err));
    assert_null(unfolded);
    options.epsilon = 2;
    FAILS(EK_ERR_ARG, "epsilon = 2", ek_unfold(model, &options, &unfolded, &report, err));
    ek_model_destroy(model);
}

/* Opset 6 wants is_test, opset 5 consumed_inputs too, and old files list their weights as inputs. */
static void old_file(int64_t opset) {
    net n = net_image(opset, 3, 8);
    n.graph->ir_version = 3;
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 1, 1}, true);
    for (size_t i = 0; i < n.graph->n_values; i++) {
        if (n.graph->values[i]->init != NULL) OK(eki_graph_add_input(n.graph, n.graph->values[i], err));
    }
    ek_model *model = net_finish(&n), *unfolded = unfold_of(model, NULL, 1), *loaded;
    assert_int_equal(eki_node_int(unfolded->norms[0].node, "is_test", 0), 1);
    assert_true((eki_node_attr(unfolded->norms[0].node, "consumed_inputs") != NULL) == (opset < 6));
    assert_true(difference(model, unfolded) == 0);
    OK(ek_model_save(unfolded, fixture_path("u.onnx"), NULL, err));
    OK(ek_model_load(fixture_path("u.onnx"), &loaded, err));
    assert_true(difference(model, loaded) == 0);
    assert_int_equal(ek_model_input_count(loaded), 1);
    ek_model_destroy(loaded);
    ek_model_destroy(unfolded);
    ek_model_destroy(model);
    fixture_clean();
}

static void test_old_file(void **state) {
    (void)state;
    old_file(5);
    old_file(6);
}

/* Measured: the function stays, the statistics are those that recalibrate would find, other norms keep theirs. */
static void test_measured(void **state) {
    (void)state;
    ek_dataset *data;
    ek_dataset_options limit = {.struct_size = sizeof limit, .limit = 100};
    OK(ek_dataset_open("builtin:strokes:200", EK_SPLIT_TRAIN, &limit, &data, err));
    ek_model *model = fixture_model("cnn6", EK_NORM_BATCH, 28, 0.0);
    ek_model *folded = fold_of(model);
    ek_unfold_options options = ek_unfold_options_default();
    options.pattern = "conv[12]";
    ek_model *some = unfold_of(folded, &options, 2);
    options.pattern = "*";
    options.dataset = data;
    options.batch = 17;
    ek_model *all = unfold_of(some, &options, 0);
    assert_true(difference(some, all) <= 1e-5 && difference(some, all) > 0);
    size_t measured = 0;
    for (size_t i = 0; i < ek_model_norm_count(all); i++) {
        ek_model_norm norm = ek_model_norm_get(all, i);
        const float *mean = NULL, *bias = NULL, *scale = NULL, *variance = NULL;
        for (size_t k = 0; k < ek_model_tensor_count(all); k++) {
            ek_tensor_info t = ek_model_tensor(all, k);
            if (strcmp(t.name, norm.mean) == 0) mean = t.data;
            if (strcmp(t.name, norm.bias) == 0) bias = t.data;
            if (strcmp(t.name, norm.scale) == 0) scale = t.data;
            if (strcmp(t.name, norm.variance) == 0) variance = t.data;
        }
        if (i >= 2 && mean[0] != 0) measured++;
        assert_true(!norm.stats_frozen);
        assert_true(mean[0] == bias[0]);
        assert_true(fabs((double)scale[0] - sqrt((double)variance[0] + norm.epsilon)) < 1e-6);
    }
    assert_true(measured >= 3);
    /* Recalibration, which measures for itself, finds what was measured to be right; the identities stay. */
    ek_recalibration *again;
    OK(ek_model_freeze(all, "conv[12].norm", 1, -1, NULL, err));
    OK(ek_recalibrate(all, data, NULL, &again, err));
    for (size_t i = 0; i < ek_recalibration_count(again); i++) {
        const ek_recalibrated *row = ek_recalibration_row(again, i);
        assert_true(row->updated == (i >= 2) && (i < 2 || row->shift_max < 1e-5));
    }
    ek_recalibration_destroy(again);
    ek_model_destroy(all);
    ek_model_destroy(some);
    ek_model_destroy(folded);
    ek_model_destroy(model);
    ek_dataset_close(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_random),   cmocka_unit_test(test_report),
        cmocka_unit_test(test_old_file),       cmocka_unit_test(test_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
