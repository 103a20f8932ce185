/* epilogue.h: what follows the affine map: add the residual, apply the activation; and, backward, the gradient before
 * both, formed where dy is read.
 *
 * Kernels are written once with a `fusion` that is a constant at every call (WITH_FUSION), so that nothing, ReLU, and
 * residual with ReLU are loops of their own; all the rest is the general one.
 */
#ifndef EKI_EPILOGUE_H
#define EKI_EPILOGUE_H

#include "kernel/activation.h"
#include "kernel/data.h"

typedef enum eki_fusion { FUSE_NOTHING, FUSE_RELU, FUSE_ADD_RELU, FUSE_ANY } eki_fusion;

EK_INLINE eki_fusion fusion_of(const eki_epilogue *e) {
    if (e == NULL) return FUSE_NOTHING;
    if (e->activation != EKI_RELU) return FUSE_ANY;
    return e->residual != NULL ? FUSE_ADD_RELU : FUSE_RELU;
}

/* Backward of ReLU needs y alone; what also writes dresidual but no dx, or adds to dx, is the general loop. */
EK_INLINE eki_fusion gradient_fusion_of(const eki_epilogue *e, const void *dx) {
    if (e == NULL) return FUSE_NOTHING;
    if (e->activation != EKI_RELU || e->adds || (e->dresidual != NULL && dx == NULL)) return FUSE_ANY;
    return e->dresidual != NULL ? FUSE_ADD_RELU : FUSE_RELU;
}

#define WITH_FUSION(kind, call)                                                                                        \
    do {                                                                                                               \
        const eki_fusion chosen = kind;                                                                                \
        if (chosen == FUSE_NOTHING) {                                                                                  \
            enum { F = FUSE_NOTHING };                                                                                 \
            call;                                                                                                      \
        } else if (chosen == FUSE_RELU) {                                                                              \
            enum { F = FUSE_RELU };                                                                                    \
            call;                                                                                                      \
        } else if (chosen == FUSE_ADD_RELU) {                                                                          \
            enum { F = FUSE_ADD_RELU };                                                                                \
            call;                                                                                                      \
        } else {                                                                                                       \
            enum { F = FUSE_ANY };                                                                                     \
            call;                                                                                                      \
        }                                                                                                              \
    } while (0)

/* What is fused where every tensor begins `elements` later. */
EK_INLINE eki_epilogue epilogue_shift(const eki_epilogue *e, size_t elements) {
    eki_epilogue shifted = {0};
    if (e == NULL) return shifted;
    shifted = *e;
    if (e->residual != NULL) shifted.residual = element_at(e->residual, elements);
    if (e->y != NULL) shifted.y = element_at(e->y, elements);
    if (e->x != NULL) shifted.x = element_at(e->x, elements);
    if (e->dresidual != NULL) shifted.dresidual = element_to(e->dresidual, elements);
    return shifted;
}

/* y from the normalized t of the n <= 16 elements at i. */
EK_INLINE f32x16 finish(f32x16 t, const eki_epilogue *e, size_t i, size_t n, int fusion) {
    if (fusion == FUSE_NOTHING) return t;
    if (fusion == FUSE_ADD_RELU || (fusion == FUSE_ANY && e->residual != NULL)) {
        t = f32x16_add(t, data_load16(element_at(e->residual, i), n));
    }
    if (fusion != FUSE_ANY) return f32x16_max(f32x16_set1(0.0f), t);
    return e->activation == EKI_NO_ACTIVATION ? t : activate(t, e->activation, e->alpha, e->beta);
}

/* Coefficients with which backward computes t again: (((x - hi) - lo) * gain) * scale + bias. */
typedef struct {
    f32x16 hi, lo, gain, scale, bias;
} again16;

EK_INLINE again16 again_none(void) {
    f32x16 zero = f32x16_set1(0.0f);
    return (again16){zero, zero, zero, zero, zero};
}

/* Of a row. */
EK_INLINE again16 again_row(const eki_epilogue *e, const eki_scaling *p) {
    if (e == NULL || p == NULL) return again_none();
    return (again16){f32x16_set1(p->mean_hi), f32x16_set1(p->mean_lo), f32x16_set1(p->gain), f32x16_set1(1.0f),
                     f32x16_set1(p->bias)};
}

/* Of channel c, for all elements of a row. */
EK_INLINE again16 again_channel(const eki_epilogue *e, size_t c) {
    if (e->columns == NULL) return again_none();
    const eki_scaling_columns *p = e->columns;
    return (again16){f32x16_set1(p->mean_hi[c]), f32x16_set1(p->mean_lo[c]), f32x16_set1(p->gain[c]), f32x16_set1(1.0f),
                     f32x16_set1(p->bias[c])};
}

/* Of n columns from c. */
EK_INLINE again16 again_columns(const eki_epilogue *e, size_t c, size_t n) {
    if (e == NULL || e->columns == NULL) return again_none();
    const eki_scaling_columns *p = e->columns;
    return (again16){load16(p->mean_hi + c, n), load16(p->mean_lo + c, n), load16(p->gain + c, n), f32x16_set1(1.0f),
                     load16(p->bias + c, n)};
}

/* Scale and bias that change with every element j of a row. */
EK_INLINE void again_elements(again16 *a, const eki_epilogue *e, size_t j, size_t n) {
    if (e->scale != NULL) a->scale = load16(e->scale + j, n);
    if (e->bias != NULL) a->bias = load16(e->bias + j, n);
}

EK_INLINE f32x16 input_again(const eki_epilogue *e, const again16 *a, size_t i, size_t n) {
    f32x16 centred = f32x16_sub(f32x16_sub(data_load16(element_at(e->x, i), n), a->hi), a->lo);
    f32x16 t = f32x16_add(f32x16_mul(f32x16_mul(centred, a->gain), a->scale), a->bias);
    return e->residual != NULL ? f32x16_add(t, data_load16(element_at(e->residual, i), n)) : t;
}

/* What a fused backward touches besides x and dy, of the elements from i on. */
EK_INLINE void fetch_fused(const eki_epilogue *e, size_t i) {
    if (e->y != NULL) fetch(element_at(e->y, i));
    if (e->dresidual != NULL) fetch_to(element_to(e->dresidual, i));
}

/* The gradient before the activation, from dy, of the n <= 16 elements at i; lanes beyond n are zero. */
EK_INLINE f32x16 before(const element *dy, const eki_epilogue *e, const again16 *a, size_t i, size_t n, int fusion) {
    f32x16 g = data_load16(dy + i, n), zero = f32x16_set1(0.0f);
    if (fusion == FUSE_NOTHING) return g;
    if (fusion != FUSE_ANY) return f32x16_greater(data_load16(element_at(e->y, i), n), zero, g, zero);
    if (e->activation == EKI_NO_ACTIVATION) return g;
    f32x16 at = e->y != NULL ? data_load16(element_at(e->y, i), n) : input_again(e, a, i, n);
    return activate_gradient(g, at, e->activation, e->alpha, e->beta);
}

#endif
