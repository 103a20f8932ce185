/* page.h: the parts of the page, each in its own file.
 *
 * The page is a view of the results: whatever number it shows is also in the JSON (tests/study looks each one up).
 * Texts that are not a card's own (lede, tutorial, checklist, quiz) therefore go into the JSON as well.
 */
#ifndef EKS_PAGE_H
#define EKS_PAGE_H

#include "study/write.h"

#include "report/html_out.h"
#include "report/json_out.h"

/* The name of a difficulty as a class: "easy", "medium", "hard". */
const char *eks_level_class(eks_level level);

/* ---- the sections, from top to bottom ---- */
void eks_page_top(FILE *out, const eks_study *study);
void eks_page_first(FILE *out, const eks_study *study); /* the page's first figure */
void eks_page_how_to_read(FILE *out);
void eks_page_acts(FILE *out, const eks_study *study);
void eks_page_acts_contents(FILE *out, void (*entry)(FILE *out, const eks_study *study, const eks_text *text),
                            const eks_study *study);
void eks_page_card(FILE *out, const eks_study *study, const eks_text *text);
void eks_page_prediction(FILE *out, const eks_study *study, const eks_text *text);
void eks_page_example(FILE *out); /* the small batch of card 1, which the script makes editable */
const char *eks_verdict_sign(eks_verdict verdict);
void eks_page_evidence(FILE *out, const eks_study *study, const eks_design *design);
void eks_page_arms(FILE *out, const eks_design *design, const eks_evidence *evidence);
void eks_page_series(FILE *out, const eks_chart *chart, int number);
/* Choices in the order in which they are shown, `correct` with them: fixed, and over the quiz at every place alike. */
eks_choices eks_shuffled(const eks_choices *choices, int number);
/* The metric of the arms that the card's bars are about; 0 without bars. */
int eks_metric_charted(const eks_evidence *evidence);
void eks_page_quiz(FILE *out, const eks_study *study);
void eks_page_closing(FILE *out);
void eks_page_advice(FILE *out);
void eks_page_handout(FILE *out, const eks_study *study); /* two printed pages for teachers */
void eks_page_ledger(FILE *out);
/* What can be folded away: open in the file, so that it is there in print and without script, which closes it. */
void eks_page_fold(FILE *out, const char *summary);
void eks_page_unfold(FILE *out);

/* ---- charts ---- */
/* 1 = there are differences between arms to draw. */
int eks_has_differences(const eks_design *design, const eks_evidence *evidence);
void eks_page_differences(FILE *out, const eks_design *design, const eks_evidence *evidence);
void eks_svg(FILE *out, const eks_chart *chart, int number);
void eks_page_rates(FILE *out, const eks_study *study); /* accuracy over the learning rate: act three */
void eks_page_modes(FILE *out);                         /* the two modes, as a drawing: act two */
void eks_svg_arms(FILE *out, const eks_evidence *evidence, int metric, int number);

/* 1 = some extra has an experiment; the others are not shown. */
int eks_page_has_extras(void);

/* The panels that show which values share a mean; `card` is 8, 9 or 10, or 0 for act one. */
void eks_page_axes(FILE *out, int card);

/* ---- the same texts and numbers, as members of the open JSON object; eks_report_page (write.h) calls them ---- */
void eks_report_top(eki_json *json);
void eks_report_first(eki_json *json);
void eks_report_acts(eki_json *json);
void eks_report_how_to_read(eki_json *json);
void eks_report_example(eki_json *json);
void eks_report_quiz(eki_json *json);
void eks_report_closing(eki_json *json);
void eks_report_ledger(eki_json *json);

/* Style and script, embedded when the program is built (report/embed.cmake). */
extern const char eks_page_css[], eks_page_js[];

#endif
