/* timer.c: the monotonic clock, and that of a thread. */
#include "base/timer.h"

#include <time.h>

static double read_clock(clockid_t clock) {
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double eki_now(void) { return read_clock(CLOCK_MONOTONIC); }
double eki_thread_seconds(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }
