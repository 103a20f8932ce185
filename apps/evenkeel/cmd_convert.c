/* cmd_convert.c: `evenkeel convert`: norms of one kind into another, and repairs of norms and opset. */
#include "change.h"
#include "convert_pixels.h"
#include "inputs.h"
#include "interrupt.h"
#include "message.h"
#include "norms.h"
#include "print.h"
#include "watch.h"

#include <evenkeel/train.h>
#include <stdlib.h>
#include <string.h>

static const option convert_options[] = {
    {.name = "norm",
     .type = OPT_TEXT,
     .argument = "KIND",
     .group = "Norms",
     .help = "batch, group:G, layer, instance, or frozen (a Mul and an Add per channel)"},
    {.name = "pattern",
     .type = OPT_TEXT,
     .argument = "GLOB",
     .fallback = "*",
     .group = "Norms",
     .help = "which norms: node name, first output, or scale without its last part"},
    {.name = "fuse",
     .type = OPT_FLAG,
     .group = "Norms",
     .help = "norms that are written out become the one node that the opset has"},
    {.name = "spell-out",
     .type = OPT_FLAG,
     .group = "Norms",
     .help = "the reverse, for runtimes that lack the node: layer, RMS, instance and group norms"},
    {.name = "untie",
     .type = OPT_FLAG,
     .group = "Norms",
     .help = "a tensor that several norms or layers read becomes one tensor each"},
    {.name = "inference",
     .type = OPT_FLAG,
     .group = "Repairs",
     .help = "norms that take the statistics of each batch take the running ones"},
    {.name = "from",
     .type = OPT_CHOICE,
     .choices = "onnx|torch",
     .fallback = "onnx",
     .group = "Repairs",
     .help = "whose convention momentum follows; torch: m becomes 1 - m"},
    {.name = "torch-batch",
     .type = OPT_INT,
     .argument = "N",
     .fallback = "0",
     .maximum = 1e9,
     .group = "Repairs",
     .help = "batch of the training; with --from torch, variances over n - 1 become those over n; 0 = they stay"},
    {.name = "opset",
     .type = OPT_INT,
     .argument = "N",
     .fallback = "0",
     .maximum = 23,
     .group = "Repairs",
     .help = "write the model at this opset; 0 = its own, with a group norm as a subgraph below 21"},
    OPTIONS_PIXELS,
    OPTIONS_IMAGES("train"),
    OPTION_BATCH("64", "Data"),
    OPTIONS_CHANGE,
    OPTION_THREADS,
    OPTIONS_COMMON,
    OPTION_END,
};

typedef struct convert_job {
    change c;
    ek_dataset *dataset;
    double drift; /* of the logits over the data; negative = not measured */
    int measured; /* the accuracies are known */
    ek_eval_result accuracy[2];
} convert_job;

static void more_json(const change *c, eki_json *json) {
    const convert_job *job = c->context;
    if (job->drift >= 0) eki_json_real(json, "data_difference", job->drift);
    if (!job->measured) return;
    eki_json_real(json, "accuracy_before", job->accuracy[0].accuracy);
    eki_json_real(json, "accuracy_after", job->accuracy[1].accuracy);
}

static void more_text(const change *c) {
    const convert_job *job = c->context;
    if (job->drift >= 0) print("data      relative difference %.3g of the logits over the data\n", job->drift);
    if (job->measured)
        print("accuracy  %.2f %% -> %.2f %%\n", 100 * job->accuracy[0].accuracy, 100 * job->accuracy[1].accuracy);
}

static ek_status read_norm(const arguments *args, ek_convert_options *options, ek_error *err) {
    static const char *const names[] = {"batch", "group", "layer", "instance", "frozen"};
    const char *text = option_text(args, "norm");
    if (text == NULL) return EK_OK;
    size_t length = strcspn(text, ":");
    for (int i = 0; i < 5; i++) {
        if (strlen(names[i]) != length || strncmp(names[i], text, length) != 0) continue;
        options->norm = (ek_norm_target)(i + 1);
        if (text[length] == 0) return EK_OK;
        char *end = NULL;
        long groups = strtol(text + length + 1, &end, 10);
        if (options->norm != EK_TO_GROUP) break;
        if (end == text + length + 1 || *end != 0 || groups < 1 || groups > 1000000) return norm_groups(text, err);
        options->groups = groups;
        return EK_OK;
    }
    char word[32];
    snprintf(word, sizeof word, "%.*s", length < sizeof word ? (int)length : 0, text);
    const char *near = suggest(word, names, 5);
    return fail(err, EK_ERR_ARG, "--norm: '%s' is none of batch, group:G, layer, instance, frozen%s%s%s", text,
                near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* Where the result should compute the same, nothing is written above the tolerance. */
static int is_strict(const arguments *args, const ek_convert_options *options) {
    int exact = options->norm == EK_TO_KEEP || options->norm == EK_TO_FROZEN;
    return option_given(args, "tolerance") || (exact && !options->inference && options->torch_batch == 0);
}

static ek_status make(convert_job *job, ek_convert_options *options, ek_error *err) {
    change *c = &job->c;
    watch bar;
    options->pattern = option_text(c->args, "pattern");
    options->opset = (int)option_int(c->args, "opset");
    options->fuse = option_flag(c->args, "fuse");
    options->spell_out = option_flag(c->args, "spell-out");
    options->untie = option_flag(c->args, "untie");
    options->inference = option_flag(c->args, "inference");
    options->from_torch = option_choice(c->args, "from") == 1;
    options->torch_batch = option_int(c->args, "torch-batch");
    options->dataset = job->dataset;
    options->batch = option_int(c->args, "batch");
    options->threads = (int)option_int(c->args, "threads");
    options->progress = watch_progress;
    options->context = &bar;
    c->strict = is_strict(c->args, options);
    c->wanted = options->norm != EK_TO_KEEP || options->fuse || options->spell_out || options->untie;
    watch_start(&bar, "fitting");
    ek_status status = ek_convert(c->before, options, &c->after, &c->report, &job->drift, err);
    watch_end(&bar);
    return status;
}

/* Accuracy is a service: a model that is no classifier of these labels is converted without. */
static void evaluate(convert_job *job) {
    ek_eval_options options = ek_eval_options_default();
    ek_model *models[2] = {job->c.before, job->c.after};
    ek_error ignored = {0};
    if (job->dataset == NULL) return;
    job->measured =
        data_fits(job->c.args, job->c.before, job->dataset, option_text(job->c.args, "data"), &ignored) == EK_OK;
    options.threads = (int)option_int(job->c.args, "threads");
    for (int i = 0; i < 2 && job->measured; i++) {
        job->measured = ek_evaluate(models[i], job->dataset, &options, &job->accuracy[i], &ignored) == EK_OK;
    }
}

static ek_status convert(convert_job *job, ek_error *err) {
    change *c = &job->c;
    const char *spec = option_text(c->args, "data");
    ek_convert_options options = ek_convert_options_default();
    ek_status status = read_norm(c->args, &options, err);
    if (status == EK_OK) status = output_check(c->args, err);
    if (status == EK_OK) status = model_open(c->args->operands[0], &c->before, err);
    if (status == EK_OK && spec != NULL) {
        status = data_open(c->args, spec, data_split(c->args), c->before, &job->dataset, err);
        if (status == EK_OK) tell_layout(c->args, c->before);
    }
    if (status == EK_OK) status = make(job, &options, err);
    if (status != EK_OK) return status;
    evaluate(job);
    if (options.norm != EK_TO_KEEP && options.norm != EK_TO_FROZEN && spec == NULL)
        note("Scale and bias were carried over as they were; --data fits them to what the old norms gave.");
    return change_finish(c, err);
}

static int run_convert(const arguments *args) {
    if (pixels_wanted(args)) return run_convert_pixels(args);
    ek_error err = {0};
    convert_job job = {.c = {.args = args, .did = "converted", .noun = "norm", .detail = "into"}, .drift = -1};
    job.c.more_json = more_json;
    job.c.more_text = more_text;
    job.c.context = &job;
    interrupt_listen();
    ek_status status = convert(&job, &err);
    ek_dataset_close(job.dataset);
    return change_end(&job.c, status, &err);
}

const command command_convert = {
    .name = "convert",
    .summary = "Turn norms into another kind, or repair what a file says of them",
    .operands = "MODEL.onnx",
    .minimum = 1,
    .maximum = 1,
    .example = "evenkeel convert m.onnx --norm group:8 --data photos -o gn.onnx\n"
               "evenkeel convert m.onnx --norm frozen -o frozen.onnx\n"
               "evenkeel convert old.onnx --opset 17 -o new.onnx\n"
               "evenkeel convert m.onnx --preprocess uint8-nhwc --probabilities -o whole.onnx\n"
               "evenkeel convert half.onnx --fuse --opset 17 -o one-node.onnx",
    .description =
        "With --norm each norm becomes one of another kind under the same name. With --data scale and bias (and the "
        "statistics of a batch norm) are fitted so that each new norm gives what the old one gave, as well as it can; "
        "without, they are carried over. --fuse and --spell-out change the form of norms, not what they compute: one "
        "node "
        "or several. --opset raises the model, and with it what old opsets say of norms: is_test, "
        "spatial, numbers of outputs, scales per group. Both models are run on random inputs and, with --data, on the "
        "data; where a conversion should be exact, nothing is written above --tolerance and the exit status is "
        "1.\n\n--preprocess puts "
        "what predict does to an image into the graph, so that other runtimes take pixels of any size; eval, predict "
        "and "
        "train do nothing twice with such a file. --strip-preprocess gives the old bytes back.",
    .next = "evenkeel train gn.onnx --data photos -o tuned.onnx",
    .options = convert_options,
    .run = run_convert,
};
