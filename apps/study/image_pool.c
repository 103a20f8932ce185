/* image_pool.c: reading data sets into memory once, at the size an experiment asks for. */
#include "study/image_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPECS = 2, QUICK_TRAIN = 6000, QUICK_TEST = 1000, LONG_TRAIN = 20000, LONG_TEST = 4000 };

static const char *spec_of(const eks_study *study, int source) {
    const char *spec = source == 0 ? study->options->data : study->options->more_data;
    return spec ? spec : source == 0 ? "builtin:strokes" : NULL;
}

static ek_status open_split(const eks_study *study, int source, ek_split split, int side, ek_dataset **dataset,
                            ek_error *err) {
    ek_dataset_options options;
    int quick = study->level == EKS_LEVEL_QUICK;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.height = options.width = side;
    if (split == EK_SPLIT_TRAIN)
        options.limit = quick ? QUICK_TRAIN : LONG_TRAIN;
    else
        options.limit = quick ? QUICK_TEST : LONG_TEST;
    return ek_dataset_open(spec_of(study, source), split, &options, dataset, err);
}

static ek_status read_images(const ek_dataset *dataset, const eks_pool *pool, eks_images *images, ek_error *err) {
    size_t pixels = (size_t)pool->channels * (size_t)pool->side * (size_t)pool->side;
    images->count = ek_dataset_describe(dataset).count;
    images->pixels = eks_floats((size_t)images->count * pixels, err);
    images->labels = calloc((size_t)images->count + 1, sizeof *images->labels);
    if (!images->pixels || !images->labels) return eks_fail(err, EK_ERR_NOMEM, "out of memory for images");
    for (int64_t i = 0; i < images->count; i++)
        EKS_TRY(ek_dataset_read(dataset, i, images->pixels + (size_t)i * pixels, &images->labels[i], err));
    return EK_OK;
}

/* "strokes, 14 x 14", "mnist (idx), 28 x 28": the last part of the path is what people call a data set. */
static void name_pool(eks_pool *pool, const char *spec, const char *kind) {
    size_t end = strlen(spec);
    while (end > 1 && spec[end - 1] == '/') end--;
    size_t from = end;
    while (from > 0 && spec[from - 1] != '/') from--;
    if (strncmp(spec, "builtin:", 8) == 0)
        snprintf(pool->text, sizeof pool->text, "%s, %d x %d", kind, pool->side, pool->side);
    else
        snprintf(pool->text, sizeof pool->text, "%.*s (%s), %d x %d", end - from < 32 ? (int)(end - from) : 32,
                 spec + from, kind, pool->side, pool->side);
    pool->name = pool->text;
}

/* An order in which any first few are of all kinds: a folder lists its images class by class. */
static ek_status mix(eks_pool *pool, ek_error *err) {
    pool->mixed = calloc((size_t)pool->train.count + 1, sizeof *pool->mixed);
    if (!pool->mixed) return eks_fail(err, EK_ERR_NOMEM, "out of memory for an order of images");
    eks_permutation(pool->mixed, pool->train.count, 0, 50);
    return EK_OK;
}

static ek_status fill(eks_study *study, int source, int side, eks_pool *pool, ek_error *err) {
    ek_dataset *train = NULL, *test = NULL;
    pool->source = source;
    pool->side = side;
    ek_status status = open_split(study, source, EK_SPLIT_TRAIN, side, &train, err);
    if (status != EK_OK) return status;
    ek_dataset_info info = ek_dataset_describe(train);
    pool->channels = info.channels;
    pool->classes = info.classes;
    name_pool(pool, spec_of(study, source), info.kind);
    EKS_TRY_DONE(ek_dataset_measure(train, 2000, pool->mean, pool->std, err));
    for (int c = 0; c < EK_MAX_CHANNELS; c++)
        if (!(pool->std[c] > 0)) pool->std[c] = 1;
    EKS_TRY_DONE(open_split(study, source, EK_SPLIT_TEST, side, &test, err));
    EKS_TRY_DONE(read_images(train, pool, &pool->train, err));
    EKS_TRY_DONE(read_images(test, pool, &pool->test, err));
    EKS_TRY_DONE(mix(pool, err));
done:
    ek_dataset_close(test);
    ek_dataset_close(train);
    return status;
}

/* Channels of each data set, found out once. */
static ek_status look(eks_study *study, ek_error *err) {
    for (int i = 0; i < SPECS && !study->source_channels[0]; i++) study->source_channels[i] = 0;
    for (int i = 0; i < SPECS; i++) {
        ek_dataset *dataset;
        if (study->source_channels[i] || !spec_of(study, i)) continue;
        EKS_TRY(open_split(study, i, EK_SPLIT_TEST, 8, &dataset, err));
        study->source_channels[i] = ek_dataset_describe(dataset).channels;
        ek_dataset_close(dataset);
    }
    return EK_OK;
}

ek_status eks_pool_get(eks_study *study, eks_wanted wanted, int side, const eks_pool **pool, ek_error *err) {
    int source = 0, slot = 0;
    EKS_TRY(look(study, err));
    for (int i = SPECS - 1; i >= 0; i--) {
        int channels = study->source_channels[i];
        if ((wanted == EKS_GREY && channels == 1) || (wanted == EKS_COLOUR && channels > 1)) source = i;
    }
    for (; slot < EKS_POOLS && study->pools[slot]; slot++) {
        *pool = study->pools[slot];
        if (study->pools[slot]->source == source && study->pools[slot]->side == side) return EK_OK;
    }
    if (slot == EKS_POOLS) return eks_fail(err, EK_ERR_LIMIT, "more than %d kinds of images", EKS_POOLS);
    eks_pool *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return eks_fail(err, EK_ERR_NOMEM, "out of memory for images");
    study->pools[slot] = fresh;
    *pool = fresh;
    ek_status status = fill(study, source, side, fresh, err);
    if (status == EK_OK) return EK_OK;
    study->pools[slot] = NULL;
    free(fresh->mixed);
    free(fresh->train.pixels);
    free(fresh->train.labels);
    free(fresh->test.pixels);
    free(fresh->test.labels);
    free(fresh);
    return status;
}

void eks_pools_free(eks_study *study) {
    for (int i = 0; i < EKS_POOLS && study->pools[i]; i++) {
        eks_pool *pool = study->pools[i];
        free(pool->mixed);
        free(pool->train.pixels);
        free(pool->train.labels);
        free(pool->test.pixels);
        free(pool->test.labels);
        free(pool);
    }
}

void eks_pool_gather(const eks_pool *pool, const eks_images *from, const int64_t *order, int64_t count,
                     eks_change change, float *out, int32_t *labels) {
    size_t plane = (size_t)pool->side * (size_t)pool->side, pixels = plane * (size_t)pool->channels;
    float gain = change.gain != 0 ? (float)change.gain : 1, offset = (float)change.offset;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = order ? order[i] : i;
        for (int c = 0; c < pool->channels; c++) {
            const float *x = from->pixels + (size_t)at * pixels + (size_t)c * plane;
            float *y = out + (size_t)i * pixels + (size_t)c * plane;
            float mean = change.raw ? 0 : pool->mean[c], scale = change.raw ? 1 : 1 / pool->std[c];
            for (size_t k = 0; k < plane; k++) y[k] = (gain * x[k] + offset - mean) * scale;
        }
        if (labels) labels[i] = from->labels[at];
    }
}
