/* ghost.c: batch norm over virtual batches ("ghost batches", Hoffer, Hubara and Soudry 2017).
 *
 * A virtual batch is a slice of consecutive examples with statistics of its own; slices run one after the other, each
 * on all threads, and the last may be short. Parameter gradients are sums over slices, in f64, in the fixed tree over
 * the index of the slice.
 */
#include "norm/variants/ghost.h"

#include "norm/norm_schedule.h"
#include "norm/small_sample.h"
#include "norm/variants/mask.h"

static bool takes_running(const eki_job *part) {
    const ek_norm_plan *plan = part->plan;
    return eki_small_running(plan, part->valid != NULL ? part->valid_count : plan->samples * plan->space);
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

eki_job eki_job_slice(const eki_job *job, const ek_norm_plan *slice, int64_t first, int64_t set) {
    eki_job part = *job;
    int64_t offset = first * (eki_buffer_elements(job->plan) / job->plan->samples);
    eki_job_of(&part, slice);
    part.x = eki_from(job, job->x, offset);
    part.y = eki_to(job, job->y, offset);
    part.dy = eki_from(job, job->dy, offset);
    part.dx = eki_to(job, job->dx, offset);
    part.residual = eki_from(job, job->residual, offset);
    part.dresidual = eki_to(job, job->dresidual, offset);
    part.x_of_forward = eki_from(job, job->x_of_forward, offset);
    part.y_of_forward = eki_from(job, job->y_of_forward, offset);
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
    eki_plan_slice(plan, eki_ghost_samples(plan, g), slice);
    return eki_job_slice(job, slice, g * plan->desc.ghost, g * plan->channels);
}

void eki_ghost_forward(const eki_job *job, bool running) {
    for (int64_t g = 0; g < job->plan->ghosts; g++) {
        ek_norm_plan slice;
        eki_job part = ghost_job(job, g, &slice);
        eki_schedule schedule = eki_schedule_forward(&part, running || takes_running(&part));
        eki_run(&part, &schedule);
    }
}

void eki_ghost_again(const eki_job *job) {
    for (int64_t g = 0; g < job->plan->ghosts; g++) {
        ek_norm_plan slice;
        eki_job part = ghost_job(job, g, &slice);
        eki_schedule schedule = eki_schedule_again(&part);
        eki_run(&part, &schedule);
    }
}

static void sum_parameters(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    for (int64_t c = 0; c < plan->channels; c++) {
        eki_pair total = eki_pair_tree(job->totals + c, plan->ghosts, plan->channels);
        eki_put_gradients(job, c, total.b, total.a);
    }
}

void eki_ghost_backward(const eki_job *job, bool through_statistics) {
    const ek_norm_plan *plan = job->plan;
    bool parameters = eki_wants_parameters(job);
    for (int64_t g = 0; g < plan->ghosts; g++) {
        ek_norm_plan slice;
        eki_job part = ghost_job(job, g, &slice);
        part.dscale = part.dbias = NULL;
        part.totals = parameters ? job->totals + g * plan->channels : NULL;
        eki_schedule schedule = eki_schedule_backward(&part, through_statistics && !takes_running(&part));
        eki_run(&part, &schedule);
    }
    if (parameters) sum_parameters(job);
}
