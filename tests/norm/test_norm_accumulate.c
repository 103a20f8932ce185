/* test_norm_accumulate.c: gradients that are added to what is there have the bits of a temporary and an addition; mean
 * and rstd that a caller kept, or computed, feed backward as `saved` does; backward from y stays within its bound. */
#include "norm/rig.h"

#include "base/memory.h"
#include <cmocka.h>
#include <evenkeel/moments.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void fill(rig *r, int buffer) {
    for (size_t i = 0; i < r->count[buffer]; i++) rig_set(r, buffer, i, 0.25 + 0.01 * (double)(i % 97));
}

static uint8_t *mask_of(const ek_norm_desc *d) {
    size_t n = (size_t)d->dims[0];
    for (int i = 1; i < d->rank; i++) n *= (size_t)d->dims[i];
    uint8_t *mask = eki_alloc(eki_sized(n));
    for (size_t i = 0; i < n; i++) mask[i] = i % 5 != 1;
    return mask;
}

/* Buffer b is `before` + what an overwriting backward of `plain` gave, rounded as a temporary of the plan's parameters.
 */
static void expect_sum(const rig *r, const rig_outputs *before, const rig *plain, int b, bool padded) {
    for (size_t i = 0; i < r->count[b]; i++) {
        rig old = *r;
        old.buffer[b] = before->buffer[b];
        double sum = r->desc.dtype == EK_F64 ? rig_get(&old, b, i) + rig_get(plain, b, i)
                                             : (double)((float)rig_get(&old, b, i) + (float)rig_get(plain, b, i));
        rig_set(&old, b, i, sum); /* rounds once */
        if (padded && rig_get(r, b, i) == 0.0) continue;
        if (rig_get(r, b, i) == rig_get(&old, b, i)) continue;
        fail_msg("kind %d layout %d type %d: %s[%zu] is %g, expected %g", (int)r->desc.kind, (int)r->desc.layout,
                 (int)r->desc.dtype, rig_name(b), i, rig_get(r, b, i), rig_get(&old, b, i));
    }
}

/* The temporary of a half plan is that of an f32 plan on the same numbers. */
static rig *plain_of(const rig *r, ek_norm_stats stats) {
    ek_norm_desc desc = r->desc;
    if (desc.dtype != EK_F64) desc.dtype = EK_F32;
    rig *plain = rig_make(&desc, 3, 1, 2);
    for (int b = 0; b <= RIG_RESIDUAL; b++) {
        for (size_t i = 0; i < r->count[b]; i++) rig_set(plain, b, i, rig_get(r, b, i));
    }
    plain->args.mask = r->args.mask;
    rig_forward(plain, stats);
    if (r->desc.dtype != desc.dtype) {
        for (size_t i = 0; i < r->count[RIG_Y]; i++) rig_set(plain, RIG_Y, i, rig_get(r, RIG_Y, i));
    }
    rig_backward(plain);
    return plain;
}

static void accumulates(const ek_norm_desc *desc, ek_norm_stats stats, size_t flags) {
    rig *r = rig_make(desc, 3, 1, 2);
    uint8_t *mask = desc->masked ? mask_of(desc) : NULL;
    r->args.mask = mask;
    rig_forward(r, stats);
    fill(r, RIG_DX), fill(r, RIG_DSCALE), fill(r, RIG_DBIAS);
    rig_outputs before = rig_keep(r);
    rig *plain = plain_of(r, stats);
    r->args.flags = flags;
    rig_backward(r);
    bool padded = desc->layout == EK_LAYOUT_BLOCKED8 || desc->layout == EK_LAYOUT_BLOCKED16;
    const int buffers[] = {RIG_DX, RIG_DSCALE, RIG_DBIAS};
    for (int i = 0; i < 3; i++) {
        if (!(flags >> i & 1)) memset(before.buffer[buffers[i]], 0, r->bytes[buffers[i]]);
        expect_sum(r, &before, plain, buffers[i], padded && i == 0);
    }
    if (desc->residual) {
        memset(before.buffer[RIG_DRESIDUAL], 0, r->bytes[RIG_DRESIDUAL]);
        expect_sum(r, &before, plain, RIG_DRESIDUAL, padded);
    }
    rig_drop(&before);
    rig_free(plain);
    rig_free(r);
    eki_free(mask);
}

static void all_kinds(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        for (int t = 0; t < 4; t++) {
            if (t > 0 && (i + (size_t)t) % 5 != 0) continue;
            ek_norm_desc desc = shape_desc(&all_shapes[i]);
            desc.dtype = rig_types[t];
            accumulates(&desc, EK_STATS_BATCH, 7);
            if (i % 2 == 0) accumulates(&desc, EK_STATS_BATCH, 1 + i % 6);
            if (desc.kind == EK_NORM_BATCH) accumulates(&desc, EK_STATS_RUNNING, 7);
            desc.masked = 1;
            accumulates(&desc, EK_STATS_BATCH, 7);
            if (desc.kind == EK_NORM_BATCH) accumulates(&desc, EK_STATS_RUNNING, 7);
        }
    }
}

static void what_is_fused(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += 5 * shape_step()) {
        for (int a = EK_ACTIVATION_NONE; a <= EK_ACTIVATION_GELU; a++) {
            ek_norm_desc desc = shape_desc(&all_shapes[i]);
            desc.activation = (ek_activation)a;
            desc.residual = (i + (size_t)a) % 2 == 0;
            if (a == EK_ACTIVATION_CLIP) desc.activation_beta = 1;
            accumulates(&desc, EK_STATS_BATCH, 7);
            if (desc.kind == EK_NORM_BATCH) accumulates(&desc, EK_STATS_RUNNING, 7);
        }
    }
}

/* Virtual batches, renorm, results that go past the caches, an empty batch, and dx in place of dy. */
static void elsewhere(void **state) {
    (void)state;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH), large = desc;
    desc.rank = 3, desc.dims[0] = 7, desc.dims[1] = 5, desc.dims[2] = 9;
    desc.ghost = 3;
    accumulates(&desc, EK_STATS_BATCH, 7);
    desc.ghost = 0, desc.renorm_r_max = 3, desc.renorm_d_max = 5;
    accumulates(&desc, EK_STATS_BATCH, 7);
    desc.renorm_r_max = desc.renorm_d_max = 0, desc.dims[0] = 0;
    accumulates(&desc, EK_STATS_BATCH, 7);
    large.rank = 3, large.dims[0] = 40, large.dims[1] = 64, large.dims[2] = 1024;
    if (shape_step() == 1) accumulates(&large, EK_STATS_BATCH, 7);
    ek_norm_desc rows = ek_norm_desc_default(EK_NORM_LAYER);
    rows.rank = 2, rows.dims[0] = 300, rows.dims[1] = 130;
    rig *r = rig_make(&rows, 3, 1, 2);
    rig_forward(r, EK_STATS_BATCH);
    rig *plain = plain_of(r, EK_STATS_BATCH);
    memcpy(r->buffer[RIG_DX], r->buffer[RIG_DY], r->bytes[RIG_DY]);
    rig_outputs before = rig_keep(r);
    r->args.dy = r->args.dx;
    r->args.flags = EK_ACCUMULATE_DX;
    rig_backward(r);
    expect_sum(r, &before, plain, RIG_DX, false);
    rig_drop(&before);
    rig_free(plain);
    rig_free(r);
}

/* mean and rstd out of one forward, into saved, and backward: to the bit in f64; in f32 within what rounding them
 * costs. */
static void statistics_of_the_caller(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        for (int t = 0; t < 4; t += 3) {
            ek_norm_desc desc = shape_desc(&all_shapes[i]);
            desc.dtype = rig_types[t];
            rig *r = rig_make(&desc, 3, 1, 2);
            ek_error err;
            void *rstd = eki_alloc(eki_sized(r->bytes[RIG_MEAN] + 1));
            r->args.rstd = rstd;
            rig_forward(r, EK_STATS_BATCH);
            rig_backward(r);
            rig_outputs own = rig_keep(r);
            memset(r->args.saved, 0xee, ek_norm_saved_bytes(r->plan));
            const void *mean = desc.kind == EK_NORM_RMS ? NULL : r->buffer[RIG_MEAN];
            if (ek_norm_saved_from(r->plan, mean, rstd, r->args.saved, &err) != EK_OK) fail_msg("%s", err.text);
            rig_backward(r);
            rig_outputs given = rig_keep(r);
            if (t == 3 && rig_differs(r, &own, &given) >= 0) fail_msg("%s", rig_name(rig_differs(r, &own, &given)));
            rig *f64 = r;
            for (int b = RIG_DX; b <= RIG_DBIAS; b++) {
                if (b != RIG_DX && b != RIG_DSCALE && b != RIG_DBIAS) continue;
                double worst = 0, largest = 1;
                rig a = *f64;
                a.buffer[b] = own.buffer[b];
                for (size_t k = 0; k < r->count[b]; k++) {
                    largest = fmax(largest, fabs(rig_get(&a, b, k)));
                    worst = fmax(worst, fabs(rig_get(&a, b, k) - rig_get(r, b, k)));
                }
                if (!(worst <= 32 * FLT_EPSILON * largest))
                    fail_msg("%s: %s off by %g", shape_text(&all_shapes[i]), rig_name(b), worst);
            }
            rig_drop(&own);
            rig_drop(&given);
            eki_free(rstd);
            rig_free(r);
        }
    }
}

/* Half a unit of the last place of 1 in a type. */
static double unit(ek_dtype type) {
    return type == EK_F64 ? 0x1p-53 : type == EK_F32 ? 0x1p-24 : type == EK_F16 ? 0x1p-11 : 0x1p-8;
}

static double largest(const rig *r, int buffer, double times) {
    double most = 0;
    for (size_t i = 0; i < r->count[buffer]; i++) most = fmax(most, fabs(rig_get(r, buffer, i)));
    return most * times;
}

static double apart(const rig *r, const rig_outputs *o, int buffer) {
    double worst = 0;
    rig a = *r;
    a.buffer[buffer] = o->buffer[buffer];
    for (size_t i = 0; i < r->count[buffer]; i++) {
        double error = fabs(rig_get(&a, buffer, i) - rig_get(r, buffer, i));
        if (!(error <= worst)) worst = error;
    }
    return worst;
}

/* Where y is what is left of x: xhat off by at most u (6 |xhat| + 2 |bias / scale|), and what follows for the
 * gradients. */
static double from_y(const ek_norm_desc *desc, ek_norm_stats stats, double bias, size_t flags) {
    rig *r = rig_make(desc, 3, 1, 2);
    void *rstd = eki_alloc(eki_sized(r->bytes[RIG_MEAN] + 1));
    uint8_t *mask = desc->masked ? mask_of(desc) : NULL;
    double u = unit(desc->dtype), xhat = 0, scale = INFINITY;
    for (size_t i = 0; i < r->count[RIG_BIAS]; i++) rig_set(r, RIG_BIAS, i, bias * rig_get(r, RIG_BIAS, i));
    for (size_t i = 0; i < r->count[RIG_SCALE]; i++) scale = fmin(scale, fabs(rig_get(r, RIG_SCALE, i)));
    r->args.rstd = rstd;
    r->args.mask = mask;
    rig_forward(r, stats);
    rig_backward(r);
    rig_outputs own = rig_keep(r);
    xhat = (largest(r, RIG_Y, 1) + largest(r, RIG_BIAS, 1)) / scale;
    memset(r->buffer[RIG_X], 0xff, r->bytes[RIG_X]); /* gone */
    r->args.x = NULL;
    r->args.flags = EK_BACKWARD_FROM_Y | flags;
    if (flags != 0) memset(r->buffer[RIG_DX], 0, r->bytes[RIG_DX]);
    rig_backward(r);
    rig statistics = *r;
    statistics.buffer[RIG_MEAN] = rstd;
    double off = u * (6 * xhat + 2 * largest(r, RIG_BIAS, 1) / scale), dy = largest(r, RIG_DY, 1);
    double g = largest(r, RIG_SCALE, dy), steep = largest(&statistics, RIG_MEAN, 1), n = (double)r->count[RIG_DY];
    double share = apart(r, &own, RIG_DSCALE) / (n * dy * (off + 4 * unit(EK_F32) * xhat));
    double of_dx =
        steep * g * (2 * xhat * off + 8 * fmax(u, 0x1p-53) * (2 + xhat * xhat)) + 2 * u * largest(r, RIG_DX, 1);
    share = fmax(share, apart(r, &own, RIG_DX) / of_dx);
    if (apart(r, &own, RIG_DBIAS) != 0) fail_msg("dbias does not depend on x");
    if (!(share <= 1))
        fail_msg("kind %d layout %d type %d: at %g of the bound", (int)desc->kind, (int)desc->layout, (int)desc->dtype,
                 share);
    if (apart(r, &own, RIG_DX) > 0 && largest(r, RIG_DX, 1) == 0) fail_msg("no dx");
    rig_drop(&own);
    eki_free(mask);
    eki_free(rstd);
    rig_free(r);
    return share;
}

static void backward_from_y(void **state) {
    (void)state;
    double worst = 0;
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        for (int t = 0; t < 4; t++) {
            if (t > 0 && (i + (size_t)t) % 4 != 0) continue;
            ek_norm_desc desc = shape_desc(&all_shapes[i]);
            desc.dtype = rig_types[t];
            worst = fmax(worst, from_y(&desc, EK_STATS_BATCH, i % 2 ? 1 : 50, i % 3 ? 0 : EK_ACCUMULATE_DX));
            if (desc.kind == EK_NORM_BATCH) worst = fmax(worst, from_y(&desc, EK_STATS_RUNNING, 1, 0));
            if (desc.kind == EK_NORM_BATCH && i % 2) {
                desc.renorm_r_max = 3, desc.renorm_d_max = 1;
                worst = fmax(worst, from_y(&desc, EK_STATS_BATCH, 0, 0));
                desc.renorm_r_max = desc.renorm_d_max = 0;
            }
            desc.masked = 1;
            if (i % 2) worst = fmax(worst, from_y(&desc, EK_STATS_BATCH, 1, 0));
        }
    }
    printf("backward from y: at %.2g of its bound\n", worst);
}

static void no_more_than_backward_reads(void **state) {
    (void)state;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_LAYER);
    desc.rank = 2, desc.dims[0] = 8192, desc.dims[1] = 8;
    rig *layer = rig_make(&desc, 1, 1, 0);
    desc.kind = EK_NORM_RMS;
    rig *rms = rig_make(&desc, 1, 1, 0);
    assert_true(ek_norm_saved_bytes(layer->plan) <= 16 * 8192 + 256);
    assert_true(ek_norm_saved_bytes(rms->plan) <= 8 * 8192 + 256);
    rig_free(layer);
    rig_free(rms);
}

static void expect(ek_status status, ek_status expected, const ek_error *err, const char *part) {
    if (status != expected || strstr(err->text, part) == NULL) fail_msg("%d: %s", (int)status, err->text);
}

static void refusals(void **state) {
    (void)state;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 2, desc.dims[0] = 6, desc.dims[1] = 4;
    rig *r = rig_make(&desc, 1, 1, 0);
    ek_error err;
    float mean[4] = {0}, rstd[4] = {1, 1, -1, 1};
    ek_norm_args *a = &r->args;
    rig_forward(r, EK_STATS_BATCH);
    expect(ek_norm_saved_from(NULL, mean, rstd, a->saved, &err), EK_ERR_ARG, &err, "plan is NULL");
    expect(ek_norm_saved_from(r->plan, NULL, rstd, a->saved, &err), EK_ERR_ARG, &err,
           "mean is NULL, expected 4 values");
    expect(ek_norm_saved_from(r->plan, mean, NULL, a->saved, &err), EK_ERR_ARG, &err,
           "rstd is NULL, expected 4 values");
    expect(ek_norm_saved_from(r->plan, mean, rstd, NULL, &err), EK_ERR_ARG, &err, "saved is at");
    expect(ek_norm_saved_from(r->plan, mean, rstd, a->saved, &err), EK_ERR_ARG, &err,
           "rstd[2] is -1, expected 1 / sqrt");
    a->flags = 16;
    expect(ek_norm_backward(r->plan, a, &err), EK_ERR_ARG, &err, "args.flags is 0x10");
    a->flags = EK_BACKWARD_FROM_Y;
    a->y = NULL;
    expect(ek_norm_backward(r->plan, a, &err), EK_ERR_ARG, &err, "args.y is NULL");
    a->y = r->buffer[RIG_Y];
    rig_set(r, RIG_SCALE, 3, 0.0);
    expect(ek_norm_backward(r->plan, a, &err), EK_ERR_ARG, &err, "args.scale[3] is 0");
    rig_free(r);
    desc.activation = EK_ACTIVATION_RELU;
    r = rig_make(&desc, 1, 1, 0);
    rig_forward(r, EK_STATS_BATCH);
    r->args.flags = EK_BACKWARD_FROM_Y;
    expect(ek_norm_backward(r->plan, &r->args, &err), EK_ERR_UNSUPPORTED, &err, "desc.activation is set");
    rig_free(r);
    desc.activation = EK_ACTIVATION_NONE, desc.masked = 1;
    ek_norm_plan *plan;
    assert_int_equal(ek_norm_plan_create(&desc, &plan, &err), EK_OK);
    expect(ek_norm_saved_from(plan, mean, rstd, mean, &err), EK_ERR_UNSUPPORTED, &err, "the plan has desc.masked");
    ek_norm_plan_destroy(plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_kinds),
                                       cmocka_unit_test(what_is_fused),
                                       cmocka_unit_test(elsewhere),
                                       cmocka_unit_test(statistics_of_the_caller),
                                       cmocka_unit_test(no_more_than_backward_reads),
                                       cmocka_unit_test(backward_from_y),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
