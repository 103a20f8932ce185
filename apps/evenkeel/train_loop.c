/* train_loop.c: steps, epochs and checkpoints.
 *
 * The position (epoch, batch) is all that the loop keeps; with the counter-based randomness of the library it says
 * what comes next, so that a resumed run sees the same batches as one that never stopped.
 */
#include "message.h"
#include "report/json_out.h"
#include "terminal.h"
#include "train_job.h"

#include <stdlib.h>

int64_t train_step(const train_job *job) { return job->position.epoch * job->batches + job->position.batch; }

int train_ended(const train_job *job) { return train_step(job) >= job->total_steps || job->history.ended; }

int train_keeps_history(const train_job *job) { return job->validation != NULL || option_given(job->args, "log"); }

static ek_status keep_history(train_job *job, ek_error *err) {
    if (!train_keeps_history(job)) return EK_OK;
    free(job->history_text);
    job->position.history = job->history_text = history_text(&job->history);
    return job->history_text != NULL ? EK_OK : fail(err, EK_ERR_NOMEM, "out of memory");
}

static ek_status checkpoint(train_job *job, ek_error *err) {
    job->position.flags = job->flags;
    ek_status kept = keep_history(job, err);
    if (kept != EK_OK) return kept;
    ek_status status = ek_trainer_save(job->trainer, job->output, &job->position, err);
    if (status == EK_OK) job->saved_step = train_step(job);
    job->saved += status == EK_OK;
    return status;
}

static void draw(train_job *job, progress *bar, double began, int64_t first) {
    char what[64], tail[96];
    const ek_position *p = &job->position;
    int64_t done = train_step(job) - first, rest = job->total_steps - first;
    double seconds = clock_seconds() - began;
    snprintf(what, sizeof what, "epoch %lld", (long long)p->epoch + 1);
    char accuracy[48] = "";
    if (terms_classify(&job->terms))
        snprintf(accuracy, sizeof accuracy, "accuracy %.2f %%  ",
                 p->seen > 0 ? 100.0 * (double)p->correct / (double)p->seen : 0.0);
    snprintf(tail, sizeof tail, "loss %.4f  %s%.0f images/s", p->batch > 0 ? p->loss_sum / (double)p->batch : 0.0,
             accuracy, seconds > 0 ? (double)job->images / seconds : 0.0);
    progress_draw(bar, what, rest > 0 ? (double)done / (double)rest : 1, tail);
}

static ek_status one_step(train_job *job, ek_error *err) {
    ek_batch batch;
    ek_status status = ek_loader_next(job->loader, &batch, err);
    if (status != EK_OK) return status;
    if (batch.total == 0) return fail(err, EK_ERR_STATE, "the epoch ended before its last batch");
    status = ek_trainer_step(job->trainer, &batch, &job->last, err);
    int last = train_step(job) + 1 == job->total_steps;
    if (status == EK_OK) status = divergence_check(&job->divergence, job->trainer, job->model, &job->last, last, err);
    if (status != EK_OK) return status;
    job->position.loss_sum += job->last.loss;
    job->position.correct += job->last.correct;
    job->position.seen += job->last.count;
    job->position.batch++;
    job->images += batch.total;
    return train_watch_step(job, err);
}

ek_status train_plan(train_job *job, ek_error *err) {
    ek_batch batch;
    ek_status status = ek_loader_start_epoch(job->loader, job->position.epoch, job->position.batch, err);
    if (status == EK_OK) status = ek_loader_next(job->loader, &batch, err);
    if (status != EK_OK || batch.total == 0) return status; /* a training that has ended */
    return ek_trainer_prepare(job->trainer, &batch, err);
}

/* The remaining batches of the epoch at `position`. */
static ek_status one_epoch(train_job *job, progress *bar, double began, int64_t first, ek_error *err) {
    int64_t every = option_int(job->args, "checkpoint-every");
    ek_position *p = &job->position;
    ek_status status = ek_loader_start_epoch(job->loader, p->epoch, p->batch, err);
    while (status == EK_OK && p->batch < job->batches && train_step(job) < job->total_steps) {
        if (train_stops(job)) return fail(err, EK_ERR_INTERRUPTED, "interrupted");
        int first_step = job->images == 0;
        status = train_enter_epoch(job, p->epoch + 1, err);
        if (status == EK_OK) status = one_step(job, err);
        if (status != EK_OK) break;
        if (first_step) {
            progress_clear(bar);
            report_parameters(job);
        }
        draw(job, bar, began, first);
        int64_t step = train_step(job);
        if (every > 0 && step % every == 0 && step < job->total_steps && p->batch < job->batches &&
            !divergence_suspects(&job->divergence))
            status = checkpoint(job, err);
    }
    return status;
}

static epoch_row this_epoch(const train_job *job, double seconds) {
    const ek_position *p = &job->position;
    return (epoch_row){.epoch = p->epoch + 1,
                       .step = train_step(job),
                       .loss = p->batch > 0 ? p->loss_sum / (double)p->batch : 0,
                       .accuracy = p->seen > 0 ? (double)p->correct / (double)p->seen : 0,
                       .lr = job->last.lr,
                       .seconds = seconds};
}

/* Validation is not interrupted: an epoch has ended with its validation or not at all. */
static ek_status end_epoch(train_job *job, progress *bar, double seconds, ek_error *err) {
    progress_clear(bar);
    epoch_row row = this_epoch(job, seconds);
    ek_trainer_rest(job->trainer);
    ek_status status = train_validate(job, &row, err);
    if (status == EK_OK) status = train_gap_measure(job, &row, err);
    if (status == EK_OK) status = history_add(&job->history, &row, err);
    if (status != EK_OK) return status;
    int64_t patience = option_int(job->args, "patience");
    job->history.ended = patience > 0 && history_waited(&job->history) >= patience;
    report_epoch(job, &row);
    if (job->position.batch == job->batches) /* else --steps ended within the epoch */
        job->position = (ek_position){.epoch = job->position.epoch + 1};
    return train_watch_epoch(job, err);
}

/* After an epoch: a checkpoint where one is due, or where the model is one to keep. */
static ek_status keep_epoch(train_job *job, ek_error *err) {
    int64_t step = train_step(job), every = option_int(job->args, "checkpoint-every");
    int due = every == 0 || step % every == 0 || train_is_best(job);
    ek_status status = EK_OK;
    if (train_ended(job) || (due && !divergence_suspects(&job->divergence))) {
        status = checkpoint(job, err);
        if (status == EK_OK) status = train_keep_best(job, err);
    }
    return status;
}

ek_status train_loop(train_job *job, ek_error *err) {
    progress bar;
    progress_start(&bar);
    int64_t first = train_step(job);
    double began = clock_seconds();
    ek_status status = divergence_begin(&job->divergence, job->model, ek_dataset_describe(job->train).classes, err);
    job->saved_step = first;
    /* A finished run that was killed between writing its state and its model still lacks the model. */
    if (status == EK_OK && job->resumed && train_ended(job)) status = checkpoint(job, err);
    while (status == EK_OK && !train_ended(job)) {
        double start = clock_seconds();
        status = one_epoch(job, &bar, began, first, err);
        if (status != EK_OK) break;
        status = end_epoch(job, &bar, clock_seconds() - start, err);
        if (status == EK_OK) status = keep_epoch(job, err);
    }
    progress_clear(&bar);
    job->seconds = clock_seconds() - began;
    if (status == EK_ERR_INTERRUPTED) {
        ek_error save = {0};
        if (checkpoint(job, &save) != EK_OK) {
            *err = save;
            return save.status;
        }
    }
    return status;
}
