/* make_jpegs.c: JPEG files as people have them: odd sizes, all EXIF orientations, gray and colour, any depth of
 * folders.
 *
 *     make_jpegs FOLDER COUNT SEED [gray]      FOLDER/{boat,cat,dog}/[deep/er/]NNN.jpg
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <turbojpeg.h>

static uint64_t state;

static unsigned draw(unsigned below) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33) % below;
}

static void stop(const char *what) {
    fprintf(stderr, "make_jpegs: %s\n", what);
    exit(1);
}

/* Waves whose direction and length go with the class; no symmetry, so that a turned image is another one. */
static unsigned char *paint(int width, int height, int channels, int kind) {
    unsigned char *pixels = malloc((size_t)width * (size_t)height * (size_t)channels), *p = pixels;
    if (pixels == NULL) stop("out of memory");
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++) {
                double u = (double)x / width, v = (double)y / height;
                double wave = sin((3 + 4 * kind) * (u + 0.3 * v) + c) * 90 + 60 * u - 40 * v;
                *p++ = (unsigned char)fmax(0, fmin(255, 110 + wave + draw(30)));
            }
    return pixels;
}

/* The segment with the orientation, behind the start of the image; 0 = none. */
static void put_exif(FILE *file, int orientation) {
    unsigned char segment[] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
                               0,    1,    1, 18, 0,   3,   0,   0,   0, 1, 0,   0,   0, 0,  0, 0, 0, 0};
    segment[29] = (unsigned char)orientation;
    if (orientation > 0) fwrite(segment, 1, sizeof segment, file);
}

static void write_jpeg(const char *path, int kind, int channels, int orientation) {
    int width = 9 + (int)draw(150), height = 9 + (int)draw(150);
    unsigned char *pixels = paint(width, height, channels, kind), *jpeg = NULL;
    unsigned long bytes = 0;
    tjhandle handle = tjInitCompress();
    int sampling = channels == 1 ? TJSAMP_GRAY : draw(2) ? TJSAMP_420 : TJSAMP_444;
    if (handle == NULL || tjCompress2(handle, pixels, width, 0, height, channels == 1 ? TJPF_GRAY : TJPF_RGB, &jpeg,
                                      &bytes, sampling, 60 + (int)draw(40), 0) != 0)
        stop(tjGetErrorStr2(handle));
    FILE *file = fopen(path, "wb");
    if (file == NULL) stop(path);
    fwrite(jpeg, 1, 2, file);
    put_exif(file, orientation);
    fwrite(jpeg + 2, 1, bytes - 2, file);
    if (fclose(file) != 0) stop(path);
    tjFree(jpeg);
    tjDestroy(handle);
    free(pixels);
}

int main(int argc, char **argv) {
    static const char *const classes[] = {"boat", "cat", "dog"};
    if (argc < 4) stop("usage: make_jpegs FOLDER COUNT SEED [gray]");
    state = strtoull(argv[3], NULL, 10);
    mkdir(argv[1], 0777);
    for (int i = 0, count = atoi(argv[2]); i < count; i++) {
        char path[1024];
        const char *const levels[] = {"", "/deep", "/er"};
        int kind = i % 3, used = snprintf(path, sizeof path, "%s/%s", argv[1], classes[kind]);
        for (int level = 0; level < (i % 5 == 0 ? 3 : 1); level++) {
            used += snprintf(path + used, sizeof path - (size_t)used, "%s", levels[level]);
            mkdir(path, 0777);
        }
        snprintf(path + used, sizeof path - (size_t)used, "/%03d.%s", i, i % 7 == 0 ? "JPEG" : "jpg");
        write_jpeg(path, kind, argc > 4 || draw(3) == 0 ? 1 : 3, i % 9);
    }
    return 0;
}
