/* predict_rows.c: see predict_rows.h. */
#include "predict_rows.h"

#include "image_facts.h"
#include "message.h"
#include "print.h"

#include <math.h>
#include <string.h>

enum { WIDEST_PATH = 60, WIDEST_CLASS = 30 };

static int wider(int width, const char *text, int most) {
    size_t length = strlen(text);
    return length > (size_t)most ? most : (int)length > width ? (int)length : width;
}

static void begin_text(rows *r, const ek_image_list *list) {
    char name[CLASS_ROOM];
    for (size_t i = 0; i < ek_image_list_count(list); i++)
        r->path_width = wider(r->path_width, ek_image_list_path(list, i), WIDEST_PATH);
    for (int i = 0; i < r->classes; i++)
        r->class_width = wider(r->class_width, class_text(r->model, &r->images, i, name), WIDEST_CLASS);
}

static void put_field(const char *text);

static void begin_csv(const rows *r) {
    char name[CLASS_ROOM];
    if (r->kind == ROWS_PIXELS) print("path,mask\n");
    if (r->kind == ROWS_PIXELS) return;
    if (r->kind != ROWS_CLASS) {
        print("path");
        for (int i = 0; i < r->classes; i++) {
            print(",");
            put_field(class_text(r->model, &r->images, i, name));
        }
        print("\n");
        return;
    }
    print("path,class,probability");
    for (int64_t k = 2; k <= r->top; k++) print(",class%lld,probability%lld", (long long)k, (long long)k);
    print("\n");
}

void rows_start(rows *r) {
    if (r->format != ROWS_JSON) return;
    eki_json_start(&r->json, stdout, 2);
    eki_json_object(&r->json, NULL);
    eki_json_text(&r->json, "model", ek_model_path(r->model));
    eki_json_array(&r->json, "images");
}

void rows_begin(rows *r, const ek_image_list *list, int64_t classes) {
    r->classes = classes;
    if (r->top > classes) r->top = classes;
    if (r->kind != ROWS_PIXELS && r->images.classes > 0 && r->images.classes != classes) {
        warn("%s tells %lld classes apart, but has %d names; classes are called by their numbers",
             ek_model_path(r->model), (long long)classes, r->images.classes);
        r->images.classes = 0;
    }
    if (r->format == ROWS_TEXT) begin_text(r, list);
    if (r->format == ROWS_CSV) begin_csv(r);
}

/* A field of CSV: in quotes where it has to be. */
static void put_field(const char *text) {
    if (text[strcspn(text, ",;\t\"\r\n")] == 0 && text[0] != ' ' && text[0] != 0) {
        print("%s", text);
        return;
    }
    print("\"");
    for (const char *quote; (quote = strchr(text, '"')) != NULL; text = quote + 1)
        print("%.*s\"\"", (int)(quote - text), text);
    print("%s\"", text);
}

static void put_class(rows *r, int64_t index, float probability) {
    char name[CLASS_ROOM], number[32];
    class_text(r->model, &r->images, (int)index, name);
    eki_json_float_text(probability, number);
    switch (r->format) {
    case ROWS_TEXT: print("  %-*s %6.2f %%", r->class_width, name, 100 * (double)probability); break;
    case ROWS_CSV:
        print(",");
        put_field(name);
        print(",%s", number);
        break;
    case ROWS_JSON:
        eki_json_object(&r->json, NULL);
        eki_json_text(&r->json, "class", name);
        eki_json_int(&r->json, "index", index);
        eki_json_float(&r->json, "probability", probability);
        eki_json_close(&r->json);
        break;
    }
}

/* The class that comes next behind `last` (-1 = none yet): scores fall, numbers rise where they are equal. */
static int64_t next_class(const float *scores, int64_t classes, int64_t last) {
    int64_t best = -1;
    for (int64_t c = 0; c < classes; c++) {
        if (last >= 0 && (scores[c] > scores[last] || (scores[c] == scores[last] && c <= last))) continue;
        if (best < 0 || scores[c] > scores[best]) best = c;
    }
    return best;
}

static void start_row(rows *r, const char *path) {
    if (r->format == ROWS_TEXT) print("%-*s", r->path_width, path);
    if (r->format == ROWS_CSV) put_field(path);
    if (r->format != ROWS_JSON) return;
    eki_json_object(&r->json, NULL);
    eki_json_text(&r->json, "path", path);
}

void rows_put(rows *r, const char *path, const float *logits, const float *probabilities) {
    start_row(r, path);
    if (r->format == ROWS_JSON) eki_json_array(&r->json, "predictions");
    int64_t c = -1;
    for (int64_t k = 0; k < r->top; k++) {
        c = next_class(logits, r->classes, c);
        put_class(r, c, probabilities[c]);
    }
    if (r->format != ROWS_JSON) {
        print("\n");
        return;
    }
    eki_json_close(&r->json);
    eki_json_close(&r->json);
}

static float probability_of(float score, ek_scores scores) {
    return scores == EK_SCORES_PROBABILITIES ? score : (float)(1 / (1 + exp(-(double)score)));
}

static void put_value(rows *r, int64_t index, float value) {
    char name[CLASS_ROOM], number[32];
    class_text(r->model, &r->images, (int)index, name);
    eki_json_float_text(value, number);
    int labels = r->kind == ROWS_SEVERAL;
    if (r->format == ROWS_CSV) {
        print(",%s", number);
    } else if (r->format == ROWS_TEXT) {
        if (!labels) print("  %s %s", name, number);
        if (labels && value >= 0.5f) print("  %s %.2f %%", name, 100 * (double)value);
    } else {
        eki_json_object(&r->json, NULL);
        eki_json_text(&r->json, labels ? "label" : "name", name);
        eki_json_float(&r->json, labels ? "probability" : "value", value);
        eki_json_close(&r->json);
    }
}

void rows_put_values(rows *r, const char *path, const float *values, ek_scores scores) {
    start_row(r, path);
    if (r->format == ROWS_JSON) eki_json_array(&r->json, r->kind == ROWS_SEVERAL ? "labels" : "numbers");
    for (int64_t i = 0; i < r->classes; i++)
        put_value(r, i, r->kind == ROWS_SEVERAL ? probability_of(values[i], scores) : values[i]);
    if (r->format != ROWS_JSON) {
        print("\n");
        return;
    }
    eki_json_close(&r->json);
    eki_json_close(&r->json);
}

void rows_put_mask(rows *r, const char *path, const char *mask) {
    start_row(r, path);
    if (r->format == ROWS_TEXT) print("  %s\n", mask);
    if (r->format == ROWS_CSV) print(",");
    if (r->format == ROWS_CSV) put_field(mask);
    if (r->format == ROWS_CSV) print("\n");
    if (r->format != ROWS_JSON) return;
    eki_json_text(&r->json, "mask", mask);
    eki_json_close(&r->json);
}

void rows_put_failed(rows *r, const char *path, const ek_error *err) {
    if (r->format != ROWS_JSON) return;
    eki_json_object(&r->json, NULL);
    eki_json_text(&r->json, "path", path);
    eki_json_text(&r->json, "error", err->text);
    eki_json_text(&r->json, "status", ek_status_name(err->status));
    eki_json_close(&r->json);
}
