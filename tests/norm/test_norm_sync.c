/* test_norm_sync.c: batch norm over 1 to 8 ranks. EXACT has the bits of one process for any shares and any grouping of
 * the exchange, FAST stays within its bound, and every rank has the same statistics and parameter gradients.
 */
#include "norm/spread.h"

#include "norm/norm_stats.h"
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static ek_error err;

static void ok(ek_status status) {
    if (status != EK_OK) fail_msg("%s", err.text);
}

static ek_norm_desc desc_of(ek_layout layout, int64_t n, int64_t c, int64_t h, int64_t w) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.layout = layout;
    desc.rank = 4;
    const int64_t dims[] = {n, c, h, w};
    memcpy(desc.dims, dims, sizeof dims);
    return desc;
}

/* The mask of examples from `first` on, where a plan has one. Every third example is hidden altogether. */
static void give_mask(const ek_norm_desc *desc, ek_norm_args *args, int64_t first) {
    static uint8_t mask[1 << 12];
    int64_t space = desc->dims[2] * desc->dims[3];
    assert_true(!desc->masked || desc->dims[0] * space <= (int64_t)sizeof mask);
    for (int64_t i = 0; i < (int64_t)sizeof mask; i++) mask[i] = i * i % 7 < 3 && i / space % 3 != 1;
    if (desc->masked) args->mask = mask + first * space;
}

static fixture *one_process(const ek_norm_desc *desc) {
    fixture *whole = fixture_make(desc, 4, 3, 2);
    give_mask(desc, &whole->args, 0);
    fixture_forward(whole, EK_STATS_BATCH);
    ok(ek_norm_update_running(whole->plan, whole->args.saved, whole->running_mean, whole->running_var, NULL, &err));
    fixture_backward(whole);
    return whole;
}

static void check_rank(const spread_rank *r, const fixture *whole) {
    size_t c = whole->parameters;
    assert_true(same_bits(r->dscale, whole->dscale, c) && same_bits(r->dbias, whole->dbias, c));
    assert_true(same_bits(r->mean, whole->mean, c) && same_bits(r->var, whole->var, c));
    assert_true(same_bits(r->running_mean, whole->running_mean, c));
    assert_true(same_bits(r->running_var, whole->running_var, c));
}

static void check_exact(const ek_norm_desc *desc, int ranks, const int64_t *counts, world_order order) {
    fixture *whole = one_process(desc);
    spread s;
    spread_make(&s, desc, EK_SYNC_EXACT, ranks, counts, order);
    for (int r = 0; r < ranks; r++) give_mask(desc, &s.rank[r].args, s.rank[r].sync.first);
    spread_forward(&s);
    spread_backward(&s);
    assert_true(same_bits(s.f->y, whole->y, whole->buffer) && same_bits(s.f->dx, whole->dx, whole->buffer));
    if (desc->residual) assert_true(same_bits(s.f->dresidual, whole->dresidual, whole->buffer));
    for (int r = 0; r < ranks; r++) check_rank(&s.rank[r], whole);
    spread_free(&s);
    fixture_free(whole);
}

/* n examples over the ranks in whole chunks: evenly, or with ranks 1, 4, 7 left out; what is over goes to the last. */
static void share_out(int64_t n, int64_t chunk, int ranks, int uneven, int64_t *counts) {
    int64_t chunks = (n + chunk - 1) / chunk, begin = 0;
    int takers = 0, taken = 0;
    for (int r = 0; r < ranks; r++) takers += !(uneven && r % 3 == 1);
    for (int r = 0; r < ranks; r++) {
        counts[r] = 0;
        if (uneven && r % 3 == 1) continue;
        int64_t end = chunks * ++taken / takers * chunk;
        end = end > n ? n : end;
        counts[r] = end - begin;
        begin = end;
    }
}

static const int rank_counts[] = {1, 2, 3, 4, 5, 8};

static void check_all_ranks(const ek_norm_desc *desc, int64_t chunk) {
    for (size_t i = 0; i < sizeof rank_counts / sizeof rank_counts[0]; i++) {
        for (int uneven = 0; uneven < 2; uneven++) {
            int64_t counts[WORLD_RANKS];
            share_out(desc->dims[0], chunk, rank_counts[i], uneven, counts);
            check_exact(desc, rank_counts[i], counts, (world_order)((i + (size_t)uneven) % WORLD_ORDERS));
        }
    }
}

static const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};

static void exact_has_the_bits_of_one_process(void **state) {
    (void)state;
    for (int l = 0; l < 4; l++) {
        ek_norm_desc desc = desc_of(layouts[l], 23, 10, 5, 7);
        desc.chunk = 1;
        check_all_ranks(&desc, 1);
        desc.chunk = 4; /* the last chunk is short */
        check_all_ranks(&desc, 4);
        desc.running_variance = EK_VARIANCE_UNBIASED;
        desc.dims[2] = desc.dims[3] = 1; /* S = 1 */
        check_all_ranks(&desc, 4);
        desc = desc_of(layouts[l], 5, 2, 150, 120); /* samples cut into blocks */
        check_all_ranks(&desc, 1);
    }
}

static void masked(void **state) {
    (void)state;
    for (int l = 0; l < 4; l++) {
        ek_norm_desc desc = desc_of(layouts[l], 14, 10, 5, 7);
        desc.masked = 1;
        desc.chunk = 2;
        desc.running_variance = EK_VARIANCE_UNBIASED;
        check_all_ranks(&desc, 2);
        desc.activation = EK_ACTIVATION_SILU;
        desc.residual = 1;
        check_all_ranks(&desc, 2);
    }
}

/* Every grouping of the blocks, with shares on the odd places of the tree. */
static void any_grouping(void **state) {
    (void)state;
    const int64_t counts[] = {3, 1, 0, 6, 5, 0, 2, 2, 11};
    ek_norm_desc desc = desc_of(EK_LAYOUT_NCHW, 30, 4, 3, 3);
    desc.chunk = 1;
    for (int order = 0; order < WORLD_ORDERS; order++) check_exact(&desc, 9, counts, (world_order)order);
}

static void fused(void **state) {
    (void)state;
    const int64_t counts[] = {5, 0, 1, 4};
    const ek_activation activations[] = {EK_ACTIVATION_NONE, EK_ACTIVATION_RELU, EK_ACTIVATION_GELU};
    for (int a = 0; a < 3; a++) {
        for (int l = 0; l < 4; l++) {
            ek_norm_desc desc = desc_of(layouts[l], 10, 10, 5, 7);
            desc.chunk = 1;
            desc.activation = activations[a];
            desc.residual = a != 1;
            check_exact(&desc, 4, counts, WORLD_HALVES);
        }
    }
}

static double worst_share;

/* docs/numerics.md: with k = ranks + log2(chunks) merges, mean within k u (|mean| + s), var within
 * k u (1 + |mean| / s) var of one process. */
static void check_statistics(const ek_norm_plan *plan, void *saved, void *whole_saved, double k) {
    eki_stats a = eki_stats_at(plan, saved, NULL), b = eki_stats_at(plan, whole_saved, NULL);
    const double bound = k * ldexp(1, -53);
    for (int64_t c = 0; c < plan->channels; c++) {
        double s = sqrt(b.var[c]), mean = fabs(a.mean[c] - b.mean[c]) / (bound * (fabs(b.mean[c]) + s));
        double var = fabs(a.var[c] - b.var[c]) / (bound * (1 + fabs(b.mean[c]) / s) * b.var[c]);
        if (!(mean <= 1 && var <= 1)) fail_msg("mean at %g of its bound, var at %g", mean, var);
        if (mean > worst_share) worst_share = mean;
        if (var > worst_share) worst_share = var;
    }
}

/* y and dx within the bounds of one process; the rest the same on every rank. */
static void check_fast(const ek_norm_desc *desc, double offset, const int64_t *counts, world_order order) {
    const double ulp = ldexp(1, -23);
    fixture *whole = fixture_make(desc, 4, offset, 2);
    fixture_forward(whole, EK_STATS_BATCH);
    spread s;
    spread_make_data(&s, desc, EK_SYNC_FAST, 8, counts, order, offset);
    spread_forward(&s);
    spread_backward(&s);
    fixture_reference(whole, EK_STATS_BATCH, 1);
    assert_true(fixture_error(s.f, s.f->y, whole->ry) < 3 * ulp);
    assert_true(fixture_error(s.f, s.f->dx, whole->rdx) < 8 * ulp);
    size_t c = whole->parameters;
    for (int r = 0; r < 8; r++) {
        const spread_rank *me = &s.rank[r], *first = &s.rank[0];
        check_statistics(whole->plan, me->args.saved, whole->args.saved, 8 + 5);
        assert_true(array_error(me->dscale, whole->rdscale, c) < ulp);
        assert_true(array_error(me->dbias, whole->rdbias, c) < ulp);
        assert_true(same_bits(me->dscale, first->dscale, c) && same_bits(me->dbias, first->dbias, c));
        assert_true(same_bits(me->running_mean, first->running_mean, c));
        assert_true(same_bits(me->running_var, first->running_var, c));
    }
    spread_free(&s);
    fixture_free(whole);
}

static void fast_is_within_its_bound(void **state) {
    (void)state;
    const int64_t shares[][8] = {{10, 0, 3, 5, 1, 2, 1, 1}, {0, 0, 0, 23, 0, 0, 0, 0}, {3, 3, 3, 3, 3, 3, 3, 2}};
    for (int l = 0; l < 4; l++) {
        for (int i = 0; i < 3; i++) {
            ek_norm_desc desc = desc_of(layouts[l], 23, 10, 5, 7);
            desc.chunk = 1;
            check_fast(&desc, 3, shares[i], (world_order)(i + 1));
            check_fast(&desc, 2e6, shares[i], (world_order)i);
        }
    }
    printf("statistics at %.2g of their bound, at most\n", worst_share);
}

/* Ranks whose examples differ in size: FAST only asks for equal channels. */
static void fast_takes_any_extents(void **state) {
    (void)state;
    const int64_t counts[] = {4, 4};
    ek_norm_desc desc = desc_of(EK_LAYOUT_NCHW, 8, 2, 3, 3), other = desc;
    spread s, t;
    other.dims[3] = 6;
    spread_make(&s, &desc, EK_SYNC_FAST, 2, counts, WORLD_UP);
    spread_make(&t, &other, EK_SYNC_FAST, 2, counts, WORLD_UP);
    t.rank[1].sync.exchange = &s.w.exchange[1];
    spread_rank *a = &s.rank[0], *b = &t.rank[1];
    ok(ek_norm_sync_forward_start(a->plan, &a->sync, a->state, &a->args, &err));
    ok(ek_norm_sync_forward_start(b->plan, &b->sync, b->state, &b->args, &err));
    int done;
    ok(ek_norm_sync_test(a->plan, a->state, &done, &err));
    ok(ek_norm_sync_test(b->plan, b->state, &done, &err));
    ok(ek_norm_sync_forward_finish(a->plan, a->state, &a->args, &err));
    ok(ek_norm_sync_forward_finish(b->plan, b->state, &b->args, &err));
    double sum = 0;
    const float *x = a->args.x, *z = b->args.x;
    for (int n = 0; n < 4; n++) {
        for (int i = 0; i < 9; i++) sum += (double)x[n * 18 + i];
        for (int i = 0; i < 18; i++) sum += (double)z[n * 36 + i];
    }
    assert_true(fabs(sum / 108 - (double)a->mean[0]) < 1e-6);
    assert_true(same_bits(a->mean, b->mean, 2) && same_bits(a->var, b->var, 2));
    spread_free(&s);
    spread_free(&t);
}

/* No rank has an example; one value per channel in all. */
static void nothing_and_one(void **state) {
    (void)state;
    const int64_t none[] = {0, 0}, one[] = {0, 1};
    for (int mode = 0; mode < 2; mode++) {
        ek_norm_desc desc = desc_of(EK_LAYOUT_NCHW, 0, 3, 2, 2);
        spread s;
        spread_make(&s, &desc, (ek_sync_mode)mode, 2, none, WORLD_UP);
        float before = s.rank[0].running_mean[1];
        spread_forward(&s);
        spread_backward(&s);
        assert_true(s.rank[0].running_mean[1] == before && s.rank[1].dscale[2] == 0.0f);
        spread_free(&s);
        desc = desc_of(EK_LAYOUT_NCHW, 1, 3, 1, 1);
        desc.small_sample = EK_SMALL_SKIP_UPDATE;
        spread_make(&s, &desc, (ek_sync_mode)mode, 2, one, WORLD_UP);
        before = s.rank[0].running_mean[1];
        spread_forward(&s);
        assert_true(s.rank[0].running_mean[1] == before && s.f->y[1] == s.f->bias[1]);
        spread_free(&s);
    }
}

/* The only rank needs no exchange. */
static void alone(void **state) {
    (void)state;
    const int64_t counts[] = {9};
    ek_norm_desc desc = desc_of(EK_LAYOUT_NHWC, 9, 5, 3, 3);
    fixture *whole = one_process(&desc);
    spread s;
    spread_make(&s, &desc, EK_SYNC_EXACT, 1, counts, WORLD_UP);
    s.rank[0].sync.exchange = NULL;
    spread_forward(&s);
    spread_backward(&s);
    assert_true(same_bits(s.f->y, whole->y, whole->buffer) && same_bits(s.f->dx, whole->dx, whole->buffer));
    check_rank(&s.rank[0], whole);
    spread_free(&s);
    fixture_free(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(exact_has_the_bits_of_one_process),
                                       cmocka_unit_test(any_grouping),
                                       cmocka_unit_test(masked),
                                       cmocka_unit_test(fused),
                                       cmocka_unit_test(fast_is_within_its_bound),
                                       cmocka_unit_test(fast_takes_any_extents),
                                       cmocka_unit_test(nothing_and_one),
                                       cmocka_unit_test(alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
