/* ranks.h: a trainer as one of several ranks: what is summed, in which order, and what must be equal. */
#ifndef EKI_RANKS_H
#define EKI_RANKS_H

#include "dist/comm.h"
#include "graph/collective.h"
#include "train/trainer.h"

typedef struct eki_ranks eki_ranks;

/* *ranks = NULL when options->comm is of one rank. */
ek_status eki_ranks_create(const ek_train_options *options, eki_ranks **ranks, ek_error *err);
void eki_ranks_free(eki_ranks *ranks);

/* What the executor gets; both NULL-safe. */
const eki_collective *eki_ranks_collective(const eki_ranks *ranks);
ek_status eki_ranks_gradient_ready(void *ranks, size_t index, ek_error *err);

/* After the first plan: models, options and places must be equal, and every gradient must be one that can be summed. */
ek_status eki_ranks_check(eki_ranks *ranks, const ek_trainer *trainer, ek_error *err);

/* The values of the options that must be equal, one after the other; their bytes. */
size_t eki_ranks_options(const ek_train_options *options, unsigned char values[sizeof(ek_train_options)]);

/* A step: begin before forward, loss after it (starts the exchange of the losses of `rows` rows), finish after
 * backward: all gradients are then those of the whole batch, and the loss that of all its rows in order. */
ek_status eki_ranks_begin(eki_ranks *ranks, const ek_trainer *trainer, const ek_batch *batch, ek_error *err);
ek_status eki_ranks_loss(eki_ranks *ranks, const eki_loss *loss, const double *losses, int64_t rows,
                         const uint64_t *ids, ek_error *err);
typedef struct eki_whole_loss {
    double sum;
    int64_t correct, rows;
    bool bad, stopped;
    uint64_t bad_id; /* of the first example whose loss is not finite */
} eki_whole_loss;
ek_status eki_ranks_finish(eki_ranks *ranks, eki_whole_loss *loss, ek_error *err);
/* The sum of `count` numbers of each rank, in the order of ranks, as one rank with all of them would add them; NULL =
 * this is the only one. */
ek_status eki_ranks_add(eki_ranks *ranks, const double *numbers, size_t count, double *sum, ek_error *err);
double eki_ranks_waited(const eki_ranks *ranks);

/* Before a checkpoint: running statistics that ranks keep for themselves become rank 0's, then everything is compared.
 */
ek_status eki_ranks_meet(const eki_ranks *ranks, const ek_trainer *trainer, ek_error *err);
bool eki_ranks_writes(const eki_ranks *ranks); /* this one writes the files */

/* ---- Inside ---- */
enum { EKI_BUCKETS = 1024, EKI_BUCKET_BYTES = 256 * 1024 };

/* Channels of exchanges: those of layers come one after the other, the rest may be under way beside them. */
enum { EKI_CHANNEL_LAYERS = 0, EKI_CHANNEL_LOSS = 1, EKI_CHANNEL_BUCKETS = 2 };

typedef struct eki_bucket {
    float *data;
    size_t count, room;
    size_t *members, n_members, cap_members; /* indices of parameters, in the order in which they got ready */
    eki_exchange *exchange;
} eki_bucket;

struct eki_ranks {
    ek_comm *comm;
    eki_group group; /* over which batch norms take their statistics */
    bool sync_norm, reproducible;
    ek_exchange exchange;
    eki_collective collective;
    eki_label label; /* of the next exchange of a norm */
    const eki_exec *exec;
    int64_t step, total;
    eki_bucket *buckets;
    size_t n_buckets, used; /* used: of this step */
    eki_exchange *loss;
};

/* ranks_norm.c: the exchange of synchronized norms over the communicator, and sums over chunks. */
void eki_ranks_make_exchange(eki_ranks *ranks);
ek_status eki_ranks_sum_nodes(void *ranks, const char *layer, int64_t step, int64_t first, int64_t chunks,
                              double *nodes, size_t count, ek_error *err);
/* Whether the gradient of a parameter comes out of backward summed over all ranks (1), over this rank's group (2), or
 * over its own examples (0). */
int eki_ranks_summed(const eki_ranks *ranks, const eki_parameter *parameter);

#endif
