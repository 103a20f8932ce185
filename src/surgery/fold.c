/* fold.c: all folds of a model, on a view of its graph, and the report. */
#include "surgery/surgery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *name_of(const eki_node *node) {
    return node->name[0] != '\0' || node->n_out == 0 || node->out[0] == NULL ? node->name : node->out[0]->name;
}

static ek_status write_report(const eki_graph *graph, const eki_sites *sites, ek_edit_report **report, ek_error *err) {
    EKI_TRY(eki_report_create(report, err));
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        const eki_site *site = node->op == EKI_OP_BatchNormalization ? eki_site_of(sites, node) : NULL;
        if (site == NULL) continue;
        EKI_TRY(eki_report_add(*report, name_of(node), site->kind != EKI_SITE_REFUSED, site->text, err));
    }
    return EK_OK;
}

/* The switches and counts of norms that are gone. */
static ek_status forget_switches(eki_graph *graph, const eki_site *site, ek_error *err) {
    for (int i = 0; i < site->length; i++) {
        char key[600];
        if (site->chain[i]->op != EKI_OP_BatchNormalization || site->chain[i]->out[0] == NULL) continue;
        (void)snprintf(key, sizeof key, "evenkeel.freeze.%.500s", site->chain[i]->out[0]->name);
        EKI_TRY(eki_meta_set(graph, key, NULL, err));
        EKI_TRY(eki_updates_write(graph, site->chain[i]->out[0]->name, 0, err));
    }
    return EK_OK;
}

static ek_status apply(eki_graph *graph, const eki_site *site, ek_error *err) {
    eki_affine map;
    EKI_TRY(forget_switches(graph, site, err));
    EKI_TRY(eki_affine_chain(graph, site, &map, err));
    ek_status status = EK_OK;
    if (site->kind == EKI_SITE_AFTER) status = eki_fold_after(graph, site, &map, err);
    if (site->kind == EKI_SITE_BEFORE) status = eki_fold_before(graph, site, &map, err);
    if (site->kind == EKI_SITE_JOIN) status = eki_fold_join(graph, site, &map, err);
    eki_affine_free(&map);
    return status;
}

/* BEFORE last: it may put an Add behind a convolution that another site folds into. */
static ek_status apply_all(eki_graph *graph, const eki_sites *sites, ek_error *err) {
    static const eki_site_kind order[] = {EKI_SITE_AFTER, EKI_SITE_JOIN, EKI_SITE_BEFORE};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < sites->count; i++) {
            if (sites->items[i].kind == order[k]) EKI_TRY(apply(graph, &sites->items[i], err));
        }
    }
    return EK_OK;
}

static ek_status fold_graph(eki_graph *graph, ek_edit_report **report, ek_error *err) {
    eki_sites sites;
    eki_uses uses;
    size_t values = graph->n_values;
    EKI_TRY(eki_sites_find(graph, &sites, err));
    ek_status status = eki_uses_create(graph, &uses, err);
    if (status == EK_OK) {
        status = write_report(graph, &sites, report, err);
        if (status == EK_OK) status = apply_all(graph, &sites, err);
        if (status == EK_OK) status = eki_edit_finish(graph, &uses, values, err);
        eki_uses_free(&uses);
    }
    eki_sites_free(&sites);
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
    EKI_TRY(eki_graph_view(model->graph, &view, err));
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
