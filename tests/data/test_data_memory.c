/* test_data_memory.c: every allocation of opening, measuring and loading may fail: the call then says EK_ERR_NOMEM and
 * nothing leaks (the address sanitizer watches), or it never needed that memory.
 *
 * The linker sends our own objects' allocations through support/failing.h; those of libraries are not touched.
 */
#include "data_files.h"

#include "base/threads.h"
#include "support/failing.h"

#include <stdio.h>
#include <stdlib.h>

/* Opens, makes a loader without a thread, takes a batch. */
static ek_status use(const char *spec, const ek_dataset_options *options, ek_error *err) {
    ek_dataset *d = NULL;
    ek_loader *loader = NULL;
    ek_loader_options o = ek_loader_options_default();
    ek_batch batch;
    o.prefetch = 0;
    o.shuffle = 1;
    ek_status status = ek_dataset_open(spec, EK_SPLIT_TEST, options, &d, err);
    if (status == EK_OK) status = ek_loader_create(d, &o, &loader, err);
    if (status == EK_OK) status = ek_loader_start_epoch(loader, 0, 0, err);
    if (status == EK_OK) status = ek_loader_next(loader, &batch, err);
    ek_loader_destroy(loader);
    ek_dataset_close(d);
    return status;
}

static void check(const char *spec, const ek_dataset_options *options) {
    for (long n = 0; n < 10000; n++) {
        ek_error err = {EK_OK, ""};
        countdown = n;
        ek_status status = use(spec, options, &err);
        int untouched = countdown >= 0;
        countdown = -1;
        if (status == EK_OK && untouched) return;
        /* A failure on the way that is tried again alone succeeds then, and is reported as that. */
        if (status != EK_OK && status != EK_ERR_NOMEM && status != EK_ERR_IO) fail_msg("%ld: %s", n, err.text);
        if (status != EK_OK) assert_true(err.text[0] != '\0');
    }
    fail_msg("%s: never succeeds", spec);
}

static void put_sets(void) {
    unsigned char images[16 + 2 * 4] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2};
    const unsigned char labels[8 + 2] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 0};
    put_gzip("idx/t10k-images-idx3-ubyte.gz", images, sizeof images);
    put_file("idx/t10k-labels-idx1-ubyte", labels, sizeof labels);
    put_file("idx/train-labels-idx1-ubyte", labels, sizeof labels);
    static unsigned char record[2 * 3073];
    put_file("cifar/test_batch.bin", record, sizeof record);
    put_text("cifar/batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
    static unsigned char pixels[3 * 3 * 3];
    picture gray = {.width = 3, .height = 3, .channels = 1, .bits = 8, .pixels = pixels};
    put_png("folder/train/a/1.png", &gray);
    put_png("folder/test/a/1.png", &gray);
    put_jpeg("folder/test/a/2.jpg", 3, 3, 3, pixels);
    put_png("table/1.png", &gray);
    put_text("table/train.csv", "path,label\n1.png,a\n");
    put_text("table/test.csv", "path,label\n\"1.png\",a\n");
    put_webp("many/train/a/1.webp", 3, 3, 3, pixels);
    put_webp("many/dev/a/1.webp", 3, 3, 3, pixels);
    orient("many/dev/a/1.webp", 7, 3, 3);
    put_text("many/dev/a/b/c/d.gif", "");
    assert_int_equal(ek_npy_write(at("x.npy"), EK_U8, 3, (const int64_t[]){2, 2, 2}, images, NULL), EK_OK);
    assert_int_equal(ek_npy_write(at("y.npy"), EK_U8, 1, (const int64_t[]){2}, labels, NULL), EK_OK);
}

static void test_every_allocation(void **state) {
    (void)state;
    char pair[2100];
    put_sets();
    eki_threads_set(1);
    ek_dataset_options o = {.struct_size = sizeof o, .height = 4, .width = 4};
    check(at("idx"), NULL);
    check(at("idx"), &o);
    check(at("cifar"), NULL);
    check(at("folder"), NULL);
    check(at("folder"), &o);
    check(at("table"), NULL);
    check(at("many"), &o);
    (void)snprintf(pair, sizeof pair, "%s,%s", at("x.npy"), at("y.npy"));
    check(pair, NULL);
    check("builtin:strokes:10", NULL);
}

static void test_npy_write(void **state) {
    (void)state;
    const float x = 1;
    for (long n = 0; n < 100; n++) {
        ek_error err = {EK_OK, ""};
        countdown = n;
        ek_status status = ek_npy_write(at("x.npy"), EK_F32, 0, NULL, &x, &err);
        int untouched = countdown >= 0;
        countdown = -1;
        if (status == EK_OK && untouched) return;
        if (status != EK_OK) assert_true(status == EK_ERR_NOMEM || status == EK_ERR_IO);
    }
    fail_msg("never succeeds");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_every_allocation), TEST(test_npy_write)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
