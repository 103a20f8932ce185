/* cmd_diff.c: `evenkeel diff`: what changed between two files, or between two models. */
#include "change.h"
#include "inputs.h"
#include "message.h"
#include "print.h"
#include "report/json_out.h"

static const option diff_options[] = {
    {.name = "semantic",
     .type = OPT_FLAG,
     .help = "compare what the models compute, as the engine reads them, instead of what the files say"},
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
    eki_json_text(&json, "compared", option_flag(args, "semantic") ? "models" : "files");
    eki_json_array(&json, "changes");
    for (size_t i = 0; i < ek_diff_count(diff); i++) {
        const ek_change *c = ek_diff_change(diff, i);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "kind", c->kind);
        eki_json_text(&json, "place", ek_diff_place(diff, i));
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
        const char *place = ek_diff_place(diff, i);
        print("%-14s %s%s%s%s%s\n", c->kind, place, place[0] ? ": " : "", c->name, c->name[0] ? ": " : "", c->text);
    }
    if (ek_diff_count(diff) == 0) print("equal\n");
}

static ek_status compare_models(const char *first, const char *second, ek_diff **diff, ek_error *err) {
    ek_model *a = NULL, *b = NULL;
    ek_status status = model_open(first, &a, err);
    if (status == EK_OK) status = model_open(second, &b, err);
    if (status == EK_OK) status = ek_diff_models(a, b, diff, err);
    ek_model_destroy(b);
    ek_model_destroy(a);
    return status;
}

static ek_status compare(const arguments *args, ek_diff **diff, ek_error *err) {
    const char *first = args->operands[0], *second = args->operands[1];
    if (option_flag(args, "semantic")) return compare_models(first, second, diff, err);
    ek_status status = model_there(first, err);
    if (status == EK_OK) status = model_there(second, err);
    return status == EK_OK ? ek_diff_files(first, second, diff, err) : status;
}

static int run_diff(const arguments *args) {
    ek_error err = {0};
    ek_diff *diff = NULL;
    if (compare(args, &diff, &err) != EK_OK) return report_input(&err);
    if (option_flag(args, "json")) {
        show_json(args, diff);
    } else {
        show_text(diff);
    }
    int code = ek_diff_count(diff) == 0 ? EXIT_DONE : EXIT_CHECK;
    ek_diff_destroy(diff);
    return code;
}

const command command_diff = {
    .name = "diff",
    .summary = "Show what changed between two model files",
    .operands = "A.onnx B.onnx",
    .minimum = 2,
    .maximum = 2,
    .example = "evenkeel diff digits.onnx folded.onnx\nevenkeel diff a.onnx b.onnx --semantic --json",
    .description =
        "Everything that the files say: every graph and function, types, metadata, annotations, data in files beside "
        "them; tensors last, the largest relative difference (max|a-b| / max|a|) first. With --semantic: opset, "
        "metadata, inputs, outputs, nodes and tensors as the engine reads them. The exit status is 0 when nothing "
        "differs and 1 when something does.",
    .next = "evenkeel inspect folded.onnx",
    .options = diff_options,
    .run = run_diff,
};
