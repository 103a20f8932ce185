/* table_columns.c: from names of columns to their places: usual names, lists, and patterns. */
#include "data/table.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 256 };

bool eki_columns_named(const eki_open_args *args) {
    for (size_t i = 0; i < args->column_count; i++) {
        if (args->columns[i].columns != NULL) return true;
    }
    return false;
}

static bool is_pattern(const char *name) { return strpbrk(name, "*?") != NULL; }

static void list_columns(const eki_table *t, char *text, size_t room) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < t->csv.columns; i++) {
        if (used + strlen(t->header[i]) + 8 > room) {
            (void)snprintf(text + used, room - used, ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, room - used, "%s%s", i > 0 ? ", " : "", t->header[i]);
    }
}

static ek_status fail_column(const eki_table *t, const eki_block *b, const char *name, const char *what,
                             ek_error *err) {
    char columns[400];
    list_columns(t, columns, sizeof columns);
    return eki_fail(err, EK_ERR_ARG, "%s: %s '%s' (%s); its columns are: %s", t->csv.path, what, name, b->of, columns);
}

static bool has(const eki_block *b, int column) {
    for (size_t i = 0; i < b->count; i++) {
        if (b->columns[i] == column) return true;
    }
    return false;
}

/* A column that a pattern leaves out: it is something else already. */
static bool is_taken(const eki_table *t, const eki_block *b, int column) {
    bool taken = has(b, column) || column == t->columns.split || column == t->columns.path;
    for (const eki_block *other = t->blocks; other < t->blocks + t->n_blocks; other++) {
        taken = taken || (other != b && has(other, column));
    }
    return taken;
}

static ek_status take_name(eki_table *t, eki_block *b, const char *name, ek_error *err) {
    size_t before = b->count, found = 0;
    bool pattern = is_pattern(name);
    for (size_t i = 0; i < t->csv.columns; i++) {
        bool match = pattern ? fnmatch(name, t->header[i], 0) == 0 : strcmp(name, t->header[i]) == 0;
        if (!match || (pattern && is_taken(t, b, (int)i))) continue;
        if (++found > 1 && !pattern) return fail_column(t, b, name, "has two columns", err);
        if (has(b, (int)i)) return fail_column(t, b, name, "is to give twice the column", err);
        for (const eki_block *other = t->blocks; other < t->blocks + t->n_blocks; other++) {
            if (other != b && has(other, (int)i)) return fail_column(t, b, name, "has two uses for the column", err);
        }
        b->columns[b->count++] = (int)i;
    }
    return b->count > before ? EK_OK : fail_column(t, b, name, pattern ? "has no column like" : "has no column", err);
}

static ek_status take_list(eki_table *t, eki_block *b, const char *list, ek_error *err) {
    char name[NAME];
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        if (length == 0 || length >= sizeof name) {
            return eki_fail(err, EK_ERR_ARG, "%s: '%s' is no list of columns (%s): names parted by commas, such as a,b",
                            t->csv.path, list, b->of);
        }
        memcpy(name, at, length);
        name[length] = '\0';
        EKI_TRY(take_name(t, b, name, err));
        at += length;
        if (*at == '\0') return EK_OK;
    }
}

static ek_status fail_no_column(const eki_table *t, bool images, ek_error *err) {
    char columns[400];
    list_columns(t, columns, sizeof columns);
    return eki_fail(err, EK_ERR_FORMAT,
                    "%s: its first line names no column for the %s; expected a header such as path,label (or filename, "
                    "image; class, target, labels, mask), or columns that are named (--input, --target); its columns "
                    "are: %s",
                    t->csv.path, images ? "images" : "labels", columns);
}

/* The column of the labels, by its name, which also says what they are. */
static void take_usual(const eki_table *t, eki_block *b) {
    const eki_columns *c = &t->columns;
    int column = c->label >= 0 ? c->label : c->labels >= 0 ? c->labels : c->mask;
    if (column < 0) return;
    if (b->use == EK_COLUMN_LABEL && column == c->labels) b->use = EK_COLUMN_LABELS;
    b->columns[b->count++] = column;
}

static ek_status open_block(eki_table *t, const ek_column_array *asked, ek_error *err) {
    eki_block *b = &t->blocks[t->n_blocks];
    *b = (eki_block){.name = asked->name, .use = asked->use, .of = "target", .dtype = EK_U8};
    if (b->use == EK_COLUMN_INPUT) b->of = "input";
    if (b->use == EK_COLUMN_INPUT) b->dtype = asked->dtype == EK_I64 ? EK_I64 : EK_F32;
    if (b->use == EK_COLUMN_NUMBERS) b->dtype = EK_F32;
    b->columns = eki_arena_alloc(&t->arena, eki_size_of(t->csv.columns, sizeof *b->columns));
    if (b->columns == NULL) return eki_fail_nomem(err, t->csv.columns * sizeof *b->columns);
    t->n_blocks++;
    if (asked->columns != NULL) {
        EKI_TRY(take_list(t, b, asked->columns, err));
    } else {
        take_usual(t, b);
    }
    if (b->count == 0) t->n_blocks--;
    if (b->use == EK_COLUMN_LABEL) b->use = EK_COLUMN_CLASS;
    return EK_OK;
}

static ek_status open_blocks(eki_table *t, const eki_open_args *args, bool inputs, ek_error *err) {
    for (size_t i = 0; i < args->column_count; i++) {
        const ek_column_array *asked = &args->columns[i];
        if ((asked->use == EK_COLUMN_INPUT) == inputs) EKI_TRY(open_block(t, asked, err));
    }
    return EK_OK;
}

/* Targets come first, so that patterns of inputs leave them out. */
ek_status eki_table_resolve(eki_table *t, const eki_open_args *args, ek_error *err) {
    static const ek_column_array usual = {.name = "target", .use = EK_COLUMN_LABEL};
    t->columns = eki_columns_find(&t->csv);
    t->blocks = eki_arena_alloc(&t->arena, eki_size_of(args->column_count + 1, sizeof *t->blocks));
    if (t->blocks == NULL) return eki_fail_nomem(err, args->column_count * sizeof *t->blocks);
    bool asked = false;
    for (size_t i = 0; i < args->column_count; i++) asked = asked || args->columns[i].use != EK_COLUMN_INPUT;
    EKI_TRY(asked ? open_blocks(t, args, false, err) : open_block(t, &usual, err));
    t->n_targets = t->n_blocks;
    EKI_TRY(open_blocks(t, args, true, err));
    bool inputs = t->n_blocks > t->n_targets;
    if (inputs && args->columns_only) t->columns.path = -1;
    if (t->columns.path < 0 && !inputs) return fail_no_column(t, true, err);
    return t->n_targets > 0 || args->unlabelled ? EK_OK : fail_no_column(t, false, err);
}
