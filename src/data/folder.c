/* folder.c: a set made of class folders of PNG or JPEG files, decoded at open, in parallel.
 *
 * The first file decides size and whether the set is gray; when a colour image follows, the set is decoded again as
 * RGB. When files fail, the one that comes first is decoded once more, alone, for its error text: so the same set
 * always gives the same message, whatever the threads did.
 */
#include "base/threads.h"
#include "base/timer.h"
#include "data/folder_list.h"
#include "data/formats.h"
#include "data/place.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

enum { HUGE_PIXELS = 1 << 24, SLICE = 4 };

/* Seconds between two calls of progress, about. */
static const double told_every = 0.2;

typedef struct folder_job {
    ek_dataset *dataset;
    const eki_open_args *args;
    const eki_folder_file *files;
    size_t begin; /* of the slice that is read */
    size_t total; /* files listed; the set takes info.count of them, evenly spread */
    eki_image first;
    pthread_mutex_t huge;
    atomic_size_t failed; /* smallest example that failed */
    atomic_bool colour;   /* there is a colour image */
} folder_job;

bool eki_folder_claims(const char *spec) {
    struct stat info;
    return stat(spec, &info) == 0 && S_ISDIR(info.st_mode);
}

static const eki_folder_file *file_of(const folder_job *job, size_t example) {
    return &job->files[eki_open_pick(example, (size_t)job->dataset->info.count, job->total)];
}

static ek_status check_alike(const folder_job *job, const char *path, const eki_image *image, ek_error *err) {
    if (job->args->files_height > 0 || (image->width == job->first.width && image->height == job->first.height)) {
        return EK_OK;
    }
    return eki_fail(
        err, EK_ERR_SHAPE,
        "%s: is %d x %d (height x width), but %s is %d x %d; give one height and width, as with --size %dx%d: all are "
        "then resized to it",
        path, image->height, image->width, job->files[0].path, job->first.height, job->first.width, job->first.height,
        job->first.width);
}

/* Nobody chose the channels, and a set that began gray has met a colour image. */
static bool starts_anew(folder_job *job) {
    return job->args->channels == 0 && job->dataset->info.channels == 1 && atomic_load(&job->colour);
}

/* Huge images one after the other, so that threads do not multiply what one of them needs. */
static ek_status decode(folder_job *job, size_t example, const eki_encoded *encoded, eki_image *image, ek_error *err) {
    const ek_dataset *d = job->dataset;
    bool huge = (int64_t)image->width * image->height > HUGE_PIXELS;
    if (huge) pthread_mutex_lock(&job->huge);
    ek_status status = eki_image_decode(encoded, image, err);
    if (status == EK_OK) {
        status = eki_image_place(image, d->info.channels, (eki_extent){d->info.height, d->info.width},
                                 d->pixels + example * d->example_values, err);
    }
    eki_image_free(image);
    if (huge) pthread_mutex_unlock(&job->huge);
    return status;
}

static ek_status load(folder_job *job, size_t example, ek_error *err) {
    const eki_folder_file *file = file_of(job, example);
    unsigned char *data;
    eki_encoded encoded;
    eki_image image = {0};
    EKI_TRY(eki_image_slurp(file->path, &data, &encoded, err));
    ek_status status;
    EKI_TRY_DONE(eki_image_probe(&encoded, &image, err));
    EKI_TRY_DONE(check_alike(job, file->path, &image, err));
    if (image.channels > 1) atomic_store(&job->colour, true);
    if (starts_anew(job)) goto done;
    EKI_TRY_DONE(decode(job, example, &encoded, &image, err));
    job->dataset->labels[example] = file->label;
done:
    eki_free(data);
    return status;
}

static void load_one(void *argument, size_t index) {
    folder_job *job = argument;
    size_t i = job->begin + index, failed = atomic_load(&job->failed);
    if (failed < i || starts_anew(job) || load(job, i, NULL) == EK_OK) return;
    while (i < failed && !atomic_compare_exchange_weak(&job->failed, &failed, i)) continue;
}

/* In slices, so that progress is told by this thread: as many images as took about as long before. */
static ek_status load_slices(folder_job *job, ek_error *err) {
    size_t count = (size_t)job->dataset->info.count, slice = SLICE, now;
    const eki_open_args *a = job->args;
    for (job->begin = 0; job->begin < count; job->begin += now) {
        double began = eki_now();
        if (starts_anew(job) || atomic_load(&job->failed) != SIZE_MAX) break;
        if (job->begin > 0 && a->progress != NULL &&
            a->progress(a->context, (int64_t)job->begin, (int64_t)count) != 0) {
            return eki_fail(err, EK_ERR_INTERRUPTED, "%s: reading was stopped after %zu of %zu images", a->spec,
                            job->begin, count);
        }
        now = slice < count - job->begin ? slice : count - job->begin;
        eki_parallel_for(NULL, now, load_one, job);
        if (eki_now() - began < told_every && slice < count) slice += slice;
    }
    return EK_OK;
}

static ek_status load_all(folder_job *job, ek_error *err) {
    atomic_store(&job->failed, SIZE_MAX);
    atomic_store(&job->colour, false);
    EKI_TRY(load_slices(job, err));
    size_t failed = atomic_load(&job->failed);
    if (failed == SIZE_MAX || starts_anew(job)) return EK_OK;
    EKI_TRY(load(job, failed, err));
    return eki_fail(err, EK_ERR_IO, "%s: could not be read, but could a moment later; memory may be short, try again",
                    file_of(job, failed)->path);
}

static ek_status probe_first(folder_job *job, ek_error *err) {
    unsigned char *data;
    eki_encoded encoded;
    EKI_TRY(eki_image_slurp(job->files[0].path, &data, &encoded, err));
    ek_status status = eki_image_probe(&encoded, &job->first, err);
    eki_free(data);
    return status;
}

/* Allocates for `channels` and decodes everything into it. */
static ek_status load_as(folder_job *job, int channels, ek_error *err) {
    ek_dataset *d = job->dataset;
    int64_t chw[3] = {channels, job->args->files_height > 0 ? job->args->files_height : job->first.height,
                      job->args->files_width > 0 ? job->args->files_width : job->first.width};
    eki_free(d->pixels);
    eki_free(d->labels);
    d->pixels = NULL;
    d->labels = NULL;
    int64_t count = eki_open_count(job->args, (int64_t)job->total);
    EKI_TRY(eki_dataset_reserve(d, job->args->spec, EK_U8, count, chw, err));
    return load_all(job, err);
}

ek_status eki_images_load(ek_dataset *dataset, const eki_open_args *args, const eki_folder_files *files,
                          ek_error *err) {
    folder_job job = {.dataset = dataset, .args = args, .files = files->items, .total = files->count};
    ek_status status;
    if (pthread_mutex_init(&job.huge, NULL) != 0) return eki_fail_nomem(err, sizeof job.huge);
    EKI_TRY_DONE(probe_first(&job, err));
    EKI_TRY_DONE(load_as(&job, args->channels != 0 ? args->channels : job.first.channels, err));
    if (starts_anew(&job)) EKI_TRY_DONE(load_as(&job, 3, err));
    dataset->stored_channels = atomic_load(&job.colour) ? 3 : 1;
done:
    pthread_mutex_destroy(&job.huge);
    return status;
}

ek_status eki_folder_open(ek_dataset *dataset, const eki_open_args *args, ek_error *err) {
    eki_arena paths = {0};
    eki_folder_files files = {0};
    ek_status status;
    EKI_TRY_DONE(eki_folder_files_list(&paths, dataset, args, &files, err));
    EKI_TRY_DONE(eki_images_load(dataset, args, &files, err));
    EKI_TRY_DONE(eki_dataset_name_classes(dataset, (int)files.classes.count, files.classes.items, err));
done:
    eki_folder_files_free(&files);
    eki_arena_free(&paths);
    return status;
}
