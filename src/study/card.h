/* card.h: what a card says, what it measures, and what came out.
 *
 * A card is two tables and one function. Its text (cards.c) is the question and the answer. Its design (cardNN.c) is
 * the experiment: the prediction, what would refute it, and the endpoints with their thresholds, all constant data in
 * the source, fixed before anything runs. Its `run` only fills the measured values; judging them is evidence.c's work.
 */
#ifndef EKS_CARD_H
#define EKS_CARD_H

#include "study/study.h"

#include <stddef.h>

enum { EKS_CARDS = 15, EKS_MEASURED = 7 };

typedef enum eks_level { EKS_EASY, EKS_MEDIUM, EKS_HARD } eks_level;

typedef struct eks_source {
    const char *label, *url;
} eks_source;

/* What a card says. `formula` is MathML, `formula_text` the same in one line of plain text. */
typedef struct eks_text {
    int number;
    eks_level level;
    const char *question, *answer;
    const char *exact; /* a correction of what is usually said, or NULL */
    const char *formula, *formula_text;
    int related[4];         /* numbers of cards, 0 ends */
    eks_source sources[4];  /* NULL label ends */
    const char *experiment; /* cards without a measurement: what the longer level will measure; else NULL */
} eks_text;
extern const eks_text eks_texts[EKS_CARDS];

typedef enum eks_relation { EKS_EXACTLY, EKS_AT_MOST, EKS_AT_LEAST } eks_relation;

/* One number that a card measures, with the rule it is judged by. A control is no part of the claim: it shows that
 * the instrument could have seen a violation; when a control fails the verdict is "inconclusive". */
typedef struct eks_endpoint {
    const char *what;
    eks_relation relation;
    double threshold;
    int control;
} eks_endpoint;

typedef enum eks_verdict { EKS_NOT_MEASURED, EKS_SUPPORTED, EKS_REFUTED, EKS_INCONCLUSIVE } eks_verdict;

enum { EKS_ENDPOINTS = 8, EKS_COLUMNS = 6, EKS_ROWS = 20, EKS_SERIES = 4, EKS_POINTS = 64 };

/* A cell is a number, or text when `text` is not empty. */
typedef struct eks_cell {
    double value;
    char text[48];
} eks_cell;

typedef struct eks_table {
    const char *caption;
    const char *columns[EKS_COLUMNS];
    int column_count, row_count;
    eks_cell cells[EKS_ROWS][EKS_COLUMNS];
} eks_table;

typedef enum eks_mark { EKS_LINE, EKS_DOTS } eks_mark;

typedef struct eks_series {
    const char *name;
    eks_mark mark;
    int count;
    double x[EKS_POINTS], y[EKS_POINTS];
} eks_series;

typedef enum eks_chart_kind { EKS_CHART_NONE, EKS_CHART_XY, EKS_CHART_BARS } eks_chart_kind;

/* XY: lines and dots over a linear or logarithmic x. BARS: one horizontal bar per label, series[0].y long. */
typedef struct eks_chart {
    eks_chart_kind kind;
    const char *title, *x_label, *y_label;
    const char *description; /* what it should show if the claim holds; the numbers may differ */
    int x_log;
    double y_max;  /* axis from 0 to this; 0 = from the data */
    int y_percent; /* values are fractions, shown as per cent */
    int series_count;
    eks_series series[EKS_SERIES];
    const char *labels[8];
} eks_chart;

typedef struct eks_evidence {
    double values[EKS_ENDPOINTS]; /* measured, in order of the design's endpoints; NaN = not reached */
    eks_table table;
    eks_chart chart;
    double seconds;
    eks_verdict verdict;
    char problem[512]; /* why nothing could be measured, or "" */
} eks_evidence;

typedef struct eks_study eks_study;

/* An experiment. */
typedef struct eks_design {
    int number;
    const char *taught, *prediction, *refuter, *method;
    const char *sabotage, *sabotage_what; /* name of the deliberate defect, and what it does */
    int endpoint_count;
    eks_endpoint endpoints[EKS_ENDPOINTS];
    ek_status (*run)(eks_study *study, eks_evidence *evidence, ek_error *err);
} eks_design;
extern const eks_design eks_card01, eks_card03, eks_card07, eks_card08, eks_card09, eks_card10, eks_card12;
extern const eks_design *const eks_designs[EKS_MEASURED];

/* The design of a card, or NULL. */
const eks_design *eks_design_of(int number);

/* ---- evidence.c ---- */
void eks_table_begin(eks_table *table, const char *caption, int columns, const char *const *names);
int eks_table_row(eks_table *table); /* adds a row and returns its index */
void eks_cell_number(eks_table *table, int row, int column, double value);
void eks_cell_text(eks_table *table, int row, int column, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
eks_series *eks_chart_series(eks_chart *chart, const char *name, eks_mark mark);
void eks_point(eks_series *series, double x, double y);

/* 1 = the value keeps the rule. */
int eks_endpoint_holds(const eks_endpoint *endpoint, double value);
/* Any claim endpoint broken: refuted. Any control broken or value missing: inconclusive. Else supported. */
eks_verdict eks_judge(const eks_design *design, const eks_evidence *evidence);
const char *eks_verdict_name(eks_verdict verdict);
const char *eks_level_name(eks_level level);

#endif
