/* timer.c: the monotonic clock. */
#include "base/timer.h"

#include <time.h>

double eki_now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
