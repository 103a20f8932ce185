/* threads.h: running independent tasks through the caller's thread seam, or OpenMP, or one after the other. */
#ifndef EKI_THREADS_H
#define EKI_THREADS_H

#include "base/error.h"
#include "base/float_mode.h"

#include <evenkeel/parallel.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*eki_task_fn)(void *argument, size_t index);

/* Runs body(argument, 0..tasks-1). NULL or all-zero `parallel` = the default. Never changes results, only time:
 * every task runs in the default modes of arithmetic (float_mode.h). */
void eki_parallel_for(const ek_parallel *parallel, size_t tasks, eki_task_fn body, void *argument);

/* The pool meanwhile has the modes of `caller`: its own code runs in them, and threads that OpenMP starts keep them. */
void eki_parallel_in(eki_float_mode caller, const ek_parallel *parallel, size_t tasks, eki_task_fn body,
                     void *argument);

/* Number of threads eki_parallel_for would use; at least 1. */
int eki_parallel_threads(const ek_parallel *parallel);

/* Sets and reads the number of threads of the default (OpenMP) pool for the calling thread. */
void eki_threads_set(int threads);
int eki_threads_get(void);

/* How many of `wanted` threads the pool has, of those that the system makes; it makes them now. */
int eki_pool_threads(int wanted);
/* EK_ERR_NOMEM where that is not all. */
ek_status eki_threads_ready(int threads, ek_error *err);

/* Splits [0, total) into `parts` nearly equal ranges and returns the part-th as [*begin, *end). */
void eki_split(size_t total, size_t parts, size_t part, size_t *begin, size_t *end);

/* Ranks own whole chunks of consecutive examples: [*first, *first + *count) of `total` are this rank's. */
void eki_shard(int64_t total, int64_t chunk, int ranks, int rank, int64_t *first, int64_t *count);

#endif
