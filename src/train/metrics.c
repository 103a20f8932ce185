/* metrics.c: counts of what was taken for what, and what follows from them. */
#include "train/measurement.h"

#include "base/memory.h"

#include <inttypes.h>
#include <math.h>

enum { MOST_CLASSES = 1 << 24 };

struct ek_metrics {
    int64_t classes, count, right;
    ek_class_metrics *of; /* only the counts */
    int64_t *confusion;   /* NULL = too many classes */
};

ek_status ek_metrics_create(int64_t classes, ek_metrics **out, ek_error *err) {
    EKI_GIVEN(out, err);
    *out = NULL;
    if (classes < 1 || classes > MOST_CLASSES)
        return eki_fail(err, EK_ERR_ARG, "classes = %" PRId64 ", expected 1 to %d", classes, MOST_CLASSES);
    size_t n = (size_t)classes, pairs = 0;
    bool counts_pairs = classes <= EK_CONFUSION_CLASSES && eki_mul_size(n, n, &pairs);
    ek_metrics *m = eki_alloc_zero(eki_sized(sizeof *m));
    if (m != NULL) m->of = eki_alloc_zero(eki_size_of(n, sizeof *m->of));
    if (m != NULL && counts_pairs) m->confusion = eki_alloc_zero(eki_size_of(pairs, sizeof *m->confusion));
    if (m == NULL || m->of == NULL || (counts_pairs && m->confusion == NULL)) {
        ek_metrics_destroy(m);
        return eki_fail_nomem(err, pairs * sizeof(int64_t));
    }
    m->classes = classes;
    *out = m;
    return EK_OK;
}

void ek_metrics_destroy(ek_metrics *m) {
    if (m == NULL) return;
    eki_free(m->of);
    eki_free(m->confusion);
    eki_free(m);
}

static ek_status check_class(const ek_metrics *m, const char *what, int32_t value, size_t at, ek_error *err) {
    if (value >= 0 && value < m->classes) return EK_OK;
    return eki_fail(err, EK_ERR_ARG, "%s of example %zu is %" PRId32 ", expected 0 to %" PRId64, what, at, value,
                    m->classes - 1);
}

ek_status eki_metrics_labels(int64_t labels, ek_metrics **out, ek_error *err) {
    EKI_TRY(ek_metrics_create(labels, out, err));
    eki_free((*out)->confusion);
    (*out)->confusion = NULL;
    return EK_OK;
}

void eki_metrics_label(ek_metrics *m, int64_t label, bool there, bool predicted) {
    m->of[label].examples += there;
    m->of[label].predicted += predicted;
    m->of[label].right += there && predicted;
    m->right += there == predicted;
    m->count++;
}

void eki_metrics_count(ek_metrics *m, int64_t label, int64_t predicted) {
    m->of[label].examples++;
    m->of[predicted].predicted++;
    m->of[label].right += label == predicted;
    m->right += label == predicted;
    m->count++;
    if (m->confusion != NULL) m->confusion[label * m->classes + predicted]++;
}

ek_status ek_metrics_add(ek_metrics *m, const int32_t *labels, const int32_t *predicted, size_t count, ek_error *err) {
    EKI_GIVEN(m, err);
    EKI_GIVEN(labels, err);
    EKI_GIVEN(predicted, err);
    for (size_t i = 0; i < count; i++) {
        EKI_TRY(check_class(m, "the label", labels[i], i, err));
        EKI_TRY(check_class(m, "the prediction", predicted[i], i, err));
    }
    for (size_t i = 0; i < count; i++) eki_metrics_count(m, labels[i], predicted[i]);
    return EK_OK;
}

ek_status ek_metrics_judge(ek_metrics *m, const ek_judgement *judgements, size_t count, ek_error *err) {
    EKI_GIVEN(m, err);
    EKI_GIVEN(judgements, err);
    for (size_t i = 0; i < count; i++) {
        EKI_TRY(check_class(m, "the label", judgements[i].label, i, err));
        EKI_TRY(check_class(m, "the prediction", judgements[i].predicted, i, err));
    }
    for (size_t i = 0; i < count; i++) eki_metrics_count(m, judgements[i].label, judgements[i].predicted);
    return EK_OK;
}

/* NaN where there is nothing to divide by. */
static double share(int64_t part, int64_t of) { return of > 0 ? (double)part / (double)of : (double)NAN; }

ek_class_metrics ek_metrics_class(const ek_metrics *m, int64_t index) {
    if (m == NULL || index < 0 || index >= m->classes) return (ek_class_metrics){0};
    ek_class_metrics c = m->of[index];
    c.precision = share(c.right, c.predicted);
    c.recall = share(c.right, c.examples);
    c.f1 = share(2 * c.right, c.examples + c.predicted);
    c.iou = share(c.right, c.examples + c.predicted - c.right);
    return c;
}

ek_metrics_summary ek_metrics_read(const ek_metrics *m) {
    ek_metrics_summary s = {0};
    if (m == NULL) return s;
    double seen = 0;
    s = (ek_metrics_summary){.examples = m->count, .right = m->right, .classes = m->classes};
    s.accuracy = share(m->right, m->count);
    for (int64_t i = 0; i < m->classes; i++) {
        ek_class_metrics c = ek_metrics_class(m, i);
        if (c.examples == 0) continue;
        seen++;
        s.precision += c.predicted > 0 ? c.precision : 0;
        s.recall += c.recall;
        s.f1 += c.f1;
        s.iou += c.iou;
    }
    double *const means[] = {&s.precision, &s.recall, &s.f1, &s.iou};
    for (int i = 0; i < 4; i++) *means[i] = seen > 0 ? *means[i] / seen : (double)NAN;
    return s;
}

int64_t ek_metrics_confusion(const ek_metrics *m, int64_t label, int64_t predicted) {
    bool inside = m != NULL && label >= 0 && predicted >= 0 && label < m->classes && predicted < m->classes;
    return inside && m->confusion != NULL ? m->confusion[label * m->classes + predicted] : -1;
}

double ek_metrics_top(const ek_judgement *judgements, size_t count, int64_t k) {
    int64_t right = 0;
    for (size_t i = 0; judgements != NULL && i < count; i++) right += judgements[i].above < k;
    return judgements == NULL ? (double)NAN : share(right, (int64_t)count);
}

ek_status ek_regression_measure(const float *predicted, const float *target, size_t count, ek_regression *result,
                                ek_error *err) {
    EKI_GIVEN(predicted, err);
    EKI_GIVEN(target, err);
    EKI_GIVEN(result, err);
    if (count == 0) return eki_fail(err, EK_ERR_ARG, "no numbers to measure; expected one or more");
    double n = (double)count, mean = 0, off = 0, squares = 0, spread = 0;
    for (size_t i = 0; i < count; i++) mean += (double)target[i] / n;
    for (size_t i = 0; i < count; i++) {
        double d = (double)predicted[i] - (double)target[i], t = (double)target[i] - mean;
        off += fabs(d);
        squares += d * d;
        spread += t * t;
    }
    *result = (ek_regression){.mae = off / n, .rmse = sqrt(squares / n), .r2 = (double)NAN};
    if (spread > 0) result->r2 = 1 - squares / spread;
    return EK_OK;
}
