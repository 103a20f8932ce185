/* test_norm_golden.c: one hash of all results of every shape. The order of additions is a contract, so a change of
 * any bit must be seen even where it stays within every bound. `test_norm_golden --print` (`--print-halves`) prints the
 * table anew; that is a change of the contract, for a major version and docs/reproducibility.md. */
#include "norm/halves.h"

#include "base/random.h"
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const uint64_t golden[] = {
#include "norm/golden.inc"
};

static const uint64_t golden_halves[] = {
/* of bf16 and f16 together */
#include "norm/golden_halves.inc"
};

static uint64_t add(uint64_t hash, const void *data, size_t bytes) {
    uint64_t words[2] = {hash, eki_hash(data, bytes)};
    return eki_hash(words, sizeof words);
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
    hash = add(hash, (const char *)f->args.saved + 64, 3 * f->sets * sizeof(double));
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

static void hashes_of_halves(void **state) {
    (void)state;
    assert_int_equal(sizeof golden_halves / sizeof golden_halves[0], all_shapes_count);
    for (size_t i = 0; i < all_shapes_count; i++) {
        if (hash_of_halves(&all_shapes[i]) == golden_halves[i]) continue;
        fail_msg("%s: the bits of bf16 or f16 have changed", shape_text(&all_shapes[i]));
    }
}

static void hashes(void **state) {
    (void)state;
    assert_int_equal(sizeof golden / sizeof golden[0], all_shapes_count);
    for (size_t i = 0; i < all_shapes_count; i++) {
        if (hash_of(&all_shapes[i]) != golden[i]) fail_msg("%s: the bits have changed", shape_text(&all_shapes[i]));
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strncmp(argv[1], "--print", 7) == 0) {
        uint64_t (*hash)(const shape *) = strcmp(argv[1], "--print-halves") == 0 ? hash_of_halves : hash_of;
        for (size_t i = 0; i < all_shapes_count; i++)
            printf("UINT64_C(0x%016llx),\n", (unsigned long long)hash(&all_shapes[i]));
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashes), cmocka_unit_test(hashes_of_halves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
