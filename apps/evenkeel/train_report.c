/* train_report.c: what `evenkeel train` tells: the plan and progress on standard error, the result on standard output.
 *
 * With --json and no terminal, progress is one JSON object a line, for programs that watch.
 */
#include "inputs.h"
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
    if (as_lines()) return;
    note("data      %s: %lld images of %dx%dx%d, %d classes", job->data, (long long)d.count, d.channels, d.height,
         d.width, d.classes);
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

void report_epoch(train_job *job, double seconds) {
    const ek_position *p = &job->position;
    epoch_row row = {.epoch = p->epoch + 1,
                     .loss = p->batch > 0 ? p->loss_sum / (double)p->batch : 0,
                     .accuracy = p->seen > 0 ? (double)p->correct / (double)p->seen : 0,
                     .lr = job->last.lr,
                     .seconds = seconds};
    if (job->row_count < MAX_EPOCH_ROWS) job->rows[job->row_count++] = row;
    if (tool_voice.quiet || tool_voice.rank > 0) return;
    if (as_lines()) {
        eki_json json;
        eki_json_start(&json, stderr, 0);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "event", "epoch");
        eki_json_int(&json, "epoch", row.epoch);
        eki_json_int(&json, "step", train_step(job));
        eki_json_real(&json, "loss", row.loss);
        eki_json_real(&json, "accuracy", row.accuracy);
        eki_json_real(&json, "lr", row.lr);
        eki_json_real(&json, "seconds", row.seconds);
        eki_json_finish(&json);
        return;
    }
    char duration[32];
    duration_text(seconds, duration);
    int64_t epochs = (job->total_steps + job->batches - 1) / job->batches, each = epochs / MOST_LINES + 1;
    if (row.epoch % each != 0 && row.epoch != epochs) return;
    note("epoch %lld/%lld  loss %.4f  accuracy %.2f %%  lr %.4g  %s", (long long)row.epoch, (long long)epochs, row.loss,
         100 * row.accuracy, row.lr, duration);
}

void report_plan(const train_job *job) {
    ek_dataset_info d = ek_dataset_describe(job->train);
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
        eki_json_int(&json, "steps", job->total_steps);
        eki_json_int(&json, "steps_per_epoch", job->batches);
        eki_json_real(&json, "lr", job->training.lr);
        eki_json_int(&json, "from_step", train_step(job));
        eki_json_text(&json, "file", job->output);
        eki_json_finish(&json);
        return;
    }
    print("data      %s: %lld images of %dx%dx%d, %d classes\n", job->data, (long long)d.count, d.channels, d.height,
          d.width, d.classes);
    print("input     mean %s, deviation %s\n", ek_model_metadata(job->model, "evenkeel.mean"),
          ek_model_metadata(job->model, "evenkeel.std"));
    print("model     %s: %lld values, %zu norms\n", option_text(job->args, "model"),
          (long long)model_values(job->model), ek_model_norm_count(job->model));
    print("training  %lld steps, %lld an epoch, from step %lld, peak lr %g\n", (long long)job->total_steps,
          (long long)job->batches, (long long)train_step(job), job->training.lr);
    print("file      %s (not written: dry run)\n", job->output ? job->output : "-");
}

enum { KINDS = 3, MAX_ROWS = 128 };
static const char *const kind_names[KINDS] = {"convolution", "normalization", "rest"};

static int kind_of(const char *name) {
    int kind = 0;
    while (kind + 1 < KINDS && strcmp(kind_names[kind], name) != 0) kind++;
    return kind;
}

typedef struct profile {
    double forward[KINDS], backward[KINDS], total;
} profile;

static profile measure(const train_job *job) {
    ek_profile_row rows[MAX_ROWS];
    profile p = {.total = 0};
    size_t count = ek_trainer_profile(job->trainer, rows, MAX_ROWS);
    for (size_t i = 0; i < count && i < MAX_ROWS; i++) {
        int kind = kind_of(rows[i].kind);
        p.forward[kind] += rows[i].forward;
        p.backward[kind] += rows[i].backward;
    }
    /* What lies between the operators (loss, optimizer, data, checkpoints) belongs to the rest. */
    for (int k = 0; k < KINDS; k++) p.total += p.forward[k] + p.backward[k];
    return p;
}

void report_profile(const train_job *job, FILE *file) {
    profile p = measure(job);
    double outside = job->seconds > p.total ? job->seconds - p.total : 0, whole = p.total + outside;
    fprintf(file, "\n%-22s %10s %10s %8s\n", "time", "forward s", "backward s", "share");
    for (int k = 0; k < KINDS; k++)
        fprintf(file, "%-22s %10.3f %10.3f %6.1f %%\n", kind_names[k], p.forward[k], p.backward[k],
                whole > 0 ? 100 * (p.forward[k] + p.backward[k]) / whole : 0);
    fprintf(file, "%-22s %10s %10.3f %6.1f %%\n", "outside the operators", "", outside,
            whole > 0 ? 100 * outside / whole : 0);
    fprintf(file, "%.0f images per second\n", job->seconds > 0 ? (double)job->images / job->seconds : 0);
}

static void put_profile(eki_json *json, const train_job *job) {
    profile p = measure(job);
    eki_json_object(json, "profile");
    for (int k = 0; k < KINDS; k++) {
        eki_json_object(json, kind_names[k]);
        eki_json_real(json, "forward", p.forward[k]);
        eki_json_real(json, "backward", p.backward[k]);
        eki_json_close(json);
    }
    eki_json_real(json, "operators", p.total);
    eki_json_real(json, "whole", job->seconds);
    eki_json_close(json);
}

static void put_epochs(eki_json *json, const train_job *job) {
    eki_json_array(json, "epochs");
    for (int i = 0; i < job->row_count; i++) {
        eki_json_object(json, NULL);
        eki_json_int(json, "epoch", job->rows[i].epoch);
        eki_json_real(json, "loss", job->rows[i].loss);
        eki_json_real(json, "accuracy", job->rows[i].accuracy);
        eki_json_real(json, "lr", job->rows[i].lr);
        eki_json_real(json, "seconds", job->rows[i].seconds);
        eki_json_close(json);
    }
    eki_json_close(json);
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
    eki_json_real(&json, "accuracy", job->result.accuracy);
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
    eki_json_real(&json, "training_accuracy", job->settled.final.accuracy);
    put_statistics(&json, job);
    put_parameters(&json, job);
    put_epochs(&json, job);
    if (job->training.profile) put_profile(&json, job);
    eki_json_finish(&json);
}

void report_result(const train_job *job) {
    if (job->last.skipped_updates > 0)
        warn("%lld updates of running statistics were refused, because the batch was not finite (last: %s)",
             (long long)job->last.skipped_updates, job->last.skipped ? job->last.skipped : "?");
    if (option_flag(job->args, "json")) {
        result_json(job);
        return;
    }
    print("accuracy  %.2f %%  (%lld of %lld, %s)\n", 100 * job->result.accuracy, (long long)job->result.correct,
          (long long)job->result.images, part_text(job->evaluated_on));
    print("loss      %.5f\n", job->result.loss);
    print("file      %s\n", job->output);
    if (job->training.profile) report_profile(job, stdout);
    note("Next: evenkeel eval %s --data %s", quoted(job->output), quoted(job->data));
}
