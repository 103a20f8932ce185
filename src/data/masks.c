/* masks.c: see masks.h. Decoded in parallel; of files that fail, the first is told. */
#include "data/masks.h"

#include "base/threads.h"
#include "data/image.h"

#include <stdatomic.h>
#include <string.h>

enum { VALUES = 256, UNLABELLED = 255 };

typedef struct mask_job {
    const ek_dataset *set;
    const eki_mask_files *files;
    int16_t *out;
    atomic_size_t failed; /* smallest example that failed */
} mask_job;

static ek_status decode(const char *path, eki_image *mask, ek_error *err) {
    unsigned char *data;
    eki_encoded file;
    EKI_TRY(eki_image_slurp(path, &data, &file, err));
    ek_status status = eki_image_decode_mask(&file, mask, err);
    eki_free(data);
    return status;
}

static ek_status check_size(const char *path, const eki_image *mask, const char *image, ek_error *err) {
    unsigned char *data;
    eki_encoded file;
    eki_image probed;
    EKI_TRY(eki_image_slurp(image, &data, &file, err));
    ek_status status = eki_image_probe(&file, &probed, err);
    eki_free(data);
    EKI_TRY(status);
    if (probed.width == mask->width && probed.height == mask->height) return EK_OK;
    return eki_fail(err, EK_ERR_SHAPE, "%s: is %d x %d (height x width), but its image %s is %d x %d", path,
                    mask->height, mask->width, image, probed.height, probed.width);
}

/* The pixel of the mask in which the middle of a pixel of the example lies. */
static void place(const eki_image *mask, int height, int width, int16_t *out) {
    for (int y = 0; y < height; y++) {
        const unsigned char *row =
            mask->pixels + (size_t)((2 * (int64_t)y + 1) * mask->height / (2 * (int64_t)height)) * (size_t)mask->width;
        for (int x = 0; x < width; x++) *out++ = row[(2 * (int64_t)x + 1) * mask->width / (2 * (int64_t)width)];
    }
}

static ek_status load(const mask_job *job, size_t i, ek_error *err) {
    const ek_dataset_info *info = &job->set->info;
    const char *path = job->files->masks.items[i];
    eki_image mask = {0};
    EKI_TRY(decode(path, &mask, err));
    ek_status status = check_size(path, &mask, job->files->images->items[i], err);
    size_t pixels = (size_t)info->height * (size_t)info->width;
    if (status == EK_OK) place(&mask, info->height, info->width, job->out + i * pixels);
    eki_image_free(&mask);
    return status;
}

static void load_one(void *argument, size_t i) {
    mask_job *job = argument;
    size_t failed = atomic_load(&job->failed);
    if (failed < i || load(job, i, NULL) == EK_OK) return;
    while (i < failed && !atomic_compare_exchange_weak(&job->failed, &failed, i)) continue;
}

static ek_status load_all(mask_job *job, ek_error *err) {
    atomic_store(&job->failed, SIZE_MAX);
    eki_parallel_for(NULL, (size_t)job->set->info.count, load_one, job);
    size_t failed = atomic_load(&job->failed);
    if (failed == SIZE_MAX) return EK_OK;
    EKI_TRY(load(job, failed, err));
    return eki_fail(err, EK_ERR_IO, "%s: could not be read, but could a moment later; memory may be short, try again",
                    job->files->masks.items[failed]);
}

/* No values but 0 and 255, as drawn by hand. */
static bool is_drawn(const bool used[VALUES]) {
    for (int v = 1; v < UNLABELLED; v++) {
        if (used[v]) return false;
    }
    return used[UNLABELLED];
}

/* The values of the training masks, as far as it takes to know that there are others than 0 and 255. */
static ek_status scan_training(const eki_mask_files *files, bool used[VALUES], ek_error *err) {
    for (size_t i = 0; i < files->training.count; i++) {
        eki_image mask = {0};
        EKI_TRY(decode(files->training.items[i], &mask, err));
        size_t pixels = (size_t)mask.width * (size_t)mask.height;
        for (size_t p = 0; p < pixels; p++) used[mask.pixels[p]] = true;
        eki_image_free(&mask);
        if (used[UNLABELLED] && !is_drawn(used)) return EK_OK;
    }
    return EK_OK;
}

static ek_status settle(ek_dataset *d, const eki_mask_files *files, int16_t *values, size_t count, int *classes,
                        ek_error *err) {
    bool used[VALUES] = {false};
    for (size_t i = 0; i < count; i++) used[values[i]] = true;
    *classes = 2;
    for (int v = 0; v < UNLABELLED; v++) {
        if (used[v] && v >= *classes) *classes = v + 1;
    }
    if (!used[UNLABELLED]) return EK_OK;
    if (is_drawn(used)) EKI_TRY(scan_training(files, used, err));
    bool drawn = is_drawn(used);
    for (size_t i = 0; i < count; i++) {
        if (values[i] == UNLABELLED) values[i] = drawn ? 1 : EKI_MASK_IGNORED;
    }
    d->note = drawn ? "masks have the values 0 and 255: 255 is taken as class 1"
                    : "masks: pixels of value 255 belong to no class and are ignored";
    return EK_OK;
}

ek_status eki_masks_load(ek_dataset *d, const eki_open_args *args, const eki_mask_files *files, bool labels,
                         ek_error *err) {
    const int64_t dims[3] = {d->info.count, d->info.height, d->info.width};
    size_t pixels = (size_t)dims[1] * (size_t)dims[2], count, bytes;
    int classes;
    if (!eki_mul_size(pixels, (size_t)d->info.count, &count) || !eki_mul_size(count, sizeof(int16_t), &bytes) ||
        bytes > args->most) {
        return eki_fail(err, EK_ERR_LIMIT,
                        "%s: %lld masks of %lld x %lld need more than the limit of %llu bytes in memory; use fewer or "
                        "smaller images",
                        args->spec, (long long)dims[0], (long long)dims[1], (long long)dims[2],
                        (unsigned long long)args->most);
    }
    mask_job job = {.set = d, .files = files, .out = eki_alloc(eki_sized(bytes))};
    if (job.out == NULL) return eki_fail_nomem(err, bytes);
    EKI_TRY(eki_field_own(d, files->name, EK_I16, 3, dims, job.out, err));
    d->fields[d->n_fields - 1].mask = true;
    EKI_TRY(load_all(&job, err));
    EKI_TRY(settle(d, files, job.out, count, &classes, err));
    if (!labels) return EK_OK;
    d->labelled = EK_LABELS_PIXELS;
    return eki_dataset_name_classes(d, classes, NULL, err);
}
