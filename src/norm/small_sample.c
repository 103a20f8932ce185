/* small_sample.c: see small_sample.h. A plan without virtual batches is one batch; of virtual ones the last is the
 * smallest.
 */
#include "norm/small_sample.h"

int64_t eki_ghost_samples(const ek_norm_plan *plan, int64_t g) {
    return eki_min(plan->desc.ghost, plan->samples - g * plan->desc.ghost);
}

int64_t eki_ghost_count(const ek_norm_plan *plan, int64_t g) {
    return plan->ghosts > 1 ? eki_ghost_samples(plan, g) * plan->space : plan->set_size;
}

bool eki_small_single(const ek_norm_plan *plan) { return eki_ghost_count(plan, plan->ghosts - 1) == 1; }

bool eki_small_frozen(const ek_norm_plan *plan) {
    ek_small_sample policy = plan->desc.small_sample;
    return eki_small_single(plan) && (policy == EK_SMALL_SKIP_UPDATE || policy == EK_SMALL_USE_RUNNING);
}

bool eki_small_running(const ek_norm_plan *plan, int64_t count) {
    return count == 1 && plan->desc.small_sample == EK_SMALL_USE_RUNNING;
}
