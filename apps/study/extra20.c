/* extra20.c: batch norms folded into the convolutions in front of them: the same answers, fewer steps. */
#include "study/lab.h"
#include "study/network.h"

#include <evenkeel/surgery.h>

#include <math.h>
#include <stdlib.h>

enum { LEFT, DIFFERENCE, ANSWERS_CHANGED, LEARNED, ENDPOINTS };

/* Logits of the test images through a model. */
static ek_status logits_of(eks_study *study, const eks_network *network, ek_model *model, float *logits,
                           ek_error *err) {
    eks_network copy = *network;
    copy.model = model;
    return eks_network_logits(&copy, study->uses.evaluation, 1, 250, NULL, logits, err);
}

static double changed_answers(const float *a, const float *b, int64_t rows, int classes) {
    double changed = 0;
    for (int64_t i = 0; i < rows; i++) {
        int first = 0, second = 0;
        for (int c = 1; c < classes; c++) {
            if (a[i * classes + c] > a[i * classes + first]) first = c;
            if (b[i * classes + c] > b[i * classes + second]) second = c;
        }
        changed += first != second;
    }
    return changed;
}

static ek_status compare(eks_study *study, const eks_network *network, ek_model *folded, eks_evidence *evidence,
                         ek_error *err) {
    size_t values = (size_t)(network->count * network->classes);
    float *a = eks_floats(values, err), *b = eks_floats(values, err);
    ek_status status = a && b ? logits_of(study, network, network->model, a, err) : EK_ERR_NOMEM;
    if (status == EK_OK) status = logits_of(study, network, folded, b, err);
    if (status == EK_OK) {
        evidence->values[DIFFERENCE] = eks_max_difference(a, b, values) / eks_max_magnitude(a, values);
        evidence->values[ANSWERS_CHANGED] = changed_answers(a, b, network->count, network->classes);
        evidence->values[LEARNED] = eks_network_accuracy(network, a);
    }
    free(b);
    free(a);
    return status;
}

/* The sabotage: a scale of the folded model is not the one that was folded. */
static ek_status spoil(ek_model *folded, ek_error *err) {
    float *data;
    size_t count;
    for (size_t i = 0; i < ek_model_tensor_count(folded); i++) {
        ek_tensor_info info = ek_model_tensor(folded, i);
        if (info.rank != 4) continue;
        EKS_TRY(eks_lab_weights(folded, info.name, &data, &count, err));
        for (size_t k = 0; k < count; k++) data[k] *= 1.01F;
        return EK_OK;
    }
    return EK_OK;
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    const eks_network *network;
    ek_model *folded = NULL;
    ek_edit_report *report = NULL;
    EKS_TRY(eks_network_get(study, &network, err));
    EKS_TRY(ek_fold(network->model, &folded, &report, err));
    evidence->values[LEFT] = 0;
    for (size_t i = 0; i < ek_edit_report_count(report); i++)
        evidence->values[LEFT] += !ek_edit_report_row(report, i)->changed;
    ek_status status = study->sabotaged ? spoil(folded, err) : EK_OK;
    if (status == EK_OK) status = compare(study, network, folded, evidence, err);
    ek_edit_report_destroy(report);
    ek_model_destroy(folded);
    return status;
}

const eks_design eks_extra20 = {
    .number = 20,
    .taught = "In inference a batch norm behind a convolution folds into it, and no step is left of it.",
    .prediction = "All norms fold; logits agree to 0.00001 of the largest, and every answer is the same.",
    .refuter = "A norm that does not fold, a larger difference, or one changed answer.",
    .method = "The six-layer network of cards 3 and 12 on 1,000 test images, folded and not.",
    .sabotage = "stale-weights",
    .sabotage_what = "the weights of one folded layer are 1% off",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [LEFT] = {"norms that do not fold", EKS_EXACTLY, 0},
            [DIFFERENCE] = {"largest difference of the logits, relative", EKS_AT_MOST, 1e-5},
            [ANSWERS_CHANGED] = {"test images whose answer changes", EKS_EXACTLY, 0},
            [LEARNED] = {"accuracy (the network has learned something)", EKS_AT_LEAST, 0.5, .control = 1, .percent = 1},
        },
    .run = run,
};
