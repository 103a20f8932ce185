/* kernelbench.c: how fast a kernel is on every instruction set: bytes it must move per second, from the first cache,
 * the second, and memory, on one thread. Best of several runs: what disturbs a run only makes it slower. */
#include "kernelcheck/kernelcheck.h"

#include "base/memory.h"
#include "cpu/dispatch.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIZES = 3, RUNS = 9, LARGEST = 1 << 23, COLUMNS = 64, BLOCK = 16, ROW = 1024 };

static const size_t sizes[SIZES] = {1 << 12, 1 << 16, LARGEST};
static const char *const size_names[SIZES] = {"16 KiB", "256 KiB", "32 MiB"};

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *cache_lines(size_t bytes) {
    void *memory = eki_alloc_zero(eki_sized(bytes));
    if (memory == NULL) abort();
    return memory;
}

static float *floats(size_t count, float first) {
    float *values = cache_lines(count * sizeof(float));
    for (size_t i = 0; i < count; i++) values[i] = first + (float)(i % 61) * 0.03f;
    return values;
}

static double *doubles(size_t count) {
    double *values = cache_lines(count * sizeof(double));
    for (size_t i = 0; i < count; i++) values[i] = 0.9 + (double)(i % 7) * 0.01;
    return values;
}

/* Runs of forty that are valid, forty that are not. */
static unsigned char *half_hidden(void) {
    unsigned char *valid = cache_lines(LARGEST);
    for (size_t i = 0; i < LARGEST; i++) valid[i] = i / 40 % 2;
    return valid;
}

/* What every problem reads; sized for the largest. */
static problem whole(void) {
    problem p = {
        .x = floats(LARGEST, -0.9f), .dy = floats(LARGEST, -0.7f), .y = floats(LARGEST, 0), .sums = doubles(LARGEST)};
    p.valid = half_hidden();
    p.xs = p.x;
    p.dys = p.dy;
    p.mean = doubles(LARGEST);
    p.rstd = p.mean;
    p.scale = floats(LARGEST, 0.5f);
    p.bias = floats(LARGEST, 0.1f);
    for (int i = 0; i < 6; i++) p.column[i] = p.channel[i] = p.scale;
    p.affine = (eki_scaling){0.1f, 1e-9f, 1.1f, 0.2f};
    p.gradient = (eki_gradient){0.1f, 1e-9f, 1.1f, 0.9f, 0.01f, 0.02f};
    return p;
}

static void forget(const problem *p) {
    const void *all[] = {p->x, p->dy, p->y, p->sums, p->mean, p->scale, p->bias, p->valid};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) eki_free((void *)(uintptr_t)all[i]);
}

/* Seconds of one call. */
static double timed(const kernel_case *c, const eki_kernels *kernels, const problem *p, size_t repeats) {
    double best = 1e9;
    for (int run = 0; run < RUNS; run++) {
        double began = now();
        for (size_t i = 0; i < repeats; i++) c->run(kernels, p);
        double seconds = (now() - began) / (double)repeats;
        if (seconds < best) best = seconds;
    }
    return best;
}

static void bench_width(const kernel_case *c, problem p, size_t width) {
    int both = strstr(c->name, "grad") != NULL || c->output == ROW_AND_COLUMN_SUMS,
        tensors = both + 1 + (c->output == ELEMENTS);
    for (size_t k = 0; eki_kernels_at(k, EKI_F32) != NULL; k++) {
        if (!eki_kernels_supported(k)) continue;
        printf("%-28s %-8s", c->name, eki_kernels_at(k, EKI_F32)->isa);
        if (width > 0) printf(" %4zu columns", width);
        if (width == 0) printf(" %12s", "");
        for (int s = 0; s < SIZES; s++) {
            p.n = p.stride = width > 0 ? width : sizes[s];
            p.rows = sizes[s] / p.n;
            double seconds = timed(c, eki_kernels_at(k, EKI_F32), &p, LARGEST / 4 / sizes[s] + 1);
            printf("  %s %6.1f GB/s", size_names[s], 1e-9 * tensors * (double)(sizes[s] * sizeof(float)) / seconds);
        }
        printf("\n");
    }
}

void kernel_bench(const kernel_case *c) {
    problem p = whole();
    if (strncmp(c->name, "col_", 4) == 0) {
        bench_width(c, p, BLOCK);
        bench_width(c, p, COLUMNS);
    } else {
        bench_width(c, p, c->output == COLUMN_SUMS || c->output == ROW_AND_COLUMN_SUMS ? ROW : 0);
    }
    forget(&p);
}
