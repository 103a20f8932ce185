/* card07.c: what momentum does to running statistics, against three closed forms.
 *
 * An exponential moving average forgets its initial value as mᵗ; at rest, its variance is (1-m)/(1+m) of one batch's;
 * and the same number means opposite things in the two conventions, so that KEEP with m must equal REPLACE with 1-m.
 * All three go through ek_norm_update_running. The second is the sum of the squared weights that batches have in the
 * mean, which are measured one by one, and is seen once more in 4,096 channels of random batches.
 */
#include "study/seam.h"

#include <math.h>
#include <stdlib.h>

enum { CHANNELS = 4096, PER_BATCH = 4, STEPS = 1000, MOMENTA = 3, SHOWN = 3 };
enum { WEIGHT_LEFT, AT_REST, CONVERTED, TRAP, SQUARED_WEIGHTS, ENDPOINTS };

static const double momenta[MOMENTA] = {0.9, 0.99, 0.999};
static const double resting[MOMENTA] = {0.5, 0.9, 0.99}; /* those that come to rest within STEPS */
static const int shown[SHOWN] = {10, 100, 1000};         /* steps in the table */

/* `steps` updates of the running mean by batches that `x` holds, one after the other (`stride` floats apart). */
static ek_status update(eks_study *study, double m, ek_momentum_convention convention, int64_t channels, int64_t rows,
                        const float *x, float *mean, float *var, ek_error *err) {
    const int64_t dims[] = {rows, channels};
    float *y = eks_floats((size_t)(rows * channels), err);
    if (!y) return EK_ERR_NOMEM;
    eks_norm call = eks_norm_call(EK_NORM_BATCH, 2, dims, x, y);
    call.desc.momentum = m;
    call.desc.momentum_convention = convention;
    call.running_mean = mean;
    call.running_var = var;
    call.update = 1;
    ek_status status = study->uses.normalize(&call, err);
    free(y);
    return status;
}

/* One row of the table: what is left of 1 after t steps, measured and predicted. */
static void weight_row(eks_table *table, int t, double m, double measured) {
    const double values[] = {t, m, measured, pow(m, t)};
    int row = eks_table_row(table);
    for (int i = 0; i < 4; i++) {
        if (values[i] < 1e-30)
            eks_cell_text(table, row, i, "under 10⁻³⁰");
        else
            eks_cell_number(table, row, i, values[i]);
    }
}

/* Constant zero batches: what is left of an initial value 1 after t steps is m^t. */
static ek_status forgetting(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const char *const columns[] = {"steps t", "m", "weight left", "mᵗ"};
    static const char *const names[] = {"m = 0.9", "m = 0.99", "m = 0.999"};
    const float zeros[PER_BATCH] = {0};
    eks_table_begin(&evidence->table, "What is left of the initial value 1 in the running mean", 4, columns);
    for (int k = 0; k < MOMENTA; k++) {
        float mean = 1, var = 1;
        double next = 1; /* step of the next point of the chart, ten to a decade */
        eks_series *series = eks_chart_series(&evidence->chart, names[k], EKS_LINE);
        for (int t = 1; t <= STEPS; t++) {
            EKS_TRY(update(study, momenta[k], EK_MOMENTUM_KEEP, 1, PER_BATCH, zeros, &mean, &var, err));
            evidence->values[WEIGHT_LEFT] =
                fmax(evidence->values[WEIGHT_LEFT], fabs((double)mean - pow(momenta[k], t)));
            if (t >= floor(next + 0.5)) {
                eks_point(series, t, (double)mean);
                while (floor(next + 0.5) <= t) next *= pow(10, 0.1);
            }
            for (int i = 0; i < SHOWN; i++)
                if (t == shown[i]) weight_row(&evidence->table, t, momenta[k], (double)mean);
        }
    }
    return EK_OK;
}

/* The weight of every batch in the running mean: channel t is 1 in batch t and 0 in all others. The variance of a mean
 * of independent batches is the sum of the squared weights. */
static ek_status squared_weights(eks_study *study, eks_evidence *evidence, ek_error *err) {
    float *x = eks_floats((size_t)STEPS * PER_BATCH, err), *mean = eks_floats(STEPS, err),
          *var = eks_floats(STEPS, err);
    ek_status status = x && mean && var ? EK_OK : EK_ERR_NOMEM;
    for (int k = 0; k < MOMENTA && status == EK_OK; k++) {
        double sum = 0, m = resting[k], predicted = (1 - m) / (1 + m);
        for (int t = 0; t < STEPS; t++) mean[t] = var[t] = 0;
        for (int t = 0; t < STEPS && status == EK_OK; t++) {
            for (int i = 0; i < PER_BATCH; i++) x[i * STEPS + t] = 1;
            status = update(study, m, EK_MOMENTUM_KEEP, STEPS, PER_BATCH, x, mean, var, err);
            for (int i = 0; i < PER_BATCH; i++) x[i * STEPS + t] = 0;
        }
        for (int t = 0; t < STEPS; t++) sum += (double)mean[t] * (double)mean[t];
        evidence->values[SQUARED_WEIGHTS] = fmax(evidence->values[SQUARED_WEIGHTS], fabs(sum / predicted - 1));
    }
    free(var);
    free(mean);
    free(x);
    return status;
}

/* Variance of the running mean over channels, as a share of the variance 1/PER_BATCH of one batch's mean. */
static ek_status at_rest(eks_study *study, eks_evidence *evidence, ek_error *err) {
    size_t count = (size_t)CHANNELS * PER_BATCH;
    float *x = eks_floats(count, err), *mean = eks_floats((size_t)CHANNELS * MOMENTA, err);
    float *var = eks_floats((size_t)CHANNELS * MOMENTA, err);
    ek_status status = x && mean && var ? EK_OK : EK_ERR_NOMEM;
    for (uint64_t t = 0; t < STEPS && status == EK_OK; t++) {
        for (size_t i = 0; i < count; i++) /* uniform with deviation 1 */
            x[i] = (float)((eks_uniform(study->options->seed, 7000 + t, i) - 0.5) * 3.4641016151377544);
        for (int k = 0; k < MOMENTA && status == EK_OK; k++)
            status = update(study, resting[k], EK_MOMENTUM_KEEP, CHANNELS, PER_BATCH, x, mean + k * CHANNELS,
                            var + k * CHANNELS, err);
    }
    for (int k = 0; k < MOMENTA && status == EK_OK; k++) {
        double centre, spread, m = resting[k], predicted = (1 - m) / (1 + m);
        eks_moments(mean + k * CHANNELS, CHANNELS, 1, &centre, &spread);
        double measured = spread * PER_BATCH;
        evidence->values[AT_REST] = fmax(evidence->values[AT_REST], fabs(measured / predicted - 1));
        int row = eks_table_row(&evidence->table);
        eks_cell_text(&evidence->table, row, 0, "at rest");
        eks_cell_number(&evidence->table, row, 1, m);
        eks_cell_text(&evidence->table, row, 2, "variance %.4f", measured);
        eks_cell_text(&evidence->table, row, 3, "(1−m)/(1+m) = %.4f", predicted);
    }
    free(var);
    free(mean);
    free(x);
    return status;
}

/* The same ten batches in both conventions: KEEP m against REPLACE 1-m, and against REPLACE m (the trap). */
static ek_status conventions(eks_study *study, eks_evidence *evidence, ek_error *err) {
    float x[PER_BATCH], mean[3] = {1, 1, 1}, var[3] = {1, 1, 1};
    for (uint64_t t = 0; t < 10; t++) {
        eks_fill_normal(x, PER_BATCH, study->options->seed, 70 + t, 5, 1);
        EKS_TRY(update(study, 0.9, EK_MOMENTUM_KEEP, 1, PER_BATCH, x, &mean[0], &var[0], err));
        EKS_TRY(update(study, 0.1, EK_MOMENTUM_REPLACE, 1, PER_BATCH, x, &mean[1], &var[1], err));
        EKS_TRY(update(study, 0.9, EK_MOMENTUM_REPLACE, 1, PER_BATCH, x, &mean[2], &var[2], err));
    }
    evidence->values[CONVERTED] = fmax(fabs((double)(mean[0] - mean[1])), fabs((double)(var[0] - var[1])));
    evidence->values[TRAP] = fabs((double)(mean[0] - mean[2]));
    return EK_OK;
}

static ek_status forms(eks_study *study, eks_evidence *evidence, ek_error *err) {
    for (int i = 0; i < eks_card07.endpoint_count; i++) evidence->values[i] = 0;
    eks_chart *chart = &evidence->chart;
    chart->kind = EKS_CHART_XY;
    chart->title = "Weight of the initial value in the running mean";
    chart->description = "The lines should fall to about 0.37 after 1/(1 − m) steps, that is after 10, 100 and 1,000.";
    chart->x_label = "training steps";
    chart->y_label = "weight left";
    chart->x_log = 1;
    chart->y_max = 1.05;
    EKS_TRY(forgetting(study, evidence, err));
    EKS_TRY(squared_weights(study, evidence, err));
    EKS_TRY(at_rest(study, evidence, err));
    return conventions(study, evidence, err);
}

const eks_design eks_card07 = {
    .number = 7,
    .taught = "The running statistics are an exponential moving average: running ← m · running + (1 − m) · batch.",
    .prediction = "After t steps the initial value keeps the weight mᵗ. Once at rest, the running mean varies with (1 "
                  "− m)/(1 + m) of the variance of one batch mean. PyTorch's momentum is 1 − m: the two conventions "
                  "agree when, and only when, the number is converted.",
    .refuter =
        "A weight that leaves mᵗ by more than 0.00001, squared weights that do not sum to (1 − m)/(1 + m) within "
        "0.00001, a resting variance more than 10% off, or two conventions that disagree after conversion.",
    .method = "1,000 updates of one channel by constant batches; the weight of each of 1,000 batches, one by one; "
              "1,000 updates of 4,096 channels by random batches of 4 values; ten batches in both conventions.",
    .sabotage = "swap-momentum",
    .sabotage_what = "m is used where 1 − m belongs",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [WEIGHT_LEFT] = {"largest distance of the initial value's weight from mᵗ", EKS_AT_MOST, 1e-5},
            [AT_REST] = {"largest relative error of (1 − m)/(1 + m) at rest", EKS_AT_MOST, 0.1},
            [CONVERTED] = {"keep 0.9 against replace 0.1: largest difference", EKS_AT_MOST, 1e-5},
            [TRAP] = {"keep 0.9 against replace 0.9, the trap: difference", EKS_AT_LEAST, 0.1, .control = 1},
            [SQUARED_WEIGHTS] = {"largest relative error of the squared weights' sum", EKS_AT_MOST, 1e-5},
        },
    .predict =
        {
            .question = "The running mean keeps a share m = 0.99 at each step. After 100 steps, how much of it is "
                        "still the initial value?",
            .choices = {"Nothing", "About 1%", "About a third"},
            .correct = 2,
            .why = "0.99 to the power of 100 is 0.37. Evaluate early and you evaluate the initial 0 and 1.",
            .endpoint = WEIGHT_LEFT,
        },
    .quiz =
        {
            .question = "A PyTorch model has momentum 0.1. Which momentum does it have in ONNX?",
            .choices = {"0.9", "0.1", "0.5", "1.0"},
            .correct = 0,
            .why = "PyTorch counts the share replaced, ONNX the share kept. Unconverted, the running statistics follow "
                   "nearly the last batch alone.",
            .endpoint = CONVERTED,
        },
    .forms = forms,
};
