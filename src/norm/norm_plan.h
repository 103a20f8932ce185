/* norm_plan.h: what a plan knows, and where things are in memory.
 *
 * Extents: samples N, channels C, space S (product of the rest). A plan of family ROWS has N = sets, C = 1, S = row.
 */
#ifndef EKI_NORM_PLAN_H
#define EKI_NORM_PLAN_H

#include "kernel/kernel.h"
#include "norm/kinds.h"
#include "norm/norm_key.h"
#include <evenkeel/norm.h>
#include <math.h>
#include <stdbool.h>

enum {
    EKI_ROW_LIMIT = 16384,   /* contiguous elements in one partial */
    EKI_COL_LIMIT = 4096,    /* rows in one partial of a column */
    EKI_CHUNK_ROWS = 1024,   /* default chunk: the smallest power of two of samples with so many elements per channel */
    EKI_TILE = 512,          /* columns handled together, channels last, at most */
    EKI_PARAM_ROWS = 64,     /* rows in one partial of an element-wise parameter gradient, at least */
    EKI_PARAM_PARTIALS = 32, /* and so many partials at most */
    EKI_PARAM_TILE = 1024,   /* columns of them in a task */
    EKI_TOGETHER = 16,       /* sets that go through a pass together, at most */
    EKI_TASK_ELEMENTS = 16384
};

typedef enum eki_family {
    EKI_BATCH, /* statistics per channel over samples */
    EKI_GROUP, /* statistics per sample and group of channels; scale per channel */
    EKI_ROWS   /* statistics per row; scale per element of the row */
} eki_family;

/* How (sample, element of space) is cut: a unit is `chunk` samples, or one of `blocks` blocks of one sample. */
typedef struct eki_units {
    int64_t count, samples, space, chunk, blocks, limit;
} eki_units;

/* One unit: elements [begin, begin + length) of each of the samples. */
typedef struct eki_span {
    int64_t sample, samples, begin, length;
} eki_span;

struct ek_norm_plan {
    ek_norm_desc desc; /* with the axis made non-negative */
    eki_family family;
    eki_data data;         /* kernels */
    int64_t element_bytes; /* of data */
    bool wide;             /* f64: data and parameters are double (wide.h) */
    double largest;        /* number of the type of parameters */
    bool centred;          /* false: RMS */
    int64_t samples, channels, space;
    int64_t groups, group_channels;
    int64_t sets, set_size, elements; /* logical elements */
    int64_t ghosts;                   /* BATCH: virtual batches, each with its own sets; 1 = the whole batch */
    bool renorm, masked;
    int64_t mask_examples, mask_positions; /* of a mask: ROWS a byte per row, else one per example and position */
    bool row_sets;      /* the elements of a set (GROUP, ROWS; not f64) or of a channel (BATCH) are summed in a row */
    bool row_apply;     /* the elements of one sample and channel are contiguous and more than one */
    bool blocked;       /* BLOCKED8, BLOCKED16 */
    int64_t set_blocks; /* contiguous sets: partials per set */
    eki_units units;    /* of reductions per channel */
    int64_t param_rows, param_blocks, param_tiles;
    /* Schedule (norm_schedule.c); no result depends on it. */
    int64_t tile, tiles;         /* column memory: columns per tile, tiles */
    int64_t slabs, slab_width;   /* how many, and channels of each but the last */
    int64_t window;              /* slabs that a pass is at together */
    bool by_slabs;               /* BATCH: a slab goes through the whole pass */
    int64_t sets_together;       /* contiguous sets that do */
    eki_units cells, slab_cells; /* of the affine phases; of those of one slab */
    bool whole_rows;             /* `cells` are rows of all channels (BATCH, channels last) */
    bool stream, stream_once;    /* results go past the caches; also where x is read once */
    size_t stats_offset, small_offset, partial_offset, totals_offset, mask_offset, workspace_bytes;
    eki_norm_key key;
    uint64_t fingerprint; /* of it */
};

/* One parameter or statistic of the caller: float, or double in an f64 plan; what is put nowhere is dropped. */
static inline double eki_real(const ek_norm_plan *plan, const void *array, int64_t i) {
    return plan->wide ? ((const double *)array)[i] : (double)((const float *)array)[i];
}
static inline void eki_put(const ek_norm_plan *plan, void *array, int64_t i, double value) {
    if (array == NULL) return;
    if (plan->wide) {
        ((double *)array)[i] = value;
    } else {
        ((float *)array)[i] = (float)value;
    }
}
/* What is beyond their range becomes the largest number, so that 0 times it is 0. NaN stays NaN. */
static inline double eki_limited(const ek_norm_plan *plan, double value) {
    return value > plan->largest ? plan->largest : value < -plan->largest ? -plan->largest : value;
}
/* As a parameter it is finite. */
static inline bool eki_fits(const ek_norm_plan *plan, double value) {
    double kept;
    eki_put(plan, &kept, 0, value);
    return isfinite(eki_real(plan, &kept, 0));
}
static inline size_t eki_real_bytes(const ek_norm_plan *plan) { return plan->wide ? sizeof(double) : sizeof(float); }

/* Layer and RMS norm with a scale per element, as rows.c has it; f64 goes the way of a group. */
static inline bool eki_by_rows(const ek_norm_plan *plan) { return plan->family == EKI_ROWS && plan->row_sets; }

/* The plan of `samples` samples of a BATCH plan: cut and added in the same way, one set per channel. */
void eki_plan_slice(const ek_norm_plan *plan, int64_t samples, ek_norm_plan *slice);

/* Slabs [first, first + count): a slab is a channel (row memory) or a tile of channels (column memory). */
typedef struct eki_slabs {
    int64_t first, count;
} eki_slabs;

/* Channels of slabs: how many, and the first. */
int64_t eki_channels_of(const ek_norm_plan *plan, eki_slabs slabs, int64_t *first);

/* Row memory: elements [begin, begin + length) of each of `count` channels of a sample. */
typedef struct eki_rows {
    int64_t sample, channel, count, begin, length;
} eki_rows;

/* Of the cells of a window, in the order of memory: (sample, channel, block) from the *i-th on, below the end-th; where
 * channels are whole with those that follow in the sample. Moves *i on; false at the end. */
bool eki_next_rows(const eki_units *cells, eki_slabs window, int64_t *i, int64_t end, eki_rows *rows);

/* Whether cells are rows of all channels; those of a slab are not. */
static inline bool eki_whole_rows(const ek_norm_plan *plan, const eki_units *cells) {
    return plan->whole_rows && cells == &plan->cells;
}

/* Column memory: `count` tiles of a span, of one sample unless it is one; with whole rows all columns. */
typedef struct eki_tiles {
    eki_span span;
    int64_t t, count;
} eki_tiles;

/* (cell, tile), with the tiles behind it that may be one grid. */
bool eki_next_tiles(const ek_norm_plan *plan, const eki_units *cells, eki_slabs window, int64_t *i, int64_t end,
                    eki_tiles *tiles);

eki_units eki_units_make(int64_t samples, int64_t space, int64_t chunk, int64_t limit);

/* The u-th unit. */
eki_span eki_unit(const eki_units *units, int64_t u);

/* Column memory: offset in elements of the first column of tile t in a row of a sample, and the distance of rows. */
int64_t eki_tile_offset(const ek_norm_plan *plan, int64_t sample, int64_t row, int64_t t);
int64_t eki_tile_stride(const ek_norm_plan *plan);

/* Column memory: tile t of a span. */
eki_grid eki_tile_grid(const ek_norm_plan *plan, eki_span span, int64_t t);

eki_grid eki_tiles_grid(const ek_norm_plan *plan, const eki_tiles *tiles);

/* Number of valid columns of a tile, and of padded ones after them. */
int64_t eki_tile_columns(const ek_norm_plan *plan, int64_t t);
int64_t eki_tile_padding(const ek_norm_plan *plan, int64_t t);

/* Index of the set that (sample, channel) belongs to; families BATCH and GROUP. */
int64_t eki_set_of(const ek_norm_plan *plan, int64_t sample, int64_t channel);

/* Elements of the buffers x, y, dx, dy: those of the tensor and the padding of blocked layouts. */
int64_t eki_buffer_elements(const ek_norm_plan *plan);

/* Checks the descriptor; on success `checked` is a copy with a non-negative axis. */
ek_status eki_norm_desc_check(const ek_norm_desc *desc, ek_norm_desc *checked, ek_error *err);

/* The data type of kernels for elements of a tensor; EKI_DATA_TYPES: there is none (EK_F64 has loops of its own). */
eki_data eki_data_of(ek_dtype dtype);

/* Writes "EK_F32 (1), EK_BF16 (16), ", all that there are kernels for. */
enum { EKI_TYPES_TEXT = 256 };
const char *eki_data_text(char text[EKI_TYPES_TEXT]);

/* fusion.c: residual and activation of a descriptor. */
ek_status eki_fusion_check(const ek_norm_desc *desc, ek_error *err);

/* Writes "[16, 64, 56, 56]". */
enum { EKI_DIMS_TEXT = 192 };
const char *eki_dims_text(const ek_norm_desc *desc, char text[EKI_DIMS_TEXT]);
ek_status eki_dims_too_large(const ek_norm_desc *desc, ek_error *err);

static inline int64_t eki_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t eki_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t eki_ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

#endif
