/* judgements.c: what a classifier says of each example, and the same on all ranks.
 *
 * A rank knows its own examples. Records travel with their places, so that sums over them can be taken in the order of
 * the examples and do not depend on how many ranks there are.
 */
#include "train/trainer.h"

#include "dist/comm.h"

#include <string.h>

/* What is not a number counts as above, so that no example is right by it. */
static int64_t count_above(const float *row, int64_t classes, int32_t label) {
    int64_t above = 0;
    for (int64_t i = 0; i < classes; i++) {
        bool below = row[label] > row[i] || (row[label] == row[i] && i >= label);
        above += !below && i != label;
    }
    return above;
}

ek_judgement eki_judgement_of(const float *logits, int64_t classes, int32_t label) {
    int64_t best = 0;
    for (int64_t i = 1; i < classes; i++)
        if (logits[i] > logits[best]) best = i;
    return (ek_judgement){.loss = eki_loss_compute(logits, 1, classes, &label, NULL).sum,
                          .label = label,
                          .predicted = (int32_t)best,
                          .above = count_above(logits, classes, label)};
}

ek_status eki_judgements_gather(ek_comm *comm, const eki_record *records, size_t count, ek_judgement *judgements,
                                int64_t total, ek_error *err) {
    void *all;
    size_t bytes;
    const eki_label label = eki_label_make(EKI_KIND_DATA, "evaluation", 0, -1, EK_F64);
    EKI_TRY(eki_all_gather(comm, 1, &label, records, count * sizeof *records, &all, &bytes, err));
    bool whole = bytes == (size_t)total * sizeof *records;
    for (int64_t i = 0; i < total && whole; i++) {
        eki_record record;
        memcpy(&record, (const char *)all + (size_t)i * sizeof record, sizeof record);
        whole = record.at >= 0 && record.at < total;
        if (whole) judgements[record.at] = record.judgement;
    }
    eki_free(all);
    if (whole) return EK_OK;
    return eki_fail(err, EK_ERR_DIST, "the ranks have evaluated %zu examples together, the data set has %lld",
                    bytes / sizeof *records, (long long)total);
}
