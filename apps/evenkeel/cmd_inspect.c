/* cmd_inspect.c: `evenkeel inspect`: the norms of a model, a line each, and what is odd about them. */
#include "change.h"
#include "gap.h"
#include "image_facts.h"
#include "inputs.h"
#include "interrupt.h"
#include "message.h"
#include "report/json_out.h"

#include <string.h>

static const option inspect_options[] = {
    {.name = "check",
     .type = OPT_FLAG,
     .group = "Result",
     .help = "exit status 1 when there is a finding above a note"},
    OPTIONS_IMAGES("test"),
    OPTION_BATCH("64", "Data"),
    OPTION_THREADS,
    OPTIONS_COMMON,
    OPTION_END,
};

static const char *const severities[] = {"note", "warning", "severe"};
static const char *const places[] = {"no activation beside it", "before the activation", "after the activation",
                                     "between activations"};

static void put_range(eki_json *json, const char *key, ek_range range) {
    if (range.count == 0) {
        eki_json_null(json, key);
        return;
    }
    eki_json_object(json, key);
    eki_json_real(json, "min", range.minimum);
    eki_json_real(json, "max", range.maximum);
    eki_json_int(json, "not_finite", range.nonfinite);
    eki_json_close(json);
}

static void put_norm(eki_json *json, const ek_norm_seen *seen) {
    eki_json_object(json, NULL);
    eki_json_text(json, "name", seen->name);
    eki_json_text(json, "path", seen->norm.path);
    eki_json_text(json, "output", seen->norm.output);
    eki_json_text(json, "spelling", seen->norm.spelling);
    eki_json_text(json, "kind", ek_norm_kind_name(seen->norm.kind));
    eki_json_int(json, "channels", seen->norm.channels);
    eki_json_int(json, "groups", seen->norm.groups);
    eki_json_real(json, "epsilon", seen->norm.epsilon);
    if (seen->norm.kind == EK_NORM_BATCH)
        eki_json_real(json, "momentum", seen->norm.momentum);
    else
        eki_json_null(json, "momentum");
    eki_json_text(json, "mode", seen->training ? "training" : "inference");
    eki_json_text(json, "after", seen->feeder);
    eki_json_text(json, "place", places[seen->place]);
    eki_json_bool(json, "stats_frozen", seen->norm.stats_frozen);
    eki_json_bool(json, "affine_frozen", seen->norm.affine_frozen);
    eki_json_bool(json, "foldable", seen->foldable);
    eki_json_text(json, "fold", seen->fold);
    put_range(json, "scale", seen->scale);
    put_range(json, "bias", seen->bias);
    put_range(json, "mean", seen->mean);
    put_range(json, "variance", seen->variance);
    eki_json_close(json);
}

static void show_json(const char *path, const ek_model *model, const ek_inspection *in, const ek_diagnosis *g) {
    eki_json json;
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "model", path);
    eki_json_int(&json, "opset", ek_model_opset(model));
    eki_json_int(&json, "nodes", (int64_t)ek_model_node_count(model));
    eki_json_int(&json, "bytes", model_bytes(model));
    images_put(&json, model);
    eki_json_array(&json, "norms");
    for (size_t i = 0; i < ek_inspection_norm_count(in); i++) put_norm(&json, ek_inspection_norm(in, i));
    eki_json_close(&json);
    eki_json_array(&json, "findings");
    for (size_t i = 0; i < ek_inspection_finding_count(in); i++) {
        const ek_finding *f = ek_inspection_finding(in, i);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "severity", severities[f->severity]);
        eki_json_text(&json, "code", f->code);
        eki_json_text(&json, "norm", f->norm);
        eki_json_text(&json, "text", f->text);
        eki_json_text(&json, "remedy", f->remedy);
        eki_json_close(&json);
    }
    eki_json_close(&json);
    if (g != NULL) gap_put(&json, g);
    eki_json_finish(&json);
}

static void show_range(const char *name, ek_range range) {
    if (range.count > 0 && range.nonfinite == range.count)
        printf("  %s not finite", name);
    else if (range.count > 0)
        printf("  %s %.3g..%.3g", name, range.minimum, range.maximum);
    if (range.nonfinite > 0 && range.nonfinite < range.count) printf(" (%lld not finite)", (long long)range.nonfinite);
}

static void show_norm(const ek_norm_seen *seen, int width) {
    printf("%-*s  %-8s C=%-4lld eps=%.3g", width, seen->name, ek_norm_kind_name(seen->norm.kind),
           (long long)seen->norm.channels, seen->norm.epsilon);
    if (seen->norm.kind == EK_NORM_BATCH) printf(" momentum=%.3g", seen->norm.momentum);
    if (seen->norm.kind == EK_NORM_GROUP) printf(" groups=%lld", (long long)seen->norm.groups);
    if (seen->training) printf(" TRAINING");
    if (strcmp(seen->norm.spelling, "operator") != 0) printf(" (%s)", seen->norm.spelling);
    show_range("scale", seen->scale);
    show_range("bias", seen->bias);
    show_range("mean", seen->mean);
    show_range("variance", seen->variance);
    printf("  after %s, %s; %s %s\n", seen->feeder, places[seen->place],
           seen->foldable ? "folds" : "does not fold:", seen->fold);
}

static void show_text(const char *path, const ek_model *model, const ek_inspection *in) {
    int width = 4;
    size_t norms = ek_inspection_norm_count(in), findings = ek_inspection_finding_count(in);
    for (size_t i = 0; i < norms; i++) {
        int length = (int)strlen(ek_inspection_norm(in, i)->name);
        if (length > width) width = length < 40 ? length : 40;
    }
    printf("%s: opset %lld, %zu nodes, %zu norms, %lld bytes of weights\n", path, (long long)ek_model_opset(model),
           ek_model_node_count(model), norms, (long long)model_bytes(model));
    images_show(model, 7);
    for (size_t i = 0; i < norms; i++) show_norm(ek_inspection_norm(in, i), width);
    printf("%zu finding%s%s\n", findings, findings == 1 ? "" : "s", findings > 0 ? ":" : "");
    for (size_t i = 0; i < findings; i++) {
        const ek_finding *f = ek_inspection_finding(in, i);
        printf("%-7s %s%s%s: %s\n        -> %s\n", severities[f->severity], f->code, f->norm[0] ? " " : "", f->norm,
               f->text, f->remedy);
    }
}

static int run_inspect(const arguments *args) {
    ek_error err = {0};
    ek_model *model = NULL;
    ek_inspection *in = NULL;
    const char *path = args->operands[0];
    ek_status status = model_open(path, &model, &err);
    if (status == EK_OK) status = ek_inspect(model, &in, &err);
    int code = EXIT_DONE, measured = option_text(args, "data") != NULL;
    ek_diagnosis g = {0};
    if (status == EK_OK && measured) {
        interrupt_listen();
        status = gap_measure(args, model, &g, &err);
    }
    if (status == EK_OK) {
        if (option_flag(args, "json"))
            show_json(path, model, in, measured ? &g : NULL);
        else
            show_text(path, model, in);
        if (measured && !option_flag(args, "json")) gap_show(&g);
        const ek_finding *worst = ek_inspection_finding(in, 0);
        if (option_flag(args, "check") && worst != NULL && worst->severity > EK_NOTE) code = EXIT_CHECK;
        if (option_flag(args, "check") && measured && gap_found(&g)) code = EXIT_CHECK;
    }
    ek_diagnosis_free(&g);
    ek_inspection_destroy(in);
    ek_model_destroy(model);
    return status == EK_OK ? code : report_input(&err);
}

const command command_inspect = {
    .name = "inspect",
    .summary = "Show the norms of a model and what is odd about them",
    .operands = "MODEL.onnx",
    .minimum = 1,
    .maximum = 1,
    .example = "evenkeel inspect digits.onnx\nevenkeel inspect m.onnx --check --json\n"
               "evenkeel inspect m.onnx --data photos",
    .description = "One line for each norm: kind, channels, epsilon, momentum, the ranges of its parameters and "
                   "statistics, what stands beside it, and whether it can be folded. Then findings, worst first, each "
                   "with a remedy.\n\nWith --data: how far the running statistics of each norm are from those of the "
                   "data, accuracy with the running statistics and with those of each batch, and what a difference "
                   "between the two likely comes from.",
    .next = "evenkeel fold digits.onnx -o folded.onnx",
    .options = inspect_options,
    .run = run_inspect,
};
