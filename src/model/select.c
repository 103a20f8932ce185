/* select.c: which norms or parameters a pattern means.
 *
 *     GLOB          a shell glob over names: of a norm's node, output or scale-initializer stem; of a parameter
 *     until:NAME    by depth: everything that NAME, a node or a value, is computed from, itself included
 *     first:N       the first N norms, in the order of the graph; last:N the last
 */
#include "model/select.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool starts(const char *text, const char *prefix, const char **rest) {
    size_t length = strlen(prefix);
    *rest = text + length;
    return strncmp(text, prefix, length) == 0;
}

static void stem_of(const ek_model_norm *info, char stem[512]) {
    (void)snprintf(stem, 512, "%.511s", info->scale);
    char *dot = strrchr(stem, '.');
    if (dot != NULL) *dot = '\0';
}

bool eki_norm_matches(const char *glob, const ek_model_norm *info) {
    char stem[512];
    stem_of(info, stem);
    if (info->node[0] != '\0' && fnmatch(glob, info->node, 0) == 0) return true;
    if (stem[0] != '\0' && fnmatch(glob, stem, 0) == 0) return true;
    return fnmatch(glob, info->output, 0) == 0;
}

/* A value by its own name, by that of its node, or by the stem of a norm's scale. */
static const eki_value *find_place(const ek_model *model, const char *name) {
    const eki_graph *graph = model->graph;
    const eki_value *value = eki_graph_find(graph, name);
    for (size_t i = 0; value == NULL && i < graph->n_nodes; i++) {
        const eki_node *node = graph->nodes[i];
        if (node->name[0] != '\0' && strcmp(node->name, name) == 0 && node->n_out > 0) value = node->out[0];
    }
    for (size_t i = 0; value == NULL && i < model->n_norms; i++) {
        char stem[512];
        stem_of(&model->norms[i].info, stem);
        if (strcmp(stem, name) == 0) value = model->norms[i].node->out[0];
    }
    return value;
}

ek_status eki_select_upstream(const ek_model *model, const char *name, bool **out, ek_error *err) {
    const eki_graph *graph = model->graph;
    const eki_value *place = find_place(model, name);
    *out = NULL;
    if (place == NULL) {
        return eki_fail(err, EK_ERR_ARG,
                        "until:%.200s: the model has no node or value of that name; evenkeel inspect lists the norms, "
                        "evenkeel models the tensors",
                        name);
    }
    bool *marks = eki_calloc(graph->n_values + 1, sizeof *marks);
    if (marks == NULL) return eki_fail_nomem(err, graph->n_values);
    marks[place->id] = true;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = graph->n_nodes; i-- > 0;) {
            const eki_node *node = graph->nodes[i];
            bool wanted = false;
            for (int k = 0; k < node->n_out; k++) wanted |= node->out[k] != NULL && marks[node->out[k]->id];
            for (int k = 0; wanted && k < node->n_in; k++) {
                if (node->in[k] == NULL || marks[node->in[k]->id]) continue;
                changed = marks[node->in[k]->id] = true;
            }
        }
    }
    *out = marks;
    return EK_OK;
}

static ek_status read_count(const char *pattern, const char *text, size_t *count, ek_error *err) {
    char *end;
    long n = strtol(text, &end, 10);
    *count = n > 0 ? (size_t)n : 0;
    if (end != text && *end == '\0' && n > 0) return EK_OK;
    return eki_fail(err, EK_ERR_ARG, "'%.200s': a number of norms, at least 1, is expected after the colon", pattern);
}

ek_status eki_select_norms(const ek_model *model, const char *pattern, bool *chosen, ek_error *err) {
    const char *rest;
    size_t count;
    bool *upstream = NULL;
    if (starts(pattern, "until:", &rest)) {
        EKI_TRY(eki_select_upstream(model, rest, &upstream, err));
        for (size_t i = 0; i < model->n_norms; i++) {
            const eki_value *out = model->norms[i].node->out[0];
            chosen[i] = out != NULL && upstream[out->id];
        }
        free(upstream);
    } else if (starts(pattern, "first:", &rest)) {
        EKI_TRY(read_count(pattern, rest, &count, err));
        for (size_t i = 0; i < model->n_norms; i++) chosen[i] = i < count;
    } else if (starts(pattern, "last:", &rest)) {
        EKI_TRY(read_count(pattern, rest, &count, err));
        for (size_t i = 0; i < model->n_norms; i++) chosen[i] = i + count >= model->n_norms;
    } else {
        for (size_t i = 0; i < model->n_norms; i++) chosen[i] = eki_norm_matches(pattern, &model->norms[i].info);
    }
    return EK_OK;
}

ek_status eki_select_values(const ek_model *model, const char *pattern, bool *chosen, ek_error *err) {
    const eki_graph *graph = model->graph;
    const char *rest;
    bool *upstream = NULL;
    if (starts(pattern, "until:", &rest)) EKI_TRY(eki_select_upstream(model, rest, &upstream, err));
    size_t found = 0;
    for (size_t i = 0; i < graph->n_values; i++) {
        const eki_value *value = graph->values[i];
        chosen[i] = value->init != NULL && value->init->dtype == EK_F32 && value->init->shape.rank > 0 &&
                    (upstream != NULL ? upstream[i] : fnmatch(pattern, value->name, 0) == 0);
        found += chosen[i];
    }
    free(upstream);
    if (found > 0) return EK_OK;
    return eki_fail(err, EK_ERR_ARG,
                    "no parameter matches '%.200s'; evenkeel models FILE.onnx lists the tensors by name", pattern);
}
