/* comm.c: communicators: opening, polling, waiting with a deadline, and ends that leave nobody waiting. */
#include "base/options.h"
#include "dist/comm_internal.h"

#include <stdlib.h>
#include <string.h>

enum { ENDED_CHANNEL = 0 };

ek_comm_options ek_comm_options_default(void) {
    return (ek_comm_options){.struct_size = sizeof(ek_comm_options), .timeout = 60.0};
}

static ek_status take_options(ek_comm_options *o, const ek_comm_options *given, ek_error *err) {
    *o = ek_comm_options_default();
    EKI_TRY(eki_options_take(o, sizeof *o, given, "ek_comm_options", err));
    if (o->timeout > 0 && o->timeout < 1e9) return EK_OK;
    return eki_fail(err, EK_ERR_ARG, "timeout is %g, expected seconds above 0", o->timeout);
}

ek_status eki_comm_create(eki_transport *transport, const ek_comm_options *options, ek_comm **out, ek_error *err) {
    *out = NULL;
    ek_comm_options checked;
    ek_status status = take_options(&checked, options, err);
    ek_comm *comm = status == EK_OK ? eki_calloc(1, sizeof *comm) : NULL;
    size_t ranks = transport != NULL ? (size_t)transport->size : 1;
    if (comm != NULL) comm->peers = eki_calloc(ranks, sizeof *comm->peers);
    if (comm == NULL || comm->peers == NULL) {
        free(comm);
        if (transport != NULL) transport->calls->close(transport, false);
        return status == EK_OK ? eki_fail_nomem(err, sizeof *comm) : status;
    }
    comm->options = checked;
    comm->transport = transport;
    *out = comm;
    return EK_OK;
}

ek_status ek_comm_open(const ek_comm_options *options, ek_comm **comm, ek_error *err) {
    EKI_GIVEN(comm, err);
    ek_comm_options checked;
    eki_transport *transport = NULL;
    const char *flavour = eki_launcher();
    *comm = NULL;
    EKI_TRY(take_options(&checked, options, err));
    ek_status opened = flavour != NULL ? eki_module_open(flavour, &transport, err) : EK_OK;
    eki_guard_started();
    EKI_TRY(opened);
    EKI_TRY(eki_comm_create(transport, &checked, comm, err));
    if (transport == NULL) return EK_OK;
    ek_status status = eki_watch_start(*comm, err);
    if (status == EK_OK) return EK_OK;
    ek_comm_close(*comm, status, EXIT_FAILURE);
    *comm = NULL;
    return status;
}

int ek_comm_rank(const ek_comm *comm) { return comm != NULL && comm->transport != NULL ? comm->transport->rank : 0; }
int ek_comm_size(const ek_comm *comm) { return comm != NULL && comm->transport != NULL ? comm->transport->size : 1; }
const char *ek_comm_name(const ek_comm *comm) {
    return comm != NULL && comm->transport != NULL ? comm->transport->name : "self";
}

eki_group eki_comm_world(const ek_comm *comm) {
    return (eki_group){.rank = ek_comm_rank(comm), .size = ek_comm_size(comm), .first = 0, .stride = 1};
}

eki_group eki_comm_neighbours(const ek_comm *comm, int size) {
    int rank = ek_comm_rank(comm), ranks = ek_comm_size(comm);
    if (size <= 0 || size > ranks) size = ranks;
    int first = rank / size * size;
    return (eki_group){
        .rank = rank - first, .size = ranks - first < size ? ranks - first : size, .first = first, .stride = 1};
}

bool eki_comm_stopped(const ek_comm *comm) {
    return comm->options.stopped != NULL && comm->options.stopped(comm->options.context) != 0;
}

eki_comm_counters eki_comm_count(const ek_comm *comm) { return comm->counters; }

/* The launcher wants an end: of a rank that died, it is the only sign. What is nearly over may still finish. */
static ek_status check_stop(ek_comm *comm, eki_exchange *x, double since, ek_error *err) {
    if (!eki_comm_stopped(comm)) return EK_OK;
    if (comm->asked_at == 0) comm->asked_at = eki_now();
    if (since < comm->asked_at) since = comm->asked_at;
    return eki_now() - since < EKI_PATIENCE ? EK_OK : eki_roll_call(comm, x, true, err);
}

static ek_status fail_dead(ek_comm *comm, const eki_exchange *x, int dead, ek_error *err) {
    char where[192];
    ek_error error;
    (void)eki_fail(&error, EK_ERR_DIST, "rank %d has died: its process ended while rank %d waited at %s", dead,
                   comm->transport->rank, eki_label_text(&x->label, where, sizeof where));
    return eki_comm_failed(comm, &error, err);
}

/* A rank's process is gone. What it had sent before may still come. */
static ek_status check_dead(ek_comm *comm, const eki_exchange *x, ek_error *err) {
    int dead = eki_watch_dead(comm, 0);
    if (dead < 0) return EK_OK;
    if (comm->died_at == 0) comm->died_at = eki_now();
    comm->peers[dead].dead = true;
    return eki_now() - comm->died_at < EKI_PATIENCE ? EK_OK : fail_dead(comm, x, dead, err);
}

/* Of an exchange that fails beside a rank that dies, the death is the reason: transports may see it first, and half
 * messages. */
static ek_status fail_at(ek_comm *comm, const eki_exchange *x, const ek_error *error, ek_error *err) {
    int dead = eki_watch_dead(comm, EKI_PATIENCE);
    if (dead < 0) return eki_comm_failed(comm, error, err);
    comm->peers[dead].dead = true;
    return fail_dead(comm, x, dead, err);
}

ek_status eki_comm_progress(ek_comm *comm, ek_error *err) {
    ek_error error;
    if (comm == NULL || comm->transport == NULL) return EK_OK;
    if (comm->failed) return eki_comm_broken(comm, err);
    for (eki_exchange *x = comm->active; x != NULL; x = x->list_next) {
        if (!x->done && eki_exchange_advance(x, &error) != EK_OK) return fail_at(comm, x, &error, err);
    }
    return EK_OK;
}

/* What the others report, who has died, and what the launcher wants. */
static ek_status look_around(ek_comm *comm, eki_exchange *x, double begin, ek_error *err) {
    ek_error error;
    if (eki_notices_take(comm, &x->label, &error) != EK_OK) return fail_at(comm, x, &error, err);
    if (eki_now() - begin > 1e-3) EKI_TRY(check_dead(comm, x, err));
    if (comm->died_at != 0) return EK_OK; /* what else is reported follows from it */
    EKI_TRY(eki_notices_obey(comm, EKI_PATIENCE, err));
    return check_stop(comm, x, begin, err);
}

ek_status eki_exchange_wait(eki_exchange *x, ek_error *err) {
    ek_comm *comm = x->comm;
    double begin = eki_now(), now = begin, limit = comm->options.timeout - eki_roll_call_seconds(comm);
    ek_status status = EK_OK;
    comm->answered = false;
    for (int r = 0; r < comm->transport->size; r++) comm->peers[r].here = false;
    while (status == EK_OK && !x->done) {
        status = eki_comm_progress(comm, err);
        if (status != EK_OK || x->done) break;
        now = eki_now();
        if ((++comm->polls & 15) == 0 || now - begin > 1e-3) status = look_around(comm, x, begin, err);
        if (status == EK_OK && now - begin > limit) status = eki_roll_call(comm, x, false, err);
        eki_pause(now - begin);
    }
    comm->counters.waited += eki_now() - begin;
    return status;
}

void ek_comm_tell(ek_comm *comm, const ek_error *error) {
    if (comm == NULL || comm->transport == NULL || comm->told) return;
    comm->told = true;
    eki_notice_send_all(comm, EKI_NOTICE_FAILED, NULL, error);
}

/* Waits until every other rank has said that its user knows of the failure, or a moment has passed. */
static void let_others_speak(ek_comm *comm) {
    double end = eki_now() + 1.0;
    ek_error ignored;
    eki_notice_send_all(comm, EKI_NOTICE_SAID, NULL, NULL);
    comm->failed = true; /* notices of failure are taken, not passed on */
    while (eki_now() < end) {
        int silent = 0;
        (void)eki_notices_take(comm, NULL, &ignored); /* MPI may fail here, now that a rank is gone */
        for (int r = 0; r < comm->transport->size; r++) {
            silent += r != comm->transport->rank && !comm->peers[r].said && !comm->peers[r].dead;
        }
        if (silent == 0) break;
        eki_pause(0.05);
    }
    /* The launcher passes on what they wrote; an abort may end it, too. */
    for (end = eki_now() + 0.3; eki_now() < end;) eki_pause(0.1);
}

/* All ranks are here, or one reports a failure, or the launcher wants an end: rank 0 may work on for long, so that
 * there is no deadline. */
static ek_status meet(ek_comm *comm, ek_error *err) {
    const eki_label label = eki_label_make(EKI_KIND_END, "training", comm->step, -1, 0);
    double timeout = comm->options.timeout;
    comm->options.timeout = 1e8;
    void *all = NULL;
    size_t bytes;
    ek_status status = eki_all_gather(comm, ENDED_CHANNEL, &label, "", 0, &all, &bytes, err);
    comm->options.timeout = timeout;
    free(all);
    return status;
}

void ek_comm_close(ek_comm *comm, ek_status status, int code) {
    ek_error err = {0};
    if (comm == NULL) return;
    if (comm->transport != NULL) {
        if (status == EK_OK) status = meet(comm, &err);
        if (status != EK_OK) {
            if (err.text[0] == '\0') (void)eki_fail(&err, status, "this rank has ended with an error");
            ek_comm_tell(comm, &err);
            let_others_speak(comm);
            comm->transport->calls->abort(comm->transport, code);
        }
        while (comm->active != NULL) eki_exchange_free(comm->active);
        eki_notices_free(comm);
        comm->transport->calls->close(comm->transport, status == EK_OK);
    }
    eki_watch_free(comm->watch);
    free(comm->peers);
    free(comm);
}
