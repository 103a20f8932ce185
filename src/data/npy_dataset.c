/* npy_dataset.c: a set made of two .npy arrays, images and labels, the same for both splits.
 *
 * Images are u8 or f32, [N,H,W] or [N,C,H,W]; labels are integers 0 to classes-1, [N] or [N,1], or [N,classes] with one
 * 1 in each row and zeros (one-hot). The number of classes is the largest label plus one, or that of the columns. Where
 * labels are not needed the images may stand alone.
 */
#include "data/formats.h"
#include "data/npy_header.h"

#include <stdio.h>
#include <string.h>

bool eki_npy_claims(const char *spec) {
    size_t length = strlen(spec);
    return length >= 4 && strcmp(spec + length - 4, ".npy") == 0;
}

/* "a.npy,b.npy" at the comma that follows ".npy". */
static ek_status split_spec(ek_dataset *d, const eki_open_args *args, const char *paths[2], ek_error *err) {
    const char *spec = args->spec, *mark = strstr(spec, ".npy,");
    if (mark == NULL && args->unlabelled) {
        paths[0] = eki_arena_strdup(&d->arena, spec);
        return paths[0] == NULL ? eki_fail_nomem(err, strlen(spec)) : EK_OK;
    }
    if (mark == NULL) {
        return eki_fail(err, EK_ERR_ARG, "%s: a file of images needs its labels: write images.npy,labels.npy", spec);
    }
    paths[0] = eki_arena_strndup(&d->arena, spec, (size_t)(mark - spec) + 4);
    paths[1] = eki_arena_strdup(&d->arena, mark + 5);
    if (paths[0] == NULL || paths[1] == NULL) return eki_fail_nomem(err, strlen(spec));
    return EK_OK;
}

/* Element i of an integer array; false when it does not fit or the type is not an integer. */
static bool integer_at(const ek_npy *a, size_t i, int64_t *value) {
    const unsigned char *p = a->data;
    p += i * eki_npy_item_bytes(a->dtype);
    uint64_t bits = 0;
    size_t bytes = eki_npy_item_bytes(a->dtype);
    for (size_t b = 0; b < bytes; b++) bits |= (uint64_t)p[b] << (8 * b);
    bool is_signed = a->dtype == EK_I8 || a->dtype == EK_I16 || a->dtype == EK_I32 || a->dtype == EK_I64;
    if (is_signed && bytes < 8 && (bits >> (8 * bytes - 1)) != 0) bits |= ~(uint64_t)0 << (8 * bytes);
    memcpy(value, &bits, sizeof bits);
    return is_signed || *value >= 0;
}

static double real_at(const ek_npy *a, size_t i) {
    float narrow = 0;
    double wide = 0;
    const unsigned char *p = a->data;
    if (a->dtype == EK_F64) memcpy(&wide, p + i * sizeof wide, sizeof wide);
    if (a->dtype == EK_F32) memcpy(&narrow, p + i * sizeof narrow, sizeof narrow);
    return a->dtype == EK_F32 ? (double)narrow : wide;
}

/* Element i, when it is 0 or 1; else -1. */
static int bit_at(const ek_npy *a, size_t i) {
    int64_t value = -1;
    double real = real_at(a, i);
    if (a->dtype == EK_F32 || a->dtype == EK_F64) return real == 0 ? 0 : real == 1 ? 1 : -1;
    return integer_at(a, i, &value) && (value == 0 || value == 1) ? (int)value : -1;
}

static bool is_one_hot(const ek_npy *a) { return a->rank == 2 && a->dims[1] > 1; }

/* The column of the one 1 in a row; false when there are others. */
static bool column_of(const ek_npy *a, size_t row, int64_t *label) {
    size_t columns = (size_t)a->dims[1];
    *label = -1;
    for (size_t c = 0; c < columns; c++) {
        int bit = bit_at(a, row * columns + c);
        if (bit < 0 || (bit == 1 && *label >= 0)) return false;
        if (bit == 1) *label = (int64_t)c;
    }
    return *label >= 0;
}

static ek_status check_labels(const char *path, const ek_npy *a, ek_error *err) {
    bool real = a->dtype == EK_F32 || a->dtype == EK_F64 || a->dtype == EK_F16;
    if (real && (!is_one_hot(a) || a->dtype == EK_F16)) {
        return eki_fail(err, EK_ERR_DTYPE, "%s: labels are %s, expected integers; save them as labels.astype('int64')",
                        path, eki_npy_descr(a->dtype));
    }
    if (a->rank < 1 || a->rank > 2 || (is_one_hot(a) && a->dims[1] > EKI_MAX_CLASSES)) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "%s: labels have %d dimensions, expected [N], or [N,classes] with one 1 a row", path, a->rank);
    }
    return EK_OK;
}

static ek_status fail_label(const char *path, const ek_npy *a, size_t i, int64_t label, ek_error *err) {
    if (is_one_hot(a)) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "%s: labels are [N,%lld], but row %zu is not one 1 and zeros; save class numbers as "
                        "labels.argmax(axis=1)",
                        path, (long long)a->dims[1], i);
    }
    return eki_fail(err, EK_ERR_FORMAT, "%s: label %lld at example %zu is out of range, expected 0 to %d", path,
                    (long long)label, i, EKI_MAX_CLASSES - 1);
}

static ek_status note_one_hot(ek_dataset *d, const char *path, ek_error *err) {
    static const char text[] = ": one-hot labels, taken as the number of the column that holds the 1";
    char *note = eki_arena_alloc(&d->arena, eki_sized(strlen(path) + sizeof text));
    if (note == NULL) return eki_fail_nomem(err, strlen(path));
    (void)snprintf(note, strlen(path) + sizeof text, "%s%s", path, text);
    d->note = note;
    return EK_OK;
}

static ek_status copy_labels(ek_dataset *d, const char *path, const ek_npy *a, ek_error *err) {
    bool one_hot = is_one_hot(a);
    int64_t top = one_hot ? a->dims[1] - 1 : 0;
    for (size_t i = 0; i < (size_t)a->dims[0]; i++) {
        int64_t label;
        bool good = one_hot ? column_of(a, i, &label) : integer_at(a, i, &label);
        if (!good || label < 0 || label >= EKI_MAX_CLASSES) return fail_label(path, a, i, label, err);
        if ((int64_t)i < d->info.count) d->labels[i] = (int32_t)label;
        if (label > top) top = label;
    }
    if (one_hot) EKI_TRY(note_one_hot(d, path, err));
    return eki_dataset_name_classes(d, (int)top + 1, NULL, err);
}

static ek_status check_images(const char *path, const ek_npy *a, int64_t chw[3], ek_error *err) {
    if (a->dtype != EK_U8 && a->dtype != EK_F32) {
        return eki_fail(err, EK_ERR_DTYPE,
                        "%s: images are %s, expected |u1 or <f4; save them as images.astype('float32')", path,
                        eki_npy_descr(a->dtype));
    }
    if (a->rank != 3 && a->rank != 4) {
        return eki_fail(err, EK_ERR_SHAPE, "%s: images have %d dimensions, expected [N,C,H,W] or [N,H,W]", path,
                        a->rank);
    }
    chw[0] = a->rank == 4 ? a->dims[1] : 1;
    chw[1] = a->dims[a->rank - 2];
    chw[2] = a->dims[a->rank - 1];
    if (a->rank == 4 && chw[0] > EK_MAX_CHANNELS && chw[2] <= EK_MAX_CHANNELS) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "%s: images look like [N,H,W,C] (%lld x %lld x %lld), expected [N,C,H,W]; save them as "
                        "images.transpose(0,3,1,2).copy()",
                        path, (long long)chw[0], (long long)chw[1], (long long)chw[2]);
    }
    return EK_OK;
}

static ek_status fill(ek_dataset *d, const eki_open_args *args, const char *const paths[2], ek_npy *images,
                      const ek_npy *labels, ek_error *err) {
    int64_t chw[3];
    EKI_TRY(check_images(paths[0], images, chw, err));
    if (paths[1] != NULL) EKI_TRY(check_labels(paths[1], labels, err));
    if (paths[1] != NULL && images->dims[0] != labels->dims[0]) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "%s: %lld images, but %s has %lld labels; these files do not belong together", paths[0],
                        (long long)images->dims[0], paths[1], (long long)labels->dims[0]);
    }
    int64_t count = eki_open_count(args, images->dims[0]);
    EKI_TRY(eki_dataset_adopt(d, paths[0], images->dtype, count, chw, images->data, err));
    images->data = NULL;
    return paths[1] != NULL ? copy_labels(d, paths[1], labels, err) : eki_dataset_name_classes(d, 0, NULL, err);
}

ek_status eki_npy_open(ek_dataset *d, const eki_open_args *args, ek_error *err) {
    const char *paths[2] = {NULL, NULL};
    ek_npy images = {0}, labels = {0};
    EKI_TRY(split_spec(d, args, paths, err));
    d->split = EK_SPLIT_ALL;
    ek_status status;
    EKI_TRY_DONE(eki_npy_read_within(paths[0], d->max_bytes, &images, err));
    if (paths[1] != NULL) EKI_TRY_DONE(eki_npy_read_within(paths[1], d->max_bytes, &labels, err));
    EKI_TRY_DONE(fill(d, args, paths, &images, &labels, err));
done:
    ek_npy_free(&images);
    ek_npy_free(&labels);
    return status;
}
