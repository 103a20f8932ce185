/* plan_memory.c: when each buffer of a plan is alive, where it lies in the one arena, and every pointer of every step.
 *
 * Places are found greedily, largest buffer first, each at the lowest offset that no buffer alive at the same time
 * occupies (Pisarchyk and Lee 2020 find this within a few per cent of the optimum for networks).
 */
#include "graph/plan.h"

#include "base/large.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void use(eki_plan_private *p, int buffer, int tick) {
    if (buffer < 0) return;
    eki_buffer *b = &p->buffers[buffer];
    if (b->n_lives == 0 || b->renewed) b->lives[b->n_lives++] = (eki_life){tick, tick};
    b->renewed = false;
    b->lives[b->n_lives - 1].last = tick;
}

static void use_tensor(eki_plan_private *p, int tensor, int tick) {
    if (tensor >= 0) use(p, p->tensors[tensor].buffer, tick);
}

static void use_gradient(eki_plan_private *p, int tensor, int tick) {
    if (tensor >= 0) use(p, p->tensors[tensor].grad_buffer, tick);
}

static void live_forward(eki_plan_private *p, const eki_pstep *pstep, int tick) {
    for (int k = 0; k < pstep->step.n_in; k++) use_tensor(p, pstep->in[k], tick);
    use_tensor(p, pstep->residual, tick);
    for (int k = 0; k < pstep->step.n_out; k++) use_tensor(p, pstep->out[k], tick);
    use(p, pstep->forward_scratch, tick);
    use(p, pstep->saved, tick);
}

static void live_backward(eki_plan_private *p, const eki_pstep *pstep, int tick) {
    for (int k = 0; k < pstep->step.n_in; k++) {
        if (pstep->step.keep_in[k]) use_tensor(p, pstep->in[k], tick);
        if (!pstep->step.want_din[k]) continue;
        use_gradient(p, pstep->in[k], tick);
        use(p, pstep->din_buffer[k], tick);
    }
    if (pstep->step.tail.want_din) {
        use_gradient(p, pstep->residual, tick);
        use(p, pstep->residual_din_buffer, tick);
    }
    for (int k = 0; k < pstep->step.n_out; k++) {
        if (pstep->step.keep_out[k]) use_tensor(p, pstep->out[k], tick);
        if (pstep->out[k] >= 0 && p->tensors[pstep->out[k]].grad_defined) use_gradient(p, pstep->out[k], tick);
    }
    use(p, pstep->backward_scratch, tick);
    use(p, pstep->saved, tick);
}

/* What a step makes is not kept until it is made again. */
static void renew(eki_plan_private *p, const eki_pstep *pstep) {
    for (int k = 0; k < pstep->step.n_out; k++) {
        if (pstep->out[k] >= 0) p->buffers[p->tensors[pstep->out[k]].buffer].renewed = true;
    }
    if (pstep->forward_scratch >= 0) p->buffers[pstep->forward_scratch].renewed = true;
}

static void live_before(eki_plan_private *p) {
    for (size_t i = 0; i < p->n_inputs; i++) use_tensor(p, p->inputs[i], -1);
    for (size_t i = 0; i < p->n_outputs; i++) use_gradient(p, p->outputs[i], -1);
}

static void live_after(eki_plan_private *p, int end) {
    for (size_t s = 0; s < p->n_steps; s++) {
        if (p->steps[s]->step.op->commit != NULL) use(p, p->steps[s]->saved, end);
    }
    for (size_t i = 0; i < p->n_inputs; i++) {
        use_tensor(p, p->inputs[i], end);
        use_gradient(p, p->inputs[i], end);
    }
    for (size_t i = 0; i < p->n_outputs; i++) {
        use_tensor(p, p->outputs[i], end);
        use_gradient(p, p->outputs[i], end);
    }
}

static void compute_lives(eki_plan_private *p) {
    live_before(p);
    for (size_t t = 0; t < p->n_ticks; t++) {
        const eki_pstep *pstep = p->steps[p->ticks[t].step];
        if (p->ticks[t].pass == EKI_PASS_AGAIN) renew(p, pstep);
        if (p->ticks[t].pass == EKI_PASS_BACKWARD) {
            live_backward(p, pstep, (int)t);
        } else {
            live_forward(p, pstep, (int)t);
        }
    }
    live_after(p, (int)p->n_ticks);
}

static eki_buffer *host_of(eki_plan_private *p, int buffer) { return &p->buffers[p->buffers[buffer].host]; }

/* Each life of `in` ends with the tick that begins the like one of `out`, and they do not meet otherwise. */
static bool hands_over(const eki_buffer *in, const eki_buffer *out) {
    bool fits = in->n_lives == out->n_lives && in->n_lives > 0;
    for (int i = 0; i < in->n_lives && fits; i++) {
        fits = in->lives[i].last == out->lives[i].first;
        if (fits && i > 0) fits = in->lives[i].first > out->lives[i - 1].last;
    }
    return fits;
}

/* Buffer `out` gets the memory of buffer `in`, if that dies where it begins. */
static bool take_over(eki_plan_private *p, int out, int in) {
    if (in < 0 || out < 0 || !hands_over(host_of(p, in), &p->buffers[out])) return false;
    eki_buffer *host = host_of(p, in);
    p->buffers[out].host = p->buffers[in].host;
    for (int i = 0; i < host->n_lives; i++) host->lives[i].last = p->buffers[out].lives[i].last;
    return true;
}

static bool alike(const eki_view *a, const eki_view *b) {
    return a->layout == b->layout && a->dtype == b->dtype && eki_shape_equal(&a->shape, &b->shape);
}

static int buffer_of(const eki_plan_private *p, int tensor) { return tensor < 0 ? -1 : p->tensors[tensor].buffer; }

/* Output 0 of a step gets the memory of a tensor that it reads, if that is like it and dies with the step. */
static bool share_with(eki_plan_private *p, size_t s, int tensor, const eki_view *view) {
    const eki_pstep *pstep = p->steps[s];
    return alike(view, &pstep->step.out[0]) && take_over(p, buffer_of(p, pstep->out[0]), buffer_of(p, tensor));
}

/* A step that may run in place does, where an input dies with it: the result gets the input's memory, which then lives
 * as long as both. */
static void share_buffers(eki_plan_private *p) {
    for (size_t s = 0; s < p->n_steps; s++) {
        const eki_pstep *pstep = p->steps[s];
        const eki_step *step = &pstep->step;
        bool shared = false;
        for (int k = 0; k < step->n_in && k < 32 && !shared; k++) {
            if (step->in_place >> k & 1) shared = share_with(p, s, pstep->in[k], &step->in[k]);
        }
        if (!shared && step->tail.in_place) (void)share_with(p, s, pstep->residual, &step->tail.in);
    }
}

/* The same of gradients. */
static void share_gradients(eki_plan_private *p) {
    for (size_t s = p->n_steps; s-- > 0;) {
        const eki_pstep *pstep = p->steps[s];
        const eki_step *step = &pstep->step;
        bool may = pstep->backward && step->din_in_place && step->want_din[0] && pstep->out[0] >= 0;
        if (!may || !alike(&step->in[0], &step->out[0])) continue;
        int own = p->tensors[pstep->in[0]].grad_buffer, apart = pstep->din_buffer[0];
        (void)take_over(p, apart >= 0 ? apart : own, p->tensors[pstep->out[0]].grad_buffer);
    }
}

void eki_plan_lives(eki_plan_private *p) {
    for (size_t i = 0; i < p->n_buffers; i++) {
        p->buffers[i].n_lives = 0;
        p->buffers[i].renewed = false;
        p->buffers[i].host = (int)i;
        p->buffers[i].shift = 0;
    }
    compute_lives(p);
    share_buffers(p);
    share_gradients(p);
}

static bool is_placed(const eki_plan_private *p, size_t buffer) {
    return p->buffers[buffer].n_lives > 0 && p->buffers[buffer].host == (int)buffer;
}

/* Differences that wrap add up all the same. */
size_t eki_plan_alive(const eki_plan_private *p, size_t *alive) {
    size_t most = 0;
    memset(alive, 0, (p->n_ticks + 3) * sizeof *alive);
    for (size_t i = 0; i < p->n_buffers; i++) {
        const eki_buffer *b = &p->buffers[i];
        for (int k = 0; k < b->n_lives && is_placed(p, i); k++) {
            alive[b->lives[k].first + 1] += b->bytes;
            alive[b->lives[k].last + 2] -= b->bytes;
        }
    }
    for (size_t t = 0; t < p->n_ticks + 3; t++) {
        if (t > 0) alive[t] += alive[t - 1];
        if (alive[t] > most) most = alive[t];
    }
    return most;
}

typedef struct placed {
    size_t bytes;
    int index;
} placed;

static int by_size(const void *a, const void *b) {
    const placed *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return x->index - y->index;
}

static int by_offset(const void *a, const void *b) {
    const eki_buffer *x = *(eki_buffer *const *)a, *y = *(eki_buffer *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool meet(const eki_buffer *a, const eki_buffer *b) {
    for (int i = 0; i < a->n_lives; i++) {
        for (int k = 0; k < b->n_lives; k++) {
            if (a->lives[i].first <= b->lives[k].last && b->lives[k].first <= a->lives[i].last) return true;
        }
    }
    return false;
}

/* Lowest offset at which `buffer` fits between the `n` buffers already placed; `busy` is room for n pointers. */
static size_t find_gap(const eki_buffer *buffer, eki_buffer **done, size_t n, eki_buffer **busy) {
    size_t count = 0, offset = 0;
    for (size_t i = 0; i < n; i++) {
        if (meet(done[i], buffer)) busy[count++] = done[i];
    }
    qsort(busy, count, sizeof *busy, by_offset);
    for (size_t i = 0; i < count; i++) {
        if (offset + buffer->bytes <= busy[i]->offset) break;
        size_t end = busy[i]->offset + busy[i]->bytes;
        if (end > offset) offset = end;
    }
    return offset;
}

/* Rounds sizes up; their sum, which no placement exceeds, must not overflow. */
ek_status eki_plan_round(eki_plan_private *p, ek_error *err) {
    size_t total = 0;
    for (size_t i = 0; i < p->n_buffers; i++) {
        eki_buffer *buffer = &p->buffers[i];
        bool fits = eki_add_size(buffer->bytes, EKI_ALIGNMENT - 1, &buffer->bytes);
        buffer->bytes = buffer->bytes / EKI_ALIGNMENT * EKI_ALIGNMENT;
        if (!fits || !eki_add_size(total, buffer->bytes, &total)) {
            return eki_fail(err, EK_ERR_LIMIT, "the sizes of the model's tensors overflow");
        }
    }
    return EK_OK;
}

ek_status eki_plan_place(eki_plan_private *p, ek_error *err) {
    size_t n = p->n_buffers, used = 0;
    placed *order = eki_calloc(n + 1, sizeof *order);
    eki_buffer **pointers = eki_calloc(n + 1, 2 * sizeof(eki_buffer *));
    if (order == NULL || pointers == NULL) {
        free(order);
        free(pointers);
        return eki_fail_nomem(err, n * sizeof *order);
    }
    for (size_t i = 0; i < n; i++) {
        order[i] = (placed){p->buffers[i].bytes, (int)i};
    }
    qsort(order, n, sizeof *order, by_size);
    p->arena_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        eki_buffer *buffer = &p->buffers[order[i].index];
        if (!is_placed(p, (size_t)order[i].index)) continue;
        buffer->offset = find_gap(buffer, pointers, used, pointers + n);
        pointers[used++] = buffer;
        if (buffer->offset + buffer->bytes > p->arena_bytes) p->arena_bytes = buffer->offset + buffer->bytes;
    }
    free(order);
    free(pointers);
    return EK_OK;
}

/* What steps keep lies in one block, in the order of the steps. */
ek_status eki_plan_keep(eki_plan_private *p, ek_error *err) {
    size_t total = 0, most = eki_memory_left();
    for (size_t s = 0; s < p->n_steps; s++) {
        size_t bytes = p->steps[s]->step.kept_bytes;
        if (!eki_add_size(bytes, EKI_ALIGNMENT - 1, &bytes) || !eki_add_size(total, bytes, &total) || total > most) {
            return eki_fail(err, EK_ERR_LIMIT,
                            "the prepared weights would take more than the %zu MiB of memory that are left",
                            most >> 20);
        }
    }
    if (total == 0) return EK_OK;
    p->kept = eki_alloc_large(eki_sized(total));
    if (p->kept == NULL) return eki_fail_nomem(err, total);
    unsigned char *at = p->kept;
    for (size_t s = 0; s < p->n_steps; s++) {
        size_t bytes = p->steps[s]->step.kept_bytes;
        if (bytes > 0) p->steps[s]->step.kept = at;
        at += (bytes + EKI_ALIGNMENT - 1) / EKI_ALIGNMENT * EKI_ALIGNMENT;
    }
    return EK_OK;
}

void *eki_plan_address(const eki_plan_private *p, int buffer) {
    if (buffer < 0 || p->buffers[buffer].n_lives == 0) return NULL;
    return p->arena + p->buffers[p->buffers[buffer].host].offset + p->buffers[buffer].shift;
}

static void *gradient_address(const eki_plan_private *p, int tensor) {
    const eki_ptensor *t = &p->tensors[tensor];
    return t->grad_external != NULL ? t->grad_external : eki_plan_address(p, t->grad_buffer);
}

/* Where a step puts its contribution to the gradient of a tensor. */
static void *contribution_address(const eki_plan_private *p, int tensor, int din_buffer) {
    return din_buffer >= 0 ? eki_plan_address(p, din_buffer) : gradient_address(p, tensor);
}

static void bind_step(eki_plan_private *p, eki_pstep *pstep) {
    eki_step *step = &pstep->step;
    step->scratch = eki_plan_address(p, pstep->forward_scratch);
    step->saved = eki_plan_address(p, pstep->saved);
    for (int k = 0; k < step->n_in; k++) {
        if (pstep->in[k] < 0) continue;
        step->in[k] = p->tensors[pstep->in[k]].view;
        if (!pstep->backward || !step->want_din[k]) continue;
        step->din[k] = contribution_address(p, pstep->in[k], pstep->din_buffer[k]);
    }
    if (pstep->residual >= 0) {
        step->tail.in = p->tensors[pstep->residual].view;
        bool wanted = pstep->backward && step->tail.want_din;
        if (wanted) step->tail.din = contribution_address(p, pstep->residual, pstep->residual_din_buffer);
    }
    for (int k = 0; k < step->n_out; k++) {
        if (pstep->out[k] < 0) continue;
        step->out[k] = p->tensors[pstep->out[k]].view;
        if (p->tensors[pstep->out[k]].grad_defined) step->dout[k] = gradient_address(p, pstep->out[k]);
    }
}

void eki_plan_bind(eki_plan *plan, unsigned char *arena) {
    eki_plan_private *p = plan->private_data;
    p->arena = arena;
    for (size_t i = 0; i < p->n_tensors; i++) {
        if (p->tensors[i].buffer >= 0) p->tensors[i].view.data = eki_plan_address(p, p->tensors[i].buffer);
        p->tensors[i].bound = INFINITY;
        p->tensors[i].view.bound = &p->tensors[i].bound;
    }
    for (size_t s = 0; s < p->n_steps; s++) bind_step(p, p->steps[s]);
}
