/* norm_ref.c: the reference of every norm, straight from the formulas in include/evenkeel/norm.h.
 *
 * Two passes for the moments (mean first, then squared differences), sums in long double, no shortcut of any kind.
 * The kernels and plans are compared with this and with nothing else.
 */
#include "support/norm_ref.h"

#include "support/activation_ref.h"

#include <math.h>
#include <stdlib.h>

/* By ek_norm_kind. */
static const eki_ref_kind kinds[] = {
    {0, 0},              /* none */
    {EKI_REF_BATCH, 1},  /* batch */
    {EKI_REF_AXES, 1},   /* layer */
    {EKI_REF_GROUPS, 1}, /* group */
    {EKI_REF_EACH, 1},   /* instance */
    {EKI_REF_AXES, 0},   /* RMS */
};

const eki_ref_kind *eki_ref_kind_of(int kind) {
    return kind >= 1 && (size_t)kind < sizeof kinds / sizeof kinds[0] ? &kinds[kind] : NULL;
}

static long double *zeros(size_t count) { return calloc(count ? count : 1, sizeof(long double)); }

static double *doubles(size_t count) { return calloc(count ? count : 1, sizeof(double)); }

static void set_means(const eki_ref_norm *norm, const double *values, double *means) {
    long double *sum = zeros(norm->sets), *count = zeros(norm->sets);
    for (size_t i = 0; i < norm->elements; i++) {
        sum[norm->set[i]] += values[i];
        count[norm->set[i]] += 1;
    }
    for (size_t s = 0; s < norm->sets; s++) means[s] = (double)(sum[s] / count[s]);
    free(sum);
    free(count);
}

void eki_ref_moments(const eki_ref_norm *norm, const double *x, double *mean, double *var) {
    double *square = doubles(norm->elements);
    set_means(norm, x, mean);
    if (!norm->centred) {
        for (size_t s = 0; s < norm->sets; s++) mean[s] = 0;
    }
    for (size_t i = 0; i < norm->elements; i++) square[i] = (x[i] - mean[norm->set[i]]) * (x[i] - mean[norm->set[i]]);
    set_means(norm, square, var);
    free(square);
}

/* mean and 1 / sqrt(var + epsilon) of every set; the latter 0 where the sum is 0. */
static void statistics(const eki_ref_norm *norm, const double *x, double *mean, double *rstd) {
    if (norm->mean == NULL) eki_ref_moments(norm, x, mean, rstd);
    for (size_t s = 0; s < norm->sets; s++) {
        if (norm->mean != NULL) mean[s] = norm->mean[s];
        double sum = (norm->mean != NULL ? norm->var[s] : rstd[s]) + norm->epsilon;
        rstd[s] = sum == 0 ? 0 : 1 / sqrt(sum);
    }
}

/* t of every element: the norm and the residual. */
static void affine(const eki_ref_norm *norm, const double *x, const double *scale, const double *bias, double *y) {
    double *mean = doubles(norm->sets), *rstd = doubles(norm->sets);
    statistics(norm, x, mean, rstd);
    for (size_t i = 0; i < norm->elements; i++) {
        size_t s = norm->set[i], p = norm->parameter[i];
        double xhat = (x[i] - mean[s]) * rstd[s];
        y[i] = (scale ? scale[p] : 1) * xhat + (bias ? bias[p] : 0) + (norm->residual ? norm->residual[i] : 0);
    }
    free(mean);
    free(rstd);
}

void eki_ref_forward(const eki_ref_norm *norm, const double *x, const double *scale, const double *bias, double *y) {
    affine(norm, x, scale, bias, y);
    for (size_t i = 0; i < norm->elements; i++) {
        y[i] = (double)eki_ref_activation(norm->activation, (long double)y[i], norm->alpha, norm->beta);
    }
}

void eki_ref_before(const eki_ref_norm *norm, const double *x, const double *scale, const double *bias,
                    const double *dy, double *g) {
    affine(norm, x, scale, bias, g);
    for (size_t i = 0; i < norm->elements; i++) {
        g[i] = dy[i] * (double)eki_ref_slope(norm->activation, (long double)g[i], norm->alpha, norm->beta);
    }
}

static void parameter_sums(const eki_ref_norm *norm, const double *dy, const double *xhat, double *dscale,
                           double *dbias) {
    long double *by_scale = zeros(norm->parameters), *by_bias = zeros(norm->parameters);
    for (size_t i = 0; i < norm->elements; i++) {
        by_scale[norm->parameter[i]] += (long double)dy[i] * xhat[i];
        by_bias[norm->parameter[i]] += dy[i];
    }
    for (size_t p = 0; p < norm->parameters; p++) {
        if (dscale) dscale[p] = (double)by_scale[p];
        if (dbias) dbias[p] = (double)by_bias[p];
    }
    free(by_scale);
    free(by_bias);
}

static void input_gradient(const eki_ref_norm *norm, const double *g, const double *xhat, const double *rstd,
                           double sign, double *dx) {
    double *k1 = doubles(norm->sets), *k2 = doubles(norm->sets);
    double *product = doubles(norm->elements);
    for (size_t i = 0; i < norm->elements; i++) product[i] = g[i] * xhat[i];
    set_means(norm, g, k1);
    set_means(norm, product, k2);
    for (size_t i = 0; i < norm->elements; i++) {
        size_t s = norm->set[i];
        double through = norm->mean ? 0 : (norm->centred ? k1[s] : 0) + sign * xhat[i] * k2[s];
        dx[i] = rstd[s] * (g[i] - through);
    }
    free(k1);
    free(k2);
    free(product);
}

void eki_ref_backward(const eki_ref_norm *norm, const double *x, const double *scale, const double *dy, double sign,
                      double *dx, double *dscale, double *dbias) {
    double *mean = doubles(norm->sets), *rstd = doubles(norm->sets);
    double *xhat = doubles(norm->elements), *g = doubles(norm->elements);
    statistics(norm, x, mean, rstd);
    for (size_t i = 0; i < norm->elements; i++) {
        xhat[i] = (x[i] - mean[norm->set[i]]) * rstd[norm->set[i]];
        g[i] = (scale ? scale[norm->parameter[i]] : 1) * dy[i];
    }
    parameter_sums(norm, dy, xhat, dscale, dbias);
    if (dx) input_gradient(norm, g, xhat, rstd, sign, dx);
    free(mean);
    free(rstd);
    free(xhat);
    free(g);
}
