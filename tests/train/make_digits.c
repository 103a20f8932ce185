/* make_digits.c: a folder of digits drawn in colour, as train/CLASS/NNN.png and test/CLASS/NNN.png: what a first try
 * with a few photos of one's own is like. A digit is up to seven strokes whose ends waver; ink, ground, pen, size and
 * place differ from image to image. SEED and an image's number decide all of it.
 *
 *     make_digits FOLDER CLASSES TRAIN TEST SEED      TRAIN and TEST images in all
 */
#include "drawn.h"

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef unsigned char picture[DRAWN_SIDE][DRAWN_SIDE][3];

static void stop(const char *what) {
    fprintf(stderr, "make_digits: %s\n", what);
    exit(1);
}

/* Dark ink of some colour on a light ground of another, with grain. */
static void draw(int digit, unsigned long long stream, picture out) {
    drawn_stroke placed[DRAWN_STROKES];
    double ink[3], ground[3], pen = drawn_between(&stream, 1, 2);
    int count = drawn_place(digit, &stream, placed);
    for (int k = 0; k < 3; k++) {
        ink[k] = drawn_between(&stream, 0, 120);
        ground[k] = drawn_between(&stream, 220, 245);
    }
    for (int y = 0; y < DRAWN_SIDE; y++)
        for (int x = 0; x < DRAWN_SIDE; x++) {
            double near = DRAWN_SIDE;
            for (int i = 0; i < count; i++) near = fmin(near, drawn_distance(&placed[i], x + 0.5, y + 0.5));
            double cover = fmin(1, fmax(0, pen + 0.5 - near));
            for (int k = 0; k < 3; k++)
                out[y][x][k] =
                    (unsigned char)(cover * ink[k] + (1 - cover) * ground[k] + drawn_between(&stream, 0, 10));
        }
}

static void write_split(const char *folder, const char *split, int classes, int count, unsigned long long stream) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, split);
    mkdir(path, 0777);
    for (int i = 0; i < count; i++) {
        picture image;
        png_image png = {
            .version = PNG_IMAGE_VERSION, .width = DRAWN_SIDE, .height = DRAWN_SIDE, .format = PNG_FORMAT_RGB};
        snprintf(path, sizeof path, "%s/%s/%d", folder, split, i % classes);
        mkdir(path, 0777);
        draw(i % classes, stream + (unsigned long long)i * 0x2545f4914f6cdd1dULL, image);
        snprintf(path, sizeof path, "%s/%s/%d/%03d.png", folder, split, i % classes, i / classes);
        if (!png_image_write_to_file(&png, path, 0, image, 0, NULL)) stop(png.message);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) stop("usage: make_digits FOLDER CLASSES TRAIN TEST SEED");
    int classes = atoi(argv[2]), train = atoi(argv[3]), test = atoi(argv[4]);
    unsigned long long seed = strtoull(argv[5], NULL, 10) * 0xd1342543de82ef95ULL;
    if (classes < 2 || classes > 10 || train < classes || test < 1) stop("CLASSES is 2 to 10, TRAIN at least CLASSES");
    mkdir(argv[1], 0777);
    write_split(argv[1], "train", classes, train, seed);
    write_split(argv[1], "test", classes, test, seed + 1);
    return 0;
}
