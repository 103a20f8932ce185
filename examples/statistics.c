/* statistics.c: exact statistics of a data set, merged from its batches, in place of running averages.
 *
 * A moving average remembers the last batches best. Here every batch counts by its size: forward reports the mean and
 * population variance of a batch, and two sets of n_a and n_b values merge (Chan, Golub and LeVeque 1979) to
 *     mean = mean_a + d * n_b / n      n * var = n_a * var_a + n_b * var_b + d^2 * n_a * n_b / n      d = mean_b -
 * mean_a */
#include <evenkeel/norm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { C = 2, SPACE = 9, MOST = 16, EXAMPLES = 21 };

typedef struct {
    double n, mean, squares; /* squares = n * var */
} moments;

static void merge(moments *a, double n, double mean, double var) {
    double d = mean - a->mean, total = a->n + n;
    a->mean += d * n / total;
    a->squares += n * var + d * d * a->n * n / total;
    a->n = total;
}

/* Normalizes the examples [from, to) of x, with statistics of their own or given ones. Returns 0 on success. */
static int run(ek_norm_stats stats, const float *x, int from, int to, ek_norm_args *args) {
    ek_error err;
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3, desc.dims[0] = to - from, desc.dims[1] = C, desc.dims[2] = SPACE;
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) return fputs(err.text, stderr), 1;
    args->x = x + from * C * SPACE;
    args->workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    ek_status status = ek_norm_forward(plan, stats, args, &err);
    if (status != EK_OK) fputs(err.text, stderr);
    free(args->workspace);
    ek_norm_plan_destroy(plan);
    return status != EK_OK;
}

int main(void) {
    static float x[EXAMPLES * C * SPACE], y[EXAMPLES * C * SPACE];
    for (int i = 0; i < EXAMPLES * C * SPACE; i++) x[i] = (float)(5 + sin(i * i) * (i % 7));
    float mean[C], var[C];
    moments all[C] = {{0, 0, 0}};
    for (int from = 0; from < EXAMPLES; from += MOST) { /* batches of 16 and of 5 */
        int to = from + MOST < EXAMPLES ? from + MOST : EXAMPLES;
        ek_norm_args args = {.struct_size = sizeof args, .y = y, .mean = mean, .var = var};
        if (run(EK_STATS_BATCH, x, from, to, &args) != 0) return 1;
        for (int c = 0; c < C; c++) merge(&all[c], (to - from) * SPACE, mean[c], var[c]);
    }
    for (int c = 0; c < C; c++) mean[c] = (float)all[c].mean, var[c] = (float)(all[c].squares / all[c].n);

    ek_norm_args args = {.struct_size = sizeof args, .y = y, .running_mean = mean, .running_var = var};
    if (run(EK_STATS_RUNNING, x, 0, EXAMPLES, &args) != 0) return 1;
    double sum = 0; /* with exact statistics the whole data set has mean 0 */
    for (int i = 0; i < EXAMPLES * C * SPACE; i++) sum += y[i];
    printf("channel 0: mean %.4f, variance %.4f; mean after normalization %.6f\n", (double)mean[0], (double)var[0],
           fabs(sum / (EXAMPLES * C * SPACE)));
    return fabs(sum / (EXAMPLES * C * SPACE)) > 1e-5;
}
