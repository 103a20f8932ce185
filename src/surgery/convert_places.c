/* convert_places.c: what is asked of norms, in nested graphs and functions: by the sites, as no program runs them
 * alone.
 */
#include "model/select.h"
#include "surgery/convert.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a norm of the program is a copy of that with this output, in the function at hand. */
static bool is_copy(const eki_converter *c, const eki_norm_ref *ref, const char *output) {
    const eki_value *body = ref->node->out[0] != NULL ? ref->node->out[0]->body : NULL;
    const eki_graph *document = c->model->document;
    char path[512];
    if (body == NULL || strcmp(body->name, output) != 0) return false;
    for (size_t i = 0; i < document->n_functions; i++) {
        const eki_function *f = &document->functions[i];
        bool own = (size_t)body->id < f->body->n_values && f->body->values[body->id] == body;
        (void)snprintf(path, sizeof path, "%.200s.%.200s/", f->domain, f->name);
        if (own) return strcmp(path, c->place->path) == 0;
    }
    return false;
}

/* By the names that it has in its graph, by its path, and in a function by those that its calls have. */
static bool is_meant(const eki_converter *c, const ek_model_norm *info) {
    const char *glob = c->options->pattern;
    char path[512];
    if (eki_norm_matches(glob, info) || fnmatch(glob, info->path, 0) == 0) return true;
    if (fnmatch(glob, eki_place_name(c->place, info->path, path), 0) == 0) return true;
    for (size_t i = 0; c->graph->is_function && i < c->model->n_norms; i++) {
        const eki_norm_ref *ref = &c->model->norms[i];
        if (eki_norm_matches(glob, &ref->info) && is_copy(c, ref, info->output)) return true;
    }
    return false;
}

static bool is_one_node(const eki_site *site) {
    return site->norm != NULL && site->spelling == EKI_SPELL_OPERATOR && site->norm->n_out > 0 &&
           site->y == site->norm->out[0] && eki_op_has(site->norm->op, EKI_NORM);
}

static ek_status change_site(eki_converter *c, const eki_site *site, const ek_model_norm *info) {
    const char *name = info->node[0] != '\0' ? info->node : info->output;
    bool one = is_one_node(site);
    if (one) EKI_TRY(eki_repair_norm(c, site->norm, info));
    if (c->options->norm == EK_TO_KEEP) return EK_OK;
    c->found++;
    if (one) return eki_convert_norm(c, site->norm, info);
    return eki_convert_row(c, name, false, "it is no norm operator by itself; convert --fuse makes it one first");
}

static ek_status change_sites(eki_converter *c) {
    eki_sites sites;
    EKI_TRY(eki_sites_around(c->graph, &sites, c->err));
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < sites.count; i++) {
        const eki_site *site = &sites.items[i];
        ek_model_norm info;
        if (site->graph != c->graph || !eki_site_as_norm(site, &info) || !is_meant(c, &info)) continue;
        status = change_site(c, site, &info);
    }
    eki_sites_free(&sites);
    return status;
}

static size_t changes_of(const eki_converter *c) {
    size_t changes = 0;
    for (size_t i = 0; i < ek_edit_report_count(c->report); i++)
        changes += ek_edit_report_row(c->report, i)->changed != 0;
    return changes;
}

ek_status eki_convert_place(eki_converter *c, eki_place *place) {
    const ek_convert_options *o = c->options;
    size_t before = changes_of(c);
    c->place = place;
    c->graph = place->graph;
    c->native = eki_graph_opset(c->graph, "") >= EKI_OPSET_GROUP;
    if (o->norm != EK_TO_KEEP || o->inference || o->from_torch) EKI_TRY(change_sites(c));
    if (o->norm == EK_TO_BATCH) EKI_TRY(eki_convert_all_frozen(c));
    if (!c->native && o->norm != EK_TO_KEEP) EKI_TRY(eki_lower_norms(c->graph, eki_graph_opset(c->graph, ""), c->err));
    EKI_TRY(eki_convert_forms(c));
    place->changed = changes_of(c) > before;
    return EK_OK;
}
