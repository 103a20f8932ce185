/* sites.c: chains of per-channel maps, and what can become of each: into the product before it, into those after it,
 * several norms into one, or nothing, with the reason. */
#include "surgery/surgery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct search {
    const eki_graph *graph;
    eki_uses uses;
    bool *taken; /* by node id */
    eki_sites *sites;
    ek_error *err;
} search;

/* Whether a node with this channel count can join; 0 fits everything. */
static bool joins(eki_site *site, int64_t channels) {
    if (channels != 0 && site->channels != 0 && channels != site->channels) return false;
    if (channels != 0) site->channels = channels;
    return true;
}

static void append(search *s, eki_site *site, eki_node *node) {
    site->chain[site->length++] = node;
    site->has_norm |= node->op == EKI_OP_BatchNormalization;
    s->taken[node->id] = true;
}

/* Where all are factors for all channels, those of the product before them: by its weights, which the file holds. What
 * it declares of shapes may be any number. */
static int64_t product_channels(const search *s, const eki_node *op) {
    eki_weight shape;
    if (op == NULL || !eki_is_product(op)) return 0;
    const eki_tensor *weight = eki_fixed(s->graph, op->in[1]);
    return weight != NULL && eki_weight_of(op, weight, &shape) ? shape.outputs : 0;
}

static void grow_chain(search *s, eki_site *site) {
    char why[EKI_SITE_TEXT];
    while (site->length < EKI_CHAIN_MAX) {
        const eki_value *out = site->chain[site->length - 1]->out[0];
        int64_t channels;
        if (out->is_output || s->uses.count[out->id] != 1) break;
        eki_node *next = s->uses.user[out->id];
        if (s->taken[next->id] || !eki_is_affine(s->graph, next, &channels, why)) break;
        if (eki_affine_input(s->graph, next) != out || !joins(site, channels)) break;
        append(s, site, next);
    }
    if (site->channels == 0) site->channels = product_channels(s, eki_affine_input(s->graph, site->chain[0])->producer);
}

static bool try_after(const search *s, eki_site *site, const eki_affine *map) {
    eki_node *op = eki_affine_input(s->graph, site->chain[0])->producer;
    char label[192];
    if (op == NULL || !eki_is_product(op)) return false;
    if (!site->has_norm && eki_is_op(op, EKI_OP_MatMul)) return false; /* its bias; it must stay */
    if (!eki_absorbs_after(s->graph, &s->uses, site, map, op, site->text)) return false;
    site->op = op;
    (void)snprintf(site->text, sizeof site->text, "into %s", eki_node_label(op, label));
    return true;
}

static bool try_before(const search *s, eki_site *site, const eki_affine *map) {
    const eki_value *out = site->chain[site->length - 1]->out[0];
    char why[EKI_SITE_TEXT] = "", label[192], first[192] = "";
    int readers = 0;
    if (!site->has_norm || out->is_output) return false;
    for (size_t i = 0; i < s->graph->n_nodes; i++) {
        eki_node *node = s->graph->nodes[i];
        bool reads = false;
        for (int k = 0; k < node->n_in; k++) reads |= node->in[k] == out;
        if (!reads) continue;
        if (!eki_is_product(node)) return false;
        bool fits = eki_absorbs_before(s->graph, out, map, node, why);
        if (!fits && site->text[0] == '\0') memcpy(site->text, why, sizeof why);
        if (!fits) return false;
        if (readers++ == 0) (void)eki_node_label(node, first);
    }
    if (readers == 0) return false;
    if (readers > 1) (void)snprintf(label, sizeof label, " and %d more", readers - 1);
    (void)snprintf(site->text, sizeof site->text, "into %s%s, which follows", first, readers > 1 ? label : "");
    return true;
}

static void explain(const search *s, eki_site *site) {
    const eki_value *in = eki_affine_input(s->graph, site->chain[0]), *out = site->chain[site->length - 1]->out[0];
    char before[192], after[192];
    if (site->text[0] != '\0') return;
    const eki_node *reader = s->uses.user[out->id];
    (void)snprintf(site->text, sizeof site->text,
                   "no convolution or product beside it: it reads %.120s and feeds %.120s",
                   in->producer == NULL ? "a graph input" : eki_node_label(in->producer, before),
                   reader == NULL ? "a graph output" : eki_node_label(reader, after));
}

static void join_text(const search *s, eki_site *site) {
    char why[EKI_SITE_TEXT];
    explain(s, site);
    memcpy(why, site->text, sizeof why);
    (void)snprintf(site->text, sizeof site->text, "%d nodes in a row into one norm, which stays: %.260s", site->length,
                   why);
}

static ek_status decide(const search *s, eki_site *site) {
    eki_affine map;
    EKI_TRY(eki_affine_chain(s->graph, site, &map, s->err));
    if (try_after(s, site, &map)) {
        site->kind = EKI_SITE_AFTER;
    } else if (try_before(s, site, &map)) {
        site->kind = EKI_SITE_BEFORE;
    } else if (site->has_norm && site->length > 1) {
        site->kind = EKI_SITE_JOIN;
        join_text(s, site);
    } else {
        explain(s, site);
    }
    eki_affine_free(&map);
    return EK_OK;
}

static ek_status visit(search *s, eki_node *node) {
    char why[EKI_SITE_TEXT];
    int64_t channels;
    bool norm = node->op == EKI_OP_BatchNormalization,
         affine = !s->taken[node->id] && eki_is_affine(s->graph, node, &channels, why);
    if (s->taken[node->id] || (!affine && !norm)) return EK_OK;
    if (!eki_grow((void **)&s->sites->items, &s->sites->room, s->sites->count + 1, sizeof(eki_site))) {
        return eki_fail_nomem(s->err, sizeof(eki_site));
    }
    eki_site *site = &s->sites->items[s->sites->count];
    *site = (eki_site){.channels = affine ? channels : 0};
    append(s, site, node);
    if (affine) {
        grow_chain(s, site);
        if (site->channels < 1) return EK_OK;
        EKI_TRY(decide(s, site));
    } else {
        memcpy(site->text, why, sizeof site->text);
    }
    /* Lone Mul and Add that nothing can take in are no business of ours. */
    if (site->has_norm || site->kind == EKI_SITE_AFTER) s->sites->count++;
    return EK_OK;
}

ek_status eki_sites_find(const eki_graph *graph, eki_sites *sites, ek_error *err) {
    search s = {.graph = graph, .sites = sites, .err = err};
    *sites = (eki_sites){0};
    EKI_TRY(eki_uses_create(graph, &s.uses, err));
    s.taken = calloc(graph->n_nodes + 1, sizeof *s.taken);
    ek_status status = s.taken == NULL ? eki_fail_nomem(err, graph->n_nodes + 1) : EK_OK;
    for (size_t i = 0; status == EK_OK && i < graph->n_nodes; i++) status = visit(&s, graph->nodes[i]);
    eki_uses_free(&s.uses);
    free(s.taken);
    if (status != EK_OK) eki_sites_free(sites);
    return status;
}

void eki_sites_free(eki_sites *sites) {
    free(sites->items);
    *sites = (eki_sites){0};
}

const eki_site *eki_site_of(const eki_sites *sites, const eki_node *node) {
    for (size_t i = 0; i < sites->count; i++) {
        for (int k = 0; k < sites->items[i].length; k++) {
            if (sites->items[i].chain[k] == node) return &sites->items[i];
        }
    }
    return NULL;
}
