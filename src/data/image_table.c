/* image_table.c: a set made of a table of image files and their classes, and the images beside it.
 *
 * Labels that are all numbers are the classes' numbers, from 0; else they are names, sorted by their bytes. The
 * training table decides which classes there are, for every split.
 */
#include "data/folder_list.h"
#include "data/formats.h"
#include "data/table_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct row {
    const char *path, *label; /* in the table's text; label NULL = there are none */
    int64_t line;
    int split; /* -1 = the table does not say */
} row;

typedef struct table {
    eki_csv csv;
    row *rows;
    size_t count, capacity;
} table;

static void table_close(table *t) {
    eki_csv_close(&t->csv);
    free(t->rows);
    memset(t, 0, sizeof *t);
}

bool eki_table_claims(const char *spec) {
    eki_arena arena = {0};
    eki_table_files files;
    bool yes = eki_table_files_find(&arena, spec, &files, NULL) != EK_OK || files.whole != NULL;
    for (int i = 0; i < EK_SPLIT_ALL; i++) yes = yes || files.split[i] != NULL;
    eki_arena_free(&arena);
    return yes;
}

static ek_status take_row(table *t, eki_columns columns, ek_error *err) {
    const eki_csv *csv = &t->csv;
    row r = {.path = csv->fields[columns.path], .line = csv->line, .split = -1};
    if (columns.label >= 0) r.label = csv->fields[columns.label];
    if (r.path[0] == '\0' || (r.label != NULL && r.label[0] == '\0')) {
        return eki_fail(err, EK_ERR_FORMAT, "%s, line %lld: the %s is empty; fill it in or remove the line", csv->path,
                        (long long)r.line, r.path[0] == '\0' ? "path" : "label");
    }
    if (columns.split >= 0) {
        const char *text = csv->fields[columns.split];
        r.split = eki_split_of(text, strlen(text));
        if (r.split < 0) {
            return eki_fail(err, EK_ERR_FORMAT, "%s, line %lld: '%s' is no split, expected train, test or validation",
                            csv->path, (long long)r.line, text);
        }
    }
    void *rows = t->rows;
    bool grown = eki_grow(&rows, &t->capacity, t->count + 1, sizeof *t->rows);
    t->rows = rows;
    if (!grown) return eki_fail_nomem(err, t->count * sizeof *t->rows);
    t->rows[t->count++] = r;
    return EK_OK;
}

static ek_status table_read(const char *path, bool unlabelled, table *t, ek_error *err) {
    memset(t, 0, sizeof *t);
    EKI_TRY(eki_csv_open(path, SIZE_MAX, &t->csv, err));
    eki_columns columns = eki_columns_find(&t->csv);
    ek_status status = EK_OK;
    if (columns.path < 0 || (columns.label < 0 && !unlabelled)) {
        status = eki_fail(err, EK_ERR_FORMAT,
                          "%s: its first line names no column for the %s; expected a header such as path,label (or "
                          "filename, image; class, target)",
                          path, columns.path < 0 ? "images" : "labels");
        goto done;
    }
    for (;;) {
        EKI_TRY_DONE(eki_csv_next(&t->csv, err));
        if (t->csv.count == 0) break;
        EKI_TRY_DONE(take_row(t, columns, err));
    }
    if (t->count == 0) status = eki_fail(err, EK_ERR_FORMAT, "%s: has a header and no rows", path);
done:
    if (status != EK_OK) table_close(t);
    return status;
}

static int64_t as_number(const char *text) {
    int64_t value = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9' && value < EKI_MAX_CLASSES; p++) value = value * 10 + (*p - '0');
    return *p == '\0' && p > text && value < EKI_MAX_CLASSES ? value : -1;
}

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Names of the classes of a table, sorted, without repetition; or, where all are numbers, none and *count of them. */
static ek_status find_classes(const table *t, eki_name_list *names, int *count, ek_error *err) {
    int64_t top = -1;
    bool numbers = true;
    for (size_t i = 0; i < t->count; i++) {
        int64_t number = as_number(t->rows[i].label);
        numbers = numbers && number >= 0;
        top = number > top ? number : top;
        EKI_TRY(eki_list_push(names, t->rows[i].label, err));
    }
    size_t kept = 0;
    qsort(names->items, names->count, sizeof *names->items, compare);
    for (size_t i = 0; i < names->count; i++) {
        if (i == 0 || strcmp(names->items[i], names->items[kept - 1]) != 0) names->items[kept++] = names->items[i];
    }
    names->count = numbers ? 0 : kept;
    *count = (int)(numbers ? top + 1 : (int64_t)kept);
    if (kept <= EKI_MAX_CLASSES) return EK_OK;
    return eki_fail(err, EK_ERR_LIMIT, "%s: has %zu classes, expected at most %d", t->csv.path, kept, EKI_MAX_CLASSES);
}

static ek_status find_label(const table *t, const row *r, const eki_name_list *names, int classes, int *label,
                            ek_error *err) {
    const char *const *found = NULL;
    if (names->count > 0) found = bsearch(&r->label, names->items, names->count, sizeof *names->items, compare);
    int64_t number = names->count > 0 ? (found != NULL ? found - names->items : -1) : as_number(r->label);
    *label = (int)number;
    if (number >= 0 && number < classes) return EK_OK;
    return eki_fail(err, EK_ERR_FORMAT, "%s, line %lld: '%s' is not among the %d classes of the training table",
                    t->csv.path, (long long)r->line, r->label, classes);
}

static bool exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

/* "FOLDER/PATH", or PATH when it is absolute. */
static const char *resolve(eki_arena *arena, const char *folder, const char *path) {
    return path[0] == '/' ? path : eki_path_join(arena, folder, path);
}

/* The folder that paths begin from: the table's, or the first one in it that has the first row's image. */
static ek_status find_base(eki_arena *arena, const table *t, const char **base, ek_error *err) {
    const char *slash = strrchr(t->csv.path, '/');
    const char *own = slash == NULL ? eki_arena_strdup(arena, ".")
                                    : eki_arena_strndup(arena, t->csv.path, (size_t)(slash - t->csv.path) + 1);
    const char *first = own != NULL ? resolve(arena, own, t->rows[0].path) : NULL;
    if (first == NULL) return eki_fail_nomem(err, strlen(t->csv.path));
    *base = own;
    if (exists(first)) return EK_OK;
    eki_folder_entries entries;
    EKI_TRY(eki_folder_read(arena, own, &entries, NULL, err));
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < entries.folders.count && *base == own; i++) {
        const char *folder = eki_path_join(arena, own, entries.folders.items[i]);
        const char *path = folder != NULL ? resolve(arena, folder, t->rows[0].path) : NULL;
        if (path == NULL) status = eki_fail_nomem(err, strlen(own));
        if (path != NULL && exists(path)) *base = folder;
    }
    eki_folder_entries_free(&entries);
    return status;
}

/* The rows of one split, or all; each image must be there. */
static ek_status add_files(eki_arena *arena, const table *t, int split, int classes, eki_folder_files *files,
                           ek_error *err) {
    const char *base = NULL;
    EKI_TRY(find_base(arena, t, &base, err));
    for (size_t i = 0; i < t->count; i++) {
        const row *r = &t->rows[i];
        int label = 0;
        if (split >= 0 && r->split != split) continue;
        if (r->label != NULL) EKI_TRY(find_label(t, r, &files->classes, classes, &label, err));
        const char *path = resolve(arena, base, r->path);
        if (path != NULL && !exists(path)) {
            return eki_fail(err, EK_ERR_IO, "%s, line %lld: there is no %s: %s", t->csv.path, (long long)r->line, path,
                            strerror(errno));
        }
        EKI_TRY(eki_folder_add(files, path, label, err));
    }
    return EK_OK;
}

/* Which table, and which of its rows (-1 = all). */
static ek_status choose(const eki_table_files *files, const table *whole, ek_dataset *d, const eki_open_args *args,
                        const char **path, int *rows, ek_error *err) {
    bool split = whole == NULL || whole->rows[0].split >= 0;
    for (int i = 0; i < EK_SPLIT_ALL; i++) d->has[i] = whole == NULL && files->split[i] != NULL;
    for (size_t i = 0; whole != NULL && split && i < whole->count; i++) d->has[whole->rows[i].split] = true;
    *rows = -1;
    *path = files->whole;
    d->split = EK_SPLIT_ALL;
    if (!split && args->split == EK_SPLIT_VALIDATION) return eki_fail_no_validation(args->spec, err);
    if (!split) return EK_OK;
    d->split = args->split;
    if (args->split == EK_SPLIT_TEST && !d->has[EK_SPLIT_TEST]) d->split = EK_SPLIT_VALIDATION;
    if (!d->has[d->split]) {
        static const char *const wanted[] = {"train", "test or validation", "validation"};
        return eki_fail(err, EK_ERR_IO, "%s: has no %s %s; add %s, or name the table of the images", args->spec,
                        wanted[args->split], whole != NULL ? "rows" : "table", whole != NULL ? "some" : "one");
    }
    if (whole != NULL) *rows = (int)d->split;
    if (whole == NULL) *path = files->split[d->split];
    return EK_OK;
}

static ek_status open_rows(ek_dataset *d, const eki_open_args *args, const table *classes, const table *own, int rows,
                           ek_error *err) {
    eki_arena arena = {0};
    eki_folder_files files = {0};
    int count = 0;
    ek_status status;
    if (classes->rows[0].label != NULL) EKI_TRY_DONE(find_classes(classes, &files.classes, &count, err));
    EKI_TRY_DONE(add_files(&arena, own, rows, count, &files, err));
    EKI_TRY_DONE(eki_images_load(d, args, &files, err));
    EKI_TRY_DONE(eki_dataset_name_classes(d, count, files.classes.count > 0 ? files.classes.items : NULL, err));
done:
    eki_folder_files_free(&files);
    eki_arena_free(&arena);
    return status;
}

ek_status eki_table_open(ek_dataset *d, const eki_open_args *args, ek_error *err) {
    eki_arena arena = {0};
    eki_table_files files;
    table first = {0}, second = {0}; /* the whole set's or the training table; another split's */
    const char *path;
    int rows;
    ek_status status;
    EKI_TRY_DONE(eki_table_files_find(&arena, args->spec, &files, err));
    bool split = files.split[0] != NULL || files.split[1] != NULL || files.split[2] != NULL;
    if (!split) EKI_TRY_DONE(table_read(files.whole, args->unlabelled, &first, err));
    EKI_TRY_DONE(choose(&files, split ? NULL : &first, d, args, &path, &rows, err));
    if (split && files.split[EK_SPLIT_TRAIN] != NULL) {
        EKI_TRY_DONE(table_read(files.split[EK_SPLIT_TRAIN], args->unlabelled, &first, err));
    }
    bool other = split && path != files.split[EK_SPLIT_TRAIN];
    if (other) EKI_TRY_DONE(table_read(path, args->unlabelled, &second, err));
    const table *own = other ? &second : &first;
    status = open_rows(d, args, first.count > 0 ? &first : own, own, rows, err);
done:
    table_close(&first);
    table_close(&second);
    eki_arena_free(&arena);
    return status;
}
