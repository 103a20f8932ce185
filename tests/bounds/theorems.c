/* theorems.c: see theorems.h; what each inequality says, and why, is in docs/numerics.md. */
#include "bounds/theorems.h"

#include "support/activation_ref.h"
#include <stdlib.h>
#include <string.h>

const char *const theorem_names[THEOREMS] = {
    "",           "N1 mean",   "N2 variance",       "N3 rstd",        "N4 mean, var",
    "N5 running", "N6 y",      "N7 y, inference",   "N8 halves",      "N9 dbias",
    "N10 dscale", "N11 dx",    "N12 dx, inference", "N13 activation", "N14 slope",
    "N15 renorm", "N16 ranks", "N17 merged"};

double chain_weight = 1;
static double mean_weight = 1, rstd_weight = 1, w_weight = 1, c_weight = 1, h_weight = 1;

bool theorems_without(const char *part) {
    const struct {
        const char *name;
        double *weight;
    } parts[] = {{"mean", &mean_weight},   {"rstd", &rstd_weight},   {"sums", &chain_weight},
                 {"roundings", &w_weight}, {"narrowing", &c_weight}, {"halves", &h_weight}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(part, parts[i].name) != 0) continue;
        *parts[i].weight = 0;
        return true;
    }
    return false;
}

static void leave_out(const trial *t, reference *r) {
    r->type.w *= w_weight, r->type.narrowed *= c_weight, r->type.h *= h_weight;
    for (size_t s = 0; s < t->sets; s++) {
        r->sets[s].dmean *= mean_weight;
        if (rstd_weight == 0 && isfinite(r->sets[s].drstd)) r->sets[s].drstd = 0;
    }
}

void found(findings *f, theorem n, double error, double bound) {
    if (isinf(bound)) return; /* nothing is said */
    double ratio = error == 0 ? 0 : error / bound;
    if (!(ratio <= f->ratio[n])) f->ratio[n] = isnan(ratio) ? INFINITY : ratio;
    f->outputs[n]++;
}

typedef struct checking {
    const trial *t;
    reference *r;
    findings *f;
    bool running;
} checking;

static double distance(double computed, real exact) { return (double)fabsl((real)computed - exact); }

/* A result of an f32 plan as such, or rounded once more to bf16 or f16. */
static void result(const checking *c, theorem n, double computed, real exact, double bound) {
    const arithmetic *a = &c->r->type;
    double size = fabs((double)exact) + bound;
    if (!(size < a->most / 4) || !(size < a->h_most * (1 - a->h))) return;
    if (a->h > 0) n = N8_HALVES;
    found(c->f, n, distance(computed, exact), bound + a->h * size + a->h_half);
}

static void check_statistics(const checking *c) {
    const trial *t = c->t;
    double narrowed = c->r->type.narrowed, half = narrowed > 0 ? c->r->type.half : 0;
    bool any = false; /* else statistics are those of nothing */
    for (size_t i = 0; i < t->elements && !any; i++) any = trial_valid(t, i);
    for (size_t s = 0; s < t->sets && any; s++) {
        const set_ref *set = &c->r->sets[s];
        if (set->n == 0 && !c->running) continue;
        double rstd = (double)set->rstd, mean = fabs((double)set->mean) + set->dmean,
               var = (double)set->var + set->dvar;
        if (!c->running) {
            found(c->f, N1_MEAN, fabs((double)from_mean(set, t->set_mean[s])), set->dmean);
            found(c->f, N2_VARIANCE, distance(t->set_var[s], set->var), set->dvar);
        }
        found(c->f, N3_RSTD, distance(t->set_rstd[s], set->rstd), rstd * set->drstd);
        if (c->running || !(mean < c->r->type.most / 2) || !(var < c->r->type.most / 2)) continue;
        found(c->f, N4_PUBLISHED, fabs((double)from_mean(set, t->mean[s])), set->dmean + narrowed * mean + half);
        found(c->f, N4_PUBLISHED, distance(t->var[s], set->var), set->dvar + narrowed * var + half);
    }
}

/* Error of t before the activation, the residual added: N6, N7 and N15. */
static double affine_error(const checking *c, size_t i, const affine_ref *a) {
    const trial *t = c->t;
    const set_ref *set = &c->r->sets[t->set[i]];
    const arithmetic *type = &c->r->type;
    bool wide = t->plan->wide, renorm = t->plan->renorm && !c->running;
    double w = type->w, scale = t->scaled ? fabs(t->scale[t->parameter[i]]) : 1,
           bias = t->biased ? t->bias[t->parameter[i]] : 0;
    double gain = scale * (double)(set->factor * set->rstd), size = fabs((double)a->scaled);
    double roundings = wide ? 3 : t->plan->family == EKI_ROWS ? 6 : 5;
    if (c->running) roundings = wide ? 3 : 3;
    double shift = scale * fabs((double)set->shift);
    double coefficient = renorm ? scale * set->dshift + U * shift + (U + type->narrowed) * (shift + fabs(bias)) : 0;
    double error =
        (roundings * w + 2 * U + set->drstd + set->dfactor) * size + gain * (1 + set->drstd) * set->dmean + coefficient;
    real before = a->t - (t->desc.residual ? (real)t->residual[i] : 0);
    error += w * fabs((double)before) + (t->desc.residual ? w * fabs((double)a->t) : 0);
    double away = fabs((double)from_mean(set, t->x[i])) + set->dmean;
    return (error + type->half * (2 + scale + gain + away * (1 + scale))) * THETA;
}

/* Whether every number on the way to y and dx fits the type. */
static bool fits(const checking *c, size_t i, const affine_ref *a) {
    const trial *t = c->t;
    const set_ref *set = &c->r->sets[t->set[i]];
    double most = c->r->type.most / 8, scale = t->scaled ? fabs(t->scale[t->parameter[i]]) : 1;
    double rstd = (double)set->rstd, away = fabs((double)from_mean(set, t->x[i]));
    return rstd < most && scale * (double)set->factor < most && scale * (double)set->factor * rstd < most &&
           fabs((double)set->mean) < most && fabs(t->x[i]) < most && away < most && fabs((double)a->t) < most &&
           fabs((double)a->scaled) < most;
}

static void check_y(const checking *c) {
    const trial *t = c->t;
    const ek_norm_desc *d = &t->desc;
    bool fused = d->activation != EK_ACTIVATION_NONE || d->residual, renorm = t->plan->renorm && !c->running;
    theorem n = fused ? N13_ACTIVATION : renorm ? N15_RENORM : c->running ? N7_Y_RUNNING : N6_Y;
    for (size_t i = 0; i < t->elements; i++) {
        if (!trial_valid(t, i)) {
            found(c->f, t->results ? N8_HALVES : n, fabs(t->y[i]), 0);
            continue;
        }
        affine_ref a = reference_affine(t, c->r, i);
        double off = affine_error(c, i, &a);
        if (!fits(c, i, &a) || !isfinite(off)) continue;
        real y = eki_ref_activation((int)d->activation, a.t, d->activation_alpha, d->activation_beta);
        result(c, n, t->y[i], y, activation_bound(d, &c->r->type, a.t, off));
    }
}

static void check_slopes(const checking *c) {
    const trial *t = c->t;
    const ek_norm_desc *d = &t->desc;
    const arithmetic *type = &c->r->type;
    for (size_t i = 0; i < t->elements; i++) {
        if (!trial_valid(t, i)) continue;
        affine_ref a = reference_affine(t, c->r, i);
        double off = affine_error(c, i, &a);
        if (!fits(c, i, &a) || !isfinite(off)) continue;
        double slope = slope_bound(d, type, a.t, off), dy = fabs(t->dy[i]);
        real g = (real)t->dy[i] * eki_ref_slope((int)d->activation, a.t, d->activation_alpha, d->activation_beta);
        found(c->f, N14_SLOPE, distance(t->dresidual[i], g),
              (dy * slope + type->w * fabs((double)g) + type->half * (1 + dy)) * THETA);
    }
}

/* Pairs of a parameter and a set: per element with a scale per element, else per (sample or virtual batch, channel). */
static size_t pair_of(const trial *t, size_t i) {
    const ek_norm_plan *p = t->plan;
    if (p->family == EKI_ROWS) return i;
    return p->family == EKI_BATCH ? t->set[i] : i / (size_t)p->space;
}

static size_t pairs(const trial *t) {
    const ek_norm_plan *p = t->plan;
    if (p->family == EKI_ROWS) return t->elements;
    return p->family == EKI_BATCH ? t->sets : t->elements / (size_t)p->space;
}

static void sum_gradients(const checking *c, pair_ref *pair) {
    const trial *t = c->t;
    for (size_t i = 0; i < t->elements; i++) {
        if (!trial_valid(t, i)) continue;
        set_ref *set = &c->r->sets[t->set[i]];
        real scale = t->scaled ? (real)t->scale[t->parameter[i]] : 1, g = reference_g(t, i);
        real d = from_mean(set, t->x[i]), size = fabsl(d) + (real)set->dmean, a = g * scale * set->factor;
        pair_ref *of = &pair[pair_of(t, i)];
        add(&of->g, g);
        add(&of->gx, g * d);
        of->g_size += fabsl(g);
        of->n += 1;
        set->scale_most = fmax(set->scale_most, fabs((double)scale));
        of->gx_size += fabsl(g) * size;
        add(&set->a, a);
        add(&set->ax, a * d);
        set->a_size += fabsl(a);
        set->ax_size += fabsl(a) * size;
    }
}

/* What one pair of a set puts into dscale: exactly, and as a part of its bound. */
static void put_pair(const checking *c, const set_ref *set, const pair_ref *p, exact_sum *exact, double *bound) {
    double rstd = (double)set->rstd, factor = (double)set->factor, shift = fabs((double)set->shift);
    double sum = fabs((double)total(&p->g)), product = fabs((double)total(&p->gx)) * rstd;
    add(exact, set->factor * set->rstd * total(&p->gx) + set->shift * total(&p->g));
    double most = rstd * (1 + set->drstd), chained = chain(c->r->chain.parameter + 2);
    *bound +=
        factor * (most * (chained * (double)p->gx_size + set->dmean * sum) + (set->drstd + set->dfactor + U) * product +
                  c->r->type.under * (most * (p->n + 1) + (double)p->g_size + 4));
    if (!c->t->plan->renorm || c->running) return;
    *bound += set->dshift * sum + chained * shift * (double)p->g_size + 2 * U * factor * product;
}

static size_t parameter_of_pair(const trial *t, size_t pair) {
    return t->plan->family == EKI_ROWS ? pair % (size_t)t->plan->space : pair % (size_t)t->plan->channels;
}

static size_t set_of_pair(const trial *t, size_t pair) {
    const ek_norm_plan *p = t->plan;
    if (p->family == EKI_BATCH) return pair;
    if (p->family == EKI_ROWS) return pair / (size_t)p->space;
    size_t channels = (size_t)p->channels;
    return pair / channels * (size_t)p->groups + pair % channels / (size_t)p->group_channels;
}

static void check_parameters(const checking *c, const pair_ref *pair) {
    const trial *t = c->t;
    const arithmetic *type = &c->r->type;
    double half = type->narrowed > 0 ? type->half : 0;
    exact_sum *sums = calloc(t->parameters + 1, sizeof *sums), *products = calloc(t->parameters + 1, sizeof *products);
    double *sizes = calloc(t->parameters + 1, sizeof *sizes), *bound = calloc(t->parameters + 1, sizeof *bound);
    for (size_t k = 0; k < pairs(t); k++) {
        size_t p = parameter_of_pair(t, k);
        add(&sums[p], total(&pair[k].g));
        sizes[p] += (double)pair[k].g_size;
        put_pair(c, &c->r->sets[set_of_pair(t, k)], &pair[k], &products[p], &bound[p]);
    }
    for (size_t p = 0; p < t->parameters; p++) {
        real sum = total(&sums[p]), product = total(&products[p]);
        double db = chain(c->r->chain.parameter) * sizes[p] + type->narrowed * fabs((double)sum) + half;
        double ds = bound[p] + type->narrowed * fabs((double)product) + half;
        if (fabs((double)sum) < type->most / 4) found(c->f, N9_DBIAS, distance(t->dbias[p], sum), db * THETA);
        if (!(fabs((double)product) + ds < type->most / 4)) continue;
        theorem n = t->plan->renorm && !c->running ? N15_RENORM : N10_DSCALE;
        found(c->f, n, distance(t->dscale[p], product), ds * THETA);
    }
    free(sums), free(products), free(sizes), free(bound);
}

/* k1 = mean a, k2 = mean(a xhat), a with the factor of batch renorm, and their bounds. */
static void set_means(const checking *c) {
    double under = c->r->type.under, narrowed = c->r->type.narrowed, half = narrowed > 0 ? c->r->type.half : 0;
    for (size_t s = 0; s < c->t->sets; s++) {
        set_ref *set = &c->r->sets[s];
        if (set->n == 0) continue;
        double n = set->n, most = (double)set->rstd * (1 + set->drstd), sum = fabs((double)total(&set->a));
        set->k1 = c->t->plan->centred ? total(&set->a) / (real)n : 0;
        set->k2 = total(&set->ax) * set->rstd / (real)n;
        double k2 = fabs((double)set->k2);
        set->dk1 = 0;
        if (c->t->plan->centred) {
            set->dk1 = (chain(c->r->chain.set + 2) * (double)set->a_size / n + narrowed * fabs((double)set->k1) + half +
                        3 * under) *
                       THETA;
        }
        set->dk2 = (most / n * (chain(c->r->chain.set + 5) * (double)set->ax_size + set->dmean * sum) +
                    (set->drstd + narrowed) * k2 + half + under * ((set->scale_most + 1) * most + 4)) *
                   THETA;
    }
}

typedef struct gradient_ref {
    real exact;
    double bound;
} gradient_ref;

static gradient_ref gradient(const checking *c, size_t i, const affine_ref *at) {
    const trial *t = c->t;
    const set_ref *set = &c->r->sets[t->set[i]];
    const arithmetic *type = &c->r->type;
    double w = type->w, rstd = (double)set->rstd, most = rstd * (1 + set->drstd), half = type->half;
    real scale = (t->scaled ? (real)t->scale[t->parameter[i]] : 1) * set->factor, a = scale * reference_g(t, i);
    real inner = a - set->k1 - at->xhat * set->k2;
    double size = fabs((double)a), xhat = fabs((double)at->xhat), k2 = fabs((double)set->k2);
    double dxhat = ((t->plan->wide ? 2 : 5) * w + set->drstd) * xhat + most * set->dmean +
                   half * (1 + xhat / (rstd + 1e-300) + rstd);
    double da = w * size + half, difference = w * fabs((double)(a - set->k1));
    if (t->plan->renorm) da += (type->narrowed + 2 * U) * size;
    double product = k2 * dxhat + (xhat + dxhat) * set->dk2 + w * xhat * k2 + half;
    double last = ((t->plan->wide ? 2 : 3) * w + set->drstd + set->dfactor) * fabs((double)inner);
    double bound = most * (da + set->dk1 + difference + product + last) + half * (1 + fabs((double)inner));
    return (gradient_ref){set->rstd * inner, bound * THETA};
}

static bool gradient_fits(const checking *c, const set_ref *set, size_t i, const affine_ref *a) {
    const trial *t = c->t;
    double most = c->r->type.most / 8, k1 = fabs((double)set->k1) + set->dk1, k2 = fabs((double)set->k2) + set->dk2;
    double scale = (t->scaled ? fabs(t->scale[t->parameter[i]]) : 1) * (double)set->factor;
    double product = scale * fabs((double)reference_g(t, i));
    return fits(c, i, a) && k1 < most && k2 < most && product < most && fabs((double)a->xhat) * k2 < most;
}

static void check_dx(const checking *c) {
    const trial *t = c->t;
    set_means(c);
    for (size_t i = 0; i < t->elements; i++) {
        theorem n = t->plan->renorm ? N15_RENORM : N11_DX;
        if (!trial_valid(t, i)) {
            found(c->f, t->results ? N8_HALVES : n, fabs(t->dx[i]), 0);
            continue;
        }
        const set_ref *set = &c->r->sets[t->set[i]];
        affine_ref a = reference_affine(t, c->r, i);
        if (!isfinite(set->drstd) || !gradient_fits(c, set, i, &a)) continue;
        gradient_ref g = gradient(c, i, &a);
        result(c, n, t->dx[i], g.exact, g.bound);
    }
}

/* dx = scale rstd g. */
static void check_dx_running(const checking *c) {
    const trial *t = c->t;
    const arithmetic *type = &c->r->type;
    for (size_t i = 0; i < t->elements; i++) {
        if (!trial_valid(t, i)) continue;
        const set_ref *set = &c->r->sets[t->set[i]];
        double scale = t->scaled ? fabs(t->scale[t->parameter[i]]) : 1, rstd = (double)set->rstd, w = type->w;
        real dx = reference_g(t, i) * (t->scaled ? (real)t->scale[t->parameter[i]] : 1) * set->rstd;
        if (!(scale * rstd < type->most / 8) || !(scale < type->most / 8) || !isfinite(set->drstd)) continue;
        double bound =
            (2 * w + U + set->drstd) * fabs((double)dx) + type->half * (2 + fabs((double)reference_g(t, i)) + scale);
        result(c, N12_DX_RUNNING, t->dx[i], dx, bound * THETA);
    }
}

static void name_kernels(const trial *t, findings *f) {
    kernel_names k = kernels_of(t);
    f->kernel[N1_MEAN] = f->kernel[N2_VARIANCE] = f->kernel[N3_RSTD] = f->kernel[N4_PUBLISHED] = k.moments;
    f->kernel[N6_Y] = f->kernel[N7_Y_RUNNING] = f->kernel[N13_ACTIVATION] = k.affine;
    f->kernel[N9_DBIAS] = f->kernel[N10_DSCALE] = k.parameters;
    f->kernel[N11_DX] = f->kernel[N12_DX_RUNNING] = k.gradient;
    f->kernel[N14_SLOPE] = t->plan->wide ? "f64" : k.parameters;
    f->kernel[N8_HALVES] = t->desc.dtype == EK_BF16 ? "bf16" : "f16";
    f->kernel[N15_RENORM] = f->kernel[N5_RUNNING] = f->kernel[N16_RANKS] = t->plan->wide ? "f64" : "f32";
    f->kernel[N17_MERGED] = "f64";
}

void check_trial(const trial *t, bool backward, findings *f) {
    reference r = reference_make(t);
    checking c = {t, &r, f, t->stats == EK_STATS_RUNNING && t->plan->family == EKI_BATCH};
    name_kernels(t, f);
    check_statistics(&c);
    leave_out(t, &r);
    check_y(&c);
    if (backward) {
        pair_ref *pair = calloc(pairs(t) + 1, sizeof *pair);
        if (t->desc.activation != EK_ACTIVATION_NONE) check_slopes(&c);
        sum_gradients(&c, pair);
        check_parameters(&c, pair);
        if (c.running) check_dx_running(&c);
        if (!c.running) check_dx(&c);
        free(pair);
    }
    reference_free(&r);
}
