/* diagnose.c: takes the measurements and hands them to the verdict. */
#include "base/options.h"
#include "doctor/doctor.h"
#include "surgery/inspect.h"

#include <math.h>
#include <stdlib.h>

ek_diagnose_options ek_diagnose_options_default(void) {
    return (ek_diagnose_options){.struct_size = sizeof(ek_diagnose_options), .batch = 64, .labelled = 1};
}

static void begin(const eki_case *c, const char *what) {
    if (c->options.stage != NULL) c->options.stage(c->options.context, what);
}

static ek_status evaluate(const eki_case *c, ek_model *model, const char *what, int batch_statistics, float *logits,
                          ek_eval_result *result, ek_error *err) {
    ek_eval_options o = ek_eval_options_default();
    o.batch = c->options.batch;
    o.threads = c->options.threads;
    o.batch_statistics = batch_statistics;
    o.logits = logits;
    o.progress = c->options.progress;
    o.context = c->options.context;
    begin(c, what);
    return ek_evaluate(model, c->dataset, &o, result, err);
}

/* Entropy of softmax(logits), and the variance of the loss if labels came from it. */
static void predictions(const float *logits, int64_t classes, double *entropy, double *variance) {
    double most = -HUGE_VAL, sum = 0, first = 0, second = 0;
    for (int64_t i = 0; i < classes; i++) most = fmax(most, (double)logits[i]);
    for (int64_t i = 0; i < classes; i++) sum += exp((double)logits[i] - most);
    for (int64_t i = 0; i < classes; i++) {
        double loss = most + log(sum) - (double)logits[i], p = exp(-loss);
        if (!(p > 0)) continue;
        first += p * loss;
        second += p * loss * loss;
    }
    *entropy = first;
    *variance = fmax(second - first * first, 0);
}

/* Accuracy with the statistics of the data, and how sure the network is of what it says. */
static ek_status evaluate_fitted(eki_case *c, ek_model *view, ek_error *err) {
    int64_t images = c->out->images, classes = c->out->batch.classes;
    size_t bytes;
    double variance = 0;
    if (!eki_mul_size((size_t)images, (size_t)classes * sizeof(float), &bytes))
        return eki_fail(err, EK_ERR_LIMIT, "the logits of %lld images do not fit into memory", (long long)images);
    float *logits = eki_alloc(eki_sized(bytes + 1));
    if (logits == NULL) return eki_fail_nomem(err, bytes);
    ek_status status = evaluate(c, view, "statistics of the data", 0, logits, &c->out->recalibrated, err);
    for (int64_t i = 0; status == EK_OK && i < images; i++) {
        double entropy, spread;
        predictions(logits + i * classes, classes, &entropy, &spread);
        c->entropy += entropy / (double)images;
        variance += spread;
    }
    c->entropy_room = 2 * sqrt(variance) / (double)images;
    free(logits);
    return status;
}

static double error_of(const ek_eval_result *r) {
    double p = ((double)r->correct + 1) / ((double)r->images + 2);
    return p * (1 - p) / (double)r->images;
}

/* Whether a norm is off: by its channels' average. */
static int is_off(const eki_evidence *e, size_t first, int64_t channels) {
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < channels; i++) {
        const eki_seen *s = &e->seen[first + (size_t)i];
        mean += eki_off_mean(s, s->mean) * s->weight;
        variance += eki_off_variance(s, s->variance) * s->weight;
    }
    return !(mean <= 0.25 && variance <= log(1.5));
}

static ek_status mark(eki_case *c, ek_error *err) {
    size_t n = ek_recalibration_count(c->out->norms);
    c->out->off = eki_calloc(n + 1, 1);
    if (c->out->off == NULL) return eki_fail_nomem(err, n);
    for (size_t i = 0; i < n; i++) {
        const ek_recalibrated *row = ek_recalibration_row(c->out->norms, i);
        if (row->updated) c->out->off[i] = (unsigned char)is_off(&c->evidence, c->evidence.first[i], row->channels);
    }
    c->out->distance = eki_distance(c->evidence.seen, c->evidence.count, 0);
    return EK_OK;
}

/* Whether statistics are such that no inference is possible. */
static bool is_damaged(const ek_model *model) {
    for (size_t i = 0; i < ek_model_norm_count(model); i++) {
        ek_model_norm norm = ek_model_norm_get(model, i);
        const eki_tensor *tensors[2] = {eki_norm_parameter(model, norm.mean), eki_norm_parameter(model, norm.variance)};
        for (int k = 0; k < 2 && norm.kind == EK_NORM_BATCH; k++) {
            for (int64_t n = tensors[k] != NULL ? eki_count(tensors[k]) : 0; n > 0; n--) {
                double value = eki_at(tensors[k], n - 1);
                if (!isfinite(value) || (k == 1 && value < 0)) return true;
            }
        }
    }
    return false;
}

static ek_status measure(eki_case *c, ek_error *err) {
    ek_diagnosis *d = c->out;
    ek_model *view = NULL;
    ek_status status = EK_OK;
    d->images = ek_dataset_describe(c->dataset).count;
    d->labelled = c->options.labelled != 0;
    if (d->labelled) {
        status = eki_doctor_view(c->model, &view, err);
        if (status == EK_OK && is_damaged(c->model))
            d->running.accuracy = d->running.loss = NAN;
        else if (status == EK_OK)
            status = evaluate(c, view, "running statistics", 0, NULL, &d->running, err);
        if (status == EK_OK) status = evaluate(c, view, "batch statistics", 1, NULL, &d->batch, err);
        ek_model_destroy(view);
        view = NULL;
    }
    if (status != EK_OK) return status;
    begin(c, "measuring");
    EKI_TRY(eki_evidence_take(c, (eki_measure){0}, &c->evidence, &d->norms, &view, err));
    if (d->labelled) status = evaluate_fitted(c, view, err);
    ek_model_destroy(view);
    if (status != EK_OK) return status;
    if (d->labelled && d->running.images > 0) d->noise = 2 * sqrt(error_of(&d->running) + error_of(&d->recalibrated));
    EKI_TRY(mark(c, err));
    return eki_input_measure(c, err);
}

ek_status ek_diagnose(const ek_model *model, const ek_dataset *dataset, const ek_diagnose_options *options,
                      ek_diagnosis *diagnosis, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(dataset, err);
    EKI_GIVEN(diagnosis, err);
    eki_case c = {.model = model, .dataset = dataset, .options = ek_diagnose_options_default(), .out = diagnosis};
    *diagnosis = (ek_diagnosis){.code = "none", .cause = "", .remedy = "", .gain = 1};
    EKI_TRY(eki_options_take(&c.options, sizeof c.options, options, "ek_diagnose_options", err));
    if (c.options.batch < 1)
        return eki_fail(err, EK_ERR_ARG, "batch = %lld must be at least 1", (long long)c.options.batch);
    ek_status status = measure(&c, err);
    if (status == EK_OK) {
        begin(&c, "looking for the cause");
        status = eki_judge(&c, err);
    }
    eki_evidence_free(&c.evidence);
    if (status != EK_OK) ek_diagnosis_free(diagnosis);
    return status;
}

void ek_diagnosis_free(ek_diagnosis *diagnosis) {
    if (diagnosis == NULL) return;
    ek_recalibration_destroy(diagnosis->norms);
    free(diagnosis->off);
    *diagnosis = (ek_diagnosis){.code = "none", .cause = "", .remedy = "", .gain = 1};
}
