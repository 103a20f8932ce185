/* cmd_eval.c: `evenkeel eval`: accuracy and loss of a model on labelled images. */
#include "command.h"
#include "eval_metrics.h"
#include "grid.h"
#include "inputs.h"
#include "interrupt.h"
#include "measures.h"
#include "message.h"
#include "parts.h"
#include "print.h"
#include "report/json_out.h"
#include "terminal.h"
#include "terms.h"
#include "watch.h"

#include <evenkeel/files.h>
#include <evenkeel/train.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const option eval_options[] = {
    OPTIONS_IMAGES("test"),
    OPTIONS_TERMS,
    OPTION_BATCH("256", "Evaluation"),
    OPTION_HEAD("Evaluation"),
    {.name = "metrics",
     .type = OPT_FLAG,
     .group = "Evaluation",
     .help = "also top-k accuracy, precision, recall and F1 of each class, and which class was taken for which; with "
             "--loss what it is measured by: also IoU of pixels, MAE, RMSE and R² of numbers"},
    {.name = "top",
     .letter = 'k',
     .type = OPT_INT,
     .argument = "K",
     .fallback = "5",
     .minimum = 1,
     .maximum = 65536,
     .group = "Evaluation",
     .help = "with --metrics: the K of top-k accuracy"},
    {.name = "logits",
     .type = OPT_FILE,
     .argument = "FILE.npy",
     .group = "Evaluation",
     .help = "also write the logits, images x classes"},
    OPTION_PRECISION("Evaluation"),
    OPTION_THREADS,
    OPTIONS_COMMON,
    OPTION_END,
};

/* What was found beside the loss; nothing in it: no metrics were asked for. */
typedef struct found {
    eval_metrics metrics;        /* of a classifier */
    ek_measurement *measurement; /* of other losses */
    double seconds;
} found;

static void print_result(const arguments *args, const terms *t, const ek_dataset *dataset, const ek_eval_result *result,
                         const found *f) {
    const eval_metrics *metrics = &f->metrics;
    ek_dataset_info data = ek_dataset_describe(dataset);
    ek_split split = ek_dataset_split(dataset);
    double seconds = f->seconds;
    const char *logits = option_text(args, "logits");
    if (option_flag(args, "json")) {
        eki_json json;
        eki_json_start(&json, stdout, 2);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "model", args->operands[0]);
        eki_json_text(&json, "data", option_text(args, "data"));
        if (terms_classify(t)) eki_json_real(&json, "accuracy", result->accuracy);
        eki_json_real(&json, "loss", result->loss);
        eki_json_int(&json, "images", result->images);
        eki_json_int(&json, "correct", result->correct);
        eki_json_text(&json, "evaluated_on", part_name(split));
        eki_json_int(&json, "classes", result->classes);
        if (metrics->metrics != NULL) metrics_json(&json, metrics);
        if (f->measurement != NULL) measures_json(&json, f->measurement, data.class_names, data.classes);
        if (logits != NULL) eki_json_text(&json, "logits", logits);
        eki_json_real(&json, "seconds", seconds);
        eki_json_finish(&json);
        return;
    }
    if (terms_classify(t))
        print("accuracy  %.2f %%  (%lld of %lld, %s)\n", 100 * result->accuracy, (long long)result->correct,
              (long long)result->images, part_text(split));
    print("loss      %.5f\n", result->loss);
    if (logits != NULL) print("logits    %s\n", logits);
    if (metrics->metrics != NULL) metrics_print(metrics);
    if (f->measurement != NULL) measures_print(f->measurement, data.class_names, data.classes);
    note("%.1f s, %.0f images per second", seconds, seconds > 0 ? (double)result->images / seconds : 0);
}

static ek_status evaluate(const arguments *args, const terms *t, ek_model *model, const ek_dataset *dataset,
                          ek_error *err) {
    ek_dataset_info data = ek_dataset_describe(dataset);
    ek_eval_options options = ek_eval_options_default();
    options.batch = option_int(args, "batch");
    options.head = head_name(args);
    options.terms = t->losses;
    options.term_count = t->count;
    options.threads = (int)option_int(args, "threads");
    options.precision = precision_asked(args);
    const char *path = option_text(args, "logits");
    int64_t classes = model_classes(args, model);
    watch w;
    watch_start(&w, "evaluating");
    options.progress = watch_progress;
    options.context = &w;
    if (path != NULL) {
        if (classes < 1) return fail(err, EK_ERR_SHAPE, "--logits: the number of classes is not fixed in the model");
        ek_status status = word_check_extension("--logits", path, ".npy", err);
        if (status == EK_OK) status = ek_file_check(path, err);
        if (status != EK_OK) return status;
        options.logits = grid_alloc((size_t)data.count, (size_t)classes, sizeof(float));
        if (options.logits == NULL) return fail(err, EK_ERR_NOMEM, "out of memory for the logits");
    }
    ek_eval_result result;
    found f = {.measurement = NULL};
    ek_status status = EK_OK;
    if (option_flag(args, "metrics"))
        status = t->count > 0 ? ek_measurement_create(&f.measurement, err)
                              : metrics_begin(&f.metrics, dataset, option_int(args, "top"), err);
    options.judgements = f.metrics.judgements;
    options.measurement = f.measurement;
    double began = clock_seconds();
    if (status == EK_OK) status = ek_evaluate(model, dataset, &options, &result, err);
    f.seconds = clock_seconds() - began;
    watch_end(&w);
    if (status == EK_OK && path != NULL) {
        int64_t dims[2] = {result.images, classes};
        status = ek_npy_write(path, EK_F32, 2, dims, options.logits, err);
    }
    if (status == EK_OK && !isfinite(result.loss))
        status = fail(err, EK_ERR_NONFINITE, "%s: the loss is not finite; evenkeel inspect %s looks for the reason",
                      args->operands[0], quoted(args->operands[0]));
    if (status == EK_OK && f.metrics.judgements != NULL) status = metrics_count(&f.metrics, result.classes, err);
    if (status == EK_OK) print_result(args, t, dataset, &result, &f);
    metrics_end(&f.metrics);
    ek_measurement_destroy(f.measurement);
    free(options.logits);
    return status;
}

/* Images, or arrays in their place or in that of their labels. */
static ek_status open_data(const arguments *args, terms *t, ek_model *model, ek_dataset **dataset, ek_error *err) {
    const char *spec = option_text(args, "data");
    ek_status status = terms_read(t, args, model, err);
    if (status == EK_OK && terms_arrays(args)) return terms_open(t, args, dataset, err);
    if (status == EK_OK) status = data_open(args, spec, data_split(args), model, dataset, err);
    if (status == EK_OK && t->array_count > 0) return ek_dataset_add_arrays(*dataset, t->arrays, t->array_count, err);
    if (status == EK_OK) status = data_fits(args, model, *dataset, spec, err);
    if (status == EK_OK) status = classes_fit(model, *dataset, spec, err);
    if (status == EK_OK) tell_layout(args, model);
    return status;
}

static int run_eval(const arguments *args) {
    ek_error err = {0};
    if (option_text(args, "data") == NULL && !terms_arrays(args)) {
        fail(&err, EK_ERR_ARG, "--data is missing: which images?\nExample: evenkeel eval %s --data mnist-folder",
             quoted(args->operands[0]));
        return report(&err);
    }
    interrupt_listen();
    ek_model *model = NULL;
    ek_dataset *dataset = NULL;
    terms *t = calloc(1, sizeof *t);
    ek_status status =
        t != NULL ? model_open(args->operands[0], &model, &err) : fail(&err, EK_ERR_NOMEM, "out of memory");
    if (status == EK_OK) status = open_data(args, t, model, &dataset, &err);
    if (status == EK_OK) status = terms_make(t, args, model, dataset, &err);
    if (status == EK_OK && t->count > 0 && option_given(args, "logits"))
        status = fail(&err, EK_ERR_ARG, "--logits is for the classifier's own loss, on images and their labels");
    if (status == EK_OK) status = evaluate(args, t, model, dataset, &err);
    ek_dataset_close(dataset);
    if (t != NULL) terms_free(t);
    free(t);
    ek_model_destroy(model);
    return status == EK_OK ? EXIT_DONE : report(&err);
}

const command command_eval = {
    .name = "eval",
    .summary = "Measure accuracy and loss of a model on labelled images or arrays",
    .operands = "MODEL.onnx",
    .minimum = 1,
    .maximum = 1,
    .example = "evenkeel eval digits.onnx --data builtin:strokes\n"
               "evenkeel eval m.onnx --data cifar-10-batches-bin --json\n"
               "evenkeel eval m.onnx --data photos --metrics\n"
               "evenkeel eval fitted.onnx --input x.npy --target y.npy --loss mse",
    .description = "Norms use their running statistics, whatever the file says. Input mean and deviation that training "
                   "kept in the file (evenkeel.mean, evenkeel.std) are applied.",
    .next = "evenkeel run digits.onnx --input x.npy --output y.npy",
    .options = eval_options,
    .run = run_eval,
};
