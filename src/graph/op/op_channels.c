/* op_channels.c: see op_channels.h. A blocked tensor is rows of a block's lanes, one channels last rows of all
 * channels. */
#include "graph/op/op_channels.h"

#include <string.h>

enum { GRAIN = 16384, MAX_BLOCK = 16 };

bool eki_is_per_channel(const eki_shape *x, const eki_shape *of) {
    int missing = x->rank - of->rank; /* extents of 1 in front */
    if (x->rank < 3 || missing < 0 || missing > 1) return false;
    for (int i = missing; i < x->rank; i++) {
        int64_t extent = of->dims[i - missing];
        bool fits = i == 0 ? extent == 1 || extent == x->dims[0] : extent == (i == 1 ? x->dims[1] : 1);
        if (!fits) return false;
    }
    return true;
}

typedef struct job {
    eki_channels_fn body;
    void *argument;
    const float *x, *of;
    float *y;
    int64_t channels, space, lanes, blocks; /* of an example; lanes: numbers side by side, in so many blocks */
    int64_t stride;                         /* of the numbers from example to example: channels or 0 */
    int64_t rows;                           /* of one task */
    int64_t tasks;                          /* in one block */
} job;

static void run_task(void *argument, size_t index) {
    const job *j = argument;
    int64_t part = (int64_t)index % j->tasks, block = (int64_t)index / j->tasks % j->blocks;
    int64_t example = (int64_t)index / (j->tasks * j->blocks), first = block * j->lanes;
    int64_t begin = part * j->rows, rows = j->space - begin < j->rows ? j->space - begin : j->rows;
    int64_t at = ((example * j->blocks + block) * j->space + begin) * j->lanes;
    const float *of = j->of + example * j->stride + first;
    float padded[MAX_BLOCK] = {0};
    if (j->channels - first < j->lanes) of = memcpy(padded, of, (size_t)(j->channels - first) * sizeof *of);
    j->body(j->argument, j->x + at, of, j->y + at, rows, j->lanes);
}

void eki_channels_run(const eki_step *step, const eki_view *x, const eki_view *of, eki_channels_fn body,
                      void *argument) {
    job j = {.body = body, .argument = argument, .x = x->data, .of = of->data, .y = step->out[0].data};
    bool blocked = x->layout >= EK_LAYOUT_BLOCKED8, each = of->shape.rank == x->shape.rank && of->shape.dims[0] != 1;
    j.channels = x->shape.dims[1];
    j.space = 1;
    for (int i = 2; i < x->shape.rank; i++) j.space *= x->shape.dims[i];
    j.lanes = blocked ? (int64_t)x->layout : j.channels;
    j.blocks = blocked ? (j.channels + j.lanes - 1) / j.lanes : 1;
    j.stride = each ? j.channels : 0;
    if (j.channels < 1 || j.space < 1) return;
    j.rows = (GRAIN + j.lanes - 1) / j.lanes;
    j.tasks = (j.space + j.rows - 1) / j.rows;
    eki_for_tasks(step, (size_t)(x->shape.dims[0] * j.blocks * j.tasks), run_task, &j);
}
