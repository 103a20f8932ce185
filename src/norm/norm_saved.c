/* norm_saved.c: `saved` of statistics that the caller has. */
#include "base/error.h"
#include "base/float_mode.h"
#include "norm/norm_args.h"
#include "norm/norm_stats.h"

static ek_status check_plan(const ek_norm_plan *plan, ek_error *err) {
    if (plan == NULL) return eki_fail(err, EK_ERR_ARG, "plan is NULL, expected a plan from ek_norm_plan_create()");
    if (!plan->masked && !plan->renorm) return EK_OK;
    return eki_fail(
        err, EK_ERR_UNSUPPORTED,
        "the plan has %s, whose backward needs more than mean and rstd: keep the `saved` of ek_norm_forward()",
        plan->masked ? "desc.masked" : "batch renorm");
}

static ek_status check_arrays(const ek_norm_plan *plan, const void *mean, const void *rstd, const void *saved,
                              ek_error *err) {
    if (rstd == NULL || (plan->centred && mean == NULL)) {
        return eki_fail(err, EK_ERR_ARG, "%s is NULL, expected %lld values, one per set",
                        rstd == NULL ? "rstd" : "mean", (long long)plan->sets);
    }
    if (saved == NULL || (uintptr_t)saved % sizeof(double) != 0) {
        return eki_fail(err, EK_ERR_ARG, "saved is at %p, expected %zu bytes (ek_norm_saved_bytes), 8-byte aligned",
                        saved, ek_norm_saved_bytes(plan));
    }
    for (int64_t set = 0; set < plan->sets; set++) {
        double value = eki_real(plan, rstd, set);
        if (!(value < 0.0)) continue;
        return eki_fail(err, EK_ERR_ARG, "rstd[%lld] is %g, expected 1 / sqrt(var + epsilon), which is never negative",
                        (long long)set, value);
    }
    return EK_OK;
}

ek_status ek_norm_saved_from(const ek_norm_plan *plan, const void *mean, const void *rstd, void *saved, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    EKI_TRY(check_plan(plan, err));
    EKI_TRY(check_arrays(plan, mean, rstd, saved, err));
    eki_saved_begin(plan, saved, plan->elements > 0 ? EKI_FROM_BATCH : EKI_FROM_NOTHING);
    eki_stats stats = eki_stats_at(plan, saved, NULL);
    stats.header->given = 1;
    for (int64_t set = 0; set < plan->sets; set++) {
        if (plan->centred) stats.mean[set] = eki_real(plan, mean, set);
        stats.var[set] = eki_real(plan, rstd, set);
    }
    return EK_OK;
}
