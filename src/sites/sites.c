/* sites.c: the walk over a document: each graph in three passes, from what is certain to what is left.
 *
 * Operators first, with the group norm around an InstanceNormalization before that one; then norms that are written
 * out; then scale and bias per channel, of the nodes that no norm has taken.
 */
#include "sites/spell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSES = 3, SPELLERS = 4 };

static const eki_speller spellers[PASSES][SPELLERS] = {
    {eki_spell_weight, eki_spell_reshaped, eki_spell_operator, eki_spell_contrib},
    {eki_spell_moments, eki_spell_factor, NULL},
    {eki_spell_per_channel, NULL, NULL},
};

static ek_status joined(eki_sites *sites, const char *a, const char *b, const char *c, const char **out,
                        ek_error *err) {
    size_t room = strlen(a) + strlen(b) + strlen(c) + 1;
    char *text = eki_arena_alloc(&sites->arena, eki_sized(room));
    *out = text;
    if (text == NULL) return eki_fail_nomem(err, room);
    (void)snprintf(text, room, "%s%s%s", a, b, c);
    return EK_OK;
}

static int by_id(const void *a, const void *b) {
    const eki_node *const *x = a, *const *y = b;
    return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

static ek_status keep(eki_sites *sites, eki_finder *f, eki_site *site, const char *prefix, ek_error *err) {
    eki_spell_transposed(f, site);
    if (!eki_grow((void **)&sites->items, &sites->room, sites->count + 1, sizeof *sites->items)) {
        return eki_fail_nomem(err, (sites->count + 1) * sizeof *sites->items);
    }
    qsort(site->nodes, (size_t)site->n_nodes, sizeof(eki_node *), by_id);
    for (int i = 0; i < site->n_nodes; i++) f->taken[site->nodes[i]->id] = true;
    site->graph = f->graph;
    const eki_node *named = site->norm != NULL && site->spelling <= EKI_SPELL_CONTRIB ? site->norm : site->y->producer;
    EKI_TRY(joined(sites, prefix, eki_node_name(named), "", &site->path, err));
    site->name = site->path + strlen(prefix);
    sites->items[sites->count++] = *site;
    return EK_OK;
}

static ek_status pass(eki_sites *sites, eki_finder *f, const eki_speller *own, const char *prefix, ek_error *err) {
    for (size_t i = 0; i < f->graph->n_nodes; i++) {
        eki_node *node = f->graph->nodes[i];
        for (int k = 0; k < SPELLERS && own[k] != NULL; k++) {
            eki_site site = {.rank = -1, .channel_axis = -1};
            if (node->op_type == NULL || f->taken[node->id] || !own[k](f, node, &site)) continue;
            EKI_TRY(keep(sites, f, &site, prefix, err));
            break;
        }
    }
    return EK_OK;
}

/* In the order in which the graph makes their outputs; the passes found them kind by kind. */
static int by_place(const void *a, const void *b) {
    const eki_site *x = a, *y = b;
    int p = x->y->producer->id, q = y->y->producer->id;
    return (p > q) - (p < q);
}

static ek_status search(eki_sites *sites, const eki_finder *parent, eki_graph *graph, const char *prefix,
                        ek_error *err);

/* The graphs that the nodes have as attributes. */
static ek_status search_nested(eki_sites *sites, const eki_finder *f, const char *prefix, ek_error *err) {
    for (size_t i = 0; i < f->graph->n_nodes; i++) {
        const eki_node *node = f->graph->nodes[i];
        for (int k = 0; node->op_type != NULL && k < node->n_attr; k++) {
            const eki_attr *attr = &node->attrs[k];
            if (attr->type != EKI_ATTR_GRAPHS) continue;
            const char *at = NULL, *inner = NULL;
            EKI_TRY(joined(sites, prefix, eki_node_name(node), "/", &at, err));
            EKI_TRY(joined(sites, at, attr->name, "/", &inner, err));
            for (size_t g = 0; g < attr->count; g++) EKI_TRY(search(sites, f, attr->graphs[g], inner, err));
        }
    }
    return EK_OK;
}

static ek_status search_graph(eki_sites *sites, eki_finder *f, const char *prefix, ek_error *err) {
    size_t first = sites->count;
    EKI_TRY(eki_uses_create(f->graph, &f->uses, err));
    EKI_TRY(eki_extents_find(f, err));
    f->taken = eki_calloc(f->graph->n_nodes + 1, sizeof *f->taken);
    if (f->taken == NULL) return eki_fail_nomem(err, f->graph->n_nodes);
    for (int i = 0; i < PASSES; i++) EKI_TRY(pass(sites, f, spellers[i], prefix, err));
    if (sites->count > first) qsort(sites->items + first, sites->count - first, sizeof *sites->items, by_place);
    return search_nested(sites, f, prefix, err);
}

static ek_status search(eki_sites *sites, const eki_finder *parent, eki_graph *graph, const char *prefix,
                        ek_error *err) {
    eki_finder f = {.parent = parent, .constants = &sites->constants, .graph = graph};
    ek_status status = search_graph(sites, &f, prefix, err);
    eki_uses_free(&f.uses);
    free(f.extents);
    free(f.taken);
    return status;
}

static ek_status search_functions(eki_sites *sites, eki_graph *document, ek_error *err) {
    for (size_t i = 0; i < document->n_functions; i++) {
        const eki_function *function = &document->functions[i];
        const char *at = NULL, *inner = NULL;
        EKI_TRY(joined(sites, function->domain, ".", function->name, &at, err));
        EKI_TRY(joined(sites, at, "/", "", &inner, err));
        EKI_TRY(search(sites, NULL, function->body, inner, err));
    }
    return EK_OK;
}

ek_status eki_sites_find(eki_graph *document, eki_sites *sites, ek_error *err) {
    bool ended = false;
    *sites = (eki_sites){.constants = eki_constants_of(document)};
    sites->constants.ended = &ended;
    ek_status status = search(sites, NULL, document, "", err);
    if (status == EK_OK) status = search_functions(sites, document, err);
    if (status == EK_OK && ended) status = eki_fail_nomem(err, sizeof(double));
    sites->constants.ended = NULL;
    if (status != EK_OK) eki_sites_free(sites);
    return status;
}

ek_status eki_sites_around(eki_graph *graph, eki_sites *sites, ek_error *err) {
    while (graph->parent != NULL) graph = graph->parent;
    return eki_sites_find(graph, sites, err);
}

void eki_sites_free(eki_sites *sites) {
    free(sites->items);
    eki_arena_free(&sites->arena);
    *sites = (eki_sites){0};
}

const eki_site *eki_site_of(const eki_sites *sites, const eki_node *node) {
    for (size_t i = 0; i < sites->count; i++) {
        for (int k = 0; k < sites->items[i].n_nodes; k++) {
            if (sites->items[i].nodes[k] == node) return &sites->items[i];
        }
    }
    return NULL;
}
