/* measures.h: what a run is measured by: classes, places, labels or numbers; names that stay the same in JSON, logs and
 * pages. */
#ifndef EK_TOOL_MEASURES_H
#define EK_TOOL_MEASURES_H

#include "report/json_out.h"

#include <evenkeel/metrics.h>

enum { MEASURES = 5 }; /* numbers of a measure at most */

/* The numbers of a measure, in the order of `values`; of none, there are none. */
typedef struct measure_names {
    const char *kind;
    const char *names[MEASURES];  /* "mean_iou"; NULL = no more */
    const char *titles[MEASURES]; /* "mean IoU" */
    int headline;                 /* the one that is told where one is told; -1 = none */
    int shares;                   /* numbers are shares of 1, told in percent */
} measure_names;

const measure_names *measure_names_of(ek_measure kind);
int measure_count(ek_measure kind);

/* The numbers of a term; those that it does not have are NaN. */
void measure_values(const ek_measured *measured, double values[MEASURES]);
/* "mean IoU 93.20 %", of the headline; "" = there is none. */
void measure_text(ek_measure kind, const double values[MEASURES], char text[64]);

/* Every term, on standard output and as the array "metrics" of an object that is open. `names`: of classes given by
 * labels. */
void measures_print(const ek_measurement *m, const char *const *names, int64_t named);
void measures_json(eki_json *json, const ek_measurement *m, const char *const *names, int64_t named);
/* A line for each term, without tables. */
void measures_lines(const ek_measurement *m);

#endif
