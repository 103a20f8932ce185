/* train_validate.c: validation data, what is measured on them after each epoch, and the best model so far.
 *
 * The best model is a file of its own beside the last one. It is written after the checkpoint that says it is the best:
 * killed in between, a resumed run finds in its own weights what the file lacks. So the file and what the checkpoint
 * says of it are of one epoch at every resume.
 */
#include "grid.h"
#include "inputs.h"
#include "message.h"
#include "train_job.h"
#include "watch.h"

#include <evenkeel/files.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "0.1" = 0.1; -1 = not a number. */
static double fraction_of(const char *text) {
    char *end = NULL;
    double value = strtod(text, &end);
    return end != text && *end == 0 ? value : -1;
}

static ek_status open_other(train_job *job, const char *spec, ek_error *err) {
    ek_error none = {0};
    if (data_open(job->args, spec, EK_SPLIT_VALIDATION, job->model, &job->validation, &none) == EK_OK) return EK_OK;
    if (none.status != EK_ERR_IO) {
        *err = none;
        return err->status;
    }
    return data_open(job->args, spec, EK_SPLIT_TEST, job->model, &job->validation, err);
}

/* The validation split of the data, which may already be open as what the model is tested on. */
static ek_status open_own(train_job *job, ek_error *err) {
    if (!ek_dataset_has_split(job->train, EK_SPLIT_VALIDATION)) return EK_OK;
    if (job->test != NULL && job->test_data == NULL && ek_dataset_split(job->test) == EK_SPLIT_VALIDATION) {
        job->validation = job->test;
        return EK_OK;
    }
    return data_open(job->args, job->data, EK_SPLIT_VALIDATION, job->model, &job->validation, err);
}

ek_status train_open_validation(train_job *job, ek_error *err) {
    const char *text = option_text(job->args, "validation");
    double fraction = text != NULL ? fraction_of(text) : -1;
    int number = text != NULL && (fraction != -1 || strcmp(text, "-1") == 0);
    ek_status status = EK_OK;
    if (text == NULL)
        status = open_own(job, err);
    else if (number && !(fraction > 0 && fraction < 1) && access(text, F_OK) != 0)
        return fail(err, EK_ERR_ARG,
                    "--validation %s: a share of the training data is above 0 and below 1, such as 0.1", text);
    else if (number && access(text, F_OK) != 0)
        status =
            ek_dataset_divide(job->train, fraction, (uint64_t)option_int(job->args, "seed"), &job->validation, err);
    else if (strcmp(text, "none") != 0)
        status = open_other(job, text, err);
    if (status != EK_OK) return text != NULL ? fail_in(err, "--validation") : status;
    if (job->validation != NULL || !option_given(job->args, "patience")) return EK_OK;
    return fail(err, EK_ERR_ARG,
                "--patience needs validation data: --validation 0.1 takes a tenth of the training images for it");
}

/* NAME.best.onnx of NAME.onnx; NULL = out of memory. */
static char *best_of(const char *output) {
    static const char ending[] = ".onnx", best[] = ".best.onnx";
    size_t length = strlen(output), cut = sizeof ending - 1;
    if (length > cut && strcmp(output + length - cut, ending) == 0) length -= cut;
    char *path = calloc(length + sizeof best, 1);
    if (path == NULL) return NULL;
    memcpy(path, output, length);
    memcpy(path + length, best, sizeof best);
    return path;
}

ek_status train_best_path(train_job *job, ek_error *err) {
    if (job->validation == NULL || job->output == NULL) return EK_OK;
    job->best = best_of(job->output);
    if (job->best == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    int writes = ek_comm_rank(job->comm) == 0 && !option_flag(job->args, "dry-run");
    return writes ? ek_file_check(job->best, err) : EK_OK;
}

/* What the judgements of a classifier say. */
static ek_status note_judgements(train_job *job, epoch_row *row, int64_t classes, ek_error *err) {
    ek_status status = metrics_count(&job->judged, classes, err);
    if (status != EK_OK) return status;
    measure_values(&(ek_measured){.kind = EK_MEASURE_CLASSES, .classes = job->judged.metrics}, row->metrics);
    row->metrics[MEASURES - 1] = ek_metrics_top(job->judged.judgements, job->judged.count, 5);
    return EK_OK;
}

static ek_status note_metrics(train_job *job, epoch_row *row, const ek_eval_result *result, ek_error *err) {
    size_t at;
    row->validated = 1;
    row->validation_loss = result->loss;
    if (job->terms.count == 0) return note_judgements(job, row, result->classes, err);
    (void)terms_measure(&job->terms, &at);
    const ek_measured measured = ek_measurement_read(job->measurement, at);
    measure_values(&measured, row->metrics);
    return EK_OK;
}

/* Room for what is found, once. */
static ek_status prepare(train_job *job, ek_eval_options *o, ek_error *err) {
    ek_status status = EK_OK;
    size_t count = (size_t)ek_dataset_describe(job->validation).count;
    if (job->losses == NULL) job->losses = grid_alloc(count, 1, sizeof *job->losses);
    if (job->losses == NULL) return fail(err, EK_ERR_NOMEM, "out of memory for %zu losses", count);
    if (job->terms.count == 0 && job->judged.judgements == NULL)
        status = metrics_begin(&job->judged, job->validation, 5, err);
    if (job->terms.count > 0 && job->measurement == NULL) status = ek_measurement_create(&job->measurement, err);
    o->threads = job->training.threads;
    o->head = job->training.head;
    o->terms = job->terms.losses;
    o->term_count = job->terms.count;
    o->judgements = job->judged.judgements;
    o->measurement = job->measurement;
    o->losses = job->losses;
    o->comm = job->comm;
    return status;
}

ek_status train_validate(train_job *job, epoch_row *row, ek_error *err) {
    ek_eval_result result;
    watch w;
    if (job->validation == NULL) return EK_OK;
    ek_eval_options o = ek_eval_options_default();
    ek_status status = prepare(job, &o, err);
    ek_model_destroy(job->average);
    job->average = NULL;
    if (status == EK_OK) status = train_average_model(job, &job->average, err);
    watch_start(&w, "validating");
    if (status == EK_OK && job->average != NULL)
        status = ek_evaluate(job->average, job->validation, &o, &result, err);
    else if (status == EK_OK)
        status = ek_trainer_evaluate(job->trainer, job->validation, &o, &result, err);
    watch_end(&w);
    return status == EK_OK ? note_metrics(job, row, &result, err) : status;
}

int train_is_best(const train_job *job) {
    const epoch_row *best = history_best(&job->history);
    return best != NULL && best->step == train_step(job);
}

ek_status train_keep_best(train_job *job, ek_error *err) {
    ek_status status = EK_OK;
    if (job->best == NULL || !train_is_best(job) || ek_comm_rank(job->comm) > 0) return EK_OK;
    if (job->average == NULL) status = train_average_model(job, &job->average, err); /* resumed */
    if (status != EK_OK) return status;
    if (job->average != NULL) return ek_model_save(job->average, job->best, NULL, err);
    return ek_trainer_save_model(job->trainer, job->best, err);
}

/* The best file of the checkpoint that was resumed, which may lie elsewhere. */
static ek_status copy_best(const train_job *job, const char *from, ek_error *err) {
    ek_model *model = NULL;
    ek_status status = ek_model_load(from, &model, err);
    if (status == EK_OK) status = ek_model_save(model, job->best, NULL, err);
    ek_model_destroy(model);
    return status;
}

ek_status train_find_best(train_job *job, const char *resume, ek_error *err) {
    if (job->best == NULL || history_best(&job->history) == NULL || ek_comm_rank(job->comm) > 0) return EK_OK;
    if (train_is_best(job)) return train_keep_best(job, err);
    char *old = best_of(resume);
    ek_status status = old != NULL ? EK_OK : fail(err, EK_ERR_NOMEM, "out of memory");
    if (status == EK_OK && !same_file(old, job->best) && access(old, R_OK) == 0)
        status = copy_best(job, old, err);
    else if (status == EK_OK && access(job->best, R_OK) != 0)
        warn("%s is not there any more; it is written when the validation loss falls below %.5f", job->best,
             history_best(&job->history)->validation_loss);
    free(old);
    return status;
}
