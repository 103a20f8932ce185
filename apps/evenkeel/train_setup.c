/* train_setup.c: data, model, loader and trainer of `evenkeel train`.
 *
 * Everything that can be wrong with the options is found here, before the first step. What the model needs to be used
 * elsewhere (mean, deviation, class names) goes into its metadata now, so that every checkpoint has it.
 */
#include "budget.h"
#include "inputs.h"
#include "message.h"
#include "norms.h"
#include "train_job.h"
#include "watch.h"

#include <evenkeel/surgery.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names of folders or of a table's labels; other sets have numbers, which other data may call as it likes. */
static int has_names(const ek_dataset_info *data) {
    return strcmp(data->kind, "folder") == 0 || strcmp(data->kind, "table") == 0;
}

static ek_status same_classes(const train_job *job, const ek_dataset *other, const char *spec, ek_error *err) {
    ek_dataset_info train = ek_dataset_describe(job->train), test = ek_dataset_describe(other);
    if (!has_names(&train) || !has_names(&test) || train.classes != test.classes) return EK_OK;
    for (int i = 0; i < train.classes; i++) {
        if (strcmp(train.class_names[i], test.class_names[i]) == 0) continue;
        return fail(err, EK_ERR_SHAPE, "class %d is '%s' in %s, but '%s' in %s; both need the same classes", i,
                    train.class_names[i], job->data, test.class_names[i], spec);
    }
    return EK_OK;
}

/* --input and --target in place of images. */
static ek_status open_arrays(train_job *job, ek_error *err) {
    if (job->model == NULL)
        return fail(err, EK_ERR_ARG,
                    "--input needs a model file, whose inputs have names and sizes\n"
                    "Example: evenkeel train m.onnx --input x.npy --target y.npy --loss mse -o n.onnx");
    ek_status status = terms_read(&job->terms, job->args, job->model, err);
    if (status == EK_OK) status = terms_open(&job->terms, job->args, &job->train, err);
    job->data = option_text(job->args, "input");
    job->evaluated_on = EK_SPLIT_TRAIN;
    return status;
}

/* Arrays of --target beside images: they stand in place of their labels. */
static ek_status add_targets(train_job *job, ek_error *err) {
    job->evaluated_on = EK_SPLIT_TRAIN;
    return ek_dataset_add_arrays(job->train, job->terms.arrays, job->terms.array_count, err);
}

ek_status train_open_data(train_job *job, ek_error *err) {
    job->data = option_text(job->args, "data");
    job->test_data = option_text(job->args, "test");
    if (terms_arrays(job->args)) return open_arrays(job, err);
    if (job->data == NULL)
        return fail(err, EK_ERR_ARG,
                    "--data is missing: train on what?\nExample: evenkeel train --data builtin:strokes -o digits.onnx");
    ek_status status = terms_read(&job->terms, job->args, job->model, err);
    if (status == EK_OK) status = data_open(job->args, job->data, EK_SPLIT_TRAIN, job->model, &job->train, err);
    if (status != EK_OK) return status;
    if (job->terms.array_count > 0) return add_targets(job, err);
    const char *spec = job->test_data ? job->test_data : job->data;
    job->evaluated_on = EK_SPLIT_TRAIN;
    if (ek_dataset_split(job->train) == EK_SPLIT_ALL && strcmp(spec, job->data) == 0) {
        warn("%s has no test split; accuracy will be that of the training data (--test SPEC names other images)", spec);
        return EK_OK;
    }
    status = data_open(job->args, spec, EK_SPLIT_TEST, job->model, &job->test, err);
    if (status == EK_OK)
        job->evaluated_on = ek_dataset_split(job->test) == EK_SPLIT_VALIDATION ? EK_SPLIT_VALIDATION : EK_SPLIT_TEST;
    if (status == EK_OK) return same_classes(job, job->test, spec, err);
    if (status == EK_ERR_IO && job->test_data == NULL) {
        warn("no test data: %s; accuracy will be that of the training data", err->text);
        job->test = NULL;
        return EK_OK;
    }
    return status;
}

ek_status train_check_data(const train_job *job, ek_error *err) {
    ek_dataset *sets[] = {job->train, job->test, job->validation};
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < sizeof sets / sizeof sets[0]; i++) {
        watch w;
        if (sets[i] == NULL) continue;
        watch_start(&w, "decoding images");
        w.tells = 1;
        status = ek_dataset_check(sets[i], watch_progress, &w, err);
        watch_end(&w);
    }
    return status;
}

/* Tensors that several norms have; nothing is wrong with that, and an inspection that fails says nothing. */
static void tell_tied(const ek_model *model) {
    ek_inspection *in = NULL;
    ek_error ignored = {0};
    int told = 0;
    if (ek_inspect(model, &in, &ignored) != EK_OK) return;
    for (size_t i = 0; i < ek_inspection_finding_count(in) && told < 3; i++) {
        const ek_finding *f = ek_inspection_finding(in, i);
        if (strcmp(f->code, "tied-parameters") != 0) continue;
        note("tied      %s: %s", f->norm, f->text);
        told++;
    }
    if (told > 0)
        note("          scales and biases of one tensor are trained as one; evenkeel convert --untie gives each a "
             "tensor of its own");
    ek_inspection_destroy(in);
}

static ek_status load_file(train_job *job, const char *path, ek_error *err) {
    static const char *const build_only[] = {"norm", "norm-place", "norm-momentum", "norm-eps", "dropout"};
    for (size_t i = 0; i < sizeof build_only / sizeof build_only[0]; i++)
        if (option_given(job->args, build_only[i]))
            return fail(err, EK_ERR_ARG, "--%s is for built-in models; %s has its own", build_only[i], path);
    ek_status status = model_open(path, &job->model, err);
    if (status == EK_OK) model_to_inference(job->model);
    if (status == EK_OK) tell_tied(job->model);
    return status;
}

/* Groups that do not divide a layer's channels were lowered. */
static void tell_groups(const train_job *job, int64_t asked) {
    for (size_t i = 0; i < ek_model_norm_count(job->model) && strchr(option_text(job->args, "norm"), ':'); i++) {
        ek_model_norm norm = ek_model_norm_get(job->model, i);
        if (norm.groups != asked)
            note("%s: %lld groups, since %lld do not divide its %lld channels", norm.node, (long long)norm.groups,
                 (long long)asked, (long long)norm.channels);
    }
}

static ek_status build(train_job *job, const char *name, ek_error *err) {
    const ek_architecture *a = architecture_find(name, err);
    if (a == NULL) return err->status;
    ek_dataset_info data = ek_dataset_describe(job->train);
    if (data.channels == 0 || ek_dataset_labels(job->train) == EK_LABELS_PIXELS)
        return fail(err, EK_ERR_ARG,
                    "%s: built-in models take images and give something for each of them, not %s; give "
                    "a model file",
                    job->data, data.channels == 0 ? "numbers" : "a class for each pixel");
    ek_build_options options = ek_build_options_default(a->name);
    options.channels = data.channels;
    options.height = data.height;
    options.width = data.width;
    options.classes = data.classes;
    options.place = option_choice(job->args, "norm-place") == 0 ? EK_PLACE_BEFORE : EK_PLACE_AFTER;
    options.momentum = option_real(job->args, "norm-momentum");
    options.epsilon = option_real(job->args, "norm-eps");
    options.dropout = option_real(job->args, "dropout");
    options.seed = (uint64_t)option_int(job->args, "seed");
    ek_status status = norm_parse(option_text(job->args, "norm"), &options, err);
    if (status == EK_OK) status = ek_model_build(&options, &job->model, err);
    if (status == EK_OK && options.norm == EK_NORM_GROUP) tell_groups(job, options.groups);
    return status;
}

/* --opset: every checkpoint is written at it, so that model and state stay a pair. */
static ek_status keep_opset(train_job *job, ek_error *err) {
    const char *opset = option_text(job->args, "opset");
    if (option_int(job->args, "opset") == 0) return EK_OK;
    ek_status status = ek_model_set_metadata(job->model, "evenkeel.opset", opset, err);
    return status == EK_OK ? ek_model_check_save(job->model, NULL, err) : status;
}

/* Called before the data is opened when the model is a file (its size matters), else after. */
ek_status train_make_model(train_job *job, ek_error *err) {
    const char *name = option_text(job->args, "model");
    int file = model_is_file(name);
    if (job->model == NULL && file) {
        ek_status status = load_file(job, name, err);
        if (status != EK_OK) return status;
    }
    if (job->train == NULL) return EK_OK;
    if (job->model == NULL) {
        ek_status status = build(job, name, err);
        if (status != EK_OK) return status;
    }
    /* Else the data says nothing of what the model's first output is. */
    const terms *t = &job->terms;
    int classes = t->array_count == 0 && (t->target_count == 0 || strcmp(t->targets[0], "target") == 0);
    if (file && !job->resumed && classes) {
        ek_status status = train_adapt(job, err);
        if (status != EK_OK) return status;
    } else if (file && !job->resumed) {
        train_any_batch(job);
    }
    ek_status status = classes ? data_fits(job->args, job->model, job->train, job->data, err) : EK_OK;
    if (status == EK_OK && job->test != NULL)
        status = data_fits(job->args, job->model, job->test, job->test_data ? job->test_data : job->data, err);
    if (status == EK_OK && job->validation != NULL && classes) {
        const char *spec = option_text(job->args, "validation");
        status = data_fits(job->args, job->model, job->validation, spec ? spec : job->data, err);
        if (status == EK_OK) status = same_classes(job, job->validation, spec ? spec : job->data, err);
    }
    if (status == EK_OK && classes) tell_layout(job->args, job->model);
    if (status == EK_OK) status = keep_opset(job, err);
    return status == EK_OK && !job->resumed ? train_freeze(job, 1, 1, err) : status;
}

/* Reads "a,b,c" (or one number for all channels). */
static ek_status read_list(const char *what, const char *text, int channels, int positive, float *values,
                           ek_error *err) {
    int count = 0;
    const char *s = text;
    while (count < EK_MAX_CHANNELS) {
        char *end = NULL;
        double value = strtod(s, &end);
        if (end == s || !isfinite(value) || (positive && !(value > 0))) break;
        values[count++] = (float)value;
        s = end;
        if (*s != ',') break;
        s++;
    }
    if (*s != 0 || (count != channels && count != 1))
        return fail(err, EK_ERR_ARG, "%s: '%s' is not one %snumber%s, such as %s", what, text,
                    positive ? "positive " : "", channels == 1 ? "" : ", nor one for each channel",
                    channels == 1 ? "0.5" : "0.5,0.5,0.5");
    for (int c = count; c < channels; c++) values[c] = values[0];
    return EK_OK;
}

static ek_status keep_list(ek_model *model, const char *key, const float *values, int channels, ek_error *err) {
    char text[160] = "";
    for (int c = 0; c < channels; c++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%.9g", c ? "," : "", (double)values[c]);
    }
    return ek_model_set_metadata(model, key, text, err);
}

/* What the examples are labelled with, and the names of the classes, or of the columns of numbers. */
static ek_status keep_classes(ek_model *model, const ek_dataset *dataset, ek_error *err) {
    static const char *const kinds[] = {"none", "class", "several", "pixels", "numbers"};
    const ek_dataset_info info = ek_dataset_describe(dataset), *data = &info;
    ek_labels labels = ek_dataset_labels(dataset);
    size_t size = 1;
    ek_status kept = EK_OK;
    if (labels > EK_LABELS_CLASS || ek_model_metadata(model, "evenkeel.labels") != NULL)
        kept = ek_model_set_metadata(model, "evenkeel.labels", kinds[labels], err);
    if (kept != EK_OK || labels == EK_LABELS_NONE || labels == EK_LABELS_PIXELS) return kept;
    for (int i = 0; i < data->classes; i++) size += strlen(data->class_names[i]) + 1;
    char *text = calloc(size, 1);
    if (text == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    char *end = text;
    for (int i = 0; i < data->classes; i++) end += sprintf(end, "%s%s", i ? "\n" : "", data->class_names[i]);
    ek_status status = ek_model_set_metadata(model, "evenkeel.classes", text, err);
    free(text);
    return status;
}

/* Pixels are in [0, 1]; arrays, and pixels under --input-affine, may hold anything. */
static ek_status check_moments(const train_job *job, const char *what, const char *text, const float *values,
                               int channels, ek_error *err) {
    int wrong = 0, bytes = 1; /* bytes: as for pixels from 0 to 255 */
    if (strcmp(ek_dataset_describe(job->train).kind, "npy") == 0 || option_given(job->args, "input-affine"))
        return EK_OK;
    for (int c = 0; c < channels; c++) {
        wrong |= values[c] < 0 || values[c] > 1;
        bytes &= values[c] >= 0 && values[c] <= 255;
    }
    if (!wrong) return EK_OK;
    char remedy[160] = "";
    for (int c = 0; c < channels && bytes; c++)
        snprintf(remedy + strlen(remedy), sizeof remedy - strlen(remedy), "%s%.3g", c ? "," : "; of 0 to 255 it is ",
                 (double)values[c] / 255);
    return fail(err, EK_ERR_ARG, "%s %s: pixels are in [0, 1] here, and so is this%s", what, text, remedy);
}

static void question_rate(const ek_train_options *o) {
    double usual = o->optimizer == EK_SGD ? 0.2 : 1e-3, most = o->optimizer == EK_SGD ? 10 : 0.5;
    if (o->lr > most)
        warn("--lr %g is %.0f times the default, %g: training will most likely diverge", o->lr, o->lr / usual, usual);
}

/* Height and width, where the model leaves them open: they are those of the images that it was trained on. */
static ek_status keep_size(ek_model *model, const ek_dataset_info *data, ek_error *err) {
    ek_tensor_info input = ek_model_input(model, 0);
    char text[32];
    if (input.rank == 4 && input.dims[2] > 0 && input.dims[3] > 0) return EK_OK;
    snprintf(text, sizeof text, "%dx%d", data->height, data->width);
    return ek_model_set_metadata(model, "evenkeel.size", text, err);
}

/* Mean and deviation: given, else of the file, else measured; then kept in the model. */
static ek_status choose_moments(train_job *job, float *mean, float *std, ek_error *err) {
    ek_dataset_info data = ek_dataset_describe(job->train);
    if (data.channels == 0)
        return job->resumed ? EK_OK : keep_classes(job->model, job->train, err); /* go in as they are */
    const char *mean_text = option_text(job->args, "mean"), *std_text = option_text(job->args, "std");
    const char *kept_mean = ek_model_metadata(job->model, "evenkeel.mean");
    const char *kept_std = ek_model_metadata(job->model, "evenkeel.std");
    int resumed = job->resumed && kept_mean != NULL && kept_std != NULL;
    ek_status status = EK_OK;
    if ((mean_text == NULL || std_text == NULL) && (kept_mean == NULL || kept_std == NULL)) {
        status = ek_dataset_measure(job->train, 0, mean, std, err);
        for (int c = 0; c < data.channels && status == EK_OK; c++) {
            if (std[c] > 0) continue;
            warn("channel %d of %s is constant; its deviation is taken as 1", c, job->data);
            std[c] = 1;
        }
    } else {
        if (kept_mean != NULL) status = read_list("evenkeel.mean", kept_mean, data.channels, 0, mean, err);
        if (status == EK_OK && kept_std != NULL)
            status = read_list("evenkeel.std", kept_std, data.channels, 1, std, err);
        if (status != EK_OK) return err->status = EK_ERR_FORMAT;
    }
    if (status == EK_OK && mean_text != NULL && !resumed)
        status = read_list("--mean", mean_text, data.channels, 0, mean, err);
    if (status == EK_OK && std_text != NULL && !resumed)
        status = read_list("--std", std_text, data.channels, 1, std, err);
    if (status != EK_OK || resumed) return status;
    if (mean_text != NULL) status = check_moments(job, "--mean", mean_text, mean, data.channels, err);
    if (status == EK_OK && std_text != NULL) status = check_moments(job, "--std", std_text, std, data.channels, err);
    if (status != EK_OK) return status;
    status = keep_list(job->model, "evenkeel.mean", mean, data.channels, err);
    if (status == EK_OK) status = keep_list(job->model, "evenkeel.std", std, data.channels, err);
    if (status == EK_OK) status = keep_size(job->model, &data, err);
    return status == EK_OK ? keep_classes(job->model, job->train, err) : status;
}

static int image_files(const ek_dataset *dataset) {
    static const char *const kinds[] = {"folder", "table", "masks"};
    ek_dataset_info info = ek_dataset_describe(dataset);
    int found = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) found |= strcmp(info.kind, kinds[i]) == 0;
    return found && info.channels > 0;
}

ek_status train_make_loader(train_job *job, ek_error *err) {
    ek_loader_options *o = &job->loading;
    *o = ek_loader_options_default();
    train_choose_size(job);
    o->batch = train_batch(job);
    o->drop_last = option_choice(job->args, "last");
    o->shuffle = 1;
    o->seed = (uint64_t)option_int(job->args, "seed");
    o->rank = ek_comm_rank(job->comm);
    o->ranks = ek_comm_size(job->comm);
    o->chunk = option_flag(job->args, "reproducible") ? option_int(job->args, "chunk") : 1;
    o->workers = (int)option_int(job->args, "workers");
    if (o->workers == 0 && image_files(job->train)) o->workers = train_threads(job);
    ek_status status = train_augment(job, o, err);
    if (status == EK_OK) status = choose_moments(job, o->mean, o->std, err);
    if (status == EK_OK) status = ek_loader_create(job->train, o, &job->loader, err);
    if (status != EK_OK) return status;
    job->batches = ek_loader_batches(job->loader);
    if (job->batches < 1)
        return fail(err, EK_ERR_ARG, "an epoch has no batch: %lld examples, --batch %lld, --last drop",
                    (long long)ek_dataset_describe(job->train).count, (long long)o->batch);
    job->total_steps =
        option_given(job->args, "steps") ? option_int(job->args, "steps") : train_epochs(job) * job->batches;
    return EK_OK;
}

ek_status train_make_trainer(train_job *job, ek_error *err) {
    static const ek_schedule schedules[] = {EK_SCHEDULE_CONSTANT, EK_SCHEDULE_STEP, EK_SCHEDULE_COSINE,
                                            EK_SCHEDULE_ONE_CYCLE};
    ek_train_options *o = &job->training;
    *o = ek_train_options_default();
    o->optimizer = (ek_optimizer)option_choice(job->args, "optimizer");
    o->lr = option_given(job->args, "lr") ? option_real(job->args, "lr") : o->optimizer == EK_SGD ? 0.2 : 1e-3;
    question_rate(o);
    o->momentum = option_real(job->args, "momentum");
    o->nesterov = option_flag(job->args, "nesterov");
    o->weight_decay = option_real(job->args, "weight-decay");
    o->decay_norm = option_flag(job->args, "decay-norm");
    o->schedule = schedules[option_choice(job->args, "schedule")];
    o->step_gamma = option_real(job->args, "gamma");
    o->lr_depth_decay = option_real(job->args, "lr-depth-decay");
    o->warmup_steps = option_int(job->args, "warmup");
    o->total_steps = job->total_steps;
    o->seed = (uint64_t)option_int(job->args, "seed");
    ek_dataset_info data = ek_dataset_describe(job->train);
    o->height = data.height;
    o->width = data.width;
    o->threads = train_threads(job);
    o->head = head_name(job->args);
    o->reproducible = option_flag(job->args, "reproducible");
    o->chunk = option_int(job->args, "chunk");
    o->precision = precision_asked(job->args);
    o->profile = option_flag(job->args, "profile");
    o->memory = budget_use(job->args);
    o->statistics = (ek_statistics)option_choice(job->args, "statistics");
    o->clip = option_given(job->args, "clip") ? option_real(job->args, "clip") : 0;
    o->gradient_norm = option_given(job->args, "log") || option_given(job->args, "report");
    ek_status status = train_average_options(job, o, err);
    if (status != EK_OK) return status;
    train_use_ranks(job);
    if (o->warmup_steps > 0 && o->schedule == EK_SCHEDULE_ONE_CYCLE)
        return fail(err, EK_ERR_ARG, "--warmup needs --schedule constant, step or cosine; one-cycle has its own");
    if (option_given(job->args, "gamma") && o->schedule != EK_SCHEDULE_STEP)
        return fail(err, EK_ERR_ARG, "--gamma needs --schedule step");
    if (o->nesterov && o->optimizer != EK_SGD) return fail(err, EK_ERR_ARG, "--nesterov needs --optimizer sgd");
    status = terms_make(&job->terms, job->args, job->model, job->train, err);
    if (status != EK_OK) return status;
    o->losses = job->terms.losses;
    o->loss_count = job->terms.count;
    o->mixed = job->loading.mixup > 0;
    status = ek_trainer_create(job->model, o, &job->trainer, err);
    /* A checkpoint belongs to the epoch of its last step. */
    const ek_position *p = &job->position;
    job->phase = (int)(p->batch > 0 || p->epoch == 0 ? p->epoch + 1 : p->epoch);
    if (status == EK_OK && (option_given(job->args, "lr-scale") || option_given(job->args, "freeze-until")))
        status = train_scale(job, job->phase, err);
    if (status == EK_OK && job->resumed) status = ek_trainer_restore(job->trainer, &job->checkpoint, err);
    return status;
}
