/* bench_apart.c: what is fused, one step after the other: add and ReLU behind a norm, and the slope of ReLU before its
 * backward. Vectors of the compiler's: memory bounds these loops, so they need no kernels; but no branches either. */
#include "bench/bench_internal.h"

#include <stdint.h>
#include <string.h>

enum { LANES = 4 };
typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t words __attribute__((vector_size(4 * LANES)));

typedef enum { ADD, RELU, SLOPE } operation;

typedef struct {
    operation operation;
    float *to;
    const float *a, *b;
    size_t count, tasks; /* of whole vectors; what is left is the last task's */
} step;

static lanes load(const float *from, size_t bytes) {
    lanes v = {0};
    memcpy(&v, from, bytes);
    return v;
}

/* to = a + b, to = a < 0 ? 0 : a, to = b > 0 ? a : 0, of the elements that `bytes` hold. */
static inline void take(operation o, const step *s, size_t i, size_t bytes) {
    const lanes zero = {0};
    lanes a = load(s->a + i, bytes);
    if (o == ADD) a += load(s->b + i, bytes);
    if (o == RELU) a = (lanes)(~(a < zero) & (words)a);
    if (o == SLOPE) a = (lanes)((load(s->b + i, bytes) > zero) & (words)a);
    memcpy(s->to + i, &a, bytes);
}

/* The operation is a constant of each loop, and stores cannot change a copy of the step. */
static void sweep(const step s, size_t begin, size_t end) {
    switch (s.operation) {
    case ADD:
        for (; begin < end; begin++) take(ADD, &s, begin * LANES, sizeof(lanes));
        break;
    case RELU:
        for (; begin < end; begin++) take(RELU, &s, begin * LANES, sizeof(lanes));
        break;
    default:
        for (; begin < end; begin++) take(SLOPE, &s, begin * LANES, sizeof(lanes));
    }
}

static void task(void *argument, size_t index) {
    const step *s = argument;
    size_t begin, end, whole = s->count / LANES, rest = s->count % LANES;
    ekb_split(whole, s->tasks, index, &begin, &end);
    sweep(*s, begin, end);
    if (index + 1 == s->tasks && rest > 0) take(s->operation, s, whole * LANES, rest * sizeof(float));
}

static void run(step s, int threads) {
    s.tasks = s.count >= 16384 && threads > 1 ? (size_t)threads : 1;
    ekb_tasks(threads, s.tasks, task, &s);
}

void ekb_apart_add(float *to, const float *a, const float *b, size_t count, int threads) {
    run((step){ADD, to, a, b, count, 1}, threads);
}

void ekb_apart_relu(float *to, const float *a, size_t count, int threads) {
    run((step){RELU, to, a, NULL, count, 1}, threads);
}

void ekb_apart_slope(float *to, const float *dy, const float *y, size_t count, int threads) {
    run((step){SLOPE, to, dy, y, count, 1}, threads);
}
