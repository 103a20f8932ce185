/* mpi.c: the transport over MPI, and the only file that includes mpi.h. Built once for each MPI found, as a module.
 *
 * Non-blocking calls only: a blocking one cannot be given up when a rank is stopped or does something else.
 */
#include "base/memory.h"
#include "dist/transport.h"

#include <mpi.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* The module links nothing of evenkeel but memory. */
static ek_status fail(ek_error *err, const char *what, int code) {
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) text[0] = '\0';
    if (err != NULL) {
        err->status = EK_ERR_DIST;
        (void)snprintf(err->text, sizeof err->text, "%s: %s", what, text);
    }
    return EK_ERR_DIST;
}

static ek_status no_memory(ek_error *err) {
    if (err != NULL) {
        err->status = EK_ERR_NOMEM;
        (void)snprintf(err->text, sizeof err->text, "out of memory for a message");
    }
    return EK_ERR_NOMEM;
}

typedef struct request {
    MPI_Request request;
} request;

static MPI_Comm world; /* a copy of MPI_COMM_WORLD: messages of other libraries stay apart */

static ek_status begin(request **out, ek_error *err) {
    *out = eki_alloc(eki_sized(sizeof **out));
    return *out == NULL ? no_memory(err) : EK_OK;
}

static ek_status mpi_send(eki_transport *t, int to, int tag, const void *data, size_t bytes, void **handle,
                          ek_error *err) {
    request *r;
    (void)t;
    *handle = NULL;
    if (begin(&r, err) != EK_OK) return EK_ERR_NOMEM;
    int code = MPI_Isend(data, (int)bytes, MPI_BYTE, to, tag, world, &r->request);
    if (code != MPI_SUCCESS) {
        free(r);
        return fail(err, "sending to another rank", code);
    }
    *handle = r;
    return EK_OK;
}

static ek_status mpi_receive(eki_transport *t, int from, int tag, void *data, size_t room, void **handle,
                             ek_error *err) {
    request *r;
    (void)t;
    *handle = NULL;
    if (begin(&r, err) != EK_OK) return EK_ERR_NOMEM;
    int code = MPI_Irecv(data, (int)room, MPI_BYTE, from, tag, world, &r->request);
    if (code != MPI_SUCCESS) {
        free(r);
        return fail(err, "receiving from another rank", code);
    }
    *handle = r;
    return EK_OK;
}

static ek_status mpi_test(eki_transport *t, void **handle, bool *done, size_t *bytes, ek_error *err) {
    request *r = *handle;
    int flag = 0, count = 0;
    MPI_Status status;
    (void)t;
    *done = true;
    if (r == NULL) return EK_OK;
    int code = MPI_Test(&r->request, &flag, &status);
    if (code == MPI_SUCCESS && flag) code = MPI_Get_count(&status, MPI_BYTE, &count);
    if (code == MPI_SUCCESS && !flag) {
        *done = false;
        return EK_OK;
    }
    free(r);
    *handle = NULL;
    if (code != MPI_SUCCESS) return fail(err, "a message between ranks", code);
    *bytes = count > 0 ? (size_t)count : 0;
    return EK_OK;
}

static void mpi_cancel(eki_transport *t, void **handle) {
    request *r = *handle;
    (void)t;
    if (r == NULL) return;
    /* Cancelling a send may never complete; its memory is kept until the end of the process instead, which is near: a
     * run is only given up when it has failed. */
    (void)MPI_Cancel(&r->request);
    (void)MPI_Request_free(&r->request);
    free(r);
    *handle = NULL;
}

static ek_status mpi_probe(eki_transport *t, int tag, bool *found, int *from, ek_error *err) {
    int flag = 0;
    MPI_Status status;
    (void)t;
    int code = MPI_Iprobe(MPI_ANY_SOURCE, tag, world, &flag, &status);
    if (code != MPI_SUCCESS) return fail(err, "looking for messages", code);
    *found = flag != 0;
    if (flag) *from = status.MPI_SOURCE;
    return EK_OK;
}

static void mpi_abort(eki_transport *t, int code) {
    (void)t;
    (void)fflush(NULL);
    (void)MPI_Abort(MPI_COMM_WORLD, code);
}

static void mpi_close(eki_transport *t, bool clean) {
    if (clean) {
        (void)MPI_Comm_free(&world);
        (void)MPI_Finalize();
    }
    free(t);
}

/* UCX, on which MPICH may stand, reads large messages out of the memory of a sender on the same machine, and aborts the
 * reader when the sender has died. Where all ranks are on one machine, all messages are copied through shared memory
 * instead, unless the user has chosen. */
static void avoid_reading_the_dead(void) {
#ifndef OPEN_MPI
    const char *here = getenv("MPI_LOCALNRANKS"), *all = getenv("PMI_SIZE");
    if (here != NULL && all != NULL && atoi(here) == atoi(all)) (void)setenv("UCX_RNDV_THRESH", "inf", 0);
#endif
}

/* MPICH's launcher with -disable-auto-cleanup sends SIGUSR1 when a rank has died. MPICH then asks the launcher who it
 * was, inside whatever call comes next, and waits for an answer that need not come (MPICH 4.0: two ranks that ask at
 * once are given each other's, or end the launcher). Ranks notice the death by themselves, so the signal goes to
 * whoever had it before MPI, or to nobody. */
static int init_mpi(void) {
    int provided = 0;
    avoid_reading_the_dead();
    struct sigaction before;
    int known = sigaction(SIGUSR1, NULL, &before);
    int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
#ifndef OPEN_MPI
    if (code == MPI_SUCCESS && known == 0) {
        if (!(before.sa_flags & SA_SIGINFO) && before.sa_handler == SIG_DFL) before.sa_handler = SIG_IGN;
        (void)sigaction(SIGUSR1, &before, NULL);
    }
#else
    (void)known;
#endif
    return code;
}

static ek_status start_mpi(ek_error *err) {
    int running = 0, code = MPI_Initialized(&running);
    if (code == MPI_SUCCESS && !running) code = init_mpi();
    if (code != MPI_SUCCESS) return fail(err, "starting MPI", code);
    (void)MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    code = MPI_Comm_dup(MPI_COMM_WORLD, &world);
    if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN);
    return code == MPI_SUCCESS ? EK_OK : fail(err, "starting MPI", code);
}

ek_status eki_transport_open_1(eki_transport **transport, ek_error *err);

EK_API ek_status eki_transport_open_1(eki_transport **transport, ek_error *err) {
    static const eki_transport_calls calls = {mpi_send,  mpi_receive, mpi_test, mpi_cancel,
                                              mpi_probe, mpi_abort,   mpi_close};
    *transport = NULL;
    ek_status status = start_mpi(err);
    if (status != EK_OK) return status;
    eki_transport *t = eki_calloc(1, sizeof *t);
    if (t == NULL) return no_memory(err);
    t->calls = &calls;
#ifdef OPEN_MPI
    t->name = "Open MPI";
#else
    t->name = "MPICH";
#endif
    (void)MPI_Comm_rank(world, &t->rank);
    (void)MPI_Comm_size(world, &t->size);
    if (t->size == 1) {
        mpi_close(t, true);
        return EK_OK;
    }
    *transport = t;
    return EK_OK;
}
