/* group.c: group norm, and instance, layer and RMS norm with one scale per channel: groups = C, or 1. Between the
 * phases, per sample and group: in column memory, whose moments are those of single channels, the tree over these; in
 * backward the means of a set from the sums of its channels, and parameter gradients from those of all samples. Rows
 * with a scale per element too, where they are f64.
 */
#include "norm/phases.h"

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

void eki_group_statistics(const eki_job *job, int64_t begin, int64_t end) {
    for (int64_t set = begin; set < end; set++) {
        eki_stats_set(&job->stats, set, group_moments(job, set), job->plan->desc.epsilon);
    }
}

/* Sums of one sample and channel are at block 0 of the sample once its blocks are folded. */
static eki_pair *channel_sums(const eki_job *job, int64_t sample, int64_t channel) {
    return job->sums + sample * job->plan->units.blocks * job->plan->channels + channel;
}

void eki_group_fold(const eki_job *job, int64_t begin, int64_t end) {
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
        double scale = plan->family == EKI_ROWS ? 1.0 : eki_scale_of(job, c); /* one per element is in the sums */
        eki_pair_push(&stack, (eki_pair){scale * sum->a, scale * sum->b});
    }
    eki_pair total = eki_pair_root(&stack);
    eki_put(plan, job->small, 2 * set, plan->centred ? eki_mean_of(total.a, n) : 0.0);
    eki_put(plan, job->small, 2 * set + 1, eki_mean_of(total.b * job->stats.rstd[set], n));
}

void eki_group_means(const eki_job *job, int64_t begin, int64_t end) {
    for (int64_t set = begin; set < end; set++) set_means(job, set);
}

/* dscale and dbias of a channel, in the fixed tree over samples. */
void eki_group_parameters(const eki_job *job, int64_t begin, int64_t end) {
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
        eki_put_gradients(job, c, total.b, total.a);
    }
}
