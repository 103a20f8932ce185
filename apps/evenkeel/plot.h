/* plot.h: a quantity along depth: a column for each norm, drawn as wide as the page is, with marks that need no colour.
 *
 * Bands are paths in a coordinate system that stretches; text stands beside them as HTML and keeps its size. A second,
 * unseen layer says the numbers under the pointer and leads to the norm; those who do not see have the table.
 */
#ifndef EK_TOOL_PLOT_H
#define EK_TOOL_PLOT_H

#include "spread.h"

#include <stddef.h>
#include <stdio.h>

typedef enum plot_axis {
    PLOT_SIGNED,  /* linear; where values are far apart, around 0 only, and logarithmic beyond */
    PLOT_POSITIVE /* logarithmic */
} plot_axis;

typedef struct plot_column {
    double at[QUANTILES]; /* whisker, box of 90 %, box of the middle half, median; NaN = nothing to draw */
    int mark;             /* severity; -1 = none */
    size_t first, last;   /* the norms it stands for */
} plot_column;

typedef struct plot {
    const char *id, *title, *description;
    plot_axis axis;
    const double *lines; /* horizontal lines at these values */
    int line_count;
    plot_column *columns;
    size_t count, norms;
    /* What a column says under the pointer, and whether a norm has an element to lead to (#norm-N). */
    void (*tip)(FILE *out, const void *context, const plot_column *column);
    int (*leads)(const void *context, size_t norm);
    const void *context;
} plot;

enum { PLOT_COLUMNS = 480 }; /* norms beyond that share columns */

/* Which columns there are for so many norms: sets first, last, at = NaN, mark = -1 of each; how many. */
size_t plot_divide(plot_column columns[PLOT_COLUMNS], size_t norms);
/* Widens a column by the quantiles of one of its norms; one that several share has no median. */
void plot_widen(plot_column *column, const double at[QUANTILES]);

/* Returns a note on the axis for the caption, "" = it is linear. */
const char *plot_draw(FILE *out, const plot *p);
/* The marks of severities, once for a page; and one of them, beside a word. */
void plot_define_marks(FILE *out);
void plot_mark(FILE *out, int severity);
/* Where the norms are along depth: a line with their marks. */
void plot_lane(FILE *out, int severity, const size_t *norms, size_t count, size_t of);

#endif
