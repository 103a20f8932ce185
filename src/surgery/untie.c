/* untie.c: a tensor that several parameters read becomes one tensor each.
 *
 * PyTorch writes equal tensors once, and the others as Identity of it; others give one initializer to several layers.
 * Training would move all of them together. One of the readers keeps the tensor: one that is not meant, else one that
 * reads it directly, else the first. An Identity that only one parameter reads becomes its tensor, under its own name.
 */
#include "surgery/convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reading {
    eki_place *place;
    eki_node *node;
    int input;
    eki_value *source; /* the initializer */
    bool wanted;
} reading;

typedef struct untier {
    eki_converter *c;
    eki_place *place; /* at hand */
    const eki_sites *sites;
    reading *items;
    size_t count, room;
    bool listed; /* initializers are inputs, all of them */
} untier;

/* The initializer behind one or more Identity nodes, of this graph or one around it, or NULL. */
static eki_value *tensor_behind(const untier *u, eki_value *value) {
    while (value != NULL && value->init == NULL) {
        if (value->outer != NULL) {
            value = value->outer;
            continue;
        }
        eki_node *node = value->producer;
        if (node == NULL || node->op != EKI_OP_Identity || node->n_in != 1) return NULL;
        value = node->in[0];
    }
    return value != NULL && (value->input_index < 0 || u->listed) ? value : NULL;
}

/* Whether the node reads input `input` as a parameter of a norm or layer. */
static bool is_parameter(const untier *u, const eki_node *node, int input) {
    if (node->in[input] == NULL) return false;
    if (eki_op_has(node->op, EKI_NORM | EKI_PRODUCT)) return input > 0;
    const eki_site *site = eki_site_of(u->sites, node);
    for (int role = 0; site != NULL && role < EKI_ROLES; role++) {
        if (site->parameters[role].value == node->in[input]) return true;
    }
    return false;
}

static const char *role_of(const untier *u, const reading *r) {
    static const char *const names[] = {"input", "scale", "bias", "mean", "variance"};
    const eki_site *site = eki_site_of(u->sites, r->node);
    if (eki_op_has(r->node->op, EKI_PRODUCT)) return r->input == 1 ? "weight" : "bias";
    if (eki_op_has(r->node->op, EKI_NORM)) return names[r->input < 5 ? r->input : 0];
    for (int role = 0; site != NULL && role < EKI_ROLES; role++) {
        if (site->parameters[role].value == r->node->in[r->input]) return eki_role_name((eki_role)role);
    }
    return names[0];
}

static const char *owner_of(const untier *u, const eki_place *place, const eki_node *node, char text[512]) {
    const eki_site *site = eki_site_of(u->sites, node);
    if (site != NULL && site->kind != EKI_SITE_AFFINE) return site->path;
    return eki_place_name(place, eki_node_name(node), text);
}

static ek_status collect(untier *u) {
    const eki_graph *graph = u->place->graph;
    char text[512];
    for (size_t i = 0; i < graph->n_nodes; i++) {
        eki_node *node = graph->nodes[i];
        for (int k = 0; k < node->n_in; k++) {
            eki_value *source = is_parameter(u, node, k) ? tensor_behind(u, node->in[k]) : NULL;
            if (source == NULL) continue;
            if (!eki_grow((void **)&u->items, &u->room, u->count + 1, sizeof *u->items)) {
                return eki_fail_nomem(u->c->err, (u->count + 1) * sizeof *u->items);
            }
            bool wanted = eki_glob_matches(u->c->options->pattern, owner_of(u, u->place, node, text),
                                           eki_node_output(node), node->in[k]->name);
            u->items[u->count++] = (reading){u->place, node, k, source, wanted};
        }
    }
    return EK_OK;
}

/* Which of the readings keeps the tensor. */
static size_t keeper_of(const untier *u, const eki_value *source, size_t *readings) {
    size_t keeper = u->count;
    int best = 0;
    *readings = 0;
    for (size_t i = 0; i < u->count; i++) {
        const reading *r = &u->items[i];
        if (r->source != source) continue;
        int rank = !r->wanted ? 3 : r->node->in[r->input] == source ? 2 : 1;
        if (rank > best) keeper = i;
        if (rank > best) best = rank;
        ++*readings;
    }
    return keeper;
}

static ek_status copy_tensor(eki_graph *graph, const eki_tensor *from, eki_tensor **to, ek_error *err) {
    EKI_TRY(eki_tensor_create(graph, from->dtype, &from->shape, to, err));
    (*to)->stored = from->stored;
    if ((*to)->bytes > 0) memcpy((*to)->data, from->data, (*to)->bytes);
    return EK_OK;
}

/* The value that is to hold the copy: what an Identity makes for this reading alone, else a new one. */
static ek_status place_for(untier *u, const reading *r, const char *role, eki_value **out) {
    eki_graph *graph = r->place->graph;
    eki_value *value = r->node->in[r->input];
    if (value->producer != NULL && eki_edit_uses(graph, value) == 1) {
        eki_node_drop(value->producer);
        value->producer = NULL;
        *out = value;
        return EK_OK;
    }
    return eki_edit_fresh(graph, eki_node_output(r->node), role, out, u->c->err);
}

static ek_status give_copy(untier *u, reading *r) {
    eki_graph *graph = r->place->graph;
    eki_value *value;
    eki_tensor *tensor;
    char text[EKI_CHAIN_TEXT], name[512];
    const char *role = role_of(u, r);
    EKI_TRY(copy_tensor(graph, r->source->init, &tensor, u->c->err));
    EKI_TRY(place_for(u, r, role, &value));
    value->init = tensor;
    value->dtype = tensor->dtype;
    value->stored = tensor->stored;
    value->shape = tensor->shape;
    value->declared = false;
    value->origin = (eki_bytes){0};
    value->in_file = 0;
    if (u->listed && graph->parent == NULL) EKI_TRY(eki_graph_add_input(graph, value, u->c->err));
    r->node->in[r->input] = value;
    r->place->changed = true;
    (void)snprintf(text, sizeof text, "%s '%.100s' of its own, apart from '%.100s'", role, value->name,
                   r->source->name);
    return eki_report_add(u->c->report, owner_of(u, r->place, r->node, name), true, text, u->c->err);
}

static ek_status untie(untier *u) {
    for (size_t i = 0; i < u->count; i++) {
        reading *r = &u->items[i];
        size_t readings, keeper = keeper_of(u, r->source, &readings);
        if (readings < 2 || keeper == i || !r->wanted) continue;
        EKI_TRY(give_copy(u, r));
        r->source = r->node->in[r->input]; /* it keeps what it has now */
    }
    return EK_OK;
}

ek_status eki_convert_untie(eki_converter *c, eki_places *places) {
    eki_sites sites;
    size_t rows = ek_edit_report_count(c->report);
    if (!c->options->untie) return EK_OK;
    for (size_t i = 0; i < places->count; i++) eki_graph_sweep(places->items[i].graph);
    EKI_TRY(eki_sites_find(places->items[0].graph, &sites, c->err));
    untier u = {.c = c, .sites = &sites, .listed = eki_lists_weights(places->items[0].graph)};
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < places->count; i++) {
        u.place = &places->items[i];
        status = collect(&u);
    }
    if (status == EK_OK) status = untie(&u);
    free(u.items);
    eki_sites_free(&sites);
    if (status != EK_OK || ek_edit_report_count(c->report) > rows) return status;
    EKI_TRY(eki_report_add(c->report, "model", false, "no tensor is read by several parameters", c->err));
    eki_report_already(c->report);
    return EK_OK;
}
