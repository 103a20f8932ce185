/* norm.c: the public calls of one execution: check, arrange the pointers as a job, and hand it to the family. */
#include <evenkeel/norm.h>

#include "base/error.h"
#include "cpu/dispatch.h"
#include "norm/norm_job.h"

#include <string.h>

static eki_job make_job(const ek_norm_plan *plan, const ek_norm_args *args) {
    char *workspace = args->workspace;
    void *stats = args->saved != NULL ? args->saved : (void *)workspace;
    float *small = (float *)(void *)(workspace + plan->small_offset);
    void *partials = workspace + plan->partial_offset;
    eki_job job = {.plan = plan, .kernels = eki_kernels_get()};
    job.x = args->x;
    job.y = args->y;
    job.scale = args->scale;
    job.bias = args->bias;
    job.residual = plan->desc.residual ? args->residual : NULL;
    job.x_of_forward = args->x;
    job.stats = eki_stats_at(stats, plan->sets);
    job.small = small;
    job.moments = partials;
    job.sums = partials;
    int64_t c = plan->channels;
    job.affine = (eki_affine_columns){small, small + c, small + 2 * c, small + 3 * c};
    small += 4 * c;
    job.gradient = (eki_gradient_columns){small, small + c, small + 2 * c, small + 3 * c, small + 4 * c, small + 5 * c};
    return job;
}

static void write_header(const ek_norm_plan *plan, const eki_stats *stats, eki_source source, bool frozen) {
    memset(stats->header, 0, sizeof *stats->header);
    stats->header->magic = EKI_SAVED_MAGIC;
    stats->header->fingerprint = plan->fingerprint;
    stats->header->count = plan->set_size;
    stats->header->source = source;
    stats->header->frozen = frozen;
}

static void take_running(const eki_job *job, const ek_norm_args *args) {
    for (int64_t c = 0; c < job->plan->channels; c++) {
        job->stats.mean[c] = (double)args->running_mean[c];
        job->stats.var[c] = (double)args->running_var[c];
        job->stats.rstd[c] = eki_rstd(job->stats.var[c], job->plan->desc.epsilon);
    }
}

static void forward_batch(const eki_job *job, bool running, const ek_norm_args *args) {
    if (running) {
        take_running(job, args);
    } else {
        eki_batch_moments(job);
    }
    eki_batch_forward(job);
}

static void clear_stats(const eki_job *job) {
    memset(job->stats.mean, 0, 3 * (size_t)job->plan->sets * sizeof(double));
}

static void write_outputs(const eki_job *job, const ek_norm_args *args) {
    for (int64_t set = 0; set < job->plan->sets; set++) {
        if (args->mean != NULL) args->mean[set] = (float)job->stats.mean[set];
        if (args->var != NULL) args->var[set] = (float)job->stats.var[set];
    }
}

ek_status ek_norm_forward(const ek_norm_plan *plan, ek_norm_stats stats, const ek_norm_args *args, ek_error *err) {
    EKI_TRY(eki_args_check_forward(plan, stats, args, err));
    eki_job job = make_job(plan, args);
    bool batch = plan->family == EKI_BATCH, single = batch && plan->set_size == 1;
    bool running = batch && (stats == EK_STATS_RUNNING || (single && plan->desc.small_sample == EK_SMALL_USE_RUNNING));
    bool frozen = single && plan->desc.small_sample == EK_SMALL_SKIP_UPDATE;
    eki_source source = plan->elements == 0 ? EKI_FROM_NOTHING : running ? EKI_FROM_RUNNING : EKI_FROM_BATCH;
    if (plan->elements == 0) {
        clear_stats(&job);
    } else if (batch) {
        forward_batch(&job, running, args);
    } else if (plan->family == EKI_GROUP) {
        eki_group_forward(&job);
    } else {
        eki_rows_forward(&job);
    }
    write_header(plan, &job.stats, source, frozen);
    if (args->mean != NULL || args->var != NULL) write_outputs(&job, args);
    return EK_OK;
}

/* Gradients over no elements are zero. */
static void zero_parameters(const eki_job *job) {
    size_t count = (size_t)(job->plan->family == EKI_ROWS ? job->plan->space : job->plan->channels);
    if (job->dscale != NULL) memset(job->dscale, 0, count * sizeof(float));
    if (job->dbias != NULL) memset(job->dbias, 0, count * sizeof(float));
}

ek_status ek_norm_backward(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err) {
    EKI_TRY(eki_args_check_backward(plan, args, err));
    eki_job job = make_job(plan, args);
    job.dy = args->dy;
    job.dx = args->dx;
    job.dscale = args->dscale;
    job.dbias = args->dbias;
    job.dresidual = plan->desc.residual ? args->dresidual : NULL;
    job.y_of_forward = eki_reads_output(plan) ? args->y : NULL;
    if (plan->elements == 0) {
        zero_parameters(&job);
    } else if (plan->family == EKI_BATCH) {
        eki_batch_backward(&job, job.stats.header->source == EKI_FROM_BATCH);
    } else if (plan->family == EKI_GROUP) {
        eki_group_backward(&job);
    } else {
        eki_rows_backward(&job);
    }
    return EK_OK;
}
