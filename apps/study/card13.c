/* card13.c: fine-tuning with the statistics live, frozen, or measured again: which wins depends on data and batch.
 *
 * A network is trained once per seed; then it is fine-tuned on few images of the same kind in tiny batches, and on more
 * images of a shifted kind (brighter, with less contrast) in ordinary ones. The claim is the change of sign between the
 * two. An extra arm shows that frozen statistics leave scale and bias free.
 */
#include "study/lab.h"

#include <stdlib.h>
#include <string.h>

enum { MODES = 5, ARMS = 2 * MODES, MOST_SEEDS = EKS_SEEDS };
enum { ACCURACY, LOSS, METRICS };
enum { LIVE, STATS_FROZEN, ALL_FROZEN, MEASURED_AGAIN, SMALL_RATE };
enum {
    FROZEN_GAIN,
    SHIFTED_LIVE_GAIN,
    SHIFTED_MEASURED_GAIN,
    LEARNED,
    SMALL_RATE_GAIN,
    SHIFTED_FROZEN_GAIN,
    ENDPOINTS
};
enum { AS_TAUGHT, SMALL_RATE_HELPS, ALWAYS_FREEZE };
#define SAME(mode) (mode)
#define SHIFTED(mode) (MODES + (mode))

static ek_status begin(eks_run *run, ek_error *err) {
    const eks_recipe *r = run->recipe;
    int mode = r->choice;
    if (mode == MEASURED_AGAIN)
        EKS_TRY(eks_lab_recalibrate(run->model, r->pool, &r->pool->train, r->pool->mixed, r->images, r->change, err));
    if (mode == LIVE || mode == SMALL_RATE) return EK_OK;
    return ek_model_freeze(run->model, "*", 1, mode == ALL_FROZEN, NULL, err);
}

static void arms(const eks_study *study, const eks_pool *pool, ek_model *const *start, eks_recipe recipes[ARMS]) {
    static const char *const names[ARMS] = {
        [SAME(LIVE)] = "same data: live",
        [SAME(STATS_FROZEN)] = "same data: statistics frozen",
        [SAME(ALL_FROZEN)] = "same data: all frozen",
        [SAME(MEASURED_AGAIN)] = "same data: measured again, frozen",
        [SAME(SMALL_RATE)] = "same data: live, small rate",
        [SHIFTED(LIVE)] = "shifted: live",
        [SHIFTED(STATS_FROZEN)] = "shifted: statistics frozen",
        [SHIFTED(ALL_FROZEN)] = "shifted: all frozen",
        [SHIFTED(MEASURED_AGAIN)] = "shifted: measured again, frozen",
        [SHIFTED(SMALL_RATE)] = "shifted: live, small rate",
    };
    int quick = study->level == EKS_LEVEL_QUICK;
    for (int i = 0; i < ARMS; i++) {
        eks_recipe *r = &recipes[i];
        int same = i < MODES;
        *r = eks_recipe_make(names[i], "mlp", pool, eks_scale_mlp(study));
        r->images = same ? 200 : quick ? 320 : 640;
        r->batch = same ? 2 : 32;
        r->epochs = same ? 2 : 3;
        r->train.lr = same ? 0.005 : 0.003;
        r->train.schedule = EK_SCHEDULE_COSINE;
        r->choice = i % MODES;
        if (study->sabotaged && r->choice == STATS_FROZEN) r->choice = LIVE;
        if (r->choice == SMALL_RATE) r->train.lr /= 10;
        if (!same) r->change = (eks_change){0.4, 0.3, 0};
        r->start = start;
        r->begin = begin;
    }
}

typedef struct pretraining {
    const eks_recipe *recipe;
    uint64_t seed;
    ek_model *models[MOST_SEEDS];
} pretraining;

static ek_status pretrain(void *context, int index, ek_error *err) {
    pretraining *p = context;
    eks_run run;
    memset(&run, 0, sizeof run);
    run.recipe = p->recipe;
    run.seed = eks_run_seed(p->seed, index);
    run.seed_index = index;
    ek_status status = eks_run_train(&run, err);
    p->models[index] = run.model;
    run.model = NULL;
    eks_run_free(&run);
    return status;
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[METRICS] = {[ACCURACY] = EKS_TEST_ACCURACY, [LOSS] = EKS_TEST_LOSS};
    eks_recipe recipes[ARMS];
    const eks_pool *pool;
    eks_scale scale = eks_scale_mlp(study);
    EKS_TRY(eks_pool_get(study, EKS_GREY, scale.side, &pool, err));
    eks_recipe first = eks_recipe_make("first training", "mlp", pool, scale);
    pretraining p = {.recipe = &first, .seed = study->options->seed};
    first.images = pool->train.count;
    ek_status status = eks_parallel(study, scale.seeds, pretrain, &p, err);
    if (status == EK_OK) {
        arms(study, pool, p.models, recipes);
        status = eks_lab(study, recipes, ARMS, scale.seeds, metrics, METRICS, evidence, err);
    }
    for (int i = 0; i < MOST_SEEDS; i++) ek_model_destroy(p.models[i]);
    if (status != EK_OK) return status;
    return EK_OK;
}

static void show(eks_evidence *evidence) {
    evidence->caption = "Mean over seeds, after fine-tuning";
    eks_chart_arms(evidence, ACCURACY, "Test accuracy after fine-tuning", "test accuracy",
                   "In tiny batches of the same kind frozen statistics should win; on shifted data they should not.");
}

const eks_design eks_card13 = {
    .number = 13,
    .taught = "On a small new data set sometimes freeze batch norm, or keep it trainable with a small rate; it depends "
              "on shift and batch size.",
    .prediction = "In batches of 2 of the same kind of image, frozen statistics beat live ones. On shifted images in "
                  "batches of 32, live or newly measured statistics beat frozen ones. The sign changes.",
    .refuter = "A sign that does not change: frozen statistics better, or worse, in both.",
    .method = "Networks of three hidden layers trained on all images, then fine-tuned: 200 images of the same kind in "
              "batches of 2; more images, brighter by 0.3 and with 0.4 of the contrast, in batches of 32. Five ways to "
              "treat batch norm; each seed starts from its own trained network.",
    .readings =
        {
            [AS_TAUGHT] = {"as taught", "Whether freezing wins depends on the shift and the batch size.", EKS_SUPPORTED,
                           FROZEN_GAIN, "In tiny batches freezing was ahead by #; on shifted images it was behind.",
                           "In tiny batches freezing was not ahead: #."},
            [SMALL_RATE_HELPS] = {"as taught", "A small rate with batch norm live is a remedy in tiny batches.",
                                  EKS_NOT_MEASURED, SMALL_RATE_GAIN, "A tenth of the rate helped by #.",
                                  "A tenth of the rate did not help: #."},
            [ALWAYS_FREEZE] = {"loose", "Always freeze batch norm when fine-tuning.", EKS_REFUTED, SHIFTED_FROZEN_GAIN,
                               "On shifted images freezing was ahead by #.",
                               "On shifted images freezing was behind: #."},
        },
    .sabotage = "thawed-statistics",
    .sabotage_what = "the statistics that should be frozen are live",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [FROZEN_GAIN] = {"same data, batch 2: frozen less live", EKS_AT_LEAST, 0.01, .percent = 1,
                             EKS_DIFF(SAME(STATS_FROZEN), SAME(LIVE), ACCURACY)},
            [SHIFTED_LIVE_GAIN] = {"shifted data, batch 32: live less frozen", EKS_AT_LEAST, 0.01, .percent = 1,
                                   EKS_DIFF(SHIFTED(LIVE), SHIFTED(STATS_FROZEN), ACCURACY)},
            [SHIFTED_MEASURED_GAIN] = {"shifted data: measured again less frozen", EKS_AT_LEAST, 0.01, .percent = 1,
                                       EKS_DIFF(SHIFTED(MEASURED_AGAIN), SHIFTED(STATS_FROZEN), ACCURACY)},
            [LEARNED] = {"same data: accuracy with frozen statistics", EKS_AT_LEAST, 0.5, .control = 1, .percent = 1,
                         EKS_MEAN(SAME(STATS_FROZEN), ACCURACY)},
            [SMALL_RATE_GAIN] = {"same data: live at a small rate less live", EKS_AT_LEAST, 0, .percent = 1,
                                 .reading = SMALL_RATE_HELPS, EKS_DIFF(SAME(SMALL_RATE), SAME(LIVE), ACCURACY)},
            [SHIFTED_FROZEN_GAIN] = {"shifted data: frozen less live", EKS_AT_LEAST, 0, .percent = 1,
                                     .reading = ALWAYS_FREEZE,
                                     EKS_DIFF(SHIFTED(STATS_FROZEN), SHIFTED(LIVE), ACCURACY)},
        },
    .predict =
        {
            .question = "A trained network is fine-tuned on a few hundred images of the same kind, two per batch. "
                        "Which statistics serve it better?",
            .choices = {"The frozen ones", "Live ones, since the data are new", "It makes no difference"},
            .correct = 0,
            .why = "Two images say little about a channel; the old statistics come from many images of the same kind.",
            .endpoint = FROZEN_GAIN,
        },
    .quiz =
        {
            .question =
                "Batch norm was “frozen” for fine-tuning, yet the accuracy decays. What is the classic mistake?",
            .choices = {"Statistics still follow the batches", "The γ and β are in half precision",
                        "The learning rate is far too small", "The weight decay was switched off"},
            .correct = 0,
            .why = "Freezing gradients and freezing statistics are different switches. In training mode the statistics "
                   "move without any gradient.",
            .endpoint = FROZEN_GAIN,
        },
    .run = run,
    .show = show,
};
