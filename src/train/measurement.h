/* measurement.h: what the outputs of losses are worth, gathered batch by batch. */
#ifndef EKI_MEASUREMENT_H
#define EKI_MEASUREMENT_H

#include "train/objective.h"

#include <evenkeel/metrics.h>

/* ---- metrics.c ---- */
/* One example, whose classes are known to be some. */
void eki_metrics_count(ek_metrics *metrics, int64_t label, int64_t predicted);
/* Labels, each of which may be there or not, in place of classes. */
ek_status eki_metrics_labels(int64_t labels, ek_metrics **metrics, ek_error *err);
void eki_metrics_label(ek_metrics *metrics, int64_t label, bool there, bool predicted);

/* ---- measurement.c ---- */
/* Forgets what was there; a term for each of the objective's. */
ek_status eki_measurement_open(ek_measurement *measurement, const eki_objective *objective, ek_error *err);
/* What a batch has, after its forward; the scores are outputs (eki_objective_show). */
ek_status eki_measurement_add(ek_measurement *measurement, const eki_objective *objective, eki_exec *exec,
                              ek_error *err);

#endif
