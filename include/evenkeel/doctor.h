/* doctor.h: why a model does worse in inference than in training.
 *
 * A batch norm in training takes the statistics of the batch, in inference those that it kept. Where the two differ,
 * what was kept is held against what the norm's input has over given images, and the likely cause is named.
 */
#ifndef EVENKEEL_DOCTOR_H
#define EVENKEEL_DOCTOR_H

#include <evenkeel/surgery.h>
#include <evenkeel/train.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ek_diagnose_options {
    size_t struct_size;
    int64_t
        batch; /* default 64; counts for accuracy with the statistics of each batch, else it is only time and memory */
    int threads;
    int labelled; /* 1 (default) = accuracy is measured, too; 0 = labels are not looked at */
    /* Optional: what begins now ("running statistics"), then how far it is; nonzero stops (EK_ERR_INTERRUPTED). */
    void (*stage)(void *context, const char *what);
    int (*progress)(void *context, int64_t done, int64_t total);
    void *context;
    uint64_t reserved[8];
} ek_diagnose_options;

typedef struct ek_diagnosis {
    const char *code;   /* "none", "few-updates", ...; the list is in docs/surgery.md */
    const char *cause;  /* one sentence */
    const char *remedy; /* "" where there is nothing to do */
    char detail[320];   /* figures that speak for the cause, or "" */
    int64_t images;
    int labelled; /* 1 = the four below are there */
    /* By the kept statistics (damaged ones: NaN of no images), those of each batch, those of all the data. */
    ek_eval_result running, batch, recalibrated;
    double noise; /* a difference between two of those accuracies that so many images may show by chance: two standard
                     errors, 2 sqrt(p (1 - p) / n + q (1 - q) / n), p = (correct + 1) / (n + 2) and q likewise */
    /* A running average from mean 0 and variance 1 would hold w 0 + (1 - w) mean and w 1 + (1 - w) variance: the weight
     * w that fits all channels of all norms best (least absolute distance), and the updates t that leave it at the
     * momentum m that the file says, w = m^t. */
    double initial;         /* w; 0 = nothing of them is left, or no such average fits */
    double initial_updates; /* t; 0 where initial is 0 */
    double momentum;        /* m, of the first batch norm; 0 = there is none */
    int64_t counted;        /* updates by the file's own count (evenkeel.updates.*), 0 = it has none */
    /* How far the kept statistics are from the data's: |difference of means| / deviation + |ln ratio of variances|,
     * averaged over the channels of a norm, then over norms; and what is left with `initial`. */
    double distance, distance_initial;
    double gain, offset;     /* "input-scale": images x, normalized, fit as gain x + offset; else 1 and 0 */
    double batch_size;       /* "tiny-batches": the statistics are as in batches of so many; else 0 */
    ek_recalibration *norms; /* how far each is off, behind norms that fit the data */
    unsigned char *off;      /* of each row of it: 1 = by more than 0.25 deviations or a factor of 1.5, on average */
} ek_diagnosis;

EK_API ek_diagnose_options ek_diagnose_options_default(void);
/* Measures, and names the likely cause. Images are normalized with evenkeel.mean and evenkeel.std of the model, where
 * it has them; frozen norms are measured as well. The model stays as it is. Errors are those of ek_evaluate and
 * ek_recalibrate; *diagnosis then is empty. */
EK_API EK_NODISCARD ek_status ek_diagnose(const ek_model *model, const ek_dataset *dataset,
                                          const ek_diagnose_options *options, ek_diagnosis *diagnosis, ek_error *err);
EK_API void ek_diagnosis_free(ek_diagnosis *diagnosis);

#ifdef __cplusplus
}
#endif
#endif
