/* card03.c: training mode against evaluation, on one trained network.
 *
 * In evaluation the logits of every test image must have the same bits for any batch size and order. In training mode
 * the same weights make an image's logits depend on its batch mates, and accuracy falls when a batch holds one class.
 * A single step with frozen statistics shows that what evaluation and freezing do to the statistics says nothing about
 * scale and bias: those are trained or not by a switch of their own.
 */
#include "study/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES = 5 };
enum {
    EVALUATION_DIFFERS,
    MATES_MATTER,
    LOST_IN_TRAINING,
    FROZEN_RUNNING,
    FROZEN_AFFINE,
    LEARNED,
    AFFINE_CHANGED,
    ENDPOINTS
};
enum { AS_TAUGHT, FREEZES_AFFINE };

enum { IN_EVALUATION, SHUFFLED, SORTED, WAYS, AT_32 = 3 };

static const int64_t sizes[SIZES] = {1, 2, 8, 32, 128};
static const char *const columns[] = {"batch size", "evaluation", "training mode, shuffled",
                                      "training mode, sorted by class"};

typedef struct trial {
    eks_study *study;
    const eks_network *network;
    int64_t *sorted, *shuffled;
    float *reference, *logits;
    size_t values; /* logits in all */
} trial;

static ek_status accuracy(trial *lab, ek_mode mode, int64_t batch, const int64_t *order, double *out, ek_error *err) {
    EKS_TRY(eks_network_logits(lab->network, mode, eks_network_threads(lab->study), batch, order, lab->logits, err));
    *out = eks_network_accuracy(lab->network, lab->logits);
    return EK_OK;
}

/* Accuracy in both modes, shuffled and sorted by class, over batch sizes; bits of evaluation along the way. */
static ek_status sweep(trial *lab, eks_evidence *evidence, ek_error *err) {
    const ek_mode evaluation = lab->study->uses.evaluation;
    eks_series *series[WAYS];
    for (int i = 0; i < WAYS; i++) series[i] = eks_chart_series(&evidence->chart, columns[i + 1], EKS_LINE);
    for (int k = 0; k < SIZES; k++) {
        double eval, shuffled, sorted, again;
        EKS_TRY(accuracy(lab, evaluation, sizes[k], lab->sorted, &eval, err));
        if (k == 0) memcpy(lab->reference, lab->logits, lab->values * sizeof(float));
        evidence->values[EVALUATION_DIFFERS] += (double)eks_differing(lab->reference, lab->logits, lab->values);
        EKS_TRY(accuracy(lab, evaluation, sizes[k], lab->shuffled, &again, err));
        evidence->values[EVALUATION_DIFFERS] += (double)eks_differing(lab->reference, lab->logits, lab->values);
        EKS_TRY(accuracy(lab, EK_MODE_TRAINING, sizes[k], lab->shuffled, &shuffled, err));
        EKS_TRY(accuracy(lab, EK_MODE_TRAINING, sizes[k], lab->sorted, &sorted, err));
        const double values[WAYS] = {[IN_EVALUATION] = eval, [SHUFFLED] = shuffled, [SORTED] = sorted};
        for (int i = 0; i < WAYS; i++) eks_point(series[i], (double)sizes[k], values[i]);
    }
    return EK_OK;
}

/* How far the logits of an image move with its batch mates in training mode: batches of 8, ten orders. */
static ek_status mates(trial *lab, eks_evidence *evidence, ek_error *err) {
    int threads = eks_network_threads(lab->study);
    double size = eks_max_magnitude(lab->reference, lab->values), most = 0;
    EKS_TRY(eks_network_logits(lab->network, EK_MODE_TRAINING, threads, 8, NULL, lab->reference, err));
    for (uint64_t draw = 0; draw < 10; draw++) {
        eks_permutation(lab->shuffled, lab->network->count, lab->study->options->seed, 310 + draw);
        EKS_TRY(eks_network_logits(lab->network, EK_MODE_TRAINING, threads, 8, lab->shuffled, lab->logits, err));
        most = fmax(most, eks_max_difference(lab->reference, lab->logits, lab->values));
    }
    evidence->values[MATES_MATTER] = size > 0 ? most / size : NAN;
    return EK_OK;
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    trial lab = {.study = study};
    EKS_TRY(eks_network_get(study, &lab.network, err));
    lab.values = (size_t)(lab.network->count * lab.network->classes);
    lab.sorted = calloc((size_t)lab.network->count + 1, sizeof *lab.sorted);
    lab.shuffled = calloc((size_t)lab.network->count + 1, sizeof *lab.shuffled);
    lab.reference = eks_floats(lab.values, err);
    lab.logits = eks_floats(lab.values, err);
    ek_status status = EK_OK;
    if (!lab.sorted || !lab.shuffled || !lab.reference || !lab.logits) {
        status = eks_fail(err, EK_ERR_NOMEM, "out of memory for the logits of card 3");
        goto done;
    }
    eks_network_sorted(lab.network, lab.sorted);
    eks_permutation(lab.shuffled, lab.network->count, study->options->seed, 300);
    eks_chart *chart = &evidence->chart;
    chart->kind = EKS_CHART_XY;
    chart->title = "Accuracy of one network, by mode and batch size";
    chart->description = "Evaluation should be a flat line. Training mode should come close to it for large shuffled "
                         "batches, and fall far below it when each batch holds a single class.";
    chart->x_label = "batch size";
    chart->y_label = "accuracy";
    chart->x_log = chart->y_percent = 1;
    chart->y_max = 1;
    evidence->values[EVALUATION_DIFFERS] = 0;
    EKS_TRY_DONE(sweep(&lab, evidence, err));
    EKS_TRY_DONE(mates(&lab, evidence, err));
    EKS_TRY_DONE(
        eks_network_frozen_step(study, &evidence->values[FROZEN_RUNNING], &evidence->values[FROZEN_AFFINE], err));
done:
    free(lab.logits);
    free(lab.reference);
    free(lab.shuffled);
    free(lab.sorted);
    return status;
}

static void show(eks_evidence *evidence) {
    eks_series *series = evidence->chart.series;
    evidence->chart.y_max = 1;
    eks_table_begin(&evidence->table, "Accuracy of the same weights on 1,000 test images", 1 + WAYS, columns);
    for (int k = 0; k < SIZES; k++) {
        int row = eks_table_row(&evidence->table);
        eks_cell_number(&evidence->table, row, 0, (double)sizes[k]);
        for (int i = 0; i < WAYS; i++) {
            series[i].x[k] = (double)sizes[k];
            eks_cell_number(&evidence->table, row, i + 1, series[i].y[k]);
            evidence->table.percent[i + 1] = 1;
        }
    }
    evidence->values[LEARNED] = series[IN_EVALUATION].y[AT_32];
    evidence->values[LOST_IN_TRAINING] = series[IN_EVALUATION].y[AT_32] - series[SORTED].y[AT_32];
    evidence->values[AFFINE_CHANGED] = evidence->values[FROZEN_AFFINE];
}

const eks_design eks_card03 = {
    .number = 3,
    .taught =
        "Training uses the statistics of the batch and updates the running ones; evaluation uses the running ones.",
    .prediction = "In evaluation an image's logits have the same bits for any batch size and order. In training mode "
                  "they depend on its batch mates, and batches of a single class cost accuracy. Frozen statistics do "
                  "not freeze scale and bias: a step still trains them.",
    .refuter = "One differing bit in evaluation; training mode that ignores batch mates, or loses less than 5 points "
               "on sorted batches; or a frozen step that changes running values or leaves scale and bias alone.",
    .method = "A six-layer convolutional network, trained for about a second on up to 4,000 images of 14 × 14 pixels; "
              "1,000 test images, batches of 1 to 128, shuffled and sorted by class. The frozen step is the first step "
              "of a new network.",
    .readings =
        {
            [AS_TAUGHT] = {"as taught",
                           "Evaluation uses running statistics, so that any batch size gives the same result.",
                           EKS_SUPPORTED, EVALUATION_DIFFERS,
                           "In evaluation # logits differed, over five batch sizes and two orders.",
                           "In evaluation # logits differed with the batch."},
            [FREEZES_AFFINE] = {"loose", "Evaluation freezes γ and β.", EKS_REFUTED, AFFINE_CHANGED, NULL,
                                "With the statistics frozen a step still changed # values of γ and β."},
        },
    .sabotage = "eval-batch-stats",
    .sabotage_what = "evaluation uses the statistics of the batch",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [EVALUATION_DIFFERS] = {"evaluation: logits that differ over batch sizes and orders", EKS_EXACTLY, 0},
            [MATES_MATTER] = {"training mode: largest change with batch mates, relative", EKS_AT_LEAST, 0.01},
            [LOST_IN_TRAINING] = {"accuracy lost in training mode, sorted batches of 32", EKS_AT_LEAST, 0.05},
            [FROZEN_RUNNING] = {"step with frozen statistics: running values changed", EKS_EXACTLY, 0},
            [FROZEN_AFFINE] = {"step with frozen statistics: scale and bias values changed", EKS_AT_LEAST, 1},
            [LEARNED] = {"accuracy in evaluation (the network has learned something)", EKS_AT_LEAST, 0.5, .control = 1},
            [AFFINE_CHANGED] = {"scale and bias values that change although statistics are those of evaluation",
                                EKS_EXACTLY, 0, .reading = FREEZES_AFFINE},
        },
    .predict =
        {
            .question = "In evaluation mode the same images are run alone, in batches of many sizes, and in another "
                        "order. How many logits differ?",
            .choices = {"Most, in the last digit", "A few, in the last digit", "None, not in one bit"},
            .correct = 2,
            .why = "Running statistics are constants, so nothing of the batch enters. That the sums around them agree "
                   "to the last bit is the engine’s part.",
            .endpoint = EVALUATION_DIFFERS,
        },
    .quiz =
        {
            .question = "In production a model’s answer for one image changes with the other images in the request. "
                        "First suspicion?",
            .choices = {"It runs in training mode", "Its ε was set too small", "It was saved without γ",
                        "Its batches are too big"},
            .correct = 0,
            .why = "Only batch statistics can carry information from one image to another.",
            .endpoint = MATES_MATTER,
        },
    .run = run,
    .show = show,
};
