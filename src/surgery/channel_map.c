/* channel_map.c: nodes that map each channel by y = a x + b, and the map of a chain of them, in f64. */
#include "surgery/surgery.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const eki_tensor *eki_fixed(const eki_graph *graph, const eki_value *value) {
    if (value == NULL) return NULL;
    const eki_source source = eki_constant_source(value); /* through Identity nodes, as exporters share a tensor */
    if (source.tensor == NULL || source.reshaped) return NULL;
    bool fed = source.value->init != NULL && source.value->input_index >= 0 && !eki_lists_weights(graph);
    return fed ? NULL : source.tensor;
}

/* A value of this graph, or an outer one that nested graphs read, without a maker. */
static const char *origin_of(const eki_graph *graph, const eki_value *value) {
    if (value->outer != NULL) return "a value of the graph around it";
    if (graph->is_function) return "an input of the function, which each call gives";
    return graph->parent == NULL ? "a graph input" : "an input of the nested graph, which the node around it gives";
}

const char *eki_not_fixed(const eki_graph *graph, const eki_value *value, char text[EKI_CHAIN_TEXT]) {
    char label[192];
    if (value == NULL)
        (void)snprintf(text, EKI_CHAIN_TEXT, "is missing");
    else if (eki_constant_source(value).tensor != NULL && !eki_constant_source(value).reshaped)
        (void)snprintf(text, EKI_CHAIN_TEXT,
                       "is no constant: it is also a graph input, so that a caller may replace it");
    else if (value->producer == NULL)
        (void)snprintf(text, EKI_CHAIN_TEXT, "is no constant: it is %s", origin_of(graph, value));
    else
        (void)snprintf(text, EKI_CHAIN_TEXT, "is no constant that folding sees: %.160s makes it",
                       eki_node_label(value->producer, label));
    return text;
}

double eki_at(const eki_tensor *tensor, int64_t index) { return (double)eki_tensor_f32(tensor, index); }

int64_t eki_count(const eki_tensor *tensor) {
    int64_t count = 0;
    return eki_shape_count(&tensor->shape, &count) ? count : 0;
}

static const char *const parts[5] = {"data", "scale", "bias", "mean", "variance"};

static bool bn_parameters(const eki_graph *graph, const eki_node *node, const eki_tensor *tensors[5], int64_t *channels,
                          char *why) {
    for (int i = 1; i < 5; i++) {
        tensors[i] = i < node->n_in ? eki_fixed(graph, node->in[i]) : NULL;
        if (tensors[i] == NULL) {
            char through[EKI_CHAIN_TEXT];
            (void)snprintf(why, EKI_CHAIN_TEXT, "its %s %.280s", parts[i],
                           eki_not_fixed(graph, i < node->n_in ? node->in[i] : NULL, through));
            return false;
        }
        if (tensors[i]->dtype != EK_F32 || tensors[i]->shape.rank != 1) {
            (void)snprintf(why, EKI_CHAIN_TEXT, "its %s is not a vector of float32", parts[i]);
            return false;
        }
        if (i > 1 && eki_count(tensors[i]) != *channels) {
            (void)snprintf(why, EKI_CHAIN_TEXT, "its %s has %lld elements, its scale %lld", parts[i],
                           (long long)eki_count(tensors[i]), (long long)*channels);
            return false;
        }
        *channels = eki_count(tensors[i]);
    }
    return true;
}

static bool bn_affine(const eki_graph *graph, const eki_node *node, int64_t *channels, char *why) {
    const eki_tensor *t[5];
    double epsilon = (double)eki_node_float(node, "epsilon", 1e-5F);
    if (eki_node_reference(node) != NULL) {
        (void)snprintf(why, EKI_CHAIN_TEXT, "its %.60s is an attribute of the function, which each call gives",
                       eki_node_reference(node));
        return false;
    }
    if (eki_bn_trains(graph, node)) {
        (void)snprintf(why, EKI_CHAIN_TEXT,
                       "it is in training mode: it takes the statistics of each batch; evenkeel convert --inference "
                       "changes that");
        return false;
    }
    if (eki_bn_per_position(graph, node)) {
        (void)snprintf(why, EKI_CHAIN_TEXT, "it has statistics per position (spatial = 0)");
        return false;
    }
    if (!bn_parameters(graph, node, t, channels, why)) return false;
    for (int64_t c = 0; c < *channels; c++) {
        double a = eki_at(t[1], c) / sqrt(eki_at(t[4], c) + epsilon), b = eki_at(t[2], c) - a * eki_at(t[3], c);
        if (eki_at(t[4], c) + epsilon > 0 && isfinite(a) && isfinite(b)) continue;
        (void)snprintf(why, EKI_CHAIN_TEXT,
                       "channel %lld is not finite: scale %g, bias %g, mean %g, variance %g, epsilon %g", (long long)c,
                       eki_at(t[1], c), eki_at(t[2], c), eki_at(t[3], c), eki_at(t[4], c), epsilon);
        return false;
    }
    return *channels > 0;
}

/* The constant operand of Mul, Div, Add, Sub, or -1. */
static int constant_operand(const eki_graph *graph, const eki_node *node) {
    bool known = node->op == EKI_OP_Mul || node->op == EKI_OP_Div || node->op == EKI_OP_Add || node->op == EKI_OP_Sub;
    if (!known || node->n_in != 2 || node->n_out != 1 || node->in[0] == NULL || node->in[1] == NULL) return -1;
    if (eki_node_attr(node, "broadcast") != NULL) /* before opset 7: the second, to the first */
        return eki_node_int(node, "broadcast", 0) == 1 && eki_fixed(graph, node->in[1]) != NULL ? 1 : -1;
    if (eki_fixed(graph, node->in[1]) != NULL) return 1;
    return eki_fixed(graph, node->in[0]) != NULL && node->op != EKI_OP_Div ? 0 : -1;
}

/* The axis of a value of this rank that the first of the constant lies along: the last ones fall together, but before
 * opset 7 an attribute may tell. */
static int64_t first_axis(const eki_node *node, const eki_tensor *tensor, int rank) {
    int64_t axis = eki_node_attr(node, "broadcast") != NULL ? eki_node_int(node, "axis", -1) : -1;
    return axis >= 0 ? axis : rank - tensor->shape.rank;
}

/* A constant [C], [C,1,1], [1,C,1,1], ... that broadcasts along axis 1 of a value of this rank; 0 = one element. */
static bool per_channel(const eki_node *node, const eki_tensor *tensor, int rank, int64_t *channels) {
    *channels = 0;
    if (tensor->dtype != EK_F32 || eki_count(tensor) < 1) return false;
    int64_t first = first_axis(node, tensor, rank);
    if (first < 0 || first > rank - tensor->shape.rank) return false;
    for (int i = 0; i < tensor->shape.rank; i++) {
        if (tensor->shape.dims[i] == 1) continue;
        if (first + i != 1) return false;
        *channels = tensor->shape.dims[i];
    }
    return true;
}

bool eki_is_affine(const eki_graph *graph, const eki_node *node, int64_t *channels, char why[EKI_CHAIN_TEXT]) {
    why[0] = '\0';
    *channels = 0;
    if (node->n_in < 1 || node->in[0] == NULL || node->n_out < 1 || node->out[0] == NULL) {
        if (node->op == EKI_OP_BatchNormalization) (void)snprintf(why, EKI_CHAIN_TEXT, "it has no input or no output");
        return false;
    }
    if (node->op == EKI_OP_BatchNormalization) return bn_affine(graph, node, channels, why);
    int constant = constant_operand(graph, node);
    if (constant < 0) return false;
    const eki_tensor *tensor = eki_fixed(graph, node->in[constant]);
    const eki_value *data = node->in[1 - constant];
    if (data->shape.rank < 2 || !per_channel(node, tensor, data->shape.rank, channels)) return false;
    /* A channel count of one that the constant would widen. */
    if (*channels > 1 && data->shape.dims[1] == 1) return false;
    for (int64_t i = 0; i < eki_count(tensor); i++) {
        double v = eki_at(tensor, i);
        if (!isfinite(v) || (v == 0 && node->op == EKI_OP_Div)) return false;
    }
    return true;
}

eki_value *eki_affine_input(const eki_graph *graph, const eki_node *node) {
    return node->op == EKI_OP_BatchNormalization ? node->in[0] : node->in[1 - constant_operand(graph, node)];
}

static void join_norm(const eki_graph *graph, const eki_node *node, eki_affine *out) {
    const eki_tensor *t[5];
    double epsilon = (double)eki_node_float(node, "epsilon", 1e-5F);
    for (int i = 1; i < 5; i++) t[i] = eki_fixed(graph, node->in[i]);
    for (int64_t c = 0; c < out->channels; c++) {
        double a = eki_at(t[1], c) / sqrt(eki_at(t[4], c) + epsilon);
        out->a[c] *= a;
        out->b[c] = a * (out->b[c] - eki_at(t[3], c)) + eki_at(t[2], c);
    }
}

static void join_operand(const eki_graph *graph, const eki_node *node, eki_affine *out) {
    int constant = constant_operand(graph, node);
    const eki_tensor *tensor = eki_fixed(graph, node->in[constant]);
    bool one = eki_count(tensor) == 1, mul = node->op == EKI_OP_Mul, div = node->op == EKI_OP_Div,
         sub = node->op == EKI_OP_Sub;
    for (int64_t c = 0; c < out->channels; c++) {
        double v = eki_at(tensor, one ? 0 : c), a = mul ? v : div ? 1 / v : sub && constant == 0 ? -1 : 1;
        out->a[c] *= a;
        out->b[c] *= a;
        if (!mul && !div) out->b[c] += sub && constant == 1 ? -v : v;
    }
}

ek_status eki_affine_chain(const eki_graph *graph, const eki_chain *chain, eki_affine *out, ek_error *err) {
    size_t n = (size_t)chain->channels;
    *out = (eki_affine){
        .channels = chain->channels, .a = eki_calloc(n + 1, sizeof(double)), .b = eki_calloc(n + 1, sizeof(double))};
    if (out->a == NULL || out->b == NULL) {
        eki_affine_free(out);
        return eki_fail_nomem(err, 2 * n * sizeof(double));
    }
    for (int64_t c = 0; c < chain->channels; c++) out->a[c] = 1;
    for (int i = 0; i < chain->length; i++) {
        const eki_node *node = chain->nodes[i];
        if (node->op == EKI_OP_BatchNormalization)
            join_norm(graph, node, out);
        else
            join_operand(graph, node, out);
    }
    return EK_OK;
}

void eki_affine_free(eki_affine *affine) {
    free(affine->a);
    free(affine->b);
    *affine = (eki_affine){0};
}
