/* norm_running.c: commits the statistics of a batch to the running ones, all channels or none.
 *
 * Two passes: the first only looks, so that a channel whose batch was not finite leaves every channel as it was and
 * is reported. The batch is normalized with divisor n whatever enters the running variance.
 */
#include "base/error.h"
#include "base/float_mode.h"
#include "norm/norm_args.h"
#include "norm/small_sample.h"

#include <math.h>

/* What a forward left in `saved`. */
typedef struct {
    eki_stats stats;
    double count; /* elements of a channel, of the only batch */
} batch_stats;

static batch_stats read_saved(const ek_norm_plan *plan, const eki_saved_header *header) {
    return (batch_stats){eki_stats_at(plan, (void *)(uintptr_t)header, NULL), (double)header->count};
}

/* Elements of channel c in the g-th virtual batch. */
static double elements_of(const ek_norm_plan *plan, const batch_stats *batch, int64_t g, int64_t c) {
    if (batch->stats.n != NULL) return batch->stats.n[g * plan->channels + c];
    return plan->ghosts == 1 ? batch->count : (double)eki_ghost_count(plan, g);
}

/* Variance that enters the running one. One value has no unbiased variance; 0 is its population variance. */
static double ghost_variance(const ek_norm_plan *plan, const batch_stats *batch, int64_t g, int64_t c) {
    double var = eki_saved_var(plan, &batch->stats, g * plan->channels + c), n = elements_of(plan, batch, g, c);
    if (plan->desc.running_variance == EK_VARIANCE_POPULATION || n < 2.0) return var;
    return var * (n / (n - 1.0));
}

/* The means over virtual batches, weighed by their elements; of the only one, the value itself. */
static double batch_mean(const ek_norm_plan *plan, const batch_stats *batch, int64_t c) {
    if (plan->ghosts == 1) return batch->stats.mean[c];
    double sum = 0, n = 0;
    for (int64_t g = 0; g < plan->ghosts; g++) {
        sum += elements_of(plan, batch, g, c) * batch->stats.mean[g * plan->channels + c];
        n += elements_of(plan, batch, g, c);
    }
    return sum / n;
}

static double batch_variance(const ek_norm_plan *plan, const batch_stats *batch, int64_t c) {
    if (plan->ghosts == 1) return ghost_variance(plan, batch, 0, c);
    double sum = 0, n = 0;
    for (int64_t g = 0; g < plan->ghosts; g++) {
        sum += elements_of(plan, batch, g, c) * ghost_variance(plan, batch, g, c);
        n += elements_of(plan, batch, g, c);
    }
    return sum / n;
}

/* running = keep * running + take * batch. */
typedef struct {
    double keep, take;
} weights;

/* 1 + m + ... + m^(t-1), by doubling: only sums and products of what is not negative, so that nothing cancels when m is
 * near 1, and the same bits everywhere. */
static double geometric_sum(double m, int64_t t) {
    double sum = 0, power = 1; /* of the leading bits of t */
    for (int bit = 62; bit >= 0; bit--) {
        sum *= 1.0 + power;
        power *= power;
        if ((t >> bit & 1) == 0) continue;
        sum = 1.0 + m * sum;
        power *= m;
    }
    return sum;
}

/* Without initial values: update t takes 1 / (1 + m + ... + m^(t-1)) = (1 - m) / (1 - m^t). */
static weights debiased_weights(double m, int64_t updates) {
    double sum = geometric_sum(m, updates + 1);
    return (weights){(sum - 1.0) / sum, 1.0 / sum};
}

static weights weights_of(const ek_norm_desc *desc, int64_t updates) {
    bool replace = desc->momentum_convention == EK_MOMENTUM_REPLACE;
    double keep = replace ? 1.0 - desc->momentum : desc->momentum;
    if (desc->momentum_convention == EK_MOMENTUM_CUMULATIVE) return debiased_weights(1.0, updates);
    if (desc->running_start == EK_START_DEBIASED) return debiased_weights(keep, updates);
    return replace ? (weights){keep, desc->momentum} : (weights){keep, 1.0 - keep};
}

static double blend(weights w, double running, double batch) { return w.keep * running + w.take * batch; }

ek_status eki_running_check(const ek_norm_plan *plan, const void *mean, const void *var, ek_error *err) {
    if (plan == NULL) return eki_fail(err, EK_ERR_ARG, "plan is NULL, expected a plan from ek_norm_plan_create()");
    if (plan->family != EKI_BATCH) {
        return eki_fail(err, EK_ERR_ARG, "plan is of %s, which has no running statistics: only batch norm has",
                        eki_norm_kind_name(plan->desc.kind));
    }
    if (mean == NULL || var == NULL) {
        return eki_fail(err, EK_ERR_ARG, "%s is NULL, expected %lld values, one per channel",
                        mean == NULL ? "running_mean" : "running_var", (long long)plan->channels);
    }
    uintptr_t a = (uintptr_t)mean, b = (uintptr_t)var, distance = a < b ? b - a : a - b;
    if (distance < (size_t)plan->channels * eki_real_bytes(plan)) {
        return eki_fail(err, EK_ERR_ARG,
                        "running_mean and running_var overlap: give two separate arrays of %lld values",
                        (long long)plan->channels);
    }
    return EK_OK;
}

static ek_status check_running(const ek_norm_plan *plan, const void *mean, const void *var, ek_error *err) {
    for (int64_t c = 0; c < plan->channels; c++) {
        double m = eki_real(plan, mean, c), v = eki_real(plan, var, c);
        if (isfinite(m) && isfinite(v)) continue;
        bool of_mean = !isfinite(m);
        return eki_fail(err, EK_ERR_NONFINITE,
                        "%s[%lld] is %g before the update, expected a finite number: no batch can repair channel %lld; "
                        "recalibrate the statistics or load them again",
                        of_mean ? "running_mean" : "running_var", (long long)c, of_mean ? m : v, (long long)c);
    }
    return EK_OK;
}

static void look_at_batch(const ek_norm_plan *plan, const batch_stats *batch, ek_norm_update *report) {
    for (int64_t c = 0; c < plan->channels; c++) {
        if (eki_fits(plan, batch_mean(plan, batch, c)) && eki_fits(plan, batch_variance(plan, batch, c))) continue;
        if (report->nonfinite++ == 0) report->first_nonfinite = c;
    }
}

/* At a first commit that keeps nothing of the running statistics they may hold anything. */
static void commit(const ek_norm_plan *plan, const batch_stats *batch, weights w, void *mean, void *var) {
    for (int64_t c = 0; c < plan->channels; c++) {
        double m = w.keep > 0 ? eki_real(plan, mean, c) : 0.0, v = w.keep > 0 ? eki_real(plan, var, c) : 0.0;
        eki_put(plan, mean, c, blend(w, m, batch_mean(plan, batch, c)));
        eki_put(plan, var, c, blend(w, v, batch_variance(plan, batch, c)));
    }
}

/* Whether the commit needs the number of those before it. */
static bool counts(const ek_norm_desc *desc) {
    return desc->momentum_convention == EK_MOMENTUM_CUMULATIVE || desc->running_start == EK_START_DEBIASED;
}

static ek_status update(const ek_norm_plan *plan, const void *saved, void *mean, void *var, int64_t updates,
                        ek_norm_update *done, ek_error *err) {
    const eki_saved_header *header = saved;
    if (header->source != EKI_FROM_BATCH || header->frozen) return EK_OK;
    if (!counts(&plan->desc) || updates > 0) EKI_TRY(check_running(plan, mean, var, err));
    batch_stats batch = read_saved(plan, header);
    look_at_batch(plan, &batch, done);
    if (done->nonfinite > 0) return EK_OK;
    commit(plan, &batch, weights_of(&plan->desc, updates), mean, var);
    done->updated = 1;
    return EK_OK;
}

ek_status ek_norm_update_running(const ek_norm_plan *plan, const void *saved, void *running_mean, void *running_var,
                                 ek_norm_update *report, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_update done = {.updated = 0, .nonfinite = 0, .first_nonfinite = -1};
    if (report != NULL) *report = done;
    EKI_TRY(eki_running_check(plan, running_mean, running_var, err));
    EKI_TRY(eki_saved_check(plan, saved, "ek_norm_update_running()", err));
    if (counts(&plan->desc)) {
        bool cumulative = plan->desc.momentum_convention == EK_MOMENTUM_CUMULATIVE;
        return eki_fail(err, EK_ERR_ARG, "%s, which needs the number of updates so far: call %s",
                        cumulative ? "desc.momentum_convention is EK_MOMENTUM_CUMULATIVE"
                                   : "desc.running_start is EK_START_DEBIASED",
                        cumulative ? "ek_norm_update_cumulative()" : "ek_norm_update_debiased()");
    }
    EKI_TRY(update(plan, saved, running_mean, running_var, 0, &done, err));
    if (report != NULL) *report = done;
    return EK_OK;
}

static ek_status update_counted(const ek_norm_plan *plan, const void *saved, void *mean, void *var, int64_t *updates,
                                const char *call, ek_norm_update *report, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_update done = {.updated = 0, .nonfinite = 0, .first_nonfinite = -1};
    if (report != NULL) *report = done;
    EKI_TRY(eki_running_check(plan, mean, var, err));
    EKI_TRY(eki_saved_check(plan, saved, call, err));
    if (updates == NULL || *updates < 0 || *updates == INT64_MAX) {
        return eki_fail(err, EK_ERR_ARG, "%s, expected the number of updates so far, 0 at first",
                        updates == NULL ? "updates is NULL"
                        : *updates < 0  ? "*updates is negative"
                                        : "*updates is the largest number there is");
    }
    EKI_TRY(update(plan, saved, mean, var, *updates, &done, err));
    *updates += done.updated;
    if (report != NULL) *report = done;
    return EK_OK;
}

ek_status ek_norm_update_cumulative(const ek_norm_plan *plan, const void *saved, void *running_mean, void *running_var,
                                    int64_t *updates, ek_norm_update *report, ek_error *err) {
    if (plan != NULL && plan->family == EKI_BATCH && plan->desc.momentum_convention != EK_MOMENTUM_CUMULATIVE) {
        return eki_fail(
            err, EK_ERR_ARG,
            "desc.momentum_convention is %d, expected EK_MOMENTUM_CUMULATIVE (2): for a moving average call "
            "ek_norm_update_running()",
            (int)plan->desc.momentum_convention);
    }
    return update_counted(plan, saved, running_mean, running_var, updates, "ek_norm_update_cumulative()", report, err);
}

ek_status ek_norm_update_debiased(const ek_norm_plan *plan, const void *saved, void *running_mean, void *running_var,
                                  int64_t *updates, ek_norm_update *report, ek_error *err) {
    if (plan != NULL && plan->family == EKI_BATCH && plan->desc.running_start != EK_START_DEBIASED) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.running_start is %d, expected EK_START_DEBIASED (1): for an average that begins at the "
                        "initial values call ek_norm_update_running()",
                        (int)plan->desc.running_start);
    }
    return update_counted(plan, saved, running_mean, running_var, updates, "ek_norm_update_debiased()", report, err);
}
