/* cmd_run.c: `evenkeel run`: a model on .npy arrays or image files.
 *
 * Arrays go in as they are: evenkeel.mean and evenkeel.std of the file are applied to images only. By default norms and
 * dropout do what their nodes say, as in any ONNX runtime.
 */
#include "command.h"
#include "image_feed.h"
#include "inputs.h"
#include "message.h"
#include "print.h"
#include "report/json_out.h"

#include <evenkeel/data.h>
#include <evenkeel/files.h>
#include <evenkeel/session.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const option run_options[] = {
    {.name = "input",
     .letter = 'i',
     .type = OPT_FILE,
     .argument = "[NAME=]X.npy",
     .traits = OPT_REPEAT,
     .group = "Arrays",
     .help = "an input; without NAME, the next input in order. NAME may be an initializer that the graph lists among "
             "its inputs: its value is replaced for this run"},
    {.name = "output",
     .letter = 'o',
     .alias = "out",
     .type = OPT_FILE,
     .argument = "[NAME=]Y.npy",
     .traits = OPT_REPEAT,
     .group = "Arrays",
     .help = "where to write an output; NAME may be any value of the graph. Without --output the outputs are "
             "summarized only"},
    {.name = "image",
     .type = OPT_FILE,
     .argument = "FILE",
     .traits = OPT_REPEAT,
     .group = "Images",
     .help = "an image for the first input that --input does not feed, sized and normalized as the file says; several "
             "(or a folder) make a batch"},
    OPTION_OPEN_SIZE,
    {.name = "mode",
     .type = OPT_CHOICE,
     .choices = "file|inference|training",
     .fallback = "file",
     .group = "Execution",
     .help = "file: as each node says; inference: running statistics; training: batch statistics and dropout"},
    {.name = "seed",
     .type = OPT_INT,
     .argument = "S",
     .fallback = "1",
     .group = "Execution",
     .help = "of dropout in training mode"},
    OPTION_PRECISION("Execution"),
    OPTION_THREADS,
    OPTIONS_COMMON,
    OPTION_END,
};

enum { MAX_PORTS = 64 };

typedef struct job {
    const arguments *args;
    ek_model *model;
    ek_session *session;
    ek_npy arrays[MAX_PORTS];       /* by input index */
    const char *sources[MAX_PORTS]; /* file of each input */
    const char *outputs[MAX_PORTS]; /* names asked for */
    const char *files[MAX_PORTS];   /* where each goes, NULL = nowhere */
    size_t output_count;
    char names[MAX_PORTS][256];
    image_feed images;
    int image_input; /* which input takes them; -1 = none */
} job;

static ek_status list_inputs(const job *j, const char *text, const char *why, ek_error *err) {
    char list[1024] = "";
    for (size_t i = 0; i < ek_model_input_count(j->model); i++) {
        ek_tensor_info info = ek_model_input(j->model, i);
        char dims[160];
        dims_text(info.rank, info.dims, dims, sizeof dims);
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s (%s %s)", i ? ", " : "", info.name, dtype_name(info.dtype),
                 dims);
    }
    return fail(err, EK_ERR_ARG, "--input %s: %s; the model takes %s", text, why, list);
}

/* Which input a --input belongs to, and the file behind the name. -1 = none. */
static int input_index(const job *j, const char *text, const char **file) {
    size_t count = ek_model_input_count(j->model);
    *file = text;
    for (size_t i = 0; i < count; i++) {
        const char *name = ek_model_input(j->model, i).name;
        size_t length = strlen(name);
        if (strncmp(text, name, length) == 0 && text[length] == '=') {
            *file = text + length + 1;
            return (int)i;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (j->sources[i] == NULL) return (int)i;
    return -1;
}

/* NAME=FILE where NAME is no input that must be fed: an input with a default value, or nothing. */
static ek_status replace_default(const job *j, const char *text, ek_error *err) {
    const char *equals = strchr(text, '=');
    char name[256];
    if (equals - text >= (int)sizeof name)
        return fail(err, EK_ERR_LIMIT, "--input: a name of %d bytes", (int)(equals - text));
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    if (ek_model_tensor_data(j->model, name, NULL, NULL, err) != EK_OK)
        return list_inputs(j, text, "the model has no input of that name to feed", err);
    ek_npy npy = {0};
    ek_status status = ek_npy_read(equals + 1, &npy, err);
    if (status != EK_OK) return status;
    if (npy.rank > EK_MAX_RANK) {
        status = fail(err, EK_ERR_SHAPE, "%s has rank %d; the limit is %d", equals + 1, npy.rank, EK_MAX_RANK);
    } else {
        ek_array array = {.dtype = npy.dtype, .rank = npy.rank, .data = npy.data};
        memcpy(array.dims, npy.dims, (size_t)npy.rank * sizeof *npy.dims);
        status = ek_model_set_default(j->model, name, &array, err);
        if (status == EK_ERR_ARG)
            status = list_inputs(j, text, "an initializer that the graph does not list among its inputs", err);
    }
    ek_npy_free(&npy);
    return status;
}

/* Images go to the first input that no array feeds. */
static ek_status read_images(job *j, size_t count, ek_error *err) {
    size_t index = 0;
    while (index < count && j->sources[index] != NULL) index++;
    const char *path = option_text(j->args, "image");
    if (index == count) return fail(err, EK_ERR_ARG, "--image %s: every input is fed by --input", path);
    j->sources[index] = path;
    j->image_input = (int)index;
    return image_feed_open(j->args, j->model, index, &j->images, err);
}

/* An array skips what the file says of images. */
static void tell_unprepared(const job *j, size_t count) {
    ek_model_images images;
    ek_error ignored = {0};
    if (count == 0 || j->sources[0] == NULL || j->image_input == 0 ||
        ek_model_describe_images(j->model, &images, &ignored) != EK_OK || images.moments == 0)
        return;
    note("%s goes in as it is: the mean and deviation that %s keeps are for images (--image FILE), not for arrays",
         j->sources[0], ek_model_path(j->model));
}

static ek_status read_inputs(job *j, ek_error *err) {
    size_t count = ek_model_input_count(j->model);
    if (count > MAX_PORTS)
        return fail(err, EK_ERR_LIMIT, "the model has %zu inputs; the limit is %d", count, MAX_PORTS);
    const option_value *given = option_get(j->args, "input");
    for (int k = 0; k < given->count; k++) {
        const char *file;
        int index = input_index(j, given->texts[k], &file);
        if (file == given->texts[k] && strchr(file, '=') != NULL && access(file, F_OK) != 0) {
            ek_status replaced = replace_default(j, file, err);
            if (replaced != EK_OK) return replaced;
            continue;
        }
        if (index < 0) return list_inputs(j, given->texts[k], "one input too many", err);
        if (j->sources[index] != NULL) return list_inputs(j, given->texts[k], "this input is given twice", err);
        for (size_t o = 0; o < j->output_count; o++)
            if (same_file(file, j->files[o]))
                return fail(err, EK_ERR_ARG, "--output %s would replace this input; give another name", j->files[o]);
        j->sources[index] = file;
        ek_status read = ek_npy_read(file, &j->arrays[index], err);
        if (read != EK_OK) return read;
        if (j->arrays[index].rank > EK_MAX_RANK)
            return fail(err, EK_ERR_SHAPE, "%s has rank %d; the limit is %d", file, j->arrays[index].rank, EK_MAX_RANK);
    }
    ek_status status = option_given(j->args, "image") ? read_images(j, count, err) : EK_OK;
    if (status == EK_OK) tell_unprepared(j, count);
    return status;
}

/* What no asked-for value depends on need not be given. */
static ek_status check_given(const job *j, ek_error *err) {
    for (size_t i = 0; i < ek_model_input_count(j->model); i++) {
        if (j->sources[i] != NULL || !ek_session_needs_input(j->session, i)) continue;
        char why[320];
        snprintf(why, sizeof why, "an input is missing: '%.200s'", ek_model_input(j->model, i).name);
        return list_inputs(j, "NAME=FILE.npy", why, err);
    }
    return EK_OK;
}

/* Splits --output into names and files; without a name the model's outputs are taken in order. */
static ek_status choose_outputs(job *j, ek_error *err) {
    const option_value *given = option_get(j->args, "output");
    size_t next = 0;
    if (given->count > MAX_PORTS) return fail(err, EK_ERR_LIMIT, "more than %d outputs", MAX_PORTS);
    for (int k = 0; k < given->count; k++) {
        const char *equals = strchr(given->texts[k], '=');
        j->files[k] = equals ? equals + 1 : given->texts[k];
        if (equals == NULL && next >= ek_model_output_count(j->model))
            return fail(err, EK_ERR_ARG, "--output %s: the model has %zu output%s only; NAME=%s writes any other value",
                        given->texts[k], ek_model_output_count(j->model),
                        ek_model_output_count(j->model) == 1 ? "" : "s", given->texts[k]);
        const char *name = equals ? given->texts[k] : ek_model_output(j->model, next++).name;
        int length = equals ? (int)(equals - name) : (int)strlen(name);
        if (length >= (int)sizeof j->names[k]) return fail(err, EK_ERR_LIMIT, "--output: a name of %d bytes", length);
        snprintf(j->names[k], sizeof j->names[k], "%.*s", length, name);
        j->outputs[k] = j->names[k];
        ek_status status = word_check_extension("--output", j->files[k], ".npy", err);
        if (status == EK_OK) status = ek_file_check(j->files[k], err);
        if (status != EK_OK) return status;
    }
    j->output_count = (size_t)given->count;
    return EK_OK;
}

static ek_status execute(job *j, ek_error *err) {
    static const ek_mode modes[] = {EK_MODE_FILE, EK_MODE_INFERENCE, EK_MODE_TRAINING};
    ek_session_options options = ek_session_options_default();
    options.mode = modes[option_choice(j->args, "mode")];
    options.threads = (int)option_int(j->args, "threads");
    options.precision = precision_asked(j->args);
    options.seed = (uint64_t)option_int(j->args, "seed");
    if (j->output_count > 0) {
        options.outputs = j->outputs;
        options.output_count = j->output_count;
    }
    ek_array inputs[MAX_PORTS];
    size_t count = ek_model_input_count(j->model);
    memset(inputs, 0, sizeof inputs);
    for (size_t i = 0; i < count; i++) {
        inputs[i] = (ek_array){.dtype = j->arrays[i].dtype, .rank = j->arrays[i].rank, .data = j->arrays[i].data};
        memcpy(inputs[i].dims, j->arrays[i].dims, sizeof inputs[i].dims);
    }
    if (j->image_input >= 0) inputs[j->image_input] = j->images.array;
    ek_status status = ek_session_create(j->model, &options, &j->session, err);
    if (status == EK_OK) status = check_given(j, err);
    return status == EK_OK ? ek_session_run(j->session, inputs, count, err) : status;
}

typedef struct summary {
    int64_t count, not_finite;
    double low, high, mean;
} summary;

static summary summarize(const ek_array *array) {
    summary s = {.count = 1};
    for (int d = 0; d < array->rank; d++) s.count *= array->dims[d];
    if (array->dtype != EK_F32) return s;
    const float *x = array->data;
    double sum = 0;
    int64_t finite = 0;
    for (int64_t i = 0; i < s.count; i++) {
        if (!isfinite(x[i])) {
            s.not_finite++;
            continue;
        }
        if (finite == 0 || x[i] < s.low) s.low = x[i];
        if (finite == 0 || x[i] > s.high) s.high = x[i];
        sum += x[i];
        finite++;
    }
    s.mean = finite > 0 ? sum / (double)finite : 0;
    return s;
}

static void show_output(const char *name, const ek_array *array, const char *file) {
    char dims[160];
    dims_text(array->rank, array->dims, dims, sizeof dims);
    summary s = summarize(array);
    print("%s  %s %s", name, dtype_name(array->dtype), dims);
    if (array->dtype == EK_F32 && s.count > 0) print("  min %g  mean %g  max %g", s.low, s.mean, s.high);
    if (s.not_finite > 0) print("  not finite: %lld of %lld", (long long)s.not_finite, (long long)s.count);
    if (file != NULL) print("  -> %s", file);
    print("\n");
}

static void put_output(eki_json *json, const char *name, const ek_array *array, const char *file) {
    summary s = summarize(array);
    eki_json_object(json, NULL);
    eki_json_text(json, "name", name);
    eki_json_text(json, "dtype", dtype_name(array->dtype));
    eki_json_array(json, "shape");
    for (int d = 0; d < array->rank; d++) eki_json_int(json, NULL, array->dims[d]);
    eki_json_close(json);
    if (array->dtype == EK_F32) {
        eki_json_real(json, "min", s.low);
        eki_json_real(json, "mean", s.mean);
        eki_json_real(json, "max", s.high);
        eki_json_int(json, "not_finite", s.not_finite);
    }
    eki_json_text(json, "file", file);
    eki_json_close(json);
}

static ek_status deliver(job *j, ek_error *err) {
    size_t count = ek_session_output_count(j->session);
    for (size_t i = 0; i < j->output_count && i < count; i++) {
        ek_array array = ek_session_output(j->session, i);
        ek_status status = ek_npy_write(j->files[i], array.dtype, array.rank, array.dims, array.data, err);
        if (status != EK_OK) return status;
    }
    int as_json = option_flag(j->args, "json");
    eki_json json;
    if (as_json) {
        eki_json_start(&json, stdout, 2);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "model", j->args->operands[0]);
        eki_json_array(&json, "outputs");
    }
    for (size_t i = 0; i < count; i++) {
        ek_array array = ek_session_output(j->session, i);
        const char *name = ek_session_output_name(j->session, i), *file = i < j->output_count ? j->files[i] : NULL;
        if (as_json)
            put_output(&json, name, &array, file);
        else
            show_output(name, &array, file);
    }
    if (as_json) eki_json_finish(&json);
    return EK_OK;
}

static int run_run(const arguments *args) {
    ek_error err = {0};
    job *j = calloc(1, sizeof *j);
    if (j == NULL) {
        fail(&err, EK_ERR_NOMEM, "out of memory");
        return report(&err);
    }
    j->args = args;
    j->image_input = -1;
    ek_status status = model_open(args->operands[0], &j->model, &err);
    if (status == EK_OK) status = choose_outputs(j, &err);
    if (status == EK_OK) status = read_inputs(j, &err);
    if (status == EK_OK) status = execute(j, &err);
    if (status == EK_OK) status = deliver(j, &err);
    ek_session_destroy(j->session);
    image_feed_close(&j->images);
    for (int i = 0; i < MAX_PORTS; i++) ek_npy_free(&j->arrays[i]);
    ek_model_destroy(j->model);
    free(j);
    return status == EK_OK ? EXIT_DONE : report(&err);
}

const command command_run = {
    .name = "run",
    .summary = "Run a model on .npy arrays or image files",
    .operands = "MODEL.onnx",
    .minimum = 1,
    .maximum = 1,
    .example = "evenkeel run digits.onnx --input x.npy --output y.npy\n"
               "evenkeel run m.onnx -i ids=ids.npy -i mask=mask.npy -o logits=l.npy\n"
               "evenkeel run m.onnx --image photo.jpg --output y.npy",
    .description = "Arrays go in as they are; input mean and deviation kept in the file are applied to images only.",
    .next = "evenkeel eval digits.onnx --data builtin:strokes",
    .options = run_options,
    .run = run_run,
};
