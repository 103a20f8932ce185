/* engine_layer_norm.c: the layer norm of a transformer engine in plain C, over its own arrays: out, mean and rstd of
 * B*T rows forward, and backward with `+=` into dinp, dweight and dbias. The adapter is the first two functions and a
 * plan; the rest checks them against plain loops. */
#include <evenkeel/norm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    ek_norm_plan *plan;
    void *saved, *workspace; /* only for the time of a call: one for all layers of this shape */
} layer_norm;

static ek_status layernorm_forward(const layer_norm *n, float *out, float *mean, float *rstd, const float *inp,
                                   const float *weight, const float *bias, ek_error *err) {
    ek_norm_args args = {.struct_size = sizeof args, .x = inp, .y = out, .scale = weight, .bias = bias};
    args.mean = mean, args.rstd = rstd; /* what the engine keeps, in place of `saved` */
    args.workspace = n->workspace;
    return ek_norm_forward(n->plan, EK_STATS_BATCH, &args, err);
}

static ek_status layernorm_backward(const layer_norm *n, float *dinp, float *dweight, float *dbias, const float *dout,
                                    const float *inp, const float *weight, const float *mean, const float *rstd,
                                    ek_error *err) {
    ek_status status = ek_norm_saved_from(n->plan, mean, rstd, n->saved, err);
    ek_norm_args args = {.struct_size = sizeof args, .x = inp, .scale = weight, .dy = dout, .dx = dinp};
    args.dscale = dweight, args.dbias = dbias;
    args.flags = EK_ACCUMULATE_DX | EK_ACCUMULATE_DSCALE | EK_ACCUMULATE_DBIAS;
    args.saved = n->saved, args.workspace = n->workspace;
    return status == EK_OK ? ek_norm_backward(n->plan, &args, err) : status;
}

enum { B = 4, T = 33, C = 96, ROWS = B * T, SIZE = ROWS * C };

static float inp[SIZE], out[SIZE], dout[SIZE], dinp[SIZE], weight[C], bias[C], dweight[C], dbias[C], mean[ROWS],
    rstd[ROWS];
static double want_out[SIZE], want_dinp[SIZE], want_dweight[C], want_dbias[C], want_mean[ROWS], want_rstd[ROWS];

static void plain_row(int r) {
    const float *x = inp + r * C, *g = dout + r * C;
    double m = 0, v = 0, g_mean = 0, g_xhat = 0;
    for (int c = 0; c < C; c++) m += (double)x[c] / C;
    for (int c = 0; c < C; c++) v += ((double)x[c] - m) * ((double)x[c] - m) / C;
    double s = 1 / sqrt(v + 1e-5);
    want_mean[r] = m, want_rstd[r] = s;
    for (int c = 0; c < C; c++) {
        double xhat = ((double)x[c] - m) * s, d = (double)weight[c] * (double)g[c];
        want_out[r * C + c] = xhat * (double)weight[c] + (double)bias[c];
        want_dbias[c] += (double)g[c];
        want_dweight[c] += xhat * (double)g[c];
        g_mean += d / C;
        g_xhat += d * xhat / C;
    }
    for (int c = 0; c < C; c++) {
        double xhat = ((double)x[c] - m) * s, d = (double)weight[c] * (double)g[c];
        want_dinp[r * C + c] += (d - g_mean - xhat * g_xhat) * s;
    }
}

/* Not fmax: gcc 12 for AArch64 fails on it in a loop over floats. */
static double larger(double a, double b) { return b <= a ? a : b; }

/* Largest difference, relative to the largest value. */
static double off(const float *got, const double *want, int n) {
    double worst = 0, largest = 0;
    for (int i = 0; i < n; i++) {
        worst = larger(worst, fabs((double)got[i] - want[i]));
        largest = larger(largest, fabs(want[i]));
    }
    return worst / largest;
}

int main(void) {
    ek_error err = {.text = ""};
    layer_norm n;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_LAYER); /* epsilon 1e-5, over the last dimension */
    desc.rank = 2, desc.dims[0] = ROWS, desc.dims[1] = C;
    if (ek_norm_plan_create(&desc, &n.plan, &err) != EK_OK) return fputs(err.text, stderr), 1;
    n.saved = malloc(ek_norm_saved_bytes(n.plan));
    n.workspace = aligned_alloc(64, ek_norm_workspace_bytes(n.plan));
    for (int i = 0; i < SIZE; i++) inp[i] = 3 + (float)sin(i * 0.7), dout[i] = (float)cos(i * 1.3);
    for (int c = 0; c < C; c++) weight[c] = 1 + 0.01f * (float)c, bias[c] = 0.1f * (float)(c % 5);
    for (int i = 0; i < SIZE; i++)
        want_dinp[i] = (double)(dinp[i] = (float)(i % 3)); /* another branch was here first */
    for (int c = 0; c < C; c++) want_dweight[c] = (double)(dweight[c] = 2), want_dbias[c] = (double)(dbias[c] = -1);
    for (int r = 0; r < ROWS; r++) plain_row(r);

    ek_status status = layernorm_forward(&n, out, mean, rstd, inp, weight, bias, &err);
    memset(n.saved, 0, ek_norm_saved_bytes(n.plan)); /* nothing is kept there */
    if (status == EK_OK) status = layernorm_backward(&n, dinp, dweight, dbias, dout, inp, weight, mean, rstd, &err);
    if (status != EK_OK) fputs(err.text, stderr);
    double worst = fmax(off(out, want_out, SIZE), fmax(off(mean, want_mean, ROWS), off(rstd, want_rstd, ROWS)));
    worst =
        fmax(worst, fmax(off(dinp, want_dinp, SIZE), fmax(off(dweight, want_dweight, C), off(dbias, want_dbias, C))));
    printf("layer norm over the engine's arrays: within %.1g of plain f64 loops\n", worst);
    free(n.saved);
    free(n.workspace);
    ek_norm_plan_destroy(n.plan);
    return status == EK_OK && worst < 1e-6 ? 0 : 1;
}
