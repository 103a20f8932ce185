/* test_norm_large.c: more than 2^31 elements, for real, in little memory: every example of a bf16 tensor is the same
 * piece of a file, mapped again and again, but the last, which lies beyond element 2^31 and is its own. An offset of 32
 * bits anywhere reads or writes the wrong one. Needs 9 GiB of address space and some tens of MiB of memory.
 */
#define _DEFAULT_SOURCE
#include "norm/fixture.h"

#include "base/memory.h"
#include <cmocka.h>
#include <evenkeel/norm.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EXAMPLES = 65, SPACE = 1 << 25, PIECE = 2 * SPACE };

static ek_error err;

/* A tensor whose first examples are one piece and whose last is another; NULL where that cannot be mapped. */
static uint16_t *tensor(void) {
    char name[] = "/tmp/evenkeel-large-XXXXXX";
    int file = mkstemp(name);
    if (file < 0) return NULL;
    (void)unlink(name);
    char *base = MAP_FAILED;
    if (ftruncate(file, 2 * (off_t)PIECE) == 0) {
        base = mmap(NULL, (size_t)EXAMPLES * PIECE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    for (int i = 0; i < EXAMPLES && base != MAP_FAILED; i++) {
        off_t at = i == EXAMPLES - 1 ? PIECE : 0;
        void *piece = mmap(base + (size_t)i * PIECE, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, at);
        if (piece == MAP_FAILED) base = MAP_FAILED;
    }
    (void)close(file);
    return base != MAP_FAILED ? (uint16_t *)(void *)base : NULL;
}

static uint16_t bf16(float value) { /* exact for the values here */
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static float value_of(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static ek_norm_plan *plan_of(void) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    ek_norm_plan *plan;
    desc.dtype = EK_BF16;
    desc.rank = 3;
    desc.dims[0] = EXAMPLES, desc.dims[1] = 1, desc.dims[2] = SPACE;
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) fail_msg("%s", err.text);
    return plan;
}

/* 64 examples of -1 and 1 in turn, one of 3: mean 3/65, mean of squares (64 + 9) / 65. */
static void beyond_two_to_the_31st(void **state) {
    (void)state;
    uint16_t *x = tensor(), *y = tensor();
    if (x == NULL || y == NULL) {
        printf("skipped: no room to map two tensors of 4.1 GiB over files of 128 MiB\n");
        skip();
    }
    size_t last = (size_t)(EXAMPLES - 1) * SPACE;
    assert_true(last >= (size_t)1 << 31);
    for (size_t i = 0; i < SPACE; i++) x[i] = bf16(i % 2 ? 1.0f : -1.0f);
    for (size_t i = 0; i < SPACE; i++) x[last + i] = bf16(3.0f);
    ek_norm_plan *plan = plan_of();
    float mean, var, dscale, dbias;
    ek_norm_args args = {.struct_size = sizeof args, .x = x, .y = y, .mean = &mean, .var = &var};
    args.saved = eki_alloc(eki_sized(ek_norm_saved_bytes(plan)));
    args.workspace = eki_alloc(eki_sized(ek_norm_workspace_bytes(plan)));
    if (ek_norm_forward(plan, EK_STATS_BATCH, &args, &err) != EK_OK) fail_msg("%s", err.text);
    double m = 3.0 / 65, v = 73.0 / 65 - m * m, rstd = 1 / sqrt(v + 1e-5);
    assert_true(fabs((double)mean - m) < 1e-7 * m + 1e-8 && fabs((double)var - v) < 1e-7 * v);
    assert_true(fabs((double)value_of(y[last + SPACE - 1]) - (3 - m) * rstd) < 0.01);
    assert_true(fabs((double)value_of(y[1]) - (1 - m) * rstd) < 0.01);
    args.dy = x; /* dbias = sum x, dscale = sum x xhat; dx goes where y was */
    args.dx = y;
    args.dscale = &dscale, args.dbias = &dbias;
    if (ek_norm_backward(plan, &args, &err) != EK_OK) fail_msg("%s", err.text);
    double n = (double)EXAMPLES * SPACE;
    assert_true(fabs((double)dbias / (n * m) - 1) < 1e-6 && fabs((double)dscale / (n * v * rstd) - 1) < 1e-6);
    double g = 3 - m - (3 - m) * rstd * v * rstd; /* dy - mean - xhat mean(dy xhat) */
    assert_true(fabs((double)value_of(y[last]) - rstd * g) < 1e-4);
    eki_free(args.saved);
    eki_free(args.workspace);
    ek_norm_plan_destroy(plan);
    (void)munmap(x, (size_t)EXAMPLES * PIECE);
    (void)munmap(y, (size_t)EXAMPLES * PIECE);
}

/* At the boundary, without memory: what a plan counts. */
static void counts_without_memory(void **state) {
    (void)state;
    const int64_t sizes[][3] = {
        {1, 1, INT64_C(1) << 31}, {3, 65537, 65537}, {INT64_C(1) << 33, 2, 1}, {2, 3, (INT64_C(1) << 31) + 1}};
    for (int i = 0; i < 4; i++) {
        for (int kind = 1; ek_norm_kind_name((ek_norm_kind)kind) != NULL; kind++) {
            ek_norm_desc desc = ek_norm_desc_default((ek_norm_kind)kind);
            ek_norm_plan *plan;
            desc.rank = 3;
            memcpy(desc.dims, sizes[i], sizeof sizes[i]);
            if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) fail_msg("%s", err.text);
            int64_t n = sizes[i][0], c = sizes[i][1], s = sizes[i][2], sets = ek_norm_sets(plan);
            if (kind == EK_NORM_BATCH) assert_true(sets == c);
            if (kind == EK_NORM_INSTANCE || kind == EK_NORM_LAYER || kind == EK_NORM_RMS) assert_true(sets == n * c);
            if (kind == EK_NORM_GROUP) assert_true(sets == n);
            assert_true(ek_norm_saved_bytes(plan) > (kind == EK_NORM_RMS ? 8 : 16) * (size_t)sets && s > 0);
            ek_norm_plan_destroy(plan);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_without_memory),
                                       cmocka_unit_test(beyond_two_to_the_31st)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
