/* bench_copy.c: the yardstick: a copy of as many bytes, plain (memcpy) and with non-temporal stores. */
#include "bench/bench_internal.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

typedef float quad __attribute__((vector_size(16)));

static void stream_quad(float *to, quad value) {
#if defined(__clang__)
    __builtin_nontemporal_store(value, (quad *)(void *)to);
#elif defined(__SSE2__)
    __builtin_ia32_movntps(to, value);
#else
    memcpy(to, &value, sizeof value);
#endif
}

/* `to` is 16-byte aligned. */
static void stream(float *to, const float *from, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        quad value[4];
        memcpy(value, from + i, sizeof value);
        for (size_t j = 0; j < 4; j++) stream_quad(to + i + 4 * j, value[j]);
    }
    memcpy(to + i, from + i, (count - i) * sizeof(float));
    atomic_thread_fence(memory_order_seq_cst);
}

typedef struct {
    float *to;
    const float *from;
    size_t lines, rest, tasks; /* lines of sixteen floats, so that every task begins at one */
    int streaming;
} copy_job;

static void copy_task(void *argument, size_t index) {
    const copy_job *job = argument;
    size_t begin, end;
    ekb_split(job->lines, job->tasks, index, &begin, &end);
    size_t count = (end - begin) * 16 + (index + 1 == job->tasks ? job->rest : 0);
    if (job->streaming) {
        stream(job->to + begin * 16, job->from + begin * 16, count);
    } else {
        memcpy(job->to + begin * 16, job->from + begin * 16, count * sizeof(float));
    }
}

/* Small copies are cheaper on one thread. */
static void copy(float *to, const float *from, size_t count, int threads, int streaming) {
    size_t tasks = count >= 16384 && threads > 1 ? (size_t)threads : 1;
    copy_job job = {to, from, count / 16, count % 16, tasks, streaming};
    ekb_tasks(threads, tasks, copy_task, &job);
}

void ekb_copy_plain(float *to, const float *from, size_t count, int threads) { copy(to, from, count, threads, 0); }

void ekb_copy_stream(float *to, const float *from, size_t count, int threads) { copy(to, from, count, threads, 1); }
