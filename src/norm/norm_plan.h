/* norm_plan.h: what a plan knows, and where things are in memory.
 *
 * Extents: samples N, channels C, space S (product of the rest). A plan of family ROWS has N = sets, C = 1, S = row.
 */
#ifndef EKI_NORM_PLAN_H
#define EKI_NORM_PLAN_H

#include "kernel/kernel.h"
#include <evenkeel/norm.h>
#include <stdbool.h>

enum {
    EKI_ROW_LIMIT = 16384,   /* contiguous elements in one partial */
    EKI_COL_LIMIT = 4096,    /* rows in one partial of a column */
    EKI_CHUNK_ROWS = 1024,   /* default chunk: the smallest power of two of samples with so many elements per channel */
    EKI_TILE = 512,          /* columns handled together, channels last, at most */
    EKI_TILE_FEW = 64,       /* the same at least, where there are few units, so that tiles are tasks */
    EKI_PARAM_ROWS = 64,     /* rows in one partial of an element-wise parameter gradient, at least */
    EKI_PARAM_PARTIALS = 32, /* and so many partials at most */
    EKI_WHOLE_ROW = 1024,    /* channels of a row that the affine phases take at once, at most */
    EKI_CELL_ELEMENTS = 32768,
    EKI_TASK_ELEMENTS = 16384,
    EKI_SLAB_BYTES = 4 << 20,   /* slabs of blocked channels: what stays in the third cache */
    EKI_SLAB_STRIDED = 1 << 20, /* others: what stays in the second */
    EKI_SLAB_ROW = 8192,        /* and bytes of a row at least */
    EKI_CACHE_WAY = 65536,      /* bytes of a way of the second cache: addresses so far apart share a set */
    EKI_WINDOW_FROM = 64 << 20, /* x and dy together from which on backward goes by windows, */
    EKI_WINDOW_BYTES = 8 << 20, /* of this size */
    EKI_STREAM_BYTES = 8 << 20, /* results from this size on go past the caches, */
    EKI_STREAM_ONCE = 16 << 20, /* from this one where x is read once: both of them fit the third cache below */
    EKI_STREAM_SEGMENT = 512    /* and segments of so many elements at least */
};

typedef enum eki_family {
    EKI_BATCH, /* statistics per channel over samples */
    EKI_GROUP, /* statistics per sample and group of channels; scale per channel */
    EKI_ROWS   /* statistics per row; scale per element of the row */
} eki_family;

/* How (sample, element of space) is cut: a unit is `chunk` samples, or one of `blocks` pieces of one sample. */
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
    bool centred;          /* false: RMS */
    int64_t samples, channels, space;
    int64_t groups, group_channels;
    int64_t sets, set_size, elements; /* logical elements */
    int64_t ghosts;                   /* BATCH: virtual batches, each with its own sets; 1 = the whole batch */
    bool renorm, masked;
    int64_t mask_examples, mask_positions; /* of a mask: ROWS a byte per row, else one per example and position */
    bool row_sets;       /* the elements of a set (GROUP, ROWS) or of a channel (BATCH) are contiguous */
    bool row_apply;      /* the elements of one sample and channel are contiguous and more than one */
    bool blocked;        /* BLOCKED8, BLOCKED16 */
    int64_t tile, tiles; /* column memory: columns per tile, tiles; no result depends on it */
    int64_t window;      /* BATCH: pieces (channels, or tiles) that backward is at together (window.c) */
    bool slabs;          /* BATCH: a slab at a time (slab.c) */
    bool whole_rows;     /* cells are rows of all channels (BATCH, channels last) */
    bool stream;         /* results go past the caches */
    int64_t set_blocks;  /* contiguous sets: partials per set */
    eki_units units;     /* of reductions per channel */
    eki_units cells;     /* of the affine phases */
    int64_t param_rows, param_blocks;
    size_t small_offset, partial_offset, totals_offset, mask_offset, workspace_bytes;
    uint64_t fingerprint;
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
static inline size_t eki_real_bytes(const ek_norm_plan *plan) { return plan->wide ? sizeof(double) : sizeof(float); }

/* The plan of `samples` samples of a BATCH plan: cut and added in the same way, one set per channel. */
void eki_plan_slice(const ek_norm_plan *plan, int64_t samples, ek_norm_plan *slice);

/* Pieces [first, first + count): channels of row memory, tiles of column memory. */
typedef struct eki_window {
    int64_t first, count;
} eki_window;
int64_t eki_pieces(const ek_norm_plan *plan);

/* Channels of a window: how many, and the first. */
int64_t eki_channels_of(const ek_norm_plan *plan, eki_window window, int64_t *first);

/* Row memory: elements [begin, begin + length) of each of `count` channels of a sample. */
typedef struct eki_rows {
    int64_t sample, channel, count, begin, length;
} eki_rows;

/* Of the items (sample, channel of a window, block of cells) in [i, end): the i-th, and where channels are whole those
 * that follow in the same sample. */
eki_rows eki_rows_from(const ek_norm_plan *plan, eki_window window, int64_t i, int64_t end);

/* The u-th unit. */
eki_span eki_unit(const eki_units *units, int64_t u);

/* Column memory: offset in elements of the first column of tile t in a row of a sample, and the distance of rows. */
int64_t eki_tile_offset(const ek_norm_plan *plan, int64_t sample, int64_t row, int64_t t);
int64_t eki_tile_stride(const ek_norm_plan *plan);

/* Column memory: tile t of a span. */
eki_grid eki_tile_grid(const ek_norm_plan *plan, eki_span span, int64_t t);

/* For the affine phases: `count` tiles from t on, of one sample unless it is one; with whole_rows all columns. And how
 * many tiles, at most `most`, may be one grid: whole blocks of sixteen channels lie behind each other. */
eki_grid eki_tiles_grid(const ek_norm_plan *plan, eki_span span, int64_t t, int64_t count);
int64_t eki_tiles_from(const ek_norm_plan *plan, int64_t t, int64_t most);

/* Number of valid columns of a tile, and of padded ones after them. */
int64_t eki_tile_columns(const ek_norm_plan *plan, int64_t t);
int64_t eki_tile_padding(const ek_norm_plan *plan, int64_t t);

/* Index of the set that (sample, channel) belongs to; families BATCH and GROUP. */
int64_t eki_set_of(const ek_norm_plan *plan, int64_t sample, int64_t channel);

/* Elements of the buffers x, y, dx, dy: those of the tensor and the padding of blocked layouts. */
int64_t eki_buffer_elements(const ek_norm_plan *plan);

/* Checks the descriptor; on success `checked` is a copy with a non-negative axis. */
ek_status eki_norm_desc_check(const ek_norm_desc *desc, ek_norm_desc *checked, ek_error *err);

/* fusion.c: residual and activation of a descriptor. */
ek_status eki_fusion_check(const ek_norm_desc *desc, ek_error *err);

const char *eki_norm_kind_name(ek_norm_kind kind);

/* Writes "[16, 64, 56, 56]". */
enum { EKI_DIMS_TEXT = 192 };
const char *eki_dims_text(const ek_norm_desc *desc, char text[EKI_DIMS_TEXT]);

/* Runs body(context, begin, end) over [0, items) in as many tasks as threads and work justify. */
typedef void (*eki_range_fn)(void *context, int64_t begin, int64_t end);
void eki_ranges(const ek_norm_plan *plan, int64_t items, int64_t elements_per_item, eki_range_fn body, void *context);

#endif
