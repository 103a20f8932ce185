/* train.h: training and evaluating ONNX models.
 *
 *     ek_train_options o = ek_train_options_default();
 *     o.total_steps = 3 * ek_loader_batches(loader);
 *     ek_trainer *trainer;
 *     ek_position position = {.flags = ""};
 *     ek_status s = ek_trainer_create(model, &o, &trainer, &err);
 *     for (; s == EK_OK && position.epoch < 3; position.epoch++) {
 *         s = ek_loader_start_epoch(loader, position.epoch, 0, &err);
 *         while (s == EK_OK && (s = ek_loader_next(loader, &batch, &err)) == EK_OK && batch.count > 0)
 *             s = ek_trainer_step(trainer, &batch, &result, &err);
 *     }
 *     if (s == EK_OK) s = ek_trainer_save(trainer, "m.onnx", &position, &err); // and m.onnx.state, a consistent pair
 *
 * The loss is softmax cross-entropy on the model's logits (ek_model_logits), averaged over the batch, or what
 * ek_train_options.losses say of any arrays (examples/train_any.c). A step computes the gradients, updates the
 * parameters and commits the running statistics, or none of these.
 */
#ifndef EVENKEEL_TRAIN_H
#define EVENKEEL_TRAIN_H

#include <evenkeel/data.h>
#include <evenkeel/dist.h>
#include <evenkeel/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ek_trainer ek_trainer;

typedef enum ek_optimizer { EK_SGD = 0, EK_ADAM = 1, EK_ADAMW = 2 } ek_optimizer;

typedef enum ek_schedule {
    EK_SCHEDULE_CONSTANT = 0,
    EK_SCHEDULE_STEP = 1,     /* x gamma at each of the milestones 50 % and 75 % of the steps */
    EK_SCHEDULE_COSINE = 2,   /* from lr to 0 */
    EK_SCHEDULE_ONE_CYCLE = 3 /* lr/25 up to lr in the first 30 % of the steps, then cosine down to lr/1e4 */
} ek_schedule;

/* How the running statistics of batch norms are averaged (docs/semantics.md, "Commits"). */
typedef enum ek_statistics {
    EK_STATISTICS_AUTO = 0, /* debiased where nothing was measured yet (mean 0, variance 1 in every channel) or where
                               a debiased average goes on; where a file brings other statistics, the plain average */
    EK_STATISTICS_EMA = 1,  /* the plain average of the model's momentum, from what is there, also from 0 and 1 */
    EK_STATISTICS_DEBIASED = 2, /* debiased; statistics that a file brings are forgotten at the first batch */
    EK_STATISTICS_EXACT = 3     /* AUTO while training; at the end the caller measures them (ek_recalibrate) */
} ek_statistics;

/* The average of weights that is kept beside them (ek_trainer_average). */
typedef enum ek_average {
    EK_AVERAGE_NONE = 0,
    EK_AVERAGE_EMA = 1, /* exponential: a += (1 - d) (w - a), d = min(average_decay, (1 + n) / (10 + n)) at step n */
    EK_AVERAGE_SWA = 2  /* stochastic weight averaging: the mean over the steps from average_start of all on */
} ek_average;

/* What training makes small. t is the target; of a built-in loss the mean over all its elements counts. */
typedef enum ek_loss_kind {
    EK_LOSS_CROSS_ENTROPY = 1, /* -w[t] log softmax(x)[t] over axis 1, t classes of any integer type in the shape of x
                                  without axis 1; the mean is sum / sum of w[t]; t = -100 counts nothing */
    EK_LOSS_BCE = 2,           /* -w t log s(x) - (1 - t) log(1 - s(x)), s the logistic function; w along axis 1 */
    EK_LOSS_MSE = 3,           /* (x - t)^2 */
    EK_LOSS_MAE = 4,           /* |x - t| */
    EK_LOSS_HUBER = 5,         /* m (|x - t| - m / 2), m = min(|x - t|, delta) */
    EK_LOSS_GRAPH = 6          /* a graph of one float32 number */
} ek_loss_kind;

/* A term of the loss. Texts and numbers are copied. */
typedef struct ek_loss {
    ek_loss_kind kind;
    const char *output;         /* the model's output that is x, NULL = ek_train_options.head; of a last Softmax
                                   (cross-entropy) or Sigmoid (bce) what it takes */
    const char *target;         /* name of the array of the batch that is t, NULL (cross-entropy) = its labels */
    double weight;              /* of this term in the sum; 0 = 1 */
    double label_smoothing;     /* e in [0, 1): cross-entropy: t has 1 - e + e / classes and every other class
                                   e / classes; bce: t (1 - e) + e / 2 */
    const float *class_weights; /* w, class_count >= 0 numbers; NULL = 1 */
    size_t class_count;
    double delta;    /* of huber; 0 = 1 */
    ek_model *graph; /* EK_LOSS_GRAPH: its inputs are values of the model or arrays of the batch, by their names; over
                        ranks, and from batch to batch, it counts as a mean over examples. Outlives the trainer */
    uint64_t reserved[4];
} ek_loss;

typedef struct ek_train_options {
    size_t struct_size;
    ek_optimizer optimizer; /* default SGD */
    double lr;              /* peak learning rate; 0 = default of the optimizer (SGD 0.1, Adam and AdamW 1e-3) */
    double momentum;        /* SGD: v = momentum v + g, w -= lr v; default 0.9 */
    int nesterov;           /* SGD: w -= lr (g + momentum v); default 0 */
    double beta1, beta2, adam_epsilon; /* defaults 0.9, 0.999, 1e-8 */
    double weight_decay;               /* SGD and ADAM: added to the gradient; ADAMW: decoupled; default 0 */
    int decay_norm;                    /* 1 = decay norm parameters and biases too; default 0 */
    ek_schedule schedule;              /* default ONE_CYCLE */
    double step_gamma;                 /* STEP: default 0.1 */
    int64_t warmup_steps;              /* linear from 0 (not with ONE_CYCLE); default 0 */
    int64_t total_steps;               /* for the schedule; >= 1 */
    uint64_t seed;                     /* dropout; default 1 */
    int threads;                       /* 0 = OpenMP's default */
    int reproducible;                  /* 1 = the same bits for any number of threads */
    int64_t chunk;                     /* reproducible: images per chunk, default 1 */
    int profile;
    int64_t virtual_batch; /* batch norm shares statistics over so many consecutive examples; 0 (default) = the batch */
    double lr_depth_decay; /* each layer further from the logits learns this times as fast; in (0, 1], default 1 */
    int height, width;     /* of the images, where the model leaves them open; 0 = not known */
    /* Data-parallel training: every rank has a trainer of its own with the same model and options, and gives each step
     * its part of the batch (ek_loader_options.rank, ranks, chunk). A step is then a collective call, and so is
     * ek_trainer_save(), which writes on rank 0 alone. */
    ek_comm *comm;  /* NULL = alone; borrowed, outlives the trainer */
    int sync_norm;  /* 1 = batch norms take their statistics over all ranks; default 0: each over its own part */
    int sync_group; /* with sync_norm: over groups of so many neighbouring ranks; 0 = all; not with reproducible */
    ek_statistics statistics; /* default AUTO */
    const char *head;         /* as in ek_eval_options; borrowed */
    double clip; /* > 0: gradients whose norm g is above it are multiplied by clip / (g + 1e-6); default 0 = never */
    int gradient_norm;     /* 1 = ek_step_result.gradient_norm is measured without clip, too; default 0 */
    ek_average average;    /* default NONE */
    double average_decay;  /* EMA: in [0, 1); default 0.999 */
    double average_start;  /* SWA: in [0, 1), share of total_steps before it; default 0.75 */
    const ek_loss *losses; /* loss_count terms; none (default) = softmax cross-entropy of the logits and the labels.
                              What no term needs of the model is not run, and need not be supported */
    size_t loss_count;
    ek_dtype precision;   /* EK_F32 (default, also 0), or EK_BF16 as in ek_session_options: weights, the optimizer and
                             what ranks exchange stay f32 */
    ek_memory_use memory; /* default FIT, as in ek_session_options */
    int mixed; /* with losses: 1 = batches may be mixed (ek_loader_options.mixup), so that cross-entropy of their labels
                  is s L(label) + (1 - s) L(other) of each example; without losses it is that in any case */
    uint64_t reserved[2];
} ek_train_options;

typedef struct ek_step_result {
    int64_t step;           /* steps done, this one included */
    double loss;            /* mean over the batch, before the update */
    int64_t correct, count; /* correct: with losses, of the first cross-entropy with a class an example; else 0 */
    double lr;
    int64_t skipped_updates; /* running-statistics updates refused so far (not finite) */
    const char *skipped;     /* which norm and channel last, or "" */
    int stopped;             /* a rank was asked to stop (ek_comm_options.stopped): the same on all ranks */
    double exchange_seconds; /* that this rank has waited for others so far */
    double gradient_norm; /* sqrt of the sum of squares of all gradients of trained parameters, before it was clipped,
                             the same on all ranks; 0 = not measured */
    int clipped;          /* the gradients were scaled down */
} ek_step_result;

/* A parameter and what the optimizer does with it. */
typedef struct ek_parameter_info {
    const char *name;
    int64_t count;
    int decayed;     /* weight decay applies */
    int trained;     /* 0 = frozen affine parameter */
    int norm;        /* scale or bias of a normalization */
    double lr_scale; /* its share of the learning rate; 0 = not trained */
} ek_parameter_info;

/* A share of the learning rate for some parameters. */
typedef struct ek_lr_scale {
    const char *pattern; /* glob over initializer names, or "until:NAME": those that a node or value is computed from */
    double factor;       /* >= 0; 0 = not trained, not decayed, no optimizer slots */
} ek_lr_scale;

EK_API ek_train_options ek_train_options_default(void);
/* The model is trained in place and must outlive the trainer. */
EK_API EK_NODISCARD ek_status ek_trainer_create(ek_model *model, const ek_train_options *options, ek_trainer **trainer,
                                                ek_error *err);
EK_API void ek_trainer_destroy(ek_trainer *trainer);
/* Which parameters learn how fast, from the next step on: `count` rules (copied) take the place of those that were
 * there; where several match a parameter their factors multiply. The freeze switches of the model are read anew, too,
 * so that both can follow a schedule. Optimizer slots of parameters that go on being trained are kept, those of others
 * begin at zero. EK_ERR_ARG: a pattern matches nothing, a factor is out of range (the trainer is as it was). After any
 * other error the trainer can only be destroyed. */
EK_API EK_NODISCARD ek_status ek_trainer_regroup(ek_trainer *trainer, const ek_lr_scale *rules, size_t count,
                                                 ek_error *err);
EK_API size_t ek_trainer_parameter_count(const ek_trainer *trainer); /* known from the start */
EK_API ek_parameter_info ek_trainer_parameter(const ek_trainer *trainer, size_t index);

/* One training step; `result` may be NULL. Trained parameters are read anew at each step, so that between steps the
 * caller may change them through ek_model_tensor_data (asked for after ek_trainer_create). EK_ERR_NONFINITE: loss or
 * gradient not finite (parameter named); the model is as before the step.
 */
EK_API EK_NODISCARD ek_status ek_trainer_step(ek_trainer *trainer, const ek_batch *batch, ek_step_result *result,
                                              ek_error *err);
/* Steps that the average is made of. */
EK_API int64_t ek_trainer_averaged(const ek_trainer *trainer);
/* A model with the averaged weights; what was not trained it borrows from the trainer's model, which must outlive it.
 * Its running statistics are those of the trained weights and do not fit: measure them (ek_recalibrate), then evaluate
 * or save it. EK_ERR_STATE: nothing has been averaged yet. */
EK_API EK_NODISCARD ek_status ek_trainer_average(const ek_trainer *trainer, ek_model **average, ek_error *err);
/* The averaged weights take the place of the trained ones in the trainer's model: the end of training. */
EK_API EK_NODISCARD ek_status ek_trainer_take_average(ek_trainer *trainer, ek_error *err);
/* Makes the plan for a batch like this one, without a step: what memory it takes is then known, and whether it fits. A
 * collective call before the first step. */
EK_API EK_NODISCARD ek_status ek_trainer_prepare(ek_trainer *trainer, const ek_batch *batch, ek_error *err);
/* Between steps: where less memory is left than a step's results have, gives that back until the next step, so that
 * other things fit meanwhile, as evaluating. */
EK_API void ek_trainer_rest(ek_trainer *trainer); /* accepts NULL */
/* Of the last step, or of what was prepared since. */
EK_API ek_memory_report ek_trainer_memory(const ek_trainer *trainer);
EK_API size_t ek_trainer_profile(const ek_trainer *trainer, ek_profile_row *rows, size_t room);

/* Where training is, kept in the state file beside the model. `flags` is any text the caller wants back (the tool keeps
 * its command line there, one option a line). */
typedef struct ek_position {
    int64_t epoch, batch; /* next batch to train on */
    double loss_sum;      /* running sums of the epoch, for progress output */
    int64_t correct, seen;
    const char *flags;
    const char *history; /* any text more that the caller wants back: NULL or "" = none, and the file has none */
} ek_position;

/* Writes the model and PATH.state, each atomically, and so that the pair is consistent after a kill at any moment. */
EK_API EK_NODISCARD ek_status ek_trainer_save(const ek_trainer *trainer, const char *path, const ek_position *position,
                                              ek_error *err);

/* The same once more by one rank alone, for a model that was changed after all ranks have saved: not a collective call.
 */
EK_API EK_NODISCARD ek_status ek_trainer_save_alone(const ek_trainer *trainer, const char *path,
                                                    const ek_position *position, ek_error *err);

/* Writes the model alone, with the bytes that ek_trainer_save gives it, and no state: a copy to keep. Of several ranks
 * rank 0 writes, and no other has to call. */
EK_API EK_NODISCARD ek_status ek_trainer_save_model(const ek_trainer *trainer, const char *path, ek_error *err);

/* A checkpoint as ek_trainer_save wrote it. */
typedef struct ek_checkpoint {
    ek_model *model;       /* owned by the caller from here on */
    ek_position position;  /* its texts: valid until ek_checkpoint_free */
    char environment[256]; /* threads, instruction set, oneDNN version, ranks at save time, one "key=value" a line */
    void *state;           /* optimizer slots and counters, for ek_trainer_restore */
} ek_checkpoint;
EK_API EK_NODISCARD ek_status ek_checkpoint_load(const char *path, ek_checkpoint *checkpoint, ek_error *err);
EK_API EK_NODISCARD ek_status ek_trainer_restore(ek_trainer *trainer, const ek_checkpoint *checkpoint, ek_error *err);
EK_API void ek_checkpoint_free(ek_checkpoint *checkpoint); /* not the model */
/* "key=value" lines of this process, to compare with a checkpoint's. */
EK_API void ek_environment(int threads, char text[256]);

/* ---- Evaluation ---- */

/* What a model says of an example with a label. */
typedef struct ek_judgement {
    double loss;
    int32_t label, predicted; /* predicted: the largest logit, the first of equals */
    int64_t above; /* logits above the label's, and equal ones before it: 0 = right, below k = in the top k */
} ek_judgement;

typedef struct ek_eval_options {
    size_t struct_size;
    ek_mode mode;  /* default INFERENCE */
    int64_t batch; /* default 256; changes time, never results (in INFERENCE) */
    int threads;
    float *logits;    /* optional: images x classes f32, filled */
    int use_metadata; /* 1 (default) = normalize with evenkeel.mean/std of the model */
    int (*progress)(void *context, int64_t done, int64_t total); /* optional; nonzero stops (EK_ERR_INTERRUPTED) */
    void *context;
    int batch_statistics; /* 1 = norms take the statistics of each batch (frozen ones aside), nothing is dropped, and
                             the order is shuffled, since a batch of one class has statistics of its own; without logits
                           */
    int64_t sample; /* > 0 = only so many images, picked over the whole set in a shuffled order that is always the same;
                       without logits; default 0 = all */
    double *losses; /* optional: the loss of each image, in the order in which they go through the model; filled */
    const char *head; /* the output that is meant, of several; NULL (default) = the first. Of a Softmax its input */
    ek_comm *comm;    /* ranks that evaluate together, each a part of every batch; all get the result that one would. A
                         collective call, all with the same model; without logits, batch_statistics and sample */
    ek_judgement *judgements; /* optional: of each image, in the order of `losses`; filled */
    const ek_loss *terms; /* term_count terms, as ek_train_options.losses: result.loss is theirs over the whole set, and
                             correct of the first cross-entropy with a class an example; without logits, judgements
                             and sample; ranks do not share it out */
    size_t term_count;
    ek_dtype precision;                 /* EK_F32 (default, also 0), or EK_BF16 as in ek_session_options */
    struct ek_measurement *measurement; /* optional, with terms: what each is worth (<evenkeel/metrics.h>); filled */
    uint64_t reserved[1];
} ek_eval_options;

typedef struct ek_eval_result {
    double accuracy; /* fraction */
    double loss;     /* mean softmax cross-entropy */
    int64_t images, correct;
    int64_t classes;
} ek_eval_result;

EK_API ek_eval_options ek_eval_options_default(void);
EK_API EK_NODISCARD ek_status ek_evaluate(ek_model *model, const ek_dataset *dataset, const ek_eval_options *options,
                                          ek_eval_result *result, ek_error *err);

/* ek_evaluate of the model as ek_trainer_save would write it now, between two steps; `options` as there, its comm is
 * the trainer's. Over ranks a collective call. */
EK_API EK_NODISCARD ek_status ek_trainer_evaluate(const ek_trainer *trainer, const ek_dataset *dataset,
                                                  const ek_eval_options *options, ek_eval_result *result,
                                                  ek_error *err);

/* ---- Prediction ---- */

/* What the scores of a classifier are. */
typedef enum ek_scores {
    EK_SCORES_AUTO = 0,          /* logits before a last Softmax or LogSoftmax; probabilities behind a last Sigmoid, or
                                    where in each row no score is below 0 and their sum is 1 (to 0.001); else logits */
    EK_SCORES_LOGITS = 1,        /* probabilities are their softmax */
    EK_SCORES_PROBABILITIES = 2, /* they are what they are */
} ek_scores;

typedef struct ek_predictions {
    int64_t images, classes;
    float *logits;        /* images x classes, the bits that ek_evaluate gives */
    float *probabilities; /* images x classes; NaN where a row holds NaN or +infinity */
    ek_scores scores;     /* what the logits were taken for: LOGITS or PROBABILITIES */
} ek_predictions;

/* What a model says of images, which need no labels (ek_dataset_options.unlabelled). `options` as for ek_evaluate, NULL
 * = defaults; its logits and batch_statistics are not used. In INFERENCE the bits for an image are the same in any set
 * and batch, given the same `scores`. EK_ERR_SHAPE: not a classifier, which gives two or more numbers an image. */
EK_API EK_NODISCARD ek_status ek_predict(ek_model *model, const ek_dataset *dataset, const ek_eval_options *options,
                                         ek_scores scores, ek_predictions *predictions, ek_error *err);
EK_API void ek_predictions_free(ek_predictions *predictions);

/* An output of a model for images: a class for each pixel, numbers, whatever it is. */
typedef struct ek_output {
    int64_t images;
    int rank;
    int64_t dims[8]; /* dims[0] images */
    float *values;
    ek_scores scores; /* PROBABILITIES: the last node is a Sigmoid; else LOGITS */
} ek_output;

/* The output ek_eval_options.head, or the first, as the model gives it. EK_ERR_SHAPE: it is not float32 with the
 * examples first, or its extents differ from batch to batch. */
EK_API EK_NODISCARD ek_status ek_predict_output(const ek_model *model, const ek_dataset *dataset,
                                                const ek_eval_options *options, ek_output *output, ek_error *err);
EK_API void ek_output_free(ek_output *output);

#ifdef __cplusplus
}
#endif
#endif
