/* bench_rounds.c: times contenders against each other. They alternate within a round, so that what disturbs the machine
 * for a while disturbs all of them, and their ratio within a round means something. */
#include "base/error.h"
#include "bench/bench_internal.h"

#include <time.h>

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ek_status timed(const eki_contender *c, double *seconds, ek_error *err) {
    double began = now();
    for (size_t i = 0; i < c->repeats; i++) EKI_TRY(c->run(c->context, err));
    *seconds = (now() - began) / (double)c->repeats;
    return EK_OK;
}

/* Warms up, and repeats a short call until it fills the time of a measurement. */
static ek_status calibrate(eki_contender *c, double least, ek_error *err) {
    double seconds = 0;
    c->repeats = 1;
    EKI_TRY(c->run(c->context, err));
    for (;;) {
        EKI_TRY(timed(c, &seconds, err));
        if (seconds * (double)c->repeats >= 0.5 * least || c->repeats >= 1000000) break;
        c->repeats *= 2;
    }
    while (seconds * (double)c->repeats < least) c->repeats *= 2;
    return EK_OK;
}

ek_status eki_bench_rounds(eki_contender *contenders, int count, const ek_bench_options *options, ek_error *err) {
    for (int i = 0; i < count; i++) {
        if (contenders[i].run != NULL) EKI_TRY(calibrate(&contenders[i], options->seconds, err));
    }
    for (int round = 0; round < options->rounds; round++) {
        for (int k = 0; k < count; k++) {
            eki_contender *c = &contenders[(round + k) % count];
            if (c->run != NULL) EKI_TRY(timed(c, &c->seconds[round], err));
        }
    }
    return EK_OK;
}
