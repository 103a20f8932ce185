/* convert_written.c: norms that a file writes as several nodes, made one node each before they become something else.
 *
 * Only those that will: a trial on a view of the view finds which, so that a norm which cannot be converted keeps the
 * nodes that it is written with.
 */
#include "model/select.h"
#include "sites/sites.h"
#include "surgery/convert.h"

#include <stdlib.h>
#include <string.h>

typedef struct choice {
    const ek_model *model;
    const bool *chosen; /* by norm */
} choice;

static bool any(void *context, int64_t opset, const uint8_t *ignore) {
    (void)context;
    (void)opset; /* the node is gone before the file is written */
    (void)ignore;
    return true;
}

static bool is_chosen(void *context, const eki_site *site) {
    const choice *c = context;
    for (size_t i = 0; i < c->model->n_norms; i++) {
        if (c->chosen[i] && strcmp(c->model->norms[i].info.output, site->y->name) == 0) return true;
    }
    return false;
}

static ek_status fuse(eki_graph *graph, choice *chosen, ek_error *err) {
    eki_fuse_options options = {
        .kinds = EKI_FUSE_ALL, .new_parameters = true, .may_need = any, .wanted = is_chosen, .context = chosen};
    int64_t needed;
    EKI_TRY(eki_sites_fuse(graph, &options, &needed, err));
    return needed > 0 ? eki_graph_sort(graph, err) : EK_OK;
}

/* Leaves those chosen that the trial converted. The view has its shapes, which fusing does not change. */
static ek_status try_all(const eki_converter *c, const ek_model *model, bool *chosen) {
    eki_converter trial = {.options = c->options, .examples = c->examples, .place = c->place, .err = c->err};
    choice all = {.model = model, .chosen = chosen};
    EKI_TRY(eki_graph_view(c->graph, &trial.graph, c->err));
    ek_status status = eki_report_create(&trial.report, c->err);
    if (status == EK_OK) status = fuse(trial.graph, &all, c->err);
    for (size_t i = 0; status == EK_OK && i < model->n_norms; i++) {
        if (!chosen[i]) continue;
        const eki_value *out = eki_graph_find(trial.graph, model->norms[i].info.output);
        size_t before = trial.count;
        status = eki_convert_norm(&trial, out->producer, &model->norms[i].info);
        chosen[i] = trial.count > before;
    }
    ek_edit_report_destroy(trial.report);
    eki_arena_free(&trial.arena);
    free(trial.items);
    eki_graph_destroy(trial.graph);
    return status;
}

/* The chosen norms whose output is made by another operator in the file. */
static size_t keep_written(const ek_model *model, bool *chosen) {
    size_t count = 0;
    for (size_t i = 0; i < model->n_norms; i++) {
        const eki_node *node = eki_model_norm_node(model, i);
        chosen[i] = chosen[i] && node != NULL && !eki_op_has(node->op, EKI_NORM);
        count += chosen[i];
    }
    return count;
}

ek_status eki_convert_written(eki_converter *c, const ek_model *model) {
    bool *chosen = eki_calloc(model->n_norms + 1, sizeof *chosen);
    if (chosen == NULL) return eki_fail_nomem(c->err, model->n_norms);
    choice kept = {.model = model, .chosen = chosen};
    ek_status status = eki_select_norms(model, c->options->pattern, chosen, c->err);
    if (status == EK_OK && keep_written(model, chosen) > 0) {
        status = try_all(c, model, chosen);
        if (status == EK_OK) status = fuse(c->graph, &kept, c->err);
    }
    free(chosen);
    return status;
}
