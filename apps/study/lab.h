/* lab.h: training many small networks, paired by seed, and turning their numbers into evidence.
 *
 * An arm is a recipe. Every arm is run with the same seeds; a seed fixes the images drawn, their order and the initial
 * weights, so that arms differ in the recipe alone. Runs are independent and each uses one thread, so that they spread
 * over the processors and no number depends on how many there are.
 */
#ifndef EKS_LAB_H
#define EKS_LAB_H

#include "study/image_pool.h"

#include <evenkeel/model.h>
#include <evenkeel/train.h>

/* What a run measures. A diverged run counts as chance: accuracy 1/classes, loss log(classes). */
typedef enum eks_outcome {
    EKS_TEST_ACCURACY, /* evaluation mode, running statistics */
    EKS_TEST_LOSS,
    EKS_TRAIN_LOSS,       /* mean over the last fifth of the steps */
    EKS_PRECISE_ACCURACY, /* statistics measured again over 1,000 training images (recipe.precise) */
    EKS_PRECISE_LOSS,
    EKS_BATCH_ACCURACY, /* statistics of test batches of 100 (recipe.precise) */
    EKS_EXTRA,          /* four of the experiment's own, filled by its hooks */
    EKS_OUTCOMES = EKS_EXTRA + 4
} eks_outcome;

typedef struct eks_run eks_run;
typedef ek_status (*eks_hook)(eks_run *run, ek_error *err);

typedef struct eks_recipe {
    const char *name;
    const eks_pool *pool;
    ek_build_options build; /* shape, classes and seed are filled in */
    ek_train_options train; /* total_steps and threads are filled in */
    int64_t batch, images;
    int epochs;
    int sorted;                         /* so many neighbours within a batch are of one class; 0 = mixed */
    int precise;                        /* measure EKS_PRECISE_* and EKS_BATCH_ACCURACY */
    eks_change change;                  /* of training and test images */
    ek_model *const *start;             /* weights to start from, by seed index; NULL = initial ones */
    eks_hook begin, before, after, end; /* of the run; before and after each step */
    double amount;                      /* for the hooks */
    int choice;                         /* likewise */
    void *shared;                       /* likewise; by all runs */
} eks_recipe;

struct eks_run {
    const eks_recipe *recipe;
    uint64_t seed;
    int seed_index;
    ek_model *model;
    ek_trainer *trainer;
    int64_t step, steps;
    const ek_batch *batch; /* of the current step */
    ek_step_result result;
    void *state;         /* of the hooks: freed with free() */
    ek_session *session; /* likewise; destroyed with the run */
    double loss_sum;
    int64_t loss_steps;
    int diverged;
    double out[EKS_OUTCOMES];
};

/* Everything that the level decides, for a kind of network. */
typedef struct eks_scale {
    int seeds, epochs, side;
    int64_t images;
} eks_scale;
eks_scale eks_scale_mlp(const eks_study *study);
eks_scale eks_scale_cnn(const eks_study *study);

/* A recipe with the defaults of the study: batch norm, SGD with momentum 0.9, one cycle, batch 32. */
eks_recipe eks_recipe_make(const char *name, const char *network, const eks_pool *pool, eks_scale scale);

/* Runs all recipes with all seeds; fills arms, seeds and metrics of the evidence. */
ek_status eks_lab(eks_study *study, const eks_recipe *recipes, int count, int seeds, const eks_outcome *metrics,
                  int metric_count, eks_evidence *evidence, ek_error *err);

/* ---- for experiments of their own ---- */
ek_status eks_run_train(eks_run *run, ek_error *err);   /* builds (or starts from recipe.start) and trains */
ek_status eks_run_measure(eks_run *run, ek_error *err); /* fills out[] */
void eks_run_free(eks_run *run);

/* Accuracy and mean loss of a model on images. */
ek_status eks_lab_evaluate(ek_model *model, const eks_pool *pool, const eks_images *images, int64_t count,
                           eks_change change, ek_mode mode, int64_t batch, double *accuracy, double *loss,
                           ek_error *err);
/* Running statistics measured anew over the first `count` images of an order (NULL = file order), in one pass. */
ek_status eks_lab_recalibrate(ek_model *model, const eks_pool *pool, const eks_images *images, const int64_t *order,
                              int64_t count, eks_change change, ek_error *err);
/* Copies all initializers of one model to another of the same architecture. */
ek_status eks_lab_copy(ek_model *from, ek_model *to, ek_error *err);
/* An initializer as f32. */
ek_status eks_lab_weights(ek_model *model, const char *name, float **data, size_t *count, ek_error *err);

/* A model in training mode with its gradients: runs images given as they are, takes the gradient of the mean loss. */
ek_status eks_slopes(ek_session *session, const eks_pool *pool, const float *x, const int32_t *labels, int64_t count,
                     ek_error *err);
ek_status eks_slopes_open(ek_model *model, int64_t virtual_batch, ek_session **session, ek_error *err);
/* A new model of the recipe, untrained. */
ek_status eks_lab_build(const eks_recipe *recipe, uint64_t seed, ek_model **model, ek_error *err);
double eks_dot(const float *a, const float *b, size_t count);

/* Runs `body` for 0..count-1 on the study's workers; the first failure is reported. */
/* Whether the caller wants the study to end. */
int eks_stopped(const eks_study *study);
ek_status eks_parallel(eks_study *study, int count, ek_status (*body)(void *context, int index, ek_error *err),
                       void *context, ek_error *err);

/* A horizontal bar chart of one metric: mean over seeds of each arm. */
void eks_chart_arms(eks_evidence *evidence, int metric, const char *title, const char *y_label,
                    const char *description);
double eks_arm_mean(const eks_evidence *evidence, int arm, int metric);

#endif
