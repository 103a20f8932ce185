/* op_norm_sync.c: batch norm with the statistics of all ranks: one exchange forward, one backward. */
#include "graph/collective.h"
#include "graph/op/op_norm.h"

#include <string.h>

bool eki_norm_synced(const eki_step *step) {
    const eki_norm_state *state = step->priv;
    const eki_collective *ranks = step->plan->ranks;
    bool batch = step->node->op == EKI_OP_BatchNormalization && state->stats == EK_STATS_BATCH;
    return batch && step->plan->mode == EKI_MODE_TRAINING && ranks != NULL && ranks->sync_ranks > 0;
}

static ek_status describe(const eki_step *step, ek_norm_sync *sync, ek_error *err) {
    const eki_plan *plan = step->plan;
    const eki_collective *ranks = plan->ranks;
    const eki_norm_state *state = step->priv;
    int64_t examples = step->in[0].shape.dims[0];
    *sync = ek_norm_sync_default(ranks->exchange, ranks->sync_rank, ranks->sync_ranks);
    sync->layer = step->node->id;
    sync->step = (int64_t)plan->step_id + 1;
    sync->name = eki_node_name(step->node);
    ranks->announce(ranks->context, sync->name, sync->step, state->channels);
    if (!ranks->reproducible) return EK_OK;
    sync->mode = EK_SYNC_EXACT;
    sync->first = plan->first_sample;
    sync->global_count = plan->all_samples;
    if (examples == plan->samples) return EK_OK;
    return eki_fail(err, EK_ERR_UNSUPPORTED,
                    "the norm sees %lld rows of %lld examples; reproducible statistics over ranks need one row of "
                    "channels per example",
                    (long long)examples, (long long)plan->samples);
}

/* How many examples there are in all differs from batch to batch, and with it the size of a message. */
static ek_status provide(eki_norm_state *state, const ek_norm_sync *sync, ek_error *err) {
    size_t bytes = ek_norm_sync_bytes(state->plan, sync->mode, sync->global_count);
    if (bytes == 0) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "this kind of batch norm cannot be synchronized over ranks");
    }
    if (bytes <= state->sync_bytes) return EK_OK;
    eki_free(state->sync);
    state->sync = eki_alloc(eki_sized(bytes));
    state->sync_bytes = state->sync != NULL ? bytes : 0;
    return state->sync != NULL ? EK_OK : eki_fail_nomem(err, bytes);
}

static ek_status wait(const eki_norm_state *state, ek_error *err) {
    int done = 0;
    while (!done) EKI_TRY(ek_norm_sync_test(state->plan, state->sync, &done, err));
    return EK_OK;
}

ek_status eki_norm_sync_forward(eki_step *step, const ek_norm_args *args, ek_error *err) {
    eki_norm_state *state = step->priv;
    ek_norm_sync sync;
    EKI_TRY(describe(step, &sync, err));
    EKI_TRY(provide(state, &sync, err));
    EKI_TRY(ek_norm_sync_forward_start(state->plan, &sync, state->sync, args, err));
    EKI_TRY(wait(state, err));
    return ek_norm_sync_forward_finish(state->plan, state->sync, args, err);
}

ek_status eki_norm_sync_backward(eki_step *step, const ek_norm_args *args, ek_error *err) {
    eki_norm_state *state = step->priv;
    ek_norm_sync sync;
    EKI_TRY(describe(step, &sync, err));
    EKI_TRY(provide(state, &sync, err));
    EKI_TRY(ek_norm_sync_backward_start(state->plan, &sync, state->sync, args, err));
    EKI_TRY(wait(state, err));
    return ek_norm_sync_backward_finish(state->plan, state->sync, args, err);
}
