/* mixup.c: two examples as one (Zhang et al. 2018): x = s x1 + (1 - s) x2, and so their targets.
 *
 * s is of Beta(alpha, alpha), and the larger of s and 1 - s belongs to the example itself: pairs are drawn at random,
 * so that this changes no more than which of the two is called the first. Both depend on (seed, epoch, example) alone.
 */
#include "data/augment.h"

#include "base/random.h"

#include <math.h>

enum { TRIES = 64 };

/* The logarithm of a number of Gamma(shape, 1), shape >= 1 (Marsaglia and Tsang 2000). */
static double log_gamma_above(double shape, eki_random random, uint64_t counter) {
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (uint64_t i = 0; i < TRIES; i++) {
        double x = eki_random_normal(random, counter + 2 * i), v = 1 + c * x;
        double u = 1 - eki_random_uniform(random, counter + 2 * i + 1); /* (0, 1] */
        if (v > 0 && log(u) < x * x / 2 + d - d * v * v * v + 3 * d * log(v)) return log(d) + 3 * log(v);
    }
    return log(d); /* one in 10^80 */
}

/* Of any shape above 0: Gamma(a) is Gamma(a + 1) u^(1/a). */
static double log_gamma_of(double shape, eki_random random, uint64_t counter) {
    double u = 1 - eki_random_uniform(random, counter);
    if (shape >= 1) return log_gamma_above(shape, random, counter + 1);
    return log_gamma_above(shape + 1, random, counter + 1) + log(u) / shape;
}

eki_mix eki_mix_draw(const eki_recipe *r, uint64_t epoch, uint64_t id) {
    eki_random random = eki_random_stream(r->seed, "mixup", epoch, id);
    double alpha = (double)r->mixup;
    double a = log_gamma_of(alpha, random, 1), b = log_gamma_of(alpha, random, 2 + 2 * TRIES);
    return (eki_mix){.other = eki_random_below(random, 0, (uint64_t)r->dataset->info.count),
                     .share = 1 / (1 + exp(-fabs(a - b)))};
}

ek_status eki_mix_check(const ek_dataset *d, ek_error *err) {
    for (size_t i = 0; i < d->n_fields; i++) {
        const eki_field *field = &d->fields[i];
        if (field->dtype == EK_F32 || field->dtype == EK_F64) continue;
        return eki_fail(err, EK_ERR_ARG,
                        "loader: mixup mixes images, labels and numbers, and array '%s' is neither float32 nor "
                        "float64: classes and masks cannot be mixed (numbers: numpy: x.astype('float32'))",
                        field->name);
    }
    return EK_OK;
}

void eki_mix_values(double share, float *values, const float *other, size_t count) {
    float mine = (float)share, rest = (float)(1 - share);
    for (size_t i = 0; i < count; i++) values[i] = mine * values[i] + rest * other[i];
}

void eki_mix_row(double share, const eki_field *field, void *row, const void *other) {
    if (field->dtype == EK_F32) {
        eki_mix_values(share, row, other, field->row_bytes / sizeof(float));
        return;
    }
    double *mine = row;
    const double *rest = other;
    for (size_t i = 0; i < field->row_bytes / sizeof *mine; i++) mine[i] = share * mine[i] + (1 - share) * rest[i];
}
