/* card01.c: what batch norm does to a channel, against its closed form.
 *
 * Eight channels whose deviations span six powers of ten go through a batch norm without scale and bias. The mean of
 * every channel must come out as 0 and its variance as v/(v + epsilon), which is not 1: the channel of deviation 0.001
 * keeps a tenth of unit variance. Multiplying the input by a must not change the output where a^2 v is far above
 * epsilon, and scale = sqrt(v + epsilon), bias = mean must give the input back.
 */
#include "study/seam.h"

#include <math.h>
#include <stdlib.h>

enum { N = 16, C = 8, H = 12, W = 12, PLANE = H * W, COUNT = N * C * PLANE };
enum { MEAN_LEFT, VARIANCE_OFF, CHANGE_WITH_SCALE, UNDO_ERROR, EPSILON_SHOWS, ENDPOINTS };

static const double deviation[C] = {1e-3, 3e-3, 1e-2, 3e-2, 0.1, 1, 30, 1000};
static const double centre[C] = {0.002, -0.01, 0.05, 0.1, -0.3, 2, 50, -3000};

/* Moments of channel c over (N, H, W), in double. */
static void channel_moments(const float *x, int c, double *mean, double *var) {
    double total = 0, squares = 0;
    for (int n = 0; n < N; n++)
        for (int i = 0; i < PLANE; i++) total += (double)x[(n * C + c) * PLANE + i];
    *mean = total / (N * PLANE);
    for (int n = 0; n < N; n++)
        for (int i = 0; i < PLANE; i++) {
            double d = (double)x[(n * C + c) * PLANE + i] - *mean;
            squares += d * d;
        }
    *var = squares / (N * PLANE);
}

static void fill(float *x, uint64_t seed) {
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            eks_fill_normal(x + (n * C + c) * PLANE, PLANE, seed, (uint64_t)(1000 + n * C + c), centre[c],
                            deviation[c]);
}

/* Mean and variance per channel; also the chart of variance against deviation. */
static void moments_evidence(const float *x, const float *y, double epsilon, eks_evidence *evidence) {
    static const char *const columns[] = {"deviation in", "mean out", "variance out", "v / (v + ε)"};
    eks_table_begin(&evidence->table, "Each channel after batch norm, before scale and bias", 4, columns);
    eks_chart *chart = &evidence->chart;
    eks_series *law = eks_chart_series(chart, "predicted: v / (v + ε)", EKS_LINE);
    for (int i = 0; i <= 48; i++) {
        double s = pow(10, -3 + i / 8.0);
        eks_point(law, s, s * s / (s * s + epsilon));
    }
    eks_series *dots = eks_chart_series(chart, "measured", EKS_DOTS);
    for (int c = 0; c < C; c++) {
        double mean_in, var_in, mean, var;
        channel_moments(x, c, &mean_in, &var_in);
        channel_moments(y, c, &mean, &var);
        double predicted = var_in / (var_in + epsilon);
        evidence->values[MEAN_LEFT] = fmax(evidence->values[MEAN_LEFT], fabs(mean));
        evidence->values[VARIANCE_OFF] = fmax(evidence->values[VARIANCE_OFF], fabs(var - predicted));
        evidence->values[EPSILON_SHOWS] = fmax(evidence->values[EPSILON_SHOWS], fabs(var - 1));
        eks_point(dots, sqrt(var_in), var);
        int row = eks_table_row(&evidence->table);
        eks_cell_number(&evidence->table, row, 0, sqrt(var_in));
        eks_cell_number(&evidence->table, row, 1, mean);
        eks_cell_number(&evidence->table, row, 2, var);
        eks_cell_number(&evidence->table, row, 3, predicted);
    }
}

/* Largest change of the output when the input is multiplied by a, over channels with a^2 v and v >= 1e4 epsilon. */
static ek_status scale_change(eks_study *study, const float *x, const float *y, double epsilon, double *worst,
                              ek_error *err) {
    const int64_t dims[] = {N, C, H, W};
    const double factors[] = {1e-3, 0.03, 7, 1e3};
    float *scaled = eks_floats(COUNT, err), *out = eks_floats(COUNT, err);
    ek_status status = scaled && out ? EK_OK : EK_ERR_NOMEM;
    for (int k = 0; k < 4 && status == EK_OK; k++) {
        for (int i = 0; i < COUNT; i++) scaled[i] = (float)(factors[k] * (double)x[i]);
        eks_norm call = eks_norm_call(EK_NORM_BATCH, 4, dims, scaled, out);
        status = study->uses.normalize(&call, err);
        if (status != EK_OK) break;
        for (int i = 0; i < COUNT; i++) {
            double s = deviation[i / PLANE % C], a = fmin(1, factors[k]);
            if (a * a * s * s < 1e4 * epsilon) continue;
            *worst = fmax(*worst, fabs((double)out[i] - (double)y[i]) / fmax(1, fabs((double)y[i])));
        }
    }
    free(out);
    free(scaled);
    return status;
}

/* scale = sqrt(v + epsilon), bias = mean: how far the output is from the input, relative to its largest value. */
static ek_status undo_error(eks_study *study, const float *x, double epsilon, double *worst, ek_error *err) {
    const int64_t dims[] = {N, C, H, W};
    float scale[C], bias[C], *out = eks_floats(COUNT, err);
    if (!out) return EK_ERR_NOMEM;
    double most[C] = {0};
    for (int c = 0; c < C; c++) {
        double mean, var;
        channel_moments(x, c, &mean, &var);
        scale[c] = (float)sqrt(var + epsilon);
        bias[c] = (float)mean;
    }
    for (int i = 0; i < COUNT; i++) most[i / PLANE % C] = fmax(most[i / PLANE % C], fabs((double)x[i]));
    eks_norm call = eks_norm_call(EK_NORM_BATCH, 4, dims, x, out);
    call.scale = scale;
    call.bias = bias;
    ek_status status = study->uses.normalize(&call, err);
    for (int i = 0; i < COUNT && status == EK_OK; i++)
        *worst = fmax(*worst, fabs((double)out[i] - (double)x[i]) / most[i / PLANE % C]);
    free(out);
    return status;
}

static ek_status forms(eks_study *study, eks_evidence *evidence, ek_error *err) {
    const int64_t dims[] = {N, C, H, W};
    float *x = eks_floats(COUNT, err), *y = eks_floats(COUNT, err);
    ek_status status = x && y ? EK_OK : EK_ERR_NOMEM;
    if (status != EK_OK) goto done;
    fill(x, study->options->seed);
    eks_norm call = eks_norm_call(EK_NORM_BATCH, 4, dims, x, y);
    EKS_TRY_DONE(study->uses.normalize(&call, err));
    for (int i = 0; i < eks_card01.endpoint_count; i++) evidence->values[i] = 0;
    evidence->chart.kind = EKS_CHART_XY;
    evidence->chart.title = "Variance of a channel after batch norm";
    evidence->chart.description = "The dots should lie on the line: close to 1 for channels whose deviation is far "
                                  "above √ε = 0.003, and far below 1 for smaller ones.";
    evidence->chart.x_label = "deviation of the channel before";
    evidence->chart.y_label = "variance after";
    evidence->chart.x_log = 1;
    evidence->chart.y_max = 1.1;
    moments_evidence(x, y, call.desc.epsilon, evidence);
    EKS_TRY_DONE(scale_change(study, x, y, call.desc.epsilon, &evidence->values[CHANGE_WITH_SCALE], err));
    EKS_TRY_DONE(undo_error(study, x, call.desc.epsilon, &evidence->values[UNDO_ERROR], err));
done:
    free(y);
    free(x);
    return status;
}

const eks_design eks_card01 = {
    .number = 1,
    .taught = "Batch norm gives every channel mean 0 and variance 1, then scales and shifts it.",
    .prediction = "Before scale and bias, each channel has mean 0 and variance v/(v + ε), where v is its variance "
                  "before. The output does not change when the input is multiplied by a constant, as long as v stays "
                  "far above ε. Scale √(v + ε) with bias μ returns the input.",
    .refuter = "One channel whose mean or variance is off by more than 0.00001, an output that follows the size of the "
               "input, or an input that does not come back.",
    .method = "Random activations, 16 × 8 × 12 × 12, channel deviations from 0.001 to 1000, ε = 0.00001. Moments of "
              "the output are taken in double precision over (N, H, W).",
    .sabotage = "skip-mean",
    .sabotage_what = "the mean is not subtracted",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [MEAN_LEFT] = {"largest |mean| of a channel", EKS_AT_MOST, 1e-5},
            [VARIANCE_OFF] = {"largest distance of a variance from v/(v + ε)", EKS_AT_MOST, 1e-5},
            [CHANGE_WITH_SCALE] = {"largest change of the output, input × 0.001 to × 1000", EKS_AT_MOST, 1e-4},
            [UNDO_ERROR] = {"largest relative error of the input given back", EKS_AT_MOST, 1e-5},
            [EPSILON_SHOWS] = {"largest distance of a variance from 1 (so ε is visible at all)", EKS_AT_LEAST, 0.5,
                               .control = 1},
        },
    .predict =
        {
            .question =
                "A channel of deviation 0.001 goes through batch norm with ε = 0.00001. What variance comes out?",
            .choices = {"1, like every other channel", "About a tenth", "0"},
            .correct = 1,
            .why = "v/(v + ε) with v = 0.000001 is a tenth. For such a channel ε decides, not the batch.",
            .endpoint = VARIANCE_OFF,
        },
    .quiz =
        {
            .question = "The input of a batch norm is multiplied by 7. What happens to its output?",
            .choices = {"It stays, far above ε", "It grows sevenfold too", "It shrinks to a seventh",
                        "It turns into β alone"},
            .correct = 0,
            .why =
                "Mean and deviation grow by the same factor as the values, and it cancels. Near ε it no longer does.",
            .endpoint = CHANGE_WITH_SCALE,
        },
    .forms = forms,
};
