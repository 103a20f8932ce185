/* table_paths.c: files that a table names: where their paths begin, and whether they are there. */
#include "data/table.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

/* "FOLDER/PATH", or PATH when it is absolute. */
static const char *resolve(eki_arena *arena, const char *folder, const char *path) {
    return path[0] == '/' ? path : eki_path_join(arena, folder, path);
}

static const char *cell(const eki_table *t, const eki_block *b, size_t row) {
    return b != NULL ? b->texts[row] : t->rows[row].path;
}

/* The folder that paths begin from: the table's, or the first one in it that has the first row's file. */
static ek_status find_base(eki_arena *arena, const eki_table *t, const char *path, const char **base, ek_error *err) {
    const char *slash = strrchr(t->csv.path, '/');
    const char *own = slash == NULL ? eki_arena_strdup(arena, ".")
                                    : eki_arena_strndup(arena, t->csv.path, (size_t)(slash - t->csv.path) + 1);
    const char *first = own != NULL ? resolve(arena, own, path) : NULL;
    if (first == NULL) return eki_fail_nomem(err, strlen(t->csv.path));
    *base = own;
    if (exists(first)) return EK_OK;
    eki_folder_entries entries;
    EKI_TRY(eki_folder_read(arena, own, &entries, NULL, err));
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < entries.folders.count && *base == own; i++) {
        const char *folder = eki_path_join(arena, own, entries.folders.items[i]);
        const char *there = folder != NULL ? resolve(arena, folder, path) : NULL;
        if (there == NULL) status = eki_fail_nomem(err, strlen(own));
        if (there != NULL && exists(there)) *base = folder;
    }
    eki_folder_entries_free(&entries);
    return status;
}

ek_status eki_table_paths(eki_arena *arena, const eki_table *t, const eki_block *b, const size_t *picked, size_t count,
                          eki_name_list *paths, ek_error *err) {
    const char *base = NULL;
    EKI_TRY(find_base(arena, t, cell(t, b, 0), &base, err));
    for (size_t i = 0; i < count; i++) {
        const char *path = resolve(arena, base, cell(t, b, picked[i]));
        if (path != NULL && !exists(path)) {
            return eki_fail(err, EK_ERR_IO, "%s, line %lld: there is no %s: %s", t->csv.path,
                            (long long)t->rows[picked[i]].line, path, strerror(errno));
        }
        EKI_TRY(eki_list_push(paths, path, err));
    }
    return EK_OK;
}
