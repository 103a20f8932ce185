/* window.c: how the phases walk through memory. A piece is a channel (row memory) or a tile of channels (column
 * memory); a window is the pieces that the phases are at, which are all of them unless set_window in norm_plan.c says
 * otherwise. No result depends on it.
 */
#include "norm/norm_job.h"

static int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }

static eki_window window_of(const eki_job *job) {
    return job->window.count > 0 ? job->window : (eki_window){0, eki_pieces(job->plan)};
}

int64_t eki_window_channels(const eki_job *job, int64_t *first) {
    return eki_channels_of(job->plan, window_of(job), first);
}

void eki_each_window(const eki_job *job, void (*body)(eki_job *job)) {
    int64_t all = eki_pieces(job->plan), step = job->plan->window;
    for (int64_t first = 0; first < all; first += step) {
        eki_job local = *job;
        local.window = (eki_window){first, min_i64(step, all - first)};
        body(&local);
    }
}

typedef struct {
    const eki_job *job;
    eki_window window;
    eki_sums_fn sums;
    eki_rows_fn rows;
    eki_span_fn span;
} walk;

static void walk_units(void *context, int64_t begin, int64_t end) {
    const walk *w = context;
    for (int64_t i = begin; i < end; i++) w->sums(w->job, i / w->window.count, w->window.first + i % w->window.count);
}

void eki_each_unit(const eki_job *job, eki_sums_fn body) {
    walk w = {.job = job, .window = window_of(job), .sums = body};
    const ek_norm_plan *plan = job->plan;
    int64_t each = plan->elements / (plan->units.count * eki_pieces(plan)) + 1;
    eki_ranges(plan, plan->units.count * w.window.count, each, walk_units, &w);
}

/* In the order of memory; short rows many at a time. */
static void walk_rows(void *context, int64_t begin, int64_t end) {
    const walk *w = context;
    for (int64_t i = begin; i < end;) {
        eki_rows rows = eki_rows_from(w->job->plan, w->window, i, end);
        w->rows(w->job, rows);
        i += rows.count;
    }
    eki_end_stream(w->job);
}

/* Tiles; as many at a time as one grid can be. */
static void walk_tiles(void *context, int64_t begin, int64_t end) {
    const walk *w = context;
    const ek_norm_plan *plan = w->job->plan;
    for (int64_t i = begin, count; i < end; i += count) {
        int64_t piece = i % w->window.count, t = w->window.first + piece;
        count = eki_tiles_from(plan, t, min_i64(end - i, w->window.count - piece));
        w->span(w->job, eki_unit(&plan->cells, i / w->window.count), t, count);
    }
    eki_end_stream(w->job);
}

static void walk_whole_rows(void *context, int64_t begin, int64_t end) {
    const walk *w = context;
    const ek_norm_plan *plan = w->job->plan;
    for (int64_t i = begin; i < end; i++) w->span(w->job, eki_unit(&plan->cells, i), 0, plan->tiles);
    eki_end_stream(w->job);
}

void eki_each_cell(const eki_job *job, eki_rows_fn rows, eki_span_fn span) {
    const ek_norm_plan *plan = job->plan;
    walk w = {.job = job, .window = window_of(job), .rows = rows, .span = span};
    bool whole = plan->whole_rows && w.window.count == plan->tiles;
    int64_t items = plan->cells.count * (whole ? 1 : w.window.count);
    int64_t each = plan->elements / (plan->cells.count * (whole ? 1 : eki_pieces(plan))) + 1;
    eki_ranges(plan, items, each, plan->row_apply ? walk_rows : whole ? walk_whole_rows : walk_tiles, &w);
}

void eki_one_piece(const eki_job *job, int64_t piece, eki_rows_fn rows, eki_span_fn span) {
    const ek_norm_plan *plan = job->plan;
    if (!plan->row_apply) {
        span(job, (eki_span){0, plan->samples, 0, plan->space}, piece, 1);
        return;
    }
    for (int64_t i = 0; i < plan->cells.count; i++) {
        eki_span s = eki_unit(&plan->cells, i);
        rows(job, (eki_rows){s.sample, piece, 1, s.begin, s.length});
    }
}
