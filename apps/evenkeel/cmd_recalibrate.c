/* cmd_recalibrate.c: `evenkeel recalibrate`: the statistics of batch norms, measured over a data set. */
#include "change.h"
#include "inputs.h"
#include "interrupt.h"
#include "message.h"
#include "print.h"
#include "report/json_out.h"
#include "watch.h"

#include <evenkeel/train.h>

static const option recalibrate_options[] = {
    OPTIONS_IMAGES("train"),
    {.name = "test",
     .type = OPT_FILE,
     .argument = "SPEC",
     .group = "Data",
     .help = "labelled images (their test split) for the accuracy before and after; default: those of --data"},
    {.name = "test-limit",
     .type = OPT_INT,
     .argument = "N",
     .fallback = "0",
     .maximum = 1e15,
     .group = "Data",
     .help = "of --test, use the first N examples only; 0 = all. --limit is for --data alone"},
    {.name = "one-pass",
     .type = OPT_FLAG,
     .group = "Recalibration",
     .help = "measure all norms at once, on batch statistics below; faster, not exact, and --batch counts"},
    {.name = "blend",
     .type = OPT_REAL,
     .argument = "A",
     .fallback = "0",
     .maximum = 0.999999,
     .group = "Recalibration",
     .help = "keep A of the old statistics and take 1-A of the new ones"},
    {.name = "old-images",
     .type = OPT_INT,
     .argument = "N",
     .fallback = "0",
     .maximum = 1e15,
     .group = "Recalibration",
     .help = "let the old statistics count as N images beside the new ones"},
    OPTION_BATCH("64", "Recalibration"),
    OPTION_HEAD("Recalibration"),
    OPTIONS_WRITE,
    OPTION_THREADS,
    OPTIONS_COMMON,
    OPTION_END,
};

typedef struct recal_job {
    const arguments *args;
    ek_model *model;
    ek_dataset *dataset;
    ek_dataset *test; /* for the accuracy; NULL = dataset */
    ek_recalibration *report;
    int measured; /* accuracies below are known */
    ek_eval_result before, after;
} recal_job;

static void put_row(eki_json *json, const ek_recalibrated *row) {
    eki_json_object(json, NULL);
    eki_json_text(json, "norm", row->norm);
    eki_json_bool(json, "updated", row->updated);
    eki_json_text(json, "reason", row->updated ? NULL : row->text);
    eki_json_int(json, "channels", row->channels);
    eki_json_int(json, "values", row->values);
    if (row->lost > 0) eki_json_int(json, "lost", row->lost);
    eki_json_real(json, "shift_mean", row->shift_mean);
    eki_json_real(json, "shift_max", row->shift_max);
    eki_json_real(json, "variance_ratio_min", row->ratio_min);
    eki_json_real(json, "variance_ratio_max", row->ratio_max);
    eki_json_close(json);
}

static void show_json(const recal_job *job) {
    eki_json json;
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "model", job->args->operands[0]);
    eki_json_text(&json, "data", option_text(job->args, "data"));
    eki_json_text(&json, "output", option_flag(job->args, "dry-run") ? NULL : option_text(job->args, "output"));
    eki_json_int(&json, "images", ek_dataset_describe(job->dataset).count);
    if (job->measured) eki_json_int(&json, "test_images", job->before.images);
    eki_json_array(&json, "norms");
    for (size_t i = 0; i < ek_recalibration_count(job->report); i++)
        put_row(&json, ek_recalibration_row(job->report, i));
    eki_json_close(&json);
    if (job->measured) {
        eki_json_real(&json, "accuracy_before", job->before.accuracy);
        eki_json_real(&json, "accuracy_after", job->after.accuracy);
        eki_json_real(&json, "loss_before", job->before.loss);
        eki_json_real(&json, "loss_after", job->after.loss);
    }
    eki_json_finish(&json);
}

static void show_text(const recal_job *job) {
    for (size_t i = 0; i < ek_recalibration_count(job->report); i++) {
        const ek_recalibrated *row = ek_recalibration_row(job->report, i);
        if (row->updated && row->lost == row->channels)
            print("%s: its old statistics were not finite; measured anew, %lld values a channel\n", row->norm,
                  (long long)row->values);
        else if (row->updated)
            print("%s: mean moved by %.3g deviations (at most %.3g), variance x %.3g to %.3g, %lld values a channel\n",
                  row->norm, row->shift_mean, row->shift_max, row->ratio_min, row->ratio_max, (long long)row->values);
        else
            print("%s: left alone: %s\n", row->norm, row->text);
        if (row->updated && row->lost > 0 && row->lost < row->channels)
            print("%s: the old statistics of %lld channel%s were not finite\n", row->norm, (long long)row->lost,
                  row->lost == 1 ? "" : "s");
        if (row->updated && row->values < 100)
            warn("%s: only %lld values a channel; use more data", row->norm, (long long)row->values);
    }
    if (job->measured) print("accuracy %.2f %% -> %.2f %%\n", 100 * job->before.accuracy, 100 * job->after.accuracy);
}

/* What no number says by itself; also with --json. */
static void tell(const recal_job *job) {
    if (!job->measured && !job->test && ek_dataset_describe(job->dataset).classes == 0)
        note("without labels there is no accuracy to compare; --test SPEC names labelled images");
    if (job->measured && job->after.accuracy < job->before.accuracy)
        warn("accuracy falls: the images may be too few, or not of the kind that the model will see");
}

static ek_status evaluate(const recal_job *job, ek_eval_result *result, ek_error *err) {
    ek_eval_options options = ek_eval_options_default();
    options.head = head_name(job->args);
    options.threads = (int)option_int(job->args, "threads");
    return ek_evaluate(job->model, job->test ? job->test : job->dataset, &options, result, err);
}

static ek_status recalibrate(recal_job *job, ek_error *err) {
    ek_recalibrate_options options = ek_recalibrate_options_default();
    ek_error ignored = {0};
    watch w;
    options.batch = option_int(job->args, "batch");
    options.threads = (int)option_int(job->args, "threads");
    options.one_pass = option_flag(job->args, "one-pass");
    options.blend = option_real(job->args, "blend");
    options.old_images = option_int(job->args, "old-images");
    if (options.blend > 0 && options.old_images > 0)
        return fail(err, EK_ERR_ARG, "--blend and --old-images exclude each other");
    options.progress = watch_progress;
    options.context = &w;
    /* Accuracy is a service: a model that is no classifier, or is too damaged to run, is recalibrated without. */
    job->measured = (job->test || data_fits(job->args, job->model, job->dataset, option_text(job->args, "data"),
                                            &ignored) == EK_OK) &&
                    evaluate(job, &job->before, &ignored) == EK_OK;
    watch_start(&w, "recalibrating");
    ek_status status = ek_recalibrate(job->model, job->dataset, &options, &job->report, err);
    watch_end(&w);
    if (status == EK_OK && job->measured) status = evaluate(job, &job->after, err);
    if (status == EK_OK) status = output_save(job->args, job->model, err);
    if (status != EK_OK) return status;
    if (option_flag(job->args, "json"))
        show_json(job);
    else
        show_text(job);
    tell(job);
    return EK_OK;
}

static int run_recalibrate(const arguments *args) {
    ek_error err = {0};
    recal_job job = {.args = args};
    const char *spec = option_text(args, "data");
    if (spec == NULL) {
        fail(&err, EK_ERR_ARG, "--data is missing: which images?\nExample: evenkeel recalibrate %s --data mnist-folder",
             quoted(args->operands[0]));
        return report(&err);
    }
    const char *test = option_text(args, "test");
    if (test == NULL && option_given(args, "test-limit")) {
        fail(&err, EK_ERR_ARG, "--test-limit is for the images of --test, which is missing; --limit is for --data");
        return report(&err);
    }
    interrupt_listen();
    ek_status status = output_check(args, &err);
    if (status == EK_OK) status = model_open(args->operands[0], &job.model, &err);
    if (status == EK_OK) status = data_open_unlabelled(args, spec, data_split(args), job.model, &job.dataset, &err);
    if (status == EK_OK && test != NULL) status = data_open_test(args, test, job.model, &job.test, &err);
    if (status == EK_OK && test != NULL) status = data_fits(args, job.model, job.test, test, &err);
    if (status == EK_OK) tell_layout(args, job.model);
    if (status == EK_OK) model_to_inference(job.model);
    if (status == EK_OK) status = recalibrate(&job, &err);
    if (status == EK_OK && ek_recalibration_count(job.report) == 0) note("The model has no batch norm.");
    ek_recalibration_destroy(job.report);
    ek_dataset_close(job.dataset);
    ek_dataset_close(job.test);
    ek_model_destroy(job.model);
    return status == EK_OK ? EXIT_DONE : report(&err);
}

const command command_recalibrate = {
    .name = "recalibrate",
    .summary = "Measure the running statistics of batch norms on data",
    .operands = "MODEL.onnx",
    .minimum = 1,
    .maximum = 1,
    .example = "evenkeel recalibrate digits.onnx --data builtin:strokes -o new.onnx\n"
               "evenkeel recalibrate m.onnx --data photos --dry-run\n"
               "evenkeel recalibrate m.onnx --data camera --test labelled --old-images 5000 -o new.onnx",
    .description =
        "The mean and variance of each batch norm's input over all of the data replace the running ones: "
        "population statistics, every value counted once, whatever the batch size. Nothing is trained and "
        "labels are not needed: a plain folder of images or images.npy will do. Each norm is measured behind norms "
        "that are done already. Shown are the shift "
        "of the mean in old deviations, the ratio of the variances and, where model and labels fit, accuracy "
        "before and after.",
    .next = "evenkeel eval new.onnx --data builtin:strokes",
    .options = recalibrate_options,
    .run = run_recalibrate,
};
