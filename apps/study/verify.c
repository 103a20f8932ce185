/* verify.c: does every number of a file follow from its measurements?
 *
 * The numbers per seed are read; from them everything is made again, as if they had just been measured: values,
 * intervals, states, verdicts, sentences, tables, charts, counts. Then the two are compared, value by value. Closed
 * forms are computed anew. A page is compared with the page that its results give. Times alone are taken as they are.
 */
#include "study/load.h"
#include "study/write.h"

#include "report/json_out.h"
#include "report/whole.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE = 256, VALUE = 96 };

static void say(eks_listener *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(eks_listener *l, const char *fmt, ...) {
    char text[1024];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    l->count++;
    l->say(l->context, text);
}

static void in_short(const json_t *value, char text[VALUE]) {
    char *whole = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(text, VALUE, "%.90s", whole ? whole : "nothing");
    free(whole);
}

static int agree(const json_t *a, const json_t *b) {
    if (!json_is_number(a) || !json_is_number(b)) return json_equal(a, b);
    double x = json_number_value(a), y = json_number_value(b);
    return fabs(x - y) <= 1e-12 * fmax(fabs(x), fabs(y));
}

static void compare_objects(json_t *there, json_t *here, const char *where, eks_listener *l) {
    char place[PLACE];
    const char *key;
    json_t *value;
    void *at;
    for (at = json_object_iter(there); at; at = json_object_iter_next(there, at)) {
        key = json_object_iter_key(at);
        value = json_object_iter_value(at);
        if (strcmp(key, "seconds") == 0) continue;
        snprintf(place, sizeof place, "%.180s, %.60s", where, key);
        eks_compare(value, json_object_get(here, key), place, l);
    }
    for (at = json_object_iter(here); at; at = json_object_iter_next(here, at))
        if (!json_object_get(there, json_object_iter_key(at)))
            say(l, "%s: the file lacks %s", where, json_object_iter_key(at));
}

void eks_compare(json_t *there, json_t *here, const char *where, eks_listener *l) {
    if (json_is_object(there) && json_is_object(here)) {
        compare_objects(there, here, where, l);
    } else if (json_is_array(there) && json_is_array(here) && json_array_size(there) == json_array_size(here)) {
        for (size_t i = 0; i < json_array_size(there); i++) {
            char place[PLACE];
            snprintf(place, sizeof place, "%.220s %zu", where, i + 1);
            eks_compare(json_array_get(there, i), json_array_get(here, i), place, l);
        }
    } else if (!agree(there, here)) {
        char said[VALUE], follows[VALUE];
        in_short(there, said);
        in_short(here, follows);
        say(l, "%s: the file says %s, its measurements give %s", where, said, follows);
    }
}

typedef void (*writer)(FILE *out, const eks_study *study, const eks_text *text);

static void write_card(FILE *out, const eks_study *study, const eks_text *text) {
    eki_json json;
    eki_json_start(&json, out, 0);
    eks_report_card(&json, study, text);
    eki_json_finish(&json);
}

static void write_all(FILE *out, const eks_study *study, const eks_text *text) {
    (void)text;
    eks_report(out, study, 0);
}

static void write_page(FILE *out, const eks_study *study, const eks_text *text) {
    (void)text;
    eks_page(out, study);
}

/* What `write` gives, as text; NULL = out of memory. The caller frees it. */
static char *written(writer write, const eks_study *study, const eks_text *text, size_t *size) {
    eki_whole whole;
    FILE *out = eki_whole_open(&whole);
    if (!out) return NULL;
    write(out, study, text);
    if (!eki_whole_close(&whole, out)) return NULL;
    *size = whole.size;
    return whole.text;
}

static json_t *made(writer write, const eks_study *study, const eks_text *text) {
    size_t size = 0;
    json_error_t error;
    char *whole = written(write, study, text, &size);
    json_t *root = whole ? json_loadb(whole, size, 0, &error) : NULL;
    free(whole);
    return root;
}

void eks_verify_card(eks_study *study, json_t *card, eks_listener *l) {
    char where[32];
    int number = (int)json_integer_value(json_object_get(card, "number"));
    const eks_design *design = number >= 1 && number <= EKS_ALL ? eks_design_of(number) : NULL;
    snprintf(where, sizeof where, "card %d", number);
    if (!design) {
        say(l, "%s: there is no such card", where);
        return;
    }
    if (json_is_object(json_object_get(card, "evidence")))
        eks_load_evidence(study, design, json_object_get(card, "evidence"));
    json_t *here = made(write_card, study, eks_text_of(number));
    eks_compare(card, here, where, l);
    json_decref(here);
}

void eks_verify_results(eks_study *study, json_t *root, eks_listener *l) {
    eks_load_options(study, root);
    eks_load_cards(study, root);
    json_t *here = made(write_all, study, NULL);
    eks_compare(root, here, "results", l);
    json_decref(here);
}

static void compare_lines(const char *there, size_t size, const char *here, size_t expected, eks_listener *l) {
    const char *a = there, *b = here, *a_end = there + size, *b_end = here + expected;
    for (int line = 1; a < a_end || b < b_end; line++) {
        const char *a_next = a < a_end ? memchr(a, '\n', (size_t)(a_end - a)) : NULL;
        const char *b_next = b < b_end ? memchr(b, '\n', (size_t)(b_end - b)) : NULL;
        size_t n = (size_t)((a_next ? a_next : a_end) - a), m = (size_t)((b_next ? b_next : b_end) - b);
        if (n != m || memcmp(a, b, n) != 0) {
            say(l, "line %d of the page is not what its results give", line);
            if (!a_next != !b_next) return;
        }
        a = a_next ? a_next + 1 : a_end;
        b = b_next ? b_next + 1 : b_end;
    }
}

static ek_status read_whole(const char *path, char **text, size_t *size, ek_error *err) {
    FILE *file = fopen(path, "rb");
    long end = -1;
    if (file && fseek(file, 0, SEEK_END) == 0) end = ftell(file);
    *text = end >= 0 ? calloc((size_t)end + 1, 1) : NULL;
    if (*text && fseek(file, 0, SEEK_SET) == 0) *size = fread(*text, 1, (size_t)end, file);
    if (file) (void)fclose(file);
    if (*text && *size == (size_t)end) return EK_OK;
    free(*text);
    *text = NULL;
    return eks_fail(err, EK_ERR_FORMAT, "%s: cannot be read; expected results of evenkeel study", path);
}

/* The results in a page: *from and *size become those of the script element that holds them. */
static ek_status inside(const char *path, const char **from, size_t *size, ek_error *err) {
    static const char begin[] = "<script type=\"application/json\" id=\"results\">", end[] = "</script>";
    const char *at = strstr(*from, begin), *last = at ? strstr(at + sizeof begin - 1, end) : NULL;
    if (!last)
        return eks_fail(err, EK_ERR_FORMAT, "%s: there are no results in it; expected a page of evenkeel study", path);
    *from = at + sizeof begin - 1;
    *size = (size_t)(last - *from);
    return EK_OK;
}

ek_status eks_verify(eks_study *study, const char *path, int *checked, int *wrong, void *context,
                     void (*listen)(void *context, const char *text), ek_error *err) {
    eks_listener l = {context, listen, 0};
    char *text;
    size_t length = strlen(path), size = 0, whole = 0;
    int page = length > 5 && strcmp(path + length - 5, ".html") == 0;
    json_t *root = NULL;
    *checked = *wrong = 0;
    EKS_TRY(read_whole(path, &text, &whole, err));
    const char *from = text;
    size = whole;
    ek_status status = page ? inside(path, &from, &size, err) : EK_OK;
    if (status == EK_OK) status = eks_parse_results(path, from, size, &root, err);
    if (status == EK_OK) {
        eks_verify_results(study, root, &l);
        for (int i = 0; i < EKS_ALL; i++) *checked += study->ran[i];
        size_t expected = 0;
        char *again = page ? written(write_page, study, NULL, &expected) : NULL;
        if (page && again) compare_lines(text, whole, again, expected, &l);
        free(again);
        *wrong = l.count;
    }
    json_decref(root);
    free(text);
    return status;
}
