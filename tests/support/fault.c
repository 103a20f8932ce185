/* fault.c: a transport that spoils one message of its rank, so that tests see what comes of it. */
#include "support/fault.h"

#include "dist/comm_internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct fault_self {
    eki_transport transport; /* first */
    eki_transport *inner;
    eki_fault fault;
    int sent;
    bool dead;
} fault_self;

/* A spoiled copy on its way, or a delayed one that is not yet. */
typedef struct spoiled {
    fault_self *self;
    unsigned char *copy; /* NULL = a handle of the inner transport, passed through */
    void *inner;
    bool started, lost;
    int to, tag;
    size_t bytes;
    double due;
} spoiled;

static fault_self *self_of(eki_transport *t) { return t->self; }

static ek_status pass_through(void *inner, void **handle, ek_error *err) {
    *handle = NULL;
    if (inner == NULL) return EK_OK;
    spoiled *s = calloc(1, sizeof *s);
    if (s == NULL) return eki_fail_nomem(err, sizeof *s);
    s->started = true;
    s->inner = inner;
    *handle = s;
    return EK_OK;
}

static ek_status never(void **handle, ek_error *err) {
    spoiled *s = calloc(1, sizeof *s);
    if (s == NULL) return eki_fail_nomem(err, sizeof *s);
    s->lost = true;
    *handle = s;
    return EK_OK;
}

static ek_status fault_send(eki_transport *t, int to, int tag, const void *data, size_t bytes, void **handle,
                            ek_error *err) {
    fault_self *self = self_of(t);
    bool control = tag == EKI_TAG_CONTROL;
    bool now = !control && self->sent++ == self->fault.nth;
    void *inner;
    *handle = NULL;
    if (now && self->fault.kind == EKI_FAULT_DIE) self->dead = true;
    if (self->dead) return never(handle, err);
    if (!now) {
        EKI_TRY(self->inner->calls->send(self->inner, to, tag, data, bytes, &inner, err));
        return pass_through(inner, handle, err);
    }
    if (self->fault.kind == EKI_FAULT_DROP) return EK_OK; /* the sender believes that it was sent */
    spoiled *s = calloc(1, sizeof *s);
    if (s != NULL) s->copy = malloc(bytes + 1);
    if (s == NULL || s->copy == NULL) {
        free(s);
        return eki_fail_nomem(err, bytes);
    }
    memcpy(s->copy, data, bytes);
    s->to = to;
    s->tag = tag;
    s->bytes = bytes;
    if (self->fault.kind == EKI_FAULT_SHORT && bytes > 0) s->bytes--;
    if (self->fault.kind == EKI_FAULT_CORRUPT && self->fault.offset < bytes) s->copy[self->fault.offset] ^= 1;
    s->due = eki_now() + (self->fault.kind == EKI_FAULT_DELAY ? 1e-3 * self->fault.milliseconds : 0.0);
    *handle = s;
    return EK_OK;
}

static ek_status fault_receive(eki_transport *t, int from, int tag, void *data, size_t room, void **handle,
                               ek_error *err) {
    fault_self *self = self_of(t);
    void *inner;
    if (self->dead) return never(handle, err);
    EKI_TRY(self->inner->calls->receive(self->inner, from, tag, data, room, &inner, err));
    return pass_through(inner, handle, err);
}

static ek_status fault_test(eki_transport *t, void **handle, bool *done, size_t *bytes, ek_error *err) {
    fault_self *self = self_of(t);
    spoiled *s = *handle;
    *done = s == NULL;
    if (s == NULL || s->lost || self->dead) return EK_OK;
    if (!s->started) {
        if (eki_now() < s->due) return EK_OK;
        EKI_TRY(self->inner->calls->send(self->inner, s->to, s->tag, s->copy, s->bytes, &s->inner, err));
        s->started = true;
    }
    *done = true;
    if (s->inner != NULL) EKI_TRY(self->inner->calls->test(self->inner, &s->inner, done, bytes, err));
    if (!*done) return EK_OK;
    free(s->copy);
    free(s);
    *handle = NULL;
    return EK_OK;
}

static void fault_cancel(eki_transport *t, void **handle) {
    spoiled *s = *handle;
    if (s == NULL) return;
    if (s->inner != NULL) self_of(t)->inner->calls->cancel(self_of(t)->inner, &s->inner);
    free(s->copy);
    free(s);
    *handle = NULL;
}

static ek_status fault_probe(eki_transport *t, int tag, bool *found, int *from, ek_error *err) {
    *found = false;
    if (self_of(t)->dead) return EK_OK;
    return self_of(t)->inner->calls->probe(self_of(t)->inner, tag, found, from, err);
}

static void fault_abort(eki_transport *t, int code) { self_of(t)->inner->calls->abort(self_of(t)->inner, code); }

static void fault_close(eki_transport *t, bool clean) {
    fault_self *self = self_of(t);
    self->inner->calls->close(self->inner, clean);
    free(self);
}

ek_status eki_fault_wrap(eki_transport *inner, const eki_fault *fault, eki_transport **transport, ek_error *err) {
    static const eki_transport_calls calls = {fault_send,  fault_receive, fault_test, fault_cancel,
                                              fault_probe, fault_abort,   fault_close};
    fault_self *self = calloc(1, sizeof *self);
    *transport = NULL;
    if (self == NULL) return eki_fail_nomem(err, sizeof *self);
    self->transport =
        (eki_transport){.calls = &calls, .rank = inner->rank, .size = inner->size, .name = inner->name, .self = self};
    self->inner = inner;
    self->fault = *fault;
    *transport = &self->transport;
    return EK_OK;
}
