/* make_tasks.c: data and models of tasks beyond one class for each image (tasks.sh).
 *
 *     make_tasks labels FOLDER COUNT MNIST   digits with two labels each, the digit and its parity, by table
 *     make_tasks masks FOLDER COUNT          drawn digits on cluttered ground with masks, and a small U-Net
 *     make_tasks angle FOLDER COUNT          turned digits, the angle in a table
 *     make_tasks sequences FOLDER COUNT      waves of four shapes as .npy, and a 1-D convolutional net
 */
#include "drawn.h"
#include "net_file.h"

#include <evenkeel/data.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIDE = DRAWN_SIDE, LENGTH = 64, WAVES = 4, PATCHES = 10 };

typedef unsigned char image[SIDE][SIDE];

static void stop(const char *what) {
    fprintf(stderr, "make_tasks: %s\n", what);
    exit(1);
}

static unsigned long long stream_of(int i) { return 77 + (unsigned long long)i * 0x2545f4914f6cdd1dULL; }

static void folder(const char *path) {
    if (mkdir(path, 0777) != 0) stop(path);
}

static void put_image(const char *path, const void *pixels, int side) {
    png_image png = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_GRAY};
    png.width = png.height = (png_uint_32)side;
    if (!png_image_write_to_file(&png, path, 0, pixels, 0, NULL)) stop(png.message);
}

static const char *split_of(int i, int count) { return i < count ? "train" : "test"; }

static FILE *table(const char *header) {
    FILE *file = fopen("labels.csv", "w");
    if (file == NULL) stop("labels.csv");
    fprintf(file, "%s\n", header);
    folder("images");
    return file;
}

static void make_labels(int count, const char *mnist) {
    FILE *file = table("path,labels,split");
    int written = 0;
    for (int split = 0; split < 2; split++) {
        ek_dataset *data;
        ek_error err = {EK_OK, ""};
        if (ek_dataset_open(mnist, (ek_split)split, NULL, &data, &err) != EK_OK) stop(err.text);
        int most = split == 0 ? count : count / 6;
        for (int i = 0; i < most && i < ek_dataset_describe(data).count; i++) {
            float values[28 * 28];
            unsigned char pixels[28 * 28];
            int32_t digit;
            char path[64];
            if (ek_dataset_read(data, i, values, &digit, &err) != EK_OK) stop(err.text);
            for (int p = 0; p < 28 * 28; p++) pixels[p] = (unsigned char)(255 * values[p] + 0.5f);
            snprintf(path, sizeof path, "images/%d.png", written++);
            put_image(path, pixels, 28);
            fprintf(file, "%s,%d|%s,%s\n", path, (int)digit, digit % 2 == 1 ? "odd" : "even", split_of(split, 1));
        }
        ek_dataset_close(data);
    }
    if (fclose(file) != 0) stop("labels.csv");
}

/* Patches and grain, and the ink of the digit brighter than either. */
static void draw_masked(int i, image out, image mask) {
    unsigned long long stream = stream_of(i);
    drawn_stroke placed[DRAWN_STROKES];
    int count = drawn_place(i % 10, &stream, placed);
    double pen = drawn_between(&stream, 1.5, 2.5), ink = drawn_between(&stream, 170, 230);
    memset(out, 40, sizeof(image));
    for (int p = 0; p < PATCHES; p++) {
        int x = (int)drawn_between(&stream, -4, SIDE), y = (int)drawn_between(&stream, -4, SIDE);
        int side = (int)drawn_between(&stream, 3, 12), gray = (int)drawn_between(&stream, 0, 250);
        for (int r = y < 0 ? 0 : y; r < y + side && r < SIDE; r++)
            for (int c = x < 0 ? 0 : x; c < x + side && c < SIDE; c++) out[r][c] = (unsigned char)gray;
    }
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double near = SIDE;
            for (int k = 0; k < count; k++) near = fmin(near, drawn_distance(&placed[k], x + 0.5, y + 0.5));
            mask[y][x] = near <= pen ? 255 : 0;
            double value = near <= pen ? ink : near <= pen + 1 ? 0 : out[y][x]; /* with a dark rim */
            out[y][x] = (unsigned char)fmin(255, fmax(0, value + drawn_between(&stream, -20, 20)));
        }
}

static void block(net_file *n, int channels) {
    net_file_conv(n, channels, 3);
    net_file_norm(n);
}

/* Down twice, up twice, each height joined with what came down there. */
static void make_unet(void) {
    net_file n = net_file_begin(1, SIDE, 2);
    char first[32], second[32];
    block(&n, 12);
    strcpy(first, n.x);
    net_file_pool(&n);
    block(&n, 24);
    strcpy(second, n.x);
    net_file_pool(&n);
    block(&n, 48);
    net_file_up(&n, 24);
    net_file_join(&n, second, 24);
    block(&n, 24);
    net_file_up(&n, 12);
    net_file_join(&n, first, 12);
    block(&n, 12);
    net_file_conv(&n, 2, 1);
    net_file_end(&n, 4, "unet.onnx");
}

static void make_masks(int count) {
    static const char *const parts[] = {"train", "train/images", "train/masks", "test", "test/images", "test/masks"};
    for (int i = 0; i < 6; i++) folder(parts[i]);
    for (int i = 0; i < count + count / 4; i++) {
        image picture, mask;
        char path[64];
        draw_masked(i, picture, mask);
        snprintf(path, sizeof path, "%s/images/%d.png", split_of(i, count), i);
        put_image(path, picture, SIDE);
        snprintf(path, sizeof path, "%s/masks/%d.png", split_of(i, count), i);
        put_image(path, mask, SIDE);
    }
    make_unet();
}

/* A digit 7, turned by up to 60 degrees either way. */
static void make_angles(int count) {
    FILE *file = table("path,angle,split");
    for (int i = 0; i < count + count / 4; i++) {
        unsigned long long stream = stream_of(i);
        drawn_stroke placed[DRAWN_STROKES];
        image picture;
        char path[64];
        int strokes = drawn_place(7, &stream, placed);
        double pen = drawn_between(&stream, 1, 2), turn = drawn_between(&stream, -1, 1), middle = SIDE / 2.0;
        double c = cos(turn * acos(-1) / 3), s = sin(turn * acos(-1) / 3);
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                double dx = x + 0.5 - middle, dy = y + 0.5 - middle, near = SIDE;
                for (int k = 0; k < strokes; k++)
                    near = fmin(near, drawn_distance(&placed[k], middle + c * dx + s * dy, middle - s * dx + c * dy));
                double value = 220 * fmin(1, fmax(0, pen + 0.5 - near)) + drawn_between(&stream, 0, 30);
                picture[y][x] = (unsigned char)value;
            }
        snprintf(path, sizeof path, "images/%d.png", i);
        put_image(path, picture, SIDE);
        fprintf(file, "%s,%.5f,%s\n", path, turn, split_of(i, count));
    }
    if (fclose(file) != 0) stop("labels.csv");
}

/* A sine, a square wave, a saw tooth and a falling tone, at any phase and of any height, in noise. */
static float wave(int kind, double t, double phase) {
    double turn = t * (kind == 3 ? 6 - 0.04 * t * LENGTH / 2 : 4) + phase, part = turn - floor(turn);
    double sine = sin(2 * acos(-1) * turn);
    return (float)(kind == 1 ? (sine > 0) - (sine < 0) : kind == 2 ? 2 * part - 1 : sine);
}

static void make_sequences(int count) {
    for (int part = 0; part < 2; part++) {
        int n = part == 0 ? count : count / 4;
        float *x = malloc((size_t)n * LENGTH * sizeof *x);
        int64_t *y = malloc((size_t)n * sizeof *y);
        const int64_t dims[3] = {n, 1, LENGTH};
        ek_error err = {EK_OK, ""};
        if (x == NULL || y == NULL) stop("out of memory");
        for (int i = 0; i < n; i++) {
            unsigned long long stream = stream_of(i + part * count);
            double phase = drawn_between(&stream, 0, 1), height = drawn_between(&stream, 0.5, 2);
            y[i] = i % WAVES;
            for (int t = 0; t < LENGTH; t++)
                x[i * LENGTH + t] = (float)(height * (double)wave(i % WAVES, (double)t / LENGTH, phase) +
                                            drawn_between(&stream, -0.2, 0.2));
        }
        const char *const names[] = {"x.npy", "y.npy", "x_test.npy", "y_test.npy"};
        if (ek_npy_write(names[2 * part], EK_F32, 3, dims, x, &err) != EK_OK) stop(err.text);
        if (ek_npy_write(names[2 * part + 1], EK_I64, 1, dims, y, &err) != EK_OK) stop(err.text);
        free(x);
        free(y);
    }
    net_file n = net_file_begin(1, LENGTH, 1);
    net_file_conv(&n, 16, 7);
    net_file_norm(&n);
    net_file_pool(&n);
    net_file_conv(&n, 32, 5);
    net_file_norm(&n);
    net_file_classes(&n, WAVES);
    net_file_end(&n, 2, "net.onnx");
}

int main(int argc, char **argv) {
    if (argc < 4) stop("usage: make_tasks labels|masks|angle|sequences FOLDER COUNT [MNIST]");
    int count = atoi(argv[3]);
    const char *mnist = argc > 4 ? argv[4] : NULL; /* from the root */
    if (count < 8) stop("COUNT is at least 8");
    folder(argv[2]);
    if (chdir(argv[2]) != 0) stop(argv[2]);
    if (strcmp(argv[1], "labels") == 0 && mnist != NULL)
        make_labels(count, mnist);
    else if (strcmp(argv[1], "masks") == 0)
        make_masks(count);
    else if (strcmp(argv[1], "angle") == 0)
        make_angles(count);
    else if (strcmp(argv[1], "sequences") == 0)
        make_sequences(count);
    else
        stop("no such task");
    return 0;
}
