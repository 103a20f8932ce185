/* table_arrays.c: columns of a table as arrays of the set, and what the set is labelled with. */
#include "data/image.h"
#include "data/masks.h"
#include "data/table.h"

#include <string.h>

typedef struct filling {
    ek_dataset *set;
    const eki_open_args *args;
    eki_table *own;
    const eki_table *decides;
    const size_t *picked;
    const eki_name_list *images;
    size_t count;
    ek_error *err;
} filling;

/* A column of image files is one of masks. */
static bool is_mask(const eki_table *t, const eki_block *b) {
    const char *extension;
    if (b->texts == NULL) return false;
    return b->columns[0] == t->columns.mask || eki_image_classify(b->texts[0], &extension) == EKI_NAME_READ;
}

static bool all_flags(const eki_table *t, const eki_block *b) {
    unsigned char flag;
    for (size_t i = 0; i < t->count; i++) {
        if (!eki_is_flag(b->texts[i], &flag)) return false;
    }
    return true;
}

/* One column of 0 and 1 is one label. */
static ek_status settle_flags(const filling *f, eki_block *b, const eki_block *decided) {
    eki_table *t = f->own;
    if (b->use != EK_COLUMN_LABELS || decided->texts == NULL || !all_flags(f->decides, decided)) return EK_OK;
    unsigned char *flags = eki_alloc(eki_sized(t->count));
    if (flags == NULL) return eki_fail_nomem(f->err, t->count);
    for (size_t i = 0; i < t->count; i++) {
        if (eki_is_flag(b->texts[i], &flags[i])) continue;
        eki_free(flags);
        return eki_fail(f->err, EK_ERR_FORMAT, "%s, line %lld: %s is '%s', expected 0 or 1 as in the training table",
                        t->csv.path, (long long)t->rows[i].line, t->header[b->columns[0]], b->texts[i]);
    }
    b->values = flags;
    eki_free(b->texts);
    b->texts = NULL;
    return EK_OK;
}

static ek_status own_array(const filling *f, const eki_block *b, ek_dtype dtype, size_t width, bool list, void *data) {
    const int64_t dims[2] = {(int64_t)f->count, (int64_t)width};
    if (data == NULL) return eki_fail_nomem(f->err, f->count * width);
    return eki_field_own(f->set, b->name, dtype, list ? 1 : 2, dims, data, f->err);
}

/* Numbers of the chosen rows. */
static ek_status add_numbers(const filling *f, const eki_block *b) {
    size_t row = eki_size_of(b->count, b->dtype == EK_I64 ? sizeof(int64_t) : sizeof(float)).bytes;
    unsigned char *data = eki_alloc(eki_size_of(f->count, row));
    for (size_t i = 0; data != NULL && i < f->count; i++)
        memcpy(data + i * row, (const unsigned char *)b->values + f->picked[i] * row, row);
    return own_array(f, b, b->dtype, b->count, false, data);
}

static ek_status name_columns(const filling *f, const eki_block *b) {
    eki_classes c = {.count = 0};
    ek_status status = EK_OK;
    for (size_t i = 0; i < b->count && status == EK_OK; i++)
        status = eki_list_push(&c.names, f->own->header[b->columns[i]], f->err);
    if (status == EK_OK) status = eki_dataset_name_classes(f->set, (int)b->count, c.names.items, f->err);
    eki_classes_free(&c);
    return status;
}

/* One class for each example: the labels of images, and the array of others, or of one target among several. */
static ek_status add_class(const filling *f, const eki_block *b, const eki_classes *c, bool first) {
    bool labels = f->own->columns.path >= 0 && f->own->n_targets == 1;
    int32_t *array = labels ? f->set->labels : eki_alloc(eki_size_of(f->count, sizeof *array));
    if (array == NULL) return eki_fail_nomem(f->err, f->count * sizeof *array);
    if (!labels) EKI_TRY(own_array(f, b, EK_I32, 1, true, array));
    EKI_TRY(eki_classes_one(f->own, b, c, f->picked, f->count, array, f->err));
    if (first && !labels) memcpy(f->set->labels, array, f->count * sizeof *array);
    return EK_OK;
}

static ek_status add_several(const filling *f, const eki_block *b, const eki_classes *c) {
    float *array = eki_alloc(eki_size_of(f->count, eki_size_of((size_t)c->count, sizeof *array).bytes));
    EKI_TRY(own_array(f, b, EK_F32, (size_t)c->count, false, array));
    return eki_classes_several(f->own, b, c, f->picked, f->count, array, f->err);
}

static ek_status add_classes(const filling *f, const eki_block *b, const eki_block *decided, bool first) {
    eki_classes c = {.count = 0};
    bool several = b->use == EK_COLUMN_LABELS;
    ek_status status;
    EKI_TRY_DONE(b->texts == NULL ? eki_classes_find(f->own, b, &c, f->err)
                                  : eki_classes_find(f->decides, decided, &c, f->err));
    if (first) {
        if (several) f->set->labelled = EK_LABELS_SEVERAL;
        const char *const *names = c.names.count > 0 ? c.names.items : NULL;
        EKI_TRY_DONE(eki_dataset_name_classes(f->set, c.count, names, f->err));
    }
    status = several ? add_several(f, b, &c) : add_class(f, b, &c, first);
done:
    eki_classes_free(&c);
    return status;
}

static ek_status add_masks(const filling *f, const eki_block *b, const eki_block *decided, bool first) {
    eki_arena arena = {0};
    eki_mask_files masks = {.name = b->name, .images = f->images};
    ek_status status;
    if (f->images->count == 0) {
        return eki_fail(f->err, EK_ERR_ARG, "%s: '%s' is a column of masks, and the table has no images to them",
                        f->own->csv.path, f->own->header[b->columns[0]]);
    }
    EKI_TRY_DONE(eki_table_paths(&arena, f->own, b, f->picked, f->count, &masks.masks, f->err));
    if (f->decides != f->own) {
        size_t *all = eki_arena_alloc(&arena, eki_size_of(f->decides->count, sizeof *all));
        for (size_t i = 0; all != NULL && i < f->decides->count; i++) all[i] = i;
        status = all != NULL ? EK_OK : eki_fail_nomem(f->err, f->decides->count * sizeof *all);
        if (status == EK_OK)
            status = eki_table_paths(&arena, f->decides, decided, all, f->decides->count, &masks.training, f->err);
        if (status != EK_OK) goto done;
    }
    status = eki_masks_load(f->set, f->args, &masks, first, f->err);
done:
    eki_list_free(&masks.masks);
    eki_list_free(&masks.training);
    eki_arena_free(&arena);
    return status;
}

static ek_status add_target(const filling *f, size_t k) {
    eki_block *b = &f->own->blocks[k];
    const eki_block *decided = &f->decides->blocks[k];
    if (is_mask(f->decides, decided)) return add_masks(f, b, decided, k == 0);
    if (b != decided) EKI_TRY(settle_flags(f, b, decided));
    if (b->use == EK_COLUMN_NUMBERS) {
        if (k == 0) {
            f->set->labelled = EK_LABELS_NUMBERS;
            EKI_TRY(name_columns(f, b));
        }
        return add_numbers(f, b);
    }
    return add_classes(f, b, decided, k == 0);
}

/* Both tables have the same columns for the same use; one column of names may be called otherwise. */
static ek_status compare(const filling *f) {
    const eki_table *own = f->own, *other = f->decides;
    bool same = own->n_blocks == other->n_blocks && own->n_targets == other->n_targets;
    for (size_t k = 0; same && k < own->n_blocks; k++) {
        const eki_block *a = &own->blocks[k], *b = &other->blocks[k];
        same = a->use == b->use && a->count == b->count;
        for (size_t i = 0; same && a->values != NULL && i < a->count; i++)
            same = strcmp(own->header[a->columns[i]], other->header[b->columns[i]]) == 0;
    }
    if (same) return EK_OK;
    return eki_fail(f->err, EK_ERR_FORMAT, "%s and %s have not the same columns for inputs and targets", own->csv.path,
                    other->csv.path);
}

ek_status eki_table_fill(ek_dataset *d, const eki_open_args *args, eki_table *t, const eki_table *decides,
                         const size_t *picked, const eki_name_list *images, ek_error *err) {
    if (t->n_blocks == 0) return EK_OK; /* without labels, though the training table may have some */
    const filling f = {.set = d,
                       .args = args,
                       .own = t,
                       .decides = decides->n_blocks > 0 ? decides : t,
                       .picked = picked,
                       .images = images,
                       .count = (size_t)d->info.count,
                       .err = err};
    EKI_TRY(compare(&f));
    EKI_TRY(eki_fields_reserve(d, t->n_blocks, err));
    if (t == f.decides) {
        for (size_t k = 0; k < t->n_targets; k++)
            if (!is_mask(t, &t->blocks[k])) EKI_TRY(settle_flags(&f, &t->blocks[k], &t->blocks[k]));
    }
    for (size_t k = 0; k < t->n_targets; k++) EKI_TRY(add_target(&f, k));
    for (size_t k = t->n_targets; k < t->n_blocks; k++) EKI_TRY(add_numbers(&f, &t->blocks[k]));
    return EK_OK;
}
