/* Are arrays what they were in their file, in memory or of a function, in any order, beside images and in parts; and is
 * what does not belong together refused?
 */
#include "data_files.h"

#include <evenkeel/data.h>

#include <stdlib.h>
#include <string.h>

enum { ROWS = 50, WIDE = 3 };

static double numbers[ROWS][WIDE];
static int16_t classes[ROWS];

static ek_status give_row(void *context, int64_t index, void *example, ek_error *err) {
    (void)err;
    *(int64_t *)context += 1;
    *(float *)example = (float)index;
    return EK_OK;
}

static ek_status give_up(void *context, int64_t index, void *example, ek_error *err) {
    (void)context;
    memset(example, 0, sizeof(float));
    if (index < 7) return EK_OK;
    err->status = EK_ERR_IO;
    strcpy(err->text, "row 7 is not there");
    return EK_ERR_IO;
}

static void make(void) {
    for (int i = 0; i < ROWS; i++) {
        classes[i] = (int16_t)(i % 4);
        for (int k = 0; k < WIDE; k++) numbers[i][k] = i + 0.25 * k;
    }
}

static void check_batch(const ek_batch *batch) {
    assert_int_equal(batch->array_count, 3);
    const double *a = batch->arrays[0].data;
    const int16_t *b = batch->arrays[1].data;
    const float *c = batch->arrays[2].data;
    for (size_t k = 0; k < 3; k++) assert_int_equal(batch->arrays[k].dims[0], batch->count);
    for (int64_t i = 0; i < batch->count; i++) {
        size_t id = (size_t)c[i]; /* the row that it is in the arrays */
        assert_memory_equal(a + i * WIDE, numbers[id], sizeof numbers[id]);
        assert_int_equal(b[i], classes[id]);
    }
}

/* Each example once; returns how many. */
static int64_t read_all(const ek_dataset *data, int rank, int ranks) {
    ek_loader_options o = ek_loader_options_default();
    ek_loader *loader;
    ek_batch batch;
    int64_t seen = 0;
    o.batch = 8;
    o.shuffle = 1;
    o.rank = rank;
    o.ranks = ranks;
    assert_int_equal(ek_loader_create(data, &o, &loader, NULL), EK_OK);
    assert_int_equal(ek_loader_start_epoch(loader, 1, 0, NULL), EK_OK);
    while (ek_loader_next(loader, &batch, NULL) == EK_OK && batch.total > 0) {
        check_batch(&batch);
        seen += batch.count;
    }
    ek_loader_destroy(loader);
    return seen;
}

static void from_everywhere(void **state) {
    (void)state;
    const char *path = at("numbers.npy");
    int64_t calls = 0;
    ek_dataset *data, *part;
    assert_int_equal(ek_npy_write(path, EK_F64, 2, (int64_t[]){ROWS, WIDE}, numbers, NULL), EK_OK);
    const ek_array_source sources[] = {
        {.name = "a", .path = path},
        {.name = "b", .dtype = EK_I16, .rank = 1, .dims = {ROWS}, .data = classes},
        {.name = "c", .dtype = EK_F32, .rank = 2, .dims = {ROWS, 1}, .read = give_row, .context = &calls},
    };
    assert_int_equal(ek_dataset_open_arrays(sources, 3, 0, &data, NULL), EK_OK);
    assert_int_equal(read_all(data, 0, 1), ROWS);
    assert_int_equal(calls, ROWS);
    assert_int_equal(read_all(data, 0, 3) + read_all(data, 1, 3) + read_all(data, 2, 3), ROWS);
    assert_int_equal(calls, 2 * ROWS);
    assert_int_equal(ek_dataset_divide(data, 0.2, 3, &part, NULL), EK_OK);
    assert_int_equal(read_all(part, 0, 1), ROWS / 5);
    assert_int_equal(read_all(data, 0, 1), ROWS - ROWS / 5);
    ek_dataset_close(part);
    ek_dataset_close(data);
    assert_int_equal(ek_dataset_open_arrays(sources, 3, 11, &data, NULL), EK_OK);
    assert_int_equal(read_all(data, 0, 1), 11);
    float image[4];
    assert_int_equal(ek_dataset_read(data, 0, image, NULL, NULL), EK_ERR_UNSUPPORTED);
    assert_int_equal(ek_dataset_measure(data, 0, image, image, NULL), EK_ERR_UNSUPPORTED);
    ek_dataset_close(data);
}

static void beside_images(void **state) {
    (void)state;
    ek_dataset *data;
    ek_loader *loader;
    ek_batch batch;
    static float more[60];
    for (int i = 0; i < 60; i++) more[i] = (float)i;
    const ek_array_source source = {.name = "more", .dtype = EK_F32, .rank = 1, .dims = {60}, .data = more};
    ek_loader_options o = ek_loader_options_default();
    o.shuffle = 1;
    o.flip = 1;
    assert_int_equal(ek_dataset_open("builtin:strokes:60", EK_SPLIT_TRAIN, NULL, &data, NULL), EK_OK);
    assert_int_equal(ek_dataset_add_arrays(data, &source, 1, NULL), EK_OK);
    assert_int_equal(ek_loader_create(data, &o, &loader, NULL), EK_OK);
    assert_int_equal(ek_loader_start_epoch(loader, 0, 0, NULL), EK_OK);
    assert_int_equal(ek_loader_next(loader, &batch, NULL), EK_OK);
    assert_non_null(batch.images);
    for (int64_t i = 0; i < batch.count; i++)
        assert_true(((const float *)batch.arrays[0].data)[i] == (float)batch.ids[i]);
    ek_loader_destroy(loader);
    ek_dataset_close(data);
}

static void refuse(const ek_array_source *sources, size_t count, ek_status wanted, const char *part) {
    ek_dataset *data;
    ek_error err = {.text = ""};
    assert_int_equal(ek_dataset_open_arrays(sources, count, 0, &data, &err), wanted);
    if (strstr(err.text, part) == NULL) fail_msg("'%s' is not in: %s", part, err.text);
    assert_null(data);
}

static void refused(void **state) {
    (void)state;
    const ek_array_source good = {.name = "b", .dtype = EK_I16, .rank = 1, .dims = {ROWS}, .data = classes};
    ek_array_source two[2] = {good, good};
    refuse(two, 2, EK_ERR_ARG, "are both 'b'");
    two[1].name = "d";
    two[1].dims[0] = ROWS - 1;
    refuse(two, 2, EK_ERR_SHAPE, "d has 49 examples, but b has 50");
    two[1].dims[0] = 0;
    refuse(two, 2, EK_ERR_FORMAT, "holds no examples");
    two[1].dims[0] = -1;
    refuse(two, 2, EK_ERR_ARG, "extents of 0 or more");
    two[1] = (ek_array_source){.name = "d", .dtype = EK_I16, .rank = 3, .dims = {ROWS, INT64_MAX, 4}, .data = classes};
    refuse(two, 2, EK_ERR_LIMIT, "more bytes than memory");
    two[1] = (ek_array_source){.name = "d", .dtype = EK_I16, .rank = 1, .dims = {ROWS}};
    refuse(two, 2, EK_ERR_ARG, "one of path, data and read");
    two[1].path = "/nowhere/x.npy";
    refuse(two, 2, EK_ERR_IO, "/nowhere/x.npy");
    two[1] = good;
    two[1].name = "";
    refuse(two, 2, EK_ERR_ARG, "has no name");
    refuse(two, 0, EK_ERR_ARG, "at least one");
}

/* What the function returns ends the epoch, with its words. */
static void a_row_is_missing(void **state) {
    (void)state;
    const ek_array_source source = {.name = "c", .dtype = EK_F32, .rank = 1, .dims = {ROWS}, .read = give_up};
    ek_loader_options o = ek_loader_options_default();
    ek_dataset *data;
    ek_loader *loader;
    ek_batch batch;
    ek_error err = {.text = ""};
    o.batch = 4;
    assert_int_equal(ek_dataset_open_arrays(&source, 1, 0, &data, NULL), EK_OK);
    assert_int_equal(ek_loader_create(data, &o, &loader, NULL), EK_OK);
    assert_int_equal(ek_loader_start_epoch(loader, 0, 0, NULL), EK_OK);
    assert_int_equal(ek_loader_next(loader, &batch, &err), EK_OK);
    assert_int_equal(ek_loader_next(loader, &batch, &err), EK_ERR_IO);
    assert_string_equal(err.text, "row 7 is not there");
    ek_loader_destroy(loader);
    ek_dataset_close(data);
}

int main(void) {
    make();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_everywhere, folder_setup, folder_teardown),
        cmocka_unit_test(beside_images),
        cmocka_unit_test(refused),
        cmocka_unit_test(a_row_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
