/* search.c: see search.h. */
#include "bounds/search.h"

#include <evenkeel/cpu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t start(const search *s, uint64_t number) {
    draws d = {s->seed * UINT64_C(0x2545f4914f6cdd1d) + number};
    return draw(&d);
}

static trial *draw_trial(const search *s, draws *d, double elements) {
    for (;;) {
        ek_norm_stats stats;
        ek_norm_desc desc = random_desc(d, fmin(s->least, elements), elements, s->type, &stats);
        trial *t = trial_make(&desc, stats);
        if (t != NULL && t->elements <= 2 * elements + 64) return t;
        trial_free(t);
    }
}

/* In 16-bit types backward reads the rounded y, so that what it forms is not to be seen. */
static bool has_backward(const trial *t) { return !t->results || t->desc.activation == EK_ACTIVATION_NONE; }

static bool equal(const double *a, const double *b, size_t n) { return memcmp(a, b, n * sizeof *a) == 0; }

typedef struct outcome {
    double *y, *dx, *dscale, *dbias, *mean;
} outcome;

static double *copy(const double *from, size_t n) {
    double *to = malloc((n + 1) * sizeof *to);
    if (to == NULL) abort();
    memcpy(to, from, n * sizeof *to);
    return to;
}

static outcome keep(const trial *t) {
    return (outcome){copy(t->y, t->elements), copy(t->dx, t->elements), copy(t->dscale, t->parameters),
                     copy(t->dbias, t->parameters), copy(t->set_mean, t->sets)};
}

static bool same(const trial *t, const outcome *o) {
    return equal(o->y, t->y, t->elements) && equal(o->dx, t->dx, t->elements) &&
           equal(o->dscale, t->dscale, t->parameters) && equal(o->dbias, t->dbias, t->parameters) &&
           equal(o->mean, t->set_mean, t->sets);
}

static void drop(outcome *o) { free(o->y), free(o->dx), free(o->dscale), free(o->dbias), free(o->mean); }

static const char *variant_of(const trial *t) {
    const ek_norm_desc *d = &t->desc;
    if (t->results) return "bf16, f16";
    if (t->plan->renorm) return "renorm";
    if (t->plan->ghosts > 1) return "virtual batches";
    if (d->masked) return "masked";
    if (d->activation != EK_ACTIVATION_NONE || d->residual) return "fused";
    if (d->chunk > 0) return "chunk";
    return t->plan->wide ? "plain f64" : "plain f32";
}

static void add_findings(const search *s, const trial *t, findings f, size_t isa, uint64_t number) {
    ledger_add(s->book, &f, isa, isa == 0, number);
    for (int n = 0; n < THEOREMS; n++) f.kernel[n] = variant_of(t);
    ledger_add(s->variants, &f, isa, isa == 0, number);
}

/* Equal bits have equal errors: instruction sets after the first are checked again only where they differ. */
static void on_every_isa(const search *s, trial *t, uint64_t number) {
    bool backward = has_backward(t);
    findings first = {{0}, {0}, {NULL}};
    outcome of_first = {NULL, NULL, NULL, NULL, NULL};
    for (size_t i = 0; i < s->book->isas; i++) {
        findings f = {{0}, {0}, {NULL}};
        if (ek_cpu_set_isa(s->book->isa[i], NULL) != EK_OK || !trial_run(t, backward)) break;
        if (i > 0 && same(t, &of_first)) {
            f = first;
        } else {
            draws d = {number};
            check_trial(t, backward, &f);
            if (!t->given) check_running(t, &d, &f);
        }
        add_findings(s, t, f, i, number);
        if (i > 0) continue;
        first = f;
        of_first = keep(t);
    }
    drop(&of_first);
}

static void check_others(const search *s, draws *d, uint64_t number) {
    for (size_t i = 0; i < s->book->isas; i++) {
        findings f = {{0}, {0}, {NULL}};
        draws again = *d;
        if (ek_cpu_set_isa(s->book->isa[i], NULL) != EK_OK) return;
        check_merged(&again, &f);
        if (number % 32 == 0) check_ranks(&again, &f);
        ledger_add(s->book, &f, i, i == 0, number);
        f.kernel[N16_RANKS] = "ranks, fast";
        f.kernel[N17_MERGED] = "merged";
        ledger_add(s->variants, &f, i, i == 0, number);
    }
}

static void describe(const trial *t, int family) {
    const ek_norm_desc *d = &t->desc;
    printf("kind %d layout %d type %d axis %d affine %d groups %lld dims", (int)d->kind, (int)d->layout, (int)d->dtype,
           d->axis, (int)d->affine, (long long)d->groups);
    for (int i = 0; i < d->rank; i++) printf(" %lld", (long long)d->dims[i]);
    printf(" epsilon %g running %d ghost %lld chunk %lld renorm %g masked %d activation %d residual %d family %d\n",
           d->epsilon, (int)t->stats, (long long)d->ghost, (long long)d->chunk, d->renorm_r_max, d->masked,
           (int)d->activation, d->residual, family);
    for (size_t i = 0; i < t->elements && i < 12; i++)
        printf("  x %.17g dy %.17g y %.17g dx %.17g\n", t->x[i], t->dy[i], t->y[i], t->dx[i]);
    for (size_t p = 0; p < t->parameters && p < 4; p++) printf("  scale %.17g bias %.17g\n", t->scale[p], t->bias[p]);
}

void search_trial(const search *s, uint64_t number) {
    draws d = {start(s, number)};
    trial *t = draw_trial(s, &d, s->elements);
    int family = below(&d, FAMILIES);
    fill(t, &d, family);
    on_every_isa(s, t, number);
    if (s->loud) describe(t, family);
    trial_free(t);
    check_others(s, &d, number);
}

/* Another number in the place of one: near it, far from it, or one that is there already. */
static double moved(draws *d, double old, double other) {
    switch (below(d, 7)) {
    case 0: return old * (1 + uniform(d, -1, 1) * ldexp(1, -below(d, 25)));
    case 1: return nextafter(old, chance(d, 0.5) ? INFINITY : -INFINITY);
    case 2: return -old;
    case 3: return old * ldexp(1, below(d, 9) - 4);
    case 4: return other;
    case 5: return other + (old - other) * uniform(d, 0, 1);
    default: return old + ldexp(old, -23) * (below(d, 3) - 1);
    }
}

/* One of the inputs, and how many there are. */
static double *inputs(trial *t, draws *d, size_t *n, bool *parameter) {
    int which = below(d, 20);
    *parameter = which >= 15;
    *n = which < 15 ? t->elements : t->parameters;
    if (which < 9) return t->x;
    if (which < 14) return t->dy;
    if (which < 15) return t->desc.residual ? t->residual : t->x;
    if (which < 17) return t->scale;
    if (which < 18) return t->bias;
    *n = (size_t)t->plan->channels;
    return which < 19 ? t->running_mean : t->running_var;
}

static double ratio_of(trial *t, theorem n, bool backward) {
    findings f = {{0}, {0}, {NULL}};
    if (!trial_run(t, backward)) return 0;
    check_trial(t, backward, &f);
    return f.ratio[n];
}

static void climb(trial *t, draws *d, theorem n, bool backward, int steps) {
    double best = ratio_of(t, n, backward);
    for (int step = 0; step < steps; step++) {
        size_t count;
        bool parameter;
        double *a = inputs(t, d, &count, &parameter);
        size_t i = draw(d) % count;
        double old = a[i], next = moved(d, old, a[draw(d) % count]);
        a[i] = parameter ? trial_parameter(t, next) : trial_rounded(t, next);
        if (a == t->running_var) a[i] = fabs(a[i]);
        double now = a[i] == old ? best : ratio_of(t, n, backward);
        if (now >= best) {
            best = now;
        } else {
            a[i] = old;
        }
    }
}

void search_climb(const search *s, uint64_t number, int steps) {
    draws d = {start(s, number)};
    trial *t = draw_trial(s, &d, chance(&d, 0.7) ? 24 : 100);
    findings f = {{0}, {0}, {NULL}};
    bool backward = has_backward(t);
    fill(t, &d, below(&d, FAMILIES));
    if (ek_cpu_set_isa(s->book->isa[0], NULL) == EK_OK && trial_run(t, backward)) {
        check_trial(t, backward, &f);
        for (int tries = 0; tries < 40; tries++) {
            theorem n = (theorem)(1 + below(&d, THEOREMS - 1));
            if (f.outputs[n] == 0) continue;
            climb(t, &d, n, backward, steps);
            break;
        }
        on_every_isa(s, t, number);
        if (s->loud) describe(t, -1);
    }
    trial_free(t);
}
