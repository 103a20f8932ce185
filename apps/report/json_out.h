/* json_out.h: writing JSON to a stream, without building it in memory.
 *
 *     eki_json j;
 *     eki_json_start(&j, stdout, 2);
 *     eki_json_object(&j, NULL);
 *     eki_json_real(&j, "accuracy", 0.9931);
 *     eki_json_array(&j, "shape"); eki_json_int(&j, NULL, 3); eki_json_int(&j, NULL, 4); eki_json_close(&j);
 *     eki_json_close(&j);
 *     if (!eki_json_finish(&j)) ... the stream failed
 *
 * `key` is the name within an object and NULL within an array or at the top. Numbers are locale independent and read
 * back as the same double; NaN and infinity, which JSON lacks, become null. Text is written as valid UTF-8: a byte
 * that is not becomes U+FFFD. With `html` set, <, > and & are escaped, so that the text may stand in a <script>.
 */
#ifndef EKI_JSON_OUT_H
#define EKI_JSON_OUT_H

#include <stdint.h>
#include <stdio.h>

enum { JSON_MAX_DEPTH = 32 };

typedef struct eki_json {
    FILE *file;
    int indent; /* spaces per level; 0 = everything on one line */
    int html;
    int depth;
    char closer[JSON_MAX_DEPTH]; /* '}' or ']' of each open level */
    char filled[JSON_MAX_DEPTH]; /* the level has a member already */
} eki_json;

void eki_json_start(eki_json *json, FILE *file, int indent);
int eki_json_finish(eki_json *json); /* closes what is open, ends the line, flushes; 0 = writing failed */

void eki_json_object(eki_json *json, const char *key);
void eki_json_array(eki_json *json, const char *key);
void eki_json_close(eki_json *json); /* the innermost object or array */

void eki_json_text(eki_json *json, const char *key, const char *value); /* NULL gives null */
void eki_json_real(eki_json *json, const char *key, double value);
void eki_json_float(eki_json *json, const char *key, float value); /* reads back as the same float */
void eki_json_int(eki_json *json, const char *key, int64_t value);
void eki_json_bool(eki_json *json, const char *key, int value);
void eki_json_null(eki_json *json, const char *key);

/* The shortest decimal text that reads back as `value`, with a point whatever the locale. */
void eki_json_number_text(double value, char text[32]);
void eki_json_float_text(float value, char text[32]); /* the same for a float */

#endif
