/* card15.c: where batch norm loses, regime by regime, against norms that do not look at the batch.
 *
 * Online batches, batches of one class, two images per set of statistics; a large shuffled batch as the control in
 * which batch norm is at home. For adversarial training what counts is the cross-talk: how much the score of one image
 * depends on another. And at the start of a deep plain network batch norm itself makes gradients grow, by
 * sqrt(pi / (pi - 1)) = 1.2112 per layer with ReLU (Yang et al. 2019).
 */
#include "study/lab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEP = 24, WIDE = 192, MANY = 384 };
enum { FAIR_BN, FAIR_LN, SORTED_BN, SORTED_LN, TWO_BN, TWO_LN, ONE_BN, ONE_LN, ONE_RMS, ONE_NONE, ARMS };
enum { ACCURACY, LOSS, METRICS };
enum {
    ONLINE_LOSS,
    ONE_CLASS_LOSS,
    TWO_LOSS,
    AT_HOME,
    BATCH_TALK,
    LAYER_TALK,
    GROUP_TALK,
    GROWTH,
    ONLINE_RMS,
    FAIR_LAYER_GAIN,
    ENDPOINTS
};
enum { AS_TAUGHT, EVERYWHERE };

static void arms(const eks_study *study, const eks_pool *pool, eks_recipe recipes[ARMS]) {
    static const struct {
        const char *name;
        ek_norm_kind norm; /* 0 = none */
        int batch;
    } regimes[ARMS] = {
        [FAIR_BN] = {"batch 32, batch norm", EK_NORM_BATCH, 32},
        [FAIR_LN] = {"batch 32, layer norm", EK_NORM_LAYER, 32},
        [SORTED_BN] = {"statistics over one class, batch norm", EK_NORM_BATCH, 32},
        [SORTED_LN] = {"the same images, layer norm", EK_NORM_LAYER, 32},
        [TWO_BN] = {"batch 2, batch norm", EK_NORM_BATCH, 2},
        [TWO_LN] = {"batch 2, layer norm", EK_NORM_LAYER, 2},
        [ONE_BN] = {"online, batch norm", EK_NORM_BATCH, 1},
        [ONE_LN] = {"online, layer norm", EK_NORM_LAYER, 1},
        [ONE_RMS] = {"online, RMS norm", EK_NORM_RMS, 1},
        [ONE_NONE] = {"online, no norm", (ek_norm_kind)0, 1},
    };
    eks_scale scale = eks_scale_mlp(study);
    for (int i = 0; i < ARMS; i++) {
        eks_recipe *r = &recipes[i];
        *r = eks_recipe_make(regimes[i].name, "mlp", pool, scale);
        r->build.norm = regimes[i].norm;
        r->batch = regimes[i].batch;
        if (i == SORTED_BN || i == SORTED_LN) {
            r->sorted = study->sabotaged ? 0 : 8;
            r->train.virtual_batch = 8;
        }
        if (r->batch < 8) {
            r->train.lr = r->batch == 2 ? 0.01 : 0.005;
            r->epochs = study->level == EKS_LEVEL_QUICK ? 1 : 2;
        }
    }
}

/* Largest |d score(image 0) / d image j| over j > 0, of one kind of norm. */
static ek_status cross_talk(const eks_recipe *base, ek_norm_kind kind, uint64_t seed, double *most, ek_error *err) {
    enum { IMAGES = 8 };
    const eks_pool *pool = base->pool;
    size_t pixels = (size_t)(pool->channels * pool->side * pool->side), classes = (size_t)pool->classes;
    eks_recipe recipe = *base;
    ek_model *model = NULL;
    ek_session *session = NULL;
    recipe.build = ek_build_options_default("cnn6");
    recipe.build.norm = kind;
    *most = 0;
    float *x = eks_floats(IMAGES * pixels, err), *gradient = eks_floats(IMAGES * classes, err);
    ek_status status = x && gradient ? eks_lab_build(&recipe, seed, &model, err) : EK_ERR_NOMEM;
    if (status == EK_OK) status = eks_slopes_open(model, 0, &session, err);
    if (status == EK_OK) {
        eks_pool_gather(pool, &pool->train, NULL, IMAGES, (eks_change){0}, x, NULL);
        ek_array input = {EK_F32, 4, {IMAGES, pool->channels, pool->side, pool->side}, x};
        status = ek_session_run(session, &input, 1, err);
    }
    if (status == EK_OK) {
        gradient[0] = 1;
        status = ek_session_backward(session, 0, gradient, err);
    }
    if (status == EK_OK) {
        const float *slope = ek_session_input_gradient(session, 0).data;
        *most = eks_max_magnitude(slope + pixels, (IMAGES - 1) * pixels) / eks_max_magnitude(slope, pixels);
    }
    ek_session_destroy(session);
    ek_model_destroy(model);
    free(gradient);
    free(x);
    return status;
}

enum { FIRST = 3, LAST = DEEP - 2 };

/* Lengths of the weights' gradients in the middle of a deep network, as the chart. */
static ek_status lengths_of(ek_session *session, eks_evidence *evidence, ek_error *err) {
    eks_series *series = eks_chart_series(&evidence->chart, "length of the gradient", EKS_DOTS);
    for (int layer = FIRST; layer <= LAST; layer++) {
        char name[32];
        snprintf(name, sizeof name, "fc%d.weight", layer);
        ek_array g = ek_session_parameter_gradient(session, name);
        if (!g.data) return eks_fail(err, EK_ERR_STATE, "no gradient of %s", name);
        eks_point(series, layer, sqrt(eks_dot(g.data, g.data, (size_t)WIDE * WIDE)));
    }
    return EK_OK;
}

/* Growth per layer towards the input: the slope of the logarithm. */
static double growth_of(const eks_series *series) {
    double weighted = 0, spread = 0, centre = (FIRST + LAST) / 2.0;
    for (int i = 0; i < series->count; i++) {
        double away = FIRST + i - centre;
        weighted += away * log(series->y[i]);
        spread += away * away;
    }
    return exp(-weighted / spread);
}

static ek_status growth(eks_study *study, const eks_pool *pool, eks_evidence *evidence, ek_error *err) {
    eks_recipe recipe = eks_recipe_make("deep", "mlp", pool, eks_scale_mlp(study));
    size_t pixels = (size_t)(pool->channels * pool->side * pool->side);
    ek_model *model = NULL;
    ek_session *session = NULL;
    recipe.build.hidden_layers = DEEP;
    recipe.build.hidden_units = WIDE;
    float *x = eks_floats(MANY * pixels, err);
    int32_t *labels = calloc(MANY, sizeof *labels);
    ek_status status = x && labels ? eks_lab_build(&recipe, study->options->seed, &model, err) : EK_ERR_NOMEM;
    if (status == EK_OK) status = eks_slopes_open(model, 0, &session, err);
    if (status == EK_OK) {
        eks_fill_normal(x, MANY * pixels, study->options->seed, 1500, 0, 1);
        for (int i = 0; i < MANY; i++) labels[i] = i % pool->classes;
        status = eks_slopes(session, pool, x, labels, MANY, err);
    }
    if (status == EK_OK) status = lengths_of(session, evidence, err);
    ek_session_destroy(session);
    ek_model_destroy(model);
    free(labels);
    free(x);
    return status;
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[METRICS] = {[ACCURACY] = EKS_TEST_ACCURACY, [LOSS] = EKS_TEST_LOSS};
    eks_recipe recipes[ARMS];
    const eks_pool *pool;
    eks_scale scale = eks_scale_mlp(study);
    EKS_TRY(eks_pool_get(study, EKS_GREY, scale.side, &pool, err));
    arms(study, pool, recipes);
    uint64_t seed = study->options->seed;
    EKS_TRY(cross_talk(&recipes[0], EK_NORM_BATCH, seed, &evidence->values[BATCH_TALK], err));
    EKS_TRY(cross_talk(&recipes[0], EK_NORM_LAYER, seed, &evidence->values[LAYER_TALK], err));
    EKS_TRY(cross_talk(&recipes[0], EK_NORM_GROUP, seed, &evidence->values[GROUP_TALK], err));
    eks_chart *chart = &evidence->chart;
    chart->kind = EKS_CHART_XY;
    chart->title = "Length of the gradient in a plain network of 24 layers with batch norm and ReLU, before training";
    chart->description = "From the last layer to the first the gradient should grow by 1.21 per layer.";
    chart->x_label = "layer";
    chart->y_label = "length of the gradient";
    EKS_TRY(growth(study, pool, evidence, err));
    EKS_TRY(eks_lab(study, recipes, ARMS, scale.seeds, metrics, METRICS, evidence, err));
    return EK_OK;
}

static void show(eks_evidence *evidence) {
    eks_series *lengths = &evidence->chart.series[0];
    evidence->chart.y_max = 0;
    evidence->chart.y_log = 1;
    for (int i = 0; i < lengths->count; i++) lengths->x[i] = FIRST + i;
    evidence->values[GROWTH] = growth_of(lengths);
    evidence->caption = "Test accuracy by regime and norm";
}

const eks_design eks_card15 = {
    .number = 15,
    .taught = "Avoid batch norm with very small or online batches, in some adversarial set-ups, and wherever the "
              "result must not depend on the batch.",
    .prediction = "With one example per step, with statistics over images of a single class and with two images per "
                  "set of statistics layer norm is better. The score of an image depends on its batch mates under "
                  "batch norm, and not in one bit under layer or group norm. In a deep plain network batch norm makes "
                  "gradients grow by 1.21 per layer.",
    .refuter = "Layer norm that is not better by the stated margin, a cross-talk that is not exactly 0, or a growth "
               "outside 1.21 ± 0.03.",
    .method = "Networks of three hidden layers; the same images, order and first weights for all norms. One-sided "
              "statistics: steps of 32 images of which each 8 neighbours are of one class and share statistics. "
              "Cross-talk and growth on untrained networks: gradients of one score with respect to 8 images; 384 "
              "random inputs through 24 layers of 192 units.",
    .readings =
        {
            [AS_TAUGHT] = {"as taught",
                           "Avoid batch norm with tiny, online or one-sided batches and where examples must not mix.",
                           EKS_SUPPORTED, ONLINE_LOSS, "One image at a time, layer norm was ahead by #.",
                           "One image at a time, layer norm was ahead by # only."},
            [EVERYWHERE] = {"overdrawn", "Layer norm is the better choice everywhere.", EKS_NOT_MEASURED,
                            FAIR_LAYER_GAIN, "In mixed batches of 32 layer norm was ahead by #.",
                            "In mixed batches of 32 layer norm was behind: #."},
        },
    .sabotage = "shuffled-classes",
    .sabotage_what = "the sets that should hold one class each are mixed",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [ONLINE_LOSS] = {"online: accuracy of layer norm less batch norm", EKS_AT_LEAST, 0.2, .percent = 1,
                             EKS_DIFF(ONE_LN, ONE_BN, ACCURACY)},
            [ONE_CLASS_LOSS] = {"statistics over 8 images of one class: layer norm less batch norm", EKS_AT_LEAST, 0.1,
                                .percent = 1, EKS_DIFF(SORTED_LN, SORTED_BN, ACCURACY)},
            [TWO_LOSS] = {"batch 2: layer norm less batch norm", EKS_AT_LEAST, 0.02, .percent = 1,
                          EKS_DIFF(TWO_LN, TWO_BN, ACCURACY)},
            [AT_HOME] = {"batch 32, shuffled: accuracy of batch norm", EKS_AT_LEAST, 0.5, .control = 1, .percent = 1,
                         EKS_MEAN(FAIR_BN, ACCURACY)},
            [BATCH_TALK] = {"cross-talk under batch norm, relative", EKS_AT_LEAST, 0.001},
            [LAYER_TALK] = {"cross-talk under layer norm", EKS_EXACTLY, 0},
            [GROUP_TALK] = {"cross-talk under group norm", EKS_EXACTLY, 0},
            [GROWTH] = {"growth of the gradient per layer, √(π/(π − 1)) = 1.2112", EKS_WITHIN, 0.03,
                        .expected = 1.2112},
            [ONLINE_RMS] = {"online: RMS norm less layer norm", EKS_WITHIN, 0.05, .percent = 1,
                            EKS_DIFF(ONE_RMS, ONE_LN, ACCURACY)},
            [FAIR_LAYER_GAIN] = {"batch 32, shuffled: layer norm less batch norm", EKS_AT_LEAST, 0, .percent = 1,
                                 .reading = EVERYWHERE, EKS_DIFF(FAIR_LN, FAIR_BN, ACCURACY)},
        },
    .predict =
        {
            .question = "A deep stack of layers with batch norm and ReLU, no skip connections, before any training. "
                        "What does the gradient do on its way down?",
            .choices = {"It grows by about a fifth per layer", "It stays: that is what the norm is for", "It fades"},
            .correct = 0,
            .why = "By the square root of π/(π − 1), which is 1.21, per layer, and batch norm itself is the cause.",
            .endpoint = GROWTH,
        },
    .quiz =
        {
            .question = "For which of these is batch norm a good choice?",
            .choices = {"Classifying, 64 mixed images a batch", "Training on a stream, one at a time",
                        "Detection, one image to each device", "Language, sentences of any length"},
            .correct = 0,
            .why = "Many independent images per batch are what it was made for. The others are cases for layer, RMS or "
                   "group norm.",
            .endpoint = AT_HOME,
        },
    .run = run,
    .show = show,
};
