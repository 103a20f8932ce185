/* cmd_fold.c: `evenkeel fold`: batch norms into the layers beside them, checked before anything is written. */
#include "change.h"
#include "inputs.h"
#include "message.h"

static const option fold_options[] = {
    OPTIONS_CHANGE,
    {.name = "timed",
     .type = OPT_INT,
     .argument = "N",
     .fallback = "10",
     .maximum = 100000,
     .group = "Check",
     .help = "runs of each model to take the time of, in turns, one example each; 0 = none"},
    OPTION_THREADS,
    OPTIONS_COMMON,
    OPTION_END,
};

static ek_status fold(change *c, ek_error *err) {
    c->timed = (int)option_int(c->args, "timed");
    ek_status status = output_check(c->args, err);
    if (status == EK_OK) status = model_open(c->args->operands[0], &c->before, err);
    if (status == EK_OK) status = ek_fold(c->before, &c->after, &c->report, err);
    if (status == EK_OK) status = change_finish(c, err);
    size_t norms = status == EK_OK ? ek_model_norm_count(c->before) : 0;
    if (norms > 0 && norms == ek_model_norm_count(c->after)) note("No norm could be folded.");
    return status;
}

static int run_fold(const arguments *args) {
    ek_error err = {0};
    change c = {.args = args, .did = "folded", .noun = "norm", .detail = "into", .strict = 1};
    return change_end(&c, fold(&c, &err), &err);
}

const command command_fold = {
    .name = "fold",
    .summary = "Fold batch norms into the layers beside them, and prove it",
    .operands = "MODEL.onnx",
    .minimum = 1,
    .maximum = 1,
    .example = "evenkeel fold digits.onnx -o folded.onnx\nevenkeel fold m.onnx --dry-run --json",
    .description =
        "Batch norms with fixed statistics go into the convolution, Gemm or MatMul before or after them, with "
        "the Mul and Add that stand beside them. Arithmetic is in double precision and rounded once. Each changed "
        "part is then run before and after on its own boundary, and both models as a whole where they can run; "
        "operators elsewhere in the file need not be known. Above --tolerance nothing is written and the exit status "
        "is 1. Norms that cannot be folded stay, each with the reason.",
    .next = "evenkeel diff digits.onnx folded.onnx",
    .options = fold_options,
    .run = run_fold,
};
