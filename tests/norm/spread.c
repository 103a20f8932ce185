#include "norm/spread.h"

#include "base/memory.h"
#include <cmocka.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static float *floats(int64_t n) {
    float *a = eki_alloc(eki_size_of((size_t)n, sizeof *a));
    memset(a, 0x7f, (size_t)n * sizeof *a);
    return a;
}

static float *at(float *buffer, size_t offset) { return buffer != NULL ? buffer + offset : NULL; }

static void make_rank(spread *s, int r, const ek_norm_desc *desc, int64_t first, int64_t count, ek_sync_mode mode) {
    spread_rank *me = &s->rank[r];
    fixture *f = s->f;
    ek_norm_desc local = *desc;
    int64_t c = desc->dims[1];
    local.dims[0] = count;
    if (ek_norm_plan_create(&local, &me->plan, &me->err) != EK_OK) fail_msg("%s", me->err.text);
    me->sync = ek_norm_sync_default(&s->w.exchange[r], r, s->w.ranks);
    me->sync.mode = mode;
    me->sync.layer = 3;
    me->sync.step = 17;
    if (mode == EK_SYNC_EXACT) {
        me->sync.first = first;
        me->sync.global_count = desc->dims[0];
    }
    size_t bytes = ek_norm_sync_bytes(me->plan, mode, desc->dims[0]);
    assert_true(bytes > 0 && bytes % 64 == 0);
    me->state = eki_alloc(eki_sized(bytes));
    me->dscale = floats(c), me->dbias = floats(c), me->mean = floats(c), me->var = floats(c);
    me->running_mean = copy_of(f->running_mean, (size_t)c);
    me->running_var = copy_of(f->running_var, (size_t)c);
    size_t offset = desc->dims[0] > 0 ? (size_t)first * (f->buffer / (size_t)desc->dims[0]) : 0;
    me->args = f->args;
    me->args.x = at(f->x, offset), me->args.y = at(f->y, offset);
    me->args.dy = at(f->dy, offset), me->args.dx = at(f->dx, offset);
    if (desc->residual) {
        me->args.residual = at(f->residual, offset), me->args.dresidual = at(f->dresidual, offset);
    }
    if (count == 0) {
        me->args.x = me->args.dy = NULL;
        me->args.y = me->args.dx = NULL;
    }
    me->args.dscale = me->dscale, me->args.dbias = me->dbias;
    me->args.mean = me->mean, me->args.var = me->var;
    me->args.saved = eki_alloc(eki_sized(ek_norm_saved_bytes(me->plan)));
    me->args.workspace = eki_alloc(eki_sized(ek_norm_workspace_bytes(me->plan)));
}

void spread_make(spread *s, const ek_norm_desc *desc, ek_sync_mode mode, int ranks, const int64_t *counts,
                 world_order order) {
    spread_make_data(s, desc, mode, ranks, counts, order, 3);
}

void spread_make_data(spread *s, const ek_norm_desc *desc, ek_sync_mode mode, int ranks, const int64_t *counts,
                      world_order order, double offset) {
    memset(s, 0, sizeof *s);
    world_make(&s->w, ranks, order);
    s->f = fixture_make(desc, 4, offset, 2);
    for (size_t i = 0; i < s->f->buffer; i++) s->f->y[i] = s->f->dx[i] = 1e30f;
    int64_t first = 0;
    for (int r = 0; r < ranks; first += counts[r++]) make_rank(s, r, desc, first, counts[r], mode);
}

void spread_free(spread *s) {
    for (int r = 0; r < s->w.ranks; r++) {
        spread_rank *me = &s->rank[r];
        void *all[] = {me->state,        me->dscale,      me->dbias,      me->mean,          me->var,
                       me->running_mean, me->running_var, me->args.saved, me->args.workspace};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) eki_free(all[i]);
        ek_norm_plan_destroy(me->plan);
    }
    fixture_free(s->f);
    world_free(&s->w);
}

static void ok(const spread_rank *r, ek_status status) {
    if (status != EK_OK) fail_msg("rank %d: %s", (int)r->sync.rank, r->err.text);
}

static void forget(spread_rank *r) { memset(r->args.workspace, 0xff, ek_norm_workspace_bytes(r->plan)); }

static void expect_done(spread_rank *r) {
    int done;
    ok(r, ek_norm_sync_test(r->plan, r->state, &done, &r->err));
    assert_int_equal(done, 1);
}

/* What all ranks have made together, each makes once more by itself. */
static void check_again(spread *s, spread_rank *r) {
    size_t bytes = s->f->buffer * sizeof *s->f->y;
    float *first = malloc(bytes + 1);
    assert_non_null(first);
    memcpy(first, s->f->y, bytes);
    forget(r);
    if (r->args.y != r->args.x) ok(r, ek_norm_forward_again(r->plan, &r->args, &r->err));
    assert_memory_equal(first, s->f->y, bytes);
    free(first);
}

void spread_forward(spread *s) {
    for (int i = 0; i < s->w.ranks; i++) {
        spread_rank *r = &s->rank[i];
        ok(r, ek_norm_sync_forward_start(r->plan, &r->sync, r->state, &r->args, &r->err));
        forget(r);
    }
    for (int i = s->w.ranks - 1; i >= 0; i--) {
        spread_rank *r = &s->rank[i];
        expect_done(r);
        ok(r, ek_norm_sync_forward_finish(r->plan, r->state, &r->args, &r->err));
        check_again(s, r);
        ok(r, ek_norm_update_running(r->plan, r->args.saved, r->running_mean, r->running_var, NULL, &r->err));
        forget(r);
    }
}

void spread_backward(spread *s) {
    for (int i = s->w.ranks - 1; i >= 0; i--) {
        spread_rank *r = &s->rank[i];
        ok(r, ek_norm_sync_backward_start(r->plan, &r->sync, r->state, &r->args, &r->err));
        forget(r);
    }
    for (int i = 0; i < s->w.ranks; i++) {
        spread_rank *r = &s->rank[i];
        expect_done(r);
        ok(r, ek_norm_sync_backward_finish(r->plan, r->state, &r->args, &r->err));
    }
}

static ek_status wait_for(spread_rank *r) {
    int done = 0;
    ek_status status = EK_OK;
    while (status == EK_OK && !done) {
        status = ek_norm_sync_test(r->plan, r->state, &done, &r->err);
        if (!done) sched_yield();
    }
    return status;
}

ek_status spread_rank_forward(spread_rank *r) {
    ek_status status = ek_norm_sync_forward_start(r->plan, &r->sync, r->state, &r->args, &r->err);
    if (status == EK_OK) status = wait_for(r);
    return status == EK_OK ? ek_norm_sync_forward_finish(r->plan, r->state, &r->args, &r->err) : status;
}

ek_status spread_rank_backward(spread_rank *r) {
    ek_status status = ek_norm_sync_backward_start(r->plan, &r->sync, r->state, &r->args, &r->err);
    if (status == EK_OK) status = wait_for(r);
    return status == EK_OK ? ek_norm_sync_backward_finish(r->plan, r->state, &r->args, &r->err) : status;
}
