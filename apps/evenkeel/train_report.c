/* train_report.c: what `evenkeel train` tells: the plan and progress on standard error, the result on standard output.
 *
 * With --json and no terminal, progress is one JSON object a line, for programs that watch.
 */
#include "inputs.h"
#include "memory_report.h"
#include "message.h"
#include "parts.h"
#include "print.h"
#include "report/json_out.h"
#include "terminal.h"
#include "train_job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_LINES = 50 }; /* of epochs; where there are more, every other or third ... */

/* Progress as JSON lines rather than as text. */
static int as_lines(void) { return tool_voice.json && !is_terminal(STDERR_FILENO); }

typedef struct parameter_sums {
    int64_t decayed, decayed_values, plain, plain_values, frozen, frozen_values;
} parameter_sums;

static parameter_sums sum_parameters(const train_job *job) {
    parameter_sums s = {0};
    for (size_t i = 0; i < ek_trainer_parameter_count(job->trainer); i++) {
        ek_parameter_info p = ek_trainer_parameter(job->trainer, i);
        int64_t *count = !p.trained ? &s.frozen : p.decayed ? &s.decayed : &s.plain;
        count[0] += 1;
        count[1] += p.count;
    }
    return s;
}

void report_start(const train_job *job) {
    ek_dataset_info d = ek_dataset_describe(job->train);
    char loss[1024];
    terms_text(&job->terms, loss, sizeof loss);
    if (as_lines()) return;
    if (d.channels > 0)
        note("data      %s: %lld images of %dx%dx%d, %d classes", job->data, (long long)d.count, d.channels, d.height,
             d.width, d.classes);
    else
        note("data      %zu arrays of %lld examples", ek_dataset_array_count(job->train), (long long)d.count);
    if (loss[0] != 0) note("loss      %s", loss);
    if (job->validation != NULL)
        note("best      %s, by the loss on %lld validation images, after each epoch", job->best,
             (long long)ek_dataset_describe(job->validation).count);
    note("model     %s: %lld values, %zu norms", option_text(job->args, "model"), (long long)model_values(job->model),
         ek_model_norm_count(job->model));
    note("training  %lld steps, %lld an epoch, batch %lld, %s, peak lr %g", (long long)job->total_steps,
         (long long)job->batches, (long long)job->loading.batch, option_text(job->args, "optimizer"), job->training.lr);
    train_tell_size(job);
    if (job->resumed)
        note("resumed   at epoch %lld, batch %lld (step %lld)", (long long)job->position.epoch + 1,
             (long long)job->position.batch, (long long)train_step(job));
}

void report_parameters(const train_job *job) {
    parameter_sums s = sum_parameters(job);
    if (as_lines()) return;
    if (job->training.weight_decay > 0)
        note("weights   %lld decayed (%lld values), %lld not decayed (%lld values), %lld frozen (%lld values)",
             (long long)s.decayed, (long long)s.decayed_values, (long long)s.plain, (long long)s.plain_values,
             (long long)s.frozen, (long long)s.frozen_values);
    else
        note("weights   %lld trained (%lld values), without weight decay; %lld frozen (%lld values)",
             (long long)(s.decayed + s.plain), (long long)(s.decayed_values + s.plain_values), (long long)s.frozen,
             (long long)s.frozen_values);
}

/* Of classes accuracy and F1, of others all that there is. */
static void put_metrics(eki_json *json, const epoch_row *row, ek_measure measure) {
    const measure_names *names = measure_names_of(measure);
    for (int i = 0; i < measure_count(measure); i++) {
        char name[40];
        snprintf(name, sizeof name, "validation_%s", names->names[i]);
        if (measure != EK_MEASURE_CLASSES || i == 0 || i == 3) eki_json_real(json, name, row->metrics[i]);
    }
}

static void put_epoch(eki_json *json, const epoch_row *row, ek_measure measure) {
    eki_json_int(json, "epoch", row->epoch);
    eki_json_int(json, "step", row->step);
    eki_json_real(json, "loss", row->loss);
    if (measure == EK_MEASURE_CLASSES) eki_json_real(json, "accuracy", row->accuracy);
    eki_json_real(json, "lr", row->lr);
    if (row->gradient_norm > 0) {
        eki_json_real(json, "gradient_norm", row->gradient_norm);
        eki_json_real(json, "gradient_norm_max", row->gradient_norm_max);
        eki_json_int(json, "clipped", row->clipped);
    }
    if (row->validated) {
        eki_json_real(json, "validation_loss", row->validation_loss);
        put_metrics(json, row, measure);
    }
    eki_json_real(json, "seconds", row->seconds);
}

static void epoch_json(const epoch_row *row, ek_measure measure) {
    eki_json json;
    eki_json_start(&json, stderr, 0);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "event", "epoch");
    put_epoch(&json, row, measure);
    eki_json_finish(&json);
}

void report_epoch(const train_job *job, const epoch_row *row) {
    char duration[32], validation[128] = "", gradient[96] = "", accuracy[48] = "", right[64] = "";
    ek_measure measure = terms_measure(&job->terms, NULL);
    if (tool_voice.quiet || tool_voice.rank > 0) return;
    if (as_lines()) {
        epoch_json(row, measure);
        return;
    }
    const epoch_row *best = history_best(&job->history);
    int64_t epochs = (job->total_steps + job->batches - 1) / job->batches, each = epochs / MOST_LINES + 1;
    if (row->epoch % each != 0 && row->epoch != epochs && !job->history.ended) return;
    duration_text(row->seconds, duration);
    measure_text(measure, row->metrics, right);
    if (measure == EK_MEASURE_CLASSES) {
        snprintf(accuracy, sizeof accuracy, "  accuracy %.2f %%", 100 * row->accuracy);
        snprintf(right, sizeof right, "%.2f %%", 100 * row->metrics[0]);
    }
    if (row->validated)
        snprintf(validation, sizeof validation, "  validation %.4f%s%s%s", row->validation_loss, right[0] ? "  " : "",
                 right, best != NULL && best->step == row->step ? " (best)" : "");
    if (job->training.clip > 0)
        snprintf(gradient, sizeof gradient, "  gradient %.3g, at most %.3g, %lld clipped", row->gradient_norm,
                 row->gradient_norm_max, (long long)row->clipped);
    note("epoch %lld/%lld  loss %.4f%s%s%s  lr %.4g  %s", (long long)row->epoch, (long long)epochs, row->loss, accuracy,
         validation, gradient, row->lr, duration);
    if (job->history.ended)
        note("stopped   the validation loss was not lower for %lld epochs", (long long)history_waited(&job->history));
}

void report_plan(const train_job *job) {
    ek_dataset_info d = ek_dataset_describe(job->train);
    ek_memory_report memory = ek_trainer_memory(job->trainer);
    if (option_flag(job->args, "json")) {
        eki_json json;
        eki_json_start(&json, stdout, 2);
        eki_json_object(&json, NULL);
        eki_json_bool(&json, "dry_run", 1);
        eki_json_text(&json, "model", option_text(job->args, "model"));
        eki_json_text(&json, "head", job->head[0] ? job->head : NULL);
        eki_json_int(&json, "values", model_values(job->model));
        eki_json_int(&json, "norms", (int64_t)ek_model_norm_count(job->model));
        eki_json_int(&json, "images", d.count);
        eki_json_int(&json, "classes", d.classes);
        if (job->validation != NULL)
            eki_json_int(&json, "validation_images", ek_dataset_describe(job->validation).count);
        eki_json_int(&json, "steps", job->total_steps);
        eki_json_int(&json, "steps_per_epoch", job->batches);
        eki_json_real(&json, "lr", job->training.lr);
        eki_json_int(&json, "from_step", train_step(job));
        eki_json_text(&json, "file", job->output);
        memory_json(&json, &memory);
        eki_json_finish(&json);
        return;
    }
    if (d.channels == 0)
        print("data      %zu arrays of %lld examples\n", ek_dataset_array_count(job->train), (long long)d.count);
    else
        print("data      %s: %lld images of %dx%dx%d, %d classes\n", job->data, (long long)d.count, d.channels,
              d.height, d.width, d.classes);
    if (d.channels > 0)
        print("input     mean %s, deviation %s\n", ek_model_metadata(job->model, "evenkeel.mean"),
              ek_model_metadata(job->model, "evenkeel.std"));
    print("model     %s: %lld values, %zu norms\n", option_text(job->args, "model"),
          (long long)model_values(job->model), ek_model_norm_count(job->model));
    print("training  %lld steps, %lld an epoch, from step %lld, peak lr %g\n", (long long)job->total_steps,
          (long long)job->batches, (long long)train_step(job), job->training.lr);
    memory_lines(stdout, &memory);
    print("file      %s (not written: dry run)\n", job->output ? job->output : "-");
}

/* Those that this process has trained. */
static void put_epochs(eki_json *json, const train_job *job) {
    eki_json_array(json, "epochs");
    for (size_t i = 0; i < job->history.count; i++) {
        if (job->history.rows[i].seconds == 0) continue;
        eki_json_object(json, NULL);
        put_epoch(json, &job->history.rows[i], terms_measure(&job->terms, NULL));
        eki_json_close(json);
    }
    eki_json_close(json);
}

static void put_validation(eki_json *json, const train_job *job) {
    const epoch_row *best = history_best(&job->history);
    if (job->validation == NULL) return;
    eki_json_object(json, "validation");
    eki_json_int(json, "images", ek_dataset_describe(job->validation).count);
    eki_json_bool(json, "stopped", job->history.ended);
    if (best != NULL) {
        eki_json_text(json, "best_file", job->best);
        eki_json_int(json, "best_epoch", best->epoch);
        eki_json_real(json, "best_loss", best->validation_loss);
        const measure_names *names = measure_names_of(terms_measure(&job->terms, NULL));
        char name[40];
        snprintf(name, sizeof name, "best_%s", names->headline >= 0 ? names->names[names->headline] : "");
        if (names->headline >= 0) eki_json_real(json, name, best->metrics[names->headline]);
    }
    eki_json_close(json);
}

static void tell_best(const train_job *job) {
    const epoch_row *best = history_best(&job->history);
    char metric[64];
    if (best == NULL) return;
    measure_text(terms_measure(&job->terms, NULL), best->metrics, metric);
    print("best      epoch %lld: loss %.5f%s%s on the validation data: %s\n", (long long)best->epoch,
          best->validation_loss, metric[0] ? ", " : "", metric, job->best);
}

static void put_parameters(eki_json *json, const train_job *job) {
    parameter_sums s = sum_parameters(job);
    eki_json_object(json, "parameters");
    eki_json_int(json, "decayed", s.decayed);
    eki_json_int(json, "decayed_values", s.decayed_values);
    eki_json_int(json, "not_decayed", s.plain);
    eki_json_int(json, "not_decayed_values", s.plain_values);
    eki_json_int(json, "frozen", s.frozen);
    eki_json_int(json, "frozen_values", s.frozen_values);
    eki_json_close(json);
}

/* How the running statistics did on training images, and what became of them. */
static void put_statistics(eki_json *json, const train_job *job) {
    const settlement *s = &job->settled;
    if (!s->averaged) return;
    eki_json_object(json, "statistics");
    eki_json_bool(json, "measured", s->measured);
    eki_json_int(json, "images", s->images);
    eki_json_real(json, "accuracy_average", s->running.accuracy);
    eki_json_real(json, "accuracy_batch", s->batch.accuracy);
    eki_json_real(json, "loss_average", s->running.loss);
    eki_json_real(json, "loss_batch", s->batch.loss);
    eki_json_close(json);
}

static void result_json(const train_job *job) {
    eki_json json;
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "file", job->output);
    eki_json_text(&json, "model", option_text(job->args, "model"));
    eki_json_text(&json, "head", job->head[0] ? job->head : NULL);
    eki_json_text(&json, "data", job->data);
    if (terms_classify(&job->terms)) eki_json_real(&json, "accuracy", job->result.accuracy);
    eki_json_real(&json, "loss", job->result.loss);
    eki_json_int(&json, "test_images", job->result.images);
    eki_json_text(&json, "evaluated_on", part_name(job->evaluated_on));
    eki_json_int(&json, "steps", train_step(job));
    eki_json_bool(&json, "resumed", job->resumed);
    eki_json_int(&json, "images", job->images);
    eki_json_real(&json, "seconds", job->seconds);
    eki_json_real(&json, "images_per_second", job->seconds > 0 ? (double)job->images / job->seconds : 0);
    eki_json_int(&json, "ranks", ek_comm_size(job->comm));
    eki_json_real(&json, "exchange_seconds", job->last.exchange_seconds);
    eki_json_int(&json, "skipped_updates", job->last.skipped_updates);
    if (job->terms.count == 0) eki_json_real(&json, "training_accuracy", job->settled.final.accuracy);
    ek_dataset_info data = ek_dataset_describe(job->test ? job->test : job->train);
    if (job->terms.count > 0) measures_json(&json, job->measurement, data.class_names, data.classes);
    put_statistics(&json, job);
    put_validation(&json, job);
    put_parameters(&json, job);
    put_epochs(&json, job);
    if (job->training.profile) {
        ek_memory_report memory = ek_trainer_memory(job->trainer);
        profile_json(&json, job);
        memory_json(&json, &memory);
        eki_json_int(&json, "peak_resident", memory_peak());
    }
    eki_json_finish(&json);
}

/* What to measure the file with: the data, and what is fed and made small. */
static void tell_next(const train_job *job) {
    static const char *const names[] = {"data", "input", "target", "loss"};
    char line[2000] = "";
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const option_value *value = option_get(job->args, names[k]);
        for (int i = 0; i < value->count; i++) {
            size_t used = strlen(line);
            snprintf(line + used, sizeof line - used, " --%s %s", names[k], quoted(value->texts[i]));
        }
    }
    note("Next: evenkeel eval %s%s", quoted(job->output), line);
}

void report_result(const train_job *job) {
    if (job->last.skipped_updates > 0)
        warn("%lld updates of running statistics were refused, because the batch was not finite (last: %s)",
             (long long)job->last.skipped_updates, job->last.skipped ? job->last.skipped : "?");
    if (option_flag(job->args, "json")) {
        result_json(job);
        return;
    }
    if (terms_classify(&job->terms))
        print("accuracy  %.2f %%  (%lld of %lld, %s)\n", 100 * job->result.accuracy, (long long)job->result.correct,
              (long long)job->result.images, part_text(job->evaluated_on));
    print("loss      %.5f\n", job->result.loss);
    if (!terms_classify(&job->terms)) measures_lines(job->measurement);
    print("file      %s\n", job->output);
    tell_best(job);
    if (job->training.profile) report_profile(job, stdout);
    tell_next(job);
}
