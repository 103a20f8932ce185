/* freeze.c: the switches of norms, kept in the model's metadata.
 *
 * `evenkeel.freeze.<first output>` = "stats", "affine" or "stats,affine". Frozen statistics: training normalizes with
 * the running statistics and leaves them alone. Frozen affine: scale and bias are neither updated nor decayed. The
 * file is the only store, so that whoever trains next, in whatever program, sees the switches. What a
 * pattern means stands in select.c.
 */
#include "model/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FREEZE_PREFIX "evenkeel.freeze."

static bool has_word(const char *text, const char *word) {
    size_t length = strlen(word);
    while (*text != '\0') {
        size_t item = strcspn(text, ",");
        if (item == length && strncmp(text, word, length) == 0) return true;
        text += item + (text[item] == ',');
    }
    return false;
}

void eki_freeze_read(const eki_graph *graph, const char *output, int *stats, int *affine) {
    const char *text = eki_meta_of(graph, FREEZE_PREFIX, output);
    *stats = text != NULL && has_word(text, "stats");
    *affine = text != NULL && has_word(text, "affine");
}

ek_status eki_model_switches(const ek_model *model, uint8_t **switches, ek_error *err) {
    *switches = eki_calloc(model->graph->n_nodes + 1, 1);
    if (*switches == NULL) return eki_fail_nomem(err, model->graph->n_nodes + 1);
    for (size_t i = 0; i < model->n_norms; i++) {
        const ek_model_norm *info = &model->norms[i].info;
        unsigned bits = 0;
        if (info->stats_frozen) bits |= EKI_NORM_FROZEN_STATS | EKI_NORM_NO_UPDATE;
        if (info->affine_frozen) bits |= EKI_NORM_FROZEN_AFFINE;
        (*switches)[model->norms[i].node->id] = (uint8_t)bits;
    }
    return EK_OK;
}

static ek_status fail_no_match(const ek_model *model, const char *pattern, ek_error *err) {
    char list[1400] = "";
    size_t used = 0, shown = 0;
    for (; shown < model->n_norms && used < sizeof list - 256; shown++) {
        const ek_model_norm *info = &model->norms[shown].info;
        const char *name = info->node[0] != '\0' ? info->node : info->output;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.200s", shown > 0 ? ", " : "", name);
    }
    const char *file = model->graph->path[0] != '\0' ? model->graph->path : "the model";
    if (model->n_norms == 0 && model->n_apart > 0) {
        return eki_fail(
            err, EK_ERR_ARG,
            "no norm that can be frozen matches '%s': '%s' and whatever else evenkeel inspect lists of %s runs "
            "as the nodes that it is written with, or in a nested graph",
            pattern, model->apart[0].info.path, file);
    }
    if (model->n_norms == 0)
        return eki_fail(err, EK_ERR_ARG, "no norm matches '%s': %s has no normalization at all", pattern, file);
    return eki_fail(err, EK_ERR_ARG, "no norm matches '%s'; the model's norms are: %s%s", pattern, list,
                    shown < model->n_norms ? ", ... (evenkeel inspect lists all)" : "");
}

static ek_status store(ek_model *model, ek_model_norm *info, ek_error *err) {
    static const char *const texts[] = {NULL, "stats", "affine", "stats,affine"};
    return eki_meta_set_of(model->document, FREEZE_PREFIX, info->output,
                           texts[(info->stats_frozen ? 1 : 0) + (info->affine_frozen ? 2 : 0)], err);
}

static ek_status apply(ek_model *model, const char *pattern, const bool *chosen, int stats, int affine, size_t *matched,
                       ek_error *err) {
    size_t found = 0, with_statistics = 0;
    for (size_t i = 0; i < model->n_norms; i++) {
        found += chosen[i];
        with_statistics += chosen[i] && model->norms[i].info.kind == EK_NORM_BATCH;
    }
    if (matched != NULL) *matched = found;
    if (found == 0) return fail_no_match(model, pattern, err);
    if (stats > 0 && affine < 0 && with_statistics == 0) {
        return eki_fail(
            err, EK_ERR_ARG,
            "'%s' matches only norms without running statistics; only batch norms have statistics to freeze", pattern);
    }
    for (size_t i = 0; i < model->n_norms; i++) {
        ek_model_norm *info = &model->norms[i].info;
        if (!chosen[i]) continue;
        if (stats >= 0 && info->kind == EK_NORM_BATCH) info->stats_frozen = stats != 0;
        if (affine >= 0) info->affine_frozen = affine != 0;
        EKI_TRY(store(model, info, err));
    }
    return EK_OK;
}

ek_status ek_model_freeze(ek_model *model, const char *pattern, int stats, int affine, size_t *matched, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(pattern, err);
    bool *chosen = eki_calloc(model->n_norms + 1, sizeof *chosen);
    if (chosen == NULL) return eki_fail_nomem(err, model->n_norms);
    ek_status status = eki_select_norms(model, pattern, chosen, err);
    if (status == EK_OK) status = apply(model, pattern, chosen, stats, affine, matched, err);
    free(chosen);
    return status;
}
