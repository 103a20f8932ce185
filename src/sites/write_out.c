/* write_out.c: norms that are one node, written as the nodes that compute it, for runtimes that lack the operator. */
#include "sites/write_out.h"

#include "sites/float_types.h"

#include <math.h>
#include <stdlib.h>

typedef ek_status (*write_kind)(eki_writer *w, eki_value *x, eki_value **out);

static write_kind writer_of(eki_site_kind kind) {
    switch (kind) {
    case EKI_SITE_LAYER: return eki_write_layer;
    case EKI_SITE_RMS: return eki_write_rms;
    case EKI_SITE_INSTANCE: return eki_write_instance;
    case EKI_SITE_GROUP: return eki_write_group;
    case EKI_SITE_MEAN_VARIANCE: return eki_write_mean_variance;
    default: return NULL;
    }
}

/* The output that is the sum of x and what is added to it first; 0 = none. */
static int sum_output(const eki_site *site) {
    if (site->skip[0] == NULL) return 0;
    return site->kind == EKI_SITE_GROUP ? 1 : 3;
}

static bool is_read(const eki_writer *w, const eki_value *value) {
    return value != NULL && (value->is_output || w->uses.count[value->id] > 0);
}

static bool others_read(const eki_writer *w, const eki_site *site) {
    for (int i = 1; i < site->norm->n_out; i++) {
        if (i != sum_output(site) && is_read(w, site->norm->out[i])) return true;
    }
    return false;
}

static ek_dtype type_of(const eki_writer *w, const eki_site *site) {
    ek_dtype type = w->types[site->x->id];
    if (type == EK_DTYPE_NONE) type = w->types[site->y->id];
    const eki_value *scale = site->parameters[EKI_SCALE].value;
    return type == EK_DTYPE_NONE && scale != NULL ? w->types[scale->id] : type;
}

static const char *bad_axes(const eki_writer *w, const eki_site *site) {
    if (site->n_axes < 1) return "the rank of its input is not known";
    for (int i = 0; i < site->n_axes; i++) {
        bool behind =
            site->axes[i] < (site->rank < 0 ? -EKI_MAX_RANK : 0) || (site->rank >= 0 && site->axes[i] >= site->rank);
        if (behind) return "it has no such axis";
        if (site->axes[i] < 0 && w->opset < 11) return "the rank of its input is not known";
    }
    return NULL;
}

/* Scale and bias per channel. */
static const char *bad_channels(const eki_site *site) {
    if (site->rank < 2 || site->channels < 1) return "the rank or the channels of its input are not known";
    for (int role = EKI_SCALE; role <= EKI_BIAS; role++) {
        const eki_site_parameter *p = &site->parameters[role];
        if (p->value == NULL) return "it has no scale or bias";
        if (site->per_group && !p->constant) return "its scale or bias per group is no constant";
    }
    if (site->kind == EKI_SITE_GROUP && (site->groups < 1 || site->channels % site->groups != 0))
        return "its groups do not divide its channels";
    bool flat = site->skip[0] != NULL && (!site->channels_last || site->skip[0]->shape.rank != site->rank);
    return flat ? "what is added first does not have the shape of its input" : NULL;
}

static const char *why_not(eki_writer *w, const eki_site *site) {
    if (w->opset < 7) return "it would need opset 7";
    if (others_read(w, site)) return "its other outputs are read";
    if (!isfinite(site->epsilon)) return "its epsilon is not known";
    w->type = type_of(w, site);
    if (w->type == EK_DTYPE_NONE) return "the type of its input is not known";
    w->inner = w->type == EK_F64 ? EK_F64 : EK_F32;
    bool channels = site->kind == EKI_SITE_GROUP || site->kind == EKI_SITE_INSTANCE;
    const char *why = channels ? bad_channels(site) : NULL;
    return why != NULL || site->kind == EKI_SITE_GROUP ? why : bad_axes(w, site);
}

/* x, and what is added to it. */
static ek_status write_sum(eki_writer *w, eki_value **x) {
    const eki_site *site = w->site;
    int at = sum_output(site);
    for (int i = 0; i < 2; i++) {
        if (site->skip[i] != NULL) EKI_TRY(eki_write_op(w, EKI_OP_Add, "sum", *x, site->skip[i], x));
    }
    eki_value *sum = at > 0 && at < site->norm->n_out ? site->norm->out[at] : NULL;
    if (!is_read(w, sum)) return EK_OK;
    eki_write_as(*x, sum);
    *x = sum;
    return EK_OK;
}

static void drop_norm(const eki_site *site) {
    for (int i = 0; i < site->norm->n_out; i++) {
        eki_value *out = site->norm->out[i];
        if (out == NULL) continue;
        out->producer = NULL;
        if (i > 0 && i != sum_output(site)) out->declared = false;
    }
    eki_node_drop(site->norm);
}

static ek_status write_site(eki_writer *w, const eki_site *site) {
    eki_value *x = site->x, *out = NULL;
    const char *name = site->norm->name;
    w->site = site;
    drop_norm(site);
    EKI_TRY(write_sum(w, &x));
    EKI_TRY(writer_of(site->kind)(w, x, &out));
    eki_write_as(out, site->y);
    site->y->producer->name = name;
    return EK_OK;
}

static bool is_one_node(const eki_site *site) {
    return site->norm != NULL && site->spelling <= EKI_SPELL_CONTRIB && writer_of(site->kind) != NULL;
}

static ek_status write_found(eki_writer *w, const eki_write_out_options *options, size_t *count) {
    EKI_TRY(eki_uses_create(w->graph, &w->uses, w->err));
    EKI_TRY(eki_float_types(w->graph, &w->types, w->err));
    for (size_t i = 0; i < w->sites->count; i++) {
        const eki_site *site = &w->sites->items[i];
        if (site->graph != w->graph || !is_one_node(site) ||
            (options->wanted != NULL && !options->wanted(options->context, site)))
            continue;
        eki_site inner = eki_site_inner(site);
        const char *why = why_not(w, &inner);
        if (options->tell != NULL) EKI_TRY(options->tell(options->context, site, why, w->err));
        if (why != NULL) continue;
        EKI_TRY(write_site(w, &inner));
        ++*count;
    }
    eki_graph_sweep(w->graph);
    return EK_OK;
}

ek_status eki_sites_write_out(eki_graph *graph, const eki_write_out_options *options, size_t *count, ek_error *err) {
    eki_sites sites;
    *count = 0;
    EKI_TRY(eki_sites_around(graph, &sites, err));
    eki_writer w = {.graph = graph, .sites = &sites, .n_values = graph->n_values, .err = err};
    w.opset = options->opset != 0 ? options->opset : eki_graph_opset(graph, "");
    ek_status status = write_found(&w, options, count);
    eki_uses_free(&w.uses);
    free(w.types);
    eki_sites_free(&sites);
    return status;
}
