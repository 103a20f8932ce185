/* cmd_diff.c: `evenkeel diff`: what changed between two models. */
#include "change.h"
#include "inputs.h"
#include "message.h"
#include "report/json_out.h"

static const option diff_options[] = {
    OPTIONS_COMMON,
    OPTION_END,
};

static void show_json(const arguments *args, const ek_diff *diff) {
    eki_json json;
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "a", args->operands[0]);
    eki_json_text(&json, "b", args->operands[1]);
    eki_json_bool(&json, "equal", ek_diff_count(diff) == 0);
    eki_json_array(&json, "changes");
    for (size_t i = 0; i < ek_diff_count(diff); i++) {
        const ek_change *c = ek_diff_change(diff, i);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "kind", c->kind);
        eki_json_text(&json, "name", c->name);
        eki_json_text(&json, "text", c->text);
        eki_json_real(&json, "difference", c->difference);
        eki_json_close(&json);
    }
    eki_json_finish(&json);
}

static void show_text(const ek_diff *diff) {
    for (size_t i = 0; i < ek_diff_count(diff); i++) {
        const ek_change *c = ek_diff_change(diff, i);
        printf("%-14s %s%s%s\n", c->kind, c->name, c->name[0] ? ": " : "", c->text);
    }
    if (ek_diff_count(diff) == 0) printf("equal\n");
}

static int run_diff(const arguments *args) {
    ek_error err = {0};
    ek_model *a = NULL, *b = NULL;
    ek_diff *diff = NULL;
    ek_status status = model_open(args->operands[0], &a, &err);
    if (status == EK_OK) status = model_open(args->operands[1], &b, &err);
    if (status == EK_OK) status = ek_diff_models(a, b, &diff, &err);
    int code = EXIT_DONE;
    if (status == EK_OK) {
        if (option_flag(args, "json"))
            show_json(args, diff);
        else
            show_text(diff);
        code = ek_diff_count(diff) == 0 ? EXIT_DONE : EXIT_CHECK;
    }
    ek_diff_destroy(diff);
    ek_model_destroy(b);
    ek_model_destroy(a);
    return status == EK_OK ? code : report_input(&err);
}

const command command_diff = {
    .name = "diff",
    .summary = "Show what changed between two models",
    .operands = "A.onnx B.onnx",
    .minimum = 2,
    .maximum = 2,
    .example = "evenkeel diff digits.onnx folded.onnx\nevenkeel diff a.onnx b.onnx --json",
    .description =
        "Opset, metadata, inputs and outputs, nodes and their attributes, then tensors, the largest relative "
        "difference (max|a-b| / max|a|) first. The exit status is 0 when the models are equal and 1 when they "
        "are not.",
    .next = "evenkeel inspect folded.onnx",
    .options = diff_options,
    .run = run_diff,
};
