/* card11.c: batch norm as a regularizer: the noise of batch mates, and what it does to training and test loss.
 *
 * The noise is measured directly: the logits of one image among random mates vary with a variance that falls as one
 * over the number of examples that share statistics. What it does is measured with the step's batch held fixed, so
 * that only the noise changes, and with statistics measured again, so that no mismatch is mixed in; beside dropout and
 * weight decay.
 */
#include "study/lab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FOUR, SIXTEEN, SIXTYFOUR, PLAIN, DROPOUT, BOTH, DECAY, BOTH_DECAY, ARMS, SIZES = 5, MOST = 256 };
enum { TEST_LOSS, TRAIN_LOSS, TEST_ACCURACY, METRICS };
enum { SLOPE, NOISE, FIT_LOST, LEARNED, NOISE_GAIN, DROPOUT_GAIN, DECAY_GAIN, ENDPOINTS };
enum { AS_TAUGHT, LOWERS_TEST_LOSS, NO_SUBSTITUTE };

static const int sizes[SIZES] = {16, 32, 64, 128, 256};

static void arms(const eks_study *study, const eks_pool *pool, eks_recipe recipes[ARMS]) {
    static const char *const names[ARMS] = {
        [FOUR] = "statistics over 4",       [SIXTEEN] = "statistics over 16",
        [SIXTYFOUR] = "statistics over 64", [PLAIN] = "no norm",
        [DROPOUT] = "no norm, dropout",     [BOTH] = "batch norm, dropout",
        [DECAY] = "no norm, weight decay",  [BOTH_DECAY] = "batch norm, weight decay",
    };
    eks_scale scale = eks_scale_mlp(study);
    scale.images = study->level == EKS_LEVEL_QUICK ? 640 : 1280; /* few images: there must be something to regularize */
    scale.epochs *= 4;
    for (int i = 0; i < ARMS; i++) {
        eks_recipe *r = &recipes[i];
        *r = eks_recipe_make(names[i], "mlp", pool, scale);
        r->batch = 64;
        r->precise = 1;
        r->train.virtual_batch = i == FOUR ? 4 : i == SIXTEEN ? 16 : 0;
        if (i == PLAIN || i == DROPOUT || i == DECAY) r->build.norm = (ek_norm_kind)0;
        if (i == DROPOUT || i == BOTH) r->build.dropout = 0.3;
        if (i == DECAY || i == BOTH_DECAY) r->train.weight_decay = 0.01;
    }
}

/* Variance of the first image's logits over `sets` random sets of mates, by batch size. */
static ek_status noise(ek_model *model, const eks_pool *pool, ek_mode mode, uint64_t seed, int size, int sets,
                       double *variance, ek_error *err) {
    size_t pixels = (size_t)(pool->channels * pool->side * pool->side), classes = (size_t)pool->classes;
    int64_t *order = calloc((size_t)pool->train.count + 1, sizeof *order);
    float *x = eks_floats((size_t)size * pixels, err);
    double *sums = calloc(classes, 2 * sizeof *sums);
    ek_session_options options = ek_session_options_default();
    ek_session *session = NULL;
    options.mode = mode;
    options.threads = 1;
    ek_status status = order && x && sums ? ek_session_create(model, &options, &session, err) : EK_ERR_NOMEM;
    for (int s = 0; s < sets && status == EK_OK; s++) {
        eks_permutation(order, pool->train.count, seed, (uint64_t)(1100 + s));
        eks_pool_gather(pool, &pool->train, order, size, (eks_change){0}, x, NULL);
        eks_pool_gather(pool, &pool->test, NULL, 1, (eks_change){0}, x, NULL);
        ek_array input = {EK_F32, 4, {size, pool->channels, pool->side, pool->side}, x};
        status = ek_session_run(session, &input, 1, err);
        for (size_t c = 0; c < classes && status == EK_OK; c++) {
            double z = (double)((const float *)ek_session_output(session, 0).data)[c];
            sums[c] += z;
            sums[classes + c] += z * z;
        }
    }
    *variance = 0;
    for (size_t c = 0; c < classes && status == EK_OK; c++)
        *variance += (sums[classes + c] / sets - sums[c] / sets * (sums[c] / sets)) / (double)classes;
    ek_session_destroy(session);
    free(sums);
    free(x);
    free(order);
    return status;
}

/* Slope of log variance over log size. */
static double slope(const double variances[SIZES]) {
    double mx = 0, my = 0, xy = 0, xx = 0;
    for (int i = 0; i < SIZES; i++) {
        mx += log(sizes[i]) / SIZES;
        my += log(variances[i]) / SIZES;
    }
    for (int i = 0; i < SIZES; i++) {
        xy += (log(sizes[i]) - mx) * (log(variances[i]) - my);
        xx += (log(sizes[i]) - mx) * (log(sizes[i]) - mx);
    }
    return xy / xx;
}

static ek_status measure_noise(eks_study *study, const eks_recipe *recipe, eks_evidence *evidence, ek_error *err) {
    eks_run run;
    double variances[SIZES];
    int sets = study->level == EKS_LEVEL_QUICK ? 100 : 300;
    eks_series *measured = eks_chart_series(&evidence->chart, "measured", EKS_DOTS);
    eks_series *line = eks_chart_series(&evidence->chart, "falling as 1/n", EKS_LINE);
    memset(&run, 0, sizeof run);
    run.recipe = recipe;
    run.seed = study->options->seed * 1000;
    ek_status status = eks_run_train(&run, err);
    ek_trainer_destroy(run.trainer);
    run.trainer = NULL;
    for (int i = 0; i < SIZES && status == EK_OK; i++) {
        ek_mode mode = study->sabotaged ? EK_MODE_INFERENCE : EK_MODE_TRAINING;
        status = noise(run.model, recipe->pool, mode, run.seed, sizes[i], sets, &variances[i], err);
        eks_point(measured, sizes[i], variances[i]);
    }
    eks_run_free(&run);
    if (status != EK_OK) return status;
    for (int i = 0; i < SIZES; i++) eks_point(line, sizes[i], variances[0] * sizes[0] / sizes[i]);
    evidence->values[SLOPE] = variances[0] > 1e-12 ? slope(variances) : 0;
    evidence->values[NOISE] = variances[0];
    return EK_OK;
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[METRICS] = {
        [TEST_LOSS] = EKS_PRECISE_LOSS, [TRAIN_LOSS] = EKS_TRAIN_LOSS, [TEST_ACCURACY] = EKS_PRECISE_ACCURACY};
    eks_recipe recipes[ARMS];
    const eks_pool *pool;
    eks_scale scale = eks_scale_mlp(study);
    EKS_TRY(eks_pool_get(study, EKS_GREY, scale.side, &pool, err));
    arms(study, pool, recipes);
    eks_chart *chart = &evidence->chart;
    chart->kind = EKS_CHART_XY;
    chart->title = "Variance of one image's logits over random batch mates";
    chart->description = "The variance should fall as one over the number of examples that share statistics.";
    chart->x_label = "examples that share statistics";
    chart->y_label = "variance of the logits";
    chart->x_log = 1;
    EKS_TRY(measure_noise(study, &recipes[SIXTYFOUR], evidence, err));
    EKS_TRY(eks_lab(study, recipes, ARMS, scale.seeds, metrics, METRICS, evidence, err));
    eks_table_arms(evidence, "Mean over seeds; steps of 64 images, few training images");
    return EK_OK;
}

const eks_design eks_card11 = {
    .number = 11,
    .taught = "Noisy batch statistics regularize mildly; the effect shrinks with large batches; do not rely on it "
              "instead of dropout or weight decay.",
    .prediction =
        "An image's logits vary with its batch mates, with a variance falling as 1/n. With few images per set of "
        "statistics the training loss is higher: the noise costs fit. Whether test loss gains is contested.",
    .refuter = "A slope outside −1 ± 0.25, or a training loss that does not rise as sets get smaller.",
    .method = "One image among random sets of mates through a trained network in training mode; arms with the step's "
              "batch held at 64 and statistics over 4, 16 or 64, measured again before the test; dropout 0.3 and "
              "weight decay 0.01 with and without batch norm.",
    .readings =
        {
            [AS_TAUGHT] = {"as taught",
                           "Batch mates are noise that makes fitting harder, and less so in large batches.",
                           EKS_SUPPORTED},
            [LOWERS_TEST_LOSS] = {"contested", "That noise lowers the test loss.", EKS_NOT_MEASURED},
            [NO_SUBSTITUTE] = {"as taught",
                               "It does not replace dropout: beside batch norm dropout still lowers the test loss.",
                               EKS_NOT_MEASURED},
        },
    .sabotage = "population-noise",
    .sabotage_what = "the noise is measured with running statistics instead of the batch's",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [SLOPE] = {"slope of log variance over log n", EKS_WITHIN, 0.25, .expected = -1},
            [NOISE] = {"variance of the logits at n = 16", EKS_AT_LEAST, 1e-6},
            [FIT_LOST] = {"training loss, statistics over 4 less over 64", EKS_AT_LEAST, 0,
                          EKS_DIFF(FOUR, SIXTYFOUR, TRAIN_LOSS)},
            [LEARNED] = {"test accuracy, statistics over 64 (the network learns)", EKS_AT_LEAST, 0.4, .control = 1,
                         .percent = 1, EKS_MEAN(SIXTYFOUR, TEST_ACCURACY)},
            [NOISE_GAIN] = {"test loss, statistics over 64 less over 16", EKS_AT_LEAST, 0, .reading = LOWERS_TEST_LOSS,
                            EKS_DIFF(SIXTYFOUR, SIXTEEN, TEST_LOSS)},
            [DROPOUT_GAIN] = {"test loss, batch norm less batch norm with dropout", EKS_AT_LEAST, 0,
                              .reading = NO_SUBSTITUTE, EKS_DIFF(SIXTYFOUR, BOTH, TEST_LOSS)},
            [DECAY_GAIN] = {"test loss, batch norm less batch norm with weight decay", EKS_AT_LEAST, 0,
                            .reading = NO_SUBSTITUTE, EKS_DIFF(SIXTYFOUR, BOTH_DECAY, TEST_LOSS)},
        },
    .predict =
        {
            .question = "One image is normalized together with many random sets of batch mates. How does the spread of "
                        "its result depend on the size n of the set?",
            .choices = {"It does not", "Its variance falls like 1/n", "Its variance falls like 1/n²"},
            .correct = 1,
            .why = "The mean of n values varies with σ²/n, and the noise on every result follows it.",
            .endpoint = SLOPE,
        },
    .quiz =
        {
            .question = "The batch grows from 8 images to 256. What becomes of the regularizing noise of batch norm?",
            .choices = {"It grows with the batch", "It stays", "It shrinks", "It turns into weight decay"},
            .correct = 2,
            .why = "More values make a steadier mean, and with it less noise. It is a side effect, not a substitute "
                   "for dropout or weight decay.",
            .endpoint = SLOPE,
        },
    .run = run,
};
