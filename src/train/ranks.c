/* ranks.c: gradients summed over ranks in buckets while backward runs, and losses joined in the order of examples. */
#include "train/ranks.h"

#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ek_status check_options(const ek_train_options *o, ek_error *err) {
    int ranks = ek_comm_size(o->comm);
    if (o->sync_group < 0) return eki_fail(err, EK_ERR_ARG, "sync_group = %d must not be negative", o->sync_group);
    if (o->sync_group > 0 && !o->sync_norm) {
        return eki_fail(err, EK_ERR_ARG, "sync_group = %d needs sync_norm", o->sync_group);
    }
    if (o->sync_norm && ranks > 1 && o->virtual_batch > 0) {
        return eki_fail(err, EK_ERR_ARG,
                        "virtual_batch = %lld and sync_norm exclude each other: statistics are of a part of "
                        "the batch or of all of it",
                        (long long)o->virtual_batch);
    }
    if (o->reproducible && o->sync_group > 0 && o->sync_group < ranks) {
        return eki_fail(err, EK_ERR_ARG,
                        "sync_group = %d does not go with reproducible: groups of ranks make the statistics depend on "
                        "how many ranks there are",
                        o->sync_group);
    }
    return EK_OK;
}

ek_status eki_ranks_create(const ek_train_options *o, eki_ranks **out, ek_error *err) {
    *out = NULL;
    EKI_TRY(check_options(o, err));
    if (ek_comm_size(o->comm) == 1) return EK_OK;
    eki_ranks *ranks = eki_calloc(1, sizeof *ranks);
    if (ranks != NULL) ranks->buckets = eki_calloc(EKI_BUCKETS, sizeof *ranks->buckets);
    if (ranks == NULL || ranks->buckets == NULL) {
        free(ranks);
        return eki_fail_nomem(err, EKI_BUCKETS * sizeof *ranks->buckets);
    }
    ranks->comm = o->comm;
    ranks->sync_norm = o->sync_norm != 0;
    ranks->reproducible = o->reproducible != 0;
    ranks->group = eki_comm_neighbours(o->comm, o->sync_group);
    eki_ranks_make_exchange(ranks);
    *out = ranks;
    return EK_OK;
}

static void drop_exchanges(eki_ranks *ranks) {
    for (size_t i = 0; i < ranks->n_buckets; i++) {
        eki_exchange_free(ranks->buckets[i].exchange);
        ranks->buckets[i].exchange = NULL;
        ranks->buckets[i].count = ranks->buckets[i].n_members = 0;
    }
    eki_exchange_free(ranks->loss);
    ranks->loss = NULL;
}

void eki_ranks_free(eki_ranks *ranks) {
    if (ranks == NULL) return;
    drop_exchanges(ranks);
    for (size_t i = 0; i < ranks->n_buckets; i++) {
        free(ranks->buckets[i].data);
        free(ranks->buckets[i].members);
    }
    free(ranks->buckets);
    free(ranks);
}

const eki_collective *eki_ranks_collective(const eki_ranks *ranks) { return ranks == NULL ? NULL : &ranks->collective; }

double eki_ranks_waited(const eki_ranks *ranks) { return eki_comm_count(ranks->comm).waited; }
bool eki_ranks_writes(const eki_ranks *ranks) { return ranks == NULL || ek_comm_rank(ranks->comm) == 0; }

/* ---- Gradients ---- */

/* Frozen statistics make a batch norm an affine map of each example, with nothing to synchronize. */
static bool synced(const eki_ranks *ranks, const eki_parameter *p) {
    const uint8_t *switches = eki_exec_plan((eki_exec *)(uintptr_t)ranks->exec)->norm_switches;
    bool frozen = switches != NULL && (switches[p->consumer->id] & EKI_NORM_FROZEN_STATS) != 0;
    return ranks->sync_norm && p->consumer->op == EKI_OP_BatchNormalization && !frozen;
}

int eki_ranks_summed(const eki_ranks *ranks, const eki_parameter *p) {
    if (synced(ranks, p)) return ranks->group.size == ek_comm_size(ranks->comm) ? 1 : 2;
    return ranks->reproducible ? 1 : 0;
}

static ek_status start_bucket(eki_ranks *ranks, ek_error *err) {
    char name[EKI_LABEL_NAME];
    eki_bucket *bucket = &ranks->buckets[ranks->used];
    if (ranks->used == ranks->n_buckets || bucket->count == 0) return EK_OK;
    (void)snprintf(name, sizeof name, "bucket %zu", ranks->used);
    const eki_label label = eki_label_make(EKI_KIND_GRADIENT, name, ranks->step, (int64_t)bucket->count, EK_F32);
    int channel = EKI_CHANNEL_BUCKETS + (int)ranks->used++;
    return eki_sum_start(ranks->comm, eki_comm_world(ranks->comm), channel, &label, bucket->data, bucket->count,
                         &bucket->exchange, err);
}

static ek_status put(eki_ranks *ranks, size_t index, const eki_parameter *p, bool counts, ek_error *err) {
    if (ranks->used + 1 == EKI_BUCKETS) return eki_fail(err, EK_ERR_LIMIT, "the model has too many gradients");
    eki_bucket *b = &ranks->buckets[ranks->used];
    if (ranks->n_buckets <= ranks->used) ranks->n_buckets = ranks->used + 1;
    bool room = eki_grow((void **)&b->data, &b->room, b->count + p->count, sizeof *b->data) &&
                eki_grow((void **)&b->members, &b->cap_members, b->n_members + 1, sizeof *b->members);
    if (!room) return eki_fail_nomem(err, p->count * sizeof *b->data);
    if (counts) {
        memcpy(b->data + b->count, p->gradient, p->count * sizeof *b->data);
    } else {
        memset(b->data + b->count, 0, p->count * sizeof *b->data);
    }
    b->count += p->count;
    b->members[b->n_members++] = index;
    return b->count * sizeof *b->data >= EKI_BUCKET_BYTES ? start_bucket(ranks, err) : EK_OK;
}

ek_status eki_ranks_gradient_ready(void *context, size_t index, ek_error *err) {
    eki_ranks *ranks = context;
    const eki_parameter *p = eki_exec_parameter(ranks->exec, index);
    int summed = eki_ranks_summed(ranks, p);
    /* One of each group stands for it. */
    if (summed != 1) EKI_TRY(put(ranks, index, p, summed == 0 || ranks->group.rank == 0, err));
    return eki_comm_progress(ranks->comm, err);
}

static ek_status take_bucket(eki_ranks *ranks, eki_bucket *b, ek_error *err) {
    EKI_TRY(eki_exchange_wait(b->exchange, err));
    const float *from = b->data;
    for (size_t i = 0; i < b->n_members; i++) {
        const eki_parameter *p = eki_exec_parameter(ranks->exec, b->members[i]);
        memcpy(p->gradient, from, p->count * sizeof *from);
        from += p->count;
    }
    return EK_OK;
}

/* ---- A step ---- */

ek_status eki_ranks_begin(eki_ranks *ranks, const ek_trainer *trainer, const ek_batch *batch, ek_error *err) {
    (void)err;
    eki_plan *plan = eki_exec_plan(trainer->exec);
    drop_exchanges(ranks);
    ranks->exec = trainer->exec;
    ranks->step = trainer->step + 1;
    ranks->total = batch->total;
    ranks->used = 0;
    plan->first_sample = batch->first;
    plan->all_samples = batch->total;
    return EK_OK;
}

/* What a rank knows of the loss, then one f64 for each of its rows. */
typedef struct loss_part {
    int64_t rows, correct, bad, stopped;
    uint64_t bad_id;
} loss_part;

static ek_status join_losses(void *context, const void *left, size_t left_bytes, const void *right, size_t right_bytes,
                             void *into, size_t *bytes, ek_error *err) {
    loss_part a, b;
    (void)context;
    (void)err;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    const loss_part both = {.rows = a.rows + b.rows,
                            .correct = a.correct + b.correct,
                            .bad = a.bad || b.bad,
                            .stopped = a.stopped || b.stopped,
                            .bad_id = a.bad ? a.bad_id : b.bad_id};
    memcpy(into, &both, sizeof both);
    memcpy((char *)into + sizeof both, (const char *)left + sizeof a, left_bytes - sizeof a);
    memcpy((char *)into + left_bytes, (const char *)right + sizeof b, right_bytes - sizeof b);
    *bytes = left_bytes + right_bytes - sizeof b;
    return EK_OK;
}

ek_status eki_ranks_loss(eki_ranks *ranks, const eki_loss *loss, const double *losses, int64_t rows,
                         const uint64_t *ids, ek_error *err) {
    const eki_label label = eki_label_make(EKI_KIND_LOSS, "the step", ranks->step, ranks->total, EK_F64);
    eki_size size = eki_size_sum(eki_sized(sizeof(loss_part)), eki_size_of((size_t)rows, sizeof *losses));
    char *message = eki_alloc(size);
    if (message == NULL) return eki_fail_nomem(err, size.bytes);
    loss_part part = {.rows = rows, .correct = loss->correct, .bad = loss->bad_row >= 0};
    if (part.bad) part.bad_id = ids != NULL ? ids[loss->bad_row] : (uint64_t)loss->bad_row;
    part.stopped = eki_comm_stopped(ranks->comm);
    memcpy(message, &part, sizeof part);
    if (rows > 0) memcpy(message + sizeof part, losses, (size_t)rows * sizeof *losses);
    ek_status status = eki_join_start(ranks->comm, eki_comm_world(ranks->comm), EKI_CHANNEL_LOSS, &label, message,
                                      size.bytes, join_losses, NULL, &ranks->loss, err);
    free(message);
    return status;
}

static double sum_of(const double *numbers, size_t count) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) sum += numbers[i];
    return sum;
}

ek_status eki_ranks_add(eki_ranks *ranks, const double *numbers, size_t count, double *sum, ek_error *err) {
    *sum = sum_of(numbers, count);
    if (ranks == NULL) return EK_OK;
    const eki_label label = eki_label_make(EKI_KIND_LOSS, "weights of the examples", ranks->step, -1, EK_F64);
    void *all;
    size_t bytes;
    EKI_TRY(eki_all_gather(ranks->comm, EKI_CHANNEL_LOSS, &label, numbers, count * sizeof *numbers, &all, &bytes, err));
    *sum = sum_of(all, bytes / sizeof *numbers);
    free(all);
    return EK_OK;
}

static ek_status take_loss(eki_ranks *ranks, eki_whole_loss *whole, ek_error *err) {
    size_t bytes;
    loss_part all;
    EKI_TRY(eki_exchange_wait(ranks->loss, err));
    const char *result = eki_join_result(ranks->loss, &bytes);
    memcpy(&all, result, sizeof all);
    if (all.rows != ranks->total || bytes != sizeof all + (size_t)all.rows * sizeof(double)) {
        return eki_fail(err, EK_ERR_DIST,
                        "step %" PRId64 ": the ranks have %" PRId64 " examples together, the batch "
                        "has %" PRId64,
                        ranks->step, all.rows, ranks->total);
    }
    *whole = (eki_whole_loss){.correct = all.correct, .rows = all.rows, .bad = all.bad != 0, .bad_id = all.bad_id};
    whole->stopped = all.stopped != 0;
    for (int64_t i = 0; i < all.rows; i++) {
        double row;
        memcpy(&row, result + sizeof all + (size_t)i * sizeof row, sizeof row);
        whole->sum += row;
    }
    return EK_OK;
}

ek_status eki_ranks_finish(eki_ranks *ranks, eki_whole_loss *whole, ek_error *err) {
    ek_status status = start_bucket(ranks, err);
    for (size_t i = 0; i < ranks->used && status == EK_OK; i++) status = take_bucket(ranks, &ranks->buckets[i], err);
    if (status == EK_OK) status = take_loss(ranks, whole, err);
    drop_exchanges(ranks);
    return status;
}
