/* csv.c: see csv.h. Everything happens in the file's own bytes: what is written is never ahead of what is read. */
#include "data/csv.h"

#include "base/memory.h"
#include "data/source.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool ends_line(const eki_csv *c, size_t at) { return at >= c->size || c->text[at] == '\n'; }
static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static ek_status fail_line(const eki_csv *c, const char *what, ek_error *err) {
    return eki_fail(err, EK_ERR_FORMAT, "%s, line %lld: %s", c->path, (long long)c->line, what);
}

static ek_status add_field(eki_csv *c, char *field, ek_error *err) {
    void *items = c->fields;
    bool grown = eki_grow(&items, &c->capacity, c->count + 1, sizeof *c->fields);
    c->fields = items;
    if (!grown) return eki_fail_nomem(err, c->count * sizeof *c->fields);
    c->fields[c->count++] = field;
    return EK_OK;
}

/* From the first quote to what follows the last. */
static ek_status quoted(eki_csv *c, ek_error *err) {
    char *from = c->text + c->at + 1, *to = from, *end = c->text + c->size;
    EKI_TRY(add_field(c, to, err));
    for (;; from++) {
        if (from >= end) return fail_line(c, "a quote is opened and never closed", err);
        if (*from == '"' && ++from < end && *from != '"') break;
        if (from >= end) break;
        c->next += *from == '\n';
        *to++ = *from;
    }
    c->at = (size_t)(from - c->text);
    while (!ends_line(c, c->at) && c->text[c->at] != c->comma && is_blank(c->text[c->at])) c->at++;
    if (!ends_line(c, c->at) && c->text[c->at] != c->comma) {
        return fail_line(c, "there is text behind a closing quote; a quote inside a field is written twice", err);
    }
    *to = '\0'; /* at most where the closing quote was */
    return EK_OK;
}

static ek_status plain(eki_csv *c, ek_error *err) {
    char *first = c->text + c->at;
    while (!ends_line(c, c->at) && c->text[c->at] != c->comma) c->at++;
    char *last = c->text + c->at;
    while (last > first && is_blank(last[-1])) last--;
    EKI_TRY(add_field(c, first, err));
    if (last < c->text + c->at) *last = '\0'; /* else its end is ended when what follows was read */
    return EK_OK;
}

static ek_status read_row(eki_csv *c, ek_error *err) {
    for (c->count = 0;;) {
        while (!ends_line(c, c->at) && c->text[c->at] != c->comma && is_blank(c->text[c->at])) c->at++;
        bool quote = !ends_line(c, c->at) && c->text[c->at] == '"';
        EKI_TRY(quote ? quoted(c, err) : plain(c, err));
        bool last = ends_line(c, c->at);
        c->text[c->at++] = '\0'; /* a byte more than `size` is there */
        c->next += last;
        if (last) return EK_OK;
    }
}

static void skip_blank_lines(eki_csv *c) {
    for (size_t at = c->at; at < c->size && (is_blank(c->text[at]) || c->text[at] == '\n'); at++) {
        if (c->text[at] != '\n') continue;
        c->next++;
        c->at = at + 1;
    }
    size_t rest = c->at;
    while (rest < c->size && is_blank(c->text[rest])) rest++;
    if (rest >= c->size) c->at = c->size;
}

ek_status eki_csv_next(eki_csv *c, ek_error *err) {
    c->count = 0;
    skip_blank_lines(c);
    c->line = c->next;
    if (c->at >= c->size) return EK_OK;
    EKI_TRY(read_row(c, err));
    if (c->columns != 0 && c->count != c->columns) {
        return eki_fail(err, EK_ERR_FORMAT, "%s, line %lld: has %zu fields, but the header has %zu", c->path,
                        (long long)c->line, c->count, c->columns);
    }
    return EK_OK;
}

static char find_comma(const eki_csv *c) {
    static const char commas[] = {',', ';', '\t'};
    size_t most = 0;
    char comma = ',';
    for (size_t k = 0; k < sizeof commas; k++) {
        size_t count = 0;
        for (size_t at = c->at; !ends_line(c, at); at++) count += c->text[at] == commas[k];
        if (count <= most) continue;
        most = count;
        comma = commas[k];
    }
    return comma;
}

static ek_status read_text(const char *path, size_t most, eki_csv *c, ek_error *err) {
    eki_source *source;
    EKI_TRY(eki_source_open(path, &source, err));
    uint64_t bytes = eki_source_file_size(source);
    size_t room = bytes < most ? (size_t)bytes : most;
    ek_status status = EK_OK;
    if (bytes > EKI_CSV_MOST_BYTES) {
        status = eki_fail(err, EK_ERR_LIMIT, "%s: is %llu bytes, more than a table's limit of %d", path,
                          (unsigned long long)bytes, EKI_CSV_MOST_BYTES);
        goto done;
    }
    if (eki_source_is_gzip(source)) {
        status = eki_fail(err, EK_ERR_UNSUPPORTED, "%s: is compressed; unpack it (gunzip)", path);
        goto done;
    }
    c->text = eki_alloc(eki_sized(room + 1));
    if (c->text == NULL) {
        status = eki_fail_nomem(err, room);
        goto done;
    }
    EKI_TRY_DONE(eki_source_read(source, c->text, room, &c->size, err));
    if (room < bytes) {
        while (c->size > 0 && c->text[c->size - 1] != '\n') c->size--;
    }
done:
    eki_source_close(source);
    return status;
}

ek_status eki_csv_open(const char *path, size_t most, eki_csv *c, ek_error *err) {
    *c = (eki_csv){.path = path, .next = 1};
    ek_status status;
    EKI_TRY_DONE(read_text(path, most, c, err));
    if (c->size >= 2 && (memcmp(c->text, "\xff\xfe", 2) == 0 || memcmp(c->text, "\xfe\xff", 2) == 0)) {
        status = eki_fail(err, EK_ERR_UNSUPPORTED, "%s: is UTF-16 text; save the table as UTF-8 (CSV UTF-8)", path);
        goto done;
    }
    if (c->size > 0 && memchr(c->text, '\0', c->size) != NULL) {
        status = eki_fail(err, EK_ERR_FORMAT, "%s: is no table: it holds bytes of zero", path);
        goto done;
    }
    if (c->size >= 3 && memcmp(c->text, "\xef\xbb\xbf", 3) == 0) c->at = 3;
    skip_blank_lines(c);
    c->comma = find_comma(c);
    EKI_TRY_DONE(eki_csv_next(c, err));
    c->columns = c->count;
    if (c->columns == 0) status = eki_fail(err, EK_ERR_FORMAT, "%s: is empty, expected a header and rows", path);
done:
    if (status != EK_OK) eki_csv_close(c);
    return status;
}

void eki_csv_close(eki_csv *c) {
    eki_free(c->text);
    free(c->fields);
    memset(c, 0, sizeof *c);
}
