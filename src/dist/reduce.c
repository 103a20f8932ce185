/* reduce.c: all-reduce: joining what ranks have in one tree, and sums of many numbers around a ring.
 *
 * The tree: ranks are first folded to a power of two (of the first 2 (n - p) ranks, odd ones give theirs to the even
 * one before and wait), then pairs at distance 1, 2, 4 ... exchange what they have and both join it, the lower part on
 * the left. So a part is always of consecutive ranks, and every rank computes the same.
 */
#include "dist/comm_internal.h"

#include <stdlib.h>
#include <string.h>

enum { RING_FROM = 1 << 14 }; /* elements from which a ring of more than two ranks is used */

typedef struct joining {
    eki_group group;
    eki_combine_fn combine;
    void *context;
    unsigned char *have;
    size_t bytes;
    int power, extra; /* ranks after folding, and how many were folded away */
    int place;        /* of this rank among the power, -1 = folded away */
    int stage;        /* -1 = folding, then the distance of the exchange that is under way, -2 = the way back */
} joining;

static void join_release(void *state) {
    joining *j = state;
    free(j->have);
    free(j);
}

static int member(const eki_group *group, int place) { return group->first + place * group->stride; }

/* The group's rank at a place among the power. */
static int at_place(const joining *j, int place) { return place < j->extra ? 2 * place : place + j->extra; }

static void set_round(eki_exchange *x, const joining *j, int to, int from) {
    eki_round *r = eki_exchange_round(x);
    free(r->received);
    *r = (eki_round){.to = to < 0 ? -1 : member(&j->group, to), .from = from < 0 ? -1 : member(&j->group, from)};
    r->send = j->have;
    r->send_bytes = j->bytes;
}

static ek_status join_received(eki_exchange *x, joining *j, bool left, ek_error *err) {
    eki_round *r = eki_exchange_round(x);
    size_t bytes = 0, room = j->bytes + r->received_bytes;
    unsigned char *into = eki_alloc(eki_sized(room + 1));
    if (into == NULL) return eki_fail_nomem(err, room);
    const void *a = left ? r->received : j->have, *b = left ? j->have : r->received;
    size_t a_bytes = left ? r->received_bytes : j->bytes, b_bytes = left ? j->bytes : r->received_bytes;
    ek_status status = j->combine(j->context, a, a_bytes, b, b_bytes, into, &bytes, err);
    if (status != EK_OK) {
        free(into);
        return status;
    }
    free(j->have);
    j->have = into;
    j->bytes = bytes;
    return EK_OK;
}

static void take_received(eki_exchange *x, joining *j) {
    eki_round *r = eki_exchange_round(x);
    free(j->have);
    j->have = r->received;
    j->bytes = r->received_bytes;
    r->received = NULL;
}

/* The next exchange of pairs, or the way back to those folded away. */
static bool pair_up(eki_exchange *x, joining *j, int distance) {
    if (distance < j->power) {
        int partner = at_place(j, j->place ^ distance);
        j->stage = distance;
        set_round(x, j, partner, partner);
        return true;
    }
    j->stage = -2;
    if (j->place >= j->extra) return false;
    set_round(x, j, j->group.rank + 1, -1);
    return true;
}

static ek_status join_next(eki_exchange *x, bool *more, ek_error *err) {
    joining *j = eki_exchange_state(x);
    int rank = j->group.rank;
    bool begins = j->stage == 0;
    *more = true;
    if (begins && rank < 2 * j->extra) {
        j->stage = -1;
        set_round(x, j, rank % 2 == 1 ? rank - 1 : -1, rank % 2 == 0 ? rank + 1 : -1);
        return EK_OK;
    }
    if (begins) {
        *more = pair_up(x, j, 1);
    } else if (j->stage == -1 && j->place < 0) {
        j->stage = -2;
        set_round(x, j, -1, rank - 1);
    } else if (j->stage == -1) {
        EKI_TRY(join_received(x, j, false, err));
        *more = pair_up(x, j, 1);
    } else if (j->stage > 0) {
        EKI_TRY(join_received(x, j, (j->place & j->stage) != 0, err));
        *more = pair_up(x, j, 2 * j->stage);
    } else {
        if (j->place < 0) take_received(x, j);
        *more = false;
    }
    return EK_OK;
}

ek_status eki_join_start(ek_comm *comm, eki_group group, int channel, const eki_label *label, const void *data,
                         size_t bytes, eki_combine_fn combine, void *context, eki_exchange **out, ek_error *err) {
    joining *j = eki_calloc(1, sizeof *j);
    *out = NULL;
    if (j != NULL) j->have = eki_alloc(eki_sized(bytes + 1));
    if (j == NULL || j->have == NULL) {
        free(j);
        return eki_fail_nomem(err, bytes);
    }
    if (bytes > 0) memcpy(j->have, data, bytes);
    j->bytes = bytes;
    j->group = group;
    j->combine = combine;
    j->context = context;
    for (j->power = 1; 2 * j->power <= group.size;) j->power *= 2;
    j->extra = group.size - j->power;
    j->place = group.rank >= 2 * j->extra ? group.rank - j->extra : group.rank % 2 == 0 ? group.rank / 2 : -1;
    return eki_exchange_start(comm, channel, label, join_next, join_release, j, out, err);
}

const void *eki_join_result(const eki_exchange *x, size_t *bytes) {
    const joining *j = eki_exchange_state(x);
    *bytes = j->bytes;
    return j->have;
}

/* ---- Sums of floats ---- */

typedef struct summing {
    eki_group group;
    float *data, *other;
    size_t count;
    int round;
    bool own_block; /* data was gathered elsewhere */
} summing;

static void sum_release(void *state) {
    summing *s = state;
    free(s->other);
    free(s);
}

static size_t block_begin(const summing *s, int block) {
    return s->count * (size_t)block / (size_t)s->group.size / 16 * 16;
}

static size_t block_end(const summing *s, int block) {
    return block + 1 == s->group.size ? s->count : block_begin(s, block + 1);
}

/* Block b goes round: in rounds 0 .. n-2 every rank adds its own to what it gets and passes it on; then sums go round.
 */
static ek_status ring_next(eki_exchange *x, bool *more, ek_error *err) {
    (void)err;
    summing *s = eki_exchange_state(x);
    eki_round *r = eki_exchange_round(x);
    int n = s->group.size, rank = s->group.rank;
    if (s->round > 0 && s->round < n) {
        int block = (rank - s->round + 2 * n) % n;
        size_t begin = block_begin(s, block), end = block_end(s, block);
        for (size_t i = begin; i < end; i++) s->data[i] = s->other[i - begin] + s->data[i];
    }
    *more = s->round < 2 * (n - 1);
    if (!*more) return EK_OK;
    int out = (rank - s->round + 2 * n) % n, in = (out - 1 + n) % n;
    size_t begin = block_begin(s, in), in_bytes = (block_end(s, in) - begin) * sizeof(float);
    *r = (eki_round){.to = member(&s->group, (rank + 1) % n), .from = member(&s->group, (rank - 1 + n) % n)};
    r->send = s->data + block_begin(s, out);
    r->send_bytes = (block_end(s, out) - block_begin(s, out)) * sizeof(float);
    r->receive = s->round < n - 1 ? s->other : s->data + begin;
    r->room = in_bytes;
    s->round++;
    return EK_OK;
}

static ek_status add_floats(void *context, const void *left, size_t left_bytes, const void *right, size_t right_bytes,
                            void *into, size_t *bytes, ek_error *err) {
    (void)context;
    if (left_bytes != right_bytes) {
        return eki_fail(err, EK_ERR_DIST, "a rank has %zu bytes of gradients, another %zu", left_bytes, right_bytes);
    }
    const float *a = left, *b = right;
    float *sum = into;
    for (size_t i = 0; i < left_bytes / sizeof *sum; i++) sum[i] = a[i] + b[i];
    *bytes = left_bytes;
    return EK_OK;
}

/* A tree whose result goes back to where the data came from. */
typedef struct small_sum {
    joining join; /* first: eki_join_result and join_next see it */
    float *data;
} small_sum;

static ek_status small_next(eki_exchange *x, bool *more, ek_error *err) {
    small_sum *s = eki_exchange_state(x);
    EKI_TRY(join_next(x, more, err));
    if (!*more) memcpy(s->data, s->join.have, s->join.bytes);
    return EK_OK;
}

static ek_status small_start(ek_comm *comm, eki_group group, int channel, const eki_label *label, float *data,
                             size_t count, eki_exchange **out, ek_error *err) {
    small_sum *s = eki_calloc(1, sizeof *s);
    if (s != NULL) s->join.have = eki_alloc(eki_size_of(count + 1, sizeof *data));
    if (s == NULL || s->join.have == NULL) {
        free(s);
        return eki_fail_nomem(err, count * sizeof *data);
    }
    joining *j = &s->join;
    memcpy(j->have, data, count * sizeof *data);
    j->bytes = count * sizeof *data;
    j->group = group;
    j->combine = add_floats;
    for (j->power = 1; 2 * j->power <= group.size;) j->power *= 2;
    j->extra = group.size - j->power;
    j->place = group.rank >= 2 * j->extra ? group.rank - j->extra : group.rank % 2 == 0 ? group.rank / 2 : -1;
    s->data = data;
    return eki_exchange_start(comm, channel, label, small_next, join_release, s, out, err);
}

ek_status eki_sum_start(ek_comm *comm, eki_group group, int channel, const eki_label *label, float *data, size_t count,
                        eki_exchange **out, ek_error *err) {
    *out = NULL;
    if (count < RING_FROM) return small_start(comm, group, channel, label, data, count, out, err);
    summing *s = eki_calloc(1, sizeof *s);
    if (s != NULL) s->other = eki_alloc(eki_size_of(count / (size_t)group.size + 32, sizeof *data));
    if (s == NULL || s->other == NULL) {
        free(s);
        return eki_fail_nomem(err, count * sizeof *data);
    }
    s->group = group;
    s->data = data;
    s->count = count;
    return eki_exchange_start(comm, channel, label, ring_next, sum_release, s, out, err);
}
