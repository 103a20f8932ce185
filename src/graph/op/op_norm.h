/* op_norm.h: what the normalization operators share: from a step to a plan of the norm library and back. */
#ifndef EKI_OP_NORM_H
#define EKI_OP_NORM_H

#include "graph/op/op_common.h"

/* The priv of a norm step. */
typedef struct eki_norm_state {
    ek_norm_plan *plan;
    ek_norm_stats stats;    /* BATCH: where forward takes its statistics */
    size_t extra_offset;    /* of the operator's own scratch, behind the workspace */
    bool per_group;         /* GroupNormalization before opset 21: scale and bias have one value per group */
    int64_t channels, sets; /* dims[1], and the number of sets that share statistics */
    int axis;               /* LAYER, RMS: the first that is normalized */
    int64_t repeated;       /* LAYER, RMS: elements that scale and bias are repeated to; 0 = they have a form of the
                               library's */
    double epsilon;
    void *sync; /* batch norm over ranks: memory of its exchanges */
    size_t sync_bytes;
} eki_norm_state;

/* Descriptor of a kind for the step's input 0, with its epsilon, threads and reduction chunk. Rank 1 counts as one
 * channel; spatial dimensions beyond the third are merged. */
ek_norm_desc eki_norm_desc_of(const eki_step *step, ek_norm_kind kind);

/* Makes the plan in the layout that input 0 comes in, or in plain layout where the library has no kernel for it;
 * fills scratch_bytes (with `extra` bytes behind the workspace), saved_bytes, keep_in and priv. `save`: forward must
 * leave what update_running needs even when no backward follows. */
ek_status eki_norm_prepare(eki_step *step, ek_norm_desc *desc, size_t extra, bool save, ek_error *err);
void eki_norm_release(eki_step *step);

/* op_norm_sync.c: batch norm whose batch is spread over ranks. Whether this one is: known from prepare on. */
bool eki_norm_synced(const eki_step *step);
ek_status eki_norm_sync_forward(eki_step *step, const ek_norm_args *args, ek_error *err);
ek_status eki_norm_sync_backward(eki_step *step, const ek_norm_args *args, ek_error *err);

/* EKI_NORM_FROZEN_STATS and so on of this node. */
unsigned eki_norm_switches(const eki_step *step);

/* Arguments with x, y, scale, bias, saved and workspace filled in. */
ek_norm_args eki_norm_args(const eki_step *step);
float *eki_norm_extra(const eki_step *step);

/* Runs the plan, with the node's name in front of an error. */
ek_status eki_norm_run(eki_step *step, const ek_norm_args *args, ek_error *err);

/* y once more from what the run has saved, over ranks without an exchange: `again` where the norm's parameters are the
 * step's inputs 1 and 2. */
ek_status eki_norm_again(eki_step *step, ek_error *err);

/* Gradients of input, scale and bias; those of frozen parameters are zero. `scale` and the places of dscale and dbias
 * may differ from the step's own (NULL = its own). */
ek_status eki_norm_gradients(eki_step *step, const float *scale, float *dscale, float *dbias, ek_error *err);

/* The whole backward of a norm whose parameters are the step's inputs 1 and 2. */
ek_status eki_norm_backward(eki_step *step, ek_error *err);

/* X is f32 of rank >= least; inputs 1.. are f32. */
ek_status eki_norm_infer_inputs(eki_infer *infer, int required, int most, int least_rank);
/* Input `input` is a list of `length` numbers, as far as both are known. `what` names it. */
ek_status eki_norm_infer_length(eki_infer *infer, int input, const char *what, int64_t length);

#endif
