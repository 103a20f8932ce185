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

static void resize_rows(const float *in, int height, int from, const taps *list, int to, float *out) {
    for (int y = 0; y < height; y++) {
        const float *row = in + (size_t)y * (size_t)from;
        for (int x = 0; x < to; x++) {
            float sum = 0;
            for (int i = 0; i < list[x].count; i++) sum += row[list[x].first + i] * list[x].weights[i];
            out[(size_t)y * (size_t)to + (size_t)x] = sum;
        }
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

ek_status eki_resize(const float *in, int planes, eki_extent from, float *out, eki_extent to, ek_error *err) {
    size_t bytes = (size_t)from.height * (size_t)to.width * sizeof(float);
    taps *across = make_taps(from.width, to.width), *down = make_taps(from.height, to.height);
    float *middle = eki_alloc(bytes);
    ek_status status = EK_OK;
    if (across == NULL || down == NULL || middle == NULL) {
        status = eki_fail_nomem(err, bytes);
    } else {
        size_t in_plane = (size_t)from.height * (size_t)from.width, out_plane = (size_t)to.height * (size_t)to.width;
        for (int p = 0; p < planes; p++) {
            resize_rows(in + (size_t)p * in_plane, from.height, from.width, across, to.width, middle);
            resize_columns(middle, to.width, down, to.height, out + (size_t)p * out_plane);
        }
    }
    eki_free(across);
    eki_free(down);
    eki_free(middle);
    return status;
}

ek_status eki_resize_u8(const unsigned char *in, int planes, eki_extent from, unsigned char *out, eki_extent to,
                        ek_error *err) {
    size_t n_in = (size_t)planes * (size_t)from.height * (size_t)from.width;
    size_t n_out = (size_t)planes * (size_t)to.height * (size_t)to.width;
    float *wide = eki_alloc((n_in + n_out) * sizeof *wide);
    if (wide == NULL) return eki_fail_nomem(err, (n_in + n_out) * sizeof *wide);
    for (size_t i = 0; i < n_in; i++) wide[i] = in[i];
    ek_status status = eki_resize(wide, planes, from, wide + n_in, to, err);
    for (size_t i = 0; status == EK_OK && i < n_out; i++) {
        float v = wide[n_in + i] + 0.5f;
        out[i] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    eki_free(wide);
    return status;
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
