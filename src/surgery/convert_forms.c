/* convert_forms.c: the same norms in another form: written out or one node, with tensors of their own. */
#include "surgery/convert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A site by the names that `inspect` and Netron show. */
static bool is_wanted(void *context, const eki_site *site) {
    const eki_converter *c = context;
    const eki_value *scale = site->parameters[EKI_SCALE].value;
    const char *glob = c->options->pattern;
    char path[512];
    return eki_glob_matches(glob, site->name, site->y->name, scale == NULL ? "" : scale->name) ||
           eki_glob_matches(glob, site->path, site->y->name, "") ||
           eki_glob_matches(glob, eki_place_name(c->place, site->name, path), site->y->name, "");
}

static ek_status tell_fused(void *context, const eki_site *site, eki_opcode op, int64_t opset, const char *why,
                            ek_error *err) {
    const eki_converter *c = context;
    char text[EKI_CHAIN_TEXT];
    if (opset != 0) {
        const eki_graph *root = c->graph;
        while (root->parent != NULL) root = root->parent;
        (void)snprintf(text, sizeof text, "opset %" PRId64 " has no %s; %s %" PRId64 "%s",
                       eki_graph_opset(c->graph, ""), eki_op_name(op),
                       root->is_function ? "the function's own is older than" : "add --opset", opset,
                       root->is_function ? "" : ", which raises the model to where it is");
    } else {
        (void)snprintf(text, sizeof text, "%s%s", why != NULL ? why : "one ", why != NULL ? "" : eki_op_name(op));
    }
    (void)err;
    return eki_convert_row(c, site->name, why == NULL && opset == 0, text);
}

/* That the nodes are to be of: the graph's, or a lower one that is asked for. */
static int64_t opset_of(const eki_converter *c) {
    int64_t own = eki_graph_opset(c->graph, ""), asked = c->options->opset;
    const eki_graph *root = c->graph;
    while (root->parent != NULL) root = root->parent;
    if (root->is_function) return own;
    return asked >= EKI_OPSET_MIN && asked < own ? asked : own;
}

static ek_status tell_written(void *context, const eki_site *site, const char *why, ek_error *err) {
    const eki_converter *c = context;
    char text[EKI_CHAIN_TEXT];
    (void)snprintf(text, sizeof text, "%s as nodes of opset %" PRId64, site->norm->op_type, opset_of(c));
    (void)err;
    return eki_convert_row(c, site->name, why == NULL, why != NULL ? why : text);
}

/* Norms that are in the wanted form already, where there is none in another. */
static ek_status tell_already(eki_converter *c, bool written) {
    eki_sites sites;
    EKI_TRY(eki_sites_find(c->graph, &sites, c->err));
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < sites.count; i++) {
        const eki_site *site = &sites.items[i];
        bool one = site->norm != NULL && site->spelling <= EKI_SPELL_CONTRIB;
        if (site->kind > EKI_SITE_INSTANCE || one == written || !is_wanted(c, site)) continue;
        status = eki_report_add(c->report, site->path, false, written ? "it is written out" : "it is one node", c->err);
        if (status == EK_OK) eki_report_already(c->report);
    }
    eki_sites_free(&sites);
    if (status != EK_OK || ek_edit_report_count(c->report) > 0) return status;
    return eki_fail(c->err, EK_ERR_ARG, "no norm that is %s matches '%s'; evenkeel inspect lists them",
                    written ? "a layer, RMS, instance or group norm" : "written out", c->options->pattern);
}

static ek_status fuse(eki_converter *c) {
    eki_fuse_options options = {.kinds = EKI_FUSE_ALL,
                                .new_parameters = true,
                                .casts = true,
                                .wanted = is_wanted,
                                .tell = tell_fused,
                                .context = c};
    int64_t needed;
    return eki_sites_fuse(c->graph, &options, &needed, c->err);
}

/* A lower opset can be declared when no norm is left that it lacks; all else was looked at before. */
static ek_status declare(eki_converter *c, int64_t opset) {
    char label[192];
    if (opset == eki_graph_opset(c->graph, "")) return EK_OK;
    for (size_t i = 0; i < c->graph->n_nodes; i++) {
        const eki_node *node = c->graph->nodes[i];
        bool lacks = eki_op_has(node->op, EKI_NORM) && eki_op_since(node->op) > opset;
        lacks |= node->op == EKI_OP_GroupNormalization && opset < EKI_OPSET_GROUP;
        if (!lacks) continue;
        return eki_fail(c->err, EK_ERR_UNSUPPORTED, "%s stays one node, which opset %" PRId64 " does not have",
                        eki_node_label(node, label), opset);
    }
    return eki_opset_declare(c->graph, opset, c->err);
}

static ek_status write_out(eki_converter *c) {
    int64_t opset = opset_of(c);
    eki_write_out_options options = {.wanted = is_wanted, .tell = tell_written, .opset = opset, .context = c};
    size_t count;
    return eki_sites_write_out(c->graph, &options, &count, c->err);
}

/* Shapes are known where they can be: a graph that cannot run here is rewritten by what its file declares. */
ek_status eki_convert_forms(eki_converter *c) {
    const ek_convert_options *o = c->options;
    if (!o->fuse && !o->spell_out) return EK_OK;
    eki_graph_sweep(c->graph);
    EKI_TRY(eki_graph_sort(c->graph, c->err));
    return o->fuse ? fuse(c) : write_out(c);
}

ek_status eki_convert_forms_end(eki_converter *c, size_t rows) {
    const ek_convert_options *o = c->options;
    if (!o->fuse && !o->spell_out) return EK_OK;
    if (ek_edit_report_count(c->report) == rows) EKI_TRY(tell_already(c, o->spell_out));
    return o->spell_out ? declare(c, opset_of(c)) : EK_OK;
}
