/* card.h: what a card says, what it measures, and what came out.
 *
 * A card is two tables and one function. Its text (cards.c) is the question and the answer. Its design (cardNN.c) is
 * the experiment: the prediction, what would refute it, and the endpoints with their thresholds, all constant data in
 * the source, fixed before anything runs. Its `run` only fills the measured values; judging them is evidence.c's work.
 *
 * Whatever a card counts has a name, an enumerator of its file: endpoints, readings, arms, metrics. Tables are written
 * by these names ([MEAN_LEFT] = {...}) and values are reached by them (evidence->values[MEAN_LEFT]), so that a new one
 * in the middle moves no other.
 */
#ifndef EKS_CARD_H
#define EKS_CARD_H

#include "study/study.h"

#include <stddef.h>

/* Counted in designs.def. */
enum {
    EKS_CARDS = 0
#define EKS_CARD(design) +1
#define EKS_EXTRA(design)
#include "study/designs.def"
#undef EKS_CARD
#undef EKS_EXTRA
    ,
    EKS_EXTRAS = 0
#define EKS_CARD(design)
#define EKS_EXTRA(design) +1
#include "study/designs.def"
#undef EKS_CARD
#undef EKS_EXTRA
    ,
    EKS_ALL = EKS_CARDS + EKS_EXTRAS
};

typedef enum eks_level { EKS_EASY, EKS_MEDIUM, EKS_HARD } eks_level;

typedef struct eks_source {
    const char *label, *url;
} eks_source;

/* What the literature says for or against the sentence; printed numbers are checked against the source. */
typedef struct eks_note {
    const char *says;
    eks_source source;
} eks_note;

/* A question with choices. `why` explains the answer; `endpoint` is the endpoint of the same design whose measured
 * value belongs to the explanation. */
typedef struct eks_choices {
    const char *question;
    const char *choices[4]; /* NULL ends */
    int correct;            /* index into choices; -1 = as measured, there is no known answer */
    const char *why;
    int endpoint;
} eks_choices;

/* What a card says. `formula` is MathML, `formula_text` the same in one line of plain text. */
typedef struct eks_text {
    int number;
    eks_level level;
    const char *question, *answer;
    const char *exact; /* a correction of what is usually said, or NULL */
    const char *formula, *formula_text;
    int related[4];        /* numbers of cards, 0 ends */
    eks_source sources[4]; /* NULL label ends */
    int contested;         /* 1 = the literature disagrees; `notes` has both sides */
    eks_note notes[5];     /* NULL `says` ends */
} eks_text;
/* The fifteen, then the extras (numbers 16 and up), which the page shows as a second section. cards.c, extras.c */
extern const eks_text eks_texts[EKS_CARDS], eks_extra_texts[EKS_EXTRAS];
const eks_text *eks_text_of(int number); /* 1 to EKS_ALL */

/* WITHIN: |measured - expected| <= threshold: a closed form with its tolerance, or equivalence of two arms. */
typedef enum eks_relation { EKS_EXACTLY, EKS_AT_MOST, EKS_AT_LEAST, EKS_WITHIN } eks_relation;

enum { EKS_ARMS = 16, EKS_SEEDS = 16, EKS_METRICS = 4, EKS_READINGS = 5, EKS_TERMS = 4 };

/* A comparison of arms, computed per seed from the evidence: sum of weight x arm over the terms, then its mean over
 * seeds with a 95 % t-interval. Arms are those of the design, from 0. */
typedef struct eks_contrast {
    int terms; /* 0 = the endpoint is a plain number, set by the experiment */
    struct {
        int arm;
        double weight;
        int metric;
    } term[EKS_TERMS];
} eks_contrast;

#define EKS_MEAN(a, m) .contrast = {.terms = 1, .term = {{(a), 1, (m)}}}
#define EKS_DIFF(a, b, m) .contrast = {.terms = 2, .term = {{(a), 1, (m)}, {(b), -1, (m)}}}
/* Of one arm: metric m less metric n. */
#define EKS_METRIC_DIFF(a, m, n) .contrast = {.terms = 2, .term = {{(a), 1, (m)}, {(a), -1, (n)}}}
/* (a - b) - (c - d) */
#define EKS_CROSS(a, b, c, d, m)                                                                                       \
    .contrast = {.terms = 4, .term = {{(a), 1, (m)}, {(b), -1, (m)}, {(c), -1, (m)}, {(d), 1, (m)}}}

/* One number that a card measures, with the rule it is judged by. A control is no part of the claim: it shows that
 * the instrument could have seen a violation; when a control fails the verdict is "inconclusive".
 * A contrast is held when its whole interval keeps the rule, broken when the whole interval breaks it, else unclear. */
typedef struct eks_endpoint {
    const char *what;
    eks_relation relation;
    double threshold;
    int control;
    double expected; /* WITHIN */
    int percent;     /* 1 = a fraction, shown in per cent (differences: percentage points) */
    int reading;     /* which reading of the sentence it belongs to; 0 = as taught */
    eks_contrast contrast;
    const char *basis; /* where the threshold comes from; NULL = eks_basis says, or the design's pilot */
} eks_endpoint;

typedef enum eks_verdict { EKS_NOT_MEASURED, EKS_SUPPORTED, EKS_REFUTED, EKS_INCONCLUSIVE } eks_verdict;

/* A sentence put to the test. Reading 0 is the sentence as it is taught; where that is wrong or loose the others are
 * what it should have said. `expected` is what the literature or theory lets expect (NOT_MEASURED = open). */

typedef struct eks_reading {
    const char *label;    /* "as taught", "corrected" */
    const char *sentence; /* NULL ends */
    eks_verdict expected;
    int shows; /* the endpoint whose number says it best */
    const char *yes,
        *no; /* what was seen when it is supported or refuted; # = that number. NULL = in words of the rule */
} eks_reading;

enum { EKS_ENDPOINTS = 20, EKS_COLUMNS = 6, EKS_ROWS = 24, EKS_SERIES = 6, EKS_POINTS = 64, EKS_LABELS = 16 };

/* A cell is a number, or text when `text` is not empty. */
typedef struct eks_cell {
    double value;
    char text[48];
} eks_cell;

typedef struct eks_table {
    const char *caption;
    const char *columns[EKS_COLUMNS];
    int percent[EKS_COLUMNS]; /* 1 = the numbers of this column are fractions */
    int column_count, row_count;
    eks_cell cells[EKS_ROWS][EKS_COLUMNS];
} eks_table;

typedef enum eks_mark { EKS_LINE, EKS_DOTS } eks_mark;

typedef struct eks_series {
    const char *name;
    eks_mark mark;
    int count;
    double x[EKS_POINTS], y[EKS_POINTS];
    double reach[EKS_POINTS]; /* of the interval round y, up and down; 0 = none is drawn */
} eks_series;

typedef enum eks_chart_kind { EKS_CHART_NONE, EKS_CHART_XY, EKS_CHART_BARS } eks_chart_kind;

/* XY: lines and dots over a linear or logarithmic x. BARS: one horizontal bar per label, series[0].y long. */
typedef struct eks_chart {
    eks_chart_kind kind;
    const char *title, *x_label, *y_label;
    const char *description; /* what it should show if the claim holds; the numbers may differ */
    int x_log, y_log;
    double y_max;  /* axis from 0 to this; 0 = from the data */
    int y_percent; /* values are fractions, shown as per cent */
    int series_count;
    eks_series series[EKS_SERIES];
    const char *labels[EKS_LABELS];
} eks_chart;

/* One way of training, with its number per metric and seed. NaN = diverged or not measured. */
typedef struct eks_arm {
    const char *name;
    double value[EKS_METRICS][EKS_SEEDS];
} eks_arm;

typedef struct eks_evidence {
    double values[EKS_ENDPOINTS];                   /* measured, by endpoint; NaN = not reached */
    double low[EKS_ENDPOINTS], high[EKS_ENDPOINTS]; /* 95 % interval of a contrast; else both = value */
    int arm_count, metric_count, seed_count;        /* 0 = closed forms only */
    const char *metrics[EKS_METRICS];               /* "test accuracy", ... */
    int metric_percent[EKS_METRICS];                /* 1 = a fraction */
    eks_arm arms[EKS_ARMS];
    const char *caption; /* of the arms; NULL = "Mean over seeds" */
    eks_table table;
    eks_chart chart;
    double seconds;
    eks_verdict verdicts[EKS_READINGS]; /* of each reading */
    const char *data;                   /* what was trained on, or NULL */
    char problem[512];                  /* why nothing could be measured, or "" */
} eks_evidence;

typedef struct eks_study eks_study;

/* Of designs that were changed after their first pilot. */
#define EKS_PILOT_AGAIN "a round number, after runs of the changed card at study seed 100, which no page reports"

/* An experiment. */
typedef struct eks_design {
    int number;
    const char *taught, *prediction, *refuter, *method;
    eks_reading readings[EKS_READINGS];   /* none = one reading, `taught`, expected to be supported */
    const char *sabotage, *sabotage_what; /* name of the deliberate defect, and what it does */
    /* Another change, which takes away what the card is about: a control must then fail. May be NULL. */
    const char *blinding, *blinding_what;
    const char *pilot; /* what a design that was changed took its thresholds from; NULL = the pilot of all */
    int endpoint_count;
    eks_endpoint endpoints[EKS_ENDPOINTS];
    /* What the experiment will measure, asked before the answer is read (there is no right answer, -1, where the
     * literature disagrees); and what an interviewer asks. Extras have neither. */
    eks_choices predict, quiz;
    /* Closed forms: milliseconds, from the seed alone, without images. */
    ek_status (*forms)(eks_study *study, eks_evidence *evidence, ek_error *err);
    /* What takes images, and mostly training. */
    ek_status (*run)(eks_study *study, eks_evidence *evidence, ek_error *err);
    /* Whatever follows from what these measured: tables, charts, values. Any of the three may be NULL. */
    void (*show)(eks_evidence *evidence);
} eks_design;
#define EKS_CARD(design) extern const eks_design design;
#define EKS_EXTRA(design) extern const eks_design design;
#include "study/designs.def"
#undef EKS_CARD
#undef EKS_EXTRA
extern const eks_design *const eks_designs[]; /* NULL ends; in order of cards */

/* The design of a card or extra, or NULL. */
const eks_design *eks_design_of(int number);

/* ---- evidence.c ---- */
void eks_table_begin(eks_table *table, const char *caption, int columns, const char *const *names);
int eks_table_row(eks_table *table); /* adds a row and returns its index */
void eks_cell_number(eks_table *table, int row, int column, double value);
void eks_cell_text(eks_table *table, int row, int column, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
eks_series *eks_chart_series(eks_chart *chart, const char *name, eks_mark mark);
void eks_point(eks_series *series, double x, double y);

/* Mean of a value per seed, with its 95 % t-interval. One seed has no interval: low and high are infinite. */
void eks_interval(const double *values, int count, double *mean, double *low, double *high);

typedef enum eks_state { EKS_MISSING, EKS_HOLDS, EKS_BROKEN, EKS_UNCLEAR } eks_state;
/* What an endpoint's measurement says about its rule. */
eks_state eks_endpoint_state(const eks_endpoint *endpoint, double value, double low, double high);
/* Values and intervals of all contrasts, from the arms. */
void eks_contrasts(const eks_design *design, eks_evidence *evidence);
/* Verdict of one reading. Any control not held: inconclusive. Any claim endpoint broken: refuted. Any unclear or
 * missing: inconclusive. Else supported. */
eks_verdict eks_judge(const eks_design *design, const eks_evidence *evidence, int reading);
/* The readings of a design (at least one) and their number. */
int eks_reading_count(const eks_design *design);
eks_reading eks_reading_of(const eks_design *design, int reading);
/* How many endpoints are judged by an interval: so many times could chance mislead. */
int eks_comparisons(const eks_design *design);
/* ---- snippets.c ---- */
enum { EKS_SNIPPET_TEXT = 2048 };
/* A card's effect in PyTorch, from torch/cardNN.py; 0 = it has none. */
int eks_snippet(int number, char text[EKS_SNIPPET_TEXT]);
/* Embedded: all of them, one behind the other. */
extern const char eks_snippets_py[];

/* Where an endpoint's threshold comes from, in words. */
const char *eks_basis(const eks_design *design, const eks_endpoint *endpoint);
/* An endpoint's number for one seed: of a contrast, that of the arms; else the value, for the only seed there is. */
double eks_seed_value(const eks_endpoint *endpoint, const eks_evidence *evidence, int index, int seed);
int eks_seed_count(const eks_endpoint *endpoint, const eks_evidence *evidence);
/* Sets what follows from the measured numbers: show, contrasts, verdicts. */
void eks_conclude(const eks_design *design, eks_evidence *evidence);
/* Sets all verdicts. */
void eks_judge_all(const eks_design *design, eks_evidence *evidence);
/* 1 = a verdict contradicts what its reading lets expect (supported against refuted), or nothing could be measured. */
int eks_surprising(const eks_design *design, const eks_evidence *evidence);
const char *eks_verdict_name(eks_verdict verdict);
const char *eks_level_name(eks_level level);

#endif
