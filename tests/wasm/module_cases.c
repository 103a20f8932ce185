/* module_cases.c: norms as module.test.mjs runs them in JavaScript, from the same numbers; their hashes are in
 * module_cases.inc, which both are held against. */
#include <evenkeel/norm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const expected[] = {
#include "module_cases.inc"
};

typedef struct {
    const char *name;
    ek_norm_kind kind;
    ek_layout layout;
    ek_dtype dtype;
    int64_t groups;
    ek_activation activation;
    int residual, rank;
    int64_t dims[4];
} module_case;

static const module_case cases[] = {
    {"batch", EK_NORM_BATCH, EK_LAYOUT_NCHW, EK_F32, 1, EK_ACTIVATION_NONE, 0, 4, {6, 10, 7, 9}},
    {"batch fused", EK_NORM_BATCH, EK_LAYOUT_BLOCKED16, EK_F32, 1, EK_ACTIVATION_RELU, 1, 4, {2, 20, 5, 7}},
    {"group", EK_NORM_GROUP, EK_LAYOUT_NHWC, EK_F32, 5, EK_ACTIVATION_SILU, 0, 4, {3, 20, 5, 7}},
    {"layer", EK_NORM_LAYER, EK_LAYOUT_NCHW, EK_F64, 1, EK_ACTIVATION_GELU, 0, 2, {40, 67}},
    {"rms", EK_NORM_RMS, EK_LAYOUT_NCHW, EK_BF16, 1, EK_ACTIVATION_NONE, 0, 2, {9, 130}},
    {"instance", EK_NORM_INSTANCE, EK_LAYOUT_NCHW, EK_BF16, 1, EK_ACTIVATION_TANH, 0, 4, {3, 6, 5, 7}},
};
enum { CASES = sizeof cases / sizeof cases[0], MOST = 8192 };

static uint32_t state;

/* In [-2, 2), exact in a float. */
static double next(void) {
    state = state * 1664525u + 1013904223u;
    return (double)(state >> 8) / 4194304.0 - 2.0;
}

/* `count` numbers of a type; bf16: floats, cut off. */
static void *numbers(ek_dtype type, size_t count) {
    double *room = aligned_alloc(64, MOST * sizeof *room);
    if (room == NULL) abort();
    for (size_t i = 0; i < count; i++) {
        double value = next();
        float narrow = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        uint16_t upper = (uint16_t)(bits >> 16);
        if (type == EK_F64) room[i] = value;
        if (type == EK_F32) memcpy((float *)(void *)room + i, &narrow, sizeof narrow);
        if (type == EK_BF16) memcpy((uint16_t *)(void *)room + i, &upper, sizeof upper);
    }
    return room;
}

static uint32_t hash(uint32_t h, const void *data, size_t bytes) {
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++) h = (h ^ p[i]) * 16777619u;
    return h;
}

static uint32_t run(const module_case *m) {
    ek_norm_desc desc = ek_norm_desc_default(m->kind);
    ek_error err;
    ek_norm_plan *plan;
    desc.layout = m->layout, desc.dtype = m->dtype, desc.groups = m->groups, desc.rank = m->rank;
    desc.activation = m->activation, desc.residual = m->residual;
    memcpy(desc.dims, m->dims, sizeof m->dims);
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) abort();
    ek_dtype real = m->dtype == EK_F64 ? EK_F64 : EK_F32;
    size_t block = m->layout > 1 ? (size_t)m->layout : 1, channels = ((size_t)m->dims[1] + block - 1) / block * block;
    size_t parameters = (size_t)m->dims[1], n = (size_t)m->dims[0] * channels, sets = (size_t)ek_norm_sets(plan);
    for (int i = 2; i < m->rank; i++) n *= (size_t)m->dims[i];
    size_t bytes = m->dtype == EK_F64 ? 8 : m->dtype == EK_F32 ? 4 : 2, wide = real == EK_F64 ? 8 : 4;
    state = 1;
    void *x = numbers(m->dtype, n), *scale = numbers(real, parameters), *bias = numbers(real, parameters);
    void *dy = numbers(m->dtype, n), *residual = numbers(m->dtype, n), *out[7];
    for (int i = 0; i < 7; i++) out[i] = numbers(EK_F64, 0);
    ek_norm_args a = {.struct_size = sizeof a, .x = x, .y = out[0], .scale = scale, .bias = bias, .dy = dy};
    a.mean = out[1], a.var = out[2], a.dx = out[3], a.dscale = out[4], a.dbias = out[5];
    if (m->residual) a.residual = residual, a.dresidual = out[6];
    a.saved = malloc(ek_norm_saved_bytes(plan)), a.workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    if (ek_norm_forward(plan, EK_STATS_BATCH, &a, &err) != EK_OK || ek_norm_backward(plan, &a, &err) != EK_OK) abort();
    const size_t sizes[7] = {n * bytes,
                             sets * wide,
                             sets * wide,
                             n * bytes,
                             parameters * wide,
                             parameters * wide,
                             m->residual ? n * bytes : 0};
    uint32_t h = 2166136261u;
    void *inputs[] = {x, scale, bias, dy, residual, a.saved, a.workspace};
    for (int i = 0; i < 7; i++) h = hash(h, out[i], sizes[i]), free(out[i]), free(inputs[i]);
    ek_norm_plan_destroy(plan);
    return h;
}

int main(void) {
    int wrong = 0;
    for (int i = 0; i < CASES; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "%s %08x", cases[i].name, (unsigned)run(&cases[i]));
        wrong += strcmp(line, expected[i]) != 0;
        printf("\"%s\",\n", line);
    }
    return wrong > 0;
}
