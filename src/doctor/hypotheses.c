/* hypotheses.c: running averages that hold their initial values, or come from small batches. */
#include "doctor/doctor.h"

#include <math.h>

/* Candidates lie 7 % of w or of 1 - w apart, which is less than one update at any usual momentum. */
double eki_fit_initial(const eki_seen *seen, size_t count, double *distance) {
    double best = 0;
    *distance = eki_distance(seen, count, 0);
    for (double w = 1e-3; w < 0.9995; w = w < 0.5 ? w * 1.07 : 1 - (1 - w) / 1.07) {
        double d = eki_distance(seen, count, w);
        if (!(d < *distance)) continue;
        *distance = d;
        best = w;
    }
    return best;
}

/* By how much kept variances are off those within batches: |mean ln ratio over the channels of a norm|, averaged over
 * norms. Unlike a distance it is not fed by what averages over few images scatter. */
static double bias_of(const eki_evidence *e, const ek_recalibration *report) {
    double sum = 0;
    int norms = 0;
    for (size_t i = 0; i < ek_recalibration_count(report); i++) {
        const ek_recalibrated *row = ek_recalibration_row(report, i);
        double bias = 0;
        if (!row->updated) continue;
        for (int64_t k = 0; k < row->channels; k++) {
            const eki_seen *s = &e->seen[e->first[i] + (size_t)k];
            double within = fmax(s->variance - s->between, 0);
            bias += s->weight * log((fmax(s->old_variance, 0) + s->epsilon) / (within + s->epsilon));
        }
        sum += fabs(bias);
        norms++;
    }
    return norms > 0 ? sum / norms : 0;
}

/* Norms are measured as in training, each behind norms that work with the statistics of such batches: deeper norms see
 * other inputs there than in inference. */
ek_status eki_fit_batch(const eki_case *c, eki_batch_fit *fit, ek_error *err) {
    static const int sizes[] = {64, 16, 8, 4, 2, 1};
    *fit = (eki_batch_fit){0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        eki_evidence e;
        ek_recalibration *report = NULL;
        eki_measure m = {.how = {.limit = 512, .shuffle = true}, .batch = sizes[i]};
        ek_status status = eki_evidence_take(c, m, &e, &report, NULL, err);
        double bias = status == EK_OK ? bias_of(&e, report) : 0;
        eki_evidence_free(&e);
        ek_recalibration_destroy(report);
        if (status != EK_OK) return status;
        if (i == 0) fit->bias_large = bias;
        if (i > 0 && !(bias < fit->bias)) continue;
        fit->bias = bias;
        fit->batch = sizes[i];
    }
    return EK_OK;
}
