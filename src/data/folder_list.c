/* folder_list.c: walking an image folder, two levels deep.
 *
 * Names are sorted bytewise, never in the order of the file system or of a language, so that example i is the same
 * image on every machine. A folder called train (or test, val) that has folders but no images in it makes a split.
 */
#include "data/folder_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static bool is_image_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot != NULL &&
           (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0);
}

static bool wanted(DIR *dir, const char *name, eki_list_what what) {
    if (name[0] == '.') return false;
    if (what == EKI_LIST_IMAGES) return is_image_name(name);
    struct stat info;
    return fstatat(dirfd(dir), name, &info, 0) == 0 && S_ISDIR(info.st_mode);
}

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static ek_status add_name(eki_arena *arena, eki_name_list *list, const char *name, ek_error *err) {
    void *items = list->items;
    bool grown = eki_grow(&items, &list->capacity, list->count + 1, sizeof *list->items);
    list->items = items;
    const char *copy = grown ? eki_arena_strdup(arena, name) : NULL;
    if (copy == NULL) return eki_fail_nomem(err, strlen(name));
    list->items[list->count++] = copy;
    return EK_OK;
}

ek_status eki_list_folder(eki_arena *arena, const char *folder, eki_list_what what, eki_name_list *list,
                          ek_error *err) {
    DIR *dir = opendir(folder);
    if (dir == NULL) return eki_fail(err, EK_ERR_IO, "%s: cannot list the folder: %s", folder, strerror(errno));
    ek_status status = EK_OK;
    while (status == EK_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) break;
        if (wanted(dir, entry->d_name, what)) status = add_name(arena, list, entry->d_name, err);
    }
    if (status == EK_OK && errno != 0) {
        status = eki_fail(err, EK_ERR_IO, "%s: cannot list the folder: %s", folder, strerror(errno));
    }
    closedir(dir);
    if (status == EK_OK && list->count > 1) qsort(list->items, list->count, sizeof *list->items, compare);
    return status;
}

void eki_list_free(eki_name_list *list) {
    free(list->items);
    memset(list, 0, sizeof *list);
}

/* Is ROOT/NAME a folder with class folders, not itself a class? */
static bool is_split_folder(const char *root, const char *name) {
    eki_arena arena = {0};
    eki_name_list folders = {0}, images = {0};
    const char *path = eki_path_join(&arena, root, name);
    struct stat info;
    bool yes = path != NULL && stat(path, &info) == 0 && S_ISDIR(info.st_mode) &&
               eki_list_folder(&arena, path, EKI_LIST_FOLDERS, &folders, NULL) == EK_OK && folders.count > 0 &&
               eki_list_folder(&arena, path, EKI_LIST_IMAGES, &images, NULL) == EK_OK && images.count == 0;
    eki_list_free(&folders);
    eki_list_free(&images);
    eki_arena_free(&arena);
    return yes;
}

/* Folder that holds the classes of each split; both the root when there is no split. */
static ek_status find_split(eki_arena *arena, const char *root, const char *base[2], ek_error *err) {
    static const char *const test_names[] = {"test", "val", "valid", "validation"};
    const char *train = is_split_folder(root, "train") ? "train" : NULL, *test = NULL;
    for (size_t i = 0; i < sizeof test_names / sizeof test_names[0] && test == NULL; i++) {
        if (is_split_folder(root, test_names[i])) test = test_names[i];
    }
    base[EK_SPLIT_TRAIN] = train != NULL ? eki_path_join(arena, root, train) : test == NULL ? root : NULL;
    base[EK_SPLIT_TEST] = test != NULL ? eki_path_join(arena, root, test) : train == NULL ? root : NULL;
    if ((train != NULL && base[EK_SPLIT_TRAIN] == NULL) || (test != NULL && base[EK_SPLIT_TEST] == NULL)) {
        return eki_fail_nomem(err, strlen(root));
    }
    return EK_OK;
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
    eki_name_list others = {0};
    ek_status status = eki_list_folder(arena, other, EKI_LIST_FOLDERS, &others, err);
    bool in_own = false;
    const char *name = status == EK_OK ? find_difference(classes, &others, &in_own) : NULL;
    if (name != NULL) {
        status = eki_fail(err, EK_ERR_FORMAT,
                          "%s: has a class folder '%s' that %s has not; both must have the same "
                          "classes",
                          in_own ? own : other, name, in_own ? other : own);
    }
    eki_list_free(&others);
    return status;
}

static ek_status add_images(eki_arena *arena, const char *folder, int label, eki_folder_files *files, ek_error *err) {
    eki_name_list images = {0};
    ek_status status = eki_list_folder(arena, folder, EKI_LIST_IMAGES, &images, err);
    if (status == EK_OK && images.count == 0) {
        status = eki_fail(err, EK_ERR_FORMAT,
                          "%s: has no image, expected .png, .jpg or .jpeg files; add some or remove "
                          "the folder",
                          folder);
    }
    for (size_t i = 0; status == EK_OK && i < images.count; i++) {
        void *items = files->items;
        bool grown = eki_grow(&items, &files->capacity, files->count + 1, sizeof *files->items);
        files->items = items;
        const char *path = grown ? eki_path_join(arena, folder, images.items[i]) : NULL;
        if (path == NULL) status = eki_fail_nomem(err, strlen(folder));
        if (path != NULL) files->items[files->count++] = (eki_folder_file){.path = path, .label = label};
    }
    eki_list_free(&images);
    return status;
}

static ek_status add_class(eki_arena *arena, const char *base, int label, eki_folder_files *files, ek_error *err) {
    const char *folder = eki_path_join(arena, base, files->classes.items[label]);
    return folder == NULL ? eki_fail_nomem(err, strlen(base)) : add_images(arena, folder, label, files, err);
}

ek_status eki_folder_files_list(eki_arena *arena, const eki_open_args *args, eki_folder_files *files, ek_error *err) {
    const char *base[2], *root = args->spec;
    ek_split split = args->split;
    EKI_TRY(find_split(arena, root, base, err));
    const char *own = base[split], *other = base[1 - (int)split];
    if (own == NULL) {
        return eki_fail(err, EK_ERR_IO, "%s: has %s but no folder %s; add it, or name the folder with the classes",
                        root, other, split == EK_SPLIT_TRAIN ? "train/" : "test/ or val/");
    }
    EKI_TRY(eki_list_folder(arena, own, EKI_LIST_FOLDERS, &files->classes, err));
    if (files->classes.count == 0 && args->unlabelled) return add_images(arena, own, 0, files, err);
    if (files->classes.count == 0 || files->classes.count > EKI_MAX_CLASSES) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "%s: has %zu class folders; expected IDX files (train-images-idx3-ubyte ...), CIFAR-10 files "
                        "(data_batch_1.bin ...), or folders of PNG or JPEG files, one for each class",
                        own, files->classes.count);
    }
    if (other != NULL && other != own) EKI_TRY(check_same_classes(arena, own, &files->classes, other, err));
    for (size_t i = 0; i < files->classes.count; i++) EKI_TRY(add_class(arena, own, (int)i, files, err));
    return EK_OK;
}

void eki_folder_files_free(eki_folder_files *files) {
    eki_list_free(&files->classes);
    free(files->items);
    memset(files, 0, sizeof *files);
}
