/* fuzz_model.c: whatever a model file says, loading, inspecting, folding, unfolding, converting and comparing it give
 * results or errors.
 *
 *     fuzz_model                 random graphs, changed at random, and the corpus (this is what ctest runs)
 *     fuzz_model FILE...         replays files, such as a crash
 *     fuzz_model --write FOLDER  writes seeds for a fuzzer: random graphs, and what corpus.pack holds
 *     fuzz_model --pack FOLDER FILE
 *                                writes corpus.pack, from a folder that a fuzzer has made small
 *
 * scripts/fuzz.sh makes it a libFuzzer program whose mutator knows graphs.
 */
#include "../surgery/random_net.h"
#include "mutate.h"
#include "onnx/onnx.h"
#include "pack.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long loaded, folds; /* how far the inputs came */

static void stop(const char *what, const ek_error *err) {
    (void)fprintf(stderr, "fuzz_model: %s: '%s'\n", what, err->text);
    abort();
}

/* A failure has a reason, and none of the kind that means a mistake of ours. */
static bool failed(ek_status status, const char *what, const ek_error *err) {
    if (status == EK_OK) return false;
    if (err->text[0] == '\0') stop(what, err);
    return true;
}

/* What makes another model: the result is a model, or there is a reason. */
static void change(ek_model *model) {
    static ek_error err;
    ek_unfold_options unfolding = ek_unfold_options_default();
    ek_convert_options converting = ek_convert_options_default();
    ek_edit_report *report;
    ek_model *changed;
    double drift;
    if (!failed(ek_unfold(model, &unfolding, &changed, &report, &err), "unfold", &err)) {
        ek_edit_report_destroy(report);
        ek_model_destroy(changed);
    }
    converting.opset = 21;
    converting.norm = EK_TO_FROZEN;
    if (failed(ek_convert(model, &converting, &changed, &report, &drift, &err), "convert", &err)) return;
    ek_edit_report_destroy(report);
    ek_model_destroy(changed);
}

static void examine(const ek_model *model) {
    static ek_error err;
    ek_inspection *inspection;
    ek_edit_report *report;
    ek_model *folded;
    ek_diff *diff;
    if (failed(ek_inspect(model, &inspection, &err), "inspect", &err)) return;
    ek_inspection_destroy(inspection);
    if (failed(ek_fold(model, &folded, &report, &err), "fold", &err)) return;
    ek_edit_report_destroy(report);
    folds++;
    if (!failed(ek_diff_models(model, folded, &diff, &err), "diff", &err)) ek_diff_destroy(diff);
    ek_model_destroy(folded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static ek_error err;
    ek_model *model;
    err.text[0] = '\0';
    if (failed(eki_model_load_bytes(data, size, "fuzz", &model, &err), "load", &err)) return 0;
    loaded++;
    examine(model);
    change(model);
    ek_model_destroy(model);
    return 0;
}

/* The graph as a file in memory. */
static eki_map written(const eki_graph *graph) {
    static ek_error err;
    char path[64];
    eki_map map = {.data = NULL};
    (void)snprintf(path, sizeof path, "/tmp/ek-fuzz-model-%ld.onnx", (long)getpid());
    if (eki_onnx_save(graph, path, &err) == EK_OK && eki_map_open(path, &map, &err) != EK_OK) map.size = 0;
    (void)unlink(path);
    return map;
}

static size_t mutate(const uint8_t *data, size_t size, uint8_t *out, size_t room, uint64_t seed) {
    static ek_error err;
    eki_graph *graph;
    size_t done = 0;
    if (eki_onnx_load_bytes(data, size, "fuzz", NULL, &graph, &err) != EK_OK) return 0;
    fuzz_mutate(graph, seed);
    eki_map map = written(graph);
    if (map.size > 0 && map.size <= room) memcpy(out, map.data, done = map.size);
    if (map.data != NULL) eki_map_close(&map);
    eki_graph_destroy(graph);
    return done;
}

#ifdef EK_LIBFUZZER
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
    size_t done = seed % 3 == 0 ? 0 : mutate(data, size, data, room, seed);
    return done > 0 ? done : LLVMFuzzerMutate(data, size, room);
}
#else
enum { SEEDS = 60, CHANGES = 12, ROOM = 1 << 20 };

static void random_graphs(void) {
    static uint8_t a[ROOM], b[ROOM];
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        ek_model *model = random_net(seed);
        eki_map map = written(model->document);
        size_t size = map.size <= ROOM ? map.size : 0;
        if (size > 0) memcpy(a, map.data, size);
        if (map.data != NULL) eki_map_close(&map);
        ek_model_destroy(model);
        for (uint64_t i = 0; i < CHANGES && size > 0; i++) { /* each change upon the last that could be written */
            (void)LLVMFuzzerTestOneInput(a, size);
            size_t changed = mutate(a, size, b, ROOM, 1000 * seed + i);
            if (changed > 0) memcpy(a, b, size = changed);
        }
    }
}

static int replay(const char *path) {
    static ek_error err;
    eki_map map;
    if (eki_map_open(path, &map, &err) != EK_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    (void)LLVMFuzzerTestOneInput(map.data, map.size);
    eki_map_close(&map);
    return 0;
}

static int replay_folder(const char *folder) {
    DIR *dir = opendir(folder);
    int bad = 0;
    char path[1024];
    if (dir == NULL) return 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        bad |= replay(path);
    }
    (void)closedir(dir);
    return bad;
}

#define PACK EK_SOURCE_DIR "/tests/fuzz/corpus.pack"

static void try_packed(void *context, const uint8_t *data, size_t size) {
    (void)context;
    (void)LLVMFuzzerTestOneInput(data, size);
}

static int write_seeds(const char *folder) {
    static ek_error err;
    char path[1024];
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        ek_model *model = random_net(seed);
        (void)snprintf(path, sizeof path, "%s/net-%03d.onnx", folder, (int)seed);
        if (ek_model_save(model, path, NULL, &err) != EK_OK) stop(path, &err);
        ek_model_destroy(model);
    }
    return pack_extract(PACK, folder);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--write") == 0) return write_seeds(argv[2]);
    if (argc == 4 && strcmp(argv[1], "--pack") == 0) return pack_write(argv[2], argv[3]);
    int bad = 0;
    for (int i = 1; i < argc; i++) bad |= replay(argv[i]);
    if (argc > 1) return bad;
    random_graphs();
    printf("%d graphs, %d changes each: %lu files loaded, %lu folded\n", (int)SEEDS, (int)CHANGES, loaded, folds);
    if (loaded < 2 * SEEDS || folds < SEEDS) return 1; /* else nothing was tried */
    long packed = pack_read(PACK, try_packed, NULL);
    printf("%ld files that a fuzzer found worth keeping\n", packed);
    if (packed < 500) return 1;
    return replay_folder(EK_SOURCE_DIR "/tests/fuzz/corpus");
}
#endif
