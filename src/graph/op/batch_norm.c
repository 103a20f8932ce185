/* batch_norm.c: BatchNormalization. ONNX opsets 1, 6 (is_test), 7, 9 (output count) and 14, 15 (training_mode).
 *
 * Statistics come from the batch or from the running ones by the plan's mode: FILE does what the node says by its
 * opset; INFERENCE always takes the running ones; TRAINING takes the batch's unless the node's statistics are frozen.
 * Momentum is ONNX's: running = momentum * running + (1 - momentum) * batch, with the population variance; a debiased
 * average begins at its first batch instead. The update is made once, by commit; a batch that is not finite is refused,
 * counted and named. Nodes that ask for running statistics as outputs get updated copies of their inputs.
 */
#include "graph/op/op_norm.h"

#include <stdio.h>
#include <string.h>

static const char *const names[5] = {"X", "scale", "B", "mean", "var"};

ek_status eki_op_BatchNormalization_infer(eki_infer *infer) {
    EKI_TRY(eki_norm_infer_inputs(infer, 5, 5, 1));
    const eki_shape *x = &infer->in[0].shape;
    /* With two axes, as MXNet writes it for dense layers, a position is a channel. */
    if (infer->opset < 9 && eki_node_int(infer->node, "spatial", 1) == 0 && x->rank != 2) {
        return eki_infer_fail(infer, EK_ERR_UNSUPPORTED,
                              "spatial = 0 (statistics per position) is not supported; only spatial = 1, or rank 2");
    }
    int64_t channels = x->rank > 1 ? x->dims[1] : x->rank == 1 ? 1 : -1;
    for (int i = 1; i < 5; i++) {
        EKI_TRY(eki_norm_infer_length(infer, i, names[i], channels));
        if (channels < 0 && infer->in[i].shape.rank == 1) channels = infer->in[i].shape.dims[0];
    }
    for (int i = 1; i < infer->node->n_out && i < 5; i++) {
        eki_infer_set(infer, i, EK_F32, &infer->in[3].shape);
    }
    return EK_OK;
}

static bool more_outputs(const eki_step *step) {
    for (int i = 1; i < step->n_out; i++) {
        if (step->has_out[i]) return true;
    }
    return false;
}

static bool batch_statistics(const eki_step *step) {
    const eki_plan *plan = step->plan;
    if (plan->mode == EKI_MODE_INFERENCE) return false;
    if (plan->mode == EKI_MODE_TRAINING) return (eki_norm_switches(step) & EKI_NORM_FROZEN_STATS) == 0;
    if (step->opset < 7) return eki_node_int(step->node, "is_test", 0) == 0;
    if (step->opset < 14) return more_outputs(step);
    return eki_node_int(step->node, "training_mode", 0) != 0;
}

static bool debiased(const eki_step *step) {
    return step->plan->mode == EKI_MODE_TRAINING && (eki_norm_switches(step) & EKI_NORM_DEBIASED) != 0;
}

/* One update of running statistics, the next after `updates` of them. The plain average of a norm is not counted. */
static ek_status update(const eki_step *step, float *mean, float *variance, int64_t *updates, ek_norm_update *report,
                        ek_error *err) {
    const eki_norm_state *state = step->priv;
    if (debiased(step)) {
        return ek_norm_update_debiased(state->plan, step->saved, mean, variance, updates, report, err);
    }
    EKI_TRY(ek_norm_update_running(state->plan, step->saved, mean, variance, report, err));
    if (report->updated) *updates = 0;
    return EK_OK;
}

/* Of the running statistics that the node reads. */
static int64_t updates_so_far(const eki_step *step) {
    const eki_value *mean = step->node->in[3];
    return step->plan->norm_updates != NULL && mean != NULL ? step->plan->norm_updates[mean->id] : 0;
}

ek_status eki_op_BatchNormalization_prepare(eki_step *step, ek_error *err) {
    ek_norm_desc desc = eki_norm_desc_of(step, EK_NORM_BATCH);
    bool batch = batch_statistics(step), more = more_outputs(step);
    desc.momentum = (double)eki_node_float(step->node, "momentum", 0.9f);
    if (batch && step->plan->mode == EKI_MODE_TRAINING) desc.ghost = step->plan->virtual_batch;
    if (debiased(step)) desc.running_start = EK_START_DEBIASED;
    size_t extra = more ? 4 * (size_t)desc.dims[1] * sizeof(float) : 0;
    EKI_TRY(eki_norm_prepare(step, &desc, extra, batch && (more || step->plan->mode == EKI_MODE_TRAINING), err));
    eki_norm_state *state = step->priv;
    state->stats = batch ? EK_STATS_BATCH : EK_STATS_RUNNING;
    step->once = more;
    return EK_OK;
}

/* The memory of output k, or a place in the scratch when nobody wants it. */
static float *output(const eki_step *step, int k) {
    const eki_norm_state *state = step->priv;
    bool wanted = k < step->n_out && step->has_out[k] && step->out[k].data != NULL;
    return wanted ? step->out[k].data : eki_norm_extra(step) + (k - 1) * state->channels;
}

/* Outputs 1, 2: running mean and variance after this batch; 3, 4: the statistics used. */
static ek_status write_outputs(eki_step *step, ek_error *err) {
    const eki_norm_state *state = step->priv;
    size_t bytes = (size_t)state->channels * sizeof(float);
    bool batch = state->stats == EK_STATS_BATCH;
    ek_norm_update report;
    memcpy(output(step, 1), step->in[3].data, bytes);
    memcpy(output(step, 2), step->in[4].data, bytes);
    if (!batch) {
        memcpy(output(step, 3), step->in[3].data, bytes);
        memcpy(output(step, 4), step->in[4].data, bytes);
        return EK_OK;
    }
    int64_t updates = updates_so_far(step);
    return update(step, output(step, 1), output(step, 2), &updates, &report, err);
}

ek_status eki_op_BatchNormalization_forward(eki_step *step, ek_error *err) {
    const eki_norm_state *state = step->priv;
    ek_norm_args args = eki_norm_args(step);
    bool more = more_outputs(step);
    args.running_mean = step->in[3].data;
    args.running_var = step->in[4].data;
    if (more && state->stats == EK_STATS_BATCH) {
        args.mean = output(step, 3);
        args.var = output(step, 4);
    }
    EKI_TRY(eki_norm_run(step, &args, err));
    return more ? write_outputs(step, err) : EK_OK;
}

ek_status eki_op_BatchNormalization_backward(eki_step *step, ek_error *err) { return eki_norm_backward(step, err); }

ek_status eki_op_BatchNormalization_commit(eki_step *step, ek_error *err) {
    const eki_norm_state *state = step->priv;
    unsigned frozen = eki_norm_switches(step) & (EKI_NORM_FROZEN_STATS | EKI_NORM_NO_UPDATE);
    bool ours = step->is_parameter[3] && step->is_parameter[4];
    ek_norm_update report = {.first_nonfinite = -1};
    char label[192];
    if (step->plan->mode != EKI_MODE_TRAINING || state->stats != EK_STATS_BATCH || frozen != 0 || !ours) return EK_OK;
    int64_t updates = updates_so_far(step);
    ek_status status = update(step, step->in[3].data, step->in[4].data, &updates, &report, err);
    if (step->plan->norm_updates != NULL) step->plan->norm_updates[step->node->in[3]->id] = updates;
    EKI_TRY(status);
    if (report.updated || report.nonfinite == 0) return EK_OK;
    step->plan->skipped_updates++;
    (void)snprintf(step->plan->skipped_text, sizeof step->plan->skipped_text,
                   "%.120s: %lld of %lld channels are not finite, the first is channel %lld",
                   eki_node_label(step->node, label), (long long)report.nonfinite, (long long)state->channels,
                   (long long)report.first_nonfinite);
    return EK_OK;
}

void eki_op_BatchNormalization_release(eki_step *step) { eki_norm_release(step); }

EKI_OPERATOR(BatchNormalization, .diff_inputs = 0x7, .takes_bf16 = 0x1, .stateful = 0x18,
             EKI_ALL_OF(BatchNormalization), .again = eki_norm_again, .commit = eki_op_BatchNormalization_commit,
             .release = eki_op_BatchNormalization_release);
