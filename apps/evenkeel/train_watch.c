/* train_watch.c: the log and the report of a training. */
#include "message.h"
#include "train_job.h"
#include "train_page.h"

#include <evenkeel/files.h>

static int writes(const train_job *job) { return ek_comm_rank(job->comm) == 0; }

ek_status train_watch_check(const train_job *job, ek_error *err) {
    const char *path = option_text(job->args, "log"), *page = option_text(job->args, "report");
    ek_status status = page != NULL ? word_check_extension("--report", page, ".html", err) : EK_OK;
    if (status != EK_OK) return status;
    if (path != NULL) return log_check_name(path, err);
    if (!option_given(job->args, "log-every")) return EK_OK;
    return fail(err, EK_ERR_ARG, "--log-every is for --log FILE.csv or FILE.jsonl");
}

ek_status train_watch_open(train_job *job, ek_error *err) {
    const char *path = option_text(job->args, "log"), *page = option_text(job->args, "report");
    if (!writes(job)) return EK_OK;
    ek_status status = page != NULL ? ek_file_check(page, err) : EK_OK;
    if (status != EK_OK) return fail_in(err, "--report");
    if (path == NULL) return EK_OK;
    status = log_open(&job->log, path, terms_measure(&job->terms, NULL), job->resumed ? train_step(job) : -1,
                      &job->history, err);
    return status == EK_OK ? EK_OK : fail_in(err, "--log");
}

ek_status train_watch_step(train_job *job, ek_error *err) {
    int64_t every = option_int(job->args, "log-every"), step = train_step(job);
    const ek_step_result *last = &job->last;
    history_add_gradient(&job->history, last->gradient_norm, last->clipped);
    if (every == 0 || step % every != 0) return EK_OK;
    const epoch_row row = {.epoch = job->position.epoch + 1,
                           .step = step,
                           .loss = last->loss,
                           .accuracy = last->count > 0 ? (double)last->correct / (double)last->count : 0,
                           .lr = last->lr,
                           .gradient_norm = last->gradient_norm,
                           .clipped = last->clipped};
    return log_step(&job->log, &row, err);
}

ek_status train_watch_epoch(train_job *job, ek_error *err) {
    const epoch_row *row = &job->history.rows[job->history.count - 1];
    ek_status status = log_epoch(&job->log, row, history_best(&job->history) == row, err);
    const char *page = option_text(job->args, "report");
    if (status == EK_OK && page != NULL && writes(job)) status = train_page_save(page, job, err);
    return status;
}

void train_watch_close(train_job *job) { log_close(&job->log); }
