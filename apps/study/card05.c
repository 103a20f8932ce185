/* card05.c: batch norm before or after the activation. Contested, and expected to stay open.
 *
 * Training arms with both orders, with one that alternates, and without a norm, for ReLU and for sigmoid. What no
 * benchmark changes: before the activation the norm folds into the layer in front of it. After the activation it has
 * the next layer to go to; how many do, and how exactly at a zero-padded border, is what our own fold says.
 */
#include "study/lab.h"

#include <evenkeel/surgery.h>

#include <string.h>

enum { BEFORE, AFTER, MIXED, NONE, SIGMOID_BEFORE, SIGMOID_AFTER, ARMS };
enum { ACCURACY, LOSS, TRAIN_LOSS, METRICS };
enum {
    BEFORE_GAIN,
    IN_TURN_LOSS,
    LEARNED,
    BEFORE_LEFT,
    FOLD_ERROR,
    AFTER_FOLDED,
    AFTER_ERROR,
    SIGMOID_GAIN,
    SIGMOID_LEARNED,
    ENDPOINTS
};
enum { AS_HEARD, ONE_ORDER, WITH_SIGMOID, FOLDS_AWAY, AFTER_STAYS };

static void arms(const eks_study *study, const eks_pool *pool, const eks_pool *grey, eks_recipe recipes[ARMS]) {
    static const char *const names[ARMS] = {
        [BEFORE] = "ReLU, before",
        [AFTER] = "ReLU, after",
        [MIXED] = "ReLU, in turn",
        [NONE] = "ReLU, no norm",
        [SIGMOID_BEFORE] = "sigmoid, before",
        [SIGMOID_AFTER] = "sigmoid, after",
    };
    for (int i = 0; i < ARMS; i++) {
        int sigmoid = i >= SIGMOID_BEFORE;
        eks_recipe *r = &recipes[i];
        *r = sigmoid ? eks_recipe_make(names[i], "mlp", grey, eks_scale_mlp(study))
                     : eks_recipe_make(names[i], "cnn6", pool, eks_scale_cnn(study));
        r->build.place = i == AFTER || i == SIGMOID_AFTER ? EK_PLACE_AFTER : EK_PLACE_BEFORE;
        if (i == MIXED) r->build.place = EK_PLACE_MIXED;
        if (i == NONE) r->build.norm = (ek_norm_kind)0;
        if (sigmoid) r->build.activation = EK_ACTIVATION_SIGMOID;
        if (study->sabotaged && i == AFTER) r->train.lr /= 100;
    }
}

/* Norms folded and left, and the largest relative change of the output. */
static ek_status fold(const eks_recipe *recipe, uint64_t seed, double *folded, double *left, double *worst,
                      ek_error *err) {
    ek_model *model = NULL, *result = NULL;
    ek_edit_report *report = NULL;
    *folded = *left = 0;
    ek_status status = eks_lab_build(recipe, seed, &model, err);
    if (status == EK_OK)
        status = eks_lab_recalibrate(model, recipe->pool, &recipe->pool->train, recipe->pool->mixed, 200,
                                     (eks_change){0}, err);
    if (status == EK_OK) status = ek_fold(model, &result, &report, err);
    for (size_t i = 0; status == EK_OK && i < ek_edit_report_count(report); i++)
        *(ek_edit_report_row(report, i)->changed ? folded : left) += 1;
    if (status == EK_OK) {
        ek_compare_options options = ek_compare_options_default();
        ek_comparison comparison;
        options.threads = 1;
        status = ek_compare(model, result, &options, &comparison, err);
        *worst = comparison.worst;
    }
    ek_edit_report_destroy(report);
    ek_model_destroy(result);
    ek_model_destroy(model);
    return status;
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[METRICS] = {
        [ACCURACY] = EKS_TEST_ACCURACY, [LOSS] = EKS_TEST_LOSS, [TRAIN_LOSS] = EKS_TRAIN_LOSS};
    eks_recipe recipes[ARMS];
    const eks_pool *pool, *grey;
    eks_scale scale = eks_scale_cnn(study), mlp = eks_scale_mlp(study);
    double folded, left;
    EKS_TRY(eks_pool_get(study, EKS_COLOUR, scale.side, &pool, err));
    EKS_TRY(eks_pool_get(study, EKS_GREY, mlp.side, &grey, err));
    arms(study, pool, grey, recipes);
    EKS_TRY(fold(&recipes[BEFORE], study->options->seed, &folded, &evidence->values[BEFORE_LEFT],
                 &evidence->values[FOLD_ERROR], err));
    EKS_TRY(fold(&recipes[AFTER], study->options->seed, &evidence->values[AFTER_FOLDED], &left,
                 &evidence->values[AFTER_ERROR], err));
    EKS_TRY(eks_lab(study, recipes, ARMS, scale.seeds, metrics, METRICS, evidence, err));
    return EK_OK;
}

static void show(eks_evidence *evidence) {
    eks_chart_arms(evidence, ACCURACY, "Test accuracy by place of the norm", "test accuracy",
                   "No order should win everywhere: differences between orders should be small for ReLU.");
}

const eks_design eks_card05 = {
    .number = 5,
    .taught = "Batch norm goes before the activation, as in the original paper; others put it after. Be consistent "
              "within an architecture.",
    .prediction =
        "Neither order is better by a point in every network; the literature disagrees. What is certain: "
        "before the activation every norm folds into the layer in front of it. After it a norm folds into the "
        "layer behind, where there is one.",
    .refuter =
        "For either order: the interval of the paired difference lies below one point in its favour. For folding: "
        "a norm before the activation that stays, or an error over 0.00001.",
    .method = "Six convolutions with ReLU and three hidden layers with sigmoid; same images, order, rate and first "
              "weights for all orders. Folding by `evenkeel fold` on the untrained networks with measured statistics.",
    .readings =
        {
            [AS_HEARD] = {"often heard", "With ReLU, before the activation is better by at least a point.",
                          EKS_NOT_MEASURED, BEFORE_GAIN, "With ReLU, before was ahead by #.",
                          "With ReLU, before was not ahead: #."},
            [ONE_ORDER] = {"as taught", "Keep to one order: alternating them costs at least a point.", EKS_NOT_MEASURED,
                           IN_TURN_LOSS, "Alternating cost #.", "Alternating cost no point: #."},
            [WITH_SIGMOID] = {"often heard", "With sigmoid, before the activation is better by at least a point.",
                              EKS_NOT_MEASURED, SIGMOID_GAIN, "With sigmoid, before was ahead by #.",
                              "With sigmoid, before was not ahead: #."},
            [FOLDS_AWAY] = {"certain", "Before the activation it folds away.", EKS_SUPPORTED, BEFORE_LEFT,
                            "Of the norms before the activation # were left after folding.",
                            "Of the norms before the activation # were left after folding."},
            [AFTER_STAYS] = {"often heard", "After the activation, with zero padding, it cannot fold.", EKS_REFUTED,
                             AFTER_FOLDED, "Of the norms after the activation # folded.",
                             "Of the six norms after the activation # folded, exactly, borders and all."},
        },
    .sabotage = "unequal-rates",
    .sabotage_what = "the arm \"after\" is trained at a hundredth of the learning rate",
    .pilot = EKS_PILOT_AGAIN,
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [BEFORE_GAIN] = {"ReLU: accuracy before less after", EKS_AT_LEAST, 0.01, .percent = 1,
                             EKS_DIFF(BEFORE, AFTER, ACCURACY)},
            [IN_TURN_LOSS] = {"ReLU: mean of both orders less in turn", EKS_AT_LEAST, 0.01, .percent = 1,
                              .reading = ONE_ORDER,
                              .contrast = {3,
                                           {{BEFORE, 0.5, ACCURACY}, {AFTER, 0.5, ACCURACY}, {MIXED, -1, ACCURACY}}}},
            [LEARNED] = {"ReLU: accuracy before (the network learns)", EKS_AT_LEAST, 0.2, .control = 1, .percent = 1,
                         EKS_MEAN(BEFORE, ACCURACY)},
            [BEFORE_LEFT] = {"norms before the activation that do not fold", EKS_EXACTLY, 0, .reading = FOLDS_AWAY},
            [FOLD_ERROR] = {"folded against unfolded: relative difference of the logits", EKS_AT_MOST, 1e-5,
                            .reading = FOLDS_AWAY},
            [AFTER_FOLDED] = {"norms after the activation that fold", EKS_EXACTLY, 0, .reading = AFTER_STAYS},
            [AFTER_ERROR] = {"those folded against unfolded: relative difference of the logits", EKS_AT_MOST, 1e-5,
                             .control = 1},
            [SIGMOID_GAIN] = {"sigmoid: accuracy before less after", EKS_AT_LEAST, 0.01, .percent = 1,
                              .reading = WITH_SIGMOID, EKS_DIFF(SIGMOID_BEFORE, SIGMOID_AFTER, ACCURACY)},
            [SIGMOID_LEARNED] = {"sigmoid: accuracy after (the network learns)", EKS_AT_LEAST, 0.2, .control = 1,
                                 .percent = 1, EKS_MEAN(SIGMOID_AFTER, ACCURACY)},
        },
    .predict =
        {
            .question = "A network with ReLU is trained with batch norm before, and with batch norm after the "
                        "activation. Which wins?",
            .choices = {"Before", "After", "Neither clearly"},
            .correct = -1,
            .why = "Published comparisons point both ways, so there is no settled answer. Trust what was measured for "
                   "your own network.",
            .endpoint = BEFORE_GAIN,
        },
    .quiz =
        {
            .question = "Where does a batch norm vanish at no cost when the network is served?",
            .choices = {"Behind a convolution, before ReLU", "Behind ReLU, before global pooling",
                        "Behind ReLU, with padding to come", "Nowhere: it always costs a pass"},
            .correct = 0,
            .why = "There it is one more scale and shift on what the convolution computes. Behind the activation it "
                   "could only go into the next convolution, and zero padding makes that wrong at the border.",
            .endpoint = BEFORE_LEFT,
        },
    .run = run,
    .show = show,
};
