/* test_norm_halves.c: bf16 and f16 data: every result is that of the f32 plan on the widened tensors, rounded once; the
 * parameters' gradients and the statistics are its bits. For every shape, fusion, source of statistics and variant. */
#include "norm/halves.h"

#include "base/memory.h"
#include "cpu/dispatch.h"
#include "support/half_ref.h"
#include <cmocka.h>
#include <evenkeel/cpu.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All but f32. */
#define TYPE(with, name, enumerator, bytes) [EKI_##enumerator] = EK_##enumerator,
static const ek_dtype all_types[] = {EKI_EACH_DATA_TYPE(TYPE, )};
static const ek_dtype *const types = all_types + 1;
enum { TYPES = EKI_DATA_TYPES - 1 };
static const char *what = "";

static void expect(int equal, const char *name, const halves *h) {
    if (!equal) fail_msg("%s: %s of %s is not that of f32, rounded", what, name, eki_kernels_get(h->data)->data);
}

static void compare_forward(const fixture *f, const halves *h) {
    expect(halves_equal(h, h->y, f->y, f->buffer), "y", h);
    expect(same_bits(h->mean, f->mean, f->sets), "mean", h);
    expect(same_bits(h->var, f->var, f->sets), "var", h);
}

/* The f32 plan reads the slope of the activation from the y that the other has. */
static void use_rounded_y(fixture *f, const halves *h) {
    for (size_t i = 0; i < f->buffer; i++) f->y[i] = eki_ref_widen(h->data, h->y[i]);
}

static void compare_backward(const fixture *f, const halves *h) {
    expect(halves_equal(h, h->dx, f->dx, f->buffer), "dx", h);
    if (f->args.dresidual != NULL) expect(halves_equal(h, h->dresidual, f->dresidual, f->buffer), "dresidual", h);
    expect(same_bits(h->dscale, f->dscale, f->parameters), "dscale", h);
    expect(same_bits(h->dbias, f->dbias, f->parameters), "dbias", h);
}

/* For plans with a mask: runs of three and two. */
static uint8_t mask[1 << 16];

static void check(const ek_norm_desc *desc, ek_dtype dtype, ek_norm_stats stats) {
    fixture *f = fixture_make(desc, 5, 3.0, 2.0);
    for (size_t i = 0; i < sizeof mask; i++) mask[i] = i % 5 < 3;
    assert_true(!desc->masked || f->elements <= sizeof mask);
    f->args.mask = desc->masked ? mask : NULL;
    halves *h = halves_make(f, dtype);
    h->args.mask = f->args.mask;
    fixture_forward(f, stats);
    halves_forward(f, h, stats);
    compare_forward(f, h);
    use_rounded_y(f, h);
    fixture_backward(f);
    halves_backward(f, h);
    compare_backward(f, h);
    halves_free(h);
    fixture_free(f);
}

static void every_shape(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        what = shape_text(&all_shapes[i]);
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        for (int t = 0; t < TYPES; t++) {
            check(&desc, types[t], EK_STATS_BATCH);
            if (desc.kind == EK_NORM_BATCH) check(&desc, types[t], EK_STATS_RUNNING);
        }
    }
}

static const struct {
    ek_activation activation;
    double alpha, beta;
    int residual;
} fusions[] = {
    {EK_ACTIVATION_NONE, 0, 0, 1},         {EK_ACTIVATION_RELU, 0, 0, 0}, {EK_ACTIVATION_RELU, 0, 0, 1},
    {EK_ACTIVATION_LEAKY_RELU, 0.1, 0, 1}, {EK_ACTIVATION_CLIP, 0, 1, 0}, {EK_ACTIVATION_SIGMOID, 0, 0, 1},
    {EK_ACTIVATION_TANH, 0, 0, 0},         {EK_ACTIVATION_SILU, 0, 0, 1}, {EK_ACTIVATION_HARD_SIGMOID, 0.2, 0.5, 0},
    {EK_ACTIVATION_HARD_SWISH, 0, 0, 1},   {EK_ACTIVATION_GELU, 0, 0, 0}};
enum { FUSIONS = sizeof fusions / sizeof fusions[0] };

/* Each shape with some of the fusions, so that each fusion meets shapes of every family and memory. */
static void fused(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        what = shape_text(&all_shapes[i]);
        for (size_t k = i % 3; k < FUSIONS; k += 3) {
            ek_norm_desc desc = shape_desc(&all_shapes[i]);
            desc.activation = fusions[k].activation;
            desc.activation_alpha = fusions[k].alpha;
            desc.activation_beta = fusions[k].beta;
            desc.residual = fusions[k].residual;
            check(&desc, types[k % TYPES], EK_STATS_BATCH);
            if (desc.kind == EK_NORM_BATCH) check(&desc, types[k % TYPES], EK_STATS_RUNNING);
        }
    }
}

static void variants(void **state) {
    (void)state;
    const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};
    for (int l = 0; l < 4; l++) {
        const shape s = {EK_NORM_BATCH, layouts[l], 4, {7, 11, 9, 5}, 0, 0, EK_AFFINE_ELEMENT};
        what = shape_text(&s);
        ek_norm_desc ghost = shape_desc(&s), renorm = shape_desc(&s);
        ghost.ghost = 3;
        renorm.renorm_r_max = 1.5;
        renorm.renorm_d_max = 0.5;
        for (int t = 0; t < TYPES; t++) {
            check(&ghost, types[t], EK_STATS_BATCH);
            check(&renorm, types[t], EK_STATS_BATCH);
        }
    }
}

static void masked(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        what = shape_text(&all_shapes[i]);
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        double elements = 1;
        for (int d = 0; d < desc.rank; d++) elements *= (double)desc.dims[d];
        if (elements > (double)sizeof mask) continue;
        desc.masked = 1;
        check(&desc, types[i % TYPES], EK_STATS_BATCH);
        desc.activation = i % 4 < 2 ? EK_ACTIVATION_RELU : EK_ACTIVATION_GELU;
        desc.residual = 1;
        check(&desc, types[i % TYPES], EK_STATS_BATCH);
    }
}

/* Results that go past the caches, at every alignment of a vector. */
static void streamed(void **state) {
    (void)state;
    const shape shapes[] = {{EK_NORM_BATCH, EK_LAYOUT_NCHW, 4, {5, 3, 641, 901}, 0, 0, EK_AFFINE_ELEMENT},
                            {EK_NORM_BATCH, EK_LAYOUT_NHWC, 4, {2, 48, 256, 256}, 0, 0, EK_AFFINE_ELEMENT},
                            {EK_NORM_BATCH, EK_LAYOUT_BLOCKED16, 4, {2, 48, 256, 256}, 0, 0, EK_AFFINE_ELEMENT},
                            {EK_NORM_LAYER, EK_LAYOUT_NCHW, 2, {8001, 701}, 1, 0, EK_AFFINE_ELEMENT}};
    for (int i = 0; i < 4 && shape_step() == 1; i++) { /* too large for an emulator; kernelcheck has the kernels */
        what = shape_text(&shapes[i]);
        ek_norm_desc desc = shape_desc(&shapes[i]);
        check(&desc, types[i % TYPES], EK_STATS_BATCH);
        if (desc.kind != EK_NORM_BATCH) continue;
        desc.activation = EK_ACTIVATION_RELU;
        desc.residual = 1;
        check(&desc, types[i % TYPES], EK_STATS_BATCH);
    }
}

/* In place: y over x, dx over dy. */
static void in_place(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += 3 * shape_step()) {
        what = shape_text(&all_shapes[i]);
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        fixture *f = fixture_make(&desc, 5, 3.0, 2.0);
        halves *h = halves_make(f, types[i % TYPES]);
        fixture_forward(f, EK_STATS_BATCH);
        fixture_backward(f);
        uint16_t *x = eki_alloc(eki_size_of(f->buffer + 1, sizeof *x));
        memcpy(x, h->x, f->buffer * sizeof *x);
        ek_error err;
        h->args.y = h->x;
        assert_int_equal(ek_norm_forward(h->plan, EK_STATS_BATCH, &h->args, &err), EK_OK);
        expect(halves_equal(h, h->x, f->y, f->buffer), "y in place", h);
        h->args.x = x;
        h->args.dx = h->dy;
        assert_int_equal(ek_norm_backward(h->plan, &h->args, &err), EK_OK);
        expect(halves_equal(h, h->dy, f->dx, f->buffer), "dx in place", h);
        eki_free(x);
        halves_free(h);
        fixture_free(f);
    }
}

/* What a type cannot hold: beyond its range results are infinite, below it they are denormal or zero, NaN stays. */
static void extremes(void **state) {
    (void)state;
    const float values[] = {65504.0f, -65504.0f, 6e-8f, -3e-6f, 0.0f, -0.0f, 1e-4f, 300.0f};
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_LAYER);
    desc.rank = 2;
    desc.dims[0] = 5;
    desc.dims[1] = 8;
    for (int t = 0; t < TYPES; t++) {
        what = "extremes";
        fixture *f = fixture_make(&desc, 5, 0, 1);
        for (size_t i = 0; i < f->buffer; i++) f->x[i] = values[i % 8] * (i / 8 == 1 ? 1e-4f : 1);
        f->x[3 * 8 + 2] = NAN;
        f->x[4 * 8 + 2] = INFINITY;
        for (size_t i = 0; i < 8; i++) f->scale[i] = i % 2 ? 1e38f : 1e-6f;
        halves *h = halves_make(f, types[t]);
        fixture_forward(f, EK_STATS_BATCH);
        halves_forward(f, h, EK_STATS_BATCH);
        compare_forward(f, h);
        fixture_backward(f);
        halves_backward(f, h);
        compare_backward(f, h);
        assert_true(isnan(eki_ref_widen(h->data, h->y[3 * 8])));
        bool narrow = isinf(eki_ref_widen(h->data, eki_ref_narrow(h->data, f->y[1])));
        assert_int_equal(isinf(eki_ref_widen(h->data, h->y[1])) != 0, narrow);
        if (types[t] == EK_F16) assert_true(narrow);
        halves_free(h);
        fixture_free(f);
    }
}

static void everywhere(void **state) {
    (void)state;
    const shape shapes[] = {{EK_NORM_BATCH, EK_LAYOUT_NCHW, 4, {40, 10, 19, 23}, 0, 0, EK_AFFINE_ELEMENT},
                            {EK_NORM_BATCH, EK_LAYOUT_NHWC, 4, {40, 70, 9, 7}, 0, 0, EK_AFFINE_ELEMENT},
                            {EK_NORM_BATCH, EK_LAYOUT_BLOCKED8, 4, {40, 20, 13, 15}, 0, 0, EK_AFFINE_ELEMENT},
                            {EK_NORM_GROUP, EK_LAYOUT_NCHW, 4, {40, 10, 19, 23}, 0, 5, EK_AFFINE_ELEMENT},
                            {EK_NORM_LAYER, EK_LAYOUT_NCHW, 2, {2000, 67}, 1, 0, EK_AFFINE_ELEMENT}};
    const int counts[] = {1, 2, 3, 7};
    for (size_t i = 0; eki_kernels_at(i, EKI_F32) != NULL; i++) {
        if (!eki_kernels_supported(i)) continue;
        assert_int_equal(ek_cpu_set_isa(eki_kernels_at(i, EKI_F32)->isa, NULL), EK_OK);
        for (int s = 0; s < 5; s++) {
            what = shape_text(&shapes[s]);
            ek_norm_desc desc = shape_desc(&shapes[s]);
            desc.parallel.threads = counts[s % 4];
            check(&desc, types[s % TYPES], EK_STATS_BATCH);
            desc.activation = EK_ACTIVATION_RELU;
            desc.residual = 1;
            desc.parallel.threads = counts[(s + 2) % 4];
            check(&desc, types[(s + 1) % TYPES], EK_STATS_BATCH);
        }
    }
    assert_int_equal(ek_cpu_set_isa(NULL, NULL), EK_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape), cmocka_unit_test(fused),      cmocka_unit_test(variants),
        cmocka_unit_test(masked),      cmocka_unit_test(streamed),   cmocka_unit_test(in_place),
        cmocka_unit_test(extremes),    cmocka_unit_test(everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
