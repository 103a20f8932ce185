/* test_checkpoint_kill.c: a save killed at every boundary of a system call leaves a loadable, matching pair.
 *
 * A child saves under ptrace; the parent lets it pass n stops (each call's entry and exit) and then kills it, for every
 * n until the save completes. Whatever is left must load as the state before or the state after, model and slots
 * together. This covers kills, not power cuts: for those the order of fsync and rename is argued in checkpoint.c.
 */
#include "train/train_fixture.h"
#include "train/trainer.h"

#include "base/random.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXTENT = 4, CLASSES = 4, MOST_STOPS = 4000 };

typedef struct picture { /* what a checkpoint holds, in a few numbers */
    uint64_t model, slots;
    int64_t step, batch;
} picture;

static picture take(const ek_model *model, const eki_state *state, int64_t batch) {
    picture p = {.model = fixture_hash(model), .step = state->step, .batch = batch};
    for (size_t i = 0; i < state->n_slots; i++) {
        p.slots = p.slots * 31 + eki_hash(state->slots[i].data[0], state->slots[i].count * sizeof(float));
    }
    return p;
}

/* Loads <folder>/k.onnx; false when there is no state. */
static bool load(picture *p) {
    ek_checkpoint checkpoint;
    if (access(fixture_path("k.onnx.state"), F_OK) != 0) return false;
    OK(ek_checkpoint_load(fixture_path("k.onnx"), &checkpoint, err));
    *p = take(checkpoint.model, checkpoint.state, checkpoint.position.batch);
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
    return true;
}

static void child(const ek_trainer *trainer) {
    ek_error err;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(2);
    (void)raise(SIGSTOP);
    _exit(ek_trainer_save(trainer, fixture_path("k.onnx"), &(ek_position){.batch = 2}, &err) == EK_OK ? 0 : 1);
}

/* Runs a save for at most `stops` stops; returns true when it finished first, false when it was killed. */
static bool save_and_kill(const ek_trainer *trainer, int stops) {
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) child(trainer);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status)) skip(); /* tracing is not allowed here */
    for (int i = 0; i < stops; i++) {
        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            return true;
        }
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return false;
}

static void remove_temporaries(void) {
    DIR *dir = opendir(fixture_folder());
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strstr(entry->d_name, ".tmp-") != NULL) (void)unlink(fixture_path(entry->d_name));
    }
    closedir(dir);
}

typedef struct file_pair {
    unsigned char *model, *state;
    size_t model_size, state_size;
} file_pair;

static void put_back(const file_pair *files) {
    remove_temporaries();
    (void)unlink(fixture_path("k.onnx"));
    (void)unlink(fixture_path("k.onnx.state"));
    if (files->model != NULL) fixture_write(fixture_path("k.onnx"), files->model, files->model_size);
    if (files->state != NULL) fixture_write(fixture_path("k.onnx.state"), files->state, files->state_size);
}

static void sweep(const ek_trainer *trainer, const file_pair *files, const picture *before, const picture *after) {
    int saw_before = 0, saw_after = 0;
    for (int stops = 0;; stops++) {
        picture now = {0};
        assert_true(stops < MOST_STOPS);
        put_back(files);
        bool finished = save_and_kill(trainer, stops);
        bool loaded = load(&now);
        if (!loaded && before != NULL) fail_msg("after %d stops there is nothing to load", stops);
        bool is_after = loaded && memcmp(&now, after, sizeof now) == 0;
        bool is_before = !loaded || (before != NULL && memcmp(&now, before, sizeof now) == 0);
        if (!is_before && !is_after) fail_msg("after %d stops the checkpoint is neither the old nor the new", stops);
        if (is_before && saw_after > 0) fail_msg("after %d stops the save took itself back", stops);
        saw_before += is_before;
        saw_after += is_after;
        if (finished) break;
    }
    assert_true(saw_before > 10 && saw_after > 3);
}

static void test_kill(void **unused) {
    (void)unused;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    ek_train_options o = ek_train_options_default();
    ek_trainer *trainer;
    picture before, after;
    o.total_steps = 4;
    o.threads = 1;
    OK(ek_trainer_create(model, &o, &trainer, err));
    fixture_batch b = fixture_make_batch(4, EXTENT * EXTENT, CLASSES, 1);
    OK(ek_trainer_step(trainer, &b.batch, NULL, err));
    OK(ek_trainer_save(trainer, fixture_path("k.onnx"), &(ek_position){.batch = 1}, err));
    assert_true(load(&before));
    file_pair files = {0}, none = {0};
    files.model = fixture_read(fixture_path("k.onnx"), &files.model_size);
    files.state = fixture_read(fixture_path("k.onnx.state"), &files.state_size);
    OK(ek_trainer_step(trainer, &b.batch, NULL, err));
    OK(ek_trainer_save(trainer, fixture_path("k.onnx"), &(ek_position){.batch = 2}, err));
    assert_true(load(&after));
    assert_true(before.model != after.model && before.slots != after.slots);
    sweep(trainer, &files, &before, &after);
    sweep(trainer, &none, NULL, &after); /* a first save */
    file_pair model_only = {.model = files.model, .model_size = files.model_size};
    sweep(trainer, &model_only, NULL, &after); /* over a model without a state */
    free(files.model);
    free(files.state);
    fixture_free_batch(&b);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
