/* regroup.c: other switches and shares of the learning rate in the middle of training.
 *
 * What a plan does with a norm is settled when it is made, so a new one is made; the optimizer's memory of parameters
 * that go on being trained moves over.
 */
#include "train/trainer.h"

#include <stdlib.h>
#include <string.h>

static void move_slots(eki_groups *from, const eki_groups *to) {
    for (size_t i = 0; i < to->count; i++) {
        eki_trained *item = &to->items[i];
        eki_trained *old = item->trained ? eki_groups_find(from, item->name) : NULL;
        if (old == NULL || !old->trained) continue;
        float *const fresh[] = {item->first, item->second, item->average};
        item->first = old->first;
        item->second = old->second;
        item->average = old->average;
        old->first = fresh[0];
        old->second = fresh[1];
        old->average = fresh[2];
    }
}

/* A new exec and new groups, and what the old ones remember. */
static ek_status reopen(ek_trainer *trainer, ek_error *err) {
    eki_groups old = trainer->groups;
    trainer->groups = (eki_groups){0};
    eki_exec_destroy(trainer->exec);
    trainer->exec = NULL;
    free(trainer->switches);
    trainer->switches = NULL;
    ek_status status = eki_trainer_open(trainer, err);
    if (status == EK_OK) move_slots(&old, &trainer->groups);
    eki_groups_free(&old);
    return status;
}

ek_status ek_trainer_regroup(ek_trainer *trainer, const ek_lr_scale *rules, size_t count, ek_error *err) {
    EKI_GIVEN(trainer, err);
    eki_rules copy;
    EKI_TRY(eki_rules_copy(trainer->model, rules, count, &copy, err));
    eki_rules_free(&trainer->rules);
    trainer->rules = copy;
    return reopen(trainer, err);
}
