/* loss.c: softmax cross-entropy, forward and gradient.
 *
 * Per row, in f64 and in class order: loss = log(sum exp(z - max)) - (z[label] - max), gradient (p - onehot) / rows; of
 * two labels, both by their shares. Subtracting the maximum makes it exact for any finite logits. Row losses are added
 * in row order, so that the sum over a data set does not depend on how it was cut into batches.
 */
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>

static int64_t largest(const float *row, int64_t classes) {
    int64_t best = 0;
    for (int64_t i = 1; i < classes; i++) {
        if (row[i] > row[best]) best = i;
    }
    return best;
}

static double row_loss(const float *row, int64_t classes, int32_t label, double top, double *sum) {
    *sum = 0.0;
    for (int64_t i = 0; i < classes; i++) *sum += exp((double)row[i] - top);
    return log(*sum) - ((double)row[label] - top);
}

eki_loss eki_loss_compute(const float *logits, int64_t rows, int64_t classes, const int32_t *labels, float *gradient) {
    return eki_loss_part(logits, rows, classes, labels, (eki_mixture){0}, rows, NULL, gradient);
}

eki_loss eki_loss_part(const float *logits, int64_t rows, int64_t classes, const int32_t *labels, eki_mixture mixture,
                       int64_t all, double *losses, float *gradient) {
    eki_loss loss = {.bad_row = -1};
    for (int64_t r = 0; r < rows; r++) {
        const float *row = logits + r * classes;
        int64_t best = largest(row, classes);
        double sum, top = (double)row[best], value = row_loss(row, classes, labels[r], top, &sum);
        double share = mixture.shares != NULL ? (double)mixture.shares[r] : 1;
        int32_t other = mixture.shares != NULL ? mixture.others[r] : labels[r];
        if (share < 1) value = share * value + (1 - share) * row_loss(row, classes, other, top, &sum);
        if (!isfinite(value) && loss.bad_row < 0) loss.bad_row = r;
        loss.sum += value;
        if (losses != NULL) losses[r] = value;
        loss.correct += best == labels[r];
        for (int64_t i = 0; gradient != NULL && i < classes; i++) {
            double p = exp((double)row[i] - top) / sum;
            double target = i == labels[r] ? share : 0;
            if (i == other && share < 1) target += 1 - share;
            gradient[r * classes + i] = (float)((p - target) / (double)all);
        }
    }
    return loss;
}

ek_status eki_loss_check_labels(const int32_t *labels, const uint64_t *ids, int64_t rows, int64_t classes,
                                ek_error *err) {
    for (int64_t r = 0; r < rows; r++) {
        if (labels[r] >= 0 && labels[r] < classes) continue;
        return eki_fail(err, EK_ERR_ARG,
                        "example %" PRIu64 " has label %" PRId32 ", but the model has %" PRId64
                        " classes (labels 0 to %" PRId64 "); use a model with as many classes as the data",
                        ids != NULL ? ids[r] : (uint64_t)r, labels[r], classes, classes - 1);
    }
    return EK_OK;
}
