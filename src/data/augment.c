/* augment.c: pixels to normalized f32, with random crop and mirror.
 *
 * The image is normalized, then thought of as padded with zeros (the mean colour), then a window of the original size
 * is cut at a random offset, then mirrored. Offsets and mirror are drawn from (seed, "augment", epoch, example), so
 * they are the same wherever and whenever the example is read.
 */
#include "data/augment.h"

#include "base/random.h"

#include <string.h>

void eki_recipe_prepare(eki_recipe *recipe) {
    for (int c = 0; c < EK_MAX_CHANNELS; c++) {
        for (int v = 0; v < 256; v++) recipe->table[c][v] = ((float)v / 255.0f - recipe->mean[c]) / recipe->std[c];
    }
}

/* Normalizes `n` values that begin at value `from` of the set. */
static void normalize(const eki_recipe *r, size_t from, int channel, size_t n, float *to) {
    if (r->dataset->dtype == EK_U8) {
        const unsigned char *p = r->dataset->pixels + from;
        const float *table = r->table[channel];
        for (size_t i = 0; i < n; i++) to[i] = table[p[i]];
    } else {
        const float *p = r->dataset->values + from;
        float mean = r->mean[channel], std = r->std[channel];
        for (size_t i = 0; i < n; i++) to[i] = (p[i] - mean) / std;
    }
}

static void mirror(float *row, int width) {
    for (int i = 0, j = width - 1; i < j; i++, j--) {
        float swap = row[i];
        row[i] = row[j];
        row[j] = swap;
    }
}

typedef struct window {
    int dy, dx; /* output (y, x) is input (y + dy, x + dx), zero outside */
    int flip;
} window;

static window draw_window(const eki_recipe *r, uint64_t epoch, uint64_t id) {
    eki_random random = eki_random_stream(r->seed, "augment", epoch, id);
    uint64_t range = 2 * (uint64_t)r->crop + 1;
    window w = {0};
    w.dy = (int)eki_random_below(random, 0, range) - r->crop;
    w.dx = (int)eki_random_below(random, 1, range) - r->crop;
    w.flip = r->flip && (eki_random_u32(random, 2) >> 31) != 0;
    return w;
}

static void apply_row(const eki_recipe *r, window w, size_t plane_start, int channel, int y, float *row) {
    int height = r->dataset->info.height, width = r->dataset->info.width;
    int begin = w.dx < 0 ? -w.dx : 0, end = w.dx > 0 ? width - w.dx : width;
    if (y + w.dy < 0 || y + w.dy >= height || begin >= end) {
        memset(row, 0, (size_t)width * sizeof *row);
        return;
    }
    size_t from = plane_start + (size_t)(y + w.dy) * (size_t)width + (size_t)(begin + w.dx);
    memset(row, 0, (size_t)begin * sizeof *row);
    normalize(r, from, channel, (size_t)(end - begin), row + begin);
    memset(row + end, 0, (size_t)(width - end) * sizeof *row);
    if (w.flip) mirror(row, width);
}

void eki_recipe_apply(const eki_recipe *r, uint64_t epoch, uint64_t id, float *image) {
    const ek_dataset_info *info = &r->dataset->info;
    size_t plane = (size_t)info->height * (size_t)info->width, start = (size_t)id * r->dataset->example_values;
    bool plain = r->crop == 0 && r->flip == 0;
    window w = plain ? (window){0} : draw_window(r, epoch, id);
    for (int c = 0; c < info->channels; c++) {
        size_t offset = (size_t)c * plane;
        if (plain) {
            normalize(r, start + offset, c, plane, image + offset);
            continue;
        }
        for (int y = 0; y < info->height; y++) {
            apply_row(r, w, start + offset, c, y, image + offset + (size_t)y * (size_t)info->width);
        }
    }
}
