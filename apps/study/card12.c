/* card12.c: whether a network may be served at another batch size than it was trained with.
 *
 * The logits of all test images are computed in batches of 1, 2, 7, 64 and 1,000 and compared bit by bit with those of
 * batch 1. That is more than running statistics alone promise: the order of every sum in the engine must not depend
 * on the batch either. Training mode is the control: there the comparison must find differences.
 */
#include "study/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES = 5 };
enum { SIZE_DIFFERS, ORDER_DIFFERS, TRAINING_DIFFERS, COMPARED, ENDPOINTS };

static const int64_t sizes[SIZES] = {1, 2, 7, 64, 1000};

/* All batch sizes in one mode, against the first: values that differ, by size. */
static ek_status sweep(eks_study *study, const eks_network *network, ek_mode mode, float *reference, float *logits,
                       double differing[SIZES], ek_error *err) {
    size_t values = (size_t)(network->count * network->classes);
    for (int k = 0; k < SIZES; k++) {
        EKS_TRY(
            eks_network_logits(network, mode, eks_network_threads(study), sizes[k], NULL, k ? logits : reference, err));
        differing[k] = k ? (double)eks_differing(reference, logits, values) : 0;
    }
    return EK_OK;
}

static void show(eks_evidence *evidence) {
    static const char *const labels[] = {"inference, 1",  "inference, 2",    "inference, 7",
                                         "inference, 64", "inference, 1000", "training, 64"};
    eks_table *table = &evidence->table;
    eks_chart *chart = &evidence->chart;
    memset(chart, 0, sizeof *chart);
    chart->kind = EKS_CHART_BARS;
    chart->title = "Share of logits whose bits differ from those at batch 1";
    chart->description = "In inference no logit should differ, at any batch size; in training mode nearly all should.";
    chart->x_label = "mode, batch size";
    chart->y_label = "logits that differ";
    chart->y_percent = 1;
    chart->y_max = 1;
    eks_series *bars = eks_chart_series(chart, "share of logits that differ from batch 1", EKS_DOTS);
    evidence->values[SIZE_DIFFERS] = evidence->values[TRAINING_DIFFERS] = 0;
    for (int k = 0; k < SIZES; k++) {
        eks_cell_number(table, k, 0, (double)sizes[k]);
        evidence->values[SIZE_DIFFERS] += table->cells[k][1].value;
        evidence->values[TRAINING_DIFFERS] += table->cells[k][2].value;
        chart->labels[k] = labels[k];
        eks_point(bars, k, table->cells[k][1].value / evidence->values[COMPARED]);
    }
    chart->labels[SIZES] = labels[SIZES];
    eks_point(bars, SIZES, table->cells[3][2].value / evidence->values[COMPARED]);
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const char *const columns[] = {"batch size", "logits that differ", "the same in training mode"};
    const eks_network *network;
    double inference[SIZES], training[SIZES];
    EKS_TRY(eks_network_get(study, &network, err));
    size_t values = (size_t)(network->count * network->classes);
    float *reference = eks_floats(values, err), *logits = eks_floats(values, err);
    int64_t *order = calloc((size_t)network->count + 1, sizeof *order);
    ek_status status = reference && logits && order ? EK_OK : eks_fail(err, EK_ERR_NOMEM, "out of memory for logits");
    if (status != EK_OK) goto done;
    EKS_TRY_DONE(sweep(study, network, EK_MODE_TRAINING, reference, logits, training, err));
    EKS_TRY_DONE(sweep(study, network, study->uses.evaluation, reference, logits, inference, err));
    eks_table_begin(&evidence->table, "Logits against those of batch 1, bit by bit", 3, columns);
    for (int k = 0; k < SIZES; k++) {
        int row = eks_table_row(&evidence->table);
        eks_cell_number(&evidence->table, row, 1, inference[k]);
        eks_cell_number(&evidence->table, row, 2, training[k]);
    }
    evidence->values[COMPARED] = (double)values;
    eks_permutation(order, network->count, study->options->seed, 1200);
    EKS_TRY_DONE(
        eks_network_logits(network, study->uses.evaluation, eks_network_threads(study), 64, order, logits, err));
    evidence->values[ORDER_DIFFERS] = (double)eks_differing(reference, logits, values);
done:
    free(order);
    free(logits);
    free(reference);
    return status;
}

const eks_design eks_card12 = {
    .number = 12,
    .taught = "In inference any batch size will do, one included, because the running statistics are fixed.",
    .prediction =
        "The logits of 1,000 test images have the same bits at batch 1, 2, 7, 64 and 1,000, and in any order.",
    .refuter = "One differing bit.",
    .method = "The network of card 3; logits compared bit by bit with those of batch 1. Training mode as a control.",
    .sabotage = "serve-batch-stats",
    .sabotage_what = "the network is served with the statistics of the batch",
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [SIZE_DIFFERS] = {"inference: logits that differ over batch sizes", EKS_EXACTLY, 0},
            [ORDER_DIFFERS] = {"inference: logits that differ in another order, batch 64", EKS_EXACTLY, 0},
            [TRAINING_DIFFERS] = {"training mode: logits that differ over batch sizes", EKS_AT_LEAST, 1, .control = 1},
            [COMPARED] = {"logits compared", EKS_AT_LEAST, 1000, .control = 1, .basis = "enough to find a rare one"},
        },
    .predict =
        {
            .question = "A network trained on batches of 64 answers one image at a time. What changes in its logits?",
            .choices = {"They blur: a variance needs more than one value", "The last digits", "Not one bit"},
            .correct = 2,
            .why = "In evaluation batch norm is a fixed scale and shift. The engine’s sums keep their order for any "
                   "batch size.",
            .endpoint = SIZE_DIFFERS,
        },
    .quiz =
        {
            .question = "A model is served one image at a time. What must be true of its batch norm?",
            .choices = {"Running statistics fit the data served", "It was trained with one image a batch",
                        "Its ε is larger than it was in training", "Its γ is one and its β zero by then"},
            .correct = 0,
            .why = "The size of the serving batch plays no part. The statistics are all that was kept of the training "
                   "batches.",
            .endpoint = SIZE_DIFFERS,
        },
    .run = run,
    .show = show,
};
