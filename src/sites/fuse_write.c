/* fuse_write.c: a site replaced by its one node. */
#include "sites/fuse.h"

static void set_type(eki_value *value, eki_tensor *tensor, ek_dtype type) {
    value->stored = tensor->stored = type == EK_F32 ? EK_DTYPE_NONE : type;
}

/* A new initializer "OUTPUT/role". */
static ek_status new_parameter(eki_fuser *f, const eki_fusion *item, eki_role role, eki_value **out) {
    eki_numbers numbers = {0};
    const eki_site *site = item->site;
    EKI_TRY(eki_graph_fresh(f->graph, site->y->name, eki_role_name(role), out, f->err));
    if (site->parameters[role].value != NULL) EKI_TRY(eki_site_numbers(f->sites, site, role, &numbers, f->err));
    eki_tensor *tensor = NULL;
    ek_status status = eki_add_constant(f->graph, (*out)->name, EK_F32, &item->parameter, out, &tensor, f->err);
    int64_t count = 0;
    (void)eki_shape_count(&item->parameter, &count);
    for (int64_t i = 0; status == EK_OK && i < count; i++) {
        float usual = role == EKI_SCALE || role == EKI_VARIANCE ? 1.0F : 0.0F;
        ((float *)tensor->data)[i] = numbers.at != NULL ? (float)numbers.at[i] : usual;
    }
    if (status == EK_OK && item->type != EK_DTYPE_NONE) set_type(*out, tensor, item->type);
    if (status == EK_OK) eki_tensor_round(tensor);
    eki_numbers_free(&numbers);
    return status;
}

static ek_status parameter(eki_fuser *f, const eki_fusion *item, eki_role role, eki_value **out) {
    const eki_site_parameter *p = &item->site->parameters[role];
    eki_value *value = p->value;
    *out = eki_fuse_source(f, item, role);
    if (*out != NULL) return EK_OK;
    *out = value;
    bool typed = item->type == EK_DTYPE_NONE || (value != NULL && f->types[value->id] == item->type);
    if (value == NULL || p->form != EKI_AS_IS || !typed) return new_parameter(f, item, role, out);
    if (eki_shape_equal(&p->shape, &item->parameter)) return EK_OK;
    if (value->init == NULL) return new_parameter(f, item, role, out);
    value->init->shape = item->parameter;
    value->shape = item->parameter;
    return EK_OK;
}

static void drop_node(eki_fuser *f, eki_node *node);

static bool is_read(const eki_fuser *f, const eki_node *node) {
    for (int i = 0; i < node->n_out; i++) {
        const eki_value *out = node->out[i];
        if (out != NULL && (out->is_output || f->uses.count[out->id] > 0)) return true;
    }
    return false;
}

/* One reader less; what nothing reads any more goes, with the data or the node that made it. */
static void drop_reader(eki_fuser *f, eki_value *value) {
    if (--f->uses.count[value->id] > 0 || value->is_output || value->input_index >= 0) return;
    if (value->producer != NULL) {
        if (!is_read(f, value->producer)) drop_node(f, value->producer);
        return;
    }
    if (value->init != NULL && value->init->owned) eki_free(value->init->data);
    value->init = NULL;
    value->declared = false;
    value->origin = (eki_bytes){0};
}

static void drop_node(eki_fuser *f, eki_node *node) {
    eki_node_drop(node);
    for (int i = 0; i < node->n_out; i++) {
        eki_value *out = node->out[i];
        if (out == NULL || out->producer != node) continue;
        out->producer = NULL;
        out->declared = false;
        out->origin = (eki_bytes){0};
    }
    for (int i = 0; i < node->n_in; i++) {
        if (node->in[i] != NULL) drop_reader(f, node->in[i]);
    }
}

/* From the last to the first, so that each goes when nothing reads it. */
static void drop_site(eki_fuser *f, const eki_site *site) {
    for (int i = site->n_nodes - 1; i >= 0; i--) {
        if (site->nodes[i]->op_type != NULL) drop_node(f, site->nodes[i]);
    }
}

/* A Cast of `from` that makes *to, a new value where it is NULL. */
static ek_status add_cast(eki_fuser *f, eki_value *from, ek_dtype type, const char *stem, eki_value **to) {
    eki_node *node;
    if (*to == NULL) EKI_TRY(eki_graph_fresh(f->graph, stem, "cast", to, f->err));
    EKI_TRY(eki_graph_add_op(f->graph, EKI_OP_Cast, "", &from, 1, to, 1, &node, f->err));
    return eki_node_set_int(f->graph, node, "to", type, f->err);
}

static ek_status set_attributes(eki_fuser *f, const eki_site *site, eki_node *node) {
    bool rows = site->kind == EKI_SITE_LAYER || site->kind == EKI_SITE_RMS;
    int first;
    if (site->kind == EKI_SITE_GROUP) EKI_TRY(eki_node_set_int(f->graph, node, "num_groups", site->groups, f->err));
    if (rows && eki_site_first_axis(site, &first)) EKI_TRY(eki_node_set_int(f->graph, node, "axis", first, f->err));
    return eki_node_set_float(f->graph, node, "epsilon", (float)site->epsilon, f->err);
}

static ek_status read_parameters(eki_fuser *f, const eki_fusion *item, eki_value *in[5], int *n_in) {
    const eki_site *site = item->site;
    int roles = site->kind == EKI_SITE_BATCH ? EKI_ROLES : site->kind == EKI_SITE_RMS ? 1 : 2;
    for (int role = 0; role < roles; role++) {
        if (site->parameters[role].value == NULL && role >= item->least) break;
        EKI_TRY(parameter(f, item, (eki_role)role, &in[(*n_in)++]));
    }
    return EK_OK;
}

ek_status eki_fuse_write(eki_fuser *f, const eki_fusion *item) {
    const eki_site *site = item->site;
    eki_value *in[5] = {item->x}, *out = site->y, *made = out;
    const char *name = out->producer->name;
    eki_node *node;
    int n_in = 1;
    EKI_TRY(read_parameters(f, item, in, &n_in));
    /* What the new node reads stays. */
    for (int i = 0; i < n_in; i++) {
        if ((size_t)in[i]->id < f->n_values) f->uses.count[in[i]->id]++;
    }
    out->producer = NULL;
    drop_site(f, site);
    if (item->before != item->type) {
        in[0] = NULL;
        EKI_TRY(add_cast(f, item->x, item->type, out->name, &in[0]));
    }
    if (item->after != item->type) EKI_TRY(eki_graph_fresh(f->graph, out->name, "wide", &made, f->err));
    EKI_TRY(eki_graph_add_op(f->graph, item->op, name, in, n_in, &made, 1, &node, f->err));
    EKI_TRY(set_attributes(f, site, node));
    if (f->options->own_opsets && item->opset > eki_graph_opset(f->graph, "")) node->opset = item->opset;
    return made == out ? EK_OK : add_cast(f, made, item->after, out->name, &out);
}
