/* card06.c: gamma and beta: learned, able to undo the normalization, and what they do alone.
 *
 * Closed forms on a norm by itself; then arms that train everything, everything but gamma and beta, or nothing but
 * gamma, beta and the last layer, against as many random weights. Weights that an arm must not train are put back after
 * each step.
 */
#include "study/lab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEARNED, FROZEN, ONLY_AFFINE, ONLY_SOME, ONLY_HEAD, ARMS };
enum { MOVED, ACCURACY, LOSS, METRICS };
enum { DISTANCE, LEARNS, IDENTITY_ERROR, BIAS_GRADIENT, FIXED_LOSS, OVER_WEIGHTS, OVER_HEAD, ENDPOINTS };
enum { AS_TAUGHT, IMPROVES, MORE_THAN_WEIGHTS };

/* First values of all hidden weights, and which of them may move. */
typedef struct held {
    size_t count;
    float values[];
} held;

static const char *const layers[] = {"fc1.weight", "fc2.weight", "fc3.weight"};

static ek_status begin(eks_run *run, ek_error *err) {
    size_t total = 0, count, at = 0;
    float *data;
    if (run->recipe->choice == FROZEN || run->recipe->choice >= ONLY_SOME)
        EKS_TRY(ek_model_freeze(run->model, "*", 0, 1, NULL, err));
    if (run->recipe->choice < ONLY_AFFINE) return EK_OK;
    for (int i = 0; i < 3; i++) {
        EKS_TRY(eks_lab_weights(run->model, layers[i], &data, &count, err));
        total += count;
    }
    held *h = calloc(total + sizeof *h, sizeof(float));
    if (!h) return eks_fail(err, EK_ERR_NOMEM, "out of memory for the weights of card 6");
    h->count = total;
    for (int i = 0; i < 3; i++) {
        EKS_TRY(eks_lab_weights(run->model, layers[i], &data, &count, err));
        memcpy(h->values + at, data, count * sizeof(float));
        at += count;
    }
    run->state = h;
    return EK_OK;
}

/* Puts back what must not move: all hidden weights, or all but 600 of them, as many as there are gammas and betas. */
static ek_status after(eks_run *run, ek_error *err) {
    const held *h = run->state;
    size_t count, at = 0;
    if (!h) return EK_OK;
    double share = run->recipe->choice == ONLY_SOME ? 600.0 / (double)h->count : 0;
    for (int i = 0; i < 3; i++) {
        float *data;
        EKS_TRY(eks_lab_weights(run->model, layers[i], &data, &count, err));
        for (size_t k = 0; k < count; k++, at++)
            if (share == 0 || eks_uniform(run->seed, 600, at) >= share) data[k] = h->values[at];
    }
    return EK_OK;
}

/* How far gamma and beta moved from 1 and 0, root mean square. */
static ek_status end(eks_run *run, ek_error *err) {
    double sum = 0, values = 0;
    for (size_t i = 0; i < ek_model_norm_count(run->model); i++) {
        ek_model_norm norm = ek_model_norm_get(run->model, i);
        const char *names[2] = {norm.scale, norm.bias};
        for (int k = 0; k < 2; k++) {
            float *data;
            size_t count;
            EKS_TRY(eks_lab_weights(run->model, names[k], &data, &count, err));
            for (size_t j = 0; j < count; j++) sum += ((double)data[j] - !k) * ((double)data[j] - !k);
            values += (double)count;
        }
    }
    run->out[EKS_EXTRA + MOVED] = sqrt(sum / values);
    return EK_OK;
}

/* gamma = sqrt(v + eps), beta = mu gives the input back; a bias below gets no gradient. */
static ek_status forms(eks_study *study, eks_evidence *evidence, ek_error *err) {
    enum { ROWS = 64, C = 8 };
    const int64_t dims[] = {ROWS, C};
    float x[ROWS * C], y[ROWS * C], dy[ROWS * C], dx[ROWS * C], scale[C], bias[C], mean[C], var[C];
    eks_fill_normal(x, ROWS * C, study->options->seed, 600, 3, 2);
    eks_fill_normal(dy, ROWS * C, study->options->seed, 601, 0.5, 1);
    eks_norm call = eks_norm_call(EK_NORM_BATCH, 2, dims, x, y);
    call.mean = mean;
    call.var = var;
    EKS_TRY(eks_normalize(&call, err));
    for (int c = 0; c < C; c++) {
        scale[c] = (float)sqrt((double)var[c] + 1e-5);
        bias[c] = mean[c];
    }
    call.scale = scale;
    call.bias = bias;
    call.dy = dy;
    call.dx = dx;
    EKS_TRY(eks_normalize(&call, err));
    evidence->values[IDENTITY_ERROR] = eks_max_difference(x, y, ROWS * C) / eks_max_magnitude(x, ROWS * C);
    evidence->values[BIAS_GRADIENT] = 0;
    for (int c = 0; c < C; c++) {
        double sum = 0;
        for (int i = 0; i < ROWS; i++) sum += (double)dx[i * C + c];
        evidence->values[BIAS_GRADIENT] = fmax(evidence->values[BIAS_GRADIENT], fabs(sum) / ROWS);
    }
    return EK_OK;
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const char *const names[ARMS] = {
        [LEARNED] = "all trained",
        [FROZEN] = "γ, β fixed at 1, 0",
        [ONLY_AFFINE] = "only γ, β and the last layer",
        [ONLY_SOME] = "only as many weights and the last layer",
        [ONLY_HEAD] = "only the last layer",
    };
    static const eks_outcome metrics[METRICS] = {
        [MOVED] = EKS_EXTRA + MOVED, [ACCURACY] = EKS_TEST_ACCURACY, [LOSS] = EKS_TEST_LOSS};
    eks_recipe recipes[ARMS];
    const eks_pool *pool;
    eks_scale scale = eks_scale_mlp(study);
    EKS_TRY(eks_pool_get(study, EKS_GREY, scale.side, &pool, err));
    for (int i = 0; i < ARMS; i++) {
        recipes[i] = eks_recipe_make(names[i], "mlp", pool, scale);
        recipes[i].choice = study->sabotaged && i == LEARNED ? FROZEN : i;
        recipes[i].begin = begin;
        recipes[i].after = after;
        recipes[i].end = end;
    }
    EKS_TRY(eks_lab(study, recipes, ARMS, scale.seeds, metrics, METRICS, evidence, err));
    evidence->metrics[MOVED] = "distance of γ, β from 1, 0";
    return EK_OK;
}

static void show(eks_evidence *evidence) {
    eks_chart_arms(evidence, ACCURACY, "Test accuracy by what is trained", "test accuracy",
                   "Scale and shift alone should reach far more than the last layer alone.");
}

const eks_design eks_card06 = {
    .number = 6,
    .taught = "γ and β are learned like weights; they can undo the normalization, so nothing is lost.",
    .prediction = "γ and β move when trained. With γ = √(v + ε) and β = μ the input comes back. A bias in front of the "
                  "norm gets no gradient. Trained alone, on random weights, they reach more than as many weights do.",
    .refuter = "Scales that do not move, an identity or a gradient off by more than 0.00001, or γ and β alone no "
               "better than as many weights.",
    .method = "Networks of three hidden layers of 100 units with 600 values of γ and β; weights that an arm does not "
              "train are put back after each step.",
    .readings =
        {
            [AS_TAUGHT] = {"as taught", "They are learned, and can represent the identity.", EKS_SUPPORTED, LEARNS,
                           "They moved away from 1 and 0 by #, root mean square.", "They moved by # only."},
            [IMPROVES] = {"stronger", "Learning them improves the result (test loss, by any amount).", EKS_NOT_MEASURED,
                          FIXED_LOSS, "Fixing them cost # of test loss.", "Fixing them cost nothing: # of test loss."},
            [MORE_THAN_WEIGHTS] = {"stronger", "By themselves they do more than as many weights.", EKS_NOT_MEASURED,
                                   OVER_WEIGHTS, "Alone they were ahead of as many weights by #.",
                                   "Alone they were not ahead of as many weights: #."},
        },
    .sabotage = "frozen-scales",
    .sabotage_what = "γ and β are frozen in the arm that should learn them",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [DISTANCE] = {"all trained: distance of γ, β from 1, 0", EKS_AT_LEAST, 0.001, EKS_MEAN(LEARNED, MOVED)},
            [LEARNS] = {"all trained: accuracy (the network learns)", EKS_AT_LEAST, 0.5, .control = 1, .percent = 1,
                        EKS_MEAN(LEARNED, ACCURACY)},
            [IDENTITY_ERROR] = {"γ = √(v + ε), β = μ: largest relative distance from the input", EKS_AT_MOST, 1e-5},
            [BIAS_GRADIENT] = {"gradient of a bias in front of the norm, per example", EKS_AT_MOST, 1e-5},
            [FIXED_LOSS] = {"test loss, γ, β fixed less learned", EKS_AT_LEAST, 0, .reading = IMPROVES,
                            EKS_DIFF(FROZEN, LEARNED, LOSS)},
            [OVER_WEIGHTS] = {"accuracy, only γ, β less only as many weights", EKS_AT_LEAST, 0, .percent = 1,
                              .reading = MORE_THAN_WEIGHTS, EKS_DIFF(ONLY_AFFINE, ONLY_SOME, ACCURACY)},
            [OVER_HEAD] = {"accuracy, only γ, β less only the last layer", EKS_AT_LEAST, 0, .percent = 1,
                           .reading = MORE_THAN_WEIGHTS, EKS_DIFF(ONLY_AFFINE, ONLY_HEAD, ACCURACY)},
        },
    .predict =
        {
            .question = "γ and β are fixed at 1 and 0 for the whole training. What does that cost?",
            .choices = {"Nearly everything: they are what makes batch norm work",
                        "Little: half a point to two points on CIFAR-10",
                        "Nothing, as the next layer has weights of its own"},
            .correct = 1,
            .why = "This is what Frankle, Schwab and Morcos found. The normalization does most of the work, not the "
                   "two parameters.",
            .endpoint = FIXED_LOSS,
        },
    .quiz =
        {
            .question = "A convolution in front of batch norm has a bias. What is the bias’s gradient?",
            .choices = {"Zero, for any batch", "The gradient of β", "The gradient of γ", "The mean of ∂L/∂y"},
            .correct = 0,
            .why = "The mean takes any constant away, so the loss cannot depend on it.",
            .endpoint = BIAS_GRADIENT,
        },
    .forms = forms,
    .run = run,
    .show = show,
};
