/* test_train_memory.c: every allocation of training may fail: making a trainer, a step, saving, going on from what was
 * saved. The call then says EK_ERR_NOMEM, and nothing leaks (the address sanitizer watches); a save that fails leaves
 * the checkpoint before as it was.
 *
 * The linker sends our own objects' allocations through support/failing.h; those of libraries are not touched.
 */
#include "base/threads.h"
#include "support/failing.h"
#include "train/train_fixture.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXTENT = 8, CLASSES = 4, MOST = 100000 };

typedef struct scene {
    ek_train_options options;
    fixture_batch batch;
    ek_model *model;
    ek_trainer *trainer;
    char path[512];
} scene;

static ek_status create(scene *s, ek_error *err) {
    ek_trainer_destroy(s->trainer);
    s->trainer = NULL;
    return ek_trainer_create(s->model, &s->options, &s->trainer, err);
}

static ek_status step(scene *s, ek_error *err) { return ek_trainer_step(s->trainer, &s->batch.batch, NULL, err); }

static ek_status save(scene *s, ek_error *err) {
    return ek_trainer_save(s->trainer, s->path, &(ek_position){.batch = 1, .flags = "--a\n"}, err);
}

static ek_status resume(scene *s, ek_error *err) {
    ek_checkpoint checkpoint;
    ek_trainer *trainer = NULL;
    ek_status status = ek_checkpoint_load(s->path, &checkpoint, err);
    if (status != EK_OK) return status;
    status = ek_trainer_create(checkpoint.model, &s->options, &trainer, err);
    if (status == EK_OK) status = ek_trainer_restore(trainer, &checkpoint, err);
    ek_trainer_destroy(trainer);
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
    return status;
}

/* Each allocation in turn, until the call needs no more. Returns how many ended it. */
static int sweep(scene *s, const char *what, ek_status (*call)(scene *, ek_error *),
                 ek_status (*before)(scene *, ek_error *), void (*after)(scene *)) {
    int ended = 0;
    for (long k = 0; k < MOST; k++) {
        ek_error err = {.text = ""};
        if (before != NULL && before(s, &err) != EK_OK) fail_msg("before %s: %s", what, err.text);
        countdown = k;
        ek_status status = call(s, &err);
        bool untouched = countdown >= 0;
        countdown = -1;
        if (after != NULL) after(s);
        if (status == EK_OK && untouched) return ended;
        if (status != EK_OK && status != EK_ERR_NOMEM) fail_msg("%s: allocation %ld: %s", what, k, err.text);
        if (status == EK_ERR_NOMEM && err.text[0] == '\0') fail_msg("%s: allocation %ld: no text", what, k);
        ended += status == EK_ERR_NOMEM;
    }
    fail_msg("%s never succeeds", what);
    return 0;
}

/* What was saved before can be gone on from, or what was saved now can. */
static void loads(scene *s) { OK(resume(s, err)); }

static void every_allocation(const char *architecture, const ek_loss *loss) {
    eki_threads_set(1);
    scene s = {.options = ek_train_options_default(),
               .batch = fixture_make_batch(4, EXTENT * EXTENT, CLASSES, 1),
               .model = fixture_model(architecture, EK_NORM_BATCH, EXTENT, 0.0)};
    s.options.total_steps = 20;
    s.options.threads = 1;
    s.options.losses = loss;
    s.options.loss_count = loss != NULL;
    (void)snprintf(s.path, sizeof s.path, "%s", fixture_path("m.onnx"));
    assert_true(sweep(&s, "create", create, NULL, NULL) > 4);
    assert_true(sweep(&s, "the first step", step, create, NULL) > 4);
    OK(save(&s, err));
    assert_true(sweep(&s, "save", save, NULL, loads) > 4);
    assert_true(sweep(&s, "resume", resume, NULL, NULL) > 4);
    ek_trainer_destroy(s.trainer);
    ek_model_destroy(s.model);
    fixture_free_batch(&s.batch);
    fixture_clean();
}

static void test_products(void **unused) {
    (void)unused;
    every_allocation("mlp", NULL);
}

static void test_convolutions(void **unused) {
    (void)unused;
    every_allocation("cnn6", NULL);
}

/* The loss as a graph behind the program. */
static void test_terms(void **unused) {
    (void)unused;
    static const float weights[CLASSES] = {1, 2, 0.5f, 1};
    const ek_loss loss = {
        .kind = EK_LOSS_CROSS_ENTROPY, .label_smoothing = 0.1, .class_weights = weights, .class_count = CLASSES};
    every_allocation("mlp", &loss);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_products), cmocka_unit_test(test_convolutions),
                                       cmocka_unit_test(test_terms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
