/* test_norm_golden.c: one hash of all results of every shape. The order of additions is a contract, so a change of
 * any bit must be seen even where it stays within every bound. `test_norm_golden --print` prints the
 * table anew; that is a change of the contract, for a major version and docs/reproducibility.md. */
#include "norm/halves.h"

#include "base/random.h"
#include "norm/norm_stats.h"
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct hashes {
    uint64_t f32, halves;
} hashes;

static const hashes golden[] = {
#include "norm/golden.inc"
};
enum { HASHES = sizeof golden / sizeof golden[0] };

static uint64_t add(uint64_t hash, const void *data, size_t bytes) {
    uint64_t words[2] = {hash, eki_hash(data, bytes)};
    return eki_hash(words, sizeof words);
}

/* mean, rstd and var of every set in f64, of what `saved` holds. */
static double *statistics_of(const fixture *f) {
    eki_stats stats = eki_stats_at(f->plan, f->args.saved, NULL);
    double *all = calloc(3 * f->sets, sizeof *all);
    for (size_t s = 0; s < f->sets; s++) {
        if (stats.mean != NULL) all[s] = stats.mean[s];
        all[f->sets + s] = eki_rstd(stats.var[s], f->desc.epsilon);
        all[2 * f->sets + s] = stats.var[s];
    }
    return all;
}

static uint64_t hash_of(const shape *s) {
    ek_norm_desc desc = shape_desc(s);
    fixture *f = fixture_make(&desc, 71, 3.0, 2.0);
    fixture_forward(f, EK_STATS_BATCH);
    fixture_backward(f);
    uint64_t hash = add(0, f->y, f->buffer * sizeof(float));
    hash = add(hash, f->dx, f->buffer * sizeof(float));
    hash = add(hash, f->dscale, f->parameters * sizeof(float));
    hash = add(hash, f->dbias, f->parameters * sizeof(float));
    double *statistics = statistics_of(f);
    hash = add(hash, statistics, 3 * f->sets * sizeof(double));
    free(statistics);
    fixture_free(f);
    return hash;
}

static uint64_t hash_of_halves(const shape *s) {
    uint64_t hash = 0;
    for (int t = 0; t < 2; t++) {
        ek_norm_desc desc = shape_desc(s);
        fixture *f = fixture_make(&desc, 71, 3.0, 2.0);
        halves *h = halves_make(f, t == 0 ? EK_BF16 : EK_F16);
        halves_forward(f, h, EK_STATS_BATCH);
        halves_backward(f, h);
        hash = add(hash, h->y, f->buffer * sizeof *h->y);
        hash = add(hash, h->dx, f->buffer * sizeof *h->dx);
        hash = add(hash, h->dscale, f->parameters * sizeof(float));
        hash = add(hash, h->dbias, f->parameters * sizeof(float));
        halves_free(h);
        fixture_free(f);
    }
    return hash;
}

static hashes golden_of(size_t at) {
    if (at < HASHES) return golden[at];
    fail_msg("%s has no hashes: a new kind's are the last lines of --print", shape_text(&all_shapes[at]));
    return (hashes){0, 0};
}

static void bits_of_halves(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        if (hash_of_halves(&all_shapes[i]) == golden_of(i).halves) continue;
        fail_msg("%s: the bits of bf16 or f16 have changed", shape_text(&all_shapes[i]));
    }
}

static void bits(void **state) {
    (void)state;
    assert_true(HASHES <= all_shapes_count);
    for (size_t i = 0; i < all_shapes_count; i++) {
        if (hash_of(&all_shapes[i]) == golden_of(i).f32) continue;
        fail_msg("%s: the bits have changed", shape_text(&all_shapes[i]));
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--print") == 0) {
        for (size_t i = 0; i < all_shapes_count; i++) {
            printf("{UINT64_C(0x%016llx), UINT64_C(0x%016llx)},\n", (unsigned long long)hash_of(&all_shapes[i]),
                   (unsigned long long)hash_of_halves(&all_shapes[i]));
        }
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(bits), cmocka_unit_test(bits_of_halves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
