/* group.c: group norm, and instance, layer and RMS norm with one scale per channel: groups = C, or 1.
 *
 * Statistics per sample and group. In row memory a set is contiguous, so a set that fits the cache is read once for
 * its moments and once more, from the cache, for the affine map. In column memory moments are taken per sample and
 * channel and merged over the channels of the group in the fixed tree.
 */
#include "norm/norm_job.h"

static bool fits_cache(const ek_norm_plan *plan) { return plan->row_sets && plan->row_apply && plan->set_blocks == 1; }

static void group_rows(const eki_job *job, int64_t sample, int64_t first, void (*apply)(const eki_job *, eki_rows)) {
    const ek_norm_plan *plan = job->plan;
    for (int64_t c = 0; c < plan->group_channels; c += EKI_TILE) {
        int64_t rest = plan->group_channels - c, count = rest < EKI_TILE ? rest : EKI_TILE;
        apply(job, (eki_rows){sample, first + c, count, 0, plan->space});
    }
}

static void fused_forward(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    const ek_norm_plan *plan = job->plan;
    int64_t together = eki_sets_together(plan);
    for (int64_t first = begin; first < end; first += together) {
        int64_t last = first + together < end ? first + together : end;
        eki_set_statistics(job, first, last);
        for (int64_t set = first; set < last; set++) {
            group_rows(job, set / plan->groups, set % plan->groups * plan->group_channels, eki_affine_rows);
        }
    }
    eki_end_stream(job);
}

/* Column memory: the tree over the units of each channel, then over the channels of the group. */
static eki_moments group_moments(const eki_job *job, int64_t set) {
    const ek_norm_plan *plan = job->plan;
    int64_t sample = set / plan->groups, first = set % plan->groups * plan->group_channels;
    const eki_moments *partial = job->moments + sample * plan->units.blocks * plan->channels + first;
    eki_moments_stack stack;
    stack.count = 0;
    for (int64_t c = 0; c < plan->group_channels; c++) {
        eki_moments_push(&stack, eki_moments_tree(partial + c, plan->units.blocks, plan->channels));
    }
    return eki_moments_root(&stack);
}

static void merge_sets(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    for (int64_t set = begin; set < end; set++) {
        eki_stats_set(&job->stats, set, group_moments(job, set), job->plan->desc.epsilon);
    }
}

void eki_group_forward(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    if (fits_cache(plan)) {
        copy.stream = eki_streams_once(job);
        eki_ranges(plan, plan->sets, plan->set_size, fused_forward, &copy);
        return;
    }
    if (plan->row_sets) {
        eki_phase_set_moments(job);
    } else {
        eki_phase_moments(job);
        eki_ranges(plan, plan->sets, 8 * plan->group_channels * plan->units.blocks, merge_sets, &copy);
    }
    eki_phase_affine(job);
}

/* Sums of one sample and channel are at block 0 of the sample once its blocks are folded. */
static eki_pair *channel_sums(const eki_job *job, int64_t sample, int64_t channel) {
    return job->sums + sample * job->plan->units.blocks * job->plan->channels + channel;
}

static void fold_blocks(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    const ek_norm_plan *plan = job->plan;
    for (int64_t i = begin; i < end; i++) {
        eki_pair *sum = channel_sums(job, i / plan->channels, i % plan->channels);
        *sum = eki_pair_tree(sum, plan->units.blocks, plan->channels);
    }
}

/* k1 = mean(g) and k2 = mean(g * xhat) of a set, g = scale * dy, in the fixed tree over its channels. */
static void set_means(const eki_job *job, int64_t set) {
    const ek_norm_plan *plan = job->plan;
    int64_t sample = set / plan->groups, first = set % plan->groups * plan->group_channels;
    double n = eki_count_of(job, set);
    eki_pair_stack stack;
    stack.count = 0;
    for (int64_t c = first; c < first + plan->group_channels; c++) {
        const eki_pair *sum = channel_sums(job, sample, c);
        double scale = eki_scale_of(job, c);
        eki_pair_push(&stack, (eki_pair){scale * sum->a, scale * sum->b});
    }
    eki_pair total = eki_pair_root(&stack);
    eki_put(plan, job->small, 2 * set, plan->centred ? eki_mean_of(total.a, n) : 0.0);
    eki_put(plan, job->small, 2 * set + 1, eki_mean_of(total.b * job->stats.rstd[set], n));
}

static void all_set_means(void *context, int64_t begin, int64_t end) {
    for (int64_t set = begin; set < end; set++) set_means(context, set);
}

static void fused_backward(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    const ek_norm_plan *plan = job->plan;
    for (int64_t set = begin; set < end; set++) {
        int64_t sample = set / plan->groups, first = set % plan->groups * plan->group_channels;
        int64_t last = first + plan->group_channels;
        for (int64_t c = first; c < last; c++) eki_gradsums_row(job, sample, c);
        if (!eki_wants_dx(job)) continue;
        set_means(job, set);
        group_rows(job, sample, first, eki_gradaffine_rows);
    }
    eki_end_stream(job);
}

/* dscale and dbias of a channel, in the fixed tree over samples. */
static void parameter_gradients(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    const ek_norm_plan *plan = job->plan;
    for (int64_t c = begin; c < end; c++) {
        eki_pair_stack stack;
        stack.count = 0;
        for (int64_t sample = 0; sample < plan->samples; sample++) {
            const eki_pair *sum = channel_sums(job, sample, c);
            double rstd = job->stats.rstd[eki_set_of(plan, sample, c)];
            eki_pair_push(&stack, (eki_pair){sum->a, rstd * sum->b});
        }
        eki_pair total = eki_pair_root(&stack);
        eki_put(job->plan, job->dbias, c, total.a);
        eki_put(job->plan, job->dscale, c, total.b);
    }
}

static void staged_backward(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    int64_t blocks = plan->units.blocks;
    eki_form_first(&copy);
    eki_phase_gradsums(&copy);
    if (blocks > 1) eki_ranges(plan, plan->samples * plan->channels, 8 * blocks, fold_blocks, &copy);
    if (!eki_wants_dx(job)) return;
    eki_ranges(plan, plan->sets, 8 * plan->group_channels, all_set_means, &copy);
    eki_form_done(&copy);
    eki_phase_gradaffine(&copy);
}

void eki_group_backward(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    if (!eki_wants_dx(job) && job->dscale == NULL && job->dbias == NULL) return;
    if (fits_cache(plan)) {
        eki_ranges(plan, plan->sets, plan->set_size, fused_backward, &copy);
    } else {
        staged_backward(job);
    }
    if (job->dscale != NULL || job->dbias != NULL) {
        eki_ranges(plan, plan->channels, 8 * plan->samples, parameter_gradients, &copy);
    }
}
