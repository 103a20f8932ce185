/* evidence.c: filling tables and charts, and the one rule by which measurements become a verdict.
 *
 * The verdict is a function of the design's thresholds and the measured values only; no card judges itself. A claim
 * that a measurement contradicts is refuted, one that nothing contradicts is supported, both only if every control
 * held: a control that fails says that the instrument could not see.
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

eks_state eks_endpoint_state(const eks_endpoint *endpoint, double value, double low, double high) {
    if (isnan(value) || isnan(low) || isnan(high)) return EKS_MISSING;
    double from = -INFINITY, to = INFINITY;
    switch (endpoint->relation) {
    case EKS_EXACTLY: from = to = endpoint->threshold; break;
    case EKS_AT_MOST: to = endpoint->threshold; break;
    case EKS_AT_LEAST: from = endpoint->threshold; break;
    case EKS_WITHIN:
        from = endpoint->expected - endpoint->threshold;
        to = endpoint->expected + endpoint->threshold;
        break;
    }
    if (low >= from && high <= to) return EKS_HOLDS;
    return high < from || low > to ? EKS_BROKEN : EKS_UNCLEAR;
}

/* Two-sided 95 % quantile of Student's t with `freedom` degrees. */
static double student(int freedom) {
    static const double quantiles[] = {0,     12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
                                       2.306, 2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131};
    return freedom < (int)(sizeof quantiles / sizeof *quantiles) ? quantiles[freedom] : 1.96;
}

void eks_interval(const double *values, int count, double *mean, double *low, double *high) {
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) sum += values[i];
    *mean = count > 0 ? sum / count : NAN;
    for (int i = 0; i < count; i++) squares += (values[i] - *mean) * (values[i] - *mean);
    double half = count > 1 ? student(count - 1) * sqrt(squares / (count - 1) / count) : INFINITY;
    *low = *mean - half;
    *high = *mean + half;
}

int eks_seed_count(const eks_endpoint *endpoint, const eks_evidence *evidence) {
    return endpoint->contrast.terms ? evidence->seed_count : 1;
}

double eks_seed_value(const eks_endpoint *endpoint, const eks_evidence *evidence, int index, int seed) {
    const eks_contrast *c = &endpoint->contrast;
    double value = 0;
    if (!c->terms) return evidence->values[index];
    for (int t = 0; t < c->terms; t++)
        value += c->term[t].weight * evidence->arms[c->term[t].arm].value[c->term[t].metric][seed];
    return value;
}

void eks_contrasts(const eks_design *design, eks_evidence *evidence) {
    for (int i = 0; i < design->endpoint_count; i++) {
        const eks_endpoint *e = &design->endpoints[i];
        double values[EKS_SEEDS] = {0};
        evidence->low[i] = evidence->high[i] = evidence->values[i];
        if (!e->contrast.terms) continue;
        for (int s = 0; s < evidence->seed_count; s++) values[s] = eks_seed_value(e, evidence, i, s);
        eks_interval(values, evidence->seed_count, &evidence->values[i], &evidence->low[i], &evidence->high[i]);
    }
}

int eks_comparisons(const eks_design *design) {
    int count = 0;
    for (int i = 0; i < design->endpoint_count; i++)
        count += design->endpoints[i].contrast.terms > 0 && !design->endpoints[i].control;
    return count;
}

const char *eks_basis(const eks_design *design, const eks_endpoint *endpoint) {
    if (endpoint->basis) return endpoint->basis;
    if (endpoint->contrast.terms && endpoint->threshold == 0) return "the sign of the difference";
    if (endpoint->contrast.terms)
        return design->pilot ? design->pilot : "a round number, after pilot seeds 1000 and 1001 on drawn digits";
    if (endpoint->relation == EKS_EXACTLY) return "theory: equal bits, or a count that must be so";
    return endpoint->threshold <= 1e-4 ? "theory, up to rounding in single precision"
                                       : "a round number, far above rounding";
}

eks_verdict eks_judge(const eks_design *design, const eks_evidence *evidence, int reading) {
    int doubtful = evidence->problem[0] != 0, broken = 0, blind = 0;
    for (int i = 0; i < design->endpoint_count; i++) {
        const eks_endpoint *endpoint = &design->endpoints[i];
        if (endpoint->reading != reading && !endpoint->control) continue;
        eks_state state = eks_endpoint_state(endpoint, evidence->values[i], evidence->low[i], evidence->high[i]);
        if (state == EKS_BROKEN && !endpoint->control) broken = 1;
        if (state != EKS_HOLDS && endpoint->control) blind = 1;
        if (state != EKS_HOLDS) doubtful = 1;
    }
    if (broken && !blind) return EKS_REFUTED;
    return doubtful ? EKS_INCONCLUSIVE : EKS_SUPPORTED;
}

int eks_reading_count(const eks_design *design) {
    int count = 0;
    while (count < EKS_READINGS && design->readings[count].sentence) count++;
    return count > 0 ? count : 1;
}

eks_reading eks_reading_of(const eks_design *design, int reading) {
    if (design->readings[reading].sentence) return design->readings[reading];
    return (eks_reading){.label = "as taught", .sentence = design->taught, .expected = EKS_SUPPORTED};
}

void eks_judge_all(const eks_design *design, eks_evidence *evidence) {
    for (int r = 0; r < eks_reading_count(design); r++) evidence->verdicts[r] = eks_judge(design, evidence, r);
}

void eks_conclude(const eks_design *design, eks_evidence *evidence) {
    if (design->show && !evidence->problem[0]) design->show(evidence);
    eks_contrasts(design, evidence);
    eks_judge_all(design, evidence);
}

int eks_surprising(const eks_design *design, const eks_evidence *evidence) {
    int surprising = evidence->problem[0] != 0;
    for (int r = 0; r < eks_reading_count(design); r++) {
        eks_verdict expected = eks_reading_of(design, r).expected, verdict = evidence->verdicts[r];
        surprising |= (expected == EKS_SUPPORTED && verdict == EKS_REFUTED) ||
                      (expected == EKS_REFUTED && verdict == EKS_SUPPORTED);
    }
    return surprising;
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
