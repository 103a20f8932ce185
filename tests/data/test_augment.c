/* test_augment.c: rotation, jitter, erasing and mixup do what they say, masks move with their images, and all of it
 * depends on seed, epoch and example alone. */
#include "data_files.h"

#include "base/file.h"
#include "data/augment.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { COUNT = 400, H = 17, W = 14, C = 3, VALUES = C * H * W };

/* Planes that are linear in y and x, so that a turned image says how it was turned. */
static float slope(int c, double y, double x) { return (float)(100 * c + 2 * y + 5 * x + 40); }

static void write_set(const char *name, bool pixels) {
    static float x[COUNT][C][H][W];
    static unsigned char u[COUNT][C][H][W];
    static int64_t labels[COUNT];
    for (int i = 0; i < COUNT; i++) {
        labels[i] = i % 7;
        for (int k = 0; k < VALUES; k++) {
            int c = k / (H * W), y = k / W % H, z = k % W;
            (&x[i][0][0][0])[k] = slope(c, y, z);
            (&u[i][0][0][0])[k] = (unsigned char)((i * 37 + c * 59 + y * 11 + z * 7) % 256);
        }
    }
    const int64_t dims[] = {COUNT, C, H, W};
    assert_int_equal(ek_npy_write(at(name), pixels ? EK_U8 : EK_F32, 4, dims, pixels ? (void *)u : (void *)x, NULL),
                     EK_OK);
    assert_int_equal(ek_npy_write(at("y.npy"), EK_I64, 1, dims, labels, NULL), EK_OK);
}

static ek_dataset *open_set(bool pixels) {
    char spec[2100];
    write_set("x.npy", pixels);
    (void)snprintf(spec, sizeof spec, "%s,%s", at("x.npy"), at("y.npy"));
    return open_good(spec, EK_SPLIT_TRAIN, NULL);
}

static ek_loader *make_loader(const ek_dataset *d, const ek_loader_options *o) {
    ek_loader *loader = NULL;
    ek_error err = {EK_OK, ""};
    if (ek_loader_create(d, o, &loader, &err) != EK_OK) fail_msg("%s", err.text);
    return loader;
}

/* The whole set as one batch of an epoch. */
static ek_batch whole(ek_loader *loader, int64_t epoch) {
    ek_batch batch;
    assert_int_equal(ek_loader_start_epoch(loader, epoch, 0, NULL), EK_OK);
    assert_int_equal(ek_loader_next(loader, &batch, NULL), EK_OK);
    assert_int_equal(batch.count, COUNT);
    return batch;
}

static ek_loader_options options(void) {
    ek_loader_options o = ek_loader_options_default();
    o.batch = COUNT;
    return o;
}

/* ---- Rotation and masks ---- */

static void test_rotation(void **state) {
    (void)state;
    ek_dataset *d = open_set(false);
    ek_loader_options o = options();
    double least = 9, most = -9, sum = 0;
    o.rotate = 30;
    ek_loader *loader = make_loader(d, &o);
    ek_batch b = whole(loader, 3);
    for (int i = 0; i < COUNT; i++) {
        const float *p = b.images + (size_t)i * VALUES + 8 * W + 6; /* the middle */
        double down = (double)(p[W] - p[0]), right = (double)(p[1] - p[0]);
        double angle = atan2(right, down) - atan2(5, 2), c = cos(angle), s = sin(angle);
        for (int k = 0; k < VALUES; k++) {
            double y = k / W % H - (H - 1) / 2.0, x = k % W - (W - 1) / 2.0;
            double from_y = s * x + c * y + (H - 1) / 2.0, from_x = c * x - s * y + (W - 1) / 2.0;
            bool inside = from_y >= 0 && from_y <= H - 1 && from_x >= 0 && from_x <= W - 1;
            bool beyond = from_y <= -1 || from_y >= H || from_x <= -1 || from_x >= W;
            float found = b.images[(size_t)i * VALUES + (size_t)k];
            if (inside) assert_true(fabs((double)(found - slope(k / (H * W), from_y, from_x))) < 2e-3);
            if (beyond) assert_true(found == 0);
        }
        least = fmin(least, angle);
        most = fmax(most, angle);
        sum += angle;
    }
    assert_true(least > -30.01 / 57.29578 && least < -29 / 57.29578 && most < 30.01 / 57.29578 && most > 29 / 57.29578);
    assert_true(fabs(sum / COUNT) < 0.05);
    ek_loader_destroy(loader);
    ek_dataset_close(d);
}

/* Turned by nothing, the long way gives the bits of the short one. */
static void test_no_turn(void **state) {
    (void)state;
    static float expected[COUNT * VALUES];
    ek_dataset *d = open_set(true);
    ek_loader_options o = options();
    o.crop = 3;
    o.flip = 1;
    o.mean[1] = 0.25f;
    o.std[2] = 0.5f;
    ek_loader *loader = make_loader(d, &o);
    memcpy(expected, whole(loader, 1).images, sizeof expected);
    ek_loader_destroy(loader);
    o.rotate = 1e-30f;
    loader = make_loader(d, &o);
    const float *found = whole(loader, 1).images;
    for (size_t i = 0; i < COUNT * VALUES; i++) assert_true(fabsf(found[i] - expected[i]) < 1e-5f);
    ek_loader_destroy(loader);
    ek_dataset_close(d);
}

/* A mask that is its image: where an image is turned by a multiple of nothing both are the same; else the mask has the
 * nearest pixel. */
static void test_mask(void **state) {
    (void)state;
    static float mask[H][W], moved[H][W];
    const float outside = -1;
    ek_dataset *d = open_set(false);
    eki_recipe r = {.dataset = d, .seed = 5, .crop = 4, .flip = 1, .std = {1, 1, 1, 1}};
    float image[VALUES], scratch[VALUES];
    int flipped = 0, beyond = 0;
    eki_recipe_prepare(&r);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) mask[y][x] = slope(0, y, x);
    for (int turns = 0; turns < 2; turns++) {
        r.rotate = turns ? 90 : 0;
        for (uint64_t id = 0; id < COUNT; id++) {
            const eki_making m = {.epoch = 2, .id = id, .pixels = d->values + id * VALUES, .scratch = scratch};
            eki_recipe_apply(&r, &m, image);
            eki_recipe_apply_mask(&r, 2, id, mask, sizeof(float), &outside, moved);
            flipped += moved[H / 2][W / 2] > moved[H / 2][W / 2 + 1];
            for (int k = 0; k < H * W; k++) {
                float found = (&moved[0][0])[k], pixel = image[k];
                beyond += found < 0;
                if (!turns && found >= 0) assert_true(found == pixel);
                if (!turns && found < 0) assert_true(pixel == 0);
                if (found < 0 || pixel == 0) continue;
                bool border = found < 0; /* near the border the image fades */
                for (int j = 0; j < 9 && !border; j++) {
                    int y = k / W + j / 3 - 1, x = k % W + j % 3 - 1;
                    border = y < 0 || x < 0 || y >= H || x >= W || moved[y][x] < 0;
                }
                if (!border) assert_true(fabsf(found - pixel) <= 3.6f); /* half a pixel each way */
            }
        }
    }
    assert_in_range(flipped, COUNT / 3, COUNT);
    assert_true(beyond > COUNT * 20);
    ek_dataset_close(d);
}

/* ---- Colours ---- */

static double mean_gray(const float *image) {
    double sum = 0;
    for (int i = 0; i < H * W; i++)
        sum += 0.299 * (double)image[i] + 0.587 * (double)image[H * W + i] + 0.114 * (double)image[2 * H * W + i];
    return sum / (H * W);
}

/* Of numbers, which have no bounds: each kind of jitter alone is one factor for the whole image, around what it keeps.
 */
static void test_jitter(void **state) {
    (void)state;
    ek_dataset *d = open_set(false);
    for (int kind = 0; kind < 3; kind++) {
        ek_loader_options o = options();
        double least = 9, most = 0;
        o.jitter[kind] = 0.4f;
        ek_loader *loader = make_loader(d, &o);
        ek_batch b = whole(loader, 0);
        for (int i = 0; i < COUNT; i++) {
            const float *found = b.images + (size_t)i * VALUES;
            float before[VALUES];
            assert_int_equal(ek_dataset_read(d, i, before, NULL, NULL), EK_OK);
            double kept = kind == 1 ? mean_gray(before) : 0, factor = 0;
            for (int k = 0; k < VALUES; k++) {
                int at = k % (H * W);
                if (kind == 2)
                    kept = 0.299 * (double)before[at] + 0.587 * (double)before[H * W + at] +
                           0.114 * (double)before[2 * H * W + at];
                if (k == 0) factor = ((double)found[k] - kept) / ((double)before[k] - kept);
                assert_true(fabs((double)found[k] - kept - factor * ((double)before[k] - kept)) < 2e-3);
            }
            least = fmin(least, factor);
            most = fmax(most, factor);
        }
        assert_true(least > 0.5999 && least < 0.62 && most < 1.4001 && most > 1.38);
        ek_loader_destroy(loader);
    }
    ek_dataset_close(d);
}

static void test_jitter_stays_in_bounds(void **state) {
    (void)state;
    ek_dataset *d = open_set(true);
    ek_loader_options o = options();
    int ends = 0;
    o.jitter[0] = o.jitter[1] = o.jitter[2] = 2;
    ek_loader *loader = make_loader(d, &o);
    ek_batch b = whole(loader, 0);
    for (int i = 0; i < COUNT * VALUES; i++) {
        assert_true(b.images[i] >= 0 && b.images[i] <= 1);
        ends += b.images[i] == 1;
    }
    assert_true(ends > COUNT);
    ek_loader_destroy(loader);
    ek_dataset_close(d);
}

static void test_erase(void **state) {
    (void)state;
    ek_dataset *d = open_set(false);
    ek_loader_options o = options();
    int erased = 0;
    double least = 1, most = 0;
    o.erase = 0.5f;
    ek_loader *loader = make_loader(d, &o);
    ek_batch b = whole(loader, 0);
    for (int i = 0; i < COUNT; i++) {
        const float *p = b.images + (size_t)i * VALUES;
        int zeros = 0, top = H, bottom = -1, left = W, right = -1;
        for (int k = 0; k < H * W; k++) {
            assert_int_equal(p[k] == 0, p[H * W + k] == 0);
            if (p[k] != 0) continue;
            zeros++;
            top = k / W < top ? k / W : top;
            bottom = k / W > bottom ? k / W : bottom;
            left = k % W < left ? k % W : left;
            right = k % W > right ? k % W : right;
        }
        if (zeros == 0) continue;
        erased++;
        assert_int_equal(zeros, (bottom - top + 1) * (right - left + 1));
        least = fmin(least, (double)zeros / (H * W));
        most = fmax(most, (double)zeros / (H * W));
    }
    assert_in_range(erased, COUNT / 2 - 40, COUNT / 2 + 40);
    assert_true(least < 0.06 && most > 0.28 && most < 0.38);
    ek_loader_destroy(loader);
    ek_dataset_close(d);
}

/* ---- Mixup ---- */

static void test_mixup(void **state) {
    (void)state;
    ek_dataset *d = open_set(true);
    static float t[COUNT][2];
    for (int i = 0; i < COUNT; i++) t[i][0] = (float)i, t[i][1] = (float)(i * i);
    const ek_array_source source = {.name = "t", .dtype = EK_F32, .rank = 2, .dims = {COUNT, 2}, .data = t};
    assert_int_equal(ek_dataset_add_arrays(d, &source, 1, NULL), EK_OK);
    for (int k = 0; k < 3; k++) {
        static const float alphas[] = {0.2f, 1, 8};
        double spread = 0;
        ek_loader_options o = options();
        o.mixup = alphas[k];
        ek_loader *loader = make_loader(d, &o);
        for (int epoch = 0; epoch < 10; epoch++) {
            ek_batch b = whole(loader, epoch);
            for (int i = 0; i < COUNT; i++) {
                float mine[VALUES], other[VALUES], share = b.shares[i];
                const float *mixed = b.arrays[0].data;
                assert_true(share >= 0.5f && share <= 1);
                spread += pow((double)share - 0.5, 2) / (10 * COUNT);
                if (epoch > 0 || share > 0.99f) continue;
                int partner = (int)lround(((double)mixed[2 * i] - (double)share * i) / (1 - (double)share));
                assert_in_range(partner, 0, COUNT - 1);
                assert_int_equal(b.labels[i], i % 7);
                assert_int_equal(b.others[i], partner % 7);
                double square = (double)share * i * i + (1 - (double)share) * partner * partner;
                assert_true(fabs((double)mixed[2 * i + 1] - square) < 0.05);
                assert_int_equal(ek_dataset_read(d, i, mine, NULL, NULL), EK_OK);
                assert_int_equal(ek_dataset_read(d, partner, other, NULL, NULL), EK_OK);
                for (int j = 0; j < VALUES; j++) {
                    float expected = share * mine[j] + (1 - share) * other[j];
                    assert_true(fabsf(b.images[(size_t)i * VALUES + (size_t)j] - expected) < 1e-5f);
                }
            }
        }
        double variance = 1 / (4 * (2 * (double)alphas[k] + 1)); /* of Beta(a, a) */
        assert_true(fabs(spread / variance - 1) < 0.05);
        ek_loader_destroy(loader);
    }
    ek_dataset_close(d);
}

/* ---- The same everywhere ---- */

static uint32_t print_of(const ek_batch *b, int64_t i) {
    uint32_t crc = eki_crc32c(0, b->images + i * VALUES, VALUES * sizeof *b->images);
    crc = eki_crc32c(crc, &b->others[i], sizeof b->others[i]);
    return eki_crc32c(crc, &b->shares[i], sizeof b->shares[i]);
}

static void collect(const ek_dataset *d, const ek_loader_options *o, int64_t first, uint32_t *prints) {
    ek_loader *loader = make_loader(d, o);
    ek_batch b;
    assert_int_equal(ek_loader_start_epoch(loader, 4, first, NULL), EK_OK);
    for (;;) {
        assert_int_equal(ek_loader_next(loader, &b, NULL), EK_OK);
        if (b.total == 0) break;
        for (int64_t i = 0; i < b.count; i++) prints[b.ids[i]] = print_of(&b, i);
    }
    ek_loader_destroy(loader);
}

static void test_same_everywhere(void **state) {
    (void)state;
    ek_dataset *d = open_set(true);
    uint32_t expected[COUNT] = {0}, found[COUNT] = {0}, other[COUNT] = {0};
    ek_loader_options o = options();
    o.shuffle = 1;
    o.crop = 2;
    o.flip = 1;
    o.rotate = 15;
    o.erase = 0.5f;
    o.mixup = 0.4f;
    o.jitter[0] = o.jitter[1] = o.jitter[2] = 0.3f;
    collect(d, &o, 0, expected);
    o.batch = 16;
    o.prefetch = 0;
    o.shuffle = 0;
    o.ranks = 3;
    for (o.rank = 0; o.rank < 3; o.rank++) collect(d, &o, 0, found);
    assert_memory_equal(found, expected, sizeof found);
    memset(found, 0, sizeof found);
    o.rank = 0;
    o.ranks = 1;
    o.prefetch = 3;
    collect(d, &o, 10, found); /* from the middle */
    assert_memory_equal(found + 160, expected + 160, sizeof found - 160 * sizeof *found);
    o.seed = 2;
    collect(d, &o, 0, other);
    for (int i = 0; i < COUNT; i++) assert_int_not_equal(other[i], expected[i]);
    ek_dataset_close(d);
}

/* ---- What is refused ---- */

static void refuse(const ek_dataset *d, const ek_loader_options *o, const char *word) {
    ek_loader *loader = NULL;
    ek_error err;
    assert_int_equal(ek_loader_create(d, o, &loader, &err), EK_ERR_ARG);
    assert_null(loader);
    assert_text(&err, word);
}

static void test_bad(void **state) {
    (void)state;
    ek_dataset *d = open_set(true), *arrays = NULL;
    ek_loader_options o = options();
    o.erase = 1.5f;
    refuse(d, &o, "erase is 1.5, expected 0 to 1");
    o = options();
    o.jitter[2] = -1;
    refuse(d, &o, "jitter");
    o = options();
    o.rotate = NAN;
    refuse(d, &o, "rotate is nan");
    o = options();
    o.mixup = -0.5f;
    refuse(d, &o, "mixup");
    static const unsigned char masks[COUNT] = {0};
    const ek_array_source source = {.name = "mask", .dtype = EK_U8, .rank = 1, .dims = {COUNT}, .data = masks};
    assert_int_equal(ek_dataset_add_arrays(d, &source, 1, NULL), EK_OK);
    o = options();
    o.mixup = 1;
    refuse(d, &o, "array 'mask' is neither float32 nor float64");
    ek_dataset_close(d);
    assert_int_equal(ek_dataset_open_arrays(&source, 1, 0, &arrays, NULL), EK_OK);
    o = options();
    o.rotate = 1;
    refuse(arrays, &o, "rotate move images");
    o = options();
    o.erase = 1;
    refuse(arrays, &o, "erase and jitter change images");
    ek_dataset_close(arrays);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_rotation),
        TEST(test_no_turn),
        TEST(test_mask),
        TEST(test_jitter),
        TEST(test_jitter_stays_in_bounds),
        TEST(test_erase),
        TEST(test_same_everywhere),
        TEST(test_mixup),
        TEST(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
