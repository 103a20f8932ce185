/* pair.c: files for the tests of diff. */
#include "pair.h"

#include <stdio.h>
#include <unistd.h>

static char folder[64];
static pb written; /* as a.onnx, with which many are compared */

const char *pair_path(const char *name) {
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, 256, "%s/%s", folder, name);
    return path;
}

void pair_write(const char *name, const void *data, size_t size) {
    if (strcmp(name, "a.onnx") == 0) pb_free(&written);
    FILE *stream = fopen(pair_path(name), "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

int pair_setup(void **state) {
    static const float numbers[] = {9, 1, 2, 3, 4};
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ek-diff-XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    pair_write("weights.bin", numbers, sizeof numbers);
    return 0;
}

int pair_teardown(void **state) {
    char command[128];
    (void)state;
    pb_free(&written);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

ek_status pair_diff(const pb *a, const pb *b, ek_diff **diff, ek_error *err) {
    if (written.size != a->size || memcmp(written.data, a->data, a->size) != 0) {
        pair_write("a.onnx", a->data, a->size);
        pb_raw(&written, a->data, a->size);
    }
    pair_write("b.onnx", b->data, b->size);
    return ek_diff_files(pair_path("a.onnx"), pair_path("b.onnx"), diff, err);
}

const char *pair_line(const ek_diff *diff, size_t index, char line[2048]) {
    const ek_change *c = ek_diff_change(diff, index);
    (void)snprintf(line, 2048, "%s|%s|%s|%s", c->kind, ek_diff_place(diff, index), c->name, c->text);
    return line;
}

size_t pair_count(const pb *a, const pb *b) {
    ek_error err = {0};
    ek_diff *diff;
    if (pair_diff(a, b, &diff, &err) != EK_OK) fail_msg("%s", err.text);
    size_t count = ek_diff_count(diff);
    ek_diff_destroy(diff);
    return count;
}
