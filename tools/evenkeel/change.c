/* change.c: what the commands that examine and change models share. */
#include "change.h"
#include "inputs.h"
#include "message.h"

ek_status output_check(const arguments *args, ek_error *err) {
    const char *path = option_text(args, "output");
    if (option_flag(args, "dry-run")) return EK_OK;
    if (path == NULL)
        return fail(err, EK_ERR_ARG, "--output is missing: where should the model go? --dry-run writes nothing");
    return check_writable(path, err);
}

ek_status output_save(const arguments *args, const ek_model *model, ek_error *err) {
    const char *path = option_text(args, "output");
    if (option_flag(args, "dry-run")) return EK_OK;
    return ek_model_save(model, path, NULL, err);
}

int64_t model_bytes(const ek_model *model) {
    int64_t total = 0;
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) total += (int64_t)ek_model_tensor(model, i).bytes;
    return total;
}

const char *norm_kind_name(ek_norm_kind kind) {
    static const char *const names[] = {"none", "batch", "layer", "group", "instance", "rms"};
    return kind >= 0 && (size_t)kind < sizeof names / sizeof *names ? names[kind] : "other";
}

ek_compare_options compare_options(const arguments *args) {
    ek_compare_options options = ek_compare_options_default();
    options.seed = (uint64_t)option_int(args, "seed");
    options.runs = (int)option_int(args, "runs");
    options.size = option_int(args, "input-size");
    options.threads = (int)option_int(args, "threads");
    return options;
}

void json_latency(json_out *json, const ek_comparison *check) {
    json_int(json, "timed", check->timed);
    if (check->timed == 0) return;
    json_real(json, "seconds_before", check->seconds_a);
    json_real(json, "seconds_after", check->seconds_b);
}

void show_latency(const ek_comparison *check) {
    if (check->timed == 0) return;
    printf("latency  %.3g -> %.3g ms (median of %d runs each, one example)\n", 1e3 * check->seconds_a,
           1e3 * check->seconds_b, check->timed);
}
