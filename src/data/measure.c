/* measure.c: mean and deviation per channel of a set, two-pass in f64.
 *
 * u8 data is counted into 256 bins per channel first, which is exact and makes both passes short. f32 data is summed
 * example by example in file order, so that the result never depends on threads.
 */
#include "data/dataset.h"

#include <math.h>

static void measure_bins(const uint64_t bins[256], double total, float *mean, float *std) {
    double sum = 0, squares = 0;
    for (int v = 0; v < 256; v++) sum += (double)bins[v] * v;
    double centre = sum / total;
    for (int v = 0; v < 256; v++) squares += (double)bins[v] * (v - centre) * (v - centre);
    *mean = (float)(centre / 255.0);
    *std = (float)(sqrt(squares / total) / 255.0);
}

static void measure_u8(const ek_dataset *d, size_t examples, size_t channel, float *mean, float *std) {
    size_t plane = (size_t)d->info.height * (size_t)d->info.width;
    uint64_t bins[256] = {0};
    for (size_t n = 0; n < examples; n++) {
        const unsigned char *p = d->pixels + n * d->example_values + channel * plane;
        for (size_t i = 0; i < plane; i++) bins[p[i]]++;
    }
    measure_bins(bins, (double)examples * (double)plane, mean, std);
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
    for (size_t c = 0; c < (size_t)dataset->info.channels; c++) {
        if (dataset->dtype == EK_U8) {
            measure_u8(dataset, examples, c, &mean[c], &std[c]);
        } else {
            EKI_TRY(measure_f32(dataset, examples, c, &mean[c], &std[c], err));
        }
    }
    return EK_OK;
}
