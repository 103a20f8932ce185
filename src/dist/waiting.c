/* waiting.c: the exchanges that are waited for: concatenation, broadcast, one rank to another, and agreement. */
#include "dist/comm_internal.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

static ek_status concatenate(void *context, const void *left, size_t left_bytes, const void *right, size_t right_bytes,
                             void *into, size_t *bytes, ek_error *err) {
    (void)context;
    (void)err;
    if (left_bytes > 0) memcpy(into, left, left_bytes);
    if (right_bytes > 0) memcpy((char *)into + left_bytes, right, right_bytes);
    *bytes = left_bytes + right_bytes;
    return EK_OK;
}

static ek_status copy_out(const void *data, size_t bytes, void **result, size_t *result_bytes, ek_error *err) {
    *result = eki_alloc(eki_sized(bytes + 1));
    if (*result == NULL) return eki_fail_nomem(err, bytes);
    if (bytes > 0) memcpy(*result, data, bytes);
    *result_bytes = bytes;
    return EK_OK;
}

ek_status eki_all_gather(ek_comm *comm, int channel, const eki_label *label, const void *data, size_t bytes,
                         void **result, size_t *result_bytes, ek_error *err) {
    eki_exchange *x;
    *result = NULL;
    if (ek_comm_size(comm) == 1) return copy_out(data, bytes, result, result_bytes, err);
    EKI_TRY(eki_join_start(comm, eki_comm_world(comm), channel, label, data, bytes, concatenate, NULL, &x, err));
    ek_status status = eki_exchange_wait(x, err);
    if (status == EK_OK) {
        size_t joined;
        const void *all = eki_join_result(x, &joined);
        status = copy_out(all, joined, result, result_bytes, err);
    }
    eki_exchange_free(x);
    return status;
}

/* ---- One message at a time ---- */

typedef struct passing {
    eki_group group;
    int root, mask; /* of the broadcast, in places counted from the root */
    int to, from;   /* of one message; -1 = none */
    void *data;
    size_t bytes;
    bool begun, have;
} passing;

static void pass_release(void *state) { free(state); }

static ek_status message_next(eki_exchange *x, bool *more, ek_error *err) {
    (void)err;
    passing *p = eki_exchange_state(x);
    *more = !p->begun;
    p->begun = true;
    *eki_exchange_round(x) = (eki_round){
        .to = p->to, .from = p->from, .send = p->data, .send_bytes = p->bytes, .receive = p->data, .room = p->bytes};
    return EK_OK;
}

/* Binomial tree: place q receives from q without its lowest bit, then sends to q + every lower power. */
static ek_status broadcast_next(eki_exchange *x, bool *more, ek_error *err) {
    (void)err;
    passing *p = eki_exchange_state(x);
    eki_round *r = eki_exchange_round(x);
    int n = p->group.size, place = (p->group.rank - p->root + n) % n;
    *r = (eki_round){
        .to = -1, .from = -1, .send = p->data, .send_bytes = p->bytes, .receive = p->data, .room = p->bytes};
    if (!p->begun) {
        p->begun = true;
        for (p->mask = 1; p->mask < n && (place & p->mask) == 0;) p->mask *= 2;
        if (place > 0) {
            r->from = (place - p->mask + p->root) % n;
            *more = true;
            return EK_OK;
        }
    }
    while ((p->mask /= 2) > 0) {
        if (place + p->mask >= n) continue;
        r->to = (place + p->mask + p->root) % n;
        *more = true;
        return EK_OK;
    }
    *more = false;
    return EK_OK;
}

static ek_status pass(ek_comm *comm, int channel, const eki_label *label, const passing *what, eki_next_fn next,
                      ek_error *err) {
    passing *p = eki_alloc(eki_sized(sizeof *p));
    eki_exchange *x;
    if (p == NULL) return eki_fail_nomem(err, sizeof *p);
    *p = *what;
    p->group = eki_comm_world(comm);
    EKI_TRY(eki_exchange_start(comm, channel, label, next, pass_release, p, &x, err));
    ek_status status = eki_exchange_wait(x, err);
    eki_exchange_free(x);
    return status;
}

ek_status eki_broadcast(ek_comm *comm, int channel, const eki_label *label, int root, void *data, size_t bytes,
                        ek_error *err) {
    if (ek_comm_size(comm) == 1) return EK_OK;
    const passing what = {.root = root, .data = data, .bytes = bytes};
    return pass(comm, channel, label, &what, broadcast_next, err);
}

ek_status eki_send(ek_comm *comm, int channel, const eki_label *label, int to, const void *data, size_t bytes,
                   ek_error *err) {
    const passing what = {.to = to, .from = -1, .data = (void *)(uintptr_t)data, .bytes = bytes};
    return pass(comm, channel, label, &what, message_next, err);
}

ek_status eki_receive(ek_comm *comm, int channel, const eki_label *label, int from, void *data, size_t bytes,
                      ek_error *err) {
    const passing what = {.to = -1, .from = from, .data = data, .bytes = bytes};
    return pass(comm, channel, label, &what, message_next, err);
}

/* ---- Agreement ---- */

typedef struct print {
    uint64_t bytes;
    uint32_t crc, sum; /* CRC-32C and FNV-1a of it */
} print;

static print print_of(const void *data, size_t bytes) {
    const unsigned char *p = data;
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < bytes; i++) sum = (sum ^ p[i]) * 16777619u;
    return (print){.bytes = bytes, .crc = eki_crc32c(0, data, bytes), .sum = sum};
}

ek_status ek_comm_agree(ek_comm *comm, const char *what, const void *data, size_t bytes, ek_error *err) {
    EKI_GIVEN(comm, err);
    EKI_GIVEN(what, err);
    const eki_label label = eki_label_make(EKI_KIND_CHECK, what, 0, -1, 0);
    const print mine = print_of(data, bytes);
    void *all = NULL;
    size_t all_bytes;
    if (ek_comm_size(comm) == 1) return EK_OK;
    EKI_TRY(eki_all_gather(comm, 0, &label, &mine, sizeof mine, &all, &all_bytes, err));
    const print *prints = all;
    ek_status status = EK_OK;
    for (size_t r = 1; r < all_bytes / sizeof mine && status == EK_OK; r++) {
        if (memcmp(&prints[r], &prints[0], sizeof mine) == 0) continue;
        status = eki_fail(err, EK_ERR_DIST, "rank %zu has another %s than rank 0; all ranks need the same", r, what);
    }
    free(all);
    return status;
}
