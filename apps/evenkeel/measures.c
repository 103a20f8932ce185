/* measures.c: see measures.h. */
#include "measures.h"

#include "eval_metrics.h"
#include "print.h"

#include <math.h>
#include <stdio.h>

static const measure_names all[] = {
    [EK_MEASURE_NONE] = {.kind = "loss", .headline = -1},
    [EK_MEASURE_CLASSES] = {"classes",
                            {"accuracy", "precision", "recall", "f1", "top5"},
                            {"accuracy", "precision", "recall", "F1", "top 5"},
                            0,
                            1},
    [EK_MEASURE_PLACES] = {"places",
                           {"accuracy", "precision", "recall", "f1", "mean_iou"},
                           {"accuracy", "precision", "recall", "F1", "mean IoU"},
                           4,
                           1},
    [EK_MEASURE_LABELS] = {"labels",
                           {"accuracy", "precision", "recall", "f1", "mean_iou"},
                           {"accuracy", "precision", "recall", "F1", "mean IoU"},
                           3,
                           1},
    [EK_MEASURE_NUMBERS] = {.kind = "numbers",
                            .names = {"mae", "rmse", "r2"},
                            .titles = {"MAE", "RMSE", "R²"},
                            .headline = 0},
};

const measure_names *measure_names_of(ek_measure kind) { return &all[kind]; }

int measure_count(ek_measure kind) {
    int n = 0;
    while (n < MEASURES && all[kind].names[n] != NULL) n++;
    return n;
}

void measure_values(const ek_measured *m, double values[MEASURES]) {
    for (int i = 0; i < MEASURES; i++) values[i] = (double)NAN;
    if (m->kind == EK_MEASURE_NUMBERS) {
        values[0] = m->numbers.mae;
        values[1] = m->numbers.rmse;
        values[2] = m->numbers.r2;
    }
    if (m->classes == NULL) return;
    ek_metrics_summary s = ek_metrics_read(m->classes);
    const double means[MEASURES] = {s.accuracy, s.precision, s.recall, s.f1, s.iou};
    for (int i = 0; i < MEASURES - (m->kind == EK_MEASURE_CLASSES); i++) values[i] = means[i];
}

static void value_text(ek_measure kind, double value, char text[32]) {
    if (isnan(value))
        snprintf(text, 32, "-");
    else
        snprintf(text, 32, all[kind].shares ? "%.2f %%" : "%.5g", all[kind].shares ? 100 * value : value);
}

void measure_text(ek_measure kind, const double values[MEASURES], char text[64]) {
    const measure_names *names = &all[kind];
    char value[32];
    text[0] = 0;
    if (names->headline < 0) return;
    value_text(kind, values[names->headline], value);
    snprintf(text, 64, "%s %s", names->titles[names->headline], value);
}

/* ---- Every term ---- */

static eval_metrics table_of(const ek_measured *m, const char *const *names, int64_t named) {
    eval_metrics table = {.metrics = (ek_metrics *)(uintptr_t)m->classes};
    int labels = m->kind == EK_MEASURE_LABELS && m->classes != NULL && ek_metrics_read(m->classes).classes == named;
    if (m->kind == EK_MEASURE_CLASSES || labels) table.names = names, table.named = named;
    return table;
}

static void print_line(const ek_measured *m) {
    double values[MEASURES];
    char value[32];
    measure_values(m, values);
    print("%-9s", m->output);
    for (int i = 0; i < measure_count(m->kind); i++) {
        if (isnan(values[i]) && m->kind == EK_MEASURE_CLASSES) continue;
        value_text(m->kind, values[i], value);
        print(" %s%s %s", i > 0 ? " " : "", all[m->kind].titles[i], value);
    }
    print("\n");
}

void measures_lines(const ek_measurement *m) {
    for (size_t i = 0; i < ek_measurement_count(m); i++) {
        ek_measured one = ek_measurement_read(m, i);
        if (one.kind != EK_MEASURE_NONE) print_line(&one);
    }
}

void measures_print(const ek_measurement *m, const char *const *names, int64_t named) {
    measures_lines(m);
    for (size_t i = 0; i < ek_measurement_count(m); i++) {
        ek_measured one = ek_measurement_read(m, i);
        if (one.classes == NULL) continue;
        const eval_metrics table = table_of(&one, names, named);
        if (ek_measurement_count(m) > 1) print("\n%s", one.output);
        metrics_table(&table, one.kind);
    }
}

void measures_json(eki_json *json, const ek_measurement *m, const char *const *names, int64_t named) {
    eki_json_array(json, "metrics");
    for (size_t i = 0; i < ek_measurement_count(m); i++) {
        ek_measured one = ek_measurement_read(m, i);
        double values[MEASURES];
        measure_values(&one, values);
        eki_json_object(json, NULL);
        eki_json_text(json, "output", one.output);
        eki_json_text(json, "measure", all[one.kind].kind);
        if (one.kind != EK_MEASURE_NONE) eki_json_int(json, "count", one.count);
        for (int k = 0; k < measure_count(one.kind); k++)
            if (k < 4 || one.kind != EK_MEASURE_CLASSES) eki_json_real(json, all[one.kind].names[k], values[k]);
        const eval_metrics table = table_of(&one, names, named);
        if (one.classes != NULL) metrics_classes_json(json, &table, one.kind);
        eki_json_close(json);
    }
    eki_json_close(json);
}
