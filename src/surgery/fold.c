/* fold.c: all folds of a model, on a view of its graph, and the report. */
#include "surgery/surgery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *name_of(const eki_node *node) {
    return node->name[0] != '\0' || node->n_out == 0 || node->out[0] == NULL ? node->name : node->out[0]->name;
}

static ek_status write_report(const eki_graph *graph, const eki_chains *chains, ek_edit_report **report,
                              ek_error *err) {
    EKI_TRY(eki_report_create(report, err));
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        const eki_chain *chain = node->op == EKI_OP_BatchNormalization ? eki_chain_of(chains, node) : NULL;
        if (chain == NULL) continue;
        EKI_TRY(eki_report_add(*report, name_of(node), chain->kind != EKI_CHAIN_REFUSED, chain->text, err));
    }
    return EK_OK;
}

/* The switches and counts of norms that are gone. */
static ek_status forget_switches(eki_graph *graph, const eki_chain *chain, ek_error *err) {
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
static ek_status apply_all(eki_graph *graph, const eki_chains *chains, ek_error *err) {
    static const eki_chain_kind order[] = {EKI_CHAIN_AFTER, EKI_CHAIN_JOIN, EKI_CHAIN_BEFORE};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < chains->count; i++) {
            if (chains->items[i].kind == order[k]) EKI_TRY(apply(graph, &chains->items[i], err));
        }
    }
    return EK_OK;
}

static ek_status fold_graph(eki_graph *graph, ek_edit_report **report, ek_error *err) {
    eki_chains chains;
    eki_uses uses;
    size_t values = graph->n_values;
    EKI_TRY(eki_chains_find(graph, INT64_MAX, &chains, err));
    ek_status status = eki_uses_create(graph, &uses, err);
    if (status == EK_OK) {
        status = write_report(graph, &chains, report, err);
        if (status == EK_OK) status = apply_all(graph, &chains, err);
        if (status == EK_OK) status = eki_edit_finish(graph, &uses, values, err);
        eki_uses_free(&uses);
    }
    eki_chains_free(&chains);
    return status;
}

/* Shapes are needed for the decisions only. */
static ek_status fold_view(eki_graph *view, ek_edit_report **report, ek_error *err) {
    eki_declared *declared;
    EKI_TRY(eki_declared_keep(view, &declared, err));
    ek_status status = eki_graph_sort(view, err);
    if (status == EK_OK) status = eki_graph_infer(view, NULL, err);
    if (status == EK_OK) status = fold_graph(view, report, err);
    eki_declared_restore(view, declared);
    return status;
}

ek_status ek_fold(const ek_model *model, ek_model **folded, ek_edit_report **report, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(folded, err);
    EKI_GIVEN(report, err);
    eki_graph *view;
    *folded = NULL;
    *report = NULL;
    EKI_TRY(eki_graph_view(model->document, &view, err));
    ek_status status = fold_view(view, report, err);
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
