/* nested_files.c: the public calls on files with nested graphs and functions.
 *
 *     nested_files prove BEFORE AFTER    "same" or "differs", by the proofs of regions alone; "open" where one did not
 * run nested_files all FILE...           everything that can be asked of a file; any status will do, a crash will not
 */
#include <evenkeel/session.h>
#include <evenkeel/surgery.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int prove(const char *before, const char *after) {
    ek_model *a = NULL, *b = NULL;
    ek_proof *proof = NULL;
    ek_error err = {.text = ""};
    ek_status status = ek_model_load(before, &a, &err);
    if (status == EK_OK) status = ek_model_load(after, &b, &err);
    if (status == EK_OK) status = ek_prove(a, b, NULL, &proof, &err);
    const char *verdict = "open";
    for (size_t i = 0; i < ek_proof_region_count(proof); i++) {
        const ek_proof_region *region = ek_proof_region_get(proof, i);
        bool close = region->proved && region->difference <= region->tolerance;
        if (i == 0) verdict = "same";
        if (region->proved && !close) verdict = "differs";
        if (!region->proved && strcmp(verdict, "same") == 0) verdict = "open";
    }
    printf("%s %s\n", verdict, err.text);
    ek_proof_destroy(proof);
    ek_model_destroy(a);
    ek_model_destroy(b);
    return status == EK_OK ? 0 : 1;
}

static void prove_and_drop(ek_model *model, ek_model *changed, ek_edit_report *report) {
    ek_proof *proof = NULL;
    if (changed != NULL) (void)!ek_prove(model, changed, NULL, &proof, NULL);
    ek_proof_destroy(proof);
    ek_edit_report_destroy(report);
    ek_model_destroy(changed);
}

static void convert(ek_model *model, const ek_convert_options *options) {
    ek_model *changed = NULL;
    ek_edit_report *report = NULL;
    (void)!ek_convert(model, options, &changed, &report, NULL, NULL);
    prove_and_drop(model, changed, report);
}

static void change(ek_model *model) {
    ek_model *changed = NULL;
    ek_edit_report *report = NULL;
    (void)!ek_fold(model, &changed, &report, NULL);
    prove_and_drop(model, changed, report);
    ek_unfold_options unfold = ek_unfold_options_default();
    changed = NULL;
    report = NULL;
    (void)!ek_unfold(model, &unfold, &changed, &report, NULL);
    prove_and_drop(model, changed, report);
    ek_convert_options o = ek_convert_options_default();
    o.norm = EK_TO_FROZEN;
    convert(model, &o);
    o.norm = EK_TO_GROUP;
    convert(model, &o);
    o = ek_convert_options_default();
    o.untie = o.fuse = 1;
    convert(model, &o);
    o.fuse = 0;
    o.spell_out = o.inference = 1;
    convert(model, &o);
}

static void run(ek_model *model) {
    static float data[8 * 8];
    ek_array input = {.data = data, .dtype = EK_F32, .rank = 4, .dims = {1, 1, 8, 8}};
    ek_session *session = NULL;
    if (ek_session_create(model, NULL, &session, NULL) == EK_OK) (void)!ek_session_run(session, &input, 1, NULL);
    ek_session_destroy(session);
}

static void everything(const char *path) {
    ek_model *model = NULL;
    ek_inspection *seen = NULL;
    ek_error err = {.text = ""};
    if (ek_model_load(path, &model, &err) != EK_OK) {
        printf("%s\n", err.text);
        return;
    }
    (void)!ek_inspect(model, &seen, NULL);
    ek_inspection_destroy(seen);
    run(model);
    change(model);
    ek_model_destroy(model);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "prove") == 0) return prove(argv[2], argv[3]);
    for (int i = 2; i < argc; i++) everything(argv[i]);
    return argc > 2 && strcmp(argv[1], "all") == 0 ? 0 : 2;
}
