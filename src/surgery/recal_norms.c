/* recal_norms.c: which norms are recalibrated in which pass, and writing what was measured. */
#include "surgery/recalibrate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void eki_moment_join(eki_moment *moment, const eki_moment *part) {
    double all = moment->count + part->count, gap = part->mean - moment->mean;
    if (part->count == 0) return;
    moment->mean += gap * (part->count / all);
    moment->m2 += part->m2 + gap * gap * (moment->count * part->count / all);
    moment->within += part->m2;
    moment->count = all;
}

void eki_moment_add(eki_moment *moment, const float *x, int64_t count) {
    double sum = 0, m2 = 0, n = (double)count;
    for (int64_t i = 0; i < count; i++) sum += (double)x[i];
    double mean = count > 0 ? sum / n : 0;
    for (int64_t i = 0; i < count; i++) m2 += ((double)x[i] - mean) * ((double)x[i] - mean);
    eki_moment_join(moment, &(eki_moment){.count = n, .mean = mean, .m2 = m2});
}

/* For each value what keeps it from being computed of the model's first input here, NULL = nothing: the label of a node
 * that cannot run, or of another input. */
static ek_status find_blocks(const ek_model *model, eki_arena *arena, const char ***out, ek_error *err) {
    const eki_graph *graph = model->graph;
    const char **blocks = eki_arena_alloc(arena, eki_size_of(graph->n_values + 1, sizeof *blocks));
    char label[192], text[256];
    bool first = true;
    *out = blocks;
    if (blocks == NULL) return eki_fail_nomem(err, graph->n_values * sizeof *blocks);
    for (size_t i = 0; i < graph->n_values; i++) blocks[i] = NULL;
    for (size_t i = 0; i < graph->n_inputs; i++) {
        if (graph->inputs[i]->init != NULL) continue;
        if (!first) blocks[graph->inputs[i]->id] = graph->inputs[i]->name;
        first = false;
    }
    for (size_t i = 0; i < graph->n_nodes; i++) { /* sorted */
        const eki_node *node = graph->nodes[i];
        const char *block = NULL;
        for (int k = 0; k < node->n_in && block == NULL; k++) block = node->in[k] ? blocks[node->in[k]->id] : NULL;
        if (eki_op_find(node->op, eki_node_opset(graph, node)) == NULL) {
            (void)snprintf(text, sizeof text, "%s", eki_node_label(node, label));
            block = eki_arena_strdup(arena, text);
            if (block == NULL) return eki_fail_nomem(err, sizeof text);
        }
        for (int k = 0; k < node->n_out; k++) {
            if (node->out[k] != NULL) blocks[node->out[k]->id] = block;
        }
    }
    return EK_OK;
}

static const char *why_not(const ek_model *model, const eki_norm_ref *ref, const eki_uses *uses) {
    const eki_value *mean = ref->info.mean[0] != '\0' ? eki_graph_find(model->graph, ref->info.mean) : NULL;
    const eki_value *variance = ref->info.variance[0] != '\0' ? eki_graph_find(model->graph, ref->info.variance) : NULL;
    if (ref->node->in[0] == NULL || mean == NULL || variance == NULL) return "its statistics are no initializers";
    if (ref->info.stats_frozen) return "its statistics are frozen (evenkeel.freeze)";
    if (uses->count[mean->id] > 1 || uses->count[variance->id] > 1) return "it shares its statistics with another norm";
    if (mean->init->dtype != EK_F32 || variance->init->dtype != EK_F32) return "its statistics are not float32";
    if (eki_count(mean->init) != ref->info.channels || eki_count(variance->init) != ref->info.channels)
        return "its statistics do not have one value for each channel";
    return NULL;
}

static ek_status prepare(ek_model *model, eki_recal_norm *norm, const char *why, ek_recalibration *report,
                         ek_error *err) {
    const ek_model_norm *info = &norm->ref->info;
    const char *name = info->node[0] != '\0' ? info->node : info->output;
    size_t channels = (size_t)info->channels;
    norm->level = -1;
    norm->row->norm = eki_arena_strdup(&report->arena, name);
    norm->row->channels = info->channels;
    norm->row->text = why == NULL ? "" : why;
    if (norm->row->norm == NULL) return eki_fail_nomem(err, strlen(name));
    if (why != NULL) return EK_OK;
    norm->mean = eki_graph_find(model->graph, info->mean);
    norm->variance = eki_graph_find(model->graph, info->variance);
    EKI_TRY(eki_tensor_own(norm->mean->init, err));
    EKI_TRY(eki_tensor_own(norm->variance->init, err));
    norm->moments = eki_arena_alloc(&report->arena, eki_size_of(channels + 1, sizeof *norm->moments));
    norm->old = eki_arena_alloc(&report->arena, eki_size_of(channels + 1, 2 * sizeof *norm->old));
    if (norm->moments == NULL || norm->old == NULL) return eki_fail_nomem(err, channels * sizeof *norm->moments);
    memcpy(norm->old, norm->mean->init->data, channels * sizeof(float));
    memcpy(norm->old + channels, norm->variance->init->data, channels * sizeof(float));
    norm->level = 0;
    return EK_OK;
}

static eki_recal_norm *norm_of(const ek_recalibration *report, const eki_node *node) {
    for (size_t i = 0; i < report->count; i++) {
        eki_recal_norm *norm = &report->norms[i];
        if (norm->level >= 0 && norm->ref->node == node) return norm; /* one that is left alone may have no ref */
    }
    return NULL;
}

/* The level of a norm is the number of recalibrated norms on the longest way to it: norms of one level can be measured
 * in one pass, all before them being done. */
static ek_status find_levels(const eki_graph *graph, const ek_recalibration *report, ek_error *err) {
    int *depth = eki_calloc(graph->n_values + 1, sizeof *depth);
    if (depth == NULL) return eki_fail_nomem(err, graph->n_values * sizeof *depth);
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < graph->n_nodes; i++) {
            const eki_node *node = graph->nodes[i];
            eki_recal_norm *norm = norm_of(report, node);
            int most = 0;
            for (int k = 0; k < node->n_in; k++) {
                if (node->in[k] != NULL && depth[node->in[k]->id] > most) most = depth[node->in[k]->id];
            }
            if (norm != NULL) norm->level = most++;
            for (int k = 0; k < node->n_out; k++) {
                if (node->out[k] == NULL || depth[node->out[k]->id] >= most) continue;
                depth[node->out[k]->id] = most;
                changed = true;
            }
        }
    }
    free(depth);
    return EK_OK;
}

static ek_status cannot_run(ek_recalibration *report, const char *block, const char **why, ek_error *err) {
    char text[400];
    (void)snprintf(text, sizeof text, "its input depends on %.300s, which cannot be %s here", block,
                   strncmp(block, "node ", 5) == 0 ? "run" : "fed");
    *why = eki_arena_strdup(&report->arena, text);
    return *why == NULL ? eki_fail_nomem(err, sizeof text) : EK_OK;
}

/* Batch norms that the program has not by themselves. */
static ek_status list_apart(const ek_model *model, ek_recalibration *report, ek_error *err) {
    for (size_t i = 0; i < model->n_apart; i++) {
        const eki_norm_apart *norm = &model->apart[i];
        const eki_graph *graph = norm->site->graph;
        char text[300], label[192];
        if (norm->info.kind != EK_NORM_BATCH) continue;
        if (graph->parent != NULL)
            (void)snprintf(text, sizeof text, "it stands in a graph inside %s, which cannot be run here",
                           eki_node_label(graph->owner, label));
        else
            (void)snprintf(text, sizeof text, "%s",
                           graph->is_function ? "it stands in a function that no call is replaced by here"
                                              : "it is written out as several nodes");
        ek_recalibrated *row = &report->rows[report->count];
        report->norms[report->count++] = (eki_recal_norm){.row = row, .level = -1};
        row->channels = norm->info.channels;
        row->norm = eki_arena_strdup(&report->arena, norm->info.path);
        row->text = eki_arena_strdup(&report->arena, text);
        if (row->norm == NULL || row->text == NULL) return eki_fail_nomem(err, sizeof text);
    }
    return EK_OK;
}

ek_status eki_recal_list(ek_model *model, bool one_pass, ek_recalibration *report, ek_error *err) {
    eki_uses uses;
    size_t room = model->n_norms + model->n_apart + 1;
    report->norms = eki_calloc(room, sizeof *report->norms);
    report->rows = eki_calloc(room, sizeof *report->rows);
    if (report->norms == NULL || report->rows == NULL) return eki_fail_nomem(err, room);
    EKI_TRY(eki_uses_create(model->graph, &uses, err));
    const char **blocks;
    ek_status status = find_blocks(model, &report->arena, &blocks, err);
    for (size_t i = 0; status == EK_OK && i < model->n_norms; i++) {
        if (model->norms[i].info.kind != EK_NORM_BATCH) continue;
        eki_recal_norm *norm = &report->norms[report->count];
        norm->ref = &model->norms[i];
        norm->row = &report->rows[report->count++];
        const char *why = why_not(model, norm->ref, &uses);
        const char *block = why == NULL ? blocks[norm->ref->node->in[0]->id] : NULL;
        if (block != NULL) status = cannot_run(report, block, &why, err);
        if (status == EK_OK) status = prepare(model, norm, why, report, err);
    }
    eki_uses_free(&uses);
    if (status == EK_OK) status = list_apart(model, report, err);
    return status == EK_OK && !one_pass ? find_levels(model->graph, report, err) : status;
}

/* How far a channel moved; what was not finite gives no distance. */
static void note_shift(ek_recalibrated *row, double mean, double variance, double old_mean, double old_var,
                       double epsilon) {
    double shift = fabs(mean - old_mean) / sqrt(fmax(old_var, 0) + epsilon);
    double ratio = (variance + epsilon) / (fmax(old_var, 0) + epsilon);
    if (!isfinite(old_mean) || !isfinite(old_var)) {
        row->lost++;
        return;
    }
    row->shift_mean += shift;
    row->shift_max = fmax(row->shift_max, shift);
    row->ratio_min = fmin(row->ratio_min, ratio);
    row->ratio_max = fmax(row->ratio_max, ratio);
}

/* Sums become means; a norm of which nothing was finite has moved by nothing that can be said. */
static void finish_shift(ek_recalibrated *row) {
    int64_t kept = row->channels - row->lost;
    row->shift_mean = kept > 0 ? row->shift_mean / (double)kept : 0;
    if (kept == 0) row->ratio_min = 0;
    row->updated = 1;
}

ek_status eki_recal_write(eki_recal_norm *norm, eki_recal_mix mix, ek_error *err) {
    ek_recalibrated *row = norm->row;
    float *mean = norm->mean->init->data, *variance = norm->variance->init->data;
    double epsilon = norm->ref->info.epsilon;
    row->ratio_min = HUGE_VAL;
    for (int64_t c = 0; c < row->channels; c++) {
        const eki_moment *m = &norm->moments[c];
        double measured = m->count > 0 ? m->m2 / m->count : 0, old_mean = (double)mean[c],
               old_var = (double)variance[c];
        if (m->count < 2 || !isfinite(m->mean) || !isfinite(measured)) {
            return eki_fail(err, m->count < 2 ? EK_ERR_SHAPE : EK_ERR_NONFINITE,
                            m->count < 2
                                ? "norm '%.200s': channel %lld has fewer than two values; use more data"
                                : "norm '%.200s': the input of channel %lld is not finite; nothing was changed",
                            row->norm, (long long)c);
        }
        row->values = (int64_t)m->count;
        note_shift(row, m->mean, measured, old_mean, old_var, epsilon);
        /* Nothing of the old ones is taken where they do not count: they may be damaged. */
        double gap = mix.populations ? m->mean - old_mean : 0, w = mix.old;
        mean[c] = (float)(w > 0 ? w * old_mean + (1 - w) * m->mean : m->mean);
        variance[c] = (float)(w > 0 ? w * old_var + (1 - w) * measured + w * (1 - w) * gap * gap : measured);
    }
    finish_shift(row);
    return EK_OK;
}

void eki_recal_restore(ek_recalibration *report) {
    for (size_t i = 0; i < report->count; i++) {
        const eki_recal_norm *norm = &report->norms[i];
        if (norm->old == NULL) continue;
        size_t bytes = (size_t)norm->row->channels * sizeof(float);
        memcpy(norm->mean->init->data, norm->old, bytes);
        memcpy(norm->variance->init->data, norm->old + norm->row->channels, bytes);
    }
}
