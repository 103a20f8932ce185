/* ghost.c: batch norm over virtual batches ("ghost batches", Hoffer, Hubara and Soudry 2017).
 *
 * A virtual batch is a slice of consecutive examples with statistics of its own; slices run one after the other, each
 * on all threads, and the last may be short. Parameter gradients are sums over slices, in f64, in the fixed tree over
 * the index of the slice. A plan without virtual batches is one slice, and then nothing is sliced.
 */
#include "norm/norm_job.h"

static int64_t ghost_samples(const ek_norm_plan *plan, int64_t g) {
    int64_t rest = plan->samples - g * plan->desc.ghost;
    return rest < plan->desc.ghost ? rest : plan->desc.ghost;
}

int64_t eki_ghost_count(const ek_norm_plan *plan, int64_t g) {
    return plan->ghosts > 1 ? ghost_samples(plan, g) * plan->space : plan->set_size;
}

/* The last one is the smallest. */
bool eki_ghost_single(const ek_norm_plan *plan) { return eki_ghost_count(plan, plan->ghosts - 1) == 1; }

bool eki_ghost_running(const ek_norm_plan *plan, int64_t samples) {
    return samples * plan->space == 1 && plan->desc.small_sample == EK_SMALL_USE_RUNNING;
}

/* The same of a slice that may have a mask. */
static bool slice_runs(const eki_job *part) {
    if (part->valid == NULL) return eki_ghost_running(part->plan, part->plan->samples);
    return part->valid_count == 1 && part->plan->desc.small_sample == EK_SMALL_USE_RUNNING;
}

bool eki_masked_single(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    if (plan->ghosts == 1) return job->valid_count == 1;
    for (int64_t g = 0; g < plan->ghosts; g++) {
        const unsigned char *valid = job->valid + g * plan->desc.ghost * plan->space;
        if (eki_count_valid(valid, eki_ghost_count(plan, g)) == 1) return true;
    }
    return false;
}

bool eki_ghost_frozen(const ek_norm_plan *plan) {
    ek_small_sample policy = plan->desc.small_sample;
    return eki_ghost_single(plan) && (policy == EK_SMALL_SKIP_UPDATE || policy == EK_SMALL_USE_RUNNING);
}

eki_job eki_job_slice(const eki_job *job, const ek_norm_plan *slice, int64_t first, int64_t set) {
    eki_job part = *job;
    int64_t offset = first * (eki_buffer_elements(job->plan) / job->plan->samples);
    part.plan = slice;
    part.x = eki_at(job, job->x, offset);
    part.y = eki_to(job, job->y, offset);
    part.dy = eki_at(job, job->dy, offset);
    part.dx = eki_to(job, job->dx, offset);
    part.residual = eki_at(job, job->residual, offset);
    part.dresidual = eki_to(job, job->dresidual, offset);
    part.x_of_forward = eki_at(job, job->x_of_forward, offset);
    part.y_of_forward = eki_at(job, job->y_of_forward, offset);
    part.stats.mean += set;
    part.stats.rstd += set;
    part.stats.var += set;
    if (job->valid != NULL) {
        part.stats.n += set;
        part.valid += first * job->plan->space;
        part.valid_count = eki_count_valid(part.valid, slice->samples * slice->space);
    }
    if (job->stats.r != NULL) {
        part.stats.r += set;
        part.stats.d += set;
    }
    return part;
}

static eki_job ghost_job(const eki_job *job, int64_t g, ek_norm_plan *slice) {
    const ek_norm_plan *plan = job->plan;
    eki_plan_slice(plan, ghost_samples(plan, g), slice);
    return eki_job_slice(job, slice, g * plan->desc.ghost, g * plan->channels);
}

void eki_ghost_forward(const eki_job *job, bool running) {
    if (job->plan->ghosts == 1) {
        eki_batch_forward(job, running);
        return;
    }
    for (int64_t g = 0; g < job->plan->ghosts; g++) {
        ek_norm_plan slice;
        eki_job part = ghost_job(job, g, &slice);
        eki_batch_forward(&part, running || slice_runs(&part));
    }
}

static void sum_parameters(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    for (int64_t c = 0; c < plan->channels; c++) {
        eki_pair total = eki_pair_tree(job->totals + c, plan->ghosts, plan->channels);
        eki_put(job->plan, job->dbias, c, total.a);
        eki_put(job->plan, job->dscale, c, total.b);
    }
}

void eki_ghost_backward(const eki_job *job, bool through_statistics) {
    const ek_norm_plan *plan = job->plan;
    if (plan->ghosts == 1) {
        eki_batch_backward(job, through_statistics);
        return;
    }
    bool parameters = job->dscale != NULL || job->dbias != NULL;
    for (int64_t g = 0; g < plan->ghosts; g++) {
        ek_norm_plan slice;
        eki_job part = ghost_job(job, g, &slice);
        part.dscale = part.dbias = NULL;
        part.totals = parameters ? job->totals + g * plan->channels : NULL;
        eki_batch_backward(&part, through_statistics && !slice_runs(&part));
    }
    if (parameters) sum_parameters(job);
}
