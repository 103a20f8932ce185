/* card08.c: which values share a mean in a convolutional network, found out by moving them.
 *
 * If a channel's statistics are taken over (N, H, W), then any reordering of the N*H*W values of a channel reorders
 * the output in the same way and changes nothing else, while exchanging one value between two channels moves both
 * means by exactly (b - a)/n. The same test is run on other sets of axes, which must fail it.
 */
#include "study/seam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 8, C = 4, H = 6, W = 6, PLANE = H * W, EXAMPLE = C * PLANE, COUNT = N * EXAMPLE, SET = N * PLANE };
enum { REORDERED, MEAN_ERROR, PARAMETERS, MEAN_CHANGE, OTHER_AXES, ENDPOINTS };

static const int64_t dims[] = {N, C, H, W};

/* Position in memory of value i (of N*H*W) of channel c. */
static size_t place(int64_t i, int c) { return (size_t)(i / PLANE * EXAMPLE + c * PLANE + i % PLANE); }

/* Normalizes x, and x with each channel's values reordered; returns how far the outputs are from the same reordering.
 */
static ek_status permuted(eks_study *study, eks_norm call, const float *x, double *distance, ek_error *err) {
    float *moved = eks_floats(COUNT, err), *y = eks_floats(COUNT, err), *z = eks_floats(COUNT, err);
    int64_t order[C][SET];
    ek_status status = moved && y && z ? EK_OK : EK_ERR_NOMEM;
    if (status != EK_OK) goto done;
    for (int c = 0; c < C; c++) {
        eks_permutation(order[c], SET, study->options->seed, (uint64_t)(800 + c));
        for (int64_t i = 0; i < SET; i++) moved[place(i, c)] = x[place(order[c][i], c)];
    }
    call.x = x;
    call.y = y;
    EKS_TRY_DONE(study->uses.normalize(&call, err));
    call.x = moved;
    call.y = z;
    EKS_TRY_DONE(study->uses.normalize(&call, err));
    *distance = 0;
    for (int c = 0; c < C; c++)
        for (int64_t i = 0; i < SET; i++)
            *distance = fmax(*distance, fabs((double)z[place(i, c)] - (double)y[place(order[c][i], c)]));
done:
    free(z);
    free(y);
    free(moved);
    return status;
}

/* Exchanges the least value of channel 0 and the largest of channel 1: error of the predicted change of their means,
 * and sets counted. */
static ek_status exchanged(eks_study *study, const float *x, double *error, double *change, double *sets,
                           ek_error *err) {
    float *moved = eks_floats(COUNT, err), *y = eks_floats(COUNT, err);
    float *before = eks_floats(COUNT, err), *after = eks_floats(COUNT, err);
    ek_status status = moved && y && before && after ? EK_OK : EK_ERR_NOMEM;
    if (status != EK_OK) goto done;
    size_t low = place(0, 0), high = place(0, 1);
    for (int64_t i = 1; i < SET; i++) {
        if (x[place(i, 0)] < x[low]) low = place(i, 0);
        if (x[place(i, 1)] > x[high]) high = place(i, 1);
    }
    memcpy(moved, x, COUNT * sizeof *x);
    moved[low] = x[high];
    moved[high] = x[low];
    eks_norm call = eks_norm_call(EK_NORM_BATCH, 4, dims, x, y);
    call.mean = before;
    EKS_TRY_DONE(study->uses.normalize(&call, err));
    call.x = moved;
    call.mean = after;
    EKS_TRY_DONE(study->uses.normalize(&call, err));
    double expected = ((double)x[high] - (double)x[low]) / SET;
    *error = fmax(fabs((double)after[0] - (double)before[0] - expected),
                  fabs((double)after[1] - (double)before[1] + expected));
    *change = fabs(expected);
    *sets = (double)call.sets;
done:
    free(after);
    free(before);
    free(y);
    free(moved);
    return status;
}

/* The same reordering under four choices of axes. The first goes through the seam as it is taught. */
static ek_status compare_axes(eks_study *study, const float *x, eks_evidence *evidence, ek_error *err) {
    static const char *const columns[] = {"statistics over", "sets", "values in a set", "change when reordered"};
    static const char *const labels[] = {"N, H, W", "N", "H, W", "C, H, W"};
    static const int sets[] = {C, C * PLANE, N * C, N};
    const int64_t flat[] = {N, EXAMPLE};
    double distance[4];
    eks_norm calls[] = {
        eks_norm_call(EK_NORM_BATCH, 4, dims, NULL, NULL), eks_norm_call(EK_NORM_BATCH, 2, flat, NULL, NULL),
        eks_norm_call(EK_NORM_INSTANCE, 4, dims, NULL, NULL), eks_norm_call(EK_NORM_GROUP, 4, dims, NULL, NULL)};
    eks_table_begin(&evidence->table, "Reordering the values of every channel, under four choices of axes", 4, columns);
    eks_series *bars = eks_chart_series(&evidence->chart, "largest change of a normalized value", EKS_DOTS);
    for (int k = 0; k < 4; k++) {
        EKS_TRY(permuted(study, calls[k], x, &distance[k], err));
        evidence->chart.labels[k] = labels[k];
        eks_point(bars, k, distance[k]);
        int row = eks_table_row(&evidence->table);
        eks_cell_text(&evidence->table, row, 0, "%s", labels[k]);
        eks_cell_number(&evidence->table, row, 1, sets[k]);
        eks_cell_number(&evidence->table, row, 2, COUNT / sets[k]);
        eks_cell_number(&evidence->table, row, 3, distance[k]);
    }
    evidence->values[REORDERED] = distance[0];
    evidence->values[OTHER_AXES] = fmin(distance[1], fmin(distance[2], distance[3]));
    return EK_OK;
}

static ek_status forms(eks_study *study, eks_evidence *evidence, ek_error *err) {
    float *x = eks_floats(COUNT, err);
    if (!x) return EK_ERR_NOMEM;
    for (int i = 0; i < N * C; i++) /* examples and channels differ, as real ones do */
        eks_fill_normal(x + i * PLANE, PLANE, study->options->seed, (uint64_t)(880 + i), (i % C) - 1 + 0.3 * (i / C),
                        1 + i % C);
    eks_chart *chart = &evidence->chart;
    chart->kind = EKS_CHART_BARS;
    chart->title = "Change of the output when each channel's values are reordered";
    chart->description = "Only statistics over N, H and W together should not notice the reordering; under every other "
                         "choice of axes the normalized values should change.";
    chart->x_label = "axes that share a mean and a variance";
    chart->y_label = "largest change";
    double sets = 0;
    ek_status status = compare_axes(study, x, evidence, err);
    if (status == EK_OK)
        status = exchanged(study, x, &evidence->values[MEAN_ERROR], &evidence->values[MEAN_CHANGE], &sets, err);
    if (status == EK_OK) evidence->values[PARAMETERS] = 2 * sets / C;
    free(x);
    return status;
}

const eks_design eks_card08 = {
    .number = 8,
    .taught =
        "In a convolutional network there is one mean and one variance per channel, over batch, height and width.",
    .prediction = "Reordering the N·H·W values of a channel in any way reorders its output and changes nothing else. "
                  "Exchanging one value between two channels moves their means by exactly (b − a)/n. There are two "
                  "parameters per channel, 2C in all.",
    .refuter = "An output that notices the reordering by more than 0.00001, a mean that moves otherwise, or another "
               "number of parameters.",
    .method = "Random activations, 8 × 4 × 6 × 6; every channel's 288 values reordered at random; the same under three "
              "other choices of axes.",
    .sabotage = "wrong-axes",
    .sabotage_what = "statistics are taken over N alone, one set per channel and place",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [REORDERED] = {"change of the output beyond the reordering", EKS_AT_MOST, 1e-5},
            [MEAN_ERROR] = {"error of the predicted (b − a)/n when values change channel", EKS_AT_MOST, 1e-5},
            [PARAMETERS] = {"scale and bias values per channel", EKS_EXACTLY, 2},
            [MEAN_CHANGE] = {"size of the predicted (b − a)/n", EKS_AT_LEAST, 1e-4, .control = 1},
            [OTHER_AXES] = {"smallest change under the other choices of axes", EKS_AT_LEAST, 0.1, .control = 1},
        },
    .predict =
        {
            .question = "The N·H·W values of one channel are shuffled among images and places. What does batch norm do "
                        "with them?",
            .choices = {"The same as before, in the new order", "Something else: the mean of each image has changed",
                        "The mean stays, the variance changes"},
            .correct = 0,
            .why = "All N·H·W values make up one set, and neither mean nor variance asks who stands where.",
            .endpoint = REORDERED,
        },
    .quiz =
        {
            .question = "How many trainable parameters has a batch norm of C channels on maps of H × W, trained on "
                        "batches of N?",
            .choices = {"2C", "4C", "NC", "HW"},
            .correct = 0,
            .why = "One γ and one β per channel. As many running values stand beside them; those are not trained by "
                   "gradients.",
            .endpoint = PARAMETERS,
        },
    .forms = forms,
};
