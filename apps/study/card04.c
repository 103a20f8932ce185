/* card04.c: small batches: what breaks, what does not, and what helps.
 *
 * Three things are told apart. A small batch for gradient descent is harmless; few examples per set of statistics are
 * not; and part of the damage is a mismatch between training and evaluation that measuring the statistics again
 * repairs. Networks end in products, where a set holds one value per example: convolutions hide the effect behind
 * their height times width values.
 */
#include "study/lab.h"
#include "study/together.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TWO, FOUR, EIGHT, WHOLE, LAYER, NONE, SMALL_BN, SMALL_LN, SMALL_NONE, CNN_TWO, CNN_WHOLE, CNN_GROUP, ARMS };
enum { ACCURACY, MEASURED_AGAIN, BY_BATCH, LOSS, METRICS };
enum {
    LOSS_OVER_FOUR,
    LAYER_UNHURT,
    LARGER_BATCH,
    LAYER_AT_TWO,
    LEARNED,
    ONE_VALUE,
    ONE_VALUE_GRADIENT,
    TWO_VALUES,
    INSTANCE_DIFFERS,
    SYNC_DIFFERS,
    RANKS_ALONE,
    ACCUMULATED,
    ONE_IMAGE_OUTPUT,
    ACCUMULATED_LAYER,
    REPAIRED,
    NONE_UNHURT,
    SYNC_UNORDERED,
    CNN_LOSS,
    CNN_GROUP_GAIN,
    CNN_GROUP_WHOLE,
    ENDPOINTS
};
enum { AS_TAUGHT, UNDEFINED_AT_ONE, ACCUMULATING, MEASURING_AGAIN, GROUPS };

static void arms(const eks_study *study, const eks_pool *pool, const eks_pool *photos, eks_recipe recipes[ARMS]) {
    static const char *const names[ARMS] = {
        [TWO] = "statistics over 2",
        [FOUR] = "statistics over 4",
        [EIGHT] = "statistics over 8",
        [WHOLE] = "statistics over 32",
        [LAYER] = "layer norm",
        [NONE] = "no norm",
        [SMALL_BN] = "batch 2, batch norm",
        [SMALL_LN] = "batch 2, layer norm",
        [SMALL_NONE] = "batch 2, no norm",
        [CNN_TWO] = "convolutions, statistics over 2",
        [CNN_WHOLE] = "convolutions, statistics over 32",
        [CNN_GROUP] = "convolutions, group norm",
    };
    static const int shared[ARMS] = {[TWO] = 2, [FOUR] = 4, [EIGHT] = 8, [CNN_TWO] = 2};
    for (int i = 0; i < ARMS; i++) {
        eks_recipe *r = &recipes[i];
        *r = i < CNN_TWO ? eks_recipe_make(names[i], "mlp", pool, eks_scale_mlp(study))
                         : eks_recipe_make(names[i], "cnn6", photos, eks_scale_cnn(study));
        if (i == CNN_GROUP) r->build.norm = EK_NORM_GROUP;
        r->train.virtual_batch = shared[i];
        if (i == LAYER || i == SMALL_LN) r->build.norm = EK_NORM_LAYER;
        if (i == NONE || i == SMALL_NONE) r->build.norm = (ek_norm_kind)0;
        r->precise = 1;
        if (i < SMALL_BN || i > SMALL_NONE) continue;
        r->batch = 2;
        r->train.lr = 0.05 * 2 / 32;
    }
}

typedef struct bench {
    eks_study *study;
    float x[32 * 8], y[32 * 8], z[32 * 8], dy[32 * 8], dx[32 * 8], dz[32 * 8], scale[8], bias[8];
    float slopes[2][16]; /* dscale, dbias */
} bench;

/* One value per channel gives the bias and no gradient; two give the sign alone. */
static ek_status one_and_two(bench *b, eks_evidence *evidence, ek_error *err) {
    const int64_t one[] = {1, 8}, two[] = {2, 8};
    eks_norm call = eks_norm_call(EK_NORM_BATCH, 2, one, b->x, b->y);
    call.scale = b->scale;
    call.bias = b->bias;
    call.dy = b->dy;
    call.dx = b->dx;
    EKS_TRY(eks_normalize(&call, err));
    evidence->values[ONE_VALUE] = eks_max_difference(b->y, b->bias, 8);
    evidence->values[ONE_VALUE_GRADIENT] = eks_max_magnitude(b->dx, 8);
    call = eks_norm_call(EK_NORM_BATCH, 2, two, b->x, b->y);
    EKS_TRY(eks_normalize(&call, err));
    evidence->values[TWO_VALUES] = 0;
    for (int c = 0; c < 8; c++) {
        double half = ((double)b->x[c] - (double)b->x[8 + c]) / 2, expected = half / sqrt(half * half + 1e-5);
        double error = fmax(fabs((double)b->y[c] - expected), fabs((double)b->y[8 + c] + expected));
        evidence->values[TWO_VALUES] = fmax(evidence->values[TWO_VALUES], error);
    }
    return EK_OK;
}

/* In a convolutional network a batch of 1 is instance norm. */
static ek_status single_image(bench *b, eks_evidence *evidence, ek_error *err) {
    const int64_t dims[] = {1, 8, 4, 8};
    eks_norm batch = eks_norm_call(EK_NORM_BATCH, 4, dims, b->x, b->y);
    eks_norm instance = eks_norm_call(EK_NORM_INSTANCE, 4, dims, b->x, b->z);
    EKS_TRY(eks_normalize(&batch, err));
    EKS_TRY(eks_normalize(&instance, err));
    evidence->values[INSTANCE_DIFFERS] = (double)eks_differing(b->y, b->z, 32 * 8);
    evidence->values[ONE_IMAGE_OUTPUT] = eks_max_magnitude(b->y, 32 * 8);
    return EK_OK;
}

/* The results of one batch of 32 against those of another way to it: values that differ, and the largest difference. */
static void compare(const bench *b, double *differing, double *largest) {
    *differing = (double)(eks_differing(b->y, b->z, 32 * 8) + eks_differing(b->dx, b->dz, 32 * 8) +
                          eks_differing(b->slopes[0], b->slopes[1], 16));
    *largest = fmax(eks_max_difference(b->y, b->z, 32 * 8), eks_max_difference(b->dx, b->dz, 32 * 8));
    *largest = fmax(*largest, eks_max_difference(b->slopes[0], b->slopes[1], 16));
}

static void aim(eks_norm *call, bench *b, float *dx, float *slopes) {
    call->scale = b->scale;
    call->bias = b->bias;
    call->dy = b->dy;
    call->dx = dx;
    call->dscale = slopes;
    call->dbias = slopes + 8;
}

/* Synchronized over 16 ranks of 2 against one batch of 32, forward and backward; the sabotage leaves the ranks by
 * themselves, as virtual batches of 2 do. */
static ek_status synchronized(bench *b, eks_evidence *evidence, ek_error *err) {
    const int64_t dims[] = {32, 8};
    double ignored, *values = evidence->values;
    eks_norm whole = eks_norm_call(EK_NORM_BATCH, 2, dims, b->x, b->y);
    eks_norm ranks = eks_norm_call(EK_NORM_BATCH, 2, dims, b->x, b->z);
    whole.desc.chunk = ranks.desc.chunk = 2;
    aim(&whole, b, b->dx, b->slopes[0]);
    aim(&ranks, b, b->dz, b->slopes[1]);
    EKS_TRY(eks_normalize(&whole, err));
    eks_norm alone = ranks;
    alone.desc.ghost = 2;
    EKS_TRY(eks_normalize(&alone, err));
    values[RANKS_ALONE] = eks_max_difference(b->y, b->z, 32 * 8);
    if (!b->study->sabotaged) EKS_TRY(eks_normalize_together(&ranks, 16, EK_SYNC_EXACT, err));
    compare(b, &values[SYNC_DIFFERS], &ignored);
    if (!b->study->sabotaged) EKS_TRY(eks_normalize_together(&ranks, 16, EK_SYNC_FAST, err));
    compare(b, &ignored, &values[SYNC_UNORDERED]);
    return EK_OK;
}

/* Gradient of fc2 for a batch of 32, whole or accumulated over two halves, into `out`. */
static ek_status accumulate(ek_model *model, const eks_pool *pool, const float *x, const int32_t *labels, int halves,
                            float *out, size_t *count, ek_error *err) {
    size_t pixels = (size_t)(pool->channels * pool->side * pool->side);
    ek_session *session = NULL;
    int64_t each = 32 / halves;
    ek_status status = eks_slopes_open(model, 0, &session, err);
    for (int h = 0; h < halves && status == EK_OK; h++) {
        status = eks_slopes(session, pool, x + (size_t)(h * each) * pixels, labels + h * each, each, err);
        if (status != EK_OK) break;
        ek_array g = ek_session_parameter_gradient(session, "fc2.weight");
        *count = (size_t)(g.dims[0] * g.dims[1]);
        for (size_t i = 0; i < *count; i++) out[i] = (h ? out[i] : 0) + ((const float *)g.data)[i] / (float)halves;
    }
    ek_session_destroy(session);
    return status;
}

/* Relative difference of the gradients of 32 images at once and of 2 x 16 accumulated. */
static ek_status accumulation(const eks_recipe *recipe, uint64_t seed, double *difference, ek_error *err) {
    const eks_pool *pool = recipe->pool;
    size_t count = 0;
    ek_model *model = NULL;
    float *x = eks_floats(32 * (size_t)(pool->channels * pool->side * pool->side), err);
    float *whole = eks_floats(10000, err), *halves = eks_floats(10000, err);
    int32_t labels[32];
    ek_status status = x && whole && halves ? eks_lab_build(recipe, seed, &model, err) : EK_ERR_NOMEM;
    if (status == EK_OK) {
        eks_pool_gather(pool, &pool->train, NULL, 32, (eks_change){0}, x, labels);
        status = accumulate(model, pool, x, labels, 1, whole, &count, err);
    }
    if (status == EK_OK) status = accumulate(model, pool, x, labels, 2, halves, &count, err);
    if (status == EK_OK) *difference = eks_max_difference(whole, halves, count) / eks_max_magnitude(whole, count);
    ek_model_destroy(model);
    free(halves);
    free(whole);
    free(x);
    return status;
}

static ek_status forms(eks_study *study, eks_evidence *evidence, ek_error *err) {
    bench *b = calloc(1, sizeof *b);
    if (!b) return eks_fail(err, EK_ERR_NOMEM, "out of memory for card 4");
    b->study = study;
    eks_fill_normal(b->x, 32 * 8, study->options->seed, 400, 1, 2);
    eks_fill_normal(b->dy, 32 * 8, study->options->seed, 401, 0, 1);
    eks_fill_normal(b->scale, 8, study->options->seed, 402, 1, 0.3);
    eks_fill_normal(b->bias, 8, study->options->seed, 403, 0, 1);
    ek_status status = one_and_two(b, evidence, err);
    if (status == EK_OK) status = single_image(b, evidence, err);
    if (status == EK_OK) status = synchronized(b, evidence, err);
    free(b);
    return status;
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[METRICS] = {[ACCURACY] = EKS_TEST_ACCURACY,
                                                 [MEASURED_AGAIN] = EKS_PRECISE_ACCURACY,
                                                 [BY_BATCH] = EKS_BATCH_ACCURACY,
                                                 [LOSS] = EKS_TEST_LOSS};
    eks_recipe recipes[ARMS];
    const eks_pool *pool, *photos;
    eks_scale scale = eks_scale_mlp(study);
    EKS_TRY(eks_pool_get(study, EKS_GREY, scale.side, &pool, err));
    EKS_TRY(eks_pool_get(study, EKS_COLOUR, eks_scale_cnn(study).side, &photos, err));
    arms(study, pool, photos, recipes);
    EKS_TRY(accumulation(&recipes[WHOLE], study->options->seed, &evidence->values[ACCUMULATED], err));
    EKS_TRY(accumulation(&recipes[LAYER], study->options->seed, &evidence->values[ACCUMULATED_LAYER], err));
    EKS_TRY(eks_lab(study, recipes, ARMS, scale.seeds, metrics, METRICS, evidence, err));
    return EK_OK;
}

static void show(eks_evidence *evidence) {
    evidence->caption = "Mean over seeds; steps of 32 images unless it says batch 2";
    eks_chart_arms(evidence, ACCURACY, "Test accuracy by examples per set of statistics", "test accuracy",
                   "Fewer examples per set of statistics should cost accuracy; norms without a batch should not care.");
}

const eks_design eks_card04 = {
    .number = 4,
    .taught = "With batch size 1 or very small batches the statistics are noisy or undefined; use synchronized batch "
              "norm, a larger batch, or layer or group norm.",
    .prediction =
        "With the step's batch held at 32, statistics over 4 images cost more than a point of accuracy against "
        "statistics over 32. Layer norm does not care. One value per channel gives β and no gradient; two give ±1/√(1 "
        "+ ε/v), a mere sign. Synchronized ranks give the bits of one batch. Accumulated gradients do not enlarge the "
        "batch.",
    .refuter = "A loss under one point, one differing bit under synchronization, or a closed form off by 0.00001.",
    .method = "Networks of three hidden layers, where a set of statistics has one value per example; virtual batches "
              "of 2 to 32 within steps of 32; batches of 2 with the rate scaled by 2/32; six convolutions with batch "
              "norm over 2 and 32 images and with group norm; statistics measured again over 1,000 images. The sixteen "
              "ranks share their moments and sums by messages (SyncBN, evenkeel/sync.h) within one process; statistics "
              "over 2 are what they have without.",
    .readings =
        {
            [AS_TAUGHT] =
                {"as taught",
                 "Small batches make batch norm worse; sharing statistics, larger batches or layer norm help.",
                 EKS_SUPPORTED, LOSS_OVER_FOUR, "Statistics over 4 images instead of 32 cost #.",
                 "Statistics over 4 images instead of 32 cost no more than #."},
            [UNDEFINED_AT_ONE] = {"loose",
                                  "With batch size 1 batch norm is undefined, also in a convolutional network.",
                                  EKS_REFUTED, ONE_IMAGE_OUTPUT, NULL,
                                  "One image through a convolution gave instance norm, with outputs up to #."},
            [ACCUMULATING] = {"loose", "Accumulating gradients over small batches is as good as a larger batch.",
                              EKS_REFUTED, ACCUMULATED, NULL, "The accumulated gradient was off by # of its size."},
            [MEASURING_AGAIN] = {"later work", "Measuring the statistics again repairs part of the damage.",
                                 EKS_NOT_MEASURED, REPAIRED, "Measuring again gave back #.",
                                 "Measuring again gave nothing back: #."},
            [GROUPS] = {"as taught", "In a convolutional network group norm does better than batch norm over 2 images.",
                        EKS_NOT_MEASURED, CNN_GROUP_GAIN, "Group norm was ahead by #.", "Group norm was not ahead: #."},
        },
    .sabotage = "no-sync",
    .sabotage_what = "the ranks that should share their statistics keep to their own",
    .pilot = EKS_PILOT_AGAIN,
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [LOSS_OVER_FOUR] = {"accuracy, statistics over 32 less over 4", EKS_AT_LEAST, 0.01, .percent = 1,
                                EKS_DIFF(WHOLE, FOUR, ACCURACY)},
            [LAYER_UNHURT] = {"layer norm, batch 2 less batch 32", EKS_AT_LEAST, -0.02, .percent = 1,
                              EKS_DIFF(SMALL_LN, LAYER, ACCURACY)},
            [LARGER_BATCH] = {"larger batch: batch norm at 32 less at 2", EKS_AT_LEAST, 0.01, .percent = 1,
                              EKS_DIFF(WHOLE, SMALL_BN, ACCURACY)},
            [LAYER_AT_TWO] = {"batch 2: layer norm less batch norm", EKS_AT_LEAST, 0.01, .percent = 1,
                              EKS_DIFF(SMALL_LN, SMALL_BN, ACCURACY)},
            [LEARNED] = {"accuracy, statistics over 32 (the network learns)", EKS_AT_LEAST, 0.5, .control = 1,
                         .percent = 1, EKS_MEAN(WHOLE, ACCURACY)},
            [ONE_VALUE] = {"one value per channel: largest distance from β", EKS_EXACTLY, 0},
            [ONE_VALUE_GRADIENT] = {"one value per channel: largest gradient to what is below", EKS_EXACTLY, 0},
            [TWO_VALUES] = {"two values: largest distance from ±1/√(1 + ε/v)", EKS_AT_MOST, 1e-5},
            [INSTANCE_DIFFERS] = {"batch of 1 in a convolutional network against instance norm: values that differ",
                                  EKS_EXACTLY, 0},
            [SYNC_DIFFERS] = {"SyncBN, 16 ranks of 2 against one batch of 32: outputs and gradients that differ",
                              EKS_EXACTLY, 0},
            [RANKS_ALONE] = {"16 ranks by themselves: largest difference", EKS_AT_LEAST, 0.1, .control = 1},
            [ACCUMULATED] = {"2 × 16 accumulated against 32 at once, batch norm: relative difference of a gradient",
                             EKS_AT_MOST, 0.001, .reading = ACCUMULATING},
            [ONE_IMAGE_OUTPUT] = {"batch of 1 in a convolutional network: largest output", EKS_AT_MOST, 0,
                                  .reading = UNDEFINED_AT_ONE},
            [ACCUMULATED_LAYER] = {"2 × 16 accumulated against 32 at once, layer norm", EKS_AT_MOST, 1e-5,
                                   .control = 1},
            [REPAIRED] = {"statistics over 2: accuracy when measured again less running", EKS_AT_LEAST, 0, .percent = 1,
                          .reading = MEASURING_AGAIN, EKS_METRIC_DIFF(TWO, MEASURED_AGAIN, ACCURACY)},
            [NONE_UNHURT] = {"no norm, batch 2 less batch 32", EKS_AT_LEAST, -0.05, .percent = 1,
                             EKS_DIFF(SMALL_NONE, NONE, ACCURACY)},
            [SYNC_UNORDERED] = {"SyncBN without the fixed order of sums: largest difference from one batch of 32",
                                EKS_AT_MOST, 1e-5},
            [CNN_LOSS] = {"convolutions: statistics over 32 less over 2", EKS_AT_LEAST, 0.01, .percent = 1,
                          .reading = GROUPS, EKS_DIFF(CNN_WHOLE, CNN_TWO, ACCURACY)},
            [CNN_GROUP_GAIN] = {"convolutions: group norm less batch norm over 2", EKS_AT_LEAST, 0, .percent = 1,
                                .reading = GROUPS, EKS_DIFF(CNN_GROUP, CNN_TWO, ACCURACY)},
            [CNN_GROUP_WHOLE] = {"convolutions: batch norm over 32 (the network learns)", EKS_AT_LEAST, 0.2,
                                 .control = 1, .percent = 1, EKS_MEAN(CNN_WHOLE, ACCURACY)},
        },
    .predict =
        {
            .question = "The optimizer’s batch stays as it is, but the statistics come from 2 images instead of 32. "
                        "What becomes of the error?",
            .choices = {"It rises", "Nothing: only the optimizer’s batch matters", "It falls, since noise regularizes"},
            .correct = 0,
            .why = "Small batches do not hurt gradient descent as such. What hurts is a mean and a variance from few "
                   "values.",
            .endpoint = LOSS_OVER_FOUR,
        },
    .quiz =
        {
            .question =
                "Training with one image per batch. What is batch norm after a convolution with a map of 8 × 8?",
            .choices = {"Instance norm", "The constant β", "Left undefined", "A layer norm"},
            .correct = 0,
            .why = "One image still gives 64 values per channel. Only where a single value is left, as after a fully "
                   "connected layer, does β alone remain.",
            .endpoint = INSTANCE_DIFFERS,
        },
    .forms = forms,
    .run = run,
    .show = show,
};
