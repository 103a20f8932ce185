/* augment.c: an example as it looks in an epoch: its pixels normalized to f32, and moved.
 *
 * The image is thought of as lying on a plane of zeros (the mean colour), turned about its middle; a window of its own
 * size is cut at a random offset, then mirrored. A mask goes the same way.
 */
#include "data/augment.h"

#include <math.h>
#include <string.h>

void eki_recipe_prepare(eki_recipe *recipe) {
    for (int c = 0; c < EK_MAX_CHANNELS; c++) {
        for (int v = 0; v < 256; v++)
            recipe->table[c][v] = (recipe->dataset->of_byte[v] - recipe->mean[c]) / recipe->std[c];
    }
}

static bool jitters(const eki_recipe *r) { return r->jitter[0] > 0 || r->jitter[1] > 0 || r->jitter[2] > 0; }

bool eki_recipe_needs_scratch(const eki_recipe *r) { return jitters(r) || r->rotate > 0; }

/* Normalizes `n` values that begin at value `from` of the example. */
static void normalize(const eki_recipe *r, const void *pixels, size_t from, int channel, size_t n, float *to) {
    if (r->dataset->dtype == EK_U8) {
        const unsigned char *p = (const unsigned char *)pixels + from;
        const float *table = r->table[channel];
        for (size_t i = 0; i < n; i++) to[i] = table[p[i]];
    } else {
        const float *p = (const float *)pixels + from;
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

/* An example on its way: its pixels, and normalized, where that had to come first. */
typedef struct journey {
    const eki_recipe *recipe;
    eki_motion motion;
    const void *pixels;
    size_t plane;
    const float *ready; /* NULL = they are still to be normalized */
} journey;

static void take(const journey *j, int channel, size_t at, size_t n, float *to) {
    size_t offset = (size_t)channel * j->plane + at;
    if (j->ready != NULL)
        memcpy(to, j->ready + offset, n * sizeof *to);
    else
        normalize(j->recipe, j->pixels, offset, channel, n, to);
}

static void shifted_row(const journey *j, int channel, int y, float *row) {
    const ek_dataset_info *info = &j->recipe->dataset->info;
    const eki_motion *m = &j->motion;
    int height = info->height, width = info->width;
    int begin = m->dx < 0 ? -m->dx : 0, end = m->dx > 0 ? width - m->dx : width;
    if (y + m->dy < 0 || y + m->dy >= height || begin >= end) {
        memset(row, 0, (size_t)width * sizeof *row);
        return;
    }
    size_t from = (size_t)(y + m->dy) * (size_t)width + (size_t)(begin + m->dx);
    memset(row, 0, (size_t)begin * sizeof *row);
    take(j, channel, from, (size_t)(end - begin), row + begin);
    memset(row + end, 0, (size_t)(width - end) * sizeof *row);
    if (m->flip) mirror(row, width);
}

static float pixel(const float *plane, const ek_dataset_info *info, int y, int x) {
    bool inside = y >= 0 && y < info->height && x >= 0 && x < info->width;
    return inside ? plane[(size_t)y * (size_t)info->width + (size_t)x] : 0;
}

/* Bilinear. */
static void turned_row(const journey *j, int channel, int y, float *row) {
    const ek_dataset_info *info = &j->recipe->dataset->info;
    const float *plane = j->ready + (size_t)channel * j->plane;
    for (int x = 0; x < info->width; x++) {
        double from_y, from_x;
        eki_motion_place(&j->motion, info, y, x, &from_y, &from_x);
        int top = (int)floor(from_y), left = (int)floor(from_x);
        float down = (float)(from_y - top), right = (float)(from_x - left);
        float above = (1 - right) * pixel(plane, info, top, left) + right * pixel(plane, info, top, left + 1);
        float below = (1 - right) * pixel(plane, info, top + 1, left) + right * pixel(plane, info, top + 1, left + 1);
        row[x] = (1 - down) * above + down * below;
    }
}

/* The whole example into the scratch, normalized. */
static void make_ready(journey *j, const eki_making *m) {
    const eki_recipe *r = j->recipe;
    for (int c = 0; c < r->dataset->info.channels && !jitters(r); c++) {
        size_t from = (size_t)c * j->plane;
        normalize(r, m->pixels, from, c, j->plane, m->scratch + from);
    }
    if (jitters(r)) eki_jitter(r, m);
    j->ready = m->scratch;
}

void eki_recipe_apply(const eki_recipe *r, const eki_making *m, float *image) {
    const ek_dataset_info *info = &r->dataset->info;
    journey j = {.recipe = r, .plane = (size_t)info->height * (size_t)info->width, .pixels = m->pixels};
    bool moves = r->crop > 0 || r->flip || r->rotate > 0;
    if (moves) j.motion = eki_motion_draw(r, m->epoch, m->id);
    if (eki_recipe_needs_scratch(r)) make_ready(&j, m);
    for (int c = 0; c < info->channels; c++) {
        float *to = image + (size_t)c * j.plane;
        if (!moves) take(&j, c, 0, j.plane, to);
        for (int y = 0; y < info->height && moves; y++, to += info->width)
            j.motion.turns ? turned_row(&j, c, y, to) : shifted_row(&j, c, y, to);
    }
    if (r->erase > 0) eki_erase(r, m->epoch, m->id, image);
}

void eki_recipe_apply_mask(const eki_recipe *r, uint64_t epoch, uint64_t id, const void *mask, size_t bytes,
                           const void *outside, void *to) {
    const ek_dataset_info *info = &r->dataset->info;
    const eki_motion motion = eki_motion_draw(r, epoch, id);
    unsigned char *at = to;
    for (int y = 0; y < info->height; y++) {
        for (int x = 0; x < info->width; x++, at += bytes) {
            double from_y, from_x;
            eki_motion_place(&motion, info, y, x, &from_y, &from_x);
            double row = floor(from_y + 0.5), column = floor(from_x + 0.5);
            bool inside = row >= 0 && row < info->height && column >= 0 && column < info->width;
            size_t place = inside ? (size_t)row * (size_t)info->width + (size_t)column : 0;
            memcpy(at, inside ? (const unsigned char *)mask + place * bytes : outside, bytes);
        }
    }
}
