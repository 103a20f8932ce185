/* reweight.c: gives a model whose weights are all alike seeded random ones, so that running it proves something.
 *
 *     reweight IN.onnx OUT.onnx SEED [permute]
 *
 * Every ConstantOfShape that feeds a parameter becomes an initializer: convolution and Gemm weights He-scaled, scale in
 * [0.5, 1.5], variance in [0.5, 2], bias and mean around 0, all distinct per channel. The final Softmax is removed and
 * the batch made symbolic. With "permute" two output channels of the first convolution's weights are swapped, which a
 * comparison must notice.
 */
#include "base/random.h"
#include "onnx/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void stop(const char *what, const ek_error *err) {
    fprintf(stderr, "reweight: %s: %s\n", what, err->text);
    exit(1);
}

typedef enum role { WEIGHT, SCALE, OFFSET, VARIANCE } role;

static role role_of(const eki_graph *graph, const eki_value *value) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        for (int k = 0; k < node->n_in; k++) {
            if (node->in[k] != value) continue;
            bool norm = strcmp(node->op_type, "BatchNormalization") == 0;
            if (norm) return k == 1 ? SCALE : k == 4 ? VARIANCE : OFFSET;
            if (strcmp(node->op_type, "Mul") == 0) return SCALE;
            if (strcmp(node->op_type, "Unsqueeze") == 0) return role_of(graph, node->out[0]);
            return k == 1 && strcmp(node->op_type, "Add") != 0 ? WEIGHT : OFFSET;
        }
    }
    return OFFSET;
}

static void fill(eki_tensor *tensor, role what, uint64_t seed, const char *name) {
    eki_random random = eki_random_stream(seed, name, 0, 0);
    float *x = tensor->data;
    size_t n = tensor->bytes / sizeof *x;
    double fan_in = 1.0;
    for (int i = 1; i < tensor->shape.rank; i++) fan_in *= (double)tensor->shape.dims[i];
    for (size_t i = 0; i < n; i++) {
        double normal = eki_random_normal(random, i), uniform = eki_random_uniform(random, i);
        switch (what) {
        case WEIGHT: x[i] = (float)(normal * sqrt(2.0 / fan_in)); break;
        case SCALE: x[i] = (float)(0.5 + uniform); break;
        case VARIANCE: x[i] = (float)(0.5 + 1.5 * uniform); break;
        case OFFSET: x[i] = (float)(0.1 * normal); break;
        }
    }
}

static void replace(eki_graph *graph, eki_node *node, uint64_t seed) {
    ek_error err;
    const int64_t *dims;
    size_t rank;
    eki_value *value = node->out[0], *shape_value = node->in[0];
    if (shape_value->init == NULL) return;
    if (eki_tensor_ints(graph, shape_value->init, &dims, &rank, &err)) stop("shape", &err);
    eki_shape shape = eki_shape_of((int)rank, dims);
    role what = role_of(graph, value);
    value->producer = NULL;
    if (eki_graph_add_tensor(graph, value->name, EK_F32, &shape, &value, &err)) stop("tensor", &err);
    fill(value->init, what, seed, value->name);
    node->op_type = NULL;
}

static void rerandomize(eki_graph *graph, uint64_t seed) {
    ek_error err;
    for (size_t i = 0; i < graph->n_values; i++) {
        eki_value *value = graph->values[i];
        if (value->init == NULL || value->init->dtype != EK_F32) continue;
        if (eki_tensor_own(value->init, &err)) stop("tensor", &err);
        fill(value->init, role_of(graph, value), seed, value->name);
    }
}

static void drop_softmax(eki_graph *graph) {
    eki_value *output = graph->outputs[0];
    eki_node *softmax = output->producer;
    if (strcmp(softmax->op_type, "Softmax") != 0) return;
    eki_value *logits = softmax->in[0];
    softmax->op_type = NULL;
    output->is_output = false;
    output->producer = NULL;
    logits->is_output = true;
    graph->outputs[0] = logits;
    logits->dtype = EK_F32;
}

static void free_batch(eki_graph *graph) {
    ek_error err;
    for (size_t i = 0; i < graph->n_inputs; i++) {
        if (graph->inputs[i]->init == NULL && eki_graph_symbol(graph, "N", &graph->inputs[i]->shape.dims[0], &err)) {
            stop("symbol", &err);
        }
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        eki_node *node = graph->nodes[i];
        bool images = node->op_type != NULL && strcmp(node->op_type, "Reshape") == 0 && node->in[0]->init == NULL;
        if (!images || node->in[1]->init == NULL) continue;
        if (eki_tensor_own(node->in[1]->init, &err)) stop("reshape", &err);
        ((int64_t *)node->in[1]->init->data)[0] = 0;
    }
}

static void permute(eki_graph *graph) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (strcmp(graph->nodes[i]->op_type, "Conv") != 0) continue;
        eki_tensor *weights = graph->nodes[i]->in[1]->init;
        size_t channel = weights->bytes / (size_t)weights->shape.dims[0];
        unsigned char *data = weights->data, *swap = malloc(channel);
        memcpy(swap, data, channel);
        memcpy(data, data + channel, channel);
        memcpy(data + channel, swap, channel);
        free(swap);
        return;
    }
}

int main(int argc, char **argv) {
    ek_error err;
    eki_graph *graph;
    if (argc < 4) return 2;
    uint64_t seed = strtoull(argv[3], NULL, 10);
    if (eki_onnx_load(argv[1], NULL, &graph, &err)) stop("load", &err);
    rerandomize(graph, seed);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (strcmp(graph->nodes[i]->op_type, "ConstantOfShape") == 0) replace(graph, graph->nodes[i], seed);
    }
    eki_graph_sweep(graph);
    drop_softmax(graph);
    eki_graph_sweep(graph);
    free_batch(graph);
    if (argc > 4) permute(graph);
    if (eki_onnx_save(graph, argv[2], &err)) stop("save", &err);
    eki_graph_destroy(graph);
    return 0;
}
