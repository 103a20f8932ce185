/* norm_geometry.c: where the units, cells, rows and tiles of a plan lie in memory. */
#include "norm/norm_plan.h"

eki_units eki_units_make(int64_t samples, int64_t space, int64_t chunk, int64_t limit) {
    eki_units u = {.samples = samples, .space = space, .limit = limit, .chunk = chunk, .blocks = 1};
    if (space > limit) {
        u.chunk = 1;
        u.blocks = eki_ceil_div(space, limit);
    }
    u.count = eki_ceil_div(samples, u.chunk) * u.blocks;
    return u;
}

eki_span eki_unit(const eki_units *units, int64_t u) {
    if (units->blocks > 1) {
        int64_t begin = u % units->blocks * units->limit;
        return (eki_span){u / units->blocks, 1, begin, eki_min(units->limit, units->space - begin)};
    }
    int64_t first = u * units->chunk;
    return (eki_span){first, eki_min(units->chunk, units->samples - first), 0, units->space};
}

int64_t eki_channels_of(const ek_norm_plan *plan, eki_slabs slabs, int64_t *first) {
    *first = slabs.first * plan->slab_width;
    return eki_min(slabs.count * plan->slab_width, plan->channels - *first);
}

bool eki_next_rows(const eki_units *cells, eki_slabs window, int64_t *i, int64_t end, eki_rows *rows) {
    if (*i >= end) return false;
    int64_t item = *i / cells->blocks, slab = item % window.count;
    eki_span s = eki_unit(cells, item / window.count * cells->blocks + *i % cells->blocks);
    int64_t count = cells->blocks > 1 ? 1 : eki_min(eki_min(end - *i, window.count - slab), EKI_TILE);
    *rows = (eki_rows){s.sample, window.first + slab, count, s.begin, s.length};
    *i += count;
    return true;
}

/* Whole blocks of sixteen channels lie behind each other. */
static int64_t tiles_from(const ek_norm_plan *plan, int64_t t, int64_t most) {
    int64_t whole = plan->channels / plan->tile - t;
    if (plan->desc.layout != EK_LAYOUT_BLOCKED16 || plan->cells.blocks > 1 || plan->masked || whole < 1) return 1;
    return eki_min(eki_min(most, whole), EKI_TILE / plan->tile);
}

bool eki_next_tiles(const ek_norm_plan *plan, const eki_units *cells, eki_slabs window, int64_t *i, int64_t end,
                    eki_tiles *tiles) {
    if (*i >= end) return false;
    if (eki_whole_rows(plan, cells)) {
        *tiles = (eki_tiles){eki_unit(cells, (*i)++), 0, plan->tiles};
        return true;
    }
    int64_t slab = *i % window.count, t = window.first + slab;
    int64_t count = tiles_from(plan, t, eki_min(end - *i, window.count - slab));
    *tiles = (eki_tiles){eki_unit(cells, *i / window.count), t, count};
    *i += count;
    return true;
}

int64_t eki_tile_offset(const ek_norm_plan *plan, int64_t sample, int64_t row, int64_t t) {
    if (plan->blocked) return ((sample * plan->tiles + t) * plan->space + row) * plan->tile;
    return (sample * plan->space + row) * plan->channels + t * plan->tile;
}

int64_t eki_tile_stride(const ek_norm_plan *plan) { return plan->blocked ? plan->tile : plan->channels; }

int64_t eki_tile_columns(const ek_norm_plan *plan, int64_t t) {
    return eki_min(plan->tile, plan->channels - t * plan->tile);
}

eki_grid eki_tile_grid(const ek_norm_plan *plan, eki_span s, int64_t t) {
    size_t stride = (size_t)eki_tile_stride(plan), cols = (size_t)eki_tile_columns(plan, t);
    size_t sample = (size_t)(plan->tiles * plan->space) * stride;
    if (plan->blocked) return (eki_grid){(size_t)s.length, stride, cols, (size_t)s.samples, sample, 0};
    return (eki_grid){(size_t)(s.samples * s.length), stride, cols, 1, 0, 0};
}

eki_grid eki_tiles_grid(const ek_norm_plan *plan, const eki_tiles *tiles) {
    eki_grid grid = eki_tile_grid(plan, tiles->span, tiles->t);
    if (tiles->count == 1) return grid;
    if (!plan->blocked) {
        grid.cols = (size_t)plan->channels;
        return grid;
    }
    grid.count = (size_t)tiles->count;
    grid.distance = (size_t)(plan->space * plan->tile);
    grid.advance = (size_t)plan->tile;
    return grid;
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
