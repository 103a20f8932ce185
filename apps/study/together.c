/* together.c: see together.h. */
#include "study/together.h"

#include <stdlib.h>
#include <string.h>

typedef struct table table;

typedef struct seat {
    table *at;
    ek_exchange exchange;
    ek_norm_args args;
    void *state, *saved, *workspace;
    void *block; /* under way */
    size_t bytes;
} seat;

struct table {
    ek_norm_plan *plan; /* of a part; the same for all */
    ek_sync_mode mode;
    int ranks, arrived;
    seat seats[EKS_TOGETHER];
};

/* ---- The exchange: when the last block has come, all become the combination of all, in the order of ranks ---- */

static ek_status start(void *context, void *block, size_t bytes, ek_sync_combine_fn combine, void **operation,
                       ek_error *err) {
    seat *mine = context;
    table *t = mine->at;
    (void)err;
    mine->block = block;
    mine->bytes = bytes;
    *operation = mine;
    if (++t->arrived < t->ranks) return EK_OK;
    seat *first = &t->seats[0];
    for (int r = 1; r < t->ranks; r++) (void)combine(first->block, t->seats[r].block, t->seats[r].bytes);
    for (int r = 1; r < t->ranks; r++) memcpy(t->seats[r].block, first->block, first->bytes);
    return EK_OK;
}

static ek_status test(void *context, void *operation, int *done, ek_error *err) {
    const seat *mine = context;
    (void)operation;
    (void)err;
    *done = mine->at->arrived == mine->at->ranks;
    return EK_OK;
}

static void cancel(void *context, void *operation) {
    (void)context;
    (void)operation;
}

/* ---- The ranks ---- */

static void *room(size_t bytes) { return aligned_alloc(64, (bytes + 63) / 64 * 64 + 64); }

static ek_status sit_down(table *t, const eks_norm *call, int64_t whole, int64_t per_rank, int r, ek_error *err) {
    seat *s = &t->seats[r];
    size_t from = (size_t)(r * per_rank);
    s->at = t;
    s->exchange =
        (ek_exchange){.struct_size = sizeof(ek_exchange), .context = s, .start = start, .test = test, .cancel = cancel};
    s->state = room(ek_norm_sync_bytes(t->plan, t->mode, whole));
    s->saved = room(ek_norm_saved_bytes(t->plan));
    s->workspace = room(ek_norm_workspace_bytes(t->plan));
    if (!s->state || !s->saved || !s->workspace) return eks_fail(err, EK_ERR_NOMEM, "out of memory for a rank");
    s->args = (ek_norm_args){.struct_size = sizeof s->args,
                             .x = call->x + from,
                             .y = call->y + from,
                             .scale = call->scale,
                             .bias = call->bias,
                             .saved = s->saved,
                             .workspace = s->workspace,
                             .dy = call->dy + from,
                             .dx = call->dx + from,
                             .dscale = call->dscale,
                             .dbias = call->dbias};
    return EK_OK;
}

static ek_norm_sync about(const table *t, int r, int64_t examples) {
    ek_norm_sync sync = ek_norm_sync_default(&t->seats[r].exchange, r, t->ranks);
    sync.mode = t->mode;
    if (t->mode == EK_SYNC_EXACT) {
        sync.first = r * examples;
        sync.global_count = t->ranks * examples;
    }
    return sync;
}

static ek_status pass(table *t, int64_t examples, int backward, ek_error *err) {
    t->arrived = 0;
    for (int r = 0; r < t->ranks; r++) {
        const ek_norm_sync sync = about(t, r, examples);
        seat *s = &t->seats[r];
        EKS_TRY((backward ? ek_norm_sync_backward_start : ek_norm_sync_forward_start)(t->plan, &sync, s->state,
                                                                                      &s->args, err));
    }
    for (int r = 0; r < t->ranks; r++) {
        seat *s = &t->seats[r];
        int done;
        EKS_TRY(ek_norm_sync_test(t->plan, s->state, &done, err));
        EKS_TRY(
            (backward ? ek_norm_sync_backward_finish : ek_norm_sync_forward_finish)(t->plan, s->state, &s->args, err));
    }
    return EK_OK;
}

static void get_up(table *t) {
    for (int r = 0; r < t->ranks; r++) {
        free(t->seats[r].state);
        free(t->seats[r].saved);
        free(t->seats[r].workspace);
    }
    ek_norm_plan_destroy(t->plan);
}

ek_status eks_normalize_together(const eks_norm *call, int ranks, ek_sync_mode mode, ek_error *err) {
    table t = {.ranks = ranks, .mode = mode};
    ek_norm_desc part = call->desc;
    int64_t whole = call->desc.dims[0], per_example = 1;
    part.dims[0] = whole / ranks;
    for (int i = 1; i < part.rank; i++) per_example *= part.dims[i];
    ek_status status = ek_norm_plan_create(&part, &t.plan, err);
    for (int r = 0; r < ranks && status == EK_OK; r++) {
        status = sit_down(&t, call, whole, part.dims[0] * per_example, r, err);
    }
    if (status == EK_OK) status = pass(&t, part.dims[0], 0, err);
    if (status == EK_OK) status = pass(&t, part.dims[0], 1, err);
    get_up(&t);
    return status;
}
