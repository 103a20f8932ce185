/* resize.c: separable resampling with a triangle filter (bilinear; when shrinking, widened to cover every source
 * pixel).
 *
 * This is what image libraries call antialiased bilinear. Weights and sums are plain f32/f64 arithmetic without libm,
 * so that results are the same everywhere; u8 is rounded once, at the end.
 */
#include "data/resize.h"

#include "base/threads.h"

#include <stdatomic.h>
#include <string.h>

/* For one output position: source positions first .. first+count-1 with weights that sum to 1. */
typedef struct taps {
    int first, count;
    float *weights;
} taps;

static float triangle(double x) {
    if (x < 0) x = -x;
    return x < 1 ? (float)(1 - x) : 0.0f;
}

static void fill_taps(taps *t, int position, int from, double scale, double support) {
    double centre = (position + 0.5) * scale;
    int first = (int)(centre - support), last = (int)(centre + support);
    if (centre - support < 0) first = 0;
    if (last > from - 1) last = from - 1;
    t->first = first;
    t->count = last - first + 1;
    double sum = 0;
    for (int i = 0; i < t->count; i++) {
        t->weights[i] = triangle((first + i + 0.5 - centre) / support);
        sum += t->weights[i];
    }
    for (int i = 0; i < t->count; i++) t->weights[i] = (float)(t->weights[i] / sum);
}

/* Taps of all output positions, in one allocation. */
static taps *make_taps(int from, int to) {
    double scale = (double)from / to, support = scale > 1 ? scale : 1;
    size_t most = (size_t)(2 * support) + 3, weights, head, bytes;
    if (!eki_mul_size((size_t)to * sizeof(float), most, &weights) || !eki_mul_size((size_t)to, sizeof(taps), &head) ||
        !eki_add_size(weights, head, &bytes)) {
        return NULL;
    }
    taps *list = eki_alloc(bytes);
    if (list == NULL) return NULL;
    float *room = (float *)(void *)(list + to);
    for (int i = 0; i < to; i++) {
        list[i].weights = room + (size_t)i * most;
        fill_taps(&list[i], i, from, scale, support);
    }
    return list;
}

/* Where the values of an image are: f32, or bytes that are made f32 row by row. */
typedef struct raster {
    const float *values;
    const unsigned char *bytes;
    size_t plane, row, step; /* between planes, rows and, of bytes, neighbours */
} raster;

static const float *fetch(const raster *r, size_t plane, size_t y, int width, float *room) {
    size_t first = plane * r->plane + y * r->row;
    if (r->values != NULL) return r->values + first;
    const unsigned char *from = r->bytes + first;
    for (size_t x = 0; x < (size_t)width; x++) room[x] = from[x * r->step];
    return room;
}

static void resize_row(const float *row, const taps *list, int to, float *out) {
    for (int x = 0; x < to; x++) {
        float sum = 0;
        for (int i = 0; i < list[x].count; i++) sum += row[list[x].first + i] * list[x].weights[i];
        out[x] = sum;
    }
}

static void resize_columns(const float *in, int width, const taps *list, int to, float *out) {
    for (int y = 0; y < to; y++) {
        float *row = out + (size_t)y * (size_t)width;
        memset(row, 0, (size_t)width * sizeof *row);
        for (int i = 0; i < list[y].count; i++) {
            const float *from = in + (size_t)(list[y].first + i) * (size_t)width;
            for (int x = 0; x < width; x++) row[x] += from[x] * list[y].weights[i];
        }
    }
}

/* Tables and room for images of one size made another. */
typedef struct resizer {
    eki_extent from, to;
    taps *across, *down;
    float *room; /* a row of `from`, then all its rows as wide as `to` */
} resizer;

static void release(resizer *r) {
    eki_free(r->across);
    eki_free(r->down);
    eki_free(r->room);
}

static ek_status set_up(resizer *r, eki_extent from, eki_extent to, ek_error *err) {
    size_t floats = (size_t)from.width + (size_t)from.height * (size_t)to.width, bytes = floats * sizeof(float);
    *r = (resizer){.from = from, .to = to};
    r->across = make_taps(from.width, to.width);
    r->down = make_taps(from.height, to.height);
    r->room = eki_alloc(bytes);
    if (r->across != NULL && r->down != NULL && r->room != NULL) return EK_OK;
    release(r);
    return eki_fail_nomem(err, bytes);
}

static void resize_plane(const resizer *r, const raster *in, size_t plane, float *out) {
    float *middle = r->room + r->from.width;
    for (size_t y = 0; y < (size_t)r->from.height; y++) {
        resize_row(fetch(in, plane, y, r->from.width, r->room), r->across, r->to.width,
                   middle + y * (size_t)r->to.width);
    }
    resize_columns(middle, r->to.width, r->down, r->to.height, out);
}

ek_status eki_resize(const float *in, int planes, eki_extent from, float *out, eki_extent to, ek_error *err) {
    resizer r;
    EKI_TRY(set_up(&r, from, to, err));
    raster source = {.values = in, .plane = (size_t)from.height * (size_t)from.width, .row = (size_t)from.width};
    for (size_t p = 0; p < (size_t)planes; p++) {
        resize_plane(&r, &source, p, out + p * (size_t)to.height * (size_t)to.width);
    }
    release(&r);
    return EK_OK;
}

static ek_status resize_bytes(const raster *in, int planes, eki_extent from, unsigned char *out, eki_extent to,
                              ek_error *err) {
    size_t values = (size_t)to.height * (size_t)to.width;
    resizer r;
    EKI_TRY(set_up(&r, from, to, err));
    float *wide = eki_alloc(values * sizeof *wide);
    for (size_t p = 0; wide != NULL && p < (size_t)planes; p++, out += values) {
        resize_plane(&r, in, p, wide);
        for (size_t i = 0; i < values; i++) {
            float v = wide[i] + 0.5f;
            out[i] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
    release(&r);
    eki_free(wide);
    return wide != NULL ? EK_OK : eki_fail_nomem(err, values * sizeof *wide);
}

ek_status eki_resize_u8(const unsigned char *in, int planes, eki_extent from, unsigned char *out, eki_extent to,
                        ek_error *err) {
    raster source = {
        .bytes = in, .plane = (size_t)from.height * (size_t)from.width, .row = (size_t)from.width, .step = 1};
    return resize_bytes(&source, planes, from, out, to, err);
}

ek_status eki_resize_image(const eki_image *image, int planes, unsigned char *out, eki_extent to, ek_error *err) {
    size_t step = (size_t)image->channels;
    raster source = {
        .bytes = image->pixels, .plane = step == 1 ? 0 : 1, .row = (size_t)image->width * step, .step = step};
    return resize_bytes(&source, planes, (eki_extent){image->height, image->width}, out, to, err);
}

typedef struct resize_job {
    const ek_dataset *from;
    ek_dataset *to;
    atomic_bool failed;
} resize_job;

static void resize_example(void *argument, size_t n) {
    resize_job *job = argument;
    const ek_dataset *from = job->from;
    ek_dataset *to = job->to;
    eki_extent a = {from->info.height, from->info.width}, b = {to->info.height, to->info.width};
    size_t i = n * from->example_values, o = n * to->example_values;
    ek_status status = from->dtype == EK_U8
                           ? eki_resize_u8(from->pixels + i, from->info.channels, a, to->pixels + o, b, NULL)
                           : eki_resize(from->values + i, from->info.channels, a, to->values + o, b, NULL);
    if (status != EK_OK) atomic_store(&job->failed, true);
}

ek_status eki_resize_dataset(ek_dataset *dataset, int height, int width, ek_error *err) {
    if (dataset->info.height == height && dataset->info.width == width) return EK_OK;
    ek_dataset from = *dataset;
    int64_t chw[3] = {from.info.channels, height, width};
    dataset->pixels = NULL;
    dataset->values = NULL;
    dataset->labels = NULL;
    ek_status status = eki_dataset_reserve(dataset, from.image_name, from.dtype, from.info.count, chw, err);
    if (status == EK_OK) {
        resize_job job = {.from = &from, .to = dataset};
        atomic_init(&job.failed, false);
        memcpy(dataset->labels, from.labels, (size_t)from.info.count * sizeof *from.labels);
        eki_parallel_for(NULL, (size_t)from.info.count, resize_example, &job);
        if (atomic_load(&job.failed)) status = eki_fail_nomem(err, from.example_values * sizeof(float));
    }
    eki_free(from.pixels);
    eki_free(from.values);
    eki_free(from.labels);
    return status;
}
