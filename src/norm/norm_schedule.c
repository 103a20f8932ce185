/* norm_schedule.c: how a call runs. When a plan is made, how it goes through memory: cells, tiles, slabs, windows,
 * sets, streaming; for a call, its stages. Sizes, the number of threads and measurements (docs/kernels.md) decide, and
 * no result depends on it: every sum has its order from the units of norm_plan.c and the trees over them.
 */
#include "base/threads.h"
#include "norm/phases.h"

enum {
    TILE_LEAST = 32, /* columns of a tile at least, where there are few units, so that tiles are tasks */
    TILE_STEP = 16,
    WHOLE_ROW = 1024, /* channels of a row that the affine phases take at once, at most */
    CELL_ELEMENTS = 32768,
    SLAB_BYTES = 4 << 20,   /* slabs of blocked channels: what stays in the third cache */
    SLAB_STRIDED = 1 << 20, /* others: what stays in the second, */
    SLAB_NEAR = 256 << 10,  /* with their result, where rows have at most so many bytes: */
    NEAR_ROW = 2048,
    SLAB_ROW = 8192,        /* and bytes of a row at least */
    CACHE_WAY = 65536,      /* bytes of a way of the second cache: addresses so far apart share a set */
    WINDOW_FROM = 64 << 20, /* x and dy together from which on backward goes by windows, */
    WINDOW_BYTES = 8 << 20, /* of this size */
    STREAM_BYTES = 8 << 20, /* results from this size on go past the caches, */
    STREAM_ONCE = 16 << 20, /* from this one where x is read once: both of them fit the third cache below */
    STREAM_SEGMENT = 512,   /* and segments of so many elements at least */
    TOGETHER_NEAR = 8192,   /* elements of the sets that go through a pass together, */
    TOGETHER_FAR = 2048     /* and of tensors that come from memory */
};

/* Results larger than the caches go past them: a cached store would first read its line from memory, and push out what
 * is still needed. Below that size the next operation finds the result in a cache, and with short segments that
 * do not end at lines too many lines are written in two parts. */
void eki_schedule_stream(ek_norm_plan *plan) {
    int64_t bytes = plan->elements * plan->element_bytes;
    bool lines = !plan->row_apply || plan->space >= STREAM_SEGMENT || plan->space % 16 == 0;
    plan->stream = bytes >= STREAM_BYTES && lines;
    plan->stream_once = plan->stream && bytes >= STREAM_ONCE;
}

/* Whether a slab that wide has at most so many bytes. */
static bool slab_within(const ek_norm_plan *plan, int64_t width, int64_t bytes) {
    int64_t column = eki_max(1, plan->samples * plan->space * plan->element_bytes);
    return eki_min(width, plan->channels) <= bytes / column;
}

/* Channels that the busiest thread has, summed over units. */
static int64_t most_of(const ek_norm_plan *plan, int64_t tile) {
    int64_t items = plan->units.count * eki_ceil_div(plan->channels, tile);
    int64_t turns = eki_ceil_div(items, eki_parallel_threads(&plan->desc.parallel));
    return eki_min(turns * tile, plan->units.count * plan->channels);
}

/* As wide as can be, for wide tiles read memory in order; where there are few units, so that tiles share out among the
 * threads, and of those that do equally, where rows are short, the widest whose slabs stay in the second cache. */
static int64_t plain_tile(const ek_norm_plan *plan) {
    int64_t best = EKI_TILE, threads = eki_parallel_threads(&plan->desc.parallel);
    bool near = plan->channels * plan->element_bytes <= NEAR_ROW;
    if (plan->units.count >= 2 * threads) return best;
    for (int64_t tile = EKI_TILE - TILE_STEP; tile >= TILE_LEAST; tile -= TILE_STEP) {
        int64_t gain = most_of(plan, best) - most_of(plan, tile);
        if (gain > 0 ||
            (gain == 0 && near && slab_within(plan, tile, SLAB_NEAR) && !slab_within(plan, best, SLAB_NEAR)))
            best = tile;
    }
    return best;
}

/* By slabs where they fit and share out well: no thread has half as much again to do. Rows must be long, for memory is
 * then read in order, and must not all begin in the same sets of a cache, which would hold little of the slab. */
static bool by_slabs(const ek_norm_plan *plan) {
    int64_t row = plan->space * plan->element_bytes;
    int64_t threads = eki_parallel_threads(&plan->desc.parallel), turns = eki_ceil_div(plan->slabs, threads);
    bool rows_fit = row >= SLAB_ROW && plan->channels * row % CACHE_WAY != 0;
    return plan->family == EKI_BATCH && !plan->masked && 2 * turns * threads <= 3 * plan->slabs &&
           (rows_fit || !plan->row_apply) &&
           slab_within(plan, plan->slab_width, plan->blocked ? SLAB_BYTES : SLAB_STRIDED);
}

/* Backward takes channels that lie together a window at a time, where x and dy are far larger than the third cache: it
 * stays there between the sums and dx. Elsewhere that is slower or no faster. */
static int64_t window(const ek_norm_plan *plan) {
    int64_t channel = 2 * plan->samples * plan->space * plan->element_bytes;
    if (plan->family != EKI_BATCH || !plan->row_apply || plan->by_slabs) return plan->slabs;
    return plan->channels * channel >= WINDOW_FROM ? eki_max(1, WINDOW_BYTES / channel) : plan->slabs;
}

static void set_slabs(ek_norm_plan *plan) {
    plan->tile = plan->blocked ? (int64_t)plan->desc.layout : plain_tile(plan);
    plan->tiles = eki_ceil_div(plan->channels, plan->tile);
    plan->slab_width = plan->row_apply ? 1 : plan->tile;
    plan->slabs = eki_ceil_div(plan->channels, plan->slab_width);
    plan->by_slabs = by_slabs(plan);
    plan->window = window(plan);
}

/* Channels last, a batch is one run of rows, which the affine phases walk in order of memory, whole rows at a time
 * where the coefficients of a row fit the first cache or memory bounds anyway. */
static void set_cells(ek_norm_plan *plan) {
    bool merged = plan->family == EKI_BATCH && !plan->row_apply && !plan->blocked;
    plan->whole_rows = merged && (plan->stream || plan->channels <= WHOLE_ROW);
    int64_t width = plan->whole_rows ? plan->channels : eki_min(plan->tile, plan->channels);
    int64_t limit = plan->row_apply ? EKI_ROW_LIMIT : eki_max(16, CELL_ELEMENTS / width);
    plan->cells = merged ? eki_units_make(1, plan->samples * plan->space, 1, limit)
                         : eki_units_make(plan->samples, plan->space, 1, limit);
    plan->slab_cells = plan->cells;
    if (!plan->row_apply) {
        plan->slab_cells = eki_units_make(plan->samples, plan->space, eki_max(1, plan->samples), plan->space);
    }
}

/* Sets that go through a pass together stay in the first cache: many share the cost of their divisions and roots, which
 * are made eight at a time; of tensors that come from memory few, so that it is read and written at the same time. */
static void set_together(ek_norm_plan *plan) {
    int64_t sets = (plan->stream ? TOGETHER_FAR : TOGETHER_NEAR) / eki_max(1, plan->set_size);
    if (sets >= 8) {
        sets = sets < EKI_TOGETHER ? 8 : EKI_TOGETHER;
    } else if (sets < 2) {
        sets = plan->set_size <= TOGETHER_FAR ? 2 : 1;
    }
    plan->sets_together = sets;
}

void eki_schedule_plan(ek_norm_plan *plan) {
    set_slabs(plan);
    set_cells(plan);
    set_together(plan);
}

/* Sets of one block, in row memory, are read once for their statistics and once more, from a cache. */
static bool joins_sets(const ek_norm_plan *plan) {
    return plan->row_sets && plan->set_blocks == 1 && (plan->row_apply || plan->family == EKI_ROWS);
}

static eki_schedule batch_forward(eki_job *job, bool running) {
    const eki_phases *phase = eki_phases_of(job->plan);
    bool joined = job->plan->by_slabs;
    if (!running) {
        return (eki_schedule){0,
                              {{EKI_OVER_UNITS, phase->moments, joined},
                               {EKI_OVER_CHANNELS, eki_batch_statistics, joined},
                               {EKI_OVER_CELLS, phase->affine, joined}}};
    }
    job->stream = job->stream && job->plan->stream_once;
    return (eki_schedule){0, {{EKI_OVER_CHANNELS, eki_batch_running, false}, {EKI_OVER_CELLS, phase->affine, false}}};
}

static eki_schedule group_forward(eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    const eki_phases *phase = eki_phases_of(plan);
    bool joined = joins_sets(plan), blocks = plan->row_sets && plan->set_blocks > 1;
    if (joined) job->stream = job->stream && plan->stream_once;
    if (plan->row_sets && !blocks) {
        return (eki_schedule){0,
                              {{EKI_OVER_SETS, eki_set_statistics, joined}, {EKI_OVER_CELLS, phase->affine, joined}}};
    }
    return (eki_schedule){
        0,
        {{blocks ? EKI_OVER_SET_BLOCKS : EKI_OVER_UNITS, blocks ? eki_set_blocks : phase->moments, false},
         {EKI_OVER_MERGES, blocks ? eki_set_merge : eki_group_statistics, false},
         {EKI_OVER_CELLS, phase->affine, false}}};
}

static eki_schedule rows_forward(eki_job *job) {
    if (joins_sets(job->plan)) {
        job->stream = job->stream && job->plan->stream_once;
        return (eki_schedule){0, {{EKI_OVER_SETS, eki_set_statistics, true}, {EKI_OVER_SETS, eki_rows_affine, true}}};
    }
    return (eki_schedule){0,
                          {{EKI_OVER_SET_BLOCKS, eki_set_blocks, false},
                           {EKI_OVER_MERGES, eki_set_merge, false},
                           {EKI_OVER_SET_BLOCKS, eki_rows_affine_blocks, false}}};
}

eki_schedule eki_schedule_forward(eki_job *job, bool running) {
    if (job->plan->family == EKI_BATCH) return batch_forward(job, running);
    return eki_by_rows(job->plan) ? rows_forward(job) : group_forward(job);
}

eki_schedule eki_schedule_again(eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    job->stream = job->stream && plan->stream_once;
    if (eki_by_rows(plan)) return (eki_schedule){0, {{EKI_OVER_SET_BLOCKS, eki_rows_affine_blocks, false}}};
    return (eki_schedule){0,
                          {{EKI_OVER_CHANNELS, plan->family == EKI_BATCH ? eki_batch_coefficients : NULL, false},
                           {EKI_OVER_CELLS, eki_phases_of(plan)->affine, false}}};
}

/* With running statistics nothing depends on the batch, and dx is an affine map of dy. */
static eki_schedule batch_backward(eki_job *job, bool through_statistics) {
    const eki_phases *phase = eki_phases_of(job->plan);
    bool parameters = eki_wants_parameters(job) || job->totals != NULL, dx = eki_wants_dx(job);
    bool sums = parameters || (through_statistics && job->dx != NULL), joined = sums && job->plan->by_slabs;
    job->forms = sums && eki_can_form(job);
    eki_job local;
    bool fused = eki_fuses(eki_formed(job, &local)) || eki_adds_by_kernels(job);
    eki_body map = through_statistics ? phase->gradaffine : fused ? eki_batch_scale_fused : eki_batch_scale;
    return (eki_schedule){sums && dx ? job->plan->window : 0,
                          {{EKI_OVER_CHANNELS, eki_computes_again(job) ? eki_batch_coefficients : NULL, joined},
                           {EKI_OVER_UNITS, sums ? phase->gradsums : NULL, joined},
                           {EKI_OVER_CHANNELS, sums ? eki_batch_totals : NULL, joined},
                           {EKI_OVER_CHANNELS, dx && !through_statistics ? eki_batch_scaling : NULL, joined},
                           {EKI_OVER_CELLS, dx ? map : NULL, joined}}};
}

/* Parameter gradients of rows come first where dx may overwrite dy. */
static eki_schedule group_backward(eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    const eki_phases *phase = eki_phases_of(plan);
    bool joined = joins_sets(plan), dx = eki_wants_dx(job), parameters = eki_wants_parameters(job);
    if (!dx && !parameters) return (eki_schedule){0, {{EKI_OVER_SETS, NULL, false}}};
    bool rows = plan->family == EKI_ROWS, sums = dx || !rows;
    job->forms = !joined && eki_can_form(job);
    return (eki_schedule){0,
                          {{EKI_OVER_COLUMNS, parameters && rows ? eki_wide_rows_parameters : NULL, false},
                           {EKI_OVER_UNITS, sums ? phase->gradsums : NULL, joined},
                           {EKI_OVER_SUMS, sums && plan->units.blocks > 1 ? eki_group_fold : NULL, false},
                           {EKI_OVER_MERGES, dx ? eki_group_means : NULL, joined},
                           {EKI_OVER_CELLS, dx ? phase->gradaffine : NULL, joined},
                           {EKI_OVER_CHANNELS, parameters && !rows ? eki_group_parameters : NULL, false}}};
}

/* Parameter gradients come first where dx may overwrite dy. */
static eki_schedule rows_backward(eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    bool dx = eki_wants_dx(job), parameters = eki_wants_parameters(job), whole = plan->set_blocks == 1;
    eki_body totals = parameters ? eki_rows_totals : NULL;
    if (parameters && whole && plan->param_blocks > 1) {
        return (eki_schedule){0, {{EKI_OVER_ROW_BLOCKS, eki_rows_pass, false}, {EKI_OVER_COLUMNS, totals, false}}};
    }
    eki_body sums = whole ? eki_rows_sums : eki_rows_sum_blocks;
    return (eki_schedule){0,
                          {{EKI_OVER_TILES, parameters ? eki_rows_parameters : NULL, false},
                           {whole ? EKI_OVER_SETS : EKI_OVER_SET_BLOCKS, dx ? sums : NULL, whole},
                           {EKI_OVER_MERGES, dx && !whole ? eki_rows_means : NULL, false},
                           {EKI_OVER_SET_BLOCKS, dx ? eki_rows_gradient : NULL, whole},
                           {EKI_OVER_COLUMNS, totals, false}}};
}

eki_schedule eki_schedule_backward(eki_job *job, bool through_statistics) {
    if (job->plan->family == EKI_BATCH) return batch_backward(job, through_statistics);
    return eki_by_rows(job->plan) ? rows_backward(job) : group_backward(job);
}
