/* walk.h: which image files lie in and under a folder, in an order that is the same everywhere, and what does not count
 * as one.
 */
#ifndef EKI_WALK_H
#define EKI_WALK_H

#include "base/error.h"
#include "base/memory.h"

#include <evenkeel/image.h>

/* Texts in an arena. */
typedef struct eki_name_list {
    const char **items;
    size_t count, capacity;
} eki_name_list;

ek_status eki_list_add(eki_arena *arena, eki_name_list *list, const char *text, ek_error *err);
ek_status eki_list_push(eki_name_list *list, const char *text, ek_error *err); /* without a copy; NULL = no memory */
void eki_list_sort(eki_name_list *list);                                       /* by bytes */
void eki_list_free(eki_name_list *list);

/* What was left out, by kind. */
typedef struct eki_skips {
    eki_arena arena; /* texts */
    ek_skipped *items;
    size_t count, capacity;
} eki_skips;

/* FOLDER/NAME is left out. `kind` and `remedy` must outlive the list. NULL `skips` = do not count. */
ek_status eki_skip(eki_skips *skips, const char *kind, const char *remedy, const char *folder, const char *name,
                   ek_error *err);
/* "2 .gif (not read; ...), 1 hidden", as far as there is room. */
void eki_skips_text(const eki_skips *skips, char *text, size_t room);
void eki_skips_free(eki_skips *skips);

/* "FOLDER/NAME" in the arena; NULL when memory ends. */
char *eki_path_join(eki_arena *arena, const char *folder, const char *name);

/* The split that the name of a folder or a table says (train, Testing, dev, ...): its ek_split; -1 = none. */
int eki_split_of(const char *name, size_t length);

/* Names of the folders, and of the files that are called like an image, in one folder; each sorted. Hidden names and
 * other files are skipped. */
typedef struct eki_folder_entries {
    eki_name_list folders, images;
} eki_folder_entries;

ek_status eki_folder_read(eki_arena *arena, const char *folder, eki_folder_entries *entries, eki_skips *skips,
                          ek_error *err);
void eki_folder_entries_free(eki_folder_entries *entries);

/* Paths of the images in and under a folder, appended to `images`, these sorted by the bytes of their paths. */
ek_status eki_walk(eki_arena *arena, const char *folder, eki_name_list *images, eki_skips *skips, ek_error *err);

#endif
