/* extra16.c: running statistics computed exactly: merged moments, and what they repair. */
#include "study/lab.h"

#include <evenkeel/moments.h>

#include <math.h>
#include <stdlib.h>

enum { BATCHES = 10, ROWS = 50, C = 4 };
enum { SLOW, FAST, ARMS };
enum { MOVING, MEASURED, METRICS };
enum { MERGED, SLOW_GAIN, FAST_GAIN, ENDPOINTS };

static void *room(size_t bytes) { return aligned_alloc(64, (bytes + 63) / 64 * 64 + 64); }

/* Moments of one batch, merged into `total`. */
static ek_status merge(const float *x, int64_t rows, ek_moments total[C], ek_error *err) {
    const int64_t dims[] = {rows, C};
    ek_norm_plan *plan = NULL;
    ek_moments batch[C];
    float *y = eks_floats((size_t)(rows * C), err);
    eks_norm call = eks_norm_call(EK_NORM_BATCH, 2, dims, x, y);
    ek_status status = y ? ek_norm_plan_create(&call.desc, &plan, err) : EK_ERR_NOMEM;
    if (status == EK_OK) {
        ek_norm_args args = {.struct_size = sizeof args, .x = x, .y = y};
        args.saved = room(ek_norm_saved_bytes(plan));
        args.workspace = room(ek_norm_workspace_bytes(plan));
        status = args.saved && args.workspace ? ek_norm_forward(plan, EK_STATS_BATCH, &args, err) : EK_ERR_NOMEM;
        if (status == EK_OK) status = ek_norm_batch_moments(plan, args.saved, batch, err);
        for (int c = 0; c < C && status == EK_OK; c++) total[c] = ek_moments_merge(total[c], batch[c]);
        free(args.workspace);
        free(args.saved);
    }
    ek_norm_plan_destroy(plan);
    free(y);
    return status;
}

/* Ten batches with drifting means, merged, against all at once. */
static ek_status exactness(eks_study *study, double *difference, ek_error *err) {
    float x[BATCHES * ROWS * C];
    ek_moments merged[C] = {{0}}, whole[C] = {{0}};
    for (int b = 0; b < BATCHES; b++)
        eks_fill_normal(x + b * ROWS * C, ROWS * C, study->options->seed, (uint64_t)(1600 + b), b, 1 + 0.1 * b);
    for (int b = 0; b < BATCHES; b++) EKS_TRY(merge(x + b * ROWS * C, ROWS, merged, err));
    EKS_TRY(merge(x, BATCHES * ROWS, whole, err));
    *difference = 0;
    for (int c = 0; c < C; c++) {
        double a = ek_moments_variance(merged[c], EK_VARIANCE_POPULATION);
        double b = ek_moments_variance(whole[c], EK_VARIANCE_POPULATION);
        *difference = fmax(*difference, fabs(a / b - 1) + fabs(merged[c].mean - whole[c].mean));
    }
    return EK_OK;
}

static ek_status forms(eks_study *study, eks_evidence *evidence, ek_error *err) {
    return exactness(study, &evidence->values[MERGED], err);
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[METRICS] = {[MOVING] = EKS_TEST_ACCURACY, [MEASURED] = EKS_PRECISE_ACCURACY};
    static const char *const names[ARMS] = {
        [SLOW] = "m = 0.99, few steps",
        [FAST] = "m = 0.9, few steps",
    };
    eks_recipe recipes[ARMS];
    const eks_pool *pool;
    eks_scale scale = eks_scale_mlp(study);
    EKS_TRY(eks_pool_get(study, EKS_GREY, scale.side, &pool, err));
    for (int i = 0; i < ARMS; i++) {
        recipes[i] = eks_recipe_make(names[i], "mlp", pool, scale);
        recipes[i].images = 1500;
        recipes[i].epochs = 2;
        recipes[i].build.momentum = i == SLOW ? 0.99 : 0.9;
        recipes[i].precise = study->sabotaged ? 2 : 1;
    }
    EKS_TRY(eks_lab(study, recipes, ARMS, scale.seeds, metrics, METRICS, evidence, err));
    return EK_OK;
}

static void show(eks_evidence *evidence) {
    evidence->caption = "Test accuracy with the moving average and with statistics measured at the end";
}

const eks_design eks_extra16 = {
    .number = 16,
    .taught = "Statistics measured at the end, with the weights fixed, are at least as good as the moving average.",
    .prediction = "Moments merged over batches are those of all values together. After 92 steps a moving average with "
                  "m = 0.99 still holds 40% of its initial value: measuring again gains accuracy.",
    .refuter = "A merged moment off by 0.00001, or no gain.",
    .method = "Ten drifting batches; networks of three hidden layers after few steps, statistics measured over 1,000 "
              "training images.",
    .sabotage = "two-images",
    .sabotage_what = "the statistics are measured over two images",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [MERGED] = {"moments merged over ten batches against all at once", EKS_AT_MOST, 1e-5},
            [SLOW_GAIN] = {"m = 0.99: accuracy when measured again less moving average", EKS_AT_LEAST, 0.01,
                           .percent = 1, EKS_METRIC_DIFF(SLOW, MEASURED, MOVING)},
            [FAST_GAIN] = {"m = 0.9: the same", EKS_AT_LEAST, -0.02, .percent = 1,
                           EKS_METRIC_DIFF(FAST, MEASURED, MOVING)},
        },
    .forms = forms,
    .run = run,
    .show = show,
};
