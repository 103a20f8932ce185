/* image_list.c: ek_image_list, the images of files and folders that somebody names. */
#include "base/memory.h"
#include "data/walk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct ek_image_list {
    eki_arena arena;
    eki_name_list images;
    eki_skips skips;
};

static ek_status add(ek_image_list *list, const char *path, ek_error *err) {
    struct stat info;
    if (stat(path, &info) != 0) return eki_fail(err, EK_ERR_IO, "%s: %s", path, strerror(errno));
    return S_ISDIR(info.st_mode) ? eki_walk(&list->arena, path, &list->images, &list->skips, err)
                                 : eki_list_add(&list->arena, &list->images, path, err);
}

ek_status ek_image_list_make(const char *const *paths, size_t count, ek_image_list **out, ek_error *err) {
    EKI_GIVEN(out, err);
    if (count > 0) EKI_GIVEN(paths, err);
    *out = NULL;
    ek_image_list *list = eki_alloc_zero(eki_sized(sizeof *list));
    if (list == NULL) return eki_fail_nomem(err, sizeof *list);
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < count; i++) status = add(list, paths[i], err);
    if (status == EK_OK) *out = list;
    if (status != EK_OK) ek_image_list_free(list);
    return status;
}

size_t ek_image_list_count(const ek_image_list *list) { return list == NULL ? 0 : list->images.count; }
const char *ek_image_list_path(const ek_image_list *list, size_t index) {
    return list == NULL ? "" : list->images.items[index];
}

size_t ek_image_list_skipped(const ek_image_list *list, const ek_skipped **skipped) {
    if (list == NULL) return 0;
    *skipped = list->skips.items;
    return list->skips.count;
}

void ek_image_list_free(ek_image_list *list) {
    if (list == NULL) return;
    eki_list_free(&list->images);
    eki_skips_free(&list->skips);
    eki_arena_free(&list->arena);
    eki_free(list);
}
