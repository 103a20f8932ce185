/* norm_walk.c: runs a schedule. Each stage is one sweep, in parallel, over its items; joined stages are one together,
 * over slabs or groups of sets, which a task takes through all of them. No result depends on it.
 */
#include "base/threads.h"
#include "norm/norm_schedule.h"

#include <stdatomic.h>

/* Items [first, first + count), of about so many elements each. */
typedef struct {
    int64_t first, count, each;
} items;

static items items_of(const eki_job *job, eki_over over) {
    const ek_norm_plan *plan = job->plan;
    int64_t merge = 8 * plan->units.count, slabs = job->window.count, cells = job->cells->count, first;
    switch (over) {
    case EKI_OVER_UNITS:
        return (items){0, plan->units.count * slabs, plan->elements / (plan->units.count * plan->slabs) + 1};
    case EKI_OVER_CELLS:
        if (eki_whole_rows(plan, job->cells)) return (items){0, cells, plan->elements / cells + 1};
        return (items){0, cells * slabs, plan->elements / (cells * plan->slabs) + 1};
    case EKI_OVER_CHANNELS: slabs = eki_channels_of(plan, job->window, &first); return (items){first, slabs, merge};
    case EKI_OVER_SETS: return (items){0, plan->sets, plan->set_size};
    case EKI_OVER_MERGES: return (items){0, plan->sets, 8 * plan->group_channels * plan->units.blocks};
    case EKI_OVER_SET_BLOCKS: return (items){0, plan->sets * plan->set_blocks, EKI_ROW_LIMIT};
    case EKI_OVER_SUMS: return (items){0, plan->samples * plan->channels, 8 * plan->units.blocks};
    case EKI_OVER_ROW_BLOCKS: return (items){0, plan->param_blocks, plan->param_rows * plan->space};
    case EKI_OVER_TILES: return (items){0, plan->param_blocks * plan->param_tiles, EKI_PARAM_TILE * plan->param_rows};
    default: return (items){0, plan->space, plan->param_blocks};
    }
}

/* The sweep that begins with a stage: `joined` stages, or 0 for this one alone. */
typedef struct {
    const eki_job *job;
    const eki_stage *stage;
    int joined;
    int64_t first;
    size_t items, tasks;
} sweep;

static void slab(const sweep *s, int64_t index) {
    eki_job local = *s->job;
    local.window = (eki_slabs){index, 1};
    local.cells = &local.plan->slab_cells;
    for (int i = 0; i < s->joined; i++) {
        if (s->stage[i].body == NULL) continue;
        items all = items_of(&local, s->stage[i].over);
        s->stage[i].body(&local, all.first, all.first + all.count);
    }
}

/* Rows of units and of cells: a set has one for each of its channels. */
static void sets(const sweep *s, int64_t begin, int64_t end) {
    int64_t together = s->job->plan->sets_together, channels = s->job->plan->group_channels;
    for (int64_t first = begin; first < end; first += together) {
        int64_t last = eki_min(first + together, end);
        for (int i = 0; i < s->joined; i++) {
            if (s->stage[i].body == NULL) continue;
            int64_t width = s->stage[i].over <= EKI_OVER_CELLS ? channels : 1;
            s->stage[i].body(s->job, first * width, last * width);
        }
    }
}

/* Streamed stores come before whatever the end of a task announces. */
static void task(void *argument, size_t index) {
    const sweep *s = argument;
    size_t begin, end;
    eki_split(s->items, s->tasks, index, &begin, &end);
    int64_t first = s->first + (int64_t)begin, last = s->first + (int64_t)end;
    if (s->joined == 0) {
        s->stage->body(s->job, first, last);
    } else if (s->job->plan->family == EKI_BATCH) {
        for (; first < last; first++) slab(s, first);
    } else {
        sets(s, first, last);
    }
    if (s->job->plan->stream) atomic_thread_fence(memory_order_seq_cst);
}

/* As many tasks as threads and work justify. */
static size_t tasks_of(const ek_norm_plan *plan, items all) {
    int64_t worth = all.count / eki_max(1, EKI_TASK_ELEMENTS / eki_max(1, all.each));
    int64_t tasks = eki_min(eki_min(worth, all.count), eki_parallel_threads(&plan->desc.parallel));
    return (size_t)eki_max(1, tasks);
}

static int joined_stages(const eki_stage *stage, int rest) {
    int count = 0;
    while (count < rest && (stage[count].body == NULL || stage[count].joined)) count++;
    return count;
}

static sweep sweep_of(const eki_job *job, const eki_stage *stage, int joined) {
    const ek_norm_plan *plan = job->plan;
    bool slabs = joined > 0 && plan->family == EKI_BATCH;
    items all = slabs ? (items){0, plan->slabs, plan->elements / plan->slabs + 1}
                      : items_of(job, joined > 0 ? EKI_OVER_SETS : stage->over);
    return (sweep){job, stage, joined, all.first, (size_t)all.count, tasks_of(plan, all)};
}

/* One loop, so that a kernel is few calls below the caller. */
void eki_run(const eki_job *job, const eki_schedule *schedule) {
    eki_job local = *job;
    eki_slabs all = job->window;
    int64_t window = schedule->window > 0 ? schedule->window : all.count;
    for (int64_t first = 0; first < all.count; first += window) {
        local.window = (eki_slabs){all.first + first, eki_min(window, all.count - first)};
        for (int i = 0, joined; i < EKI_STAGES; i += eki_max(1, joined)) {
            const eki_stage *stage = schedule->stage + i;
            if (stage->body == NULL) {
                joined = 0;
                continue;
            }
            joined = joined_stages(stage, EKI_STAGES - i);
            sweep s = sweep_of(&local, stage, joined);
            if (s.tasks == 1) {
                task(&s, 0);
            } else {
                eki_parallel_in(job->caller, &job->plan->desc.parallel, s.tasks, task, &s);
            }
        }
    }
}

void eki_run_stage(const eki_job *job, eki_over over, eki_body body) {
    eki_run(job, &(eki_schedule){0, {{over, body, false}}});
}
