/* group_norm.c: GroupNormalization: statistics per example over channels / num_groups channels and space. ONNX opsets
 * 18 (scale and bias per group) and 21 (per channel); f32.
 *
 * Wu and He 2018. Opset 18's parameters are repeated over the channels of their group, and their gradients summed in
 * f64 in channel order; a length that belongs to the other opset is refused by name rather than guessed.
 */
#include "graph/op/op_norm.h"

ek_status eki_op_GroupNormalization_infer(eki_infer *infer) {
    EKI_TRY(eki_norm_infer_inputs(infer, 3, 3, 2));
    const eki_shape *x = &infer->in[0].shape;
    int64_t groups = eki_node_int(infer->node, "num_groups", 0), channels = x->rank > 1 ? x->dims[1] : -1;
    bool per_group = infer->opset < 21;
    if (groups < 1 || (channels >= 0 && (groups > channels || channels % groups != 0))) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "num_groups is %lld, which does not divide %lld channels",
                              (long long)groups, (long long)channels);
    }
    if (eki_node_int(infer->node, "stash_type", 1) != 1) {
        return eki_infer_fail(infer, EK_ERR_UNSUPPORTED, "stash_type other than 1 (float) is not supported");
    }
    for (int i = 1; i < 3; i++) {
        const eki_shape *p = &infer->in[i].shape;
        int64_t expected = per_group ? groups : channels, other = per_group ? channels : groups;
        if (p->rank == 1 && expected >= 0 && p->dims[0] >= 0 && p->dims[0] != expected && p->dims[0] == other) {
            return eki_infer_fail(
                infer, EK_ERR_SHAPE,
                "%s has %lld values: opset %lld wants one per %s, %lld; the model seems to be written "
                "for opset %s",
                i == 1 ? "scale" : "bias", (long long)p->dims[0], (long long)infer->opset,
                per_group ? "group" : "channel", (long long)expected, per_group ? "21 or later" : "18 to 20");
        }
        EKI_TRY(eki_norm_infer_length(infer, i, i == 1 ? "scale" : "bias", expected));
    }
    return EK_OK;
}

ek_status eki_op_GroupNormalization_prepare(eki_step *step, ek_error *err) {
    ek_norm_desc desc = eki_norm_desc_of(step, EK_NORM_GROUP);
    desc.groups = eki_node_int(step->node, "num_groups", 1);
    bool per_group = step->opset < 21 && desc.groups != desc.dims[1];
    size_t extra = per_group ? 4 * (size_t)desc.dims[1] * sizeof(float) : 0;
    EKI_TRY(eki_norm_prepare(step, &desc, extra, false, err));
    ((eki_norm_state *)step->priv)->per_group = per_group;
    return EK_OK;
}

/* to[c] = from[group of c] */
static float *repeat(const eki_step *step, int input, float *to) {
    const eki_norm_state *state = step->priv;
    const float *from = step->in[input].data;
    int64_t share = state->channels / eki_node_int(step->node, "num_groups", 1);
    for (int64_t c = 0; c < state->channels; c++) to[c] = from[c / share];
    return to;
}

ek_status eki_op_GroupNormalization_forward(eki_step *step, ek_error *err) {
    const eki_norm_state *state = step->priv;
    ek_norm_args args = eki_norm_args(step);
    if (state->per_group) {
        args.scale = repeat(step, 1, eki_norm_extra(step));
        args.bias = repeat(step, 2, eki_norm_extra(step) + state->channels);
    }
    return eki_norm_run(step, &args, err);
}

static void sum_groups(const eki_step *step, const float *from, float *to) {
    const eki_norm_state *state = step->priv;
    int64_t groups = eki_node_int(step->node, "num_groups", 1), share = state->channels / groups;
    for (int64_t g = 0; g < groups && to != NULL; g++) {
        double sum = 0.0;
        for (int64_t c = g * share; c < (g + 1) * share; c++) sum += (double)from[c];
        to[g] = (float)sum;
    }
}

ek_status eki_op_GroupNormalization_backward(eki_step *step, ek_error *err) {
    const eki_norm_state *state = step->priv;
    if (!state->per_group || step->dout[0] == NULL) return eki_norm_backward(step, err);
    float *scale = eki_norm_extra(step), *dscale = scale + state->channels, *dbias = dscale + state->channels;
    repeat(step, 1, scale);
    EKI_TRY(eki_norm_gradients(step, scale, dscale, dbias, err));
    if ((eki_norm_switches(step) & EKI_NORM_FROZEN_AFFINE) != 0) return EK_OK;
    sum_groups(step, dscale, step->din[1]);
    sum_groups(step, dbias, step->din[2]);
    return EK_OK;
}

void eki_op_GroupNormalization_release(eki_step *step) { eki_norm_release(step); }

EKI_OPERATOR(GroupNormalization, .diff_inputs = 0x7, EKI_ALL_OF(GroupNormalization),
             .release = eki_op_GroupNormalization_release);
