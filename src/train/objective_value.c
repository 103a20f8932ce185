/* objective_value.c: the loss of a batch, its examples and its gradient.
 *
 * Elements are added in f64, row by row, and every element of a term has the same gradient: weight / (the sum of
 * weights over the whole batch). So neither depends on how the batch is shared out among ranks.
 */
#include "train/objective.h"
#include "train/trainer.h"

#include <math.h>
#include <string.h>

static bool weighted(const eki_term *term) { return term->scores != NULL && term->loss.kind == EK_LOSS_CROSS_ENTROPY; }

bool eki_objective_weighted(const eki_objective *o) {
    for (size_t i = 0; i < o->count; i++) {
        if (weighted(&o->terms[i])) return true;
    }
    return false;
}

static double weight_of(const eki_term *term, int64_t class) {
    if (class == EKI_IGNORED_CLASS) return 0.0;
    if (term->loss.class_weights == NULL) return 1.0;
    return class >= 0 && (size_t) class < term->loss.class_count ? (double)term->loss.class_weights[class] : 0.0;
}

static void row_weights(const eki_term *term, eki_exec *exec, int64_t rows, double *weights) {
    eki_view target = eki_objective_target(term, exec);
    const int64_t *classes = target.data;
    size_t each = rows > 0 ? eki_view_elements(&target) / (size_t)rows : 0;
    for (int64_t r = 0; r < rows; r++) {
        weights[r] = 0.0;
        for (size_t i = 0; i < each; i++) weights[r] += weight_of(term, classes[(size_t)r * each + i]);
    }
    if (term->share == NULL) return;
    const int64_t *others = eki_objective_input(term->other, exec).data;
    const float *shares = eki_objective_input(term->share, exec).data;
    for (int64_t r = 0; r < rows; r++) {
        double share = (double)shares[r];
        weights[r] = share * weights[r] + (1 - share) * weight_of(term, others[r]);
    }
}

void eki_objective_weights(const eki_objective *o, eki_exec *exec, int64_t rows, double *weights) {
    for (size_t i = 0; i < o->count; i++, weights += rows) {
        if (weighted(&o->terms[i])) {
            row_weights(&o->terms[i], exec, rows, weights);
        } else {
            for (int64_t r = 0; r < rows; r++) weights[r] = 0.0;
        }
    }
}

typedef struct batch {
    int64_t rows, all;
    double *losses;
} batch;

static void add_number(const eki_term *term, const batch *b, float value, float *gradient) {
    for (int64_t r = 0; r < b->rows; r++) b->losses[r] += term->loss.weight * (double)value;
    if (gradient != NULL) *gradient = (float)(term->loss.weight * (double)b->rows / (double)b->all);
}

static void add_elements(const eki_term *term, const batch *b, const eki_view *view, double whole, float *gradient) {
    size_t count = eki_view_elements(view), each = b->rows > 0 ? count / (size_t)b->rows : 0;
    const float *value = view->data;
    double all = weighted(term) ? whole : (double)b->all * (double)each;
    double share = all > 0 ? term->loss.weight / all : 0.0; /* of an element */
    for (int64_t r = 0; r < b->rows; r++) {
        double sum = 0.0;
        for (size_t i = 0; i < each; i++) sum += (double)value[(size_t)r * each + i];
        b->losses[r] += sum * share * (double)b->all;
    }
    for (size_t i = 0; gradient != NULL && i < count; i++) gradient[i] = (float)share;
}

static int64_t right(const eki_term *term, eki_exec *exec, int64_t rows) {
    eki_view predicted = eki_exec_output(exec, term->judged_at), target = eki_objective_target(term, exec);
    const int64_t *a = predicted.data, *b = target.data;
    int64_t correct = 0;
    for (int64_t r = 0; r < rows; r++) correct += a[r] == b[r];
    return correct;
}

/* Of one class for each example, how many are right: of the first term that has such. */
static bool judges(const eki_term *term, eki_exec *exec, int64_t rows) {
    if (!weighted(term)) return false;
    eki_view target = eki_objective_target(term, exec);
    return eki_view_elements(&target) == (size_t)rows;
}

eki_loss eki_objective_measure(const eki_objective *o, eki_exec *exec, int64_t rows, int64_t all, const double *whole,
                               double *losses, bool gradient) {
    eki_loss loss = {.bad_row = -1};
    const batch b = {.rows = rows, .all = all, .losses = losses};
    bool judged = false;
    for (int64_t r = 0; r < rows; r++) losses[r] = 0.0;
    for (size_t i = 0; i < o->count; i++) {
        const eki_term *term = &o->terms[i];
        eki_view value = eki_exec_output(exec, term->value_at);
        float *to = gradient ? eki_exec_output_gradient(exec, term->value_at) : NULL;
        if (term->scores == NULL) {
            add_number(term, &b, *(const float *)value.data, to);
        } else {
            add_elements(term, &b, &value, whole != NULL ? whole[i] : 0.0, to);
            if (!judged && judges(term, exec, rows)) {
                loss.correct = right(term, exec, rows);
                judged = true;
            }
        }
    }
    for (int64_t r = 0; r < rows; r++) {
        if (!isfinite(losses[r]) && loss.bad_row < 0) loss.bad_row = r;
        loss.sum += losses[r];
    }
    return loss;
}

static void total_elements(const eki_term *term, eki_exec *exec, double *sum, double *weight) {
    eki_view view = eki_exec_output(exec, term->value_at);
    const float *value = view.data;
    size_t count = eki_view_elements(&view);
    for (size_t i = 0; i < count; i++) *sum += (double)value[i];
    if (!weighted(term)) *weight += (double)count;
    eki_view target = eki_objective_target(term, exec);
    for (size_t i = 0; weighted(term) && i < count; i++) *weight += weight_of(term, ((const int64_t *)target.data)[i]);
}

int64_t eki_objective_total(const eki_objective *o, eki_exec *exec, int64_t rows, double *sums, double *weights) {
    int64_t correct = -1;
    for (size_t i = 0; i < o->count; i++) {
        const eki_term *term = &o->terms[i];
        if (term->scores == NULL) {
            sums[i] += (double)rows * (double)*(const float *)eki_exec_output(exec, term->value_at).data;
            weights[i] += (double)rows;
        } else {
            total_elements(term, exec, &sums[i], &weights[i]);
            if (correct < 0 && judges(term, exec, rows)) correct = right(term, exec, rows);
        }
    }
    return correct < 0 ? 0 : correct;
}

/* Of elements: their sum by what they weigh. */
static double row_of(const eki_term *term, eki_exec *exec, int64_t rows, int64_t row) {
    eki_view view = eki_exec_output(exec, term->value_at), target = eki_objective_target(term, exec);
    size_t each = eki_view_elements(&view) / (size_t)rows;
    double sum = 0, weight = weighted(term) ? 0 : (double)each;
    for (size_t i = (size_t)row * each; i < ((size_t)row + 1) * each; i++) {
        sum += (double)((const float *)view.data)[i];
        if (weighted(term)) weight += weight_of(term, ((const int64_t *)target.data)[i]);
    }
    return weight > 0 ? sum / weight : 0;
}

void eki_objective_rows(const eki_objective *o, eki_exec *exec, int64_t rows, double *losses) {
    for (int64_t r = 0; r < rows; r++) {
        losses[r] = 0;
        for (size_t i = 0; i < o->count; i++) {
            const eki_term *term = &o->terms[i];
            double one = term->scores == NULL ? (double)*(const float *)eki_exec_output(exec, term->value_at).data
                                              : row_of(term, exec, rows, r);
            losses[r] += term->loss.weight * one;
        }
    }
}
