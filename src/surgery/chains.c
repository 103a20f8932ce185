/* chains.c: chains of per-channel maps, and what can become of each: into the product before it, into those after it,
 * several norms into one, or nothing, with the reason. */
#include "surgery/surgery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct search {
    const eki_graph *graph;
    eki_uses uses;
    bool *taken; /* by node id */
    eki_chains *chains;
    int64_t *left; /* numbers of weights that may be read */
    ek_error *err;
} search;

/* Whether a node with this channel count can join; 0 fits everything. */
static bool joins(eki_chain *chain, int64_t channels) {
    if (channels != 0 && chain->channels != 0 && channels != chain->channels) return false;
    if (channels != 0) chain->channels = channels;
    return true;
}

static void append(search *s, eki_chain *chain, eki_node *node) {
    chain->nodes[chain->length++] = node;
    chain->has_norm |= node->op == EKI_OP_BatchNormalization;
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

static void grow_chain(search *s, eki_chain *chain) {
    char why[EKI_CHAIN_TEXT];
    while (chain->length < EKI_CHAIN_MAX) {
        const eki_value *out = chain->nodes[chain->length - 1]->out[0];
        int64_t channels;
        if (out->is_output || s->uses.count[out->id] != 1) break;
        eki_node *next = s->uses.user[out->id];
        if (next == NULL || s->taken[next->id] || !eki_is_affine(s->graph, next, &channels, why)) break;
        if (eki_affine_input(s->graph, next) != out || !joins(chain, channels)) break;
        append(s, chain, next);
    }
    if (chain->channels == 0)
        chain->channels = product_channels(s, eki_affine_input(s->graph, chain->nodes[0])->producer);
}

static bool scales(const eki_affine *map) {
    for (int64_t c = 0; c < map->channels; c++) {
        if (map->a[c] != 1.0) return true;
    }
    return false;
}

static bool try_after(const search *s, eki_chain *chain, const eki_affine *map) {
    eki_node *op = eki_affine_input(s->graph, chain->nodes[0])->producer;
    char label[192];
    if (op == NULL || !eki_is_product(op)) return false;
    bool bias = !chain->has_norm && !scales(map); /* of a MatMul: it must stay */
    if (bias && eki_is_op(op, EKI_OP_MatMul)) return false;
    if (!eki_absorbs_after(s->graph, &s->uses, chain, map, op, s->left, chain->text)) return false;
    chain->op = op;
    (void)snprintf(chain->text, sizeof chain->text, "into %s", eki_node_label(op, label));
    return true;
}

/* Who reads a value: the products that could take a map in, and the first reader that cannot. */
typedef struct readers {
    int products;
    eki_node *first; /* of the products */
    char other[224]; /* "node 'x' (Add)", or "" */
} readers;

static readers readers_of(const search *s, const eki_value *value) {
    readers r = {0};
    char label[192];
    for (size_t i = 0; i < s->graph->n_nodes; i++) {
        eki_node *node = s->graph->nodes[i];
        bool reads = false, nested = false;
        for (int k = 0; k < node->n_in; k++) reads |= node->in[k] == value;
        for (int k = 0; k < node->n_captures; k++) nested |= node->captures[k] == value;
        bool takes = reads && !nested && eki_is_product(node);
        if (takes && r.products++ == 0) r.first = node;
        if ((reads || nested) && !takes && r.other[0] == '\0')
            (void)snprintf(r.other, sizeof r.other, "%s%s", reads ? "" : "a graph inside ",
                           eki_node_label(node, label));
    }
    return r;
}

static bool all_take(const search *s, eki_chain *chain, const eki_value *value, const eki_affine *map) {
    char why[EKI_CHAIN_TEXT] = "";
    for (size_t i = 0; i < s->graph->n_nodes; i++) {
        eki_node *node = s->graph->nodes[i];
        bool reads = false;
        for (int k = 0; k < node->n_in; k++) reads |= node->in[k] == value;
        if (!reads || eki_absorbs_before(s->graph, value, map, node, s->left, why)) continue;
        if (chain->text[0] == '\0') memcpy(chain->text, why, sizeof why);
        return false;
    }
    return true;
}

static bool try_before(const search *s, eki_chain *chain, const eki_affine *map) {
    const eki_value *out = chain->nodes[chain->length - 1]->out[0];
    char more[32] = "", first[192];
    if (!chain->has_norm) return false;
    readers r = readers_of(s, out);
    if (r.products == 0) return false;
    (void)eki_node_label(r.first, first);
    if (chain->text[0] == '\0' && out->is_output)
        (void)snprintf(chain->text, sizeof chain->text,
                       "its output, which %s could take in, is also an output of the graph", first);
    else if (chain->text[0] == '\0' && r.other[0] != '\0')
        (void)snprintf(chain->text, sizeof chain->text, "its output, which %.180s could take in, is also read by %s",
                       first, r.other);
    if (out->is_output || r.other[0] != '\0') return false;
    if (!all_take(s, chain, out, map)) return false;
    if (r.products > 1) (void)snprintf(more, sizeof more, " and %d more", r.products - 1);
    (void)snprintf(chain->text, sizeof chain->text, "into %s%s, which follows", first, more);
    return true;
}

static void explain(const search *s, eki_chain *chain) {
    const eki_value *in = eki_affine_input(s->graph, chain->nodes[0]), *out = chain->nodes[chain->length - 1]->out[0];
    char before[192];
    if (chain->text[0] != '\0') return;
    readers r = readers_of(s, out);
    (void)snprintf(chain->text, sizeof chain->text,
                   "no convolution or product beside it: it reads %.120s and feeds %.120s",
                   in->producer == NULL ? "a graph input" : eki_node_label(in->producer, before),
                   out->is_output       ? "a graph output"
                   : r.other[0] != '\0' ? r.other
                                        : "nothing");
}

static void join_text(const search *s, eki_chain *chain) {
    char why[EKI_CHAIN_TEXT];
    explain(s, chain);
    memcpy(why, chain->text, sizeof why);
    (void)snprintf(chain->text, sizeof chain->text, "%d nodes in a row into one norm, which stays: %.260s",
                   chain->length, why);
}

static ek_status decide(const search *s, eki_chain *chain) {
    eki_affine map;
    EKI_TRY(eki_affine_chain(s->graph, chain, &map, s->err));
    if (try_after(s, chain, &map)) {
        chain->kind = EKI_CHAIN_AFTER;
    } else if (try_before(s, chain, &map)) {
        chain->kind = EKI_CHAIN_BEFORE;
    } else if (chain->has_norm && chain->length > 1 && eki_joins_finite(s->graph, chain, &map)) {
        chain->kind = EKI_CHAIN_JOIN;
        join_text(s, chain);
    } else {
        explain(s, chain);
    }
    eki_affine_free(&map);
    return EK_OK;
}

static ek_status visit(search *s, eki_node *node) {
    char why[EKI_CHAIN_TEXT];
    int64_t channels;
    bool norm = node->op == EKI_OP_BatchNormalization,
         affine = !s->taken[node->id] && eki_is_affine(s->graph, node, &channels, why);
    if (s->taken[node->id] || (!affine && !norm)) return EK_OK;
    if (!eki_grow((void **)&s->chains->items, &s->chains->room, s->chains->count + 1, sizeof(eki_chain))) {
        return eki_fail_nomem(s->err, sizeof(eki_chain));
    }
    eki_chain *chain = &s->chains->items[s->chains->count];
    *chain = (eki_chain){.channels = affine ? channels : 0};
    append(s, chain, node);
    if (affine) {
        grow_chain(s, chain);
        if (chain->channels < 1) return EK_OK;
        EKI_TRY(decide(s, chain));
    } else {
        memcpy(chain->text, why, sizeof chain->text);
    }
    /* Lone Mul and Add that nothing can take in are no business of ours. */
    if (chain->has_norm || chain->kind == EKI_CHAIN_AFTER) s->chains->count++;
    return EK_OK;
}

ek_status eki_chains_find(const eki_graph *graph, int64_t numbers, eki_chains *chains, ek_error *err) {
    search s = {.graph = graph, .chains = chains, .left = &numbers, .err = err};
    *chains = (eki_chains){0};
    EKI_TRY(eki_uses_create(graph, &s.uses, err));
    s.taken = eki_calloc(graph->n_nodes + 1, sizeof *s.taken);
    ek_status status = s.taken == NULL ? eki_fail_nomem(err, graph->n_nodes + 1) : EK_OK;
    for (size_t i = 0; status == EK_OK && i < graph->n_nodes; i++) status = visit(&s, graph->nodes[i]);
    eki_uses_free(&s.uses);
    free(s.taken);
    if (status != EK_OK) eki_chains_free(chains);
    return status;
}

void eki_chains_free(eki_chains *chains) {
    free(chains->items);
    *chains = (eki_chains){0};
}

const eki_chain *eki_chain_of(const eki_chains *chains, const eki_node *node) {
    for (size_t i = 0; i < chains->count; i++) {
        for (int k = 0; k < chains->items[i].length; k++) {
            if (chains->items[i].nodes[k] == node) return &chains->items[i];
        }
    }
    return NULL;
}
