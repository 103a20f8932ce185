/* activations.c: theorems N13 and N14: how far an error of t carries through an activation and its slope, and what
 * their own arithmetic adds. The constants in roundings are those of the table in docs/numerics.md. */
#include "bounds/theorems.h"

#include "support/activation_ref.h"

/* At most how much y changes with t. */
static double steepness(const ek_norm_desc *d) {
    switch (d->activation) {
    case EK_ACTIVATION_LEAKY_RELU: return fmax(1, d->activation_alpha);
    case EK_ACTIVATION_SIGMOID: return 0.25;
    case EK_ACTIVATION_SILU: return 1.1;
    case EK_ACTIVATION_HARD_SIGMOID: return fabs(d->activation_alpha);
    case EK_ACTIVATION_HARD_SWISH: return 1.5;
    case EK_ACTIVATION_GELU: return 1.13;
    default: return 1;
    }
}

/* Roundings of the activation itself. */
static double own(const ek_norm_desc *d, double w, bool wide, double t, double y) {
    double a = d->activation_alpha, b = d->activation_beta, least = wide ? 0 : 2e-36;
    switch (d->activation) {
    case EK_ACTIVATION_LEAKY_RELU: return 2 * w * y; /* alpha is rounded to f32 */
    case EK_ACTIVATION_CLIP: return w * fmax(fabs(a), fabs(b));
    case EK_ACTIVATION_SIGMOID:
    case EK_ACTIVATION_TANH: return (wide ? 32 : 6) * w * y + least;
    case EK_ACTIVATION_SILU: return (wide ? 32 : 7) * w * y + 90 * least;
    case EK_ACTIVATION_HARD_SIGMOID: return w * (3 * fabs(a * t) + 2 * fabs(b));
    case EK_ACTIVATION_HARD_SWISH: return t > -2 ? 8 * w * y : 4 * w * fmax(y, 1);
    case EK_ACTIVATION_GELU: return wide ? 32 * w * y : 10 * w * (t > -1 ? y : fmax(y, 0.1));
    default: return 0;
    }
}

double activation_bound(const ek_norm_desc *d, const arithmetic *type, real t, double off) {
    double carried = steepness(d) * off, most = fabs((double)t) + off;
    double y = fabs((double)eki_ref_activation((int)d->activation, t, d->activation_alpha, d->activation_beta));
    if (d->activation == EK_ACTIVATION_NONE) return off;
    double t_like = (double)t < 0 ? -most : most;
    return (carried + own(d, type->w, type->w == U, t_like, y + carried) + type->half * (1 + most)) * THETA;
}

/* Whether t may be on either side of `corner`. */
static bool beside(real t, double corner, double off) { return fabs((double)(t - (real)corner)) <= off; }

static bool at_corner(const ek_norm_desc *d, double w, real t, double off) {
    double a = d->activation_alpha, b = d->activation_beta;
    switch (d->activation) {
    case EK_ACTIVATION_RELU:
    case EK_ACTIVATION_LEAKY_RELU: return beside(t, 0, off);
    case EK_ACTIVATION_CLIP: return beside(t, a, off + w * fabs(a)) || beside(t, b, off + w * fabs(b));
    case EK_ACTIVATION_HARD_SIGMOID: {
        double own_error = fabs(a) * off + w * (3 * fabs(a * (double)t) + 2 * fabs(b)) + w;
        return beside((real)a * t + (real)b, 0, own_error) || beside((real)a * t + (real)b, 1, own_error);
    }
    case EK_ACTIVATION_HARD_SWISH: return beside(t, -3, off) || beside(t, 3, off);
    default: return false;
    }
}

/* Beyond 18 (f64: 38) 1 - sigmoid is 0; below, its error is that of the sigmoid. */
static double silu_slope_own(double w, real t, double off, double slope) {
    double c = w == U ? 32 : 6, size = fabs((double)t) + off, least = w == U ? 0 : 90 * 2e-36;
    double s = (double)eki_ref_activation(EK_ACTIVATION_SIGMOID, t, 0, 0) + off;
    double inner = c * s * (1 + size * (1 - s + 2 * off)) + c * s * s * fmin(size, w == U ? 38 : 18);
    return w * (inner + 4 * fmax(slope, 1)) + least;
}

double slope_bound(const ek_norm_desc *d, const arithmetic *type, real t, double off) {
    double w = type->w,
           slope = fabs((double)eki_ref_slope((int)d->activation, t, d->activation_alpha, d->activation_beta));
    double y = fabs((double)eki_ref_activation((int)d->activation, t, d->activation_alpha, d->activation_beta));
    double dy = activation_bound(d, type, t, off), turns = type->w == U ? 4 : 1; /* f64 has longer series */
    if (at_corner(d, w, t, off)) return INFINITY;
    switch (d->activation) {
    case EK_ACTIVATION_LEAKY_RELU: return 2 * w * slope * THETA;
    case EK_ACTIVATION_SIGMOID: return (dy + dy * dy + 3 * w * slope) * THETA;
    case EK_ACTIVATION_TANH: return (2 * y * dy + dy * dy + w * (y * y + 2 * slope)) * THETA;
    case EK_ACTIVATION_SILU: return (0.5 * off + silu_slope_own(w, t, off, slope)) * THETA;
    case EK_ACTIVATION_HARD_SIGMOID: return 2 * w * slope * THETA;
    case EK_ACTIVATION_HARD_SWISH: return (off / 3 + 4 * w * fmax(slope, 1)) * THETA;
    case EK_ACTIVATION_GELU: return (0.8 * off + 8 * turns * w * fmax(slope, 1)) * THETA;
    default: return 0;
    }
}
