/* reference.c: statistics in long double, and theorems N1 to N3 for them (docs/numerics.md). */
#include "bounds/reference.h"

#include <stdlib.h>

static double levels(int64_t count) {
    double l = 0;
    for (int64_t c = 1; c < count; c *= 2) l++;
    return l;
}

/* Of one unit: in lanes, or row after row. */
static double unit_chain(const ek_norm_plan *p, int64_t length, int64_t samples, bool rows) {
    if (rows || p->wide) return (double)(samples * ((length + 15) / 16)) + 3;
    return (double)(samples * length - 1);
}

static chains chains_of(const ek_norm_plan *p, double more) {
    int64_t length = eki_min(p->units.space, p->units.limit), samples = eki_min(p->units.chunk, p->samples);
    chains c = {0};
    c.unit = unit_chain(p, length, samples, p->row_apply);
    c.parameter = c.set = c.unit;
    if (p->family == EKI_BATCH) {
        c.levels = levels(p->units.count) + more;
        c.parameter += c.levels + levels(p->ghosts);
        c.set += c.levels;
        return c;
    }
    double blocks = levels(p->units.blocks), channels = levels(p->group_channels);
    c.levels = blocks + channels;
    c.parameter += blocks + levels(p->samples);
    c.set += c.levels;
    if (p->row_sets) {
        c.unit = unit_chain(p, eki_min(p->set_size, EKI_ROW_LIMIT), 1, true);
        c.levels = levels(p->set_blocks);
    }
    if (p->family != EKI_ROWS) return c;
    c.set = c.unit + c.levels;
    c.parameter = (double)eki_min(p->param_rows, p->samples) - 1 + levels(p->param_blocks);
    return c;
}

/* First round: shifts, sums of differences from them; second: about the means of units. */
static void sum_units(const trial *t, const reference *r) {
    bool centred = t->plan->centred;
    for (size_t i = 0; i < t->elements; i++) {
        if (!trial_valid(t, i)) continue;
        unit_ref *u = &r->units[t->set[i] * t->units + t->unit[i]];
        if (u->n == 0 && centred) u->shift = (real)t->x[i];
        real d = (real)t->x[i] - u->shift;
        u->n += 1;
        add(&u->d, d);
        u->s1 += fabsl(d);
        u->s2 += d * d;
    }
    for (size_t k = 0; k < t->sets * t->units; k++) {
        unit_ref *u = &r->units[k];
        u->offset = u->n > 0 && centred ? total(&u->d) / (real)u->n : 0;
    }
    for (size_t i = 0; i < t->elements; i++) {
        if (!trial_valid(t, i)) continue;
        unit_ref *u = &r->units[t->set[i] * t->units + t->unit[i]];
        real d = ((real)t->x[i] - u->shift) - u->offset;
        u->about += fabsl(d);
        u->m2 += d * d;
    }
}

/* Bounds of a unit's mean and M2. f64 takes its sums about a mean that is off by `off` at most. */
static void unit_bounds(const ek_norm_plan *p, const chains *c, unit_ref *u, double *mean, double *m2) {
    double n = u->n, centre = fabs((double)(u->shift + u->offset)), s1 = (double)u->s1, s2 = (double)u->s2,
           sum = fabs((double)total(&u->d));
    if (!p->centred) {
        *mean = 0;
        *m2 = chain(c->unit + 2) * s2;
        return;
    }
    if (p->wide) {
        double off = chain(c->unit + 3) * s1 / n + U * centre;
        s1 = (double)u->about + n * off;
        s2 = (double)u->m2 + n * off * off;
        sum = n * off;
    }
    *mean = chain(c->unit + 3) * s1 / n + U * centre;
    *m2 = chain(c->unit + 6) * s2 + chain(2 * c->unit + 7) * sum * s1 / n;
}

static void set_moments(const trial *t, const reference *r, size_t s) {
    set_ref *set = &r->sets[s];
    exact_sum sum = {0, 0};
    real m2 = 0;
    double n = 0;
    for (uint32_t k = 0; k < t->units; k++) {
        const unit_ref *u = &r->units[s * t->units + k];
        if (u->n == 0) continue;
        if (n == 0) set->origin = u->shift;
        n += u->n;
        add(&sum, total(&u->d) + (u->shift - set->origin) * (real)u->n);
    }
    set->n = n;
    if (n == 0) return;
    set->offset = t->plan->centred ? total(&sum) / (real)n : 0;
    set->mean = set->origin + set->offset;
    double within = 0, off = 0, worst = 0, largest = 0, low = INFINITY, high = -INFINITY;
    real between = 0;
    for (uint32_t k = 0; k < t->units; k++) {
        unit_ref *u = &r->units[s * t->units + k];
        if (u->n == 0) continue;
        double mean, square;
        unit_bounds(t->plan, &r->chain, u, &mean, &square);
        real away = (u->shift - set->origin) + (u->offset - set->offset), centre = u->shift + u->offset;
        between += (real)u->n * away * away;
        m2 += u->m2;
        within += square;
        off += u->n * mean;
        worst = fmax(worst, mean);
        largest = fmax(largest, fabs((double)centre));
        low = fmin(low, (double)away), high = fmax(high, (double)away);
    }
    double l = r->chain.levels, merging = l * U * (largest + 3 * (high - low)) * THETA,
           e = worst + merging + (l + 2) * r->type.under;
    set->var = (m2 + between) / (real)n;
    set->dmean = (off / n + merging + (l + 2) * r->type.under) * THETA;
    double b = (double)between, total_m2 = (double)(m2 + between);
    set->dvar = ((within + 6 * U * b + 2 * l * U * total_m2) / n + 2 * e * sqrt(l * b / n) + l * e * e +
                 U * (double)set->var + 8 * r->type.under) *
                THETA;
}

/* N3: the error of var within the root, and two and a half roundings. */
static void set_rstd(set_ref *set, double epsilon) {
    real sum = set->var + (real)epsilon;
    set->rstd = sum > 0 ? 1 / sqrtl(sum) : 0;
    double part = sum > 0 ? set->dvar / (double)sum : set->dvar > 0 ? 1 : 0;
    double carried = part <= 0.5 ? 1 / sqrt(1 - part) - 1 : INFINITY;
    set->drstd = (carried + 2.5 * U * (1 + carried)) * THETA;
}

static void from_running(const trial *t, set_ref *set, size_t channel) {
    set->mean = set->origin = (real)t->running_mean[channel];
    set->var = (real)t->running_var[channel];
    set->dmean = set->dvar = 0;
}

static real clip(real value, real low, real high) { return value < low ? low : value > high ? high : value; }

/* Batch renorm: N15. */
static void renorm(const trial *t, set_ref *set, size_t channel) {
    real most = (real)t->desc.renorm_r_max, furthest = (real)t->desc.renorm_d_max;
    real sum = (real)t->running_var[channel] + (real)t->desc.epsilon, rstd = sum > 0 ? 1 / sqrtl(sum) : 0;
    real away = -from_mean(set, t->running_mean[channel]) * rstd;
    real r = sqrtl(set->var + (real)t->desc.epsilon) * rstd;
    set->factor = clip(r, 1 / most, most);
    set->shift = clip(away, -furthest, furthest);
    set->dfactor = set->drstd + 5 * U;
    set->dshift = ((double)rstd * set->dmean + 5 * U * fabs((double)away)) * THETA;
}

reference reference_make(const trial *t) {
    reference r = {.chain = chains_of(t->plan, t->levels_more), .type = arithmetic_of(t->desc.dtype)};
    r.sets = calloc(t->sets + 1, sizeof *r.sets);
    r.units = calloc(t->sets * t->units + 1, sizeof *r.units);
    bool running = t->stats == EK_STATS_RUNNING && t->plan->family == EKI_BATCH;
    if (!running) sum_units(t, &r);
    for (size_t s = 0; s < t->sets; s++) {
        size_t channel = s % (size_t)t->plan->channels;
        if (!running) set_moments(t, &r, s);
        if (running) from_running(t, &r.sets[s], channel);
        set_rstd(&r.sets[s], t->desc.epsilon);
        r.sets[s].factor = 1;
        if (t->plan->renorm && !running) renorm(t, &r.sets[s], channel);
    }
    return r;
}

void reference_free(reference *r) {
    free(r->sets);
    free(r->units);
}

affine_ref reference_affine(const trial *t, const reference *r, size_t i) {
    const set_ref *set = &r->sets[t->set[i]];
    real scale = t->scaled ? (real)t->scale[t->parameter[i]] : 1, bias = t->biased ? (real)t->bias[t->parameter[i]] : 0;
    affine_ref a = {.xhat = from_mean(set, t->x[i]) * set->rstd};
    a.scaled = scale * set->factor * a.xhat;
    a.t = a.scaled + scale * set->shift + bias + (t->desc.residual ? (real)t->residual[i] : 0);
    return a;
}
