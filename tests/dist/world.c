/* world.c: see world.h. */
#include "world.h"

#include "support/local.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct seat {
    world_rank *self;
    world_fn body;
} seat;

static void *sit(void *argument) {
    const seat *s = argument;
    s->body(s->self);
    if (s->self->status != EK_OK) ek_comm_tell(s->self->comm, &s->self->err);
    return NULL;
}

static ek_comm *enter(eki_local *world, int rank, const world_options *o) {
    eki_transport *transport, *spoiled;
    ek_comm *comm;
    ek_error err;
    ek_comm_options options = ek_comm_options_default();
    options.timeout = o != NULL && o->timeout > 0 ? o->timeout : 10;
    if (eki_local_join(world, rank, &transport, &err) != EK_OK) abort();
    if (o != NULL && o->fault.kind != EKI_FAULT_NONE && o->faulty == rank) {
        if (eki_fault_wrap(transport, &o->fault, &spoiled, &err) != EK_OK) abort();
        transport = spoiled;
    }
    if (eki_comm_create(transport, &options, &comm, &err) != EK_OK) abort();
    return comm;
}

static void *leave(void *argument) {
    world_rank *self = argument;
    ek_comm_close(self->comm, self->status, 7);
    return NULL;
}

void world_run(int size, const world_options *options, world_fn body, void *context, world_rank *ranks) {
    eki_local *world;
    pthread_t threads[WORLD_MAX];
    seat seats[WORLD_MAX];
    ek_error err;
    int failed = 0;
    if (eki_local_create(size, &world, &err) != EK_OK) abort();
    for (int r = 0; r < size; r++) {
        ranks[r] = (world_rank){.comm = enter(world, r, options), .rank = r, .size = size, .context = context};
        seats[r] = (seat){&ranks[r], body};
    }
    for (int r = 0; r < size; r++) {
        if (pthread_create(&threads[r], NULL, sit, &seats[r]) != 0) abort();
    }
    for (int r = 0; r < size; r++) pthread_join(threads[r], NULL);
    for (int r = 0; r < size; r++) failed += ranks[r].status != EK_OK;
    /* One failure fails all: nobody waits for a meeting that cannot come. */
    for (int r = 0; r < size && failed > 0; r++) {
        if (ranks[r].status == EK_OK) ranks[r].status = EK_ERR_STATE;
    }
    for (int r = 0; r < size; r++) {
        if (pthread_create(&threads[r], NULL, leave, &ranks[r]) != 0) abort();
    }
    for (int r = 0; r < size; r++) pthread_join(threads[r], NULL);
    eki_local_destroy(world);
}
