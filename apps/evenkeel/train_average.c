/* train_average.c: --average: the average of the weights, with statistics measured for it.
 *
 * Training goes on with its own weights. At the end of an epoch a model of the average is made, its batch norms are
 * measured on the training data, and that model is what is validated and kept as the best. At the end of training it
 * takes the place of the last one.
 */
#include "message.h"
#include "train_job.h"
#include "watch.h"

#include <evenkeel/surgery.h>
#include <stdlib.h>
#include <string.h>

static const char key[] = "evenkeel.average";

/* "ema", "ema:0.99", "swa", "swa:0.5". */
ek_status train_average_options(const train_job *job, ek_train_options *o, ek_error *err) {
    const char *text = option_text(job->args, "average");
    if (text == NULL) return EK_OK;
    int swa = strncmp(text, "swa", 3) == 0, known = swa || strncmp(text, "ema", 3) == 0;
    double *number = swa ? &o->average_start : &o->average_decay;
    char *end = (char *)(uintptr_t)(known ? text + 3 : "?");
    if (known && text[3] == ':') *number = strtod(text + 4, &end);
    if (*end != 0 || (known && text[3] == ':' && end == text + 4) || !(*number >= 0 && *number < 1))
        return fail(
            err, EK_ERR_ARG,
            "--average %s: expected ema or swa, or with a number from 0 to below 1 ema:DECAY, such as ema:0.99, or "
            "swa:START, such as swa:0.5 for the second half of the steps",
            text);
    o->average = swa ? EK_AVERAGE_SWA : EK_AVERAGE_EMA;
    return EK_OK;
}

/* What the file says. */
static ek_status mark(const train_job *job, ek_model *model, ek_error *err) {
    const ek_train_options *o = &job->training;
    char text[160];
    int swa = o->average == EK_AVERAGE_SWA;
    snprintf(text, sizeof text, "%s:%g, %lld steps, statistics measured", swa ? "swa" : "ema",
             swa ? o->average_start : o->average_decay, (long long)ek_trainer_averaged(job->trainer));
    return ek_model_set_metadata(model, key, text, err);
}

/* Every rank measures for itself, on the same data in the same order. */
static ek_status measure(const train_job *job, ek_model *model, int one_pass, ek_error *err) {
    ek_recalibrate_options o = ek_recalibrate_options_default();
    ek_recalibration *report = NULL;
    watch w;
    if (!train_averages(job)) return EK_OK;
    watch_start(&w, "measuring");
    o.threads = job->training.threads;
    o.one_pass = one_pass;
    o.batch = job->loading.batch;
    ek_status status = ek_recalibrate(model, job->train, &o, &report, err);
    watch_end(&w);
    ek_recalibration_destroy(report);
    return status;
}

ek_status train_average_model(const train_job *job, ek_model **average, ek_error *err) {
    *average = NULL;
    if (ek_trainer_averaged(job->trainer) == 0) return EK_OK;
    ek_status status = ek_trainer_average(job->trainer, average, err);
    if (status == EK_OK) status = measure(job, *average, 1, err);
    if (status == EK_OK) status = mark(job, *average, err);
    return status;
}

ek_status train_average_settle(train_job *job, ek_error *err) {
    int64_t steps = ek_trainer_averaged(job->trainer);
    if (steps == 0) return EK_OK;
    ek_status status = ek_trainer_take_average(job->trainer, err);
    if (status == EK_OK) status = measure(job, job->model, 0, err);
    if (status == EK_OK) status = mark(job, job->model, err);
    job->position.flags = job->flags;
    if (status == EK_OK) status = ek_trainer_save_alone(job->trainer, job->output, &job->position, err);
    if (status == EK_OK)
        note("average   the file has the average of the weights over %lld steps%s", (long long)steps,
             train_averages(job) ? ", and statistics measured for it" : "");
    return status;
}
