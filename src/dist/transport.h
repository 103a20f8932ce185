/* transport.h: bytes from rank to rank: what a communicator stands on.
 *
 * Everything is non-blocking and polled: nothing here may wait for another rank. Messages between two ranks with one
 * tag arrive in the order they were sent. mpi/mpi.c is one (a module of its own, so that no MPI is needed to run
 * Evenkeel alone); tests have one whose ranks are threads of one process, and one that spoils another.
 */
#ifndef EKI_TRANSPORT_H
#define EKI_TRANSPORT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct eki_transport eki_transport;

typedef struct eki_transport_calls {
    /* Starts; `data` stays as it is until test says done. *handle is NULL when there is nothing left to do. */
    ek_status (*send)(eki_transport *t, int to, int tag, const void *data, size_t bytes, void **handle, ek_error *err);
    /* Starts; a message of more than `room` bytes is an error. */
    ek_status (*receive)(eki_transport *t, int from, int tag, void *data, size_t room, void **handle, ek_error *err);
    /* Done: *handle becomes NULL, and *bytes (of a receive) is what came. */
    ek_status (*test)(eki_transport *t, void **handle, bool *done, size_t *bytes, ek_error *err);
    /* Gives up on a started call. Its memory is not touched afterwards. */
    void (*cancel)(eki_transport *t, void **handle);
    /* Whether a message with this tag waits, and from whom. */
    ek_status (*probe)(eki_transport *t, int tag, bool *found, int *from, ek_error *err);
    /* Ends every rank of the run, this one included where the transport can do so, with this exit status. */
    void (*abort)(eki_transport *t, int code);
    /* After a run that went well on all ranks (`clean`), or not. Frees the transport. */
    void (*close)(eki_transport *t, bool clean);
} eki_transport_calls;

struct eki_transport {
    const eki_transport_calls *calls;
    int rank, size;
    const char *name; /* "Open MPI", "MPICH", "local" */
    void *self;
};

/* The one symbol of a transport module. *transport = NULL and EK_OK: this process was not started by its launcher. */
typedef ek_status (*eki_transport_open_fn)(eki_transport **transport, ek_error *err);
#define EKI_TRANSPORT_SYMBOL "eki_transport_open_1"

/* ---- module.c ---- */
/* Which launcher started this process, by its environment: "openmpi", "mpich", or NULL. */
const char *eki_launcher(void);
ek_status eki_module_open(const char *flavour, eki_transport **transport, ek_error *err);

/* ---- guard.c ---- */
/* To the guard of this rank, if it has one: MPI has started, or will not. */
void eki_guard_started(void);

#endif
