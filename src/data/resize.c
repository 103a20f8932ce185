/* resize.c: separable resampling with a triangle filter (bilinear; when shrinking, widened to cover every source
 * pixel).
 *
 * This is what image libraries call antialiased bilinear. Weights are quotients of whole numbers, rounded once to f64,
 * and sums are f64 without libm: any order of them gives the same numbers but for 1e-13, so that other programs, and
 * the graph of surgery/preprocess_graph.c, round to the same bytes. Rows become f32, u8 is rounded once, at the end.
 */
#include "data/resize.h"

#include "base/threads.h"

#include <stdatomic.h>
#include <string.h>

/* For one output position: source positions first .. first+count-1 with weights that sum to 1. */
typedef struct taps {
    int first, count;
    double *weights;
} taps;

static int64_t distance(int64_t a, int64_t b) { return a > b ? a - b : b - a; }

/* Distances and reach in units of 1 / (2 to) of a source pixel, in which they are whole. */
static void fill_taps(taps *t, int position, int from, int to) {
    int64_t centre = (2 * (int64_t)position + 1) * from, reach = 2 * (int64_t)(from > to ? from : to);
    int64_t first = (centre - reach) / (2 * (int64_t)to), last = (centre + reach) / (2 * (int64_t)to);
    t->first = first > 0 ? (int)first : 0;
    t->count = (last < from - 1 ? (int)last : from - 1) - t->first + 1;
    double sum = 0;
    for (int i = 0; i < t->count; i++) {
        int64_t inside = reach - distance(centre, (2 * (int64_t)(t->first + i) + 1) * to);
        t->weights[i] = inside > 0 ? (double)inside : 0;
        sum += t->weights[i];
    }
    for (int i = 0; i < t->count; i++) t->weights[i] /= sum;
}

/* Taps of all output positions, in one allocation. */
static taps *make_taps(int from, int to) {
    double scale = (double)from / to, support = scale > 1 ? scale : 1;
    size_t half = (size_t)support + 3; /* of the most taps */
    eki_size one = eki_size_sum(eki_sized(sizeof(taps)), eki_size_of(half, 2 * sizeof(double)));
    taps *list = eki_alloc(eki_size_of((size_t)to, one.bytes));
    if (list == NULL) return NULL;
    double *room = (double *)(void *)(list + to);
    for (int i = 0; i < to; i++) {
        list[i].weights = room + 2 * half * (size_t)i;
        fill_taps(&list[i], i, from, to);
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
        double sum = 0;
        for (int i = 0; i < list[x].count; i++) sum += (double)row[list[x].first + i] * list[x].weights[i];
        out[x] = (float)sum;
    }
}

/* One row of the result. */
static void resize_columns(const float *in, int width, const taps *t, double *sums) {
    memset(sums, 0, (size_t)width * sizeof *sums);
    for (int i = 0; i < t->count; i++) {
        const float *from = in + (size_t)(t->first + i) * (size_t)width;
        for (int x = 0; x < width; x++) sums[x] += (double)from[x] * t->weights[i];
    }
}

struct eki_resizer {
    eki_extent from, to;
    taps *across, *down;
};

ek_status eki_resizer_create(eki_extent from, eki_extent to, eki_resizer **out, ek_error *err) {
    *out = NULL;
    eki_resizer *r = eki_alloc(eki_sized(sizeof *r));
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

/* What one image takes meanwhile: a row of sums, a row of `from`, and all its rows as wide as `to`. */
static double *make_room(const eki_resizer *r, ek_error *err) {
    eki_size row = eki_size_of((size_t)r->from.width, sizeof(float));
    eki_size narrow = eki_size_of((size_t)r->from.height, eki_size_of((size_t)r->to.width, sizeof(float)).bytes);
    eki_size size = eki_size_sum(eki_size_of((size_t)r->to.width, sizeof(double)), eki_size_sum(row, narrow));
    double *room = eki_alloc(size);
    if (room == NULL) (void)eki_fail_nomem(err, size.bytes);
    return room;
}

/* A plane of the result, as f32 or, where `values` is NULL, as bytes. */
typedef struct plane_out {
    float *values;
    unsigned char *bytes;
} plane_out;

static void put_row(plane_out out, size_t at, const double *sums, int width) {
    for (int x = 0; x < width && out.values != NULL; x++) out.values[at + (size_t)x] = (float)sums[x];
    for (int x = 0; x < width && out.values == NULL; x++) {
        double v = sums[x] + EKI_RESIZE_HALF;
        out.bytes[at + (size_t)x] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static void resize_plane(const eki_resizer *r, const raster *in, size_t plane, double *sums, plane_out out) {
    float *row = (float *)(void *)(sums + r->to.width), *middle = row + r->from.width;
    for (size_t y = 0; y < (size_t)r->from.height; y++) {
        resize_row(fetch(in, plane, y, r->from.width, row), r->across, r->to.width, middle + y * (size_t)r->to.width);
    }
    for (int y = 0; y < r->to.height; y++) {
        resize_columns(middle, r->to.width, &r->down[y], sums);
        put_row(out, (size_t)y * (size_t)r->to.width, sums, r->to.width);
    }
}

static ek_status resize_planes(const eki_resizer *r, const raster *in, int planes, plane_out out, ek_error *err) {
    size_t values = (size_t)r->to.height * (size_t)r->to.width;
    double *room = make_room(r, err);
    if (room == NULL) return EK_ERR_NOMEM;
    for (size_t p = 0; p < (size_t)planes; p++) {
        plane_out plane = {.values = out.values != NULL ? out.values + p * values : NULL,
                           .bytes = out.values != NULL ? NULL : out.bytes + p * values};
        resize_plane(r, in, p, room, plane);
    }
    eki_free(room);
    return EK_OK;
}

ek_status eki_resize(const eki_resizer *r, const float *in, int planes, float *out, ek_error *err) {
    raster source = {
        .values = in, .plane = (size_t)r->from.height * (size_t)r->from.width, .row = (size_t)r->from.width};
    return resize_planes(r, &source, planes, (plane_out){.values = out}, err);
}

ek_status eki_resize_u8(const eki_resizer *r, const unsigned char *in, int planes, unsigned char *out, ek_error *err) {
    size_t row = (size_t)r->from.width;
    raster source = {.bytes = in, .plane = (size_t)r->from.height * row, .row = row, .step = 1};
    return resize_planes(r, &source, planes, (plane_out){.bytes = out}, err);
}

ek_status eki_resize_image(const eki_image *image, int planes, unsigned char *out, eki_extent to, ek_error *err) {
    size_t step = (size_t)image->channels;
    raster source = {
        .bytes = image->pixels, .plane = step == 1 ? 0 : 1, .row = (size_t)image->width * step, .step = step};
    eki_resizer *r;
    EKI_TRY(eki_resizer_create((eki_extent){image->height, image->width}, to, &r, err));
    ek_status status = resize_planes(r, &source, planes, (plane_out){.bytes = out}, err);
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
