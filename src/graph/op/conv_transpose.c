/* conv_transpose.c: ConvTranspose: the gradient of a convolution by its source, as a layer. ONNX opsets 1, 11, 22; f32;
 * 1 to 3 spatial dimensions.
 *
 * The convolution behind it reads what this operator writes: its weight gradient and its forward are this operator's
 * weight and input gradient. So oneDNN's direct convolutions do all three, in the layouts that they like; only the bias
 * is added and summed here.
 */
#include "graph/op/op_conv.h"

#include <stdlib.h>

/* Output extents, and the pads that they leave: given, or shared out when output_shape or auto_pad says the extent. */
ek_status eki_conv_transpose_window(const eki_node *node, const eki_shape *x, const int64_t *kernel, eki_window *w,
                                    ek_error *err) {
    int64_t extra[3], wanted[3];
    EKI_TRY(eki_window_attributes(node, x->rank, kernel, w, err));
    EKI_TRY(eki_window_list(node, "output_padding", 0, w->spatial, 0, extra, err));
    bool given = eki_node_attr(node, "output_shape") != NULL;
    EKI_TRY(eki_window_list(node, "output_shape", 0, w->spatial, 0, wanted, err));
    bool upper = eki_node_string_is(node, "auto_pad", "SAME_UPPER", false);
    for (int i = 0; i < w->spatial; i++) {
        int64_t in = x->dims[i + 2], reach = (w->kernel[i] - 1) * w->dilation[i] + 1;
        w->out[i] = given ? wanted[i] : -1;
        if (in < 0) continue;
        int64_t whole = (in - 1) * w->stride[i] + extra[i] + reach;
        if (in > INT32_MAX || whole > INT32_MAX) return eki_fail(err, EK_ERR_LIMIT, "an extent is above 2^31");
        if (!given) w->out[i] = w->same ? in * w->stride[i] : whole - w->pad_begin[i] - w->pad_end[i];
        if (given || w->same) {
            int64_t total = whole - w->out[i] > 0 ? whole - w->out[i] : 0;
            w->pad_begin[i] = upper ? total / 2 : total - total / 2;
        }
        if (w->out[i] < 1 && in > 0) {
            char label[192];
            return eki_fail(err, EK_ERR_SHAPE, "%s: dimension %d of the output would be %lld",
                            eki_node_label(node, label), i + 2, (long long)w->out[i]);
        }
        /* What the convolution behind it needs to come to `in` outputs. */
        w->pad_end[i] = (in - 1) * w->stride[i] + reach - w->out[i] - w->pad_begin[i];
        if (w->pad_end[i] < 0) w->pad_end[i] += -w->pad_end[i] < w->stride[i] ? -w->pad_end[i] : w->stride[i] - 1;
    }
    return EK_OK;
}

ek_status eki_op_ConvTranspose_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 2, 3));
    EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_infer_f32(infer, 1));
    if (infer->node->n_in > 2 && infer->in[2].present) EKI_TRY(eki_infer_f32(infer, 2));
    const eki_shape *x = &infer->in[0].shape, *w = &infer->in[1].shape;
    int64_t group = eki_node_int(infer->node, "group", 1), channels = -1;
    if (x->rank < 0 || w->rank < 0) {
        eki_infer_set_unknown(infer, 0, EK_F32);
        return EK_OK;
    }
    bool known = x->rank == w->rank && x->rank > 1 && x->dims[1] >= 0 && w->dims[0] >= 0;
    if (x->rank != w->rank || group < 1 || (known && (x->dims[1] != w->dims[0] || x->dims[1] % group != 0))) {
        char a[192], b[192];
        return eki_infer_fail(infer, EK_ERR_SHAPE,
                              "input %s and weight %s do not fit group=%lld; expected weight [C, O/group, ...] with C "
                              "divisible by group",
                              eki_shape_text(infer->graph, x, a), eki_shape_text(infer->graph, w, b), (long long)group);
    }
    if (w->dims[1] >= 0 && !eki_mul_i64(w->dims[1], group, &channels)) {
        return eki_infer_fail(infer, EK_ERR_LIMIT, "the number of channels overflows");
    }
    if (channels < 0) EKI_TRY(eki_infer_fresh(infer, &channels));
    if (infer->node->n_in > 2 && infer->in[2].present) {
        const eki_shape *b = &infer->in[2].shape;
        if (b->rank != 1 || (b->dims[0] >= 0 && channels >= 0 && b->dims[0] != channels)) {
            return eki_infer_fail(infer, EK_ERR_SHAPE, "bias must have shape [%lld]", (long long)channels);
        }
    }
    eki_window window;
    eki_shape shape;
    EKI_TRY(eki_conv_transpose_window(infer->node, x, w->dims + 2, &window, infer->err));
    EKI_TRY(eki_window_shape(infer, &window, channels, &shape));
    eki_infer_set(infer, 0, EK_F32, &shape);
    return EK_OK;
}

static eki_conv_desc describe(const eki_step *step, const eki_window *w) {
    eki_conv_desc desc = eki_conv_desc_for_step(step, w);
    desc.c = step->out[0].shape.dims[1];
    desc.o = step->in[0].shape.dims[1];
    desc.want_dx = true;
    desc.want_dw = step->want_din[1];
    for (int i = 0; i < w->spatial; i++) {
        desc.in[i] = w->out[i];
        desc.out[i] = step->in[0].shape.dims[i + 2];
    }
    return desc;
}

ek_status eki_op_ConvTranspose_prepare(eki_step *step, ek_error *err) {
    eki_window window;
    eki_conv *conv;
    EKI_TRY(eki_conv_transpose_window(step->node, &step->in[0].shape, step->in[1].shape.dims + 2, &window, err));
    eki_conv_desc desc = describe(step, &window);
    EKI_TRY(eki_conv_for_step(step, &desc, &conv, err));
    step->priv = conv;
    step->in_layout[0] = desc.dst_layout;
    step->in_layout[1] = step->in_layout[2] = EK_LAYOUT_NCHW;
    step->out[0].layout = desc.src_layout;
    step->keep_in[0] = step->want_din[1];
    step->keep_in[1] = step->want_din[0];
    step->scratch_bytes = eki_conv_scratch_bytes(conv);
    return EK_OK;
}

/* ---- bias ---- */

typedef struct bias_job {
    float *y;
    const float *bias, *dy;
    float *gradient;
    int64_t n, channels, space, block; /* of the output; block 1: channels are outermost */
} bias_job;

static bias_job bias_of(const eki_step *step) {
    const eki_view *y = &step->out[0];
    bias_job j = {.n = y->shape.dims[0], .channels = y->shape.dims[1], .space = 1, .block = 1};
    for (int i = 2; i < y->shape.rank; i++) j.space *= y->shape.dims[i];
    if (y->layout >= EK_LAYOUT_BLOCKED8) j.block = (int64_t)y->layout;
    return j;
}

/* Where the pixels of a channel of an example begin; they are `block` apart. */
static int64_t channel_of(const bias_job *j, int64_t n, int64_t c) {
    int64_t blocks = (j->channels + j->block - 1) / j->block;
    return (n * blocks + c / j->block) * j->space * j->block + c % j->block;
}

static void add_bias(void *argument, size_t index) {
    const bias_job *j = argument;
    int64_t c = (int64_t)index % j->channels;
    float *y = j->y + channel_of(j, (int64_t)index / j->channels, c), b = j->bias[c];
    for (int64_t i = 0; i < j->space; i++) y[i * j->block] += b;
}

static void sum_bias(void *argument, size_t c) {
    const bias_job *j = argument;
    double sum = 0.0;
    for (int64_t n = 0; n < j->n; n++) {
        const float *dy = j->dy + channel_of(j, n, (int64_t)c);
        for (int64_t i = 0; i < j->space; i++) sum += (double)dy[i * j->block];
    }
    j->gradient[c] = (float)sum;
}

ek_status eki_op_ConvTranspose_forward(eki_step *step, ek_error *err) {
    float *y = step->out[0].data;
    EKI_TRY(eki_conv_backward_data(step->priv, step->in[0].data, step->in[1].data, y, step->scratch, err));
    bias_job j = bias_of(step);
    if (step->n_in < 3 || !step->has_in[2]) return EK_OK;
    j.y = y;
    j.bias = step->in[2].data;
    eki_for_tasks(step, (size_t)(j.n * j.channels), add_bias, &j);
    return EK_OK;
}

ek_status eki_op_ConvTranspose_backward(eki_step *step, ek_error *err) {
    const float *dy = step->dout[0];
    if (dy == NULL) {
        for (int i = 0; i < step->n_in; i++) eki_zero_gradient(step, i);
        return EK_OK;
    }
    if (step->din[0] != NULL) {
        const eki_conv_data data = {
            .src = dy, .weights = step->in[1].data, .dst = step->din[0], .scratch = step->scratch};
        EKI_TRY(eki_conv_forward(step->priv, &data, err));
    }
    if (step->din[1] != NULL) {
        EKI_TRY(eki_conv_backward_weights(step->priv, dy, step->in[0].data, step->din[1], NULL, step->scratch, err));
    }
    if (step->n_in < 3 || step->din[2] == NULL) return EK_OK;
    bias_job j = bias_of(step);
    j.dy = dy;
    j.gradient = step->din[2];
    eki_for_tasks(step, (size_t)j.channels, sum_bias, &j);
    return EK_OK;
}

void eki_op_ConvTranspose_release(eki_step *step) {
    eki_conv_destroy(step->priv);
    step->priv = NULL;
}

EKI_OPERATOR(ConvTranspose, .diff_inputs = 0x7, EKI_ALL_OF(ConvTranspose), .release = eki_op_ConvTranspose_release);
