/* load.c: results read back from JSON: for verifying them without training, and for going on where a run stopped.
 *
 * Only what was measured is read (values, arms, tables, charts); texts, rules and thresholds are those of the source,
 * and verdicts are computed anew. A file of another version of the rules is therefore judged by the rules of today.
 */
#include "study/load.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double real(const json_t *value) { return json_is_number(value) ? json_number_value(value) : NAN; }

/* A copy that lives as long as the study. */
static const char *keep(eks_study *study, const json_t *value) {
    const char *text = json_string_value(value);
    if (!text) return NULL;
    size_t length = strlen(text) + 1;
    eks_kept *kept = malloc(sizeof *kept + length);
    if (!kept) return NULL;
    memcpy(kept->text, text, length);
    kept->next = study->kept;
    study->kept = kept;
    return kept->text;
}

void eks_kept_free(eks_study *study) {
    while (study->kept) {
        eks_kept *next = study->kept->next;
        free(study->kept);
        study->kept = next;
    }
}

static void load_metric(eks_study *study, const json_t *from, int arm, int metric, eks_evidence *to) {
    const json_t *seeds = json_object_get(from, "seeds");
    if (arm == 0) {
        to->metrics[metric] = keep(study, json_object_get(from, "metric"));
        to->metric_percent[metric] = json_is_true(json_object_get(from, "percent"));
        to->metric_count = metric + 1;
        to->seed_count = json_array_size(seeds) < EKS_SEEDS ? (int)json_array_size(seeds) : EKS_SEEDS;
    }
    for (int s = 0; s < to->seed_count; s++) to->arms[arm].value[metric][s] = real(json_array_get(seeds, (size_t)s));
}

static void load_arms(eks_study *study, const json_t *from, eks_evidence *to) {
    const json_t *arms = json_object_get(from, "arms");
    to->data = keep(study, json_object_get(from, "data"));
    for (size_t a = 0; a < json_array_size(arms) && a < EKS_ARMS; a++) {
        const json_t *arm = json_array_get(arms, a), *values = json_object_get(arm, "values");
        to->arms[a].name = keep(study, json_object_get(arm, "name"));
        for (size_t m = 0; m < json_array_size(values) && m < EKS_METRICS; m++)
            load_metric(study, json_array_get(values, m), (int)a, (int)m, to);
        to->arm_count++;
    }
}

static void load_table(eks_study *study, const json_t *from, eks_table *to) {
    const json_t *columns = json_object_get(from, "columns"), *rows = json_object_get(from, "rows");
    to->caption = keep(study, json_object_get(from, "caption"));
    for (size_t c = 0; c < json_array_size(columns) && c < EKS_COLUMNS; c++) {
        to->columns[c] = keep(study, json_array_get(columns, c));
        to->column_count++;
    }
    for (size_t r = 0; r < json_array_size(rows) && r < EKS_ROWS; r++, to->row_count++)
        for (int c = 0; c < to->column_count; c++) {
            const json_t *cell = json_array_get(json_array_get(rows, r), (size_t)c);
            if (json_is_string(cell))
                eks_cell_text(to, (int)r, c, "%s", json_string_value(cell));
            else
                eks_cell_number(to, (int)r, c, real(cell));
        }
}

static void load_series(eks_study *study, const json_t *from, eks_chart *to) {
    const json_t *points = json_object_get(from, "points");
    eks_series *series = &to->series[to->series_count++];
    series->name = keep(study, json_object_get(from, "name"));
    series->mark = json_is_true(json_object_get(from, "dots")) ? EKS_DOTS : EKS_LINE;
    for (size_t i = 0; i < json_array_size(points) && i < EKS_POINTS; i++) {
        const json_t *point = json_array_get(points, i), *x = json_array_get(point, 0);
        if (to->kind == EKS_CHART_BARS && i < EKS_LABELS) to->labels[i] = keep(study, x);
        series->x[i] = to->kind == EKS_CHART_BARS ? (double)i : real(x);
        series->y[i] = real(json_array_get(point, 1));
        series->count++;
    }
}

static void load_chart(eks_study *study, const json_t *from, eks_chart *to) {
    const json_t *series = json_object_get(from, "series");
    const char *kind = json_string_value(json_object_get(from, "kind"));
    if (!kind) return;
    to->kind = strcmp(kind, "bars") == 0 ? EKS_CHART_BARS : EKS_CHART_XY;
    to->title = keep(study, json_object_get(from, "title"));
    to->x_label = keep(study, json_object_get(from, "x"));
    to->y_label = keep(study, json_object_get(from, "y"));
    to->description = keep(study, json_object_get(from, "description"));
    to->x_log = json_is_true(json_object_get(from, "x_log"));
    to->y_percent = json_is_true(json_object_get(from, "y_percent"));
    to->y_max = real(json_object_get(from, "y_max"));
    for (size_t s = 0; s < json_array_size(series) && s < EKS_SERIES; s++)
        load_series(study, json_array_get(series, s), to);
}

static void load_evidence(eks_study *study, const eks_design *design, const json_t *from) {
    eks_evidence *to = &study->evidence[design->number - 1];
    const json_t *endpoints = json_object_get(from, "endpoints");
    const char *problem = json_string_value(json_object_get(from, "problem"));
    memset(to, 0, sizeof *to);
    for (int i = 0; i < EKS_ENDPOINTS; i++)
        to->values[i] = real(json_object_get(json_array_get(endpoints, (size_t)i), "measured"));
    if (problem) snprintf(to->problem, sizeof to->problem, "%s", problem);
    to->seconds = real(json_object_get(from, "seconds"));
    load_arms(study, from, to);
    load_table(study, json_object_get(from, "table"), &to->table);
    load_chart(study, json_object_get(from, "chart"), &to->chart);
    eks_contrasts(design, to);
    eks_judge_all(design, to);
    study->ran[design->number - 1] = 1;
}

static void load_list(eks_study *study, const json_t *cards) {
    for (size_t i = 0; i < json_array_size(cards); i++) {
        const json_t *card = json_array_get(cards, i), *evidence = json_object_get(card, "evidence");
        const eks_design *design = eks_design_of((int)json_integer_value(json_object_get(card, "number")));
        if (design && json_is_object(evidence)) load_evidence(study, design, evidence);
    }
}

static ek_status open_results(const char *path, json_t **root, ek_error *err) {
    json_error_t error;
    *root = json_load_file(path, 0, &error);
    if (!*root)
        return eks_fail(err, EK_ERR_FORMAT, "%s: line %d: %s; expected results of evenkeel study", path, error.line,
                        error.text);
    if (json_is_array(json_object_get(*root, "cards"))) return EK_OK;
    json_decref(*root);
    return eks_fail(err, EK_ERR_FORMAT, "%s: there is no list of cards; expected results of evenkeel study", path);
}

static int same_text(const json_t *root, const char *key, const char *value) {
    const char *there = json_string_value(json_object_get(root, key));
    return (!there && !value) || (there && value && strcmp(there, value) == 0);
}

int eks_load_same_run(eks_study *study, const char *path) {
    json_t *root;
    const ek_study_options *o = study->options;
    if (open_results(path, &root, NULL) != EK_OK) return 0;
    int same = same_text(root, "evenkeel", ek_version()) && same_text(root, "level", eks_level_text(study)) &&
               same_text(root, "isa", ek_cpu_isa()) && same_text(root, "sabotage", o->sabotage) &&
               same_text(root, "data", o->data) && same_text(root, "more_data", o->more_data) &&
               json_integer_value(json_object_get(root, "seed")) == (json_int_t)o->seed;
    if (same) {
        load_list(study, json_object_get(root, "cards"));
        load_list(study, json_object_get(root, "extras"));
    }
    json_decref(root);
    return same;
}

/* Compares a number of the file with the one that follows from the file's own arms; both may be missing. */
static int agrees(const json_t *there, double here) {
    double value = real(there);
    if (isnan(value) || !isfinite(here)) return isnan(value) && !isfinite(here);
    return fabs(value - here) <= 1e-12 * fmax(1, fabs(here));
}

static int disagreements(const eks_study *study, const eks_design *design, const json_t *from, void *context,
                         void (*say)(void *context, const char *text)) {
    const eks_evidence *e = &study->evidence[design->number - 1];
    const json_t *endpoints = json_object_get(from, "endpoints"), *readings = json_object_get(from, "readings");
    char text[512];
    int count = 0;
    if (!same_text(from, "verdict", eks_verdict_name(e->verdict)) && ++count) {
        snprintf(text, sizeof text, "card %d: the file says %s, its numbers give %s", design->number,
                 json_string_value(json_object_get(from, "verdict")), eks_verdict_name(e->verdict));
        say(context, text);
    }
    for (int r = 0; r < eks_reading_count(design); r++)
        if (!same_text(json_array_get(readings, (size_t)r), "verdict", eks_verdict_name(e->verdicts[r])) && ++count) {
            snprintf(text, sizeof text, "card %d, reading %d: the file's verdict does not follow from its numbers: %s",
                     design->number, r + 1, eks_verdict_name(e->verdicts[r]));
            say(context, text);
        }
    for (int i = 0; i < design->endpoint_count; i++) {
        const json_t *there = json_array_get(endpoints, (size_t)i);
        const eks_endpoint *rule = &design->endpoints[i];
        int good =
            same_text(there, "what", rule->what) && agrees(json_object_get(there, "threshold"), rule->threshold) &&
            agrees(json_object_get(there, "measured"), e->values[i]) &&
            (!rule->contrast.terms ||
             (agrees(json_object_get(there, "low"), e->low[i]) && agrees(json_object_get(there, "high"), e->high[i])));
        if (good) continue;
        snprintf(text, sizeof text, "card %d, \"%.300s\": rule, value or interval differ from the source or the seeds",
                 design->number, rule->what);
        say(context, text);
        count++;
    }
    return count;
}

static int compare_list(eks_study *study, const json_t *cards, int *checked, void *context,
                        void (*say)(void *context, const char *text)) {
    int count = 0;
    for (size_t i = 0; i < json_array_size(cards); i++) {
        const json_t *card = json_array_get(cards, i), *evidence = json_object_get(card, "evidence");
        const eks_design *design = eks_design_of((int)json_integer_value(json_object_get(card, "number")));
        if (!design || !json_is_object(evidence)) continue;
        count += disagreements(study, design, evidence, context, say);
        ++*checked;
    }
    return count;
}

ek_status eks_verify(eks_study *study, const char *path, int *checked, int *wrong, void *context,
                     void (*say)(void *context, const char *text), ek_error *err) {
    json_t *root;
    *checked = *wrong = 0;
    EKS_TRY(open_results(path, &root, err));
    const json_t *cards = json_object_get(root, "cards"), *extras = json_object_get(root, "extras");
    load_list(study, cards);
    load_list(study, extras);
    *wrong = compare_list(study, cards, checked, context, say) + compare_list(study, extras, checked, context, say);
    json_decref(root);
    return EK_OK;
}
