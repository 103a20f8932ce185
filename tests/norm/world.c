#include "norm/world.h"

#include "base/error.h"
#include "base/memory.h"
#include <string.h>

/* Copies of the blocks, as they would be on the way. */
typedef struct {
    void *block[WORLD_RANKS];
    size_t bytes[WORLD_RANKS];
    world_order order;
    int count;
} messages;

/* The combination of [begin, end): at the place of one of them, whose index is returned. */
static int combine(messages *m, int begin, int end) {
    if (end - begin == 1) return begin;
    int middle = begin + 1;
    if (m->order == WORLD_DOWN) middle = end - 1;
    if (m->order == WORLD_HALVES || m->order == WORLD_HALVES_DOWN) middle = (begin + end) / 2;
    if (m->order == WORLD_UP) middle = end - 1;
    int low = combine(m, begin, middle), high = combine(m, middle, end);
    int up = m->order == WORLD_UP || m->order == WORLD_HALVES;
    int into = up ? low : high, from = up ? high : low;
    ek_sync_combine(m->block[into], m->block[from], m->bytes[from]);
    return into;
}

/* All headers into the first one: 1 when they disagree, and then the mark is there. */
static int headers_differ(messages *m) {
    int marked = 0;
    for (int i = 1; i < m->count; i++) marked = ek_sync_combine(m->block[0], m->block[i], EK_SYNC_HEADER_BYTES);
    return marked;
}

static void finish(world *w) {
    messages m = {.order = w->order};
    for (int r = 0; r < w->ranks; r++) {
        if (r == w->skipped) continue;
        m.bytes[m.count] = w->rank[r].bytes;
        m.block[m.count] = eki_alloc(eki_sized(w->rank[r].bytes));
        memcpy(m.block[m.count++], w->rank[r].block, w->rank[r].bytes);
    }
    int at = 0;
    if (!w->headers_first || !headers_differ(&m)) at = combine(&m, 0, m.count);
    for (int r = 0; r < w->ranks; r++) {
        size_t bytes = w->rank[r].bytes < m.bytes[at] ? w->rank[r].bytes : m.bytes[at];
        memcpy(w->rank[r].block, m.block[at], bytes);
        w->rank[r].done = 1;
        w->rank[r].started = 0;
    }
    for (int i = 0; i < m.count; i++) eki_free(m.block[i]);
    w->arrived = 0;
}

static ek_status start(void *context, void *block, size_t bytes, ek_sync_combine_fn function, void **operation,
                       ek_error *err) {
    world_rank *me = context;
    world *w = me->all;
    if (function != ek_sync_combine) return eki_fail(err, EK_ERR_ARG, "another combine than ek_sync_combine()");
    if ((uintptr_t)block % 64 != 0) return eki_fail(err, EK_ERR_ARG, "the block is not 64-aligned");
    pthread_mutex_lock(&w->lock);
    me->block = block;
    me->bytes = bytes;
    me->started = 1;
    me->done = 0;
    *operation = me;
    if (++w->arrived == w->ranks) finish(w);
    pthread_mutex_unlock(&w->lock);
    return EK_OK;
}

static ek_status test(void *context, void *operation, int *done, ek_error *err) {
    world_rank *me = operation;
    (void)context;
    if (me->all->lost) return eki_fail(err, EK_ERR_DIST, "rank 1 did not answer within 60 s");
    pthread_mutex_lock(&me->all->lock);
    *done = me->done;
    pthread_mutex_unlock(&me->all->lock);
    return EK_OK;
}

static void cancel(void *context, void *operation) {
    world_rank *me = operation;
    (void)context;
    pthread_mutex_lock(&me->all->lock);
    me->all->cancelled++;
    if (me->started) me->all->arrived--;
    me->started = 0;
    pthread_mutex_unlock(&me->all->lock);
}

void world_make(world *w, int ranks, world_order order) {
    memset(w, 0, sizeof *w);
    w->ranks = ranks;
    w->order = order;
    w->skipped = -1;
    pthread_mutex_init(&w->lock, NULL);
    for (int r = 0; r < ranks; r++) {
        w->rank[r] = (world_rank){.all = w, .rank = r};
        w->exchange[r] = (ek_exchange){
            .struct_size = sizeof(ek_exchange), .context = &w->rank[r], .start = start, .test = test, .cancel = cancel};
    }
}

void world_free(world *w) { pthread_mutex_destroy(&w->lock); }
