/* test_finetune.c: what is frozen keeps its bytes over a hundred steps with momentum and weight decay, after a resume
 * and in the next training, too, and what is not frozen moves; shares of the learning rate do what they say. */
#include "train/train_fixture.h"

#include <evenkeel/surgery.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS = 100, BATCH = 4 };

typedef struct subject {
    const char *name;
    ek_model *(*make)(void);
    int64_t elements; /* of an image */
    int classes;
} subject;

static ek_model *trained_cnn6(void) {
    ek_model *model = fixture_model("cnn6", EK_NORM_BATCH, 12, 0.2);
    ek_train_options o = ek_train_options_default();
    ek_trainer *trainer;
    o.total_steps = 20;
    OK(ek_trainer_create(model, &o, &trainer, err));
    for (uint64_t s = 0; s < 20; s++) {
        fixture_batch b = fixture_make_batch(BATCH, 144, 4, s);
        OK(ek_trainer_step(trainer, &b.batch, NULL, err));
        fixture_free_batch(&b);
    }
    ek_trainer_destroy(trainer);
    return model;
}

/* The face detector's backbone, 32x32 images, a classifier of four. NULL where the file is not there. */
static ek_model *rfb(void) {
    const char *path = EK_SOURCE_DIR "/../shared/models/version-RFB-320.onnx";
    const int64_t dims[4] = {-1, 0, 32, 32};
    ek_head_options o = ek_head_options_default(4);
    ek_head_result result;
    ek_model *model;
    if (access(path, R_OK) != 0) return NULL;
    o.cut = "400"; /* the output of the last ReLU before the boxes */
    OK(ek_model_load(path, &model, err));
    OK(ek_replace_head(model, &o, &result, err));
    OK(ek_set_input(model, dims, err));
    return model;
}

static const subject cnn6 = {"cnn6", trained_cnn6, 144, 4}, backbone = {"RFB-320", rfb, 3 * 32 * 32, 4};

static ek_train_options options(void) {
    ek_train_options o = ek_train_options_default();
    o.lr = 0.002;
    o.threads = 1; /* small maps */
    o.momentum = 0.9;
    o.weight_decay = 0.01;
    o.decay_norm = 1; /* the harder case: frozen parameters must not be decayed either */
    o.schedule = EK_SCHEDULE_CONSTANT;
    o.total_steps = 2 * STEPS;
    return o;
}

static void steps(const subject *s, ek_trainer *trainer, int first, int last) {
    for (int i = first; i < last; i++) {
        fixture_batch b = fixture_make_batch(BATCH, s->elements, s->classes, (uint64_t)(i % 10));
        OK(ek_trainer_step(trainer, &b.batch, NULL, err));
        fixture_free_batch(&b);
    }
}

static bool same(const ek_model *a, const ek_model *b, const char *name) {
    ek_tensor_info x = {.name = ""}, y = {.name = ""};
    for (size_t i = 0; i < ek_model_tensor_count(a); i++) {
        if (strcmp(ek_model_tensor(a, i).name, name) == 0) x = ek_model_tensor(a, i);
    }
    for (size_t i = 0; i < ek_model_tensor_count(b); i++) {
        if (strcmp(ek_model_tensor(b, i).name, name) == 0) y = ek_model_tensor(b, i);
    }
    assert_true(x.bytes > 0 && x.bytes == y.bytes);
    return memcmp(x.data, y.data, x.bytes) == 0;
}

/* `stats` and `affine` say what must have kept its bytes in every norm; the rest must have moved in every norm but a
 * few (a dead channel's scale may get no gradient), and so must most of the weights. */
static void compare(const ek_model *before, const ek_model *after, bool stats, bool affine) {
    size_t norms = ek_model_norm_count(before), moved_stats = 0, moved_affine = 0, moved = 0, others = 0;
    for (size_t i = 0; i < norms; i++) {
        ek_model_norm n = ek_model_norm_get(before, i);
        bool kept_stats = same(before, after, n.mean) && same(before, after, n.variance);
        bool kept_affine = same(before, after, n.scale) && same(before, after, n.bias);
        if (stats && !kept_stats) fail_msg("the frozen statistics of %s moved", n.output);
        if (affine && !kept_affine) fail_msg("the frozen scale or bias of %s moved", n.output);
        moved_stats += !kept_stats;
        moved_affine += !kept_affine;
    }
    if (!stats) assert_int_equal(moved_stats, norms);
    if (!affine) assert_int_equal(moved_affine, norms);
    for (size_t i = 0; i < ek_model_tensor_count(before); i++) {
        ek_tensor_info t = ek_model_tensor(before, i);
        if (t.rank < 2) continue;
        others++;
        moved += !same(before, after, t.name);
    }
    assert_int_equal(moved, others);
}

/* A hundred steps; half of them, a checkpoint, and the other half in another process's place; once more from the
 * file. All with the same switches, given once. */
static void fine_tune(const subject *s, bool stats, bool affine) {
    ek_model *start = s->make(), *model = s->make();
    if (start == NULL) {
        print_message("skipped: no ../shared/models\n");
        skip();
    }
    ek_train_options o = options();
    ek_trainer *trainer;
    ek_position position = {.flags = ""};
    OK(ek_model_freeze(model, "*", stats, affine, NULL, err));
    OK(ek_trainer_create(model, &o, &trainer, err));
    steps(s, trainer, 0, STEPS / 2);
    OK(ek_trainer_save(trainer, fixture_path("tuned.onnx"), &position, err));
    steps(s, trainer, STEPS / 2, STEPS);
    ek_trainer_destroy(trainer);
    compare(start, model, stats, affine);

    ek_checkpoint checkpoint;
    OK(ek_checkpoint_load(fixture_path("tuned.onnx"), &checkpoint, err));
    OK(ek_trainer_create(checkpoint.model, &o, &trainer, err));
    OK(ek_trainer_restore(trainer, &checkpoint, err));
    steps(s, trainer, STEPS / 2, STEPS);
    ek_trainer_destroy(trainer);
    ek_checkpoint_free(&checkpoint);
    compare(start, checkpoint.model, stats, affine);
    fixture_same_tensors(model, checkpoint.model);

    ek_model *loaded;
    OK(ek_model_save(checkpoint.model, fixture_path("again.onnx"), NULL, err));
    OK(ek_model_load(fixture_path("again.onnx"), &loaded, err));
    OK(ek_trainer_create(loaded, &o, &trainer, err));
    steps(s, trainer, 0, STEPS / 5);
    ek_trainer_destroy(trainer);
    compare(start, loaded, stats, affine);
    compare(checkpoint.model, loaded, stats, affine);
    ek_model_destroy(loaded);
    ek_model_destroy(checkpoint.model);
    ek_model_destroy(model);
    ek_model_destroy(start);
}

static void test_cnn6_stats(void **state) {
    (void)state;
    fine_tune(&cnn6, true, false);
}
static void test_cnn6_affine(void **state) {
    (void)state;
    fine_tune(&cnn6, false, true);
}
static void test_rfb_stats(void **state) {
    (void)state;
    fine_tune(&backbone, true, false);
}
static void test_rfb_affine(void **state) {
    (void)state;
    fine_tune(&backbone, false, true);
}

/* By depth, in a file: the first norms only, and those below a place. */
static void test_depth(void **state) {
    (void)state;
    ek_model *model = trained_cnn6();
    size_t matched = 0;
    OK(ek_model_freeze(model, "first:2", 1, 0, &matched, err));
    assert_int_equal(matched, 2);
    OK(ek_model_freeze(model, "until:bn3", -1, 1, &matched, err));
    assert_int_equal(matched, 3);
    OK(ek_model_freeze(model, "last:1", 1, -1, &matched, err));
    assert_int_equal(matched, 1);
    static const int stats[6] = {1, 1, 0, 0, 0, 1}, affine[6] = {1, 1, 1, 0, 0, 0};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(ek_model_norm_get(model, i).stats_frozen, stats[i]);
        assert_int_equal(ek_model_norm_get(model, i).affine_frozen, affine[i]);
    }
    FAILS(EK_ERR_ARG, "no node or value", ek_model_freeze(model, "until:bn9", 1, 1, NULL, err));
    FAILS(EK_ERR_ARG, "at least 1", ek_model_freeze(model, "first:0", 1, 1, NULL, err));
    FAILS(EK_ERR_ARG, "no norm matches", ek_model_freeze(model, "bn9", 1, 1, NULL, err));
    ek_model_destroy(model);
}

static ek_parameter_info parameter(const ek_trainer *trainer, const char *name) {
    for (size_t i = 0; i < ek_trainer_parameter_count(trainer); i++) {
        ek_parameter_info info = ek_trainer_parameter(trainer, i);
        if (strcmp(info.name, name) == 0) return info;
    }
    fail_msg("no parameter %s", name);
    return (ek_parameter_info){0};
}

static float first_value(ek_model *model, const char *name) {
    void *data;
    OK(ek_model_tensor_data(model, name, NULL, &data, err));
    return *(float *)data;
}

/* One step of plain SGD: a share of the rate is that share of the step; a share of 0 keeps the bytes. */
static void test_shares(void **state) {
    (void)state;
    ek_model *plain = trained_cnn6(), *scaled = trained_cnn6(), *start = trained_cnn6();
    ek_train_options o = options();
    ek_trainer *a, *b;
    o.momentum = 0;
    o.weight_decay = 0;
    OK(ek_trainer_create(plain, &o, &a, err));
    steps(&cnn6, a, 0, 1);
    o.lr_depth_decay = 0.5;
    const ek_lr_scale rules[] = {{"conv2.*", 0.5}, {"until:bn1", 0}, {"conv*", 0.5}};
    OK(ek_trainer_create(scaled, &o, &b, err));
    FAILS(EK_ERR_ARG, "no parameter matches 'nothing'; evenkeel models FILE.onnx lists",
          ek_trainer_regroup(b, &(ek_lr_scale){"nothing", 1}, 1, err));
    FAILS(EK_ERR_ARG, "factor", ek_trainer_regroup(b, &(ek_lr_scale){"conv*", -1}, 1, err));
    OK(ek_trainer_regroup(b, rules, 3, err));
    steps(&cnn6, b, 0, 1);
    assert_true(parameter(b, "fc.weight").lr_scale == 1);
    assert_true(parameter(b, "bn6.scale").lr_scale == 0.5);
    assert_true(parameter(b, "conv6.weight").lr_scale == 0.25);
    assert_true(parameter(b, "bn5.bias").lr_scale == 0.25);
    assert_true(parameter(b, "conv2.weight").lr_scale == 0.25 / 32);
    assert_true(!parameter(b, "conv1.weight").trained && !parameter(b, "bn1.scale").trained);
    static const char *const kept[] = {"conv1.weight", "bn1.scale", "bn1.bias"};
    for (int i = 0; i < 3; i++) assert_true(same(scaled, start, kept[i]) && !same(plain, start, kept[i]));
    static const struct {
        const char *name;
        double share;
    } moved[] = {{"fc.weight", 1}, {"bn6.bias", 0.5}, {"conv6.weight", 0.25}, {"conv2.weight", 0.25 / 32}};
    for (int i = 0; i < 4; i++) {
        double at = (double)first_value(start, moved[i].name);
        double whole = (double)first_value(plain, moved[i].name) - at;
        double part = (double)first_value(scaled, moved[i].name) - at;
        assert_true(fabs(part - moved[i].share * whole) <= 2e-7 * fabs(at) + 1e-6 * fabs(whole));
    }
    ek_trainer_destroy(a);
    ek_trainer_destroy(b);
    ek_model_destroy(plain);
    ek_model_destroy(scaled);
    ek_model_destroy(start);
}

/* Frozen for some steps, then not: regrouping with nothing changed changes no bit, and momentum is kept. */
static void test_regroup(void **state) {
    (void)state;
    ek_model *whole = trained_cnn6(), *parts = trained_cnn6(), *thawed = trained_cnn6(), *start = trained_cnn6();
    ek_train_options o = options();
    ek_trainer *a, *b, *c;
    OK(ek_trainer_create(whole, &o, &a, err));
    OK(ek_trainer_create(parts, &o, &b, err));
    steps(&cnn6, a, 0, 6);
    steps(&cnn6, b, 0, 3);
    OK(ek_trainer_regroup(b, NULL, 0, err));
    steps(&cnn6, b, 3, 6);
    fixture_same_tensors(whole, parts);
    OK(ek_model_freeze(thawed, "*", 1, 1, NULL, err));
    OK(ek_trainer_create(thawed, &o, &c, err));
    steps(&cnn6, c, 0, 3);
    assert_true(same(thawed, start, "bn1.scale") && same(thawed, start, "bn1.running_mean"));
    OK(ek_model_freeze(thawed, "*", 0, 0, NULL, err));
    OK(ek_trainer_regroup(c, NULL, 0, err));
    steps(&cnn6, c, 3, 6);
    assert_true(!same(thawed, start, "bn1.scale") && !same(thawed, start, "bn1.running_mean"));
    ek_trainer_destroy(a);
    ek_trainer_destroy(b);
    ek_trainer_destroy(c);
    ek_model_destroy(whole);
    ek_model_destroy(parts);
    ek_model_destroy(thawed);
    ek_model_destroy(start);
}

static int clean(void **state) {
    (void)state;
    fixture_clean();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cnn6_stats), cmocka_unit_test(test_cnn6_affine), cmocka_unit_test(test_rfb_stats),
        cmocka_unit_test(test_rfb_affine), cmocka_unit_test(test_depth),       cmocka_unit_test(test_shares),
        cmocka_unit_test(test_regroup),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
