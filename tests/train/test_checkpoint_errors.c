/* test_checkpoint_errors.c: the order of flushes and renames that survives a power cut, and a save in which the Nth
 * write, fsync or rename fails.
 *
 * The calls are wrapped at link time. Order: model flushed, state flushed, state renamed, folder flushed, model
 * renamed, folder flushed; so that no state is ever durable whose model is neither embedded, old nor new. Failures: for
 * every N the save says so, leaves no temporary file, and what is on the disk loads as the old or the new checkpoint.
 */
#include "train/train_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXTENT = 4, CLASSES = 4 };

static char journal[4096];
static bool recording;
static int calls_left = -1; /* calls that still succeed; -1 = all */

int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
ssize_t __real_write(int fd, const void *data, size_t bytes);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
ssize_t __wrap_write(int fd, const void *data, size_t bytes);

static const char *kind_of(const char *path) {
    if (strstr(path, ".onnx.state") != NULL) return "state";
    return strstr(path, ".onnx") != NULL ? "model" : "folder";
}

static void note(const char *call, const char *path) {
    size_t used = strlen(journal);
    if (recording) (void)snprintf(journal + used, sizeof journal - used, "%s %s, ", call, kind_of(path));
}

static bool fails(void) {
    if (calls_left < 0) return false;
    if (calls_left > 0) {
        calls_left--;
        return false;
    }
    errno = ENOSPC;
    return true;
}

int __wrap_fsync(int fd) {
    char link[64], path[512];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    note("flush", path);
    return fails() ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to) {
    note("rename", to);
    return fails() ? -1 : __real_rename(from, to);
}

ssize_t __wrap_write(int fd, const void *data, size_t bytes) {
    if (fd > 2 && fails()) return -1;
    return __real_write(fd, data, bytes);
}

static ek_trainer *start(ek_model **model) {
    ek_train_options o = ek_train_options_default();
    ek_trainer *trainer;
    o.total_steps = 4;
    o.threads = 1;
    *model = fixture_model("mlp", EK_NORM_BATCH, EXTENT, 0.0);
    OK(ek_trainer_create(*model, &o, &trainer, err));
    return trainer;
}

static void step(ek_trainer *trainer) {
    fixture_batch b = fixture_make_batch(4, EXTENT * EXTENT, CLASSES, 1);
    OK(ek_trainer_step(trainer, &b.batch, NULL, err));
    fixture_free_batch(&b);
}

static void test_order(void **state) {
    (void)state;
    ek_model *model;
    ek_trainer *trainer = start(&model);
    recording = true;
    OK(ek_trainer_save(trainer, fixture_path("m.onnx"), NULL, err));
    recording = false;
    assert_string_equal(journal, "flush model, flush state, rename state, flush folder, flush model, rename model, "
                                 "flush folder, ");
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

static void assert_no_temporaries(void) {
    DIR *dir = opendir(fixture_folder());
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) assert_null(strstr(entry->d_name, ".tmp-"));
    closedir(dir);
}

/* The hash of what loads, and where it stands. */
static uint64_t load(int64_t *batch) {
    ek_checkpoint checkpoint;
    OK(ek_checkpoint_load(fixture_path("m.onnx"), &checkpoint, err));
    uint64_t hash = fixture_hash(checkpoint.model);
    *batch = checkpoint.position.batch;
    ek_model_destroy(checkpoint.model);
    ek_checkpoint_free(&checkpoint);
    return hash;
}

static void test_failures(void **state) {
    (void)state;
    ek_model *model;
    ek_trainer *trainer = start(&model);
    size_t model_size, state_size;
    step(trainer);
    OK(ek_trainer_save(trainer, fixture_path("m.onnx"), &(ek_position){.batch = 1}, err));
    uint64_t before = fixture_hash(model), after;
    unsigned char *old_model = fixture_read(fixture_path("m.onnx"), &model_size);
    unsigned char *old_state = fixture_read(fixture_path("m.onnx.state"), &state_size);
    step(trainer);
    after = fixture_hash(model);
    int seen_before = 0, seen_after = 0;
    for (int n = 0;; n++) {
        ek_error err = {.text = ""};
        int64_t batch;
        fixture_write(fixture_path("m.onnx"), old_model, model_size);
        fixture_write(fixture_path("m.onnx.state"), old_state, state_size);
        calls_left = n;
        ek_status status = ek_trainer_save(trainer, fixture_path("m.onnx"), &(ek_position){.batch = 2}, &err);
        bool all_calls_succeeded = calls_left > 0;
        calls_left = -1;
        assert_no_temporaries();
        uint64_t hash = load(&batch);
        assert_true((hash == before && batch == 1) || (hash == after && batch == 2));
        seen_before += batch == 1;
        seen_after += batch == 2;
        if (status == EK_OK) assert_int_equal(batch, 2);
        if (status != EK_OK) {
            assert_int_equal(status, EK_ERR_IO);
            assert_non_null(strstr(err.text, "No space left"));
        }
        if (all_calls_succeeded) break;
    }
    assert_true(seen_before >= 4 && seen_after >= 2);
    free(old_model);
    free(old_state);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    fixture_clean();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
