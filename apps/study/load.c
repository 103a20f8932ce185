/* load.c: results read back from JSON: for verifying them without training, and for going on where a run stopped.
 *
 * Only what was measured is read: the numbers per seed, and tables or charts that are measurements themselves. Whatever
 * follows from them is computed anew, closed forms are too, and texts, rules and thresholds are those of the source. A
 * file of another version of the rules is therefore judged by the rules of today.
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
        to->percent[c] = json_is_true(json_array_get(json_object_get(from, "percent"), c));
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
    to->y_log = json_is_true(json_object_get(from, "y_log"));
    to->y_percent = json_is_true(json_object_get(from, "y_percent"));
    to->y_max = real(json_object_get(from, "y_max"));
    for (size_t s = 0; s < json_array_size(series) && s < EKS_SERIES; s++)
        load_series(study, json_array_get(series, s), to);
}

/* What the closed forms say is computed anew, not read. */
static void compute_forms(eks_study *study, const eks_design *design, eks_evidence *to) {
    eks_evidence *known = &study->forms[design->number - 1];
    if (!study->formed[design->number - 1]) {
        study->uses = eks_uses_for(design, study->options->sabotage);
        study->sabotaged = eks_sabotages(design, study->options->sabotage);
        for (int i = 0; i < EKS_ENDPOINTS; i++) known->values[i] = NAN;
        ek_error err = {EK_OK, ""};
        if (design->forms(study, known, &err) != EK_OK)
            snprintf(to->problem, sizeof to->problem, "%s: %.450s", ek_status_name(err.status), err.text);
        study->formed[design->number - 1] = 1;
    }
    for (int i = 0; i < design->endpoint_count; i++)
        if (!isnan(known->values[i])) to->values[i] = known->values[i];
    if (known->table.column_count) to->table = known->table;
    if (known->chart.kind != EKS_CHART_NONE) to->chart = known->chart;
}

void eks_load_evidence(eks_study *study, const eks_design *design, const json_t *from) {
    eks_evidence *to = &study->evidence[design->number - 1];
    const json_t *endpoints = json_object_get(from, "endpoints");
    const char *problem = json_string_value(json_object_get(from, "problem"));
    memset(to, 0, sizeof *to);
    for (int i = 0; i < EKS_ENDPOINTS; i++) {
        const json_t *seeds = json_object_get(json_array_get(endpoints, (size_t)i), "seeds");
        to->values[i] = real(json_array_get(seeds, 0));
    }
    if (problem) snprintf(to->problem, sizeof to->problem, "%s", problem);
    to->seconds = real(json_object_get(from, "seconds"));
    load_arms(study, from, to);
    load_table(study, json_object_get(from, "table"), &to->table);
    load_chart(study, json_object_get(from, "chart"), &to->chart);
    if (design->forms && !problem) compute_forms(study, design, to);
    eks_conclude(design, to);
    study->ran[design->number - 1] = 1;
}

static void load_list(eks_study *study, const json_t *cards) {
    for (size_t i = 0; i < json_array_size(cards); i++) {
        const json_t *card = json_array_get(cards, i), *evidence = json_object_get(card, "evidence");
        const eks_design *design = eks_design_of((int)json_integer_value(json_object_get(card, "number")));
        if (design && json_is_object(evidence)) eks_load_evidence(study, design, evidence);
    }
}

void eks_load_cards(eks_study *study, const json_t *root) {
    load_list(study, json_object_get(root, "cards"));
    load_list(study, json_object_get(root, "extras"));
}

void eks_load_options(eks_study *study, const json_t *root) {
    ek_study_options *o = &study->given;
    const char *level = json_string_value(json_object_get(root, "level"));
    const uint64_t seed = (uint64_t)json_integer_value(json_object_get(root, "seed"));
    if (seed != o->seed) memset(study->formed, 0, sizeof study->formed);
    if (seed != o->seed) memset(study->forms, 0, sizeof study->forms);
    o->quick = level && strcmp(level, "quick") == 0;
    o->full = level && strcmp(level, "full") == 0;
    o->seed = seed;
    o->data = keep(study, json_object_get(root, "data"));
    o->more_data = keep(study, json_object_get(root, "more_data"));
    o->sabotage = keep(study, json_object_get(root, "sabotage"));
    study->level = o->quick ? EKS_LEVEL_QUICK : o->full ? EKS_LEVEL_FULL : EKS_LEVEL_DEFAULT;
    study->isa = keep(study, json_object_get(root, "isa"));
    study->options = o;
}

ek_status eks_parse_results(const char *path, const char *text, size_t size, json_t **root, ek_error *err) {
    json_error_t error;
    *root = json_loadb(text, size, 0, &error);
    if (!*root)
        return eks_fail(err, EK_ERR_FORMAT, "%s: line %d: %s; expected results of evenkeel study", path, error.line,
                        error.text);
    if (json_is_array(json_object_get(*root, "cards"))) return EK_OK;
    json_decref(*root);
    *root = NULL;
    return eks_fail(err, EK_ERR_FORMAT, "%s: there is no list of cards; expected results of evenkeel study", path);
}

static int same_text(const json_t *root, const char *key, const char *value) {
    const char *there = json_string_value(json_object_get(root, key));
    return (!there && !value) || (there && value && strcmp(there, value) == 0);
}

int eks_load_same_run(eks_study *study, const char *path) {
    json_t *root;
    const ek_study_options *o = study->options;
    json_error_t error;
    root = json_load_file(path, 0, &error);
    if (!root) return 0;
    int same = same_text(root, "evenkeel", ek_version()) && same_text(root, "level", eks_level_text(study)) &&
               same_text(root, "isa", study->isa) && same_text(root, "sabotage", o->sabotage) &&
               same_text(root, "data", o->data) && same_text(root, "more_data", o->more_data) &&
               json_integer_value(json_object_get(root, "seed")) == (json_int_t)o->seed;
    if (same) eks_load_cards(study, root);
    json_decref(root);
    return same;
}
