/* theorems.c: see theorems.h; what each inequality says, and why, is in docs/numerics.md. */
#include "bounds/checking.h"

#include "support/activation_ref.h"
#include <string.h>

const char *const theorem_names[THEOREMS] = {
    "",           "N1 mean",   "N2 variance",       "N3 rstd",        "N4 reported",
    "N5 running", "N6 y",      "N7 y, inference",   "N8 halves",      "N9 dbias",
    "N10 dscale", "N11 dx",    "N12 dx, inference", "N13 activation", "N14 slope",
    "N15 renorm", "N16 ranks", "N17 merged",        "N18 given",      "N19 added",
    "N20 from y"};

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

/* A result of an f32 plan as such, or rounded once more to bf16 or f16. */
void check_result(const checking *c, theorem n, double computed, real exact, double bound) {
    const arithmetic *a = &c->r->type;
    double size = fabs((double)exact) + bound;
    if (!(size < a->most / 4) || !(size < a->h_most * (1 - a->h))) return;
    if (a->h > 0 && n < N18_GIVEN) n = N8_HALVES;
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
        double reported = rstd * (set->drstd + narrowed * (1 + set->drstd)) + half;
        if (rstd < c->r->type.most / 2 && isfinite(reported))
            found(c->f, N4_PUBLISHED, distance(t->rstd[s], set->rstd), reported);
        if (c->running || !(mean < c->r->type.most / 2) || !(var < c->r->type.most / 2)) continue;
        found(c->f, N4_PUBLISHED, fabs((double)from_mean(set, t->mean[s])), set->dmean + narrowed * mean + half);
        found(c->f, N4_PUBLISHED, distance(t->var[s], set->var), set->dvar + narrowed * var + half);
    }
}

double shift_error(const checking *c, const set_ref *set, double scale, double bias) {
    double shift = scale * fabs((double)set->shift);
    if (!c->t->plan->renorm || c->running) return 0;
    return scale * set->dshift + U * shift + (U + c->r->type.narrowed) * (shift + fabs(bias));
}

/* Error of t before the activation, the residual added: N6, N7 and N15. */
double affine_error(const checking *c, size_t i, const affine_ref *a) {
    const trial *t = c->t;
    const set_ref *set = &c->r->sets[t->set[i]];
    const arithmetic *type = &c->r->type;
    double w = type->w, scale = t->scaled ? fabs(t->scale[t->parameter[i]]) : 1,
           bias = t->biased ? t->bias[t->parameter[i]] : 0;
    double gain = scale * (double)(set->factor * set->rstd), size = fabs((double)a->scaled);
    double roundings = t->plan->wide || c->running ? 3 : t->plan->family == EKI_ROWS ? 6 : 5;
    double coefficient = shift_error(c, set, scale, bias);
    double error =
        (roundings * w + 2 * U + set->drstd + set->dfactor) * size + gain * (1 + set->drstd) * set->dmean + coefficient;
    real before = a->t - (t->desc.residual ? (real)t->residual[i] : 0);
    error += w * fabs((double)before) + (t->desc.residual ? w * fabs((double)a->t) : 0);
    double away = fabs((double)from_mean(set, t->x[i])) + set->dmean;
    return (error + type->half * (2 + scale + gain + away * (1 + scale))) * THETA;
}

/* Whether every number on the way to y and dx fits the type. */
bool affine_fits(const checking *c, size_t i, const affine_ref *a) {
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
        if (!affine_fits(c, i, &a) || !isfinite(off)) continue;
        real y = eki_ref_activation((int)d->activation, a.t, d->activation_alpha, d->activation_beta);
        check_result(c, n, t->y[i], y, activation_bound(d, &c->r->type, a.t, off));
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
        if (!affine_fits(c, i, &a) || !isfinite(off)) continue;
        double slope = slope_bound(d, type, a.t, off), dy = fabs(t->dy[i]);
        real g = (real)t->dy[i] * eki_ref_slope((int)d->activation, a.t, d->activation_alpha, d->activation_beta);
        found(c->f, N14_SLOPE, distance(t->dresidual[i], g),
              (dy * slope + type->w * fabs((double)g) + type->half * (1 + dy)) * THETA);
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
    f->kernel[N18_GIVEN] = f->kernel[N19_ADDED] = f->kernel[N20_FROM_Y] = k.gradient;
    f->kernel[N17_MERGED] = "f64";
}

/* Statistics that were rounded to the type of the parameters on their way. */
static void give(const trial *t, reference *r) {
    double narrowed = r->type.narrowed, half = narrowed > 0 ? r->type.half : 0;
    for (size_t s = 0; s < t->sets; s++) {
        set_ref *set = &r->sets[s];
        double rstd = (double)set->rstd;
        set->dmean += narrowed * (fabs((double)set->mean) + set->dmean) + half;
        set->drstd += narrowed * (1 + set->drstd) + (rstd > 0 ? half / rstd : 0);
        if (!(rstd < r->type.most / 8)) set->drstd = INFINITY; /* it was reported as infinite */
    }
}

void check_trial(const trial *t, bool backward, findings *f) {
    reference r = reference_make(t);
    bool running = t->stats == EK_STATS_RUNNING && t->plan->family == EKI_BATCH;
    checking c = {t, &r, f, running, (t->flags & EK_BACKWARD_FROM_Y) != 0};
    name_kernels(t, f);
    check_statistics(&c);
    leave_out(t, &r);
    check_y(&c);
    if (t->given) give(t, &r); /* also t is computed again with them, where the slope needs it */
    if (backward && t->desc.activation != EK_ACTIVATION_NONE) check_slopes(&c);
    if (backward) check_gradients(&c);
    reference_free(&r);
}
