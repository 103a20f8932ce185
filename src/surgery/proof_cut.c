/* proof_cut.c: a region as two models of their own, with what it reads as inputs and what others read of it as outputs.
 *
 * Constants come along, with the nodes that make them. So do integers, with the nodes that make those: they are extents
 * and indices, for which random numbers make no sense.
 */
#include "surgery/proof.h"

#include <stdlib.h>
#include <string.h>

typedef struct cutter {
    const eki_proving *p;
    eki_cut *cut;
    bool *marks[2]; /* by node id */
    ek_error *err;
} cutter;

static ek_status add_name(const char ***list, size_t *count, size_t *room, const char *name, ek_error *err) {
    for (size_t i = 0; i < *count; i++) {
        if (strcmp((*list)[i], name) == 0) return EK_OK;
    }
    if (!eki_grow((void **)list, room, *count + 1, sizeof **list)) return eki_fail_nomem(err, sizeof **list);
    (*list)[(*count)++] = name;
    return EK_OK;
}

static ek_status find_outputs(cutter *c, int region) {
    eki_cut *cut = c->cut;
    for (int s = 0; s < 2; s++) {
        const eki_side *side = &c->p->sides[s];
        for (size_t i = 0; i < side->graph->n_nodes; i++) {
            const eki_node *node = side->graph->nodes[i];
            if (side->region[node->id] != region) continue;
            cut->nodes[s]++;
            c->marks[s][node->id] = true;
            for (int k = 0; k < node->n_out; k++) {
                if (node->out[k] == NULL || !side->outside[node->out[k]->id]) continue;
                EKI_TRY(add_name(&cut->outputs, &cut->n_outputs, &cut->room_outputs, node->out[k]->name, c->err));
            }
        }
    }
    return EK_OK;
}

static ek_dtype type_of(const eki_proving *p, const eki_value *value) {
    const eki_value *known = eki_graph_find(p->sides[0].graph, value->name);
    return known != NULL && p->known[known->id].dtype != EK_DTYPE_NONE ? p->known[known->id].dtype : value->dtype;
}

/* Whether the node that makes a value comes along. */
static bool comes_along(const cutter *c, int s, const eki_value *value) {
    const eki_side *side = &c->p->sides[s];
    const eki_node *maker = value->producer;
    ek_dtype dtype = type_of(c->p, value);
    bool runs = eki_op_find(maker->op, eki_graph_opset(side->graph, maker->domain)) != NULL;
    return side->fixed[value->id] || (runs && (dtype == EK_I64 || dtype == EK_I32));
}

/* Marks the makers that come along, from the readers back; what is left is the boundary. */
static ek_status find_inputs(cutter *c, int s) {
    const eki_graph *graph = c->p->sides[s].graph;
    eki_cut *cut = c->cut;
    for (size_t i = graph->n_nodes; i-- > 0;) { /* sorted: makers come before */
        const eki_node *node = graph->nodes[i];
        for (int k = 0; k < node->n_in && c->marks[s][node->id]; k++) {
            const eki_value *value = node->in[k];
            if (value == NULL || value->init != NULL) continue;
            if (value->producer != NULL && comes_along(c, s, value)) c->marks[s][value->producer->id] = true;
            if (value->producer != NULL && c->marks[s][value->producer->id]) continue;
            EKI_TRY(add_name(&cut->inputs, &cut->n_inputs, &cut->room_inputs, value->name, c->err));
        }
    }
    return EK_OK;
}

static ek_status add_interface(const cutter *c, int s, eki_graph *graph) {
    const eki_cut *cut = c->cut;
    eki_value *value;
    for (size_t i = 0; i < cut->n_inputs; i++) {
        EKI_TRY(eki_graph_value(graph, cut->inputs[i], &value, c->err));
        if (value->producer != NULL || value->init != NULL)
            return eki_fail(c->err, EK_ERR_UNSUPPORTED, "'%s' is read in one model and made in the other", value->name);
        EKI_TRY(eki_proof_boundary(c->p, value->name, &value->dtype, &value->shape, c->err));
        value->stored = EK_DTYPE_NONE;
        EKI_TRY(eki_graph_add_input(graph, value, c->err));
    }
    for (size_t i = 0; i < cut->n_outputs; i++) {
        value = eki_graph_find(graph, cut->outputs[i]);
        if (value == NULL || (value->producer == NULL && value->init == NULL && value->input_index < 0))
            return eki_fail(c->err, EK_ERR_UNSUPPORTED, "'%s', which other nodes read, is not made %s", cut->outputs[i],
                            s == 0 ? "before the change" : "any more");
        EKI_TRY(eki_graph_add_output(graph, value, c->err));
    }
    return EK_OK;
}

/* An output that is a constant, or made by a node that is the same in both. */
static void mark_outputs(const cutter *c, int s) {
    for (size_t i = 0; i < c->cut->n_outputs; i++) {
        const eki_value *value = eki_graph_find(c->p->sides[s].graph, c->cut->outputs[i]);
        if (value != NULL && value->producer != NULL) c->marks[s][value->producer->id] = true;
    }
}

/* By the coarsest type that its numbers are stored in. */
static void settle_tolerance(eki_cut *cut, double asked, const eki_graph *graph) {
    for (size_t i = 0; i < graph->n_values; i++) {
        const eki_tensor *tensor = graph->values[i]->init;
        ek_dtype stored = tensor != NULL ? tensor->stored : EK_DTYPE_NONE;
        double own = asked >= 0 ? asked : stored == EK_F16 ? 1e-2 : stored == EK_BF16 ? 5e-2 : 1e-4;
        if (own > cut->tolerance) cut->tolerance = own;
    }
}

/* What a caller gives is not known here: no run of a default would tell of another. */
static ek_status check_references(const cutter *c, int s) {
    const eki_graph *graph = c->p->sides[s].graph;
    char label[192];
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        const char *reference = c->marks[s][node->id] ? eki_node_reference(node) : NULL;
        if (reference == NULL) continue;
        return eki_fail(c->err, EK_ERR_UNSUPPORTED,
                        "the %.60s of %s is an attribute of the function, which each call gives", reference,
                        eki_node_label(node, label));
    }
    return EK_OK;
}

static ek_status make(const cutter *c, int s) {
    eki_graph *graph;
    eki_cut *cut = c->cut;
    EKI_TRY(check_references(c, s));
    EKI_TRY(eki_graph_cut(c->p->sides[s].graph, c->marks[s], &graph, c->err));
    ek_status status = add_interface(c, s, graph);
    if (status != EK_OK) {
        eki_graph_destroy(graph);
        return status;
    }
    graph->functions = c->p->views[s]->functions;
    graph->n_functions = c->p->views[s]->n_functions;
    settle_tolerance(cut, c->p->options.tolerance, graph);
    return eki_model_wrap(graph, &cut->models[s], c->err);
}

static ek_status cut_out(cutter *c, int region) {
    EKI_TRY(find_outputs(c, region));
    if (c->cut->n_outputs == 0) return EK_OK;
    for (int s = 0; s < 2; s++) {
        mark_outputs(c, s);
        EKI_TRY(find_inputs(c, s));
    }
    for (int s = 0; s < 2; s++) EKI_TRY(make(c, s));
    return EK_OK;
}

ek_status eki_proof_cut(const eki_proving *p, int region, eki_cut *cut, ek_error *err) {
    cutter c = {.p = p, .cut = cut, .err = err};
    *cut = (eki_cut){.tolerance = p->options.tolerance >= 0 ? p->options.tolerance : 1e-4};
    c.marks[0] = eki_calloc(p->sides[0].graph->n_nodes + 1, sizeof(bool));
    c.marks[1] = eki_calloc(p->sides[1].graph->n_nodes + 1, sizeof(bool));
    ek_status status = c.marks[0] == NULL || c.marks[1] == NULL ? eki_fail_nomem(err, p->sides[0].graph->n_nodes)
                                                                : cut_out(&c, region);
    free(c.marks[0]);
    free(c.marks[1]);
    return status;
}

void eki_cut_free(eki_cut *cut) {
    ek_model_destroy(cut->models[0]);
    ek_model_destroy(cut->models[1]);
    free(cut->inputs);
    free(cut->outputs);
    *cut = (eki_cut){0};
}
