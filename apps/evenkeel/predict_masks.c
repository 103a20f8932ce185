/* predict_masks.c: see predict_masks.h. */
#include "predict_masks.h"

#include "grid.h"
#include "inputs.h"
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ending[] = ".mask.png";

static int is_mask(const char *path) {
    size_t length = strlen(path), own = sizeof ending - 1;
    return length > own && strcmp(path + length - own, ending) == 0;
}

ek_status masks_leave_out(ek_image_list **list, ek_error *err) {
    size_t count = ek_image_list_count(*list), kept = 0;
    const char **paths = calloc(count + 1, sizeof *paths);
    ek_image_list *rest = NULL;
    if (paths == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (!is_mask(ek_image_list_path(*list, i))) paths[kept++] = ek_image_list_path(*list, i);
    ek_status status = kept < count ? ek_image_list_make(paths, kept, &rest, err) : EK_OK;
    free(paths);
    if (rest == NULL) return status;
    note("%zu masks (NAME%s) are left out", count - kept, ending);
    ek_image_list_free(*list);
    *list = rest;
    return EK_OK;
}

/* What of a path lies below the operand that it comes from; of a file its name. */
static const char *below(const arguments *args, const char *image) {
    const char *slash = strrchr(image, '/');
    for (int i = 1; i < args->operand_count; i++) {
        size_t length = strlen(args->operands[i]);
        while (length > 1 && args->operands[i][length - 1] == '/') length--;
        if (strncmp(image, args->operands[i], length) == 0 && image[length] == '/') return image + length + 1;
    }
    return slash != NULL ? slash + 1 : image;
}

char *mask_path(const arguments *args, const char *image) {
    const char *folder = option_text(args, "output"), *name = folder != NULL ? below(args, image) : image;
    const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');
    int stem = dot != NULL && (slash == NULL || dot > slash + 1) ? (int)(dot - name) : (int)strlen(name);
    size_t room = strlen(image) + (folder != NULL ? strlen(folder) : 0) + sizeof ending + 2;
    char *path = calloc(room, 1);
    if (path == NULL) return NULL;
    if (folder != NULL)
        snprintf(path, room, "%s/%.*s.png", folder, stem, name);
    else
        snprintf(path, room, "%.*s%s", stem, name, ending);
    return path;
}

typedef struct mask {
    char *path;
    const char *image;
} mask;

static int compare(const void *a, const void *b) { return strcmp(((const mask *)a)->path, ((const mask *)b)->path); }

ek_status masks_check(const arguments *args, const ek_image_list *list, ek_error *err) {
    size_t count = ek_image_list_count(list);
    mask *masks = calloc(count + 1, sizeof *masks);
    ek_status status = masks != NULL ? EK_OK : fail(err, EK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count && status == EK_OK; i++) {
        masks[i] = (mask){mask_path(args, ek_image_list_path(list, i)), ek_image_list_path(list, i)};
        if (masks[i].path == NULL) status = fail(err, EK_ERR_NOMEM, "out of memory");
        if (status == EK_OK && same_file(masks[i].path, masks[i].image))
            status = fail(err, EK_ERR_ARG, "--output: the mask of %s would take its place; name another folder",
                          masks[i].image);
    }
    if (status == EK_OK) qsort(masks, count, sizeof *masks, compare);
    for (size_t i = 1; i < count && status == EK_OK; i++)
        if (compare(&masks[i - 1], &masks[i]) == 0)
            status = fail(err, EK_ERR_ARG, "%s and %s would both get the mask %s; predict them one after the other",
                          masks[i - 1].image, masks[i].image, masks[i].path);
    for (size_t i = 0; masks != NULL && i < count; i++) free(masks[i].path);
    free(masks);
    return status;
}

static ek_status make_parents(char *path, ek_error *err) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        int made = mkdir(path, 0777) == 0 || errno == EEXIST;
        if (!made) fail(err, EK_ERR_IO, "%s: cannot make the folder: %s", path, strerror(errno));
        *slash = '/';
        if (!made) return err->status;
    }
    return EK_OK;
}

static unsigned char class_of(const ek_output *o, const float *scores, size_t pixel, size_t pixels) {
    size_t classes = (size_t)o->dims[1], best = 0;
    float middle = o->scores == EK_SCORES_PROBABILITIES ? 0.5f : 0.0f;
    if (classes == 1) return scores[pixel] > middle;
    for (size_t c = 1; c < classes; c++)
        if (scores[c * pixels + pixel] > scores[best * pixels + pixel]) best = c;
    return (unsigned char)best;
}

static ek_status write_resized(const char *path, const unsigned char *classes, const int64_t from[2], const int to[2],
                               ek_error *err) {
    unsigned char *out = grid_alloc((size_t)to[0], (size_t)to[1], 1), *at = out;
    if (out == NULL) return fail(err, EK_ERR_NOMEM, "out of memory for a mask of %d x %d", to[0], to[1]);
    for (int64_t y = 0; y < to[0]; y++) {
        const unsigned char *row = classes + (2 * y + 1) * from[0] / (2 * to[0]) * from[1];
        for (int64_t x = 0; x < to[1]; x++) *at++ = row[(2 * x + 1) * from[1] / (2 * to[1])];
    }
    ek_status status = ek_mask_write(path, to[0], to[1], out, err);
    free(out);
    return status;
}

ek_status mask_put(const char *path, const char *image, const ek_output *o, int64_t index, ek_error *err) {
    size_t pixels = (size_t)o->dims[2] * (size_t)o->dims[3];
    const float *scores = o->values + (size_t)index * (size_t)o->dims[1] * pixels;
    unsigned char *classes = grid_alloc(pixels, 1, 1);
    char *copy = strdup(path);
    ek_image whole;
    ek_status status = classes != NULL && copy != NULL ? EK_OK : fail(err, EK_ERR_NOMEM, "out of memory for a mask");
    for (size_t i = 0; i < pixels && status == EK_OK; i++) classes[i] = class_of(o, scores, i, pixels);
    if (status == EK_OK) status = make_parents(copy, err);
    if (status == EK_OK) status = ek_image_read(image, NULL, &whole, err);
    if (status == EK_OK) {
        const int to[2] = {whole.height, whole.width};
        status = write_resized(path, classes, &o->dims[2], to, err);
        ek_image_free(&whole);
    }
    free(classes);
    free(copy);
    return status;
}
