/* change.c: what the commands that examine and change models share. */
#include "change.h"
#include "inputs.h"
#include "message.h"
#include "print.h"
#include "prove.h"

#include <evenkeel/files.h>

ek_status output_check(const arguments *args, ek_error *err) {
    const char *path = option_text(args, "output");
    if (option_flag(args, "dry-run")) return EK_OK;
    if (path == NULL)
        return fail(err, EK_ERR_ARG, "--output is missing: where should the model go? --dry-run writes nothing");
    ek_status status = word_check_model_output(path, err);
    return status == EK_OK ? ek_file_check(path, err) : status;
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

static void put_json(const change *c, int passed) {
    const ek_comparison *check = &ek_proof_result_of(c->proof)->comparison;
    eki_json json;
    int written = passed && !option_flag(c->args, "dry-run");
    int64_t norms = (int64_t)ek_model_norm_count(c->before), left = (int64_t)ek_model_norm_count(c->after);
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "model", c->args->operands[0]);
    eki_json_text(&json, "output", written ? option_text(c->args, "output") : NULL);
    eki_json_array(&json, "norms");
    for (size_t i = 0; i < ek_edit_report_count(c->report); i++) {
        const ek_edit_row *row = ek_edit_report_row(c->report, i);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "norm", row->norm);
        eki_json_bool(&json, c->did, row->changed);
        eki_json_text(&json, row->changed ? c->detail : "reason", row->text);
        eki_json_close(&json);
    }
    eki_json_close(&json);
    eki_json_int(&json, "removed", norms - left);
    eki_json_int(&json, "norms_before", norms);
    eki_json_int(&json, "norms_after", left);
    eki_json_int(&json, "nodes_before", (int64_t)ek_model_node_count(c->before));
    eki_json_int(&json, "nodes_after", (int64_t)ek_model_node_count(c->after));
    eki_json_int(&json, "bytes_before", model_bytes(c->before));
    eki_json_int(&json, "bytes_after", model_bytes(c->after));
    if (check->timed > 0) {
        eki_json_real(&json, "seconds_before", check->seconds_a);
        eki_json_real(&json, "seconds_after", check->seconds_b);
    }
    if (c->more_json != NULL) c->more_json(c, &json);
    prove_json(c->proof, &json);
    eki_json_bool(&json, "passed", passed);
    eki_json_finish(&json);
}

static void put_text(const change *c) {
    const ek_comparison *check = &ek_proof_result_of(c->proof)->comparison;
    for (size_t i = 0; i < ek_edit_report_count(c->report); i++) {
        const ek_edit_row *row = ek_edit_report_row(c->report, i);
        print("%-9s %s: %s\n", row->changed ? c->did : row->already ? "kept" : "refused", row->norm, row->text);
    }
    print("norms     %zu -> %zu\n", ek_model_norm_count(c->before), ek_model_norm_count(c->after));
    print("nodes     %zu -> %zu\n", ek_model_node_count(c->before), ek_model_node_count(c->after));
    print("weights   %lld -> %lld bytes\n", (long long)model_bytes(c->before), (long long)model_bytes(c->after));
    if (check->timed > 0)
        print("latency   %.3g -> %.3g ms (median of %d runs each, one example)\n", 1e3 * check->seconds_a,
              1e3 * check->seconds_b, check->timed);
    if (c->more_text != NULL) c->more_text(c);
    prove_text(c->args, c->proof);
}

/* Whether something is as was asked for, now or before. */
static int any_done(const change *c) {
    for (size_t i = 0; i < ek_edit_report_count(c->report); i++) {
        const ek_edit_row *row = ek_edit_report_row(c->report, i);
        if (row->changed || row->already) return 1;
    }
    return 0;
}

/* With the reason, where one is enough: the others stand on standard output. */
static ek_status nothing_done(const change *c, ek_error *err) {
    size_t rows = ek_edit_report_count(c->report);
    if (rows == 0) return fail(err, EK_ERR_CHECK, "nothing was %s: the model has no norm; nothing was written", c->did);
    const ek_edit_row *row = ek_edit_report_row(c->report, 0);
    return fail(err, EK_ERR_CHECK, "none of %zu %s%s was %s: %s: %s; nothing was written", rows, c->noun,
                rows == 1 ? "" : "s", c->did, row->norm, row->text);
}

ek_status change_finish(change *c, ek_error *err) {
    ek_status status = prove(c->args, c->before, c->after, c->timed, &c->proof, err);
    if (status != EK_OK) return status;
    int idle = c->wanted && !any_done(c);
    int passed = !idle && (!c->strict || ek_proof_result_of(c->proof)->verdict == EK_VERDICT_PROVED);
    if (passed) {
        status = output_save(c->args, c->after, err);
        if (status != EK_OK) return status;
    }
    if (option_flag(c->args, "json"))
        put_json(c, passed);
    else
        put_text(c);
    if (passed) return EK_OK;
    return idle ? nothing_done(c, err) : prove_refuse(c->proof, c->did, err);
}

int change_end(change *c, ek_status status, const ek_error *err) {
    ek_proof_destroy(c->proof);
    ek_edit_report_destroy(c->report);
    ek_model_destroy(c->after);
    ek_model_destroy(c->before);
    /* After a failed check the result stands on standard output already. */
    if (status == EK_ERR_CHECK && option_flag(c->args, "json")) tool_voice.json = 0;
    return status == EK_OK ? EXIT_DONE : report(err);
}
