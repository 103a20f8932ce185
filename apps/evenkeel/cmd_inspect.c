/* cmd_inspect.c: `evenkeel inspect`: the norms of a model, a line each, and what is odd about them. */
#include "change.h"
#include "gap.h"
#include "image_facts.h"
#include "inputs.h"
#include "inspect_page.h"
#include "interrupt.h"
#include "message.h"
#include "print.h"
#include "report/json_out.h"

#include <evenkeel/files.h>
#include <string.h>

static const option inspect_options[] = {
    {.name = "check",
     .type = OPT_FLAG,
     .group = "Result",
     .help = "exit status 1 when there is a finding above a note"},
    {.name = "report",
     .type = OPT_FILE,
     .argument = "FILE.html",
     .group = "Result",
     .help = "also write a page to look at: findings, and how the numbers of each norm are spread along depth"},
    OPTIONS_IMAGES("test"),
    OPTION_BATCH("64", "Data"),
    OPTION_THREADS,
    OPTIONS_COMMON,
    OPTION_END,
};

/* The range is there also where nothing is finite; the spread then has nulls. */
static void put_part(eki_json *json, const char *key, ek_range range, const spread *s) {
    static const char *const names[QUANTILES] = {"min", "p5", "p25", "median", "p75", "p95", "max"};
    if (s->count == 0) {
        eki_json_null(json, key);
        return;
    }
    eki_json_object(json, key);
    eki_json_real(json, "min", range.minimum);
    eki_json_real(json, "max", range.maximum);
    eki_json_int(json, "not_finite", s->nonfinite);
    eki_json_int(json, "values", s->count);
    for (int q = Q_P5; q < Q_MAX; q++) eki_json_real(json, names[q], s->at[q]);
    eki_json_close(json);
}

/* It has no range of its own. */
static void put_gain(eki_json *json, const spread *s) {
    ek_range range = {.minimum = s->count > s->nonfinite ? s->at[Q_MIN] : 0,
                      .maximum = s->count > s->nonfinite ? s->at[Q_MAX] : 0};
    put_part(json, "gain", range, s);
}

static void put_norm(eki_json *json, const norm_facts *n) {
    const ek_norm_seen *seen = n->seen;
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
    eki_json_text(json, "place", place_names[seen->place]);
    eki_json_bool(json, "stats_frozen", seen->norm.stats_frozen);
    eki_json_bool(json, "affine_frozen", seen->norm.affine_frozen);
    eki_json_bool(json, "foldable", seen->foldable);
    eki_json_text(json, "fold", seen->fold);
    put_part(json, "scale", seen->scale, &n->spreads[PART_SCALE]);
    put_part(json, "bias", seen->bias, &n->spreads[PART_BIAS]);
    put_part(json, "mean", seen->mean, &n->spreads[PART_MEAN]);
    put_part(json, "variance", seen->variance, &n->spreads[PART_VARIANCE]);
    put_gain(json, &n->spreads[PART_GAIN]);
    eki_json_close(json);
}

static void show_json(const inspect_facts *facts, const char *report) {
    const ek_inspection *in = facts->in;
    const ek_model *model = facts->model;
    eki_json json;
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "model", facts->path);
    eki_json_int(&json, "opset", ek_model_opset(model));
    eki_json_int(&json, "nodes", (int64_t)ek_model_node_count(model));
    eki_json_int(&json, "bytes", model_bytes(model));
    images_put(&json, model);
    eki_json_array(&json, "norms");
    for (size_t i = 0; i < facts->count; i++) put_norm(&json, &facts->norms[i]);
    eki_json_close(&json);
    eki_json_array(&json, "findings");
    for (size_t i = 0; i < ek_inspection_finding_count(in); i++) {
        const ek_finding *f = ek_inspection_finding(in, i);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "severity", severity_names[f->severity]);
        eki_json_text(&json, "code", f->code);
        eki_json_text(&json, "norm", f->norm);
        if (f->norm_index >= 0)
            eki_json_int(&json, "norm_index", f->norm_index);
        else
            eki_json_null(&json, "norm_index");
        eki_json_text(&json, "text", f->text);
        eki_json_text(&json, "remedy", f->remedy);
        eki_json_close(&json);
    }
    eki_json_close(&json);
    if (facts->diagnosis != NULL) gap_put(&json, facts->diagnosis);
    if (report != NULL) eki_json_text(&json, "report", report);
    eki_json_finish(&json);
}

static void show_range(const char *name, ek_range range) {
    if (range.count > 0 && range.nonfinite == range.count)
        print("  %s not finite", name);
    else if (range.count > 0)
        print("  %s %.3g..%.3g", name, range.minimum, range.maximum);
    if (range.nonfinite > 0 && range.nonfinite < range.count) print(" (%lld not finite)", (long long)range.nonfinite);
}

static void show_norm(const ek_norm_seen *seen, int width) {
    print("%-*s  %-8s C=%-4lld eps=%.3g", width, seen->name, ek_norm_kind_name(seen->norm.kind),
          (long long)seen->norm.channels, seen->norm.epsilon);
    if (seen->norm.kind == EK_NORM_BATCH) print(" momentum=%.3g", seen->norm.momentum);
    if (seen->norm.kind == EK_NORM_GROUP) print(" groups=%lld", (long long)seen->norm.groups);
    if (seen->training) print(" TRAINING");
    if (strcmp(seen->norm.spelling, "operator") != 0) print(" (%s)", seen->norm.spelling);
    show_range("scale", seen->scale);
    show_range("bias", seen->bias);
    show_range("mean", seen->mean);
    show_range("variance", seen->variance);
    print("  after %s, %s; %s %s\n", seen->feeder, place_names[seen->place],
          seen->foldable ? "folds" : "does not fold:", seen->fold);
}

static void show_text(const char *path, const ek_model *model, const ek_inspection *in) {
    int width = 4;
    size_t norms = ek_inspection_norm_count(in), findings = ek_inspection_finding_count(in);
    for (size_t i = 0; i < norms; i++) {
        int length = (int)strlen(ek_inspection_norm(in, i)->name);
        if (length > width) width = length < 40 ? length : 40;
    }
    print("%s: opset %lld, %zu nodes, %zu norms, %lld bytes of weights\n", path, (long long)ek_model_opset(model),
          ek_model_node_count(model), norms, (long long)model_bytes(model));
    images_show(model, 7);
    for (size_t i = 0; i < norms; i++) show_norm(ek_inspection_norm(in, i), width);
    print("%zu finding%s%s\n", findings, findings == 1 ? "" : "s", findings > 0 ? ":" : "");
    for (size_t i = 0; i < findings; i++) {
        const ek_finding *f = ek_inspection_finding(in, i);
        print("%-7s %s%s%s: %s\n        -> %s\n", severity_names[f->severity], f->code, f->norm[0] ? " " : "", f->norm,
              f->text, f->remedy);
    }
}

/* What --report names can be written, and is not the model. */
static ek_status report_check(const arguments *args, ek_error *err) {
    const char *page = option_text(args, "report"), *path = args->operands[0];
    if (page == NULL) return EK_OK;
    ek_status status = word_check_extension("--report", page, ".html", err);
    if (status != EK_OK) return status;
    if (same_file(page, path))
        return fail(err, EK_ERR_ARG, "--report %s: that is the model itself; name another file", page);
    return ek_file_check(page, err);
}

/* Text or JSON, and the page before, so that what is printed holds. */
static ek_status show_all(const arguments *args, inspect_facts *facts, ek_error *err) {
    const char *page = option_text(args, "report");
    int json = option_flag(args, "json");
    ek_status status = page != NULL || json ? facts_gather(facts, err) : EK_OK; /* text needs no spreads */
    if (status == EK_OK && page != NULL) status = page_save(page, facts, err);
    if (status != EK_OK) return status;
    if (json) {
        show_json(facts, page);
        return EK_OK;
    }
    show_text(facts->path, facts->model, facts->in);
    if (facts->diagnosis != NULL) gap_show(facts->diagnosis);
    if (page != NULL) print("report  %s\n", page);
    return EK_OK;
}

static int checked(const arguments *args, const inspect_facts *facts) {
    const ek_finding *worst = ek_inspection_finding(facts->in, 0);
    if (!option_flag(args, "check")) return EXIT_DONE;
    if (worst != NULL && worst->severity > EK_NOTE) return EXIT_CHECK;
    return facts->diagnosis != NULL && gap_found(facts->diagnosis) ? EXIT_CHECK : EXIT_DONE;
}

static int run_inspect(const arguments *args) {
    ek_error err = {0};
    ek_model *model = NULL;
    ek_inspection *in = NULL;
    ek_diagnosis g = {0};
    inspect_facts facts = {.path = args->operands[0]};
    if (report_check(args, &err) != EK_OK) return report(&err);
    ek_status status = model_open(facts.path, &model, &err);
    if (status == EK_OK) status = ek_inspect(model, &in, &err);
    if (status == EK_OK && option_text(args, "data") != NULL) {
        interrupt_listen();
        status = gap_measure(args, model, &g, &err);
        facts.diagnosis = &g;
    }
    facts.model = model;
    facts.in = in;
    if (status == EK_OK) status = show_all(args, &facts, &err);
    int code = status == EK_OK ? checked(args, &facts) : EXIT_DONE;
    facts_free(&facts);
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
               "evenkeel inspect m.onnx --data photos --report norms.html",
    .description = "One line for each norm: kind, channels, epsilon, momentum, the ranges of its parameters and "
                   "statistics, what stands beside it, and whether it can be folded. Then findings, worst first, each "
                   "with a remedy.\n\nWith --data: how far the running statistics of each norm are from those of the "
                   "data, accuracy with the running statistics and with those of each batch, and what a difference "
                   "between the two likely comes from.\n\nWith --report: all of that as one self-contained page.",
    .next = "evenkeel fold digits.onnx -o folded.onnx",
    .options = inspect_options,
    .run = run_inspect,
};
