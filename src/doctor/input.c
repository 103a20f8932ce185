/* input.c: are the images fed as they were in training?
 *
 * The first norms see the images through one or few layers. Usual ways to feed them, then any a x + b, are tried on a
 * sample of the images until the first norms fit; whether the norms behind them fit as well shows if that was all.
 */
#include "doctor/doctor.h"

#include <math.h>

enum { SAMPLE = 1024 };

ek_status eki_input_measure(eki_case *c, ek_error *err) {
    eki_feed feed;
    eki_moment all = {0};
    const eki_feed_options options = {.batch = c->options.batch, .use_metadata = true};
    ek_status status = eki_feed_open(&feed, c->model, c->dataset, &options, err);
    if (status == EK_OK) status = eki_feed_start(&feed, err);
    int64_t values = feed.intake.each;
    while (status == EK_OK && (status = eki_feed_next(&feed, err)) == EK_OK && feed.batch.count > 0) {
        for (int64_t i = 0; i < feed.batch.count; i++) eki_moment_add(&all, feed.batch.images + i * values, values);
    }
    eki_feed_close(&feed);
    if (status != EK_OK) return status;
    double images = all.count / (double)values, variance = all.count > 0 ? all.m2 / all.count : 0;
    double between = all.count > 0 ? fmax(all.m2 - all.within, 0) / all.count : 0;
    c->shift = all.mean;
    c->scale = sqrt(variance);
    /* Four standard errors of the mean over images; a deviation is as sure as that to first order. */
    double room = 4 * sqrt(fmax(between, 1e-6) / images);
    c->as_in_training = ek_model_metadata(c->model, "evenkeel.mean") != NULL &&
                        ek_model_metadata(c->model, "evenkeel.std") != NULL && fabs(c->shift) <= room &&
                        fabs(c->scale - 1) <= room;
    return EK_OK;
}

static ek_status try_input(const eki_case *c, eki_input *input, bool all, ek_error *err) {
    eki_evidence e;
    eki_measure m = {.how = {.gain = input->gain, .offset = input->offset, .limit = SAMPLE, .shuffle = true},
                     .first_only = !all};
    ek_status status = eki_evidence_take(c, m, &e, NULL, NULL, err);
    if (status == EK_OK) {
        input->first = eki_distance(e.seen, e.first_level, 0);
        input->distance = eki_distance(e.seen, e.count, 0);
    }
    eki_evidence_free(&e);
    return status;
}

static double average(const float *values, int count, double otherwise) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum += (double)values[i] / count;
    return count > 0 ? sum : otherwise;
}

/* A pixel p is std x + mean; each way is written as what x becomes. */
static size_t usual(const eki_case *c, eki_input list[8]) {
    ek_model_images images;
    ek_error ignored = {.text = ""};
    if (ek_model_describe_images(c->model, &images, &ignored) != EK_OK) images.moments = 0;
    double mean = average(images.mean, images.moments, 0), std = average(images.std, images.moments, 1);
    double scale = c->scale > 0 ? c->scale : 1;
    size_t n = 0;
    list[n++] = (eki_input){.gain = 1, .name = NULL};
    list[n++] = (eki_input){.gain = std, .offset = mean, .name = "pixels from 0 to 1, no mean and deviation"};
    list[n++] = (eki_input){.gain = 255 * std, .offset = 255 * mean, .name = "pixels from 0 to 255"};
    list[n++] =
        (eki_input){.gain = 1 / scale, .offset = -c->shift / scale, .name = "less their mean, over their deviation"};
    list[n++] = (eki_input){.gain = 2 * std, .offset = 2 * mean - 1, .name = "pixels from -1 to 1"};
    list[n++] = (eki_input){.gain = std / 255, .offset = mean / 255, .name = "divided by 255"};
    list[n++] = (eki_input){.gain = -1, .offset = (1 - 2 * mean) / std, .name = "light and dark exchanged"};
    return n;
}

/* Pattern search: gain by factors, offset in units of the gain. */
static ek_status refine(const eki_case *c, eki_input *best, ek_error *err) {
    for (double step = 0.5; step > 0.02; step /= 2) {
        for (int k = 0; k < 4;) {
            eki_input next = *best;
            if (k < 2)
                next.gain *= k == 0 ? 1 + step : 1 / (1 + step);
            else
                next.offset += (k == 2 ? step : -step) * fabs(best->gain) * fmax(c->scale, 1e-6);
            EKI_TRY(try_input(c, &next, false, err));
            next.name = NULL;
            if (next.first < best->first)
                *best = next;
            else
                k++;
            if (best->first < 0.02) return EK_OK;
        }
    }
    return EK_OK;
}

ek_status eki_fit_input(const eki_case *c, eki_input *input, ek_error *err) {
    eki_input list[8];
    size_t n = usual(c, list);
    for (size_t i = 0; i < n; i++) {
        EKI_TRY(try_input(c, &list[i], false, err));
        if (i == 0 || list[i].first < input->first) *input = list[i];
    }
    if (input->first > 0.0625) EKI_TRY(refine(c, input, err));
    return try_input(c, input, true, err);
}
