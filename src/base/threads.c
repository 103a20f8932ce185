/* threads.c: the default thread seam. OpenMP so that oneDNN and Evenkeel share one pool. */
#include "base/threads.h"

#ifdef _OPENMP
#include <omp.h>
#endif

enum { MOST_THREADS = 4096 };

int eki_threads_get(void) {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

void eki_threads_set(int threads) {
#ifdef _OPENMP
    if (threads > 0) omp_set_num_threads(threads);
#else
    (void)threads;
#endif
}

int eki_parallel_threads(const ek_parallel *parallel) {
    int threads = parallel != NULL && parallel->threads > 0 ? parallel->threads : eki_threads_get();
    return threads < 1 ? 1 : threads < MOST_THREADS ? threads : MOST_THREADS;
}

typedef struct {
    eki_task_fn body;
    void *argument;
} guarded;

/* A task in the default modes, whatever those of its thread are. */
static void run_guarded(void *argument, size_t index) {
    const guarded *g = argument;
    EKI_FLOAT_DEFAULT(own);
    g->body(g->argument, index);
}

void eki_parallel_for(const ek_parallel *parallel, size_t tasks, eki_task_fn body, void *argument) {
    eki_parallel_in(eki_float_mode_get(), parallel, tasks, body, argument);
}

void eki_parallel_in(eki_float_mode caller, const ek_parallel *parallel, size_t tasks, eki_task_fn body,
                     void *argument) {
    EKI_FLOAT_AS(ours, caller);
    guarded all = {body, argument};
    if (parallel != NULL && parallel->run != NULL) {
        parallel->run(parallel->context, tasks, run_guarded, &all);
        return;
    }
#ifdef _OPENMP
    int threads = eki_parallel_threads(parallel);
    if (threads > 1 && tasks > 1 && !omp_in_parallel() && (threads = eki_pool_threads(threads)) > 1) {
#pragma omp parallel for schedule(static) num_threads(threads)
        for (size_t i = 0; i < tasks; i++) run_guarded(&all, i);
        return;
    }
#endif
    for (size_t i = 0; i < tasks; i++) run_guarded(&all, i);
}

void eki_split(size_t total, size_t parts, size_t part, size_t *begin, size_t *end) {
    size_t share = total / parts, rest = total % parts;
    *begin = part * share + (part < rest ? part : rest);
    *end = *begin + share + (part < rest ? 1 : 0);
}

void eki_shard(int64_t total, int64_t chunk, int ranks, int rank, int64_t *first, int64_t *count) {
    size_t begin, end;
    eki_split((size_t)((total + chunk - 1) / chunk), (size_t)ranks, (size_t)rank, &begin, &end);
    int64_t last = (int64_t)end * chunk;
    *first = (int64_t)begin * chunk < total ? (int64_t)begin * chunk : total;
    *count = (last < total ? last : total) - *first;
}
