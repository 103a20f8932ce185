/* exchange.c: running the rounds of an exchange: a frame out and a frame in, each polled on its own. */
#include "dist/comm_internal.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_MAGIC UINT64_C(0x4d415246544b4531)

size_t eki_packet_bytes = (size_t)1 << 30; /* transports count in int */

eki_round *eki_exchange_round(eki_exchange *x) { return &x->round; }
void *eki_exchange_state(const eki_exchange *x) { return x->state; }

static int frame_tag(const eki_exchange *x) { return EKI_TAG_FIRST + 2 * x->channel; }

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static ek_status test(eki_exchange *x, void **handle, bool *done, size_t *bytes, ek_error *err) {
    eki_transport *t = x->comm->transport;
    *done = true;
    return *handle == NULL ? EK_OK : t->calls->test(t, handle, done, bytes, err);
}

static ek_status start_frame(eki_exchange *x, ek_error *err) {
    eki_transport *t = x->comm->transport;
    const eki_round *r = &x->round;
    eki_frame frame = {.magic = FRAME_MAGIC, .bytes = r->send_bytes, .label = x->label, .from = t->rank};
    size_t first = smaller(r->send_bytes, EKI_INLINE);
    memcpy(x->out_frame, &frame, sizeof frame);
    if (first > 0) memcpy(x->out_frame + sizeof frame, r->send, first);
    x->out.at = first;
    x->out.stage = 1;
    x->comm->counters.bytes_sent += (int64_t)(sizeof frame + r->send_bytes);
    return t->calls->send(t, r->to, frame_tag(x), x->out_frame, sizeof frame + first, &x->out.handle, err);
}

static ek_status send_on(eki_exchange *x, ek_error *err) {
    eki_transport *t = x->comm->transport;
    const eki_round *r = &x->round;
    bool done;
    size_t ignored;
    if (r->to < 0) x->out.stage = 3;
    if (x->out.stage == 0) EKI_TRY(start_frame(x, err));
    while (x->out.stage < 3) {
        EKI_TRY(test(x, &x->out.handle, &done, &ignored, err));
        if (!done) return EK_OK;
        if (x->out.at == r->send_bytes) {
            x->out.stage = 3;
            return EK_OK;
        }
        size_t packet = smaller(r->send_bytes - x->out.at, eki_packet_bytes);
        const unsigned char *from = (const unsigned char *)r->send + x->out.at;
        EKI_TRY(t->calls->send(t, r->to, frame_tag(x) + 1, from, packet, &x->out.handle, err));
        x->out.at += packet;
        x->out.stage = 2;
    }
    return EK_OK;
}

/* The frame has come: is it what this rank waits for, and where does its payload go? */
static ek_status accept_frame(eki_exchange *x, size_t bytes, ek_error *err) {
    eki_round *r = &x->round;
    eki_frame frame;
    char where[192];
    if (bytes >= sizeof frame) memcpy(&frame, x->in_frame, sizeof frame);
    size_t first = bytes >= sizeof frame ? bytes - sizeof frame : 0;
    if (bytes < sizeof frame || frame.magic != FRAME_MAGIC || first != smaller((size_t)frame.bytes, EKI_INLINE)) {
        return eki_fail(err, EK_ERR_DIST, "at %s: a message of %zu bytes from rank %d is damaged or cut short",
                        eki_label_text(&x->label, where, sizeof where), bytes, r->from);
    }
    frame.label.name[EKI_LABEL_NAME - 1] = '\0';
    EKI_TRY(eki_label_check(x, &frame, err));
    if (r->receive == NULL) {
        if (frame.bytes > (UINT64_C(1) << 46)) return eki_fail_nomem(err, frame.bytes);
        r->received = eki_alloc(eki_sized((size_t)frame.bytes + 1));
        if (r->received == NULL) return eki_fail_nomem(err, frame.bytes);
    }
    r->received_bytes = (size_t)frame.bytes;
    if (first > 0) memcpy(r->receive != NULL ? r->receive : r->received, x->in_frame + sizeof frame, first);
    x->in.at = first;
    return EK_OK;
}

static ek_status take_packet(const eki_exchange *x, size_t asked, size_t bytes, ek_error *err) {
    char where[192];
    if (asked == bytes) return EK_OK;
    return eki_fail(err, EK_ERR_DIST, "at %s: rank %d sent %zu bytes of a packet of %zu",
                    eki_label_text(&x->label, where, sizeof where), x->round.from, bytes, asked);
}

static ek_status receive_on(eki_exchange *x, ek_error *err) {
    eki_transport *t = x->comm->transport;
    eki_round *r = &x->round;
    bool done;
    size_t bytes = 0;
    if (r->from < 0) x->in.stage = 3;
    if (x->in.stage == 0) {
        EKI_TRY(t->calls->receive(t, r->from, frame_tag(x), x->in_frame, sizeof(eki_frame) + EKI_INLINE, &x->in.handle,
                                  err));
        x->in.stage = 1;
    }
    while (x->in.stage < 3) {
        EKI_TRY(test(x, &x->in.handle, &done, &bytes, err));
        if (!done) return EK_OK;
        if (x->in.stage == 1) {
            EKI_TRY(accept_frame(x, bytes, err));
        } else {
            size_t asked = smaller(r->received_bytes - x->in.at, eki_packet_bytes);
            EKI_TRY(take_packet(x, asked, bytes, err));
            x->in.at += asked;
        }
        if (x->in.at == r->received_bytes) {
            x->in.stage = 3;
            return EK_OK;
        }
        size_t packet = smaller(r->received_bytes - x->in.at, eki_packet_bytes);
        unsigned char *to = (unsigned char *)(r->receive != NULL ? r->receive : r->received) + x->in.at;
        EKI_TRY(t->calls->receive(t, r->from, frame_tag(x) + 1, to, packet, &x->in.handle, err));
        x->in.stage = 2;
    }
    return EK_OK;
}

static ek_status next_round(eki_exchange *x, ek_error *err) {
    bool more = false;
    EKI_TRY(x->next(x, &more, err));
    x->out.stage = x->in.stage = 0;
    x->out.handle = x->in.handle = NULL;
    x->done = !more;
    return EK_OK;
}

ek_status eki_exchange_advance(eki_exchange *x, ek_error *err) {
    while (!x->done) {
        EKI_TRY(send_on(x, err));
        EKI_TRY(receive_on(x, err));
        if (x->out.stage < 3 || x->in.stage < 3) return EK_OK;
        EKI_TRY(next_round(x, err));
    }
    return EK_OK;
}

ek_status eki_exchange_start(ek_comm *comm, int channel, const eki_label *label, eki_next_fn next,
                             void (*release)(void *state), void *state, eki_exchange **out, ek_error *err) {
    eki_exchange *x = eki_calloc(1, sizeof *x);
    *out = NULL;
    if (x != NULL) x->out_frame = eki_alloc(eki_size_of(2, sizeof(eki_frame) + EKI_INLINE));
    if (x == NULL || x->out_frame == NULL) {
        free(x);
        release(state);
        return eki_fail_nomem(err, sizeof *x + 2 * EKI_INLINE);
    }
    x->in_frame = x->out_frame + sizeof(eki_frame) + EKI_INLINE;
    x->comm = comm;
    x->channel = channel;
    x->label = *label;
    x->next = next;
    x->release = release;
    x->state = state;
    x->list_next = comm->active;
    comm->active = x;
    comm->counters.exchanges++;
    comm->step = label->step;
    ek_status status = comm->failed ? eki_comm_broken(comm, err) : eki_notices_obey(comm, 0, err);
    if (status == EK_OK) status = next_round(x, err);
    if (status == EK_OK) status = eki_comm_progress(comm, err);
    if (status != EK_OK) {
        eki_exchange_free(x);
        return status;
    }
    *out = x;
    return EK_OK;
}

void eki_exchange_free(eki_exchange *x) {
    if (x == NULL) return;
    eki_transport *t = x->comm->transport;
    eki_exchange **link = &x->comm->active;
    while (*link != NULL && *link != x) link = &(*link)->list_next;
    if (*link == x) *link = x->list_next;
    if (x->out.handle != NULL) t->calls->cancel(t, &x->out.handle);
    if (x->in.handle != NULL) t->calls->cancel(t, &x->in.handle);
    free(x->round.received);
    x->release(x->state);
    free(x->out_frame);
    free(x);
}
