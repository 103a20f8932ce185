/* mask_folder.c: images in one folder and their masks in another beside it, under equal names.
 *
 *     images/ masks/,  train/images/ train/masks/ val/images/ ...,  or  images/train/ masks/train/ images/val/ ...
 *
 * A mask is called as its image but for the extension, with or without "_mask" behind. What has no partner is left out
 * and counted.
 */
#include "data/folder_list.h"
#include "data/formats.h"
#include "data/image_files.h"
#include "data/masks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_NAMES = 6, STEM = 512 };

static const char *const image_names[MOST_NAMES] = {"images", "image", "imgs", "img", "JPEGImages"};
static const char *const mask_names[MOST_NAMES] = {"masks", "mask", "labels", "annotations", "SegmentationClass"};

typedef struct places {
    const char *images[EK_SPLIT_ALL + 1], *masks[EK_SPLIT_ALL + 1]; /* of each split; the last: of all */
} places;

static const char *find(eki_arena *arena, const char *folder, const eki_name_list *list,
                        const char *const names[MOST_NAMES]) {
    for (int k = 0; k < MOST_NAMES && names[k] != NULL; k++) {
        for (size_t i = 0; i < list->count; i++) {
            if (strcasecmp(list->items[i], names[k]) == 0) return eki_path_join(arena, folder, list->items[i]);
        }
    }
    return NULL;
}

/* images/ and masks/ in a folder, where both are. */
static ek_status find_pair(eki_arena *arena, const char *folder, const char **images, const char **masks,
                           eki_folder_entries *entries, ek_error *err) {
    EKI_TRY(eki_folder_read(arena, folder, entries, NULL, err));
    *images = find(arena, folder, &entries->folders, image_names);
    *masks = find(arena, folder, &entries->folders, mask_names);
    if (*images == NULL || *masks == NULL) *images = *masks = NULL;
    return EK_OK;
}

/* images/train beside masks/train. */
static ek_status find_inner(eki_arena *arena, places *p, ek_error *err) {
    eki_folder_entries inner;
    const char *images = p->images[EK_SPLIT_ALL], *masks = p->masks[EK_SPLIT_ALL];
    EKI_TRY(eki_folder_read(arena, images, &inner, NULL, err));
    for (size_t i = 0; inner.images.count == 0 && i < inner.folders.count; i++) {
        const char *name = inner.folders.items[i];
        int split = eki_split_of(name, strlen(name));
        if (split < 0 || p->images[split] != NULL || !eki_file_exists(masks, name)) continue;
        p->images[split] = eki_path_join(arena, images, name);
        p->masks[split] = eki_path_join(arena, masks, name);
    }
    eki_folder_entries_free(&inner);
    return EK_OK;
}

static ek_status find_places(eki_arena *arena, const char *spec, places *p, ek_error *err) {
    eki_folder_entries entries = {0}, inner;
    ek_status status = find_pair(arena, spec, &p->images[EK_SPLIT_ALL], &p->masks[EK_SPLIT_ALL], &entries, err);
    for (size_t i = 0; status == EK_OK && i < entries.folders.count; i++) {
        const char *name = entries.folders.items[i], *path = eki_path_join(arena, spec, name);
        int split = eki_split_of(name, strlen(name));
        if (path == NULL) status = eki_fail_nomem(err, strlen(name));
        if (split < 0 || path == NULL || p->images[split] != NULL) continue;
        status = find_pair(arena, path, &p->images[split], &p->masks[split], &inner, err);
        eki_folder_entries_free(&inner);
    }
    if (status == EK_OK && p->images[EK_SPLIT_ALL] != NULL) status = find_inner(arena, p, err);
    eki_folder_entries_free(&entries);
    return status;
}

bool eki_mask_folder_claims(const char *spec) {
    eki_arena arena = {0};
    places p = {.images = {NULL}};
    bool yes = eki_folder_claims(spec) && find_places(&arena, spec, &p, NULL) == EK_OK;
    bool any = false;
    for (int i = 0; i <= EK_SPLIT_ALL; i++) any = any || p.images[i] != NULL;
    eki_arena_free(&arena);
    return yes && any;
}

static size_t stem_of(const char *path, const char **name) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    *name = slash != NULL ? slash + 1 : path;
    return dot != NULL && dot > *name ? (size_t)(dot - *name) : strlen(*name);
}

static int compare_stems(const void *a, const void *b) {
    const char *x, *y;
    size_t n = stem_of(*(const char *const *)a, &x), m = stem_of(*(const char *const *)b, &y);
    int order = memcmp(x, y, n < m ? n : m);
    return order != 0 ? order : (n > m) - (n < m);
}

static size_t find_mask(const eki_name_list *masks, const char *image) {
    static const char *const endings[] = {"", "_mask"};
    const char *name;
    size_t length = stem_of(image, &name);
    for (int k = 0; k < 2 && masks->count > 0; k++) {
        char wanted[STEM + 16];
        const char *key = wanted;
        (void)snprintf(wanted, sizeof wanted, "%.*s%s.", (int)(length < STEM ? length : STEM), name, endings[k]);
        const char *const *found = bsearch(&key, masks->items, masks->count, sizeof *masks->items, compare_stems);
        if (found != NULL) return (size_t)(found - masks->items);
    }
    return SIZE_MAX;
}

typedef struct pairing {
    eki_arena arena;
    eki_name_list images, masks; /* found; the latter by their stems */
    eki_name_list paired;        /* images with a mask, in their order; masks to them in `files` */
    eki_mask_files files;
} pairing;

static void pairing_free(pairing *p) {
    eki_list_free(&p->images);
    eki_list_free(&p->masks);
    eki_list_free(&p->paired);
    eki_list_free(&p->files.masks);
    eki_list_free(&p->files.training);
    eki_arena_free(&p->arena);
}

static ek_status pair(pairing *p, eki_skips *skips, ek_error *err) {
    bool *used = eki_arena_alloc(&p->arena, eki_sized(p->masks.count + 1));
    if (used == NULL) return eki_fail_nomem(err, p->masks.count);
    for (size_t i = 0; i < p->images.count; i++) {
        size_t at = find_mask(&p->masks, p->images.items[i]);
        if (at == SIZE_MAX) {
            EKI_TRY(eki_skip(skips, "images without a mask", NULL, ".", p->images.items[i], err));
            continue;
        }
        used[at] = true;
        EKI_TRY(eki_list_push(&p->paired, p->images.items[i], err));
        EKI_TRY(eki_list_push(&p->files.masks, p->masks.items[at], err));
    }
    for (size_t i = 0; i < p->masks.count; i++) {
        if (!used[i]) EKI_TRY(eki_skip(skips, "masks without an image", NULL, ".", p->masks.items[i], err));
    }
    return EK_OK;
}

static ek_status list(pairing *p, const char *images, const char *masks, eki_skips *skips, ek_error *err) {
    EKI_TRY(eki_walk(&p->arena, images, &p->images, skips, err));
    EKI_TRY(eki_walk(&p->arena, masks, &p->masks, skips, err));
    if (p->masks.count > 0) qsort(p->masks.items, p->masks.count, sizeof *p->masks.items, compare_stems);
    for (size_t i = 1; i < p->masks.count; i++) {
        if (compare_stems(&p->masks.items[i - 1], &p->masks.items[i]) != 0) continue;
        return eki_fail(err, EK_ERR_FORMAT, "%s and %s are masks of one name; rename or move one of them",
                        p->masks.items[i - 1], p->masks.items[i]);
    }
    EKI_TRY(pair(p, skips, err));
    if (p->paired.count > 0) return EK_OK;
    return eki_fail(err, EK_ERR_FORMAT,
                    "%s has %zu images and %s %zu masks, and none belong together; a mask is called as its image, with "
                    "the extension .png",
                    images, p->images.count, masks, p->masks.count);
}

static ek_status load(ek_dataset *d, const eki_open_args *args, pairing *p, ek_error *err) {
    eki_folder_files files = {0};
    ek_status status = EK_OK;
    for (size_t i = 0; i < p->paired.count && status == EK_OK; i++)
        status = eki_folder_add(&files, p->paired.items[i], 0, err);
    if (status == EK_OK) status = eki_image_files_open(d, args, &files, err);
    eki_folder_files_free(&files);
    EKI_TRY(status);
    size_t count = (size_t)d->info.count, total = p->paired.count;
    for (size_t i = 0; i < count; i++) { /* evenly spread */
        p->paired.items[i] = p->paired.items[eki_open_pick(i, count, total)];
        p->files.masks.items[i] = p->files.masks.items[eki_open_pick(i, count, total)];
    }
    p->files.name = "target";
    p->files.images = &p->paired;
    EKI_TRY(eki_fields_reserve(d, 1, err));
    return eki_masks_load(d, args, &p->files, true, err);
}

/* Which split, and that it is there. */
static ek_status choose(ek_dataset *d, const eki_open_args *args, const places *p, int *split, ek_error *err) {
    bool any = false;
    for (int i = 0; i < EK_SPLIT_ALL; i++) any |= d->has[i] = p->images[i] != NULL;
    d->split = EK_SPLIT_ALL;
    *split = EK_SPLIT_ALL;
    if (!any && args->split == EK_SPLIT_VALIDATION) return eki_fail_no_validation(args->spec, err);
    if (!any) return EK_OK;
    d->split = args->split;
    if (args->split == EK_SPLIT_TEST && !d->has[EK_SPLIT_TEST]) d->split = EK_SPLIT_VALIDATION;
    *split = (int)d->split;
    if (d->has[d->split]) return EK_OK;
    static const char *const wanted[] = {"train", "test or val", "val"};
    return eki_fail(err, EK_ERR_IO, "%s: has no %s folder with images and masks", args->spec, wanted[args->split]);
}

ek_status eki_mask_folder_open(ek_dataset *d, const eki_open_args *args, ek_error *err) {
    pairing pairs = {.files = {.name = NULL}};
    places p = {.images = {NULL}};
    int split;
    ek_status status;
    EKI_TRY_DONE(find_places(&pairs.arena, args->spec, &p, err));
    EKI_TRY_DONE(choose(d, args, &p, &split, err));
    EKI_TRY_DONE(list(&pairs, p.images[split], p.masks[split], &d->skips, err));
    if (split != EK_SPLIT_TRAIN && p.masks[EK_SPLIT_TRAIN] != NULL) {
        status = eki_walk(&pairs.arena, p.masks[EK_SPLIT_TRAIN], &pairs.files.training, NULL, err);
        if (status != EK_OK) goto done;
    }
    status = load(d, args, &pairs, err);
done:
    pairing_free(&pairs);
    return status;
}
