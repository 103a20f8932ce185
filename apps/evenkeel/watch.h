/* watch.h: the progress of a library call as a line on the terminal, and Ctrl-C as its end. */
#ifndef EK_TOOL_WATCH_H
#define EK_TOOL_WATCH_H

#include "terminal.h"

typedef struct watch {
    progress bar;
    const char *what;
    int tells;          /* 1 = without a terminal, a note after two seconds and then every twenty */
    double began, said; /* that, and when a note was last */
} watch;

void watch_start(watch *w, const char *what);
/* For the `progress` and `context` of an options struct: draws the line; not zero once a stop was asked for. */
int watch_progress(void *context, int64_t done, int64_t total);
void watch_end(watch *w);

#endif
