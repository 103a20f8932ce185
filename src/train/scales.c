/* scales.c: shares of the learning rate: by name, and by distance from the logits.
 *
 * Lower layers of a trained network hold what is common to all images, so that a smaller rate there (discriminative
 * fine-tuning: Howard and Ruder 2018) or none keeps it. The distance of a parameter is the number of layers with
 * weights (convolutions and products) on the longest way from its node's output to the logits: a norm belongs to the
 * layer before it.
 */
#include "model/select.h"
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void eki_rules_free(eki_rules *rules) {
    for (size_t i = 0; i < rules->count; i++) free(rules->patterns[i]);
    free(rules->patterns);
    free(rules->factors);
    *rules = (eki_rules){0};
}

static ek_status check_rule(const ek_model *model, const ek_lr_scale *rule, ek_error *err) {
    if (!(rule->factor >= 0 && rule->factor <= 1e6)) {
        return eki_fail(err, EK_ERR_ARG, "the factor %g for '%.200s' must be from 0 to 1e6", rule->factor,
                        rule->pattern);
    }
    bool *chosen = eki_calloc(model->graph->n_values + 1, sizeof *chosen);
    if (chosen == NULL) return eki_fail_nomem(err, model->graph->n_values);
    ek_status status = eki_select_values(model, rule->pattern, chosen, err);
    free(chosen);
    return status;
}

ek_status eki_rules_copy(const ek_model *model, const ek_lr_scale *rules, size_t count, eki_rules *out, ek_error *err) {
    *out = (eki_rules){0};
    for (size_t i = 0; i < count; i++) EKI_TRY(check_rule(model, &rules[i], err));
    out->patterns = eki_calloc(count + 1, sizeof *out->patterns);
    out->factors = eki_calloc(count + 1, sizeof *out->factors);
    bool good = out->patterns != NULL && out->factors != NULL;
    for (size_t i = 0; good && i < count; i++) {
        size_t size = strlen(rules[i].pattern) + 1;
        out->patterns[i] = eki_alloc(eki_sized(size));
        if (out->patterns[i] != NULL) memcpy(out->patterns[i], rules[i].pattern, size);
        out->factors[i] = rules[i].factor;
        good = out->patterns[i] != NULL;
        out->count = i + 1;
    }
    if (good) return EK_OK;
    eki_rules_free(out);
    return eki_fail_nomem(err, count * sizeof *rules);
}

static bool has_weights(const eki_node *node) {
    bool given = node->n_in > 1 && node->in[1] != NULL && node->in[1]->init != NULL;
    return given && eki_op_has(node->op, EKI_PRODUCT);
}

/* Layers behind each value; nodes are in order, so one walk from the end will do. */
static void find_depths(const eki_graph *graph, int *depth) {
    for (size_t i = graph->n_nodes; i-- > 0;) {
        const eki_node *node = graph->nodes[i];
        int behind = 0;
        for (int k = 0; k < node->n_out; k++) {
            if (node->out[k] != NULL && depth[node->out[k]->id] > behind) behind = depth[node->out[k]->id];
        }
        int step = has_weights(node) ? 1 : 0;
        for (int k = 0; k < node->n_in; k++) {
            if (node->in[k] == NULL) continue;
            bool parameter = node->in[k]->init != NULL;
            int through = parameter ? behind : behind + step;
            if (depth[node->in[k]->id] < through) depth[node->in[k]->id] = through;
        }
    }
}

static ek_status apply_depth(const ek_model *model, double decay, double *scales, ek_error *err) {
    int *depth = eki_calloc(model->graph->n_values + 1, sizeof *depth);
    if (depth == NULL) return eki_fail_nomem(err, model->graph->n_values * sizeof *depth);
    find_depths(model->graph, depth);
    for (size_t i = 0; i < model->graph->n_values; i++) {
        for (int k = 0; k < depth[i]; k++) scales[i] *= decay;
    }
    free(depth);
    return EK_OK;
}

static ek_status apply_rule(const ek_model *model, const char *pattern, double factor, double *scales, ek_error *err) {
    bool *chosen = eki_calloc(model->graph->n_values + 1, sizeof *chosen);
    if (chosen == NULL) return eki_fail_nomem(err, model->graph->n_values);
    ek_status status = eki_select_values(model, pattern, chosen, err);
    for (size_t i = 0; status == EK_OK && i < model->graph->n_values; i++) {
        if (chosen[i]) scales[i] *= factor;
    }
    free(chosen);
    return status;
}

ek_status eki_scales_create(const ek_model *model, const eki_rules *rules, double depth_decay, double **out,
                            ek_error *err) {
    *out = NULL;
    if (rules->count == 0 && depth_decay == 1) return EK_OK;
    double *scales = eki_calloc(model->graph->n_values + 1, sizeof *scales);
    if (scales == NULL) return eki_fail_nomem(err, model->graph->n_values * sizeof *scales);
    for (size_t i = 0; i < model->graph->n_values; i++) scales[i] = 1;
    ek_status status = depth_decay != 1 ? apply_depth(model, depth_decay, scales, err) : EK_OK;
    for (size_t i = 0; status == EK_OK && i < rules->count; i++) {
        status = apply_rule(model, rules->patterns[i], rules->factors[i], scales, err);
    }
    if (status != EK_OK) free(scales);
    if (status == EK_OK) *out = scales;
    return status;
}
