/* test_norm_partial.c: the streaming tree equals its definition, whatever the count; and merging keeps what it must. */
#include "norm/partial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

enum { MOST = 70 };

/* By definition: node i of level l covers units [i 2^l, (i+1) 2^l); a missing right child passes the left through. */
static eki_moments by_definition(const eki_moments *units, int64_t count, int level, int64_t index) {
    if (level == 0) return units[index];
    int64_t right = (2 * index + 1) << (level - 1);
    eki_moments left = by_definition(units, count, level - 1, 2 * index);
    return right < count ? eki_moments_merge(left, by_definition(units, count, level - 1, 2 * index + 1)) : left;
}

static int levels(int64_t count) {
    int level = 0;
    while ((INT64_C(1) << level) < count) level++;
    return level;
}

static void tree_is_aligned(void **state) {
    (void)state;
    eki_moments units[MOST];
    eki_pair pairs[MOST];
    for (int i = 0; i < MOST; i++) {
        units[i] = (eki_moments){1 + i % 3, 1.0 / (i + 3), 0.1 * i};
        pairs[i] = (eki_pair){1.0 / (i + 3), (i % 2 ? -1 : 1) / (i + 0.7)};
    }
    for (int64_t count = 1; count <= MOST; count++) {
        eki_moments tree = eki_moments_tree(units, count, 1);
        eki_moments expected = by_definition(units, count, levels(count), 0);
        assert_memory_equal(&tree, &expected, sizeof tree);
    }
    eki_pair left = {(pairs[0].a + pairs[1].a) + (pairs[2].a + pairs[3].a), 0};
    assert_true(eki_pair_tree(pairs, 5, 1).a == left.a + pairs[4].a);
    assert_true(eki_pair_tree(pairs, 7, 1).a == left.a + ((pairs[4].a + pairs[5].a) + pairs[6].a));
}

static void empty_passes_through(void **state) {
    (void)state;
    eki_moments none = {0, 0, 0}, some = {3, 0.1, 0.7};
    eki_moments a = eki_moments_merge(none, some), b = eki_moments_merge(some, none);
    assert_memory_equal(&a, &some, sizeof some);
    assert_memory_equal(&b, &some, sizeof some);
}

/* Merging parts of a constant set keeps the mean to the bit, for any counts. */
static void equal_means_stay(void **state) {
    (void)state;
    eki_moments units[MOST];
    for (int i = 0; i < MOST; i++) units[i] = (eki_moments){7 * i + 1, 0.1, 0};
    for (int64_t count = 1; count <= MOST; count++) {
        eki_moments tree = eki_moments_tree(units, count, 1);
        assert_true(tree.mean == 0.1 && tree.m2 == 0.0);
    }
}

/* The formula of docs/reproducibility.md to the last bit, with counts whose shares do not divide evenly. */
static void merge_is_the_documented_formula(void **state) {
    (void)state;
    for (int i = 1; i <= MOST; i++) {
        eki_moments a = {7.0 * i + 3, 1.0 / (i + 0.3), i * 0.7}, b = {11.0 * i + 1, -3.0 / (i + 0.1), i * 1.3};
        double n = a.n + b.n, d = b.mean - a.mean, share = b.n / n;
        eki_moments merged = eki_moments_merge(a, b);
        assert_true(merged.n == n);
        assert_true(merged.mean == a.mean + d * share);
        assert_true(merged.m2 == (a.m2 + b.m2) + d * d * (a.n * share));
    }
}

static void rounding_below_zero_is_clamped(void **state) {
    (void)state;
    assert_true(eki_moments_from_sums(2, 0, 1.0, 0.5 - 1e-17, 1).m2 == 0.0);
    assert_true(eki_moments_from_sums(2, 0, 1.0, 0.4, 1).m2 == 0.0);
    assert_true(isnan(eki_moments_from_sums(2, 0, (double)NAN, (double)NAN, 1).m2));
    assert_true(eki_moments_from_sums(4, 3, 8, 100, 0).mean == 0.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_is_aligned), cmocka_unit_test(empty_passes_through), cmocka_unit_test(equal_means_stay),
        cmocka_unit_test(merge_is_the_documented_formula), cmocka_unit_test(rounding_below_zero_is_clamped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
