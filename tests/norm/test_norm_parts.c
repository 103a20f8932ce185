/* test_norm_parts.c: a batch in parts has the bits of the whole batch, in any order of parts; and misuse is named. */
#include "norm/fixture.h"

#include "base/memory.h"
#include <cmocka.h>
#include <evenkeel/parts.h>
#include <string.h>

static ek_error err;

static void ok(ek_status status) {
    if (status != EK_OK) fail_msg("%s", err.text);
}

typedef struct {
    int64_t first, count;
} part;

typedef struct {
    fixture *f;
    void *memory;
    const part *parts;
    int count;
} run;

/* The arguments of one part: pointers at its first example. */
static ek_norm_args part_args(const run *r, part p) {
    ek_norm_args args = r->f->args;
    size_t at = (size_t)p.first * (r->f->buffer / (size_t)r->f->desc.dims[0]);
    args.x = r->f->x + at;
    args.y = r->f->y + at;
    args.dy = r->f->dy + at;
    args.dx = r->f->dx + at;
    if (args.lengths != NULL) args.lengths += p.first;
    if (args.mask != NULL) args.mask += p.first * r->f->desc.dims[2] * r->f->desc.dims[3];
    args.mean = args.var = NULL;
    args.dscale = args.dbias = NULL;
    return args;
}

static void poison(float *a, size_t n) { memset(a, 0x7f, n * sizeof *a); }

static void run_parts(const run *r) {
    fixture *f = r->f;
    ok(ek_norm_parts_begin(f->plan, r->memory, &err));
    for (int i = 0; i < r->count; i++) {
        ek_norm_args args = part_args(r, r->parts[i]);
        ok(ek_norm_parts_add(f->plan, r->memory, r->parts[i].first, r->parts[i].count, &args, &err));
        memset(args.workspace, 0xff, ek_norm_workspace_bytes(f->plan));
    }
    ok(ek_norm_parts_finish(f->plan, r->memory, &f->args, &err));
    for (int i = r->count - 1; i >= 0; i--) {
        ek_norm_args args = part_args(r, r->parts[i]);
        memset(args.workspace, 0xff, ek_norm_workspace_bytes(f->plan));
        ok(ek_norm_parts_forward(f->plan, r->memory, r->parts[i].count, &args, &err));
    }
    for (int i = r->count - 1; i >= 0; i--) {
        ek_norm_args args = part_args(r, r->parts[i]);
        ok(ek_norm_parts_add_gradients(f->plan, r->memory, r->parts[i].first, r->parts[i].count, &args, &err));
    }
    ok(ek_norm_parts_finish_gradients(f->plan, r->memory, &f->args, &err));
    for (int i = 0; i < r->count; i++) {
        ek_norm_args args = part_args(r, r->parts[i]);
        memset(args.workspace, 0xff, ek_norm_workspace_bytes(f->plan));
        ok(ek_norm_parts_backward(f->plan, r->memory, r->parts[i].count, &args, &err));
    }
}

/* Under a mask, unless both are NULL. */
static void check_masked(ek_norm_desc desc, const part *parts, int count, const int64_t *lengths, const uint8_t *mask) {
    desc.masked = lengths != NULL || mask != NULL;
    fixture *whole = fixture_make(&desc, 4, 3, 2), *f = fixture_make(&desc, 4, 3, 2);
    whole->args.lengths = f->args.lengths = lengths;
    whole->args.mask = f->args.mask = mask;
    fixture_forward(whole, EK_STATS_BATCH);
    fixture_backward(whole);
    poison(f->y, f->buffer);
    poison(f->dx, f->buffer);
    run r = {f, eki_alloc(eki_sized(ek_norm_parts_bytes(f->plan))), parts, count};
    run_parts(&r);
    assert_true(same_bits(f->y, whole->y, f->buffer) && same_bits(f->dx, whole->dx, f->buffer));
    assert_true(same_bits(f->dscale, whole->dscale, f->parameters));
    assert_true(same_bits(f->dbias, whole->dbias, f->parameters));
    assert_memory_equal(f->args.saved, whole->args.saved, ek_norm_saved_bytes(f->plan));
    assert_true(same_bits(f->mean, whole->mean, f->sets) && same_bits(f->var, whole->var, f->sets));
    ok(ek_norm_update_running(f->plan, f->args.saved, f->running_mean, f->running_var, NULL, &err));
    ok(ek_norm_update_running(whole->plan, whole->args.saved, whole->running_mean, whole->running_var, NULL, &err));
    assert_true(same_bits(f->running_var, whole->running_var, f->parameters));
    eki_free(r.memory);
    fixture_free(f);
    fixture_free(whole);
}

static void check(ek_norm_desc desc, const part *parts, int count) { check_masked(desc, parts, count, NULL, NULL); }

static ek_norm_desc desc_of(ek_layout layout, int64_t n, int64_t c, int64_t h, int64_t w) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.layout = layout;
    desc.rank = 4;
    const int64_t dims[] = {n, c, h, w};
    memcpy(desc.dims, dims, sizeof dims);
    return desc;
}

static const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};

/* Equal parts, a short last one, one part, unequal parts out of order, an empty part. */
static void same_bits_as_whole(void **state) {
    (void)state;
    const part equal[] = {{0, 4}, {4, 4}, {8, 4}}, rest[] = {{8, 2}, {0, 4}, {4, 4}}, one[] = {{0, 10}};
    const part odd[] = {{10, 2}, {2, 6}, {8, 2}, {0, 2}, {4, 0}};
    for (int l = 0; l < 4; l++) {
        ek_norm_desc desc = desc_of(layouts[l], 12, 10, 5, 7);
        desc.chunk = 4;
        check(desc, equal, 3);
        desc.dims[0] = 10;
        check(desc, rest, 3);
        check(desc, one, 1);
        desc.dims[0] = 12;
        desc.chunk = 2;
        check(desc, odd, 5);
        desc.dims[2] = desc.dims[3] = 1; /* S = 1 */
        check(desc, odd, 5);
        desc = desc_of(layouts[l], 3, 3, 150, 130); /* samples cut into blocks */
        const part samples[] = {{2, 1}, {0, 2}};
        check(desc, samples, 2);
        desc = desc_of(layouts[l], 3, 20, 40, 40); /* chunks of one by the rule */
        check(desc, samples, 2);
    }
}

enum { EXAMPLES = 12, HEIGHT = 5, WIDTH = 7 };
static uint8_t mask_some[EXAMPLES * HEIGHT * WIDTH], mask_one[EXAMPLES * HEIGHT * WIDTH],
    mask_none[EXAMPLES * HEIGHT * WIDTH];
static const int64_t lengths[EXAMPLES] = {5, 0, 2, 5, 3, 0, 0, 0, 0, 4, 1, 5}; /* the third part of four has little */

/* With a residual and an activation too; a mask that leaves one value, or none. */
static void same_bits_under_masks(void **state) {
    (void)state;
    const part equal[] = {{0, 4}, {4, 4}, {8, 4}}, odd[] = {{10, 2}, {2, 6}, {8, 2}, {0, 2}, {4, 0}};
    for (int i = 0; i < EXAMPLES * HEIGHT * WIDTH; i++) mask_some[i] = (uint8_t)((i * 7 + i / 11) % 3);
    mask_one[100] = 1;
    for (int l = 0; l < 4; l++) {
        ek_norm_desc desc = desc_of(layouts[l], EXAMPLES, 10, HEIGHT, WIDTH);
        desc.chunk = 2;
        check_masked(desc, odd, 5, lengths, NULL);
        check_masked(desc, odd, 5, lengths, mask_some);
        check_masked(desc, equal, 3, NULL, mask_none);
        check_masked(desc, equal, 3, NULL, mask_one);
        desc.small_sample = EK_SMALL_SKIP_UPDATE;
        check_masked(desc, equal, 3, NULL, mask_one);
        desc.activation = EK_ACTIVATION_RELU;
        check_masked(desc, equal, 3, NULL, mask_some);
        desc.activation = EK_ACTIVATION_GELU;
        check_masked(desc, odd, 5, lengths, mask_some);
    }
}

static void expect(ek_status status, ek_status expected, const char *text) {
    assert_int_equal(status, expected);
    if (strstr(err.text, text) == NULL) fail_msg("\"%s\" does not contain \"%s\"", err.text, text);
}

static void misuse(void **state) {
    (void)state;
    ek_norm_desc desc = desc_of(EK_LAYOUT_NCHW, 8, 3, 4, 4);
    desc.chunk = 4;
    fixture *f = fixture_make(&desc, 4, 3, 2);
    char *memory = eki_alloc(eki_sized(ek_norm_parts_bytes(f->plan)));
    memset(memory, 0, ek_norm_parts_bytes(f->plan));
    const ek_norm_plan *plan = f->plan;
    assert_int_equal(ek_norm_parts_chunk(plan), 4);
    expect(ek_norm_parts_add(plan, memory, 0, 4, &f->args, &err), EK_ERR_STATE, "ek_norm_parts_begin()");
    expect(ek_norm_parts_begin(plan, memory + 8, &err), EK_ERR_ARG, "64-byte aligned");
    ok(ek_norm_parts_begin(plan, memory, &err));
    expect(ek_norm_parts_add(plan, memory, 2, 4, &f->args, &err), EK_ERR_SHAPE, "whole chunks of 4");
    expect(ek_norm_parts_add(plan, memory, 0, 3, &f->args, &err), EK_ERR_SHAPE, "set desc.chunk");
    expect(ek_norm_parts_add(plan, memory, 4, 8, &f->args, &err), EK_ERR_SHAPE, "a part of the 8 examples");
    expect(ek_norm_parts_forward(plan, memory, 4, &f->args, &err), EK_ERR_STATE, "ek_norm_parts_finish()");
    ok(ek_norm_parts_add(plan, memory, 0, 4, &f->args, &err));
    expect(ek_norm_parts_add(plan, memory, 0, 4, &f->args, &err), EK_ERR_STATE, "example 0 is in a part");
    expect(ek_norm_parts_finish(plan, memory, &f->args, &err), EK_ERR_STATE, "example 4 of 8 is in no part");
    ok(ek_norm_parts_add(plan, memory, 4, 4, &f->args, &err));
    ek_norm_args none = f->args;
    none.saved = NULL;
    expect(ek_norm_parts_finish(plan, memory, &none, &err), EK_ERR_ARG, "args.saved is NULL");
    ok(ek_norm_parts_finish(plan, memory, &f->args, &err));
    expect(ek_norm_parts_finish(plan, memory, &f->args, &err), EK_ERR_STATE, "made already");
    expect(ek_norm_parts_add(plan, memory, 0, 4, &f->args, &err), EK_ERR_STATE, "made already");
    expect(ek_norm_parts_forward(plan, memory, 9, &f->args, &err), EK_ERR_SHAPE, "count is 9");
    none = f->args;
    none.y = NULL;
    expect(ek_norm_parts_forward(plan, memory, 4, &none, &err), EK_ERR_ARG, "args.y is NULL");
    expect(ek_norm_parts_finish_gradients(plan, memory, &f->args, &err), EK_ERR_STATE, "add_gradients() first");
    expect(ek_norm_parts_backward(plan, memory, 4, &f->args, &err), EK_ERR_STATE, "finish_gradients() first");
    ok(ek_norm_parts_add_gradients(plan, memory, 0, 4, &f->args, &err));
    expect(ek_norm_parts_add_gradients(plan, memory, 0, 4, &f->args, &err), EK_ERR_STATE, "example 0 is in a part");
    expect(ek_norm_parts_finish_gradients(plan, memory, &f->args, &err), EK_ERR_STATE, "example 4 of 8");
    ok(ek_norm_parts_add_gradients(plan, memory, 4, 4, &f->args, &err));
    ok(ek_norm_parts_finish_gradients(plan, memory, &f->args, &err));
    none = f->args;
    none.saved = NULL;
    expect(ek_norm_parts_backward(plan, memory, 4, &none, &err), EK_ERR_ARG, "args.saved is NULL");
    eki_free(memory);
    fixture_free(f);
}

static void other_plans(void **state) {
    (void)state;
    ek_norm_desc desc = desc_of(EK_LAYOUT_NCHW, 8, 4, 4, 4), variants[3] = {desc, desc, desc};
    variants[0].kind = EK_NORM_GROUP;
    variants[1].ghost = 2;
    variants[2].renorm_r_max = 2;
    for (int i = 0; i < 3; i++) {
        fixture *f = fixture_make(&variants[i], 4, 3, 2);
        assert_int_equal(ek_norm_parts_bytes(f->plan), 0);
        expect(ek_norm_parts_begin(f->plan, NULL, &err), EK_ERR_UNSUPPORTED, "cannot run in parts");
        fixture_free(f);
    }
    ek_norm_desc single = desc_of(EK_LAYOUT_NCHW, 1, 4, 1, 1), empty = desc_of(EK_LAYOUT_NCHW, 0, 4, 1, 1);
    single.small_sample = EK_SMALL_ERROR;
    fixture *f = fixture_make(&single, 4, 3, 2), *e = fixture_make(&empty, 4, 3, 2);
    void *memory = eki_alloc(eki_sized(ek_norm_parts_bytes(f->plan) + ek_norm_parts_bytes(e->plan)));
    ok(ek_norm_parts_begin(f->plan, memory, &err));
    ok(ek_norm_parts_add(f->plan, memory, 0, 1, &f->args, &err));
    expect(ek_norm_parts_finish(f->plan, memory, &f->args, &err), EK_ERR_SHAPE, "one value per channel");
    ok(ek_norm_parts_begin(e->plan, memory, &err));
    ok(ek_norm_parts_finish(e->plan, memory, &e->args, &err));
    ok(ek_norm_parts_finish_gradients(e->plan, memory, &e->args, &err));
    assert_true(e->dscale[3] == 0.0f);
    ek_norm_update report;
    ok(ek_norm_update_running(e->plan, e->args.saved, e->running_mean, e->running_var, &report, &err));
    assert_int_equal(report.updated, 0);
    eki_free(memory);
    fixture_free(f);
    fixture_free(e);
}

static void misuse_of_masks(void **state) {
    (void)state;
    ek_norm_desc desc = desc_of(EK_LAYOUT_NCHW, 4, 3, HEIGHT, WIDTH);
    desc.chunk = 2;
    desc.masked = 1;
    desc.small_sample = EK_SMALL_ERROR;
    fixture *f = fixture_make(&desc, 4, 3, 2);
    void *memory = eki_alloc(eki_sized(ek_norm_parts_bytes(f->plan)));
    int64_t left[] = {5, 4, 6, 0};
    ok(ek_norm_parts_begin(f->plan, memory, &err));
    expect(ek_norm_parts_add(f->plan, memory, 0, 2, &f->args, &err), EK_ERR_ARG, "are NULL, but desc.masked is 1");
    f->args.lengths = left;
    ok(ek_norm_parts_add(f->plan, memory, 0, 2, &f->args, &err));
    f->args.lengths = left + 2;
    expect(ek_norm_parts_add(f->plan, memory, 2, 2, &f->args, &err), EK_ERR_SHAPE, "args.lengths[0] is 6, expected");
    left[2] = 3;
    ok(ek_norm_parts_add(f->plan, memory, 2, 2, &f->args, &err)); /* what failed left nothing behind */
    ok(ek_norm_parts_finish(f->plan, memory, &f->args, &err));
    ok(ek_norm_parts_add_gradients(f->plan, memory, 2, 2, &f->args, &err));
    ok(ek_norm_parts_add_gradients(f->plan, memory, 0, 2, &f->args, &err)); /* with the wrong lengths */
    expect(ek_norm_parts_finish_gradients(f->plan, memory, &f->args, &err), EK_ERR_STATE,
           "leave 42 positions, the forward had 84");
    f->args.lengths = NULL;
    f->args.mask = mask_one;
    ok(ek_norm_parts_begin(f->plan, memory, &err));
    ok(ek_norm_parts_add(f->plan, memory, 0, 4, &f->args, &err));
    expect(ek_norm_parts_finish(f->plan, memory, &f->args, &err), EK_ERR_SHAPE, "one value per channel");
    eki_free(memory);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits_as_whole), cmocka_unit_test(same_bits_under_masks),
                                       cmocka_unit_test(misuse), cmocka_unit_test(misuse_of_masks),
                                       cmocka_unit_test(other_plans)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
