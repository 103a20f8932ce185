/* norm.c: the public calls of one execution: check, arrange the pointers as a job, and walk its schedule. */
#include <evenkeel/norm.h>

#include "base/error.h"
#include "cpu/dispatch.h"
#include "norm/norm_args.h"
#include "norm/norm_schedule.h"
#include "norm/small_sample.h"
#include "norm/variants/ghost.h"
#include "norm/variants/mask.h"

#include <string.h>

eki_job eki_job_make(const ek_norm_plan *plan, const ek_norm_args *args, eki_float_mode caller) {
    char *workspace = args->workspace;
    void *saved = args->saved != NULL ? args->saved : (void *)workspace;
    void *partials = workspace + plan->partial_offset;
    eki_job job = {.kernels = eki_kernels_get(plan->data), .caller = caller};
    eki_job_of(&job, plan);
    job.x = args->x;
    job.y = args->y;
    job.scale = args->scale;
    job.bias = args->bias;
    job.dscale = args->dscale;
    job.dbias = args->dbias;
    job.dy = args->dy;
    job.dx = args->dx;
    job.adds_dx = args->dx != NULL && (args->flags & EK_ACCUMULATE_DX);
    job.adds_dscale = args->flags & EK_ACCUMULATE_DSCALE;
    job.adds_dbias = args->flags & EK_ACCUMULATE_DBIAS;
    job.residual = plan->desc.residual ? args->residual : NULL;
    job.dresidual = plan->desc.residual ? args->dresidual : NULL;
    job.x_of_forward = args->x;
    job.y_of_forward = eki_reads_output(plan) ? args->y : NULL;
    job.running_mean = args->running_mean;
    job.running_var = args->running_var;
    job.stats = eki_stats_at(plan, saved, workspace + plan->stats_offset);
    job.moments = partials;
    job.sums = partials;
    if (plan->ghosts > 1) job.totals = (eki_pair *)(void *)(workspace + plan->totals_offset);
    job.stream = plan->stream && args->y != args->x && (args->dx != args->dy || args->dx == NULL) &&
                 (args->y != args->residual || args->y == NULL) && !plan->masked;
    if (plan->masked) job.valid = (unsigned char *)workspace + plan->mask_offset;
    eki_job_gradient_at(&job, workspace + plan->small_offset);
    job.affine = (eki_scaling_columns){eki_coefficient(&job, 6), eki_coefficient(&job, 7), eki_coefficient(&job, 8),
                                       eki_coefficient(&job, 9)};
    return job;
}

/* rows.c makes x - mean of every row as it comes to it, so there the mean is 0. */
void eki_job_from_y(eki_job *job, const void *y) {
    job->from_y = true;
    job->x = y;
    if (eki_rows_from_y(job)) job->stats.mean = job->stats.rstd + job->plan->sets;
}

void eki_job_gradient_at(eki_job *job, void *small) {
    job->small = small;
    job->gradient = (eki_gradient_columns){eki_coefficient(job, 0), eki_coefficient(job, 1), eki_coefficient(job, 2),
                                           eki_coefficient(job, 3), eki_coefficient(job, 4), eki_coefficient(job, 5)};
}

static void clear_stats(const eki_job *job) {
    memset(job->stats.header + 1, 0, (size_t)eki_saved_bytes(job->plan) - sizeof *job->stats.header);
    memset(job->stats.rstd, 0, (size_t)eki_stats_bytes(job->plan));
}

/* Whether the small sample policy applies to a batch under a mask. */
static bool single_valid(const eki_job *job, ek_small_sample policy) {
    return job->plan->desc.small_sample == policy && eki_masked_single(job);
}

/* Virtual batches under USE_RUNNING go on by themselves, but nothing is committed. */
static bool masked_frozen(const eki_job *job, eki_source source) {
    if (source == EKI_FROM_NOTHING) return false;
    return single_valid(job, EK_SMALL_SKIP_UPDATE) || single_valid(job, EK_SMALL_USE_RUNNING);
}

static void write_header(const eki_job *job, eki_source source) {
    eki_saved_begin(job->plan, job->stats.header, source);
    if (!job->plan->masked) return;
    job->stats.header->positions = job->valid_count;
    job->stats.header->frozen = job->plan->family == EKI_BATCH && masked_frozen(job, source);
}

void eki_stats_publish(const eki_job *job, const ek_norm_args *args, eki_source source) {
    if (source == EKI_FROM_NOTHING) clear_stats(job);
    write_header(job, source);
    for (int64_t set = 0; args->mean != NULL && set < job->plan->sets; set++) {
        eki_put(job->plan, args->mean, set, job->stats.mean[set]);
    }
    for (int64_t set = 0; args->var != NULL && set < job->plan->sets; set++) {
        eki_put(job->plan, args->var, set, job->stats.var[set]);
    }
    for (int64_t set = 0; args->rstd != NULL && set < job->plan->sets; set++) {
        eki_put(job->plan, args->rstd, set, job->stats.rstd[set]);
    }
}

static void complete(const eki_job *job, int64_t begin, int64_t end) {
    const eki_stats *stats = &job->stats;
    if (stats->header->source == EKI_FROM_NOTHING) {
        for (int64_t set = begin; set < end; set++) stats->rstd[set] = 0.0;
    } else if (stats->header->given) {
        for (int64_t set = begin; set < end; set++) stats->rstd[set] = stats->var[set];
    } else {
        eki_rstds(stats->var + begin, end - begin, job->plan->desc.epsilon, stats->rstd + begin);
    }
    if (job->plan->centred && !eki_rows_from_y(job)) return;
    for (int64_t set = begin; set < end; set++) stats->mean[set] = 0.0;
}

void eki_stats_complete(const eki_job *job) { eki_run_stage(job, EKI_OVER_MERGES, complete); }

/* Looks at the mask: how many values it leaves, and so whether a batch can be normalized by itself. */
static ek_status take_mask(eki_job *job, const ek_norm_args *args, bool *running, ek_error *err) {
    const ek_norm_plan *plan = job->plan;
    eki_mask_fill(job, args);
    if (plan->family != EKI_BATCH || *running) return EK_OK;
    if (single_valid(job, EK_SMALL_ERROR)) return eki_small_sample_error(plan, err);
    bool substitute = single_valid(job, EK_SMALL_USE_RUNNING);
    *running = substitute && plan->ghosts == 1;
    return substitute ? eki_args_check_running(plan, args, err) : EK_OK;
}

ek_status ek_norm_forward(const ek_norm_plan *plan, ek_norm_stats stats, const ek_norm_args *given, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    EKI_TRY(eki_args_take_forward(plan, stats, given, &args, err));
    eki_job job = eki_job_make(plan, &args, caller);
    bool batch = plan->family == EKI_BATCH,
         substitute = !plan->masked && eki_small_running(plan, plan->samples * plan->space);
    bool running = batch && (stats == EK_STATS_RUNNING || substitute);
    if (plan->masked && plan->elements > 0) EKI_TRY(take_mask(&job, &args, &running, err));
    bool nothing = plan->elements == 0 || (plan->masked && job.valid_count == 0);
    eki_source source = nothing ? EKI_FROM_NOTHING : running ? EKI_FROM_RUNNING : EKI_FROM_BATCH;
    if (plan->ghosts > 1 && plan->elements > 0) {
        eki_ghost_forward(&job, running);
    } else if (plan->elements > 0) {
        eki_schedule schedule = eki_schedule_forward(&job, running);
        eki_run(&job, &schedule);
    }
    eki_stats_publish(&job, &args, source);
    return EK_OK;
}

ek_status ek_norm_forward_again(const ek_norm_plan *plan, const ek_norm_args *given, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    EKI_TRY(eki_args_take_again(plan, given, &args, err));
    if (plan->elements == 0) return EK_OK;
    eki_job job = eki_job_make(plan, &args, caller);
    if (plan->masked) {
        eki_mask_fill(&job, &args);
        EKI_TRY(eki_mask_check_again(&job, err));
    }
    eki_stats_complete(&job);
    if (plan->ghosts > 1) {
        eki_ghost_again(&job);
    } else {
        eki_schedule schedule = eki_schedule_again(&job);
        eki_run(&job, &schedule);
    }
    return EK_OK;
}

/* Gradients over no elements are zero. */
void eki_zero_parameters(const eki_job *job) {
    int64_t count = job->plan->family == EKI_ROWS ? job->plan->space : job->plan->channels;
    for (int64_t i = 0; i < count; i++) eki_put_gradients(job, i, 0.0, 0.0);
}

ek_status ek_norm_backward(const ek_norm_plan *plan, const ek_norm_args *given, ek_error *err) {
    EKI_FLOAT_DEFAULT(caller);
    ek_norm_args args;
    EKI_TRY(eki_args_take_backward(plan, given, &args, err));
    eki_job job = eki_job_make(plan, &args, caller);
    if (plan->masked && plan->elements > 0) {
        eki_mask_fill(&job, &args);
        EKI_TRY(eki_mask_check_again(&job, err));
    }
    if (args.flags & EK_BACKWARD_FROM_Y) eki_job_from_y(&job, args.y);
    eki_stats_complete(&job);
    bool through_statistics = job.stats.header->source == EKI_FROM_BATCH;
    if (plan->elements == 0) {
        eki_zero_parameters(&job);
    } else if (plan->ghosts > 1) {
        eki_ghost_backward(&job, through_statistics);
    } else {
        eki_schedule schedule = eki_schedule_backward(&job, through_statistics);
        eki_run(&job, &schedule);
    }
    return EK_OK;
}
