/* eval_metrics.c: see eval_metrics.h. */
#include "eval_metrics.h"

#include "grid.h"
#include "message.h"
#include "print.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MATRIX = 20, NAME = 24 }; /* classes of a matrix as text; of more, pairs are told */

ek_status metrics_begin(eval_metrics *m, const ek_dataset *dataset, int64_t top, ek_error *err) {
    ek_dataset_info data = ek_dataset_describe(dataset);
    *m = (eval_metrics){.count = (size_t)data.count, .names = data.class_names, .named = data.classes, .top = top};
    m->judgements = grid_alloc(m->count, 1, sizeof *m->judgements);
    return m->judgements != NULL ? EK_OK : fail(err, EK_ERR_NOMEM, "out of memory for %zu judgements", m->count);
}

ek_status metrics_count(eval_metrics *m, int64_t classes, ek_error *err) {
    ek_metrics_destroy(m->metrics);
    ek_status status = ek_metrics_create(classes, &m->metrics, err);
    return status == EK_OK ? ek_metrics_judge(m->metrics, m->judgements, m->count, err) : status;
}

void metrics_end(eval_metrics *m) {
    ek_metrics_destroy(m->metrics);
    free(m->judgements);
    *m = (eval_metrics){0};
}

const char *metrics_name(const eval_metrics *m, int64_t index, char number[24]) {
    if (index < m->named) return m->names[index];
    snprintf(number, 24, "%lld", (long long)index);
    return number;
}

/* ---- Text ---- */

static void percent(double value, char text[16]) {
    if (isnan(value))
        snprintf(text, 16, "-");
    else
        snprintf(text, 16, "%.2f %%", 100 * value);
}

/* IoU is told of places and labels. */
static void print_row(const char *name, int64_t examples, const double numbers[4], ek_measure kind) {
    print("%-*.*s %9lld", NAME, NAME, name, (long long)examples);
    for (int i = 0; i < (kind == EK_MEASURE_CLASSES ? 3 : 4); i++) {
        char text[16];
        percent(numbers[i], text);
        print(" %10s", text);
    }
    print("\n");
}

static void print_matrix(const eval_metrics *m, int64_t classes) {
    print("\nmatrix: a row for each class, in it how many of its examples were taken for which class\n");
    for (int64_t label = 0; label < classes; label++) {
        char number[24];
        print("%-*.*s", NAME, NAME, metrics_name(m, label, number));
        for (int64_t p = 0; p < classes; p++) print(" %6lld", (long long)ek_metrics_confusion(m->metrics, label, p));
        print("\n");
    }
}

/* Puts a pair among the most frequent ones, in their order. */
static void keep_pair(metrics_pair pairs[METRICS_PAIRS], metrics_pair found) {
    for (int i = 0; i < METRICS_PAIRS; i++) {
        if (found.count <= pairs[i].count) continue;
        memmove(&pairs[i + 1], &pairs[i], (size_t)(METRICS_PAIRS - 1 - i) * sizeof *pairs);
        pairs[i] = found;
        return;
    }
}

int metrics_confused(const eval_metrics *m, metrics_pair pairs[METRICS_PAIRS]) {
    int64_t classes = ek_metrics_read(m->metrics).classes;
    int count = 0;
    memset(pairs, 0, METRICS_PAIRS * sizeof *pairs);
    for (int64_t label = 0; label < classes && classes <= EK_CONFUSION_CLASSES; label++)
        for (int64_t p = 0; p < classes; p++)
            if (p != label) keep_pair(pairs, (metrics_pair){ek_metrics_confusion(m->metrics, label, p), label, p});
    while (count < METRICS_PAIRS && pairs[count].count > 0) count++;
    return count;
}

static void print_pairs(const eval_metrics *m) {
    metrics_pair pairs[METRICS_PAIRS];
    int count = metrics_confused(m, pairs);
    if (count > 0) print("\nmost often confused\n");
    for (int i = 0; i < count; i++) {
        char one[24], other[24];
        print("%-*.*s taken for %-*.*s %6lld of %lld\n", NAME, NAME, metrics_name(m, pairs[i].label, one), NAME, NAME,
              metrics_name(m, pairs[i].predicted, other), (long long)pairs[i].count,
              (long long)ek_metrics_class(m->metrics, pairs[i].label).examples);
    }
}

void metrics_table(const eval_metrics *m, ek_measure kind) {
    ek_metrics_summary all = ek_metrics_read(m->metrics);
    print("\n%-*s %9s %10s %10s %10s", NAME, kind == EK_MEASURE_LABELS ? "label" : "class",
          kind == EK_MEASURE_PLACES ? "places" : "examples", "precision", "recall", "F1");
    print(kind == EK_MEASURE_CLASSES ? "\n" : " %10s\n", "IoU");
    for (int64_t i = 0; i < all.classes; i++) {
        char number[24];
        ek_class_metrics c = ek_metrics_class(m->metrics, i);
        print_row(metrics_name(m, i, number), c.examples, (double[]){c.precision, c.recall, c.f1, c.iou}, kind);
    }
    print_row("mean", all.examples, (double[]){all.precision, all.recall, all.f1, all.iou}, kind);
    if (kind == EK_MEASURE_LABELS) return;
    if (all.classes <= MATRIX)
        print_matrix(m, all.classes);
    else
        print_pairs(m);
}

void metrics_print(const eval_metrics *m) {
    print("top %-5lld %.2f %%\n", (long long)m->top, 100 * ek_metrics_top(m->judgements, m->count, m->top));
    metrics_table(m, EK_MEASURE_CLASSES);
}

/* ---- JSON ---- */

static void confusion_json(eki_json *json, const eval_metrics *m, int64_t classes) {
    eki_json_array(json, "confusion");
    for (int64_t label = 0; label < classes; label++) {
        eki_json_array(json, NULL);
        for (int64_t p = 0; p < classes; p++) eki_json_int(json, NULL, ek_metrics_confusion(m->metrics, label, p));
        eki_json_close(json);
    }
    eki_json_close(json);
}

void metrics_classes_json(eki_json *json, const eval_metrics *m, ek_measure kind) {
    int64_t classes = ek_metrics_read(m->metrics).classes;
    int labels = kind == EK_MEASURE_LABELS;
    eki_json_array(json, labels ? "per_label" : "per_class");
    for (int64_t i = 0; i < classes; i++) {
        char number[24];
        ek_class_metrics c = ek_metrics_class(m->metrics, i);
        eki_json_object(json, NULL);
        eki_json_text(json, labels ? "label" : "class", metrics_name(m, i, number));
        eki_json_int(json, "examples", c.examples);
        eki_json_int(json, "predicted", c.predicted);
        eki_json_int(json, "right", c.right);
        eki_json_real(json, "precision", c.precision);
        eki_json_real(json, "recall", c.recall);
        eki_json_real(json, "f1", c.f1);
        if (kind != EK_MEASURE_CLASSES) eki_json_real(json, "iou", c.iou);
        eki_json_close(json);
    }
    eki_json_close(json);
    if (!labels && classes <= EK_CONFUSION_CLASSES) confusion_json(json, m, classes);
}

void metrics_json(eki_json *json, const eval_metrics *m) {
    ek_metrics_summary all = ek_metrics_read(m->metrics);
    eki_json_int(json, "top_k", m->top);
    eki_json_real(json, "top_k_accuracy", ek_metrics_top(m->judgements, m->count, m->top));
    eki_json_real(json, "precision", all.precision);
    eki_json_real(json, "recall", all.recall);
    eki_json_real(json, "f1", all.f1);
    metrics_classes_json(json, m, EK_MEASURE_CLASSES);
}
