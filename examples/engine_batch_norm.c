/* engine_batch_norm.c: the batch norm layer of an engine that normalizes by the deviation with divisor n - 1, with its
 * epsilon outside the root, in place in its output, and adds into scale_updates and bias_updates:
 *
 *     y = scale (x - mean) / (sqrt(variance) + delta) + bias       variance = sum (x - mean)^2 / (n - 1), delta = 1e-6
 *
 * With v the population variance and a = sqrt((n - 1) / n) the divisor is (sqrt(v) + a delta) / a. So y is a norm with
 * scale' = a scale and, for sqrt(v + epsilon') in place of sqrt(v) + a delta, epsilon' = (a delta)^2 = 1e-12 (n - 1) /
 * n: the same at v = 0, and off by less than delta / sqrt(v) elsewhere. By the chain rule dscale = a dscale'. Such
 * engines keep x and x_norm for backward; from y neither is needed. The adapter is the first three functions. */
#include <evenkeel/norm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 6, C = 5, S = 49, SIZE = N * C * S };

typedef struct {
    float output[SIZE], delta[SIZE]; /* y over x, dx over dy */
    float scales[C], biases[C], scale_updates[C], bias_updates[C];
    float mean[C], variance[C], rolling_mean[C], rolling_variance[C];
    float rstd[C], scaled[C], scaled_updates[C]; /* the adapter's */
} layer;

typedef struct {
    ek_norm_plan *plan;
    void *saved, *workspace;
    float a;
} norm;

static ek_status make(norm *n, ek_error *err) {
    double values = N * S;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3, desc.dims[0] = N, desc.dims[1] = C, desc.dims[2] = S;
    desc.epsilon = 1e-12 * (values - 1) / values;
    desc.momentum = 0.99; /* rolling = 0.99 rolling + 0.01 batch, */
    desc.running_variance = EK_VARIANCE_UNBIASED;
    n->a = (float)sqrt((values - 1) / values);
    ek_status status = ek_norm_plan_create(&desc, &n->plan, err);
    n->saved = malloc(ek_norm_saved_bytes(n->plan));
    n->workspace = aligned_alloc(64, ek_norm_workspace_bytes(n->plan));
    return status;
}

static ek_status forward(norm *n, layer *l, ek_error *err) {
    ek_norm_args args = {
        .struct_size = sizeof args, .x = l->output, .y = l->output, .scale = l->scaled, .bias = l->biases};
    args.mean = l->mean, args.var = l->variance, args.rstd = l->rstd;
    args.saved = n->saved, args.workspace = n->workspace;
    for (int c = 0; c < C; c++) l->scaled[c] = n->a * l->scales[c];
    ek_status status = ek_norm_forward(n->plan, EK_STATS_BATCH, &args, err);
    for (int c = 0; c < C; c++) l->variance[c] /= n->a * n->a; /* with divisor n - 1 */
    if (status != EK_OK) return status;
    return ek_norm_update_running(n->plan, n->saved, l->rolling_mean, l->rolling_variance, NULL, err);
}

static ek_status backward(norm *n, layer *l, ek_error *err) {
    ek_norm_args args = {.struct_size = sizeof args, .y = l->output, .scale = l->scaled, .bias = l->biases};
    args.dy = args.dx = l->delta;
    args.dscale = l->scaled_updates, args.dbias = l->bias_updates;
    args.flags = EK_BACKWARD_FROM_Y | EK_ACCUMULATE_DBIAS;
    args.saved = n->saved, args.workspace = n->workspace;
    ek_status status = ek_norm_saved_from(n->plan, l->mean, l->rstd, n->saved, err);
    if (status == EK_OK) status = ek_norm_backward(n->plan, &args, err);
    for (int c = 0; c < C; c++) l->scale_updates[c] += n->a * l->scaled_updates[c];
    return status;
}

/* Not fmax: gcc 12 for AArch64 fails on it in a loop over floats. */
static double larger(double a, double b) { return b <= a ? a : b; }

/* The formula above and its derivative, of one channel, in f64; the worst difference to what the layer has. */
static double check_channel(const layer *before, const layer *after, int c) {
    double n = N * S, mean = 0, variance = 0, g_sum = 0, g_xhat = 0, worst = 0;
#define EACH(i)                                                                                                        \
    for (int b = 0, i = c * S; b < N; b++, i += (C - 1) * S)                                                           \
        for (int s = 0; s < S; s++, i++)
    EACH(i) mean += (double)before->output[i] / n;
    EACH(i) variance += ((double)before->output[i] - mean) * ((double)before->output[i] - mean) / (n - 1);
    double root = sqrt(variance), scale = (double)before->scales[c], divisor = root + 1e-6;
    EACH(i) {
        double xhat = ((double)before->output[i] - mean) / divisor, g = (double)before->delta[i];
        worst = larger(worst, fabs(scale * xhat + (double)before->biases[c] - (double)after->output[i]));
        g_sum += g;
        g_xhat += g * xhat;
    }
    EACH(i) {
        double xhat = ((double)before->output[i] - mean) / divisor, g = (double)before->delta[i];
        double dx = scale / divisor * (g - g_sum / n - xhat * g_xhat * divisor / ((n - 1) * root));
        worst = larger(worst, fabs(dx - (double)after->delta[i]));
    }
#undef EACH
    worst = larger(worst, fabs((double)before->scale_updates[c] + g_xhat - (double)after->scale_updates[c]) / n);
    worst = larger(worst, fabs((double)before->bias_updates[c] + g_sum - (double)after->bias_updates[c]) / n);
    worst = larger(worst, fabs(mean - (double)after->mean[c]) + fabs(variance - (double)after->variance[c]));
    return larger(worst, fabs(0.99 + 0.01 * variance - (double)after->rolling_variance[c]));
}

static layer before, after;

int main(void) {
    ek_error err = {.text = ""};
    norm n;
    double worst = 0;
    for (int i = 0; i < SIZE; i++) before.output[i] = 2 + (float)sin(i * 0.7), before.delta[i] = (float)cos(i * 1.3);
    for (int c = 0; c < C; c++) {
        before.scales[c] = 1 - 0.3f * (float)c, before.biases[c] = 0.2f * (float)c;
        before.scale_updates[c] = 3, before.bias_updates[c] = -2, before.rolling_variance[c] = 1;
    }
    after = before;
    ek_status status = make(&n, &err);
    if (status == EK_OK) status = forward(&n, &after, &err);
    if (status == EK_OK) status = backward(&n, &after, &err);
    if (status != EK_OK) fputs(err.text, stderr);
    for (int c = 0; c < C; c++) worst = larger(worst, check_channel(&before, &after, c));
    printf("batch norm in place, divisor n - 1: within %.1g of plain f64 loops\n", worst);
    free(n.saved);
    free(n.workspace);
    ek_norm_plan_destroy(n.plan);
    return status == EK_OK && worst < 1e-5 ? 0 : 1;
}
