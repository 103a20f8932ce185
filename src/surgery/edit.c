/* edit.c: changing a graph: new constants, chains taken out, an Add put in, and what nobody reads any more removed. */
#include "surgery/surgery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int eki_edit_uses(const eki_graph *graph, const eki_value *value) {
    int count = value->is_output + value->captured;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (graph->nodes[i]->op_type == NULL) continue;
        for (int k = 0; k < graph->nodes[i]->n_in; k++) count += graph->nodes[i]->in[k] == value;
    }
    return count;
}

static void fill(eki_tensor *tensor, const double *values) {
    for (int64_t i = 0; i < eki_count(tensor); i++) ((float *)tensor->data)[i] = (float)values[i];
    eki_tensor_round(tensor);
}

/* A name that no value has: "<stem>.<role>", with a number where that is taken. */
static ek_status fresh_name(eki_graph *graph, const char *stem, const char *role, const char **name, ek_error *err) {
    char text[512];
    for (int i = 0; i < 1000000; i++) {
        int length = i == 0 ? snprintf(text, sizeof text, "%.400s.%s", stem, role)
                            : snprintf(text, sizeof text, "%.400s.%s.%d", stem, role, i);
        if (length > 0 && !eki_graph_has_name(graph, text)) break;
    }
    *name = eki_arena_strdup(&graph->arena, text);
    return *name == NULL ? eki_fail_nomem(err, sizeof text) : EK_OK;
}

static ek_status new_constant(eki_graph *graph, const char *stem, const char *role, const eki_shape *shape,
                              const double *values, eki_value **out, eki_tensor **tensor, ek_error *err) {
    const char *name;
    EKI_TRY(fresh_name(graph, stem, role, &name, err));
    EKI_TRY(eki_add_constant(graph, name, EK_F32, shape, out, tensor, err));
    fill(*tensor, values);
    return EK_OK;
}

ek_status eki_edit_new(eki_graph *graph, const char *stem, const char *role, const eki_shape *shape,
                       const double *values, eki_value **out, ek_error *err) {
    eki_tensor *tensor;
    return new_constant(graph, stem, role, shape, values, out, &tensor, err);
}

void eki_edit_store(eki_value *value, ek_dtype stored, const double *values) {
    if (value->init == NULL) return; /* a Constant of a function's body: in the type of that body */
    value->stored = value->init->stored = stored;
    fill(value->init, values);
}

ek_status eki_edit_fresh(eki_graph *graph, const char *stem, const char *role, eki_value **value, ek_error *err) {
    const char *name;
    EKI_TRY(fresh_name(graph, stem, role, &name, err));
    return eki_graph_value(graph, name, value, err);
}

static ek_status widen(eki_graph *graph, eki_node *node, int inputs, ek_error *err) {
    if (node->n_in >= inputs) return EK_OK;
    eki_value **in = eki_arena_alloc(&graph->arena, eki_size_of((size_t)inputs, sizeof *in));
    if (in == NULL) return eki_fail_nomem(err, (size_t)inputs * sizeof *in);
    memcpy(in, node->in, (size_t)node->n_in * sizeof *in);
    node->in = in;
    node->n_in = inputs;
    return EK_OK;
}

/* The value's data as new memory of its own; a view's tensors are borrowed and must not be written. */
static ek_status rewrite(eki_tensor *tensor, const double *values, ek_error *err) {
    EKI_TRY(eki_tensor_own(tensor, err));
    fill(tensor, values);
    return EK_OK;
}

/* The graph, this one or one around it, that a value belongs to. */
static const eki_graph *graph_of(const eki_graph *graph, const eki_value *value) {
    while (graph != NULL && ((size_t)value->id >= graph->n_values || graph->values[value->id] != value))
        graph = graph->parent;
    return graph;
}

/* The tensor that this input alone reads, so that its numbers may change where they lie: an initializer of this graph
 * or of one around it, or a Constant of the file in a function's body; NULL = others read it too, or it is none. */
static eki_tensor *sole_tensor(const eki_graph *graph, const eki_value *value) {
    if (value == NULL || eki_edit_uses(graph, value) != 1) return NULL;
    if (value->outer != NULL) {
        const eki_value *outer = value->outer;
        const eki_graph *home = graph_of(graph, outer);
        bool sole = home != NULL && outer->init != NULL && outer->captured == 1 && eki_edit_uses(home, outer) == 1;
        return sole ? outer->init : NULL;
    }
    const eki_node *maker = value->producer;
    if (!graph->is_function || maker == NULL || maker->op != EKI_OP_Constant || maker->origin.data == NULL)
        return value->init;
    const eki_attr *attr = eki_node_attr(maker, "value");
    return attr != NULL && attr->type == EKI_ATTR_TENSOR ? attr->t : NULL;
}

ek_status eki_edit_constant(eki_graph *graph, eki_node *node, int input, const char *role, const eki_shape *shape,
                            const double *values, ek_error *err) {
    EKI_TRY(widen(graph, node, input + 1, err));
    eki_value *old = node->in[input];
    eki_tensor *own = sole_tensor(graph, old);
    if (own != NULL && own->dtype == EK_F32 && eki_shape_equal(&own->shape, shape)) return rewrite(own, values, err);
    eki_tensor *tensor;
    EKI_TRY(new_constant(graph, eki_node_output(node), role, shape, values, &node->in[input], &tensor, err));
    const eki_tensor *like = eki_fixed(graph, old != NULL ? old : node->in[input > 1]);
    if (like == NULL || like->dtype != EK_F32) return EK_OK;
    node->in[input]->stored = tensor->stored = like->stored; /* a file may have several types */
    fill(tensor, values);
    return EK_OK;
}

void eki_edit_bypass(const eki_chain *chain, eki_node *from) {
    eki_value *last = chain->nodes[chain->length - 1]->out[0], *old = from->out[0];
    for (int i = 0; i < chain->length; i++) {
        eki_node *node = chain->nodes[i];
        for (int k = 0; k < node->n_out; k++) {
            if (node->out[k] == NULL) continue;
            node->out[k]->producer = NULL;
            node->out[k]->declared &= node->out[k] == last;
        }
        if (node != from) eki_node_drop(node);
    }
    old->producer = NULL;
    if (old != last) old->declared = false;
    last->producer = from;
    last->producer_output = 0;
    from->out[0] = last;
}

ek_status eki_edit_behind(eki_graph *graph, eki_node *op, eki_value **inner, ek_error *err) {
    eki_value *out = op->out[0];
    EKI_TRY(eki_edit_fresh(graph, out->name, "inner", inner, err));
    (*inner)->dtype = out->dtype;
    (*inner)->shape = out->shape;
    (*inner)->producer = op;
    op->out[0] = *inner;
    out->producer = NULL;
    return EK_OK;
}

/* Before opset 7 the second operand is broadcast where an attribute says so, to the last axes. */
static ek_status broadcasts(eki_graph *graph, eki_node *node, ek_error *err) {
    return eki_graph_opset(graph, "") < 7 ? eki_node_set_int(graph, node, "broadcast", 1, err) : EK_OK;
}

ek_status eki_edit_add(eki_graph *graph, eki_node *op, const char *role, const eki_shape *shape, const double *values,
                       ek_error *err) {
    eki_value *out = op->out[0], *in[2];
    eki_node *add;
    eki_shape last = *shape;
    const eki_tensor *weight = eki_fixed(graph, op->in[1]);
    while (eki_graph_opset(graph, "") < 7 && last.rank > 1 && last.dims[0] == 1)
        last = eki_shape_of(last.rank - 1, shape->dims + shape->rank - last.rank + 1);
    EKI_TRY(eki_edit_new(graph, out->name, role, &last, values, &in[1], err));
    if (weight != NULL) eki_edit_store(in[1], weight->stored, values);
    EKI_TRY(eki_edit_behind(graph, op, &in[0], err));
    EKI_TRY(eki_graph_add_op(graph, EKI_OP_Add, "", in, 2, &out, 1, &add, err));
    return broadcasts(graph, add, err);
}

ek_status eki_edit_inference(eki_graph *graph, eki_node *norm, ek_error *err) {
    static const int64_t consumed[5] = {0, 0, 0, 1, 1};
    int64_t opset = eki_graph_opset(graph, "");
    if (opset < 7) EKI_TRY(eki_node_set_int(graph, norm, "is_test", 1, err));
    return opset < 6 ? eki_node_set_ints(graph, norm, "consumed_inputs", consumed, 5, err) : EK_OK;
}

static void drop_input(eki_graph *graph, eki_value *value) {
    size_t at = (size_t)value->input_index;
    graph->n_inputs--;
    memmove(graph->inputs + at, graph->inputs + at + 1, (graph->n_inputs - at) * sizeof *graph->inputs);
    for (size_t i = at; i < graph->n_inputs; i++) graph->inputs[i]->input_index = (int)i;
    value->input_index = -1;
}

static void drop_initializer(eki_graph *graph, eki_value *value) {
    if (value->init->owned) eki_free(value->init->data);
    value->init = NULL;
    value->declared = false;
    if (value->input_index >= 0) drop_input(graph, value);
}

/* A node that makes nothing but constants, this one among them, and none that is read. */
static bool makes_unread(const eki_constants *constants, const eki_uses *now, const eki_value *value) {
    const eki_node *maker = value->producer;
    if (maker == NULL || maker->op_type == NULL) return false;
    for (int i = 0; i < maker->n_out; i++) {
        const eki_value *out = maker->out[i];
        if (out != NULL && (out->is_output || now->count[out->id] > 0)) return false;
    }
    return maker->op == EKI_OP_Constant || eki_is_constant(constants, value, NULL);
}

/* What nobody reads any more; *again where a node went, whose inputs may be next. */
static ek_status drop_unread(eki_graph *graph, const eki_uses *before, size_t values_before, bool *again,
                             ek_error *err) {
    eki_constants constants = eki_constants_of(graph);
    eki_uses now;
    *again = false;
    EKI_TRY(eki_uses_create(graph, &now, err));
    for (size_t i = 0; i < values_before; i++) {
        eki_value *value = graph->values[i];
        if (before->count[i] == 0 || value->is_output || now.count[i] > 0) continue;
        if (value->init != NULL) {
            drop_initializer(graph, value);
        } else if (makes_unread(&constants, &now, value)) {
            eki_node_drop(value->producer);
            value->producer = NULL;
            *again = true;
        }
    }
    eki_uses_free(&now);
    eki_graph_sweep(graph);
    return EK_OK;
}

ek_status eki_edit_finish(eki_graph *graph, const eki_uses *before, size_t values_before, ek_error *err) {
    bool again = true;
    eki_graph_sweep(graph); /* what a dropped node read is not read by it */
    while (again) EKI_TRY(drop_unread(graph, before, values_before, &again, err));
    return eki_graph_sort(graph, err);
}
