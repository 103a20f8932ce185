/* image_files.c: see image_files.h.
 *
 * The headers decide size and whether the set is gray; what a file has become since is refused when it is decoded.
 */
#include "data/image_files.h"

#include "data/image_cache.h"
#include "data/pass.h"
#include "data/place.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { HUGE_PIXELS = 1 << 24 };

struct eki_image_files {
    atomic_int sets;
    eki_arena arena; /* paths */
    const char **paths;
    size_t count;
    const char *spec, *first_path; /* of messages */
    eki_image first;               /* its header */
    bool resized;                  /* each file has a size of its own */
    bool asked;                    /* for this number of channels */
    atomic_bool colour;            /* there is a colour image */
    int channels;                  /* of examples; 0 = not decided */
    eki_extent extent;
    pthread_mutex_t huge;
    eki_image_cache cache;
};

static ek_status check_alike(const eki_image_files *f, const char *path, const eki_image *image, ek_error *err) {
    if (f->resized || (image->width == f->first.width && image->height == f->first.height)) return EK_OK;
    return eki_fail(
        err, EK_ERR_SHAPE,
        "%s: is %d x %d (height x width), but %s is %d x %d; give one height and width, as with --size %dx%d: all are "
        "then resized to it",
        path, image->height, image->width, f->first_path, f->first.height, f->first.width, f->first.height,
        f->first.width);
}

/* Of a set that is gray because all its files were. */
static ek_status check_gray(const eki_image_files *f, const char *path, const eki_image *image, ek_error *err) {
    if (f->asked || image->channels <= f->channels) return EK_OK;
    return eki_fail(err, EK_ERR_SHAPE, "%s: has colours, and had none when the set was opened", path);
}

static ek_status probe(void *context, size_t index, ek_error *err) {
    eki_image_files *f = context;
    unsigned char *data;
    eki_encoded encoded;
    eki_image image;
    EKI_TRY(eki_image_slurp(f->paths[index], &data, &encoded, err));
    ek_status status = eki_image_probe(&encoded, &image, err);
    eki_free(data);
    EKI_TRY(status);
    if (image.channels > 1) atomic_store(&f->colour, true);
    return check_alike(f, f->paths[index], &image, err);
}

/* Huge images one after the other, so that threads do not multiply what one of them needs. */
static ek_status decode(eki_image_files *f, const eki_encoded *encoded, eki_image *image, unsigned char *to,
                        ek_error *err) {
    bool huge = (int64_t)image->width * image->height > HUGE_PIXELS;
    if (huge) pthread_mutex_lock(&f->huge);
    ek_status status = eki_image_decode(encoded, image, err);
    if (status == EK_OK) status = eki_image_place(image, f->channels, f->extent, to, err);
    eki_image_free(image);
    if (huge) pthread_mutex_unlock(&f->huge);
    return status;
}

static ek_status load(eki_image_files *f, const char *path, unsigned char *to, ek_error *err) {
    unsigned char *data;
    eki_encoded encoded;
    eki_image image = {0};
    EKI_TRY(eki_image_slurp(path, &data, &encoded, err));
    ek_status status;
    EKI_TRY_DONE(eki_image_probe(&encoded, &image, err));
    EKI_TRY_DONE(check_alike(f, path, &image, err));
    EKI_TRY_DONE(check_gray(f, path, &image, err));
    EKI_TRY_DONE(decode(f, &encoded, &image, to, err));
done:
    eki_free(data);
    return status;
}

ek_status eki_image_files_get(eki_image_files *f, size_t file, unsigned char *room, const unsigned char **bytes,
                              ek_error *err) {
    *bytes = eki_image_cache_find(&f->cache, file);
    if (*bytes != NULL) return EK_OK;
    EKI_TRY(load(f, f->paths[file], room, err));
    eki_image_cache_keep(&f->cache, file, room);
    *bytes = room;
    return EK_OK;
}

static const eki_folder_file *chosen(const eki_image_files *f, const eki_folder_files *list, size_t i) {
    return &list->items[eki_open_pick(i, f->count, list->count)];
}

/* Paths are copied: those of the list end with it. */
static ek_status take_paths(eki_image_files *f, const eki_folder_files *list, const char *spec, ek_error *err) {
    f->paths = eki_arena_alloc(&f->arena, eki_size_of(f->count, sizeof *f->paths));
    f->spec = eki_arena_strdup(&f->arena, spec);
    f->first_path = eki_arena_strdup(&f->arena, list->items[0].path);
    if (f->paths == NULL || f->spec == NULL || f->first_path == NULL) {
        return eki_fail_nomem(err, f->count * sizeof *f->paths);
    }
    for (size_t i = 0; i < f->count; i++) {
        f->paths[i] = eki_arena_strdup(&f->arena, chosen(f, list, i)->path);
        if (f->paths[i] == NULL) return eki_fail_nomem(err, strlen(chosen(f, list, i)->path));
    }
    return EK_OK;
}

static ek_status probe_first(eki_image_files *f, const eki_open_args *args, ek_error *err) {
    unsigned char *data;
    eki_encoded encoded;
    EKI_TRY(eki_image_slurp(f->first_path, &data, &encoded, err));
    ek_status status = eki_image_probe(&encoded, &f->first, err);
    eki_free(data);
    f->asked = args->channels != 0;
    f->resized = args->files_height > 0;
    f->extent = (eki_extent){f->resized ? args->files_height : f->first.height,
                             f->resized ? args->files_width : f->first.width};
    return status;
}

static ek_status probe_all(eki_image_files *f, ek_dataset *d, const eki_open_args *args, ek_error *err) {
    eki_pass pass = {.count = f->count, .visit = probe, .context = f, .name = f->spec, .doing = "reading"};
    pass.progress = args->progress;
    pass.watcher = args->context;
    EKI_TRY(eki_pass_run(&pass, err));
    d->stored_channels = atomic_load(&f->colour) ? 3 : 1;
    f->channels = f->asked ? args->channels : d->stored_channels;
    return EK_OK;
}

static ek_status open_files(eki_image_files *f, ek_dataset *d, const eki_open_args *args, const eki_folder_files *list,
                            ek_error *err) {
    EKI_TRY(take_paths(f, list, args->spec, err));
    EKI_TRY(probe_first(f, args, err));
    EKI_TRY(probe_all(f, d, args, err));
    const int64_t chw[3] = {f->channels, f->extent.height, f->extent.width};
    EKI_TRY(eki_dataset_outline(d, args->spec, (int64_t)f->count, chw, err));
    for (size_t i = 0; i < f->count; i++) d->labels[i] = chosen(f, list, i)->label;
    return eki_image_cache_init(&f->cache, f->count, d->example_values, d->max_bytes, err);
}

ek_status eki_image_files_open(ek_dataset *dataset, const eki_open_args *args, const eki_folder_files *list,
                               ek_error *err) {
    eki_image_files *f = eki_alloc_zero(eki_sized(sizeof *f));
    if (f == NULL) return eki_fail_nomem(err, sizeof *f);
    if (pthread_mutex_init(&f->huge, NULL) != 0) {
        eki_free(f);
        return eki_fail_nomem(err, sizeof f->huge);
    }
    atomic_init(&f->sets, 1);
    f->count = (size_t)eki_open_count(args, (int64_t)list->count);
    dataset->files = f;
    return open_files(f, dataset, args, list, err);
}

eki_image_files *eki_image_files_share(eki_image_files *f) {
    if (f != NULL) atomic_fetch_add(&f->sets, 1);
    return f;
}

void eki_image_files_release(eki_image_files *f) {
    if (f == NULL || atomic_fetch_sub(&f->sets, 1) > 1) return;
    eki_image_cache_free(&f->cache);
    pthread_mutex_destroy(&f->huge);
    eki_arena_free(&f->arena);
    eki_free(f);
}
