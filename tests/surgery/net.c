/* net.c: small graphs, a layer a call. */
#include "net.h"

#include "base/random.h"

#include <stdio.h>
#include <string.h>

net net_start(int64_t opset, int rank, const int64_t *dims) {
    net n = {.rank = rank};
    OK(eki_graph_create(opset, &n.graph, err));
    OK(eki_graph_value(n.graph, "x", &n.x, err));
    n.x->dtype = EK_F32;
    n.x->shape = eki_shape_of(rank, dims);
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0) OK(eki_graph_symbol(n.graph, "", &n.x->shape.dims[i], err));
    }
    OK(eki_graph_add_input(n.graph, n.x, err));
    return n;
}

net net_image(int64_t opset, int64_t channels, int64_t extent) {
    const int64_t dims[4] = {-1, channels, extent, extent};
    return net_start(opset, 4, dims);
}

eki_value *net_constant(net *n, const char *name, int rank, const int64_t *dims, double low, double high) {
    eki_value *value;
    eki_shape shape = eki_shape_of(rank, dims);
    OK(eki_graph_add_tensor(n->graph, name, EK_F32, &shape, &value, err));
    eki_random random = eki_random_stream(7, "net", eki_hash_text(name), 0);
    for (int64_t i = 0; i < eki_count(value->init); i++) {
        ((float *)value->init->data)[i] = (float)(low + (high - low) * eki_random_uniform(random, (uint64_t)i));
    }
    return value;
}

eki_value *net_vector(net *n, const char *name, int64_t count, double low, double high) {
    return net_constant(n, name, 1, &count, low, high);
}

eki_node *net_node(net *n, const char *op_type, const char *name, eki_value *const *in, int n_in) {
    char text[64];
    eki_node *node;
    (void)snprintf(text, sizeof text, "%s.out", name);
    OK(eki_graph_value(n->graph, text, &n->x, err));
    OK(eki_graph_add_node(n->graph, op_type, "", name, in, n_in, &n->x, 1, &node, err));
    n->made++;
    return node;
}

eki_node *net_one(net *n, const char *op_type, const char *name) {
    eki_value *in = n->x;
    return net_node(n, op_type, name, &in, 1);
}

eki_node *net_two(net *n, const char *op_type, const char *name, eki_value *other) {
    eki_value *in[2] = {n->x, other};
    return net_node(n, op_type, name, in, 2);
}

static const char *part(const char *name, const char *what) {
    static char texts[8][64];
    static int turn;
    char *text = texts[turn++ % 8];
    (void)snprintf(text, 64, "%s.%s", name, what);
    return text;
}

static eki_node *convolution(net *n, const char *op_type, const char *name, conv_shape s, bool bias) {
    int rank = n->rank;
    bool transposed = strcmp(op_type, "ConvTranspose") == 0;
    int64_t group = s.group > 0 ? s.group : 1, dims[5] = {s.out, s.in / group, s.kernel, s.kernel, s.kernel};
    const int64_t pads[6] = {s.pad, s.pad, s.pad, s.pad, s.pad, s.pad};
    if (transposed) dims[0] = s.in, dims[1] = s.out / group;
    eki_value *in[3] = {n->x, net_constant(n, part(name, "weight"), rank, dims, -0.5, 0.5)};
    if (bias) in[2] = net_vector(n, part(name, "bias"), s.out, -1, 1);
    eki_node *node = net_node(n, op_type, name, in, bias ? 3 : 2);
    OK(eki_node_set_ints(n->graph, node, "pads", pads, 2 * ((size_t)rank - 2), err));
    OK(eki_node_set_int(n->graph, node, "group", group, err));
    return node;
}

eki_node *net_conv(net *n, const char *name, conv_shape s, bool bias) { return convolution(n, "Conv", name, s, bias); }

eki_node *net_deconv(net *n, const char *name, conv_shape s, bool bias) {
    return convolution(n, "ConvTranspose", name, s, bias);
}

void net_to_node(net *n, eki_value *value) {
    eki_tensor *old = value->init, *tensor;
    eki_node *node;
    eki_attr *attr;
    OK(eki_tensor_create(n->graph, old->dtype, &old->shape, &tensor, err));
    memcpy(tensor->data, old->data, old->bytes);
    eki_free(old->data);
    value->init = NULL;
    OK(eki_graph_add_node(n->graph, "Constant", "", "", NULL, 0, &value, 1, &node, err));
    OK(eki_node_attr_slot(n->graph, node, "value", &attr, err));
    attr->type = EKI_ATTR_TENSOR;
    attr->t = tensor;
}

eki_node *net_gemm(net *n, const char *name, int64_t in_count, int64_t out, bool transposed, bool bias) {
    int64_t dims[2] = {transposed ? out : in_count, transposed ? in_count : out};
    eki_value *in[3] = {n->x, net_constant(n, part(name, "weight"), 2, dims, -0.5, 0.5)};
    if (bias) in[2] = net_vector(n, part(name, "bias"), out, -1, 1);
    eki_node *node = net_node(n, "Gemm", name, in, bias ? 3 : 2);
    if (transposed) OK(eki_node_set_int(n->graph, node, "transB", 1, err));
    return node;
}

eki_node *net_matmul(net *n, const char *name, int64_t in_count, int64_t out) {
    int64_t dims[2] = {in_count, out};
    return net_two(n, "MatMul", name, net_constant(n, part(name, "weight"), 2, dims, -0.5, 0.5));
}

eki_node *net_bn(net *n, const char *name, int64_t channels) {
    eki_value *in[5] = {n->x};
    in[1] = net_vector(n, part(name, "weight"), channels, -1.5, 1.5);
    in[2] = net_vector(n, part(name, "bias"), channels, -1, 1);
    in[3] = net_vector(n, part(name, "mean"), channels, -1, 1);
    in[4] = net_vector(n, part(name, "var"), channels, 0.3, 2);
    return net_node(n, "BatchNormalization", name, in, 5);
}

void net_output(net *n, eki_value *value) {
    value->dtype = EK_F32;
    OK(eki_graph_add_output(n->graph, value, err));
}

ek_model *net_finish(net *n) {
    ek_model *model;
    net_output(n, n->x);
    OK(eki_model_wrap(n->graph, &model, err));
    return model;
}
