/* doctor_kinds.c: see doctor_kinds.h. */
#include "doctor_kinds.h"

#include <evenkeel/surgery.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

way usual_way(const setup *s) {
    return (way){.images = s->images,
                 .batch = 32,
                 .steps = 3 * s->images / 32,
                 .lr = s->lr,
                 .momentum = 0.9,
                 .schedule = EK_SCHEDULE_ONE_CYCLE,
                 .norm = EK_NORM_BATCH};
}

ek_dataset *open_images(const char *spec, ek_split split, const way *w) {
    ek_dataset_options o = {.struct_size = sizeof o, .limit = w->images, .gain = w->gain, .offset = w->offset};
    ek_dataset *data;
    OK(ek_dataset_open(spec, split, &o, &data, err));
    return data;
}

static float *values(ek_model *model, const char *name, int64_t *count) {
    ek_tensor_info info;
    void *data;
    OK(ek_model_tensor_data(model, name, &info, &data, err));
    *count = info.dims[0];
    return data;
}

/* Statistics that begin a hair beside 0 and 1 are a file's own, which a plain average goes on from. */
static void average_plainly(ek_model *model) {
    for (size_t i = 0; i < ek_model_norm_count(model); i++) {
        ek_model_norm norm = ek_model_norm_get(model, i);
        int64_t count;
        if (norm.kind == EK_NORM_BATCH) values(model, norm.variance, &count)[0] = nextafterf(1, 2);
    }
}

static ek_model *build(const setup *s, const way *w) {
    ek_dataset *data = open_images(s->data, EK_SPLIT_TRAIN, w);
    ek_dataset_info info = ek_dataset_describe(data);
    ek_build_options o = ek_build_options_default(s->architecture);
    ek_model *model;
    o.norm = w->norm;
    o.momentum = w->momentum;
    o.channels = info.channels;
    o.height = info.height;
    o.width = info.width;
    o.classes = info.classes;
    o.seed = s->seed;
    OK(ek_model_build(&o, &model, err));
    ek_dataset_close(data);
    average_plainly(model);
    return model;
}

static void keep_list(ek_model *model, const char *key, const float *list, int count) {
    char text[160] = "";
    for (int i = 0; i < count; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s%.9g", i > 0 ? "," : "", (double)list[i]);
    }
    OK(ek_model_set_metadata(model, key, text, err));
}

static ek_loader *open_loader(ek_model *model, const setup *s, const way *w, ek_dataset *data) {
    ek_dataset_info info = ek_dataset_describe(data);
    ek_loader_options o = ek_loader_options_default();
    ek_loader *loader;
    if (!w->raw) OK(ek_dataset_measure(data, 0, o.mean, o.std, err));
    keep_list(model, "evenkeel.mean", o.mean, info.channels);
    keep_list(model, "evenkeel.std", o.std, info.channels);
    o.batch = w->batch;
    o.drop_last = 1;
    o.shuffle = 1;
    o.seed = s->seed;
    OK(ek_loader_create(data, &o, &loader, err));
    OK(ek_loader_start_epoch(loader, 0, 0, err));
    return loader;
}

static void step(ek_trainer *trainer, ek_batch batch, double glitch, int64_t elements) {
    ek_step_result result;
    float *images = malloc((size_t)(batch.count * elements) * sizeof *images);
    assert_non_null(images);
    memcpy(images, batch.images, (size_t)(batch.count * elements) * sizeof *images);
    for (int64_t i = 0; glitch > 0 && i < elements; i++) images[i] *= (float)glitch;
    batch.images = images;
    OK(ek_trainer_step(trainer, &batch, &result, err));
    free(images);
}

static void train(ek_model *model, const setup *s, const way *w) {
    ek_dataset *data = open_images(s->data, EK_SPLIT_TRAIN, w);
    ek_dataset_info info = ek_dataset_describe(data);
    ek_loader *loader = open_loader(model, s, w, data);
    ek_train_options o = ek_train_options_default();
    ek_trainer *trainer;
    o.optimizer = w->optimizer;
    o.lr = w->lr;
    o.schedule = w->schedule;
    o.total_steps = w->steps;
    o.seed = s->seed;
    OK(ek_trainer_create(model, &o, &trainer, err));
    for (int64_t done = 0, epoch = 0; done < w->steps;) {
        ek_batch batch;
        OK(ek_loader_next(loader, &batch, err));
        if (batch.count == 0) {
            OK(ek_loader_start_epoch(loader, ++epoch, 0, err));
            continue;
        }
        step(trainer, batch, w->glitch, (int64_t)info.channels * info.height * info.width);
        done++;
    }
    ek_trainer_destroy(trainer);
    ek_loader_destroy(loader);
    ek_dataset_close(data);
}

static ek_model *trained(const setup *s, const way *w) {
    ek_model *model = build(s, w);
    train(model, s, w);
    return model;
}

static void freeze(ek_model *model) { OK(ek_model_freeze(model, "*", 1, -1, NULL, err)); }

/* ---- Healthy ---- */

static ek_model *as_usual(const setup *s, way *w) { return trained(s, w); }
static ek_model *with_adam(const setup *s, way *w) {
    w->optimizer = EK_ADAM;
    w->lr = 0.002;
    return trained(s, w);
}
static ek_model *with_groups(const setup *s, way *w) {
    w->norm = EK_NORM_GROUP;
    return trained(s, w);
}
static ek_model *half_batches(const setup *s, way *w) {
    w->batch = 16;
    return trained(s, w);
}
static ek_model *slow_but_long(const setup *s, way *w) {
    w->momentum = 0.98;
    w->steps = 400;
    return trained(s, w);
}
static ek_model *folded(const setup *s, way *w) {
    ek_model *model = trained(s, w), *result;
    ek_edit_report *report;
    OK(ek_fold(model, &result, &report, err));
    ek_edit_report_destroy(report);
    OK(ek_model_save(result, fixture_path("folded.onnx"), NULL, err));
    ek_model_destroy(result);
    ek_model_destroy(model);
    OK(ek_model_load(fixture_path("folded.onnx"), &model, err));
    return model;
}
static ek_model *recalibrated(const setup *s, way *w) {
    ek_model *model = trained(s, w);
    w->gain = 0.5; /* for another light, in which it is then used */
    w->offset = 0.2;
    ek_dataset *data = open_images(s->data, EK_SPLIT_TRAIN, w);
    ek_recalibration *report;
    OK(ek_recalibrate(model, data, NULL, &report, err));
    ek_recalibration_destroy(report);
    ek_dataset_close(data);
    return model;
}
static ek_model *fine_tuned(const setup *s, way *w) {
    ek_model *model = trained(s, w);
    way more = *w;
    more.lr = s->lr / 10;
    train(model, s, &more);
    return model;
}
static ek_model *frozen_late(const setup *s, way *w) {
    ek_model *model = trained(s, w);
    way more = *w;
    freeze(model);
    more.lr = s->lr / 20;
    more.steps = 20;
    train(model, s, &more);
    return model;
}

/* ---- Broken ---- */

static ek_model *few(const setup *s, way *w) {
    w->images = 40;
    w->steps = 3;
    return trained(s, w);
}
static ek_model *few_slow(const setup *s, way *w) {
    w->momentum = 0.99;
    w->steps = 20;
    return trained(s, w);
}
static ek_model *few_fast(const setup *s, way *w) {
    w->momentum = 0.5;
    w->images = 40;
    w->steps = 1;
    return trained(s, w);
}
static ek_model *torch_momentum(const setup *s, way *w) {
    w->momentum = 0.1;
    return trained(s, w);
}
static ek_model *tiny(const setup *s, way *w) {
    w->batch = 2;
    w->steps = s->images / 2;
    w->lr = s->lr / 4;
    return trained(s, w);
}
static ek_model *lost_mean(const setup *s, way *w) {
    ek_model *model = trained(s, w);
    OK(ek_model_set_metadata(model, "evenkeel.mean", NULL, err));
    OK(ek_model_set_metadata(model, "evenkeel.std", NULL, err));
    return model;
}
static ek_model *as_bytes(const setup *s, way *w) {
    w->gain = 255;
    w->raw = 1;
    ek_model *model = trained(s, w);
    w->gain = 0;
    return model;
}
static ek_model *other_light(const setup *s, way *w) {
    ek_model *model = trained(s, w);
    w->gain = 0.3;
    w->offset = 0.4;
    return model;
}
static ek_model *negative(const setup *s, way *w) {
    ek_model *model = trained(s, w);
    w->gain = -1;
    w->offset = 1;
    return model;
}
static ek_model *frozen_early(const setup *s, way *w) {
    way first = *w;
    first.steps = 5;
    ek_model *model = trained(s, &first);
    freeze(model);
    w->lr = s->lr / 4; /* without normalization a higher one diverges at some seeds */
    train(model, s, w);
    return model;
}
/* The weights go on at a high rate while the average keeps nearly all that it had. */
static ek_model *lagging(const setup *s, way *w) {
    way more = *w;
    ek_model *model = trained(s, w);
    more.steps = 40;
    more.schedule = EK_SCHEDULE_CONSTANT;
    int64_t count, rows = (int64_t)ek_model_norm_count(model);
    float *kept[64][2];
    for (int64_t i = 0; i < rows && i < 64; i++) {
        ek_model_norm norm = ek_model_norm_get(model, (size_t)i);
        const char *names[2] = {norm.mean, norm.variance};
        for (int k = 0; k < 2; k++) {
            float *now = values(model, names[k], &count);
            kept[i][k] = malloc((size_t)count * sizeof(float));
            assert_non_null(kept[i][k]);
            memcpy(kept[i][k], now, (size_t)count * sizeof(float));
        }
    }
    train(model, s, &more);
    for (int64_t i = 0; i < rows && i < 64; i++) {
        ek_model_norm norm = ek_model_norm_get(model, (size_t)i);
        const char *names[2] = {norm.mean, norm.variance};
        for (int k = 0; k < 2; k++) {
            float *now = values(model, names[k], &count);
            memcpy(now, kept[i][k], (size_t)count * sizeof(float));
            free(kept[i][k]);
        }
    }
    return model;
}
static ek_model *hit_by_a_glitch(const setup *s, way *w) {
    ek_model *model = trained(s, w);
    way last = *w;
    last.steps = 1;
    last.lr = 1e-9;
    last.glitch = 1e4;
    train(model, s, &last);
    last.glitch = 0;
    last.steps = 2;
    train(model, s, &last);
    return model;
}
static ek_model *spoiled(const setup *s, const way *w, int variance, float mean_value, float variance_value, int all) {
    ek_model *model = trained(s, w);
    int64_t count;
    for (size_t i = 0; i < (all ? ek_model_norm_count(model) : 1); i++) {
        ek_model_norm norm = ek_model_norm_get(model, i);
        float *mean = values(model, norm.mean, &count);
        for (int64_t c = 0; c < (all ? count : variance ? 0 : 1); c++) mean[c] = mean_value;
        float *spread = values(model, norm.variance, &count);
        for (int64_t c = 0; c < (all ? count : variance ? 1 : 0); c++) spread[c] = variance_value;
    }
    return model;
}
static ek_model *lost_statistics(const setup *s, way *w) { return spoiled(s, w, 0, 0, 1, 1); }
static ek_model *not_finite(const setup *s, way *w) { return spoiled(s, w, 0, NAN, 0, 0); }
static ek_model *below_zero(const setup *s, way *w) { return spoiled(s, w, 1, 0, -0.5F, 0); }

const kind doctor_kinds[] = {
    {"healthy: usual", "none", as_usual, EK_SPLIT_TRAIN, 0},
    {"healthy: usual, test images", "none", as_usual, EK_SPLIT_TEST, 0},
    {"healthy: Adam", "none", with_adam, EK_SPLIT_TRAIN, 0},
    {"healthy: group norm", "none", with_groups, EK_SPLIT_TRAIN, 0},
    {"healthy: batches of 16", "none", half_batches, EK_SPLIT_TRAIN, 0},
    {"healthy: momentum 0.98, long", "none", slow_but_long, EK_SPLIT_TRAIN, 0},
    {"healthy: folded", "none", folded, EK_SPLIT_TRAIN, 0},
    {"healthy: recalibrated", "none", recalibrated, EK_SPLIT_TRAIN, 0},
    {"healthy: recalibrated, test", "none", recalibrated, EK_SPLIT_TEST, 0},
    {"healthy: fine-tuned", "none", fine_tuned, EK_SPLIT_TRAIN, 0},
    {"healthy: fine-tuned, test", "none", fine_tuned, EK_SPLIT_TEST, 0},
    {"healthy: frozen late", "none", frozen_late, EK_SPLIT_TRAIN, 0},
    {"statistics lost", "never-updated", lost_statistics, EK_SPLIT_TRAIN, 0},
    {"3 updates at 0.9", "few-updates", few, EK_SPLIT_TRAIN, 0},
    {"20 updates at 0.99", "few-updates", few_slow, EK_SPLIT_TRAIN, 0},
    {"1 update at 0.5", "few-updates", few_fast, EK_SPLIT_TRAIN, 0},
    {"PyTorch's momentum", "momentum", torch_momentum, EK_SPLIT_TRAIN, 0},
    {"batches of 2", "tiny-batches", tiny, EK_SPLIT_TRAIN, 0},
    {"mean and deviation lost", "input-scale", lost_mean, EK_SPLIT_TRAIN, 0},
    {"trained on 0 to 255", "input-scale", as_bytes, EK_SPLIT_TRAIN, 0},
    {"another light", "input-scale", other_light, EK_SPLIT_TRAIN, 0},
    {"negatives", "input-scale", negative, EK_SPLIT_TRAIN, 0},
    {"another domain", "other-data", as_usual, EK_SPLIT_TEST, 1},
    {"frozen early", "frozen-early", frozen_early, EK_SPLIT_TRAIN, 0},
    {"weights went on", "lag", lagging, EK_SPLIT_TRAIN, 0},
    {"one huge image", "outliers", hit_by_a_glitch, EK_SPLIT_TRAIN, 0},
    {"NaN", "not-finite", not_finite, EK_SPLIT_TRAIN, 0},
    {"variance below zero", "negative-variance", below_zero, EK_SPLIT_TRAIN, 0},
};
const size_t doctor_kind_count = sizeof doctor_kinds / sizeof *doctor_kinds;
