/* write.h: from results to files: numbers as text, the page, the JSON, and replacing a file whole. */
#ifndef EKS_WRITE_H
#define EKS_WRITE_H

#include "study/seam.h"

#include "report/text.h"

#include <stdio.h>

/* ---- words.c ---- */
void eks_cell_words(const eks_cell *cell, char text[64]);
/* A rule in words: "= 0", "≤ 0.00001", "≥ 0.01". */
void eks_rule(const eks_endpoint *endpoint, char text[80]);

/* ---- page/, report.c ---- */
void eks_page(FILE *out, const eks_study *study);
struct eki_json;
/* The texts of the page that are no card's own, as the member "page" of the open JSON object. */
void eks_report_page(struct eki_json *json);
/* What an experiment found, as the member "evidence" (report_evidence.c). */
void eks_report_evidence(struct eki_json *json, const eks_study *study, const eks_design *design);
/* One card as an object of the open JSON. */
void eks_report_card(struct eki_json *json, const eks_study *study, const eks_text *text);
/* All comparisons by interval of the cards that ran. */
int eks_comparisons_of(const eks_study *study);
/* All results as JSON. `html` = for embedding in a script element. Returns 0 when the stream failed. */
int eks_report(FILE *out, const eks_study *study, int html);

/* The questions for Anki, tab-separated. Returns 0 when the stream failed. */
int eks_anki(FILE *out, const eks_study *study);

/* How many readings of the fifteen came to this verdict. */
int eks_count(const eks_study *study, eks_verdict verdict);
/* The seconds of all cards. */
double eks_seconds(const eks_study *study);

/* ---- seen.c ---- */
enum { EKS_MEASURED_TEXT = 224, EKS_SEEN_TEXT = 640 };
/* What was measured at an endpoint, with its interval if it has one: "0.9087", "2.1 points [0.8, 3.4]". */
void eks_measured(const eks_endpoint *endpoint, double value, double low, double high, char text[EKS_MEASURED_TEXT]);
enum { EKS_HERE_TEXT = 512 };
/* What was measured behind a question: "Measured here: ...", or "" where this run has nothing. */
void eks_measured_here(const eks_study *study, const eks_design *design, int endpoint, char text[EKS_HERE_TEXT]);
/* One sentence on what was seen of a reading: the number that decides, its interval, or why it could not be told. */
void eks_seen(const eks_design *design, const eks_evidence *evidence, int reading, char text[EKS_SEEN_TEXT]);

/* ---- save.c ---- */
/* Replaces `path` by the text that `write` produces: written beside, flushed, renamed. */
ek_status eks_save(const char *path, const eks_study *study, int (*write)(FILE *out, const eks_study *study),
                   ek_error *err);

#endif
