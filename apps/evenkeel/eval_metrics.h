/* eval_metrics.h: what predictions are worth, as tables and as JSON. */
#ifndef EK_TOOL_EVAL_METRICS_H
#define EK_TOOL_EVAL_METRICS_H

#include "report/json_out.h"

#include <evenkeel/metrics.h>

/* Of so many judged examples, with the names of their classes. */
typedef struct eval_metrics {
    ek_metrics *metrics;
    ek_judgement *judgements;
    size_t count;
    const char *const *names;
    int64_t named; /* classes with a name; the model may know more */
    int64_t top;   /* top-k for this k */
} eval_metrics;

/* Room for the judgements of a data set, for ek_eval_options.judgements. EK_ERR_NOMEM. */
EK_NODISCARD ek_status metrics_begin(eval_metrics *m, const ek_dataset *dataset, int64_t top, ek_error *err);
/* After the evaluation, of a model with so many classes. */
EK_NODISCARD ek_status metrics_count(eval_metrics *m, int64_t classes, ek_error *err);
void metrics_end(eval_metrics *m);

/* The name of a class, or its number in `number`. */
const char *metrics_name(const eval_metrics *m, int64_t index, char number[24]);
/* The pairs of classes most often confused, most frequent first; how many. None above EK_CONFUSION_CLASSES classes. */
enum { METRICS_PAIRS = 10 };
typedef struct metrics_pair {
    int64_t count, label, predicted;
} metrics_pair;
int metrics_confused(const eval_metrics *m, metrics_pair pairs[METRICS_PAIRS]);

void metrics_print(const eval_metrics *m); /* on standard output */
/* Each class or label, the mean, and which was taken for which. */
void metrics_table(const eval_metrics *m, ek_measure kind);
void metrics_classes_json(eki_json *json, const eval_metrics *m, ek_measure kind);
/* The members of an object that is open. */
void metrics_json(eki_json *json, const eval_metrics *m);

#endif
