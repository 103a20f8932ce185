/* test_checkpoint.c: what a checkpoint refuses, and that it says why: flipped bits, cuts, wrong models, wrong options.
 */
#include "train/train_fixture.h"
#include "train/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXTENT = 8, CLASSES = 4 };

static ek_train_options some_options(void) {
    ek_train_options o = ek_train_options_default();
    o.total_steps = 20;
    o.lr = 0.01;
    o.threads = 1;
    return o;
}

static void step(ek_trainer *trainer, uint64_t key) {
    fixture_batch b = fixture_make_batch(4, EXTENT * EXTENT, CLASSES, key);
    OK(ek_trainer_step(trainer, &b.batch, NULL, err));
    fixture_free_batch(&b);
}

/* A checkpoint after one step, at <folder>/m.onnx. */
static void make_checkpoint(ek_model **model, ek_trainer **trainer) {
    ek_train_options o = some_options();
    *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    OK(ek_trainer_create(*model, &o, trainer, err));
    step(*trainer, 1);
    const ek_position position = {.batch = 1, .flags = "--a\n--b\n", .history = "one\ntwo\n"};
    OK(ek_trainer_save(*trainer, fixture_path("m.onnx"), &position, err));
}

static void test_contents(void **unused) {
    (void)unused;
    ek_model *model;
    ek_trainer *trainer;
    make_checkpoint(&model, &trainer);
    eki_state *state;
    OK(eki_state_read(fixture_path("m.onnx.state"), &state, err));
    assert_int_equal(state->step, 1);
    assert_int_equal(state->optimizer, EK_SGD);
    assert_int_equal(state->arrays, 1);
    assert_int_equal(state->n_slots, 4 + 1 + 6); /* weights, last bias, scales and biases */
    assert_false(state->previous.exists);
    assert_string_equal(state->flags, "--a\n--b\n");
    assert_string_equal(state->history, "one\ntwo\n");
    for (size_t i = 0; i < state->n_slots; i++) {
        const eki_trained *item = eki_groups_find(&trainer->groups, state->slots[i].name);
        assert_non_null(item);
        assert_int_equal(item->count, state->slots[i].count);
        assert_memory_equal(item->first, state->slots[i].data[0], item->count * sizeof(float));
    }
    eki_state_free(state);
    ek_checkpoint checkpoint;
    OK(ek_checkpoint_load(fixture_path("m.onnx"), &checkpoint, err));
    fixture_same_tensors(model, checkpoint.model);
    assert_string_equal(checkpoint.position.history, "one\ntwo\n");
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

static void expect_damage(const char *path, size_t at) {
    ek_error err = {.text = ""};
    eki_state *state;
    ek_status status = eki_state_read(path, &state, &err);
    if (status == EK_OK) fail_msg("damage at byte %zu went unseen", at);
    assert_null(state);
    assert_true(status == EK_ERR_FORMAT || status == EK_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, path));
}

/* Without a history the file has no section for it, and is read as before there were any. */
static void test_no_history(void **unused) {
    (void)unused;
    ek_model *model;
    ek_trainer *trainer;
    size_t size, with;
    make_checkpoint(&model, &trainer);
    free(fixture_read(fixture_path("m.onnx.state"), &with));
    OK(ek_trainer_save(trainer, fixture_path("n.onnx"), &(ek_position){.batch = 1, .flags = "--a\n--b\n"}, err));
    free(fixture_read(fixture_path("n.onnx.state"), &size));
    assert_int_equal(with - size, EKI_SECTION_HEADER + strlen("one\ntwo\n"));
    ek_checkpoint checkpoint;
    OK(ek_checkpoint_load(fixture_path("n.onnx"), &checkpoint, err));
    assert_null(checkpoint.position.history);
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
    /* The model alone, as a checkpoint writes it. */
    OK(ek_trainer_save_model(trainer, fixture_path("copy.onnx"), err));
    unsigned char *a = fixture_read(fixture_path("n.onnx"), &with), *b = fixture_read(fixture_path("copy.onnx"), &size);
    assert_int_equal(with, size);
    assert_memory_equal(a, b, size);
    free(a);
    free(b);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

/* Checksums are right, but two slots claim the same parameter. */
static void test_slot_twice(void **unused) {
    (void)unused;
    ek_model *model;
    ek_trainer *trainer;
    make_checkpoint(&model, &trainer);
    const char *name = trainer->groups.items[1].name;
    trainer->groups.items[1].name = trainer->groups.items[0].name;
    OK(ek_trainer_save(trainer, fixture_path("m.onnx"), NULL, err));
    trainer->groups.items[1].name = name;
    eki_state *state;
    FAILS(EK_ERR_FORMAT, "holds the optimizer's state of a parameter that another one holds too",
          eki_state_read(fixture_path("m.onnx.state"), &state, err));
    OK(ek_trainer_save(trainer, fixture_path("m.onnx"), NULL, err));
    OK(eki_state_read(fixture_path("m.onnx.state"), &state, err));
    eki_state_free(state);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

static bool worth_testing(size_t at, size_t size) { return at < 700 || at + 100 > size || at % 331 == 0; }

static void test_damage(void **unused) {
    (void)unused;
    ek_model *model;
    ek_trainer *trainer;
    size_t size;
    make_checkpoint(&model, &trainer);
    unsigned char *bytes = fixture_read(fixture_path("m.onnx.state"), &size);
    assert_non_null(bytes);
    const char *path = fixture_path("broken.state");
    for (size_t at = 0; at < size; at++) {
        if (!worth_testing(at, size)) continue;
        bytes[at] ^= (unsigned char)(1U << (at % 8));
        fixture_write(path, bytes, size);
        /* Bytes 12 to 15 are spare; only the closing checksum covers them. */
        expect_damage(path, at);
        bytes[at] ^= (unsigned char)(1U << (at % 8));
    }
    for (size_t length = 0; length < size; length++) {
        if (!worth_testing(length, size)) continue;
        fixture_write(path, bytes, length);
        expect_damage(path, length);
    }
    unsigned char *longer = malloc(size + 1);
    assert_non_null(longer);
    memcpy(longer, bytes, size);
    longer[size] = 0;
    fixture_write(path, longer, size + 1);
    expect_damage(path, size);
    free(longer);
    free(bytes);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

static void test_messages(void **unused) {
    (void)unused;
    eki_state *state;
    const char *path = fixture_path("x.state");
    fixture_write(path, "this is a text, no state at all", 31);
    FAILS(EK_ERR_FORMAT, "is not a training state", eki_state_read(path, &state, err));
    fixture_write(path, EKI_STATE_MAGIC "\x07\0\0\0\0\0\0\0", 16);
    FAILS(EK_ERR_UNSUPPORTED, "version 7", eki_state_read(path, &state, err));
    fixture_write(path, EKI_STATE_MAGIC "\x01\0\0\0\0\0\0\0", 16);
    FAILS(EK_ERR_FORMAT, "ends too early", eki_state_read(path, &state, err));
    fixture_write(path, "", 0);
    FAILS(EK_ERR_FORMAT, "ends too early", eki_state_read(path, &state, err));
    FAILS(EK_ERR_IO, "cannot open", eki_state_read(fixture_path("absent"), &state, err));
    fixture_clean();
}

static void load_and_compare(const ek_model *model) {
    ek_checkpoint checkpoint;
    OK(ek_checkpoint_load(fixture_path("m.onnx"), &checkpoint, err));
    fixture_same_tensors(model, checkpoint.model);
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
}

static void test_pairs(void **unused) {
    (void)unused;
    ek_model *model, *other = fixture_model("mlp", EK_NORM_LAYER, EXTENT, 0.0);
    ek_trainer *trainer;
    ek_checkpoint checkpoint;
    size_t size;
    make_checkpoint(&model, &trainer);
    unsigned char *old = fixture_read(fixture_path("m.onnx"), &size);
    step(trainer, 2);
    OK(ek_trainer_save(trainer, fixture_path("m.onnx"), &(ek_position){.batch = 2}, err));
    load_and_compare(model);
    fixture_write(fixture_path("m.onnx"), old, size); /* killed before the model's rename */
    load_and_compare(model);
    (void)unlink(fixture_path("m.onnx")); /* the same at a first save */
    load_and_compare(model);
    OK(ek_model_save(other, fixture_path("m.onnx"), NULL, err));
    FAILS(EK_ERR_FORMAT, "is not the model that", ek_checkpoint_load(fixture_path("m.onnx"), &checkpoint, err));
    OK(ek_trainer_save(trainer, fixture_path("m.onnx"), NULL, err));
    load_and_compare(model);
    (void)unlink(fixture_path("m.onnx.state"));
    FAILS(EK_ERR_IO, "trained afresh", ek_checkpoint_load(fixture_path("m.onnx"), &checkpoint, err));
    free(old);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    ek_model_destroy(other);
    fixture_clean();
}

static void restore_fails(const char *part, ek_train_options o, const char *freeze) {
    ek_checkpoint checkpoint;
    ek_trainer *trainer;
    OK(ek_checkpoint_load(fixture_path("m.onnx"), &checkpoint, err));
    if (freeze != NULL) OK(ek_model_freeze(checkpoint.model, freeze, -1, 1, NULL, err));
    OK(ek_trainer_create(checkpoint.model, &o, &trainer, err));
    ek_error err = {.text = ""};
    assert_int_not_equal(ek_trainer_restore(trainer, &checkpoint, &err), EK_OK);
    if (strstr(err.text, part) == NULL) fail_msg("expected '%s' in: %s", part, err.text);
    ek_trainer_destroy(trainer);
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
}

static void test_wrong_options(void **unused) {
    (void)unused;
    ek_model *model;
    ek_trainer *trainer;
    make_checkpoint(&model, &trainer);
    ek_train_options o = some_options();
    o.optimizer = EK_ADAM;
    restore_fails("saved by sgd with 1 slots per parameter, the trainer is adam with 2", o, NULL);
    o = some_options();
    o.momentum = 0;
    restore_fails("the trainer is sgd with 0", o, NULL);
    restore_fails("'bn1.scale', which the model has frozen", some_options(), "bn1");
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

/* Other groups right after resuming, before any step has been planned: the optimizer's memory moves over. */
static void test_regroup_after_restore(void **unused) {
    (void)unused;
    ek_model *model;
    ek_trainer *trainer, *second;
    ek_checkpoint checkpoint;
    ek_train_options o = some_options();
    make_checkpoint(&model, &trainer);
    OK(ek_checkpoint_load(fixture_path("m.onnx"), &checkpoint, err));
    OK(ek_trainer_create(checkpoint.model, &o, &second, err));
    OK(ek_trainer_restore(second, &checkpoint, err));
    OK(ek_trainer_regroup(second, NULL, 0, err));
    step(trainer, 2);
    step(second, 2);
    fixture_same_tensors(model, checkpoint.model);
    ek_trainer_destroy(second);
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

/* Saving before the first step, and where it cannot be done. */
static void test_edges(void **unused) {
    (void)unused;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    ek_train_options o = some_options();
    ek_trainer *trainer, *second;
    ek_checkpoint checkpoint;
    OK(ek_trainer_create(model, &o, &trainer, err));
    assert_int_equal(ek_trainer_parameter_count(trainer), 11);
    OK(ek_trainer_save(trainer, fixture_path("m.onnx"), NULL, err));
    OK(ek_checkpoint_load(fixture_path("m.onnx"), &checkpoint, err));
    OK(ek_trainer_create(checkpoint.model, &o, &second, err));
    OK(ek_trainer_restore(second, &checkpoint, err));
    assert_int_equal(ek_trainer_parameter_count(second), 11);
    step(trainer, 1);
    step(second, 1);
    fixture_same_tensors(model, checkpoint.model);
    FAILS(EK_ERR_IO, "/nowhere/at/all", ek_trainer_save(trainer, "/nowhere/at/all/m.onnx", NULL, err));
    FAILS(EK_ERR_IO, "folder", ek_trainer_save(trainer, fixture_folder(), NULL, err));
    ek_trainer_destroy(second);
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_no_history),
        cmocka_unit_test(test_slot_twice),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_regroup_after_restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
