/* train_gap.c: for the report: what batch norms have learned to expect against what the batches give, after each epoch.
 *
 * On a few training images, always the same, the loss with running statistics and with those of each batch; and on a
 * copy of the model the statistics that those images have, norm by norm. The model itself is not touched.
 */
#include "message.h"
#include "train_job.h"

#include <evenkeel/surgery.h>
#include <stdlib.h>

enum { SAMPLE = 512 };

static ek_status loss_with(const train_job *job, int batch_statistics, double *loss, ek_error *err) {
    ek_eval_options o = ek_eval_options_default();
    ek_eval_result result;
    int64_t images = ek_dataset_describe(job->train).count;
    o.threads = job->training.threads;
    o.head = job->training.head;
    o.sample = images < SAMPLE ? images : SAMPLE;
    o.batch_statistics = batch_statistics;
    o.batch = job->loading.batch;
    ek_status status = ek_evaluate(job->model, job->train, &o, &result, err);
    *loss = status == EK_OK ? result.loss : 0;
    return status;
}

static ek_status measure_norms(train_job *job, ek_error *err) {
    ek_recalibrate_options o = ek_recalibrate_options_default();
    ek_model *copy = NULL;
    o.threads = job->training.threads;
    o.one_pass = 1;
    o.batch = job->loading.batch;
    o.sample = SAMPLE;
    ek_recalibration_destroy(job->norm_gaps);
    job->norm_gaps = NULL;
    ek_status status = ek_model_copy(job->model, &copy, err);
    if (status == EK_OK) status = ek_recalibrate(copy, job->train, &o, &job->norm_gaps, err);
    ek_model_destroy(copy);
    return status;
}

ek_status train_gap_measure(train_job *job, epoch_row *row, ek_error *err) {
    norm_gap *gap = &row->gap;
    if (job->terms.count > 0) return EK_OK; /* arrays: no images to measure on */
    if (!option_given(job->args, "report") || ek_comm_rank(job->comm) > 0 || !train_averages(job)) return EK_OK;
    ek_status status = loss_with(job, 0, &gap->running, err);
    if (status == EK_OK) status = loss_with(job, 1, &gap->batch, err);
    if (status == EK_OK) status = measure_norms(job, err);
    if (status != EK_OK) return fail_in(err, "--report");
    size_t count = ek_recalibration_count(job->norm_gaps);
    double *shifts = calloc(count + 1, sizeof *shifts);
    if (shifts == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const ek_recalibrated *r = ek_recalibration_row(job->norm_gaps, i);
        shifts[i] = r->updated ? r->shift_mean : 0;
    }
    gap->measured = 1;
    status = history_add_shifts(&job->history, shifts, count, err);
    free(shifts);
    return status;
}
