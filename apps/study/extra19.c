/* extra19.c: when epsilon takes over: the deviation that comes out as the channel's variance falls. */
#include "study/seam.h"

#include <math.h>

enum { ROWS = 256, POINTS = 13 };
enum { DEVIATION_ERROR, CONSTANT_ERROR, ENDPOINTS };

static ek_status forms(eks_study *study, eks_evidence *evidence, ek_error *err) {
    const int64_t dims[] = {ROWS, 1};
    float x[ROWS], y[ROWS], bias = 0.75F;
    eks_chart *chart = &evidence->chart;
    chart->kind = EKS_CHART_XY;
    chart->title = "Deviation of the output by deviation of the input, ε = 0.00001";
    chart->description = "The output should have deviation 1 above 0.01 and fall to nothing below √ε = 0.003.";
    chart->x_label = "deviation of the input";
    chart->y_label = "deviation of the output";
    chart->x_log = 1;
    chart->y_max = 1.05;
    eks_series *measured = eks_chart_series(chart, "measured", EKS_DOTS);
    eks_series *expected = eks_chart_series(chart, "√(v/(v + ε))", EKS_LINE);
    evidence->values[DEVIATION_ERROR] = 0;
    for (int i = 0; i < POINTS; i++) {
        double deviation = pow(10, -5 + i * 0.5), mean, in, out;
        eks_fill_normal(x, ROWS, study->options->seed, 1900 + (uint64_t)i, 0, deviation);
        eks_norm call = eks_norm_call(EK_NORM_BATCH, 2, dims, x, y);
        call.desc.epsilon = study->sabotaged ? 1e-3 : 1e-5;
        EKS_TRY(eks_normalize(&call, err));
        eks_moments(x, ROWS, 1, &mean, &in);
        eks_moments(y, ROWS, 1, &mean, &out);
        double formula = sqrt(in / (in + 1e-5));
        evidence->values[DEVIATION_ERROR] = fmax(evidence->values[DEVIATION_ERROR], fabs(sqrt(out) - formula));
        eks_point(measured, sqrt(in), sqrt(out));
        eks_point(expected, sqrt(in), formula);
    }
    for (int i = 0; i < ROWS; i++) x[i] = 123.4F;
    eks_norm call = eks_norm_call(EK_NORM_BATCH, 2, dims, x, y);
    call.bias = &bias;
    EKS_TRY(eks_normalize(&call, err));
    evidence->values[CONSTANT_ERROR] = 0;
    for (int i = 0; i < ROWS; i++)
        evidence->values[CONSTANT_ERROR] = fmax(evidence->values[CONSTANT_ERROR], fabs((double)y[i] - (double)bias));
    return EK_OK;
}

const eks_design eks_extra19 = {
    .number = 19,
    .taught = "The output's deviation is √(v/(v + ε)), so that a nearly constant channel is not blown up.",
    .prediction = "The measured deviation follows the formula from 0.00001 to 10; a constant channel gives exactly β.",
    .refuter = "A distance over 0.00001 from the formula, or a constant channel that is not β.",
    .method = "One channel of 256 values at 13 deviations between 0.00001 and 10.",
    .sabotage = "keras-epsilon",
    .sabotage_what = "ε = 0.001, the default of Keras, where 0.00001 is claimed",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [DEVIATION_ERROR] = {"largest distance from √(v/(v + ε))", EKS_AT_MOST, 1e-5},
            [CONSTANT_ERROR] = {"constant channel: largest distance from β", EKS_EXACTLY, 0},
        },
    .forms = forms,
};
