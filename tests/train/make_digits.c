/* make_digits.c: a folder of digits drawn in colour, as train/CLASS/NNN.png and test/CLASS/NNN.png: what a first try
 * with a few photos of one's own is like. A digit is up to seven strokes whose ends waver; ink, ground, pen, size and
 * place differ from image to image. SEED and an image's number decide all of it.
 *
 *     make_digits FOLDER CLASSES TRAIN TEST SEED      TRAIN and TEST images in all
 */
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { SIDE = 32, STROKES = 7 };

typedef unsigned char picture[SIDE][SIDE][3];

typedef struct stroke {
    double x0, y0, x1, y1;
} stroke;

/* Top, upper left, upper right, middle, lower left, lower right, bottom; x and y from 0 to 1. */
static const stroke strokes[STROKES] = {{0, 0, 1, 0},     {0, 0, 0, 0.5},   {1, 0, 1, 0.5}, {0, 0.5, 1, 0.5},
                                        {0, 0.5, 0, 1.0}, {1, 0.5, 1, 1.0}, {0, 1, 1, 1}};
static const char *const digits[10] = {"1110111", "0010010", "1011101", "1011011", "0111010",
                                       "1101011", "1101111", "1010010", "1111111", "1111011"};

static void stop(const char *what) {
    fprintf(stderr, "make_digits: %s\n", what);
    exit(1);
}

/* splitmix64: the next number of a stream, from low to high. */
static double between(unsigned long long *stream, double low, double high) {
    unsigned long long z = *stream += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return low + (high - low) * (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double distance(const stroke *s, double x, double y) {
    double dx = s->x1 - s->x0, dy = s->y1 - s->y0, t = (x - s->x0) * dx + (y - s->y0) * dy;
    t = fmin(1, fmax(0, t / (dx * dx + dy * dy)));
    return hypot(x - s->x0 - t * dx, y - s->y0 - t * dy);
}

/* Places the strokes of a digit; returns how many there are. */
static int place(int digit, unsigned long long *stream, stroke placed[STROKES]) {
    double width = between(stream, 10, 13), height = between(stream, 18, 22), waver = 1;
    double left = (SIDE - width) / 2 + between(stream, -2, 2), top = (SIDE - height) / 2 + between(stream, -2, 2);
    int count = 0;
    for (int i = 0; i < STROKES; i++) {
        if (digits[digit][i] != '1') continue;
        placed[count].x0 = left + width * strokes[i].x0 + between(stream, -waver, waver);
        placed[count].y0 = top + height * strokes[i].y0 + between(stream, -waver, waver);
        placed[count].x1 = left + width * strokes[i].x1 + between(stream, -waver, waver);
        placed[count].y1 = top + height * strokes[i].y1 + between(stream, -waver, waver);
        count++;
    }
    return count;
}

/* Dark ink of some colour on a light ground of another, with grain. */
static void draw(int digit, unsigned long long stream, picture out) {
    stroke placed[STROKES];
    double ink[3], ground[3], pen = between(&stream, 1, 2);
    int count = place(digit, &stream, placed);
    for (int k = 0; k < 3; k++) {
        ink[k] = between(&stream, 0, 120);
        ground[k] = between(&stream, 220, 245);
    }
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double near = SIDE;
            for (int i = 0; i < count; i++) near = fmin(near, distance(&placed[i], x + 0.5, y + 0.5));
            double cover = fmin(1, fmax(0, pen + 0.5 - near));
            for (int k = 0; k < 3; k++)
                out[y][x][k] = (unsigned char)(cover * ink[k] + (1 - cover) * ground[k] + between(&stream, 0, 10));
        }
}

static void write_split(const char *folder, const char *split, int classes, int count, unsigned long long stream) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, split);
    mkdir(path, 0777);
    for (int i = 0; i < count; i++) {
        picture image;
        png_image png = {.version = PNG_IMAGE_VERSION, .width = SIDE, .height = SIDE, .format = PNG_FORMAT_RGB};
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
