/* dataset.c: the table of formats, and the calls on an open set.
 *
 * A format says whether a SPEC is its own by looking at the text or at which file names a folder has, never at
 * contents; the first that does opens it, so that a damaged file is an error of its format and not a set of another.
 */
#include "data/dataset.h"

#include "base/options.h"
#include "data/formats.h"
#include "data/image_files.h"
#include "data/resize.h"
#include "data/table.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

typedef struct format {
    const char *kind;
    bool (*claims)(const char *spec);
    ek_status (*open)(ek_dataset *dataset, const eki_open_args *args, ek_error *err);
    bool files; /* of image files: there may be a third split, and each file has a size of its own */
} format;

static const format formats[] = {
    {"strokes", eki_strokes_claims, eki_strokes_open, false},
    {"npy", eki_npy_claims, eki_npy_open, false},
    {"idx", eki_idx_claims, eki_idx_open, false},
    {"cifar10", eki_cifar_claims, eki_cifar_open, false},
    {"table", eki_table_claims, eki_table_open, true},
    {"masks", eki_mask_folder_claims, eki_mask_folder_open, true},
    {"folder", eki_folder_claims, eki_folder_open, true},
};

static const uint64_t default_max_bytes = (uint64_t)8 << 30;

static bool is_size(int height, int width) {
    return height >= 0 && width >= 0 && (height == 0) == (width == 0) && height <= EKI_MAX_SIDE &&
           width <= EKI_MAX_SIDE;
}

static ek_status check_options(const ek_dataset_options *options, eki_open_args *args, uint64_t *max_bytes,
                               ek_error *err) {
    ek_dataset_options o = {.struct_size = sizeof o};
    EKI_TRY(eki_options_take(&o, sizeof o, options, "ek_dataset_options", err));
    if (!is_size(o.height, o.width) || !is_size(o.files_height, o.files_width)) {
        bool own = is_size(o.height, o.width);
        return eki_fail(err, EK_ERR_ARG, "height %d and width %d: give both, from 1 to %d, or neither",
                        own ? o.files_height : o.height, own ? o.files_width : o.width, EKI_MAX_SIDE);
    }
    if (o.limit < 0) {
        return eki_fail(err, EK_ERR_ARG, "limit is %lld, expected 0 (all) or more", (long long)o.limit);
    }
    args->progress = o.progress;
    args->context = o.context;
    args->height = o.height;
    args->width = o.width;
    args->files_height = o.height > 0 ? o.height : o.files_height;
    args->files_width = o.height > 0 ? o.width : o.files_width;
    args->limit = o.limit;
    args->channels = o.channels;
    args->unlabelled = o.unlabelled != 0;
    args->on_demand = o.on_demand != 0;
    args->columns = o.columns;
    args->column_count = o.columns != NULL ? o.column_count : 0;
    args->columns_only = o.columns_only != 0;
    args->gain = o.gain == 0 ? 1.0f : (float)o.gain;
    args->offset = (float)o.offset;
    if ((o.channels != 0 && o.channels != 1 && o.channels != 3) || !isfinite(args->gain) || !isfinite(args->offset)) {
        return eki_fail(err, EK_ERR_ARG, "channels is %d, expected 0, 1 or 3; gain %g and offset %g must be finite",
                        o.channels, o.gain, o.offset);
    }
    *max_bytes = o.max_bytes > 0 ? o.max_bytes : default_max_bytes;
    size_t left = eki_memory_left();
    if (*max_bytes > left) *max_bytes = left;
    args->most = *max_bytes;
    for (size_t i = 0; i < args->column_count; i++) {
        const ek_column_array *c = &args->columns[i];
        if (c->name != NULL && (int)c->use >= EK_COLUMN_INPUT && c->use <= EK_COLUMN_LABEL) continue;
        return eki_fail(err, EK_ERR_ARG, "columns %zu: a name and a use of ek_column_use are expected", i);
    }
    return EK_OK;
}

static ek_status open_as(ek_dataset *dataset, const eki_open_args *args, const void *context, ek_error *err) {
    (void)context;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        bool table = formats[i].open == eki_table_open;
        if (eki_columns_named(args) ? !table : !formats[i].claims(args->spec)) continue;
        if (args->split == EK_SPLIT_VALIDATION && !formats[i].files) return eki_fail_no_validation(args->spec, err);
        dataset->info.kind = formats[i].kind;
        EKI_TRY(formats[i].open(dataset, args, err));
        if (dataset->info.channels == 0) return EK_OK;
        if (dataset->stored_channels == 0) dataset->stored_channels = dataset->info.channels;
        if (args->height != 0) EKI_TRY(eki_resize_dataset(dataset, args->height, args->width, err));
        return eki_dataset_adjust(dataset, args, err);
    }
    struct stat info;
    bool exists = stat(args->spec, &info) == 0;
    return eki_fail(err, exists ? EK_ERR_FORMAT : EK_ERR_IO,
                    "%s: %s; expected a folder (IDX files, CIFAR-10 binary files, images in class folders, or with a "
                    "table), images.npy,labels.npy, table.csv, or builtin:strokes",
                    args->spec, exists ? "is a file, not a folder" : "no such folder");
}

typedef ek_status open_call(ek_dataset *dataset, const eki_open_args *args, const void *context, ek_error *err);

static ek_status open_checked(eki_open_args *args, const ek_dataset_options *options, open_call *open,
                              const void *context, ek_dataset **out, ek_error *err) {
    uint64_t max_bytes = 0;
    EKI_TRY(check_options(options, args, &max_bytes, err));
    ek_dataset *dataset = eki_alloc_zero(eki_sized(sizeof *dataset));
    if (dataset == NULL) return eki_fail_nomem(err, sizeof *dataset);
    dataset->max_bytes = max_bytes;
    dataset->split = args->split;
    for (int v = 0; v < 256; v++) dataset->of_byte[v] = (float)v / 255.0f;
    ek_status status = open(dataset, args, context, err);
    if (status == EK_OK && !args->on_demand) status = ek_dataset_check(dataset, args->progress, args->context, err);
    if (status != EK_OK) {
        ek_dataset_close(dataset);
        return status;
    }
    *out = dataset;
    return EK_OK;
}

ek_status ek_dataset_open(const char *spec, ek_split split, const ek_dataset_options *options, ek_dataset **out,
                          ek_error *err) {
    EKI_GIVEN(spec, err);
    EKI_GIVEN(out, err);
    *out = NULL;
    if (spec[0] == '\0') return eki_fail(err, EK_ERR_ARG, "data: the name is empty");
    if (split != EK_SPLIT_TRAIN && split != EK_SPLIT_TEST && split != EK_SPLIT_VALIDATION) {
        return eki_fail(err, EK_ERR_ARG, "split is %d, expected EK_SPLIT_TRAIN, EK_SPLIT_TEST or EK_SPLIT_VALIDATION",
                        (int)split);
    }
    eki_open_args args = {.spec = spec, .split = split};
    return open_checked(&args, options, open_as, NULL, out, err);
}

typedef struct part_of_list {
    const ek_image_list *list;
    size_t first, count;
} part_of_list;

static ek_status open_listed(ek_dataset *dataset, const eki_open_args *args, const void *context, ek_error *err) {
    const part_of_list *part = context;
    eki_folder_files files = {0};
    ek_status status = EK_OK;
    dataset->info.kind = "folder";
    for (size_t i = 0; status == EK_OK && i < part->count; i++)
        status = eki_folder_add(&files, ek_image_list_path(part->list, part->first + i), 0, err);
    if (status == EK_OK) status = eki_image_files_open(dataset, args, &files, err);
    if (status == EK_OK) status = eki_dataset_name_classes(dataset, 0, NULL, err);
    if (status == EK_OK) status = eki_dataset_adjust(dataset, args, err);
    eki_folder_files_free(&files);
    return status;
}

ek_status ek_dataset_open_images(const ek_image_list *list, size_t first, size_t count,
                                 const ek_dataset_options *options, ek_dataset **out, ek_error *err) {
    EKI_GIVEN(list, err);
    EKI_GIVEN(out, err);
    *out = NULL;
    size_t total = ek_image_list_count(list);
    if (count == 0 || first > total || count > total - first) {
        return eki_fail(err, EK_ERR_ARG, "images %zu to %zu of a list of %zu; at least one is expected, none beyond it",
                        first, first + count, total);
    }
    eki_open_args args = {.spec = ek_image_list_path(list, first), .split = EK_SPLIT_ALL};
    part_of_list part = {.list = list, .first = first, .count = count};
    return open_checked(&args, options, open_listed, &part, out, err);
}

void ek_dataset_close(ek_dataset *dataset) {
    if (dataset == NULL) return;
    eki_free(dataset->pixels);
    eki_free(dataset->values);
    eki_free(dataset->bins);
    eki_image_files_release(dataset->files);
    eki_free(dataset->members);
    eki_free(dataset->labels);
    eki_fields_free(dataset);
    eki_free(dataset->rows);
    eki_skips_free(&dataset->skips);
    eki_arena_free(&dataset->arena);
    eki_free(dataset);
}

ek_dataset_info ek_dataset_describe(const ek_dataset *dataset) {
    return dataset == NULL ? (ek_dataset_info){0} : dataset->info;
}
ek_split ek_dataset_split(const ek_dataset *dataset) { return dataset == NULL ? EK_SPLIT_TRAIN : dataset->split; }

int ek_dataset_has_split(const ek_dataset *dataset, ek_split split) {
    return dataset != NULL && (int)split >= 0 && split < EK_SPLIT_ALL && dataset->has[split];
}

ek_labels ek_dataset_labels(const ek_dataset *dataset) {
    if (dataset == NULL || dataset->labelled != EK_LABELS_NONE)
        return dataset == NULL ? EK_LABELS_NONE : dataset->labelled;
    return dataset->info.classes > 0 ? EK_LABELS_CLASS : EK_LABELS_NONE;
}

const char *ek_dataset_note(const ek_dataset *dataset) { return dataset == NULL ? NULL : dataset->note; }

size_t ek_dataset_skipped(const ek_dataset *dataset, const ek_skipped **skipped) {
    if (dataset == NULL) return 0;
    *skipped = dataset->skips.items;
    return dataset->skips.count;
}

int ek_dataset_stored_channels(const ek_dataset *dataset) { return dataset == NULL ? 0 : dataset->stored_channels; }
