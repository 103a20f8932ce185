/* collective.h: what operators need of the other ranks that hold parts of the same batch, as functions: the graph knows
 * no communicator. A plan without one holds the whole batch. */
#ifndef EKI_COLLECTIVE_H
#define EKI_COLLECTIVE_H

#include "base/error.h"

#include <evenkeel/sync.h>
#include <stdbool.h>

typedef struct eki_collective {
    void *context;
    /* Batch norms take their statistics over ranks [0, sync_ranks), of which this is sync_rank; 0 = over this alone. */
    int sync_rank, sync_ranks;
    const ek_exchange *exchange;
    bool reproducible; /* the same bits for any number of ranks */
    /* Says what the exchanges that follow are about. */
    void (*announce)(void *context, const char *layer, int64_t step, int64_t channels);
    /* Completes a sum over chunks; see eki_chunk_share. */
    ek_status (*sum_nodes)(void *context, const char *layer, int64_t step, int64_t first, int64_t chunks, double *nodes,
                           size_t count, ek_error *err);
} eki_collective;

#endif
