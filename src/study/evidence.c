/* evidence.c: filling tables and charts, and the one rule by which measurements become a verdict.
 *
 * The verdict is a function of the design's thresholds and the measured values only; no card judges itself. A claim
 * that a measurement contradicts is refuted. A claim that nothing contradicts is supported only if every control
 * held, since a control that fails says that the instrument could not have seen a violation.
 */
#include "study/card.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void eks_table_begin(eks_table *table, const char *caption, int columns, const char *const *names) {
    assert(columns <= EKS_COLUMNS);
    memset(table, 0, sizeof *table);
    table->caption = caption;
    table->column_count = columns;
    for (int i = 0; i < columns; i++) table->columns[i] = names[i];
}

int eks_table_row(eks_table *table) {
    assert(table->row_count < EKS_ROWS);
    return table->row_count++;
}

void eks_cell_number(eks_table *table, int row, int column, double value) {
    table->cells[row][column].value = value;
    table->cells[row][column].text[0] = 0;
}

void eks_cell_text(eks_table *table, int row, int column, const char *fmt, ...) {
    va_list list;
    va_start(list, fmt);
    vsnprintf(table->cells[row][column].text, sizeof table->cells[row][column].text, fmt, list);
    va_end(list);
}

eks_series *eks_chart_series(eks_chart *chart, const char *name, eks_mark mark) {
    assert(chart->series_count < EKS_SERIES);
    eks_series *series = &chart->series[chart->series_count++];
    series->name = name;
    series->mark = mark;
    series->count = 0;
    return series;
}

void eks_point(eks_series *series, double x, double y) {
    assert(series->count < EKS_POINTS);
    series->x[series->count] = x;
    series->y[series->count] = y;
    series->count++;
}

int eks_endpoint_holds(const eks_endpoint *endpoint, double value) {
    if (isnan(value)) return 0;
    switch (endpoint->relation) {
    case EKS_EXACTLY: return value == endpoint->threshold;
    case EKS_AT_MOST: return value <= endpoint->threshold;
    case EKS_AT_LEAST: return value >= endpoint->threshold;
    }
    return 0;
}

eks_verdict eks_judge(const eks_design *design, const eks_evidence *evidence) {
    int doubtful = evidence->problem[0] != 0;
    for (int i = 0; i < design->endpoint_count; i++) {
        const eks_endpoint *endpoint = &design->endpoints[i];
        if (eks_endpoint_holds(endpoint, evidence->values[i])) continue;
        if (!endpoint->control && !isnan(evidence->values[i])) return EKS_REFUTED;
        doubtful = 1;
    }
    return doubtful ? EKS_INCONCLUSIVE : EKS_SUPPORTED;
}

const char *eks_verdict_name(eks_verdict verdict) {
    switch (verdict) {
    case EKS_SUPPORTED: return "supported";
    case EKS_REFUTED: return "refuted";
    case EKS_INCONCLUSIVE: return "inconclusive";
    case EKS_NOT_MEASURED: break;
    }
    return "not measured";
}

const char *eks_level_name(eks_level level) {
    switch (level) {
    case EKS_EASY: return "Easy";
    case EKS_MEDIUM: return "Medium";
    case EKS_HARD: break;
    }
    return "Hard";
}
