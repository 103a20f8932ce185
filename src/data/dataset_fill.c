/* dataset_fill.c: what the readers of formats ask of the data set that they fill: room, names of classes, how many. */
#include "data/dataset.h"

#include "data/formats.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int64_t eki_open_count(const eki_open_args *args, int64_t total) {
    return args->limit > 0 && args->limit < total ? args->limit : total;
}

size_t eki_open_pick(size_t example, size_t count, size_t total) {
    __extension__ typedef unsigned __int128 wide;
    return (size_t)((wide)example * total / count);
}

bool eki_file_exists(const char *folder, const char *name) {
    char path[PATH_MAX];
    int used = snprintf(path, sizeof path, "%s/%s", folder, name);
    struct stat info;
    return used > 0 && (size_t)used < sizeof path && stat(path, &info) == 0;
}

static ek_status check_extents(const char *name, int64_t count, const int64_t chw[3], ek_error *err) {
    if (chw[0] < 1 || chw[0] > EK_MAX_CHANNELS) {
        return eki_fail(err, EK_ERR_SHAPE, "%s: images have %lld channels, expected 1 to %d", name, (long long)chw[0],
                        EK_MAX_CHANNELS);
    }
    if (chw[1] < 1 || chw[2] < 1 || chw[1] > EKI_MAX_SIDE || chw[2] > EKI_MAX_SIDE) {
        return eki_fail(err, EK_ERR_SHAPE, "%s: images are %lld x %lld, expected sides of 1 to %d", name,
                        (long long)chw[1], (long long)chw[2], EKI_MAX_SIDE);
    }
    if (count < 1) return eki_fail(err, EK_ERR_FORMAT, "%s: holds no examples, expected at least 1", name);
    return EK_OK;
}

/* *bytes is what the examples take. */
static ek_status check_limit(const ek_dataset *dataset, const char *name, ek_dtype dtype, int64_t count,
                             const int64_t chw[3], size_t *bytes, ek_error *err) {
    size_t one = (size_t)chw[0] * (size_t)chw[1] * (size_t)chw[2] * (dtype == EK_F32 ? sizeof(float) : 1);
    if (!eki_mul_size(one, (size_t)count, bytes) || *bytes > dataset->max_bytes) {
        return eki_fail(err, EK_ERR_LIMIT,
                        "%s: %lld examples of %lld x %lld x %lld need more than the limit of %llu bytes in memory; use "
                        "fewer examples, smaller images, or raise the limit",
                        name, (long long)count, (long long)chw[0], (long long)chw[1], (long long)chw[2],
                        (unsigned long long)dataset->max_bytes);
    }
    return EK_OK;
}

ek_status eki_dataset_outline(ek_dataset *dataset, const char *name, int64_t count, const int64_t chw[3],
                              ek_error *err) {
    EKI_TRY(check_extents(name, count, chw, err));
    eki_size labels = eki_size_of((size_t)count, sizeof *dataset->labels);
    dataset->image_name = eki_arena_strdup(&dataset->arena, name);
    dataset->labels = eki_alloc_zero(labels);
    if (dataset->image_name == NULL || dataset->labels == NULL) return eki_fail_nomem(err, labels.bytes);
    dataset->dtype = EK_U8;
    dataset->example_values = (size_t)chw[0] * (size_t)chw[1] * (size_t)chw[2];
    dataset->info.count = count;
    dataset->info.channels = (int)chw[0];
    dataset->info.height = (int)chw[1];
    dataset->info.width = (int)chw[2];
    return EK_OK;
}

/* `data` is taken over, or allocated when it is NULL; on failure it stays the caller's. */
static ek_status set_up(ek_dataset *dataset, const char *name, ek_dtype dtype, int64_t count, const int64_t chw[3],
                        void *data, ek_error *err) {
    size_t bytes;
    EKI_TRY(check_extents(name, count, chw, err));
    EKI_TRY(check_limit(dataset, name, dtype, count, chw, &bytes, err));
    EKI_TRY(eki_dataset_outline(dataset, name, count, chw, err));
    if (data == NULL) data = eki_alloc_zero(eki_sized(bytes));
    if (data == NULL) return eki_fail_nomem(err, bytes);
    dataset->pixels = dtype == EK_U8 ? data : NULL;
    dataset->values = dtype == EK_F32 ? data : NULL;
    dataset->dtype = dtype;
    return EK_OK;
}

ek_status eki_dataset_reserve(ek_dataset *dataset, const char *name, ek_dtype dtype, int64_t count,
                              const int64_t chw[3], ek_error *err) {
    return set_up(dataset, name, dtype, count, chw, NULL, err);
}

ek_status eki_dataset_adopt(ek_dataset *dataset, const char *name, ek_dtype dtype, int64_t count, const int64_t chw[3],
                            void *data, ek_error *err) {
    return set_up(dataset, name, dtype, count, chw, data, err);
}

ek_status eki_dataset_name_classes(ek_dataset *dataset, int classes, const char *const *names, ek_error *err) {
    const char **copy = eki_arena_alloc(&dataset->arena, eki_size_of((size_t)classes + 1, sizeof *copy));
    if (copy == NULL) return eki_fail_nomem(err, (size_t)classes * sizeof *copy);
    for (int i = 0; i < classes; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", i);
        copy[i] = eki_arena_strdup(&dataset->arena, names != NULL ? names[i] : number);
        if (copy[i] == NULL) return eki_fail_nomem(err, sizeof number);
    }
    dataset->info.classes = classes;
    dataset->info.class_names = copy;
    return EK_OK;
}

ek_status eki_fail_no_validation(const char *name, ek_error *err) {
    return eki_fail(err, EK_ERR_IO, "%s: has no validation data; a folder of images has them in val/ beside train/",
                    name);
}
