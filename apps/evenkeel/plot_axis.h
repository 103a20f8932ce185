/* plot_axis.h: from values to places between the lower and the upper edge of a plot. */
#ifndef EK_TOOL_PLOT_AXIS_H
#define EK_TOOL_PLOT_AXIS_H

#include "plot.h"

typedef struct axis {
    enum { AXIS_LINEAR, AXIS_LOG, AXIS_BOTH } kind; /* BOTH: linear around 0, logarithmic beyond `knee` */
    double knee, low, high;                         /* low, high: as of axis_place */
    int clipped;                                    /* 1 = values lie below the lower edge */
} axis;

enum { AXIS_TICKS = 12 };

axis axis_fit(const plot *p);
/* 0 = the lower edge, 1 = the upper. */
double axis_share(const axis *a, double value);
/* The values to write beside the plot; how many. */
int axis_ticks(const axis *a, double ticks[AXIS_TICKS]);

#endif
