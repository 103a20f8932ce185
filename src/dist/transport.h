/* transport.h: bytes from rank to rank: what a communicator stands on.
 *
 * Everything is non-blocking and polled: nothing here may wait for another rank. Messages between two ranks with one
 * tag arrive in the order they were sent. mpi/mpi.c is one (a module of its own, so that no MPI is needed to run
 * Evenkeel alone), local.c another (ranks are threads of one process), fault.c a third that spoils a given one.
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

/* ---- local.c: ranks are threads of one process ---- */
typedef struct eki_local eki_local;
ek_status eki_local_create(int size, eki_local **world, ek_error *err);
void eki_local_destroy(eki_local *world);
ek_status eki_local_join(eki_local *world, int rank, eki_transport **transport, ek_error *err);

/* ---- fault.c: one fault of one rank, for tests ---- */
typedef enum eki_fault_kind {
    EKI_FAULT_NONE = 0,
    EKI_FAULT_DELAY,   /* the message is sent after `milliseconds` */
    EKI_FAULT_DROP,    /* the message is never sent */
    EKI_FAULT_SHORT,   /* its last byte is missing */
    EKI_FAULT_CORRUPT, /* byte `offset` is changed: a wrong id */
    EKI_FAULT_DIE      /* nothing is sent or received from here on, as of a process that is gone */
} eki_fault_kind;

typedef struct eki_fault {
    eki_fault_kind kind;
    int nth; /* which message of this rank, from 0 */
    int milliseconds;
    size_t offset;
} eki_fault;

/* Takes `inner`, which ends with the result. */
ek_status eki_fault_wrap(eki_transport *inner, const eki_fault *fault, eki_transport **transport, ek_error *err);

#endif
