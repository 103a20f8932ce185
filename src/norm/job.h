/* job.h: one execution of a plan: the pointers of the call, where its results go on the way, and how far it is. */
#ifndef EKI_NORM_JOB_H
#define EKI_NORM_JOB_H

#include "base/float_mode.h"
#include "kernel/kernel.h"
#include "norm/norm_plan.h"
#include "norm/norm_stats.h"

typedef struct eki_job {
    const ek_norm_plan *plan;
    const eki_kernels *kernels;
    eki_float_mode caller; /* modes of the caller's thread, which a thread seam runs in */
    const void *x, *dy;    /* data: eki_from() and eki_to() find its elements */
    void *y, *dx;
    const void *scale, *bias; /* parameters: eki_real(), eki_put() */
    void *dscale, *dbias;
    bool adds_dx, adds_dscale, adds_dbias; /* to what is there */
    bool from_y;                           /* x is the y of the forward */
    const void *residual;                  /* as the descriptor says, else NULL */
    void *dresidual;
    bool forms;               /* gradient sums write dresidual, and what follows them reads it as dy */
    bool formed;              /* they have: dy is the gradient before the activation */
    const void *x_of_forward; /* x, whatever map the affine phases are used for; NULL: the map scales gradients */
    const void *y_of_forward; /* backward: what tells the slope of the activation, or NULL = compute t again */
    const void *running_mean, *running_var;
    eki_slabs window;       /* what the phases are at */
    const eki_units *cells; /* of the plan */
    bool stream;            /* results go past the caches; for the affine phases; in backward only with nothing fused */
    eki_stats stats;
    unsigned char *valid; /* [sample][position], ROWS [row], 1 = valid, else 0; NULL without a mask */
    int64_t valid_count;  /* with a mask: valid positions of all samples, elements of a channel */
    void *small;          /* as parameters: BATCH: coefficients of the channels; GROUP, ROWS: k1, k2 of the sets */
    eki_moments *moments; /* BATCH, GROUP: [unit][channel]; contiguous sets: [set][block] */
    eki_pair *sums;       /* the same places, in backward */
    eki_pair *totals;     /* BATCH: where backward leaves dbias, dscale of the channels in f64, or NULL */
    eki_gradient_columns gradient; /* BATCH: arrays over channels, in `small`; of doubles where parameters are */
    eki_scaling_columns affine;    /* likewise, behind them */
} eki_job;

/* norm.c: the pointers of a call as a job; the header of saved, and args.mean and args.var; zero gradients. */
eki_job eki_job_make(const ek_norm_plan *plan, const ek_norm_args *args, eki_float_mode caller);
void eki_job_from_y(eki_job *job, const void *y);
void eki_job_gradient_at(eki_job *job, void *small); /* gradient coefficients are there from now on */
void eki_stats_publish(const eki_job *job, const ek_norm_args *args, eki_source source);
void eki_stats_complete(const eki_job *job); /* what `saved` lacks, made of what it has */
void eki_zero_parameters(const eki_job *job);

/* The job is of all of `plan` from now on. */
static inline void eki_job_of(eki_job *job, const ek_norm_plan *plan) {
    job->plan = plan;
    job->window = (eki_slabs){0, plan->slabs};
    job->cells = &plan->cells;
}

/* Where element `offset` of a tensor is; NULL of no tensor. */
static inline const void *eki_from(const eki_job *job, const void *tensor, int64_t offset) {
    return tensor != NULL ? (const char *)tensor + offset * job->plan->element_bytes : NULL;
}
static inline void *eki_to(const eki_job *job, void *tensor, int64_t offset) {
    return tensor != NULL ? (char *)tensor + offset * job->plan->element_bytes : NULL;
}

/* Where coefficient i of the channels begins in `small`: six of job->gradient, then four of job->affine. */
static inline void *eki_coefficient(const eki_job *job, int i) {
    return (char *)job->small + (size_t)(i * job->plan->channels) * eki_real_bytes(job->plan);
}

/* One element. */
static inline double eki_value(const eki_job *job, const void *element) {
    float value;
    if (job->plan->data == EKI_F32) return (double)*(const float *)element;
    job->kernels->widen(element, 1, &value);
    return (double)value;
}

static inline double eki_scale_of(const eki_job *job, int64_t channel) {
    return job->scale != NULL ? eki_real(job->plan, job->scale, channel) : 1.0;
}

static inline double eki_bias_of(const eki_job *job, int64_t channel) {
    return job->bias != NULL ? eki_real(job->plan, job->bias, channel) : 0.0;
}

/* Batch renorm is an affine map behind xhat: it changes scale and bias, and nothing else. r and d are constants. */
static inline double eki_map_scale(const eki_job *job, int64_t channel) {
    return eki_scale_of(job, channel) * (job->stats.r != NULL ? job->stats.r[channel] : 1.0);
}

static inline double eki_map_bias(const eki_job *job, int64_t channel) {
    double shift = job->stats.d != NULL ? eki_scale_of(job, channel) * job->stats.d[channel] : 0.0;
    return eki_bias_of(job, channel) + shift;
}

/* One gradient of a parameter. */
static inline void eki_put_gradient(const ek_norm_plan *plan, void *array, int64_t i, double value, bool adds) {
    if (array == NULL || !adds) {
        eki_put(plan, array, i, value);
    } else if (plan->wide) {
        ((double *)array)[i] += value;
    } else {
        ((float *)array)[i] += (float)value;
    }
}
static inline void eki_put_gradients(const eki_job *job, int64_t i, double dscale, double dbias) {
    eki_put_gradient(job->plan, job->dbias, i, dbias, job->adds_dbias);
    eki_put_gradient(job->plan, job->dscale, i, dscale, job->adds_dscale);
}

/* What of an element of x, or of y in its place, makes (x - mean): centre is taken away, and the rest multiplied. */
static inline double eki_centre(const eki_job *job, int64_t set, int64_t channel) {
    return job->from_y ? eki_map_bias(job, channel) : job->stats.mean[set];
}
static inline double eki_unscale(const eki_job *job, int64_t set, int64_t channel) {
    if (!job->from_y) return 1.0;
    double gain = eki_map_scale(job, channel) * job->stats.rstd[set];
    return gain == 0.0 ? 0.0 : 1.0 / gain;
}

/* Elements of a set; sum / n, and 0 for the empty set. */
static inline double eki_count_of(const eki_job *job, int64_t set) {
    return job->stats.n != NULL ? job->stats.n[set] : (double)job->plan->set_size;
}
static inline double eki_mean_of(double sum, double n) { return n > 0 ? sum / n : 0.0; }

/* The addition to dx is the gradient kernels'; the maps of f64 have their own. */
static inline bool eki_adds_by_kernels(const eki_job *job) { return job->adds_dx && !job->plan->wide; }

static inline bool eki_rows_from_y(const eki_job *job) { return job->from_y && eki_by_rows(job->plan); }

static inline bool eki_wants_parameters(const eki_job *job) { return job->dscale != NULL || job->dbias != NULL; }
static inline bool eki_wants_dx(const eki_job *job) { return job->dx != NULL || job->dresidual != NULL; }

#endif
