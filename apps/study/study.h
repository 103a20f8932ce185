/* study.h: the one call behind `evenkeel study`.
 *
 * The study is compiled into the evenkeel program and uses the public headers of the library, plus the JSON emitter
 * of the tool (report/json_out.h). It prints nothing: progress goes through the callback, results into the files.
 */
#ifndef EK_STUDY_H
#define EK_STUDY_H

#include <evenkeel/status.h>
#include <stdint.h>

typedef struct ek_study_options {
    const char *output_html; /* the page; NULL = none */
    const char *output_json; /* the raw results; NULL = none */
    const char *output_anki; /* the questions for Anki; NULL = none */
    int quick;               /* 1 = fewer seeds and smaller runs: under a minute */
    int full;                /* 1 = more seeds and ResNet-20: hours */
    int card;                /* run this card only, from 1; 0 = all */
    uint64_t seed;
    int threads;                   /* networks trained at a time, one thread each; 0 = as many as processors */
    const char *data;              /* SPEC of ek_dataset_open; NULL = builtin:strokes */
    const char *more_data;         /* a second one: digits and photographs serve different cards; NULL = none */
    const char *sabotage;          /* name of a deliberate defect, so that claims can be seen to fail; NULL = none */
    int (*stopped)(void *context); /* optional; not 0 = stop: EK_ERR_INTERRUPTED, and no page */
    void (*progress)(void *context, const char *what, double fraction); /* optional; fraction in [0, 1] of the whole */
    void *context;
    int quiet;
} ek_study_options;

/* Runs the study and writes its files. *claims_failed counts the claims whose measured verdict is not the expected
 * one; the files are written all the same. */
EK_NODISCARD ek_status ek_study_run(const ek_study_options *options, int *claims_failed, ek_error *err);

/* Judges the results in a JSON file anew, without training: rules from the source, numbers from the file. Every
 * verdict, value or interval that does not follow is told to `say`. *checked counts cards, *wrong disagreements. */
EK_NODISCARD ek_status ek_study_verify(const char *path, int *checked, int *wrong, void *context,
                                       void (*say)(void *context, const char *text), ek_error *err);

#endif
