/* ranks_norm.c: what layers exchange while they run: statistics of norms, and nodes of the tree over chunks. */
#include "train/ranks.h"

#include "base/tree.h"

#include <stdlib.h>
#include <string.h>

/* ---- Blocks of a norm ---- */

typedef struct operation {
    eki_exchange *exchange;
    void *block;
    size_t bytes;
    ek_sync_combine_fn combine;
} operation;

static ek_status combine_blocks(void *context, const void *left, size_t left_bytes, const void *right,
                                size_t right_bytes, void *into, size_t *bytes, ek_error *err) {
    const operation *o = context;
    (void)err;
    memcpy(into, left, left_bytes);
    (void)o->combine(into, right, right_bytes); /* what does not fit is marked in the block */
    *bytes = left_bytes;
    return EK_OK;
}

static void finish(operation *o) {
    eki_exchange_free(o->exchange);
    free(o);
}

static ek_status start(void *context, void *block, size_t bytes, ek_sync_combine_fn combine, void **out,
                       ek_error *err) {
    eki_ranks *ranks = context;
    operation *o = eki_calloc(1, sizeof *o);
    if (o == NULL) return eki_fail_nomem(err, sizeof *o);
    *o = (operation){.block = block, .bytes = bytes, .combine = combine};
    ek_status status = eki_join_start(ranks->comm, ranks->group, EKI_CHANNEL_LAYERS, &ranks->label, block, bytes,
                                      combine_blocks, o, &o->exchange, err);
    if (status != EK_OK) {
        free(o);
        return status;
    }
    *out = o;
    return EK_OK;
}

/* The layer has nothing else to do meanwhile; gradients that are under way go on while it waits. */
static ek_status test(void *context, void *out, int *done, ek_error *err) {
    (void)context;
    operation *o = out;
    size_t bytes;
    ek_status status = eki_exchange_wait(o->exchange, err);
    if (status == EK_OK) {
        const void *result = eki_join_result(o->exchange, &bytes);
        if (bytes == o->bytes) {
            memcpy(o->block, result, bytes);
        } else {
            status = eki_fail(err, EK_ERR_DIST, "the ranks' blocks have %zu and %zu bytes", bytes, o->bytes);
        }
    }
    finish(o);
    *done = status == EK_OK;
    return status;
}

static void cancel(void *context, void *out) {
    (void)context;
    finish(out);
}

static void announce(void *context, const char *layer, int64_t step, int64_t channels) {
    eki_ranks *ranks = context;
    ranks->label = eki_label_make(EKI_KIND_NORM, layer, step, channels, EK_F32);
}

void eki_ranks_make_exchange(eki_ranks *ranks) {
    ranks->exchange = (ek_exchange){
        .struct_size = sizeof(ek_exchange), .context = ranks, .start = start, .test = test, .cancel = cancel};
    ranks->collective = (eki_collective){.context = ranks,
                                         .sync_rank = ranks->group.rank,
                                         .sync_ranks = ranks->sync_norm ? ranks->group.size : 0,
                                         .exchange = &ranks->exchange,
                                         .reproducible = ranks->reproducible,
                                         .announce = announce,
                                         .sum_nodes = eki_ranks_sum_nodes};
}

/* ---- Nodes of the tree over chunks: a message is the range, then its cover ---- */

typedef struct span {
    int64_t first, chunks;
} span;

static ek_status join_spans(void *context, const void *left, size_t left_bytes, const void *right, size_t right_bytes,
                            void *into, size_t *bytes, ek_error *err) {
    const size_t count = *(const size_t *)context;
    span a, b;
    eki_tree_node nodes[2 * EKI_TREE_COVER];
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    if (a.chunks == 0 || b.chunks == 0) {
        const void *whole = a.chunks == 0 ? right : left;
        *bytes = a.chunks == 0 ? right_bytes : left_bytes;
        memcpy(into, whole, *bytes);
        return EK_OK;
    }
    int n = eki_tree_cover(a.first, a.chunks, nodes);
    n += eki_tree_cover(b.first, b.chunks, nodes + n);
    size_t a_bytes = left_bytes - sizeof a, b_bytes = right_bytes - sizeof b;
    if (a.first + a.chunks != b.first || a_bytes + b_bytes != (size_t)n * count * sizeof(double)) {
        return eki_fail(err, EK_ERR_DIST,
                        "chunks %lld to %lld of a gradient (%zu bytes) are joined with %lld to %lld (%zu bytes), which "
                        "does not fit; all ranks need the same model, --batch and --chunk",
                        (long long)a.first, (long long)(a.first + a.chunks - 1), a_bytes, (long long)b.first,
                        (long long)(b.first + b.chunks - 1), b_bytes);
    }
    const span both = {a.first, a.chunks + b.chunks};
    double *values = (double *)(void *)((char *)into + sizeof both);
    memcpy(into, &both, sizeof both);
    memcpy(values, (const char *)left + sizeof a, a_bytes);
    memcpy((char *)values + a_bytes, (const char *)right + sizeof b, b_bytes);
    n = eki_tree_join(nodes, n, &(eki_tree_stack){values, count * sizeof *values, count, eki_tree_add});
    *bytes = sizeof both + (size_t)n * count * sizeof(double);
    return EK_OK;
}

static ek_status take_root(const eki_exchange *x, double *nodes, size_t count, ek_error *err) {
    size_t bytes;
    span all;
    eki_tree_node cover[EKI_TREE_COVER];
    const char *result = eki_join_result(x, &bytes);
    memcpy(&all, result, sizeof all);
    int n = eki_tree_cover(all.first, all.chunks, cover);
    if (all.first != 0 || bytes != sizeof all + (size_t)n * count * sizeof(double)) {
        return eki_fail(err, EK_ERR_DIST, "a gradient lacks its first chunks; all ranks need the same --batch");
    }
    memset(nodes, 0, count * sizeof *nodes);
    if (n == 0) return EK_OK;
    double *values = eki_alloc(eki_sized(bytes));
    if (values == NULL) return eki_fail_nomem(err, bytes);
    memcpy(values, result + sizeof all, bytes - sizeof all);
    eki_tree_root(&(eki_tree_stack){values, count * sizeof *values, count, eki_tree_add}, n);
    memcpy(nodes, values, count * sizeof *nodes);
    free(values);
    return EK_OK;
}

ek_status eki_ranks_sum_nodes(void *context, const char *layer, int64_t step, int64_t first, int64_t chunks,
                              double *nodes, size_t count, ek_error *err) {
    eki_ranks *ranks = context;
    eki_tree_node cover[EKI_TREE_COVER];
    const eki_label label = eki_label_make(EKI_KIND_NODES, layer, step, (int64_t)count, EK_F64);
    const span mine = {first, chunks};
    eki_size node = eki_size_of(count, sizeof *nodes);
    eki_size all = eki_size_of((size_t)eki_tree_cover(first, chunks, cover), node.bytes);
    eki_size size = eki_size_sum(eki_sized(sizeof mine), all);
    eki_exchange *x = NULL;
    char *message = eki_alloc(size);
    if (message == NULL) return eki_fail_nomem(err, size.bytes);
    memcpy(message, &mine, sizeof mine);
    memcpy(message + sizeof mine, nodes, all.bytes);
    ek_status status = eki_join_start(ranks->comm, eki_comm_world(ranks->comm), EKI_CHANNEL_LAYERS, &label, message,
                                      size.bytes, join_spans, &count, &x, err);
    free(message);
    if (status != EK_OK) return status;
    status = eki_exchange_wait(x, err);
    if (status == EK_OK) status = take_root(x, nodes, count, err);
    eki_exchange_free(x);
    return status;
}
