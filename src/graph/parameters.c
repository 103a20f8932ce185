/* parameters.c: the parameters of a session, read off the graph with the shapes that the file declares. */
#include "graph/parameters.h"

#include <stdlib.h>

bool eki_affine_frozen(const uint8_t *switches, const eki_node *node, int input) {
    return switches != NULL && eki_op_has(node->op, EKI_NORM) && input > 0 &&
           (switches[node->id] & EKI_NORM_FROZEN_AFFINE) != 0;
}

static bool folded(const eki_node *node, const eki_known *known) {
    for (int k = 0; k < node->n_out; k++) {
        if (node->out[k] != NULL && known[node->out[k]->id].constant == NULL) return false;
    }
    return true;
}

static ek_status add(eki_parameters *p, eki_value *value, const eki_node *consumer, int input, ek_error *err) {
    size_t bytes = value->init->bytes;
    bool room = eki_grow((void **)&p->items, &p->room, p->count + 1, sizeof *p->items);
    float *gradient = room ? eki_alloc_zero(eki_sized(bytes)) : NULL;
    if (gradient == NULL) return eki_fail(err, EK_ERR_NOMEM, "out of memory for the gradients of the parameters");
    p->of_value[value->id] = (int)p->count;
    p->items[p->count++] = (eki_parameter){.value = value,
                                           .gradient = gradient,
                                           .count = bytes / sizeof *gradient,
                                           .consumer = consumer,
                                           .consumer_input = input};
    return EK_OK;
}

static ek_status add_inputs(eki_parameters *p, const eki_graph *graph, const eki_node *node, const uint8_t *switches,
                            ek_error *err) {
    const eki_op *op = eki_op_find(node->op, eki_node_opset(graph, node));
    for (int k = 0; k < node->n_in; k++) {
        eki_value *value = node->in[k];
        bool differentiable = (op->diff_inputs >> (k > 31 ? 31 : k) & 1) != 0;
        if (value == NULL || value->init == NULL || value->init->dtype != EK_F32 || !differentiable) continue;
        if (p->of_value[value->id] >= 0 || eki_affine_frozen(switches, node, k)) continue;
        EKI_TRY(add(p, value, node, k, err));
    }
    return EK_OK;
}

ek_status eki_parameters_find(eki_graph *graph, const eki_part *part, const uint8_t *switches, eki_parameters *found,
                              ek_error *err) {
    eki_known *known;
    eki_arena constants;
    *found = (eki_parameters){0};
    found->of_value = eki_alloc(eki_size_of(graph->n_values + 1, sizeof *found->of_value));
    if (found->of_value == NULL) return eki_fail_nomem(err, graph->n_values * sizeof *found->of_value);
    for (size_t i = 0; i < graph->n_values; i++) found->of_value[i] = -1;
    ek_status status = eki_infer_aside(graph, &(eki_given){0}, part, &known, &constants, err);
    for (size_t i = 0; i < graph->n_nodes && status == EK_OK; i++) {
        const eki_node *node = graph->nodes[i];
        if (part->nodes[node->id] && !folded(node, known)) status = add_inputs(found, graph, node, switches, err);
    }
    free(known);
    eki_arena_free(&constants);
    if (status != EK_OK) eki_parameters_free(found);
    return status;
}

void eki_parameters_free(eki_parameters *p) {
    for (size_t i = 0; i < p->count; i++) eki_free(p->items[i].gradient);
    free(p->items);
    free(p->of_value);
    *p = (eki_parameters){0};
}

ek_status eki_parameters_check(const eki_parameters *p, ek_error *err) {
    for (size_t i = 0; i < p->count; i++) {
        const eki_value *value = p->items[i].value;
        if (value->init->bytes == p->items[i].count * sizeof(float)) continue;
        return eki_fail(err, EK_ERR_STATE,
                        "'%s' has other extents than when the session was made; make the session anew", value->name);
    }
    return EK_OK;
}

float *eki_parameters_gradient(const eki_parameters *p, const eki_value *value) {
    int index = p->of_value == NULL ? -1 : p->of_value[value->id];
    return index < 0 ? NULL : p->items[index].gradient;
}
