/* comm.h: exchanges between ranks that cannot hang: each has a name, a deadline and an end on every rank.
 *
 * All exchanges are built of rounds (a frame to one rank, a frame from one) over a transport. Every frame carries in
 * front what it belongs to: kind, layer, step, channels, element type. A frame that does not fit what this rank is
 * doing, a rank that reports a failure, and silence until the deadline each end the exchange with EK_ERR_DIST and a
 * text that names rank, layer and step. The first rank that notices tells the others, so that all have the same text.
 */
#ifndef EKI_COMM_H
#define EKI_COMM_H

#include "dist/transport.h"

#include <evenkeel/dist.h>
#include <stdint.h>

enum { EKI_LABEL_NAME = 56, EKI_CHANNELS = 4096 /* tags are two per channel */ };

/* What an exchange is; must be equal on all ranks that take part. */
typedef struct eki_label {
    int64_t step;     /* training step, from 1; 0 = before training */
    int64_t channels; /* of the norm, or elements of a gradient; -1 = whatever the other rank has */
    int32_t kind;     /* EKI_KIND_... */
    int32_t dtype;
    char name[EKI_LABEL_NAME]; /* of the layer */
} eki_label;

enum {
    EKI_KIND_NORM = 1,
    EKI_KIND_GRADIENT = 2,
    EKI_KIND_NODES = 3,
    EKI_KIND_LOSS = 4,
    EKI_KIND_CHECK = 5,
    EKI_KIND_END = 6,
    EKI_KIND_DATA = 7
};

eki_label eki_label_make(int kind, const char *name, int64_t step, int64_t channels, int dtype);

/* A set of ranks out of the transport's; rank and size are places in it. */
typedef struct eki_group {
    int rank, size;
    int first, stride; /* member i is rank first + i * stride of the transport */
} eki_group;

typedef struct eki_exchange eki_exchange;

/* into = left joined with right; sizes may differ from rank to rank. The result may be as large as both. `into` has
 * room for left_bytes + right_bytes and is neither left nor right. Left is of the lower ranks. */
typedef ek_status (*eki_combine_fn)(void *context, const void *left, size_t left_bytes, const void *right,
                                    size_t right_bytes, void *into, size_t *bytes, ek_error *err);

/* ---- comm.c ---- */
ek_status eki_comm_create(eki_transport *transport, const ek_comm_options *options, ek_comm **comm, ek_error *err);
eki_group eki_comm_world(const ek_comm *comm);
/* Groups of `size` neighbouring ranks (the last may be smaller). */
eki_group eki_comm_neighbours(const ek_comm *comm, int size);
/* Polls everything that is under way; cheap. Fails once anything failed. */
ek_status eki_comm_progress(ek_comm *comm, ek_error *err);
/* Polls until this one is done, or the deadline. */
ek_status eki_exchange_wait(eki_exchange *exchange, ek_error *err);
/* Frees an exchange, done or not. NULL is allowed. */
void eki_exchange_free(eki_exchange *exchange);
/* Whether the user of this rank was asked to end (ek_comm_options.stopped). */
bool eki_comm_stopped(const ek_comm *comm);
/* Seconds this rank spent waiting in eki_exchange_wait, and bytes sent, so far. */
typedef struct eki_comm_counters {
    double waited;
    int64_t exchanges, bytes_sent;
} eki_comm_counters;
eki_comm_counters eki_comm_count(const ek_comm *comm);

/* ---- reduce.c: all-reduce. `channel`: exchanges of one channel run one after the other; its number is the same on all
 *      ranks. The label is copied. ---- */

/* Joins what the ranks have, in the order of ranks, in one tree for all: every rank gets the same bytes. log2(ranks)
 * rounds. */
ek_status eki_join_start(ek_comm *comm, eki_group group, int channel, const eki_label *label, const void *data,
                         size_t bytes, eki_combine_fn combine, void *context, eki_exchange **exchange, ek_error *err);
/* The result, valid until the exchange is freed. */
const void *eki_join_result(const eki_exchange *exchange, size_t *bytes);

/* data[i] = sum over ranks, in place; `data` is the exchange's until it is done. Few elements go by log2(ranks) rounds,
 * many around a ring. Every rank gets the same bits. */
ek_status eki_sum_start(ek_comm *comm, eki_group group, int channel, const eki_label *label, float *data, size_t count,
                        eki_exchange **exchange, ek_error *err);

/* ---- waiting.c: waiting forms ---- */

/* Concatenation in the order of ranks; *result is malloc'ed. */
ek_status eki_all_gather(ek_comm *comm, int channel, const eki_label *label, const void *data, size_t bytes,
                         void **result, size_t *result_bytes, ek_error *err);
/* `data` of rank `root` to all; sizes must agree. */
ek_status eki_broadcast(ek_comm *comm, int channel, const eki_label *label, int root, void *data, size_t bytes,
                        ek_error *err);
ek_status eki_send(ek_comm *comm, int channel, const eki_label *label, int to, const void *data, size_t bytes,
                   ek_error *err);
ek_status eki_receive(ek_comm *comm, int channel, const eki_label *label, int from, void *data, size_t bytes,
                      ek_error *err);

/* ---- Inside: exchange.c runs rounds ---- */
typedef struct eki_round {
    int to, from; /* ranks of the transport; -1 = none */
    const void *send;
    size_t send_bytes;
    void *receive;  /* NULL = malloc'ed to fit, in `received` */
    size_t room;    /* exact number of bytes expected when receive is given */
    void *received; /* what came, owned by the exchange until taken */
    size_t received_bytes;
} eki_round;

/* Sets up the next round or says that there is none; called when a round is over (and once at the start). */
typedef ek_status (*eki_next_fn)(eki_exchange *exchange, bool *more, ek_error *err);

ek_status eki_exchange_start(ek_comm *comm, int channel, const eki_label *label, eki_next_fn next,
                             void (*release)(void *state), void *state, eki_exchange **exchange, ek_error *err);
eki_round *eki_exchange_round(eki_exchange *exchange);
void *eki_exchange_state(const eki_exchange *exchange);

/* Bytes of the first frame's payload, and of a packet of the rest. The second may be changed by tests. */
enum { EKI_INLINE = 8192 };
extern size_t eki_packet_bytes;

#endif
