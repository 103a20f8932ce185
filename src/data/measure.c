/* measure.c: what takes a pass over all pixels of a set: whether every file can be decoded, and mean and deviation per
 * channel, two-pass in f64.
 *
 * u8 data is counted into 256 bins per channel first, which is exact in any order and makes both passes short. f32 data
 * is summed example by example in file order, so that the result never depends on threads.
 */
#include "data/dataset.h"
#include "data/pass.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

typedef struct counting {
    const ek_dataset *set;
    uint64_t *bins;
    pthread_mutex_t mutex;
} counting;

static ek_status count_example(void *context, size_t index, ek_error *err) {
    counting *c = context;
    const ek_dataset *d = c->set;
    size_t plane = (size_t)d->info.height * (size_t)d->info.width, channels = (size_t)d->info.channels;
    uint64_t own[EK_MAX_CHANNELS * 256] = {0};
    unsigned char *room;
    const unsigned char *p;
    EKI_TRY(eki_dataset_room(d, &room, err));
    ek_status status = eki_dataset_bytes(d, index, room, &p, err);
    for (size_t channel = 0; status == EK_OK && channel < channels; channel++, p += plane) {
        for (size_t i = 0; i < plane; i++) own[256 * channel + p[i]]++;
    }
    eki_free(room);
    EKI_TRY(status);
    pthread_mutex_lock(&c->mutex);
    for (size_t i = 0; i < 256 * channels; i++) c->bins[i] += own[i];
    pthread_mutex_unlock(&c->mutex);
    return EK_OK;
}

/* Of the first so many examples. */
static ek_status count(const ek_dataset *d, size_t examples, int (*progress)(void *, int64_t, int64_t), void *watcher,
                       uint64_t bins[EK_MAX_CHANNELS * 256], ek_error *err) {
    counting c = {.set = d, .bins = bins};
    if (pthread_mutex_init(&c.mutex, NULL) != 0) return eki_fail_nomem(err, sizeof c.mutex);
    memset(bins, 0, EK_MAX_CHANNELS * 256 * sizeof *bins);
    eki_pass pass = {.count = examples, .visit = count_example, .context = &c, .name = d->image_name};
    pass.doing = "reading";
    pass.progress = progress;
    pass.watcher = watcher;
    ek_status status = eki_pass_run(&pass, err);
    pthread_mutex_destroy(&c.mutex);
    return status;
}

ek_status ek_dataset_check(ek_dataset *dataset, int (*progress)(void *context, int64_t done, int64_t total),
                           void *context, ek_error *err) {
    EKI_GIVEN(dataset, err);
    if (dataset->files == NULL || dataset->bins != NULL) return EK_OK;
    uint64_t *bins = eki_alloc(eki_size_of(EK_MAX_CHANNELS * 256, sizeof *bins));
    if (bins == NULL) return eki_fail_nomem(err, EK_MAX_CHANNELS * 256 * sizeof *bins);
    ek_status status = count(dataset, (size_t)dataset->info.count, progress, context, bins, err);
    if (status == EK_OK) dataset->bins = bins;
    if (status != EK_OK) eki_free(bins);
    return status;
}

/* Values are gain x + offset, x in [0, 1]. */
static void measure_bins(const ek_dataset *d, const uint64_t bins[256], double total, float *mean, float *std) {
    double sum = 0, squares = 0, offset = (double)d->of_byte[0], gain = (double)d->of_byte[255] - offset;
    for (int v = 0; v < 256; v++) sum += (double)bins[v] * v;
    double centre = sum / total;
    for (int v = 0; v < 256; v++) squares += (double)bins[v] * (v - centre) * (v - centre);
    *mean = (float)(gain * (centre / 255.0) + offset);
    *std = (float)(fabs(gain) * (sqrt(squares / total) / 255.0));
}

static ek_status measure_u8(const ek_dataset *d, size_t examples, float *mean, float *std, ek_error *err) {
    uint64_t own[EK_MAX_CHANNELS * 256];
    const uint64_t *bins = examples == (size_t)d->info.count ? d->bins : NULL;
    if (bins == NULL) EKI_TRY(count(d, examples, NULL, NULL, own, err));
    if (bins == NULL) bins = own;
    double total = (double)examples * d->info.height * d->info.width;
    for (int c = 0; c < d->info.channels; c++) measure_bins(d, bins + (size_t)c * 256, total, &mean[c], &std[c]);
    return EK_OK;
}

/* Sum over a channel of (v - centre)^power, power 1 or 2. Names the first example whose sum is not finite. */
static double sum_f32(const ek_dataset *d, size_t examples, size_t channel, double centre, int power, size_t *bad) {
    size_t plane = (size_t)d->info.height * (size_t)d->info.width;
    double total = 0;
    for (size_t n = 0; n < examples; n++) {
        const float *p = d->values + n * d->example_values + channel * plane;
        double sum = 0;
        for (size_t i = 0; i < plane; i++) {
            double v = (double)p[i] - centre;
            sum += power == 1 ? v : v * v;
        }
        if (!isfinite(sum) && *bad == SIZE_MAX) *bad = n;
        total += sum;
    }
    return total;
}

static ek_status measure_f32(const ek_dataset *d, size_t examples, size_t channel, float *mean, float *std,
                             ek_error *err) {
    double total = (double)examples * (double)d->info.height * (double)d->info.width;
    size_t bad = SIZE_MAX;
    double centre = sum_f32(d, examples, channel, 0, 1, &bad) / total;
    double variance = sum_f32(d, examples, channel, centre, 2, &bad) / total;
    if (bad != SIZE_MAX) {
        return eki_fail(
            err, EK_ERR_NONFINITE,
            "%s: example %zu, channel %zu holds NaN or infinity, so the set has no mean; repair the data or "
            "give mean and deviation",
            d->image_name, bad, channel);
    }
    *mean = (float)centre;
    *std = (float)sqrt(variance);
    return EK_OK;
}

ek_status ek_dataset_measure(const ek_dataset *dataset, int64_t limit, float mean[EK_MAX_CHANNELS],
                             float std[EK_MAX_CHANNELS], ek_error *err) {
    EKI_GIVEN(dataset, err);
    EKI_GIVEN(mean, err);
    EKI_GIVEN(std, err);
    EKI_TRY(eki_needs_images(dataset, err));
    if (limit < 0) return eki_fail(err, EK_ERR_ARG, "limit is %lld, expected 0 (all) or more", (long long)limit);
    int64_t count = dataset->info.count;
    size_t examples = (size_t)(limit > 0 && limit < count ? limit : count);
    for (size_t c = 0; c < EK_MAX_CHANNELS; c++) {
        mean[c] = 0;
        std[c] = 1;
    }
    if (dataset->dtype == EK_U8) return measure_u8(dataset, examples, mean, std, err);
    for (size_t c = 0; c < (size_t)dataset->info.channels; c++) {
        EKI_TRY(measure_f32(dataset, examples, c, &mean[c], &std[c], err));
    }
    return EK_OK;
}
