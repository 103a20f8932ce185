/* make_photos.c: a folder of images for the guide: rows of drawn digits, upright (class "0") and turned round ("180"),
 * as train/CLASS/NNN.png and test/CLASS/NNN.png, and one image as one.npy, made as the guide's server wants it.
 *
 *     make_photos FOLDER CHANNELS
 */
#include <evenkeel/data.h>

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HEIGHT = 48, WIDTH = 192, DIGITS = 6, SIDE = 28, TRAIN = 96, TEST = 32 };

static void stop(const char *what) {
    fprintf(stderr, "make_photos: %s\n", what);
    exit(1);
}

/* Dark digits on a light ground. */
static void draw(const ek_dataset *digits, int64_t first, int turned, unsigned char image[HEIGHT * WIDTH]) {
    float digit[SIDE * SIDE];
    ek_error err;
    memset(image, 230, HEIGHT * WIDTH);
    for (int d = 0; d < DIGITS; d++) {
        if (ek_dataset_read(digits, first + d, digit, NULL, &err) != EK_OK) stop(err.text);
        for (int y = 0; y < SIDE; y++) {
            for (int x = 0; x < SIDE; x++) {
                int at = (y + 10) * WIDTH + x + 8 + d * 30;
                int value = (int)(230 - 200 * digit[y * SIDE + x]);
                image[turned ? HEIGHT * WIDTH - 1 - at : at] = (unsigned char)value;
            }
        }
    }
}

static void write_png(const char *path, const unsigned char *image) {
    png_image png = {.version = PNG_IMAGE_VERSION, .width = WIDTH, .height = HEIGHT, .format = PNG_FORMAT_GRAY};
    if (!png_image_write_to_file(&png, path, 0, image, 0, NULL)) stop(png.message);
}

static void write_npy(const char *path, const unsigned char *image, int channels) {
    static float values[3 * HEIGHT * WIDTH];
    const int64_t dims[4] = {1, channels, HEIGHT, WIDTH};
    ek_error err;
    for (int i = 0; i < channels * HEIGHT * WIDTH; i++)
        values[i] = ((float)image[i % (HEIGHT * WIDTH)] / 255.0F - 0.5F) / 0.5F;
    if (ek_npy_write(path, EK_F32, 4, dims, values, &err) != EK_OK) stop(err.text);
}

static void write_split(const char *folder, const char *split, const ek_dataset *digits, int64_t first, int count) {
    static const char *const classes[2] = {"0", "180"};
    char path[1024];
    unsigned char image[HEIGHT * WIDTH];
    snprintf(path, sizeof path, "%s/%s", folder, split);
    mkdir(path, 0777);
    for (int c = 0; c < 2; c++) {
        snprintf(path, sizeof path, "%s/%s/%s", folder, split, classes[c]);
        mkdir(path, 0777);
        for (int i = 0; i < count; i++) {
            draw(digits, first + (2 * i + c) * DIGITS, c, image);
            snprintf(path, sizeof path, "%s/%s/%s/%03d.png", folder, split, classes[c], i);
            write_png(path, image);
        }
    }
}

int main(int argc, char **argv) {
    char path[1024], spec[64];
    unsigned char image[HEIGHT * WIDTH];
    ek_dataset *digits;
    ek_error err;
    if (argc != 3) stop("usage: make_photos FOLDER CHANNELS");
    snprintf(spec, sizeof spec, "builtin:strokes:%d", 2 * (TRAIN + TEST) * DIGITS);
    if (ek_dataset_open(spec, EK_SPLIT_TRAIN, NULL, &digits, &err) != EK_OK) stop(err.text);
    mkdir(argv[1], 0777);
    write_split(argv[1], "train", digits, 0, TRAIN);
    write_split(argv[1], "test", digits, (int64_t)2 * TRAIN * DIGITS, TEST);
    draw(digits, (int64_t)2 * TRAIN * DIGITS + DIGITS, 1, image); /* test/180/000.png */
    snprintf(path, sizeof path, "%s/../one.npy", argv[1]);
    write_npy(path, image, atoi(argv[2]));
    ek_dataset_close(digits);
    return 0;
}
