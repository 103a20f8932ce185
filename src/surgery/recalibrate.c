/* recalibrate.c: the statistics of batch norms, measured over a data set exactly: no gradients, no labels, no average
 * of averages.
 *
 * In one pass the norms below work with the statistics of the batch instead, so that all can be measured at once.
 *
 * Each example's mean and squared deviations of a norm's input join the total in f64, in the order of the data, so that
 * the batch size changes nothing. Norms are taken level by level: what a norm sees comes from norms that are done.
 */
#include "surgery/recalibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct recal {
    ek_model *model;
    const eki_examples *examples;
    int64_t total;     /* of them */
    eki_inputs inputs; /* the batch at hand */
    ek_recalibrate_options options;
    ek_recalibration *report;
    ek_session *session;
    ek_model *view;       /* one pass: the model without dropout, run in training mode */
    const char **outputs; /* of the pass */
    size_t n_outputs;
    int pass, passes;
    bool first_only;
    ek_error *err;
} recal;

ek_recalibrate_options ek_recalibrate_options_default(void) {
    return (ek_recalibrate_options){.struct_size = sizeof(ek_recalibrate_options), .batch = 64, .use_metadata = 1};
}

/* The norms of this pass, and the values they read. */
static void choose_outputs(recal *r) {
    r->n_outputs = 0;
    for (size_t i = 0; i < r->report->count; i++) {
        eki_recal_norm *norm = &r->report->norms[i];
        if (norm->level != r->pass) continue;
        const eki_value *x = norm->ref->node->in[0];
        norm->output = -1;
        if (x->producer == NULL) continue;
        for (size_t k = 0; k < r->n_outputs; k++) {
            if (strcmp(r->outputs[k], x->name) == 0) norm->output = (int)k;
        }
        if (norm->output >= 0) continue;
        norm->output = (int)r->n_outputs;
        r->outputs[r->n_outputs++] = x->name;
    }
}

/* What a norm reads that no node makes. */
static ek_array input_named(const recal *r, const char *name) {
    for (size_t i = 0; i < r->inputs.count; i++)
        if (strcmp(ek_model_input(r->model, i).name, name) == 0) return r->inputs.arrays[i];
    return (ek_array){0};
}

static ek_status add_norm(recal *r, eki_recal_norm *norm, int64_t examples) {
    ek_array x = norm->output < 0 ? input_named(r, norm->ref->node->in[0]->name)
                                  : ek_session_output(r->session, (size_t)norm->output);
    int64_t channels = norm->row->channels, space = 1;
    for (int i = 2; i < x.rank; i++) space *= x.dims[i];
    if (x.dtype != EK_F32 || x.rank < 2 || x.dims[1] != channels || x.dims[0] < examples) {
        return eki_fail(r->err, EK_ERR_SHAPE,
                        "norm '%s': its input is not float32 with %lld channels and an example a row", norm->row->norm,
                        (long long)channels);
    }
    const float *data = x.data;
    for (int64_t c = 0; c < channels; c++) {
        eki_moment batch = {0}, *to = r->options.one_pass ? &batch : &norm->moments[c];
        for (int64_t n = 0; n < examples; n++) eki_moment_add(to, data + (n * channels + c) * space, space);
        if (r->options.one_pass) eki_moment_join(&norm->moments[c], &batch);
    }
    return EK_OK;
}

static ek_status run_batch(recal *r, int64_t examples) {
    if (r->n_outputs > 0) EKI_TRY(ek_session_run(r->session, r->inputs.arrays, r->inputs.count, r->err));
    for (size_t i = 0; i < r->report->count; i++) {
        if (r->report->norms[i].level == r->pass) EKI_TRY(add_norm(r, &r->report->norms[i], examples));
    }
    return EK_OK;
}

static ek_status run_pass(recal *r) {
    ek_session_options o = ek_session_options_default();
    int64_t examples, seen = 0, total = r->total;
    double kept = (double)r->options.old_images;
    eki_recal_mix mix = {.old = kept > 0 ? kept / (kept + (double)total) : r->options.blend, .populations = kept > 0};
    choose_outputs(r);
    o.threads = r->options.threads;
    o.outputs = r->outputs;
    o.output_count = r->n_outputs;
    ek_session_destroy(r->session);
    r->session = NULL;
    if (r->view != NULL) o.mode = EK_MODE_TRAINING;
    if (r->n_outputs > 0) EKI_TRY(ek_session_create(r->view ? r->view : r->model, &o, &r->session, r->err));
    EKI_TRY(r->examples->start(r->examples->context, &r->total, r->err));
    for (;;) {
        EKI_TRY(r->examples->next(r->examples->context, &r->inputs, &examples, r->err));
        if (examples == 0) break;
        EKI_TRY(run_batch(r, examples));
        seen += examples;
        if (r->options.progress == NULL) continue;
        if (r->options.progress(r->options.context, r->pass * total + seen, r->passes * total) != 0) {
            return eki_fail(r->err, EK_ERR_INTERRUPTED, "recalibration was stopped; the model is as it was");
        }
    }
    for (size_t i = 0; i < r->report->count; i++) {
        if (r->report->norms[i].level != r->pass) continue;
        EKI_TRY(eki_recal_write(&r->report->norms[i], mix, r->err));
    }
    return EK_OK;
}

/* What was measured is no average of batches. */
static ek_status forget_updates(recal *r) {
    for (size_t i = 0; i < r->report->count; i++) {
        const eki_recal_norm *norm = &r->report->norms[i];
        if (!norm->row->updated) continue;
        EKI_TRY(eki_model_set_updates(r->model, (size_t)(norm->ref - r->model->norms), 0, r->err));
    }
    return EK_OK;
}

static ek_status run_all(recal *r) {
    EKI_TRY(r->examples->start(r->examples->context, &r->total, r->err));
    EKI_TRY(eki_recal_list(r->model, r->options.one_pass != 0, r->report, r->err));
    r->outputs = eki_calloc(r->report->count + 1, sizeof *r->outputs);
    if (r->outputs == NULL) return eki_fail_nomem(r->err, r->report->count * sizeof *r->outputs);
    for (size_t i = 0; i < r->report->count; i++) {
        if (r->report->norms[i].level >= r->passes) r->passes = r->report->norms[i].level + 1;
    }
    if (r->first_only && r->passes > 1) r->passes = 1;
    if (r->options.one_pass) EKI_TRY(eki_model_without_dropout(r->model, &r->view, r->err));
    for (r->pass = 0; r->pass < r->passes; r->pass++) EKI_TRY(run_pass(r));
    return forget_updates(r);
}

ek_status eki_recalibrate(ek_model *model, const eki_examples *examples, const ek_recalibrate_options *options,
                          bool first_only, ek_recalibration **out, ek_error *err) {
    recal r = {.model = model, .examples = examples, .options = *options, .first_only = first_only, .err = err};
    *out = NULL;
    if (r.options.old_images < 0 || (r.options.old_images > 0 && r.options.blend > 0)) {
        return eki_fail(err, EK_ERR_ARG, "old_images = %lld must not be negative, and not come with a blend",
                        (long long)r.options.old_images);
    }
    if (r.options.batch < 1 || !(r.options.blend >= 0 && r.options.blend < 1)) {
        return eki_fail(err, EK_ERR_ARG, "batch = %lld must be at least 1, and blend = %g in [0, 1)",
                        (long long)r.options.batch, r.options.blend);
    }
    EKI_TRY(eki_model_untie(model, err));
    r.report = eki_calloc(1, sizeof *r.report);
    if (r.report == NULL) return eki_fail_nomem(err, sizeof *r.report);
    ek_status status = run_all(&r);
    ek_session_destroy(r.session);
    ek_model_destroy(r.view);
    free(r.outputs);
    if (status == EK_OK) {
        *out = r.report;
        return EK_OK;
    }
    eki_recal_restore(r.report);
    ek_recalibration_destroy(r.report);
    return status;
}

void ek_recalibration_destroy(ek_recalibration *report) {
    if (report == NULL) return;
    eki_arena_free(&report->arena);
    free(report->rows);
    free(report->norms);
    free(report);
}

size_t ek_recalibration_count(const ek_recalibration *report) { return report == NULL ? 0 : report->count; }
const ek_recalibrated *ek_recalibration_row(const ek_recalibration *report, size_t index) {
    if (report == NULL) return NULL;
    return index < report->count ? &report->rows[index] : NULL;
}
