/* others.c: N5 running statistics, N16 batches over ranks, N17 merged moments. */
#include "bounds/search.h"

#include "norm/spread.h"
#include <evenkeel/moments.h>
#include <stdlib.h>
#include <string.h>

/* What enters the running statistics of a channel: exactly, and its bound. */
typedef struct batch_ref {
    real mean, var;
    double dmean, dvar;
} batch_ref;

static batch_ref batch_of(const trial *t, const reference *r, size_t c) {
    batch_ref b = {0, 0, 0, 0};
    double n = 0, sizes = 0, l = (double)t->plan->ghosts + 3;
    size_t channels = (size_t)t->plan->channels;
    for (size_t g = 0; g < (size_t)t->plan->ghosts; g++) {
        const set_ref *set = &r->sets[g * channels + c];
        bool corrected = t->desc.running_variance == EK_VARIANCE_UNBIASED && set->n >= 2;
        double factor = corrected ? set->n / (set->n - 1) : 1;
        b.mean += (real)set->n * set->mean;
        b.var += (real)set->n * set->var * (corrected ? (real)set->n / ((real)set->n - 1) : 1);
        b.dmean += set->n * set->dmean;
        b.dvar += set->n * factor * (set->dvar + 2 * U * (double)set->var);
        sizes += set->n * fabs((double)set->mean);
        n += set->n;
    }
    b.mean /= (real)n, b.var /= (real)n;
    b.dmean /= n, b.dvar /= n;
    if (t->plan->ghosts == 1) return b;
    b.dmean += chain(l) * sizes / n;
    b.dvar += chain(l) * (double)b.var;
    return b;
}

/* What is kept of the old and taken of the batch, and the errors of both. */
typedef struct weights_ref {
    real keep, take;
    double dkeep, dtake;
} weights_ref;

static weights_ref weights_of(const ek_norm_desc *d, int64_t updates) {
    bool replace = d->momentum_convention == EK_MOMENTUM_REPLACE,
         all = d->momentum_convention == EK_MOMENTUM_CUMULATIVE;
    real m = all ? 1 : replace ? 1 - (real)d->momentum : (real)d->momentum;
    double of_keep = replace ? U * (double)m : 0, of_take = replace ? 0 : U * (double)(1 - m);
    if (!all && d->running_start != EK_START_DEBIASED) return (weights_ref){m, 1 - m, of_keep, of_take};
    real sum = 0;
    for (int64_t i = 0; i <= updates; i++) sum = 1 + m * sum;
    double part = all ? 0 : (2.0 * (double)updates + 10) * U, take = (double)(1 / sum);
    if (replace && !all) part += U * (double)updates;
    return (weights_ref){(sum - 1) / sum, 1 / sum, updates > 0 ? part * take + 2 * U * (1 - take) : 0,
                         (part + U) * take};
}

static double moved_by(real running, const weights_ref *w, real batch, double off) {
    double old = fabs((double)running), now = fabs((double)batch);
    return old * (w->dkeep + 2 * U * (double)w->keep) + now * (w->dtake + 2 * U * (double)w->take) +
           (double)w->take * off;
}

void check_running(trial *t, draws *d, findings *f) {
    int64_t updates = below(d, 3) ? 0 : below(d, 60), at = updates;
    ek_norm_update done;
    size_t channels = (size_t)t->plan->channels, bytes = channels * (t->plan->wide ? 8 : 4);
    if (t->plan->family != EKI_BATCH || t->stats == EK_STATS_RUNNING || t->elements == 0) return;
    void *mean = malloc(bytes), *var = malloc(bytes);
    memcpy(mean, t->small[4], bytes), memcpy(var, t->small[5], bytes);
    ek_status s = t->desc.momentum_convention == EK_MOMENTUM_CUMULATIVE
                      ? ek_norm_update_cumulative(t->plan, t->args.saved, mean, var, &at, &done, NULL)
                  : t->desc.running_start == EK_START_DEBIASED
                      ? ek_norm_update_debiased(t->plan, t->args.saved, mean, var, &at, &done, NULL)
                      : ek_norm_update_running(t->plan, t->args.saved, mean, var, &done, NULL);
    reference r = reference_make(t);
    weights_ref w = weights_of(&t->desc, updates);
    double narrowed = r.type.narrowed, half = narrowed > 0 ? r.type.half : 0;
    for (size_t c = 0; s == EK_OK && done.updated && c < channels; c++) {
        batch_ref b = batch_of(t, &r, c);
        real m = w.keep * (real)t->running_mean[c] + w.take * b.mean,
             v = w.keep * (real)t->running_var[c] + w.take * b.var;
        double dm = moved_by((real)t->running_mean[c], &w, b.mean, b.dmean),
               dv = moved_by((real)t->running_var[c], &w, b.var, b.dvar);
        double am = fabs((double)m) + dm, av = fabs((double)v) + dv;
        if (!isfinite(dm) || !isfinite(dv) || !(am < r.type.most / 2) || !(av < r.type.most / 2)) continue;
        found(f, N5_RUNNING, fabs((double)((real)eki_real(t->plan, mean, (int64_t)c) - m)),
              (dm + narrowed * am + half) * THETA);
        found(f, N5_RUNNING, fabs((double)((real)eki_real(t->plan, var, (int64_t)c) - v)),
              (dv + narrowed * av + half) * THETA);
    }
    reference_free(&r);
    free(mean), free(var);
}

/* Batches that are exact merge one by one. */
void check_merged(draws *d, findings *f) {
    int k = 2 + below(d, 8);
    double s = ldexp(1, below(d, 40) - 20), m = chance(d, 0.5) ? 0 : s * exp2(uniform(d, 0, 30)),
           wide = chance(d, 0.5) ? s : s * 1e-3;
    ek_moments all = {0, 0, 0}, batch[16];
    real n = 0, mean = 0, within = 0, between = 0;
    double largest = 0, low = INFINITY, high = -INFINITY;
    for (int i = 0; i < k; i++) {
        int64_t count = 1 + below(d, chance(d, 0.5) ? 10 : 100000);
        batch[i] = (ek_moments){count, m + wide * uniform(d, -1, 1), s * s * (double)count * uniform(d, 0, 1)};
        all = ek_moments_merge(all, batch[i]);
        n += (real)count, mean += (real)count * ((real)batch[i].mean - (real)batch[0].mean),
            within += (real)batch[i].m2;
        largest = fmax(largest, fabs(batch[i].mean)), low = fmin(low, batch[i].mean), high = fmax(high, batch[i].mean);
    }
    mean = (real)batch[0].mean + mean / n;
    for (int i = 0; i < k; i++)
        between += (real)batch[i].count * ((real)batch[i].mean - mean) * ((real)batch[i].mean - mean);
    double l = k - 1, e = l * U * (largest + 3 * (high - low)) * THETA, b = (double)between, count = (double)n;
    double m2 =
        (6 * U * b + 2 * l * U * (double)(within + between) + 2 * e * sqrt(l * count * b) + count * l * e * e) * THETA;
    f->kernel[N17_MERGED] = "f64";
    found(f, N17_MERGED, fabs((double)((real)all.mean - mean)), e);
    found(f, N17_MERGED, fabs((double)((real)all.m2 - (within + between))), m2);
}

/* A trial with the numbers and the results of a batch that was spread over ranks, whose shares are whole chunks. */
static trial *trial_of(const spread *s, double more) {
    const fixture *f = s->f;
    ek_norm_desc desc = f->desc;
    trial *t = trial_make(&desc, EK_STATS_BATCH);
    const float *from[] = {f->x, f->dy, f->y, f->dx};
    double *to[] = {t->x, t->dy, t->y, t->dx};
    for (size_t i = 0; i < t->elements; i++) {
        for (int k = 0; k < 4; k++) to[k][i] = (double)from[k][t->offset[i]];
    }
    for (size_t c = 0; c < t->parameters; c++) {
        t->scale[c] = (double)f->scale[c], t->bias[c] = (double)f->bias[c];
        t->dscale[c] = (double)s->rank[0].dscale[c], t->dbias[c] = (double)s->rank[0].dbias[c];
        t->mean[c] = (double)s->rank[0].mean[c], t->var[c] = (double)s->rank[0].var[c];
    }
    eki_stats saved = eki_stats_at(t->plan, s->rank[0].args.saved, NULL);
    for (size_t c = 0; c < t->sets; c++) {
        t->set_mean[c] = saved.mean[c], t->set_var[c] = saved.var[c];
        t->set_rstd[c] = eki_rstd(saved.var[c], desc.epsilon);
        t->rstd[c] = (double)(float)t->set_rstd[c];
    }
    t->levels_more = more;
    return t;
}

void check_ranks(draws *d, findings *f) {
    const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};
    int ranks = 2 + below(d, 7);
    int64_t counts[WORLD_RANKS], all = 0, chunk = 1 + below(d, 3);
    for (int r = 0; r < ranks; r++) all += counts[r] = chunk * below(d, 6);
    if (all == 0) all = counts[0] = chunk;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3, desc.layout = layouts[below(d, 4)], desc.chunk = chunk;
    desc.dims[0] = all, desc.dims[1] = 1 + below(d, 20), desc.dims[2] = 1 + below(d, 40);
    spread s;
    spread_make_data(&s, &desc, EK_SYNC_FAST, ranks, counts, (world_order)below(d, WORLD_ORDERS),
                     chance(d, 0.5) ? 3 : 2 * exp2(uniform(d, 0, 20)));
    spread_forward(&s);
    spread_backward(&s);
    trial *t = trial_of(&s, ranks - 1);
    findings of = {{0}, {0}, {NULL}};
    check_trial(t, true, &of);
    f->kernel[N16_RANKS] = "f32";
    for (int n = 1; n < THEOREMS; n++) {
        f->ratio[N16_RANKS] = fmax(f->ratio[N16_RANKS], of.ratio[n]);
        f->outputs[N16_RANKS] += of.outputs[n];
    }
    trial_free(t);
    spread_free(&s);
}
