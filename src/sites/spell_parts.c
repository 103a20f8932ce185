/* spell_parts.c: small questions that recognizing a norm asks, and the nodes that a match takes. */
#include "sites/spell.h"

#include <math.h>

bool eki_site_take(eki_finder *f, eki_site *site, eki_node *node) {
    for (int i = 0; i < site->n_nodes; i++) {
        if (site->nodes[i] == node) return true;
    }
    if (node->n_out > 0 && node->out[0] != NULL && eki_is_constant(f->constants, node->out[0], NULL)) return true;
    if (f->taken[node->id] || site->n_nodes == EKI_SITE_NODES) return false;
    site->nodes[site->n_nodes++] = node;
    return true;
}

static int reads_within(const eki_site *site, const eki_value *value) {
    int reads = 0;
    for (int i = 0; i < site->n_nodes; i++) {
        for (int k = 0; k < site->nodes[i]->n_in; k++) reads += site->nodes[i]->in[k] == value;
    }
    return reads;
}

bool eki_site_closed(const eki_finder *f, const eki_site *site) {
    for (int i = 0; i < site->n_nodes; i++) {
        for (int k = 0; k < site->nodes[i]->n_out; k++) {
            const eki_value *out = site->nodes[i]->out[k];
            if (out == NULL || out == site->y) continue;
            if (out->is_output || f->uses.count[out->id] != reads_within(site, out)) return false;
        }
    }
    return site->n_nodes > 0;
}

eki_node *eki_maker(const eki_value *value, eki_opcode op) {
    if (value == NULL || value->producer == NULL || value->producer_output != 0) return NULL;
    return value->producer->op == op ? value->producer : NULL;
}

eki_node *eki_reader(const eki_finder *f, const eki_value *value) {
    return value->is_output || f->uses.count[value->id] != 1 ? NULL : f->uses.user[value->id];
}

bool eki_is_binary(const eki_node *node, eki_opcode op) {
    if (node == NULL || node->op != op || node->n_in != 2 || node->in[0] == NULL || node->in[1] == NULL) return false;
    if (node->n_out != 1 || node->out[0] == NULL) return false;
    return eki_node_attr(node, "broadcast") == NULL; /* before opset 7 by other rules */
}

static bool is_float(int64_t type) { return type == EK_F32 || type == EK_F16 || type == EK_F64 || type == EK_BF16; }

bool eki_is_float_cast(const eki_node *node) {
    if (!eki_is_op(node, EKI_OP_Cast) || node->n_in != 1 || node->in[0] == NULL) return false;
    ek_dtype from = node->in[0]->dtype;
    return is_float(eki_node_int(node, "to", 0)) && (from == EK_DTYPE_NONE || is_float(from));
}

eki_value *eki_uncast(eki_finder *f, eki_site *site, eki_value *value) {
    while (value != NULL && eki_is_float_cast(value->producer)) {
        if (!eki_site_take(f, site, value->producer)) return NULL;
        value = value->producer->in[0];
    }
    return value;
}

eki_value *eki_before_casts(eki_value *value) {
    while (value != NULL && eki_is_float_cast(value->producer)) value = value->producer->in[0];
    return value;
}

bool eki_scalar_is(const eki_finder *f, const eki_value *value, double number) {
    double found;
    return eki_constant_scalar(f->constants, value, &found) && found == number;
}

bool eki_is_parameter(const eki_finder *f, const eki_value *value, eki_shape *shape) {
    if (value == NULL) return false;
    if (eki_is_constant(f->constants, value, shape)) return true;
    while (value->outer != NULL) value = value->outer;
    if (value->init == NULL) return false;
    *shape = value->init->shape;
    return true;
}

void eki_site_parameter_set(const eki_finder *f, eki_site *site, eki_role role, eki_value *value, eki_form form) {
    eki_site_parameter *p = &site->parameters[role];
    *p = (eki_site_parameter){.value = value, .form = form, .shape = {.rank = -1}};
    if (value == NULL) return;
    p->constant = eki_is_constant(f->constants, value, &p->shape);
    if (!p->constant && !eki_is_parameter(f, value, &p->shape)) p->shape = *eki_extents(f, value);
    p->source = eki_constant_source(value);
}

bool eki_varies(const eki_finder *f, const eki_value *parameter, const eki_shape *x, unsigned *axes) {
    eki_shape shape;
    *axes = 0;
    if (x->rank < 0 || !eki_is_parameter(f, parameter, &shape) || shape.rank > x->rank) return false;
    for (int i = 0; i < shape.rank; i++) {
        int axis = x->rank - shape.rank + i;
        if (shape.dims[i] == 1) continue;
        if (x->dims[axis] >= 0 && x->dims[axis] != shape.dims[i]) return false;
        *axes |= 1U << axis;
    }
    return true;
}
