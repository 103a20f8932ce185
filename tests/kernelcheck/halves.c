/* halves.c: the kernels of bf16 and f16 beside those of f32, which kernelcheck.c holds against the reference: on values
 * that the type can hold they must give the same sums, bit for bit, and the same elements, rounded once.
 */
#include "kernelcheck/kernelcheck.h"

#include "cpu/dispatch.h"
#include "support/half_ref.h"
#include <string.h>

enum { X, DY, Y, RESIDUAL, OUTPUT, DRESIDUAL, BUFFERS };
static guarded buffers[BUFFERS];

/* What f32 gave: y and dresidual, rounded, with some canaries before them; y as floats; sums. */
static uint16_t elements[MOST], gradients[MOST];
static float floats[MOST];
static double sums[MOST];

void halves_prepare(void) {
    for (int i = 0; i < BUFFERS; i++) buffers[i] = guarded_make(MOST * sizeof(float));
}

void halves_release(void) {
    for (int i = 0; i < BUFFERS; i++) guarded_free(buffers[i]);
}

static void round_values(eki_data data, const float *values, size_t n) {
    float *a = (float *)(uintptr_t)values;
    for (size_t i = 0; i < n; i++) a[i] = eki_ref_widen(data, eki_ref_narrow(data, a[i]));
}

/* Room for a tensor, canaries in it and before it. */
static void *fresh(eki_data data, int buffer, const problem *p) {
    size_t n = outputs_window(p);
    uint16_t *all = guarded_last(buffers[buffer], n * sizeof *all), canary = eki_ref_narrow(data, CANARY);
    for (size_t i = 0; i < n; i++) all[i] = canary;
    return all + n - span_of(p);
}

static void *narrowed(eki_data data, int buffer, const float *values, size_t n) {
    uint16_t *to = guarded_last(buffers[buffer], n * sizeof *to);
    for (size_t i = 0; i < n; i++) to[i] = eki_ref_narrow(data, values[i]);
    return to;
}

static int equal_halves(eki_data data, int buffer, const uint16_t *expect, size_t n) {
    const uint16_t *all = guarded_last(buffers[buffer], n * sizeof *all);
    for (size_t i = 0; i < n; i++) {
        if (!eki_ref_same(data, all[i], expect[i])) return 0;
    }
    return 1;
}

static int equal_sums(const problem *p) {
    const double *a = outputs_sums(p);
    for (size_t i = 0; i < outputs_window(p); i++) {
        if (!(a[i] == sums[i]) && !(a[i] != a[i] && sums[i] != sums[i])) return 0;
    }
    return 1;
}

static int equal_floats(const problem *p) {
    const float *a = outputs_elements(p);
    for (size_t i = 0; i < outputs_window(p); i++) {
        if (!(a[i] == floats[i]) && !(a[i] != a[i] && floats[i] != floats[i])) return 0;
    }
    return 1;
}

/* The same problem over 16-bit tensors. */
static problem half_problem(const kernel_case *c, const problem *p, eki_data data, eki_epilogue *e) {
    problem q = *p;
    size_t span = span_of(p);
    q.x = narrowed(data, X, p->xs, span);
    q.dy = narrowed(data, DY, p->dys, span);
    if (c->output == ELEMENTS) q.y = fresh(data, Y, p);
    if (p->fused == NULL) return q;
    *e = *p->fused;
    e->x = q.x;
    if (e->residual != NULL) e->residual = narrowed(data, RESIDUAL, e->residual, span);
    if (e->y != NULL) e->y = narrowed(data, OUTPUT, e->y, span);
    if (e->dresidual != NULL) e->dresidual = fresh(data, DRESIDUAL, p);
    q.fused = e;
    return q;
}

static const char *differs(const kernel_case *c, const eki_kernels *kernels, const problem *p, eki_data data) {
    eki_epilogue e;
    problem q = half_problem(c, p, data, &e);
    outputs_clear(c, p);
    c->run(kernels, &q);
    if (c->output < ELEMENTS && !equal_sums(p)) return "differs from f32 in a sum";
    if (c->output == ELEMENTS && !equal_halves(data, Y, elements, outputs_window(p)))
        return "differs from f32, rounded";
    if (c->output == FLOATS && !equal_floats(p)) return "differs from the values";
    int gradient = p->fused != NULL && p->fused->dresidual != NULL;
    return gradient && !equal_halves(data, DRESIDUAL, gradients, outputs_window(p))
               ? "dresidual differs from f32, rounded"
               : NULL;
}

const char *halves_check(const kernel_case *c, problem *p, eki_data data, const char **isa) {
    size_t span = span_of(p);
    round_values(data, p->xs, span);
    round_values(data, p->dys, span);
    if (p->fused != NULL && p->fused->residual != NULL) round_values(data, p->fused->residual, span);
    if (p->fused != NULL && p->fused->y != NULL) round_values(data, p->fused->y, span);
    outputs_clear(c, p);
    c->run(eki_kernels_at(0, EKI_F32), p);
    size_t n = outputs_window(p);
    for (size_t i = 0; i < n; i++) {
        elements[i] = eki_ref_narrow(data, outputs_elements(p)[i]);
        gradients[i] = eki_ref_narrow(data, outputs_gradients(p)[i]);
    }
    memcpy(floats, outputs_elements(p), n * sizeof *floats);
    memcpy(sums, outputs_sums(p), n * sizeof *sums);
    for (size_t i = 0; eki_kernels_at(i, data) != NULL; i++) {
        if (!runs_here[i]) continue;
        *isa = eki_kernels_at(i, data)->isa;
        const char *wrong = differs(c, eki_kernels_at(i, data), p, data);
        if (wrong != NULL) return wrong;
    }
    return NULL;
}
