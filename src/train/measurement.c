/* measurement.c: each output of a loss against its target, element by element in the order of the examples, so that the
 * size of a batch changes nothing.
 */
#include "train/measurement.h"

#include "base/memory.h"

#include <math.h>

/* Of numbers so far; mean and spread of the targets by Welford's recurrence. */
typedef struct sums {
    double off, squares, mean, spread;
} sums;

typedef struct measured {
    ek_measure kind;
    const char *output;
    ek_metrics *classes;
    sums numbers;
    int64_t count;
} measured;

struct ek_measurement {
    eki_arena arena;
    measured *terms;
    size_t count;
};

ek_status ek_measurement_create(ek_measurement **out, ek_error *err) {
    EKI_GIVEN(out, err);
    *out = eki_alloc_zero(eki_sized(sizeof **out));
    return *out != NULL ? EK_OK : eki_fail_nomem(err, sizeof **out);
}

static void forget(ek_measurement *m) {
    for (size_t i = 0; i < m->count; i++) ek_metrics_destroy(m->terms[i].classes);
    eki_arena_free(&m->arena);
    *m = (ek_measurement){.count = 0};
}

void ek_measurement_destroy(ek_measurement *m) {
    if (m == NULL) return;
    forget(m);
    eki_free(m);
}

size_t ek_measurement_count(const ek_measurement *m) { return m == NULL ? 0 : m->count; }

static ek_regression regression_of(const sums *s, int64_t count) {
    double n = (double)count;
    ek_regression r = {.mae = s->off / n, .rmse = sqrt(s->squares / n), .r2 = (double)NAN};
    if (s->spread > 0) r.r2 = 1 - s->squares / s->spread;
    return r;
}

ek_measured ek_measurement_read(const ek_measurement *m, size_t term) {
    if (m == NULL || term >= m->count) return (ek_measured){.output = ""};
    const measured *t = &m->terms[term];
    ek_measured read = {.kind = t->kind, .output = t->output, .classes = t->classes, .count = t->count};
    if (t->kind == EK_MEASURE_NUMBERS) read.numbers = regression_of(&t->numbers, t->count);
    return read;
}

ek_status eki_measurement_open(ek_measurement *m, const eki_objective *o, ek_error *err) {
    forget(m);
    m->terms = eki_arena_alloc(&m->arena, eki_size_of(o->count, sizeof *m->terms));
    if (m->terms == NULL) return eki_fail_nomem(err, o->count * sizeof *m->terms);
    for (; m->count < o->count; m->count++) {
        const char *name = o->terms[m->count].name;
        m->terms[m->count].output = eki_arena_strdup(&m->arena, name != NULL ? name : "");
        if (m->terms[m->count].output == NULL) return eki_fail_nomem(err, 1);
    }
    return EK_OK;
}

/* Labels of an example are mostly its flattened scores: axis 1, however many extents of 1 lie behind. */
static ek_status add_classes(measured *t, const eki_term *term, eki_exec *exec, ek_error *err) {
    eki_view target = eki_objective_target(term, exec), scores = eki_exec_output(exec, term->scores_at);
    const int64_t *truth = target.data, *predicted = eki_exec_output(exec, term->judged_at).data;
    size_t count = eki_view_elements(&target);
    t->kind = target.shape.rank == 1 ? EK_MEASURE_CLASSES : EK_MEASURE_PLACES;
    if (count == 0) return EK_OK;
    int64_t classes = (int64_t)(eki_view_elements(&scores) / count); /* flat or not */
    if (t->classes == NULL) EKI_TRY(ek_metrics_create(classes, &t->classes, err));
    for (size_t i = 0; i < count; i++) {
        if (truth[i] == EKI_IGNORED_CLASS) continue;
        eki_metrics_count(t->classes, truth[i], predicted[i]);
        t->count++;
    }
    return EK_OK;
}

static ek_status add_labels(measured *t, const eki_view *scores, const float *truth, ek_error *err) {
    const eki_shape *shape = &scores->shape;
    const float *x = scores->data;
    size_t labels = shape->rank > 1 ? (size_t)shape->dims[1] : 1, places = 1, count = eki_view_elements(scores);
    for (int i = 2; i < shape->rank; i++) places *= (size_t)shape->dims[i];
    t->kind = EK_MEASURE_LABELS;
    if (count == 0) return EK_OK;
    if (t->classes == NULL) EKI_TRY(eki_metrics_labels((int64_t)labels, &t->classes, err));
    for (size_t i = 0; i < count; i++)
        eki_metrics_label(t->classes, (int64_t)(i / places % labels), truth[i] > 0.5f, x[i] > 0);
    t->count += (int64_t)count;
    return EK_OK;
}

static void add_numbers(measured *t, const eki_view *scores, const float *truth) {
    const float *x = scores->data;
    size_t count = eki_view_elements(scores);
    sums *s = &t->numbers;
    t->kind = EK_MEASURE_NUMBERS;
    for (size_t i = 0; i < count; i++) {
        double d = (double)x[i] - (double)truth[i], step = (double)truth[i] - s->mean;
        s->off += fabs(d);
        s->squares += d * d;
        s->mean += step / (double)++t->count;
        s->spread += step * ((double)truth[i] - s->mean);
    }
}

ek_status eki_measurement_add(ek_measurement *m, const eki_objective *o, eki_exec *exec, ek_error *err) {
    for (size_t i = 0; i < o->count; i++) {
        const eki_term *term = &o->terms[i];
        measured *t = &m->terms[i];
        if (term->scores == NULL) continue;
        if (term->loss.kind == EK_LOSS_CROSS_ENTROPY) {
            EKI_TRY(add_classes(t, term, exec, err));
            continue;
        }
        eki_view scores = eki_exec_output(exec, term->scores_at), target = eki_objective_target(term, exec);
        if (term->loss.kind == EK_LOSS_BCE)
            EKI_TRY(add_labels(t, &scores, target.data, err));
        else
            add_numbers(t, &scores, target.data);
    }
    return EK_OK;
}
