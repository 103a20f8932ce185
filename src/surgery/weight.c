/* weight.c: the weights of Conv, ConvTranspose, Gemm and MatMul as one thing: [outputs][inputs of a group][taps]. */
#include "graph/op/op_window.h"
#include "surgery/surgery.h"

#include <float.h>
#include <math.h>
#include <string.h>

double eki_most_stored(ek_dtype stored) {
    return stored == EK_F16 ? 0x1.ffdffep15 : stored == EK_BF16 ? 0x1.fefffep127 : (double)FLT_MAX;
}

const char *eki_stored_text(ek_dtype stored) {
    return stored == EK_F16    ? " in float16, in which the file stores it"
           : stored == EK_BF16 ? " in bfloat16, in which the file stores it"
                               : "";
}

bool eki_stays_finite(const double *values, int64_t count, ek_dtype stored) {
    for (int64_t i = 0; i < count; i++) {
        if (!(fabs(values[i]) <= eki_most_stored(stored))) return false;
    }
    return true;
}

/* onnxruntime's convolution with an addend and an activation. */
static bool is_fused(const eki_node *node) {
    return node->op == EKI_OP_NONE && node->op_type != NULL &&
           eki_contrib_code(node->op_type, node->domain) == EKI_CONTRIB_FusedConv;
}

bool eki_has_activation(const eki_node *node) {
    return is_fused(node) && !eki_node_string_is(node, "activation", "", true);
}

bool eki_has_addend(const eki_node *node) { return is_fused(node) && node->n_in > 3 && node->in[3] != NULL; }

bool eki_is_convolution(const eki_node *node) { return eki_op_has(node->op, EKI_CONVOLUTION) || is_fused(node); }

bool eki_is_product(const eki_node *node) {
    bool one = node->n_out == 1 && node->out[0] != NULL;
    return one && (eki_op_has(node->op, EKI_PRODUCT) || is_fused(node)) && node->n_in >= 2 && node->in[0] != NULL &&
           node->in[1] != NULL;
}

/* A file may say anything of `group`: 0 where it does not divide the channels. */
static int64_t groups_of(const eki_node *op, int64_t channels) {
    int64_t group = eki_node_int(op, "group", 1);
    return group >= 1 && group <= channels && channels % group == 0 ? group : 0;
}

bool eki_weight_of(const eki_node *op, const eki_tensor *weight, eki_weight *out) {
    const int64_t *d = weight->shape.dims;
    int rank = weight->shape.rank;
    eki_weight w = {.taps = 1, .groups = 1};
    if (eki_count(weight) < 1) return false; /* its extents would be mere claims */
    if (!eki_is_convolution(op)) {
        bool rows = eki_is_op(op, EKI_OP_Gemm) && eki_node_int(op, "transB", 0) != 0;
        if (rank != 2) return false;
        w.order = rows ? EKI_WEIGHT_ROWS : EKI_WEIGHT_COLUMNS;
        w.outputs = w.group_outputs = d[rows ? 0 : 1];
        w.inputs = d[rows ? 1 : 0];
        *out = w;
        return true;
    }
    bool transposed = eki_is_op(op, EKI_OP_ConvTranspose);
    if (rank < 3) return false;
    w.groups = groups_of(op, d[0]);
    if (w.groups == 0) return false;
    for (int i = 2; i < rank; i++) w.taps *= d[i];
    w.order = transposed ? EKI_WEIGHT_TRANSPOSED : EKI_WEIGHT_ROWS;
    w.inputs = transposed ? d[0] / w.groups : d[1];
    w.group_outputs = transposed ? d[1] : d[0] / w.groups;
    w.outputs = w.group_outputs * w.groups;
    *out = w;
    return true;
}

int64_t eki_weight_at(const eki_weight *w, int64_t output, int64_t input, int64_t tap) {
    if (w->order == EKI_WEIGHT_COLUMNS) return input * w->outputs + output;
    if (w->order == EKI_WEIGHT_ROWS) return (output * w->inputs + input) * w->taps + tap;
    int64_t channel = output / w->group_outputs * w->inputs + input;
    return (channel * w->group_outputs + output % w->group_outputs) * w->taps + tap;
}

bool eki_conv_uneven(const eki_node *conv) {
    static const char *const lists[] = {"pads", "output_padding"};
    bool automatic =
        !eki_node_string_is(conv, "auto_pad", "NOTSET", true) && !eki_node_string_is(conv, "auto_pad", "VALID", true);
    const int64_t *values;
    size_t count;
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        (void)eki_node_ints(conv, lists[k], &values, &count);
        for (size_t i = 0; i < count; i++) automatic |= values[i] != 0;
    }
    return automatic || eki_is_op(conv, EKI_OP_ConvTranspose);
}

ek_status eki_conv_window(const eki_node *conv, const eki_shape *weight, eki_window *window, ek_error *err) {
    const eki_shape *x = &conv->in[0]->shape;
    if (eki_is_op(conv, EKI_OP_ConvTranspose)) return eki_conv_transpose_window(conv, x, weight->dims + 2, window, err);
    return eki_window_read(conv, x, weight->dims + 2, window, err);
}

/* Input index of a tap at an output position, along dimension d; -1 = there is none. */
static int64_t source(const eki_window *w, bool transposed, int d, int64_t position, int64_t tap) {
    int64_t reach = tap * w->dilation[d];
    if (!transposed) return position * w->stride[d] - w->pad_begin[d] + reach;
    int64_t at = position + w->pad_begin[d] - reach;
    return at >= 0 && at % w->stride[d] == 0 ? at / w->stride[d] : -1;
}

bool eki_conv_misses(const eki_node *conv, const eki_window *w, int64_t position, int64_t tap) {
    bool transposed = eki_is_op(conv, EKI_OP_ConvTranspose);
    for (int d = w->spatial - 1; d >= 0; d--) {
        int64_t at = source(w, transposed, d, position % w->out[d], tap % w->kernel[d]);
        if (at < 0 || at >= conv->in[0]->shape.dims[d + 2]) return true;
        position /= w->out[d];
        tap /= w->kernel[d];
    }
    return false;
}
