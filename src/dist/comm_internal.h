/* comm_internal.h: what comm.c, control.c and exchange.c share. */
#ifndef EKI_COMM_INTERNAL_H
#define EKI_COMM_INTERNAL_H

#include "base/memory.h"
#include "base/timer.h"
#include "dist/comm.h"

enum { EKI_TAG_CONTROL = 1, EKI_TAG_FIRST = 2, EKI_NOTICE_TEXT = 640 };

/* A frame: this in front of up to EKI_INLINE bytes; the rest follows in packets, with the next tag. */
typedef struct eki_frame {
    uint64_t magic, bytes; /* of the whole payload */
    eki_label label;
    int32_t from, zero;
} eki_frame;

/* What ranks tell each other beside exchanges. */
typedef enum eki_notice_kind { EKI_NOTICE_HERE = 1, EKI_NOTICE_FAILED = 2, EKI_NOTICE_SAID = 3 } eki_notice_kind;
typedef struct eki_notice {
    uint64_t magic;
    int32_t kind, from;
    int64_t step;
    int64_t status;            /* FAILED: of the sender's error */
    char name[EKI_LABEL_NAME]; /* HERE: of the layer at which the sender waits */
    char text[EKI_NOTICE_TEXT];
} eki_notice;

typedef struct eki_sent_notice {
    eki_notice notice;
    void *handle;
    struct eki_sent_notice *next;
} eki_sent_notice;

typedef struct eki_watch eki_watch; /* watch.c */

typedef struct eki_peer {
    bool here, failed, said, dead;
    int64_t step;
    char name[EKI_LABEL_NAME];
} eki_peer;

struct ek_comm {
    eki_transport *transport; /* NULL = alone */
    ek_comm_options options;
    eki_exchange *active; /* every exchange under way */
    eki_sent_notice *notices;
    eki_peer *peers;
    eki_watch *watch; /* NULL = nobody is watched */
    double died_at;   /* when a rank was first seen to be dead; 0 = not yet */
    bool failed, told, answered;
    ek_error error;     /* of the failure */
    double reported_at; /* when a rank was heard to have failed; 0 = not yet */
    ek_error reported;
    double asked_at; /* when the launcher was seen to want an end; 0 = not yet */
    unsigned polls;
    int64_t step; /* of the exchange that was started last */
    eki_comm_counters counters;
};

struct eki_exchange {
    ek_comm *comm;
    int channel;
    eki_label label;
    eki_next_fn next;
    void (*release)(void *state);
    void *state;
    eki_exchange *list_next;
    bool done;
    eki_round round;
    struct {
        void *handle;
        size_t at; /* bytes of the payload already sent or received */
        int stage; /* 0 = not begun, 1 = frame under way, 2 = a packet under way, 3 = over */
    } out, in;
    unsigned char *out_frame, *in_frame;
};

/* ---- control.c ---- */
void eki_notice_send(ek_comm *comm, int to, eki_notice_kind kind, const eki_label *where, const ek_error *error);
void eki_notice_send_all(ek_comm *comm, eki_notice_kind kind, const eki_label *where, const ek_error *error);
/* Takes the notices that have come; the first that says that a rank failed is kept. */
ek_status eki_notices_take(ek_comm *comm, const eki_label *where, ek_error *err);
/* EK_ERR_DIST when a failure was reported `patience` seconds ago or more: what was under way may still come to its end,
 * since the rank has sent its part, and this rank may then see the same fault for itself. */
ek_status eki_notices_obey(ek_comm *comm, double patience, ek_error *err);
/* Seconds. After a signal, too: Open MPI kills one second after it. */
#define EKI_PATIENCE 0.2
void eki_notices_free(ek_comm *comm);
/* The deadline of a wait is over, or (`ended`) the launcher wants an end: asks who is there, and fails with the names
 * of those who are not. */
ek_status eki_roll_call(ek_comm *comm, const eki_exchange *waiting, bool ended, ek_error *err);
double eki_roll_call_seconds(const ek_comm *comm);
/* Remembers a failure and tells it to the others. Returns EK_ERR_DIST. */
ek_status eki_comm_failed(ek_comm *comm, const ek_error *error, ek_error *err);
ek_status eki_comm_broken(const ek_comm *comm, ek_error *err);
/* A short pause between polls; the longer the wait, the longer. */
void eki_pause(double waited);

/* ---- watch.c ---- */
/* A collective call: from then on the processes of ranks on this machine are watched. */
ek_status eki_watch_start(ek_comm *comm, ek_error *err);
/* A rank whose process has ended, now or within so many seconds, or -1. */
int eki_watch_dead(const ek_comm *comm, double seconds);
void eki_watch_free(eki_watch *watch);

/* ---- exchange.c ---- */
ek_status eki_exchange_advance(eki_exchange *exchange, ek_error *err);

/* ---- label.c ---- */
ek_status eki_label_check(const eki_exchange *exchange, const eki_frame *frame, ek_error *err);
const char *eki_label_text(const eki_label *label, char *text, size_t room);

#endif
