/* norm_schedule.h: how a call runs: a list of stages, each a function over a range of items, and the one that walks it.
 */
#ifndef EKI_NORM_SCHEDULE_H
#define EKI_NORM_SCHEDULE_H

#include "norm/job.h"

/* What the items of a stage are. Those of a window count within it; channels are numbered as in the plan. */
typedef enum eki_over {
    EKI_OVER_UNITS,      /* (unit, slab of the window) */
    EKI_OVER_CELLS,      /* (cell, slab of the window) */
    EKI_OVER_CHANNELS,   /* channels of the window */
    EKI_OVER_SETS,       /* GROUP, ROWS: sets, for what reads their elements, */
    EKI_OVER_MERGES,     /* for what reads their partial results */
    EKI_OVER_SET_BLOCKS, /* (contiguous set, block) */
    EKI_OVER_SUMS,       /* GROUP: (sample, channel), for what merges its blocks */
    EKI_OVER_ROW_BLOCKS, /* ROWS: blocks of rows that have sums of parameter gradients of their own */
    EKI_OVER_TILES,      /* ROWS: (block of rows, tile of columns) */
    EKI_OVER_COLUMNS     /* ROWS: elements of a row */
} eki_over;

/* The walker shares the items [begin, end) out; no result depends on how. */
typedef void (*eki_body)(const eki_job *job, int64_t begin, int64_t end);

/* A body of NULL is no stage. Stages that are `joined` follow each other within a task: a slab (BATCH), or as many sets
 * as stay in the first cache (GROUP, ROWS), goes through all of them before the next. */
typedef struct eki_stage {
    eki_over over;
    eki_body body;
    bool joined;
} eki_stage;

enum { EKI_STAGES = 6 };
typedef struct eki_schedule {
    int64_t window; /* slabs that all stages are at before the next; 0 = all at once */
    eki_stage stage[EKI_STAGES];
} eki_schedule;

/* norm_schedule.c: what of a plan is no more than schedule: cells, tiles, slabs, windows, streaming. */
void eki_schedule_stream(ek_norm_plan *plan);
void eki_schedule_plan(ek_norm_plan *plan);

/* The stages of a call, and in the job what goes with them. BATCH: normalized by running statistics, or in backward
 * through those of the batch; one batch, which may be virtual. */
eki_schedule eki_schedule_forward(eki_job *job, bool running);
eki_schedule eki_schedule_again(eki_job *job); /* forward, with the statistics that there are */
eki_schedule eki_schedule_backward(eki_job *job, bool through_statistics);

/* norm_walk.c: runs the stages, window by window. */
void eki_run(const eki_job *job, const eki_schedule *schedule);
void eki_run_stage(const eki_job *job, eki_over over, eki_body body);

#endif
