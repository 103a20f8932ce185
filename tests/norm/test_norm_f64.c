/* test_norm_f64.c: f64 data, parameters and statistics against the formulas in long double: every kind, layout, fusion,
 * source of statistics and virtual batches; the same bits for any number of threads; running statistics; parts; masks.
 */
#include "norm/fixture.h"

#include "base/memory.h"
#include "base/random.h"
#include "norm/wide.h"
#include "support/activation_ref.h"
#include <cmocka.h>
#include <evenkeel/cpu.h>
#include <evenkeel/parts.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef long double real;

/* A fixture says where elements are and which set and parameter they have; this has the numbers. */
typedef struct {
    fixture *f;
    ek_norm_plan *plan;
    ek_norm_args args;
    double *x, *y, *dy, *dx, *residual, *dresidual, *scale, *bias, *dscale, *dbias, *mean, *var;
    real *xhat, *t, *g, *rmean, *rvar, *rscale, *rbias, *sizes; /* sizes: of the terms of rscale and rbias */
} doubles;

static double *some(size_t n) { return eki_alloc(eki_size_of(n + 1, sizeof(double))); }
static real *reals(size_t n) { return calloc(n + 1, sizeof(real)); }

/* Digits that f32 does not have. */
static double *widened(const float *a, size_t n) {
    double *to = some(n);
    for (size_t i = 0; i < n; i++) to[i] = (double)a[i] * (1 + 1e-9 * (double)(i % 97));
    return to;
}

static doubles *make(const ek_norm_desc *desc, double offset) {
    doubles *d = calloc(1, sizeof *d);
    ek_norm_desc narrow = *desc, wide = *desc;
    narrow.dtype = EK_F32;
    wide.dtype = EK_F64;
    fixture *f = d->f = fixture_make(&narrow, 7, offset, 2.0);
    ek_error err;
    if (ek_norm_plan_create(&wide, &d->plan, &err) != EK_OK) fail_msg("%s", err.text);
    double **tensors[] = {&d->y, &d->dx, &d->dresidual}, **small[] = {&d->dscale, &d->dbias};
    for (int i = 0; i < 3; i++) *tensors[i] = some(f->buffer);
    for (int i = 0; i < 2; i++) *small[i] = some(f->parameters);
    d->x = widened(f->x, f->buffer);
    d->dy = widened(f->dy, f->buffer);
    d->residual = widened(f->residual, f->buffer);
    d->scale = widened(f->scale, f->parameters);
    d->bias = widened(f->bias, f->parameters);
    d->mean = some(f->sets);
    d->var = some(f->sets);
    d->args = (ek_norm_args){.struct_size = sizeof d->args, .x = d->x, .y = d->y, .scale = d->scale, .bias = d->bias};
    d->args.dy = d->dy;
    d->args.dx = d->dx;
    if (desc->residual) d->args.residual = d->residual;
    if (desc->residual) d->args.dresidual = d->dresidual;
    d->args.dscale = d->dscale;
    d->args.dbias = d->dbias;
    d->args.mean = d->mean;
    d->args.var = d->var;
    d->args.saved = eki_alloc(eki_sized(ek_norm_saved_bytes(d->plan)));
    d->args.workspace = eki_alloc(eki_sized(ek_norm_workspace_bytes(d->plan)));
    real **of_elements[] = {&d->xhat, &d->t, &d->g}, **of_sets[] = {&d->rmean, &d->rvar},
         **of_parameters[] = {&d->rscale, &d->rbias, &d->sizes};
    for (int i = 0; i < 3; i++) *of_elements[i] = reals(f->elements);
    for (int i = 0; i < 2; i++) *of_sets[i] = reals(f->sets);
    for (int i = 0; i < 3; i++) *of_parameters[i] = reals(f->parameters);
    return d;
}

static void release(doubles *d) {
    void *all[] = {d->x,    d->y,      d->dy,    d->dx,   d->residual, d->dresidual,  d->scale,
                   d->bias, d->dscale, d->dbias, d->mean, d->var,      d->args.saved, d->args.workspace};
    void *more[] = {d->xhat, d->t, d->g, d->rmean, d->rvar, d->rscale, d->rbias, d->sizes, d};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) eki_free(all[i]);
    fixture_free(d->f);
    ek_norm_plan_destroy(d->plan);
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) free(more[i]);
}

static void run(doubles *d) {
    ek_error err;
    memset(d->args.workspace, 0xff, ek_norm_workspace_bytes(d->plan));
    if (ek_norm_forward(d->plan, EK_STATS_BATCH, &d->args, &err) != EK_OK) fail_msg("%s", err.text);
    memset(d->args.workspace, 0xff, ek_norm_workspace_bytes(d->plan));
    if (ek_norm_backward(d->plan, &d->args, &err) != EK_OK) fail_msg("%s", err.text);
}

/* Mean over the set of each element, for all sets. */
static void means(const fixture *f, const real *values, real *mean) {
    real *count = reals(f->sets);
    for (size_t s = 0; s < f->sets; s++) mean[s] = 0;
    for (size_t i = 0; i < f->elements; i++) {
        mean[f->set[i]] += values[i];
        count[f->set[i]] += 1;
    }
    for (size_t s = 0; s < f->sets; s++) mean[s] /= count[s];
    free(count);
}

static void reference(doubles *d) {
    const fixture *f = d->f;
    const ek_norm_desc *desc = &f->desc;
    real *work = reals(f->elements);
    for (size_t i = 0; i < f->elements; i++) work[i] = (real)d->x[fixture_offset(f, i)];
    means(f, work, d->rmean);
    for (size_t s = 0; s < f->sets && !reference_of(desc->kind)->centred; s++) d->rmean[s] = 0;
    for (size_t i = 0; i < f->elements; i++) {
        d->xhat[i] = work[i] - d->rmean[f->set[i]];
        work[i] = d->xhat[i] * d->xhat[i];
    }
    means(f, work, d->rvar);
    for (size_t i = 0; i < f->elements; i++) {
        size_t at = fixture_offset(f, i), p = f->parameter[i];
        d->xhat[i] /= sqrtl(d->rvar[f->set[i]] + (real)desc->epsilon);
        d->t[i] = d->xhat[i] * (real)d->scale[p] + (real)d->bias[p] + (desc->residual ? (real)d->residual[at] : 0);
        d->g[i] = (real)d->dy[at] *
                  eki_ref_slope((int)desc->activation, d->t[i], desc->activation_alpha, desc->activation_beta);
        d->rbias[p] += d->g[i];
        d->rscale[p] += d->g[i] * d->xhat[i];
        d->sizes[p] += fabsl(d->g[i]) * (1 + fabsl(d->xhat[i]));
    }
    free(work);
}

/* Worst error of a buffer of elements, relative to its largest value. */
typedef real (*value_fn)(const doubles *d, size_t i, const real *k1, const real *k2);

static real y_value(const doubles *d, size_t i, const real *k1, const real *k2) {
    (void)k1, (void)k2;
    const ek_norm_desc *desc = &d->f->desc;
    return eki_ref_activation((int)desc->activation, d->t[i], desc->activation_alpha, desc->activation_beta);
}
static real g_value(const doubles *d, size_t i, const real *k1, const real *k2) {
    (void)k1, (void)k2;
    return d->g[i];
}
static real dx_value(const doubles *d, size_t i, const real *k1, const real *k2) {
    size_t s = d->f->set[i];
    real rstd = 1 / sqrtl(d->rvar[s] + (real)d->f->desc.epsilon), scaled = d->g[i] * (real)d->scale[d->f->parameter[i]];
    return rstd * (scaled - (!reference_of(d->f->desc.kind)->centred ? 0 : k1[s]) - d->xhat[i] * k2[s]);
}

static double worst(const doubles *d, const double *buffer, value_fn value) {
    const fixture *f = d->f;
    real error = 0, largest = 0, *work = reals(f->elements), *k1 = reals(f->sets), *k2 = reals(f->sets);
    for (size_t i = 0; i < f->elements; i++) work[i] = d->g[i] * (real)d->scale[f->parameter[i]];
    means(f, work, k1);
    for (size_t i = 0; i < f->elements; i++) work[i] *= d->xhat[i];
    means(f, work, k2);
    for (size_t i = 0; i < f->elements; i++) {
        real right = value(d, i, k1, k2), e = fabsl((real)buffer[fixture_offset(f, i)] - right);
        if (!(e <= error)) error = e;
        if (fabsl(right) > largest) largest = fabsl(right);
    }
    free(work);
    free(k1);
    free(k2);
    return (double)(error / largest);
}

/* Against `sizes`, or the values themselves. */
static double worst_of(const double *a, const real *b, const real *sizes, size_t n) {
    real error = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        real e = fabsl((real)a[i] - b[i]);
        if (!(e <= error)) error = e;
        if (fabsl(sizes[i]) > largest) largest = fabsl(sizes[i]);
    }
    return (double)(error / (largest > 0 ? largest : 1));
}

static double most[5]; /* y, dx, dresidual, parameters, statistics */

static void note(int which, double error, double bound, const char *what) {
    if (!(error <= bound)) fail_msg("%s: error %g of result %d, bound %g", what, error, which, bound);
    if (error > most[which]) most[which] = error;
}

static void print_worst(const char *what) {
    print_message("f64, %s: y %.1e dx %.1e dresidual %.1e parameters %.1e statistics %.1e\n", what, most[0], most[1],
                  most[2], most[3], most[4]);
    memset(most, 0, sizeof most);
}

static void check(const ek_norm_desc *desc, double offset, double bound, const char *what) {
    doubles *d = make(desc, offset);
    const fixture *f = d->f;
    run(d);
    reference(d);
    note(0, worst(d, d->y, y_value), bound, what);
    note(1, worst(d, d->dx, dx_value), bound, what);
    if (desc->residual) note(2, worst(d, d->dresidual, g_value), bound, what);
    note(3, worst_of(d->dscale, d->rscale, d->sizes, f->parameters), bound, what);
    note(3, worst_of(d->dbias, d->rbias, d->sizes, f->parameters), bound, what);
    note(4, worst_of(d->mean, d->rmean, d->rmean, f->sets), bound, what);
    note(4, worst_of(d->var, d->rvar, d->rvar, f->sets), bound, what);
    for (size_t i = 0; i < f->buffer && f->buffer > f->elements; i++) {
        if (isnan(d->y[i]) || isnan(d->dx[i])) fail_msg("%s: padding is not zero", what);
    }
    release(d);
}

static void every_shape(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        check(&desc, 3.0, 2e-15, shape_text(&all_shapes[i]));
    }
    print_worst("ordinary");
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        check(&desc, 2e6, 4e-10, shape_text(&all_shapes[i])); /* |mean| / s = 1e6 */
    }
    print_worst("|mean| / s = 1e6");
}

static void fused(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i += shape_step()) {
        for (int a = (int)(i % 3); a <= EK_ACTIVATION_GELU; a += 3) {
            ek_norm_desc desc = shape_desc(&all_shapes[i]);
            desc.activation = (ek_activation)a;
            desc.residual = (int)(i + (size_t)a) % 2;
            if (a == EK_ACTIVATION_LEAKY_RELU) desc.activation_alpha = 0.1;
            if (a == EK_ACTIVATION_CLIP) desc.activation_beta = 1;
            if (a == EK_ACTIVATION_HARD_SIGMOID) desc.activation_alpha = 0.2, desc.activation_beta = 0.5;
            check(&desc, 3.0, 4e-15, shape_text(&all_shapes[i]));
        }
    }
    print_worst("fused");
}

static void variants(void **state) {
    (void)state;
    const ek_layout layouts[] = {EK_LAYOUT_NCHW, EK_LAYOUT_NHWC, EK_LAYOUT_BLOCKED8, EK_LAYOUT_BLOCKED16};
    for (int l = 0; l < 4; l++) {
        const shape s = {EK_NORM_BATCH, layouts[l], 4, {7, 11, 9, 5}, 0, 0, EK_AFFINE_ELEMENT};
        ek_norm_desc ghost = shape_desc(&s);
        ghost.ghost = 3;
        check(&ghost, 3.0, 2e-15, "virtual batches");
    }
}

/* Large enough to go through memory in each way that norm_schedule.c has, but windows (test_norm_window.c). */
static void schedules(void **state) {
    (void)state;
    const shape shapes[] = {
        {EK_NORM_BATCH, EK_LAYOUT_NCHW, 4, {4, 3, 40, 40}, 0, 0, EK_AFFINE_ELEMENT},      /* slabs that are channels */
        {EK_NORM_BATCH, EK_LAYOUT_NHWC, 4, {3, 1100, 3, 5}, 0, 0, EK_AFFINE_ELEMENT},     /* or tiles */
        {EK_NORM_BATCH, EK_LAYOUT_NHWC, 4, {16, 1100, 5, 5}, 0, 0, EK_AFFINE_ELEMENT},    /* tiles of cells */
        {EK_NORM_BATCH, EK_LAYOUT_BLOCKED16, 4, {40, 44, 9, 7}, 0, 0, EK_AFFINE_ELEMENT}, /* several blocks */
        {EK_NORM_GROUP, EK_LAYOUT_NHWC, 3, {3, 1100, 7}, 0, 11, EK_AFFINE_ELEMENT}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        ek_norm_desc desc = shape_desc(&shapes[i]);
        desc.parallel.threads = 2;
        desc.activation = i % 2 ? EK_ACTIVATION_SILU : EK_ACTIVATION_NONE;
        check(&desc, 3.0, 4e-15, shape_text(&shapes[i]));
    }
    print_worst("schedules");
}

/* dy may be x itself: with running statistics dx is a map of the one, though forward was one of the other. */
static void one_tensor_for_both(void **state) {
    (void)state;
    const shape s = {EK_NORM_BATCH, EK_LAYOUT_NCHW, 3, {5, 3, 4}, 0, 0, EK_AFFINE_ELEMENT};
    ek_norm_desc desc = shape_desc(&s);
    doubles *d = make(&desc, 3.0);
    double mean[3] = {1, 2, 3}, var[3] = {4, 5, 6};
    ek_error err;
    d->args.running_mean = mean, d->args.running_var = var;
    d->args.dy = d->x;
    assert_int_equal(ek_norm_forward(d->plan, EK_STATS_RUNNING, &d->args, &err), EK_OK);
    assert_int_equal(ek_norm_backward(d->plan, &d->args, &err), EK_OK);
    for (int i = 0; i < 60; i++) {
        double right = d->x[i] * d->scale[i / 4 % 3] / sqrt(var[i / 4 % 3] + 1e-5);
        assert_true(fabs(d->dx[i] - right) <= 1e-14 * fabs(right));
    }
    release(d);
}

/* A mask that hides nothing gives the bits of none; threads and instruction sets change nothing. */
static void same_bits_anyway(void **state) {
    (void)state;
    const shape shapes[] = {{EK_NORM_BATCH, EK_LAYOUT_NCHW, 4, {40, 10, 19, 23}, 0, 0, EK_AFFINE_ELEMENT},
                            {EK_NORM_GROUP, EK_LAYOUT_NHWC, 4, {40, 10, 19, 23}, 0, 5, EK_AFFINE_ELEMENT},
                            {EK_NORM_LAYER, EK_LAYOUT_NCHW, 2, {2000, 67}, 1, 0, EK_AFFINE_ELEMENT}};
    const int counts[] = {2, 3, 7};
    for (int i = 0; i < 3; i++) {
        ek_norm_desc desc = shape_desc(&shapes[i]);
        desc.parallel.threads = 1;
        doubles *one = make(&desc, 3.0);
        run(one);
        for (int t = 0; t < 4; t++) {
            desc.parallel.threads = counts[t % 3];
            desc.masked = t == 3;
            assert_int_equal(ek_cpu_set_isa(t == 1 ? "generic" : NULL, NULL), EK_OK);
            doubles *other = make(&desc, 3.0);
            uint8_t *mask = eki_alloc(eki_sized(40 * 19 * 23));
            memset(mask, 1, 40 * 19 * 23);
            if (t == 3) other->args.mask = mask;
            run(other);
            size_t bytes = one->f->buffer * sizeof(double), small = one->f->parameters * sizeof(double);
            assert_memory_equal(one->y, other->y, bytes);
            assert_memory_equal(one->dx, other->dx, bytes);
            assert_memory_equal(one->dscale, other->dscale, small);
            assert_memory_equal(one->dbias, other->dbias, small);
            eki_free(mask);
            release(other);
        }
        release(one);
    }
    assert_int_equal(ek_cpu_set_isa(NULL, NULL), EK_OK);
}

/* Running statistics are double: an update keeps digits that f32 does not have, and inference reads them. */
static void running(void **state) {
    (void)state;
    const shape s = {EK_NORM_BATCH, EK_LAYOUT_NCHW, 3, {5, 3, 7}, 0, 0, EK_AFFINE_ELEMENT};
    ek_norm_desc desc = shape_desc(&s);
    doubles *d = make(&desc, 3.0);
    double mean[3] = {1 + 1e-12, 2, 3}, var[3] = {1, 1 + 1e-12, 2};
    ek_error err;
    run(d);
    assert_int_equal(ek_norm_update_running(d->plan, d->args.saved, mean, var, NULL, &err), EK_OK);
    assert_true(fabs(mean[0] - (0.9 * (1 + 1e-12) + 0.1 * d->mean[0])) < 1e-15);
    assert_true(fabs(var[1] - (0.9 * (1 + 1e-12) + 0.1 * d->var[1])) < 1e-15);
    d->args.running_mean = mean;
    d->args.running_var = var;
    assert_int_equal(ek_norm_forward(d->plan, EK_STATS_RUNNING, &d->args, &err), EK_OK);
    double right = (d->x[0] - mean[0]) / sqrt(var[0] + 1e-5) * d->scale[0] + d->bias[0];
    assert_true(fabs(d->y[0] - right) < 1e-14);
    assert_int_equal(ek_norm_backward(d->plan, &d->args, &err), EK_OK);
    assert_true(fabs(d->dx[0] - d->dy[0] * d->scale[0] / sqrt(var[0] + 1e-5)) < 1e-14);
    var[2] = NAN;
    assert_int_equal(ek_norm_forward(d->plan, EK_STATS_RUNNING, &d->args, &err), EK_ERR_NONFINITE);
    release(d);
}

static void parts(void **state) {
    (void)state;
    const shape s = {EK_NORM_BATCH, EK_LAYOUT_NHWC, 3, {6, 5, 7}, 0, 0, EK_AFFINE_ELEMENT};
    ek_norm_desc desc = shape_desc(&s);
    desc.chunk = 2;
    doubles *whole = make(&desc, 3.0), *d = make(&desc, 3.0);
    run(whole);
    ek_error err;
    void *memory = eki_alloc(eki_sized(ek_norm_parts_bytes(d->plan)));
    const ek_norm_args all = d->args;
    assert_int_equal(ek_norm_parts_begin(d->plan, memory, &err), EK_OK);
    for (int round = 0; round < 4; round++) {
        for (int64_t first = 4; first >= 0; first -= 2) {
            ek_norm_args a = all;
            a.x = d->x + first * 35;
            a.y = d->y + first * 35;
            a.dy = d->dy + first * 35;
            a.dx = d->dx + first * 35;
            ek_status status = round == 0   ? ek_norm_parts_add(d->plan, memory, first, 2, &a, &err)
                               : round == 1 ? ek_norm_parts_forward(d->plan, memory, 2, &a, &err)
                               : round == 2 ? ek_norm_parts_add_gradients(d->plan, memory, first, 2, &a, &err)
                                            : ek_norm_parts_backward(d->plan, memory, 2, &a, &err);
            if (status != EK_OK) fail_msg("%s", err.text);
        }
        if (round == 0) assert_int_equal(ek_norm_parts_finish(d->plan, memory, &all, &err), EK_OK);
        if (round == 2) assert_int_equal(ek_norm_parts_finish_gradients(d->plan, memory, &all, &err), EK_OK);
    }
    assert_memory_equal(whole->y, d->y, d->f->buffer * sizeof(double));
    assert_memory_equal(whole->dx, d->dx, d->f->buffer * sizeof(double));
    assert_memory_equal(whole->dscale, d->dscale, 5 * sizeof(double));
    eki_free(memory);
    release(d);
    release(whole);
}

static uint64_t add(uint64_t hash, const void *data, size_t bytes) {
    uint64_t words[2] = {hash, eki_hash(data, bytes)};
    return eki_hash(words, sizeof words);
}

/* One hash of the results of all shapes, plain and with GELU: the same on every machine, as in test_norm_golden.c. */
static void golden(void **state) {
    (void)state;
    uint64_t hash = 0;
    for (size_t i = 0; i < 2 * listed_shapes_count; i++) {
        ek_norm_desc desc = shape_desc(&all_shapes[i / 2]);
        if (i % 2) desc.activation = EK_ACTIVATION_GELU;
        doubles *d = make(&desc, 3.0);
        run(d);
        hash = add(hash, d->y, d->f->buffer * sizeof(double));
        hash = add(hash, d->dx, d->f->buffer * sizeof(double));
        hash = add(hash, d->dscale, d->f->parameters * sizeof(double));
        hash = add(hash, d->dbias, d->f->parameters * sizeof(double));
        release(d);
    }
    if (hash != UINT64_C(0x1edf965b9c03de0c))
        fail_msg("the bits of f64 have changed: 0x%016llx", (unsigned long long)hash);
}

/* Each value against long double, relative to itself, into the tails. */
static void activations(void **state) {
    (void)state;
    if (erfcl(3.3L) == (real)erfc(3.3)) { /* so it is in wasi-libc */
        print_message("skipped: the C library's long double functions are those of double\n");
        return;
    }
    const ek_activation smooth[] = {EK_ACTIVATION_SIGMOID, EK_ACTIVATION_TANH, EK_ACTIVATION_SILU, EK_ACTIVATION_GELU};
    for (int a = 0; a < 4; a++) {
        ek_norm_desc desc = ek_norm_desc_default(EK_NORM_LAYER);
        desc.activation = smooth[a];
        double largest = 0;
        for (double t = -36.0; t < 36.0; t += 0.00117) {
            real right = eki_ref_activation((int)smooth[a], (real)t, 0, 0);
            double error = (double)(fabsl((real)eki_wide_activate(&desc, t) - right) / fabsl(right));
            if (!(error <= largest)) largest = error;
        }
        print_message("f64, activation %d: %.1f of 2^-53\n", (int)smooth[a], largest * 0x1p53);
        assert_true(largest <= 32 * 0x1p-53);
        assert_true(isnan(eki_wide_activate(&desc, NAN)));
        assert_true(eki_wide_activate(&desc, 800.0) == (a < 2 ? 1.0 : 800.0));
        assert_true(fabs(eki_wide_activate(&desc, -800.0)) == (a == 1 ? 1.0 : 0.0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_shape),
                                       cmocka_unit_test(fused),
                                       cmocka_unit_test(variants),
                                       cmocka_unit_test(schedules),
                                       cmocka_unit_test(one_tensor_for_both),
                                       cmocka_unit_test(same_bits_anyway),
                                       cmocka_unit_test(running),
                                       cmocka_unit_test(parts),
                                       cmocka_unit_test(activations),
                                       cmocka_unit_test(golden)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
