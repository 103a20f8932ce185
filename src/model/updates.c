/* updates.c: how many batches the running statistics of a batch norm are made of, kept in the model's metadata.
 *
 * `evenkeel.updates.<first output>` = a number stands only where the statistics are a debiased average, which needs it
 * to go on; whatever else sets statistics removes it.
 */
#include "model/model.h"
#include "sites/match.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char prefix[] = "evenkeel.updates.";

bool eki_updates_read(const eki_graph *graph, const char *output, int64_t *updates) {
    const char *text = eki_meta_of(graph, prefix, output);
    *updates = 0;
    if (text == NULL) return true;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18 || text[digits] != '\0' || text[0] == '0') return false;
    for (size_t i = 0; i < digits; i++) *updates = *updates * 10 + (text[i] - '0');
    return true;
}

ek_status eki_updates_write(eki_graph *graph, const char *output, int64_t updates, ek_error *err) {
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, updates);
    const char *old = eki_meta_of(graph, prefix, output);
    if (old == NULL && updates == 0) return EK_OK;
    /* In its place where it fits: this happens at every step, and the graph frees texts only with itself. */
    if (old != NULL && updates > 0 && strlen(old) == strlen(text)) {
        memcpy((char *)(uintptr_t)old, text, strlen(text));
        return EK_OK;
    }
    return eki_meta_set_of(graph, prefix, output, updates > 0 ? text : NULL, err);
}

ek_status eki_model_set_updates(ek_model *model, size_t norm, int64_t updates, ek_error *err) {
    ek_model_norm *info = &model->norms[norm].info;
    if (info->updates == updates) return EK_OK;
    info->updates = updates;
    return eki_updates_write(model->document, info->output, updates, err);
}

static bool all_are(const ek_model *model, const char *name, float wanted) {
    const eki_value *value = name[0] != '\0' ? eki_graph_find(model->graph, name) : NULL;
    int64_t count = 0;
    if (value == NULL || value->init == NULL || !eki_shape_count(&value->init->shape, &count)) return false;
    return count > 0 && eki_all_equal(value->init, count, wanted);
}

bool eki_never_measured(const ek_model *model, const ek_model_norm *norm) {
    return all_are(model, norm->mean, 0.0F) && all_are(model, norm->variance, 1.0F);
}
