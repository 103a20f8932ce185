/* doctor_evidence.c: what norms kept beside what their inputs have over the data, channel by channel. */
#include "doctor/doctor.h"

#include <math.h>
#include <stdlib.h>

double eki_off_mean(const eki_seen *s, double mean) {
    return fabs(s->old_mean - mean) / sqrt(fmax(s->variance, fmax(s->old_variance, 0)) + s->epsilon);
}

double eki_off_variance(const eki_seen *s, double variance) {
    return fabs(log((fmax(s->old_variance, 0) + s->epsilon) / (fmax(variance, 0) + s->epsilon)));
}

double eki_distance(const eki_seen *seen, size_t count, double w) {
    double sum = 0, weights = 0;
    for (size_t i = 0; i < count; i++) {
        const eki_seen *s = &seen[i];
        sum += s->weight * (eki_off_mean(s, (1 - w) * s->mean) + eki_off_variance(s, w + (1 - w) * s->variance));
        weights += s->weight;
    }
    return weights > 0 ? sum / weights : 0;
}

static void take_norm(eki_evidence *e, const eki_recal_norm *norm) {
    for (int64_t c = 0; c < norm->row->channels; c++) {
        const eki_moment *m = &norm->moments[c];
        e->seen[e->count++] = (eki_seen){.old_mean = (double)norm->old[c],
                                         .old_variance = (double)norm->old[norm->row->channels + c],
                                         .mean = m->mean,
                                         .variance = m->m2 / m->count,
                                         .between = fmax(m->m2 - m->within, 0) / m->count,
                                         .epsilon = norm->ref->info.epsilon,
                                         .weight = 1 / (double)norm->row->channels};
    }
}

static ek_status take(eki_evidence *e, const ek_recalibration *report, ek_error *err) {
    size_t channels = 0;
    for (size_t i = 0; i < report->count; i++)
        channels += report->rows[i].updated ? (size_t)report->rows[i].channels : 0;
    e->seen = eki_calloc(channels + 1, sizeof *e->seen);
    e->first = eki_calloc(report->count + 1, sizeof *e->first);
    if (e->seen == NULL || e->first == NULL) return eki_fail_nomem(err, channels * sizeof *e->seen);
    for (int later = 0; later < 2; later++) {
        for (size_t i = 0; i < report->count; i++) {
            if (!report->rows[i].updated || (report->norms[i].level > 0) != later) continue;
            e->first[i] = e->count;
            take_norm(e, &report->norms[i]);
        }
        if (later == 0) e->first_level = e->count;
    }
    return EK_OK;
}

ek_status eki_evidence_take(const eki_case *c, eki_measure measure, eki_evidence *evidence, ek_recalibration **report,
                            ek_model **view, ek_error *err) {
    ek_recalibrate_options o = ek_recalibrate_options_default();
    ek_recalibration *made = NULL;
    ek_model *model = NULL;
    *evidence = (eki_evidence){0};
    o.one_pass = measure.batch > 0;
    o.batch = measure.batch > 0 ? measure.batch : c->options.batch;
    o.threads = c->options.threads;
    o.progress = c->options.progress;
    o.context = c->options.context;
    ek_status status = eki_doctor_view(c->model, &model, err);
    if (status == EK_OK)
        status = eki_recalibrate_on(model, c->dataset, &o, &measure.how, measure.first_only, &made, err);
    if (status == EK_OK) status = take(evidence, made, err);
    if (status != EK_OK || report == NULL) {
        ek_recalibration_destroy(made);
        made = NULL;
    }
    if (status != EK_OK || view == NULL) {
        ek_model_destroy(model);
        model = NULL;
    }
    if (report != NULL) *report = made;
    if (view != NULL) *view = model;
    return status;
}

void eki_evidence_free(eki_evidence *evidence) {
    free(evidence->seen);
    free(evidence->first);
}

ek_status eki_doctor_view(const ek_model *model, ek_model **view, ek_error *err) {
    eki_graph *graph;
    EKI_TRY(eki_graph_view(model->document, &graph, err));
    EKI_TRY(eki_model_wrap(graph, view, err));
    if ((*view)->n_norms == 0) return EK_OK;
    return ek_model_freeze(*view, "*", 0, 0, NULL, err);
}
