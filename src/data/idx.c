/* idx.c: MNIST's IDX files, plain or gzip.
 *
 * The training labels decide how many classes there are, also for the test split, so that both agree: the largest label
 * plus one, and at least ten as in MNIST and its kin. Labels beyond nine must occur without gaps; a lone 77 is damage.
 */
#include "data/formats.h"
#include "data/source.h"

#include <stdio.h>
#include <string.h>

static const char *const part_names[2][2] = {{"train-images", "train-labels"}, {"t10k-images", "t10k-labels"}};
static const char *const endings[2][4] = {
    {"-idx3-ubyte", "-idx3-ubyte.gz", ".idx3-ubyte", ".idx3-ubyte.gz"},
    {"-idx1-ubyte", "-idx1-ubyte.gz", ".idx1-ubyte", ".idx1-ubyte.gz"},
};

enum { IMAGES = 0, LABELS = 1, NAME_ROOM = 64 };

static bool find_name(const char *folder, ek_split split, int part, char name[NAME_ROOM]) {
    for (int e = 0; e < 4; e++) {
        (void)snprintf(name, NAME_ROOM, "%s%s", part_names[split][part], endings[part][e]);
        if (eki_file_exists(folder, name)) return true;
    }
    return false;
}

bool eki_idx_claims(const char *spec) {
    char name[NAME_ROOM];
    for (int split = 0; split < 2; split++) {
        for (int part = 0; part < 2; part++) {
            if (find_name(spec, (ek_split)split, part, name)) return true;
        }
    }
    return false;
}

/* Appends "stem-idx3-ubyte (or .gz, ...)" for a missing file. */
static void describe_missing(char *text, size_t room, ek_split split, int part) {
    size_t used = strlen(text);
    (void)snprintf(text + used, room - used, "%s%s%s (also looked for %s%s, %s%s and %s%s)", used > 0 ? " and " : "",
                   part_names[split][part], endings[part][0], part_names[split][part], endings[part][1],
                   part_names[split][part], endings[part][2], part_names[split][part], endings[part][3]);
}

static ek_status find_files(ek_dataset *d, const char *folder, ek_split split, const char *paths[2], ek_error *err) {
    char missing[512] = "";
    for (int part = 0; part < 2; part++) {
        char name[NAME_ROOM];
        if (!find_name(folder, split, part, name)) {
            describe_missing(missing, sizeof missing, split, part);
            continue;
        }
        paths[part] = eki_path_join(&d->arena, folder, name);
        if (paths[part] == NULL) return eki_fail_nomem(err, NAME_ROOM);
    }
    if (missing[0] == '\0') return EK_OK;
    return eki_fail(err, EK_ERR_IO, "%s: there is no %s; put all files of the set into this folder", folder, missing);
}

static int64_t big_endian(const unsigned char *p) {
    return (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | p[3];
}

/* Magic number and extents: 00 00 08 RANK, then RANK big-endian 32-bit numbers. */
static ek_status read_header(eki_source *s, const char *path, int rank, int64_t *dims, ek_error *err) {
    unsigned char h[16];
    EKI_TRY(eki_source_need(s, h, 4, err));
    if (h[0] != 0 || h[1] != 0 || h[2] != 8 || h[3] != rank) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "%s: begins with %02x %02x %02x %02x, expected 00 00 08 %02x (IDX, unsigned bytes, %d "
                        "dimension%s); is it another file, renamed?",
                        path, h[0], h[1], h[2], h[3], rank, rank, rank == 1 ? "" : "s");
    }
    EKI_TRY(eki_source_need(s, h, (size_t)rank * 4, err));
    for (int i = 0; i < rank; i++) dims[i] = big_endian(h + (size_t)i * 4);
    return EK_OK;
}

/* Reads all labels into *labels (eki_alloc). */
static ek_status read_labels(const char *path, uint64_t most, unsigned char **labels, int64_t *count, ek_error *err) {
    *labels = NULL;
    eki_source *s;
    EKI_TRY(eki_source_open(path, &s, err));
    ek_status status;
    EKI_TRY_DONE(read_header(s, path, 1, count, err));
    EKI_TRY_DONE(eki_source_expect(s, (uint64_t)*count, err));
    if ((uint64_t)*count > most) {
        status = eki_fail(err, EK_ERR_LIMIT, "%s: %lld labels are more than the limit of %llu bytes in memory", path,
                          (long long)*count, (unsigned long long)most);
        goto done;
    }
    *labels = eki_alloc(eki_sized((size_t)*count));
    if (*labels == NULL) {
        status = eki_fail_nomem(err, (unsigned long long)*count);
        goto done;
    }
    EKI_TRY_DONE(eki_source_need(s, *labels, (size_t)*count, err));
    EKI_TRY_DONE(eki_source_finish(s, 0, err));
done:
    eki_source_close(s);
    if (status != EK_OK) {
        eki_free(*labels);
        *labels = NULL;
    }
    return status;
}

static ek_status count_classes(const char *path, const unsigned char *labels, int64_t count, int *classes,
                               ek_error *err) {
    int64_t first[256];
    int top = 0;
    for (int v = 0; v < 256; v++) first[v] = -1;
    for (int64_t i = count; i-- > 0;) first[labels[i]] = i;
    for (int v = 0; v < 256; v++) top = first[v] >= 0 ? v : top;
    for (int v = 10; v < top; v++) {
        if (first[v] >= 0) continue;
        return eki_fail(err, EK_ERR_FORMAT,
                        "%s: label %d at example %lld, but no example has label %d; expected 0 to 9, or labels without "
                        "gaps: repair or renumber them",
                        path, top, (long long)first[top], v);
    }
    *classes = top < 9 ? 10 : top + 1;
    return EK_OK;
}

/* Number of classes of the set: from the training labels where there are any, else from the labels at hand. */
static ek_status set_classes(ek_dataset *d, const eki_open_args *args, const char *own_path, const unsigned char *own,
                             int64_t own_count, ek_error *err) {
    char name[NAME_ROOM];
    int classes = 0;
    if (args->split == EK_SPLIT_TRAIN || !find_name(args->spec, EK_SPLIT_TRAIN, LABELS, name)) {
        EKI_TRY(count_classes(own_path, own, own_count, &classes, err));
        return eki_dataset_name_classes(d, classes, NULL, err);
    }
    const char *path = eki_path_join(&d->arena, args->spec, name);
    if (path == NULL) return eki_fail_nomem(err, NAME_ROOM);
    unsigned char *labels = NULL;
    int64_t count;
    EKI_TRY(read_labels(path, d->max_bytes, &labels, &count, err));
    ek_status status = count_classes(path, labels, count, &classes, err);
    eki_free(labels);
    EKI_TRY(status);
    for (int64_t i = 0; i < own_count; i++) {
        if (own[i] < classes) continue;
        return eki_fail(err, EK_ERR_FORMAT, "%s: label %d at example %lld is out of range; %s has labels 0 to %d",
                        own_path, own[i], (long long)i, path, classes - 1);
    }
    return eki_dataset_name_classes(d, classes, NULL, err);
}

static ek_status read_images(ek_dataset *d, const eki_open_args *args, const char *const paths[2], int64_t labels,
                             ek_error *err) {
    eki_source *s;
    EKI_TRY(eki_source_open(paths[IMAGES], &s, err));
    ek_status status;
    int64_t dims[3];
    EKI_TRY_DONE(read_header(s, paths[IMAGES], 3, dims, err));
    if (dims[0] != labels) {
        status =
            eki_fail(err, EK_ERR_FORMAT, "%s: %lld images, but %s has %lld labels; these files do not belong together",
                     paths[IMAGES], (long long)dims[0], paths[LABELS], (long long)labels);
        goto done;
    }
    int64_t chw[3] = {1, dims[1], dims[2]}, count = eki_open_count(args, dims[0]), plane, all;
    if (!eki_mul_i64(dims[1], dims[2], &plane) || !eki_mul_i64(plane, dims[0], &all)) all = INT64_MAX;
    EKI_TRY_DONE(eki_source_expect(s, (uint64_t)all, err));
    EKI_TRY_DONE(eki_dataset_reserve(d, paths[IMAGES], EK_U8, count, chw, err));
    EKI_TRY_DONE(eki_source_need(s, d->pixels, (size_t)(count * plane), err));
    EKI_TRY_DONE(eki_source_finish(s, (uint64_t)((dims[0] - count) * plane), err));
done:
    eki_source_close(s);
    return status;
}

ek_status eki_idx_open(ek_dataset *d, const eki_open_args *args, ek_error *err) {
    const char *paths[2] = {NULL, NULL};
    unsigned char *labels = NULL;
    int64_t count;
    EKI_TRY(find_files(d, args->spec, args->split, paths, err));
    EKI_TRY(read_labels(paths[LABELS], d->max_bytes, &labels, &count, err));
    ek_status status;
    EKI_TRY_DONE(read_images(d, args, paths, count, err));
    EKI_TRY_DONE(set_classes(d, args, paths[LABELS], labels, count, err));
    for (int64_t i = 0; i < d->info.count; i++) d->labels[i] = labels[i];
done:
    eki_free(labels);
    return status;
}
