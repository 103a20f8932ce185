/* folder_list.c: class folders, and the folders of a split.
 *
 * Names are sorted bytewise, never in the order of the file system or of a language, so that example i is the same
 * image on every machine. A folder called train (test, val, ...) that has folders but no images in it is a split, and
 * so are all folders of a set when there are no others.
 */
#include "data/folder_list.h"

#include <stdlib.h>
#include <string.h>

enum { SPLITS = EK_SPLIT_ALL };

static int named_split(const char *name) { return eki_split_of(name, strlen(name)); }

/* A set's folders: where the classes of each split are, or `root` alone. */
typedef struct layout {
    const char *root;
    const char *base[SPLITS];
    bool split; /* there are folders for splits */
} layout;

/* Are there folders in ROOT/NAME, and no images? */
static ek_status has_class_folders(eki_arena *arena, const char *root, const char *name, bool *yes, const char **path,
                                   ek_error *err) {
    eki_folder_entries entries;
    *yes = false;
    *path = eki_path_join(arena, root, name);
    if (*path == NULL) return eki_fail_nomem(err, strlen(name));
    EKI_TRY(eki_folder_read(arena, *path, &entries, NULL, err));
    *yes = entries.folders.count > 0 && entries.images.count == 0;
    eki_folder_entries_free(&entries);
    return EK_OK;
}

/* Goes down while there is nothing but one folder with folders in it, as archives unpack. */
static ek_status find_root(eki_arena *arena, const char *root, layout *l, eki_folder_entries *entries, ek_error *err) {
    for (l->root = root;;) {
        EKI_TRY(eki_folder_read(arena, l->root, entries, NULL, err));
        if (entries->folders.count != 1 || entries->images.count != 0 || named_split(entries->folders.items[0]) >= 0) {
            return EK_OK;
        }
        const char *inner;
        bool more;
        EKI_TRY(has_class_folders(arena, l->root, entries->folders.items[0], &more, &inner, err));
        if (!more) return EK_OK;
        eki_folder_entries_free(entries);
        l->root = inner;
    }
}

static ek_status set_base(layout *l, int split, const char *path, ek_error *err) {
    if (l->base[split] != NULL) {
        return eki_fail(err, EK_ERR_FORMAT, "%s and %s are the same split; rename or move one of them", l->base[split],
                        path);
    }
    l->base[split] = path;
    l->split = true;
    return EK_OK;
}

static ek_status find_splits(eki_arena *arena, const char *root, layout *l, ek_error *err) {
    eki_folder_entries entries = {0};
    ek_status status;
    EKI_TRY_DONE(find_root(arena, root, l, &entries, err));
    const eki_name_list *folders = &entries.folders;
    size_t named = 0;
    for (size_t i = 0; i < folders->count; i++) named += named_split(folders->items[i]) >= 0;
    for (size_t i = 0; i < folders->count; i++) {
        int split = named_split(folders->items[i]);
        const char *path;
        bool classes;
        if (split < 0) continue;
        EKI_TRY_DONE(has_class_folders(arena, l->root, folders->items[i], &classes, &path, err));
        if (classes || named == folders->count) EKI_TRY_DONE(set_base(l, split, path, err));
    }
done:
    eki_folder_entries_free(&entries);
    return status;
}

/* The folder that has what was asked for, and what it is. */
static ek_status choose(const layout *l, ek_split asked, const char **own, ek_split *is, ek_error *err) {
    static const char *const wanted[SPLITS] = {"train/", "test/ or val/", "val/"};
    *own = l->split ? l->base[asked] : l->root;
    *is = l->split ? asked : EK_SPLIT_ALL;
    if (l->split && *own == NULL && asked == EK_SPLIT_TEST) *own = l->base[*is = EK_SPLIT_VALIDATION];
    if (!l->split && asked == EK_SPLIT_VALIDATION) return eki_fail_no_validation(l->root, err);
    if (*own != NULL) return EK_OK;
    const char *has = l->root;
    for (int i = 0; i < SPLITS; i++) has = l->base[i] != NULL ? l->base[i] : has;
    return eki_fail(err, EK_ERR_IO, "%s: has %s but no folder %s; add it, or name the folder with the classes", l->root,
                    has, wanted[asked]);
}

/* What lies beside the folders of splits, or of classes; counted once, not for every split. */
static ek_status skip_beside(eki_arena *arena, const char *folder, bool split, eki_skips *skips, ek_error *err) {
    eki_folder_entries entries;
    EKI_TRY(eki_folder_read(arena, folder, &entries, skips, err));
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < entries.images.count; i++) {
        status = eki_skip(skips, "beside the class folders", "an image belongs into the folder of its class", folder,
                          entries.images.items[i], err);
    }
    for (size_t i = 0; status == EK_OK && split && i < entries.folders.count; i++) {
        if (named_split(entries.folders.items[i]) >= 0) continue;
        status = eki_skip(skips, "folders beside those of the split", NULL, folder, entries.folders.items[i], err);
    }
    eki_folder_entries_free(&entries);
    return status;
}

/* The first class that only one of two sorted lists has; NULL when they are equal. */
static const char *find_difference(const eki_name_list *a, const eki_name_list *b, bool *in_a) {
    size_t i = 0;
    while (i < a->count && i < b->count && strcmp(a->items[i], b->items[i]) == 0) i++;
    if (i == a->count && i == b->count) return NULL;
    *in_a = i == b->count || (i < a->count && strcmp(a->items[i], b->items[i]) < 0);
    return *in_a ? a->items[i] : b->items[i];
}

static ek_status check_same_classes(eki_arena *arena, const char *own, const eki_name_list *classes, const char *other,
                                    ek_error *err) {
    eki_folder_entries others;
    EKI_TRY(eki_folder_read(arena, other, &others, NULL, err));
    bool in_own = false;
    const char *name = find_difference(classes, &others.folders, &in_own);
    ek_status status = EK_OK;
    if (name != NULL) {
        status = eki_fail(err, EK_ERR_FORMAT,
                          "%s: has a class folder '%s' that %s has not; both must have the same "
                          "classes",
                          in_own ? own : other, name, in_own ? other : own);
    }
    eki_folder_entries_free(&others);
    return status;
}

ek_status eki_folder_add(eki_folder_files *files, const char *path, int label, ek_error *err) {
    void *items = files->items;
    bool grown = eki_grow(&items, &files->capacity, files->count + 1, sizeof *files->items);
    files->items = items;
    if (!grown || path == NULL) return eki_fail_nomem(err, sizeof *files->items);
    files->items[files->count++] = (eki_folder_file){.path = path, .label = label};
    return EK_OK;
}

static ek_status fail_empty(const char *folder, ek_error *err) {
    eki_arena arena = {0};
    eki_name_list none = {0};
    eki_skips skips = {0};
    char has[512] = "";
    if (eki_walk(&arena, folder, &none, &skips, NULL) == EK_OK) eki_skips_text(&skips, has, sizeof has);
    ek_status status =
        eki_fail(err, EK_ERR_FORMAT,
                 "%s: has no image, expected .png, .jpg, .webp or .bmp files%s%s; add some or remove the "
                 "folder",
                 folder, has[0] != '\0' ? ", found " : "", has);
    eki_list_free(&none);
    eki_skips_free(&skips);
    eki_arena_free(&arena);
    return status;
}

/* All images in and under a folder. */
static ek_status add_images(eki_arena *arena, const char *folder, int label, eki_folder_files *files, eki_skips *skips,
                            ek_error *err) {
    eki_name_list images = {0};
    ek_status status = eki_walk(arena, folder, &images, skips, err);
    if (status == EK_OK && images.count == 0) status = fail_empty(folder, err);
    for (size_t i = 0; status == EK_OK && i < images.count; i++) {
        status = eki_folder_add(files, images.items[i], label, err);
    }
    eki_list_free(&images);
    return status;
}

static ek_status fail_no_classes(const char *folder, size_t count, size_t images, ek_error *err) {
    if (count == 0 && images > 0) {
        return eki_fail(
            err, EK_ERR_FORMAT,
            "%s: has %zu image%s and 0 class folders; make a folder for each class (cat/1.jpg, dog/1.jpg), or "
            "a table labels.csv with the columns path,label",
            folder, images, images == 1 ? "" : "s");
    }
    return eki_fail(err, EK_ERR_FORMAT,
                    "%s: has %zu class folders; expected IDX files (train-images-idx3-ubyte ...), CIFAR-10 files "
                    "(data_batch_1.bin ...), or folders of PNG, JPEG, WebP or BMP files, one for each class (as "
                    "cat/1.jpg, or train/cat/1.jpg and test/cat/2.jpg)",
                    folder, count);
}

ek_status eki_folder_files_list(eki_arena *arena, ek_dataset *d, const eki_open_args *args, eki_folder_files *files,
                                ek_error *err) {
    layout l = {0};
    const char *own;
    EKI_TRY(find_splits(arena, args->spec, &l, err));
    EKI_TRY(choose(&l, args->split, &own, &d->split, err));
    for (int i = 0; i < SPLITS; i++) d->has[i] = l.base[i] != NULL;
    eki_folder_entries entries;
    EKI_TRY(eki_folder_read(arena, own, &entries, NULL, err));
    files->classes = entries.folders;
    size_t images = entries.images.count;
    eki_list_free(&entries.images);
    size_t count = files->classes.count;
    if (count == 0 && args->unlabelled) return add_images(arena, own, 0, files, &d->skips, err);
    if (count == 0 || count > EKI_MAX_CLASSES) return fail_no_classes(own, count, images, err);
    for (int i = 0; l.split && i < SPLITS; i++) {
        if (l.base[i] != NULL && l.base[i] != own) {
            EKI_TRY(check_same_classes(arena, own, &files->classes, l.base[i], err));
        }
    }
    if (l.split && args->split == EK_SPLIT_TRAIN) EKI_TRY(skip_beside(arena, l.root, true, &d->skips, err));
    EKI_TRY(skip_beside(arena, own, false, &d->skips, err));
    for (size_t i = 0; i < count; i++) {
        const char *folder = eki_path_join(arena, own, files->classes.items[i]);
        if (folder == NULL) return eki_fail_nomem(err, strlen(own));
        EKI_TRY(add_images(arena, folder, (int)i, files, &d->skips, err));
    }
    return EK_OK;
}

void eki_folder_files_free(eki_folder_files *files) {
    eki_list_free(&files->classes);
    free(files->items);
    memset(files, 0, sizeof *files);
}
