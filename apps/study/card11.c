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

enum { FOUR, SIXTEEN, SIXTYFOUR, PLAIN, DROPOUT, BOTH, DECAY, BOTH_DECAY, ARMS, SIZES = 5, ALL_ARMS = ARMS + SIZES };
enum { TEST_LOSS, TRAIN_LOSS, TEST_ACCURACY, SPREAD, METRICS };
enum { SLOPE, NOISE, FIT_LOST, LEARNED, NOISE_GAIN, DROPOUT_GAIN, DECAY_GAIN, ENDPOINTS };
enum { AS_TAUGHT, LOWERS_TEST_LOSS, NO_SUBSTITUTE };

#define AMONG(size) (ARMS + (size)) /* one image among so many, by index of the size: measured, not trained */

static const int sizes[SIZES] = {16, 32, 64, 128, 256};
/* Of a straight line through points that lie log 2 apart: slope = sum of weight x value. */
#define STEP 0.14426950408889634 /* 1 / (10 log 2) */

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

/* The noise of this seed's network at each size, as the logarithm of the variance. */
static ek_status end(eks_run *run, ek_error *err) {
    const eks_recipe *r = run->recipe;
    eks_evidence *evidence = r->shared;
    for (int i = 0; i < SIZES; i++) {
        double variance;
        EKS_TRY(noise(run->model, r->pool, r->choice ? EK_MODE_INFERENCE : EK_MODE_TRAINING, run->seed, sizes[i],
                      (int)r->amount, &variance, err));
        evidence->arms[AMONG(i)].value[SPREAD][run->seed_index] = log(fmax(variance, 1e-30));
    }
    return EK_OK;
}

static void among(eks_evidence *evidence) {
    static const char *const names[SIZES] = {"one image among 16", "one image among 32", "one image among 64",
                                             "one image among 128", "one image among 256"};
    for (int i = 0; i < SIZES; i++) {
        evidence->arms[AMONG(i)].name = names[i];
        for (int m = 0; m < SPREAD; m++)
            for (int s = 0; s < EKS_SEEDS; s++) evidence->arms[AMONG(i)].value[m][s] = NAN;
    }
    evidence->arm_count = ALL_ARMS;
    evidence->metrics[SPREAD] = "log of the variance of the logits";
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[METRICS] = {[TEST_LOSS] = EKS_PRECISE_LOSS,
                                                 [TRAIN_LOSS] = EKS_TRAIN_LOSS,
                                                 [TEST_ACCURACY] = EKS_PRECISE_ACCURACY,
                                                 [SPREAD] = EKS_EXTRA}; /* of the arms that follow; here missing */
    eks_recipe recipes[ARMS];
    const eks_pool *pool;
    eks_scale scale = eks_scale_mlp(study);
    EKS_TRY(eks_pool_get(study, EKS_GREY, scale.side, &pool, err));
    arms(study, pool, recipes);
    recipes[SIXTYFOUR].end = end;
    recipes[SIXTYFOUR].shared = evidence;
    recipes[SIXTYFOUR].choice = study->sabotaged;
    recipes[SIXTYFOUR].amount = study->level == EKS_LEVEL_QUICK ? 100 : 300; /* sets of mates */
    EKS_TRY(eks_lab(study, recipes, ARMS, scale.seeds, metrics, METRICS, evidence, err));
    among(evidence);
    return EK_OK;
}

static void show(eks_evidence *evidence) {
    eks_chart *chart = &evidence->chart;
    memset(chart, 0, sizeof *chart);
    evidence->caption = "Mean over seeds; steps of 64 images, few training images";
    chart->kind = EKS_CHART_XY;
    chart->title = "Variance of one image's logits over random batch mates";
    chart->description = "The variance should fall as one over the number of examples that share statistics.";
    chart->x_label = "examples that share statistics";
    chart->y_label = "variance of the logits";
    chart->x_log = chart->y_log = 1;
    eks_series *measured = eks_chart_series(chart, "measured", EKS_DOTS);
    eks_series *line = eks_chart_series(chart, "falling as 1/n", EKS_LINE);
    for (int i = 0; i < SIZES; i++) {
        eks_point(measured, sizes[i], exp(eks_arm_mean(evidence, AMONG(i), SPREAD)));
        eks_point(line, sizes[i], measured->y[0] * sizes[0] / sizes[i]);
    }
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
                           EKS_SUPPORTED, SLOPE, "The noise fell with n to the power #, and fitting got harder.",
                           "The noise fell with n to the power #."},
            [LOWERS_TEST_LOSS] = {"contested", "That noise lowers the test loss.", EKS_NOT_MEASURED, NOISE_GAIN,
                                  "The noise of 16 mates instead of 64 lowered the test loss by #.",
                                  "The noise of 16 mates instead of 64 did not lower the test loss: #."},
            [NO_SUBSTITUTE] = {"as taught",
                               "It does not replace dropout: beside batch norm dropout still lowers the test loss.",
                               EKS_NOT_MEASURED, DROPOUT_GAIN,
                               "Beside batch norm dropout still lowered the test loss by #.",
                               "Beside batch norm dropout did not lower the test loss: #."},
        },
    .sabotage = "population-noise",
    .sabotage_what = "the noise is measured with running statistics instead of the batch's",
    .pilot = EKS_PILOT_AGAIN,
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [SLOPE] = {"slope of log variance over log n", EKS_WITHIN, 0.25, .expected = -1,
                       .contrast = {4,
                                    {{AMONG(0), -2 * STEP, SPREAD},
                                     {AMONG(1), -STEP, SPREAD},
                                     {AMONG(3), STEP, SPREAD},
                                     {AMONG(4), 2 * STEP, SPREAD}}}},
            [NOISE] = {"log of the variance of the logits at n = 16", EKS_AT_LEAST, -14, .control = 1,
                       .basis = "far above rounding", EKS_MEAN(AMONG(0), SPREAD)},
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
            .choices = {"It gets weaker", "It gets louder", "It stays alike", "It turns to L2"},
            .correct = 0,
            .why = "More values make a steadier mean, and with it less noise. It is a side effect, not a substitute "
                   "for dropout or weight decay.",
            .endpoint = SLOPE,
        },
    .run = run,
    .show = show,
};
