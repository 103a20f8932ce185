/* norm_geometry.c: where the units, pieces, rows and tiles of a plan lie in memory. */
#include "norm/norm_plan.h"

static int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }

eki_span eki_unit(const eki_units *units, int64_t u) {
    if (units->blocks > 1) {
        int64_t begin = u % units->blocks * units->limit;
        return (eki_span){u / units->blocks, 1, begin, min_i64(units->limit, units->space - begin)};
    }
    int64_t first = u * units->chunk;
    return (eki_span){first, min_i64(units->chunk, units->samples - first), 0, units->space};
}

int64_t eki_pieces(const ek_norm_plan *plan) { return plan->row_apply ? plan->channels : plan->tiles; }

int64_t eki_channels_of(const ek_norm_plan *plan, eki_window window, int64_t *first) {
    int64_t width = plan->row_apply ? 1 : plan->tile;
    *first = window.first * width;
    return min_i64(window.count * width, plan->channels - *first);
}

eki_rows eki_rows_from(const ek_norm_plan *plan, eki_window window, int64_t i, int64_t end) {
    int64_t blocks = plan->cells.blocks, sample = i / blocks / window.count, piece = i / blocks % window.count;
    int64_t channel = window.first + piece;
    eki_span s = eki_unit(&plan->cells, sample * blocks + i % blocks);
    int64_t count = blocks > 1 ? 1 : min_i64(min_i64(end - i, window.count - piece), EKI_TILE);
    return (eki_rows){sample, channel, count, s.begin, s.length};
}

int64_t eki_tile_offset(const ek_norm_plan *plan, int64_t sample, int64_t row, int64_t t) {
    if (plan->blocked) return ((sample * plan->tiles + t) * plan->space + row) * plan->tile;
    return (sample * plan->space + row) * plan->channels + t * plan->tile;
}

int64_t eki_tile_stride(const ek_norm_plan *plan) { return plan->blocked ? plan->tile : plan->channels; }

int64_t eki_tile_columns(const ek_norm_plan *plan, int64_t t) {
    return min_i64(plan->tile, plan->channels - t * plan->tile);
}

eki_grid eki_tile_grid(const ek_norm_plan *plan, eki_span s, int64_t t) {
    size_t stride = (size_t)eki_tile_stride(plan), cols = (size_t)eki_tile_columns(plan, t);
    size_t sample = (size_t)(plan->tiles * plan->space) * stride;
    if (plan->blocked) return (eki_grid){(size_t)s.length, stride, cols, (size_t)s.samples, sample, 0};
    return (eki_grid){(size_t)(s.samples * s.length), stride, cols, 1, 0, 0};
}

eki_grid eki_tiles_grid(const ek_norm_plan *plan, eki_span s, int64_t t, int64_t count) {
    eki_grid grid = eki_tile_grid(plan, s, t);
    if (count == 1) return grid;
    if (!plan->blocked) {
        grid.cols = (size_t)plan->channels;
        return grid;
    }
    grid.count = (size_t)count;
    grid.distance = (size_t)(plan->space * plan->tile);
    grid.advance = (size_t)plan->tile;
    return grid;
}

int64_t eki_tiles_from(const ek_norm_plan *plan, int64_t t, int64_t most) {
    int64_t whole = plan->channels / plan->tile - t;
    if (plan->desc.layout != EK_LAYOUT_BLOCKED16 || plan->cells.blocks > 1 || plan->masked || whole < 1) return 1;
    return min_i64(min_i64(most, whole), EKI_TILE / plan->tile);
}

int64_t eki_tile_padding(const ek_norm_plan *plan, int64_t t) {
    return plan->blocked ? plan->tile - eki_tile_columns(plan, t) : 0;
}

int64_t eki_set_of(const ek_norm_plan *plan, int64_t sample, int64_t channel) {
    return plan->family == EKI_BATCH ? channel : sample * plan->groups + channel / plan->group_channels;
}

int64_t eki_buffer_elements(const ek_norm_plan *plan) {
    if (plan->family == EKI_ROWS || !plan->blocked) return plan->elements;
    return plan->samples * plan->tiles * plan->tile * plan->space;
}
