/* conv.c: Conv, by oneDNN's direct convolutions. ONNX opsets 1, 11, 22; f32; 1 to 3 spatial dimensions.
 *
 * Layouts are chosen from shapes alone (eki_conv_choose_layouts). Where weights are initializers that nobody trains,
 * they are put into oneDNN's own layout once and kept.
 *
 * A ReLU behind is done by oneDNN where bounds show that no sum can overflow (op_bound.h). In a plan with bf16 source
 * and result are bf16, unless oneDNN has nothing but reference loops for it.
 */
#include "graph/op/op_bound.h"
#include "graph/op/op_conv.h"
#include "graph/op/op_share.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct conv_state {
    eki_conv *conv;
    eki_chunk_share share;
    bool prepared;
    eki_gain gain;
} conv_state;

static ek_status check_channels(eki_infer *infer, const eki_shape *x, const eki_shape *w, int64_t group) {
    char a[192], b[192];
    bool known = x->dims[1] >= 0 && w->dims[0] >= 0 && w->dims[1] >= 0;
    bool fits = group >= 1 &&
                (!known || (x->dims[1] % group == 0 && x->dims[1] / group == w->dims[1] && w->dims[0] % group == 0));
    if (!fits) {
        return eki_infer_fail(infer, EK_ERR_SHAPE,
                              "input %s and weight %s do not fit group=%lld; expected weight [O, C/group, ...] with O "
                              "divisible by group",
                              eki_shape_text(infer->graph, x, a), eki_shape_text(infer->graph, w, b), (long long)group);
    }
    return EK_OK;
}

ek_status eki_op_Conv_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 2, 3));
    EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_infer_f32(infer, 1));
    if (infer->node->n_in > 2 && infer->in[2].present) EKI_TRY(eki_infer_f32(infer, 2));
    const eki_shape *x = &infer->in[0].shape, *w = &infer->in[1].shape;
    if (x->rank < 0 || w->rank < 0) {
        eki_infer_set_unknown(infer, 0, EK_F32);
        return EK_OK;
    }
    if (x->rank != w->rank) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "input has rank %d but weight has rank %d", x->rank, w->rank);
    }
    EKI_TRY(check_channels(infer, x, w, eki_node_int(infer->node, "group", 1)));
    if (infer->node->n_in > 2 && infer->in[2].present) {
        const eki_shape *b = &infer->in[2].shape;
        if (b->rank != 1 || (b->dims[0] >= 0 && w->dims[0] >= 0 && b->dims[0] != w->dims[0])) {
            return eki_infer_fail(infer, EK_ERR_SHAPE, "bias must have shape [%lld]", (long long)w->dims[0]);
        }
    }
    eki_window window;
    eki_shape shape;
    EKI_TRY(eki_window_read(infer->node, x, w->dims + 2, &window, infer->err));
    EKI_TRY(eki_window_shape(infer, &window, w->dims[0], &shape));
    eki_infer_set(infer, 0, EK_F32, &shape);
    return EK_OK;
}

static eki_conv_desc describe(const eki_step *step, const eki_window *w) {
    eki_conv_desc desc = eki_conv_desc_for_step(step, w);
    desc.c = step->in[0].shape.dims[1];
    desc.o = step->in[1].shape.dims[0];
    desc.bias = step->n_in > 2 && step->has_in[2];
    desc.residual = step->tail.residual;
    desc.activation = step->tail.activation;
    desc.bf16 = step->plan->bf16;
    desc.want_dx = step->want_din[0];
    desc.want_dw = step->want_din[1] || step->want_din[2];
    desc.forward_only = step->plan->mode != EKI_MODE_TRAINING && !desc.want_dx && !desc.want_dw;
    for (int i = 0; i < w->spatial; i++) {
        desc.in[i] = step->in[0].shape.dims[i + 2];
        desc.out[i] = w->out[i];
    }
    return desc;
}

ek_status eki_op_Conv_prepare(eki_step *step, ek_error *err) {
    eki_window window;
    conv_state *state = step->priv = eki_calloc(1, sizeof *state);
    if (state == NULL) return eki_fail_nomem(err, sizeof *state);
    EKI_TRY(eki_window_read(step->node, &step->in[0].shape, step->in[1].shape.dims + 2, &window, err));
    eki_conv_desc desc = describe(step, &window);
    desc.share = eki_share_prepare(step, &state->share);
    EKI_TRY(eki_conv_for_step(step, &desc, &state->conv, err));
    step->in_type[0] = step->tail.in_type = step->out[0].dtype = desc.bf16 ? EK_BF16 : EK_F32;
    step->in_layout[0] = desc.src_layout;
    step->in_layout[1] = step->in_layout[2] = EK_LAYOUT_NCHW;
    step->out[0].layout = step->tail.in_layout = desc.dst_layout;
    step->tail.in_place = eki_conv_adds_in_place(state->conv);
    step->keep_in[0] = desc.want_dw;
    step->keep_in[1] = desc.want_dx;
    step->scratch_bytes = eki_conv_scratch_bytes(state->conv);
    state->gain = (eki_gain){.by = INFINITY};
    bool keep = step->plan->mode != EKI_MODE_TRAINING && step->is_parameter[1] && !step->want_din[1];
    step->kept_bytes = keep ? eki_conv_prepared_bytes(state->conv) : 0;
    return EK_OK;
}

static ek_status prepare_weights(eki_step *step, conv_state *state, ek_error *err) {
    if (step->kept == NULL || state->prepared) return EK_OK;
    eki_gain_of_conv(step, &state->gain);
    EKI_TRY(eki_conv_prepare_weights(state->conv, step->in[1].data, step->kept, err));
    state->prepared = true;
    return EK_OK;
}

ek_status eki_op_Conv_forward(eki_step *step, ek_error *err) {
    conv_state *state = step->priv;
    EKI_TRY(prepare_weights(step, state, err));
    const eki_conv_data data = {.src = step->in[0].data,
                                .weights = step->in[1].data,
                                .prepared = step->kept,
                                .bias = step->in[2].data,
                                .residual = step->tail.in.data,
                                .finite = eki_bound_conv(step, &state->gain),
                                .dst = step->out[0].data,
                                .scratch = step->scratch};
    return eki_conv_forward(state->conv, &data, err);
}

ek_status eki_op_Conv_backward(eki_step *step, ek_error *err) {
    conv_state *state = step->priv;
    if (step->din[0] != NULL) {
        EKI_TRY(eki_conv_backward_data(state->conv, step->dout[0], step->in[1].data, step->din[0], step->scratch, err));
    }
    if (step->din[1] == NULL && step->din[2] == NULL) return EK_OK;
    EKI_TRY(eki_share_begin(step, &state->share, step->in[0].shape.dims[0], err));
    return eki_conv_backward_weights(state->conv, step->in[0].data, step->dout[0], step->din[1], step->din[2],
                                     step->scratch, err);
}

void eki_op_Conv_release(eki_step *step) {
    conv_state *state = step->priv;
    if (state == NULL) return;
    eki_conv_destroy(state->conv);
    free(state);
    step->priv = NULL;
}

EKI_OPERATOR(Conv, .diff_inputs = 0x7, .takes_bf16 = 0x1, EKI_ALL_OF(Conv), .release = eki_op_Conv_release);
