/* card09.c: layer norm against batch norm, by what an example's output depends on.
 *
 * One example is normalized alone and among different batch mates, at different positions, in training and in
 * inference. Under layer norm its output must have the same bits every time; under batch norm it must move.
 */
#include "study/lab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYER, WHOLE, FOUR, CNN_LN, CNN_BN, ARMS };
enum { ACCURACY, LOSS, METRICS };
enum { FEATURES = 48, MOST = 32, DRAWS = 24 };
enum {
    LAYER_MATES,
    LAYER_MODES,
    BATCH_MATES,
    BATCH_MODES,
    ENCODER_GAIN,
    ENCODER_GAIN_GROWS,
    CONVOLUTION_GAIN,
    ENDPOINTS
};
enum { AS_TAUGHT, IN_TRANSFORMERS, EVERYWHERE };

static const int64_t batches[] = {2, 4, 8, 32};

typedef struct observer {
    eks_study *study;
    ek_norm_kind kind;
    const float *example;
    float *running_mean, *running_var;
    float *x, *y; /* room for MOST examples */
} observer;

/* The example among `batch - 1` mates of draw `draw`, at a position that depends on the draw; writes its output. */
static ek_status observe(const observer *o, int64_t batch, ek_norm_stats stats, int draw, float *out, ek_error *err) {
    const int64_t dims[] = {batch, FEATURES};
    uint64_t seed = o->study->options->seed;
    for (int64_t i = 0; i < batch; i++)
        eks_fill_normal(o->x + i * FEATURES, FEATURES, seed, (uint64_t)(9100 + draw * 100 + i), 0.5 * (double)(i % 5),
                        1 + 0.25 * (double)(i % 3));
    int64_t position = (int64_t)draw % batch;
    memcpy(o->x + position * FEATURES, o->example, FEATURES * sizeof(float));
    eks_norm call = eks_norm_call(o->kind, 2, dims, o->x, o->y);
    call.stats = stats;
    call.running_mean = o->running_mean;
    call.running_var = o->running_var;
    EKS_TRY(o->study->uses.normalize(&call, err));
    memcpy(out, o->y + position * FEATURES, FEATURES * sizeof(float));
    return EK_OK;
}

/* Compares every batch size and draw with the first; fills one row of the table per batch size. */
static ek_status compare(const observer *o, const char *name, eks_evidence *evidence, eks_series *series,
                         int64_t *differing, double *change, ek_error *err) {
    float alone[FEATURES], out[FEATURES];
    int first = 1;
    *differing = 0;
    *change = 0;
    for (int k = 0; k < 4; k++) {
        int64_t values = 0;
        double most = 0;
        for (int draw = 0; draw < DRAWS; draw++) {
            EKS_TRY(observe(o, batches[k], EK_STATS_BATCH, draw, first ? alone : out, err));
            if (batches[k] == 8) eks_point(series, draw + 1, (double)(first ? alone : out)[0]);
            if (first) {
                first = 0;
                continue;
            }
            values += eks_differing(alone, out, FEATURES);
            most = fmax(most, eks_max_difference(alone, out, FEATURES));
        }
        int row = eks_table_row(&evidence->table);
        eks_cell_text(&evidence->table, row, 0, "%s", name);
        eks_cell_number(&evidence->table, row, 1, (double)batches[k]);
        eks_cell_number(&evidence->table, row, 2, (double)values);
        eks_cell_number(&evidence->table, row, 3, most);
        *differing += values;
        *change = fmax(*change, most);
    }
    return EK_OK;
}

/* Layer norm alone (batch 1), and batch norm in training against inference. */
static ek_status modes(observer *o, eks_evidence *evidence, ek_error *err) {
    float training[FEATURES], inference[FEATURES], alone[FEATURES];
    o->kind = EK_NORM_LAYER;
    EKS_TRY(observe(o, 1, EK_STATS_BATCH, 0, alone, err));
    EKS_TRY(observe(o, 8, EK_STATS_BATCH, 3, training, err));
    EKS_TRY(observe(o, 8, EK_STATS_RUNNING, 5, inference, err));
    evidence->values[LAYER_MODES] =
        (double)(eks_differing(alone, training, FEATURES) + eks_differing(training, inference, FEATURES));
    o->kind = EK_NORM_BATCH;
    EKS_TRY(observe(o, 8, EK_STATS_BATCH, 3, training, err));
    EKS_TRY(observe(o, 8, EK_STATS_RUNNING, 5, inference, err));
    evidence->values[BATCH_MODES] = eks_max_difference(training, inference, FEATURES);
    return EK_OK;
}

/* A transformer encoder that reads images row by row, rows without ink masked; and a convolutional network. */
static void arms(const eks_study *study, const eks_pool *grey, const eks_pool *photos, eks_recipe recipes[ARMS]) {
    static const char *const names[ARMS] = {
        [LAYER] = "encoder, layer norm",       [WHOLE] = "encoder, batch norm over 32",
        [FOUR] = "encoder, batch norm over 4", [CNN_LN] = "convolutions, layer norm",
        [CNN_BN] = "convolutions, batch norm",
    };
    for (int i = 0; i < ARMS; i++) {
        int convolutions = i >= CNN_LN;
        eks_recipe *r = &recipes[i];
        *r = eks_recipe_make(names[i], convolutions ? eks_network_name(study) : "encoder", convolutions ? photos : grey,
                             eks_scale_cnn(study));
        r->build.norm = i == LAYER || i == CNN_LN ? EK_NORM_LAYER : EK_NORM_BATCH;
        if (convolutions) continue;
        r->images = study->level == EKS_LEVEL_QUICK ? 640 : 2000;
        r->epochs = study->level == EKS_LEVEL_QUICK ? 5 : 8;
        r->train.virtual_batch = i == FOUR ? 4 : 0; /* the same steps, images and rate for all three */
        r->train.optimizer = EK_ADAM;
        r->train.lr = 0.005;
        r->change.raw = 1; /* paper is 0, which is what the mask looks for */
    }
}

static ek_status forms(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const char *const columns[] = {"norm", "batch size", "values that differ", "largest change"};
    float example[FEATURES], mean[FEATURES], var[FEATURES], x[MOST * FEATURES], y[MOST * FEATURES];
    eks_fill_normal(example, FEATURES, study->options->seed, 9000, 1, 2);
    for (int i = 0; i < FEATURES; i++) {
        mean[i] = 1;
        var[i] = 1.25F;
    }
    observer o = {study, EK_NORM_LAYER, example, mean, var, x, y};
    int64_t differing;
    double change;
    eks_table_begin(&evidence->table, "One example among 24 sets of batch mates, at changing positions", 4, columns);
    eks_chart *chart = &evidence->chart;
    chart->kind = EKS_CHART_XY;
    chart->title = "One normalized value of one example, batch of 8, 24 sets of batch mates";
    chart->description = "Under layer norm the value should be the same for every set of batch mates; under batch norm "
                         "it should move with them.";
    chart->x_label = "set of batch mates";
    chart->y_label = "normalized value";
    eks_series *layer = eks_chart_series(chart, "layer norm", EKS_LINE);
    EKS_TRY(compare(&o, "layer", evidence, layer, &differing, &change, err));
    evidence->values[LAYER_MATES] = (double)differing;
    o.kind = EK_NORM_BATCH;
    eks_series *batch = eks_chart_series(chart, "batch norm", EKS_DOTS);
    EKS_TRY(compare(&o, "batch", evidence, batch, &differing, &change, err));
    evidence->values[BATCH_MATES] = change;
    return modes(&o, evidence, err);
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[METRICS] = {[ACCURACY] = EKS_TEST_ACCURACY, [LOSS] = EKS_TEST_LOSS};
    eks_recipe recipes[ARMS];
    const eks_pool *grey, *photos;
    eks_scale scale = eks_scale_cnn(study);
    EKS_TRY(eks_pool_get(study, EKS_GREY, study->level == EKS_LEVEL_FULL ? 28 : 14, &grey, err));
    EKS_TRY(eks_pool_get(study, EKS_COLOUR, scale.side, &photos, err));
    arms(study, grey, photos, recipes);
    EKS_TRY(eks_lab(study, recipes, ARMS, study->level == EKS_LEVEL_QUICK ? 3 : scale.seeds, metrics, METRICS, evidence,
                    err));
    evidence->data = grey->name;
    return EK_OK;
}

const eks_design eks_card09 = {
    .number = 9,
    .taught = "Layer norm normalizes over the features of each example, batch norm over the batch.",
    .prediction = "Under layer norm an example's output has the same bits whoever else is in the batch, wherever it "
                  "stands, and in training as in inference. Under batch norm all of these change it.",
    .refuter = "One differing bit under layer norm, or batch norm that does not move by at least 0.01.",
    .method = "One example of 48 features among 24 random sets of mates in batches of 2, 4, 8 and 32, alone, and with "
              "batch or running statistics. A transformer encoder reads images row by row, rows without ink masked, "
              "in the same steps of 32 images for all norms, batch norm over 32 or over 4 of them; six convolutions.",
    .readings =
        {
            [AS_TAUGHT] = {"as taught", "Layer norm works within an example, batch norm across the batch.",
                           EKS_SUPPORTED, LAYER_MATES,
                           "Under layer norm # values moved with other batch mates; under batch norm they did.",
                           "Under layer norm # values moved with other batch mates."},
            [IN_TRANSFORMERS] = {"as taught", "In a transformer with small batches layer norm is the better one.",
                                 EKS_NOT_MEASURED, ENCODER_GAIN, "In the encoder layer norm was ahead by #.",
                                 "In the encoder layer norm was not ahead: #."},
            [EVERYWHERE] = {"overdrawn", "Layer norm is better everywhere, also in a convolutional network.",
                            EKS_NOT_MEASURED, CONVOLUTION_GAIN, "With convolutions layer norm was ahead by #.",
                            "With convolutions layer norm was behind: #."},
        },
    .sabotage = "layer-over-batch",
    .sabotage_what = "layer norm also runs over the batch",
    .pilot = EKS_PILOT_AGAIN,
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [LAYER_MATES] = {"layer norm: values that differ with other batch mates", EKS_EXACTLY, 0},
            [LAYER_MODES] = {"layer norm: values that differ alone, in training, in inference", EKS_EXACTLY, 0},
            [BATCH_MATES] = {"batch norm: largest change with other batch mates", EKS_AT_LEAST, 0.01},
            [BATCH_MODES] = {"batch norm: largest change from training to inference", EKS_AT_LEAST, 0.01},
            [ENCODER_GAIN] = {"encoder: accuracy of layer norm less batch norm over 4", EKS_AT_LEAST, 0, .percent = 1,
                              .reading = IN_TRANSFORMERS, EKS_DIFF(LAYER, FOUR, ACCURACY)},
            [ENCODER_GAIN_GROWS] = {"encoder: batch norm over 32 less over 4", EKS_AT_LEAST, 0, .percent = 1,
                                    .reading = IN_TRANSFORMERS, EKS_DIFF(WHOLE, FOUR, ACCURACY)},
            [CONVOLUTION_GAIN] = {"convolutions: accuracy of layer norm less batch norm", EKS_AT_LEAST, 0, .percent = 1,
                                  .reading = EVERYWHERE, EKS_DIFF(CNN_LN, CNN_BN, ACCURACY)},
        },
    .predict =
        {
            .question = "A layer norm sees an image alone, and again among other batch mates. How many of its result’s "
                        "values differ?",
            .choices = {"All, a little", "None, not in one bit", "None in evaluation, some in training"},
            .correct = 1,
            .why = "No value of another example enters, so there is nothing that could differ, whatever the mode.",
            .endpoint = LAYER_MATES,
        },
    .quiz =
        {
            .question = "Which of these computes the same in training and in evaluation?",
            .choices = {"Layer norm alone", "Batch norm alone", "Both, once trained", "Neither of the two"},
            .correct = 0,
            .why = "Layer norm has no running statistics, so there is nothing to switch over to.",
            .endpoint = LAYER_MODES,
        },
    .forms = forms,
    .run = run,
};
