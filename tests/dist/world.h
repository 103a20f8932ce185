/* world.h: ranks as threads of one process: runs one function once per rank and waits for all. */
#ifndef EK_TEST_WORLD_H
#define EK_TEST_WORLD_H

#include "dist/comm.h"
#include "support/fault.h"

enum { WORLD_MAX = 33 };

typedef struct world_rank {
    ek_comm *comm;
    int rank, size;
    void *context; /* the caller's, shared by all */
    ek_status status;
    ek_error err;
} world_rank;

typedef void (*world_fn)(world_rank *self);

typedef struct world_options {
    double timeout;  /* 0 = 10 s */
    int faulty;      /* the rank with the fault */
    eki_fault fault; /* kind NONE = none */
} world_options;

/* ranks[r].status and .err are what `body` left there. Communicators are closed after all bodies have ended. */
void world_run(int size, const world_options *options, world_fn body, void *context, world_rank *ranks);

#endif
