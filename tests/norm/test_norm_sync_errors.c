/* test_norm_sync_errors.c: what can go wrong when ranks exchange statistics has a name on every rank: ranks that
 * disagree, blocks that are lost, strange or misplaced, exchanges that fail, and calls in the wrong order.
 */
#include "norm/spread.h"

#include "base/error.h"
#include "base/memory.h"
#include "norm/variants/sync_block.h"
#include <cmocka.h>
#include <string.h>

static ek_error err;

static void expect(ek_status status, ek_status expected, const char *text) {
    if (status != expected) fail_msg("%s, expected %s", ek_status_name(status), ek_status_name(expected));
    if (strstr(err.text, text) == NULL) fail_msg("\"%s\" does not contain \"%s\"", err.text, text);
}

static void ok(ek_status status) {
    if (status != EK_OK) fail_msg("%s", err.text);
}

static ek_norm_desc desc_of(int64_t n, int64_t c, int64_t h, int64_t w) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 4;
    const int64_t dims[] = {n, c, h, w};
    memcpy(desc.dims, dims, sizeof dims);
    desc.chunk = 1;
    return desc;
}

static const int64_t thirds[] = {3, 2, 4};

static void make(spread *s, ek_sync_mode mode) {
    ek_norm_desc desc = desc_of(9, 4, 3, 3);
    spread_make(s, &desc, mode, 3, thirds, WORLD_UP);
    for (int r = 0; r < 3; r++) s->rank[r].sync.name = "conv1_bn";
}

static ek_status start(spread_rank *r) {
    return ek_norm_sync_forward_start(r->plan, &r->sync, r->state, &r->args, &err);
}

static ek_status finish(spread_rank *r) { return ek_norm_sync_forward_finish(r->plan, r->state, &r->args, &err); }

static ek_status test(spread_rank *r) {
    int done;
    return ek_norm_sync_test(r->plan, r->state, &done, &err);
}

/* All ranks start, are done, and name the same error. */
static void expect_all(spread *s, const char *text) {
    for (int i = 0; i < s->w.ranks; i++) ok(start(&s->rank[i]));
    for (int i = 0; i < s->w.ranks; i++) {
        ok(test(&s->rank[i]));
        expect(finish(&s->rank[i]), EK_ERR_DIST, text);
        if (strncmp(err.text, "layer ", 6) != 0) fail_msg("no layer in front of \"%s\"", err.text);
    }
}

/* A plan of rank 1 that differs from the others'. */
static void replace_plan(spread *s, const ek_norm_desc *desc) {
    spread_rank *r = &s->rank[1];
    ek_norm_plan_destroy(r->plan);
    ok(ek_norm_plan_create(desc, &r->plan, &err));
    eki_free(r->state);
    eki_free(r->args.workspace);
    r->state = eki_alloc(eki_sized(ek_norm_sync_bytes(r->plan, r->sync.mode, r->sync.global_count)));
    r->args.workspace = eki_alloc(eki_sized(ek_norm_workspace_bytes(r->plan)));
}

static void ranks_disagree(void **state) {
    (void)state;
    spread s;
    make(&s, EK_SYNC_FAST);
    s.rank[1].sync.step = 18;
    expect_all(&s, "rank 1 has step 18, rank 0 has 17: every rank must run the same layers");
    if (strstr(err.text, "layer 3 (conv1_bn), step 17: ") != err.text) fail_msg("%s", err.text);
    s.rank[1].sync.step = 17;
    s.rank[2].sync.layer = 4;
    expect_all(&s, "rank 2 has layer 4, rank 0 has 3");
    s.rank[2].sync.layer = 3;
    s.rank[1].sync.ranks = 4;
    expect_all(&s, "rank 1 has ranks 4, rank 0 has 3");
    s.rank[1].sync.ranks = 3;
    spread_free(&s);
    make(&s, EK_SYNC_EXACT);
    for (int r = 0; r < 3; r++) s.rank[r].sync.global_count = 10 - (r == 1);
    expect_all(&s, "rank 1 has global_count 9, rank 0 has 10: every rank must know the size");
    spread_free(&s);
}

/* Blocks of another size: seen in what arrives, or by a round of headers first. */
static void other_models(void **state) {
    (void)state;
    for (int headers = 0; headers < 2; headers++) {
        for (int order = 0; order < WORLD_ORDERS; order++) {
            ek_norm_desc wider = desc_of(2, 7, 3, 3), narrower = desc_of(2, 1, 3, 3);
            const ek_norm_desc *descs[] = {&wider, &narrower};
            for (int i = 0; i < 2; i++) {
                spread s;
                make(&s, EK_SYNC_FAST);
                s.w.order = (world_order)order;
                s.w.headers_first = headers;
                replace_plan(&s, descs[i]);
                expect_all(&s, " channels ");
                spread_free(&s);
            }
        }
    }
}

static void other_geometry(void **state) {
    (void)state;
    spread s;
    ek_norm_desc desc = desc_of(2, 4, 3, 5);
    make(&s, EK_SYNC_EXACT);
    replace_plan(&s, &desc);
    expect_all(&s, "rank 1 has elements 15, rank 0 has 9: every rank must have the same model");
    desc = desc_of(2, 4, 3, 3);
    desc.layout = EK_LAYOUT_NHWC;
    replace_plan(&s, &desc);
    expect_all(&s, "rank 1 has layout 1, rank 0 has 0");
    spread_free(&s);
    make(&s, EK_SYNC_EXACT);
    s.rank[1].sync.mode = EK_SYNC_FAST;
    s.rank[1].sync.first = s.rank[1].sync.global_count = 0;
    expect_all(&s, "rank 1 has mode 0, rank 0 has 1");
    spread_free(&s);
    const int64_t even[] = {2, 2, 2};
    desc = desc_of(6, 4, 3, 3);
    spread_make(&s, &desc, EK_SYNC_EXACT, 3, even, WORLD_UP);
    desc.dims[0] = 2;
    desc.chunk = 2;
    replace_plan(&s, &desc);
    expect_all(&s, "rank 1 has chunk 2, rank 0 has 1");
    spread_free(&s);
}

static void a_phase_apart(void **state) {
    (void)state;
    spread s;
    make(&s, EK_SYNC_FAST);
    spread_forward(&s);
    ok(start(&s.rank[0]));
    ok(start(&s.rank[1]));
    spread_rank *late = &s.rank[2];
    ok(ek_norm_sync_backward_start(late->plan, &late->sync, late->state, &late->args, &err));
    for (int i = 0; i < 3; i++) ok(test(&s.rank[i]));
    const char *text = "rank 2 has phase (1 forward, 2 backward) 2, rank 0 has 1";
    expect(finish(&s.rank[0]), EK_ERR_DIST, text);
    expect(ek_norm_sync_backward_finish(late->plan, late->state, &late->args, &err), EK_ERR_DIST, text);
    spread_free(&s);
}

static void misplaced_examples(void **state) {
    (void)state;
    spread s;
    make(&s, EK_SYNC_EXACT);
    s.rank[1].sync.first = 4; /* a gap */
    expect_all(&s, "the examples of rank 1 begin at 4, those of rank 0 end at 3, expected no gap");
    s.rank[1].sync.first = 2; /* an overlap */
    expect_all(&s, "the examples of rank 1 begin at 2, those of rank 0 end at 3");
    s.rank[1].sync.first = 3;
    for (int r = 0; r < 3; r++) s.rank[r].sync.global_count = 12; /* too few */
    for (int r = 0; r < 3; r++) {
        eki_free(s.rank[r].state);
        s.rank[r].state = eki_alloc(eki_sized(ek_norm_sync_bytes(s.rank[r].plan, EK_SYNC_EXACT, 12)));
    }
    expect_all(&s, "the ranks together hold examples 0 to 8, expected all 12 of sync.global_count");
    spread_free(&s);
}

static void lost_and_strange_blocks(void **state) {
    (void)state;
    spread s;
    make(&s, EK_SYNC_FAST);
    s.w.skipped = 2;
    expect_all(&s, "the exchange returned 2 ranks from rank 0 on, expected the blocks of all 3 ranks");
    s.w.skipped = 1;
    expect_all(&s, "the exchange combined 1 ranks from rank 2 with 1 from rank 0, expected neighbours");
    s.w.skipped = -1;
    eki_sync_header *blocks[3];
    for (int r = 0; r < 3; r++) {
        ok(start(&s.rank[r]));
        blocks[r] = s.w.rank[r].block;
    }
    blocks[0]->magic++;
    expect(finish(&s.rank[0]), EK_ERR_STATE, "call ek_norm_sync_test() until it is");
    ok(test(&s.rank[0]));
    expect(finish(&s.rank[0]), EK_ERR_DIST, "something else than the block it was given");
    blocks[0]->magic--;
    blocks[0]->nodes = 9;
    expect(finish(&s.rank[0]), EK_ERR_DIST, "something else than the block it was given");
    blocks[0]->nodes = 1;
    ((eki_block_node *)(void *)(blocks[0] + 1))->n = -3;
    expect(finish(&s.rank[0]), EK_ERR_DIST, "something else than the block it was given");
    spread_free(&s);
}

/* Two blocks of neighbours, to be combined by hand. */
static void two_blocks(spread *s, eki_sync_header **a, eki_sync_header **b) {
    make(s, EK_SYNC_FAST);
    ok(start(&s->rank[0]));
    ok(start(&s->rank[1]));
    *a = s->w.rank[0].block;
    *b = s->w.rank[1].block;
}

static void combine_trusts_nothing(void **state) {
    (void)state;
    spread s;
    eki_sync_header *a, *b;
    two_blocks(&s, &a, &b);
    size_t bytes = s.w.rank[0].bytes;
    assert_int_equal(ek_sync_combine(a, b, 10), 1);
    expect(eki_sync_fault_text(a, &err), EK_ERR_DIST, "no block of this library (10 bytes, expected ");
    a->fault.what = EKI_FAULT_NONE;
    assert_int_equal(ek_sync_combine(a, b, bytes - 8), 1);
    expect(eki_sync_fault_text(a, &err), EK_ERR_DIST, "bytes came from rank 1");
    a->fault.what = EKI_FAULT_NONE;
    b->nodes = 2;
    assert_int_equal(ek_sync_combine(a, b, bytes), 1);
    expect(eki_sync_fault_text(a, &err), EK_ERR_DIST, "no block of this library");
    a->fault.what = EKI_FAULT_NONE;
    b->nodes = 1;
    eki_block_node *node = (eki_block_node *)(void *)(b + 1), good = *node;
    b->field[EKI_SYNC_MODE] = a->field[EKI_SYNC_MODE] = EK_SYNC_EXACT;
    const eki_block_node bad[] = {{{63, 1}, 1}, {{-1, 1}, 1},        {{0, -1}, 1},
                                  {{1, 3}, 1},  {{0, INT64_MAX}, 1}, {{0, 0}, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        *node = bad[i];
        assert_int_equal(ek_sync_combine(a, b, bytes), 1);
        assert_int_equal(a->fault.what, EKI_FAULT_PLACE);
        a->fault.what = EKI_FAULT_NONE;
        a->ranks = 1;
    }
    *node = good;
    b->field[EKI_SYNC_MODE] = a->field[EKI_SYNC_MODE] = EK_SYNC_FAST;
    assert_int_equal(ek_sync_combine(a, b, EK_SYNC_HEADER_BYTES), 0);
    assert_int_equal(a->ranks, 1);
    assert_int_equal(ek_sync_combine(a, b, bytes), 0);
    assert_int_equal(a->ranks, 2);
    spread_free(&s);
}

static ek_status failing_start(void *context, void *block, size_t bytes, ek_sync_combine_fn combine, void **operation,
                               ek_error *e) {
    (void)context, (void)block, (void)bytes, (void)combine, (void)operation;
    return eki_fail(e, EK_ERR_DIST, "the network is down");
}

static void exchange_fails(void **state) {
    (void)state;
    spread s;
    make(&s, EK_SYNC_FAST);
    spread_rank *r = &s.rank[0];
    s.w.exchange[0].start = failing_start;
    expect(start(r), EK_ERR_DIST, "layer 3 (conv1_bn), step 17: the network is down");
    expect(test(r), EK_ERR_STATE, "state holds no exchange of this plan");
    r = &s.rank[1];
    r->sync.name = NULL;
    ok(start(r));
    s.w.lost = 1;
    expect(test(r), EK_ERR_DIST, "layer 3, step 17: rank 1 did not answer within 60 s");
    expect(finish(r), EK_ERR_STATE, "state holds no exchange");
    spread_free(&s);
}

static void cancelled(void **state) {
    (void)state;
    spread s;
    make(&s, EK_SYNC_EXACT);
    for (int r = 0; r < 2; r++) ok(start(&s.rank[r]));
    for (int r = 0; r < 3; r++) {
        if (r == 2) memset(s.rank[2].state, 0, ek_norm_sync_bytes(s.rank[2].plan, EK_SYNC_EXACT, 9));
        ek_norm_sync_cancel(s.rank[r].plan, s.rank[r].state);
        ek_norm_sync_cancel(s.rank[r].plan, s.rank[r].state); /* nothing is left to give up */
    }
    assert_int_equal(s.w.cancelled, 2);
    expect(test(&s.rank[0]), EK_ERR_STATE, "state holds no exchange");
    spread_forward(&s); /* and the step goes on as if nothing had been */
    fixture *whole = fixture_make(&s.f->desc, 4, 3, 2);
    fixture_forward(whole, EK_STATS_BATCH);
    assert_true(same_bits(s.f->y, whole->y, whole->buffer));
    fixture_free(whole);
    spread_free(&s);
}

static void bad_sync(void **state) {
    (void)state;
    spread s;
    make(&s, EK_SYNC_FAST);
    spread_rank *r = &s.rank[1];
    const ek_norm_sync good = r->sync;
    expect(ek_norm_sync_forward_start(r->plan, NULL, r->state, &r->args, &err), EK_ERR_ARG, "sync is NULL");
    r->sync.struct_size = 0;
    expect(start(r), EK_ERR_ARG, "ek_norm_sync.struct_size is 0; set it to sizeof(ek_norm_sync)");
    r->sync.struct_size = 8;
    expect(start(r), EK_ERR_ARG, "sync.rank is 0 of 0 ranks"); /* no more was said */
    r->sync = good, r->sync.reserved[7] = 1;
    expect(start(r), EK_ERR_ARG, "sync.reserved[7] is not zero");
    r->sync = good, r->sync.mode = (ek_sync_mode)2;
    expect(start(r), EK_ERR_ARG, "sync.mode is 2, expected EK_SYNC_FAST (0) or EK_SYNC_EXACT (1)");
    r->sync = good, r->sync.rank = 3;
    expect(start(r), EK_ERR_ARG, "sync.rank is 3 of 3 ranks");
    r->sync = good, r->sync.exchange = NULL;
    expect(start(r), EK_ERR_ARG, "sync.exchange is NULL, expected callbacks: there are 3 ranks");
    r->sync = good, r->sync.global_count = 9;
    expect(start(r), EK_ERR_ARG, "sync.global_count 9, expected 0: EK_SYNC_FAST needs no place");
    r->sync = good, r->sync.mode = EK_SYNC_EXACT, r->sync.global_count = 9, r->sync.first = 8;
    expect(start(r), EK_ERR_SHAPE, "the plan has 2 examples, expected a part of the 9");
    r->sync.global_count = INT64_MAX / 2;
    expect(start(r), EK_ERR_LIMIT, "the number of elements does not fit");
    assert_int_equal(ek_norm_sync_bytes(r->plan, EK_SYNC_EXACT, INT64_MAX), 0);
    r->sync = good;
    ek_exchange exchange = *good.exchange;
    r->sync.exchange = &exchange;
    exchange.cancel = NULL;
    expect(start(r), EK_ERR_ARG, "exchange.cancel is NULL, expected start, test and cancel");
    exchange.struct_size = 3;
    expect(start(r), EK_ERR_ARG, "ek_exchange.struct_size is 3; set it to sizeof(ek_exchange)");
    exchange.struct_size = offsetof(ek_exchange, cancel);
    expect(start(r), EK_ERR_ARG, "exchange.cancel is NULL");
    exchange = *good.exchange, exchange.reserved[3] = &s;
    expect(start(r), EK_ERR_ARG, "exchange.reserved[3] is not NULL");
    spread_free(&s);
}

static ek_status agreed(void *context, void *block, size_t bytes, ek_sync_combine_fn combine, void **operation,
                        ek_error *e) {
    (void)block, (void)bytes, (void)combine, (void)e;
    *operation = context;
    return EK_OK;
}

/* Structs of an earlier caller end early, those of a later one are longer. */
static void other_versions(void **state) {
    (void)state;
    spread s;
    make(&s, EK_SYNC_FAST);
    spread_rank *r = &s.rank[0];
    struct {
        ek_exchange known;
        void *later;
    } exchange = {*r->sync.exchange, NULL};
    struct {
        ek_norm_sync known;
        uint64_t later;
    } sync = {r->sync, 0};
    exchange.known.context = &s, exchange.known.start = agreed;
    sync.known.exchange = &exchange.known;
    sync.known.first = 99, exchange.known.reserved[0] = &s;
    sync.known.struct_size = offsetof(ek_norm_sync, first);
    exchange.known.struct_size = offsetof(ek_exchange, reserved);
    assert_int_equal(ek_norm_sync_forward_start(r->plan, &sync.known, r->state, &r->args, &err), EK_OK);
    sync.known.first = 0, exchange.known.reserved[0] = NULL;
    sync.known.struct_size = sizeof sync, exchange.known.struct_size = sizeof exchange;
    assert_int_equal(ek_norm_sync_forward_start(r->plan, &sync.known, r->state, &r->args, &err), EK_OK);
    exchange.later = &s;
    expect(ek_norm_sync_forward_start(r->plan, &sync.known, r->state, &r->args, &err), EK_ERR_UNSUPPORTED,
           "ek_exchange has a field set that this version does not know");
    sync.later = 1;
    expect(ek_norm_sync_forward_start(r->plan, &sync.known, r->state, &r->args, &err), EK_ERR_UNSUPPORTED,
           "ek_norm_sync has a field set that this version does not know");
    spread_free(&s);
}

static void bad_calls(void **state) {
    (void)state;
    spread s;
    make(&s, EK_SYNC_FAST);
    spread_rank *r = &s.rank[0];
    ek_norm_args args = r->args;
    char *memory = r->state;
    expect(ek_norm_sync_forward_start(NULL, &r->sync, memory, &args, &err), EK_ERR_ARG, "plan is NULL");
    expect(ek_norm_sync_forward_start(r->plan, &r->sync, memory + 8, &args, &err), EK_ERR_ARG, "64-byte aligned");
    expect(ek_norm_sync_forward_start(r->plan, &r->sync, NULL, &args, &err), EK_ERR_ARG, "state is at ");
    args.x = NULL;
    expect(ek_norm_sync_forward_start(r->plan, &r->sync, memory, &args, &err), EK_ERR_ARG, "args.x is NULL");
    expect(ek_norm_sync_test(r->plan, memory, NULL, &err), EK_ERR_ARG, "done is NULL");
    expect(ek_norm_sync_forward_finish(r->plan, NULL, &args, &err), EK_ERR_ARG, "state is NULL");
    ok(start(r));
    expect(ek_norm_sync_forward_finish(s.rank[1].plan, memory, &args, &err), EK_ERR_STATE, "no exchange of this plan");
    expect(finish(r), EK_ERR_STATE, "the exchange is not done");
    expect(ek_norm_sync_backward_finish(r->plan, memory, &r->args, &err), EK_ERR_STATE, "state holds a forward");
    ok(start(&s.rank[1]));
    ok(start(&s.rank[2]));
    ok(test(r));
    args = r->args, args.saved = NULL;
    expect(ek_norm_sync_forward_finish(r->plan, memory, &args, &err), EK_ERR_ARG, "args.saved is NULL");
    ok(finish(r));
    expect(finish(r), EK_ERR_STATE, "state holds no exchange");
    expect(ek_norm_backward(r->plan, &r->args, &err), EK_ERR_STATE, "call ek_norm_sync_backward_start()");
    ok(ek_norm_forward(r->plan, EK_STATS_BATCH, &r->args, &err));
    expect(ek_norm_sync_backward_start(r->plan, &r->sync, memory, &r->args, &err), EK_ERR_STATE,
           "saved is of a forward of this rank alone");
    spread_free(&s);
}

static void whole_chunks(void **state) {
    (void)state;
    const int64_t counts[] = {4, 2};
    ek_norm_desc desc = desc_of(6, 4, 3, 3);
    desc.chunk = 4;
    spread s;
    spread_make(&s, &desc, EK_SYNC_EXACT, 2, counts, WORLD_UP);
    assert_int_equal(ek_norm_sync_chunk(s.rank[1].plan), 4);
    s.rank[1].sync.first = 2;
    expect(start(&s.rank[1]), EK_ERR_SHAPE, "EK_SYNC_EXACT expects whole chunks of 4");
    s.rank[1].sync.first = 0;
    expect(start(&s.rank[1]), EK_ERR_SHAPE, "EK_SYNC_EXACT expects whole chunks of 4");
    spread_free(&s);
}

static void other_plans(void **state) {
    (void)state;
    ek_norm_desc variants[3];
    for (int i = 0; i < 3; i++) variants[i] = desc_of(8, 4, 4, 4);
    variants[0].kind = EK_NORM_GROUP;
    variants[1].ghost = 2;
    variants[2].renorm_r_max = 2;
    const char *texts[] = {"of group norm, which", "with virtual batches", "with batch renorm"};
    for (int i = 0; i < 3; i++) {
        fixture *f = fixture_make(&variants[i], 4, 3, 2);
        ek_norm_sync sync = ek_norm_sync_default(NULL, 0, 1);
        assert_int_equal(ek_norm_sync_bytes(f->plan, EK_SYNC_FAST, 0), 0);
        expect(ek_norm_sync_forward_start(f->plan, &sync, f->args.workspace, &f->args, &err), EK_ERR_UNSUPPORTED,
               texts[i]);
        fixture_free(f);
    }
}

/* One value per channel in all ranks together. */
static void one_value(void **state) {
    (void)state;
    const int64_t counts[] = {0, 1, 0};
    ek_norm_desc desc = desc_of(1, 4, 1, 1);
    desc.small_sample = EK_SMALL_ERROR;
    spread s;
    spread_make(&s, &desc, EK_SYNC_FAST, 3, counts, WORLD_UP);
    for (int r = 0; r < 3; r++) ok(start(&s.rank[r]));
    for (int r = 0; r < 3; r++) {
        ok(test(&s.rank[r]));
        expect(finish(&s.rank[r]), EK_ERR_SHAPE, "step 17: all ranks together have one value per channel");
    }
    spread_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranks_disagree),
                                       cmocka_unit_test(other_models),
                                       cmocka_unit_test(other_geometry),
                                       cmocka_unit_test(a_phase_apart),
                                       cmocka_unit_test(misplaced_examples),
                                       cmocka_unit_test(lost_and_strange_blocks),
                                       cmocka_unit_test(combine_trusts_nothing),
                                       cmocka_unit_test(exchange_fails),
                                       cmocka_unit_test(cancelled),
                                       cmocka_unit_test(bad_sync),
                                       cmocka_unit_test(other_versions),
                                       cmocka_unit_test(bad_calls),
                                       cmocka_unit_test(whole_chunks),
                                       cmocka_unit_test(other_plans),
                                       cmocka_unit_test(one_value)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
