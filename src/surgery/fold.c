/* fold.c: all folds of a model, on a view of its graph, and the report. */
#include "surgery/graph_places.h"
#include "surgery/literals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tensor that is another norm's too: the fold multiplies its numbers into weights, and the other norm keeps it. */
static ek_status say_shared(ek_edit_report *report, const eki_sites *sites, const eki_node *node, const char *name,
                            ek_error *err) {
    const eki_site *site = eki_site_of(sites, node);
    for (int role = EKI_SCALE; site != NULL && role < EKI_ROLES; role++) {
        size_t at = 0;
        eki_role other = EKI_SCALE;
        if (!eki_site_shares(sites, site, (eki_role)role, &at, &other)) continue;
        EKI_TRY(eki_report_append(report, name, err, "; its %s is one tensor with the %s of %s",
                                  eki_role_name((eki_role)role), eki_role_name(other), sites->items[at].path));
    }
    return EK_OK;
}

/* Every batch norm has a row, and a run of Mul, Div, Add, Sub where it folds without one. */
static bool has_row(const eki_chain *chain, const eki_node *node) {
    if (chain == NULL || node->op == EKI_OP_BatchNormalization) return chain != NULL;
    return !chain->has_norm && chain->nodes[0] == node && chain->kind != EKI_CHAIN_REFUSED;
}

static ek_status write_report(const eki_place *place, const eki_chains *chains, const eki_sites *sites,
                              ek_edit_report *report, ek_error *err) {
    const eki_graph *graph = place->graph;
    char name[512];
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        const eki_chain *chain = eki_chain_of(chains, node);
        if (!has_row(chain, node)) continue;
        bool folds = chain->kind != EKI_CHAIN_REFUSED;
        EKI_TRY(eki_report_add(report, eki_place_name(place, eki_node_name(node), name), folds, chain->text, err));
        if (folds) EKI_TRY(say_shared(report, sites, node, name, err));
    }
    return EK_OK;
}

/* The switches and counts of norms that are gone; those of nested graphs and functions have none. */
static ek_status forget_switches(eki_graph *graph, const eki_chain *chain, ek_error *err) {
    if (graph->parent != NULL || graph->is_function) return EK_OK;
    for (int i = 0; i < chain->length; i++) {
        char key[600];
        if (chain->nodes[i]->op != EKI_OP_BatchNormalization || chain->nodes[i]->out[0] == NULL) continue;
        (void)snprintf(key, sizeof key, "evenkeel.freeze.%.500s", chain->nodes[i]->out[0]->name);
        EKI_TRY(eki_graph_set_meta(graph, key, NULL, err));
        EKI_TRY(eki_updates_write(graph, chain->nodes[i]->out[0]->name, 0, err));
    }
    return EK_OK;
}

static ek_status apply(eki_graph *graph, const eki_chain *chain, ek_error *err) {
    eki_affine map;
    EKI_TRY(forget_switches(graph, chain, err));
    EKI_TRY(eki_affine_chain(graph, chain, &map, err));
    ek_status status = EK_OK;
    if (chain->kind == EKI_CHAIN_AFTER) status = eki_fold_after(graph, chain, &map, err);
    if (chain->kind == EKI_CHAIN_BEFORE) status = eki_fold_before(graph, chain, &map, err);
    if (chain->kind == EKI_CHAIN_JOIN) status = eki_fold_join(graph, chain, &map, err);
    eki_affine_free(&map);
    return status;
}

/* BEFORE last: it may put an Add behind a convolution that another chain folds into. */
static ek_status apply_all(eki_place *place, const eki_chains *chains, ek_error *err) {
    static const eki_chain_kind order[] = {EKI_CHAIN_AFTER, EKI_CHAIN_JOIN, EKI_CHAIN_BEFORE};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < chains->count; i++) {
            if (chains->items[i].kind != order[k]) continue;
            EKI_TRY(apply(place->graph, &chains->items[i], err));
            place->changed = true;
        }
    }
    return EK_OK;
}

static ek_status fold_place(eki_place *place, const eki_sites *sites, ek_edit_report *report, ek_error *err) {
    eki_chains chains;
    eki_literals literals;
    ek_status status = eki_literals_put(place->graph, &literals, err);
    if (status == EK_OK) status = eki_chains_find(place->graph, INT64_MAX, &chains, err);
    if (status == EK_OK) {
        status = write_report(place, &chains, sites, report, err);
        if (status == EK_OK) status = apply_all(place, &chains, err);
        eki_chains_free(&chains);
    }
    eki_literals_take(&literals);
    eki_graph_sweep(place->graph);
    return status;
}

/* Shapes are needed for the decisions only. */
static ek_status fold_view(const ek_model *model, eki_graph *view, ek_edit_report *report, ek_error *err) {
    eki_places places;
    eki_sites sites;
    EKI_TRY(eki_places_open(model, view, true, &places, err));
    ek_status status = eki_sites_find(view, &sites, err);
    if (status == EK_OK) {
        for (size_t i = 0; status == EK_OK && i < places.count; i++) {
            status = fold_place(&places.items[i], &sites, report, err);
        }
        eki_sites_free(&sites);
    }
    places.items[0].changed = true; /* it is sorted, whatever became of it */
    if (status == EK_OK) status = eki_places_close(&places, err);
    eki_places_free(&places);
    return status;
}

ek_status ek_fold(const ek_model *model, ek_model **folded, ek_edit_report **report, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(folded, err);
    EKI_GIVEN(report, err);
    eki_graph *view;
    *folded = NULL;
    *report = NULL;
    EKI_TRY(eki_model_wake(model, err));
    EKI_TRY(eki_graph_view(model->document, &view, err));
    ek_status status = eki_report_create(report, err);
    if (status == EK_OK) status = fold_view(model, view, *report, err);
    if (status == EK_OK) {
        status = eki_model_wrap(view, folded, err);
    } else {
        eki_graph_destroy(view);
    }
    if (status == EK_OK) return EK_OK;
    ek_edit_report_destroy(*report);
    *report = NULL;
    return status;
}
