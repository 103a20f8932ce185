/* test_shared.c: parameters that several nodes read, directly or through Identity nodes as exporters write them: what
 * is frozen stays, and every batch norm keeps running statistics of its own. */
#include "train/train_fixture.h"

#include "model/model.h"

#include <string.h>

enum { EXTENT = 4, CLASSES = 4, STEPS = 4, WIDTH = 100 };

static void train(ek_model *model) {
    ek_train_options o = ek_train_options_default();
    ek_trainer *trainer;
    o.optimizer = EK_SGD;
    o.momentum = 0.9;
    o.weight_decay = 0.1;
    o.decay_norm = 1;
    o.total_steps = STEPS;
    o.lr = 0.05;
    OK(ek_trainer_create(model, &o, &trainer, err));
    for (int i = 0; i < STEPS; i++) {
        fixture_batch b = fixture_make_batch(i + 1 < STEPS ? 5 : 1, EXTENT * EXTENT, CLASSES, (uint64_t)i);
        OK(ek_trainer_step(trainer, &b.batch, NULL, err));
        fixture_free_batch(&b);
    }
    ek_trainer_destroy(trainer);
}

/* Input `input` of a norm then comes from `source` through an Identity node. */
static void through_identity(ek_model *model, size_t norm, int input, eki_value *source) {
    eki_node *node = eki_model_norm_node(model, norm), *identity;
    eki_value *alias;
    source = eki_graph_find(model->document, source->name);
    OK(eki_graph_value(model->document, input == 3 ? "alias.mean" : input == 4 ? "alias.var" : "alias", &alias, err));
    OK(eki_graph_add_node(model->document, "Identity", "", "", &source, 1, &alias, 1, &identity, err));
    node->in[input] = alias;
    OK(eki_graph_sort(model->document, err));
    OK(eki_model_rebuild(model, err));
}

static eki_value *value(const ek_model *model, const char *name) {
    eki_value *found = eki_graph_find(model->graph, name);
    if (found == NULL || found->init == NULL) fail_msg("no initializer %s", name);
    return found;
}

static void check_kept(ek_model *model, const char *name, bool kept) {
    float before[WIDTH];
    memcpy(before, value(model, name)->init->data, sizeof before);
    train(model);
    bool same = memcmp(before, value(model, name)->init->data, sizeof before) == 0;
    if (same != kept) fail_msg("%s %s", name, same ? "did not change" : "changed");
    ek_model_destroy(model);
}

static void test_frozen_through_identity(void **state) {
    (void)state;
    for (int frozen = 0; frozen < 2; frozen++) {
        ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
        through_identity(model, 0, 1, value(model, "bn1.scale"));
        OK(ek_model_freeze(model, "bn1", -1, frozen, NULL, err));
        check_kept(model, "bn1.scale", frozen != 0);
    }
}

static void test_frozen_in_one_of_two(void **state) {
    (void)state;
    for (int frozen = 0; frozen < 2; frozen++) {
        for (int norm = 1; norm <= 2; norm++) {
            ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
            through_identity(model, 1, 1, value(model, "bn1.scale"));
            OK(ek_model_freeze(model, norm == 1 ? "bn1" : "bn2.out", -1, frozen, NULL, err));
            check_kept(model, "bn1.scale", frozen != 0);
        }
    }
}

static void test_statistics_are_own(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0), *loaded;
    through_identity(model, 1, 3, value(model, "bn1.running_mean"));
    through_identity(model, 1, 4, value(model, "bn1.running_var"));
    OK(ek_model_save(model, fixture_path("shared.onnx"), NULL, err));
    ek_model_destroy(model);
    OK(ek_model_load(fixture_path("shared.onnx"), &loaded, err));
    train(loaded);
    static const char *const names[2][2] = {{"bn1.running_mean", "alias.mean"}, {"bn1.running_var", "alias.var"}};
    for (int i = 0; i < 2; i++) {
        const float *first = value(loaded, names[i][0])->init->data, *second = value(loaded, names[i][1])->init->data;
        const float initial = i == 0 ? 0.0f : 1.0f;
        assert_true(first[0] != initial && second[0] != initial);
        assert_memory_not_equal(first, second, WIDTH * sizeof *first);
    }
    ek_model_destroy(loaded);
    fixture_clean();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frozen_through_identity),
        cmocka_unit_test(test_frozen_in_one_of_two),
        cmocka_unit_test(test_statistics_are_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
