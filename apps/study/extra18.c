/* extra18.c: Bessel's correction: the same batch in training and in evaluation, when the running variance is unbiased.
 */
#include "study/seam.h"

#include <math.h>

enum { C = 6, MOST = 64 };
enum { UNBIASED_RATIO, POPULATION_RATIO, ENDPOINTS };

/* Deviation in evaluation over deviation in training, after one commit that replaces the running statistics. */
static ek_status ratio(eks_study *study, int64_t n, ek_running_variance divisor, double *out, ek_error *err) {
    const int64_t dims[] = {n, C};
    float x[MOST * C], y[MOST * C], z[MOST * C], mean[C] = {0}, var[C] = {0};
    eks_fill_normal(x, (size_t)(n * C), study->options->seed, 1800 + (uint64_t)n, 0, 3);
    eks_norm call = eks_norm_call(EK_NORM_BATCH, 2, dims, x, y);
    call.desc.epsilon = 1e-12;
    call.desc.momentum = 0;
    call.desc.running_variance = divisor;
    call.running_mean = mean;
    call.running_var = var;
    call.update = 1;
    EKS_TRY(eks_normalize(&call, err));
    call.update = 0;
    call.stats = EK_STATS_RUNNING;
    call.y = z;
    EKS_TRY(eks_normalize(&call, err));
    double before, after, centre;
    eks_moments(y, (size_t)n, C, &centre, &before);
    eks_moments(z, (size_t)n, C, &centre, &after);
    *out = sqrt(after / before);
    return EK_OK;
}

static ek_status forms(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const char *const columns[] = {"values n", "unbiased", "√((n − 1)/n)", "population"};
    static const int64_t sizes[] = {2, 4, 8, 64};
    ek_running_variance unbiased = study->sabotaged ? EK_VARIANCE_POPULATION : EK_VARIANCE_UNBIASED;
    eks_table_begin(&evidence->table, "Output in evaluation over output in training, same batch", 4, columns);
    evidence->values[UNBIASED_RATIO] = evidence->values[POPULATION_RATIO] = 0;
    for (int i = 0; i < 4; i++) {
        double with, without, expected = sqrt((double)(sizes[i] - 1) / (double)sizes[i]);
        EKS_TRY(ratio(study, sizes[i], unbiased, &with, err));
        EKS_TRY(ratio(study, sizes[i], EK_VARIANCE_POPULATION, &without, err));
        evidence->values[UNBIASED_RATIO] = fmax(evidence->values[UNBIASED_RATIO], fabs(with / expected - 1));
        evidence->values[POPULATION_RATIO] = fmax(evidence->values[POPULATION_RATIO], fabs(without - 1));
        const double cells[] = {(double)sizes[i], with, expected, without};
        int row = eks_table_row(&evidence->table);
        for (int c = 0; c < 4; c++) eks_cell_number(&evidence->table, row, c, cells[c]);
    }
    return EK_OK;
}

const eks_design eks_extra18 = {
    .number = 18,
    .taught = "With an unbiased running variance the same batch comes out smaller in evaluation by √((n − 1)/n).",
    .prediction = "The ratio of deviations is √((n − 1)/n) for the unbiased variance and 1 for the population's.",
    .refuter = "A ratio off by more than 0.00001.",
    .method =
        "Random batches of 2, 4, 8 and 64 values in six channels; running statistics replaced by those of the batch.",
    .sabotage = "no-correction",
    .sabotage_what = "the population variance is kept where the unbiased one is claimed",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [UNBIASED_RATIO] = {"unbiased: largest relative distance from √((n − 1)/n)", EKS_AT_MOST, 1e-5},
            [POPULATION_RATIO] = {"population: largest distance from 1", EKS_AT_MOST, 1e-5},
        },
    .forms = forms,
};
