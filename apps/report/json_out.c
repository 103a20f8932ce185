/* json_out.c: a streaming JSON emitter.
 *
 * One pass, no allocation: the only state is the stack of open levels. Used by every --json of the tool and by the
 * study, whose page embeds the same text.
 */
#include "report/json_out.h"

#include "report/text.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void eki_json_start(eki_json *json, FILE *file, int indent) {
    memset(json, 0, sizeof *json);
    json->file = file;
    json->indent = indent;
}

static void new_line(eki_json *json) {
    if (json->indent > 0) fprintf(json->file, "\n%*s", json->indent * json->depth, "");
}

static unsigned code_point(const unsigned char *s, int length) {
    return length == 2 ? (s[0] & 0x1Fu) << 6 | (s[1] & 0x3Fu)
                       : (s[0] & 0x0Fu) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu);
}

/* Control characters beyond ASCII, and what turns the direction of writing. */
static int steers(const unsigned char *s, int length) {
    unsigned code = length < 4 ? code_point(s, length) : 0;
    return length < 4 && (code < 0xA0 || (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069));
}

static void put_string(eki_json *json, const char *text) {
    FILE *file = json->file;
    putc('"', file);
    for (const unsigned char *s = (const unsigned char *)text; *s != 0;) {
        int length = eki_utf8_length(s);
        if (length == 0) {
            fputs("\\ufffd", file);
            s++;
        } else if (length > 1 && steers(s, length)) {
            fprintf(file, "\\u%04x", code_point(s, length));
            s += length;
        } else if (length > 1) {
            fwrite(s, 1, (size_t)length, file);
            s += length;
        } else {
            int c = *s++;
            if (c == '"' || c == '\\')
                fprintf(file, "\\%c", c);
            else if (c == '\n')
                fputs("\\n", file);
            else if (c == '\t')
                fputs("\\t", file);
            else if (c < 0x20 || c == 0x7F || (json->html && (c == '<' || c == '>' || c == '&')))
                fprintf(file, "\\u%04x", (unsigned)c);
            else
                putc(c, file);
        }
    }
    putc('"', file);
}

/* Comma, line and key in front of a value. */
static void lead(eki_json *json, const char *key) {
    if (json->depth > 0) {
        int level = json->depth - 1;
        assert((key != NULL) == (json->closer[level] == '}'));
        if (json->filled[level]) fputs(json->indent > 0 ? "," : ", ", json->file);
        json->filled[level] = 1;
        new_line(json);
    }
    if (key != NULL) {
        put_string(json, key);
        fputs(": ", json->file);
    }
}

static void open_level(eki_json *json, const char *key, char opener, char closer) {
    lead(json, key);
    assert(json->depth < JSON_MAX_DEPTH);
    putc(opener, json->file);
    json->closer[json->depth] = closer;
    json->filled[json->depth] = 0;
    json->depth++;
}

void eki_json_object(eki_json *json, const char *key) { open_level(json, key, '{', '}'); }

void eki_json_array(eki_json *json, const char *key) { open_level(json, key, '[', ']'); }

void eki_json_close(eki_json *json) {
    assert(json->depth > 0);
    json->depth--;
    if (json->filled[json->depth]) new_line(json);
    putc(json->closer[json->depth], json->file);
}

int eki_json_finish(eki_json *json) {
    while (json->depth > 0) eki_json_close(json);
    putc('\n', json->file);
    return fflush(json->file) == 0 && !ferror(json->file);
}

static void put_point(char *text) {
    for (; *text != 0; text++)
        if (strchr("+-0123456789eE", *text) == NULL) *text = '.';
}

void eki_json_number_text(double value, char text[32]) {
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    put_point(text);
}

void eki_json_float_text(float value, char text[32]) {
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, 32, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) break;
    }
    put_point(text);
}

void eki_json_text(eki_json *json, const char *key, const char *value) {
    lead(json, key);
    if (value == NULL)
        fputs("null", json->file);
    else
        put_string(json, value);
}

void eki_json_real(eki_json *json, const char *key, double value) {
    char text[32] = "null";
    if (isfinite(value)) eki_json_number_text(value, text);
    lead(json, key);
    fputs(text, json->file);
}

void eki_json_float(eki_json *json, const char *key, float value) {
    char text[32] = "null";
    if (isfinite(value)) eki_json_float_text(value, text);
    lead(json, key);
    fputs(text, json->file);
}

void eki_json_int(eki_json *json, const char *key, int64_t value) {
    lead(json, key);
    fprintf(json->file, "%lld", (long long)value);
}

void eki_json_bool(eki_json *json, const char *key, int value) {
    lead(json, key);
    fputs(value ? "true" : "false", json->file);
}

void eki_json_null(eki_json *json, const char *key) { eki_json_text(json, key, NULL); }
