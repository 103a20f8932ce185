/* gradients.c: theorems N9 to N12 for backward, N15 for batch renorm, and N18 to N20 for its modes. */
#include "bounds/checking.h"

#include <stdlib.h>

/* Modes have theorems of their own. */
static theorem mode_of(const checking *c, theorem usual, ek_norm_flags adds) {
    if (c->from_y && usual != N9_DBIAS && usual != N12_DX_RUNNING) return N20_FROM_Y;
    if (c->t->given) return N18_GIVEN;
    return c->t->flags & adds ? N19_ADDED : usual;
}

/* Added to what was there: one rounding more. */
typedef struct added {
    real exact;
    double bound;
} added;

static added add_to(const checking *c, ek_norm_flags which, double old, real exact, double bound) {
    if ((c->t->flags & which) == 0) return (added){exact, bound};
    real sum = (real)old + exact;
    return (added){sum, bound + c->r->type.w * (fabs((double)sum) + bound)};
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

/* From y: how far (y - bias) / scale is from xhat, all roundings of backward on the way included. */
static double from_y_error(const checking *c, size_t i, const affine_ref *a) {
    const trial *t = c->t;
    const arithmetic *type = &c->r->type;
    const set_ref *set = &c->r->sets[t->set[i]];
    double scale = t->scaled ? fabs(t->scale[t->parameter[i]]) : 1, bias = t->biased ? t->bias[t->parameter[i]] : 0;
    double y = affine_error(c, i, a), rows = t->plan->family == EKI_ROWS ? type->h : 0;
    y += type->h * (fabs((double)a->t) + y) + type->h_half;
    double off = (y + shift_error(c, set, scale, bias)) / (scale * (double)set->factor);
    double roundings = 6 * type->w + 2 * U + set->dfactor + rows;
    double lost = rows > 0 ? type->h_half * (double)set->rstd : 0;
    return (off + roundings * (fabs((double)a->xhat) + off) + lost) * THETA;
}

static void sum_from_y(const checking *c, size_t i, real g, real a, pair_ref *of) {
    set_ref *set = &c->r->sets[c->t->set[i]];
    affine_ref at = reference_affine(c->t, c->r, i);
    real z = (real)from_y_error(c, i, &at), size = fabsl(at.xhat) + z;
    of->gx_size += fabsl(g) * size;
    of->gz_size += fabsl(g) * z;
    set->ax_size += fabsl(a) * size;
    set->az_size += fabsl(a) * z;
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
        add(&set->a, a);
        add(&set->ax, a * d);
        set->a_size += fabsl(a);
        if (c->from_y) {
            sum_from_y(c, i, g, a, of);
            continue;
        }
        of->gx_size += fabsl(g) * size;
        set->ax_size += fabsl(a) * size;
    }
}

/* What one pair of a set puts into dscale: exactly, and as a part of its bound. */
static void put_pair(const checking *c, const set_ref *set, const pair_ref *p, exact_sum *exact, double *bound) {
    double rstd = (double)set->rstd, factor = (double)set->factor, shift = fabs((double)set->shift);
    double sum = fabs((double)total(&p->g)), product = fabs((double)total(&p->gx)) * rstd;
    add(exact, set->factor * set->rstd * total(&p->gx) + set->shift * total(&p->g));
    double most = rstd * (1 + set->drstd), chained = chain(c->r->chain.parameter + 2);
    if (c->from_y) {
        double sizes = (double)p->gz_size + chain(c->r->chain.parameter + 6) * (double)p->gx_size;
        *bound += factor * (sizes + (set->dfactor + 2 * U) * product);
    } else {
        *bound += factor * (most * (chained * (double)p->gx_size + set->dmean * sum) +
                            (set->drstd + set->dfactor + U) * product +
                            c->r->type.under * (most * (p->n + 1) + (double)p->g_size + 4));
    }
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
        added b = add_to(c, EK_ACCUMULATE_DBIAS, t->old_dbias[p], sum, db);
        added s = add_to(c, EK_ACCUMULATE_DSCALE, t->old_dscale[p], product, ds);
        theorem of_scale = t->plan->renorm && !c->running ? N15_RENORM : N10_DSCALE;
        if (fabs((double)sum) < type->most / 4) {
            found(c->f, mode_of(c, N9_DBIAS, EK_ACCUMULATE_DBIAS), distance(t->dbias[p], b.exact), b.bound * THETA);
        }
        if (!(fabs((double)product) + ds < type->most / 4)) continue;
        found(c->f, mode_of(c, of_scale, EK_ACCUMULATE_DSCALE), distance(t->dscale[p], s.exact), s.bound * THETA);
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
        double sizes = c->from_y ? (chain(c->r->chain.set + 8) * (double)set->ax_size + (double)set->az_size) / n
                                 : most / n * (chain(c->r->chain.set + 5) * (double)set->ax_size + set->dmean * sum);
        set->dk2 = (sizes + (set->drstd + narrowed) * k2 + half + under * ((set->scale_most + 1) * most + 4)) * THETA;
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
    if (c->from_y) dxhat = from_y_error(c, i, at);
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
    return affine_fits(c, i, a) && k1 < most && k2 < most && product < most && fabs((double)a->xhat) * k2 < most;
}

static void check_dx(const checking *c) {
    const trial *t = c->t;
    theorem n = mode_of(c, t->plan->renorm ? N15_RENORM : N11_DX, EK_ACCUMULATE_DX);
    set_means(c);
    for (size_t i = 0; i < t->elements; i++) {
        if (!trial_valid(t, i)) {
            double left = t->flags & EK_ACCUMULATE_DX ? t->old_dx[i] : 0;
            found(c->f, t->results ? N8_HALVES : n, fabs(t->dx[i] - left), 0);
            continue;
        }
        const set_ref *set = &c->r->sets[t->set[i]];
        affine_ref a = reference_affine(t, c->r, i);
        if (!isfinite(set->drstd) || !gradient_fits(c, set, i, &a)) continue;
        gradient_ref g = gradient(c, i, &a);
        added sum = add_to(c, EK_ACCUMULATE_DX, t->old_dx[i], g.exact, g.bound);
        check_result(c, n, t->dx[i], sum.exact, sum.bound);
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
        added sum = add_to(c, EK_ACCUMULATE_DX, t->old_dx[i], dx, bound * THETA);
        check_result(c, mode_of(c, N12_DX_RUNNING, EK_ACCUMULATE_DX), t->dx[i], sum.exact, sum.bound);
    }
}

/* N20 says nothing where y is infinite, or something underflows between y and xhat. */
static bool y_tells(const checking *c) {
    const trial *t = c->t;
    for (size_t s = 0; s < t->sets; s++) {
        double rstd = (double)c->r->sets[s].rstd;
        if (!(rstd > 1e-12 && rstd < 1e12) || !isfinite(c->r->sets[s].drstd)) return false;
    }
    for (size_t i = 0; i < t->elements; i++) {
        if (!isfinite(t->y[i])) return false;
    }
    for (size_t p = 0; p < t->parameters && t->scaled; p++) {
        if (!(fabs(t->scale[p]) > 1e-9 && fabs(t->scale[p]) < 1e9)) return false;
    }
    return true;
}

void check_gradients(const checking *c) {
    if (c->from_y && !y_tells(c)) return;
    pair_ref *pair = calloc(pairs(c->t) + 1, sizeof *pair);
    sum_gradients(c, pair);
    check_parameters(c, pair);
    if (c->running) check_dx_running(c);
    if (!c->running) check_dx(c);
    free(pair);
}
