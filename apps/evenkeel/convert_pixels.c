/* convert_pixels.c: see convert_pixels.h. */
#include "convert_pixels.h"

#include "change.h"
#include "inputs.h"
#include "message.h"
#include "print.h"

#include <stdlib.h>
#include <string.h>

typedef struct pixels_job {
    const arguments *args;
    ek_model *model;
    char *classes; /* names of the classes of --data, joined by newline; NULL = not asked for */
} pixels_job;

static int wants_preprocess(const arguments *args) {
    return option_given(args, "preprocess") || option_given(args, "channels");
}

int pixels_wanted(const arguments *args) {
    return wants_preprocess(args) || option_flag(args, "probabilities") || option_flag(args, "strip-preprocess");
}

/* One thing at a time, so that each can be looked at. */
static ek_status check_alone(const arguments *args, ek_error *err) {
    static const char *const others[] = {"norm", "fuse", "spell-out", "inference", "from", "torch-batch", "opset"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (option_given(args, others[i]))
            return fail(err, EK_ERR_ARG,
                        "--%s and preprocessing are two steps: first --%s, then --preprocess on what it wrote",
                        others[i], others[i]);
    if (wants_preprocess(args) || option_flag(args, "strip-preprocess")) return EK_OK;
    return fail(err, EK_ERR_ARG, "--probabilities goes with --preprocess");
}

/* For a file that has no class names: those of --data. */
static ek_status read_classes(pixels_job *job, ek_error *err) {
    const char *spec = option_text(job->args, "data");
    ek_dataset *dataset = NULL;
    if (spec == NULL || ek_model_metadata(job->model, "evenkeel.classes") != NULL) return EK_OK;
    ek_status status = data_open(job->args, spec, data_split(job->args), job->model, &dataset, err);
    if (status == EK_OK) status = data_fits(job->args, job->model, dataset, spec, err);
    if (status != EK_OK) {
        ek_dataset_close(dataset);
        return status;
    }
    ek_dataset_info info = ek_dataset_describe(dataset);
    size_t room = 1;
    for (int64_t i = 0; i < info.classes; i++) room += strlen(info.class_names[i]) + 1;
    job->classes = calloc(room, 1);
    for (int64_t i = 0; i < info.classes && job->classes != NULL; i++) {
        if (i > 0) strcat(job->classes, "\n");
        strcat(job->classes, info.class_names[i]);
    }
    ek_dataset_close(dataset);
    return job->classes != NULL ? EK_OK : fail(err, EK_ERR_NOMEM, "out of memory for the names of the classes");
}

static ek_status put_in(pixels_job *job, ek_error *err) {
    const arguments *args = job->args;
    ek_preprocess_options options = ek_preprocess_options_default();
    ek_model_images images;
    ek_dataset_options opening;
    options.pixels = EK_PIXELS_FLOAT;
    if (option_given(args, "preprocess")) options.pixels = (ek_pixels)(option_choice(args, "preprocess") + 1);
    if (option_given(args, "channels")) options.channels = option_choice(args, "channels") == 0 ? 1 : 3;
    options.probabilities = option_flag(args, "probabilities");
    ek_status status = file_options(args, job->model, &images, &opening, err);
    options.height = opening.height;
    options.width = opening.width;
    if (status == EK_OK) status = read_classes(job, err);
    options.classes = job->classes;
    return status == EK_OK ? ek_preprocess(job->model, &options, err) : status;
}

static ek_status change_pixels(pixels_job *job, ek_error *err) {
    const arguments *args = job->args;
    ek_status status = check_alone(args, err);
    if (status == EK_OK) status = output_check(args, err);
    if (status == EK_OK) status = model_open(args->operands[0], &job->model, err);
    if (status == EK_OK && option_flag(args, "strip-preprocess")) status = ek_strip_preprocess(job->model, err);
    if (status == EK_OK && wants_preprocess(args)) status = put_in(job, err);
    return status == EK_OK ? output_save(args, job->model, err) : status;
}

static void show_text(const pixels_job *job) {
    const char *mark = ek_model_metadata(job->model, "evenkeel.preprocess");
    if (mark == NULL) {
        print("pixels    the file takes images prepared, as before\n");
        return;
    }
    print("pixels    %s, images of any one size, as input `pixels` or the next free name\n", mark);
    print("inside    resize (triangle filter, to whole numbers), 0 to 1, mean and deviation\n");
    if (ek_model_metadata(job->model, "evenkeel.mean") == NULL && ek_model_metadata(job->model, "evenkeel.std") == NULL)
        note("The file has no mean and deviation (evenkeel.mean, evenkeel.std): pixels are only scaled to 0 to 1.");
}

static void show_json(const pixels_job *job) {
    eki_json json;
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "model", job->args->operands[0]);
    eki_json_text(&json, "output", option_flag(job->args, "dry-run") ? NULL : option_text(job->args, "output"));
    eki_json_text(&json, "preprocess", ek_model_metadata(job->model, "evenkeel.preprocess"));
    eki_json_finish(&json);
}

int run_convert_pixels(const arguments *args) {
    ek_error err = {0};
    pixels_job job = {.args = args};
    ek_status status = change_pixels(&job, &err);
    if (status == EK_OK && option_flag(args, "json")) show_json(&job);
    if (status == EK_OK && !option_flag(args, "json")) show_text(&job);
    free(job.classes);
    ek_model_destroy(job.model);
    return status == EK_OK ? EXIT_DONE : report(&err);
}
