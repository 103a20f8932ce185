/* test_plan_memory.c: whatever the lives of buffers, two that are alive together never overlap in the arena, and what a
 * pass reads has been made and is alive: with everything kept, and with what is computed again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/random.h"
#include "graph/plan.h"

#include <stdlib.h>

enum { STEPS = 40, TENSORS = 60 };

static ek_status nothing(eki_step *step, ek_error *err) {
    (void)step;
    (void)err;
    return EK_OK;
}

static const eki_op op = {.name = "Test", .forward = nothing, .backward = nothing};

/* A tensor that is there before step s. */
static int made(eki_random random, uint64_t turn, size_t s) {
    size_t i = eki_random_below(random, turn, s + TENSORS - STEPS);
    return (int)(i < s ? i : STEPS + i - s);
}

/* A plan of random steps, each reading two random tensors that are there by then, some a residual too, and writing one,
 * with random backward needs. The last tensors are inputs. */
static void fill(eki_plan_private *p, eki_random random) {
    p->tensors = calloc(TENSORS, sizeof *p->tensors);
    p->steps = calloc(STEPS, sizeof *p->steps);
    p->inputs = calloc(1, sizeof *p->inputs);
    p->outputs = calloc(1, sizeof *p->outputs);
    p->n_tensors = TENSORS;
    p->n_steps = STEPS;
    for (size_t i = 0; i < TENSORS; i++) {
        size_t bytes = 1 + eki_random_below(random, i, 5000);
        p->tensors[i] = (eki_ptensor){.buffer = eki_plan_buffer(p, bytes), .grad_buffer = eki_plan_buffer(p, bytes)};
        p->tensors[i].grad_defined = true;
        p->tensors[i].view = (eki_view){.dtype = EK_F32, .shape = {.rank = 1, .dims = {(int64_t)bytes}}};
    }
    for (size_t s = 0; s < STEPS; s++) {
        eki_pstep *pstep = p->steps[s] = calloc(1, sizeof *pstep);
        uint64_t c = 1000 + 10 * s;
        pstep->step = (eki_step){.op = &op, .n_in = 2, .n_out = 1};
        pstep->in[0] = made(random, c, s);
        pstep->in[1] = made(random, c + 1, s);
        pstep->out[0] = (int)s;
        pstep->din_buffer[0] = -1;
        pstep->din_buffer[1] = eki_plan_buffer(p, 64 + eki_random_below(random, c + 3, 999));
        pstep->residual = eki_random_below(random, c + 6, 2) == 0 ? made(random, c + 7, s) : -1;
        pstep->residual_din_buffer = -1;
        pstep->step.tail.want_din = pstep->residual >= 0;
        if (pstep->residual >= 0) pstep->residual_din_buffer = eki_plan_buffer(p, 64);
        pstep->backward = eki_random_below(random, c + 4, 2) == 0;
        pstep->step.want_din[0] = pstep->step.want_din[1] = true;
        pstep->step.keep_in[0] = eki_random_below(random, c + 5, 2) == 0;
        pstep->forward_scratch = eki_plan_buffer(p, 500);
        pstep->backward_scratch = eki_plan_buffer(p, 500);
        pstep->saved = eki_plan_buffer(p, 100);
    }
}

static bool meet(const eki_buffer *a, const eki_buffer *b) {
    for (int i = 0; i < a->n_lives; i++) {
        for (int k = 0; k < b->n_lives; k++) {
            if (a->lives[i].first <= b->lives[k].last && b->lives[k].first <= a->lives[i].last) return true;
        }
    }
    return false;
}

static void check_apart(const eki_plan_private *p) {
    size_t together = 0;
    for (size_t i = 0; i < p->n_buffers; i++) {
        const eki_buffer *a = &p->buffers[i];
        if (a->n_lives == 0 || a->host != (int)i) continue;
        assert_true(a->offset + a->bytes <= p->arena_bytes);
        for (size_t j = i + 1; j < p->n_buffers; j++) {
            const eki_buffer *b = &p->buffers[j];
            if (b->host != (int)j || !meet(a, b)) continue;
            assert_true(a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset);
            together++;
        }
    }
    assert_true(together > 100);
}

static void check_alive(const eki_plan_private *p, const bool *there, int tensor, int tick) {
    const eki_buffer *b = &p->buffers[p->tensors[tensor].buffer];
    bool alive = tensor >= STEPS; /* no input of the plan: its memory is not looked at */
    for (int i = 0; i < b->n_lives; i++) alive = alive || (b->lives[i].first <= tick && tick <= b->lives[i].last);
    assert_true(there[tensor] && alive);
}

/* A result that will be made again is gone when it is not alive. */
static void check_made(const eki_plan_private *p) {
    bool there[TENSORS] = {false};
    for (int i = STEPS; i < TENSORS; i++) there[i] = true;
    for (size_t t = 0; t < p->n_ticks; t++) {
        const eki_pstep *pstep = p->steps[p->ticks[t].step];
        bool backward = p->ticks[t].pass == EKI_PASS_BACKWARD;
        for (int k = 0; k < 2; k++) {
            if (!backward || pstep->step.keep_in[k]) check_alive(p, there, pstep->in[k], (int)t);
        }
        if (!backward && pstep->residual >= 0) check_alive(p, there, pstep->residual, (int)t);
        if (!backward) there[pstep->out[0]] = true;
    }
}

static void release(eki_plan_private *p) {
    for (size_t s = 0; s < STEPS; s++) free(p->steps[s]);
    free(p->steps);
    free(p->tensors);
    free(p->buffers);
    free(p->inputs);
    free(p->outputs);
    free(p->again);
    free(p->ticks);
}

static void test_no_overlap(void **state) {
    (void)state;
    size_t again = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        eki_plan plan = {0};
        eki_plan_private p = {0};
        ek_error err;
        eki_exec_options options = {.recompute = (eki_recompute)(seed % 4), .memory = seed % 4 ? SIZE_MAX : 60000};
        plan.private_data = &p;
        fill(&p, eki_random_stream(seed, "plan", 0, 0));
        ek_status status = eki_plan_schedule(&plan, &(eki_plan_request){.options = &options}, &err);
        assert_true(status == EK_OK || (status == EK_ERR_LIMIT && p.arena_bytes > options.memory));
        check_apart(&p);
        check_made(&p);
        for (size_t t = 0; t < p.n_ticks; t++) again += p.ticks[t].pass == EKI_PASS_AGAIN;
        release(&p);
    }
    assert_true(again > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_overlap)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
