/* test_onnx_broken.c: every broken file gives its status and its sentence, within the memory budget and without leaks.
 *
 * Beside the table of broken files: a model cut at every byte, with every byte changed, every allocation failing in
 * turn, and paths that are no files.
 */
#include "heap.h"
#include "models.h"
#include "onnx/onnx.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { SLACK = 256 * 1024 }; /* arena blocks and the graph itself */

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void check_case(const broken_case *one) {
    static ek_error err;
    pb file = {0};
    one->build(&file);
    size_t budget = 4 * file.size + ((size_t)64 << 20);
    err.text[0] = '\0';
    eki_graph *graph;
    heap_begin();
    double start = seconds();
    ek_status status = eki_onnx_load_bytes(file.data, file.size, "case.onnx", NULL, &graph, &err);
    double took = seconds() - start;
    size_t peak = heap_peak();
    if (status != one->status || (status != EK_OK && strstr(err.text, one->text) == NULL) ||
        peak > budget + file.size + SLACK || took > 20) {
        fail_msg("%s: got %s: %s (expected %s: ...%s...), peak %zu bytes for %zu, %.1f s", one->name,
                 ek_status_name(status), err.text, ek_status_name(one->status), one->text, peak, file.size, took);
    }
    if (status != EK_OK) {
        assert_null(graph);
        assert_ptr_equal(strstr(err.text, "case.onnx: "), err.text);
        assert_null(strstr(err.text + 1, "case.onnx: "));
    }
    eki_graph_destroy(graph);
    if (heap_balance() != 0) fail_msg("%s: %ld bytes leaked", one->name, heap_balance());
    pb_free(&file);
}

static void broken_files(void **state) {
    (void)state;
    for (int list = 0; list < BROKEN_LISTS; list++) {
        broken_list cases = broken_cases(list);
        for (size_t i = 0; i < cases.count; i++) check_case(&cases.cases[i]);
    }
}

/* Any outcome is right but a crash; an error has a text. Returns whether it loaded. */
static bool survives(const void *data, size_t size) {
    static ek_error err;
    eki_graph *graph;
    err.text[0] = '\0';
    ek_status status = eki_onnx_load_bytes(data, size, "f", NULL, &graph, &err);
    if (status == EK_OK) {
        eki_graph_destroy(graph);
        return true;
    }
    assert_true(status == EK_ERR_FORMAT || status == EK_ERR_LIMIT || status == EK_ERR_UNSUPPORTED);
    assert_true(strlen(err.text) > 10);
    return false;
}

static void cut_at_every_byte(void **state) {
    (void)state;
    pb file = {0};
    rich_model(&file);
    assert_true(survives(file.data, file.size));
    for (size_t size = 0; size < file.size; size++) {
        void *copy = malloc(size + 1); /* of exactly this size, for the address sanitizer */
        assert_non_null(copy);
        memcpy(copy, file.data, size);
        (void)survives(copy, size);
        free(copy);
    }
    pb_free(&file);
}

static void every_byte_changed(void **state) {
    (void)state;
    const unsigned char changes[] = {0x01, 0x04, 0x08, 0x40, 0x80, 0xff};
    pb file = {0};
    rich_model(&file);
    for (size_t i = 0; i < file.size; i++) {
        for (size_t k = 0; k < sizeof changes; k++) {
            file.data[i] ^= changes[k];
            (void)survives(file.data, file.size);
            file.data[i] ^= changes[k];
        }
    }
    pb_free(&file);
}

static void every_allocation_fails(void **state) {
    (void)state;
    static ek_error err;
    pb file = {0};
    rich_model(&file);
    ek_status status = EK_ERR_NOMEM;
    for (long n = 1; status != EK_OK; n++) {
        eki_graph *graph;
        heap_begin();
        heap_fail_at(n);
        status = eki_onnx_load_bytes(file.data, file.size, "f", NULL, &graph, &err);
        heap_fail_at(0);
        assert_true(status == EK_OK || status == EK_ERR_NOMEM);
        eki_graph_destroy(graph);
        assert_int_equal(heap_balance(), 0);
    }
    pb_free(&file);
}

static void budget_is_kept(void **state) {
    (void)state;
    static ek_error err;
    pb file = {0};
    rich_model(&file);
    for (size_t budget = 1; budget < 20000; budget += 97) {
        eki_onnx_load_options options = {.budget = budget};
        eki_graph *graph;
        ek_status status = eki_onnx_load_bytes(file.data, file.size, "f", &options, &graph, &err);
        assert_true(status == EK_OK || status == EK_ERR_LIMIT);
        eki_graph_destroy(graph);
    }
    pb_free(&file);
}

/* 200,000 nodes in the worst order, 200,000 named dimensions: no quadratic time. */
static void many_nodes(void **state) {
    (void)state;
    static ek_error err;
    enum { NODES = 200000 };
    pb graph = {0}, file = {0};
    add_info(&graph, 11, "v0", "batch");
    char in[16], out[16];
    for (int i = NODES - 1; i >= 0; i--) {
        (void)snprintf(in, sizeof in, "v%d", i);
        (void)snprintf(out, sizeof out, "v%d", i + 1);
        add_node(&graph, "Relu", in, out);
        add_info(&graph, 13, out, in);
    }
    (void)snprintf(out, sizeof out, "v%d", NODES);
    add_info(&graph, 12, out, "batch");
    finish_model(&file, &graph);
    eki_onnx_load_options options = {.budget = (size_t)1 << 30};
    eki_graph *loaded;
    double start = seconds();
    assert_int_equal(eki_onnx_load_bytes(file.data, file.size, "f", &options, &loaded, &err), EK_OK);
    assert_true(seconds() - start < 20);
    assert_int_equal(loaded->n_nodes, NODES);
    assert_string_equal(loaded->nodes[0]->in[0]->name, "v0");
    eki_graph_destroy(loaded);
    pb_free(&file);
}

static void load_fails(const char *path, const char *text) {
    static ek_error err;
    eki_graph *graph;
    assert_int_equal(eki_onnx_load(path, NULL, &graph, &err), EK_ERR_IO);
    assert_null(graph);
    if (strstr(err.text, text) == NULL || strstr(err.text, path) != err.text) fail_msg("got: %s", err.text);
}

static void not_files(void **state) {
    (void)state;
    char fifo[64];
    (void)snprintf(fifo, sizeof fifo, "/tmp/ek-onnx-%ld.fifo", (long)getpid());
    load_fails("/tmp", "is a folder");
    load_fails("/dev/zero", "is a pipe or device");
    load_fails("/dev/null", "is a pipe or device");
    load_fails("/nowhere/model.onnx", "cannot open");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    load_fails(fifo, "is a pipe or device");
    (void)unlink(fifo);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", fifo);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    load_fails(fifo, "cannot open"); /* ENXIO: a socket is not opened */
    (void)close(listener);
    (void)unlink(fifo);
}

static const char *scratch(void) {
    static char path[64];
    (void)snprintf(path, sizeof path, "/tmp/ek-onnx-%ld.onnx", (long)getpid());
    return path;
}

static void put(const char *path, const pb *file, off_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file->data, file->size), file->size);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(close(fd), 0);
}

/* Nothing but holes behind what is written: 3 GiB, and an unknown field of nearly 2 GiB, which is kept and never read.
 */
static void as_large_as_can_be(void **state) {
    (void)state;
    static ek_error err;
    const off_t size = (off_t)1 << 29; /* large enough to be mapped */
    pb file = {0};
    eki_graph *graph;
    put(scratch(), &file, (off_t)3 << 30);
    assert_int_equal(eki_onnx_load(scratch(), NULL, &graph, &err), EK_ERR_LIMIT);
    assert_non_null(strstr(err.text, "has 3221225472 bytes; an ONNX model has at most 2 GiB"));
    put(scratch(), &file, INT32_MAX);
    assert_int_equal(eki_onnx_load(scratch(), NULL, &graph, &err), EK_ERR_FORMAT);
    assert_non_null(strstr(err.text, "field number 0"));
    rich_model(&file);
    pb_tag(&file, 99, 2);
    pb_number(&file, (uint64_t)size - file.size - 5);
    put(scratch(), &file, size);
    ek_status status = eki_onnx_load(scratch(), NULL, &graph, &err);
    if (status != EK_OK) fail_msg("%s: %s", ek_status_name(status), err.text);
    eki_graph_destroy(graph);
    pb_free(&file);
    (void)unlink(scratch());
}

/* What is loaded stays what it was when somebody cuts the file. */
static void cut_while_in_use(void **state) {
    (void)state;
    static ek_error err;
    pb file = {0};
    rich_model(&file);
    put(scratch(), &file, (off_t)file.size);
    eki_graph *graph, *again;
    assert_int_equal(eki_onnx_load(scratch(), NULL, &graph, &err), EK_OK);
    assert_int_equal(truncate(scratch(), 0), 0);
    assert_int_equal(eki_onnx_save(graph, scratch(), &err), EK_OK); /* reads every tensor */
    assert_int_equal(eki_onnx_load(scratch(), NULL, &again, &err), EK_OK);
    assert_int_equal(again->n_nodes, graph->n_nodes);
    eki_graph_destroy(again);
    eki_graph_destroy(graph);
    pb_free(&file);
    (void)unlink(scratch());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_files),       cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(every_byte_changed), cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(budget_is_kept),     cmocka_unit_test(many_nodes),
        cmocka_unit_test(not_files),          cmocka_unit_test(as_large_as_can_be),
        cmocka_unit_test(cut_while_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
