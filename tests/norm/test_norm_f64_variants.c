/* test_norm_f64_variants.c: f64 batch renorm and cumulative averages against their formulas in long double; f64 layer
 * and RMS norm with a scale for each element under masks, against the same norm of the rows that are left.
 */
#include "base/memory.h"
#include "base/random.h"

#include <evenkeel/norm.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

typedef long double real;

typedef struct norm {
    ek_norm_plan *plan;
    ek_norm_args args;
    size_t count, parameters;
    double *x, *y, *dy, *dx, *residual, *dresidual, *scale, *bias, *dscale, *dbias, *mean, *var;
} norm;

static ek_error err;

static void ok(ek_status status) {
    if (status != EK_OK) fail_msg("%s", err.text);
}

static double *numbers(size_t n, const char *purpose, double offset) {
    double *a = eki_alloc(eki_size_of(n + 1, sizeof *a));
    eki_random r = eki_random_stream(11, purpose, n, 0);
    for (size_t i = 0; i < n; i++) a[i] = offset + 2 * eki_random_normal(r, i);
    return a;
}

static norm make(ek_norm_desc desc, size_t parameters) {
    norm d = {.count = 1, .parameters = parameters};
    desc.dtype = EK_F64;
    for (int i = 0; i < desc.rank; i++) d.count *= (size_t)desc.dims[i];
    ok(ek_norm_plan_create(&desc, &d.plan, &err));
    size_t sets = (size_t)ek_norm_sets(d.plan);
    struct {
        double **array;
        size_t n;
        const char *purpose;
        double offset;
    } all[] = {{&d.x, d.count, "x", 3},
               {&d.dy, d.count, "dy", 0},
               {&d.y, d.count, "y", 0},
               {&d.dx, d.count, "dx", 0},
               {&d.residual, d.count, "r", 0},
               {&d.dresidual, d.count, "dr", 0},
               {&d.scale, parameters, "scale", 1},
               {&d.bias, parameters, "bias", 0},
               {&d.dscale, parameters, "ds", 0},
               {&d.dbias, parameters, "db", 0},
               {&d.mean, sets, "mean", 0},
               {&d.var, sets, "var", 0}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        *all[i].array = numbers(all[i].n, all[i].purpose, all[i].offset);
    d.args = (ek_norm_args){.struct_size = sizeof d.args,
                            .x = d.x,
                            .y = d.y,
                            .scale = d.scale,
                            .bias = d.bias,
                            .mean = d.mean,
                            .var = d.var,
                            .dy = d.dy,
                            .dx = d.dx,
                            .dscale = d.dscale,
                            .dbias = d.dbias,
                            .residual = desc.residual ? d.residual : NULL,
                            .dresidual = desc.residual ? d.dresidual : NULL,
                            .saved = eki_alloc(eki_sized(ek_norm_saved_bytes(d.plan))),
                            .workspace = eki_alloc(eki_sized(ek_norm_workspace_bytes(d.plan)))};
    return d;
}

static void release(norm *d) {
    void *all[] = {d->x,    d->y,      d->dy,    d->dx,   d->residual, d->dresidual,  d->scale,
                   d->bias, d->dscale, d->dbias, d->mean, d->var,      d->args.saved, d->args.workspace};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) eki_free(all[i]);
    ek_norm_plan_destroy(d->plan);
}

static void run(norm *d) {
    ok(ek_norm_forward(d->plan, EK_STATS_BATCH, &d->args, &err));
    ok(ek_norm_backward(d->plan, &d->args, &err));
}

static void near(double got, real want, double tolerance, const char *what, size_t i) {
    if (!(fabsl((real)got - want) <= (real)tolerance))
        fail_msg("%s[%zu] is %.17g, expected %.17Lg", what, i, got, want);
}

enum { N = 6, CHANNELS = 5, SPACE = 7, VALUES = N * SPACE };

static ek_norm_desc batch_desc(void) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3;
    desc.dims[0] = N;
    desc.dims[1] = CHANNELS;
    desc.dims[2] = SPACE;
    return desc;
}

static size_t place(size_t channel, size_t k) { return (k / SPACE * CHANNELS + channel) * SPACE + k % SPACE; }

static real clip(real value, real low, real high) { return value < low ? low : value > high ? high : value; }

/* y = scale (xhat r + d) + bias with r and d constant, so dx = r rstd (g - mean g - xhat mean(g xhat)), g = scale dy.
 */
static void check_channel(const norm *n, size_t c, const double *running_mean, const double *running_var,
                          const ek_norm_desc *desc) {
    real mean = 0, var = 0, sum = 0, product = 0, dscale = 0, eps = (real)desc->epsilon, scale = (real)n->scale[c];
    for (size_t k = 0; k < VALUES; k++) mean += (real)n->x[place(c, k)] / VALUES;
    for (size_t k = 0; k < VALUES; k++)
        var += ((real)n->x[place(c, k)] - mean) * ((real)n->x[place(c, k)] - mean) / VALUES;
    real rstd = 1 / sqrtl(var + eps), sigma = sqrtl((real)running_var[c] + eps);
    real r = clip(sqrtl(var + eps) / sigma, 1 / (real)desc->renorm_r_max, (real)desc->renorm_r_max);
    real d = clip((mean - (real)running_mean[c]) / sigma, -(real)desc->renorm_d_max, (real)desc->renorm_d_max);
    for (size_t k = 0; k < VALUES; k++) {
        real xhat = ((real)n->x[place(c, k)] - mean) * rstd, dy = (real)n->dy[place(c, k)];
        near(n->y[place(c, k)], scale * (xhat * r + d) + (real)n->bias[c], 1e-13, "y", place(c, k));
        sum += dy;
        product += dy * xhat;
        dscale += dy * (xhat * r + d);
    }
    for (size_t k = 0; k < VALUES; k++) {
        real xhat = ((real)n->x[place(c, k)] - mean) * rstd, dy = (real)n->dy[place(c, k)];
        real dx = r * rstd * scale * (dy - sum / VALUES - xhat * product / VALUES);
        near(n->dx[place(c, k)], dx, 1e-13, "dx", place(c, k));
    }
    near(n->dbias[c], sum, 1e-12, "dbias", c);
    near(n->dscale[c], dscale, 1e-12, "dscale", c);
}

/* Channels within the limits, beyond those of r and beyond those of d. */
static void batch_renorm(void **state) {
    (void)state;
    double mean[CHANNELS] = {3.1, 2.9, 3.0, -40.0, 60.0}, var[CHANNELS] = {4.1, 0.01, 900.0, 4.0, 3.9};
    ek_norm_desc desc = batch_desc();
    desc.renorm_r_max = 3;
    desc.renorm_d_max = 5;
    norm n = make(desc, CHANNELS);
    n.args.running_mean = mean;
    n.args.running_var = var;
    run(&n);
    for (size_t c = 0; c < CHANNELS; c++) check_channel(&n, c, mean, var, &desc);
    /* Running statistics become those of the batch, not the corrected ones. */
    double before = mean[0];
    ok(ek_norm_update_running(n.plan, n.args.saved, mean, var, NULL, &err));
    near(mean[0], 0.9L * (real)before + 0.1L * (real)n.mean[0], 1e-15, "running mean", 0);
    ok(ek_norm_forward(n.plan, EK_STATS_RUNNING, &n.args, &err));
    real right = ((real)n.x[0] - (real)mean[0]) / sqrtl((real)var[0] + 1e-5L) * (real)n.scale[0] + (real)n.bias[0];
    near(n.y[0], right, 1e-13, "y of running statistics", 0);
    release(&n);
}

/* The mean of the means, and of the variances, of all batches; the first does not read what was there. */
static void cumulative(void **state) {
    (void)state;
    ek_norm_desc desc = batch_desc();
    desc.momentum_convention = EK_MOMENTUM_CUMULATIVE;
    desc.running_variance = EK_VARIANCE_UNBIASED;
    norm n = make(desc, CHANNELS);
    double mean[CHANNELS] = {NAN, NAN, NAN, NAN, NAN}, var[CHANNELS] = {NAN, NAN, NAN, NAN, NAN};
    real means[CHANNELS] = {0}, variances[CHANNELS] = {0};
    int64_t updates = 0;
    for (int batch = 1; batch <= 5; batch++) {
        for (size_t i = 0; i < n.count; i++) n.x[i] = n.x[i] * 1.25 - 0.3 * batch;
        ok(ek_norm_forward(n.plan, EK_STATS_BATCH, &n.args, &err));
        ok(ek_norm_update_cumulative(n.plan, n.args.saved, mean, var, &updates, NULL, &err));
        assert_int_equal(updates, batch);
        for (size_t c = 0; c < CHANNELS; c++) {
            means[c] += (real)n.mean[c];
            variances[c] += (real)n.var[c] * VALUES / (VALUES - 1);
            near(mean[c], means[c] / batch, 1e-14, "mean", c);
            near(var[c], variances[c] / batch, 1e-13, "var", c);
        }
    }
    double kept = mean[1];
    n.x[place(2, 3)] = INFINITY; /* one channel that is not finite keeps all as they were */
    ek_norm_update report;
    ok(ek_norm_forward(n.plan, EK_STATS_BATCH, &n.args, &err));
    ok(ek_norm_update_cumulative(n.plan, n.args.saved, mean, var, &updates, &report, &err));
    assert_true(report.updated == 0 && report.first_nonfinite == 2 && updates == 5 && mean[1] == kept);
    release(&n);
}

enum { EXAMPLES = 9, ROWS = 25, ROW = 37 };

static ek_norm_desc rows_desc(ek_norm_kind kind, int variant) {
    ek_norm_desc desc = ek_norm_desc_default(kind);
    desc.rank = 3;
    desc.axis = 2;
    desc.dims[0] = EXAMPLES;
    desc.dims[1] = ROWS;
    desc.dims[2] = ROW;
    if (variant >= 1) desc.activation = variant == 1 ? EK_ACTIVATION_RELU : EK_ACTIVATION_GELU;
    desc.residual = variant >= 1;
    desc.parallel.threads = 1 + variant;
    return desc;
}

/* The rows that a mask leaves, one behind the other, as a norm of their own. */
static void check_rows(ek_norm_desc desc, const int64_t *lengths, const uint8_t *mask) {
    desc.masked = 1;
    norm n = make(desc, ROW);
    size_t rows[EXAMPLES * ROWS], left = 0;
    for (size_t row = 0; row < EXAMPLES * ROWS; row++) {
        bool valid = (lengths == NULL || (int64_t)(row % ROWS) < lengths[row / ROWS]) && (mask == NULL || mask[row]);
        if (valid) rows[left++] = row;
        for (size_t i = 0; i < ROW && !valid; i++) n.x[row * ROW + i] = n.dy[row * ROW + i] = (double)NAN;
    }
    n.args.lengths = lengths;
    n.args.mask = mask;
    desc.masked = 0;
    desc.rank = 2;
    desc.axis = 1;
    desc.dims[0] = (int64_t)left;
    desc.dims[1] = ROW;
    norm few = make(desc, ROW);
    memcpy(few.scale, n.scale, ROW * sizeof(double));
    memcpy(few.bias, n.bias, ROW * sizeof(double));
    const double *from[] = {n.x, n.dy, n.residual};
    double *to[] = {few.x, few.dy, few.residual};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < left; i++) memcpy(to[k] + i * ROW, from[k] + rows[i] * ROW, ROW * sizeof(double));
    run(&n);
    run(&few);
    const double *results[] = {n.y, n.dx, n.dresidual}, *expected[] = {few.y, few.dx, few.dresidual};
    for (int k = 0; k < (desc.residual ? 3 : 2); k++) {
        size_t next = 0;
        for (size_t row = 0; row < EXAMPLES * ROWS; row++) {
            const double *got = results[k] + row * ROW;
            bool valid = next < left && rows[next] == row;
            if (valid) assert_memory_equal(got, expected[k] + next++ * ROW, ROW * sizeof(double));
            for (size_t i = 0; i < ROW && !valid; i++) assert_true(got[i] == 0.0);
        }
    }
    for (size_t i = 0; i < ROW; i++) {
        near(n.dscale[i], (real)few.dscale[i], 1e-12, "dscale", i);
        near(n.dbias[i], (real)few.dbias[i], 1e-12, "dbias", i);
    }
    release(&n);
    release(&few);
}

static void masked_rows(void **state) {
    (void)state;
    int64_t lengths[EXAMPLES];
    uint8_t mask[EXAMPLES * ROWS];
    for (int64_t n = 0; n < EXAMPLES; n++) lengths[n] = n * 11 % (ROWS + 1);
    for (int i = 0; i < EXAMPLES * ROWS; i++) mask[i] = (uint8_t)(i * 5 % 7 > 2);
    for (int i = 0; i < 6; i++) {
        ek_norm_desc desc = rows_desc(i % 2 ? EK_NORM_RMS : EK_NORM_LAYER, i / 2);
        check_rows(desc, lengths, NULL);
        check_rows(desc, NULL, mask);
        check_rows(desc, lengths, mask);
    }
    memset(mask, 0, sizeof mask); /* nothing is left */
    check_rows(rows_desc(EK_NORM_LAYER, 1), NULL, mask);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(batch_renorm), cmocka_unit_test(cumulative),
                                       cmocka_unit_test(masked_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
