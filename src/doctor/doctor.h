/* doctor.h: the parts of ek_diagnose.
 *
 * What a norm kept is held against what its input has over the data. A model of how a running average comes to be says
 * what it should hold after few updates, or after small batches; images that come in otherwise are tried. Each of these
 * is a hypothesis with a distance: that between what it expects of all channels and what the file has.
 */
#ifndef EKI_DOCTOR_H
#define EKI_DOCTOR_H

#include "feed/on_data.h"

#include <evenkeel/doctor.h>

/* One channel of a norm. */
typedef struct eki_seen {
    double old_mean, old_variance; /* as the file has them */
    double mean, variance;         /* of the data */
    double between; /* the part of that variance that lies between the means of batches, where measured in batches */
    double epsilon;
    double weight; /* 1 / channels of its norm: each norm counts the same */
} eki_seen;

/* All channels of the norms that were measured. */
typedef struct eki_evidence {
    eki_seen *seen;
    size_t count;
    size_t *first;      /* of each row of the report that was measured, where its channels begin */
    size_t first_level; /* norms that stand behind no other come first: so many channels */
} eki_evidence;

/* What is looked at. */
typedef struct eki_case {
    const ek_model *model;
    const ek_dataset *dataset;
    ek_diagnose_options options;
    ek_diagnosis *out;
    eki_evidence evidence;
    double entropy;      /* mean over the images of the predictions' own, with the statistics of the data */
    double entropy_room; /* by how much the loss may be above it by chance */
    double shift, scale; /* mean and deviation of the normalized images, over all channels */
    bool as_in_training; /* mean and deviation are those that the file keeps */
} eki_case;

/* ---- diagnose.c ---- */

/* The model with no norm frozen, over the same data; writing to its statistics leaves the model alone. */
ek_status eki_doctor_view(const ek_model *model, ek_model **view, ek_error *err);

/* ---- doctor_evidence.c ---- */

/* One measurement of the statistics of all norms (frozen ones as well), on a view of the model. */
typedef struct eki_measure {
    eki_feed_options how; /* gain, offset, limit */
    bool first_only;      /* only norms that stand behind no other */
    int64_t batch;        /* > 0: as in training, on the statistics of batches of so many images; 0 = exact */
} eki_measure;

/* `report` and `view` may be NULL; the view then has the new statistics. */
ek_status eki_evidence_take(const eki_case *c, eki_measure measure, eki_evidence *evidence, ek_recalibration **report,
                            ek_model **view, ek_error *err);
void eki_evidence_free(eki_evidence *evidence);
/* Distance of the kept mean from `mean`, in deviations; of the kept variance from `variance`, as a logarithm. */
double eki_off_mean(const eki_seen *s, double mean);
double eki_off_variance(const eki_seen *s, double variance);
/* The mean distance over norms if averages hold w 0 + (1 - w) mean and w 1 + (1 - w) variance. */
double eki_distance(const eki_seen *seen, size_t count, double w);

/* ---- hypotheses.c ---- */

/* The weight of the initial values that fits best, and the distance with it. */
double eki_fit_initial(const eki_seen *seen, size_t count, double *distance);
/* The number of images in a batch whose variances fit best, by how much they are off then, and with batches of 64. */
typedef struct eki_batch_fit {
    double batch, bias, bias_large;
} eki_batch_fit;
ek_status eki_fit_batch(const eki_case *c, eki_batch_fit *fit, ek_error *err);

/* ---- input.c ---- */

/* What every value x of the normalized images would have to be for the first norms to fit. */
typedef struct eki_input {
    double gain, offset;
    double distance, first; /* of all norms then, and of the first ones */
    const char *name;       /* a usual way to feed images, or NULL */
} eki_input;
ek_status eki_fit_input(const eki_case *c, eki_input *input, ek_error *err);
/* Fills shift, scale and as_in_training. */
ek_status eki_input_measure(eki_case *c, ek_error *err);

/* ---- verdict.c ---- */
ek_status eki_judge(eki_case *c, ek_error *err);

#endif
