/* plan_again.c: which results of a plan are kept for backward, and which are computed again there; and so its ticks.
 *
 * Backward reads the results of many steps. One that is not kept comes forward again just before the first pass that
 * reads it, by the same step from the same inputs, and so to the same bits; if those were not kept either, they come
 * first. What a choice saves and costs depends on all others: chains of steps that are all let go have to be made
 * at once, and what is saved at one time is of no use where most is needed at another. So one step after the other
 * changes sides, each time the one that lowers the pressure on memory most for the time it takes, whole plans being
 * compared. That finds schedules as of Chen et al. 2016 (one result kept of so many in a chain), cheap steps first.
 * Memory is counted tick by tick; time is a model (bytes moved, operations). Very large graphs end before all is tried.
 */
#include "graph/plan.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPERATIONS = 10, /* that take as long as a byte moved */
    SPARE = 16,      /* a part of what is left that a plan which has to fit leaves to others */
    BACKWARD = 2,    /* times the forward of a step */
    BLUNT = 4,       /* pressure is the sum of such powers of what is alive: the higher, the more the greatest need */
    SHARP = 64,      /* alone counts */
    WORK = 200000000 /* steps that are gone through at most, over all plans that are looked at */
};
static const double patience = 1.25; /* of EKI_RECOMPUTE_LEAST: times as long, at most */

ek_status eki_recompute_asked(ek_memory_use asked, eki_recompute *recompute, ek_error *err) {
    static const eki_recompute of[] = {[EK_MEMORY_FIT] = EKI_RECOMPUTE_TO_FIT,
                                       [EK_MEMORY_FASTEST] = EKI_RECOMPUTE_NOTHING,
                                       [EK_MEMORY_LEAST] = EKI_RECOMPUTE_LEAST};
    if (asked >= EK_MEMORY_FIT && asked <= EK_MEMORY_LEAST) {
        *recompute = of[asked];
        return EK_OK;
    }
    return eki_fail(err, EK_ERR_ARG,
                    "memory is %d, expected EK_MEMORY_FIT (0), EK_MEMORY_FASTEST (1) or "
                    "EK_MEMORY_LEAST (2)",
                    (int)asked);
}

typedef struct measure {
    double time, pressure; /* time: of a step that keeps everything = 1 */
    size_t peak;
} measure;

typedef struct chooser {
    eki_plan_private *p;
    int *producer; /* by tensor: the step that makes it, -1 = none */
    double *cost;  /* by step: of its forward */
    double *gain;  /* by step: of changing sides, when it was last looked at */
    bool *may, *made, *pending;
    size_t *alive; /* bytes by tick */
    double whole;  /* cost of a step of training */
    size_t most;   /* alive at once if everything is kept */
    int power;     /* of pressure */
    size_t looks;  /* that there may still be */
    measure now;
} chooser;

static size_t bytes_of(const eki_plan_private *p, int tensor) {
    if (tensor < 0) return 0;
    const eki_view *view = &p->tensors[tensor].view;
    return eki_view_elements(view) * eki_dtype_bytes(view->dtype);
}

/* Of a convolution and its like, whose weight is input 1; of a matrix product. */
static double operations(const eki_step *step) {
    eki_opcode op = step->node != NULL ? step->node->op : EKI_OP_NONE;
    if (!eki_op_has(op, EKI_PRODUCT) || step->n_in < 2 || !step->has_in[1]) return 0.0;
    const eki_view *x = &step->in[0], *w = &step->in[1], *y = &step->out[0];
    if (!eki_op_has(op, EKI_CONVOLUTION)) {
        int rank = y->shape.rank;
        return rank > 0 ? 2.0 * (double)eki_view_elements(x) * (double)y->shape.dims[rank - 1] : 0.0;
    }
    double filters = w->shape.rank > 0 && w->shape.dims[0] > 0 ? (double)w->shape.dims[0] : 1.0;
    const eki_view *places = op == EKI_OP_ConvTranspose ? x : y;
    return 2.0 * (double)eki_view_elements(places) * (double)eki_view_elements(w) / filters;
}

static double cost_of(const eki_plan_private *p, const eki_pstep *pstep) {
    double bytes = (double)bytes_of(p, pstep->residual);
    for (int k = 0; k < pstep->step.n_in; k++) bytes += (double)bytes_of(p, pstep->in[k]);
    for (int k = 0; k < pstep->step.n_out; k++) bytes += (double)bytes_of(p, pstep->out[k]);
    return bytes + operations(&pstep->step) / OPERATIONS;
}

static bool is_output(const eki_plan_private *p, int tensor) {
    for (size_t i = 0; i < p->n_outputs; i++) {
        if (p->outputs[i] == tensor) return true;
    }
    return false;
}

/* Outputs are read between forward and backward, and after it. */
static bool may_come_again(const eki_plan_private *p, const eki_pstep *pstep) {
    for (int k = 0; k < pstep->step.n_out; k++) {
        if (pstep->out[k] >= 0 && is_output(p, pstep->out[k])) return false;
    }
    return !pstep->step.once;
}

static ek_status open_chooser(chooser *c, eki_plan_private *p, ek_error *err) {
    size_t n = p->n_steps + 1;
    *c = (chooser){.p = p,
                   .producer = eki_calloc(p->n_tensors + 1, sizeof *c->producer),
                   .cost = eki_calloc(n, sizeof *c->cost),
                   .gain = eki_calloc(n, sizeof *c->gain),
                   .may = eki_calloc(n, sizeof *c->may),
                   .made = eki_calloc(n, sizeof *c->made),
                   .pending = eki_calloc(n, sizeof *c->pending),
                   .alive = eki_calloc(n, 3 * sizeof *c->alive)};
    bool all = c->producer != NULL && c->cost != NULL && c->gain != NULL && c->may != NULL && c->made != NULL;
    if (!all || c->pending == NULL || c->alive == NULL) return eki_fail_nomem(err, n * sizeof *c->alive);
    c->looks = WORK / n;
    for (size_t i = 0; i < p->n_tensors; i++) c->producer[i] = -1;
    for (size_t s = 0; s < p->n_steps; s++) {
        const eki_pstep *pstep = p->steps[s];
        c->cost[s] = cost_of(p, pstep);
        c->may[s] = may_come_again(p, pstep);
        c->whole += c->cost[s] * (pstep->backward ? 1 + BACKWARD : 1);
        for (int k = 0; k < pstep->step.n_out; k++) {
            if (pstep->out[k] >= 0) c->producer[pstep->out[k]] = (int)s;
        }
    }
    return EK_OK;
}

static void close_chooser(chooser *c) {
    free(c->producer);
    free(c->cost);
    free(c->gain);
    free(c->may);
    free(c->made);
    free(c->pending);
    free(c->alive);
}

/* The step that has to come again for a tensor, or -1. */
static int again_for(const chooser *c, int tensor) {
    int step = tensor >= 0 ? c->producer[tensor] : -1;
    return step >= 0 && c->p->again[step] ? step : -1;
}

/* Asks for the step that makes a tensor; the lowest that was asked for. */
static int ask(chooser *c, int tensor, int lowest) {
    int step = again_for(c, tensor);
    if (step < 0 || c->made[step]) return lowest;
    c->pending[step] = true;
    return step < lowest ? step : lowest;
}

/* What has to come again before the backward pass of step s: first who is asked for, from the last to the first. */
static void add_again(chooser *c, int s) {
    eki_plan_private *p = c->p;
    const eki_pstep *pstep = p->steps[s];
    int lowest = s + 1;
    for (int k = 0; k < pstep->step.n_in; k++) {
        if (pstep->step.keep_in[k]) lowest = ask(c, pstep->in[k], lowest);
    }
    for (int k = 0; k < pstep->step.n_out; k++) {
        if (pstep->step.keep_out[k]) lowest = ask(c, pstep->out[k], lowest);
    }
    for (int q = s; q >= lowest; q--) {
        if (!c->pending[q]) continue;
        for (int k = 0; k < p->steps[q]->step.n_in; k++) lowest = ask(c, p->steps[q]->in[k], lowest);
        lowest = ask(c, p->steps[q]->residual, lowest);
    }
    for (int q = lowest; q <= s; q++) {
        if (!c->pending[q]) continue;
        c->pending[q] = false;
        c->made[q] = true;
        p->ticks[p->n_ticks++] = (eki_tick){q, EKI_PASS_AGAIN};
    }
}

static void make_ticks(chooser *c) {
    eki_plan_private *p = c->p;
    p->n_ticks = 0;
    for (size_t s = 0; s < p->n_steps; s++) p->ticks[p->n_ticks++] = (eki_tick){(int)s, EKI_PASS_FORWARD};
    memset(c->made, 0, p->n_steps * sizeof *c->made);
    for (int s = (int)p->n_steps - 1; s >= 0; s--) {
        if (!p->steps[s]->backward) continue;
        add_again(c, s);
        p->ticks[p->n_ticks++] = (eki_tick){s, EKI_PASS_BACKWARD};
    }
}

static double time_of(const chooser *c) {
    double more = 0.0;
    for (size_t t = 0; t < c->p->n_ticks; t++) {
        if (c->p->ticks[t].pass == EKI_PASS_AGAIN) more += c->cost[c->p->ticks[t].step];
    }
    return c->whole > 0.0 ? 1.0 + more / c->whole : 1.0;
}

/* The plan by the sides that the steps are on. */
static measure look(chooser *c) {
    eki_plan_private *p = c->p;
    measure m = {.peak = 0};
    make_ticks(c);
    eki_plan_lives(p);
    m.time = time_of(c);
    m.peak = eki_plan_alive(p, c->alive);
    double scale = c->most > 0 ? 1.0 / (double)c->most : 1.0;
    for (size_t t = 0; t < p->n_ticks + 2; t++) {
        double x = (double)c->alive[t] * scale;
        for (int i = 1; i < c->power; i *= 2) x *= x;
        m.pressure += x;
    }
    return m;
}

static void change_side(chooser *c, size_t s) { c->p->again[s] = !c->p->again[s]; }

/* What changing sides is worth: how much less pressure for a unit of time; 0 = nothing, or it would take too long. */
static double gain_of(chooser *c, size_t s, double longest) {
    if (c->looks == 0) return 0.0;
    c->looks--;
    change_side(c, s);
    measure m = look(c);
    change_side(c, s);
    double less = m.pressure > 0.0 ? log(c->now.pressure / m.pressure) : 0.0, more = m.time - c->now.time;
    if (m.time > longest || !(less > 1e-9)) return 0.0;
    return more > 1e-6 ? less / more : less * 1e6;
}

static size_t best_gain(const chooser *c) {
    size_t best = 0;
    for (size_t s = 1; s < c->p->n_steps; s++) {
        if (c->gain[s] > c->gain[best]) best = s;
    }
    return best;
}

/* The best by an earlier look is looked at again, and changes sides if it still is. Whether one did. */
static bool sweep(chooser *c, size_t target, double longest) {
    bool changed = false;
    for (size_t s = 0; s < c->p->n_steps; s++) c->gain[s] = c->may[s] ? gain_of(c, s, longest) : 0.0;
    while (c->now.peak > target) {
        size_t s = best_gain(c);
        if (c->gain[s] <= 0.0) break;
        c->gain[s] = gain_of(c, s, longest);
        if (best_gain(c) != s || c->gain[s] <= 0.0) continue;
        c->gain[s] = 0.0;
        change_side(c, s);
        c->now = look(c);
        changed = true;
    }
    return changed;
}

/* Less memory, down to `target`, as long as a run takes at most `longest`; then places. */
static ek_status lower(chooser *c, size_t target, double longest, ek_error *err) {
    for (c->power = BLUNT; c->power <= SHARP && c->now.peak > target; c->power *= 4) {
        c->now = look(c);
        while (c->now.peak > target && sweep(c, target, longest)) {
        }
    }
    c->now = look(c);
    return eki_plan_place(c->p, err);
}

/* Places need a little more than what is alive. */
static ek_status fit(chooser *c, size_t most, ek_error *err) {
    size_t target = most, before;
    do {
        before = c->now.peak;
        EKI_TRY(lower(c, target, DBL_MAX, err));
        target = c->now.peak - c->now.peak / 64;
    } while (c->p->arena_bytes > most && c->now.peak < before);
    return EK_OK;
}

static ek_status choose(chooser *c, eki_recompute recompute, size_t most, ek_error *err) {
    eki_plan_private *p = c->p;
    c->now = look(c);
    c->most = c->now.peak;
    bool backward = p->n_ticks != p->n_steps;
    if (!backward) EKI_TRY(eki_plan_join(p, err));
    EKI_TRY(eki_plan_place(p, err));
    p->plain_bytes = p->arena_bytes;
    if (!backward) return EK_OK;
    if (recompute == EKI_RECOMPUTE_ALL) memcpy(p->again, c->may, p->n_steps * sizeof *p->again);
    c->now = look(c);
    if (recompute == EKI_RECOMPUTE_ALL) return eki_plan_place(p, err);
    if (recompute == EKI_RECOMPUTE_LEAST) return lower(c, 0, patience, err);
    bool fits = recompute != EKI_RECOMPUTE_TO_FIT || p->arena_bytes <= most;
    return fits ? EK_OK : fit(c, most - most / SPARE, err);
}

static ek_status check_fits(const eki_plan_private *p, size_t most, ek_error *err) {
    if (p->arena_bytes <= most) return EK_OK;
    bool again = p->time > 1.0;
    return eki_fail(err, EK_ERR_LIMIT, "the model would take %zu MiB at these shapes%s; %zu MiB of memory are left",
                    p->arena_bytes >> 20, again ? ", however little is kept for backward" : "", most >> 20);
}

ek_status eki_plan_schedule(eki_plan *plan, const eki_plan_request *request, ek_error *err) {
    eki_plan_private *p = plan->private_data;
    size_t most = request->options->memory;
    if (most == 0 && !eki_add_size(eki_memory_left(), request->room, &most)) most = SIZE_MAX;
    p->again = eki_calloc(p->n_steps + 1, sizeof *p->again);
    p->ticks = eki_calloc(p->n_steps + 1, 3 * sizeof *p->ticks);
    if (p->again == NULL || p->ticks == NULL) return eki_fail_nomem(err, p->n_steps * sizeof *p->ticks);
    EKI_TRY(eki_plan_round(p, err));
    chooser c;
    ek_status status = open_chooser(&c, p, err);
    if (status == EK_OK) status = choose(&c, request->options->recompute, most, err);
    p->time = c.now.time;
    close_chooser(&c);
    EKI_TRY(status);
    return check_fits(p, most, err);
}
