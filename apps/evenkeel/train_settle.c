/* train_settle.c: the end of training: do the running statistics fit the weights, and do the weights fit other images?
 *
 * A norm in training sees its batch, in inference its running statistics. Both are tried on the same training images;
 * where inference is worse by more than chance, the statistics are measured exactly. Rank 0 does this for all, after
 * the last checkpoint; a run that is killed meanwhile does it when it is resumed.
 */
#include "message.h"
#include "train_job.h"
#include "watch.h"

#include <evenkeel/surgery.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 1024, FEW_IMAGES = 1000 };

/* Of the mean loss, in nats, from which a difference matters; and in its standard errors, from which it is none by
 * chance. */
static const double clear_loss = 0.02, deviations = 3;
static const double clear_accuracy = 0.05;

/* Batches of about the size in training, none of them short. */
static int64_t even_batch(const train_job *job, int64_t images) {
    int64_t ranks = job->training.sync_norm ? 1 : ek_comm_size(job->comm);
    int64_t batch = job->loading.batch / ranks > 1 ? job->loading.batch / ranks : 1;
    int64_t batches = (images + batch - 1) / batch;
    return (images + batches - 1) / batches;
}

static ek_status evaluate(train_job *job, int batch_statistics, double *losses, ek_eval_result *result, ek_error *err) {
    ek_eval_options o = ek_eval_options_default();
    watch w;
    watch_start(&w, "checking");
    o.threads = job->training.threads;
    o.head = job->training.head;
    o.sample = job->settled.images;
    o.losses = losses;
    o.batch_statistics = batch_statistics;
    o.batch = even_batch(job, job->settled.images);
    o.progress = watch_progress;
    o.context = &w;
    ek_status status = ek_evaluate(job->model, job->train, &o, result, err);
    watch_end(&w);
    return status;
}

/* Is the loss with running statistics larger by more than noise? Image by image, so that most of it cancels. */
static int is_worse(const double *running, const double *batch, int64_t count) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) sum += running[i] - batch[i];
    double mean = sum / (double)count;
    if (!isfinite(mean)) return 1;
    for (int64_t i = 0; i < count; i++) squares += pow(running[i] - batch[i] - mean, 2);
    double error = count > 1 ? sqrt(squares / (double)(count - 1) / (double)count) : 0;
    return mean > clear_loss && mean > deviations * error;
}

/* Statistics of the whole training data, into the file. */
static ek_status measure(train_job *job, ek_error *err) {
    ek_recalibrate_options o = ek_recalibrate_options_default();
    ek_recalibration *report = NULL;
    watch w;
    watch_start(&w, "measuring");
    o.threads = job->training.threads;
    o.progress = watch_progress;
    o.context = &w;
    ek_status status = ek_recalibrate(job->model, job->train, &o, &report, err);
    watch_end(&w);
    ek_recalibration_destroy(report);
    if (status == EK_OK && job->terms.count == 0) status = evaluate(job, 0, NULL, &job->settled.final, err);
    job->position.flags = job->flags;
    if (status == EK_OK) status = ek_trainer_save_alone(job->trainer, job->output, &job->position, err);
    job->settled.measured = status == EK_OK;
    return status;
}

static void tell(const train_job *job, int worse) {
    const settlement *s = &job->settled;
    if (worse && !s->measured)
        warn("with the running statistics %.2f %% of %lld training images are right, with those of each batch %.2f %%: "
             "the average does not fit the weights; leave out --statistics ema, or: evenkeel recalibrate",
             100 * s->running.accuracy, (long long)s->images, 100 * s->batch.accuracy);
    else if (worse)
        note("norms     with the running statistics %.2f %% of %lld training images were right (loss %.3f), with those "
             "of each batch %.2f %% (%.3f): measured exactly, %.2f %% (%.3f)",
             100 * s->running.accuracy, (long long)s->images, s->running.loss, 100 * s->batch.accuracy, s->batch.loss,
             100 * s->final.accuracy, s->final.loss);
    else if (s->measured)
        note("norms     statistics measured exactly on the training data");
}

/* Of other losses nothing is compared. */
static ek_status settle_terms(train_job *job, ek_error *err) {
    ek_status status = train_average_settle(job, err);
    if (job->training.statistics != EK_STATISTICS_EXACT || !train_averages(job)) return status;
    if (status == EK_OK) status = measure(job, err);
    if (status == EK_OK) tell(job, 0);
    return status;
}

ek_status train_settle(train_job *job, ek_error *err) {
    settlement *s = &job->settled;
    if (job->terms.count > 0) return settle_terms(job, err);
    int64_t images = ek_dataset_describe(job->train).count;
    s->images = images < SAMPLE ? images : SAMPLE;
    double *losses = calloc((size_t)s->images + 1, 2 * sizeof *losses);
    if (losses == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    ek_status status = train_average_settle(job, err);
    if (status == EK_OK) status = evaluate(job, 0, losses, &s->running, err);
    s->final = s->running;
    s->averaged = train_averages(job);
    if (status == EK_OK && s->averaged) {
        status = evaluate(job, 1, losses + s->images, &s->batch, err);
        int worse = status == EK_OK && is_worse(losses, losses + s->images, s->images);
        int exact = job->training.statistics == EK_STATISTICS_EXACT;
        if (exact || (worse && job->training.statistics != EK_STATISTICS_EMA))
            status = status == EK_OK ? measure(job, err) : status;
        if (status == EK_OK) tell(job, worse);
    }
    free(losses);
    return status;
}

/* ---- Do the weights fit other images? ---- */

static void put_word(char *line, size_t room, const char *word) {
    size_t used = strlen(line);
    snprintf(line + used, room - used, " %s", quoted(word));
}

/* The command that was given, with other values for some options: name, value, name, value, ..., NULL. */
static void put_command(const train_job *job, const char *const *changes, char *line, size_t room) {
    static const char *const replaced = " epochs steps batch norm crop dry-run resume output overwrite quiet json ";
    char word[600];
    snprintf(line, room, "evenkeel train");
    for (const option *o = job->args->command->options; o->name != NULL; o++) {
        const option_value *value = option_get(job->args, o->name);
        snprintf(word, sizeof word, " %s ", o->name);
        if (value->given == 0 || strstr(replaced, word) != NULL) continue;
        for (int i = 0; i < value->count; i++) {
            snprintf(word, sizeof word, o->type == OPT_FLAG ? "--%s" : "--%s=%s", o->name, value->texts[i]);
            put_word(line, room, word);
        }
    }
    for (; changes[0] != NULL; changes += 2) {
        snprintf(word, sizeof word, "--%s=%s", changes[0], changes[1]);
        put_word(line, room, word);
    }
    put_word(line, room, "-o");
    put_word(line, room, job->output);
}

/* Few images are learned by heart, and by what has nothing to do with their class. Pictures that are moved about, norms
 * that need no batch and time help (tests/train/few_images.sh). */
static void advise(const train_job *job, const char *what) {
    ek_dataset_info d = ek_dataset_describe(job->train);
    char line[2400], crop[16];
    int pixels = (d.height < d.width ? d.height : d.width) / 6, built = ek_model_path(job->model)[0] == 0;
    snprintf(crop, sizeof crop, "%d", pixels);
    const char *const fresh[] = {"norm", "group:8", "batch", "8", "crop", crop, "steps", "1200", NULL};
    put_command(job, built ? fresh : fresh + 2, line, sizeof line);
    warn("%s: %lld images are few. More of them help, or moving them about%s and more steps:\n  %s", what,
         (long long)d.count, built ? ", group norm" : "", line);
}

void train_compare(const train_job *job) {
    double trained = job->settled.final.accuracy, found = job->result.accuracy, n = (double)job->result.images;
    double noise = n > 0 ? 2 * sqrt(found * (1 - found) / n) : 1;
    char what[200];
    if (job->terms.count > 0 || ek_dataset_describe(job->train).count >= FEW_IMAGES || job->chosen_epochs == 0) return;
    if (job->evaluated_on != EK_SPLIT_TRAIN && trained - found > clear_accuracy && trained - found > noise) {
        snprintf(what, sizeof what, "accuracy is %.1f %% on other images and %.1f %% on those of the training",
                 100 * found, 100 * trained);
        advise(job, what);
    } else if (trained < 1 - clear_accuracy) {
        snprintf(what, sizeof what, "only %.1f %% of the training images are learned", 100 * trained);
        advise(job, what);
    }
}
