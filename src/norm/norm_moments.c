/* norm_moments.c: the public moments: those of a batch, merging, and running statistics made of them. */
#include <evenkeel/moments.h>

#include "base/error.h"
#include "base/float_mode.h"
#include "norm/norm_args.h"
#include "norm/small_sample.h"

#include <math.h>

ek_moments ek_moments_merge(ek_moments a, ek_moments b) {
    EKI_FLOAT_DEFAULT(caller);
    eki_moments merged =
        eki_moments_merge((eki_moments){(double)a.count, a.mean, a.m2}, (eki_moments){(double)b.count, b.mean, b.m2});
    return (ek_moments){a.count + b.count, merged.mean, merged.m2};
}

/* A call of its own, which the compiler moves past no change of modes. */
__attribute__((noinline)) static double variance_of(ek_moments moments, ek_running_variance divisor) {
    double n = (double)moments.count;
    if (divisor == EK_VARIANCE_UNBIASED) n -= 1.0;
    return n > 0 ? moments.m2 / n : 0.0;
}

double ek_moments_variance(ek_moments moments, ek_running_variance divisor) {
    EKI_FLOAT_DEFAULT(caller);
    return variance_of(moments, divisor);
}

ek_status ek_norm_batch_moments(const ek_norm_plan *plan, const void *saved, ek_moments *out, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    if (plan == NULL) return eki_fail(err, EK_ERR_ARG, "plan is NULL, expected a plan from ek_norm_plan_create()");
    EKI_TRY(eki_saved_check(plan, saved, "ek_norm_batch_moments()", err));
    if (out == NULL) {
        return eki_fail(err, EK_ERR_ARG, "out is NULL, expected %lld moments, one per set", (long long)plan->sets);
    }
    const eki_saved_header *header = saved;
    eki_stats stats = eki_stats_at(plan, (void *)(uintptr_t)saved, NULL);
    bool empty = header->source != EKI_FROM_BATCH;
    for (int64_t s = 0; s < plan->sets && !empty; s++) {
        double mean = plan->centred ? stats.mean[s] : 0.0, var = eki_saved_var(plan, &stats, s);
        if (isfinite(mean) && isfinite(var)) continue;
        return eki_fail(err, EK_ERR_NONFINITE,
                        "the batch has mean %g and variance %g in set %lld, expected finite numbers: x holds NaN or "
                        "infinity; leave this batch out",
                        mean, var, (long long)s);
    }
    for (int64_t s = 0; s < plan->sets; s++) {
        int64_t n = plan->ghosts > 1 ? eki_ghost_count(plan, s / plan->channels) : header->count;
        if (stats.n != NULL) n = (int64_t)stats.n[s];
        double mean = plan->centred ? stats.mean[s] : 0.0, var = eki_saved_var(plan, &stats, s);
        out[s] = empty ? (ek_moments){0, 0, 0} : (ek_moments){n, mean, var * (double)n};
    }
    return EK_OK;
}

ek_status ek_norm_set_running(const ek_norm_plan *plan, const ek_moments *moments, void *running_mean,
                              void *running_var, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    EKI_TRY(eki_running_check(plan, running_mean, running_var, err));
    if (moments == NULL) {
        return eki_fail(err, EK_ERR_ARG, "moments is NULL, expected %lld moments, one per channel",
                        (long long)plan->channels);
    }
    ek_running_variance divisor = plan->desc.running_variance;
    for (int64_t c = 0; c < plan->channels; c++) {
        if (moments[c].count < 1) {
            return eki_fail(err, EK_ERR_ARG, "moments[%lld].count is %lld, expected at least one element", (long long)c,
                            (long long)moments[c].count);
        }
        double mean = moments[c].mean, var = ek_moments_variance(moments[c], divisor);
        if (eki_fits(plan, mean) && eki_fits(plan, var) && var >= 0) continue;
        return eki_fail(
            err, EK_ERR_NONFINITE,
            "moments[%lld] has mean %g and variance %g, expected numbers of magnitude %g at most and a variance >= 0",
            (long long)c, mean, var, plan->largest);
    }
    for (int64_t c = 0; c < plan->channels; c++) {
        eki_put(plan, running_mean, c, moments[c].mean);
        eki_put(plan, running_var, c, ek_moments_variance(moments[c], divisor));
    }
    return EK_OK;
}
