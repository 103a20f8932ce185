/* train_curve.h: lines over the epochs of a training, drawn as wide as the page is. */
#ifndef EK_TOOL_TRAIN_CURVE_H
#define EK_TOOL_TRAIN_CURVE_H

#include <stddef.h>
#include <stdio.h>

/* A line; NaN = no point there. Its style says which it is without colour: solid, dashed, dotted, in this order. */
typedef struct curve_line {
    const char *name;
    const double *values;
} curve_line;

enum { CURVE_LINES = 3 };

typedef struct curve {
    const char *id, *title, *caption;
    const double *epochs; /* of each point, rising */
    size_t count;
    curve_line lines[CURVE_LINES]; /* those with a name */
    int logarithmic;               /* where all values are above 0 */
    double best;                   /* an epoch to mark; NaN = none */
} curve;

/* A figure with title, drawing, key and caption. */
void curve_draw(FILE *out, const curve *c);

#endif
