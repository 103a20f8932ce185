/* test_freeze.c: which norms a pattern matches, and that switches live in the file. */
#include "train/train_fixture.h"

#include "model/model.h"

#include <stdlib.h>
#include <string.h>

static int frozen(const ek_model *model, size_t index) {
    ek_model_norm info = ek_model_norm_get(model, index);
    return info.stats_frozen + 2 * info.affine_frozen;
}

static void test_patterns(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, 4, 0.0);
    size_t matched;
    OK(ek_model_freeze(model, "bn1", 1, -1, &matched, err));
    assert_int_equal(matched, 1);
    assert_int_equal(frozen(model, 0), 1);
    OK(ek_model_freeze(model, "bn[12]", -1, 1, &matched, err));
    assert_int_equal(matched, 2);
    assert_int_equal(frozen(model, 0), 3);
    assert_int_equal(frozen(model, 1), 2);
    OK(ek_model_freeze(model, "*", 0, -1, &matched, err));
    assert_int_equal(matched, 3);
    assert_int_equal(frozen(model, 0), 2);
    OK(ek_model_freeze(model, "bn3.out", 1, 1, &matched, err));
    assert_int_equal(frozen(model, 2), 3);
    FAILS(EK_ERR_ARG, "no norm matches 'conv*'; the model's norms are: bn1, bn2, bn3",
          ek_model_freeze(model, "conv*", 1, 1, &matched, err));
    assert_int_equal(matched, 0);
    ek_model_destroy(model);
}

/* Real files have nodes without names: the stem of the scale initializer then serves. */
static void test_no_node_names(void **state) {
    (void)state;
    ek_model *model = fixture_model("resnet20", EK_NORM_BATCH, 8, 0.0);
    for (size_t i = 0; i < model->n_norms; i++) model->norms[i].node->name = "";
    OK(eki_model_index_norms(model, err));
    size_t matched;
    OK(ek_model_freeze(model, "layer2.*", 1, 0, &matched, err));
    assert_int_equal(matched, 7);
    OK(ek_model_freeze(model, "layer1.0.bn1", 1, 0, &matched, err));
    assert_int_equal(matched, 1);
    ek_model_destroy(model);
}

static void test_metadata(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, 4, 0.0), *loaded;
    OK(ek_model_freeze(model, "bn2", 1, 1, NULL, err));
    assert_string_equal(ek_model_metadata(model, "evenkeel.freeze.bn2.out"), "stats,affine");
    OK(ek_model_save(model, fixture_path("f.onnx"), NULL, err));
    OK(ek_model_load(fixture_path("f.onnx"), &loaded, err));
    assert_int_equal(frozen(loaded, 0), 0);
    assert_int_equal(frozen(loaded, 1), 3);
    uint8_t *switches;
    OK(eki_model_switches(loaded, &switches, err));
    int node = loaded->norms[1].node->id;
    assert_int_equal(switches[node], EKI_NORM_FROZEN_STATS | EKI_NORM_NO_UPDATE | EKI_NORM_FROZEN_AFFINE);
    assert_int_equal(switches[loaded->norms[0].node->id], 0);
    free(switches);
    OK(ek_model_freeze(loaded, "bn2", 0, 0, NULL, err));
    assert_null(ek_model_metadata(loaded, "evenkeel.freeze.bn2.out"));
    OK(ek_model_set_metadata(loaded, "evenkeel.freeze.bn1.out", "affine", err));
    assert_int_equal(frozen(loaded, 0), 2);
    OK(ek_model_set_metadata(loaded, "evenkeel.freeze.bn1.out", NULL, err));
    assert_int_equal(frozen(loaded, 0), 0);
    OK(ek_model_set_metadata(loaded, "evenkeel.freeze.bn1.out", "statsaffine", err));
    assert_int_equal(frozen(loaded, 0), 0);
    ek_model_destroy(loaded);
    ek_model_destroy(model);
    fixture_clean();
}

static void test_without_statistics(void **state) {
    (void)state;
    ek_model *model = fixture_model("cnn6", EK_NORM_GROUP, 8, 0.0),
             *plain = fixture_model("cnn6", (ek_norm_kind)0, 8, 0.0);
    FAILS(EK_ERR_ARG, "without running statistics", ek_model_freeze(model, "*", 1, -1, NULL, err));
    OK(ek_model_freeze(model, "gn1", 1, 1, NULL, err));
    assert_int_equal(frozen(model, 0), 2);
    FAILS(EK_ERR_ARG, "has no normalization at all", ek_model_freeze(plain, "*", 1, 1, NULL, err));
    ek_model_destroy(model);
    ek_model_destroy(plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_no_node_names),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_without_statistics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
