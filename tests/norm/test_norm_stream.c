/* test_norm_stream.c: results so large that they go past the caches have the bits of results in place, which do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <evenkeel/norm.h>
#include <stdlib.h>
#include <string.h>

enum { SHIFT = 3 }; /* elements by which results may miss a line */

typedef struct {
    size_t count;
    ek_norm_plan *plan;
    ek_norm_args args;
    float *x, *dy, *apart, *place;
} large;

static float *floats(size_t count) {
    float *memory = malloc(count * sizeof(float));
    assert_non_null(memory);
    for (size_t i = 0; i < count; i++) memory[i] = (float)(i * 2654435761u % 1009u) * 0.01f - 5.0f;
    return memory;
}

static large make(ek_norm_kind kind, ek_layout layout, const int64_t dims[4]) {
    large l = {.count = (size_t)(dims[0] * ((dims[1] + 15) / 16 * 16) * dims[2] * dims[3])};
    ek_norm_desc desc = ek_norm_desc_default(kind);
    desc.layout = layout;
    desc.rank = 4;
    memcpy(desc.dims, dims, 4 * sizeof *dims);
    desc.groups = kind == EK_NORM_GROUP ? 3 : 1;
    if (ek_norm_plan_create(&desc, &l.plan, NULL) != EK_OK) fail();
    l.x = floats(l.count);
    l.dy = floats(l.count);
    l.apart = floats(l.count + SHIFT);
    l.place = floats(l.count);
    l.args = (ek_norm_args){.struct_size = sizeof l.args};
    l.args.scale = floats((size_t)dims[1]);
    l.args.bias = floats((size_t)dims[1]);
    l.args.saved = malloc(ek_norm_saved_bytes(l.plan));
    l.args.workspace = aligned_alloc(64, (ek_norm_workspace_bytes(l.plan) + 63) / 64 * 64);
    return l;
}

static void check(ek_norm_kind kind, ek_layout layout, const int64_t dims[4], size_t shift) {
    large l = make(kind, layout, dims);
    l.args.x = l.x;
    l.args.y = l.apart + shift;
    assert_int_equal(ek_norm_forward(l.plan, EK_STATS_BATCH, &l.args, NULL), EK_OK);
    memcpy(l.place, l.x, l.count * sizeof(float));
    l.args.x = l.args.y = l.place;
    assert_int_equal(ek_norm_forward(l.plan, EK_STATS_BATCH, &l.args, NULL), EK_OK);
    size_t used = layout == EK_LAYOUT_BLOCKED16 ? l.count : (size_t)(dims[0] * dims[1] * dims[2] * dims[3]);
    assert_memory_equal(l.apart + shift, l.place, used * sizeof(float));
    l.args.x = l.x;
    l.args.y = NULL;
    l.args.dy = l.dy;
    l.args.dx = l.apart + shift;
    assert_int_equal(ek_norm_backward(l.plan, &l.args, NULL), EK_OK);
    l.args.dx = l.dy;
    assert_int_equal(ek_norm_backward(l.plan, &l.args, NULL), EK_OK);
    assert_memory_equal(l.apart + shift, l.dy, used * sizeof(float));
    ek_norm_plan_destroy(l.plan);
    const void *owned[] = {l.x, l.dy, l.apart, l.place, l.args.scale, l.args.bias, l.args.saved, l.args.workspace};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
        union {
            const void *in;
            void *out;
        } memory = {.in = owned[i]};
        free(memory.out);
    }
}

static void test_large(void **state) {
    (void)state;
    static const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED16};
    static const int64_t whole[4] = {3, 96, 121, 123}, odd[4] = {3, 93, 127, 125};
    for (size_t i = 0; i < 3; i++) {
        for (size_t shift = 0; shift <= SHIFT; shift += SHIFT) {
            check(EK_NORM_BATCH, layouts[i], whole, shift);
            check(EK_NORM_BATCH, layouts[i], odd, shift);
            check(EK_NORM_GROUP, layouts[i], odd, shift);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_large)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
