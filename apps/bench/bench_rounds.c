/* bench_rounds.c: times contenders against each other, in rounds. Short calls are made once before they are timed, so
 * that nobody pays for what the one before left in the caches: the order is the same in every round. */
#include "bench/bench_internal.h"

#include <time.h>

enum { MOST_REPEATS = 1000000 };

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ek_status timed(const ek_contender *c, double *seconds, ek_error *err) {
    double began = now();
    for (int64_t i = 0; i < c->repeats; i++) EKB_TRY(c->run(c->context, err));
    *seconds = (now() - began) / (double)c->repeats;
    return EK_OK;
}

/* Warms up, and repeats a short call until it fills the time of a measurement. */
static ek_status calibrate(ek_contender *c, double least, ek_error *err) {
    double seconds = 0;
    c->repeats = 1;
    EKB_TRY(c->run(c->context, err));
    while (least > 0) {
        EKB_TRY(timed(c, &seconds, err));
        if (seconds * (double)c->repeats >= 0.5 * least || c->repeats >= MOST_REPEATS) break;
        c->repeats *= 2;
    }
    while (seconds * (double)c->repeats < least && c->repeats < MOST_REPEATS) c->repeats *= 2;
    return EK_OK;
}

ek_status ek_bench_rounds(ek_contender *contenders, int count, const ek_round_options *options, int *rounds,
                          ek_error *err) {
    if (contenders == NULL || options == NULL || count < 1 || options->rounds < 1) {
        return ekb_fail(err, EK_ERR_ARG, "there must be contenders and options with at least one round");
    }
    for (int i = 0; i < count; i++) {
        if (contenders[i].run != NULL) EKB_TRY(calibrate(&contenders[i], options->seconds, err));
    }
    double began = now();
    int round = 0;
    for (; round < options->rounds; round++) {
        if (options->stopped != NULL && options->stopped()) {
            return ekb_fail(err, EK_ERR_INTERRUPTED, "interrupted after %d rounds", round);
        }
        if (round > 0 && options->patience > 0 && now() - began >= options->patience) break;
        for (int k = 0; k < count; k++) {
            ek_contender *c = &contenders[(round + k) % count];
            if (c->run == NULL) continue;
            if (options->seconds > 0) EKB_TRY(c->run(c->context, err));
            EKB_TRY(timed(c, &c->seconds[round], err));
        }
    }
    if (rounds != NULL) *rounds = round;
    return EK_OK;
}
