/* op_norm_common.c: the bridge between norm operators and evenkeel_norm.
 *
 * A step owns one norm plan, made for its concrete shape and layout. The norm library reads and writes blocked layouts
 * natively, so a norm between convolutions needs no reorder.
 */
#include "graph/op/op_norm.h"

#include <stdlib.h>
#include <string.h>

ek_norm_desc eki_norm_desc_of(const eki_step *step, ek_norm_kind kind) {
    ek_norm_desc desc = ek_norm_desc_default(kind);
    const eki_shape *x = &step->in[0].shape;
    bool rows = ek_norm_kind_over_axes(kind);
    desc.dtype = step->in[0].dtype;
    desc.rank = x->rank;
    for (int i = 0; i < x->rank; i++) desc.dims[i] = x->dims[i];
    if (!rows && x->rank == 1) desc.dims[desc.rank++] = 1;
    for (; !rows && desc.rank > 5; desc.rank--) {
        desc.dims[desc.rank - 2] *= desc.dims[desc.rank - 1];
        desc.dims[desc.rank - 1] = 0;
    }
    desc.epsilon = (double)eki_node_float(step->node, "epsilon", 1e-5f);
    desc.parallel.threads = step->plan->threads;
    desc.chunk = kind == EK_NORM_BATCH && step->plan->reproducible ? step->plan->chunk : 0;
    return desc;
}

unsigned eki_norm_switches(const eki_step *step) {
    const uint8_t *switches = step->plan->norm_switches;
    return switches == NULL ? 0 : switches[step->node->id];
}

static void set_layouts(eki_step *step, ek_layout layout) {
    for (int i = 0; i < step->n_in; i++) step->in_layout[i] = EK_LAYOUT_NCHW;
    for (int i = 0; i < step->n_out; i++) step->out[i].layout = EK_LAYOUT_NCHW;
    step->in_layout[0] = step->out[0].layout = layout;
    step->tail.in_layout = layout;
    step->tail.in_type = step->out[0].dtype = step->in[0].dtype;
}

static ek_status make_plan(eki_step *step, ek_norm_desc *desc, eki_norm_state *state, ek_error *err) {
    desc->layout = step->in[0].layout;
    desc->residual = step->tail.residual;
    desc->activation = step->tail.activation.kind;
    bool rows = ek_norm_kind_over_axes(desc->kind);
    bool statistics = step->n_out > 1; /* their gradients are of sets that are contiguous */
    if (rows && (desc->affine == EK_AFFINE_ELEMENT || statistics)) desc->layout = EK_LAYOUT_NCHW;
    ek_status status = ek_norm_plan_create(desc, &state->plan, err);
    if (status != EK_OK && desc->layout != EK_LAYOUT_NCHW) {
        desc->layout = EK_LAYOUT_NCHW;
        status = ek_norm_plan_create(desc, &state->plan, err);
    }
    return status;
}

ek_status eki_norm_prepare(eki_step *step, ek_norm_desc *desc, size_t extra, bool save, ek_error *err) {
    bool backward = step->want_din[0] || step->want_din[1] || step->want_din[2] || step->tail.want_din;
    eki_norm_state *state = eki_calloc(1, sizeof *state);
    if (state == NULL) return eki_fail_nomem(err, sizeof *state);
    step->priv = state;
    EKI_TRY(make_plan(step, desc, state, err));
    set_layouts(step, desc->layout);
    state->channels = desc->rank > 1 ? desc->dims[1] : 1;
    state->sets = ek_norm_sets(state->plan);
    state->epsilon = desc->epsilon;
    state->extra_offset = (ek_norm_workspace_bytes(state->plan) + EKI_ALIGNMENT - 1) & ~(size_t)(EKI_ALIGNMENT - 1);
    step->scratch_bytes = state->extra_offset + extra;
    step->saved_bytes = save || backward ? ek_norm_saved_bytes(state->plan) : 0;
    step->keep_in[0] = step->keep_in[1] = backward;
    step->keep_out[0] = backward && step->tail.activation.kind == EK_ACTIVATION_RELU;
    /* At rank 1 a scale that is computed might seem to be an input like x. */
    step->tail.in_place = step->in[0].shape.rank > 1;
    step->in_place = step->tail.in_place ? EKI_ANY_INPUT : 0;
    step->din_in_place = true;
    return EK_OK;
}

void eki_norm_release(eki_step *step) {
    eki_norm_state *state = step->priv;
    if (state == NULL) return;
    ek_norm_plan_destroy(state->plan);
    eki_free(state->sync);
    free(state);
    step->priv = NULL;
}

static const float *parameter(const eki_step *step, int input) {
    return input < step->n_in && step->has_in[input] ? step->in[input].data : NULL;
}

ek_norm_args eki_norm_args(const eki_step *step) {
    return (ek_norm_args){.struct_size = sizeof(ek_norm_args),
                          .x = step->in[0].data,
                          .y = step->out[0].data,
                          .scale = parameter(step, 1),
                          .bias = parameter(step, 2),
                          .residual = step->tail.in.data,
                          .saved = step->saved,
                          .workspace = step->scratch};
}

float *eki_norm_extra(const eki_step *step) {
    const eki_norm_state *state = step->priv;
    return (float *)(void *)((char *)step->scratch + state->extra_offset);
}

ek_status eki_norm_run(eki_step *step, const ek_norm_args *args, ek_error *err) {
    const eki_norm_state *state = step->priv;
    if (eki_norm_synced(step)) return eki_norm_sync_forward(step, args, err);
    return ek_norm_forward(state->plan, state->stats, args, err);
}

ek_status eki_norm_again(eki_step *step, ek_error *err) {
    const eki_norm_state *state = step->priv;
    ek_norm_args args = eki_norm_args(step);
    return ek_norm_forward_again(state->plan, &args, err);
}

static void zero(const eki_step *step, int input) {
    if (step->din[input] != NULL) memset(step->din[input], 0, eki_view_bytes(&step->in[input]));
}

ek_status eki_norm_gradients(eki_step *step, const float *scale, float *dscale, float *dbias, ek_error *err) {
    const eki_norm_state *state = step->priv;
    bool frozen = (eki_norm_switches(step) & EKI_NORM_FROZEN_AFFINE) != 0;
    if (frozen || step->dout[0] == NULL) {
        zero(step, 1);
        zero(step, 2);
        dscale = dbias = NULL;
    } else {
        if (dscale == NULL) dscale = step->din[1];
        if (dbias == NULL) dbias = step->din[2];
    }
    void *dresidual = step->tail.din;
    if (step->dout[0] == NULL) {
        zero(step, 0);
        if (dresidual != NULL) memset(dresidual, 0, eki_view_bytes(&step->tail.in));
        return EK_OK;
    }
    if (step->din[0] == NULL && dscale == NULL && dbias == NULL && dresidual == NULL) return EK_OK;
    ek_norm_args args = eki_norm_args(step);
    if (step->tail.activation.kind != EK_ACTIVATION_RELU) args.y = NULL;
    args.residual = NULL; /* y tells the slope; the memory may be somebody else's by now */
    args.dresidual = dresidual;
    args.dy = step->dout[0];
    args.dx = step->din[0];
    args.dscale = dscale;
    args.dbias = dbias;
    if (scale != NULL) args.scale = scale;
    if (eki_norm_synced(step)) return eki_norm_sync_backward(step, &args, err);
    return ek_norm_backward(state->plan, &args, err);
}

ek_status eki_norm_backward(eki_step *step, ek_error *err) { return eki_norm_gradients(step, NULL, NULL, NULL, err); }

ek_status eki_norm_infer_inputs(eki_infer *infer, int required, int most, int least_rank) {
    EKI_TRY(eki_infer_inputs(infer, required, most));
    for (int i = 0; i < infer->node->n_in; i++) {
        if (infer->in[i].present) EKI_TRY(eki_infer_f32(infer, i));
    }
    int rank = infer->in[0].shape.rank;
    if (rank >= 0 && rank < least_rank) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "the input has rank %d, expected at least %d", rank, least_rank);
    }
    return eki_infer_same(infer);
}

ek_status eki_norm_infer_length(eki_infer *infer, int input, const char *what, int64_t length) {
    const eki_shape *shape = &infer->in[input].shape;
    if (shape->rank < 0) return EK_OK;
    bool fits = shape->rank == 1 && (shape->dims[0] == length || shape->dims[0] < 0 || length < 0);
    if (fits) return EK_OK;
    char text[192];
    return eki_infer_fail(infer, EK_ERR_SHAPE, "%s has shape %s, expected [%lld]", what,
                          eki_shape_text(infer->graph, shape, text), (long long)length);
}
