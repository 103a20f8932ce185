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
} eki_plain_pool;

/* `indices` (may be NULL): index of the maximum in the flattened x. */
void eki_plain_pool_forward(const eki_plain_pool *pool, const float *x, float *y, int64_t *indices);
/* Adds to dx, which the caller zeroed. */
void eki_plain_pool_backward(const eki_plain_pool *pool, const float *x, const float *dy, float *dx);

#endif
