/* plan_report.c: what a plan takes, in words for people. */
#include "graph/plan.h"

#include <stdio.h>
#include <string.h>

static bool alive(const eki_buffer *b, int tick) {
    for (int i = 0; i < b->n_lives; i++) {
        if (b->lives[i].first <= tick && tick <= b->lives[i].last) return true;
    }
    return false;
}

/* Bytes that a buffer has to itself at a tick; one that lies in another's memory counts with that. */
static size_t count(const eki_plan_private *p, int buffer, int tick) {
    if (buffer < 0 || p->buffers[buffer].host != buffer || !alive(&p->buffers[buffer], tick)) return 0;
    return p->buffers[buffer].bytes;
}

static void count_all(const eki_plan_private *p, int tick, ek_memory_report *r) {
    r->results = r->gradients = r->saved = r->scratch = 0;
    for (size_t i = 0; i < p->n_tensors; i++) {
        r->results += count(p, p->tensors[i].buffer, tick);
        r->gradients += count(p, p->tensors[i].grad_buffer, tick);
    }
    for (size_t s = 0; s < p->n_steps; s++) {
        const eki_pstep *pstep = p->steps[s];
        for (int k = 0; k < pstep->step.n_in; k++) r->gradients += count(p, pstep->din_buffer[k], tick);
        r->gradients += count(p, pstep->residual_din_buffer, tick);
        r->saved += count(p, pstep->saved, tick);
        r->scratch += count(p, pstep->forward_scratch, tick) + count(p, pstep->backward_scratch, tick);
    }
}

/* The ticks at which something begins to live: most is alive at one of them. */
static void count_most(const eki_plan_private *p, ek_memory_report *report) {
    size_t most = 0;
    for (int t = -1; t <= (int)p->n_ticks; t++) {
        ek_memory_report now = *report;
        count_all(p, t, &now);
        size_t sum = now.results + now.gradients + now.saved + now.scratch;
        if (sum <= most) continue;
        most = sum;
        *report = now;
    }
}

static int times_again(const eki_plan_private *p, const eki_op *op, size_t until) {
    int times = 0;
    for (size_t t = 0; t < until; t++) {
        times += p->ticks[t].pass == EKI_PASS_AGAIN && p->steps[p->ticks[t].step]->step.op == op;
    }
    return times;
}

/* "BatchNormalization 19, Relu 3", in the order in which they come; what does not fit is left out. */
static void name_again(const eki_plan_private *p, ek_memory_report *report) {
    size_t used = 0, room = sizeof report->again_text;
    for (size_t t = 0; t < p->n_ticks; t++) {
        const eki_op *op = p->steps[p->ticks[t].step]->step.op;
        if (p->ticks[t].pass != EKI_PASS_AGAIN) continue;
        report->again++;
        if (times_again(p, op, t) > 0) continue;
        int n = snprintf(report->again_text + used, room - used, "%s%s %d", used > 0 ? ", " : "", op->name,
                         times_again(p, op, p->n_ticks));
        if (n < 0 || (size_t)n >= room - used) {
            report->again_text[used] = '\0';
        } else {
            used += (size_t)n;
        }
    }
}

void eki_plan_memory(const eki_plan_private *p, ek_memory_report *report) {
    *report = (ek_memory_report){
        .bytes = p->arena_bytes, .plain_bytes = p->plain_bytes, .steps = (int64_t)p->n_steps, .time = p->time};
    count_most(p, report);
    name_again(p, report);
    for (size_t s = 0; s < p->n_steps; s++) report->prepared += p->steps[s]->step.kept_bytes;
}
