/* control.c: notices between ranks beside the exchanges: who is where, who failed, who has said so. */
#include "dist/comm_internal.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOTICE_MAGIC UINT64_C(0x4543495445544b45)

void eki_pause(double waited) {
    if (waited < 2e-5) return;
    if (waited < 5e-3) {
        (void)sched_yield(); /* more ranks than processors: let the one that is waited for run */
        return;
    }
    const struct timespec pause = {.tv_nsec = waited < 0.1 ? 20000 : 500000};
    (void)nanosleep(&pause, NULL);
}

void eki_notice_send(ek_comm *comm, int to, eki_notice_kind kind, const eki_label *where, const ek_error *error) {
    eki_transport *t = comm->transport;
    eki_sent_notice *sent = eki_calloc(1, sizeof *sent);
    ek_error ignored;
    if (sent == NULL) return; /* the others have their deadline */
    sent->notice = (eki_notice){.magic = NOTICE_MAGIC, .kind = (int32_t)kind, .from = t->rank};
    if (where != NULL) {
        sent->notice.step = where->step;
        memcpy(sent->notice.name, where->name, sizeof sent->notice.name);
    }
    if (error != NULL) {
        sent->notice.status = error->status;
        (void)snprintf(sent->notice.text, sizeof sent->notice.text, "%.*s", EKI_NOTICE_TEXT - 1, error->text);
    }
    if (t->calls->send(t, to, EKI_TAG_CONTROL, &sent->notice, sizeof sent->notice, &sent->handle, &ignored) != EK_OK) {
        free(sent);
        return;
    }
    sent->next = comm->notices;
    comm->notices = sent;
}

void eki_notice_send_all(ek_comm *comm, eki_notice_kind kind, const eki_label *where, const ek_error *error) {
    for (int r = 0; r < comm->transport->size; r++) {
        if (r != comm->transport->rank) eki_notice_send(comm, r, kind, where, error);
    }
}

void eki_notices_free(ek_comm *comm) {
    while (comm->notices != NULL) {
        eki_sent_notice *sent = comm->notices;
        comm->notices = sent->next;
        if (sent->handle != NULL) comm->transport->calls->cancel(comm->transport, &sent->handle);
        free(sent);
    }
}

ek_status eki_comm_broken(const ek_comm *comm, ek_error *err) {
    if (err != NULL) *err = comm->error;
    return comm->error.status;
}

/* A run on several ranks is out of memory when one of them is. */
static ek_status status_of_all(int64_t of_one) { return of_one == EK_ERR_NOMEM ? EK_ERR_NOMEM : EK_ERR_DIST; }

ek_status eki_comm_failed(ek_comm *comm, const ek_error *error, ek_error *err) {
    if (!comm->failed) {
        comm->failed = true;
        comm->error = *error;
        comm->error.status = status_of_all(error->status);
        if (!comm->told) {
            comm->told = true;
            eki_notice_send_all(comm, EKI_NOTICE_FAILED, NULL, &comm->error);
        }
    }
    return eki_comm_broken(comm, err);
}

static ek_status read_notice(ek_comm *comm, int from, eki_notice *notice, ek_error *err) {
    eki_transport *t = comm->transport;
    void *handle = NULL;
    size_t bytes = 0;
    bool done = false;
    EKI_TRY(t->calls->receive(t, from, EKI_TAG_CONTROL, notice, sizeof *notice, &handle, err));
    while (!done) EKI_TRY(t->calls->test(t, &handle, &done, &bytes, err)); /* it is there: probe said so */
    if (bytes != sizeof *notice || notice->magic != NOTICE_MAGIC) {
        return eki_fail(err, EK_ERR_DIST,
                        "rank %d sent a notice that this rank cannot read: %zu bytes, expected %zu; "
                        "all ranks need the same evenkeel",
                        from, bytes, sizeof *notice);
    }
    notice->name[sizeof notice->name - 1] = notice->text[sizeof notice->text - 1] = '\0';
    return EK_OK;
}

/* A rank that is asked where everybody is answers once per wait. */
static void note_presence(ek_comm *comm, const eki_notice *notice, const eki_label *where) {
    eki_peer *peer = &comm->peers[notice->from];
    peer->here = true;
    peer->step = notice->step;
    memcpy(peer->name, notice->name, sizeof peer->name);
    if (comm->answered || where == NULL) return;
    comm->answered = true;
    eki_notice_send_all(comm, EKI_NOTICE_HERE, where, NULL);
}

ek_status eki_notices_take(ek_comm *comm, const eki_label *where, ek_error *err) {
    eki_transport *t = comm->transport;
    for (;;) {
        bool found;
        int from;
        eki_notice notice;
        EKI_TRY(t->calls->probe(t, EKI_TAG_CONTROL, &found, &from, err));
        if (!found) return EK_OK;
        EKI_TRY(read_notice(comm, from, &notice, err));
        if (notice.kind == EKI_NOTICE_HERE) note_presence(comm, &notice, where);
        if (notice.kind == EKI_NOTICE_SAID) comm->peers[from].said = true;
        if (notice.kind != EKI_NOTICE_FAILED) continue;
        comm->peers[from].failed = true;
        if (comm->failed || comm->reported_at != 0) continue;
        comm->reported_at = eki_now();
        (void)eki_fail(&comm->reported, status_of_all(notice.status), "rank %d reports: %s", from, notice.text);
    }
}

ek_status eki_notices_obey(ek_comm *comm, double patience, ek_error *err) {
    if (comm->reported_at == 0 || eki_now() - comm->reported_at < patience) return EK_OK;
    comm->told = true; /* the sender has told everybody */
    return eki_comm_failed(comm, &comm->reported, err);
}

double eki_roll_call_seconds(const ek_comm *comm) {
    double quarter = comm->options.timeout / 4;
    return quarter < 1.0 ? quarter : 1.0;
}

static void list_missing(const ek_comm *comm, char *text, size_t room, int *count) {
    *count = 0;
    text[0] = '\0';
    for (int r = 0; r < comm->transport->size; r++) {
        if (r == comm->transport->rank || comm->peers[r].here) continue;
        size_t used = strlen(text);
        if (used + 16 < room) (void)snprintf(text + used, room - used, "%s%d", *count > 0 ? ", " : "", r);
        (*count)++;
    }
}

/* Everybody answers, but somewhere else: the first rank that waits at something that is not ours. */
static int find_elsewhere(const ek_comm *comm, const eki_label *label) {
    for (int r = 0; r < comm->transport->size; r++) {
        const eki_peer *peer = &comm->peers[r];
        if (r == comm->transport->rank || !peer->here) continue;
        if (peer->step != label->step || strcmp(peer->name, label->name) != 0) return r;
    }
    return -1;
}

static ek_status absent(ek_comm *comm, const eki_exchange *x, bool ended, ek_error *err) {
    char where[192], missing[256], within[64];
    int count;
    ek_error error;
    (void)eki_label_text(&x->label, where, sizeof where);
    (void)snprintf(within, sizeof within, "within %g s: slow, stopped or gone", comm->options.timeout);
    list_missing(comm, missing, sizeof missing, &count);
    int elsewhere = find_elsewhere(comm, &x->label);
    if (count > 0) {
        (void)eki_fail(&error, EK_ERR_DIST, "rank%s %s did not come to %s %s", count > 1 ? "s" : "", missing, where,
                       ended ? "before this run was told to end: a rank may have died" : within);
    } else if (ended) {
        (void)eki_fail(&error, EK_ERR_DIST, "this run was told to end while rank %d waited for rank %d at %s",
                       comm->transport->rank, x->round.from >= 0 ? x->round.from : x->round.to, where);
    } else if (elsewhere >= 0) {
        const eki_peer *peer = &comm->peers[elsewhere];
        (void)eki_fail(&error, EK_ERR_DIST,
                       "rank %d waits at '%s' in step %" PRId64 ", but rank %d at %s, for %g s already; all ranks need "
                       "the same model, data and options",
                       elsewhere, peer->name, peer->step, comm->transport->rank, where, comm->options.timeout);
    } else {
        (void)eki_fail(&error, EK_ERR_DIST,
                       "%s was not over within %g s, although every rank is there: a message of rank %d was lost",
                       where, comm->options.timeout, x->round.from);
    }
    return eki_comm_failed(comm, &error, err);
}

ek_status eki_roll_call(ek_comm *comm, const eki_exchange *x, bool ended, ek_error *err) {
    double end = eki_now() + (ended ? 0.25 : eki_roll_call_seconds(comm));
    if (!comm->answered) eki_notice_send_all(comm, EKI_NOTICE_HERE, &x->label, NULL);
    comm->answered = true;
    while (eki_now() < end) {
        EKI_TRY(eki_notices_take(comm, &x->label, err));
        EKI_TRY(eki_notices_obey(comm, EKI_PATIENCE, err));
        if (x->done) return EK_OK;
        EKI_TRY(eki_comm_progress(comm, err));
        if (x->done) return EK_OK;
        eki_pause(1.0);
    }
    return absent(comm, x, ended, err);
}
