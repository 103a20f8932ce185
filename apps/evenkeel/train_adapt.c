/* train_adapt.c: a trained file made ready for other classes and other batches.
 *
 * What is changed is said: a user must know that a classifier begins anew.
 */
#include "inputs.h"
#include "message.h"
#include "train_job.h"

#include <evenkeel/surgery.h>
#include <stdio.h>

static int asks_head(const train_job *job) {
    return option_flag(job->args, "new-head") || option_given(job->args, "cut");
}

/* One extent besides the first, and those of 1. */
static int is_list(const ek_tensor_info *output) {
    int wide = 0;
    for (int i = 1; i < output->rank; i++) wide += output->dims[i] != 1;
    return wide <= 1;
}

static int needs_head(const train_job *job, const ek_dataset_info *data) {
    int64_t classes = model_classes(job->args, job->model);
    if (asks_head(job)) return 1;
    int partial = data->kind[0] == 'n' && data->classes < classes; /* npy: classes are the labels that occur */
    ek_labels labels = ek_dataset_labels(job->train);
    ek_tensor_info output = ek_model_output(job->model, 0);
    if (labels == EK_LABELS_PIXELS || (labels == EK_LABELS_NUMBERS && !is_list(&output))) return 0;
    return classes >= 0 && classes != data->classes && !partial;
}

static ek_status new_head(train_job *job, const ek_dataset_info *data, ek_error *err) {
    if (head_name(job->args) != NULL)
        return fail(err, EK_ERR_ARG, "--head keeps the classifier that it names, but a new one is %s; leave out --head",
                    asks_head(job) ? "asked for" : "needed: the data has other classes");
    ek_head_options options = ek_head_options_default(data->classes);
    ek_head_result result;
    options.cut = option_text(job->args, "cut");
    options.seed = (uint64_t)option_int(job->args, "seed");
    ek_status status = ek_replace_head(job->model, &options, &result, err);
    if (status != EK_OK) return fail_in(err, "%s", option_text(job->args, "model"));
    int n = snprintf(job->head, sizeof job->head, "%s: %lld features -> %d classes", result.text,
                     (long long)result.features, data->classes);
    if (result.classes_before > 0 && n > 0 && (size_t)n < sizeof job->head)
        snprintf(job->head + n, sizeof job->head - (size_t)n, " (were %lld)", (long long)result.classes_before);
    note("head      new: %s; its weights are random, seed %llu", job->head, (unsigned long long)options.seed);
    return EK_OK;
}

static void set_input(train_job *job, const int64_t dims[4], const char *what) {
    long long before = ek_model_input(job->model, 0).dims[0];
    ek_error why = {0};
    if (ek_set_input(job->model, dims, &why) != EK_OK)
        note("batch     fixed at %lld by the file: %s", before, why.text);
    else if (before > 0)
        note("batch     any number of %s (the file had %lld)", what, before);
}

/* Batches of any size, and after a cut images of any size; where the file does not allow it, it stays as it is. */
static void free_input(train_job *job, const ek_dataset_info *data) {
    ek_tensor_info input = ek_model_input(job->model, 0);
    int64_t dims[4] = {-1, 0, 0, 0};
    ek_error why = {0};
    int resize = option_given(job->args, "cut") && input.rank == 4;
    if (resize) {
        ek_model_images images;
        int last = ek_model_describe_images(job->model, &images, &why) == EK_OK && images.channels_last;
        dims[last ? 1 : 2] = data->height;
        dims[last ? 2 : 3] = data->width;
    }
    if (input.rank < 2 || (input.dims[0] < 0 && !resize)) return;
    set_input(job, dims, "images");
}

void train_any_batch(train_job *job) {
    if (ek_model_input_count(job->model) != 1) return;
    ek_tensor_info input = ek_model_input(job->model, 0);
    const int64_t dims[4] = {-1, 0, 0, 0};
    if (input.rank < 2 || input.dims[0] < 0 || input.dims[0] == option_int(job->args, "batch")) return;
    set_input(job, dims, "examples");
}

ek_status train_adapt(train_job *job, ek_error *err) {
    ek_dataset_info data = ek_dataset_describe(job->train);
    if (ek_model_input_count(job->model) != 1) return data_fits(job->args, job->model, job->train, job->data, err);
    if (asks_head(job) && ek_dataset_labels(job->train) == EK_LABELS_PIXELS)
        return fail(err, EK_ERR_ARG, "--new-head and --cut give a class for each image, and %s has masks", job->data);
    /* A classifier that is kept should know these classes. */
    ek_status status =
        needs_head(job, &data) ? new_head(job, &data, err) : classes_fit(job->model, job->train, job->data, err);
    if (status != EK_OK) return status;
    free_input(job, &data);
    return EK_OK;
}
