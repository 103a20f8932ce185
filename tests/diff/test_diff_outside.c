/* test_diff_outside.c: data in files beside the models is compared, wherever it lies; and with large files memory stays
 * small.
 */
#define _DEFAULT_SOURCE 1

#include "pair.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void entry(pb *tensor, const char *key, const char *value) {
    pb e = {0};
    pb_text(&e, 1, key);
    pb_text(&e, 2, value);
    pb_message(tensor, 13, &e);
}

/* One tensor of so many floats. */
static pb outside_model(const char *location, const char *offset, int64_t count) {
    pb t = {0}, graph = {0}, model = {0};
    pb_int(&t, 1, count);
    pb_int(&t, 2, 1);
    pb_text(&t, 8, "w");
    entry(&t, "location", location);
    if (offset != NULL) entry(&t, "offset", offset);
    pb_int(&t, 14, 1);
    pb_message(&graph, 5, &t);
    pb_int(&model, 1, 8);
    pb_message(&model, 7, &graph);
    return model;
}

static void expect(pb a, pb b, const char *const *lines, size_t count) {
    ek_error err = {0};
    ek_diff *diff;
    char line[2048];
    if (pair_diff(&a, &b, &diff, &err) != EK_OK) fail_msg("%s", err.text);
    assert_int_equal(ek_diff_count(diff), count);
    for (size_t i = 0; i < count; i++) assert_string_equal(pair_line(diff, i, line), lines[i]);
    ek_diff_destroy(diff);
    pb_free(&a);
    pb_free(&b);
}

static void bytes_count(void **state) {
    (void)state;
    const float same[] = {1, 2, 3, 4}, other[] = {1, 2, 3, 5};
    const char *const moved[] = {"tensor||w|external_data 'location': 'weights.bin' -> 'same.bin'",
                                 "tensor||w|external_data 'offset': '4' -> removed"};
    const char *const changed[] = {"tensor||w|relative difference 0.25",
                                   "tensor||w|external_data 'location': 'same.bin' -> 'other.bin'"};
    pair_write("same.bin", same, sizeof same);
    pair_write("other.bin", other, sizeof other);
    expect(outside_model("weights.bin", "4", 4), outside_model("weights.bin", "4", 4), NULL, 0);
    expect(outside_model("weights.bin", "4", 4), outside_model("same.bin", NULL, 4), moved, 2);
    expect(outside_model("same.bin", NULL, 4), outside_model("other.bin", NULL, 4), changed, 2);
}

/* The same document in two folders, with other data beside it. */
static void beside_each_file(void **state) {
    (void)state;
    const float a[] = {1, 2, 3, 4}, b[] = {1, 2, 3, 5};
    ek_error err = {0};
    ek_diff *diff;
    char line[2048];
    pb model = outside_model("w.bin", NULL, 4);
    assert_int_equal(mkdir(pair_path("one"), 0700), 0);
    assert_int_equal(mkdir(pair_path("two"), 0700), 0);
    pair_write("one/m.onnx", model.data, model.size);
    pair_write("two/m.onnx", model.data, model.size);
    pair_write("one/w.bin", a, sizeof a);
    pair_write("two/w.bin", b, sizeof b);
    assert_int_equal(ek_diff_files(pair_path("one/m.onnx"), pair_path("two/m.onnx"), &diff, &err), EK_OK);
    assert_int_equal(ek_diff_count(diff), 1);
    assert_string_equal(pair_line(diff, 0, line), "tensor||w|relative difference 0.25");
    ek_diff_destroy(diff);
    pb_free(&model);
}

static void expect_failure(pb model, ek_status status, const char *text) {
    ek_error err = {0};
    ek_diff *diff;
    assert_int_equal(pair_diff(&model, &model, &diff, &err), status);
    assert_null(diff);
    if (strstr(err.text, text) == NULL) fail_msg("'%s' lacks '%s'", err.text, text);
    if (strstr(err.text, "tensor 'w'") == NULL) fail_msg("'%s' does not name the tensor", err.text);
    pb_free(&model);
}

static void what_cannot_be_read_is_said(void **state) {
    (void)state;
    expect_failure(outside_model("none.bin", NULL, 4), EK_ERR_IO, "none.bin: cannot open");
    expect_failure(outside_model("../up.bin", NULL, 4), EK_ERR_FORMAT, "leaves its folder");
    expect_failure(outside_model("weights.bin", "8", 4), EK_ERR_FORMAT, "16 bytes at 8 of 'weights.bin'");
    expect_failure(outside_model("weights.bin", "x", 4), EK_ERR_FORMAT, "a number of bytes");
    assert_int_equal(symlink("weights.bin", pair_path("link.bin")), 0);
    expect_failure(outside_model("link.bin", NULL, 4), EK_ERR_IO, "symbolic link");
}

/* ---- large files ---- */

#ifdef __SANITIZE_ADDRESS__
enum { LIMIT = 500 }; /* with what the sanitizer remembers of every byte */
#else
enum { LIMIT = 200 };
#endif
enum { MEBI = 1 << 20 };

/* A file of holes, which take no room, with one byte at its end. */
static void sparse_file(const char *name, const void *head, size_t size, off_t length, unsigned char last) {
    pair_write(name, head, size);
    FILE *stream = fopen(pair_path(name), "r+b");
    assert_non_null(stream);
    assert_int_equal(fseeko(stream, length - 1, SEEK_SET), 0);
    assert_int_equal(fputc(last, stream), last);
    assert_int_equal(fclose(stream), 0);
}

/* What a process of its own needs to compare: memory at its peak in MiB, and the number of changes. */
static long compare_alone(const char *a, const char *b, int expected) {
    struct rusage usage;
    int status;
    pid_t child = fork();
    if (child == 0) {
        ek_diff *diff;
        if (ek_diff_files(a, b, &diff, NULL) != EK_OK) _exit(99);
        int count = (int)ek_diff_count(diff);
        ek_diff_destroy(diff);
        _exit(count);
    }
    assert_true(child > 0);
    assert_int_equal(wait4(child, &status, 0, &usage), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
    return usage.ru_maxrss / 1024;
}

static void large_file_beside(void **state) {
    (void)state;
    const int64_t count = (int64_t)600 * MEBI / 4;
    pb a = outside_model("large_a.bin", NULL, count), b = outside_model("large_b.bin", NULL, count);
    pair_write("a.onnx", a.data, a.size);
    pair_write("b.onnx", b.data, b.size);
    sparse_file("large_a.bin", "", 0, (off_t)600 * MEBI, 0x40);
    sparse_file("large_b.bin", "", 0, (off_t)600 * MEBI, 0x41);
    long peak = compare_alone(pair_path("a.onnx"), pair_path("b.onnx"), 2);
    print_message("600 MiB beside each model: %ld MiB at most\n", peak);
    assert_true(peak < LIMIT);
    assert_int_equal(unlink(pair_path("large_a.bin")), 0);
    assert_int_equal(unlink(pair_path("large_b.bin")), 0);
    pb_free(&a);
    pb_free(&b);
}

/* A tensor of `size` bytes at the end of the file: its data (raw_data, or float_data) is the last field of each
 * message. */
static pb head_of(uint64_t size, unsigned field) {
    pb lengths[2] = {{0}, {0}}, t = {0}, graph = {0}, model = {0};
    pb_int(&t, 1, (int64_t)(size / 4));
    pb_int(&t, 2, 1);
    pb_text(&t, 8, "w");
    pb_tag(&t, field, 2);
    pb_number(&t, size);
    pb_tag(&graph, 5, 2);
    pb_number(&lengths[0], t.size + size);
    pb_int(&model, 1, 8);
    pb_tag(&model, 7, 2);
    pb_number(&lengths[1], graph.size + lengths[0].size + t.size + size);
    pb_raw(&model, lengths[1].data, lengths[1].size);
    pb_raw(&model, graph.data, graph.size);
    pb_raw(&model, lengths[0].data, lengths[0].size);
    pb_raw(&model, t.data, t.size);
    for (int i = 0; i < 2; i++) pb_free(&lengths[i]);
    pb_free(&t);
    pb_free(&graph);
    return model;
}

static void large_files(int mebi, unsigned field) {
    const uint64_t size = (uint64_t)mebi * MEBI;
    pb head = head_of(size, field);
    sparse_file("large_a.onnx", head.data, head.size, (off_t)(head.size + size), 0x40);
    sparse_file("large_b.onnx", head.data, head.size, (off_t)(head.size + size), 0x41);
    long peak = compare_alone(pair_path("large_a.onnx"), pair_path("large_b.onnx"), 1);
    print_message("two models of %d MiB: %ld MiB at most\n", mebi, peak);
    assert_true(peak < LIMIT);
    assert_int_equal(unlink(pair_path("large_a.onnx")), 0);
    assert_int_equal(unlink(pair_path("large_b.onnx")), 0);
    pb_free(&head);
}

static void large_file(void **state) {
    (void)state;
    large_files(150, 9);
    large_files(600, 9);
    large_files(300, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_count),
        cmocka_unit_test(beside_each_file),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(large_file_beside),
        cmocka_unit_test(large_file),
    };
    return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
