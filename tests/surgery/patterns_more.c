/* patterns_more.c: transposed and three-dimensional convolutions, old opsets, constants in nodes, long chains. */
#include "patterns.h"

#include <math.h>
#include <string.h>

static void ints(net *n, eki_node *node, const char *name, int64_t a, int64_t b) {
    const int64_t values[2] = {a, b};
    OK(eki_node_set_ints(n->graph, node, name, values, 2, err));
}

static void pads(net *n, eki_node *node, const int64_t values[4]) {
    OK(eki_node_set_ints(n->graph, node, "pads", values, 4, err));
}

/* ---- behind a transposed convolution ---- */

static ek_model *deconv(bool twin) {
    net n = net_image(17, 3, 6);
    eki_node *up = net_deconv(&n, "up", (conv_shape){3, 5, 3, 1, 1}, true);
    net_bn(&n, "bn", 5);
    if (twin) net_output(&n, up->out[0]);
    return net_finish(&n);
}

static ek_model *deconv_groups(bool twin) {
    net n = net_image(17, 4, 6);
    eki_node *up = net_deconv(&n, "up", (conv_shape){4, 6, 3, 1, 2}, false);
    ints(&n, up, "strides", 2, 3);
    ints(&n, up, "output_padding", 1, 2);
    if (twin) {
        eki_value *x = n.x;
        n.x = up->in[1];
        up->in[1] = net_one(&n, "Tanh", "tanh")->out[0];
        n.x = x;
    }
    net_bn(&n, "bn", 6);
    return net_finish(&n);
}

static ek_model *deconv_depthwise(bool twin) {
    net n = net_image(17, 6, 5);
    const int64_t channel[3] = {6, 1, 1};
    eki_node *up = net_deconv(&n, "up", (conv_shape){6, 6, 2, 0, 6}, true);
    ints(&n, up, "strides", 2, 2);
    if (!twin) net_two(&n, "Mul", "mul", net_constant(&n, "factor", 3, channel, -2, 2));
    net_bn(&n, "bn", 6);
    if (twin) OK(eki_graph_add_input(n.graph, up->in[2], err));
    return net_finish(&n);
}

/* ---- in front of one ---- */

static ek_model *before_deconv(bool twin) {
    net n = net_image(17, 3, twin ? -1 : 6);
    net_bn(&n, "bn", 3);
    net_deconv(&n, "up", (conv_shape){3, 5, 3, 1, 1}, true);
    return net_finish(&n);
}

static ek_model *before_deconv_strided(bool twin) {
    static const int64_t uneven[4] = {0, 1, 2, 0};
    net n = net_image(17, 4, 6);
    eki_node *bn = net_bn(&n, "bn", 4), *up = net_deconv(&n, "up", (conv_shape){4, 6, 3, 0, 2}, false);
    ints(&n, up, "strides", 2, 3);
    ints(&n, up, "dilations", 2, 1);
    ints(&n, up, "output_padding", 1, 0);
    pads(&n, up, uneven);
    if (twin) {
        eki_value *out = n.x;
        n.x = bn->out[0];
        net_output(&n, net_one(&n, "Relu", "relu")->out[0]);
        n.x = out;
    }
    return net_finish(&n);
}

static ek_model *before_deconv_shape(bool twin) {
    net n = net_image(17, 3, 6);
    net_bn(&n, "bn", 3);
    eki_node *up = net_deconv(&n, "up", (conv_shape){3, 3, 3, 0, 1}, true);
    eki_node_remove_attr(up, "pads");
    ints(&n, up, "strides", 2, 2);
    ints(&n, up, "output_shape", 12, 11);
    if (twin) OK(eki_graph_add_input(n.graph, up->in[2], err));
    return net_finish(&n);
}

static ek_model *before_deconv_point(bool twin) {
    net n = net_image(17, 3, 6);
    net_bn(&n, "bn", 3);
    eki_node *up = net_deconv(&n, "up", (conv_shape){3, 4, 1, 0, 1}, false);
    ((float *)up->in[1]->init->data)[0] = twin ? INFINITY : 0.5F;
    return net_finish(&n);
}

/* ---- other ranks ---- */

static const int64_t volume[5] = {-1, 2, 5, 4, 5}, open_volume[5] = {-1, 2, 5, -1, 5}, signal[3] = {-1, 3, 9},
                     open_signal[3] = {-1, 3, -1};

static ek_model *volume_after(bool twin) {
    net n = net_start(17, 5, volume);
    net_conv(&n, "conv", (conv_shape){2, 4, 3, 1, 2}, true);
    eki_node *bn = net_bn(&n, "bn", 4);
    if (twin) {
        eki_value *y = n.x;
        n.x = bn->in[4];
        bn->in[4] = net_one(&n, "Abs", "positive")->out[0];
        n.x = y;
    }
    return net_finish(&n);
}

static ek_model *volume_before(bool twin) {
    net n = net_start(17, 5, twin ? open_volume : volume);
    net_bn(&n, "bn", 2);
    net_conv(&n, "conv", (conv_shape){2, 3, 3, 1, 1}, false);
    return net_finish(&n);
}

static ek_model *signal_before(bool twin) {
    const int64_t uneven[2] = {2, 0}, two = 2;
    net n = net_start(17, 3, twin ? open_signal : signal);
    net_bn(&n, "bn", 3);
    eki_node *conv = net_conv(&n, "conv", (conv_shape){3, 4, 3, 0, 1}, true);
    OK(eki_node_set_ints(n.graph, conv, "pads", uneven, 2, err));
    OK(eki_node_set_ints(n.graph, conv, "strides", &two, 1, err));
    return net_finish(&n);
}

static ek_model *signal_deconv(bool twin) {
    const int64_t three = 3;
    net n = net_start(17, 3, signal);
    eki_node *up = net_deconv(&n, "up", (conv_shape){3, 4, 2, 0, 1}, false), *bn = net_bn(&n, "bn", 4);
    OK(eki_node_set_ints(n.graph, up, "strides", &three, 1, err));
    if (twin) ((float *)bn->in[3]->init->data)[2] = NAN;
    return net_finish(&n);
}

/* ---- chains ---- */

static ek_model *long_chain(bool twin) {
    const int64_t channel[4] = {1, 5, 1, 1}, rows[4] = {1, 1, 8, 1};
    net n = net_image(17, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 1, 1}, true);
    net_two(&n, "Mul", "mul", net_constant(&n, "m", 4, channel, 0.5, 2));
    net_two(&n, "Add", "add", net_constant(&n, "a", 4, twin ? rows : channel, -1, 1));
    net_bn(&n, "bn", 5);
    if (twin) return net_finish(&n);
    net_two(&n, "Div", "div", net_constant(&n, "d", 4, channel, 0.5, 2));
    net_two(&n, "Sub", "sub", net_constant(&n, "s", 0, NULL, -1, 1));
    net_bn(&n, "last", 5);
    return net_finish(&n);
}

static ek_model *constant_first(bool twin) {
    const int64_t channel[3] = {5, 1, 1};
    net n = net_image(17, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 0, 1}, true);
    eki_value *in[2] = {net_constant(&n, "c", 3, channel, -1, 1), n.x};
    net_node(&n, "Sub", "sub", in, 2);
    eki_node *div = net_two(&n, "Div", "div", net_constant(&n, "d", 3, channel, 0.5, 2));
    if (twin) ((float *)div->in[1]->init->data)[4] = 0;
    net_bn(&n, "bn", 5);
    return net_finish(&n);
}

static ek_model *matmul_chain(bool twin) {
    const int64_t matrix[2] = {3, 6}, line[2] = {1, 4};
    net n = net_start(17, 2, matrix);
    net_matmul(&n, "fc", 6, 4);
    eki_node *bn = net_bn(&n, "bn", 4);
    net_two(&n, "Mul", "mul", net_constant(&n, "m", 2, line, -2, 2));
    if (twin) OK(eki_node_set_int(n.graph, bn, "training_mode", 1, err));
    return net_finish(&n);
}

static ek_model *gemm_scalar_bias(bool twin) {
    const int64_t matrix[2] = {3, 6}, one = 1;
    net n = net_start(17, 2, matrix);
    eki_node *fc = net_gemm(&n, "fc", 6, 4, false, true);
    fc->in[2] = net_constant(&n, "c", 1, &one, -1, 1);
    eki_node *bn = net_bn(&n, "bn", 4);
    if (twin) {
        eki_value *y = bn->out[0];
        n.x = fc->out[0];
        net_two(&n, "Add", "sum", y);
    }
    return net_finish(&n);
}

/* One norm for three kinds of readers; a pool is none. */
static ek_model *three_readers(bool twin) {
    net n = net_image(17, 4, 8);
    eki_value *x = net_bn(&n, "bn", 4)->out[0];
    eki_value *a = net_conv(&n, "a", (conv_shape){4, 4, 3, 1, 4}, true)->out[0];
    n.x = x;
    eki_value *b = net_deconv(&n, "b", (conv_shape){4, 4, 3, 1, 1}, false)->out[0];
    n.x = x;
    if (twin) {
        ints(&n, net_one(&n, "MaxPool", "pool"), "kernel_shape", 1, 1);
    } else {
        net_conv(&n, "c", (conv_shape){4, 4, 1, 0, 1}, false);
    }
    net_two(&n, "Add", "sum", a);
    net_two(&n, "Add", "total", b);
    return net_finish(&n);
}

/* Two convolutions share a bias; only one has a norm. */
static ek_model *shared_bias(bool twin) {
    net n = net_image(17, 4, 8);
    eki_value *x = n.x;
    eki_node *a = net_conv(&n, "a", (conv_shape){4, 4, 3, 1, 1}, true);
    eki_value *left = n.x;
    n.x = x;
    eki_node *b = net_conv(&n, "b", (conv_shape){4, 4, 1, 0, 1}, true);
    b->in[2] = a->in[2];
    net_bn(&n, "bn", 4);
    if (twin) OK(eki_graph_add_input(n.graph, a->in[2], err));
    net_two(&n, "Add", "sum", left);
    return net_finish(&n);
}

/* ---- old opsets and constants in nodes ---- */

static ek_model *opset_six(bool twin) {
    net n = net_image(6, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 0, 1}, true);
    eki_node *bn = net_bn(&n, "bn", 5);
    OK(eki_node_set_int(n.graph, bn, "is_test", !twin, err));
    return net_finish(&n);
}

static ek_model *opset_seven(bool twin) {
    net n = net_image(7, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 0, 1}, true);
    eki_node *bn = net_bn(&n, "bn", 5);
    OK(eki_node_set_int(n.graph, bn, "spatial", 1, err));
    if (twin) ((float *)bn->in[4]->init->data)[0] = -2;
    return net_finish(&n);
}

static ek_model *constants_in_nodes(bool twin) {
    net n = net_image(13, 3, 8);
    eki_node *conv = net_conv(&n, "conv", (conv_shape){3, 5, 3, 1, 1}, true), *bn = net_bn(&n, "bn", 5);
    if (!twin) net_to_node(&n, conv->in[1]);
    net_to_node(&n, conv->in[2]);
    for (int i = 1; i < 4; i++) net_to_node(&n, bn->in[i]);
    if (twin)
        OK(eki_graph_add_input(n.graph, bn->in[4], err));
    else
        net_to_node(&n, bn->in[4]);
    OK(eki_graph_sort(n.graph, err));
    return net_finish(&n);
}

/* Scales of nothing and below it. */
static ek_model *dead_channels(bool twin) {
    net n = net_image(17, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 1, 1}, false);
    eki_node *bn = net_bn(&n, "bn", 5);
    float *scale = bn->in[1]->init->data;
    scale[0] = 0;
    scale[1] = -0.0F;
    scale[2] = -3;
    if (twin) scale[3] = INFINITY;
    return net_finish(&n);
}

/* Caffe2's arithmetic per channel: [C] along an axis that an attribute names, [C,1,1] along the last ones. The twin's
 * vector lies along the width, which has as many places. */
static ek_model *caffe2(bool twin) {
    net n = net_image(6, 3, 6);
    const int64_t channel[3] = {6, 1, 1};
    net_conv(&n, "conv", (conv_shape){3, 6, 3, 1, 1}, true);
    eki_node *mul = net_two(&n, "Mul", "mul", net_vector(&n, "factor", 6, -2, 2));
    OK(eki_node_set_int(n.graph, mul, "broadcast", 1, err));
    if (!twin) {
        OK(eki_node_set_int(n.graph, mul, "axis", 1, err));
        eki_node *add = net_two(&n, "Add", "add", net_constant(&n, "term", 3, channel, -2, 2));
        OK(eki_node_set_int(n.graph, add, "broadcast", 1, err));
    }
    OK(eki_node_set_int(n.graph, net_bn(&n, "bn", 6), "is_test", 1, err));
    return net_finish(&n);
}

const pattern patterns_more[] = {
    {"arithmetic of Caffe2", caffe2, 0, "bn", "it reads node 'mul' (Mul)"},
    {"ConvTranspose", deconv, 0, "bn", "'up' (ConvTranspose) is also an output of the graph"},
    {"ConvTranspose, groups", deconv_groups, 0, "bn", "the weight of node 'up' (ConvTranspose) is no constant"},
    {"ConvTranspose, depthwise", deconv_depthwise, 0, "bn",
     "the bias of node 'up' (ConvTranspose) is no constant: it is also a graph input"},
    {"before ConvTranspose", before_deconv, 0, "bn", "spreads what the norm shifts unevenly, and height and width"},
    {"before ConvTranspose, strides", before_deconv_strided, 0, "bn", "could take in, is also read by"},
    {"before ConvTranspose, output_shape", before_deconv_shape, 0, "bn", "the bias of node 'up' (ConvTranspose)"},
    {"before ConvTranspose, 1x1", before_deconv_point, 0, "bn", "would not be finite"},
    {"three dimensions", volume_after, 0, "bn", "its variance is no constant"},
    {"before three dimensions", volume_before, 0, "bn", "height and width are not fixed"},
    {"before one dimension", signal_before, 0, "bn", "height and width are not fixed"},
    {"ConvTranspose, one dimension", signal_deconv, 0, "bn", "channel 2 is not finite"},
    {"long chain", long_chain, 0, "bn", "no convolution or product beside it: it reads node 'add' (Add)"},
    {"constant minus", constant_first, 0, "bn", "it reads node 'div' (Div)"},
    {"MatMul, norm, Mul", matmul_chain, 0, "bn", "training mode"},
    {"Gemm, one bias for all", gemm_scalar_bias, 0, "bn", "'fc' (Gemm) is also read by node 'sum' (Add)"},
    {"three readers", three_readers, 0, "bn", "could take in, is also read by"},
    {"shared bias", shared_bias, 0, "bn", "the bias of node 'b' (Conv) is no constant: it is also a graph input"},
    {"opset 6", opset_six, 0, "bn", "training mode"},
    {"opset 7", opset_seven, 0, "bn", "channel 0 is not finite"},
    {"constants in nodes", constants_in_nodes, 0, "bn", "its variance is no constant: it is also a graph input"},
    {"dead channels", dead_channels, 0, "bn", "channel 3 is not finite"},
    {0},
};
