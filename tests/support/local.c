/* local.c: ranks that are threads of one process: mailboxes under one lock. */
#include "support/local.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct mail {
    int from, tag;
    size_t bytes;
    struct mail *next;
    unsigned char data[];
} mail;

typedef struct box {
    mail *first, **last;
} box;

struct eki_local {
    pthread_mutex_t lock;
    int size;
    box *boxes;
};

typedef struct local_self {
    eki_transport transport; /* first */
    eki_local *world;
} local_self;

/* A receive under way; sends are over at once. */
typedef struct waiting {
    int from, tag;
    void *data;
    size_t room;
} waiting;

ek_status eki_local_create(int size, eki_local **out, ek_error *err) {
    eki_local *world = calloc(1, sizeof *world);
    if (world != NULL) world->boxes = calloc((size_t)size, sizeof *world->boxes);
    if (world == NULL || world->boxes == NULL || pthread_mutex_init(&world->lock, NULL) != 0) {
        if (world != NULL) free(world->boxes);
        free(world);
        return eki_fail_nomem(err, sizeof *world);
    }
    world->size = size;
    for (int r = 0; r < size; r++) world->boxes[r].last = &world->boxes[r].first;
    *out = world;
    return EK_OK;
}

void eki_local_destroy(eki_local *world) {
    if (world == NULL) return;
    for (int r = 0; r < world->size; r++) {
        while (world->boxes[r].first != NULL) {
            mail *m = world->boxes[r].first;
            world->boxes[r].first = m->next;
            free(m);
        }
    }
    pthread_mutex_destroy(&world->lock);
    free(world->boxes);
    free(world);
}

static eki_local *world_of(eki_transport *t) { return ((local_self *)t->self)->world; }

static ek_status local_send(eki_transport *t, int to, int tag, const void *data, size_t bytes, void **handle,
                            ek_error *err) {
    eki_local *world = world_of(t);
    mail *m = malloc(sizeof *m + bytes);
    *handle = NULL;
    if (m == NULL) return eki_fail_nomem(err, bytes);
    *m = (mail){.from = t->rank, .tag = tag, .bytes = bytes};
    if (bytes > 0) memcpy(m->data, data, bytes);
    pthread_mutex_lock(&world->lock);
    *world->boxes[to].last = m;
    world->boxes[to].last = &m->next;
    pthread_mutex_unlock(&world->lock);
    return EK_OK;
}

static ek_status local_receive(eki_transport *t, int from, int tag, void *data, size_t room, void **handle,
                               ek_error *err) {
    (void)t;
    waiting *w = malloc(sizeof *w);
    if (w == NULL) return eki_fail_nomem(err, sizeof *w);
    *w = (waiting){from, tag, data, room};
    *handle = w;
    return EK_OK;
}

/* The first mail with this tag from `from` (-1 = anybody); taken out of the box when `take`. */
static mail *find(eki_local *world, int rank, int from, int tag, bool take) {
    box *b = &world->boxes[rank];
    for (mail **link = &b->first; *link != NULL; link = &(*link)->next) {
        mail *m = *link;
        if (m->tag != tag || (from >= 0 && m->from != from)) continue;
        if (!take) return m;
        *link = m->next;
        if (m->next == NULL) b->last = link;
        return m;
    }
    return NULL;
}

static ek_status local_test(eki_transport *t, void **handle, bool *done, size_t *bytes, ek_error *err) {
    eki_local *world = world_of(t);
    waiting *w = *handle;
    *done = true;
    if (w == NULL) return EK_OK;
    pthread_mutex_lock(&world->lock);
    mail *m = find(world, t->rank, w->from, w->tag, true);
    pthread_mutex_unlock(&world->lock);
    *done = m != NULL;
    if (m == NULL) return EK_OK;
    ek_status status = EK_OK;
    if (m->bytes > w->room) {
        status = eki_fail(err, EK_ERR_DIST, "rank %d sent %zu bytes, expected at most %zu", m->from, m->bytes, w->room);
    } else if (m->bytes > 0) {
        memcpy(w->data, m->data, m->bytes);
    }
    *bytes = m->bytes;
    free(m);
    free(w);
    *handle = NULL;
    return status;
}

static void local_cancel(eki_transport *t, void **handle) {
    (void)t;
    free(*handle);
    *handle = NULL;
}

static ek_status local_probe(eki_transport *t, int tag, bool *found, int *from, ek_error *err) {
    (void)err;
    eki_local *world = world_of(t);
    pthread_mutex_lock(&world->lock);
    const mail *m = find(world, t->rank, -1, tag, false);
    *found = m != NULL;
    if (m != NULL) *from = m->from;
    pthread_mutex_unlock(&world->lock);
    return EK_OK;
}

/* Threads cannot be ended from outside; every rank comes to its own end by its deadline. */
static void local_abort(eki_transport *t, int code) {
    (void)t;
    (void)code;
}

static void local_close(eki_transport *t, bool clean) {
    (void)clean;
    free(t->self);
}

ek_status eki_local_join(eki_local *world, int rank, eki_transport **transport, ek_error *err) {
    static const eki_transport_calls calls = {local_send,  local_receive, local_test, local_cancel,
                                              local_probe, local_abort,   local_close};
    local_self *self = calloc(1, sizeof *self);
    *transport = NULL;
    if (self == NULL) return eki_fail_nomem(err, sizeof *self);
    self->transport =
        (eki_transport){.calls = &calls, .rank = rank, .size = world->size, .name = "local", .self = self};
    self->world = world;
    *transport = &self->transport;
    return EK_OK;
}
