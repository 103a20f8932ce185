/* metrics.h: what predictions are worth: per class, over classes, and of numbers.
 *
 *     ek_metrics *metrics;
 *     ek_status s = ek_metrics_create(classes, &metrics, &err);
 *     if (s == EK_OK) s = ek_metrics_add(metrics, labels, predicted, count, &err); // as often as there are batches
 *     if (s == EK_OK) printf("macro F1 %.3f\n", ek_metrics_read(metrics).f1);
 *     ek_metrics_destroy(metrics);
 *
 * Examples may be images, pixels or tokens; ek_measurement has all of it for the losses of ek_train_options. Of a class
 * with n examples, p predictions and r of both: precision r/p, recall r/n, F1 2r/(n+p), intersection over union
 * r/(n+p-r); NaN where the divisor is 0. Means over classes are of those that have examples, a precision without
 * predictions counting as 0 (as scikit-learn's macro averages).
 */
#ifndef EVENKEEL_METRICS_H
#define EVENKEEL_METRICS_H

#include <evenkeel/train.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ek_metrics ek_metrics;

typedef struct ek_class_metrics {
    int64_t examples, predicted, right;
    double precision, recall, f1, iou;
} ek_class_metrics;

typedef struct ek_metrics_summary {
    int64_t examples, right, classes;
    double accuracy;                   /* right / examples; NaN without examples */
    double precision, recall, f1, iou; /* means over the classes that have examples */
} ek_metrics_summary;

/* The largest number of classes for which it is counted which is taken for which. */
enum { EK_CONFUSION_CLASSES = 1024 };

/* Nothing counted yet. EK_ERR_ARG: classes < 1 or above 2^24. */
EK_API EK_NODISCARD ek_status ek_metrics_create(int64_t classes, ek_metrics **metrics, ek_error *err);
EK_API void ek_metrics_destroy(ek_metrics *metrics);
/* Counts examples: what they are and what they were taken for. EK_ERR_ARG names the first that is no class; then
 * nothing is counted. */
EK_API EK_NODISCARD ek_status ek_metrics_add(ek_metrics *metrics, const int32_t *labels, const int32_t *predicted,
                                             size_t count, ek_error *err);
/* The same of judgements (ek_eval_options.judgements). */
EK_API EK_NODISCARD ek_status ek_metrics_judge(ek_metrics *metrics, const ek_judgement *judgements, size_t count,
                                               ek_error *err);
EK_API ek_metrics_summary ek_metrics_read(const ek_metrics *metrics);
EK_API ek_class_metrics ek_metrics_class(const ek_metrics *metrics, int64_t index);
/* Examples of class `label` that were taken for `predicted`; -1 = not counted, above EK_CONFUSION_CLASSES classes. */
EK_API int64_t ek_metrics_confusion(const ek_metrics *metrics, int64_t label, int64_t predicted);

/* The share of examples whose label is among the k largest logits; NaN without examples. */
EK_API double ek_metrics_top(const ek_judgement *judgements, size_t count, int64_t k);

/* Of numbers: mean |p - t|, sqrt(mean (p - t)^2), and 1 - sum (p - t)^2 / sum (t - mean t)^2, which is NaN where all
 * targets are equal. In f64, two passes. */
typedef struct ek_regression {
    double mae, rmse, r2;
} ek_regression;
EK_API EK_NODISCARD ek_status ek_regression_measure(const float *predicted, const float *target, size_t count,
                                                    ek_regression *result, ek_error *err);

/* ---- What a model is worth by its losses ---- */

/* How the output of a loss is measured. */
typedef enum ek_measure {
    EK_MEASURE_NONE = 0,    /* by the loss alone: one from a file */
    EK_MEASURE_CLASSES = 1, /* cross-entropy of one class an example */
    EK_MEASURE_PLACES = 2,  /* cross-entropy of a class for each pixel or token; those of class -100 do not count */
    EK_MEASURE_LABELS = 3,  /* bce: labels, along axis 1, that are there or not (target above 0.5), and are predicted
                               where their probability is above 0.5 */
    EK_MEASURE_NUMBERS = 4  /* mse, mae, huber */
} ek_measure;

/* What ek_evaluate finds with terms (ek_eval_options.measurement). Its size depends on the number of classes alone. */
typedef struct ek_measurement ek_measurement;

typedef struct ek_measured {
    ek_measure kind;
    const char *output; /* the model's output, or the path of the file; until the next evaluation */
    /* Classes; of LABELS each label as one: its examples have it, accuracy is the share of all that are right, and
     * there is no confusion. NULL where there are none. */
    const ek_metrics *classes;
    ek_regression numbers; /* NUMBERS, over all of them together */
    int64_t count;         /* of examples, places, labels or numbers */
} ek_measured;

EK_API EK_NODISCARD ek_status ek_measurement_create(ek_measurement **measurement, ek_error *err);
EK_API void ek_measurement_destroy(ek_measurement *measurement);
/* Terms of the last evaluation; 0 before it. */
EK_API size_t ek_measurement_count(const ek_measurement *measurement);
EK_API ek_measured ek_measurement_read(const ek_measurement *measurement, size_t term);

#ifdef __cplusplus
}
#endif
#endif
