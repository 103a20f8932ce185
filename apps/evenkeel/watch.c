/* watch.c: one progress callback for all commands that run over a data set. */
#include "watch.h"

#include "interrupt.h"

void watch_start(watch *w, const char *what) {
    w->what = what;
    progress_start(&w->bar);
}

int watch_progress(void *context, int64_t done, int64_t total) {
    watch *w = context;
    progress_draw(&w->bar, w->what, total > 0 ? (double)done / (double)total : 0, "");
    return interrupt_wanted() != 0;
}

void watch_end(watch *w) { progress_clear(&w->bar); }
