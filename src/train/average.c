/* average.c: the average of the weights that steps have left, beside the weights that are trained.
 *
 *     EMA   a += (1 - d) (w - a), d = min(decay, (1 + n) / (10 + n)) after n steps, so that the first ones do not stay
 *     SWA   a += (w - a) / (n + 1): the mean of all, from `average_start` of the steps on
 *
 * The first step sets a = w. Izmailov et al. 2018; Polyak and Juditsky 1992. Element by element in f32, so that threads
 * change no bits. Running statistics are not averaged: they are of the weights that were, and must be measured.
 */
#include "base/threads.h"
#include "train/trainer.h"

#include <string.h>

typedef struct averaging {
    const eki_groups *groups;
    float share; /* of the new weights */
} averaging;

static double share_of(const ek_train_options *o, int64_t n) {
    if (n == 0) return 1;
    if (o->average == EK_AVERAGE_SWA) return 1 / (double)(n + 1);
    double slow = (1 + (double)n) / (10 + (double)n);
    return 1 - (slow < o->average_decay ? slow : o->average_decay);
}

static void average_one(void *argument, size_t index) {
    const averaging *a = argument;
    const eki_trained *p = &a->groups->items[index];
    if (p->average == NULL) return;
    for (size_t i = 0; i < p->count; i++)
        p->average[i] = a->share == 1 ? p->weights[i] : p->average[i] + a->share * (p->weights[i] - p->average[i]);
}

void eki_average_step(ek_trainer *trainer) {
    const ek_train_options *o = &trainer->options;
    if (o->average == EK_AVERAGE_NONE) return;
    if (o->average == EK_AVERAGE_SWA && (double)trainer->step <= o->average_start * (double)o->total_steps) return;
    averaging a = {.groups = &trainer->groups, .share = (float)share_of(o, trainer->averaged)};
    eki_parallel_for(NULL, trainer->groups.count, average_one, &a);
    trainer->averaged++;
}

int64_t ek_trainer_averaged(const ek_trainer *trainer) { return trainer == NULL ? 0 : trainer->averaged; }

static ek_status check_averaged(const ek_trainer *trainer, ek_error *err) {
    if (trainer->averaged > 0) return EK_OK;
    return eki_fail(err, EK_ERR_STATE, "no weights have been averaged yet: %s",
                    trainer->options.average == EK_AVERAGE_NONE ? "the trainer was made without average"
                                                                : "no step has come that counts");
}

/* The weights of the program of `model`, whose memory is then its own. */
static ek_status write_average(const ek_trainer *trainer, ek_model *model, ek_error *err) {
    for (size_t i = 0; i < trainer->groups.count; i++) {
        const eki_trained *p = &trainer->groups.items[i];
        if (p->average == NULL) continue;
        eki_value *value = eki_graph_find(model->graph, p->name);
        if (value == NULL || value->init == NULL || value->init->bytes != p->count * sizeof(float))
            return eki_fail(err, EK_ERR_STATE, "the model has no weights '%s' to put their average in", p->name);
        EKI_TRY(eki_tensor_own(value->init, err));
        memcpy(value->init->data, p->average, p->count * sizeof(float));
    }
    return EK_OK;
}

ek_status ek_trainer_average(const ek_trainer *trainer, ek_model **average, ek_error *err) {
    EKI_GIVEN(trainer, err);
    EKI_GIVEN(average, err);
    *average = NULL;
    EKI_TRY(check_averaged(trainer, err));
    ek_model *model;
    EKI_TRY(ek_model_copy(trainer->model, &model, err));
    ek_status status = write_average(trainer, model, err);
    if (status != EK_OK) {
        ek_model_destroy(model);
        return status;
    }
    *average = model;
    return EK_OK;
}

ek_status ek_trainer_take_average(ek_trainer *trainer, ek_error *err) {
    EKI_GIVEN(trainer, err);
    EKI_TRY(check_averaged(trainer, err));
    for (size_t i = 0; i < trainer->groups.count; i++) {
        const eki_trained *p = &trainer->groups.items[i];
        if (p->average != NULL) memcpy(p->weights, p->average, p->count * sizeof(float));
    }
    eki_exec_weights_changed(trainer->exec);
    return EK_OK;
}
