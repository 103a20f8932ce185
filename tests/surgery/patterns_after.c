/* patterns_after.c: norms behind a convolution or product. */
#include "patterns.h"

#include <string.h>

static ek_model *plain(bool twin) {
    net n = net_image(17, 3, 8);
    eki_node *conv = net_conv(&n, "conv", (conv_shape){3, 8, 3, 1, 1}, false);
    net_bn(&n, "bn", 8);
    if (twin) net_output(&n, conv->out[0]);
    return net_finish(&n);
}

static ek_model *with_bias(bool twin) {
    net n = net_image(17, 3, 8);
    eki_node *conv = net_conv(&n, "conv", (conv_shape){3, 8, 3, 1, 1}, true), *norm = net_bn(&n, "bn", 8);
    if (twin) {
        n.x = conv->out[0];
        net_one(&n, "Relu", "relu");
        net_two(&n, "Add", "sum", norm->out[0]);
    }
    return net_finish(&n);
}

static ek_model *grouped(bool twin) {
    net n = net_image(17, 4, 8);
    eki_node *conv = net_conv(&n, "conv", (conv_shape){4, 6, 3, 1, 2}, true);
    if (twin) OK(eki_graph_add_input(n.graph, conv->in[1], err));
    net_bn(&n, "bn", 6);
    return net_finish(&n);
}

static ek_model *depthwise(bool twin) {
    net n = net_image(17, 6, 8);
    net_conv(&n, "conv", (conv_shape){6, 6, 3, 1, 6}, false);
    eki_node *bn = net_bn(&n, "bn", 6);
    if (twin) OK(eki_node_set_int(n.graph, bn, "training_mode", 1, err));
    return net_finish(&n);
}

/* Two convolutions with one weight; each norm needs its own. */
static ek_model *shared(bool twin) {
    net n = net_image(17, 4, 8);
    eki_value *x = n.x;
    eki_node *a = net_conv(&n, "a", (conv_shape){4, 4, 3, 1, 1}, true);
    eki_node *left = net_bn(&n, "left", 4);
    n.x = x;
    eki_node *b = net_conv(&n, "b", (conv_shape){4, 4, 3, 1, 1}, true);
    b->in[1] = a->in[1];
    b->in[2] = a->in[2];
    eki_node *bn = net_bn(&n, "bn", 4);
    if (twin) {
        eki_value *y = n.x;
        n.x = bn->in[1];
        bn->in[1] = net_one(&n, "Relu", "positive")->out[0];
        n.x = y;
    }
    net_two(&n, "Add", "sum", left->out[0]);
    return net_finish(&n);
}

static ek_model *read_twice(bool twin) {
    net n = net_image(17, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 5, 1, 0, 1}, false);
    eki_node *bn = net_bn(&n, "bn", 5);
    if (twin) ((float *)bn->in[4]->init->data)[3] = -1;
    net_one(&n, "Relu", "relu");
    net_two(&n, "Add", "sum", bn->out[0]);
    return net_finish(&n);
}

static ek_model *two_norms(bool twin) {
    net n = net_image(17, 3, 8);
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 0, 1}, false);
    net_bn(&n, "first", 5);
    eki_node *bn = net_bn(&n, "bn", 5);
    if (twin) OK(eki_node_set_int(n.graph, bn, "training_mode", 1, err));
    return net_finish(&n);
}

static ek_model *stray_mul(bool twin) {
    net n = net_image(17, 3, 8);
    const int64_t channel[3] = {5, 1, 1}, position[4] = {1, 1, 6, 6};
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 0, 1}, false);
    net_two(&n, "Mul", "mul", net_constant(&n, "factor", twin ? 4 : 3, twin ? position : channel, 0.5, 2));
    net_bn(&n, "bn", 5);
    return net_finish(&n);
}

static ek_model *stray_add(bool twin) {
    net n = net_image(17, 3, 8);
    const int64_t channel[4] = {1, 5, 1, 1};
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 0, 1}, false);
    eki_node *bn = net_bn(&n, "bn", 5);
    if (twin) OK(eki_graph_add_input(n.graph, bn->in[2], err));
    net_two(&n, "Add", "add", net_constant(&n, "shift", 4, channel, -1, 1));
    net_one(&n, "Relu", "relu");
    return net_finish(&n);
}

static ek_model *sub_div(bool twin) {
    net n = net_image(17, 3, 8);
    const int64_t channel[3] = {5, 1, 1};
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 0, 1}, false);
    net_two(&n, "Sub", "sub", net_constant(&n, "shift", 3, channel, -1, 1));
    eki_value *in[2] = {n.x, net_constant(&n, "factor", 3, channel, 0.5, 2)};
    eki_value *turned[2] = {in[1], in[0]};
    net_node(&n, "Div", "div", twin ? turned : in, 2);
    net_bn(&n, "bn", 5);
    return net_finish(&n);
}

static const int64_t matrix[2] = {2, 6}, cube[3] = {2, 4, 6};

static ek_model *gemm(bool twin) {
    net n = net_start(17, 2, matrix);
    eki_node *fc = net_gemm(&n, "fc", 6, 4, false, true);
    const int64_t rows[2] = {2, 4};
    if (twin) fc->in[2] = net_constant(&n, "rows", 2, rows, -1, 1);
    net_bn(&n, "bn", 4);
    return net_finish(&n);
}

static ek_model *gemm_transposed(bool twin) {
    net n = net_start(17, 2, matrix);
    eki_node *fc = net_gemm(&n, "fc", 6, 6, true, false);
    if (twin) {
        eki_value *x = n.x, *w = fc->in[1];
        n.x = w;
        fc->in[1] = net_one(&n, "Tanh", "tanh")->out[0];
        n.x = x;
    }
    net_bn(&n, "bn", 6);
    return net_finish(&n);
}

static ek_model *gemm_factors(bool twin) {
    net n = net_start(17, 2, matrix);
    eki_node *fc = net_gemm(&n, "fc", 6, 4, false, true);
    OK(eki_node_set_float(n.graph, fc, "alpha", 0.5F, err));
    OK(eki_node_set_float(n.graph, fc, "beta", 3.0F, err));
    if (twin) {
        eki_value *x = n.x, *c = fc->in[2];
        n.x = c;
        fc->in[2] = net_one(&n, "Tanh", "tanh")->out[0];
        n.x = x;
    }
    net_bn(&n, "bn", 4);
    return net_finish(&n);
}

static ek_model *matmul(bool twin) {
    net n = net_start(17, twin ? 3 : 2, twin ? cube : matrix);
    net_matmul(&n, "fc", 6, 4);
    net_bn(&n, "bn", 4);
    return net_finish(&n);
}

static ek_model *matmul_add(bool twin) {
    net n = net_start(17, 2, matrix);
    eki_value *x = n.x;
    eki_node *fc = net_matmul(&n, "fc", 6, 4);
    if (twin) { /* [3,2] x [2,6] */
        const int64_t dims[2] = {3, 2};
        fc->in[0] = net_constant(&n, "left", 2, dims, -1, 1);
        fc->in[1] = x;
    }
    if (!twin) net_two(&n, "Add", "add", net_vector(&n, "fc.bias", 4, -1, 1));
    net_bn(&n, "bn", twin ? 6 : 4);
    return net_finish(&n);
}

static ek_model *one_dimension(bool twin) {
    const int64_t dims[3] = {-1, 3, 16};
    net n = net_start(twin ? 9 : 17, 3, dims);
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 1, 1}, true);
    eki_node *bn = net_bn(&n, "bn", 5);
    if (twin) { /* before opset 14 the number of outputs says that it trains */
        eki_value **out = eki_arena_alloc(&n.graph->arena, eki_size_of(3, sizeof *out));
        out[0] = bn->out[0];
        OK(eki_graph_value(n.graph, "new_mean", &out[1], err));
        OK(eki_graph_value(n.graph, "new_var", &out[2], err));
        out[1]->producer = out[2]->producer = bn;
        out[1]->producer_output = 1;
        out[2]->producer_output = 2;
        bn->out = out;
        bn->n_out = 3;
    }
    return net_finish(&n);
}

/* IR version 3: initializers had to be inputs, and were constants. Where only some are, a caller may replace them. */
static ek_model *old_file(bool twin) {
    net n = net_image(9, 3, 8);
    n.graph->ir_version = twin ? 4 : 3;
    net_conv(&n, "conv", (conv_shape){3, 5, 3, 0, 1}, false);
    net_bn(&n, "bn", 5);
    for (size_t i = 0; i < n.graph->n_values; i++) {
        bool left_out = twin && strcmp(n.graph->values[i]->name, "conv.weight") == 0;
        if (n.graph->values[i]->init != NULL && !left_out) OK(eki_graph_add_input(n.graph, n.graph->values[i], err));
    }
    return net_finish(&n);
}

const pattern patterns_after[] = {
    {"convolution", plain, 0, "bn", "'conv' (Conv) is also an output of the graph"},
    {"bias", with_bias, 0, "bn", "'conv' (Conv) is also read by node 'relu' (Relu)"},
    {"groups", grouped, 0, "bn", "the weight of node 'conv' (Conv) is no constant: it is also a graph input"},
    {"depthwise", depthwise, 0, "bn", "training mode"},
    {"shared weights", shared, 0, "bn", "its scale is no constant"},
    {"read twice", read_twice, 0, "bn", "channel 3 is not finite"},
    {"two norms", two_norms, 0, "bn", "training mode"},
    {"stray Mul", stray_mul, 0, "bn", "no convolution or product beside it: it reads node 'mul' (Mul)"},
    {"stray Add", stray_add, 0, "bn", "its bias is no constant: it is also a graph input"},
    {"stray Sub, Div", sub_div, 0, "bn", "no convolution or product beside it: it reads node 'div' (Div)"},
    {"Gemm", gemm, 0, "bn", "differs from row to row"},
    {"Gemm, transposed", gemm_transposed, 0, "bn", "the weight of node 'fc' (Gemm) is no constant"},
    {"Gemm, alpha and beta", gemm_factors, 0, "bn", "the bias of node 'fc' (Gemm) is no constant that folding sees"},
    {"MatMul", matmul, 0, "bn", "has no two-dimensional input"},
    {"MatMul and Add", matmul_add, 0, "bn", "the constant of node 'fc' (MatMul) is its first factor"},
    {"one dimension", one_dimension, 0, "bn", "training mode"},
    {"IR version 3", old_file, 0, "bn", "its scale is no constant: it is also a graph input"},
    {0},
};
