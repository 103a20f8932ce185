/* head_cut.c: a graph that ends at one of its tensors, with a classifier of its own: the backbone of a detector, say.
 *
 *     [N,C,H,W] -> GlobalAveragePool -> Flatten -> Gemm -> logits        [N,C] -> Gemm -> logits
 */
#include "base/random.h"
#include "surgery/head.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int count_readers(const eki_graph *graph, const eki_value *value) {
    int count = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        for (int k = 0; k < graph->nodes[i]->n_in; k++) count += graph->nodes[i]->in[k] == value;
    }
    return count;
}

static void draw(eki_tensor *tensor, const char *name, double deviation, uint64_t seed) {
    eki_random random = eki_random_stream(seed, "init", eki_hash_text(name), 0);
    float *data = tensor->data;
    for (int64_t i = 0; i < eki_count(tensor) && deviation > 0; i++) {
        data[i] = (float)(deviation * eki_random_normal(random, (uint64_t)i));
    }
}

/* Frees the value's data, unless another value has the same tensor. */
static void release(const eki_graph *graph, eki_value *value) {
    bool shared = false;
    for (size_t i = 0; i < graph->n_values; i++) {
        shared = shared || (graph->values[i] != value && graph->values[i]->init == value->init);
    }
    if (value->init->owned && !shared) eki_free(value->init->data);
    value->init = NULL;
}

/* Takes out all nodes that `at` does not need. */
static ek_status keep_ancestors(eki_graph *graph, const eki_value *at, ek_error *err) {
    bool *needed = eki_calloc(graph->n_values + 1, sizeof *needed);
    if (needed == NULL) return eki_fail_nomem(err, graph->n_values);
    needed[at->id] = true;
    for (size_t i = graph->n_nodes; i-- > 0;) { /* sorted: users come after makers */
        eki_node *node = graph->nodes[i];
        bool wanted = false;
        for (int k = 0; k < node->n_out; k++) wanted = wanted || (node->out[k] != NULL && needed[node->out[k]->id]);
        for (int k = 0; k < node->n_in && wanted; k++) {
            if (node->in[k] != NULL) needed[node->in[k]->id] = true;
        }
        for (int k = 0; k < node->n_out && !wanted; k++) {
            if (node->out[k] == NULL) continue;
            node->out[k]->producer = NULL;
            node->out[k]->declared = false;
        }
        if (!wanted) eki_node_drop(node);
    }
    free(needed);
    return EK_OK;
}

static ek_status fresh_value(eki_graph *graph, const char *name, eki_value **value, ek_error *err) {
    char text[64];
    for (int i = 0;; i++) {
        (void)snprintf(text, sizeof text, i == 0 ? "%s" : "%s.%d", name, i);
        if (eki_graph_find(graph, text) == NULL) break;
    }
    return eki_graph_value(graph, text, value, err);
}

static ek_status append(eki_graph *graph, eki_opcode op, const char *name, eki_value *const *in, int n_in,
                        eki_value **x, eki_node **node, ek_error *err) {
    eki_value *out;
    EKI_TRY(fresh_value(graph, name, &out, err));
    EKI_TRY(eki_graph_add_op(graph, op, "", in, n_in, &out, 1, node, err));
    *x = out;
    return EK_OK;
}

static ek_status add_linear(eki_graph *graph, eki_value *x, const ek_head_options *options, int64_t features,
                            ek_error *err) {
    const int64_t dims[2] = {options->classes, features};
    eki_shape shapes[2] = {eki_shape_of(2, dims), eki_shape_of(1, dims)};
    static const char *const names[2] = {"head.weight", "head.bias"};
    eki_value *in[3] = {x, NULL, NULL}, *out;
    eki_node *node;
    for (int i = 0; i < 2; i++) {
        EKI_TRY(fresh_value(graph, names[i], &in[i + 1], err));
        EKI_TRY(eki_add_constant(graph, in[i + 1]->name, EK_F32, &shapes[i], &in[i + 1], NULL, err));
    }
    EKI_TRY(append(graph, EKI_OP_Gemm, "logits", in, 3, &out, &node, err));
    EKI_TRY(eki_node_set_int(graph, node, "transB", 1, err));
    EKI_TRY(eki_head_parameter(graph, node, 1, "weight", &shapes[0], sqrt(1.0 / (double)features), options->seed, err));
    return eki_graph_add_output(graph, out, err);
}

ek_status eki_head_cut(eki_graph *graph, eki_value *at, const ek_head_options *options, int64_t *features,
                       ek_error *err) {
    eki_uses uses;
    eki_node *node;
    size_t values = graph->n_values;
    const eki_shape *shape = &at->shape;
    char text[192];
    if (at->dtype != EK_F32 || (shape->rank != 2 && shape->rank != 4) || shape->dims[1] < 1) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "'%s' is %s of shape %s; a classifier can be built on float32 [N,C,H,W] or [N,C]", at->name,
                        eki_dtype_name(at->dtype), eki_shape_text(graph, shape, text));
    }
    *features = shape->dims[1];
    bool pooled = shape->rank == 4;
    EKI_TRY(eki_uses_create(graph, &uses, err));
    ek_status status = keep_ancestors(graph, at, err);
    for (size_t i = 0; i < graph->n_outputs; i++) graph->outputs[i]->is_output = false;
    graph->n_outputs = 0;
    eki_value *x = at;
    if (status == EK_OK && pooled) status = append(graph, EKI_OP_GlobalAveragePool, "pooled", &x, 1, &x, &node, err);
    if (status == EK_OK && pooled) status = append(graph, EKI_OP_Flatten, "features", &x, 1, &x, &node, err);
    if (status == EK_OK) status = add_linear(graph, x, options, *features, err);
    if (status == EK_OK) status = eki_edit_finish(graph, &uses, values, err);
    eki_uses_free(&uses);
    return status;
}

ek_status eki_head_parameter(eki_graph *graph, eki_node *node, int input, const char *role, const eki_shape *shape,
                             double deviation, uint64_t seed, ek_error *err) {
    eki_value *value = node->in[input];
    eki_tensor *tensor;
    if (value->init != NULL && count_readers(graph, value) == 1) {
        EKI_TRY(eki_tensor_create(graph, EK_F32, shape, &tensor, err));
        release(graph, value);
        value->init = tensor;
        value->shape = *shape;
        value->declared = value->declared && value->input_index >= 0;
    } else {
        int64_t count = 0;
        (void)eki_shape_count(shape, &count);
        double *zeros = eki_calloc((size_t)count + 1, sizeof *zeros);
        if (zeros == NULL) return eki_fail_nomem(err, (size_t)count * sizeof *zeros);
        ek_status status = eki_edit_constant(graph, node, input, role, shape, zeros, err);
        free(zeros);
        EKI_TRY(status);
        value = node->in[input];
    }
    draw(value->init, value->name, deviation, seed);
    return EK_OK;
}
