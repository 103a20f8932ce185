/* trainer.c: training steps over the executor.
 *
 * A step is forward, loss, backward, checks, then the changes: optimizer, running statistics, counters. Everything that
 * can fail comes before the first change, so that a batch which is refused (a label that is no class, a loss or a
 * gradient that is not finite) leaves the model as it was.
 */
#include "train/trainer.h"
#include "train/objective.h"
#include "train/ranks.h"

#include "base/threads.h"
#include "graph/precision.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Statistics that the graph computes have no place to be kept in: without this they would silently stay as they are. */
static ek_status check_statistics(const ek_model *model, ek_error *err) {
    for (size_t i = 0; i < model->n_norms; i++) {
        const ek_model_norm *info = &model->norms[i].info;
        bool kept = info->mean[0] != '\0' && info->variance[0] != '\0';
        if (info->kind != EK_NORM_BATCH || info->stats_frozen || kept) continue;
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "batch norm '%.100s': its running statistics are no initializers of the file, so that training "
                        "could not update them; freeze them: --freeze-stats='%.100s'",
                        info->node[0] != '\0' ? info->node : info->output,
                        info->node[0] != '\0' ? info->node : info->output);
    }
    return EK_OK;
}

static ek_status make_groups(ek_trainer *trainer, ek_error *err) {
    double *scales;
    const ek_train_options *o = &trainer->options;
    EKI_TRY(eki_scales_create(trainer->model, &trainer->rules, o->lr_depth_decay, &scales, err));
    ek_status status = eki_groups_create(trainer->model, trainer->exec, o, scales, &trainer->groups, err);
    free(scales);
    return status;
}

/* The classifier's own loss needs logits; others are put behind the program. */
static ek_status open_loss(ek_trainer *trainer, ek_error *err) {
    const ek_train_options *o = &trainer->options;
    const eki_value *head;
    if (o->loss_count > 0) {
        if (trainer->objective == NULL)
            EKI_TRY(eki_objective_create(trainer->model, o->losses, o->loss_count, o->head, o->mixed != 0,
                                         &trainer->objective, err));
        trainer->logits = trainer->objective->outputs[0];
        return EK_OK;
    }
    EKI_TRY(eki_intake_check(trainer->model, err));
    EKI_TRY(eki_logits_head(trainer->model, o->head, &head, err));
    trainer->logits = eki_logits_behind(head)->name;
    return EK_OK;
}

ek_status eki_trainer_open(ek_trainer *trainer, ek_error *err) {
    const ek_train_options *o = &trainer->options;
    bool bf16;
    eki_recompute recompute;
    trainer->agreed = false;
    EKI_TRY(eki_precision(o->precision, &bf16, err));
    EKI_TRY(eki_recompute_asked(o->memory, &recompute, err));
    EKI_TRY(eki_model_untie(trainer->model, err));
    EKI_TRY(check_statistics(trainer->model, err));
    EKI_TRY(open_loss(trainer, err));
    const eki_objective *objective = trainer->objective;
    EKI_TRY(eki_model_switches(trainer->model, &trainer->switches, err));
    if (objective != NULL) EKI_TRY(eki_objective_switches(objective, &trainer->switches, err));
    EKI_TRY(eki_statistics_open(trainer, err));
    eki_exec_options options = {.mode = EKI_MODE_TRAINING,
                                .threads = o->threads,
                                .backward = true,
                                .bf16 = bf16,
                                .recompute = recompute,
                                .reproducible = o->reproducible != 0,
                                .chunk = o->chunk,
                                .virtual_batch = o->virtual_batch,
                                .profile = o->profile != 0,
                                .seed = o->seed,
                                .norm_switches = trainer->switches,
                                .norm_updates = trainer->updates,
                                .ranks = eki_ranks_collective(trainer->ranks),
                                .gradient_ready = trainer->ranks != NULL ? eki_ranks_gradient_ready : NULL,
                                .gradient_context = trainer->ranks,
                                .outputs = objective != NULL ? objective->outputs : &trainer->logits,
                                .n_outputs = objective != NULL ? objective->n_outputs : 1};
    eki_graph *graph = objective != NULL ? objective->graph : trainer->model->graph;
    EKI_TRY(eki_exec_create(graph, &options, &trainer->exec, err));
    EKI_TRY(objective != NULL ? eki_objective_trace(objective, trainer->exec, err)
                              : eki_sole_input(trainer->exec, err));
    return make_groups(trainer, err);
}

ek_status ek_trainer_create(ek_model *model, const ek_train_options *options, ek_trainer **out, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(out, err);
    *out = NULL;
    ek_trainer *trainer = eki_calloc(1, sizeof *trainer);
    if (trainer == NULL) return eki_fail_nomem(err, sizeof *trainer);
    trainer->model = model;
    ek_status status = eki_train_options_check(&trainer->options, options, err);
    if (status == EK_OK) status = eki_ranks_create(&trainer->options, &trainer->ranks, err);
    if (status == EK_OK) status = eki_trainer_open(trainer, err);
    if (status != EK_OK) {
        ek_trainer_destroy(trainer);
        return status;
    }
    *out = trainer;
    return EK_OK;
}

void ek_trainer_destroy(ek_trainer *trainer) {
    if (trainer == NULL) return;
    eki_rules_free(&trainer->rules);
    eki_groups_free(&trainer->groups);
    eki_exec_destroy(trainer->exec);
    eki_objective_free(trainer->objective);
    eki_ranks_free(trainer->ranks);
    free(trainer->switches);
    free(trainer->updates);
    free(trainer);
}

static ek_status plan_images(ek_trainer *trainer, int64_t count, const ek_dataset_info *images, ek_error *err) {
    eki_shape shape;
    eki_intake *intake = &trainer->intake;
    EKI_TRY(eki_intake_open(trainer->model, images, intake, err));
    if (intake->fixed > 0 && intake->fixed != count) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "the batch has %" PRId64 " examples, but the model was written for batches of %" PRId64
                        " only; use that batch size and drop the last short batch",
                        count, intake->fixed);
    }
    EKI_TRY(eki_intake_shape(intake, count, &shape, NULL, err));
    return eki_exec_prepare(trainer->exec, &shape, err);
}

ek_status eki_trainer_prepare(ek_trainer *trainer, const ek_batch *batch, ek_error *err) {
    const ek_dataset_info images = {.height = trainer->options.height, .width = trainer->options.width};
    if (trainer->objective == NULL) {
        EKI_TRY(plan_images(trainer, batch->count, &images, err));
    } else {
        EKI_TRY(eki_objective_prepare(trainer->objective, trainer->exec, trainer->model, batch, &images,
                                      &trainer->intake, err));
    }
    if (!trainer->agreed && trainer->ranks != NULL) EKI_TRY(eki_ranks_check(trainer->ranks, trainer, err));
    trainer->agreed = true;
    return EK_OK;
}

static ek_status check_loss(const ek_trainer *trainer, const eki_whole_loss *loss, ek_error *err) {
    if (!loss->bad) return EK_OK;
    return eki_fail(err, EK_ERR_NONFINITE,
                    "step %" PRId64 ": the loss of example %" PRIu64
                    " is not finite; the model is as before the step: lower the learning rate or check the data",
                    trainer->step + 1, loss->bad_id);
}

static ek_status check_gradients(const ek_trainer *trainer, ek_error *err) {
    const eki_trained *bad = eki_optimizer_nonfinite(&trainer->groups);
    if (bad == NULL) return EK_OK;
    return eki_fail(err, EK_ERR_NONFINITE,
                    "step %" PRId64 ": the gradient of '%s' is not finite; the model is as before the step: lower the "
                    "learning rate or check the data",
                    trainer->step + 1, bad->name);
}

/* What the whole batch weighs, for each term of the loss. */
static ek_status weigh(ek_trainer *trainer, const ek_batch *batch, double *whole, ek_error *err) {
    const eki_objective *o = trainer->objective;
    size_t rows = (size_t)batch->count, all = 0;
    bool fits = eki_mul_size(rows, o->count, &all);
    double *weights = fits ? eki_alloc(eki_size_of(all + 1, sizeof *weights)) : NULL;
    if (weights == NULL) return eki_fail_nomem(err, all);
    eki_objective_weights(o, trainer->exec, batch->count, weights);
    ek_status status = EK_OK;
    for (size_t i = 0; i < o->count && status == EK_OK; i++) {
        status = eki_ranks_add(trainer->ranks, weights + i * rows, rows, &whole[i], err);
    }
    free(weights);
    return status;
}

static ek_status forward_objective(ek_trainer *trainer, const ek_batch *batch, eki_loss *loss, double *losses,
                                   ek_error *err) {
    const eki_objective *o = trainer->objective;
    double *whole = NULL;
    eki_objective_feed(o, trainer->exec, batch, &trainer->intake);
    EKI_TRY(eki_exec_forward(trainer->exec, err));
    if (eki_objective_weighted(o)) {
        whole = eki_calloc(o->count, sizeof *whole);
        ek_status status = whole == NULL ? eki_fail_nomem(err, o->count) : weigh(trainer, batch, whole, err);
        if (status != EK_OK) {
            free(whole);
            return status;
        }
    }
    *loss = eki_objective_measure(o, trainer->exec, batch->count, batch->total, whole, losses, true);
    free(whole);
    return EK_OK;
}

/* Forward, then the loss of each row and its gradient, which is of the mean over the whole batch. */
static ek_status forward(ek_trainer *trainer, const ek_batch *batch, eki_loss *loss, double *losses, ek_error *err) {
    eki_exec *exec = trainer->exec;
    eki_plan *plan = eki_exec_plan(exec);
    int64_t classes;
    plan->step_id = (uint64_t)trainer->step;
    plan->sample_ids = batch->ids;
    plan->samples = batch->count;
    if (trainer->objective != NULL) return forward_objective(trainer, batch, loss, losses, err);
    EKI_TRY(eki_logits_classes(exec, batch->count, &classes, err));
    EKI_TRY(eki_loss_check_labels(batch->labels, batch->ids, batch->count, classes, err));
    const eki_mixture mixture = {batch->others, batch->shares};
    if (mixture.shares != NULL) EKI_TRY(eki_loss_check_labels(mixture.others, batch->ids, batch->count, classes, err));
    if (eki_exec_input_needed(exec, 0)) {
        eki_intake_fill(&trainer->intake, batch->images, batch->count, batch->count, eki_exec_input(exec, 0).data);
    }
    EKI_TRY(eki_exec_forward(exec, err));
    *loss = eki_loss_part(eki_exec_output(exec, 0).data, batch->count, classes, batch->labels, mixture, batch->total,
                          losses, eki_exec_output_gradient(exec, 0));
    return EK_OK;
}

/* Alone, a loss that is not finite ends the step at once; with others, it goes through backward to be told to all. */
static ek_status forward_backward(ek_trainer *trainer, const ek_batch *batch, eki_whole_loss *whole, double *losses,
                                  ek_error *err) {
    eki_loss loss;
    eki_ranks *ranks = trainer->ranks;
    if (ranks != NULL) EKI_TRY(eki_ranks_begin(ranks, trainer, batch, err));
    EKI_TRY(forward(trainer, batch, &loss, losses, err));
    if (ranks == NULL) {
        *whole = (eki_whole_loss){.sum = loss.sum, .correct = loss.correct, .rows = batch->count};
        whole->bad = loss.bad_row >= 0;
        if (whole->bad) whole->bad_id = batch->ids != NULL ? batch->ids[loss.bad_row] : (uint64_t)loss.bad_row;
        EKI_TRY(check_loss(trainer, whole, err));
        EKI_TRY(eki_exec_backward(trainer->exec, err));
    } else {
        EKI_TRY(eki_ranks_loss(ranks, &loss, losses, batch->count, batch->ids, err));
        EKI_TRY(eki_exec_backward(trainer->exec, err));
        EKI_TRY(eki_ranks_finish(ranks, whole, err));
        EKI_TRY(check_loss(trainer, whole, err));
    }
    return check_gradients(trainer, err);
}

/* The norm of the gradients, and what they are multiplied by, as PyTorch's clip_grad_norm_ does it. Ranks have the same
 * gradients by now. */
static ek_status measure_gradients(const ek_trainer *trainer, eki_clip *clip, ek_error *err) {
    const ek_train_options *o = &trainer->options;
    *clip = (eki_clip){.shrink = 1};
    if (o->clip == 0 && !o->gradient_norm) return EK_OK;
    int threads = eki_threads_get();
    if (o->threads > 0) eki_threads_set(o->threads);
    ek_status status = eki_optimizer_norm(&trainer->groups, &clip->norm, err);
    eki_threads_set(threads);
    if (o->clip > 0 && clip->norm > o->clip) clip->shrink = (float)(o->clip / (clip->norm + 1e-6));
    return status;
}

static ek_status commit(ek_trainer *trainer, double lr, float shrink, ek_error *err) {
    eki_plan *plan = eki_exec_plan(trainer->exec);
    int64_t before = plan->skipped_updates;
    int threads = eki_threads_get();
    if (trainer->options.threads > 0) eki_threads_set(trainer->options.threads);
    eki_optimizer_step(&trainer->options, lr, shrink, trainer->step + 1, &trainer->groups);
    trainer->step++;
    eki_average_step(trainer);
    eki_threads_set(threads);
    ek_status status = eki_exec_commit(trainer->exec, err);
    if (status == EK_OK) status = eki_statistics_keep(trainer, err);
    if (plan->skipped_updates > before) {
        trainer->skipped += plan->skipped_updates - before;
        memcpy(trainer->skipped_text, plan->skipped_text, sizeof trainer->skipped_text);
        trainer->skipped_text[sizeof trainer->skipped_text - 1] = '\0';
    }
    return status;
}

/* A caller that knows nothing of ranks leaves the total out. */
static ek_status check_batch(const ek_trainer *trainer, ek_batch *batch, ek_error *err) {
    if (batch->total == 0) batch->total = batch->count;
    bool whole = batch->first == 0 && batch->count == batch->total;
    bool part = batch->first >= 0 && batch->count >= 0 && batch->first + batch->count <= batch->total;
    bool given = batch->images != NULL && batch->labels != NULL;
    if (trainer->objective != NULL) given = batch->images != NULL || batch->arrays != NULL;
    if (batch->shares != NULL && trainer->objective != NULL && trainer->objective->from_labels &&
        !trainer->options.mixed) {
        return eki_fail(err, EK_ERR_ARG,
                        "the batch is mixed (ek_loader_options.mixup), which this trainer was not made "
                        "for: ek_train_options.mixed");
    }
    if (batch->total < 1 || (batch->count > 0 && !given)) {
        return eki_fail(err, EK_ERR_ARG, "a training step needs a batch of at least one image with its label%s",
                        trainer->objective != NULL ? ", or of arrays" : "");
    }
    if (trainer->ranks != NULL ? part : whole) return EK_OK;
    return eki_fail(err, EK_ERR_ARG, "the batch is examples %" PRId64 " to %" PRId64 " of %" PRId64 ", expected %s",
                    batch->first, batch->first + batch->count - 1, batch->total,
                    trainer->ranks != NULL ? "a part of it" : "all of it: this trainer is alone (comm is NULL)");
}

static void fill_result(const ek_trainer *trainer, const eki_whole_loss *loss, double lr, const eki_clip *clip,
                        ek_step_result *result) {
    *result = (ek_step_result){.step = trainer->step,
                               .loss = loss->sum / (double)loss->rows,
                               .correct = loss->correct,
                               .count = loss->rows,
                               .lr = lr,
                               .skipped_updates = trainer->skipped,
                               .skipped = trainer->skipped_text,
                               .stopped = loss->stopped,
                               .gradient_norm = clip->norm,
                               .clipped = clip->shrink < 1};
    if (trainer->ranks != NULL) result->exchange_seconds = eki_ranks_waited(trainer->ranks);
}

ek_status ek_trainer_step(ek_trainer *trainer, const ek_batch *given, ek_step_result *result, ek_error *err) {
    EKI_GIVEN(trainer, err);
    EKI_GIVEN(given, err);
    eki_whole_loss loss = {0};
    ek_batch batch = *given;
    EKI_TRY(check_batch(trainer, &batch, err));
    EKI_TRY(eki_trainer_prepare(trainer, &batch, err));
    double lr = eki_learning_rate(&trainer->options, trainer->step);
    double *losses = eki_alloc(eki_size_of((size_t)batch.count + 1, sizeof *losses));
    if (losses == NULL) return eki_fail_nomem(err, (size_t)batch.count * sizeof *losses);
    ek_status status = forward_backward(trainer, &batch, &loss, losses, err);
    free(losses);
    eki_exec_plan(trainer->exec)->sample_ids = NULL; /* the batch's memory, which ends with the call */
    EKI_TRY(status);
    eki_clip clip;
    EKI_TRY(measure_gradients(trainer, &clip, err));
    EKI_TRY(commit(trainer, lr, clip.shrink, err));
    if (result != NULL) fill_result(trainer, &loss, lr, &clip, result);
    return EK_OK;
}

ek_status ek_trainer_prepare(ek_trainer *trainer, const ek_batch *given, ek_error *err) {
    EKI_GIVEN(trainer, err);
    EKI_GIVEN(given, err);
    ek_batch batch = *given;
    EKI_TRY(check_batch(trainer, &batch, err));
    return eki_trainer_prepare(trainer, &batch, err);
}

size_t ek_trainer_parameter_count(const ek_trainer *trainer) { return trainer == NULL ? 0 : trainer->groups.count; }

ek_parameter_info ek_trainer_parameter(const ek_trainer *trainer, size_t index) {
    if (trainer == NULL || index >= trainer->groups.count) return (ek_parameter_info){.name = ""};
    const eki_trained *item = &trainer->groups.items[index];
    return (ek_parameter_info){.name = item->name,
                               .count = (int64_t)item->count,
                               .decayed = item->decayed,
                               .trained = item->trained,
                               .norm = item->norm,
                               .lr_scale = item->trained ? item->lr_scale : 0};
}

void ek_trainer_rest(ek_trainer *trainer) {
    if (trainer != NULL) eki_exec_rest(trainer->exec);
}

ek_memory_report ek_trainer_memory(const ek_trainer *trainer) {
    ek_memory_report report = {.bytes = 0};
    if (trainer != NULL) eki_exec_memory(trainer->exec, &report);
    return report;
}

size_t ek_trainer_profile(const ek_trainer *trainer, ek_profile_row *rows, size_t room) {
    return trainer == NULL ? 0 : eki_exec_profile(trainer->exec, rows, room);
}

/* Every slot has its parameter and every trained parameter its slot. */
static ek_status check_slots(const ek_trainer *trainer, const eki_state *state, ek_error *err) {
    size_t trained = 0;
    for (size_t i = 0; i < trainer->groups.count; i++) trained += trainer->groups.items[i].trained;
    for (size_t i = 0; i < state->n_slots; i++) {
        const eki_slot *slot = &state->slots[i];
        const eki_trained *item = eki_groups_find(&trainer->groups, slot->name);
        if (item == NULL || !item->trained || item->count != slot->count) {
            return eki_fail(
                err, EK_ERR_FORMAT,
                "the state holds a slot of %zu elements for '%s', which the model %s; resume with the model "
                "and the freezing that the state was saved with",
                slot->count, slot->name,
                item == NULL     ? "does not have"
                : !item->trained ? "has frozen"
                                 : "has with another size");
        }
    }
    if (state->n_slots == trained || (state->step == 0 && state->n_slots == 0)) return EK_OK;
    return eki_fail(err, EK_ERR_FORMAT,
                    "the state holds slots for %zu parameters, but %zu are trained now; resume with the freezing that "
                    "the state was saved with",
                    state->n_slots, trained);
}

/* The average that the state has, for every trained parameter. */
static ek_status restore_average(ek_trainer *trainer, const eki_state *state, ek_error *err) {
    size_t wanted = 0;
    if (state->average != (int)trainer->options.average)
        return eki_fail(err, EK_ERR_ARG,
                        "the state was saved with average %d, the trainer has %d; resume with the same", state->average,
                        (int)trainer->options.average);
    for (size_t i = 0; i < trainer->groups.count; i++) wanted += trainer->groups.items[i].average != NULL;
    if (state->n_averages != (state->average != EK_AVERAGE_NONE ? wanted : 0))
        return eki_fail(err, EK_ERR_FORMAT, "the state holds averages of %zu parameters, but %zu are trained now",
                        state->n_averages, wanted);
    for (size_t i = 0; i < state->n_averages; i++) {
        const eki_slot *slot = &state->averages[i];
        const eki_trained *item = eki_groups_find(&trainer->groups, slot->name);
        if (item == NULL || item->average == NULL || item->count != slot->count)
            return eki_fail(err, EK_ERR_FORMAT,
                            "the state holds an average of %zu elements for '%s', which is not trained", slot->count,
                            slot->name);
    }
    for (size_t i = 0; i < state->n_averages; i++) {
        const eki_slot *slot = &state->averages[i];
        memcpy(eki_groups_find(&trainer->groups, slot->name)->average, slot->data[0], slot->count * sizeof(float));
    }
    trainer->averaged = state->averaged;
    return EK_OK;
}

ek_status ek_trainer_restore(ek_trainer *trainer, const ek_checkpoint *checkpoint, ek_error *err) {
    EKI_GIVEN(trainer, err);
    EKI_GIVEN(checkpoint, err);
    const eki_state *state = checkpoint->state;
    if (state == NULL) return eki_fail(err, EK_ERR_ARG, "the checkpoint is empty; load it with ek_checkpoint_load");
    if (state->optimizer != (int)trainer->options.optimizer ||
        state->arrays != eki_optimizer_slots(&trainer->options)) {
        return eki_fail(err, EK_ERR_ARG,
                        "the state was saved by %s with %d slots per parameter, the trainer is %s with %d; resume with "
                        "the same optimizer and momentum",
                        eki_optimizer_name(state->optimizer), state->arrays,
                        eki_optimizer_name((int)trainer->options.optimizer), eki_optimizer_slots(&trainer->options));
    }
    EKI_TRY(check_slots(trainer, state, err));
    EKI_TRY(restore_average(trainer, state, err));
    for (size_t i = 0; i < state->n_slots; i++) {
        const eki_slot *slot = &state->slots[i];
        eki_trained *item = eki_groups_find(&trainer->groups, slot->name);
        float *const to[2] = {item->first, item->second};
        for (int k = 0; k < slot->arrays; k++) memcpy(to[k], slot->data[k], slot->count * sizeof(float));
    }
    trainer->step = state->step;
    trainer->skipped = state->skipped;
    eki_exec_weights_changed(trainer->exec);
    return EK_OK;
}
