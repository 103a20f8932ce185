/* prove.c: the options of a proof, and how its result is shown. */
#include "prove.h"
#include "message.h"
#include "print.h"

#include <evenkeel/data.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMED = 64 };

/* What --input-shape and --check-input name. */
typedef struct named {
    ek_check_shape shapes[MAX_NAMED];
    ek_check_input inputs[MAX_NAMED];
    ek_npy arrays[MAX_NAMED];
    char *names[2 * MAX_NAMED];
    int n_names;
} named;

/* The text before the last '=', which names have no use for; the rest is put into *rest. */
static ek_status split(named *n, const char *name, const char *text, const char *wanted, const char **rest,
                       ek_error *err) {
    const char *equals = strrchr(text, '=');
    if (equals == NULL || equals == text || equals[1] == 0)
        return fail(err, EK_ERR_ARG, "--%s: '%s' is not %s", name, text, wanted);
    char *copy = strndup(text, (size_t)(equals - text));
    if (copy == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    n->names[n->n_names++] = copy;
    *rest = equals + 1;
    return EK_OK;
}

static ek_status read_shape(named *n, const char *text, ek_check_shape *shape, ek_error *err) {
    static const char wanted[] = "NAME=1x3x224x224";
    const char *rest = NULL;
    ek_status status = split(n, "input-shape", text, wanted, &rest, err);
    if (status != EK_OK) return status;
    shape->name = n->names[n->n_names - 1];
    for (const char *s = rest;;) {
        char *end;
        long long extent = strtoll(s, &end, 10);
        if (end == s || extent < 1 || extent > (1LL << 40) || (*end != 0 && *end != 'x') || shape->rank == EK_MAX_RANK)
            return fail(err, EK_ERR_ARG, "--input-shape: '%s' is not %s: extents of at least 1, at most %d of them",
                        text, wanted, EK_MAX_RANK);
        shape->dims[shape->rank++] = extent;
        if (*end == 0) return EK_OK;
        s = end + 1;
    }
}

static ek_status read_input(named *n, const char *text, ek_npy *npy, ek_check_input *input, ek_error *err) {
    const char *file = NULL;
    ek_status status = split(n, "check-input", text, "NAME=X.npy", &file, err);
    if (status == EK_OK) status = ek_npy_read(file, npy, err);
    if (status != EK_OK) return status;
    if (npy->rank > EK_MAX_RANK)
        return fail(err, EK_ERR_SHAPE, "%s has rank %d; the limit is %d", file, npy->rank, EK_MAX_RANK);
    input->name = n->names[n->n_names - 1];
    input->array = (ek_array){.dtype = npy->dtype, .rank = npy->rank, .data = npy->data};
    memcpy(input->array.dims, npy->dims, (size_t)npy->rank * sizeof *npy->dims);
    return EK_OK;
}

static ek_status read_named(const arguments *args, named *n, ek_compare_options *o, ek_error *err) {
    const option_value *shapes = option_get(args, "input-shape"), *inputs = option_get(args, "check-input");
    ek_status status = EK_OK;
    if (shapes->count > MAX_NAMED || inputs->count > MAX_NAMED)
        return fail(err, EK_ERR_LIMIT, "more than %d of --input-shape or --check-input", MAX_NAMED);
    for (int i = 0; i < shapes->count && status == EK_OK; i++)
        status = read_shape(n, shapes->texts[i], &n->shapes[i], err);
    for (int i = 0; i < inputs->count && status == EK_OK; i++)
        status = read_input(n, inputs->texts[i], &n->arrays[i], &n->inputs[i], err);
    o->shapes = n->shapes;
    o->shape_count = (size_t)shapes->count;
    o->inputs = n->inputs;
    o->input_count = (size_t)inputs->count;
    return status;
}

ek_status prove(const arguments *args, ek_model *before, ek_model *after, int timed, ek_proof **proof, ek_error *err) {
    ek_proof_options options = ek_proof_options_default();
    named *n = calloc(1, sizeof *n);
    if (n == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    options.compare.seed = (uint64_t)option_int(args, "seed");
    options.compare.runs = (int)option_int(args, "runs");
    options.compare.size = option_int(args, "input-size");
    options.compare.threads = (int)option_int(args, "threads");
    options.compare.timed = timed;
    if (option_given(args, "tolerance")) options.tolerance = option_real(args, "tolerance");
    ek_status status = read_named(args, n, &options.compare, err);
    if (status == EK_OK) status = ek_prove(before, after, &options, proof, err);
    for (int i = 0; i < MAX_NAMED; i++) ek_npy_free(&n->arrays[i]);
    for (int i = 0; i < n->n_names; i++) free(n->names[i]);
    free(n);
    return status;
}

/* The region that differs most, beside its tolerance, among those that ran; NULL = none did. */
static const ek_proof_region *worst_region(const ek_proof *proof) {
    const ek_proof_region *worst = NULL;
    for (size_t i = 0; i < ek_proof_region_count(proof); i++) {
        const ek_proof_region *region = ek_proof_region_get(proof, i);
        if (region->proved && (worst == NULL || region->difference > worst->difference)) worst = region;
    }
    return worst;
}

static void regions_text(const ek_proof *proof) {
    const ek_proof_result *r = ek_proof_result_of(proof);
    const ek_proof_region *worst = worst_region(proof);
    const char *verb = r->verdict == EK_VERDICT_PROVED ? "proved" : "compared";
    if (r->regions == 0)
        print("proved    no node differs");
    else if (r->proved == r->regions)
        print("%-9s on %zu region%s", verb, r->regions, r->regions == 1 ? "" : "s");
    else
        print("%-9s on %zu of %zu regions", verb, r->proved, r->regions);
    if (worst != NULL) print(" (relative difference at most %.3g, value %s)", worst->difference, worst->output);
    if (r->whole)
        print(", and the whole model\n");
    else
        print("; the whole model was not run: %s\n", r->why);
}

void prove_text(const arguments *args, const ek_proof *proof) {
    const ek_proof_result *r = ek_proof_result_of(proof);
    regions_text(proof);
    for (size_t i = 0; i < ek_proof_region_count(proof); i++) {
        const ek_proof_region *region = ek_proof_region_get(proof, i);
        if (region->text[0] != 0) print("          at %s: %s\n", region->output, region->text);
    }
    if (r->whole && !isfinite(r->comparison.worst))
        print("checked   the whole model: %s\n", r->why);
    else if (r->whole)
        print("checked   relative difference %.3g on %d %sinputs (output %s)\n", r->comparison.worst,
              r->comparison.runs, option_given(args, "check-input") ? "" : "random ", r->comparison.output);
}

void prove_json(const ek_proof *proof, eki_json *json) {
    const ek_proof_result *r = ek_proof_result_of(proof);
    eki_json_object(json, "proof");
    eki_json_array(json, "regions");
    for (size_t i = 0; i < ek_proof_region_count(proof); i++) {
        const ek_proof_region *region = ek_proof_region_get(proof, i);
        eki_json_object(json, NULL);
        eki_json_text(json, "output", region->output);
        eki_json_int(json, "nodes_before", (int64_t)region->nodes_before);
        eki_json_int(json, "nodes_after", (int64_t)region->nodes_after);
        eki_json_bool(json, "run", region->proved);
        if (region->proved) eki_json_real(json, "difference", region->difference);
        eki_json_real(json, "tolerance", region->tolerance);
        if (region->text[0] != 0) eki_json_text(json, "reason", region->text);
        eki_json_close(json);
    }
    eki_json_close(json);
    eki_json_bool(json, "whole", r->whole);
    if (r->whole) eki_json_real(json, "whole_difference", r->comparison.worst);
    if (r->why[0] != 0) eki_json_text(json, "whole_reason", r->why);
    eki_json_close(json);
    eki_json_real(json, "difference", r->worst);
    eki_json_text(json, "difference_at", r->output);
    eki_json_int(json, "runs", r->comparison.runs);
    eki_json_real(json, "tolerance", r->tolerance);
}

ek_status prove_refuse(const ek_proof *proof, const char *did, ek_error *err) {
    const ek_proof_result *r = ek_proof_result_of(proof);
    for (size_t i = 0; i < ek_proof_region_count(proof); i++) {
        const ek_proof_region *region = ek_proof_region_get(proof, i);
        if (r->verdict != EK_VERDICT_OPEN || region->proved) continue;
        return fail(err, EK_ERR_CHECK, "the change at '%s' could not be proved: %s; nothing was written",
                    region->output, region->text);
    }
    if (!isfinite(r->worst))
        return fail(err, EK_ERR_CHECK, "the %s model goes wrong at '%s': %s; nothing was written", did, r->output,
                    r->why[0] != 0 ? r->why : "its numbers are not finite, or its shape is another");
    return fail(err, EK_ERR_CHECK,
                "the %s model differs by %.3g (relative, output %s), more than the tolerance %g; nothing was written",
                did, r->worst, r->output, r->tolerance);
}
