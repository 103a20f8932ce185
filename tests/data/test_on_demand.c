/* test_on_demand.c: image files that are decoded when they are needed: the same batches as from an array of their
 * pixels, whatever is kept and whoever decodes, and damage that is named.
 */
#include "data_files.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { H = 6, W = 8, COUNT = 37, VALUES = 3 * H * W, BATCH = 5, BATCHES = (COUNT + BATCH - 1) / BATCH };

static void name_of(int i, char *name, size_t room) {
    (void)snprintf(name, room, "f/%c/%02d.%s", 'a' + i * 3 / COUNT, i, i % 2 == 0 ? "png" : "jpg");
}

static void put_files(void) {
    unsigned char pixels[VALUES];
    char name[32];
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < VALUES; j++) pixels[j] = (unsigned char)(i * 37 + j * (i % 5 + 1));
        name_of(i, name, sizeof name);
        if (i % 2 == 0) put_png(name, &(picture){.width = W, .height = H, .channels = 3, .bits = 8, .pixels = pixels});
        if (i % 2 == 1) put_jpeg(name, W, H, 3, pixels);
    }
}

static ek_dataset *open_files(uint64_t most) {
    ek_dataset_options o = {.struct_size = sizeof o, .max_bytes = most, .on_demand = 1};
    return open_good(at("f"), EK_SPLIT_TRAIN, &o);
}

/* The same pixels and labels as an array. */
static ek_dataset *open_array(void) {
    static float values[COUNT][VALUES];
    static unsigned char pixels[COUNT][VALUES], labels[COUNT];
    char spec[2100];
    ek_dataset *d = open_files(0);
    for (int i = 0; i < COUNT; i++) {
        int32_t label;
        assert_int_equal(ek_dataset_read(d, i, values[i], &label, NULL), EK_OK);
        labels[i] = (unsigned char)label;
        for (int j = 0; j < VALUES; j++) pixels[i][j] = (unsigned char)(values[i][j] * 255.0f + 0.5f);
    }
    ek_dataset_close(d);
    assert_int_equal(ek_npy_write(at("x.npy"), EK_U8, 4, (const int64_t[]){COUNT, 3, H, W}, pixels, NULL), EK_OK);
    assert_int_equal(ek_npy_write(at("y.npy"), EK_U8, 1, (const int64_t[]){COUNT}, labels, NULL), EK_OK);
    (void)snprintf(spec, sizeof spec, "%s,%s", at("x.npy"), at("y.npy"));
    return open_good(spec, EK_SPLIT_TRAIN, NULL);
}

typedef struct way {
    int workers, prefetch, rank, ranks, all; /* all: every augmentation */
} way;

/* Adds the checksum of each batch of two epochs, from some batch on. */
static int64_t epochs(const ek_dataset *d, way w, int64_t first, uint32_t sums[2 * BATCHES]) {
    ek_loader *loader;
    ek_loader_options o = ek_loader_options_default();
    ek_error err = {EK_OK, ""};
    o.batch = BATCH, o.shuffle = 1, o.seed = 5, o.crop = 2, o.flip = 1, o.mean[1] = 0.25f, o.std[2] = 0.5f;
    if (w.all) o.mixup = 0.4f, o.jitter[0] = o.jitter[2] = 0.3f, o.rotate = 20, o.erase = 0.5f;
    o.workers = w.workers, o.prefetch = w.prefetch, o.rank = w.rank, o.ranks = w.ranks;
    if (ek_loader_create(d, &o, &loader, &err) != EK_OK) fail_msg("%s", err.text);
    for (int epoch = 0; epoch < 2; epoch++) {
        assert_int_equal(ek_loader_start_epoch(loader, epoch, first, NULL), EK_OK);
        for (;;) {
            ek_batch b;
            if (ek_loader_next(loader, &b, &err) != EK_OK) fail_msg("%s", err.text);
            if (b.total == 0) break;
            uint32_t *sum = &sums[epoch * BATCHES + b.index];
            *sum = eki_crc32c(*sum, b.images, (size_t)b.count * VALUES * sizeof *b.images);
            *sum = eki_crc32c(*sum, b.labels, (size_t)b.count * sizeof *b.labels);
            *sum = eki_crc32c(*sum, b.ids, (size_t)b.count * sizeof *b.ids);
            if (w.all) *sum = eki_crc32c(*sum, b.others, (size_t)b.count * sizeof *b.others);
            if (w.all) *sum = eki_crc32c(*sum, b.shares, (size_t)b.count * sizeof *b.shares);
        }
    }
    int64_t decoded = ek_loader_report(loader).decoded;
    ek_loader_destroy(loader);
    return decoded;
}

static void test_same_batches(void **state) {
    (void)state;
    static const uint64_t kept[] = {1, (uint64_t)VALUES * COUNT / 2, 0};
    static const int64_t decoded[] = {2 * COUNT, 2 * COUNT - COUNT / 2, COUNT};
    put_files();
    ek_dataset *array = open_array();
    uint32_t expected[2 * BATCHES] = {0}, part[2 * BATCHES] = {0};
    epochs(array, (way){.prefetch = 2}, 0, expected);
    for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++) {
        for (int workers = 0; workers <= 3; workers++) {
            for (int prefetch = 0; prefetch <= 4; prefetch += 2) {
                uint32_t sums[2 * BATCHES] = {0};
                ek_dataset *d = open_files(kept[k]);
                int64_t found = epochs(d, (way){.workers = workers, .prefetch = prefetch}, 0, sums);
                assert_memory_equal(sums, expected, sizeof sums);
                assert_int_equal(found, decoded[k]);
                memset(part, 0, sizeof part);
                epochs(d, (way){.workers = workers, .prefetch = prefetch}, 3, part); /* from the middle of an epoch */
                assert_memory_equal(part + 3, expected + 3, (BATCHES - 3) * sizeof *part);
                ek_dataset_close(d);
            }
        }
    }
    ek_dataset_close(array);
}

/* Each worker has room of its own for what it makes. */
static void test_augmented(void **state) {
    (void)state;
    put_files();
    ek_dataset *sets[] = {open_array(), open_files(1), open_files(0)};
    uint32_t expected[2 * BATCHES] = {0};
    epochs(sets[0], (way){.prefetch = 0, .all = 1}, 0, expected);
    for (int i = 0; i < 3; i++) {
        for (int workers = 1; workers <= 4; workers++) {
            uint32_t sums[2 * BATCHES] = {0};
            epochs(sets[i], (way){.workers = workers, .prefetch = 2, .all = 1}, 0, sums);
            assert_memory_equal(sums, expected, sizeof sums);
        }
        ek_dataset_close(sets[i]);
    }
}

/* Each rank decodes what is its own, and no more. */
static void test_ranks(void **state) {
    (void)state;
    put_files();
    ek_dataset *array = open_array();
    for (int ranks = 2; ranks <= 3; ranks++) {
        uint32_t expected[2 * BATCHES] = {0}, sums[2 * BATCHES] = {0};
        int64_t decoded = 0;
        for (int rank = 0; rank < ranks; rank++) {
            ek_dataset *d = open_files(1);
            epochs(array, (way){.prefetch = 2, .rank = rank, .ranks = ranks}, 0, expected);
            decoded += epochs(d, (way){.workers = rank + 1, .prefetch = 2, .rank = rank, .ranks = ranks}, 0, sums);
            ek_dataset_close(d);
        }
        assert_memory_equal(sums, expected, sizeof sums);
        assert_int_equal(decoded, 2 * COUNT);
    }
    ek_dataset_close(array);
}

/* A part of a set shares its files, and what is kept of them, and outlives it. */
static void test_divided(void **state) {
    (void)state;
    put_files();
    static const uint64_t kept[] = {1, (uint64_t)VALUES * COUNT / 2, 0};
    for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++) {
        uint32_t sums[2][2][2 * BATCHES] = {0};
        ek_dataset *sets[2] = {open_array(), open_files(kept[k])};
        float moments[2][2][EK_MAX_CHANNELS];
        for (int i = 0; i < 2; i++) {
            ek_dataset *part;
            if (i == 1) assert_int_equal(ek_dataset_check(sets[i], NULL, NULL, NULL), EK_OK);
            assert_int_equal(ek_dataset_divide(sets[i], 0.3, 9, &part, NULL), EK_OK);
            assert_int_equal(ek_dataset_measure(sets[i], 0, moments[i][0], moments[i][1], NULL), EK_OK);
            epochs(sets[i], (way){.workers = 2, .prefetch = 2}, 0, sums[i][0]);
            ek_dataset_close(sets[i]);
            epochs(part, (way){.workers = 2, .prefetch = 2}, 0, sums[i][1]);
            ek_dataset_close(part);
        }
        assert_memory_equal(sums[0], sums[1], sizeof sums[0]);
        assert_memory_equal(moments[0], moments[1], sizeof moments[0]);
    }
}

static void test_measured(void **state) {
    (void)state;
    put_files();
    ek_dataset *array = open_array();
    float expected[2][EK_MAX_CHANNELS], found[2][EK_MAX_CHANNELS];
    for (int64_t limit = 0; limit <= COUNT; limit += 12) {
        assert_int_equal(ek_dataset_measure(array, limit, expected[0], expected[1], NULL), EK_OK);
        for (int checked = 0; checked < 2; checked++) {
            ek_dataset *d = open_files(checked ? 1 : 0);
            if (checked) assert_int_equal(ek_dataset_check(d, NULL, NULL, NULL), EK_OK);
            assert_int_equal(ek_dataset_measure(d, limit, found[0], found[1], NULL), EK_OK);
            assert_memory_equal(found, expected, sizeof found);
            ek_dataset_close(d);
        }
    }
    ek_dataset_close(array);
}

static int stop(void *context, int64_t done, int64_t total) {
    (void)context;
    return done >= 12 && total == COUNT;
}

/* A body that is damaged is found by the first who decodes it, and nothing but that file is named. */
static void test_damaged(void **state) {
    (void)state;
    char name[32], other[32];
    size_t bytes;
    float mean[EK_MAX_CHANNELS], std[EK_MAX_CHANNELS], image[VALUES];
    ek_error err;
    put_files();
    name_of(21, name, sizeof name);
    name_of(31, other, sizeof other);
    unsigned char *data = get_file(name, &bytes);
    put_file(name, data, bytes - 30);
    put_file(other, data, bytes - 30);
    free(data);
    open_bad(at("f"), EK_SPLIT_TRAIN, NULL, EK_ERR_FORMAT, name, "damaged", NULL);
    ek_dataset *d = open_files(0);
    assert_int_equal(ek_dataset_read(d, 20, image, NULL, NULL), EK_OK);
    assert_int_equal(ek_dataset_read(d, 21, image, NULL, &err), EK_ERR_FORMAT);
    assert_text(&err, name);
    assert_int_equal(ek_dataset_check(d, stop, NULL, &err), EK_ERR_INTERRUPTED);
    assert_text(&err, "of 37 images");
    assert_int_equal(ek_dataset_check(d, NULL, NULL, &err), EK_ERR_FORMAT);
    assert_text(&err, name);
    assert_int_equal(ek_dataset_measure(d, 0, mean, std, &err), EK_ERR_FORMAT);
    assert_text(&err, name);
    for (int workers = 1; workers <= 3; workers++) {
        ek_loader_options o = ek_loader_options_default();
        ek_loader *loader;
        ek_batch b;
        o.batch = 4, o.workers = workers;
        assert_int_equal(ek_loader_create(d, &o, &loader, NULL), EK_OK);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(ek_loader_start_epoch(loader, 0, 0, NULL), EK_OK);
            for (int i = 0; i < 5; i++) assert_int_equal(ek_loader_next(loader, &b, NULL), EK_OK);
            assert_int_equal(ek_loader_next(loader, &b, &err), EK_ERR_FORMAT);
            assert_text(&err, name);
        }
        ek_loader_destroy(loader);
    }
    ek_dataset_close(d);
}

/* Files that are others than they were when the set was opened. */
static void test_changed(void **state) {
    (void)state;
    unsigned char pixels[VALUES + 3 * H] = {0, 9};
    float image[VALUES];
    ek_error err;
    for (int i = 0; i < 3; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "f/a/%d.png", i);
        put_png(name, &(picture){.width = W, .height = H, .channels = 1, .bits = 8, .pixels = pixels});
    }
    ek_dataset *d = open_files(0);
    put_png("f/a/0.png", &(picture){.width = W + 1, .height = H, .channels = 1, .bits = 8, .pixels = pixels});
    put_png("f/a/1.png", &(picture){.width = W, .height = H, .channels = 3, .bits = 8, .pixels = pixels});
    remove_file("f/a/2.png");
    assert_int_equal(ek_dataset_read(d, 0, image, NULL, &err), EK_ERR_SHAPE);
    assert_text(&err, "f/a/0.png: is 6 x 9");
    assert_int_equal(ek_dataset_read(d, 1, image, NULL, &err), EK_ERR_SHAPE);
    assert_text(&err, "f/a/1.png: has colours");
    assert_int_equal(ek_dataset_read(d, 2, image, NULL, &err), EK_ERR_IO);
    assert_text(&err, "f/a/2.png");
    ek_dataset_close(d);
}

/* More pixels than memory, which is given up before the limit. */
static void test_larger_than_memory(void **state) {
    (void)state;
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    skip(); /* they hold memory of their own, which counts */
#endif
    enum { FILES = 400, SIDE = 256 };
    const unsigned char bmp[58] = {
        'B', 'M', 58, [10] = 54, [14] = 40, [18] = 1, [22] = 1, [26] = 1, [28] = 24, [54] = 7};
    for (int i = 0; i < FILES; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "f/%d/%d.bmp", i % 2, i);
        put_file(name, bmp, sizeof bmp);
    }
    const size_t all = (size_t)FILES * 3 * SIDE * SIDE;
    eki_memory_allow(eki_memory_limit() - eki_memory_left() + all / 2);
    for (int on_demand = 0; on_demand < 2; on_demand++) {
        ek_dataset_options o = {.struct_size = sizeof o, .height = SIDE, .width = SIDE, .on_demand = on_demand};
        ek_dataset *d = open_good(at("f"), EK_SPLIT_TRAIN, &o);
        ek_loader_options lo = ek_loader_options_default();
        ek_loader *loader;
        ek_batch b;
        lo.batch = 4, lo.workers = 2;
        assert_int_equal(ek_loader_create(d, &lo, &loader, NULL), EK_OK);
        for (int epoch = 0; epoch < 2; epoch++) {
            assert_int_equal(ek_loader_start_epoch(loader, epoch, 0, NULL), EK_OK);
            do assert_int_equal(ek_loader_next(loader, &b, NULL), EK_OK);
            while (b.count > 0);
        }
        int64_t decoded = ek_loader_report(loader).decoded, least = on_demand ? FILES : 0;
        assert_true(decoded > least + FILES / 2 && decoded < 2 * FILES); /* some are kept, not all */
        assert_true(eki_memory_left() > 0);
        ek_loader_destroy(loader);
        ek_dataset_close(d);
    }
    eki_memory_allow(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_same_batches), TEST(test_augmented),         TEST(test_ranks),
                                       TEST(test_divided),      TEST(test_measured),          TEST(test_damaged),
                                       TEST(test_changed),      TEST(test_larger_than_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
