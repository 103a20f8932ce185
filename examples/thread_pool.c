/* thread_pool.c: Evenkeel on the threads of the host program, through the parallel-for seam.
 *
 * The seam is one function: run body(argument, 0 .. tasks-1) on any threads, in any order, and return when all are
 * done. This pool starts threads for each call, to be short; a real one keeps them. The bits of the results are the
 * same for every number of threads, which the program checks. */
#include <evenkeel/norm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 32, C = 16, SPACE = 400, SIZE = N * C * SPACE, MOST = 16 };

typedef struct {
    atomic_size_t next;
    size_t tasks;
    void (*body)(void *argument, size_t index);
    void *argument;
} job;

static void *work(void *pointer) {
    job *j = pointer;
    for (size_t i; (i = atomic_fetch_add(&j->next, 1)) < j->tasks;) j->body(j->argument, i);
    return NULL;
}

/* context = the number of threads. */
static void run(void *context, size_t tasks, void (*body)(void *argument, size_t index), void *argument) {
    job j = {.tasks = tasks, .body = body, .argument = argument};
    pthread_t helpers[MOST];
    int wanted = *(int *)context - 1, started = 0;
    while (started < wanted && pthread_create(&helpers[started], NULL, work, &j) == 0) started++;
    work(&j); /* the caller takes part, so that all is done even when no thread starts */
    for (int i = 0; i < started; i++) pthread_join(helpers[i], NULL);
}

static int normalize(const float *x, float *y, int threads) {
    ek_error err;
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3, desc.dims[0] = N, desc.dims[1] = C, desc.dims[2] = SPACE;
    desc.parallel = (ek_parallel){.context = &threads, .run = run, .threads = threads};
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) return fputs(err.text, stderr), 1;
    ek_norm_args args = {.struct_size = sizeof args, .x = x, .y = y};
    args.workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    ek_status status = ek_norm_forward(plan, EK_STATS_BATCH, &args, &err);
    free(args.workspace);
    ek_norm_plan_destroy(plan);
    return status != EK_OK;
}

int main(void) {
    static float x[SIZE], one[SIZE], many[SIZE];
    for (int i = 0; i < SIZE; i++) x[i] = (float)(i % 1001) * 0.37f;
    if (normalize(x, one, 1) != 0) return 1;
    for (int threads = 2; threads <= MOST; threads *= 2) {
        if (normalize(x, many, threads) != 0) return 1;
        int same = memcmp(one, many, sizeof one) == 0;
        printf("%2d threads: %s\n", threads, same ? "the same bits" : "other bits");
        if (!same) return 1;
    }
    return 0;
}
