/* recalibrate.h: the parts of ek_recalibrate. */
#ifndef EKI_RECALIBRATE_H
#define EKI_RECALIBRATE_H

#include "surgery/examples.h"
#include "surgery/surgery.h"

/* Count, mean and sum of squared deviations of one channel, in f64; `within` is that sum about the mean of each part
 * instead, so that m2 - within is what lies between parts: examples, or batches where all is measured in one pass. */
typedef struct eki_moment {
    double count, mean, m2, within;
} eki_moment;

/* One batch norm on its way. */
typedef struct eki_recal_norm {
    const eki_norm_ref *ref;
    eki_value *mean, *variance;
    eki_moment *moments; /* `channels` of them */
    float *old;          /* mean and variance as they were */
    int level, output;   /* pass; index among the outputs of its pass, -1 = it reads the model's input */
    ek_recalibrated *row;
} eki_recal_norm;

struct ek_recalibration {
    eki_arena arena;
    ek_recalibrated *rows;
    eki_recal_norm *norms;
    size_t count;
};

/* ek_recalibrate; with `first_only` the norms that stand behind no other are all there is. The options are whole. */
ek_status eki_recalibrate(ek_model *model, const eki_examples *examples, const ek_recalibrate_options *options,
                          bool first_only, ek_recalibration **out, ek_error *err);

void eki_moment_join(eki_moment *moment, const eki_moment *part);
/* Merges the elements of one example and channel. */
void eki_moment_add(eki_moment *moment, const float *x, int64_t count);

/* ---- recal_norms.c ---- */
/* One row for each batch norm; those that are left alone have level -1 and a reason. */
ek_status eki_recal_list(ek_model *model, bool one_pass, ek_recalibration *report, ek_error *err);
/* How much of the statistics that were there stays. */
typedef struct eki_recal_mix {
    double old;       /* weight in [0, 1) */
    bool populations; /* the distance between the means adds to the variance */
} eki_recal_mix;

/* Writes what was measured into the model, mixed with what was there, and fills the row. */
ek_status eki_recal_write(eki_recal_norm *norm, eki_recal_mix mix, ek_error *err);
void eki_recal_restore(ek_recalibration *report);

#endif
