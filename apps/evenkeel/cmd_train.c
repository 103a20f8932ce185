/* cmd_train.c: `evenkeel train`: from options to a trained ONNX file.
 *
 * The order: options (a checkpoint's merged in), data, model, loader, trainer, then steps, then the test data. Nothing
 * is computed before all that can be refused has been looked at, the writability of the output included.
 */
#include "inputs.h"
#include "interrupt.h"
#include "message.h"
#include "train_job.h"
#include "watch.h"

#include <evenkeel/files.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ek_status check_options(const arguments *args, ek_error *err) {
    if (option_int(args, "sync-group") > 0 && !option_flag(args, "sync-norm"))
        return fail(err, EK_ERR_ARG, "--sync-group is for --sync-norm");
    if (option_given(args, "epochs") && option_given(args, "steps"))
        return fail(err, EK_ERR_ARG, "--epochs and --steps exclude each other");
    return EK_OK;
}

/* The file to write, and to resume from. */
static ek_status choose_output(train_job *job, const char **resume, ek_error *err) {
    job->output = option_text(job->args, "output");
    *resume = option_text(job->args, "resume");
    if (*resume != NULL && (*resume)[0] == 0) *resume = job->output;
    if (option_given(job->args, "resume") && *resume == NULL)
        return fail(err, EK_ERR_ARG, "--resume: from which file?\nExample: evenkeel train --resume digits.onnx");
    size_t length = *resume != NULL ? strlen(*resume) : 0;
    if (length > 6 && strcmp(*resume + length - 6, ".state") == 0)
        return fail(err, EK_ERR_ARG, "--resume %s: give the model, %.*s; its state is found beside it", *resume,
                    (int)length - 6, *resume);
    if (job->output == NULL) job->output = *resume;
    if (option_flag(job->args, "dry-run")) return EK_OK;
    if (job->output == NULL)
        return fail(err, EK_ERR_ARG, "--output is missing: where should the model go?\nExample: -o digits.onnx");
    return word_check_model_output(job->output, err);
}

static ek_status read_checkpoint(train_job *job, const char *path, arguments *merged, ek_error *err) {
    ek_status status = ek_checkpoint_load(path, &job->checkpoint, err);
    if (status != EK_OK) return status;
    job->resumed = 1;
    job->model = job->checkpoint.model;
    job->position = job->checkpoint.position;
    status = history_read(&job->history, job->position.history, err);
    if (status != EK_OK) return fail_in(err, "%s.state", path);
    const char *flags = job->position.flags ? job->position.flags : "";
    status = train_flags_merge(job->args, flags, path, merged, err);
    if (status == EK_OK) job->args = merged;
    return status;
}

static ek_status prepare(train_job *job, arguments *merged, ek_error *err) {
    const char *resume = NULL;
    ek_status status = check_options(job->args, err);
    if (status == EK_OK) status = train_watch_check(job, err);
    if (status == EK_OK) status = choose_output(job, &resume, err);
    if (status == EK_OK) status = train_keep_unfinished(job, resume, err);
    if (status == EK_OK && resume != NULL) status = read_checkpoint(job, resume, merged, err);
    int data = option_text(job->args, "data") != NULL || terms_arrays(job->args);
    if (status == EK_OK && data) status = train_make_model(job, err);
    if (status == EK_OK) status = train_open_data(job, err);
    if (status == EK_OK) status = train_open_validation(job, err);
    if (status == EK_OK && !job->resumed) status = train_check_data(job, err);
    if (status == EK_OK && job->resumed) status = train_flags_check_data(job, err);
    int writes = job->output != NULL && ek_comm_rank(job->comm) == 0 && !option_flag(job->args, "dry-run");
    if (status == EK_OK && writes) status = ek_file_check(job->output, err);
    if (status == EK_OK) status = train_best_path(job, err);
    if (status == EK_OK) status = train_make_model(job, err);
    if (status == EK_OK) status = train_make_loader(job, err);
    if (status == EK_OK) status = train_make_trainer(job, err);
    if (status == EK_OK) status = train_flags_write(job, err);
    if (status == EK_OK) status = train_agree(job, err);
    if (status == EK_OK && job->resumed) train_compare_environment(job);
    if (status == EK_OK && job->resumed && writes) status = train_find_best(job, resume, err);
    if (status == EK_OK && writes) status = train_watch_open(job, err);
    return status;
}

static ek_status test(train_job *job, ek_error *err) {
    watch w;
    watch_start(&w, "testing");
    ek_eval_options options = ek_eval_options_default();
    options.threads = job->training.threads;
    options.head = job->training.head;
    options.progress = watch_progress;
    options.context = &w;
    options.terms = job->terms.losses;
    options.term_count = job->terms.count;
    ek_status status = EK_OK;
    if (job->terms.count > 0 && job->measurement == NULL) status = ek_measurement_create(&job->measurement, err);
    options.measurement = job->measurement;
    if (status == EK_OK)
        status = ek_evaluate(job->model, job->test ? job->test : job->train, &options, &job->result, err);
    watch_end(&w);
    job->tested = status == EK_OK;
    return status;
}

/* Where the numbers left all bounds, what helps, and what is kept. */
static void explain_numbers(train_job *job, ek_error *err) {
    char rate[40] = "", kept[64] = "Nothing was written to ";
    const char *grown = job->divergence.run > 0 ? "" : divergence_grown(&job->divergence, job->trainer, job->model);
    size_t used = strlen(err->text);
    if (job->last.lr > 0) snprintf(rate, sizeof rate, ", learning rate %g", job->last.lr);
    if (job->saved || job->resumed)
        snprintf(kept, sizeof kept, "The last good checkpoint, of step %lld, is in ", (long long)job->saved_step);
    snprintf(err->text + used, sizeof err->text - used,
             "\nAt step %lld%s%s. A lower --lr or a --warmup usually helps, where the data is finite. %s%s",
             (long long)train_step(job) + 1, rate, grown, kept, job->output);
}

static int explain(train_job *job, ek_error *err) {
    if (err->status == EK_ERR_INTERRUPTED && job->trainer != NULL) {
        int finished = train_ended(job);
        if (finished)
            fail(err, EK_ERR_INTERRUPTED, "interrupted while testing; the trained model is %s", job->output);
        else
            fail(err, EK_ERR_INTERRUPTED,
                 "interrupted at step %lld of %lld; checkpoint written\nNext: evenkeel train --resume %s",
                 (long long)train_step(job), (long long)job->total_steps, quoted(job->output));
    } else if (err->status == EK_ERR_NONFINITE && job->trainer != NULL) {
        explain_numbers(job, err);
    }
    return report(err);
}

static int run_train(const arguments *args) {
    ek_error err = {0};
    int guarded = train_guard(args);
    if (guarded >= 0) return guarded;
    train_job *job = calloc(1, sizeof *job);
    arguments merged = {0};
    ek_status status = job != NULL ? EK_OK : fail(&err, EK_ERR_NOMEM, "out of memory");
    if (status == EK_OK) {
        job->args = args;
        interrupt_listen();
        status = train_join(job, &err);
        if (status == EK_OK) status = arguments_operand_as(args, "model", &err);
        if (status == EK_OK) status = prepare(job, &merged, &err);
        if (status == EK_ERR_ARG && job->model == NULL) arguments_hint(args, &err);
    }
    int code = EXIT_DONE;
    int dry = status == EK_OK && option_flag(job->args, "dry-run");
    if (dry) status = train_plan(job, &err);
    if (dry && status == EK_OK) {
        report_plan(job);
    } else {
        if (status == EK_OK) {
            report_start(job);
            status = train_loop(job, &err);
        }
        int others = job != NULL && ek_comm_rank(job->comm) > 0; /* rank 0 tests for all */
        if (status == EK_OK && !others) status = train_settle(job, &err);
        if (status == EK_OK && !others) status = test(job, &err);
        if (status == EK_OK && !others) {
            train_compare(job);
            report_result(job);
        }
        if (status != EK_OK) {
            if (job != NULL && status != EK_ERR_INTERRUPTED) ek_comm_tell(job->comm, &err);
            code = job ? explain(job, &err) : report(&err);
        }
    }
    if (job != NULL) {
        divergence_end(&job->divergence);
        ek_loader_destroy(job->loader);
        ek_trainer_destroy(job->trainer);
        ek_comm_close(job->comm, status, code);
        ek_checkpoint_free(&job->checkpoint);
        ek_model_destroy(job->average); /* borrows from the model */
        ek_model_destroy(job->model);
        ek_dataset_close(job->train);
        if (job->validation != job->test) ek_dataset_close(job->validation);
        ek_dataset_close(job->test);
        terms_free(&job->terms);
        train_watch_close(job);
        metrics_end(&job->judged);
        ek_measurement_destroy(job->measurement);
        free(job->losses);
        ek_recalibration_destroy(job->norm_gaps);
        history_free(&job->history);
        free(job->history_text);
        free(job->best);
        free(job->flags);
    }
    arguments_free(&merged);
    free(job);
    return code;
}

const command command_train = {
    .name = "train",
    .summary = "Train a classifier, or any model by a loss, and write it as an ONNX file",
    .operands = "[MODEL.onnx]",
    .maximum = 1,
    .example = "evenkeel train --data builtin:strokes -o digits.onnx\n"
               "evenkeel train --data mnist --model cnn6 --epochs 3 --norm group:8 -o mnist.onnx\n"
               "evenkeel train --resume mnist.onnx\n"
               "evenkeel train shipped.onnx --data photos --freeze-stats --lr 0.01 -o mine.onnx\n"
               "evenkeel train net.onnx --input x.npy --target y.npy --loss mse -o fitted.onnx",
    .description =
        "A checkpoint is written at the end of each epoch (--checkpoint-every), and on Ctrl-C. After training "
        "the test data is evaluated. The input mean, deviation and class names are kept in the file.\n\n"
        "A file whose number of classes is not that of the data gets a new classifier, which is said. Norms and "
        "weights can be frozen by name, by depth and by epoch, and layers can learn at rates of their own.",
    .next = "evenkeel eval digits.onnx --data builtin:strokes",
    .options = train_options,
    .run = run_train,
};
