/* walk.c: folders to any depth.
 *
 * A folder is read and closed before those in it are entered. Links are followed; one that leads back to a folder on
 * the way here is left out, so that every walk ends.
 */
#define _DEFAULT_SOURCE /* d_type: a folder of 100,000 files is listed without asking for each */
#include "data/walk.h"

#include "data/image.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEPEST = 64 };

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static void sort_from(eki_name_list *list, size_t first) {
    if (list->count > first + 1) qsort(list->items + first, list->count - first, sizeof *list->items, compare);
}

void eki_list_sort(eki_name_list *list) { sort_from(list, 0); }

ek_status eki_list_push(eki_name_list *list, const char *text, ek_error *err) {
    void *items = list->items;
    bool grown = eki_grow(&items, &list->capacity, list->count + 1, sizeof *list->items);
    list->items = items;
    if (!grown || text == NULL) return eki_fail_nomem(err, sizeof *list->items);
    list->items[list->count++] = text;
    return EK_OK;
}

ek_status eki_list_add(eki_arena *arena, eki_name_list *list, const char *text, ek_error *err) {
    return eki_list_push(list, eki_arena_strdup(arena, text), err);
}

void eki_list_free(eki_name_list *list) {
    free(list->items);
    memset(list, 0, sizeof *list);
}

ek_status eki_skip(eki_skips *skips, const char *kind, const char *remedy, const char *folder, const char *name,
                   ek_error *err) {
    if (skips == NULL) return EK_OK;
    for (size_t i = 0; i < skips->count; i++) {
        if (strcmp(skips->items[i].kind, kind) != 0) continue;
        skips->items[i].count++;
        return EK_OK;
    }
    void *items = skips->items;
    bool grown = eki_grow(&items, &skips->capacity, skips->count + 1, sizeof *skips->items);
    skips->items = items;
    const char *path = grown ? eki_path_join(&skips->arena, folder, name) : NULL;
    if (path == NULL) return eki_fail_nomem(err, strlen(folder));
    skips->items[skips->count++] = (ek_skipped){.kind = kind, .remedy = remedy, .first = path, .count = 1};
    return EK_OK;
}

void eki_skips_text(const eki_skips *skips, char *text, size_t room) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < skips->count && used < room; i++) {
        const ek_skipped *s = &skips->items[i];
        bool remedy = s->remedy != NULL;
        int n = snprintf(text + used, room - used, "%s%lld %s%s%s%s", i > 0 ? ", " : "", (long long)s->count, s->kind,
                         remedy ? " (" : "", remedy ? s->remedy : "", remedy ? ")" : "");
        used += n > 0 ? (size_t)n : 0;
    }
}

void eki_skips_free(eki_skips *skips) {
    free(skips->items);
    eki_arena_free(&skips->arena);
    memset(skips, 0, sizeof *skips);
}

char *eki_path_join(eki_arena *arena, const char *folder, const char *name) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') length--;
    size_t room = length + strlen(name) + 2;
    char *path = eki_arena_alloc(arena, eki_sized(room));
    if (path != NULL) (void)snprintf(path, room, "%.*s/%s", (int)length, folder, name);
    return path;
}

static bool is_folder(DIR *dir, const struct dirent *entry) {
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) return entry->d_type == DT_DIR;
    struct stat info;
    return fstatat(dirfd(dir), entry->d_name, &info, 0) == 0 && S_ISDIR(info.st_mode);
}

static ek_status skip_unread(const char *folder, const char *name, const char *extension, eki_skips *skips,
                             ek_error *err) {
    if (skips == NULL) return EK_OK;
    char remedy[64];
    (void)snprintf(remedy, sizeof remedy, "not read; " EKI_IMAGE_CONVERT " *%s converts them", extension);
    const char *copy = eki_arena_strdup(&skips->arena, remedy);
    return copy == NULL ? eki_fail_nomem(err, sizeof remedy) : eki_skip(skips, extension, copy, folder, name, err);
}

/* Hidden, or made by a system beside what people put there. */
static bool is_hidden(const char *name) {
    return name[0] == '.' || strcmp(name, "__MACOSX") == 0 || strcmp(name, "@eaDir") == 0;
}

static ek_status take(eki_arena *arena, const char *folder, const char *name, bool is_dir, eki_folder_entries *entries,
                      eki_skips *skips, ek_error *err) {
    const char *extension;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return EK_OK;
    if (is_hidden(name)) return eki_skip(skips, "hidden", NULL, folder, name, err);
    if (is_dir) return eki_list_add(arena, &entries->folders, name, err);
    switch (eki_image_classify(name, &extension)) {
    case EKI_NAME_READ: return eki_list_add(arena, &entries->images, name, err);
    case EKI_NAME_UNREAD: return skip_unread(folder, name, extension, skips, err);
    default: return eki_skip(skips, "not called like an image", NULL, folder, name, err);
    }
}

ek_status eki_folder_read(eki_arena *arena, const char *folder, eki_folder_entries *entries, eki_skips *skips,
                          ek_error *err) {
    *entries = (eki_folder_entries){0};
    DIR *dir = opendir(folder);
    if (dir == NULL) return eki_fail(err, EK_ERR_IO, "%s: cannot list the folder: %s", folder, strerror(errno));
    ek_status status = EK_OK;
    while (status == EK_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) break;
        status = take(arena, folder, entry->d_name, is_folder(dir, entry), entries, skips, err);
    }
    if (status == EK_OK && errno != 0) {
        status = eki_fail(err, EK_ERR_IO, "%s: cannot list the folder: %s", folder, strerror(errno));
    }
    closedir(dir);
    eki_list_sort(&entries->folders);
    eki_list_sort(&entries->images);
    if (status != EK_OK) eki_folder_entries_free(entries);
    return status;
}

void eki_folder_entries_free(eki_folder_entries *entries) {
    eki_list_free(&entries->folders);
    eki_list_free(&entries->images);
}

/* A folder on the way from the first to this one. */
typedef struct step {
    const struct step *above;
    struct stat info;
    int depth;
} step;

static bool leads_back(const step *s) {
    for (const step *above = s->above; above != NULL; above = above->above) {
        if (above->info.st_dev == s->info.st_dev && above->info.st_ino == s->info.st_ino) return true;
    }
    return false;
}

/* The images of one folder; those below it by recursion, at most DEEPEST deep. */
static ek_status walk(eki_arena *arena, const char *folder, const step *above, eki_name_list *images, eki_skips *skips,
                      ek_error *err) {
    step here = {.above = above, .depth = above != NULL ? above->depth + 1 : 0};
    if (stat(folder, &here.info) != 0) {
        return eki_fail(err, EK_ERR_IO, "%s: cannot examine the folder: %s", folder, strerror(errno));
    }
    if (leads_back(&here)) return eki_skip(skips, "a link back to a folder above", NULL, folder, "", err);
    if (here.depth > DEEPEST) {
        return eki_fail(err, EK_ERR_LIMIT, "%s: folders are nested more than %d deep; move the images up", folder,
                        DEEPEST);
    }
    eki_folder_entries entries;
    EKI_TRY(eki_folder_read(arena, folder, &entries, skips, err));
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < entries.images.count; i++) {
        status = eki_list_push(images, eki_path_join(arena, folder, entries.images.items[i]), err);
    }
    for (size_t i = 0; status == EK_OK && i < entries.folders.count; i++) {
        const char *path = eki_path_join(arena, folder, entries.folders.items[i]);
        status = path == NULL ? eki_fail_nomem(err, strlen(folder)) : walk(arena, path, &here, images, skips, err);
    }
    eki_folder_entries_free(&entries);
    return status;
}

ek_status eki_walk(eki_arena *arena, const char *folder, eki_name_list *images, eki_skips *skips, ek_error *err) {
    size_t first = images->count;
    EKI_TRY(walk(arena, folder, NULL, images, skips, err));
    sort_from(images, first);
    return EK_OK;
}
