/* extra17.c: adapting to shifted images by measuring the statistics again, and when that harms. */
#include "study/lab.h"

#include <stdlib.h>

enum { NETWORK, ARMS };
enum { CLEAN, SHIFTED, ADAPTED, ONE_CLASS, METRICS };
enum { LOST, REGAINED, LEFT, ONE_CLASS_HARM, ENDPOINTS };

static const eks_change shift = {0.4, 0.3, 0};

static ek_status accuracy(eks_run *run, double *out, ek_error *err) {
    const eks_pool *pool = run->recipe->pool;
    double loss;
    return eks_lab_evaluate(run->model, pool, &pool->test, pool->test.count, shift, EK_MODE_INFERENCE, 250, out, &loss,
                            err);
}

/* On shifted images: as trained; measured again on 500 shifted images; on 50 images of a single class. */
static ek_status end(eks_run *run, ek_error *err) {
    const eks_pool *pool = run->recipe->pool;
    const eks_change none = {0};
    int64_t *order = calloc((size_t)pool->train.count + 1, sizeof *order), count = 0;
    if (!order) return eks_fail(err, EK_ERR_NOMEM, "out of memory for an order");
    ek_status status = accuracy(run, &run->out[EKS_EXTRA + SHIFTED], err);
    if (status == EK_OK)
        status = eks_lab_recalibrate(run->model, pool, &pool->train, pool->mixed, 500,
                                     run->recipe->choice ? none : shift, err);
    if (status == EK_OK) status = accuracy(run, &run->out[EKS_EXTRA + ADAPTED], err);
    for (int64_t i = 0; i < pool->train.count && count < 50; i++)
        if (pool->train.labels[i] == 0) order[count++] = i;
    if (status == EK_OK) status = eks_lab_recalibrate(run->model, pool, &pool->train, order, count, shift, err);
    if (status == EK_OK) status = accuracy(run, &run->out[EKS_EXTRA + ONE_CLASS], err);
    free(order);
    return status;
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[METRICS] = {[CLEAN] = EKS_TEST_ACCURACY,
                                                 [SHIFTED] = EKS_EXTRA + SHIFTED,
                                                 [ADAPTED] = EKS_EXTRA + ADAPTED,
                                                 [ONE_CLASS] = EKS_EXTRA + ONE_CLASS};
    const eks_pool *pool;
    eks_scale scale = eks_scale_mlp(study);
    EKS_TRY(eks_pool_get(study, EKS_GREY, scale.side, &pool, err));
    eks_recipe recipe = eks_recipe_make("one network", "mlp", pool, scale);
    recipe.end = end;
    recipe.choice = study->sabotaged;
    EKS_TRY(eks_lab(study, &recipe, ARMS, scale.seeds, metrics, METRICS, evidence, err));
    evidence->metrics[SHIFTED] = "shifted, as trained";
    evidence->metrics[ADAPTED] = "shifted, measured again";
    evidence->metrics[ONE_CLASS] = "shifted, measured on one class";
    for (int m = 0; m < METRICS; m++) evidence->metric_percent[m] = 1;
    return EK_OK;
}

static void show(eks_evidence *evidence) {
    evidence->caption = "Test accuracy on images with 0.4 of the contrast, brighter by 0.3";
}

const eks_design eks_extra17 = {
    .number = 17,
    .taught = "Measuring the statistics again on unlabelled images of the new kind adapts a network.",
    .prediction = "A change of contrast and brightness costs accuracy; new statistics bring it back. Statistics of a "
                  "single class harm.",
    .refuter =
        "Accuracy that does not come back to within 3 points, or single-class statistics as good as proper ones.",
    .method = "Networks of three hidden layers; test images with 0.4 of the contrast and brighter by 0.3; statistics "
              "over 500 training images changed alike, or 50 of one class.",
    .sabotage = "wrong-domain",
    .sabotage_what = "the statistics are measured on unchanged images",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [LOST] = {"accuracy lost by the change", EKS_AT_LEAST, 0.03, .control = 1, .percent = 1,
                      EKS_METRIC_DIFF(NETWORK, CLEAN, SHIFTED)},
            [REGAINED] = {"accuracy regained: measured again less as trained", EKS_AT_LEAST, 0.02, .percent = 1,
                          EKS_METRIC_DIFF(NETWORK, ADAPTED, SHIFTED)},
            [LEFT] = {"left after adapting: unchanged images less adapted", EKS_AT_MOST, 0.03, .percent = 1,
                      EKS_METRIC_DIFF(NETWORK, CLEAN, ADAPTED)},
            [ONE_CLASS_HARM] = {"proper statistics less those of one class", EKS_AT_LEAST, 0.05, .percent = 1,
                                EKS_METRIC_DIFF(NETWORK, ADAPTED, ONE_CLASS)},
        },
    .run = run,
    .show = show,
};
