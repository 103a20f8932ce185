/* phases.h: what the stages of a schedule are made of: the four phases, and what the families do between them. All but
 * the helpers are bodies: functions over a range of the items that are named beside them (norm_schedule.h).
 */
#ifndef EKI_NORM_PHASES_H
#define EKI_NORM_PHASES_H

#include "norm/norm_schedule.h"

/* Partial moments, and sum dy and sum dy (x - mean), of every unit and channel, over UNITS; y from x and dx from dy,
 * over CELLS. One of these for row memory, column memory and f64. */
typedef struct eki_phases {
    eki_body moments, gradsums, affine, gradaffine;
} eki_phases;
/* phases.c */
const eki_phases *eki_phases_of(const ek_norm_plan *plan);

/* phase_moments.c */
void eki_moments_rows(const eki_job *job, int64_t begin, int64_t end);
void eki_moments_tiles(const eki_job *job, int64_t begin, int64_t end);
void eki_set_statistics(const eki_job *job, int64_t begin, int64_t end); /* SETS of one block */
void eki_set_blocks(const eki_job *job, int64_t begin, int64_t end);     /* SET_BLOCKS: partial moments */
void eki_set_merge(const eki_job *job, int64_t begin, int64_t end);      /* MERGES: statistics from them */

/* phase_affine.c, phase_gradsums.c, phase_gradaffine.c */
void eki_affine_rows(const eki_job *job, int64_t begin, int64_t end);
void eki_affine_tiles(const eki_job *job, int64_t begin, int64_t end);
void eki_gradsums_rows(const eki_job *job, int64_t begin, int64_t end);
void eki_gradsums_tiles(const eki_job *job, int64_t begin, int64_t end);
void eki_gradaffine_rows(const eki_job *job, int64_t begin, int64_t end);
void eki_gradaffine_tiles(const eki_job *job, int64_t begin, int64_t end);

/* wide_phases.c, wide_rows.c: f64 */
void eki_wide_moments(const eki_job *job, int64_t begin, int64_t end);
void eki_wide_gradsums(const eki_job *job, int64_t begin, int64_t end);
void eki_wide_affine_cells(const eki_job *job, int64_t begin, int64_t end);
void eki_wide_gradaffine(const eki_job *job, int64_t begin, int64_t end);
void eki_wide_rows_parameters(const eki_job *job, int64_t begin, int64_t end); /* COLUMNS */

/* batch.c, over CHANNELS */
void eki_batch_statistics(const eki_job *job, int64_t begin, int64_t end); /* and coefficients, from partial moments */
void eki_batch_running(const eki_job *job, int64_t begin, int64_t end); /* and coefficients, from running statistics */
void eki_batch_coefficients(const eki_job *job, int64_t begin, int64_t end); /* from statistics that are there */
void eki_batch_totals(const eki_job *job, int64_t begin, int64_t end);       /* dscale, dbias, coefficients of dx */
void eki_batch_scaling(const eki_job *job, int64_t begin, int64_t end);      /* coefficients of the maps below */
void eki_batch_scale(const eki_job *job, int64_t begin, int64_t end);        /* CELLS: dx = scale * rstd * dy, */
void eki_batch_scale_fused(const eki_job *job, int64_t begin, int64_t end);  /* with something fused */
void eki_batch_gradient(const eki_job *job, int64_t channel, eki_pair sum);  /* helper: eki_batch_totals of one */

/* group.c */
void eki_group_statistics(const eki_job *job, int64_t begin, int64_t end); /* MERGES, column memory */
void eki_group_fold(const eki_job *job, int64_t begin, int64_t end);       /* SUMS: the blocks of a sample as one */
void eki_group_means(const eki_job *job, int64_t begin, int64_t end);      /* MERGES */
void eki_group_parameters(const eki_job *job, int64_t begin, int64_t end); /* CHANNELS */

/* rows.c */
void eki_rows_affine(const eki_job *job, int64_t begin, int64_t end);        /* SETS of one block, */
void eki_rows_affine_blocks(const eki_job *job, int64_t begin, int64_t end); /* or SET_BLOCKS */
void eki_rows_sums(const eki_job *job, int64_t begin, int64_t end);          /* SETS of one block, with their means */
void eki_rows_sum_blocks(const eki_job *job, int64_t begin, int64_t end);    /* or SET_BLOCKS, */
void eki_rows_means(const eki_job *job, int64_t begin, int64_t end);         /* and MERGES */
void eki_rows_gradient(const eki_job *job, int64_t begin, int64_t end);      /* SET_BLOCKS: dx */
void eki_rows_pass(const eki_job *job, int64_t begin, int64_t end);          /* ROW_BLOCKS: all of backward */
void eki_rows_parameters(const eki_job *job, int64_t begin, int64_t end);    /* TILES */
/* Helper, where y is in the place of x: elements [begin, begin + length) of a row, as the kernels read them; `x` has
 * room for so many floats. */
void eki_rows_restore(const eki_job *job, int64_t row, int64_t begin, int64_t length, float *x);
void eki_rows_totals(const eki_job *job, int64_t begin, int64_t end); /* COLUMNS: dscale, dbias */

/* The coefficients that forward applies to one sample and channel, or to `count` channels from the first. */
typedef struct eki_scaling_buffer {
    float value[4][EKI_TILE];
} eki_scaling_buffer;
eki_scaling eki_scaling_of(const eki_job *job, int64_t sample, int64_t channel);
eki_scaling_columns eki_scaling_channels(const eki_job *job, int64_t sample, int64_t first, int64_t count,
                                         eki_scaling_buffer *buffer);

/* Channels of tiles. */
static inline int64_t eki_tiles_channels(const ek_norm_plan *plan, const eki_tiles *tiles) {
    return tiles->count > 1 ? tiles->count * plan->tile : eki_tile_columns(plan, tiles->t);
}

/* Eight columns are read as sixteen, two rows at a time: the pairs of rows, and the odd last one; coefficients. */
static inline bool eki_pairs(const eki_grid *grid) { return grid->stride == 8 && grid->cols == 8; }
eki_grid eki_grid_pairs(const eki_grid *grid, eki_grid *last);
const float *eki_twice(float wide[16], const float eight[8]);
eki_scaling_columns eki_scaling_twice(float wide[4][16], const eki_scaling_columns *p);

/* Padded columns of blocked layouts are written as zero: so many behind the columns of a grid. tensor may be NULL. */
void eki_clear_padding(const eki_job *job, void *tensor, int64_t offset, const eki_grid *grid, int64_t padding);

/* fusion.c: residual and activation for the kernels, of the elements from `offset`; NULL = nothing is fused. In
 * backward t is computed again from the `row` or `columns` given. */
const eki_epilogue *eki_fuse(const eki_job *job, int64_t offset, eki_epilogue *e);
const eki_epilogue *eki_fuse_row(const eki_job *job, int64_t offset, const eki_scaling *row, eki_epilogue *e);
const eki_epilogue *eki_fuse_columns(const eki_job *job, int64_t offset, const eki_scaling_columns *columns,
                                     eki_epilogue *e);
/* The same with the addition to dx, where the job wants it: what a gradient phase gives its kernels. */
const eki_epilogue *eki_fuse_adding(const eki_job *job, const eki_epilogue *fused, eki_epilogue *e);
bool eki_computes_again(const eki_job *job);
bool eki_fuses(const eki_job *job);

/* Backward in two rounds forms g once, in the first, where it is kept anyway as dresidual. The job of the second. */
bool eki_can_form(const eki_job *job);
const eki_job *eki_formed(const eki_job *job, eki_job *local);

#endif
