/* world.h: an exchange among ranks of one process, for one thread that plays all ranks or a thread per rank.
 *
 * The last rank to start combines: in every grouping that an all-reduce may choose, into the lower or the upper side.
 */
#ifndef WORLD_H
#define WORLD_H

#include <evenkeel/sync.h>
#include <pthread.h>

enum { WORLD_RANKS = 16 };

/* How the ranks are grouped. */
typedef enum world_order { WORLD_UP, WORLD_DOWN, WORLD_HALVES, WORLD_HALVES_DOWN, WORLD_ORDERS } world_order;

typedef struct world world;

typedef struct world_rank {
    world *all;
    void *block;
    size_t bytes;
    int rank, started, done;
} world_rank;

struct world {
    int ranks, arrived, cancelled;
    world_order order;
    int headers_first; /* combines the headers alone before the whole */
    int lost;          /* tests of every rank fail: a rank does not answer */
    int skipped;       /* a rank whose block the exchange forgets; -1 = none */
    pthread_mutex_t lock;
    world_rank rank[WORLD_RANKS];
    ek_exchange exchange[WORLD_RANKS];
};

void world_make(world *w, int ranks, world_order order);
void world_free(world *w);

#endif
