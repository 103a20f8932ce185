/* table_numbers.c: cells of a table as numbers, each wrong one named by its line and column.
 *
 * A number is written as in C, with a point, whatever the language of the process; eki_table_read sees to that.
 */
#include "data/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const missing[] = {"", "na", "n/a", "nan", "null", "none", "?", "-"};

static bool is_missing(const char *text) {
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        if (strcasecmp(text, missing[i]) == 0) return true;
    }
    return false;
}

static ek_status fail_cell(const eki_table *t, int column, const char *text, const char *what, ek_error *err) {
    const char *name = t->header[column], *path = t->csv.path;
    long long line = (long long)t->csv.line;
    if (is_missing(text)) {
        return eki_fail(err, EK_ERR_FORMAT, "%s, line %lld: '%s' is missing (%s%s%s); fill it in or remove the row",
                        path, line, name, text[0] != '\0' ? "'" : "", text[0] != '\0' ? text : "empty",
                        text[0] != '\0' ? "'" : "");
    }
    return eki_fail(err, EK_ERR_FORMAT, "%s, line %lld: %s is '%s', which is %s", path, line, name, text, what);
}

bool eki_is_flag(const char *text, unsigned char *flag) {
    bool yes = strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0 || strcmp(text, "1.0") == 0;
    bool no = strcmp(text, "0") == 0 || strcasecmp(text, "false") == 0 || strcmp(text, "0.0") == 0;
    *flag = yes;
    return yes || no;
}

int64_t eki_class_number(const char *text) {
    int64_t value = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9' && value < EKI_MAX_CLASSES; p++) value = value * 10 + (*p - '0');
    return *p == '\0' && p > text && value < EKI_MAX_CLASSES ? value : -1;
}

static ek_status parse_real(const eki_table *t, int column, float *out, ek_error *err) {
    const char *text = t->csv.fields[column];
    unsigned char flag;
    char *end;
    if (text[0] == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0') {
        if (!eki_is_flag(text, &flag)) return fail_cell(t, column, text, "no number", err);
        *out = (float)flag;
        return EK_OK;
    }
    double value = strtod(text, &end);
    *out = (float)value;
    if (*end != '\0' || end == text) return fail_cell(t, column, text, "no number", err);
    return isfinite(*out) ? EK_OK : fail_cell(t, column, text, "larger than float32 holds", err);
}

static ek_status parse_whole(const eki_table *t, int column, int64_t *out, ek_error *err) {
    const char *text = t->csv.fields[column];
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (end == text || *end != '\0') return fail_cell(t, column, text, "no whole number", err);
    return errno == 0 ? EK_OK : fail_cell(t, column, text, "larger than int64 holds", err);
}

static ek_status parse_flags(const eki_table *t, const eki_block *b, unsigned char *out, ek_error *err) {
    size_t ones = 0;
    for (size_t i = 0; i < b->count; i++) {
        const char *text = t->csv.fields[b->columns[i]];
        if (!eki_is_flag(text, &out[i])) {
            return fail_cell(t, b->columns[i], text,
                             "neither 0 nor 1; several columns are labels of 0 and 1 (numbers need a loss for numbers: "
                             "mse, mae, huber)",
                             err);
        }
        ones += out[i];
    }
    if (b->use != EK_COLUMN_CLASS || ones == 1) return EK_OK;
    return eki_fail(err, EK_ERR_FORMAT,
                    "%s, line %lld: %zu of the %zu label columns are 1, expected one of them; several labels need a "
                    "loss for them: bce",
                    t->csv.path, (long long)t->csv.line, ones, b->count);
}

ek_status eki_block_parse(const eki_table *t, const eki_block *b, size_t at, ek_error *err) {
    size_t first = at * b->count;
    if (b->texts != NULL) {
        b->texts[at] = t->csv.fields[b->columns[0]];
        if (b->texts[at][0] != '\0' || b->use != EK_COLUMN_CLASS) return EK_OK;
        return eki_fail(err, EK_ERR_FORMAT, "%s, line %lld: the %s is empty; fill it in or remove the line",
                        t->csv.path, (long long)t->csv.line, t->header[b->columns[0]]);
    }
    if (b->dtype == EK_U8) return parse_flags(t, b, (unsigned char *)b->values + first, err);
    for (size_t i = 0; i < b->count; i++) {
        EKI_TRY(b->dtype == EK_I64 ? parse_whole(t, b->columns[i], (int64_t *)b->values + first + i, err)
                                   : parse_real(t, b->columns[i], (float *)b->values + first + i, err));
    }
    return EK_OK;
}
