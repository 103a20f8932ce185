/* convert_model.c: norms of one kind into norms of another, and repairs of norms, on a view of the graph. */
#include "model/select.h"
#include "sites/sites.h"
#include "surgery/convert.h"
#include "surgery/raise_opset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ek_convert_options ek_convert_options_default(void) {
    return (ek_convert_options){.struct_size = sizeof(ek_convert_options), .pattern = "*", .groups = 8};
}

/* Calls `each` for every norm that the pattern means. */
static ek_status for_norms(eki_converter *c, const ek_model *model,
                           ek_status (*each)(eki_converter *, eki_node *, const ek_model_norm *), size_t *found) {
    bool *chosen = eki_calloc(model->n_norms + 1, sizeof *chosen);
    if (chosen == NULL) return eki_fail_nomem(c->err, model->n_norms);
    ek_status status = eki_select_norms(model, c->options->pattern, chosen, c->err);
    *found = 0;
    for (size_t i = 0; status == EK_OK && i < model->n_norms; i++) {
        const ek_model_norm *info = &model->norms[i].info;
        /* Those of functions are changed where they stand. */
        bool own = info->output[0] != '\0' && eki_model_norm_node(model, i) != NULL;
        eki_value *out = own ? eki_graph_find(c->graph, info->output) : NULL;
        if (!chosen[i]) continue;
        *found += own;
        if (out != NULL && out->producer != NULL) status = each(c, out->producer, info);
    }
    free(chosen);
    return status;
}

static ek_status convert_norms(eki_converter *c, const ek_model *model) {
    if (c->options->norm == EK_TO_KEEP) return EK_OK;
    return for_norms(c, model, eki_convert_norm, &c->found);
}

static ek_status check_found(const eki_converter *c) {
    if (c->options->norm == EK_TO_KEEP) return EK_OK;
    /* A Mul and an Add may be meant. */
    if (c->found > 0 || c->options->norm == EK_TO_BATCH || strcmp(c->options->pattern, "*") == 0) return EK_OK;
    return eki_fail(c->err, EK_ERR_ARG, "no norm matches '%s'; evenkeel inspect lists them", c->options->pattern);
}

/* Norms that a lower opset lacks, written out for it. */
static ek_status put_lower(const eki_converter *c) {
    EKI_TRY(eki_opset_check(c->graph, c->options->opset, NULL, c->err));
    EKI_TRY(eki_lower_norms(c->graph, c->options->opset, c->err));
    return eki_opset_declare(c->graph, c->options->opset, c->err);
}

/* Repairs first, by the rules of the file's opset; then the opset. */
static ek_status repair(eki_converter *c, const ek_model *model) {
    size_t found;
    EKI_TRY(for_norms(c, model, eki_repair_norm, &found));
    if (c->options->opset == 0) return EK_OK;
    char text[64];
    int64_t own = eki_graph_opset(c->graph, "");
    bool lower = c->options->opset < own && c->options->opset >= EKI_OPSET_MIN;
    (void)snprintf(text, sizeof text, "opset %d", c->options->opset);
    if (lower && c->options->spell_out) /* which declares it, as nothing needs lowering then */
        return eki_opset_check(c->graph, c->options->opset, NULL, c->err);
    if (lower) EKI_TRY(put_lower(c));
    if (!lower) EKI_TRY(eki_opset_raise(c->graph, c->options->opset, c->err));
    if (own != c->options->opset) EKI_TRY(eki_report_add(c->report, "model", true, text, c->err));
    EKI_TRY(eki_graph_set_meta(c->graph, EKI_META_OPSET, NULL, c->err));
    return eki_graph_infer(c->graph, NULL, c->err);
}

/* The scale and bias of a norm that is written out are no norm of their own. */
static bool is_part(const eki_sites *sites, const eki_node *node) {
    const eki_site *site = eki_site_of(sites, node);
    return site != NULL && site->kind != EKI_SITE_AFFINE;
}

ek_status eki_convert_all_frozen(eki_converter *c) {
    eki_uses uses;
    eki_sites sites;
    size_t nodes = c->graph->n_nodes;
    EKI_TRY(eki_sites_around(c->graph, &sites, c->err));
    ek_status status = eki_uses_create(c->graph, &uses, c->err);
    for (size_t i = 0; status == EK_OK && i < nodes; i++) {
        eki_node *node = c->graph->nodes[i];
        if (node->op_type == NULL || node->n_out < 1 || node->out[0] == NULL || is_part(&sites, node)) continue;
        if (!eki_glob_matches(c->options->pattern, node->name, node->out[0]->name, "")) continue;
        status = eki_convert_frozen(c, &uses, node);
    }
    eki_uses_free(&uses);
    eki_sites_free(&sites);
    return status;
}

/* The document's own graph. */
static ek_status edit(eki_converter *c, const ek_model *model) {
    if (c->options->norm != EK_TO_KEEP) EKI_TRY(eki_convert_written(c, model));
    EKI_TRY(repair(c, model));
    c->native = eki_graph_opset(c->graph, "") >= EKI_OPSET_GROUP; /* else it is written as a subgraph */
    EKI_TRY(convert_norms(c, model));
    if (c->options->norm == EK_TO_BATCH) EKI_TRY(eki_convert_all_frozen(c));
    if (!c->native) EKI_TRY(eki_lower_norms(c->graph, eki_graph_opset(c->graph, ""), c->err));
    return eki_convert_forms(c);
}

static ek_status edit_places(eki_converter *c, const ek_model *model, eki_places *places) {
    size_t before = ek_edit_report_count(c->report), rows = 0;
    c->place = &places->items[0];
    EKI_TRY(edit(c, model));
    for (size_t i = 1; i < places->count; i++) EKI_TRY(eki_convert_place(c, &places->items[i]));
    c->place = &places->items[0];
    c->graph = c->place->graph;
    places->items[0].changed = true; /* by repairs and moves too, which leave no rows */
    EKI_TRY(check_found(c));
    for (size_t i = before; i < ek_edit_report_count(c->report); i++)
        rows += strcmp(ek_edit_report_row(c->report, i)->norm, "model") == 0;
    EKI_TRY(eki_convert_forms_end(c, before + rows));
    EKI_TRY(eki_convert_untie(c, places));
    return eki_places_close(places, c->err);
}

/* Whether only the form of norms changes, for which what the file declares of shapes may do. */
static bool only_forms(const ek_convert_options *o) {
    return o->norm == EK_TO_KEEP && o->opset == 0 && !o->inference && !o->from_torch;
}

static ek_status edit_view(eki_converter *c, const ek_model *model) {
    eki_places places;
    eki_graph *view = c->graph;
    EKI_TRY(eki_places_open(model, c->graph, !only_forms(c->options), &places, c->err));
    ek_status status = edit_places(c, model, &places);
    eki_places_free(&places);
    c->place = NULL;
    c->graph = view;
    return status;
}

static ek_status check(const ek_convert_options *o, ek_error *err) {
    bool forms = o->fuse || o->spell_out || o->untie, anything = forms || !only_forms(o);
    if (o->groups < 1 || o->torch_batch < 0 || o->batch < 0) {
        return eki_fail(err, EK_ERR_ARG, "groups = %lld must be at least 1; torch_batch and batch must not be negative",
                        (long long)o->groups);
    }
    if (o->fuse && o->spell_out) {
        return eki_fail(err, EK_ERR_ARG, "fuse makes one node of a norm and spell_out several: ask for one of them");
    }
    if (anything) return EK_OK;
    return eki_fail(err, EK_ERR_ARG,
                    "nothing to do: neither a kind or form of norm, nor an opset, nor a repair was asked for");
}

ek_status eki_convert(ek_model *model, const ek_convert_options *options, const eki_examples *examples,
                      ek_model **converted, ek_edit_report **report, double *drift, ek_error *err) {
    *converted = NULL;
    *report = NULL;
    eki_converter c = {.options = options, .model = model, .examples = examples, .drift = -1, .err = err};
    EKI_TRY(check(options, err));
    if (!only_forms(options) || options->untie) EKI_TRY(eki_model_wake(model, err));
    EKI_TRY(eki_graph_view(model->document, &c.graph, err));
    ek_status status = eki_report_create(&c.report, err);
    if (status == EK_OK) status = edit_view(&c, model);
    if (status == EK_OK) {
        status = eki_model_wrap(c.graph, converted, err);
    } else {
        eki_graph_destroy(c.graph);
    }
    bool fits = examples != NULL && options->norm != EK_TO_KEEP;
    if (status == EK_OK && fits) status = eki_convert_fit(&c, model, *converted);
    eki_arena_free(&c.arena);
    free(c.items);
    if (drift != NULL) *drift = c.drift;
    if (status == EK_OK) {
        *report = c.report;
        return EK_OK;
    }
    ek_edit_report_destroy(c.report);
    ek_model_destroy(*converted);
    *converted = NULL;
    return status;
}
