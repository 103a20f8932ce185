/* spread.h: a fixture whose batch is spread over ranks: each with a plan, a state and memory of its own. */
#ifndef SPREAD_H
#define SPREAD_H

#include "norm/fixture.h"
#include "norm/world.h"

/* What one rank has. Buffers of examples are parts of those of the whole fixture; the rest is the rank's own. */
typedef struct spread_rank {
    ek_norm_plan *plan;
    ek_norm_sync sync;
    ek_norm_args args;
    void *state;
    float *dscale, *dbias, *mean, *var, *running_mean, *running_var;
    ek_status status; /* of the last call */
    ek_error err;
} spread_rank;

typedef struct spread {
    fixture *f; /* takes y, dx, dresidual of all ranks */
    world w;
    spread_rank rank[WORLD_RANKS];
} spread;

/* counts: examples of each rank; they may add up to dims[0] only. */
void spread_make(spread *s, const ek_norm_desc *desc, ek_sync_mode mode, int ranks, const int64_t *counts,
                 world_order order);
void spread_make_data(spread *s, const ek_norm_desc *desc, ek_sync_mode mode, int ranks, const int64_t *counts,
                      world_order order, double offset); /* the data have that mean */
void spread_free(spread *s);

/* All ranks, one after the other in one thread. Each asserts success. */
void spread_forward(spread *s);
void spread_backward(spread *s);

/* The same calls of one rank, for a thread of its own; waits for the exchange by polling. */
ek_status spread_rank_forward(spread_rank *r);
ek_status spread_rank_backward(spread_rank *r);

#endif
