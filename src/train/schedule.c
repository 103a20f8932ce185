/* schedule.c: the learning rate at a step.
 *
 * Steps count from 0; after the last one the rate stays. Cosine: Loshchilov and Hutter 2017 (SGDR) without restarts.
 * One cycle: Smith and Topin 2019, linear up in the first 30 %, cosine down. Warm-up is linear and reaches the full
 * rate at step `warmup_steps`; the schedule runs over the steps that remain.
 */
#include "train/trainer.h"

#include <math.h>

#define PI 3.14159265358979323846

static double one_cycle(double peak, int64_t step, int64_t total) {
    double low = peak / 25.0, end = peak / 1e4, last = (double)(total - 1), top = 0.3 * (double)total;
    double at = (double)step;
    if (top > last) top = last;
    if (at < top) return low + (peak - low) * (at / top);
    if (last <= top) return peak;
    return end + (peak - end) * 0.5 * (1.0 + cos(PI * (at - top) / (last - top)));
}

double eki_learning_rate(const ek_train_options *o, int64_t step) {
    int64_t total = o->total_steps, warmup = o->schedule == EK_SCHEDULE_ONE_CYCLE ? 0 : o->warmup_steps;
    if (step >= total) step = total - 1;
    if (step < warmup) return o->lr * ((double)(step + 1) / (double)(warmup + 1));
    step -= warmup;
    total -= warmup;
    switch (o->schedule) {
    case EK_SCHEDULE_CONSTANT: return o->lr;
    case EK_SCHEDULE_STEP: {
        double rate = o->lr;
        if (2 * step >= total) rate *= o->step_gamma;
        if (4 * step >= 3 * total) rate *= o->step_gamma;
        return rate;
    }
    case EK_SCHEDULE_COSINE: return o->lr * 0.5 * (1.0 + cos(PI * (double)step / (double)total));
    case EK_SCHEDULE_ONE_CYCLE: return one_cycle(o->lr, step, total);
    }
    return o->lr;
}
