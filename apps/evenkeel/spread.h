/* spread.h: how the values of a parameter are spread. */
#ifndef EK_TOOL_SPREAD_H
#define EK_TOOL_SPREAD_H

#include <stdint.h>

enum { SPREAD_BINS = 28 };

/* Smallest, 5 %, 25 %, median, 75 %, 95 %, largest. */
typedef enum quantile { Q_MIN, Q_P5, Q_P25, Q_MEDIAN, Q_P75, Q_P95, Q_MAX, QUANTILES } quantile;

typedef struct spread {
    int64_t count, nonfinite;
    double at[QUANTILES]; /* of the finite ones, between neighbours in proportion; NaN = there is none */
    int logarithmic;      /* 1 = the bins are equal on a logarithmic scale: all are above 0 and far apart */
    int64_t bins[SPREAD_BINS];
} spread;

extern const char *const quantile_names[QUANTILES]; /* "min", "5 %", ... */

/* Sorts `values`, those that are not finite last. */
void spread_take(spread *s, double *values, int64_t count);

#endif
