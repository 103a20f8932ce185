/* Tensor data in other files: read where it may lie, refused by name where it may not. */
#include "models.h"
#include "onnx/onnx.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static const char *in_folder(const char *name) {
    static char path[4][256];
    static int next;
    char *p = path[next++ % 4];
    (void)snprintf(p, 256, "%s/%s", folder, name);
    return p;
}

static void put_file(const char *name, const void *data, size_t size) {
    FILE *stream = fopen(in_folder(name), "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

/* keys: pairs of key and value, NULL at the end. The tensor is w; columns 0: of rank 1. */
static void put_shaped(const char *name, int dtype, int rows, int columns, const char *const *keys) {
    pb file = {0}, graph = {0}, tensor = {0};
    relu_graph(&graph);
    pb_int(&tensor, 1, rows);
    if (columns > 0) pb_int(&tensor, 1, columns);
    pb_int(&tensor, 2, dtype);
    pb_text(&tensor, 8, "w");
    for (size_t i = 0; keys[i] != NULL; i += 2) {
        pb entry = {0};
        pb_text(&entry, 1, keys[i]);
        pb_text(&entry, 2, keys[i + 1]);
        pb_message(&tensor, 13, &entry);
    }
    pb_int(&tensor, 14, 1);
    pb_message(&graph, 5, &tensor);
    finish_model(&file, &graph);
    put_file(name, file.data, file.size);
    pb_free(&file);
}

static void put_model(const char *name, int dtype, const char *const *keys) { put_shaped(name, dtype, 4, 0, keys); }

static int make_folder(void **state) {
    (void)state;
    static const float numbers[] = {9, 1, 2, 3, 4};
    (void)snprintf(folder, sizeof folder, "/tmp/ek-external-XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    put_file("weights.bin", numbers, sizeof numbers);
    if (mkdir(in_folder("sub"), 0700) != 0 || mkdir(in_folder("outside"), 0700) != 0) return -1;
    put_file("sub/weights.bin", numbers, sizeof numbers);
    put_file("sub/two.bin", numbers, sizeof numbers);
    if (link(in_folder("sub/two.bin"), in_folder("hard.bin")) != 0) return -1;
    if (symlink("weights.bin", in_folder("soft.bin")) != 0 || symlink("sub", in_folder("softly")) != 0) return -1;
    return mkfifo(in_folder("pipe"), 0600);
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const eki_tensor *weights(const eki_graph *graph) { return eki_graph_find(graph, "w")->init; }

static void assert_numbers(const eki_graph *graph) {
    static const float expected[] = {1, 2, 3, 4};
    assert_int_equal(weights(graph)->bytes, sizeof expected);
    assert_memory_equal(weights(graph)->data, expected, sizeof expected);
}

static void reads_and_saves_elsewhere(void **state) {
    (void)state;
    static ek_error err;
    eki_graph *graph;
    const char *const places[] = {"weights.bin", "sub/weights.bin"};
    for (int i = 0; i < 2; i++) {
        const char *keys[] = {"location", places[i], "offset", "4", "length", "16", "checksum", "0", NULL};
        put_model("model.onnx", EK_F32, keys);
        assert_int_equal(eki_onnx_load(in_folder("model.onnx"), NULL, &graph, &err), EK_OK);
        assert_numbers(graph);
        assert_int_equal(eki_onnx_save(graph, in_folder("outside/whole.onnx"), &err), EK_OK);
        eki_graph_destroy(graph);
        assert_int_equal(eki_onnx_load(in_folder("outside/whole.onnx"), NULL, &graph, &err), EK_OK);
        assert_numbers(graph);
        eki_graph_destroy(graph);
    }
}

static int files_in(const char *name) {
    DIR *dir = opendir(in_folder(name));
    int count = 0;
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

static void assert_untouched(const char *name) {
    static ek_error err;
    static const float numbers[] = {9, 1, 2, 3, 4};
    eki_map map;
    assert_int_equal(eki_map_open(in_folder(name), &map, &err), EK_OK);
    assert_int_equal(map.size, sizeof numbers);
    assert_memory_equal(map.data, numbers, sizeof numbers);
    eki_map_close(&map);
}

/* Whatever places a file names, a save writes the file that it is given and NAME.data beside it: nothing else, and
 * nothing behind a link that stands there. */
static void saves_nothing_else(void **state) {
    (void)state;
    static ek_error err;
    eki_graph *graph;
    const char *keys[] = {"location", "sub/weights.bin", "offset", "4", NULL};
    put_model("model.onnx", EK_F32, keys);
    assert_int_equal(eki_onnx_load(in_folder("model.onnx"), NULL, &graph, &err), EK_OK);
    assert_int_equal(mkdir(in_folder("alone"), 0700), 0);
    assert_int_equal(eki_onnx_save(graph, in_folder("alone/whole.onnx"), &err), EK_OK);
    assert_int_equal(files_in("alone"), 2);
    assert_int_equal(symlink("../weights.bin", in_folder("alone/link.onnx")), 0);
    assert_int_equal(symlink("../weights.bin", in_folder("alone/link.data")), 0);
    assert_int_equal(eki_onnx_save(graph, in_folder("alone/link.onnx"), &err), EK_OK);
    assert_int_equal(link(in_folder("sub/weights.bin"), in_folder("alone/hard.onnx")), 0);
    assert_int_equal(eki_onnx_save(graph, in_folder("alone/hard.onnx"), &err), EK_OK);
    assert_int_equal(files_in("alone"), 6);
    eki_graph_destroy(graph);
    assert_untouched("weights.bin");
    assert_untouched("sub/weights.bin");
    static const char *const saved[] = {"alone/link.onnx", "alone/hard.onnx"};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(eki_onnx_load(in_folder(saved[i]), NULL, &graph, &err), EK_OK);
        assert_numbers(graph);
        eki_graph_destroy(graph);
    }
}

/* In its own folder, what is unchanged stays where it is, and the file keeps its bytes; what changed goes to NAME.data,
 * also when it is there already. */
static void saves_beside(void **state) {
    (void)state;
    static ek_error err;
    static const float changed[] = {1, 2, 3, 7}, again[] = {5, 2, 3, 7};
    eki_graph *graph;
    eki_map before, after;
    const char *keys[] = {"location", "weights.bin", "offset", "4", NULL};
    put_model("model.onnx", EK_F32, keys);
    assert_int_equal(eki_onnx_load(in_folder("model.onnx"), NULL, &graph, &err), EK_OK);
    assert_int_equal(eki_onnx_save(graph, in_folder("same.onnx"), &err), EK_OK);
    assert_int_equal(eki_map_open(in_folder("model.onnx"), &before, &err), EK_OK);
    assert_int_equal(eki_map_open(in_folder("same.onnx"), &after, &err), EK_OK);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, after.size);
    eki_map_close(&before);
    eki_map_close(&after);
    const float *wanted[] = {changed, again};
    for (int i = 0; i < 2; i++) {
        eki_tensor *tensor = eki_graph_find(graph, "w")->init;
        assert_int_equal(eki_tensor_own(tensor, &err), EK_OK);
        memcpy(tensor->data, wanted[i], sizeof changed);
        assert_int_equal(eki_onnx_save(graph, in_folder("same.onnx"), &err), EK_OK);
        eki_graph_destroy(graph);
        assert_int_equal(eki_onnx_load(in_folder("same.onnx"), NULL, &graph, &err), EK_OK);
        assert_string_equal(eki_graph_find(graph, "w")->init->location, "same.data");
        assert_memory_equal(eki_graph_find(graph, "w")->init->data, wanted[i], sizeof changed);
    }
    eki_graph_destroy(graph);
    assert_untouched("weights.bin");
}

/* Two tensors in one range of the file; one of them changes. */
static void saves_shared_range(void **state) {
    (void)state;
    static ek_error err;
    static const float changed[] = {7, 6, 5, 4}, kept[] = {1, 2, 3, 8};
    const char *keys[] = {"location", "weights.bin", "offset", "4", NULL};
    eki_graph *graph;
    eki_value *twin;
    put_model("model.onnx", EK_F32, keys);
    assert_int_equal(eki_onnx_load(in_folder("model.onnx"), NULL, &graph, &err), EK_OK);
    eki_tensor *tensor = eki_graph_find(graph, "w")->init;
    assert_int_equal(eki_tensor_own(tensor, &err), EK_OK);
    memcpy(tensor->data, kept, sizeof kept);
    assert_int_equal(eki_onnx_save(graph, in_folder("shared.onnx"), &err), EK_OK);
    eki_graph_destroy(graph);
    assert_int_equal(eki_onnx_load(in_folder("shared.onnx"), NULL, &graph, &err), EK_OK);
    assert_int_equal(eki_graph_value(graph, "twin", &twin, &err), EK_OK);
    tensor = eki_graph_find(graph, "w")->init;
    twin->init = eki_arena_memdup(&graph->arena, tensor, eki_sized(sizeof *tensor));
    assert_non_null(twin->init);
    assert_int_equal(eki_onnx_save(graph, in_folder("shared.onnx"), &err), EK_OK); /* nothing changed: one range */
    assert_int_equal(eki_tensor_own(tensor, &err), EK_OK);
    memcpy(tensor->data, changed, sizeof changed);
    assert_int_equal(eki_onnx_save(graph, in_folder("shared.onnx"), &err), EK_OK);
    eki_graph_destroy(graph);
    assert_int_equal(eki_onnx_load(in_folder("shared.onnx"), NULL, &graph, &err), EK_OK);
    assert_memory_equal(eki_graph_find(graph, "w")->init->data, changed, sizeof changed);
    assert_memory_equal(eki_graph_find(graph, "twin")->init->data, kept, sizeof kept);
    eki_graph_destroy(graph);
}

/* The length may be left out, and the folder be the current one. */
static void reads_without_length(void **state) {
    (void)state;
    static ek_error err;
    eki_graph *graph;
    char before[512];
    const char *keys[] = {"offset", "4", "location", "weights.bin", NULL};
    put_model("model.onnx", EK_F32, keys);
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(eki_onnx_load("model.onnx", NULL, &graph, &err), EK_OK);
    assert_numbers(graph);
    eki_graph_destroy(graph);
    assert_int_equal(chdir(before), 0);
}

static bool holds(const eki_map *map, const void *bytes, size_t size) {
    for (size_t i = 0; i + size <= map->size; i++) {
        if (memcmp(map->data + i, bytes, size) == 0) return true;
    }
    return false;
}

/* Half precision is f32 in memory and the same bytes in the file written. */
static void reads_half_precision(void **state) {
    (void)state;
    static ek_error err;
    static const uint16_t halves[] = {0x3c00, 0xc000, 0x0001, 0x7e01};
    eki_graph *graph;
    const char *keys[] = {"location", "halves.bin", NULL};
    put_file("halves.bin", halves, sizeof halves);
    put_model("model.onnx", EK_F16, keys);
    assert_int_equal(eki_onnx_load(in_folder("model.onnx"), NULL, &graph, &err), EK_OK);
    const float *w = weights(graph)->data;
    assert_true(weights(graph)->dtype == EK_F32 && weights(graph)->stored == EK_F16 && graph->half == EK_F16);
    assert_true(w[0] == 1.0f && w[1] == -2.0f && w[2] == 0x1p-24f && w[3] != w[3]);
    assert_int_equal(eki_onnx_save(graph, in_folder("whole.onnx"), &err), EK_OK);
    eki_graph_destroy(graph);
    eki_map map;
    assert_int_equal(eki_map_open(in_folder("halves.bin"), &map, &err), EK_OK);
    assert_true(holds(&map, halves, sizeof halves));
    eki_map_close(&map);
    assert_int_equal(eki_onnx_load(in_folder("model.onnx"), NULL, &graph, &err), EK_OK);
    assert_int_equal(eki_onnx_save(graph, in_folder("outside/halved.onnx"), &err), EK_OK);
    eki_graph_destroy(graph);
    assert_int_equal(eki_map_open(in_folder("outside/halved.data"), &map, &err), EK_OK);
    assert_int_equal(map.size, sizeof halves);
    assert_memory_equal(map.data, halves, sizeof halves);
    eki_map_close(&map);
}

enum { SIDE = 4096 };

static void put_halves(const char *name, const uint16_t *last) {
    FILE *stream = fopen(in_folder(name), "wb");
    assert_non_null(stream);
    assert_int_equal(fseek(stream, 2 * (long)SIDE * SIDE - 2, SEEK_SET), 0); /* zeros, which take no room */
    assert_int_equal(fwrite(last, 2, 1, stream), 1);
    assert_int_equal(fclose(stream), 0);
}

/* A large tensor in half precision stays as it lies in the file until somebody needs its numbers: a load and a save of
 * others take no memory for it; what changed is told from it. */
static void sleeps(void **state) {
    (void)state;
    static ek_error err;
    static const uint16_t last = 0x3c00;
    eki_onnx_load_options little = {.budget = 1 << 20};
    eki_graph *graph;
    eki_map map;
    const char *keys[] = {"location", "large.bin", NULL};
    put_halves("large.bin", &last);
    put_shaped("large.onnx", EK_F16, SIDE, SIDE, keys);
    assert_int_equal(eki_onnx_load(in_folder("large.onnx"), &little, &graph, &err), EK_OK);
    eki_tensor *w = eki_graph_find(graph, "w")->init;
    const int64_t end = (int64_t)SIDE * SIDE - 1;
    assert_true(eki_tensor_sleeps(w) && w->dtype == EK_F32 && w->stored == EK_F16 && !eki_tensor_aligned(w));
    assert_true(eki_tensor_f32(w, end) == 1.0f && eki_tensor_f32(w, 0) == 0.0f);
    assert_int_equal(eki_onnx_save(graph, in_folder("slept.onnx"), &err), EK_OK);
    assert_int_equal(eki_onnx_save(graph, in_folder("outside/slept.onnx"), &err), EK_OK);
    assert_int_equal(eki_map_open(in_folder("outside/slept.data"), &map, &err), EK_OK);
    assert_int_equal(map.size, 2 * (end + 1));
    assert_memory_equal((const char *)map.data + 2 * end, &last, 2);
    eki_map_close(&map);

    assert_int_equal(eki_graph_wake(graph, &err), EK_OK);
    assert_true(!eki_tensor_sleeps(w) && ((float *)w->data)[end] == 1.0f);
    assert_int_equal(eki_onnx_save(graph, in_folder("slept.onnx"), &err), EK_OK);
    assert_int_not_equal(access(in_folder("slept.data"), F_OK), 0); /* nothing changed, nothing moved */
    ((float *)w->data)[0] = 2.0f;
    assert_int_equal(eki_onnx_save(graph, in_folder("slept.onnx"), &err), EK_OK);
    assert_int_equal(eki_map_open(in_folder("slept.data"), &map, &err), EK_OK);
    assert_int_equal(((const uint16_t *)map.data)[0], 0x4000);
    eki_map_close(&map);
    eki_graph_destroy(graph);
}

typedef struct refusal {
    const char *key, *value;
    ek_status status;
    const char *text;
} refusal;

static const refusal refusals[] = {
    {"location", "/etc/passwd", EK_ERR_FORMAT, "begins or ends with a slash"},
    {"location", "//etc/passwd", EK_ERR_FORMAT, "begins or ends with a slash"},
    {"location", "../weights.bin", EK_ERR_FORMAT, "leaves its folder by '..'"},
    {"location", "sub/../../x", EK_ERR_FORMAT, "leaves its folder by '..'"},
    {"location", "sub/..", EK_ERR_FORMAT, "leaves its folder by '..'"},
    {"location", "./weights.bin", EK_ERR_FORMAT, "part '.'"},
    {"location", "sub//weights.bin", EK_ERR_FORMAT, "two together"},
    {"location", "sub/", EK_ERR_FORMAT, "ends with a slash"},
    {"location", "..\\weights.bin", EK_ERR_FORMAT, "a '\\' or a ':'"},
    {"location", "C:weights.bin", EK_ERR_FORMAT, "a '\\' or a ':'"},
    {"location", "\\\\host\\share\\w", EK_ERR_FORMAT, "a '\\' or a ':'"},
    {"location", "we\x1b[31mights", EK_ERR_FORMAT, "no name of a file"},
    {"location", "", EK_ERR_FORMAT, "has no location"},
    {"location", "soft.bin", EK_ERR_IO, "symbolic link"},
    {"location", "softly/weights.bin", EK_ERR_IO, "symbolic link"},
    {"location", "hard.bin", EK_ERR_IO, "2 names (hard links)"},
    {"location", "pipe", EK_ERR_IO, "a pipe or device"},
    {"location", "sub", EK_ERR_IO, "a folder"},
    {"location", "absent.bin", EK_ERR_IO, "No such file"},
    {"location", "weights.bin/x", EK_ERR_IO, "cannot open"},
    {"location", "*/_ORT_MEM_ADDR_/*", EK_ERR_IO, "No such file"},
    {"offset", "-4", EK_ERR_FORMAT, "offset '-4'"},
    {"offset", "+4", EK_ERR_FORMAT, "offset '+4'"},
    {"offset", "0x4", EK_ERR_FORMAT, "offset '0x4'"},
    {"offset", " 4", EK_ERR_FORMAT, "offset ' 4'"},
    {"offset", "", EK_ERR_FORMAT, "offset ''"},
    {"offset", "18446744073709551616", EK_ERR_FORMAT, "expected a number of bytes"},
    {"offset", "18446744073709551612", EK_ERR_FORMAT, "that file has 20 bytes"},
    {"offset", "5", EK_ERR_FORMAT, "16 bytes at 5 of 'weights.bin', but that file has 20 bytes"},
    {"offset", "4611686018427387904", EK_ERR_FORMAT, "that file has 20 bytes"},
    {"length", "0", EK_ERR_FORMAT, "need 16 bytes, but external_data has length 0"},
    {"length", "20", EK_ERR_FORMAT, "has length 20"},
    {"length", "99999999999999999999", EK_ERR_FORMAT, "expected a number of bytes"},
    {"length", "18446744073709551600", EK_ERR_FORMAT, "has length 18446744073709551600"},
    {"secret", "1", EK_ERR_FORMAT, "has the key 'secret', expected location, offset, length"},
};

static void refuses(void **state) {
    (void)state;
    static ek_error err;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *r = &refusals[i];
        bool location = strcmp(r->key, "location") == 0;
        const char *other[] = {"location", "weights.bin", r->key, r->value, NULL};
        const char *only[] = {"location", r->value, NULL};
        eki_graph *graph = NULL;
        put_model("model.onnx", EK_F32, location ? only : other);
        ek_status status = eki_onnx_load(in_folder("model.onnx"), NULL, &graph, &err);
        if (status != r->status || strstr(err.text, r->text) == NULL || strstr(err.text, "tensor 'w'") == NULL) {
            fail_msg("%s '%s': status %d, '%s'", r->key, r->value, (int)status, err.text);
        }
        assert_null(graph);
    }
}

static void refuses_twice(void **state) {
    (void)state;
    static ek_error err;
    eki_graph *graph;
    const char *keys[] = {"location", "weights.bin", "location", "sub/weights.bin", NULL};
    put_model("model.onnx", EK_F32, keys);
    assert_int_equal(eki_onnx_load(in_folder("model.onnx"), NULL, &graph, &err), EK_ERR_FORMAT);
    assert_non_null(strstr(err.text, "'location' twice"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_saves_elsewhere),
        cmocka_unit_test(saves_nothing_else),
        cmocka_unit_test(saves_beside),
        cmocka_unit_test(saves_shared_range),
        cmocka_unit_test(reads_without_length),
        cmocka_unit_test(reads_half_precision),
        cmocka_unit_test(sleeps),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_twice),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
