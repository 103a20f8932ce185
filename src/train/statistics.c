/* statistics.c: which running averages are debiased, and how many batches they are made of.
 *
 * A plain average from mean 0 and variance 1 still holds these after few updates, and evaluation with it is then wrong
 * however well the weights fit. The counts live in the model, so that every file that is written has them.
 */
#include "train/trainer.h"

#include <stdlib.h>

/* Where the running mean of a batch norm stands among the values; NULL = no statistics of the file's own. */
static const eki_value *running_mean(const eki_norm_ref *ref) {
    if (ref->info.kind != EK_NORM_BATCH || ref->node->n_in < 4) return NULL;
    return ref->node->in[3];
}

static bool is_debiased(const ek_trainer *trainer, const ek_model_norm *info) {
    if (trainer->options.statistics == EK_STATISTICS_EMA) return false;
    if (trainer->options.statistics == EK_STATISTICS_DEBIASED) return true;
    return info->updates > 0 || eki_never_measured(trainer->model, info);
}

ek_status eki_statistics_open(ek_trainer *trainer, ek_error *err) {
    const ek_model *model = trainer->model;
    free(trainer->updates);
    trainer->updates = eki_calloc(model->graph->n_values + 1, sizeof *trainer->updates);
    if (trainer->updates == NULL) return eki_fail_nomem(err, model->graph->n_values * sizeof *trainer->updates);
    for (size_t i = 0; i < model->n_norms; i++) {
        const ek_model_norm *info = &model->norms[i].info;
        const eki_value *mean = running_mean(&model->norms[i]);
        int64_t updates;
        if (mean == NULL) continue;
        if (!eki_updates_read(model->document, info->output, &updates)) {
            return eki_fail(
                err, EK_ERR_FORMAT,
                "metadata evenkeel.updates.%.100s is no number of updates from 1 to 18 digits; remove it, or "
                "measure the statistics: evenkeel recalibrate",
                info->output);
        }
        trainer->updates[mean->id] = updates;
        if (is_debiased(trainer, info)) trainer->switches[model->norms[i].node->id] |= EKI_NORM_DEBIASED;
    }
    return EK_OK;
}

ek_status eki_statistics_keep(const ek_trainer *trainer, ek_error *err) {
    ek_model *model = trainer->model;
    for (size_t i = 0; i < model->n_norms; i++) {
        const eki_value *mean = running_mean(&model->norms[i]);
        if (mean != NULL) EKI_TRY(eki_model_set_updates(model, i, trainer->updates[mean->id], err));
    }
    return EK_OK;
}
