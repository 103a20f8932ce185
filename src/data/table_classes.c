/* table_classes.c: names of classes in a column, one in each cell or several.
 *
 * Names that are all numbers are the classes' numbers, from 0; else they are sorted by their bytes. Where a cell may
 * have several, they are parted by the first of | ; and , that occurs in the column, else by blanks.
 */
#include "data/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct word {
    const char *at;
    size_t length;
} word;

/* The next name in a cell; false = there is none. `mark` 0: the cell is one name. */
static bool next_word(const char **at, char mark, word *w) {
    if (mark == '\0') {
        *w = (word){*at, strlen(*at)};
        *at += w->length;
        return w->length > 0;
    }
    const char ends[] = {mark, mark == ' ' ? '\t' : mark, '\0'};
    for (;;) {
        *at += strspn(*at, " \t");
        size_t length = strcspn(*at, ends);
        *w = (word){*at, length};
        *at += length + ((*at)[length] != '\0');
        while (w->length > 0 && (w->at[w->length - 1] == ' ' || w->at[w->length - 1] == '\t')) w->length--;
        if (w->length > 0) return true;
        if (**at == '\0') return false;
    }
}

static char find_mark(const eki_table *t, const eki_block *b) {
    static const char marks[] = "|;,";
    for (const char *mark = marks; *mark != '\0'; mark++) {
        for (size_t i = 0; i < t->count; i++) {
            if (strchr(b->texts[i], *mark) != NULL) return *mark;
        }
    }
    return ' ';
}

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

void eki_classes_free(eki_classes *c) {
    eki_list_free(&c->names);
    eki_arena_free(&c->arena);
}

static ek_status add_word(eki_classes *c, word w, int64_t *top, bool *numbers, ek_error *err) {
    bool ended = w.at[w.length] == '\0';
    const char *name = ended ? w.at : eki_arena_strndup(&c->arena, w.at, w.length);
    if (name == NULL) return eki_fail_nomem(err, w.length);
    EKI_TRY(eki_list_push(&c->names, name, err));
    int64_t number = eki_class_number(name);
    *numbers = *numbers && number >= 0;
    *top = number > *top ? number : *top;
    return EK_OK;
}

static void sort_out(eki_name_list *names) {
    size_t kept = 0;
    if (names->count > 0) qsort(names->items, names->count, sizeof *names->items, compare);
    for (size_t i = 0; i < names->count; i++) {
        if (i == 0 || strcmp(names->items[i], names->items[kept - 1]) != 0) names->items[kept++] = names->items[i];
    }
    names->count = kept;
}

/* A column that is called labels, where one class is asked for. */
static ek_status refuse_several(const eki_table *t, const eki_block *b, ek_error *err) {
    for (size_t i = 0; b->columns[0] == t->columns.labels && i < t->count; i++) {
        if (strpbrk(b->texts[i], "|;") == NULL) continue;
        return eki_fail(err, EK_ERR_FORMAT,
                        "%s, line %lld: %s has several labels ('%s'), and one class is expected; several labels need a "
                        "loss for them: bce",
                        t->csv.path, (long long)t->rows[i].line, t->header[b->columns[0]], b->texts[i]);
    }
    return EK_OK;
}

/* Numbers with a fraction are no names of classes. */
static ek_status refuse_numbers(const eki_table *t, const eki_block *b, const eki_classes *c, ek_error *err) {
    const char *fraction = NULL;
    for (size_t i = 0; i < c->names.count; i++) {
        const char *name = c->names.items[i], *point = strchr(name, '.');
        if (name[strspn(name, "0123456789+-.eE")] != '\0') return EK_OK;
        if (point != NULL && point[1 + strspn(point + 1, "0")] != '\0') fraction = name;
    }
    if (fraction == NULL) return EK_OK;
    return eki_fail(err, EK_ERR_FORMAT,
                    "%s: the column '%s' holds numbers such as %s, and classes are expected; numbers need a loss for "
                    "them: mse, mae or huber",
                    t->csv.path, t->header[b->columns[0]], fraction);
}

/* The classes' names are those of their columns. */
static ek_status of_columns(const eki_table *t, const eki_block *b, eki_classes *c, ek_error *err) {
    for (size_t i = 0; i < b->count; i++) EKI_TRY(eki_list_push(&c->names, t->header[b->columns[i]], err));
    c->count = (int)b->count;
    return EK_OK;
}

ek_status eki_classes_find(const eki_table *t, const eki_block *b, eki_classes *c, ek_error *err) {
    int64_t top = -1;
    bool numbers = true;
    if (b->texts == NULL) return of_columns(t, b, c, err);
    if (b->use == EK_COLUMN_CLASS) EKI_TRY(refuse_several(t, b, err));
    c->mark = b->use == EK_COLUMN_LABELS ? find_mark(t, b) : '\0';
    for (size_t i = 0; i < t->count; i++) {
        const char *at = b->texts[i];
        for (word w; next_word(&at, c->mark, &w);) {
            EKI_TRY(add_word(c, w, &top, &numbers, err));
            if (c->names.count > (size_t)EKI_MAX_CLASSES * 4) sort_out(&c->names);
        }
    }
    sort_out(&c->names);
    size_t found = numbers ? (size_t)(top + 1) : c->names.count;
    if (c->names.count == 0) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: the column '%s' has no label in any row", t->csv.path,
                        t->header[b->columns[0]]);
    }
    if (found > EKI_MAX_CLASSES) {
        return eki_fail(err, EK_ERR_LIMIT, "%s: has %zu classes, expected at most %d", t->csv.path, found,
                        EKI_MAX_CLASSES);
    }
    if (numbers) c->names.count = 0;
    c->count = (int)found;
    return refuse_numbers(t, b, c, err);
}

static int64_t number_of(const eki_classes *c, const char *name) {
    if (c->names.count == 0) return eki_class_number(name);
    const char *const *found = bsearch(&name, c->names.items, c->names.count, sizeof *c->names.items, compare);
    return found != NULL ? found - c->names.items : -1;
}

static ek_status find(const eki_table *t, const eki_classes *c, size_t row, word w, int64_t *class, ek_error *err) {
    char part[512];
    const char *name = w.at;
    if (w.at[w.length] != '\0') {
        (void)snprintf(part, sizeof part, "%.*s", (int)(w.length < sizeof part ? w.length : sizeof part - 1), w.at);
        name = part;
    }
    *class = number_of(c, name);
    if (*class >= 0 && *class < c->count) return EK_OK;
    return eki_fail(err, EK_ERR_FORMAT, "%s, line %lld: '%s' is not among the %d classes of the training table",
                    t->csv.path, (long long)t->rows[row].line, name, c->count);
}

ek_status eki_classes_one(const eki_table *t, const eki_block *b, const eki_classes *c, const size_t *picked,
                          size_t count, int32_t *out, ek_error *err) {
    for (size_t i = 0; i < count; i++) {
        size_t row = picked[i];
        int64_t class = 0;
        if (b->texts != NULL) {
            EKI_TRY(find(t, c, row, (word){b->texts[row], strlen(b->texts[row])}, &class, err));
        } else {
            const unsigned char *flags = (const unsigned char *)b->values + row * b->count;
            while (flags[class] == 0) class ++;
        }
        out[i] = (int32_t) class;
    }
    return EK_OK;
}

ek_status eki_classes_several(const eki_table *t, const eki_block *b, const eki_classes *c, const size_t *picked,
                              size_t count, float *out, ek_error *err) {
    size_t classes = (size_t)c->count;
    for (size_t i = 0; i < count * classes; i++) out[i] = 0;
    for (size_t i = 0; i < count; i++, out += classes) {
        if (b->texts == NULL) {
            const unsigned char *flags = (const unsigned char *)b->values + picked[i] * classes;
            for (size_t k = 0; k < classes; k++) out[k] = (float)flags[k];
            continue;
        }
        const char *at = b->texts[picked[i]];
        for (word w; next_word(&at, c->mark, &w);) {
            int64_t class;
            EKI_TRY(find(t, c, picked[i], w, &class, err));
            out[class] = 1;
        }
    }
    return EK_OK;
}
