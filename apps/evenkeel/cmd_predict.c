/* cmd_predict.c: `evenkeel predict`: what a classifier says of image files.
 *
 * Images go through in parts of bounded memory, and rows are printed part by part. A file that cannot be read keeps
 * nothing from the others: it is named, and the exit status is that of the first one. What an image gets has the same
 * bits in any part, so that what stands beside it does not matter.
 */
#include "command.h"
#include "grid.h"
#include "inputs.h"
#include "interrupt.h"
#include "message.h"
#include "parts.h"
#include "predict_masks.h"
#include "predict_rows.h"
#include "watch.h"

#include <evenkeel/files.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const option predict_options[] = {
    {.name = "top",
     .letter = 'k',
     .type = OPT_INT,
     .argument = "K",
     .fallback = "1",
     .minimum = 1,
     .maximum = 65536,
     .group = "Result",
     .help = "the K likeliest classes of each image"},
    {.name = "csv",
     .type = OPT_FLAG,
     .group = "Result",
     .help =
         "a table: path,class,probability, then class2,probability2 ... up to K; of several labels and of numbers a "
         "column for each; of masks path,mask"},
    {.name = "output",
     .letter = 'o',
     .alias = "out",
     .type = OPT_FILE,
     .argument = "FOLDER",
     .group = "Result",
     .help = "of a segmentation model: masks go into this folder, as FOLDER/NAME.png; default: beside each image, as "
             "NAME.mask.png"},
    {.name = "logits",
     .type = OPT_FILE,
     .argument = "FILE.npy",
     .group = "Result",
     .help = "also write the logits, images x classes; of other models what they give for each image"},
    OPTION_OPEN_SIZE,
    OPTION_INPUT_AFFINE_OF("Images"),
    OPTION_BATCH("32", "Execution"),
    OPTION_HEAD("Execution"),
    OPTION_PRECISION("Execution"),
    OPTION_THREADS,
    OPTIONS_COMMON,
    OPTION_END,
};

enum { PART_IMAGES = 256, PART_BYTES = 64 << 20 };

typedef struct predict_job {
    const arguments *args;
    ek_model *model;
    ek_image_list *list;
    ek_dataset_options opening;
    rows rows;
    ek_scores scores;          /* as found in the first part */
    float *logits;             /* with --logits, of all images predicted so far */
    ek_output shape;           /* of these: rank and extents, where it is no classifier */
    size_t each;               /* numbers of an image */
    int64_t predicted, failed; /* images */
    ek_error first;            /* of the first image that failed */
    int told;                  /* that colours were converted */
    watch bar;
} predict_job;

static int show_progress(void *context, int64_t done, int64_t total) {
    predict_job *job = context;
    (void)total;
    return watch_progress(&job->bar, job->predicted + job->failed + done, (int64_t)ek_image_list_count(job->list));
}

static void put_failed(predict_job *job, size_t index, const ek_error *err) {
    watch_end(&job->bar);
    if (job->failed++ == 0) job->first = *err;
    say_error(err->text);
    rows_put_failed(&job->rows, ek_image_list_path(job->list, index), err);
}

static int all_finite(const float *x, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(x[i])) return 0;
    return 1;
}

static ek_status begin(predict_job *job, ek_scores scores, int64_t classes, size_t each, ek_error *err) {
    job->scores = scores;
    job->each = each;
    rows_begin(&job->rows, job->list, classes);
    if (option_text(job->args, "logits") == NULL) return EK_OK;
    job->logits = grid_alloc(ek_image_list_count(job->list), each, sizeof *job->logits);
    return job->logits != NULL ? EK_OK : fail(err, EK_ERR_NOMEM, "out of memory for the logits");
}

static void not_finite(predict_job *job, size_t index) {
    ek_error bad = {0};
    fail(&bad, EK_ERR_NONFINITE, "%s: the scores are not finite; evenkeel inspect %s looks for the reason",
         ek_image_list_path(job->list, index), ek_model_path(job->model));
    put_failed(job, index, &bad);
}

static void keep_logits(predict_job *job, const float *values) {
    if (job->logits != NULL)
        memcpy(job->logits + (size_t)job->predicted * job->each, values, job->each * sizeof *values);
    job->predicted++;
}

/* Whether the output is what the model is said to give. */
static ek_status check_output(const predict_job *job, const ek_output *o, ek_error *err) {
    int masks = job->rows.kind == ROWS_PIXELS, wide = 0;
    for (int i = 1; i < o->rank; i++) wide += o->dims[i] != 1;
    if (masks ? o->rank == 4 && o->dims[1] <= 255 : wide <= 1) return EK_OK;
    char shape[160];
    dims_text(o->rank, o->dims, shape, sizeof shape);
    return fail(err, EK_ERR_SHAPE, "%s gives %s; expected %s", ek_model_path(job->model), shape,
                masks ? "images x classes x height x width, with up to 255 classes" : "images x numbers");
}

static ek_status put_output(predict_job *job, size_t first, const ek_output *o, ek_error *err) {
    size_t each = 1;
    for (int i = 1; i < o->rank; i++) each *= (size_t)o->dims[i];
    ek_status status = check_output(job, o, err);
    int masks = job->rows.kind == ROWS_PIXELS;
    if (status == EK_OK && job->rows.classes == 0)
        status = begin(job, o->scores, masks ? o->dims[1] : (int64_t)each, each, err);
    job->shape = *o;
    watch_end(&job->bar);
    for (int64_t i = 0; status == EK_OK && i < o->images; i++) {
        const float *values = o->values + (size_t)i * each;
        const char *path = ek_image_list_path(job->list, first + (size_t)i);
        char *mask = masks ? mask_path(job->args, path) : NULL;
        if (!all_finite(values, (int64_t)each)) {
            not_finite(job, first + (size_t)i);
        } else if (masks) {
            status = mask != NULL ? mask_put(mask, path, o, i, err) : fail(err, EK_ERR_NOMEM, "out of memory");
            if (status == EK_OK) rows_put_mask(&job->rows, path, mask);
            if (status == EK_OK) keep_logits(job, values);
        } else {
            rows_put_values(&job->rows, path, values, o->scores);
            keep_logits(job, values);
        }
        free(mask);
    }
    return status;
}

static ek_status put(predict_job *job, size_t first, const ek_predictions *p, ek_error *err) {
    ek_status status = job->rows.classes == 0 ? begin(job, p->scores, p->classes, (size_t)p->classes, err) : EK_OK;
    watch_end(&job->bar);
    for (int64_t i = 0; status == EK_OK && i < p->images; i++) {
        const float *logits = p->logits + i * p->classes, *probabilities = p->probabilities + i * p->classes;
        const char *path = ek_image_list_path(job->list, first + (size_t)i);
        if (!all_finite(probabilities, p->classes)) {
            not_finite(job, first + (size_t)i);
            continue;
        }
        rows_put(&job->rows, path, logits, probabilities);
        keep_logits(job, logits);
    }
    return status;
}

static void tell(predict_job *job, const ek_dataset *part) {
    int stored = ek_dataset_stored_channels(part), taken = ek_dataset_describe(part).channels;
    if (stored == taken || job->told) return;
    watch_end(&job->bar);
    tell_channels(job->args->operand_count == 2 ? job->args->operands[1] : "some images", stored, taken);
    job->told = 1;
}

static ek_status predict_opened(predict_job *job, size_t first, const ek_dataset *part, ek_error *err) {
    ek_eval_options options = ek_eval_options_default();
    ek_predictions predictions = {0};
    ek_output output = {0};
    int classes = job->rows.kind == ROWS_CLASS;
    options.batch = option_int(job->args, "batch");
    options.head = head_name(job->args);
    options.threads = (int)option_int(job->args, "threads");
    options.precision = precision_asked(job->args);
    options.progress = show_progress;
    options.context = job;
    tell(job, part);
    ek_status status = classes ? ek_predict(job->model, part, &options, job->scores, &predictions, err)
                               : ek_predict_output(job->model, part, &options, &output, err);
    if (status == EK_ERR_INTERRUPTED)
        return fail(err, status, "stopped after %lld of %zu images", (long long)job->predicted,
                    ek_image_list_count(job->list));
    if (classes && (status == EK_ERR_SHAPE || status == EK_ERR_UNSUPPORTED || status == EK_ERR_DTYPE)) {
        fail_in(err, "%s", ek_model_path(job->model));
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used,
                 "; evenkeel run --image runs models that are no classifiers");
    }
    if (status != EK_OK) return status;
    status = classes ? put(job, first, &predictions, err) : put_output(job, first, &output, err);
    ek_predictions_free(&predictions);
    ek_output_free(&output);
    return status;
}

/* Images first to first + count - 1. Where a file cannot be read the others are read one by one. */
static ek_status predict_part(predict_job *job, size_t first, size_t count, ek_error *err) {
    ek_dataset *part = NULL;
    ek_status status = ek_dataset_open_images(job->list, first, count, &job->opening, &part, err);
    if (status == EK_OK) {
        status = predict_opened(job, first, part, err);
        ek_dataset_close(part);
        return status;
    }
    if (status == EK_ERR_NOMEM || status == EK_ERR_ARG) return status;
    if (count == 1) {
        put_failed(job, first, err);
        return EK_OK;
    }
    for (size_t i = 0; i < count; i++) {
        status = predict_part(job, first + i, 1, err);
        if (status != EK_OK) return status;
    }
    return EK_OK;
}

static ek_status predict_all(predict_job *job, ek_error *err) {
    size_t total = ek_image_list_count(job->list);
    size_t each = (size_t)job->opening.channels * (size_t)job->opening.height * (size_t)job->opening.width;
    size_t part = PART_BYTES / each < 1 ? 1 : PART_BYTES / each > PART_IMAGES ? PART_IMAGES : PART_BYTES / each;
    ek_status status = EK_OK;
    watch_start(&job->bar, "predicting");
    rows_start(&job->rows);
    for (size_t i = 0; status == EK_OK && i < total; i += part) {
        status = predict_part(job, i, total - i < part ? total - i : part, err);
        fflush(stdout);
    }
    watch_end(&job->bar);
    return status;
}

static ek_status write_logits(const predict_job *job, ek_error *err) {
    const char *path = option_text(job->args, "logits");
    int64_t dims[8] = {job->predicted, job->rows.classes};
    if (job->logits == NULL || job->predicted == 0) return EK_OK;
    int rank = job->rows.kind == ROWS_CLASS ? 2 : job->shape.rank;
    for (int i = 1; i < rank && job->rows.kind != ROWS_CLASS; i++) dims[i] = job->shape.dims[i];
    return ek_npy_write(path, EK_F32, rank, dims, job->logits, err);
}

static const char *const kind_names[] = {"class", "several", "pixels", "numbers"};

static void finish(predict_job *job, const ek_error *err) {
    eki_json *json = &job->rows.json;
    if (job->failed > 0)
        note("%lld of %zu images have no prediction", (long long)job->failed, ek_image_list_count(job->list));
    if (job->rows.format != ROWS_JSON) return;
    eki_json_close(json);
    eki_json_int(json, "predicted", job->predicted);
    eki_json_int(json, "failed", job->failed);
    eki_json_int(json, "classes", job->rows.classes);
    eki_json_text(json, "kind", kind_names[job->rows.kind]);
    eki_json_text(json, "scores", job->scores == EK_SCORES_PROBABILITIES ? "probabilities" : "logits");
    if (job->logits != NULL) eki_json_text(json, "logits", option_text(job->args, "logits"));
    if (err->status != EK_OK) {
        eki_json_text(json, "error", err->text);
        eki_json_text(json, "status", ek_status_name(err->status));
        eki_json_int(json, "exit", exit_of(err->status));
    }
    eki_json_finish(json);
    tool_voice.json = 0; /* the error stands there already */
}

/* As training kept it; else, a model that gives something for each place gives classes of pixels. */
static row_kind kind_of(const predict_job *job) {
    const char *kept = ek_model_metadata(job->model, "evenkeel.labels"), *head = head_name(job->args);
    for (int k = ROWS_SEVERAL; kept != NULL && k <= ROWS_NUMBERS; k++)
        if (strcmp(kept, kind_names[k]) == 0) return (row_kind)k;
    for (size_t i = 0; i < ek_model_output_count(job->model); i++) {
        ek_tensor_info output = ek_model_output(job->model, i);
        if (head == NULL ? i > 0 : strcmp(output.name, head) != 0) continue;
        if (output.rank == 4 && output.dims[2] != 1 && output.dims[3] != 1) return ROWS_PIXELS;
    }
    return ROWS_CLASS;
}

static ek_status prepare_kind(predict_job *job, ek_error *err) {
    const arguments *args = job->args;
    job->rows.kind = kind_of(job);
    if (job->rows.kind != ROWS_CLASS && option_given(args, "top"))
        return fail(err, EK_ERR_ARG, "--top is for one class of several, and %s gives %s", args->operands[0],
                    job->rows.kind == ROWS_PIXELS    ? "a class for each pixel"
                    : job->rows.kind == ROWS_SEVERAL ? "any number of labels"
                                                     : "numbers");
    if (job->rows.kind == ROWS_PIXELS) {
        ek_status status = option_given(args, "output") ? EK_OK : masks_leave_out(&job->list, err);
        return status == EK_OK ? masks_check(args, job->list, err) : status;
    }
    if (!option_given(args, "output")) return EK_OK;
    return fail(err, EK_ERR_ARG, "--output is the folder of masks, and %s makes none; --csv > FILE keeps the table",
                args->operands[0]);
}

/* Everything that is wrong with the call rather than with an image. */
static ek_status prepare(predict_job *job, ek_error *err) {
    const arguments *args = job->args;
    const char *logits = option_text(args, "logits"), *name = args->operands[1];
    if (option_flag(args, "csv") && option_flag(args, "json"))
        return fail(err, EK_ERR_ARG, "--csv and --json exclude each other");
    job->rows.format = option_flag(args, "json") ? ROWS_JSON : option_flag(args, "csv") ? ROWS_CSV : ROWS_TEXT;
    job->rows.top = option_int(args, "top");
    ek_status status = model_open(args->operands[0], &job->model, err);
    job->rows.model = job->model;
    if (status == EK_OK) status = file_options(args, job->model, &job->rows.images, &job->opening, err);
    if (status == EK_OK) tell_layout(args, job->model);
    if (status == EK_OK && logits != NULL) status = ek_file_check(logits, err);
    if (status == EK_OK)
        status = ek_image_list_make(args->operands + 1, (size_t)args->operand_count - 1, &job->list, err);
    if (status == EK_OK) status = prepare_kind(job, err);
    if (status != EK_OK) return status;
    const ek_skipped *skipped;
    size_t kinds = ek_image_list_skipped(job->list, &skipped);
    if (kinds > 0) tell_skipped(args->operand_count == 2 ? name : "folders", skipped, kinds);
    if (ek_image_list_count(job->list) > 0) return EK_OK;
    return fail(err, EK_ERR_FORMAT, "%s%s: no image; .png, .jpg, .jpeg, .webp and .bmp files are read", name,
                args->operand_count > 2 ? " ..." : "");
}

static int run_predict(const arguments *args) {
    ek_error err = {0};
    predict_job job = {.args = args};
    interrupt_listen();
    ek_status status = prepare(&job, &err);
    if (status == EK_OK) {
        status = predict_all(&job, &err);
        if (status == EK_OK) status = write_logits(&job, &err);
        finish(&job, status == EK_OK ? &(ek_error){0} : &err);
    }
    int code = status != EK_OK ? report(&err) : job.failed > 0 ? exit_of(job.first.status) : EXIT_DONE;
    free(job.logits);
    ek_image_list_free(job.list);
    ek_model_destroy(job.model);
    return code;
}

const command command_predict = {
    .name = "predict",
    .summary = "Say what is on image files: classes with probabilities, masks, numbers",
    .operands = "MODEL.onnx FILE|FOLDER...",
    .minimum = 2,
    .maximum = 1 << 30,
    .example = "evenkeel predict m.onnx photo.jpg\n"
               "evenkeel predict m.onnx photos --top 3\n"
               "evenkeel predict m.onnx photos --csv > classes.csv\n"
               "evenkeel predict unet.onnx photos -o masks",
    .description =
        "Folders are searched at any depth, in the order of their paths. Size, mean, deviation and class "
        "names are those that "
        "the file keeps; --size gives a size that it leaves open. Whether the model gives logits or "
        "probabilities is seen: probabilities are printed. What an image gets has the same bits whatever "
        "stands beside it.\n\nA model that was trained on several labels gives each label's probability, one "
        "trained on numbers its numbers; of one that gives scores for each pixel a mask is written for each "
        "image, as large as the image: a PNG with a palette, whose indices are the classes.\n\nAn image that cannot be "
        "read is named and counted, and the others go on; the "
        "exit status is then that of the first one.",
    .next = "evenkeel eval m.onnx --data photos",
    .options = predict_options,
    .run = run_predict,
};
