/* statistics.c: exact statistics of a data set, merged from its batches, in place of running averages.
 *
 * A moving average remembers the last batches best. Merged moments weigh every element the same, whatever the sizes of
 * the batches, so that the whole data set has mean 0 and variance 1 under them: recalibration after training. */
#include <evenkeel/moments.h>
#include <evenkeel/norm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { C = 2, SPACE = 9, MOST = 16, EXAMPLES = 21 };

static ek_norm_plan *plan_for(int examples) {
    ek_error err;
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3, desc.dims[0] = examples, desc.dims[1] = C, desc.dims[2] = SPACE;
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) fprintf(stderr, "%s\n", err.text), exit(1);
    return plan;
}

static void forward(const ek_norm_plan *plan, ek_norm_stats stats, ek_norm_args *args) {
    ek_error err;
    args->workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    if (ek_norm_forward(plan, stats, args, &err) != EK_OK) fprintf(stderr, "%s\n", err.text), exit(1);
    free(args->workspace);
}

int main(void) {
    static float x[EXAMPLES * C * SPACE], y[EXAMPLES * C * SPACE];
    for (int i = 0; i < EXAMPLES * C * SPACE; i++) x[i] = (float)(5 + sin(i * i) * (i % 7));
    ek_error err;
    ek_moments total[C] = {{0}}, batch[C];
    for (int from = 0; from < EXAMPLES; from += MOST) { /* a batch of 16 and one of 5: one plan per size */
        ek_norm_plan *plan = plan_for(EXAMPLES - from < MOST ? EXAMPLES - from : MOST);
        ek_norm_args args = {.struct_size = sizeof args, .x = x + from * C * SPACE, .y = y};
        args.saved = malloc(ek_norm_saved_bytes(plan));
        forward(plan, EK_STATS_BATCH, &args);
        if (ek_norm_batch_moments(plan, args.saved, batch, &err) != EK_OK) return fputs(err.text, stderr), 1;
        for (int c = 0; c < C; c++) total[c] = ek_moments_merge(total[c], batch[c]);
        free(args.saved);
        ek_norm_plan_destroy(plan);
    }

    float mean[C], var[C];
    ek_norm_plan *plan = plan_for(EXAMPLES);
    if (ek_norm_set_running(plan, total, mean, var, &err) != EK_OK) return fputs(err.text, stderr), 1;
    ek_norm_args args = {.struct_size = sizeof args, .x = x, .y = y, .running_mean = mean, .running_var = var};
    forward(plan, EK_STATS_RUNNING, &args);
    ek_norm_plan_destroy(plan);
    double sum = 0, squares = 0;
    for (int i = 0; i < EXAMPLES * C * SPACE; i++) sum += y[i], squares += (double)y[i] * y[i];
    sum /= EXAMPLES * C * SPACE, squares /= EXAMPLES * C * SPACE;
    printf("channel 0: mean %.4f, variance %.4f; normalized: mean %.6f, variance %.6f\n", (double)mean[0],
           (double)var[0], fabs(sum), squares);
    return fabs(sum) > 1e-6 || fabs(squares - 1) > 1e-5;
}
