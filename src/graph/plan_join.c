/* plan_join.c: what is joined by a Concat is written straight to its place in the result, where no backward follows.
 *
 * A buffer that nothing reads after the Concat becomes a part of the result's, which then lives as long as both; parts
 * of parts (DenseNet) go along. Not where more memory would be alive at once than before, as with results that wait for
 * a Concat far behind (U-Net).
 */
#include "graph/plan.h"

#include "base/memory.h"
#include "graph/op/op_common.h"

#include <stdlib.h>
#include <string.h>

/* The buffer that holds a tensor, if it can lie at `shift` of that of the result of step s. */
static int part_of(const eki_plan_private *p, size_t s, int tensor, int result, size_t shift) {
    int buffer = tensor < 0 ? -1 : p->tensors[tensor].buffer;
    if (buffer < 0 || shift % EKI_ALIGNMENT != 0) return -1;
    int host = p->buffers[buffer].host;
    const eki_buffer *h = &p->buffers[host];
    bool fits = host != result && p->buffers[buffer].shift == 0 && h->n_lives == 1 && h->lives[0].first >= 0;
    return fits && h->lives[0].last == (int)s && h->bytes <= p->buffers[result].bytes - shift ? host : -1;
}

static void move(eki_plan_private *p, int part, int result, size_t shift) {
    eki_life *all = &p->buffers[result].lives[0];
    if (p->buffers[part].lives[0].first < all->first) all->first = p->buffers[part].lives[0].first;
    for (size_t i = 0; i < p->n_buffers; i++) {
        if (p->buffers[i].host != part) continue;
        p->buffers[i].host = result;
        p->buffers[i].shift += shift;
    }
}

static void join(eki_plan_private *p, size_t s) {
    const eki_pstep *pstep = p->steps[s];
    int result = p->tensors[pstep->out[0]].buffer;
    size_t shift = 0;
    if (result < 0 || p->buffers[result].host != result || p->buffers[result].n_lives != 1) return;
    for (int k = 0; k < pstep->step.n_in; k++) {
        int part = part_of(p, s, pstep->in[k], result, shift);
        if (part >= 0) move(p, part, result, shift);
        shift += eki_view_bytes(&pstep->step.in[k]);
    }
}

/* Tick s is the forward of step s. */
static void join_all(eki_plan_private *p, size_t *alive, eki_buffer *before) {
    size_t most = eki_plan_alive(p, alive);
    for (size_t s = 0; s < p->n_steps; s++) {
        if (!p->steps[s]->step.joins) continue;
        memcpy(before, p->buffers, p->n_buffers * sizeof *before);
        join(p, s);
        size_t now = eki_plan_alive(p, alive);
        if (now > most) memcpy(p->buffers, before, p->n_buffers * sizeof *before);
    }
}

ek_status eki_plan_join(eki_plan_private *p, ek_error *err) {
    size_t *alive = eki_calloc(p->n_ticks + 3, sizeof *alive);
    eki_buffer *before = eki_calloc(p->n_buffers + 1, sizeof *before);
    bool good = alive != NULL && before != NULL;
    if (good) join_all(p, alive, before);
    free(alive);
    free(before);
    return good ? EK_OK : eki_fail_nomem(err, p->n_buffers * sizeof *before);
}
