/* rig.h: one plan of any element type with its buffers as bytes, each of exactly its size, for tests that compare bits.
 */
#ifndef RIG_H
#define RIG_H

#include "norm/fixture.h"

/* What the caller provides, in this order. */
enum {
    RIG_X,
    RIG_DY,
    RIG_RESIDUAL,
    RIG_Y,
    RIG_DX,
    RIG_DRESIDUAL,
    RIG_SCALE,
    RIG_BIAS,
    RIG_DSCALE,
    RIG_DBIAS,
    RIG_RUNNING_MEAN,
    RIG_RUNNING_VAR,
    RIG_MEAN,
    RIG_VAR,
    RIG_BUFFERS
};

typedef struct rig {
    ek_norm_desc desc;
    ek_norm_plan *plan;
    ek_norm_args args;
    size_t count[RIG_BUFFERS], bytes[RIG_BUFFERS];
    void *buffer[RIG_BUFFERS];
} rig;

/* Random data: x, dy, residual and bias = size * (offset + noise), scale about 1; the same for every type. */
rig *rig_make(const ek_norm_desc *desc, uint64_t seed, double size, double offset);
void rig_free(rig *r);

/* One element of a buffer, in the type that it has. */
double rig_get(const rig *r, int buffer, size_t i);
void rig_set(rig *r, int buffer, size_t i, double value);

/* Asserts success. The workspace is filled with bytes that mean nothing before.*/
void rig_forward(rig *r, ek_norm_stats stats);
void rig_backward(rig *r);

/* Copies of the outputs; whether two runs have the same ones, or which buffer differs. */
typedef struct rig_outputs {
    void *buffer[RIG_BUFFERS];
} rig_outputs;
rig_outputs rig_keep(const rig *r);
int rig_differs(const rig *r, const rig_outputs *a, const rig_outputs *b); /* -1: nowhere */
void rig_drop(rig_outputs *o);
const char *rig_name(int buffer);

/* Types to go through. */
extern const ek_dtype rig_types[4];

#endif
