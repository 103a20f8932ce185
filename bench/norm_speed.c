/* norm_speed.c [ISA]: microseconds of a forward and of a backward pass, one thread, the least of many; for
 * bench/wasm.sh, which compares this program with itself as WebAssembly. */
#include <evenkeel/cpu.h>
#include <evenkeel/norm.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct {
    const char *name;
    ek_norm_kind kind;
    ek_layout layout;
    int64_t dims[4];
    int rank;
} speed_case;

static const speed_case cases[] = {
    {"batch 64x32x14x14", EK_NORM_BATCH, EK_LAYOUT_NCHW, {64, 32, 14, 14}, 4},
    {"batch 64x32x14x14 NHWC", EK_NORM_BATCH, EK_LAYOUT_NHWC, {64, 32, 14, 14}, 4},
    {"batch 16x64x56x56", EK_NORM_BATCH, EK_LAYOUT_NCHW, {16, 64, 56, 56}, 4},
    {"layer 512x768", EK_NORM_LAYER, EK_LAYOUT_NCHW, {512, 768}, 2},
    {"rms 512x768", EK_NORM_RMS, EK_LAYOUT_NCHW, {512, 768}, 2},
    {"group 8x64x28x28", EK_NORM_GROUP, EK_LAYOUT_NCHW, {8, 64, 28, 28}, 4},
};

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static float *floats(size_t count, float first) {
    float *values = aligned_alloc(64, (count * sizeof *values + 63) / 64 * 64);
    if (values == NULL) exit(1);
    for (size_t i = 0; i < count; i++) values[i] = first + (float)(i % 61) * 0.03f;
    return values;
}

static void measure(const speed_case *c) {
    ek_norm_desc desc = ek_norm_desc_default(c->kind);
    ek_norm_plan *plan;
    ek_error err;
    size_t n = 1, parameters = (size_t)c->dims[1];
    desc.layout = c->layout, desc.rank = c->rank, desc.parallel.threads = 1;
    if (c->kind == EK_NORM_GROUP) desc.groups = 8;
    for (int i = 0; i < c->rank; i++) n *= (size_t)(desc.dims[i] = c->dims[i]);
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) exit(1);
    ek_norm_args a = {.struct_size = sizeof a, .x = floats(n, -0.9f), .dy = floats(n, -0.7f), .y = floats(n, 0)};
    a.dx = floats(n, 0), a.scale = floats(parameters, 0.5f), a.bias = floats(parameters, 0.1f);
    a.dscale = floats(parameters, 0), a.dbias = floats(parameters, 0);
    a.saved = floats(ek_norm_saved_bytes(plan) / 4, 0), a.workspace = floats(ek_norm_workspace_bytes(plan) / 4, 0);
    double forward = 1e30, backward = 1e30;
    for (double end = now() + 4e5; now() < end;) {
        double began = now();
        if (ek_norm_forward(plan, EK_STATS_BATCH, &a, &err) != EK_OK) exit(1);
        double between = now();
        if (ek_norm_backward(plan, &a, &err) != EK_OK) exit(1);
        double ended = now();
        if (between - began < forward) forward = between - began;
        if (ended - between < backward) backward = ended - between;
    }
    printf("%-24s %9.1f %9.1f\n", c->name, forward, backward);
    ek_norm_plan_destroy(plan); /* the memory goes with the program */
}

int main(int argc, char **argv) {
    if (argc > 1 && ek_cpu_set_isa(argv[1], NULL) != EK_OK) return 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) measure(&cases[i]);
    return 0;
}
