/* test_plan_memory.c: whatever the lives of buffers, two that are alive together never overlap in the arena. */
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

/* A plan of random steps, each reading two random tensors, some a residual too, and writing one, with random backward
 * needs. */
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
    }
    for (size_t s = 0; s < STEPS; s++) {
        eki_pstep *pstep = p->steps[s] = calloc(1, sizeof *pstep);
        uint64_t c = 1000 + 10 * s;
        pstep->step = (eki_step){.op = &op, .n_in = 2, .n_out = 1};
        pstep->in[0] = (int)eki_random_below(random, c, TENSORS);
        pstep->in[1] = (int)eki_random_below(random, c + 1, TENSORS);
        pstep->out[0] = (int)eki_random_below(random, c + 2, TENSORS);
        pstep->din_buffer[0] = -1;
        pstep->din_buffer[1] = eki_plan_buffer(p, 64 + eki_random_below(random, c + 3, 999));
        pstep->residual = eki_random_below(random, c + 6, 2) == 0 ? (int)eki_random_below(random, c + 7, TENSORS) : -1;
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

static void check_apart(const eki_plan_private *p) {
    size_t together = 0;
    for (size_t i = 0; i < p->n_buffers; i++) {
        const eki_buffer *a = &p->buffers[i];
        if (a->first > a->last) continue;
        assert_true(a->offset + a->bytes <= p->arena_bytes);
        for (size_t j = i + 1; j < p->n_buffers; j++) {
            const eki_buffer *b = &p->buffers[j];
            if (b->first > b->last || a->first > b->last || b->first > a->last) continue;
            assert_true(a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset);
            together++;
        }
    }
    assert_true(together > 100);
}

static void test_no_overlap(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        eki_plan plan = {0};
        eki_plan_private p = {0};
        ek_error err;
        plan.private_data = &p;
        fill(&p, eki_random_stream(seed, "plan", 0, 0));
        assert_int_equal(eki_plan_place(&plan, &err), EK_OK);
        check_apart(&p);
        for (size_t s = 0; s < STEPS; s++) free(p.steps[s]);
        free(p.steps);
        free(p.tensors);
        free(p.buffers);
        free(p.inputs);
        free(p.outputs);
        eki_free(p.kept);
        eki_free(p.arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_overlap)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
