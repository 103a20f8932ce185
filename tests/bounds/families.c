/* families.c: see families.h. */
#include "bounds/families.h"

#include <float.h>
#include <math.h>
#include <string.h>

uint64_t draw(draws *d) {
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

double uniform(draws *d, double low, double high) { return low + (high - low) * (double)(draw(d) >> 11) * 0x1p-53; }

static double either(draws *d) { return chance(d, 0.5) ? 1 : -1; }
static double power(draws *d, double low, double high) { return pow(10, uniform(d, low, high)); }

/* What a family draws once. */
typedef struct recipe {
    int family;
    double m, s, step; /* centre, spread, unit in the last place of m */
    uint64_t special;  /* one element */
    double n;          /* elements of a set */
} recipe;

static double last_place(const trial *t, double m) {
    double digits = t->desc.dtype == EK_F64    ? 0x1p-52
                    : t->desc.dtype == EK_F16  ? 0x1p-10
                    : t->desc.dtype == EK_BF16 ? 0x1p-7
                                               : 0x1p-23;
    int exponent;
    frexp(m, &exponent);
    return ldexp(digits, exponent - 1);
}

static recipe draw_recipe(const trial *t, draws *d, int family) {
    recipe r = {.family = family, .n = (double)t->elements / (double)t->sets};
    bool half = t->desc.dtype == EK_F16;
    r.s = chance(d, 0.6) ? power(d, -1, 1) : half ? power(d, -4, 3) : power(d, -12, 12);
    r.m = chance(d, 0.3) ? 0 : either(d) * r.s * power(d, -2, half ? 1 : 2);
    if (family == X_FAR) r.m = either(d) * r.s * power(d, 2, half ? 3 : 7);
    if (family == X_HUGE)
        r.s = half ? power(d, 3, 4) : t->desc.dtype == EK_F64 ? power(d, 50, 140) : power(d, 28, 36), r.m *= 0.1;
    if (family == X_DENORMAL)
        r.s = half                      ? 0x1p-22
              : t->desc.dtype == EK_F64 ? power(d, -140, -100)
                                        : power(d, -44, -36),
        r.m = chance(d, 0.5) ? r.s : 0;
    if (r.m == 0 && (family == X_ULPS || family == X_LONELY || family == X_TWO)) r.m = r.s;
    r.step = last_place(t, r.m);
    uint64_t n = (uint64_t)r.n + 1;
    r.special = chance(d, 0.3) ? 0 : chance(d, 0.3) ? n - 2 : draw(d) % n;
    return r;
}

/* The j-th element of a set. */
static double value(const recipe *r, draws *d, uint32_t j) {
    double noise = r->s * uniform(d, -1.7, 1.7);
    switch (r->family) {
    case X_OUTLIER: return j == r->special ? r->m + 1e3 * r->s : r->m + 1e-3 * noise;
    case X_ALTERNATE: return r->m + (j % 2 ? r->s : -r->s) + 1e-6 * noise;
    case X_GEOMETRIC: return either(d) * r->s * ldexp(1, -(int)(j % 40)) * uniform(d, 1, 2);
    case X_ULPS: return r->m + r->step * (double)(draw(d) % 5);
    case X_STAIR: return j == 0 ? 0 : j <= 16 ? r->s : r->s * 0x1.ffp-54;
    case X_STAIRS: return j == 0 ? 0 : j <= 16 ? r->s : r->s * 0x1.69p-27;
    case X_TWO: return draw(d) & 1 ? r->m : r->m + r->s;
    case X_LONELY: return j == r->special ? r->m + r->step : r->m;
    case X_BITS: return either(d) * r->s * ldexp(uniform(d, 1, 2), below(d, 60) - 30);
    case X_DRIFT: return r->m + r->s * floor(8.0 * j / r->n) + 0.1 * noise;
    default: return r->m + noise;
    }
}

enum {
    DY_NOISE,
    DY_CONSTANT,
    DY_LINEAR,
    DY_OUTLIER,
    DY_ALTERNATE,
    DY_STAIR,
    DY_BITS,
    DY_SPARSE,
    DY_SIGN,
    DY_FAR,
    DY_FAMILIES
};

static void fill_dy(trial *t, draws *d) {
    int family = below(d, DY_FAMILIES);
    double s = chance(d, 0.6) ? 1 : power(d, t->desc.dtype == EK_F16 ? -2 : -6, t->desc.dtype == EK_F16 ? 2 : 6),
           m = s * uniform(d, -3, 3);
    uint64_t special = draw(d) % (t->elements + 1);
    double slope = 0, centre = 0;
    for (int i = 0; i < 32 && t->elements > 0; i++) { /* of the order of x */
        double x = t->x[draw(d) % t->elements];
        centre += x / 32;
        slope = fmax(slope, fabs(x - centre));
    }
    for (size_t i = 0; i < t->elements; i++) {
        double noise = uniform(d, -1.7, 1.7), line = slope > 0 ? (t->x[i] - centre) / slope : 0, g = noise;
        uint32_t j = t->order[i];
        if (family == DY_CONSTANT) g = 1;
        if (family == DY_LINEAR) g = m / s + line + 1e-6 * noise;
        if (family == DY_OUTLIER) g = i == special ? 1e4 : 1e-2 * noise;
        if (family == DY_ALTERNATE) g = j % 2 ? 1 : -1;
        if (family == DY_STAIR) g = j < 16 ? 1 : 0x1.ffp-54;
        if (family == DY_BITS) g = noise * ldexp(1, below(d, 40) - 20);
        if (family == DY_SPARSE) g = draw(d) % 16 ? 0 : noise;
        if (family == DY_SIGN) g = line < 0 ? -1 : 1;
        if (family == DY_FAR) g = 1e4 + noise;
        t->dy[i] = trial_rounded(t, s * g);
    }
}

static void fill_parameters(trial *t, draws *d) {
    double s = chance(d, 0.7) ? 1 : power(d, -6, 6), b = chance(d, 0.7) ? 1 : power(d, -6, 6);
    for (size_t p = 0; p < t->parameters; p++) {
        t->scale[p] = trial_parameter(t, chance(d, 0.02) ? 0 : s * uniform(d, -2, 2));
        t->bias[p] = trial_parameter(t, b * uniform(d, -2, 2));
    }
}

/* Near what the batch has, or anything. */
static void fill_running(trial *t, draws *d, const recipe *r) {
    bool near = chance(d, 0.7);
    for (size_t c = 0; c < (size_t)t->plan->channels; c++) {
        double m = near ? r->m : 10 * r->s * uniform(d, -1, 1);
        t->running_mean[c] = trial_parameter(t, m + r->s * uniform(d, -1, 1));
        t->running_var[c] = trial_parameter(t, fabs(r->s * r->s * (near ? uniform(d, 0.5, 1.5) : power(d, -6, 6))));
    }
}

static void fill_mask(trial *t, draws *d) {
    if (t->mask == NULL) return;
    double p = chance(d, 0.3) ? 1 : uniform(d, 0.05, 1);
    size_t n = (size_t)(t->plan->mask_examples * t->plan->mask_positions);
    for (size_t i = 0; i < n; i++) t->mask[i] = chance(d, p);
}

/* Backward adds to something, has statistics given, or reads y. */
static void fill_modes(trial *t, draws *d, int family) {
    const ek_norm_desc *desc = &t->desc;
    bool fused = desc->activation != EK_ACTIVATION_NONE || desc->residual, usual = family < X_DENORMAL;
    if (chance(d, 0.6)) return;
    if (chance(d, 0.5)) t->flags = draw(d) & (EK_ACCUMULATE_DX | EK_ACCUMULATE_DSCALE | EK_ACCUMULATE_DBIAS);
    bool from_y = !fused && usual && chance(d, 0.4);
    if (from_y) t->flags |= EK_BACKWARD_FROM_Y;
    t->given = !from_y && !desc->masked && !t->plan->renorm && t->stats == EK_STATS_BATCH && chance(d, 0.5);
    for (size_t i = 0; i < t->elements; i++) {
        if (t->flags & EK_ACCUMULATE_DX) t->old_dx[i] = trial_rounded(t, uniform(d, -2, 2));
    }
    for (size_t p = 0; p < t->parameters; p++) {
        t->old_dscale[p] = trial_parameter(t, uniform(d, -2, 2));
        t->old_dbias[p] = trial_parameter(t, uniform(d, -2, 2));
        if (from_y && t->scale[p] == 0) t->scale[p] = 1;
    }
}

void fill(trial *t, draws *d, int family) {
    recipe r = draw_recipe(t, d, family);
    fill_mask(t, d);
    double residual = chance(d, 0.5) ? 1 : 8;
    for (size_t i = 0; i < t->elements; i++) {
        t->x[i] = trial_rounded(t, value(&r, d, t->order[i]));
        if (t->desc.residual) t->residual[i] = trial_rounded(t, residual * uniform(d, -1, 1));
    }
    fill_dy(t, d);
    fill_parameters(t, d);
    fill_running(t, d, &r);
    t->scaled = !chance(d, 0.15);
    t->biased = !chance(d, 0.3);
    fill_modes(t, d, family);
}

static int64_t size_up_to(draws *d, double most) {
    if (most < 1) return 1;
    double n = exp2(uniform(d, 0, log2(most)));
    return chance(d, 0.3) ? (int64_t)exp2(floor(log2(n))) : (int64_t)n;
}

static void draw_dims(draws *d, double least, double elements, ek_norm_desc *desc) {
    bool rows = ek_norm_kind_over_axes(desc->kind);
    desc->rank = rows ? 2 : 2 + below(d, 3);
    double size = exp2(uniform(d, log2(least), log2(elements)));
    int64_t *dims = desc->dims;
    if (rows) {
        desc->affine = chance(d, 0.3) ? EK_AFFINE_CHANNEL : EK_AFFINE_ELEMENT;
        desc->axis = 1;
        if (desc->affine == EK_AFFINE_CHANNEL) desc->rank = 3;
    }
    double channels = rows && desc->affine == EK_AFFINE_ELEMENT ? size : fmin(size, chance(d, 0.6) ? 4 : 100);
    dims[1] = size_up_to(d, channels);
    dims[0] = desc->rank == 2 ? size_up_to(d, size / (double)dims[1]) : size_up_to(d, fmin(40, size / (double)dims[1]));
    double rest = size / (double)dims[1] / (double)dims[0];
    if (desc->rank > 2) dims[2] = desc->rank > 3 ? size_up_to(d, fmin(8, rest)) : (int64_t)fmax(1, rest);
    if (desc->rank > 3) dims[3] = (int64_t)fmax(1, rest / (double)dims[2]);
    if (desc->rank == 2 && !rows && chance(d, 0.5)) dims[0] = (int64_t)fmax(1, size / (double)dims[1]);
}

static void draw_layout(draws *d, ek_norm_desc *desc) {
    const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};
    bool rows = ek_norm_kind_over_axes(desc->kind);
    if (!rows || desc->affine == EK_AFFINE_CHANNEL)
        desc->layout = chance(d, 0.4) ? EK_LAYOUT_NCHW : layouts[below(d, 4)];
    if (eki_kind_of(desc->kind)->share != EKI_SHARE_GROUPS) return;
    for (desc->groups = 1 + below(d, (int)desc->dims[1]); desc->dims[1] % desc->groups != 0;) desc->groups--;
}

static void draw_fusion(draws *d, ek_norm_desc *desc) {
    if (!chance(d, 0.25)) return;
    desc->activation = (ek_activation)below(d, EK_ACTIVATION_GELU + 1);
    desc->residual = 1; /* dresidual shows the gradient before the activation */
    if (desc->activation == EK_ACTIVATION_LEAKY_RELU) desc->activation_alpha = uniform(d, 0, 1.5);
    if (desc->activation == EK_ACTIVATION_CLIP)
        desc->activation_alpha = uniform(d, -2, 0), desc->activation_beta = uniform(d, 0, 6);
    if (desc->activation == EK_ACTIVATION_HARD_SIGMOID)
        desc->activation_alpha = uniform(d, 0.1, 0.5), desc->activation_beta = 0.5;
}

static void draw_variant(draws *d, ek_norm_desc *desc, ek_norm_stats *stats) {
    desc->masked = chance(d, 0.15);
    if (eki_kind_of(desc->kind)->share != EKI_SHARE_BATCH) return;
    if (chance(d, 0.2)) *stats = EK_STATS_RUNNING;
    if (chance(d, 0.15)) desc->ghost = 1 + below(d, (int)fmin(1000, (double)desc->dims[0]));
    if (chance(d, 0.15)) desc->renorm_r_max = uniform(d, 1, 4), desc->renorm_d_max = uniform(d, 0, 6);
    if (chance(d, 0.15)) desc->chunk = 1 + below(d, 3000);
    if (chance(d, 0.5)) desc->running_variance = EK_VARIANCE_UNBIASED;
    desc->momentum = chance(d, 0.2) ? (double)below(d, 2) : uniform(d, 0, 1);
    desc->momentum_convention = (ek_momentum_convention)below(d, 3);
    if (chance(d, 0.3)) desc->running_start = EK_START_DEBIASED;
}

ek_norm_desc random_desc(draws *d, double least, double elements, ek_dtype type, ek_norm_stats *stats) {
    const ek_dtype types[] = {EK_F32, EK_F32, EK_F32, EK_F32, EK_F64, EK_F64, EK_BF16, EK_F16};
    const double epsilons[] = {1e-5, 1e-5, 0, 1e-12, 1, 1e6};
    ek_norm_desc desc = ek_norm_desc_default((ek_norm_kind)(1 + below(d, (int)eki_kind_last()->kind)));
    *stats = EK_STATS_BATCH;
    desc.dtype = type != 0 ? type : types[below(d, 8)];
    desc.epsilon = epsilons[below(d, 6)];
    desc.parallel.threads = 1;
    draw_dims(d, least, elements, &desc);
    draw_layout(d, &desc);
    draw_fusion(d, &desc);
    draw_variant(d, &desc, stats);
    return desc;
}
