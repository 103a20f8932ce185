/* test_diff_equal.c: documents that say the same in other bytes are equal, and what says it otherwise is told so. */
#include "../onnx/mutate.h"
#include "pair.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

static pb read_whole(const char *path) {
    pb bytes = {0};
    char buffer[1 << 16];
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) fail_msg("cannot read %s", path);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, stream)) > 0;) pb_raw(&bytes, buffer, got);
    assert_int_equal(fclose(stream), 0);
    return bytes;
}

/* Order of fields, packing, long varints: protobuf's rules make the same message of them. */
static void other_bytes_are_equal(void **state) {
    (void)state;
    pb file = {0};
    size_t other = 0;
    rich_document(&file);
    for (uint64_t seed = 1; seed <= 300; seed++) {
        pb mutant = {0};
        unsigned mutations = 1 + (unsigned)(seed % (MUTATE_ORDER | MUTATE_PACKING | MUTATE_VARINTS));
        mutate_model(file.data, file.size, mutations, 1 + (unsigned)(seed % 5), seed, &mutant);
        other += mutant.size != file.size || memcmp(mutant.data, file.data, file.size) != 0;
        if (pair_count(&file, &mutant) != 0) fail_msg("seed %d: not equal", (int)seed);
        pb_free(&mutant);
    }
    assert_true(other > 250);
    pb_free(&file);
}

/* A number that is absent says the same as its default; a choice says something by being there. */
static void absent_is_default(void **state) {
    (void)state;
    static const struct {
        const char *path;
        change_kind kind;
        double number;
        size_t changes;
    } rows[] = {
        {"7/5/14", ADD_INT, 0, 0},           /* data_location: DEFAULT */
        {"7/1.3/3", ADD_TEXT, 0, 0},         /* an empty name */
        {"25/7/5/2", ADD_INT, 0, 1},         /* refused: an int where a float belongs */
        {"7/11/2/1/2/1/1", ADD_INT, 0, 1},   /* dim_value 0 beside dim_param */
        {"7/1.3/6", ADD_TEXT, 0, 0},         /* an empty documentation */
        {"7/1.2/5/6/10", ADD_TEXT, 0, 0},    /* the same of a nested graph */
        {"7/11/2/1/2/1.1/3", ADD_TEXT, 0, 0} /* an empty denotation */
    };
    pb file = {0};
    rich_document(&file);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ek_error err = {0};
        ek_diff *diff;
        pb changed = {0};
        assert_true(change_at(&file, rows[i].path, rows[i].kind, rows[i].number, "", &changed));
        ek_status status = pair_diff(&file, &changed, &diff, &err);
        size_t count = status == EK_OK ? ek_diff_count(diff) : 1;
        if (count != rows[i].changes) fail_msg("%s: %zu changes", rows[i].path, count);
        ek_diff_destroy(diff);
        pb_free(&changed);
    }
    pb_free(&file);
}

/* ---- numbers that are stored otherwise ---- */

static pb model_of(pb *tensor) {
    pb graph = {0}, model = {0};
    pb_text(tensor, 8, "w");
    pb_message(&graph, 5, tensor);
    pb_int(&model, 1, 8);
    pb_message(&model, 7, &graph);
    return model;
}

/* Two numbers, 1 and -2, of the data type: typed, and raw. */
static pb typed_model(int dtype, unsigned field, uint64_t first, uint64_t second) {
    pb t = {0};
    pb_int(&t, 1, 2);
    pb_int(&t, 2, dtype);
    pb_int(&t, field, (int64_t)first);
    pb_int(&t, field, (int64_t)second);
    return model_of(&t);
}

static pb raw_model(int dtype, const void *data, size_t size) {
    pb t = {0};
    pb_int(&t, 1, 2);
    pb_int(&t, 2, dtype);
    pb_bytes(&t, 9, data, size);
    return model_of(&t);
}

static void expect_line(pb a, pb b, const char *expected) {
    ek_error err = {0};
    ek_diff *diff;
    char line[2048];
    if (pair_diff(&a, &b, &diff, &err) != EK_OK) fail_msg("%s", err.text);
    assert_int_equal(ek_diff_count(diff), 1);
    assert_string_equal(pair_line(diff, 0, line), expected);
    ek_diff_destroy(diff);
    pb_free(&a);
    pb_free(&b);
}

static void typed_and_raw(void **state) {
    (void)state;
    const int8_t bytes[] = {1, -2};
    const int16_t shorts[] = {1, -2};
    const int32_t ints[] = {1, -2};
    const int64_t longs[] = {1, -2};
    const uint32_t uints[] = {1, 70000};
    const uint16_t halves[] = {0x3c00, 0xc000};
    const char *ints32 = "stored|||stored differently: int32_data -> raw_data, the same numbers";
    char line[128];
    (void)snprintf(line, sizeof line, "stored||w|%s", ints32 + strlen("stored|||"));
    expect_line(typed_model(3, 5, 1, (uint64_t)-2), raw_model(3, bytes, 2), line);
    expect_line(typed_model(5, 5, 1, (uint64_t)-2), raw_model(5, shorts, 4), line);
    expect_line(typed_model(6, 5, 1, (uint64_t)-2), raw_model(6, ints, 8), line);
    expect_line(typed_model(10, 5, 0x3c00, 0xc000), raw_model(10, halves, 4), line);
    expect_line(typed_model(7, 7, 1, (uint64_t)-2), raw_model(7, longs, 16),
                "stored||w|stored differently: int64_data -> raw_data, the same numbers");
    expect_line(raw_model(12, uints, 8), typed_model(12, 11, 1, 70000),
                "stored||w|stored differently: raw_data -> uint64_data, the same numbers");
    /* 257 is no byte, whatever its lowest bits are. */
    expect_line(typed_model(3, 5, 257, (uint64_t)-2), raw_model(3, bytes, 2),
                "tensor||w|numbers that do not fit int32_data");
}

static void numbers_are_values(void **state) {
    (void)state;
    const float a[] = {1, -2}, b[] = {1, -1.5F}, c[] = {-0.0F, -2}, d[] = {0, -2};
    const double e[] = {1, -2}, f[] = {1, -2.5};
    const uint16_t g[] = {0x3c00, 0xc000}, h[] = {0x3c00, 0xc200};
    expect_line(raw_model(1, a, 8), raw_model(1, b, 8), "tensor||w|relative difference 0.25");
    expect_line(raw_model(1, c, 8), raw_model(1, d, 8), "tensor||w|relative difference 0");
    expect_line(raw_model(11, e, 16), raw_model(11, f, 16), "tensor||w|relative difference 0.25");
    expect_line(raw_model(10, g, 4), raw_model(10, h, 4), "tensor||w|relative difference 0.5");
    expect_line(raw_model(16, g, 4), raw_model(16, h, 4), "tensor||w|relative difference 15");
}

/* ---- damaged files ---- */

/* Any bytes give changes or a named error. */
static void damaged_files(void **state) {
    (void)state;
    pb file = {0};
    size_t told = 0, refused = 0;
    rich_document(&file);
    for (size_t at = 0; at < file.size; at += 5) {
        ek_error err = {0};
        ek_diff *diff = NULL;
        pb damaged = {0};
        pb_raw(&damaged, file.data, at % 2 == 0 ? file.size : at);
        if (at % 2 == 0) damaged.data[at] ^= (unsigned char)(1 + at % 255);
        if (pair_diff(&file, &damaged, &diff, &err) == EK_OK) {
            if (ek_diff_count(diff) == 0) fail_msg("byte %zu: another, and not told", at);
            told++;
        } else {
            if (strstr(err.text, "onnx: ") == NULL) fail_msg("byte %zu: '%s' names no file", at, err.text);
            refused++;
        }
        ek_diff_destroy(diff);
        pb_free(&damaged);
    }
    assert_true(told > 100 && refused > 100);
    pb_free(&file);
}

/* ---- the files at hand ---- */

static void real_files(void **state) {
    (void)state;
    static const char *const folders[] = {EK_SOURCE_DIR "/../shared/models", EK_SOURCE_DIR "/../shared/cases"};
    for (size_t i = 0; i < 2; i++) {
        DIR *folder = opendir(folders[i]);
        if (folder == NULL) print_message("skipped: %s is not here\n", folders[i]);
        for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
            char path[1024];
            if (strstr(e->d_name, ".onnx") == NULL) continue;
            (void)snprintf(path, sizeof path, "%s/%s", folders[i], e->d_name);
            pb file = read_whole(path), mutant = {0};
            mutate_model(file.data, file.size, MUTATE_ORDER | MUTATE_PACKING | MUTATE_VARINTS, 3, 1, &mutant);
            if (pair_count(&file, &file) != 0) fail_msg("%s differs from itself", path);
            if (pair_count(&file, &mutant) != 0) fail_msg("%s differs from itself in other bytes", path);
            pb_free(&file);
            pb_free(&mutant);
        }
        if (folder != NULL) (void)closedir(folder);
    }
}

static void case_pairs(void **state) {
    (void)state;
    static const char *const rows[][3] = {
        {"function_a.onnx", "function_b.onnx", "attribute|local.BNRelu|t|epsilon: 0.00100000005 -> 0.100000001"},
        {"order_a.onnx", "order_b.onnx", "order|||output: y,t -> t,y"},
    };
    for (size_t i = 0; i < 2; i++) {
        char paths[2][1024];
        for (int k = 0; k < 2; k++) {
            (void)snprintf(paths[k], sizeof paths[k], "%s/../shared/cases/%s", EK_SOURCE_DIR, rows[i][k]);
        }
        if (access(paths[0], R_OK) != 0) {
            print_message("skipped: %s is not here\n", paths[0]);
            continue;
        }
        expect_line(read_whole(paths[0]), read_whole(paths[1]), rows[i][2]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_bytes_are_equal),
        cmocka_unit_test(absent_is_default),
        cmocka_unit_test(typed_and_raw),
        cmocka_unit_test(numbers_are_values),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(real_files),
        cmocka_unit_test(case_pairs),
    };
    return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
