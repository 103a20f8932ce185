/* compare_time.c: how long two models take, in turns. */
#include "base/timer.h"
#include "surgery/compare.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static ek_status run_model(eki_pair *p, int model) {
    return ek_session_run(p->sessions[model], p->inputs, p->n_inputs, p->err);
}

/* In turns, each round beginning with the other one, for two seconds at most; the first run of each plans and is not
 * counted. */
static ek_status time_both(eki_pair *p, double *seconds[2]) {
    int round = 0;
    for (int m = 0; m < 2; m++) EKI_TRY(run_model(p, m));
    for (double end = eki_now() + 2; round < p->options.timed && (round == 0 || eki_now() < end); round++) {
        for (int k = 0; k < 2; k++) {
            int m = (round + k) % 2;
            double began = eki_now();
            EKI_TRY(run_model(p, m));
            seconds[m][round] = eki_now() - began;
        }
    }
    p->result->timed = round;
    return EK_OK;
}

ek_status eki_pair_time(eki_pair *p) {
    size_t n = (size_t)p->options.timed;
    double *memory = eki_calloc(n, 2 * sizeof *memory), *seconds[2] = {memory, memory + n};
    if (memory == NULL) return eki_fail_nomem(p->err, 2 * n * sizeof *memory);
    p->options.batch = 1;
    ek_status status = eki_pair_inputs(p, 0);
    if (status == EK_OK) status = time_both(p, seconds);
    if (status == EK_OK) {
        int count = p->result->timed;
        for (int m = 0; m < 2; m++) qsort(seconds[m], (size_t)count, sizeof **seconds, by_value);
        p->result->seconds_a = seconds[0][count / 2];
        p->result->seconds_b = seconds[1][count / 2];
    }
    free(memory);
    return status;
}
