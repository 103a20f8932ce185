/* groups.c: which parameters there are and how each is treated.
 *
 * Weight decay leaves out norm parameters and one-dimensional biases unless asked (`decay_norm`): decaying a scale
 * that a later layer undoes only changes the effective learning rate (van Laarhoven 2017; Zhang et al. 2019), and it
 * is the common practice of He et al. 2019, section 3.2. An f32 initializer without dimensions is a constant of the
 * network (an epsilon, a factor), not a parameter. Frozen norm parameters are listed, but never touched, also where a
 * norm that is not frozen shares them or where they come through an Identity node.
 */
#include "train/trainer.h"

#include <stdlib.h>
#include <string.h>

static ek_status add(eki_groups *groups, eki_trained item, ek_error *err) {
    if (!eki_grow((void **)&groups->items, &groups->capacity, groups->count + 1, sizeof *groups->items)) {
        return eki_fail_nomem(err, (groups->count + 1) * sizeof *groups->items);
    }
    groups->items[groups->count++] = item;
    return EK_OK;
}

/* Begins as the weights are now. */
static ek_status make_average(eki_trained *item, const ek_train_options *options, ek_error *err) {
    if (!item->trained || options->average == EK_AVERAGE_NONE) return EK_OK;
    item->average = eki_alloc(eki_size_of(item->count, sizeof(float)));
    if (item->average == NULL) return eki_fail_nomem(err, item->count * sizeof(float));
    memcpy(item->average, item->weights, item->count * sizeof(float));
    return EK_OK;
}

static ek_status make_slots(eki_trained *item, int slots, ek_error *err) {
    float **places[2] = {&item->first, &item->second};
    for (int i = 0; i < slots && item->trained; i++) {
        *places[i] = eki_alloc_zero(eki_size_of(item->count, sizeof(float)));
        if (*places[i] == NULL) return eki_fail_nomem(err, item->count * sizeof(float));
    }
    return EK_OK;
}

/* Whether an initializer is scale or bias of some norm, and of a frozen one. */
static bool norm_parameter(const ek_model *model, const eki_value *value, bool *frozen) {
    bool found = false;
    *frozen = false;
    for (size_t i = 0; i < model->n_norms; i++) {
        const ek_model_norm *info = &model->norms[i].info;
        if (strcmp(info->scale, value->name) != 0 && strcmp(info->bias, value->name) != 0) continue;
        found = true;
        *frozen = *frozen || info->affine_frozen;
    }
    return found;
}

static ek_status add_trained(const ek_model *model, const eki_exec *exec, const ek_train_options *options,
                             const double *scales, eki_groups *groups, ek_error *err) {
    for (size_t i = 0; i < eki_exec_parameter_count(exec); i++) {
        const eki_parameter *parameter = eki_exec_parameter(exec, i);
        const eki_tensor *tensor = parameter->value->init;
        bool frozen, is_norm = norm_parameter(model, parameter->value, &frozen);
        eki_trained item = {.name = parameter->value->name,
                            .weights = tensor->data,
                            .gradient = parameter->gradient,
                            .count = parameter->count,
                            .norm = is_norm,
                            .lr_scale = scales != NULL ? scales[parameter->value->id] : 1.0};
        item.trained = tensor->shape.rank > 0 && !frozen && item.lr_scale > 0;
        item.decayed =
            item.trained && options->weight_decay > 0 && (options->decay_norm || (!is_norm && tensor->shape.rank > 1));
        EKI_TRY(add(groups, item, err));
        EKI_TRY(make_slots(&groups->items[groups->count - 1], eki_optimizer_slots(options), err));
        EKI_TRY(make_average(&groups->items[groups->count - 1], options, err));
    }
    return EK_OK;
}

static ek_status add_frozen(const ek_model *model, eki_groups *groups, ek_error *err) {
    for (size_t i = 0; i < model->n_norms; i++) {
        const ek_model_norm *info = &model->norms[i].info;
        const char *names[2] = {info->scale, info->bias};
        for (int k = 0; k < 2 && info->affine_frozen; k++) {
            const eki_value *value = names[k][0] != '\0' ? eki_graph_find(model->graph, names[k]) : NULL;
            if (value == NULL || value->init == NULL || eki_groups_find(groups, names[k]) != NULL) continue;
            eki_trained item = {.name = value->name,
                                .weights = value->init->data,
                                .count = value->init->bytes / sizeof(float),
                                .norm = true};
            EKI_TRY(add(groups, item, err));
        }
    }
    return EK_OK;
}

ek_status eki_groups_create(const ek_model *model, const eki_exec *exec, const ek_train_options *options,
                            const double *scales, eki_groups *groups, ek_error *err) {
    *groups = (eki_groups){0};
    ek_status status = add_trained(model, exec, options, scales, groups, err);
    if (status == EK_OK) status = add_frozen(model, groups, err);
    bool any = false;
    for (size_t i = 0; i < groups->count; i++) any = any || groups->items[i].trained;
    if (status == EK_OK && !any) {
        status = eki_fail(err, EK_ERR_UNSUPPORTED,
                          "the model has nothing to train: no f32 initializer that is not frozen reaches the logits");
    }
    if (status != EK_OK) eki_groups_free(groups);
    return status;
}

void eki_groups_free(eki_groups *groups) {
    for (size_t i = 0; i < groups->count; i++) {
        eki_free(groups->items[i].first);
        eki_free(groups->items[i].second);
        eki_free(groups->items[i].average);
    }
    free(groups->items);
    *groups = (eki_groups){0};
}

eki_trained *eki_groups_find(const eki_groups *groups, const char *name) {
    for (size_t i = 0; i < groups->count; i++) {
        if (strcmp(groups->items[i].name, name) == 0) return &groups->items[i];
    }
    return NULL;
}
