/* test_norm_golden.c: one hash of all results of every shape. The order of additions is a contract, so a change of
 * any bit must be seen even where it stays within every bound. `test_norm_golden --print` prints the table anew; that
 * is a change of the contract, for a major version and docs/reproducibility.md. */
#include "norm/fixture.h"

#include "base/random.h"
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const uint64_t golden[] = {
#include "norm/golden.inc"
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

static void hashes(void **state) {
    (void)state;
    assert_int_equal(sizeof golden / sizeof golden[0], all_shapes_count);
    for (size_t i = 0; i < all_shapes_count; i++) {
        if (hash_of(&all_shapes[i]) != golden[i]) fail_msg("%s: the bits have changed", shape_text(&all_shapes[i]));
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--print") == 0) {
        for (size_t i = 0; i < all_shapes_count; i++)
            printf("UINT64_C(0x%016llx),\n", (unsigned long long)hash_of(&all_shapes[i]));
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
