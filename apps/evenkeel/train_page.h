/* train_page.h: the page of `train --report`: one file without script and without requests, written whole after each
 * epoch. Every text is escaped; lists, tables and drawings are bounded, and say so where they end. */
#ifndef EK_TOOL_TRAIN_PAGE_H
#define EK_TOOL_TRAIN_PAGE_H

#include "train_job.h"

enum {
    PAGE_POINTS = 400, /* epochs in a drawing and in the table: every second, third ... of more */
    PAGE_CLASSES = 30, /* of a confusion matrix; of more, the pairs most often confused */
    PAGE_HEAT = 120,   /* norms and epochs in a drawing of norms */
    PAGE_WORST = 12,   /* pictures */
    PAGE_SIDE = 96     /* pixels of a picture: larger ones are averaged down */
};

/* Writes the page to `path`. EK_ERR_IO, EK_ERR_NOMEM. */
EK_NODISCARD ek_status train_page_save(const char *path, const train_job *job, ek_error *err);

/* ---- the sections ---- */
void train_page_curves(FILE *out, const train_job *job);
void train_page_norms(FILE *out, const train_job *job); /* nothing where no norm was measured */
/* Classes or labels of the last validation; its metrics are borrowed, NULL = there are none. */
eval_metrics train_page_judged(const train_job *job);
int train_page_pictures(const train_job *job);              /* there are worst examples, and they are pictures */
void train_page_confusion(FILE *out, const train_job *job); /* nothing without validation */
EK_NODISCARD ek_status train_page_worst(FILE *out, const train_job *job, ek_error *err);
void train_page_table(FILE *out, const train_job *job);

/* Every how many epochs one is shown. */
size_t train_page_stride(const train_job *job, size_t most);

extern const char train_css[];

#endif
