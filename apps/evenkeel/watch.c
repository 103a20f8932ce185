/* watch.c: one progress callback for all commands that run over a data set. */
#include "watch.h"

#include "interrupt.h"
#include "message.h"

#include <inttypes.h>

void watch_start(watch *w, const char *what) {
    w->what = what;
    w->tells = 0;
    w->began = w->said = clock_seconds();
    progress_start(&w->bar);
}

int watch_progress(void *context, int64_t done, int64_t total) {
    watch *w = context;
    progress_draw(&w->bar, w->what, total > 0 ? (double)done / (double)total : 0, "");
    double now = clock_seconds(), pause = w->said > w->began ? 20 : 2;
    if (w->tells && !w->bar.shown && now - w->said > pause) {
        note("%s: %" PRId64 " of %" PRId64, w->what, done, total);
        w->said = now;
    }
    return interrupt_wanted() != 0;
}

void watch_end(watch *w) { progress_clear(&w->bar); }
