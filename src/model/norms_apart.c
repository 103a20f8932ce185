/* norms_apart.c: norms of the document that are no norms of the program: those in nested graphs and in functions that
 * nothing calls, and those that stay as they are written. The program does not run them by themselves.
 */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

/* MeanVarianceNormalization is the norm that has statistics over its axes, but for where epsilon stands. */
static bool kind_by_axes(const eki_site *site, ek_norm_kind *kind) {
    unsigned over = 0, all = site->rank > 0 ? (1U << site->rank) - 1 : 0;
    for (int i = 0; i < site->n_axes; i++) over |= 1U << (site->axes[i] & 31);
    bool space = all != 0 && (over | 3U) == all && (over & 2U) == 0;
    *kind = !space ? EK_NORM_LAYER : (over & 1U) != 0 ? EK_NORM_BATCH : EK_NORM_INSTANCE;
    return true;
}

static bool kind_of(const eki_site *site, ek_norm_kind *kind) {
    switch (site->kind) {
    case EKI_SITE_MEAN_VARIANCE: return kind_by_axes(site, kind);
    case EKI_SITE_BATCH: *kind = EK_NORM_BATCH; return true;
    case EKI_SITE_LAYER: *kind = EK_NORM_LAYER; return true;
    case EKI_SITE_RMS: *kind = EK_NORM_RMS; return true;
    case EKI_SITE_GROUP: *kind = EK_NORM_GROUP; return true;
    case EKI_SITE_INSTANCE: *kind = EK_NORM_INSTANCE; return true;
    default: return false;
    }
}

/* The value by which metadata and programs know the norm. */
static const eki_value *output_of(const eki_site *site) {
    bool is_operator = site->norm != NULL && site->spelling <= EKI_SPELL_CONTRIB;
    return is_operator ? site->norm->out[0] : site->y;
}

int64_t eki_model_norm_at(const ek_model *model, const eki_site *site) {
    for (size_t i = 0; i < model->n_apart; i++) {
        if (model->apart[i].site == site) return (int64_t)(model->n_norms + i);
    }
    if (site->graph != model->document) return -1;
    for (size_t i = 0; i < model->n_norms; i++) {
        if (strcmp(model->norms[i].info.output, output_of(site)->name) == 0) return (int64_t)i;
    }
    return -1;
}

/* Whether it stands in a function that the program has in place of its calls, each with a norm of its own. */
static bool is_inlined(const ek_model *model, const eki_site *site) {
    const eki_value *out = output_of(site);
    for (size_t i = 0; site->graph->is_function && i < model->n_norms; i++) {
        const eki_node *node = model->norms[i].node;
        if (node->n_out > 0 && node->out[0] != NULL && node->out[0]->body == out) return true;
    }
    return false;
}

/* The initializer behind a parameter, which may be one of a graph around. */
static const char *parameter_name(const eki_site *site, eki_role role) {
    const eki_value *from = site->parameters[role].source.value;
    return from != NULL && from->init != NULL ? from->name : "";
}

static int64_t channels_of(const eki_site *site) {
    int64_t count = 0;
    if (site->channels > 0) return site->channels;
    if (site->kind == EKI_SITE_MEAN_VARIANCE) {
        const eki_shape *x = &site->x->shape;
        return x->rank > 1 && x->dims[1] > 0 ? x->dims[1] : 0;
    }
    return eki_shape_count(&site->parameters[EKI_SCALE].shape, &count) ? count : 0;
}

static ek_model_norm describe(const eki_site *site, ek_norm_kind kind) {
    const eki_value *out = output_of(site);
    return (ek_model_norm){.kind = kind,
                           .node = out->producer->name,
                           .output = out->name,
                           .scale = parameter_name(site, EKI_SCALE),
                           .bias = parameter_name(site, EKI_BIAS),
                           .mean = parameter_name(site, EKI_MEAN),
                           .variance = parameter_name(site, EKI_VARIANCE),
                           .channels = channels_of(site),
                           .groups = site->groups > 0 ? site->groups : 1,
                           .epsilon = site->epsilon,
                           .momentum = site->momentum,
                           .path = site->path,
                           .spelling = eki_spelling_name(site->spelling),
                           .apart = 1};
}

bool eki_site_as_norm(const eki_site *site, ek_model_norm *info) {
    ek_norm_kind kind;
    if (!kind_of(site, &kind)) return false;
    *info = describe(site, kind);
    return true;
}

ek_status eki_model_index_apart(ek_model *model, ek_error *err) {
    eki_sites_free(&model->sites);
    free(model->apart);
    model->apart = NULL;
    model->n_apart = 0;
    EKI_TRY(eki_sites_find(model->document, &model->sites, err));
    model->apart = eki_calloc(model->sites.count + 1, sizeof *model->apart);
    if (model->apart == NULL) return eki_fail_nomem(err, model->sites.count * sizeof *model->apart);
    for (size_t i = 0; i < model->sites.count; i++) {
        const eki_site *site = &model->sites.items[i];
        ek_norm_kind kind;
        if (!kind_of(site, &kind)) continue;
        int64_t own = eki_model_norm_at(model, site);
        if (own >= 0)
            model->norms[own].info.spelling = eki_spelling_name(site->spelling);
        else if (!is_inlined(model, site))
            model->apart[model->n_apart++] = (eki_norm_apart){site, describe(site, kind)};
    }
    return EK_OK;
}
