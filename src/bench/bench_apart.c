/* bench_apart.c: what is fused, one step after the other: add and ReLU behind a norm, and the slope of ReLU before its
 * backward. Memory bounds these loops, so they need no kernels. */
#include "base/threads.h"
#include "bench/bench_internal.h"

typedef struct {
    float *to;
    const float *a, *b;
    size_t count, tasks;
} step;

static void add_task(void *argument, size_t index) {
    const step *s = argument;
    size_t begin, end;
    eki_split(s->count, s->tasks, index, &begin, &end);
    for (size_t i = begin; i < end; i++) s->to[i] = s->a[i] + s->b[i];
}

static void relu_task(void *argument, size_t index) {
    const step *s = argument;
    size_t begin, end;
    eki_split(s->count, s->tasks, index, &begin, &end);
    for (size_t i = begin; i < end; i++) s->to[i] = s->a[i] < 0.0f ? 0.0f : s->a[i];
}

static void slope_task(void *argument, size_t index) {
    const step *s = argument;
    size_t begin, end;
    eki_split(s->count, s->tasks, index, &begin, &end);
    for (size_t i = begin; i < end; i++) s->to[i] = s->b[i] > 0.0f ? s->a[i] : 0.0f;
}

static void run(step s, int threads, void (*task)(void *, size_t)) {
    s.tasks = s.count >= 16384 && threads > 1 ? (size_t)threads : 1;
    eki_parallel_for(&(ek_parallel){.threads = threads}, s.tasks, task, &s);
}

void eki_apart_add(float *to, const float *a, const float *b, size_t count, int threads) {
    run((step){to, a, b, count, 1}, threads, add_task);
}

void eki_apart_relu(float *to, const float *a, size_t count, int threads) {
    run((step){to, a, NULL, count, 1}, threads, relu_task);
}

void eki_apart_slope(float *to, const float *dy, const float *y, size_t count, int threads) {
    run((step){to, dy, y, count, 1}, threads, slope_task);
}
