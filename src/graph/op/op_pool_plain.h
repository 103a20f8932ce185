/* op_pool_plain.h: pooling in plain loops, for the cases oneDNN does not have. */
#ifndef EKI_OP_POOL_PLAIN_H
#define EKI_OP_POOL_PLAIN_H

#include "dnnl/adapter.h"
#include "graph/op/op_window.h"

typedef struct eki_plain_pool {
    eki_window window;
    eki_pool_kind kind;
    eki_shape shape;   /* of x: (N, C, D1, ...) */
    bool column_major; /* MaxPool storage_order = 1: how Indices count */
    bool half;         /* x is bf16: of eki_plain_pool_most alone */
} eki_plain_pool;

/* `indices` (may be NULL): index of the maximum in the flattened x. */
void eki_plain_pool_forward(const eki_plain_pool *pool, const float *x, float *y, int64_t *indices);
/* Adds to dx, which the caller zeroed. */
void eki_plain_pool_backward(const eki_plain_pool *pool, const float *x, const float *dy, float *dx);
/* The maximum of window `index` (row-major over the output) of one plane whose pixels lie `step` apart, and which tap
 * of the kernel it is. */
void eki_plain_pool_most(const eki_plain_pool *pool, const void *x, int64_t step, int64_t index, float *most,
                         int64_t *tap);

/* What oneDNN made of a maximum pooling (op_pool_mend.c). */
typedef struct eki_pool_result {
    const eki_plain_pool *pool;
    ek_layout layout; /* of x and y */
    const void *x;    /* f32, or bf16 as the pool says; likewise y */
    void *y;
    void *winners; /* which tap won, laid out as y; NULL = not kept */
    size_t unit;   /* bytes of one winner: 1 or 4 */
    int threads;
} eki_pool_result;

/* Corrects windows without a number above -infinity, and those with a NaN. */
void eki_pool_mend(const eki_pool_result *result);

#endif
