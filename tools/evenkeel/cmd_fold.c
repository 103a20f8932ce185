/* cmd_fold.c: `evenkeel fold`: batch norms into the layers beside them, checked before anything is written. */
#include "change.h"
#include "message.h"
#include "report/json_out.h"

#include <string.h>

static const option fold_options[] = {
    OPTION_OUTPUT_MODEL,
    OPTION_DRY_RUN,
    OPTION_TOLERANCE,
    OPTION_RUNS,
    OPTION_SIZE_INPUTS,
    OPTION_SEED_INPUTS,
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

typedef struct fold_job {
    const arguments *args;
    ek_model *model, *folded;
    ek_fold_report *report;
    ek_comparison check;
    size_t removed;
} fold_job;

static void show_json(const fold_job *job, int passed) {
    json_out json;
    const char *path = option_text(job->args, "output");
    int written = passed && !option_flag(job->args, "dry-run");
    json_start(&json, stdout, 2);
    json_object(&json, NULL);
    json_text(&json, "model", job->args->operands[0]);
    json_text(&json, "output", written ? path : NULL);
    json_array(&json, "norms");
    for (size_t i = 0; i < ek_fold_report_count(job->report); i++) {
        const ek_fold_row *row = ek_fold_report_row(job->report, i);
        json_object(&json, NULL);
        json_text(&json, "norm", row->norm);
        json_bool(&json, "folded", row->folded);
        json_text(&json, row->folded ? "into" : "reason", row->text);
        json_close(&json);
    }
    json_close(&json);
    json_int(&json, "removed", (int64_t)job->removed);
    json_int(&json, "nodes_before", (int64_t)ek_model_node_count(job->model));
    json_int(&json, "nodes_after", (int64_t)ek_model_node_count(job->folded));
    json_int(&json, "bytes_before", model_bytes(job->model));
    json_int(&json, "bytes_after", model_bytes(job->folded));
    json_latency(&json, &job->check);
    json_real(&json, "difference", job->check.worst);
    json_text(&json, "difference_at", job->check.output);
    json_int(&json, "runs", job->check.runs);
    json_real(&json, "tolerance", option_real(job->args, "tolerance"));
    json_bool(&json, "passed", passed);
    json_finish(&json);
}

static void show_text(const fold_job *job) {
    for (size_t i = 0; i < ek_fold_report_count(job->report); i++) {
        const ek_fold_row *row = ek_fold_report_row(job->report, i);
        printf("%-8s %s: %s\n", row->folded ? "folded" : "refused", row->norm, row->text);
    }
    printf("norms    %zu -> %zu\n", ek_model_norm_count(job->model), ek_model_norm_count(job->folded));
    printf("nodes    %zu -> %zu\n", ek_model_node_count(job->model), ek_model_node_count(job->folded));
    printf("weights  %lld -> %lld bytes\n", (long long)model_bytes(job->model), (long long)model_bytes(job->folded));
    show_latency(&job->check);
    printf("checked  relative difference %.3g on %d random inputs (output %s)\n", job->check.worst, job->check.runs,
           job->check.output);
}

/* Shows the result and writes it, or says why not. */
static ek_status finish(const fold_job *job, ek_error *err) {
    double tolerance = option_real(job->args, "tolerance");
    int passed = job->check.worst <= tolerance;
    if (passed) {
        ek_status status = output_save(job->args, job->folded, err);
        if (status != EK_OK) return status;
    }
    if (option_flag(job->args, "json"))
        show_json(job, passed);
    else
        show_text(job);
    if (passed) return EK_OK;
    return fail(
        err, EK_ERR_CHECK,
        "the folded model differs by %.3g (relative, output %s), more than the tolerance %g; nothing was written",
        job->check.worst, job->check.output, tolerance);
}

static ek_status fold(fold_job *job, ek_error *err) {
    ek_compare_options options = compare_options(job->args);
    options.timed = (int)option_int(job->args, "timed");
    ek_status status = output_check(job->args, err);
    if (status == EK_OK) status = ek_model_load(job->args->operands[0], &job->model, err);
    if (status == EK_OK) status = ek_fold(job->model, &job->folded, &job->report, err);
    if (status == EK_OK) status = ek_compare(job->model, job->folded, &options, &job->check, err);
    if (status != EK_OK) return status;
    job->removed = ek_model_norm_count(job->model) - ek_model_norm_count(job->folded);
    return finish(job, err);
}

static int run_fold(const arguments *args) {
    ek_error err = {0};
    fold_job job = {.args = args};
    ek_status status = fold(&job, &err);
    if (status == EK_OK && job.removed == 0 && ek_model_norm_count(job.model) > 0) note("No norm could be folded.");
    ek_fold_report_destroy(job.report);
    ek_model_destroy(job.folded);
    ek_model_destroy(job.model);
    if (status == EK_ERR_CHECK && option_flag(args, "json")) {
        tool_voice.json = 0; /* the result stands on standard output already */
        return report(&err);
    }
    return status == EK_OK ? EXIT_DONE : report(&err);
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
        "the Mul and Add that stand beside them. Arithmetic is in double precision and rounded once. Both models "
        "are then run on random inputs; where an output differs by more than --tolerance, nothing is written "
        "and the exit status is 1. Norms that cannot be folded stay, each with the reason.",
    .next = "evenkeel diff digits.onnx folded.onnx",
    .options = fold_options,
    .run = run_fold,
};
