/* cmd_freeze.c: `evenkeel freeze`: the switches of norms kept in a file: shown, set and cleared. */
#include "change.h"
#include "inputs.h"
#include "message.h"
#include "print.h"
#include "report/json_out.h"

#include <stdlib.h>
#include <string.h>

#define PATTERN_OPTION(title, text)                                                                                    \
    {                                                                                                                  \
        .name = title, .type = OPT_TEXT, .argument = "PATTERN", .implied = "*", .traits = OPT_REPEAT | OPT_OPTIONAL,   \
        .group = "Switches", .help = text                                                                              \
    }

static const option freeze_options[] = {
    PATTERN_OPTION("stats", "training uses the running statistics of these norms and leaves them alone (default all)"),
    PATTERN_OPTION("affine", "scale and bias of these norms are not trained (default all)"),
    PATTERN_OPTION("all", "both"),
    PATTERN_OPTION("clear-stats", "their statistics follow the data again"),
    PATTERN_OPTION("clear-affine", "their scale and bias are trained again"),
    PATTERN_OPTION("clear", "both; clearing comes before setting"),
    OPTIONS_WRITE,
    OPTIONS_COMMON,
    OPTION_END,
};

static const struct {
    const char *option;
    int stats, affine;
} changes[] = {{"clear", 0, 0}, {"clear-stats", 0, -1}, {"clear-affine", -1, 0},
               {"all", 1, 1},   {"stats", 1, -1},       {"affine", -1, 1}};
enum { CHANGES = sizeof changes / sizeof changes[0] };

static int any_change(const arguments *args) {
    for (size_t i = 0; i < CHANGES; i++)
        if (option_given(args, changes[i].option)) return 1;
    return 0;
}

static ek_status apply(const arguments *args, ek_model *model, ek_error *err) {
    for (size_t k = 0; k < CHANGES; k++) {
        const option_value *value = option_get(args, changes[k].option);
        for (int i = 0; i < value->count; i++) {
            ek_status status = ek_model_freeze(model, value->texts[i], changes[k].stats, changes[k].affine, NULL, err);
            if (status != EK_OK) return fail_in(err, "--%s", changes[k].option);
        }
    }
    return EK_OK;
}

/* Only the switches may differ from what was read: no tensor, no node. */
static ek_status verify(const ek_model *before, const ek_model *after, ek_error *err) {
    ek_diff *diff = NULL;
    ek_status status = ek_diff_models(before, after, &diff, err);
    for (size_t i = 0; status == EK_OK && i < ek_diff_count(diff); i++) {
        const ek_change *c = ek_diff_change(diff, i);
        if (strcmp(c->kind, "metadata") == 0 && strncmp(c->name, "evenkeel.freeze.", 16) == 0) continue;
        status = fail(err, EK_ERR_STATE, "more than the switches would change: %s %s: %s; nothing was written", c->kind,
                      c->name, c->text);
    }
    ek_diff_destroy(diff);
    return status;
}

static const char *name_of(const ek_model_norm *norm) { return norm->node[0] ? norm->node : norm->output; }

static int changed(const ek_model_norm *a, const ek_model_norm *b) {
    return a->stats_frozen != b->stats_frozen || a->affine_frozen != b->affine_frozen;
}

static void show_json(const arguments *args, const ek_model *before, const ek_model *after) {
    eki_json json;
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "model", args->operands[0]);
    eki_json_text(&json, "output", option_flag(args, "dry-run") ? NULL : option_text(args, "output"));
    eki_json_array(&json, "norms");
    for (size_t i = 0; i < ek_model_norm_count(after); i++) {
        ek_model_norm norm = ek_model_norm_get(after, i), old = ek_model_norm_get(before, i);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "norm", name_of(&norm));
        eki_json_text(&json, "output", norm.output);
        eki_json_text(&json, "kind", ek_norm_kind_name(norm.kind));
        eki_json_bool(&json, "stats_frozen", norm.stats_frozen);
        eki_json_bool(&json, "affine_frozen", norm.affine_frozen);
        eki_json_bool(&json, "changed", changed(&norm, &old));
        eki_json_close(&json);
    }
    eki_json_finish(&json);
}

static void show_text(const ek_model *before, const ek_model *after) {
    for (size_t i = 0; i < ek_model_norm_count(after); i++) {
        ek_model_norm norm = ek_model_norm_get(after, i), old = ek_model_norm_get(before, i);
        const char *stats = norm.kind != EK_NORM_BATCH ? "none" : norm.stats_frozen ? "frozen" : "of the data";
        print("%-40s %-8s statistics %-12s affine %-8s%s\n", name_of(&norm), ek_norm_kind_name(norm.kind), stats,
              norm.affine_frozen ? "frozen" : "trained", changed(&norm, &old) ? " (changed)" : "");
    }
}

static ek_status freeze(const arguments *args, const ek_model *before, ek_model *after, ek_error *err) {
    int wanted = any_change(args);
    if (!wanted && (option_given(args, "output") || option_flag(args, "dry-run")))
        return fail(err, EK_ERR_ARG, "nothing to change: give --stats, --affine, --all or --clear");
    ek_status status = wanted ? output_check(args, err) : EK_OK;
    if (status == EK_OK) status = apply(args, after, err);
    if (status == EK_OK) status = verify(before, after, err);
    if (status == EK_OK && wanted) status = output_save(args, after, err);
    return status;
}

static int run_freeze(const arguments *args) {
    ek_error err = {0};
    ek_model *before = NULL, *after = NULL;
    ek_status status = model_open(args->operands[0], &before, &err);
    if (status == EK_OK) status = model_open(args->operands[0], &after, &err);
    if (status == EK_OK) status = freeze(args, before, after, &err);
    if (status == EK_OK && option_flag(args, "json")) show_json(args, before, after);
    if (status == EK_OK && !option_flag(args, "json")) show_text(before, after);
    if (status == EK_OK && ek_model_norm_count(after) == 0) note("The model has no norm.");
    ek_model_destroy(before);
    ek_model_destroy(after);
    return status == EK_OK ? EXIT_DONE : report(&err);
}

const command command_freeze = {
    .name = "freeze",
    .summary = "Show, set or clear what training leaves alone in the norms of a file",
    .operands = "MODEL.onnx",
    .minimum = 1,
    .maximum = 1,
    .example = "evenkeel freeze m.onnx\n"
               "evenkeel freeze m.onnx --stats --affine='layer1.*' -o frozen.onnx\n"
               "evenkeel freeze m.onnx --all=until:layer2 --dry-run",
    .description =
        "The switches are kept in the file (evenkeel.freeze.<output>) and hold for whoever trains it next. PATTERN is "
        "a glob over node name, output and the stem of the scale's name, or until:NAME (all norms that a node or value "
        "is computed from), first:N, last:N. One that matches nothing is an error. Nothing but the switches is "
        "changed, which is checked before the file is written.",
    .next = "evenkeel train frozen.onnx --data photos -o tuned.onnx",
    .options = freeze_options,
    .run = run_freeze,
};
