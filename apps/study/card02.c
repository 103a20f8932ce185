/* card02.c: is it stable distributions that batch norm owes its success to? Contested.
 *
 * After Santurkar et al. 2018: after each batch norm the distribution is moved at random, anew at every step and in
 * every channel. If stable distributions were the cause, this network should train no better than the plain one. That
 * there is a gain at all is a control: six layers of sigmoids need batch norm, three do not. Every arm is tried at
 * several rates; the best, chosen on images held out from training, is compared on the test images.
 */
#include "study/lab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATES = 3,
    KINDS = 3,
    GRID = KINDS * RATES,
    ARMS = GRID + KINDS,
    UNITS = 100,
    LAYERS = 6,
    FEW = 3,
    HELD_OUT = 500
};
enum { PLAIN, BATCH, NOISY };
enum { ACCURACY, CHOSEN, DRIFT, LOSS, METRICS };
enum { NOISY_AHEAD, NOISY_SHIFT, NORM_GAIN, GAIN_AT_LARGE_RATE, ENDPOINTS };
enum { AS_TAUGHT, BEARS_RATES };

static const double rates[RATES] = {0.01, 0.1, 1.0};

/* What the noise added to gamma and beta at this step; the last mean and deviation of each unit on the probe. */
typedef struct disturbed {
    float noise[LAYERS][2][UNITS];
    double mean[UNITS], drift, probes;
} disturbed;

static ek_status begin(eks_run *run, ek_error *err) {
    run->state = calloc(1, sizeof(disturbed));
    return run->state ? EK_OK : eks_fail(err, EK_ERR_NOMEM, "out of memory for card 2");
}

static ek_status add_noise(eks_run *run, double factor, ek_error *err) {
    disturbed *d = run->state;
    for (size_t i = 0; i < ek_model_norm_count(run->model) && i < LAYERS; i++) {
        ek_model_norm norm = ek_model_norm_get(run->model, i);
        const char *names[2] = {norm.scale, norm.bias};
        for (int k = 0; k < 2; k++) {
            float *data;
            EKS_TRY(eks_lab_weights(run->model, names[k], &data, NULL, err));
            for (int u = 0; u < UNITS; u++) data[u] += (float)factor * d->noise[i][k][u];
        }
    }
    return EK_OK;
}

/* A session on the weights as they stand, whatever the step, with the last hidden layer's input as its output. */
static ek_status look_at_last(eks_run *run, ek_error *err) {
    char name[32];
    const char *output = name;
    snprintf(name, sizeof name, "%s%d.out", run->recipe->build.norm ? "bn" : "fc",
             (int)run->recipe->build.hidden_layers);
    ek_session_options options = ek_session_options_default();
    options.mode = EK_MODE_TRAINING;
    options.threads = 1;
    options.outputs = &output;
    options.output_count = 1;
    return ek_session_create(run->model, &options, &run->session, err);
}

/* Means of the last hidden layer's input on 64 fixed images: how far they moved since the step before, in deviations.
 */
static ek_status probe(eks_run *run, ek_error *err) {
    enum { COUNT = 64 };
    const eks_pool *pool = run->recipe->pool;
    disturbed *d = run->state;
    size_t pixels = (size_t)(pool->channels * pool->side * pool->side);
    if (!run->session) EKS_TRY(look_at_last(run, err));
    float *x = eks_floats(COUNT * pixels, err);
    if (!x) return EK_ERR_NOMEM;
    eks_pool_gather(pool, &pool->test, NULL, COUNT, (eks_change){0}, x, NULL);
    ek_array input = {EK_F32, 4, {COUNT, pool->channels, pool->side, pool->side}, x};
    ek_status status = ek_session_run(run->session, &input, 1, err);
    double moved = 0, width = 0;
    for (int u = 0; u < UNITS && status == EK_OK; u++) {
        double mean, var;
        eks_moments((const float *)ek_session_output(run->session, 0).data + u, COUNT, UNITS, &mean, &var);
        moved += (mean - d->mean[u]) * (mean - d->mean[u]);
        width += var;
        d->mean[u] = mean;
    }
    moved = width > 0 ? sqrt(moved / width) : NAN;
    free(x);
    if (run->step % 8 == 1) {
        d->drift += moved;
        d->probes++;
    }
    return status;
}

static ek_status before(eks_run *run, ek_error *err) {
    disturbed *d = run->state;
    if (run->recipe->choice == NOISY && run->recipe->amount > 0) {
        uint64_t purpose = 200 + (uint64_t)run->step;
        for (int i = 0; i < LAYERS; i++)
            for (int k = 0; k < 2; k++)
                for (int u = 0; u < UNITS; u++) {
                    uint64_t index = (uint64_t)((i * 2 + k) * UNITS + u);
                    d->noise[i][k][u] = (float)(run->recipe->amount * eks_normal(run->seed, purpose, index));
                }
        EKS_TRY(add_noise(run, 1, err));
    }
    return run->step % 8 < 2 ? probe(run, err) : EK_OK; /* pairs of neighbouring steps */
}

static ek_status after(eks_run *run, ek_error *err) {
    return run->recipe->choice == NOISY && run->recipe->amount > 0 ? add_noise(run, -1, err) : EK_OK;
}

/* Accuracy on the held-out images, the last ones of this seed's order. */
static ek_status end(eks_run *run, ek_error *err) {
    const eks_pool *pool = run->recipe->pool;
    const disturbed *d = run->state;
    size_t pixels = (size_t)(pool->channels * pool->side * pool->side);
    int64_t *order = calloc((size_t)pool->train.count + 1, sizeof *order);
    eks_images held = {HELD_OUT, eks_floats(HELD_OUT * pixels, err), calloc(HELD_OUT, sizeof(int32_t))};
    double loss;
    ek_status status = order && held.pixels && held.labels ? EK_OK : EK_ERR_NOMEM;
    if (status == EK_OK) {
        eks_permutation(order, pool->train.count, run->seed, 1);
        eks_pool_gather(pool, &pool->train, order + pool->train.count - HELD_OUT, HELD_OUT, (eks_change){.raw = 1},
                        held.pixels, held.labels);
        status = eks_lab_evaluate(run->model, pool, &held, HELD_OUT, (eks_change){0}, EK_MODE_INFERENCE, 250,
                                  &run->out[EKS_EXTRA + CHOSEN], &loss, err);
    }
    run->out[EKS_EXTRA + DRIFT] = d->probes > 0 ? d->drift / d->probes : NAN;
    free(held.labels);
    free(held.pixels);
    free(order);
    return status;
}

static void arms(const eks_study *study, const eks_pool *pool, eks_recipe recipes[GRID]) {
    static const char *const names[GRID] = {"plain, rate 0.01",
                                            "plain, rate 0.1",
                                            "plain, rate 1",
                                            "batch norm, rate 0.01",
                                            "batch norm, rate 0.1",
                                            "batch norm, rate 1",
                                            "noisy batch norm, rate 0.01",
                                            "noisy batch norm, rate 0.1",
                                            "noisy batch norm, rate 1"};
    for (int i = 0; i < GRID; i++) {
        eks_recipe *r = &recipes[i];
        *r = eks_recipe_make(names[i], "mlp", pool, eks_scale_mlp(study));
        r->build.hidden_layers = study->blinded ? FEW : LAYERS;
        r->build.activation = EK_ACTIVATION_SIGMOID;
        if (study->level == EKS_LEVEL_QUICK)
            r->epochs = 10; /* three layers must have the time to learn without a norm */
        r->choice = i / RATES;
        if (r->choice == PLAIN) r->build.norm = (ek_norm_kind)0;
        r->train.lr = rates[i % RATES];
        r->train.schedule = EK_SCHEDULE_CONSTANT;
        r->amount = study->sabotaged ? 0 : 0.5;
        r->begin = begin;
        r->before = before;
        r->after = after;
        r->end = end;
    }
}

/* The arm of each kind at the rate that did best on the held-out images, as an arm of its own. */
static void choose(eks_evidence *evidence) {
    static const char *const names[KINDS] = {
        [PLAIN] = "plain, best rate",
        [BATCH] = "batch norm, best rate",
        [NOISY] = "noisy batch norm, best rate",
    };
    for (int kind = 0; kind < KINDS; kind++) {
        int best = kind * RATES;
        for (int i = best + 1; i < (kind + 1) * RATES; i++)
            if (eks_arm_mean(evidence, i, CHOSEN) > eks_arm_mean(evidence, best, CHOSEN)) best = i;
        evidence->arms[GRID + kind] = evidence->arms[best];
        evidence->arms[GRID + kind].name = names[kind];
    }
    evidence->arm_count = ARMS;
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[METRICS] = {[ACCURACY] = EKS_TEST_ACCURACY,
                                                 [CHOSEN] = EKS_EXTRA + CHOSEN,
                                                 [DRIFT] = EKS_EXTRA + DRIFT,
                                                 [LOSS] = EKS_TRAIN_LOSS};
    eks_recipe recipes[GRID];
    const eks_pool *pool;
    eks_scale scale = eks_scale_mlp(study);
    EKS_TRY(eks_pool_get(study, EKS_GREY, scale.side, &pool, err));
    arms(study, pool, recipes);
    EKS_TRY(eks_lab(study, recipes, GRID, scale.seeds, metrics, METRICS, evidence, err));
    evidence->metrics[CHOSEN] = "accuracy on held-out images";
    evidence->metrics[DRIFT] = "shift of the last layer's inputs per step, in deviations";
    evidence->metric_percent[CHOSEN] = 1;
    return EK_OK;
}

static void show(eks_evidence *evidence) {
    choose(evidence);
    eks_chart_arms(
        evidence, ACCURACY, "Test accuracy, by network and learning rate", "test accuracy",
        "If stable distributions were the cause, noisy batch norm should do no better than the plain network.");
}

const eks_design eks_card02 = {
    .number = 2,
    .taught = "Batch norm works because it stabilizes the distributions of layer inputs (internal covariate shift).",
    .prediction =
        "A deep network of sigmoids hardly learns without batch norm and learns with it. With the distributions "
        "disturbed at random at every step, far less stable than before, it still does. Batch norm bears a "
        "larger learning rate.",
    .refuter = "For the taught cause: noisy batch norm ahead of the plain network, while its distributions shift. "
               "For the rates: no gain of ten points at rate 1.",
    .method =
        "Six hidden layers of 100 sigmoids at rates 0.01, 0.1 and 1, constant; the best rate of each kind is chosen on "
        "500 held-out images. Noise: scale and shift of every channel moved by 0.5 deviations, drawn anew for each "
        "step. Shift: change between neighbouring steps of the mean on 64 images. With three layers there is no gain "
        "to "
        "explain, and the control says so.",
    .readings =
        {
            [AS_TAUGHT] = {"as taught", "Stable distributions are the cause: disturbing them undoes the gain.",
                           EKS_REFUTED, NOISY_AHEAD, "Noise undid the gain: it left #.",
                           "Noise did not undo the gain: noisy batch norm was ahead of the plain network by #."},
            [BEARS_RATES] = {"later work", "Batch norm bears rates at which the plain network fails.", EKS_SUPPORTED,
                             GAIN_AT_LARGE_RATE, "At the large rate batch norm was ahead by #.",
                             "At the large rate batch norm was ahead by # only."},
        },
    .sabotage = "no-noise",
    .sabotage_what = "the noise that should disturb the distributions is 0",
    .blinding = "three-layers",
    .blinding_what = "the networks have three hidden layers, which learn without batch norm, too",
    .pilot = EKS_PILOT_AGAIN,
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [NOISY_AHEAD] = {"accuracy at the best rate: noisy batch norm less plain", EKS_AT_MOST, 0.05, .percent = 1,
                             EKS_DIFF(GRID + NOISY, GRID + PLAIN, ACCURACY),
                             .basis = "half of the least gain that the control asks for"},
            [NOISY_SHIFT] = {"shift per step: noisy batch norm less batch norm", EKS_AT_LEAST, 0.1, .control = 1,
                             EKS_DIFF(GRID + NOISY, GRID + BATCH, DRIFT)},
            [NORM_GAIN] = {"accuracy at the best rate: batch norm less plain (there is a gain)", EKS_AT_LEAST, 0.1,
                           .control = 1, .percent = 1, EKS_DIFF(GRID + BATCH, GRID + PLAIN, ACCURACY)},
            [GAIN_AT_LARGE_RATE] = {"accuracy at rate 1: batch norm less plain", EKS_AT_LEAST, 0.1, .percent = 1,
                                    .reading = BEARS_RATES, EKS_DIFF(BATCH *RATES + 2, PLAIN *RATES + 2, ACCURACY)},
        },
    .predict =
        {
            .question = "Noise is put behind batch norm, so that its outputs jump about more than in a plain network. "
                        "What becomes of training?",
            .choices = {"It works nearly as well as without the noise", "It fails, like a network without batch norm",
                        "It works better than without the noise"},
            .correct = 0,
            .why = "This is what the experiment of Santurkar and others found. If stable distributions were the "
                   "reason, it would fail.",
            .endpoint = NOISY_AHEAD,
        },
    .quiz =
        {
            .question = "Which sentence on internal covariate shift is safe?",
            .choices = {"It was the motive; later work doubts it", "Removing it is why batch norm works",
                        "It is the gap between train and test", "Evaluation mode is what removes it"},
            .correct = 0,
            .why = "That batch norm trains faster is a fact. Why is contested: a smoother loss, larger learning rates, "
                   "smaller residual branches have all been put forward.",
            .endpoint = NOISY_AHEAD,
        },
    .run = run,
    .show = show,
};
