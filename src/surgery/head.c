/* head.c: another classifier on a trained network, so that it can be trained for other classes.
 *
 * All of it is done on a view of the graph first, shapes inferred and looked at; only then on the graph itself.
 */
#include "surgery/head.h"
#include "base/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The extents of a weight with `classes` in place of the old count. */
static eki_shape weight_shape(const eki_head *head, const eki_tensor *weight, int64_t classes) {
    eki_shape shape = weight->shape;
    bool first = head->op->op == EKI_OP_Conv || eki_node_int(head->op, "transB", 0) != 0;
    shape.dims[first ? 0 : 1] = classes;
    return shape;
}

/* A bias: the extent that counted the classes, whichever it is, counts the new ones. */
static ek_status new_bias(eki_graph *graph, eki_node *node, int input, const eki_head *head, int64_t classes,
                          uint64_t seed, ek_error *err) {
    const eki_tensor *old = eki_fixed(graph, node->in[input]);
    if (old == NULL || old->dtype != EK_F32) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "the bias of the classifier ('%s') is no float32 constant",
                        node->in[input]->name);
    }
    eki_shape shape = old->shape;
    for (int i = shape.rank - 1; i >= 0; i--) {
        if (shape.dims[i] != head->classes) continue;
        shape.dims[i] = classes;
        break;
    }
    return eki_head_parameter(graph, node, input, "bias", &shape, 0, seed, err);
}

/* A Reshape that spells out the number of classes. */
static ek_status new_reshape(eki_graph *graph, const eki_head *head, int64_t classes, ek_error *err) {
    const eki_tensor *old = head->reshape->n_in > 1 ? eki_fixed(graph, head->reshape->in[1]) : NULL;
    char name[300];
    eki_value *value;
    int64_t *to, last = 0;
    if (old == NULL || old->dtype != EK_I64 || old->shape.rank != 1 || old->shape.dims[0] < 1) return EK_OK;
    size_t at = (size_t)old->shape.dims[0];
    while (at-- > 0) {
        memcpy(&last, (const char *)old->data + at * sizeof last, sizeof last);
        if (last == head->classes) break;
    }
    if (last != head->classes || head->classes == 1) return EK_OK;
    (void)snprintf(name, sizeof name, "%.250s.new_shape", head->reshape->out[0]->name);
    EKI_TRY(eki_add_constant(graph, name, EK_I64, &old->shape, &value, NULL, err));
    memcpy(value->init->data, old->data, old->bytes);
    to = value->init->data;
    to[at] = classes;
    head->reshape->in[1] = value;
    return EK_OK;
}

static ek_status replace(eki_graph *graph, const eki_head *head, const ek_head_options *o, ek_error *err) {
    const eki_tensor *old = eki_fixed(graph, head->op->in[head->weight]);
    eki_shape shape = weight_shape(head, old, o->classes);
    double deviation = sqrt(1.0 / (double)head->features);
    eki_uses uses;
    size_t values = graph->n_values;
    EKI_TRY(eki_uses_create(graph, &uses, err));
    ek_status status = eki_head_parameter(graph, head->op, head->weight, "weight", &shape, deviation, o->seed, err);
    bool own_bias = head->op->op != EKI_OP_MatMul && head->op->n_in > 2 && head->op->in[2] != NULL;
    if (status == EK_OK && own_bias) status = new_bias(graph, head->op, 2, head, o->classes, o->seed, err);
    if (status == EK_OK && head->add != NULL) {
        status = new_bias(graph, head->add, head->bias, head, o->classes, o->seed, err);
    }
    if (status == EK_OK && head->reshape != NULL) status = new_reshape(graph, head, o->classes, err);
    if (status == EK_OK) status = eki_edit_finish(graph, &uses, values, err);
    eki_uses_free(&uses);
    return status;
}

static const eki_value *logits_of(eki_graph *graph) {
    ek_model model = {.graph = graph};
    return eki_model_logits_value(&model);
}

static ek_status cut(eki_graph *graph, const ek_head_options *o, ek_head_result *result, ek_error *err) {
    eki_value *at = eki_graph_find(graph, o->cut);
    for (size_t i = 0; at == NULL && i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->name[0] != '\0' && strcmp(node->name, o->cut) == 0) at = node->out[0];
    }
    if (at == NULL || at->producer == NULL) {
        return eki_fail(err, EK_ERR_ARG,
                        "the graph computes no '%.200s' to cut at: give the name of a node or of its output "
                        "(evenkeel models FILE.onnx lists them)",
                        o->cut);
    }
    EKI_TRY(eki_graph_sort(graph, err));
    EKI_TRY(eki_graph_infer(graph, NULL, err));
    EKI_TRY(eki_head_cut(graph, at, o, &result->features, err));
    (void)snprintf(result->text, sizeof result->text, "'%.120s' averaged over height and width, then a linear layer",
                   o->cut);
    return EK_OK;
}

static ek_status change(eki_graph *graph, const ek_head_options *o, ek_head_result *result, ek_error *err) {
    eki_head head;
    char label[192];
    if (o->cut != NULL) {
        EKI_TRY(cut(graph, o, result, err));
    } else {
        const eki_value *logits = logits_of(graph);
        if (logits == NULL) return eki_fail(err, EK_ERR_UNSUPPORTED, "the model has no output to find a classifier by");
        EKI_TRY(eki_head_find(graph, logits, &head, err));
        result->features = head.features;
        result->classes_before = head.classes;
        (void)snprintf(result->text, sizeof result->text, "%.200s", eki_node_label(head.op, label));
        EKI_TRY(replace(graph, &head, o, err));
    }
    EKI_TRY(eki_graph_infer(graph, NULL, err));
    const eki_value *logits = logits_of(graph);
    if (logits->shape.rank == 2 && (logits->shape.dims[1] == o->classes || logits->shape.dims[1] < 0)) return EK_OK;
    return eki_fail(err, EK_ERR_UNSUPPORTED,
                    "with %lld classes at %s the logits '%.100s' have shape %s and not one column for each; name a "
                    "tensor to build a classifier on (--cut TENSOR)",
                    (long long)o->classes, result->text, logits->name, eki_shape_text(graph, &logits->shape, label));
}

ek_head_options ek_head_options_default(int64_t classes) {
    return (ek_head_options){.struct_size = sizeof(ek_head_options), .classes = classes, .seed = 1};
}

ek_status ek_replace_head(ek_model *model, const ek_head_options *options, ek_head_result *result, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(options, err);
    EKI_GIVEN(result, err);
    ek_head_options o = ek_head_options_default(0);
    eki_graph *view;
    EKI_TRY(eki_options_take(&o, sizeof o, options, "ek_head_options", err));
    *result = (ek_head_result){0};
    if (o.classes < 1 || o.classes > 1000000) {
        return eki_fail(err, EK_ERR_ARG, "classes = %lld must be at least 1 and at most a million",
                        (long long)o.classes);
    }
    EKI_TRY(eki_refuse_preprocessed(model->document, "it gets no other classifier", err));
    EKI_TRY(eki_model_wake(model, err));
    EKI_TRY(eki_graph_view(model->document, &view, err));
    ek_status status = change(view, &o, result, err);
    eki_graph_destroy(view);
    EKI_TRY(status);
    EKI_TRY(change(model->document, &o, result, err));
    return eki_model_rebuild(model, err);
}
