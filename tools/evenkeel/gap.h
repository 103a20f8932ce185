/* gap.h: how a model does on data with its running statistics, and with those of the data. */
#ifndef EK_TOOL_GAP_H
#define EK_TOOL_GAP_H

#include "command.h"
#include "report/json_out.h"

#include <evenkeel/surgery.h>
#include <evenkeel/train.h>

typedef struct gap {
    ek_recalibration *shift; /* of each norm, behind norms that fit the data */
    int64_t images;
    int labelled;                                /* the results below are there */
    ek_eval_result running, batch, recalibrated; /* running statistics, those of each batch, those of all the data */
    const char *cause, *remedy;
    char detail[256];
} gap;

/* Opens --data and measures; `path` is read anew, since recalibration changes a model. */
EK_NODISCARD ek_status gap_measure(const arguments *args, const char *path, gap *g, ek_error *err);
void gap_free(gap *g);
void gap_show(const gap *g);
void gap_put(eki_json *json, const gap *g); /* an object "data" */

#endif
