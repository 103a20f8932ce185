/* test_onnx_lossless.c: every ONNX file at hand, and mutants of them, is written back byte for byte or refused by name;
 * of a file with one changed tensor only that tensor differs, and the lengths on the way to it.
 *
 * The program is linked from base, ops and onnx alone: a document needs neither an engine nor recognition.
 *     test_onnx_lossless          every sixteenth file and 200 mutants
 *     test_onnx_lossless --all    every file and 2,000 mutants; says what was refused, and why
 */
#define _XOPEN_SOURCE 700

#include "hard_models.h"
#include "mutate.h"
#include "onnx/onnx.h"
#include "protoread.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <ftw.h>
#include <onnx/onnx.pb-c.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_FILES = 8192, MAX_REASONS = 64, MUTANTS_ALL = 2000, MUTANTS_FEW = 200, STRIDE_FEW = 16 };
#define TESTDATA "/usr/share/libonnx-testdata"

static bool all;
static char *files[MAX_FILES];
static size_t n_files;
static char saved[64], changed[64];

typedef struct reason {
    char text[256];
    size_t count;
} reason;

/* What became of a kind of file. */
typedef struct tally {
    size_t tried, loaded, changed, n_reasons;
    reason reasons[MAX_REASONS];
} tally;

/* ---- files ---- */

int __wrap_fsync(int fd);
int __wrap_fsync(int fd) { return fd < 0 ? -1 : 0; } /* thousands of files of a moment */

static pb read_whole(const char *path) {
    pb bytes = {0};
    char buffer[1 << 16];
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) fail_msg("cannot read %s", path);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, stream)) > 0;) pb_raw(&bytes, buffer, got);
    assert_int_equal(fclose(stream), 0);
    return bytes;
}

static int note_file(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info;
    (void)walk;
    size_t size = strlen(path);
    if (type != FTW_F || size < 5 || strcmp(path + size - 5, ".onnx") != 0 || n_files == MAX_FILES) return 0;
    files[n_files] = malloc(size + 1);
    if (files[n_files] == NULL) return -1;
    memcpy(files[n_files++], path, size + 1);
    return 0;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int find_files(void **state) {
    (void)state;
    static const char *const roots[] = {EK_SOURCE_DIR "/../shared/models", EK_SOURCE_DIR "/../shared/cases", TESTDATA};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        size_t before = n_files;
        if (nftw(roots[i], note_file, 16, FTW_PHYS) == 0 && n_files > before) continue;
        print_message("skipped: no ONNX files in %s\n", roots[i]);
    }
    qsort(files, n_files, sizeof *files, by_name);
    (void)snprintf(saved, sizeof saved, "/tmp/ek-lossless-%ld-saved.onnx", (long)getpid());
    (void)snprintf(changed, sizeof changed, "/tmp/ek-lossless-%ld-changed.onnx", (long)getpid());
    return 0;
}

static int forget_files(void **state) {
    (void)state;
    for (size_t i = 0; i < n_files; i++) free(files[i]);
    (void)unlink(saved);
    (void)unlink(changed);
    return 0;
}

/* ---- reasons ---- */

/* The message without what is particular to one file: its name, numbers, quoted names. */
static void general(const char *text, const char *name, char out[256]) {
    size_t used = 0, length = strlen(name);
    if (strncmp(text, name, length) == 0) text += length;
    for (const char *p = text; *p != '\0' && used < 250; p++) {
        if (*p == '\'') {
            const char *close = strchr(p + 1, '\'');
            out[used++] = '*';
            p = close != NULL ? close : p + strlen(p) - 1;
        } else if (*p >= '0' && *p <= '9') {
            if (used == 0 || out[used - 1] != '#') out[used++] = '#';
        } else {
            out[used++] = *p;
        }
    }
    out[used] = '\0';
}

static void note_refusal(tally *t, const ek_error *err, const char *name) {
    char text[256];
    if (strstr(err->text, name) == NULL) fail_msg("%s: refused without its name: '%s'", name, err->text);
    general(err->text, name, text);
    size_t i = 0;
    while (i < t->n_reasons && strcmp(t->reasons[i].text, text) != 0) i++;
    if (i == MAX_REASONS) return;
    if (i == t->n_reasons) (void)snprintf(t->reasons[t->n_reasons++].text, sizeof text, "%s", text);
    t->reasons[i].count++;
}

static void show(const tally *t, const char *what) {
    print_message("%s: %zu of %zu loaded and written back byte for byte; one tensor changed in %zu of them\n", what,
                  t->loaded, t->tried, t->changed);
    for (size_t i = 0; i < t->n_reasons; i++) {
        print_message("  refused %zu times%s\n", t->reasons[i].count, t->reasons[i].text);
    }
    assert_true(2 * t->loaded >= t->tried);
    assert_true(t->tried == 0 || t->changed > 0);
}

/* ---- loading and saving ---- */

static void assert_written_equal(const eki_graph *graph, const pb *file, const char *name) {
    ek_error err = {0};
    if (eki_onnx_save(graph, saved, &err) != EK_OK) fail_msg("%s: loaded, but not saved: %s", name, err.text);
    pb again = read_whole(saved);
    size_t at = 0;
    while (at < again.size && at < file->size && again.data[at] == file->data[at]) at++;
    if (at < again.size || at < file->size) {
        fail_msg("%s: %zu bytes became %zu; the first other one is byte %zu", name, file->size, again.size, at);
    }
    pb_free(&again);
}

/* ---- one tensor changed ---- */

static bool is_data(uint32_t number) {
    return number == 4 || number == 5 || number == 7 || (number >= 9 && number <= 11) || number == 13 || number == 14;
}

static bool next_kept(const unsigned char **at, const unsigned char *end, pb_field *f) {
    while (pb_next(at, end, f)) {
        if (!is_data(f->number)) return true;
    }
    return false;
}

/* Two tensors that differ in data alone. */
static bool same_but_data(const pb_field *a, const pb_field *b) {
    const unsigned char *p = a->data, *q = b->data, *p_end = p + a->size, *q_end = q + b->size;
    pb_field x, y;
    bool more = next_kept(&p, p_end, &x), more_too = next_kept(&q, q_end, &y);
    while (more && more_too) {
        if (p - x.start != q - y.start || memcmp(x.start, y.start, (size_t)(p - x.start)) != 0) return false;
        more = next_kept(&p, p_end, &x);
        more_too = next_kept(&q, q_end, &y);
    }
    return !more && !more_too;
}

/* Whether two messages differ in one field only, and in that only so, down to the data of a tensor. */
static bool one_path(const ProtobufCMessageDescriptor *type, const pb_field *a, const pb_field *b) {
    const unsigned char *p = a->data, *q = b->data, *p_end = p + a->size, *q_end = q + b->size;
    int differing = 0;
    if (type == &onnx__tensor_proto__descriptor) return same_but_data(a, b);
    while (p < p_end && q < q_end) {
        pb_field x, y;
        if (!pb_next(&p, p_end, &x) || !pb_next(&q, q_end, &y)) return false;
        if (p - x.start == q - y.start && memcmp(x.start, y.start, (size_t)(p - x.start)) == 0) continue;
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, x.number);
        if (x.tag_size != y.tag_size || memcmp(x.start, y.start, x.tag_size) != 0 || differing++ > 0) return false;
        if (known == NULL || known->type != PROTOBUF_C_TYPE_MESSAGE) return false;
        if (!one_path(known->descriptor, &x, &y)) return false;
    }
    return p == p_end && q == q_end && differing == 1;
}

static void take_larger(eki_tensor **found, eki_tensor *tensor) {
    if (tensor != NULL && tensor->bytes > 0 && (*found == NULL || tensor->bytes > (*found)->bytes)) *found = tensor;
}

static ek_status find_tensor(void *context, eki_graph *graph, ek_error *err) {
    (void)err;
    for (size_t i = 0; i < graph->n_values; i++) take_larger(context, graph->values[i]->init);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        for (int k = 0; k < graph->nodes[i]->n_attr; k++) take_larger(context, graph->nodes[i]->attrs[k].t);
    }
    return EK_OK;
}

/* Another number that every type can hold. */
static void change_number(eki_tensor *tensor) {
    unsigned char *bytes = tensor->data;
    if (tensor->dtype == EK_F32) {
        float number, other = 0.5F;
        memcpy(&number, bytes, sizeof number);
        if (number == other) other = 0.25F;
        memcpy(bytes, &other, sizeof other);
    } else {
        bytes[0] ^= 1;
    }
}

/* Changes a number of the largest tensor; false where there is none. */
static bool change_one(const pb *before, eki_graph *graph, const char *name) {
    ek_error err = {0};
    eki_graph *again;
    eki_tensor *tensor = NULL, *same = NULL;
    assert_int_equal(eki_graph_each(graph, find_tensor, &tensor, &err), EK_OK);
    if (tensor == NULL) return false;
    if (eki_tensor_own(tensor, &err) != EK_OK) fail_msg("%s: %s", name, err.text);
    change_number(tensor);
    if (eki_onnx_save(graph, changed, &err) != EK_OK) fail_msg("%s: %s", name, err.text);
    pb after = read_whole(changed);
    pb_field a = {.data = before->data, .size = before->size}, b = {.data = after.data, .size = after.size};
    if (!one_path(&onnx__model_proto__descriptor, &a, &b)) fail_msg("%s: more changed than a tensor", name);
    if (eki_onnx_load(changed, NULL, &again, &err) != EK_OK) fail_msg("%s: changed: %s", name, err.text);
    assert_int_equal(eki_graph_each(again, find_tensor, &same, &err), EK_OK);
    assert_non_null(same);
    assert_int_equal(same->bytes, tensor->bytes);
    assert_memory_equal(same->data, tensor->data, tensor->bytes);
    eki_graph_destroy(again);
    pb_free(&after);
    return true;
}

/* ---- all files ---- */

static size_t stride(void) { return all ? 1 : STRIDE_FEW; }

static void files_keep_their_bytes(void **state) {
    (void)state;
    tally t = {0};
    for (size_t i = 0; i < n_files; i += stride()) {
        ek_error err = {0};
        eki_graph *graph;
        t.tried++;
        if (eki_onnx_load(files[i], NULL, &graph, &err) != EK_OK) {
            note_refusal(&t, &err, files[i]);
            continue;
        }
        pb file = read_whole(files[i]);
        assert_written_equal(graph, &file, files[i]);
        t.changed += change_one(&file, graph, files[i]);
        eki_graph_destroy(graph);
        pb_free(&file);
        t.loaded++;
    }
    show(&t, "files");
}

/* One mutant in four is split, which is refused: protobuf allows it, and no exporter does it. */
static unsigned choose_mutations(uint64_t *random) {
    unsigned mutations = (unsigned)(mutate_random(random) % MUTATE_SPLIT);
    if (mutate_random(random) % 4 == 0) mutations |= MUTATE_SPLIT;
    return mutations != 0 ? mutations : MUTATE_ORDER;
}

static void mutants_keep_their_bytes(void **state) {
    (void)state;
    tally t = {0};
    uint64_t random = 14;
    for (int i = 0; n_files > 0 && i < (all ? MUTANTS_ALL : MUTANTS_FEW); i++) {
        const char *path = files[mutate_random(&random) % n_files];
        unsigned mutations = choose_mutations(&random), rarity = 1u << 2 * (mutate_random(&random) % 4);
        ek_error err = {0};
        eki_graph *graph;
        char name[512];
        pb file = read_whole(path), mutant = {0};
        if (!mutate_can(file.data, file.size)) fail_msg("%s: not read by the generator", path);
        mutate_model(file.data, file.size, mutations, rarity, mutate_random(&random), &mutant);
        (void)snprintf(name, sizeof name, "%.400s mutant %d (%u/%u)", path, i, mutations, rarity);
        t.tried++;
        if (eki_onnx_load_bytes(mutant.data, mutant.size, name, NULL, &graph, &err) == EK_OK) {
            assert_written_equal(graph, &mutant, name);
            t.changed += change_one(&mutant, graph, name);
            eki_graph_destroy(graph);
            t.loaded++;
        } else {
            note_refusal(&t, &err, name);
        }
        pb_free(&file);
        pb_free(&mutant);
    }
    show(&t, "mutants");
}

static void hard_models_keep_their_bytes(void **state) {
    (void)state;
    for (size_t i = 0; i < n_hard_models; i++) {
        ek_error err = {0};
        eki_graph *graph;
        pb file = {0};
        hard_models[i].build(&file);
        if (eki_onnx_load_bytes(file.data, file.size, hard_models[i].name, NULL, &graph, &err) != EK_OK) {
            fail_msg("refused: %s", err.text);
        }
        assert_written_equal(graph, &file, hard_models[i].name);
        change_one(&file, graph, hard_models[i].name);
        eki_graph_destroy(graph);
        pb_free(&file);
    }
}

/* A domain imported twice, or by the IR version alone, has one version after a change too. */
static void changed_opset(void **state) {
    (void)state;
    for (size_t i = 0; i < n_hard_models; i++) {
        ek_error err = {0};
        eki_graph *graph, *again;
        pb file = {0};
        hard_models[i].build(&file);
        assert_int_equal(eki_onnx_load_bytes(file.data, file.size, "hard", NULL, &graph, &err), EK_OK);
        assert_int_equal(eki_graph_add_opset(graph, "", 18, &err), EK_OK);
        assert_int_equal(eki_onnx_save(graph, changed, &err), EK_OK);
        if (eki_onnx_load(changed, NULL, &again, &err) != EK_OK) fail_msg("%s: %s", hard_models[i].name, err.text);
        assert_int_equal(eki_graph_opset(again, ""), 18);
        eki_graph_destroy(again);
        eki_graph_destroy(graph);
        pb_free(&file);
    }
}

int main(int argc, char **argv) {
    all = argc > 1 && strcmp(argv[1], "--all") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_keep_their_bytes),
        cmocka_unit_test(mutants_keep_their_bytes),
        cmocka_unit_test(hard_models_keep_their_bytes),
        cmocka_unit_test(changed_opset),
    };
    return cmocka_run_group_tests(tests, find_files, forget_files);
}
