/* compare.c: two models on the same inputs; the worst relative difference of their outputs.
 *
 * Extents that a file leaves open are tried in turn, because a model may accept only some; so are ranges of random
 * numbers, because some models take logarithms.
 */
#include "surgery/compare.h"
#include "base/options.h"

#include <stdlib.h>

ek_compare_options ek_compare_options_default(void) {
    return (ek_compare_options){.struct_size = sizeof(ek_compare_options), .seed = 1, .runs = 3, .batch = 2};
}

static ek_status blamed(eki_pair *p, eki_blame who, ek_status status) {
    if (status != EK_OK) p->blame = who;
    return status;
}

static ek_status open_sessions(eki_pair *p) {
    ek_session_options o = ek_session_options_default();
    o.mode = EK_MODE_FILE;
    o.threads = p->options.threads;
    o.outputs = p->outputs;
    o.output_count = p->n_outputs;
    EKI_TRY(blamed(p, EKI_BLAME_FIRST, ek_session_create(p->models[0], &o, &p->sessions[0], p->err)));
    return blamed(p, EKI_BLAME_SECOND, ek_session_create(p->models[1], &o, &p->sessions[1], p->err));
}

static ek_status run_once(eki_pair *p, int run) {
    static const eki_blame who[2] = {EKI_BLAME_FIRST, EKI_BLAME_SECOND};
    EKI_TRY(eki_pair_inputs(p, run));
    for (int m = 0; m < 2; m++) {
        EKI_TRY(blamed(p, who[m], ek_session_run(p->sessions[m], p->inputs, p->n_inputs, p->err)));
    }
    for (size_t i = 0; i < p->n_outputs; i++) EKI_TRY(eki_pair_compare(p, i, run));
    p->result->runs++;
    return EK_OK;
}

/* The first run finds extents and a range that work. */
static ek_status find_inputs(eki_pair *p) {
    const int64_t sizes[] = {p->options.size > 0 ? p->options.size : 64, 224, 32};
    int n_sizes = p->options.size > 0 ? 1 : 3, at = 0;
    for (;;) {
        p->blame = EKI_BLAME_NOBODY;
        p->size = sizes[at];
        ek_comparison before = *p->result;
        ek_status status = run_once(p, 0);
        eki_pair_free_inputs(p);
        bool first = p->blame == EKI_BLAME_FIRST;
        if (first && status == EK_ERR_SHAPE && at + 1 < n_sizes) {
            at++;
        } else if (first && status == EK_ERR_NONFINITE && p->range + 1 < EKI_RANGES) {
            p->range = (eki_range)(p->range + 1);
        } else {
            return status;
        }
        *p->result = before;
    }
}

static ek_status run_all(eki_pair *p) {
    EKI_TRY(eki_pair_outputs(p));
    EKI_TRY(open_sessions(p));
    EKI_TRY(find_inputs(p));
    for (int run = 1; run < p->options.runs && p->random; run++) {
        ek_status status = run_once(p, run);
        eki_pair_free_inputs(p);
        EKI_TRY(status);
    }
    return p->options.timed > 0 ? eki_pair_time(p) : EK_OK;
}

ek_status eki_compare_check(const ek_compare_options *o, ek_error *err) {
    if (o->runs < 1 || o->batch < 1 || o->timed < 0 || o->timed > 100000) {
        return eki_fail(err, EK_ERR_ARG, "runs = %d and batch = %lld must be at least 1, timed = %d from 0 to 100000",
                        o->runs, (long long)o->batch, o->timed);
    }
    return EK_OK;
}

ek_status eki_compare(ek_model *a, ek_model *b, const ek_compare_options *options, ek_comparison *result,
                      eki_blame *blame, ek_error *err) {
    eki_pair *p = eki_calloc(1, sizeof *p);
    if (p == NULL) return eki_fail_nomem(err, sizeof *p);
    *p = (eki_pair){.models = {a, b}, .options = *options, .result = result, .err = err};
    *result = (ek_comparison){0};
    ek_status status = run_all(p);
    if (blame != NULL) *blame = p->blame;
    eki_pair_free_inputs(p);
    ek_session_destroy(p->sessions[0]);
    ek_session_destroy(p->sessions[1]);
    free(p->outputs);
    free(p);
    return status;
}

ek_status ek_compare(ek_model *a, ek_model *b, const ek_compare_options *options, ek_comparison *result,
                     ek_error *err) {
    EKI_GIVEN(a, err);
    EKI_GIVEN(b, err);
    EKI_GIVEN(result, err);
    ek_compare_options o = ek_compare_options_default();
    EKI_TRY(eki_options_take(&o, sizeof o, options, "ek_compare_options", err));
    *result = (ek_comparison){0};
    EKI_TRY(eki_compare_check(&o, err));
    return eki_compare(a, b, &o, result, NULL, err);
}
