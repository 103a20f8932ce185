/* image_table.c: a set made of a table: image files or numbers, and what they are labelled with.
 *
 * The training table decides which classes there are, for every split.
 */
#include "data/folder_list.h"
#include "data/formats.h"
#include "data/image_files.h"
#include "data/table.h"
#include "data/table_files.h"

#include <stdlib.h>
#include <string.h>

bool eki_table_claims(const char *spec) {
    eki_arena arena = {0};
    eki_table_files files;
    bool yes = eki_table_files_find(&arena, spec, false, &files, NULL) != EK_OK || files.whole != NULL;
    for (int i = 0; i < EK_SPLIT_ALL; i++) yes = yes || files.split[i] != NULL;
    eki_arena_free(&arena);
    return yes;
}

/* Which table, and which of its rows (-1 = all). */
static ek_status choose(const eki_table_files *files, const eki_table *whole, ek_dataset *d, const eki_open_args *args,
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

typedef struct choice {
    eki_arena arena;
    size_t *rows; /* of the split */
    size_t count;
    eki_name_list images;
} choice;

static ek_status pick_rows(const eki_table *t, int split, choice *c, ek_error *err) {
    c->rows = eki_alloc(eki_size_of(t->count, sizeof *c->rows));
    if (c->rows == NULL) return eki_fail_nomem(err, t->count * sizeof *c->rows);
    for (size_t i = 0; i < t->count; i++) {
        if (split < 0 || t->rows[i].split == split) c->rows[c->count++] = i;
    }
    return EK_OK;
}

/* Evenly spread over the rows of the split. */
static void thin_out(const ek_dataset *d, choice *c) {
    size_t count = (size_t)d->info.count, total = c->count;
    for (size_t i = 0; i < count; i++) {
        size_t at = eki_open_pick(i, count, total);
        c->rows[i] = c->rows[at];
        if (c->images.count > 0) c->images.items[i] = c->images.items[at];
    }
    c->count = count;
    if (c->images.count > 0) c->images.count = count;
}

static ek_status load_images(ek_dataset *d, const eki_open_args *args, const eki_table *t, choice *c, ek_error *err) {
    eki_folder_files files = {0};
    ek_status status;
    EKI_TRY_DONE(eki_table_paths(&c->arena, t, NULL, c->rows, c->count, &c->images, err));
    for (size_t i = 0; i < c->count; i++) EKI_TRY_DONE(eki_folder_add(&files, c->images.items[i], 0, err));
    status = eki_image_files_open(d, args, &files, err);
done:
    eki_folder_files_free(&files);
    return status;
}

static ek_status without_images(ek_dataset *d, const eki_open_args *args, const eki_table *t, const choice *c,
                                ek_error *err) {
    static const char *const none[] = {""};
    d->info.count = eki_open_count(args, (int64_t)c->count);
    d->info.class_names = none;
    d->image_name = eki_arena_strdup(&d->arena, t->csv.path);
    d->labels = eki_alloc_zero(eki_size_of((size_t)d->info.count, sizeof *d->labels));
    return d->image_name != NULL && d->labels != NULL ? EK_OK : eki_fail_nomem(err, c->count * sizeof *d->labels);
}

static ek_status open_rows(ek_dataset *d, const eki_open_args *args, const eki_table *decides, eki_table *own, int rows,
                           ek_error *err) {
    choice c = {.count = 0};
    ek_status status;
    EKI_TRY_DONE(pick_rows(own, rows, &c, err));
    EKI_TRY_DONE(own->columns.path >= 0 ? load_images(d, args, own, &c, err) : without_images(d, args, own, &c, err));
    thin_out(d, &c);
    EKI_TRY_DONE(eki_dataset_name_classes(d, 0, NULL, err));
    status = eki_table_fill(d, args, own, decides, c.rows, &c.images, err);
done:
    eki_list_free(&c.images);
    eki_free(c.rows);
    eki_arena_free(&c.arena);
    return status;
}

ek_status eki_table_open(ek_dataset *d, const eki_open_args *args, ek_error *err) {
    eki_arena arena = {0};
    eki_table_files files;
    eki_table first = {0}, second = {0}; /* the whole set's or the training table; another split's */
    const char *path;
    int rows;
    ek_status status;
    EKI_TRY_DONE(eki_table_files_find(&arena, args->spec, eki_columns_named(args), &files, err));
    bool split = files.split[0] != NULL || files.split[1] != NULL || files.split[2] != NULL;
    if (!split && files.whole == NULL) {
        status = eki_fail(err, EK_ERR_ARG,
                          "%s: is no table (.csv), and has none (train.csv, labels.csv); columns are named of a table",
                          args->spec);
        goto done;
    }
    if (!split) EKI_TRY_DONE(eki_table_read(files.whole, args, &first, err));
    EKI_TRY_DONE(choose(&files, split ? NULL : &first, d, args, &path, &rows, err));
    if (split && files.split[EK_SPLIT_TRAIN] != NULL) {
        EKI_TRY_DONE(eki_table_read(files.split[EK_SPLIT_TRAIN], args, &first, err));
    }
    bool other = split && path != files.split[EK_SPLIT_TRAIN];
    if (other) EKI_TRY_DONE(eki_table_read(path, args, &second, err));
    eki_table *own = other ? &second : &first;
    status = open_rows(d, args, first.count > 0 ? &first : own, own, rows, err);
done:
    eki_table_close(&first);
    eki_table_close(&second);
    eki_arena_free(&arena);
    return status;
}
