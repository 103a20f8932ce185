/* norm_job.h: one execution of a plan, and the phases that its families are made of.
 *
 * A cell is one piece of one sample and one channel (row memory) or one tile of channels (column memory). A unit is
 * what one partial result covers (norm_plan.h). Phases run in parallel over cells or units.
 */
#ifndef EKI_NORM_JOB_H
#define EKI_NORM_JOB_H

#include "kernel/kernel.h"
#include "norm/norm_plan.h"
#include "norm/norm_stats.h"
#include <stdatomic.h>

/* Coefficients of f64: y = ((x - mean) * rstd) * scale + bias, and those of the gradient. */
typedef struct eki_wide_affine {
    double mean, rstd, scale, bias;
} eki_wide_affine;
typedef struct eki_wide_gradient {
    double mean, rstd, scale, k1, k2;
} eki_wide_gradient;

typedef struct eki_job {
    const ek_norm_plan *plan;
    const eki_kernels *kernels;
    const void *x, *dy; /* data: eki_at() and eki_to() find its elements */
    void *y, *dx;
    const void *scale, *bias; /* parameters: eki_real(), eki_put() */
    void *dscale, *dbias;
    const void *residual; /* as the descriptor says, else NULL */
    void *dresidual;
    bool forms;               /* gradient sums write dresidual, and what follows them reads it as dy */
    bool formed;              /* they have: dy is the gradient before the activation */
    const void *x_of_forward; /* x, whatever map the affine phases are used for */
    const void *y_of_forward; /* backward: what tells the slope of the activation, or NULL = compute t again */
    const void *running_mean, *running_var;
    eki_window window; /* what the phases are at; count 0 = all */
    bool stream;       /* results go past the caches; for the affine phases; in backward only with nothing fused */
    eki_stats stats;
    unsigned char *valid;          /* [sample][position], ROWS [row], 1 = valid, else 0; NULL without a mask */
    int64_t valid_count;           /* with a mask: valid positions of all samples, elements of a channel */
    float *small;                  /* BATCH: coefficients of the channels; GROUP, ROWS: k1, k2 of the sets */
    eki_moments *moments;          /* BATCH, GROUP: [unit][channel]; contiguous sets: [set][block] */
    eki_pair *sums;                /* the same places, in backward */
    eki_pair *totals;              /* BATCH: where backward leaves dbias, dscale of the channels in f64, or NULL */
    eki_affine_columns affine;     /* BATCH: arrays over channels, in `small` */
    eki_gradient_columns gradient; /* likewise */
    eki_wide_affine *wide_affine;  /* f64: of the channels, in place of the two above */
    eki_wide_gradient *wide_gradient;
    double *wide_means; /* f64, GROUP: k1, k2 of the sets */
} eki_job;

/* norm.c: the pointers of a call as a job; the header of saved, and args.mean and args.var; zero gradients. */
eki_job eki_job_make(const ek_norm_plan *plan, const ek_norm_args *args);
void eki_stats_publish(const eki_job *job, const ek_norm_args *args, eki_source source);
void eki_zero_parameters(const eki_job *job);

/* norm_args.c: every check of the pointers of a call. */
ek_status eki_args_check_forward(const ek_norm_plan *plan, ek_norm_stats stats, const ek_norm_args *args,
                                 ek_error *err);
ek_status eki_args_check_backward(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err);
enum { EKI_NEED_X = 1, EKI_NEED_Y = 2, EKI_NEED_DY = 4, EKI_NEED_DX = 8, EKI_NEED_SAVED = 16 };
ek_status eki_args_check_part(const ek_norm_plan *slice, const ek_norm_args *args, unsigned need, ek_error *err);
ek_status eki_saved_check(const ek_norm_plan *plan, const void *saved, const char *call, ek_error *err);

ek_status eki_args_check_running(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err);
ek_status eki_small_sample_error(const ek_norm_plan *plan, ek_error *err);

/* mask.c: args.lengths and args.mask as job->valid. */
ek_status eki_mask_check(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err);
void eki_mask_fill(eki_job *job, const ek_norm_args *args);
ek_status eki_mask_check_again(const eki_job *job, ek_error *err); /* the mask of the forward? */

/* Runs of valid positions: from *end on, the next [*begin, *end); false when there is none. NULL = all are valid. */
bool eki_next_run(const unsigned char *valid, int64_t n, int64_t *begin, int64_t *end);
int64_t eki_count_valid(const unsigned char *valid, int64_t n);
const unsigned char *eki_valid_at(const eki_job *job, int64_t sample, int64_t position); /* NULL without a mask */

/* ROWS: the whole row is hidden. */
static inline bool eki_row_hidden(const eki_job *job, int64_t row) {
    return job->valid != NULL && job->plan->family == EKI_ROWS && !job->valid[row];
}

/* Zeros at what is hidden of a tensor that was written: elements of one sample and channel, or rows of columns. */
void eki_hide_segments(const eki_job *job, void *tensor, eki_rows rows);
void eki_hide_rows(const eki_job *job, void *tensor, int64_t offset, const unsigned char *valid, int64_t rows,
                   int64_t cols);

/* masked_sums.c: moments of one unit and channel, or of one piece of a contiguous set. */
eki_moments eki_masked_row_moments(const eki_job *job, eki_span span, int64_t channel);
eki_moments eki_masked_set_piece(const eki_job *job, int64_t set, int64_t block);

/* fusion.c: residual and activation for the kernels, of the elements from `offset`; NULL = nothing is fused. In
 * backward t is computed again from the `row` or `columns` given. */
const eki_epilogue *eki_fuse(const eki_job *job, int64_t offset, eki_epilogue *e);
const eki_epilogue *eki_fuse_row(const eki_job *job, int64_t offset, const eki_affine *row, eki_epilogue *e);
const eki_epilogue *eki_fuse_columns(const eki_job *job, int64_t offset, const eki_affine_columns *columns,
                                     eki_epilogue *e);
/* Backward in two rounds: g is formed once, in the first, where it is kept anyway as dresidual. */
void eki_form_first(eki_job *job);
void eki_form_done(eki_job *job);
bool eki_computes_again(const eki_job *job);
bool eki_fuses(const eki_job *job);
bool eki_reads_output(const ek_norm_plan *plan);

/* Where element `offset` of a tensor is; NULL of no tensor. */
static inline const void *eki_at(const eki_job *job, const void *tensor, int64_t offset) {
    return tensor != NULL ? (const char *)tensor + offset * job->plan->element_bytes : NULL;
}
static inline void *eki_to(const eki_job *job, void *tensor, int64_t offset) {
    return tensor != NULL ? (char *)tensor + offset * job->plan->element_bytes : NULL;
}

/* One element. */
static inline double eki_value(const eki_job *job, const void *element) {
    float value;
    if (job->plan->data == EKI_F32) return (double)*(const float *)element;
    job->kernels->widen(element, 1, &value);
    return (double)value;
}

static inline bool eki_wants_dx(const eki_job *job) { return job->dx != NULL || job->dresidual != NULL; }

/* The coefficients that forward applies to one sample and channel, or to a tile of them. */
typedef struct eki_affine_buffer {
    float value[4][EKI_TILE];
} eki_affine_buffer;
eki_affine eki_affine_of(const eki_job *job, int64_t sample, int64_t channel);
eki_affine_columns eki_affine_channels(const eki_job *job, int64_t sample, int64_t first, int64_t count,
                                       eki_affine_buffer *buffer);
eki_affine_columns eki_affine_tiles(const eki_job *job, int64_t sample, int64_t t, int64_t count,
                                    eki_affine_buffer *buffer);

/* Eight columns are read as sixteen, two rows at a time: the pairs of rows and the odd last ones; coefficients. */
eki_grid eki_grid_pairs(const eki_grid *grid, eki_grid *last);
const float *eki_twice(float wide[16], const float eight[8]);
eki_affine_columns eki_affine_twice(float wide[4][16], const eki_affine_columns *p);

/* Padded columns of blocked layouts are written as zero: so many behind the columns of a grid. tensor may be NULL. */
void eki_clear_padding(const eki_job *job, void *tensor, int64_t offset, const eki_grid *grid, int64_t padding);

/* norm_running.c: the plan is of batch norm, and the two arrays are there and apart. */
ek_status eki_running_check(const ek_norm_plan *plan, const void *mean, const void *var, ek_error *err);

/* ghost.c: batch norm over virtual batches. */
int64_t eki_ghost_count(const ek_norm_plan *plan, int64_t g);      /* values per channel in the g-th */
bool eki_ghost_single(const ek_norm_plan *plan);                   /* some virtual batch has one value per channel */
bool eki_ghost_running(const ek_norm_plan *plan, int64_t samples); /* the small sample policy takes running ones */
bool eki_masked_single(const eki_job *job);      /* some (virtual) batch has one valid value per channel */
bool eki_ghost_frozen(const ek_norm_plan *plan); /* the policy forbids an update */
void eki_ghost_forward(const eki_job *job, bool running);
void eki_ghost_backward(const eki_job *job, bool through_statistics);

/* The job of samples [first, first + slice->samples) of a BATCH job, whose statistics are those of set `set` on. */
eki_job eki_job_slice(const eki_job *job, const ek_norm_plan *slice, int64_t first, int64_t set);

/* A piece below is a channel (row memory) or a tile of channels (column memory). */

/* window.c: walks in parallel through what the phases are at: units and pieces for sums; rows, or `count` tiles from
 * t on of a span, for maps; rows or tile of one piece, all samples, not in parallel. Windows one after the other; how
 * many channels this one has, and the first. */
typedef void (*eki_sums_fn)(const eki_job *job, int64_t unit, int64_t piece);
typedef void (*eki_rows_fn)(const eki_job *job, eki_rows rows);
typedef void (*eki_span_fn)(const eki_job *job, eki_span span, int64_t t, int64_t count);
void eki_each_unit(const eki_job *job, eki_sums_fn body);
void eki_each_cell(const eki_job *job, eki_rows_fn rows, eki_span_fn span);
void eki_one_piece(const eki_job *job, int64_t piece, eki_rows_fn rows, eki_span_fn span);
void eki_each_window(const eki_job *job, void (*body)(eki_job *job));
int64_t eki_window_channels(const eki_job *job, int64_t *first);

/* phase_moments.c: partial moments per unit and channel, or of one piece or all of a contiguous set. */
void eki_phase_moments(const eki_job *job);
void eki_moments_piece(const eki_job *job, int64_t unit, int64_t piece);
eki_moments eki_set_piece_moments(const eki_job *job, int64_t set, int64_t block);
/* Sets that go through a phase together, and stay in the first cache between phases: many share the cost of their
 * divisions and roots; of tensors that come from memory few, so that it is read and written at the same time. */
enum { EKI_TOGETHER = 16 }; /* at most */
int64_t eki_sets_together(const ek_norm_plan *plan);
void eki_set_statistics(const eki_job *job, int64_t first, int64_t last); /* of sets of one piece */
void eki_phase_set_moments(const eki_job *job);

/* phase_affine.c: y from x, all cells; or one sample and channel of row memory. */
void eki_phase_affine(const eki_job *job);
void eki_affine_slab(const eki_job *job, int64_t piece); /* of all samples */
void eki_affine_rows(const eki_job *job, eki_rows rows);

/* phase_gradsums.c: sum dy and sum dy (x - mean) per unit and channel; or of one unit and channel of row memory. */
void eki_phase_gradsums(const eki_job *job);
void eki_gradsums_piece(const eki_job *job, int64_t unit, int64_t piece);
void eki_gradsums_row(const eki_job *job, int64_t unit, int64_t channel);

/* phase_gradaffine.c: dx, all cells; or one sample and channel of row memory. */
void eki_phase_gradaffine(const eki_job *job);
void eki_gradaffine_slab(const eki_job *job, int64_t piece);
void eki_gradaffine_rows(const eki_job *job, eki_rows rows);

/* batch.c, group.c, layer.c: the families. */
void eki_batch_statistics(const eki_job *job); /* from the partial moments of all units */
void eki_batch_coefficients(const eki_job *job);
void eki_batch_channels(const eki_job *job, int64_t begin, int64_t end);  /* statistics and coefficients of these */
void eki_batch_gradients(const eki_job *job, int64_t begin, int64_t end); /* totals of these, as below */
void eki_batch_affine(const eki_job *job);                                /* y from statistics that are there */
void eki_batch_forward(const eki_job *job, bool running);
void eki_batch_gradient(const eki_job *job, int64_t channel, eki_pair sum); /* the same of one, from its two sums */
void eki_batch_totals(const eki_job *job); /* dscale, dbias and coefficients from the partial sums of all units */
void eki_batch_backward(const eki_job *job, bool through_statistics);
bool eki_by_slabs(const eki_job *job); /* slab.c: a slab at a time instead of phase after phase */
void eki_slabs_forward(const eki_job *job);
void eki_slabs_backward(const eki_job *job);
void eki_group_forward(const eki_job *job);
void eki_group_backward(const eki_job *job);
void eki_rows_forward(const eki_job *job);
void eki_rows_backward(const eki_job *job);

/* wide_phases.c, wide_rows.c: the phases, and the family ROWS, of f64 data. */
void eki_wide_moments(const eki_job *job);
void eki_wide_gradsums(const eki_job *job);
void eki_wide_affine_phase(const eki_job *job);
void eki_wide_gradaffine(const eki_job *job);
void eki_wide_rows_forward(const eki_job *job);
void eki_wide_rows_backward(const eki_job *job);

/* Whether y goes past the caches where x is read from memory once. */
static inline bool eki_streams_once(const eki_job *job) {
    return job->stream && job->plan->elements * job->plan->element_bytes >= EKI_STREAM_ONCE;
}

/* Streamed stores come before whatever the end of a task announces. */
static inline void eki_end_stream(const eki_job *job) {
    if (job->stream) atomic_thread_fence(memory_order_seq_cst);
}

static inline double eki_scale_of(const eki_job *job, int64_t channel) {
    return job->scale != NULL ? eki_real(job->plan, job->scale, channel) : 1.0;
}

/* Elements of a set. */
static inline double eki_count_of(const eki_job *job, int64_t set) {
    return job->stats.n != NULL ? job->stats.n[set] : (double)job->plan->set_size;
}

/* sum / n, and 0 for the empty set. */
static inline double eki_mean_of(double sum, double n) { return n > 0 ? sum / n : 0.0; }

static inline double eki_bias_of(const eki_job *job, int64_t channel) {
    return job->bias != NULL ? eki_real(job->plan, job->bias, channel) : 0.0;
}

#endif
