/* table_read.c: a table's rows, and what its columns hold. */
#include "data/table.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

void eki_table_close(eki_table *t) {
    for (size_t i = 0; i < t->n_blocks; i++) {
        eki_free(t->blocks[i].values);
        eki_free(t->blocks[i].texts);
    }
    eki_csv_close(&t->csv);
    eki_free(t->rows);
    eki_arena_free(&t->arena);
    memset(t, 0, sizeof *t);
}

/* No more rows than lines, nor than text enough for as many fields as the header has. */
static size_t most_rows(const eki_csv *csv) {
    size_t lines = 1, fit = (csv->size - csv->at) / csv->columns + 1;
    for (size_t i = csv->at; i < csv->size; i++) lines += csv->text[i] == '\n';
    return lines < fit ? lines : fit;
}

static ek_status keep_header(eki_table *t, ek_error *err) {
    eki_size size = eki_size_of(t->csv.columns, sizeof *t->header);
    t->header = eki_arena_memdup(&t->arena, t->csv.fields, size);
    return t->header != NULL ? EK_OK : eki_fail_nomem(err, size.bytes);
}

/* One column of names, of images or of masks is text; all else numbers. */
static bool is_text(const eki_block *b) {
    return b->count == 1 && (b->use == EK_COLUMN_CLASS || b->use == EK_COLUMN_LABELS);
}

static ek_status make_room(eki_table *t, uint64_t most, ek_error *err) {
    t->room = most_rows(&t->csv);
    t->rows = eki_alloc(eki_size_of(t->room, sizeof *t->rows));
    if (t->rows == NULL) return eki_fail_nomem(err, t->room * sizeof *t->rows);
    for (eki_block *b = t->blocks; b < t->blocks + t->n_blocks; b++) {
        size_t width = b->dtype == EK_I64 ? sizeof(int64_t) : b->dtype == EK_F32 ? sizeof(float) : 1, values, bytes;
        if (is_text(b)) {
            b->texts = eki_alloc(eki_size_of(t->room, sizeof *b->texts));
            if (b->texts == NULL) return eki_fail_nomem(err, t->room * sizeof *b->texts);
            continue;
        }
        if (!eki_mul_size(t->room, b->count, &values) || !eki_mul_size(values, width, &bytes) || bytes > most) {
            return eki_fail(err, EK_ERR_LIMIT,
                            "%s: %zu rows of %zu columns need more than the limit of %llu bytes in memory; use fewer "
                            "columns or rows, or arrays (.npy), which are mapped",
                            t->csv.path, t->room, b->count, (unsigned long long)most);
        }
        b->values = eki_alloc(eki_sized(bytes));
        if (b->values == NULL) return eki_fail_nomem(err, bytes);
    }
    return EK_OK;
}

static ek_status take_row(eki_table *t, ek_error *err) {
    const eki_csv *csv = &t->csv;
    eki_row r = {.line = csv->line, .split = -1};
    if (t->columns.path >= 0) {
        r.path = csv->fields[t->columns.path];
        if (r.path[0] == '\0') {
            return eki_fail(err, EK_ERR_FORMAT, "%s, line %lld: the path is empty; fill it in or remove the line",
                            csv->path, (long long)r.line);
        }
    }
    if (t->columns.split >= 0) {
        const char *text = csv->fields[t->columns.split];
        r.split = eki_split_of(text, strlen(text));
        if (r.split < 0) {
            return eki_fail(err, EK_ERR_FORMAT, "%s, line %lld: '%s' is no split, expected train, test or validation",
                            csv->path, (long long)r.line, text);
        }
    }
    for (size_t i = 0; i < t->n_blocks; i++) EKI_TRY(eki_block_parse(t, &t->blocks[i], t->count, err));
    t->rows[t->count++] = r;
    return EK_OK;
}

static ek_status read_rows(eki_table *t, ek_error *err) {
    for (;;) {
        EKI_TRY(eki_csv_next(&t->csv, err));
        if (t->csv.count == 0) break;
        EKI_TRY(take_row(t, err));
    }
    return t->count > 0 ? EK_OK : eki_fail(err, EK_ERR_FORMAT, "%s: has a header and no rows", t->csv.path);
}

/* A host program may write numbers with a comma. */
static ek_status read_plainly(eki_table *t, ek_error *err) {
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0) return eki_fail(err, EK_ERR_NOMEM, "out of memory for the form of numbers");
    locale_t before = uselocale(plain);
    ek_status status = read_rows(t, err);
    (void)uselocale(before);
    freelocale(plain);
    return status;
}

ek_status eki_table_read(const char *path, const eki_open_args *args, eki_table *t, ek_error *err) {
    memset(t, 0, sizeof *t);
    EKI_TRY(eki_csv_open(path, SIZE_MAX, &t->csv, err));
    ek_status status;
    EKI_TRY_DONE(keep_header(t, err));
    EKI_TRY_DONE(eki_table_resolve(t, args, err));
    EKI_TRY_DONE(make_room(t, args->most, err));
    status = read_plainly(t, err);
done:
    if (status != EK_OK) eki_table_close(t);
    return status;
}
