/* test_norm_masks.c: norms under lengths and masks, against the reference over the valid elements alone. Elements that
 * are not valid hold NaN in x and dy, so that one of them in any sum would show. */
#include "norm/everywhere.h"

#include "base/memory.h"
#include "base/random.h"
#include <cmocka.h>
#include <evenkeel/moments.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NCHW EK_LAYOUT_NCHW
#define NHWC EK_LAYOUT_NHWC
#define B8 EK_LAYOUT_BLOCKED8
#define B16 EK_LAYOUT_BLOCKED16
#define C EK_AFFINE_CHANNEL
#define E EK_AFFINE_ELEMENT

enum { MOST_SHAPES = 64 };
static shape shapes[MOST_SHAPES] = {
    {EK_NORM_BATCH, NCHW, 2, {33, 7}, 1, 0, C},          {EK_NORM_BATCH, NCHW, 3, {5, 6, 19}, 1, 0, C},
    {EK_NORM_BATCH, NCHW, 4, {6, 10, 7, 9}, 1, 0, C},    {EK_NORM_BATCH, NCHW, 4, {2, 3, 150, 130}, 1, 0, C},
    {EK_NORM_BATCH, NHWC, 4, {6, 10, 7, 9}, 1, 0, C},    {EK_NORM_BATCH, NHWC, 4, {2, 6, 70, 61}, 1, 0, C},
    {EK_NORM_BATCH, B8, 4, {5, 10, 7, 9}, 1, 0, C},      {EK_NORM_BATCH, B16, 4, {5, 20, 7, 9}, 1, 0, C},
    {EK_NORM_INSTANCE, NCHW, 4, {3, 6, 5, 7}, 1, 0, C},  {EK_NORM_INSTANCE, NHWC, 4, {3, 6, 5, 7}, 1, 0, C},
    {EK_NORM_INSTANCE, B16, 3, {3, 6, 35}, 1, 0, C},     {EK_NORM_GROUP, NCHW, 4, {3, 20, 5, 7}, 1, 5, C},
    {EK_NORM_GROUP, NCHW, 4, {2, 4, 100, 101}, 1, 2, C}, {EK_NORM_GROUP, NCHW, 2, {7, 20}, 1, 4, C},
    {EK_NORM_GROUP, NHWC, 4, {3, 20, 5, 7}, 1, 5, C},    {EK_NORM_GROUP, B8, 4, {3, 20, 5, 7}, 1, 5, C},
    {EK_NORM_LAYER, NCHW, 4, {3, 6, 5, 7}, 1, 0, C},     {EK_NORM_LAYER, B16, 4, {3, 20, 5, 7}, 1, 0, C},
    {EK_NORM_RMS, NCHW, 4, {3, 6, 5, 7}, 1, 0, C},       {EK_NORM_RMS, NHWC, 3, {3, 10, 5}, 1, 0, C},
    {EK_NORM_LAYER, NCHW, 3, {4, 9, 37}, -1, 0, E},      {EK_NORM_RMS, NCHW, 3, {6, 30, 20}, 2, 0, E},
    {EK_NORM_LAYER, NCHW, 4, {3, 5, 4, 33}, 3, 0, E},    {EK_NORM_LAYER, NCHW, 3, {5, 130, 130}, 1, 0, E},
    {EK_NORM_RMS, NCHW, 2, {200, 19}, -1, 0, E},
};
static size_t shapes_count;

static ek_error err;

/* Masks of the tests; the arrays live until the next call of a set_up function. */
static int64_t lengths[256];
static uint8_t *mask;

static bool by_rows(const fixture *f) {
    return reference_of(f->desc.kind)->share == EKI_REF_AXES && f->desc.affine == EK_AFFINE_ELEMENT;
}

/* Positions of an example, and the extent that lengths are about. */
static size_t space_of(const fixture *f) {
    if (by_rows(f)) return f->sets / (size_t)f->desc.dims[0];
    return f->elements / (size_t)(f->desc.dims[0] * f->desc.dims[1]);
}
static int64_t first_of(const fixture *f) {
    if (by_rows(f)) return f->desc.axis != 1 && f->desc.rank > 2 ? f->desc.dims[1] : 1;
    return f->desc.rank > 2 ? f->desc.dims[2] : 1;
}

static void random_mask(fixture *f, unsigned keep) {
    size_t n = (size_t)f->desc.dims[0] * space_of(f);
    eki_random r = eki_random_stream(3, "mask", n, keep);
    free(mask);
    mask = malloc(n);
    for (size_t i = 0; i < n; i++) mask[i] = eki_random_uniform(r, i) * 100 < keep;
    memset(mask, 0, space_of(f)); /* the first example has nothing */
    f->args.mask = mask;
}

static void some_lengths(fixture *f) {
    int64_t most = first_of(f);
    for (int64_t n = 0; n < f->desc.dims[0]; n++) lengths[n] = (n * 5 + 2) % (most + 1);
    f->args.lengths = lengths;
}

static void use_mask(fixture *f) { random_mask(f, 70); }
static void use_lengths(fixture *f) { some_lengths(f); }
static void use_both(fixture *f) {
    random_mask(f, 90);
    some_lengths(f);
}
static void use_all(fixture *f) {
    random_mask(f, 100);
    memset(mask, 1, space_of(f));
}
static void use_one(fixture *f) {
    random_mask(f, 0);
    mask[space_of(f) - 1] = 7; /* anything but 0 is valid */
}
static void use_none(fixture *f) { random_mask(f, 0); }

static bool valid(const fixture *f, size_t element) {
    size_t space = space_of(f), n = element / space / (size_t)f->desc.dims[1], s = element % space;
    if (by_rows(f)) n = f->set[element] / space, s = f->set[element] % space;
    if (f->args.lengths != NULL && s / (space / (size_t)first_of(f)) >= (size_t)f->args.lengths[n]) return false;
    return f->args.mask == NULL || f->args.mask[n * space + s] != 0;
}

/* The valid elements alone, and where they come from. */
typedef struct {
    size_t count, *set, *parameter, *from;
    double *x, *dy, *y, *dx, *residual, *before;
} packed;

static packed pack(const fixture *f) {
    size_t n = f->elements + 1;
    packed p = {.count = 0};
    size_t **indices[] = {&p.set, &p.parameter, &p.from};
    double **values[] = {&p.x, &p.dy, &p.y, &p.dx, &p.residual, &p.before};
    for (int i = 0; i < 3; i++) *indices[i] = calloc(n, sizeof(size_t));
    for (int i = 0; i < 6; i++) *values[i] = calloc(n, sizeof(double));
    for (size_t i = 0; i < f->elements; i++) {
        if (!valid(f, i)) continue;
        p.set[p.count] = f->set[i];
        p.parameter[p.count] = f->parameter[i];
        p.x[p.count] = f->rx[i];
        p.dy[p.count] = f->rdy[i];
        p.residual[p.count] = f->rresidual[i];
        p.from[p.count++] = i;
    }
    return p;
}

static void unpack(packed *p) {
    void *all[] = {p->set, p->parameter, p->from, p->x, p->dy, p->y, p->dx, p->residual, p->before};
    for (int i = 0; i < 9; i++) free(all[i]);
}

static eki_ref_norm packed_reference(const fixture *f, const packed *p) {
    return (eki_ref_norm){.elements = p->count,
                          .sets = f->sets,
                          .parameters = f->parameters,
                          .set = p->set,
                          .parameter = p->parameter,
                          .centred = reference_of(f->desc.kind)->centred,
                          .epsilon = f->desc.epsilon,
                          .activation = (int)f->desc.activation,
                          .alpha = f->desc.activation_alpha,
                          .beta = f->desc.activation_beta,
                          .residual = f->desc.residual ? p->residual : NULL};
}

/* Fills ry, rdx, rdresidual, rdscale, rdbias, rmean, rvar; 0 where nothing is valid. */
static void masked_reference(fixture *f, bool running) {
    packed p = pack(f);
    eki_ref_norm norm = packed_reference(f, &p);
    eki_ref_moments(&norm, p.x, f->rmean, f->rvar);
    for (size_t s = 0; s < f->sets; s++) {
        if (running) f->rmean[s] = (double)f->running_mean[s % f->parameters];
        if (running) f->rvar[s] = (double)f->running_var[s % f->parameters];
        if (isnan(f->rmean[s])) f->rmean[s] = 0;
        if (isnan(f->rvar[s])) f->rmean[s] = f->rvar[s] = 0;
    }
    if (running) {
        norm.mean = f->rmean;
        norm.var = f->rvar;
    }
    eki_ref_forward(&norm, p.x, f->rscale, f->rbias, p.y);
    eki_ref_before(&norm, p.x, f->rscale, f->rbias, p.dy, p.before);
    eki_ref_backward(&norm, p.x, f->rscale, p.before, 1, p.dx, f->rdscale, f->rdbias);
    memset(f->ry, 0, f->elements * sizeof(double));
    memset(f->rdx, 0, f->elements * sizeof(double));
    memset(f->rdresidual, 0, f->elements * sizeof(double));
    for (size_t i = 0; i < p.count; i++) {
        f->ry[p.from[i]] = p.y[i];
        f->rdx[p.from[i]] = p.dx[i];
        f->rdresidual[p.from[i]] = p.before[i];
    }
    unpack(&p);
}

static fixture *make(ek_norm_desc desc, fixture_setup setup) {
    desc.masked = 1;
    fixture *f = fixture_make(&desc, 9, 2, 3);
    setup(f);
    for (size_t i = 0; i < f->elements; i++) {
        if (valid(f, i)) continue;
        size_t at = fixture_offset(f, i);
        f->x[at] = f->dy[at] = f->residual[at] = NAN;
    }
    return f;
}

static void expect_below(double error, double bound, const char *what, const shape *s) {
    if (!(error <= bound)) fail_msg("%s: %s is off by %g, bound %g", shape_text(s), what, error, bound);
}

/* What is hidden is 0 in every result. */
static void expect_hidden(const fixture *f, const shape *s) {
    const float *results[] = {f->y, f->dx, f->desc.residual ? f->dresidual : f->dx};
    for (size_t i = 0; i < f->elements; i++) {
        if (valid(f, i)) continue;
        for (int k = 0; k < 3; k++) {
            if (results[k][fixture_offset(f, i)] != 0.0f) fail_msg("%s: result %d is not 0", shape_text(s), k);
        }
    }
}

static void check_desc(ek_norm_desc desc, const shape *s, fixture_setup setup, ek_norm_stats stats) {
    fixture *f = make(desc, setup);
    bool fused = desc.activation != EK_ACTIVATION_NONE || desc.ghost > 0; /* or sets of few elements */
    fixture_forward(f, stats);
    fixture_backward(f);
    masked_reference(f, stats == EK_STATS_RUNNING);
    expect_below(fixture_error(f, f->y, f->ry), fused ? 6e-7 : 3e-7, "y", s);
    expect_below(fixture_error(f, f->dx, f->rdx), fused ? 2e-6 : 6e-7, "dx", s);
    if (desc.residual) expect_below(fixture_error(f, f->dresidual, f->rdresidual), 1e-6, "dresidual", s);
    expect_below(array_error(f->dscale, f->rdscale, f->parameters), fused ? 1e-6 : 1e-7, "dscale", s);
    expect_below(array_error(f->dbias, f->rdbias, f->parameters), fused ? 1e-6 : 1e-7, "dbias", s);
    expect_below(array_error(f->var, f->rvar, f->sets), 1e-7, "var", s);
    expect_below(array_error(f->mean, f->rmean, f->sets), 1e-7, "mean", s);
    expect_hidden(f, s);
    fixture_free(f);
}

static void check(const shape *s, fixture_setup setup, ek_norm_stats stats) {
    check_desc(shape_desc(s), s, setup, stats);
}

/* Residual and activation: one that reads its slope from y, and one that computes it again. */
static void fused(void **state) {
    (void)state;
    const ek_activation activations[] = {EK_ACTIVATION_RELU, EK_ACTIVATION_GELU, EK_ACTIVATION_NONE,
                                         EK_ACTIVATION_TANH};
    for (size_t i = 0; i < shapes_count; i++) {
        for (int a = 0; a < 4; a++) {
            ek_norm_desc desc = shape_desc(&shapes[i]);
            desc.activation = activations[a];
            desc.residual = a != 3;
            check_desc(desc, &shapes[i], a % 2 ? use_mask : use_both, EK_STATS_BATCH);
            if (desc.kind == EK_NORM_BATCH) check_desc(desc, &shapes[i], use_lengths, EK_STATS_RUNNING);
        }
    }
}

/* Virtual batches, each with what its mask leaves: of the first with 2 examples, nothing. */
static void ghosts(void **state) {
    (void)state;
    const fixture_setup setups[] = {use_mask, use_lengths, use_both, use_none};
    for (size_t i = 0; i < shapes_count && shapes[i].kind == EK_NORM_BATCH; i++) {
        for (int k = 0; k < 4; k++) {
            ek_norm_desc desc = shape_desc(&shapes[i]);
            desc.ghost = 1 + k % 2;
            check_desc(desc, &shapes[i], setups[k], EK_STATS_BATCH);
            if (k < 3) check_desc(desc, &shapes[i], setups[k], EK_STATS_RUNNING);
            desc.activation = EK_ACTIVATION_SILU;
            desc.residual = 1;
            check_desc(desc, &shapes[i], setups[k], EK_STATS_BATCH);
        }
    }
}

static void values(void **state) {
    (void)state;
    const fixture_setup setups[] = {use_mask, use_lengths, use_both, use_none};
    for (size_t i = 0; i < shapes_count; i++) {
        for (int k = 0; k < 4; k++) {
            check(&shapes[i], setups[k], EK_STATS_BATCH);
            if (shapes[i].kind == EK_NORM_BATCH && k < 3) check(&shapes[i], setups[k], EK_STATS_RUNNING);
        }
    }
}

static double loss(fixture *f, const packed *p) {
    eki_ref_norm norm = packed_reference(f, p);
    eki_ref_forward(&norm, p->x, f->rscale, f->rbias, p->y);
    double sum = 0;
    for (size_t i = 0; i < p->count; i++) sum += p->dy[i] * p->y[i];
    return sum;
}

/* dx against central differences of the loss over the valid elements. */
static void gradients(void **state) {
    (void)state;
    const shape small[] = {
        {EK_NORM_BATCH, NCHW, 4, {3, 4, 3, 2}, 1, 0, C}, {EK_NORM_INSTANCE, NHWC, 4, {2, 3, 3, 4}, 1, 0, C},
        {EK_NORM_GROUP, B8, 4, {3, 6, 5, 4}, 1, 3, C},   {EK_NORM_LAYER, NCHW, 4, {2, 4, 3, 2}, 1, 0, C},
        {EK_NORM_RMS, NCHW, 3, {2, 4, 5}, 1, 0, C},      {EK_NORM_LAYER, NCHW, 3, {3, 4, 5}, 2, 0, E}};
    for (int k = 0; k < 12; k++) {
        const shape *each = &small[k % 6];
        ek_norm_desc desc = shape_desc(each);
        if (k >= 6) desc.activation = EK_ACTIVATION_TANH, desc.residual = 1;
        fixture *f = make(desc, use_mask);
        fixture_forward(f, EK_STATS_BATCH);
        fixture_backward(f);
        packed p = pack(f);
        memset(f->rdx, 0, f->elements * sizeof(double));
        for (size_t i = 0; i < p.count; i++) {
            double before = p.x[i];
            p.x[i] = before + 1e-5;
            double up = loss(f, &p);
            p.x[i] = before - 1e-5;
            f->rdx[p.from[i]] = (up - loss(f, &p)) / 2e-5;
            p.x[i] = before;
        }
        expect_below(fixture_error(f, f->dx, f->rdx), 1e-5, "dx", each);
        unpack(&p);
        fixture_free(f);
    }
}

/* A mask that hides nothing changes no bit; lengths and the mask that says the same agree. */
static void identities(void **state) {
    (void)state;
    for (size_t i = 0; i < shapes_count; i++) {
        ek_norm_desc desc = shape_desc(&shapes[i]);
        if (desc.kind == EK_NORM_BATCH) desc.renorm_r_max = desc.renorm_d_max = 1.5;
        if (i % 2) desc.activation = i % 4 == 1 ? EK_ACTIVATION_SILU : EK_ACTIVATION_RELU;
        if (desc.kind == EK_NORM_BATCH && i % 3 == 0) desc.ghost = 2;
        desc.residual = i % 3 == 1;
        fixture *plain = fixture_make(&desc, 9, 2, 3), *all = make(desc, use_all);
        fixture *by_length = make(desc, use_lengths), *by_mask = make(desc, use_all);
        for (size_t e = 0; e < by_mask->elements; e++) {
            size_t space = space_of(by_mask), n = e / space / (size_t)desc.dims[1];
            mask[by_rows(by_mask) ? by_mask->set[e] : n * space + e % space] = valid(by_length, e);
        }
        all->args.mask = NULL;
        fixture *pairs[2][2] = {{plain, all}, {by_length, by_mask}};
        int64_t *full = calloc((size_t)desc.dims[0], sizeof *full);
        for (int64_t n = 0; n < desc.dims[0]; n++) full[n] = first_of(all);
        all->args.lengths = full;
        for (int k = 0; k < 2; k++) {
            fixture *a = pairs[k][0], *b = pairs[k][1];
            for (int j = 0; j < 2; j++) {
                fixture_forward(pairs[k][j], EK_STATS_BATCH);
                fixture_backward(pairs[k][j]);
            }
            if (!same_bits(a->y, b->y, a->buffer)) fail_msg("%s: y %d", shape_text(&shapes[i]), k);
            if (!same_bits(a->dx, b->dx, a->buffer)) fail_msg("%s: dx %d", shape_text(&shapes[i]), k);
            assert_true(same_bits(a->dscale, b->dscale, a->parameters));
            assert_true(same_bits(a->dbias, b->dbias, a->parameters));
            assert_true(same_bits(a->mean, b->mean, a->sets) && same_bits(a->var, b->var, a->sets));
            fixture_free(a);
            fixture_free(b);
        }
        free(full);
    }
}

static void everywhere(void **state) {
    (void)state;
    const shape large[] = {
        {EK_NORM_BATCH, NCHW, 4, {20, 10, 19, 23}, 1, 0, C}, {EK_NORM_BATCH, B8, 4, {20, 20, 13, 15}, 1, 0, C},
        {EK_NORM_GROUP, NHWC, 4, {4, 20, 70, 61}, 1, 4, C},  {EK_NORM_GROUP, NCHW, 4, {3, 4, 130, 133}, 1, 2, C},
        {EK_NORM_LAYER, NCHW, 4, {20, 10, 19, 23}, 1, 0, C}, {EK_NORM_LAYER, NCHW, 3, {20, 50, 200}, 2, 0, E}};
    for (int i = 0; i < 6; i++) {
        ek_norm_desc desc = shape_desc(&large[i]);
        desc.masked = 1;
        if (i % 2) desc.activation = EK_ACTIVATION_RELU, desc.residual = 1;
        same_bits_everywhere(desc, use_mask);
        same_bits_everywhere(desc, use_both);
    }
}

static ek_norm_desc batch_desc(void) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3;
    desc.dims[0] = 4;
    desc.dims[1] = 5;
    desc.dims[2] = 6;
    return desc;
}

static int update(fixture *f) {
    ek_norm_update report;
    ek_status status = ek_norm_update_running(f->plan, f->args.saved, f->running_mean, f->running_var, &report, &err);
    if (status != EK_OK) fail_msg("%s", err.text);
    return report.updated;
}

/* Counts of updates and moments are of the valid elements. */
static void running(void **state) {
    (void)state;
    ek_norm_desc desc = batch_desc();
    desc.running_variance = EK_VARIANCE_UNBIASED;
    fixture *f = make(desc, use_lengths); /* 2, 0, 5, 3: ten valid positions */
    fixture_forward(f, EK_STATS_BATCH);
    masked_reference(f, false);
    float before = f->running_var[3];
    ek_moments moments[5];
    assert_int_equal(ek_norm_batch_moments(f->plan, f->args.saved, moments, &err), EK_OK);
    assert_true(moments[4].count == 10 && fabs(moments[4].mean - f->rmean[4]) < 1e-12);
    assert_int_equal(update(f), 1);
    double expected = 0.9 * (double)before + 0.1 * f->rvar[3] * 10 / 9;
    assert_true(fabs((double)f->running_var[3] / expected - 1) < 3e-7);
    fixture_free(f);
    f = make(desc, use_none);
    fixture_forward(f, EK_STATS_BATCH);
    fixture_backward(f);
    assert_int_equal(update(f), 0);
    assert_true(f->y[7] == 0.0f && f->dx[7] == 0.0f && f->dscale[1] == 0.0f && f->dbias[1] == 0.0f);
    assert_true(f->mean[1] == 0.0f && f->var[1] == 0.0f);
    fixture_free(f);
}

static void one_valid_value(void **state) {
    (void)state;
    for (int policy = EK_SMALL_BIASED; policy <= EK_SMALL_ERROR; policy++) {
        ek_norm_desc desc = batch_desc();
        desc.small_sample = (ek_small_sample)policy;
        fixture *f = make(desc, use_one);
        if (policy == EK_SMALL_ERROR) {
            assert_int_equal(ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err), EK_ERR_SHAPE);
            assert_non_null(strstr(err.text, "under the mask"));
            fixture_free(f);
            continue;
        }
        fixture_forward(f, EK_STATS_BATCH);
        fixture_backward(f);
        bool uses_running = policy == EK_SMALL_USE_RUNNING;
        assert_true((f->y[5] == f->bias[0]) == !uses_running);
        assert_true((f->dx[5] == 0.0f) == !uses_running);
        assert_int_equal(update(f), policy == EK_SMALL_BIASED);
        f->args.running_var = NULL;
        ek_status status = ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err);
        assert_int_equal(status, uses_running ? EK_ERR_ARG : EK_OK);
        fixture_free(f);
    }
}

static void expect(ek_status status, ek_status expected, const char *part) {
    assert_int_equal(status, expected);
    if (strstr(err.text, part) == NULL) fail_msg("\"%s\" does not contain \"%s\"", err.text, part);
}

static void errors(void **state) {
    (void)state;
    ek_norm_plan *plan;
    ek_norm_desc d = batch_desc();
    d.masked = 2;
    expect(ek_norm_plan_create(&d, &plan, &err), EK_ERR_ARG, "desc.masked is 2");
    d = ek_norm_desc_default(EK_NORM_RMS);
    d.rank = 3;
    d.dims[0] = 4, d.dims[1] = 6, d.dims[2] = 5;
    fixture *f = make(d, use_lengths);
    lengths[3] = 8;
    expect(ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err), EK_ERR_SHAPE,
           "args.lengths[3] is 8, expected 0 to 6, the extent of the first dimension after the examples");
    fixture_free(f);
    f = make(batch_desc(), use_lengths);
    lengths[2] = 7;
    expect(ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err), EK_ERR_SHAPE,
           "args.lengths[2] is 7, expected 0 to 6");
    lengths[2] = -1;
    expect(ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err), EK_ERR_SHAPE, "args.lengths[2] is -1");
    lengths[2] = 5;
    fixture_forward(f, EK_STATS_BATCH);
    lengths[2] = 4;
    expect(ek_norm_backward(f->plan, &f->args, &err), EK_ERR_STATE, "leave 9 positions, the forward had 10");
    f->args.lengths = NULL;
    expect(ek_norm_backward(f->plan, &f->args, &err), EK_ERR_ARG, "are NULL, but desc.masked is 1");
    expect(ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err), EK_ERR_ARG, "are NULL, but desc.masked is 1");
    fixture_free(f);
    d = batch_desc();
    f = fixture_make(&d, 1, 0, 1);
    f->args.lengths = lengths;
    expect(ek_norm_forward(f->plan, EK_STATS_BATCH, &f->args, &err), EK_ERR_ARG,
           "args.lengths is given, but desc.masked");
    fixture_free(f);
}

int main(void) {
    shapes_count = shapes_complete(shapes, MOST_SHAPES);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),    cmocka_unit_test(fused),           cmocka_unit_test(ghosts),
        cmocka_unit_test(gradients), cmocka_unit_test(identities),      cmocka_unit_test(everywhere),
        cmocka_unit_test(running),   cmocka_unit_test(one_valid_value), cmocka_unit_test(errors)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(mask);
    return failed;
}
