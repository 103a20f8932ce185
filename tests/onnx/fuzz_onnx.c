/* fuzz_onnx.c: any bytes give a model or an error; a model that loads is written, and loads again.
 *
 *     fuzz_onnx                 replays the crafted corpus (this is what ctest runs)
 *     fuzz_onnx FILE...         replays files, such as a crash
 *     fuzz_onnx --write FOLDER  writes the corpus, to seed a fuzzer
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address -DEK_LIBFUZZER, this file and models.c, broken_*.c and the layers.
 */
#include "models.h"
#include "onnx/onnx.h"

#include <stdio.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stop(const char *what, const ek_error *err) {
    (void)fprintf(stderr, "fuzz_onnx: %s: %s\n", what, err->text);
    abort();
}

static void save_and_load(const eki_graph *graph) {
    static ek_error err;
    char path[64];
    (void)snprintf(path, sizeof path, "/tmp/ek-fuzz-%ld.onnx", (long)getpid());
    if (eki_onnx_save(graph, path, &err) != EK_OK) stop("a loaded model cannot be saved", &err);
    eki_graph *again;
    eki_onnx_load_options options = {.budget = (size_t)1 << 30};
    if (eki_onnx_load(path, &options, &again, &err) != EK_OK) stop("a saved model cannot be loaded", &err);
    if (again->n_nodes != graph->n_nodes || again->n_outputs != graph->n_outputs) stop("a saved model differs", &err);
    eki_graph_destroy(again);
    (void)unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static ek_error err;
    eki_graph *graph;
    err.text[0] = '\0';
    ek_status status = eki_onnx_load_bytes(data, size, "fuzz", NULL, &graph, &err);
    if (status == EK_OK) {
        save_and_load(graph);
        eki_graph_destroy(graph);
    } else if (graph != NULL || err.text[0] == '\0' || status == EK_ERR_ARG) {
        stop("a failure without a reason", &err);
    }
    return 0;
}

#ifndef EK_LIBFUZZER
static int replay_file(const char *path) {
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

static int write_case(const char *folder, int number, const pb *file) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/case-%03d.onnx", folder, number);
    FILE *stream = fopen(path, "wb");
    if (stream == NULL) return 1;
    size_t done = file->size > 0 ? fwrite(file->data, 1, file->size, stream) : 0;
    return (fclose(stream) != 0 || done != file->size) ? 1 : 0;
}

/* Every crafted file, also with its front half and with bits flipped by a fixed rule. */
static void replay(pb *file) {
    (void)LLVMFuzzerTestOneInput(file->data, file->size);
    (void)LLVMFuzzerTestOneInput(file->data, file->size / 2);
    if (file->size > 4096) return;
    for (size_t i = 0; i < file->size; i++) {
        unsigned char old = file->data[i];
        file->data[i] = (unsigned char)(old ^ (1u << (i * 7 % 8)));
        (void)LLVMFuzzerTestOneInput(file->data, file->size);
        file->data[i] = old;
    }
}

static int corpus(const char *folder) {
    int number = 0, failed = 0;
    pb file = {0};
    for (int list = 0; list <= BROKEN_LISTS; list++) {
        broken_list cases = list < BROKEN_LISTS ? broken_cases(list) : (broken_list){0};
        for (size_t i = 0; i < cases.count || (list == BROKEN_LISTS && i == 0); i++) {
            if (list < BROKEN_LISTS) {
                cases.cases[i].build(&file);
            } else {
                rich_model(&file);
            }
            if (folder != NULL) {
                failed |= write_case(folder, number++, &file);
            } else {
                replay(&file);
            }
            pb_free(&file);
        }
    }
    return failed;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--write") == 0) return corpus(argv[2]);
    int failed = argc == 1 ? corpus(NULL) : 0;
    for (int i = 1; i < argc; i++) failed |= replay_file(argv[i]);
    return failed;
}
#endif
