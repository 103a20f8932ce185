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

struct eki_resizer {
    eki_extent from, to;
    taps *across, *down;
};

ek_status eki_resizer_create(eki_extent from, eki_extent to, eki_resizer **out, ek_error *err) {
    *out = NULL;
    eki_resizer *r = eki_alloc(sizeof *r);
    if (r == NULL) return eki_fail_nomem(err, sizeof *r);
    *r = (eki_resizer){.from = from, .to = to};
    r->across = make_taps(from.width, to.width);
    r->down = make_taps(from.height, to.height);
    if (r->across == NULL || r->down == NULL) {
        eki_resizer_destroy(r);
        return eki_fail(err, EK_ERR_NOMEM, "out of memory for resizing images of %d x %d to %d x %d", from.height,
                        from.width, to.height, to.width);
    }
    *out = r;
    return EK_OK;
}

void eki_resizer_destroy(eki_resizer *r) {
    if (r == NULL) return;
    eki_free(r->across);
    eki_free(r->down);
    eki_free(r);
}

/* What one image takes meanwhile: a row of `from`, all its rows as wide as `to`, and a plane of `to`. */
static float *make_room(const eki_resizer *r, ek_error *err) {
    size_t narrow = (size_t)r->from.height * (size_t)r->to.width, plane = (size_t)r->to.height * (size_t)r->to.width;
    size_t bytes = ((size_t)r->from.width + narrow + plane) * sizeof(float);
    float *room = eki_alloc(bytes);
    if (room == NULL) (void)eki_fail_nomem(err, bytes);
    return room;
}

static void resize_plane(const eki_resizer *r, const raster *in, size_t plane, float *room, float *out) {
    float *middle = room + r->from.width;
    for (size_t y = 0; y < (size_t)r->from.height; y++) {
        resize_row(fetch(in, plane, y, r->from.width, room), r->across, r->to.width, middle + y * (size_t)r->to.width);
    }
    resize_columns(middle, r->to.width, r->down, r->to.height, out);
}

ek_status eki_resize(const eki_resizer *r, const float *in, int planes, float *out, ek_error *err) {
    raster source = {
        .values = in, .plane = (size_t)r->from.height * (size_t)r->from.width, .row = (size_t)r->from.width};
    float *room = make_room(r, err);
    if (room == NULL) return EK_ERR_NOMEM;
    for (size_t p = 0; p < (size_t)planes; p++) {
        resize_plane(r, &source, p, room, out + p * (size_t)r->to.height * (size_t)r->to.width);
    }
    eki_free(room);
    return EK_OK;
}

static ek_status resize_bytes(const eki_resizer *r, const raster *in, int planes, unsigned char *out, ek_error *err) {
    size_t values = (size_t)r->to.height * (size_t)r->to.width;
    float *room = make_room(r, err);
    if (room == NULL) return EK_ERR_NOMEM;
    float *wide = room + r->from.width + (size_t)r->from.height * (size_t)r->to.width;
    for (size_t p = 0; p < (size_t)planes; p++, out += values) {
        resize_plane(r, in, p, room, wide);
        for (size_t i = 0; i < values; i++) {
            float v = wide[i] + 0.5f;
            out[i] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
    eki_free(room);
    return EK_OK;
}

ek_status eki_resize_u8(const eki_resizer *r, const unsigned char *in, int planes, unsigned char *out, ek_error *err) {
    size_t row = (size_t)r->from.width;
    raster source = {.bytes = in, .plane = (size_t)r->from.height * row, .row = row, .step = 1};
    return resize_bytes(r, &source, planes, out, err);
}

ek_status eki_resize_image(const eki_image *image, int planes, unsigned char *out, eki_extent to, ek_error *err) {
    size_t step = (size_t)image->channels;
    raster source = {
        .bytes = image->pixels, .plane = step == 1 ? 0 : 1, .row = (size_t)image->width * step, .step = step};
    eki_resizer *r;
    EKI_TRY(eki_resizer_create((eki_extent){image->height, image->width}, to, &r, err));
    ek_status status = resize_bytes(r, &source, planes, out, err);
    eki_resizer_destroy(r);
    return status;
}

typedef struct resize_job {
    const ek_dataset *from;
    ek_dataset *to;
    const eki_resizer *resizer;
    atomic_bool failed;
} resize_job;

static void resize_example(void *argument, size_t n) {
    resize_job *job = argument;
    const ek_dataset *from = job->from;
    ek_dataset *to = job->to;
    size_t i = n * from->example_values, o = n * to->example_values;
    ek_status status = from->dtype == EK_U8
                           ? eki_resize_u8(job->resizer, from->pixels + i, from->info.channels, to->pixels + o, NULL)
                           : eki_resize(job->resizer, from->values + i, from->info.channels, to->values + o, NULL);
    if (status != EK_OK) atomic_store(&job->failed, true);
}

ek_status eki_resize_dataset(ek_dataset *dataset, int height, int width, ek_error *err) {
    if (dataset->info.height == height && dataset->info.width == width) return EK_OK;
    ek_dataset from = *dataset;
    int64_t chw[3] = {from.info.channels, height, width};
    eki_resizer *resizer;
    EKI_TRY(eki_resizer_create((eki_extent){from.info.height, from.info.width}, (eki_extent){height, width}, &resizer,
                               err));
    dataset->pixels = NULL;
    dataset->values = NULL;
    dataset->labels = NULL;
    ek_status status = eki_dataset_reserve(dataset, from.image_name, from.dtype, from.info.count, chw, err);
    if (status == EK_OK) {
        resize_job job = {.from = &from, .to = dataset, .resizer = resizer};
        atomic_init(&job.failed, false);
        memcpy(dataset->labels, from.labels, (size_t)from.info.count * sizeof *from.labels);
        eki_parallel_for(NULL, (size_t)from.info.count, resize_example, &job);
        if (atomic_load(&job.failed)) status = eki_fail_nomem(err, from.example_values * sizeof(float));
    }
    eki_resizer_destroy(resizer);
    eki_free(from.pixels);
    eki_free(from.values);
    eki_free(from.labels);
    return status;
}
