/* json_out.h: writing JSON to a stream, without building it in memory.
 *
 *     json_out j;
 *     json_start(&j, stdout, 2);
 *     json_object(&j, NULL);
 *     json_real(&j, "accuracy", 0.9931);
 *     json_array(&j, "shape"); json_int(&j, NULL, 3); json_int(&j, NULL, 4); json_close(&j);
 *     json_close(&j);
 *     if (!json_finish(&j)) ... the stream failed
 *
 * `key` is the name within an object and NULL within an array or at the top. Numbers are locale independent and read
 * back as the same double; NaN and infinity, which JSON lacks, become null. Text is written as valid UTF-8: a byte
 * that is not becomes U+FFFD. With `html` set, <, > and & are escaped, so that the text may stand in a <script>.
 */
#ifndef EK_TOOL_JSON_OUT_H
#define EK_TOOL_JSON_OUT_H

#include <stdint.h>
#include <stdio.h>

enum { JSON_MAX_DEPTH = 32 };

typedef struct json_out {
    FILE *file;
    int indent; /* spaces per level; 0 = everything on one line */
    int html;
    int depth;
    char closer[JSON_MAX_DEPTH]; /* '}' or ']' of each open level */
    char filled[JSON_MAX_DEPTH]; /* the level has a member already */
} json_out;

void json_start(json_out *json, FILE *file, int indent);
int json_finish(json_out *json); /* closes what is open, ends the line, flushes; 0 = writing failed */

void json_object(json_out *json, const char *key);
void json_array(json_out *json, const char *key);
void json_close(json_out *json); /* the innermost object or array */

void json_text(json_out *json, const char *key, const char *value); /* NULL gives null */
void json_real(json_out *json, const char *key, double value);
void json_int(json_out *json, const char *key, int64_t value);
void json_bool(json_out *json, const char *key, int value);
void json_null(json_out *json, const char *key);

/* The shortest decimal text that reads back as `value`, with a point whatever the locale. */
void json_number_text(double value, char text[32]);

#endif
