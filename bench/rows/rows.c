/* rows.c: layer norm forward over rows (8x1024x768 unless given: rows B T C [threads [rounds]]) beside a plain loop
 * compiled with -Ofast, in the same run: rounds alternate, and the ratio of each round counts. Above 1: ours is faster.
 */
#include "plain.h"

#include <evenkeel/norm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ROUNDS = 1001 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n) {
    qsort(values, (size_t)n, sizeof *values, compare);
    return values[n / 2];
}

static void *room(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (memory == NULL) exit(5);
    memset(memory, 0, (bytes + 63) / 64 * 64);
    return memory;
}

/* Median times of both, and of their ratios. */
static int measure(int rows, int n, int threads, int rounds) {
    static double ours[MOST_ROUNDS], theirs[MOST_ROUNDS], ratio[MOST_ROUNDS];
    size_t size = (size_t)rows * (size_t)n * sizeof(float), values = (size_t)rows * (size_t)n;
    float *x = room(size), *y = room(size), *z = room(size), *mean = room(sizeof(float) * (size_t)rows);
    float *rstd = room(sizeof(float) * (size_t)rows), *scale = room(sizeof(float) * (size_t)n);
    float *bias = room(sizeof(float) * (size_t)n), worst = 0;
    for (size_t i = 0; i < values; i++) x[i] = (float)(i * 2654435761u % 1000) * 0.002f - 1.0f;
    for (int i = 0; i < n; i++) scale[i] = 1.0f + 0.001f * (float)i, bias[i] = 0.1f;
    ek_error err;
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_LAYER);
    desc.rank = 2, desc.dims[0] = rows, desc.dims[1] = n;
    desc.parallel.threads = threads;
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) return fprintf(stderr, "%s\n", err.text), 2;
    ek_norm_args args = {.struct_size = sizeof args, .x = x, .y = y, .scale = scale, .bias = bias};
    args.mean = mean, args.rstd = rstd;
    args.workspace = room(ek_norm_workspace_bytes(plan));
    for (int r = -2; r < rounds; r++) {
        double start = now();
        if (ek_norm_forward(plan, EK_STATS_BATCH, &args, &err) != EK_OK) return fprintf(stderr, "%s\n", err.text), 2;
        double middle = now();
        plain_rows(z, mean, rstd, x, scale, bias, rows, n, threads);
        double end = now();
        if (r < 0) continue; /* the first ones warm up */
        ours[r] = middle - start, theirs[r] = end - middle, ratio[r] = theirs[r] / ours[r];
    }
    for (size_t i = 0; i < values; i++) worst = fmaxf(worst, fabsf(y[i] - z[i]));
    double best = ours[0], best_plain = theirs[0];
    for (int r = 1; r < rounds; r++) best = fmin(best, ours[r]), best_plain = fmin(best_plain, theirs[r]);
    double middle = median(ratio, rounds);
    printf("%d threads: ours %.3f ms (best %.3f), plain %.3f ms (best %.3f), plain / ours %.2f [%.2f, %.2f], of the "
           "best %.2f; "
           "they differ by %.1g\n",
           threads, 1e3 * median(ours, rounds), 1e3 * best, 1e3 * median(theirs, rounds), 1e3 * best_plain, middle,
           ratio[rounds / 4], ratio[rounds * 3 / 4], best_plain / best, (double)worst);
    void *all[] = {x, y, z, mean, rstd, scale, bias, args.workspace};
    for (int i = 0; i < 8; i++) free(all[i]);
    ek_norm_plan_destroy(plan);
    return worst < 1e-3f ? 0 : 1;
}

int main(int argc, char **argv) {
    int b = argc > 3 ? atoi(argv[1]) : 8, t = argc > 3 ? atoi(argv[2]) : 1024, c = argc > 3 ? atoi(argv[3]) : 768;
    int threads = argc > 4 ? atoi(argv[4]) : 0, rounds = argc > 5 ? atoi(argv[5]) : 41;
    if (b < 1 || t < 1 || c < 1 || threads < 0 || rounds < 1 || rounds > MOST_ROUNDS) {
        return fprintf(stderr, "usage: rows [B T C [threads [rounds]]]\n"), 2;
    }
    printf("layer norm forward %dx%dx%d\n", b, t, c);
    if (threads > 0) return measure(b * t, c, threads, rounds);
    int one = measure(b * t, c, 1, rounds);
    return one != 0 ? one : measure(b * t, c, 2, rounds);
}
