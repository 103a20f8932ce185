/* cmd_unfold.c: `evenkeel unfold`: batch norms behind convolutions, so that a deployed model can be tuned again. */
#include "change.h"
#include "inputs.h"
#include "interrupt.h"
#include "message.h"
#include "watch.h"

static const option unfold_options[] = {
    {.name = "pattern",
     .type = OPT_TEXT,
     .argument = "GLOB",
     .fallback = "*",
     .group = "Norms",
     .help = "convolutions to put a norm behind: node name, first output, or weight without its last part"},
    {.name = "eps",
     .type = OPT_REAL,
     .argument = "E",
     .fallback = "0",
     .maximum = 0.5,
     .group = "Norms",
     .help = "epsilon; 0 = 1e-5, or what half precision can hold beside 1"},
    {.name = "momentum",
     .type = OPT_REAL,
     .argument = "M",
     .fallback = "0.9",
     .maximum = 1,
     .group = "Norms",
     .help = "in ONNX sense: what is kept of the old statistics"},
    OPTIONS_IMAGES("train"),
    OPTION_BATCH("64", "Data"),
    OPTIONS_CHANGE,
    OPTION_THREADS,
    OPTIONS_COMMON,
    OPTION_END,
};

static ek_status make(change *c, const ek_dataset *dataset, ek_error *err) {
    ek_unfold_options options = ek_unfold_options_default();
    watch bar;
    options.pattern = option_text(c->args, "pattern");
    options.epsilon = option_real(c->args, "eps");
    options.momentum = option_real(c->args, "momentum");
    options.dataset = dataset;
    options.batch = option_int(c->args, "batch");
    options.threads = (int)option_int(c->args, "threads");
    options.progress = watch_progress;
    options.context = &bar;
    watch_start(&bar, "measuring");
    ek_status status = ek_unfold(c->before, &options, &c->after, &c->report, err);
    watch_end(&bar);
    return status;
}

static ek_status unfold(change *c, ek_error *err) {
    ek_dataset *dataset = NULL;
    const char *spec = option_text(c->args, "data");
    ek_status status = output_check(c->args, err);
    if (status == EK_OK) status = model_open(c->args->operands[0], &c->before, err);
    if (status == EK_OK && spec != NULL) {
        status = data_open(c->args, spec, data_split(c->args), c->before, &dataset, err);
        if (status == EK_OK) tell_layout(c->args, c->before);
    }
    if (status == EK_OK) status = make(c, dataset, err);
    ek_dataset_close(dataset);
    return status == EK_OK ? change_finish(c, err) : status;
}

static int run_unfold(const arguments *args) {
    ek_error err = {0};
    change c = {.args = args, .did = "unfolded", .noun = "convolution", .detail = "added", .strict = 1};
    c.wanted = option_given(args, "pattern");
    interrupt_listen();
    return change_end(&c, unfold(&c, &err), &err);
}

const command command_unfold = {
    .name = "unfold",
    .summary = "Put batch norms behind convolutions, to tune a folded model again",
    .operands = "MODEL.onnx",
    .minimum = 1,
    .maximum = 1,
    .example = "evenkeel unfold folded.onnx -o tunable.onnx\n"
               "evenkeel unfold m.onnx --pattern 'stage4*' --data photos -o m2.onnx",
    .description =
        "Each convolution that matches --pattern gets a batch norm that changes nothing: scale 1, bias 0, mean "
        "0, variance 1 - epsilon, so that y = x exactly. With --data its mean and variance are those of the "
        "convolution's output over the data, and scale and bias undo them. Both models are run on random "
        "inputs; where an output differs by more than --tolerance, nothing is written and the exit status is "
        "1.",
    .next = "evenkeel train tunable.onnx --data photos -o tuned.onnx",
    .options = unfold_options,
    .run = run_unfold,
};
