/* test_loader.c: batches depend on (seed, epoch, position) alone; crop, flip and normalization are exact. */
#include "data_files.h"

#include "base/file.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { COUNT = 53, MOST_BATCHES = 64 };

/* Sets of COUNT examples of 2 x 5 x 4; the value is unique to example and position. Labels are i mod 7. */
enum { C = 2, H = 5, W = 4, VALUES = C * H * W };

static float raw_value(int example, int c, int y, int x) { return (float)(example * 100 + c * 50 + y * 10 + x) + 0.5f; }

static ek_dataset *open_f32(void) {
    static float x[COUNT][C][H][W];
    unsigned char labels[COUNT];
    char spec[2100];
    for (int i = 0; i < COUNT; i++) {
        labels[i] = (unsigned char)(i % 7);
        for (int j = 0; j < VALUES; j++) (&x[i][0][0][0])[j] = raw_value(i, j / (H * W), j / W % H, j % W);
    }
    assert_int_equal(ek_npy_write(at("x.npy"), EK_F32, 4, (const int64_t[]){COUNT, C, H, W}, x, NULL), EK_OK);
    assert_int_equal(ek_npy_write(at("y.npy"), EK_U8, 1, (const int64_t[]){COUNT}, labels, NULL), EK_OK);
    (void)snprintf(spec, sizeof spec, "%s,%s", at("x.npy"), at("y.npy"));
    return open_good(spec, EK_SPLIT_TRAIN, NULL);
}

static ek_loader *make_loader(const ek_dataset *d, const ek_loader_options *o) {
    ek_loader *loader = NULL;
    ek_error err = {EK_OK, ""};
    if (ek_loader_create(d, o, &loader, &err) != EK_OK) fail_msg("%s", err.text);
    return loader;
}

static ek_batch next(ek_loader *loader) {
    ek_batch batch;
    ek_error err = {EK_OK, ""};
    if (ek_loader_next(loader, &batch, &err) != EK_OK) fail_msg("%s", err.text);
    return batch;
}

static uint32_t checksum(const ek_batch *b, size_t values) {
    uint32_t crc = eki_crc32c(0, b->images, (size_t)b->count * values * sizeof *b->images);
    crc = eki_crc32c(crc, b->labels, (size_t)b->count * sizeof *b->labels);
    return eki_crc32c(crc, b->ids, (size_t)b->count * sizeof *b->ids);
}

/* Checksums of the batches of an epoch from `first` on; returns how many. */
static int run_epoch(ek_loader *loader, int64_t epoch, int64_t first, size_t values, uint32_t *sums) {
    int count = 0;
    assert_int_equal(ek_loader_start_epoch(loader, epoch, first, NULL), EK_OK);
    for (;;) {
        ek_batch b = next(loader);
        if (b.count == 0) return count;
        assert_int_equal(b.index, first + count);
        sums[count++] = checksum(&b, values);
    }
}

static void test_file_order(void **state) {
    (void)state;
    ek_dataset *d = open_f32();
    ek_loader_options o = ek_loader_options_default();
    o.batch = 10;
    ek_loader *loader = make_loader(d, &o);
    assert_int_equal(ek_loader_batches(loader), 6);
    assert_int_equal(ek_loader_start_epoch(loader, 0, 0, NULL), EK_OK);
    for (int64_t k = 0; k < 6; k++) {
        ek_batch b = next(loader);
        assert_int_equal(b.index, k);
        assert_int_equal(b.count, k < 5 ? 10 : 3);
        for (int64_t i = 0; i < b.count; i++) {
            int id = (int)(k * 10 + i);
            assert_int_equal(b.ids[i], id);
            assert_int_equal(b.labels[i], id % 7);
            assert_true(b.images[i * VALUES + 23] == raw_value(id, 1, 0, 3));
        }
    }
    for (int again = 0; again < 3; again++) assert_int_equal(next(loader).count, 0);
    ek_loader_destroy(loader);
    ek_loader_destroy(NULL);
    ek_dataset_close(d);
}

static void test_last(void **state) {
    (void)state;
    ek_dataset *d = open_f32();
    ek_loader_options o = ek_loader_options_default();
    uint32_t sums[MOST_BATCHES];
    static const int rows[][4] = {{10, 1, 5, 50}, {10, 0, 6, 53}, {53, 1, 1, 53}, {100, 0, 1, 53}, {1, 0, 53, 53}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        o.batch = rows[i][0];
        o.drop_last = rows[i][1];
        ek_loader *loader = make_loader(d, &o);
        assert_int_equal(ek_loader_batches(loader), rows[i][2]);
        assert_int_equal(run_epoch(loader, 0, 0, VALUES, sums), rows[i][2]);
        ek_loader_destroy(loader);
    }
    ek_dataset_close(d);
}

static void test_shuffle(void **state) {
    (void)state;
    ek_dataset *d = open_f32();
    ek_loader_options o = ek_loader_options_default();
    o.batch = 8;
    o.shuffle = 1;
    ek_loader *loader = make_loader(d, &o);
    uint64_t order[2][COUNT];
    for (int epoch = 0; epoch < 2; epoch++) {
        int seen[COUNT] = {0}, used = 0;
        assert_int_equal(ek_loader_start_epoch(loader, epoch, 0, NULL), EK_OK);
        for (ek_batch b = next(loader); b.count > 0; b = next(loader)) {
            for (int64_t i = 0; i < b.count; i++) {
                assert_in_range(b.ids[i], 0, COUNT - 1);
                assert_int_equal(seen[b.ids[i]]++, 0);
                assert_int_equal(b.labels[i], (int)b.ids[i] % 7);
                order[epoch][used++] = b.ids[i];
            }
        }
        assert_int_equal(used, COUNT);
    }
    assert_memory_not_equal(order[0], order[1], sizeof order[0]);
    ek_loader_destroy(loader);
    ek_dataset_close(d);
}

static void test_same_for_any_prefetch(void **state) {
    (void)state;
    ek_dataset *d = open_good("builtin:strokes:500", EK_SPLIT_TRAIN, NULL);
    static uint32_t sums[5][3][32]; /* 500 examples make 32 batches */
    static const int ahead[5] = {0, 1, 2, 4, 64};
    for (int p = 0; p < 5; p++) {
        ek_loader_options o = ek_loader_options_default();
        o.batch = 16;
        o.shuffle = o.flip = 1;
        o.crop = 3;
        o.prefetch = ahead[p];
        ek_loader *loader = make_loader(d, &o);
        for (int e = 0; e < 3; e++) assert_int_equal(run_epoch(loader, e, 0, 784, sums[p][e]), 32);
        assert_memory_equal(sums[p], sums[0], sizeof sums[0]);
        ek_loader_destroy(loader);
    }
    assert_memory_not_equal(sums[0][0], sums[0][1], sizeof sums[0][0]);
    ek_dataset_close(d);
}

static void test_resume(void **state) {
    (void)state;
    ek_dataset *d = open_good("builtin:strokes:300", EK_SPLIT_TRAIN, NULL);
    uint32_t whole[MOST_BATCHES], part[MOST_BATCHES];
    for (int ahead = 0; ahead <= 4; ahead += 2) {
        ek_loader_options o = ek_loader_options_default();
        o.batch = 16;
        o.shuffle = o.flip = 1;
        o.crop = 2;
        o.prefetch = ahead;
        ek_loader *loader = make_loader(d, &o);
        int count = run_epoch(loader, 5, 0, 784, whole);
        for (int first = count; first >= 0; first -= 3) { /* start over in the middle of things, too */
            assert_int_equal(ek_loader_start_epoch(loader, 2, 1, NULL), EK_OK);
            for (int i = 0; i < first % 5; i++) (void)next(loader);
            assert_int_equal(run_epoch(loader, 5, first, 784, part), count - first);
            assert_memory_equal(part, whole + first, (size_t)(count - first) * sizeof *part);
        }
        assert_int_equal(ek_loader_start_epoch(loader, 0, 0, NULL), EK_OK);
        ek_loader_destroy(loader); /* while the thread is at work */
    }
    ek_dataset_close(d);
}

/* The input position that a cropped, mirrored output shows; found from its value. */
typedef struct shift {
    int dy, dx, flip;
} shift;

static bool explains(const float *image, int id, shift s, float mean, float std) {
    for (int j = 0; j < VALUES; j++) {
        int c = j / (H * W), y = j / W % H, x = j % W, from_x = (s.flip ? W - 1 - x : x) + s.dx, from_y = y + s.dy;
        bool inside = from_x >= 0 && from_x < W && from_y >= 0 && from_y < H;
        float expected = inside ? (raw_value(id, c, from_y, from_x) - mean) / std : 0;
        if (image[j] != expected) return false;
    }
    return true;
}

static void test_crop_and_flip(void **state) {
    (void)state;
    ek_dataset *d = open_f32();
    ek_loader_options o = ek_loader_options_default();
    int seen[5][5][2] = {{{0}}}, crop = 2;
    o.crop = crop;
    o.flip = 1;
    o.mean[0] = o.mean[1] = 3;
    o.std[0] = o.std[1] = 2;
    ek_loader *loader = make_loader(d, &o);
    for (int epoch = 0; epoch < 20; epoch++) {
        assert_int_equal(ek_loader_start_epoch(loader, epoch, 0, NULL), EK_OK);
        ek_batch b = next(loader);
        for (int i = 0; i < COUNT; i++) {
            int found = 0;
            for (int k = 0; k < 50; k++) {
                shift s = {k / 10 - crop, k / 2 % 5 - crop, k % 2};
                if (!explains(b.images + (size_t)i * VALUES, i, s, 3, 2)) continue;
                found++;
                seen[s.dy + crop][s.dx + crop][s.flip]++;
            }
            assert_int_equal(found, 1);
        }
    }
    for (int k = 0; k < 50; k++) assert_in_range(seen[k / 10][k / 2 % 5][k % 2], 5, 50); /* 21 on average */
    ek_loader_destroy(loader);
    ek_dataset_close(d);
}

static void test_augmentation_follows_the_example(void **state) {
    (void)state;
    ek_dataset *d = open_f32();
    uint32_t sums[2][COUNT];
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        ek_loader_options o = ek_loader_options_default();
        o.batch = shuffle ? 9 : 16;
        o.shuffle = shuffle;
        o.crop = 2;
        o.flip = 1;
        ek_loader *loader = make_loader(d, &o);
        assert_int_equal(ek_loader_start_epoch(loader, 3, 0, NULL), EK_OK);
        for (ek_batch b = next(loader); b.count > 0; b = next(loader)) {
            for (int64_t i = 0; i < b.count; i++) {
                sums[shuffle][b.ids[i]] = eki_crc32c(0, b.images + i * VALUES, VALUES * sizeof *b.images);
            }
        }
        ek_loader_destroy(loader);
    }
    assert_memory_equal(sums[0], sums[1], sizeof sums[0]);
    ek_dataset_close(d);
}

static void test_normalization_u8(void **state) {
    (void)state;
    ek_dataset *d = open_good("builtin:strokes:20", EK_SPLIT_TRAIN, NULL);
    ek_loader_options o = ek_loader_options_default();
    o.mean[0] = 0.1f;
    o.std[0] = 0.2f;
    ek_loader *loader = make_loader(d, &o);
    assert_int_equal(ek_loader_start_epoch(loader, 0, 0, NULL), EK_OK);
    ek_batch b = next(loader);
    for (int64_t i = 0; i < b.count; i++) {
        float image[784];
        assert_int_equal(ek_dataset_read(d, i, image, NULL, NULL), EK_OK);
        for (int j = 0; j < 784; j++) assert_true(b.images[i * 784 + j] == (image[j] - 0.1f) / 0.2f);
    }
    ek_loader_destroy(loader);
    ek_dataset_close(d);
}

static void refuse(const ek_dataset *d, const ek_loader_options *o, const char *word) {
    ek_loader *loader = NULL;
    ek_error err;
    assert_int_equal(ek_loader_create(d, o, &loader, &err), EK_ERR_ARG);
    assert_null(loader);
    assert_text(&err, word);
}

static void test_bad(void **state) {
    (void)state;
    ek_dataset *d = open_f32();
    ek_loader_options good = ek_loader_options_default(), o;
    refuse(d, &(ek_loader_options){0}, "struct_size");
    o = good;
    o.batch = 0;
    refuse(d, &o, "batch is 0");
    o = good;
    o.batch = 54;
    o.drop_last = 1;
    refuse(d, &o, "keep the last");
    o = good;
    o.crop = 4;
    refuse(d, &o, "crop is 4, expected 0 to 3");
    o = good;
    o.crop = -1;
    refuse(d, &o, "crop");
    o = good;
    o.prefetch = 65;
    refuse(d, &o, "prefetch is 65");
    o = good;
    o.std[1] = 0;
    refuse(d, &o, "channel 1");
    o = good;
    o.mean[0] = NAN;
    refuse(d, &o, "channel 0");
    ek_loader *loader = make_loader(d, NULL);
    ek_batch b;
    ek_error err;
    assert_int_equal(ek_loader_next(loader, &b, &err), EK_ERR_STATE);
    assert_text(&err, "ek_loader_start_epoch");
    assert_int_equal(ek_loader_start_epoch(loader, 0, 2, &err), EK_ERR_ARG);
    assert_text(&err, "0 to 1");
    assert_int_equal(ek_loader_start_epoch(loader, -1, 0, &err), EK_ERR_ARG);
    ek_loader_destroy(loader);
    ek_dataset_close(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_file_order),
        TEST(test_last),
        TEST(test_shuffle),
        TEST(test_same_for_any_prefetch),
        TEST(test_resume),
        TEST(test_crop_and_flip),
        TEST(test_bad),
        TEST(test_augmentation_follows_the_example),
        TEST(test_normalization_u8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
