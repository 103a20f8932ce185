/* proof_nested.c: graphs within nodes, and bodies of functions, before and after, as graphs that stand for themselves.
 *
 * Where a graph within is the same function of its inputs and of what it reads of the graphs around it, so is the node
 * that it is in. Constants around it come along; of what else it reads there only the shape is known.
 */
#include "surgery/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ek_status add_pair(eki_proving *p, eki_graph *before, eki_graph *after, const char *path) {
    const char *kept = eki_arena_strdup(p->arena, path);
    if (kept == NULL || !eki_grow((void **)&p->pairs, &p->room_pairs, p->n_pairs + 1, sizeof *p->pairs)) {
        return eki_fail_nomem(p->err, sizeof *p->pairs);
    }
    p->pairs[p->n_pairs++] = (eki_graph_pair){.graphs = {before, after}, .path = kept};
    return EK_OK;
}

static bool same_names(eki_value *const *a, size_t n_a, eki_value *const *b, size_t n_b) {
    bool same = n_a == n_b;
    for (size_t i = 0; same && i < n_a; i++) same = strcmp(a[i]->name, b[i]->name) == 0;
    return same;
}

static bool same_function(const eki_function *f, const eki_function *g) {
    const eki_graph *a = f->body, *b = g->body;
    return strcmp(f->domain, g->domain) == 0 && strcmp(f->name, g->name) == 0 &&
           strcmp(f->overload, g->overload) == 0 && same_names(a->inputs, a->n_inputs, b->inputs, b->n_inputs) &&
           same_names(a->outputs, a->n_outputs, b->outputs, b->n_outputs);
}

ek_status eki_proof_pairs(eki_proving *p) {
    const eki_graph *a = p->views[0], *b = p->views[1];
    char path[512];
    EKI_TRY(add_pair(p, p->views[0], p->views[1], ""));
    p->other_functions = a->n_functions != b->n_functions;
    for (size_t i = 0; i < a->n_functions && !p->other_functions; i++) {
        p->other_functions = !same_function(&a->functions[i], &b->functions[i]);
    }
    for (size_t i = 0; i < a->n_functions && !p->other_functions; i++) {
        const eki_function *f = &a->functions[i];
        (void)snprintf(path, sizeof path, "%.200s.%.200s/", f->domain, f->name);
        EKI_TRY(add_pair(p, f->body, b->functions[i].body, path));
    }
    return EK_OK;
}

static bool is_named(const eki_function *f, const char *domain, const char *name) {
    return strcmp(f->name, name) == 0 && strcmp(f->domain, domain) == 0;
}

bool eki_proof_calls_another(const eki_proving *p, const eki_node *node) {
    for (int s = 0; p->other_functions && s < 2; s++) {
        for (size_t i = 0; i < p->views[s]->n_functions; i++) {
            if (is_named(&p->views[s]->functions[i], node->domain, node->op_type)) return true;
        }
    }
    return false;
}

ek_status eki_proof_nested(eki_proving *p, const eki_node *before, const eki_node *after) {
    const char *name = eki_node_name(before);
    char path[1024];
    for (int i = 0; i < before->n_attr; i++) {
        const eki_attr *attr = &before->attrs[i];
        if (attr->type != EKI_ATTR_GRAPHS) continue;
        const eki_attr *other = eki_node_attr(after, attr->name);
        (void)snprintf(path, sizeof path, "%.500s%.300s/%.200s/", p->path, name, attr->name);
        for (size_t g = 0; g < attr->count; g++) EKI_TRY(add_pair(p, attr->graphs[g], other->graphs[g], path));
    }
    return EK_OK;
}

/* A constant of a graph around as an initializer of this one. */
static ek_status take_constant(eki_graph *graph, const eki_constants *constants, eki_value *value, ek_error *err) {
    eki_numbers numbers;
    eki_tensor *tensor;
    if (!eki_is_constant(constants, value, NULL)) return EK_OK;
    if (value->outer->init != NULL) {
        value->init = eki_arena_memdup(&graph->arena, value->outer->init, eki_sized(sizeof *value->init));
        if (value->init == NULL) return eki_fail_nomem(err, sizeof *value->init);
        value->init->owned = false;
        return EK_OK;
    }
    ek_status status = eki_constant_numbers(constants, value, &numbers, err);
    if (status != EK_OK) return status == EK_ERR_NOMEM ? status : EK_OK;
    if (numbers.dtype == EK_F32) {
        status = eki_tensor_create(graph, EK_F32, &numbers.shape, &tensor, err);
        for (int64_t i = 0; status == EK_OK && i < numbers.count; i++)
            ((float *)tensor->data)[i] = (float)numbers.at[i];
        if (status == EK_OK) tensor->stored = numbers.stored;
        if (status == EK_OK) value->init = tensor;
    }
    eki_numbers_free(&numbers);
    return status;
}

static ek_status detach(eki_graph *graph, ek_error *err) {
    eki_constants constants = eki_constants_of(graph);
    for (size_t i = 0; i < graph->n_values; i++) {
        eki_value *value = graph->values[i];
        if (value->outer == NULL) continue;
        value->dtype = value->outer->dtype;
        value->shape = value->outer->shape;
        for (int d = 0; d < value->shape.rank; d++) {
            if (value->shape.dims[d] < 0) EKI_TRY(eki_graph_symbol(graph, "", &value->shape.dims[d], err));
        }
        EKI_TRY(take_constant(graph, &constants, value, err));
    }
    return EK_OK;
}

ek_status eki_proof_detach(eki_proving *p, const eki_graph_pair *pair) {
    EKI_TRY(detach(pair->graphs[0], p->err));
    return detach(pair->graphs[1], p->err);
}

void eki_proof_keep_shapes(eki_proving *p) {
    const eki_graph *graph = p->sides[0].graph;
    for (size_t i = 0; p->known != NULL && i < graph->n_values; i++) {
        eki_value *value = graph->values[i];
        if (value->init != NULL || value->captured == 0) continue;
        value->dtype = p->known[i].dtype;
        value->shape = p->known[i].shape;
    }
}
