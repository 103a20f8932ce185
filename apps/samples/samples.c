/* samples.c: images to try the commands of README and docs/guide on, made of the built-in strokes; nothing is
 * downloaded.
 *
 *     samples FOLDER      writes into the folder, which is made where it is missing:
 *
 *     mnist-folder/   digits as IDX files, as MNIST comes: 600 to train, 100 to test
 *     photos/         rows of six digits in colour, upright (class "0") and turned round ("180"): train/CLASS/NNN.png,
 * test/... other-folder/   the same kind of images by night: light digits on dark ground x.npy           one digit,
 * [1,1,28,28] one.npy         test/180/000.png of the photos as a model of colour images from -1 to 1 wants it,
 * [1,3,48,192]
 */
#include <evenkeel/data.h>

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HEIGHT = 48, WIDTH = 192, DIGITS = 6, SIDE = 28, PIXELS = SIDE * SIDE, TRAIN = 96, TEST = 32 };

typedef enum light { DAY, NIGHT } light;

static void stop(const char *what) {
    fprintf(stderr, "samples: %s\n", what);
    exit(1);
}

static void make_folder(const char *path) {
    mkdir(path, 0777); /* one that is there will do; what cannot be written is noticed at the first file */
}

static void read_digit(const ek_dataset *digits, int64_t index, float digit[PIXELS], int32_t *label) {
    ek_error err;
    if (ek_dataset_read(digits, index, digit, label, &err) != EK_OK) stop(err.text);
}

static void draw(const ek_dataset *digits, int64_t first, int turned, light when, unsigned char image[HEIGHT * WIDTH]) {
    float digit[PIXELS];
    int ground = when == DAY ? 230 : 60, ink = when == DAY ? -200 : 130;
    memset(image, ground, HEIGHT * WIDTH);
    for (int d = 0; d < DIGITS; d++) {
        read_digit(digits, first + d, digit, NULL);
        for (int i = 0; i < PIXELS; i++) {
            int at = (i / SIDE + 10) * WIDTH + i % SIDE + 8 + d * 30;
            image[turned ? HEIGHT * WIDTH - 1 - at : at] = (unsigned char)((float)ground + (float)ink * digit[i]);
        }
    }
}

/* In the light of one of three lamps. */
static unsigned char tinted(int value, int lamp, int channel) {
    static const int tint[3][3] = {{255, 230, 200}, {210, 235, 255}, {235, 255, 215}};
    return (unsigned char)(value * tint[lamp % 3][channel] / 255);
}

static void write_png(const char *path, const unsigned char *image, int lamp) {
    static unsigned char coloured[3 * HEIGHT * WIDTH];
    png_image png = {.version = PNG_IMAGE_VERSION, .width = WIDTH, .height = HEIGHT, .format = PNG_FORMAT_RGB};
    for (int i = 0; i < 3 * HEIGHT * WIDTH; i++) coloured[i] = tinted(image[i / 3], lamp, i % 3);
    if (!png_image_write_to_file(&png, path, 0, coloured, 0, NULL)) stop(png.message);
}

static void write_split(const char *folder, const char *split, const ek_dataset *digits, int64_t first, int count,
                        light when) {
    static const char *const classes[2] = {"0", "180"};
    char path[4096];
    unsigned char image[HEIGHT * WIDTH];
    snprintf(path, sizeof path, "%s/%s", folder, split);
    make_folder(path);
    for (int c = 0; c < 2; c++) {
        snprintf(path, sizeof path, "%s/%s/%s", folder, split, classes[c]);
        make_folder(path);
        for (int i = 0; i < count; i++) {
            draw(digits, first + (2 * i + c) * DIGITS, c, when, image);
            snprintf(path, sizeof path, "%s/%s/%s/%03d.png", folder, split, classes[c], i);
            write_png(path, image, i);
        }
    }
}

static void write_photos(const char *parent, const char *name, const ek_dataset *digits, int64_t first, light when) {
    char folder[2048];
    snprintf(folder, sizeof folder, "%s/%s", parent, name);
    make_folder(folder);
    write_split(folder, "train", digits, first, TRAIN, when);
    write_split(folder, "test", digits, first + (int64_t)2 * TRAIN * DIGITS, TEST, when);
}

/* An IDX file: a big-endian header of 32-bit words, then bytes. */
static void write_idx(const char *path, const unsigned *words, size_t count, const unsigned char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    if (file == NULL) stop(path);
    for (size_t i = 0; i < count; i++)
        for (int shift = 24; shift >= 0; shift -= 8) putc((int)(words[i] >> shift & 255U), file);
    fwrite(bytes, 1, size, file);
    if (ferror(file) || fclose(file) != 0) stop(path);
}

static void write_digits(const char *folder, const char *split, const ek_dataset *digits, int64_t first, int count) {
    char path[4096];
    float digit[PIXELS];
    unsigned char *images = calloc((size_t)count, PIXELS), *labels = malloc((size_t)count);
    if (images == NULL || labels == NULL) stop("out of memory");
    for (int i = 0; i < count; i++) {
        int32_t label;
        read_digit(digits, first + i, digit, &label);
        labels[i] = (unsigned char)label;
        for (int p = 0; p < PIXELS; p++)
            images[(size_t)i * PIXELS + (size_t)p] = (unsigned char)(255 * digit[p] + 0.5F);
    }
    snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", folder, split);
    write_idx(path, (unsigned[]){0x803, (unsigned)count, SIDE, SIDE}, 4, images, (size_t)count * PIXELS);
    snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", folder, split);
    write_idx(path, (unsigned[]){0x801, (unsigned)count}, 2, labels, (size_t)count);
    free(images);
    free(labels);
}

static void write_mnist(const char *parent, const ek_dataset *digits) {
    char path[2048];
    float digit[PIXELS];
    ek_error err;
    snprintf(path, sizeof path, "%s/mnist-folder", parent);
    make_folder(path);
    write_digits(path, "train", digits, 0, 600);
    write_digits(path, "t10k", digits, 600, 100);
    read_digit(digits, 700, digit, NULL);
    snprintf(path, sizeof path, "%s/x.npy", parent);
    if (ek_npy_write(path, EK_F32, 4, (int64_t[]){1, 1, SIDE, SIDE}, digit, &err) != EK_OK) stop(err.text);
}

static void write_one(const char *parent, const ek_dataset *digits) {
    static float values[3 * HEIGHT * WIDTH];
    char path[2048];
    unsigned char image[HEIGHT * WIDTH];
    ek_error err;
    draw(digits, (int64_t)2 * TRAIN * DIGITS + DIGITS, 1, DAY, image);
    for (int i = 0; i < 3 * HEIGHT * WIDTH; i++)
        values[i] = ((float)image[i % (HEIGHT * WIDTH)] / 255.0F - 0.5F) / 0.5F;
    snprintf(path, sizeof path, "%s/one.npy", parent);
    if (ek_npy_write(path, EK_F32, 4, (int64_t[]){1, 3, HEIGHT, WIDTH}, values, &err) != EK_OK) stop(err.text);
}

int main(int argc, char **argv) {
    enum { EACH = 2 * (TRAIN + TEST) * DIGITS };
    char spec[64];
    ek_dataset *digits;
    ek_error err;
    if (argc != 2) stop("usage: samples FOLDER");
    snprintf(spec, sizeof spec, "builtin:strokes:%d", 2 * EACH);
    if (ek_dataset_open(spec, EK_SPLIT_TRAIN, NULL, &digits, &err) != EK_OK) stop(err.text);
    make_folder(argv[1]);
    write_photos(argv[1], "photos", digits, 0, DAY);
    write_photos(argv[1], "other-folder", digits, EACH, NIGHT);
    write_mnist(argv[1], digits);
    write_one(argv[1], digits);
    ek_dataset_close(digits);
    return 0;
}
