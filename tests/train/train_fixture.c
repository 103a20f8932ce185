/* train_fixture.c: see train_fixture.h. */
#include "train/train_fixture.h"

#include "base/random.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

void fixture_expect(ek_status status, ek_status wanted, const char *text, const char *part, const char *call) {
    if (status != wanted) {
        fail_msg("%s gave %s, expected %s: %s", call, ek_status_name(status), ek_status_name(wanted), text);
    }
    if (strstr(text, part) == NULL) fail_msg("%s: the error says '%s', expected '%s' in it", call, text, part);
}

const char *fixture_folder(void) {
    if (folder[0] == '\0') {
        strcpy(folder, "/tmp/evenkeel-test-XXXXXX");
        assert_non_null(mkdtemp(folder));
    }
    return folder;
}

const char *fixture_path(const char *name) {
    static char buffers[8][256];
    static int next;
    char *buffer = buffers[next++ % 8];
    (void)snprintf(buffer, sizeof buffers[0], "%s/%s", fixture_folder(), name);
    return buffer;
}

void fixture_clean(void) {
    if (folder[0] == '\0') return;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[600];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.') (void)unlink(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(folder), 0);
    folder[0] = '\0';
}

fixture_batch fixture_make_batch(int64_t count, int64_t elements, int classes, uint64_t key) {
    fixture_batch b = {0};
    b.images = malloc((size_t)(count * elements) * sizeof *b.images);
    b.labels = malloc((size_t)count * sizeof *b.labels);
    b.ids = malloc((size_t)count * sizeof *b.ids);
    assert_true(b.images && b.labels && b.ids);
    eki_random random = eki_random_stream(7, "fixture", key, 0);
    for (int64_t i = 0; i < count; i++) {
        b.labels[i] = (int32_t)eki_random_below(random, (uint64_t)i + (1U << 30), (uint64_t)classes);
        b.ids[i] = key * 1000 + (uint64_t)i;
        for (int64_t k = 0; k < elements; k++) {
            double noise = eki_random_normal(random, (uint64_t)(i * elements + k));
            b.images[i * elements + k] = (float)(0.5 * noise + 0.3 * (double)((b.labels[i] + k) % 5));
        }
    }
    b.batch = (ek_batch){.count = count, .images = b.images, .labels = b.labels, .ids = b.ids};
    return b;
}

void fixture_free_batch(fixture_batch *b) {
    free(b->images);
    free(b->labels);
    free(b->ids);
    *b = (fixture_batch){0};
}

ek_model *fixture_model(const char *architecture, ek_norm_kind norm, int extent, double dropout) {
    ek_build_options o = ek_build_options_default(architecture);
    ek_model *model = NULL;
    o.norm = norm;
    o.channels = 1;
    o.height = o.width = extent;
    o.classes = 4;
    o.groups = 4;
    o.dropout = dropout;
    OK(ek_model_build(&o, &model, err));
    return model;
}

void fixture_same_tensors(const ek_model *a, const ek_model *b) {
    assert_int_equal(ek_model_tensor_count(a), ek_model_tensor_count(b));
    for (size_t i = 0; i < ek_model_tensor_count(a); i++) {
        ek_tensor_info x = ek_model_tensor(a, i), y = {.name = ""};
        for (size_t k = 0; k < ek_model_tensor_count(b); k++) {
            y = ek_model_tensor(b, k);
            if (strcmp(x.name, y.name) == 0) break;
        }
        assert_string_equal(x.name, y.name);
        assert_int_equal(x.bytes, y.bytes);
        if (memcmp(x.data, y.data, x.bytes) != 0) fail_msg("initializer %s differs", x.name);
    }
}

uint64_t fixture_hash(const ek_model *model) {
    uint64_t hash = 0;
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) {
        ek_tensor_info info = ek_model_tensor(model, i);
        hash = hash * 31 + eki_hash(info.data, info.bytes);
    }
    return hash;
}

unsigned char *fixture_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *data = malloc(*size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, file), *size);
    fclose(file);
    return data;
}

void fixture_write(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}
