/* dist.h: ranks: processes that train one model together.
 *
 *     ek_comm_options o = ek_comm_options_default();
 *     ek_comm *comm;
 *     if (ek_comm_open(&o, &comm, &err) != EK_OK) return 7; // alone, or what mpirun started
 *     training.comm = comm;                                 // ek_train_options
 *     ek_status status = train(&training, &err);
 *     ek_comm_close(comm, status, 7);                       // after the trainer; status of the whole run
 *
 * The world is that of the launcher: a process that mpirun (Open MPI or MPICH) started is one of its ranks, any other
 * is rank 0 of 1. No call hangs: what does not happen until the deadline is EK_ERR_DIST, with rank, layer and step.
 * What a rank fails with is EK_ERR_DIST on the others, with its text; out of memory is EK_ERR_NOMEM on all.
 */
#ifndef EVENKEEL_DIST_H
#define EVENKEEL_DIST_H

#include <evenkeel/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ek_comm ek_comm;

typedef struct ek_comm_options {
    size_t struct_size;
    double timeout;                /* seconds until silence is an error; default 60; > 0 */
    int (*stopped)(void *context); /* optional: nonzero = this process was asked to end; polled while waiting */
    void *context;
    uint64_t reserved[6];
} ek_comm_options;

EK_API ek_comm_options ek_comm_options_default(void);

/* For the first lines of main, before there are threads: a deadline for the start of MPI, which waits without end for a
 * rank that never comes, and time for the survivors of a rank that a signal has ended to say so. Returns -1 in the
 * process that is the rank and goes on, to ek_comm_open soon; in its guard, a parent that does nothing but wait, the
 * exit status for main to return at once. Where ek_comm_open of the rank has not come through MPI_Init `timeout`
 * seconds later, the guard hands `say` (may be NULL) an EK_ERR_DIST that names the ranks of this machine that never
 * came and what they do, and ends the run with status `code`. When a signal ends the rank later, the launcher learns of
 * it `timeout` and five seconds after, or when the survivors have ended the run. With one rank there is no guard: -1.
 * The two share a process group and its signals.
 *
 *     int code = ek_comm_guard(o.timeout, 7, print_error);
 *     if (code >= 0) return code;
 */
EK_API int ek_comm_guard(double timeout, int code, void (*say)(int rank, int ranks, const ek_error *err));

/* EK_ERR_UNSUPPORTED: mpirun started this process, but this build has no module for its MPI. EK_ERR_ARG: a timeout that
 * is not above 0. `options` may be NULL. */
EK_API EK_NODISCARD ek_status ek_comm_open(const ek_comm_options *options, ek_comm **comm, ek_error *err);

/* Ends the part of this process, and with a status other than EK_OK that of all: the other ranks are told, given a
 * moment to say what they know, and then ended with exit status `code`; the call then does not return under MPI. With
 * EK_OK it waits for the other ranks to come here too. */
EK_API void ek_comm_close(ek_comm *comm, ek_status status, int code);

/* NULL is rank 0 of 1. */
EK_API int ek_comm_rank(const ek_comm *comm);
EK_API int ek_comm_size(const ek_comm *comm);
/* "Open MPI", "MPICH", or "self". */
EK_API const char *ek_comm_name(const ek_comm *comm);

/* Tells the other ranks that this one cannot go on, with the text of `err`: their next exchange fails with it. */
EK_API void ek_comm_tell(ek_comm *comm, const ek_error *err);

/* EK_ERR_DIST names the first rank whose bytes differ from those of rank 0; `what` says what they are. A collective
 * call: every rank makes it. */
EK_API EK_NODISCARD ek_status ek_comm_agree(ek_comm *comm, const char *what, const void *data, size_t bytes,
                                            ek_error *err);

#ifdef __cplusplus
}
#endif
#endif
