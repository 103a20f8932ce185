/* test_norm_identities.c: norms that are equal as mathematics are equal bit for bit in NCHW, forward and backward;
 * and the result for a chunk of samples does not depend on the samples after it. */
#include "norm/fixture.h"

#include "base/memory.h"
#include <cmocka.h>
#include <string.h>

typedef struct {
    int rank;
    int64_t dims[EK_NORM_MAX_RANK];
} extents;

static const extents cases[] = {{4, {3, 6, 5, 7}},   {4, {1, 6, 5, 7}},    {2, {5, 20}},          {3, {2, 4, 20001}},
                                {4, {2, 4, 65, 70}}, {5, {2, 6, 3, 5, 7}}, {4, {1, 3, 150, 130}}, {2, {1, 9}}};
enum { CASES = sizeof cases / sizeof cases[0] };

static fixture *make(ek_norm_kind kind, const extents *e, int64_t groups) {
    ek_norm_desc desc = ek_norm_desc_default(kind);
    desc.rank = e->rank;
    memcpy(desc.dims, e->dims, sizeof desc.dims);
    desc.groups = groups;
    if (kind == EK_NORM_LAYER) {
        desc.axis = 1;
        desc.affine = EK_AFFINE_CHANNEL;
    }
    return fixture_make(&desc, 77, 2.0, 1.5);
}

/* The random data of two fixtures differ; take the first one's. */
static void share_data(fixture *to, const fixture *from) {
    memcpy(to->x, from->x, from->buffer * sizeof(float));
    memcpy(to->dy, from->dy, from->buffer * sizeof(float));
    memcpy(to->scale, from->scale, from->parameters * sizeof(float));
    memcpy(to->bias, from->bias, from->parameters * sizeof(float));
}

static void expect_equal(fixture *a, fixture *b, const char *what) {
    share_data(b, a);
    fixture_forward(a, EK_STATS_BATCH);
    fixture_forward(b, EK_STATS_BATCH);
    fixture_backward(a);
    fixture_backward(b);
    if (!same_bits(a->y, b->y, a->buffer)) fail_msg("%s: y differs", what);
    if (!same_bits(a->dx, b->dx, a->buffer)) fail_msg("%s: dx differs", what);
    if (!same_bits(a->dscale, b->dscale, a->parameters)) fail_msg("%s: dscale differs", what);
    if (!same_bits(a->dbias, b->dbias, a->parameters)) fail_msg("%s: dbias differs", what);
    if (!same_bits(a->mean, b->mean, a->sets) || !same_bits(a->var, b->var, a->sets)) fail_msg("%s: statistics", what);
    fixture_free(a);
    fixture_free(b);
}

static void one_group_is_layer(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        expect_equal(make(EK_NORM_GROUP, &cases[i], 1), make(EK_NORM_LAYER, &cases[i], 1), "group(1) and layer");
    }
}

static void group_per_channel_is_instance(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        expect_equal(make(EK_NORM_GROUP, &cases[i], cases[i].dims[1]), make(EK_NORM_INSTANCE, &cases[i], 1),
                     "group(C) and instance");
    }
}

static void one_sample_batch_is_instance(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        if (cases[i].dims[0] != 1) continue;
        expect_equal(make(EK_NORM_BATCH, &cases[i], 1), make(EK_NORM_INSTANCE, &cases[i], 1),
                     "batch at N = 1 and instance");
    }
}

/* The statistics of a sample do not depend on the other samples of the batch. */
static void samples_are_independent(void **state) {
    (void)state;
    const ek_norm_kind kinds[] = {EK_NORM_INSTANCE, EK_NORM_GROUP, EK_NORM_LAYER};
    for (int k = 0; k < 3; k++) {
        extents five = {4, {5, 6, 9, 7}}, one = {4, {1, 6, 9, 7}};
        fixture *all = make(kinds[k], &five, 2), *single = make(kinds[k], &one, 2);
        size_t n = single->buffer;
        fixture_forward(all, EK_STATS_BATCH);
        memcpy(single->x, all->x + 3 * n, n * sizeof(float));
        memcpy(single->scale, all->scale, 6 * sizeof(float));
        memcpy(single->bias, all->bias, 6 * sizeof(float));
        fixture_forward(single, EK_STATS_BATCH);
        assert_true(same_bits(single->y, all->y + 3 * n, n));
        fixture_free(all);
        fixture_free(single);
    }
}

/* The default chunk is the documented function of S, and another chunk may change bits but not the result. */
static void chunk_of_batch(void **state) {
    (void)state;
    extents e = {4, {37, 5, 7, 9}}; /* S = 63: 16 samples have 1008 < 1024 elements, so the chunk is 32 */
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = e.rank;
    memcpy(desc.dims, e.dims, sizeof desc.dims);
    fixture *standard = fixture_make(&desc, 5, 100.0, 1.0);
    desc.chunk = 32;
    expect_equal(standard, fixture_make(&desc, 5, 100.0, 1.0), "default chunk and 32");
    const int64_t chunks[] = {1, 3, 16, 64, 1000};
    for (int i = 0; i < 5; i++) {
        desc.chunk = chunks[i];
        fixture *f = fixture_make(&desc, 5, 100.0, 1.0);
        fixture_forward(f, EK_STATS_BATCH);
        fixture_backward(f);
        fixture_reference(f, EK_STATS_BATCH, 1);
        assert_true(fixture_error(f, f->y, f->ry) < 3e-7);
        assert_true(fixture_error(f, f->dx, f->rdx) < 4e-7);
        fixture_free(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_group_is_layer),
                                       cmocka_unit_test(group_per_channel_is_instance),
                                       cmocka_unit_test(one_sample_batch_is_instance),
                                       cmocka_unit_test(samples_are_independent), cmocka_unit_test(chunk_of_batch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
