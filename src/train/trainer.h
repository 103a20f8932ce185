/* trainer.h: what the files of src/train share, grouped by the file that defines it. */
#ifndef EKI_TRAINER_H
#define EKI_TRAINER_H

#include "feed/intake.h"
#include "model/model.h"

#include <evenkeel/train.h>

/* ---- loss.c ---- */
typedef struct eki_loss {
    double sum;      /* over the rows, in row order */
    int64_t correct; /* rows whose largest logit (the first of equals) is the label's */
    int64_t bad_row; /* first row whose loss is not finite, or -1 */
} eki_loss;

/* Rows with two labels each: shares[r] of the row's own and 1 - shares[r] of the other. */
typedef struct eki_mixture {
    const int32_t *others;
    const float *shares; /* NULL = one label each */
} eki_mixture;

/* Softmax cross-entropy of rows x classes logits. gradient (NULL = not wanted) gets (softmax - onehot) / rows. */
eki_loss eki_loss_compute(const float *logits, int64_t rows, int64_t classes, const int32_t *labels, float *gradient);
/* The same of rows that are part of `all`; losses (NULL = not wanted) gets that of each row. */
eki_loss eki_loss_part(const float *logits, int64_t rows, int64_t classes, const int32_t *labels, eki_mixture mixture,
                       int64_t all, double *losses, float *gradient);
/* EK_ERR_ARG names the first label that is not a class. ids may be NULL. */
ek_status eki_loss_check_labels(const int32_t *labels, const uint64_t *ids, int64_t rows, int64_t classes,
                                ek_error *err);

/* ---- groups.c: parameters and how they are treated ---- */
typedef struct eki_trained {
    const char *name;
    float *weights;
    const float *gradient; /* NULL when not trained */
    size_t count;
    bool decayed, trained, norm;
    double lr_scale;       /* share of the learning rate */
    float *first, *second; /* optimizer slots (momentum; Adam's m and v); NULL where there are none */
    float *average;        /* of the weights; NULL where none is kept */
} eki_trained;

typedef struct eki_groups {
    eki_trained *items;
    size_t count, capacity;
} eki_groups;

/* Lists the parameters of a planned exec, then frozen norm parameters, and makes zero slots. `scales` is the share of
 * the learning rate by value id; NULL = 1. */
ek_status eki_groups_create(const ek_model *model, const eki_exec *exec, const ek_train_options *options,
                            const double *scales, eki_groups *groups, ek_error *err);
void eki_groups_free(eki_groups *groups);
eki_trained *eki_groups_find(const eki_groups *groups, const char *name);
/* Slots per parameter: 0, 1 or 2. */
int eki_optimizer_slots(const ek_train_options *options);

/* ---- optimizer.c ---- */
/* One update of every trained parameter, by its gradient times `shrink`. `t` counts updates from 1. */
void eki_optimizer_step(const ek_train_options *options, double lr, float shrink, int64_t t, const eki_groups *groups);
/* The norm of all gradients of trained parameters together, in f64, in an order that is the same for any number of
 * threads. */
ek_status eki_optimizer_norm(const eki_groups *groups, double *norm, ek_error *err);
/* The first trained parameter with a gradient that is not finite, or NULL. */
const eki_trained *eki_optimizer_nonfinite(const eki_groups *groups);

typedef struct eki_clip {
    double norm;  /* 0 = not measured */
    float shrink; /* what gradients are multiplied by */
} eki_clip;

/* ---- schedule.c ---- */
double eki_learning_rate(const ek_train_options *options, int64_t step); /* step counts from 0 */
const char *eki_optimizer_name(int optimizer);
double eki_default_lr(ek_optimizer optimizer);

/* ---- train_options.c ---- */
ek_status eki_train_options_check(ek_train_options *options, const ek_train_options *given, ek_error *err);

/* ---- logits.c ---- */
/* The output that is meant by `head`, NULL = the first. EK_ERR_UNSUPPORTED: the model has none. EK_ERR_ARG: none of
 * that name; those that there are, are listed. */
ek_status eki_logits_head(const ek_model *model, const char *head, const eki_value **output, ek_error *err);
/* Classes of a planned exec whose first output is the logits. */
ek_status eki_logits_classes(eki_exec *exec, int64_t rows, int64_t *classes, ek_error *err);

/* ---- sole_input.c ---- */
/* Whether what runs needs no input but the model's first. EK_ERR_UNSUPPORTED names one. */
ek_status eki_sole_input(const eki_exec *exec, ek_error *err);

/* ---- evaluate.c ---- */
/* Gets the logits of the examples of each batch, in their order. */
typedef ek_status eki_logits_call(void *taker, const float *logits, int64_t rows, int64_t classes, ek_error *err);
/* ek_evaluate; or, with `take`, no loss and no accuracy, but all logits to it: then labels do not count. */
ek_status eki_evaluate(ek_model *model, const ek_dataset *dataset, const ek_eval_options *options,
                       eki_logits_call *take, void *taker, ek_eval_result *result, ek_error *err);

/* ---- judgements.c: what is known of each example, on all ranks ---- */
typedef struct eki_record {
    int64_t at; /* which of the examples, from 0 */
    ek_judgement judgement;
} eki_record;

ek_judgement eki_judgement_of(const float *logits, int64_t classes, int32_t label);
/* What the ranks have, at its place in `judgements`, which has room for `total`; every rank gets all. */
ek_status eki_judgements_gather(ek_comm *comm, const eki_record *records, size_t count, ek_judgement *judgements,
                                int64_t total, ek_error *err);

/* ---- scales.c: who learns how fast ---- */
typedef struct eki_rules {
    size_t count;
    char **patterns;
    double *factors;
} eki_rules;

ek_status eki_rules_copy(const ek_model *model, const ek_lr_scale *rules, size_t count, eki_rules *out, ek_error *err);
void eki_rules_free(eki_rules *rules);
/* The share of each value, by id: rules times depth_decay ^ layers behind it. malloc'ed; NULL where all are 1. */
ek_status eki_scales_create(const ek_model *model, const eki_rules *rules, double depth_decay, double **scales,
                            ek_error *err);

/* ---- trainer.c ---- */
struct ek_trainer {
    ek_model *model;
    ek_train_options options;
    struct eki_objective *objective; /* NULL = the classifier's loss */
    eki_exec *exec;
    uint8_t *switches;
    int64_t *updates; /* by value id of a running mean: of a debiased average, so far */
    const char *logits;
    eki_intake intake;
    eki_rules rules;
    eki_groups groups;
    struct eki_ranks *ranks; /* NULL = this process is alone */
    bool agreed;             /* all ranks train the same */
    int64_t averaged;        /* steps that the average of the weights is made of */
    int64_t step;            /* done */
    int64_t skipped;         /* running-statistics updates refused */
    char skipped_text[256];
};

/* ---- average.c ---- */
void eki_average_step(ek_trainer *trainer); /* after a step */

/* ---- statistics.c: how running statistics are averaged ---- */
/* Reads the counts of the model and sets the switches of the norms whose average is debiased. */
ek_status eki_statistics_open(ek_trainer *trainer, ek_error *err);
/* Keeps the counts in the model. */
ek_status eki_statistics_keep(const ek_trainer *trainer, ek_error *err);

/* An exec and its groups for the switches that the model has now. */
ek_status eki_trainer_open(ek_trainer *trainer, ek_error *err);
/* Plans for a batch; before the first, ranks see that they agree. */
ek_status eki_trainer_prepare(ek_trainer *trainer, const ek_batch *batch, ek_error *err);

/* ---- state.c: the state file ---- */
typedef struct eki_identity {
    bool exists;
    uint32_t crc;
    uint64_t size;
} eki_identity;

typedef struct eki_slot {
    char *name;
    size_t count;
    int arrays;
    float *data[2];
} eki_slot;

typedef struct eki_state {
    int optimizer, arrays;
    int64_t step, skipped;
    ek_position position; /* flags points to flags below */
    char *flags, *history;
    char environment[256];
    eki_identity model, previous; /* the model file saved with this state, and the one it replaced */
    size_t n_slots;
    eki_slot *slots;
    int average; /* ek_average */
    int64_t averaged;
    size_t n_averages;
    eki_slot *averages;         /* of one array each */
    eki_map map;                /* of the file, while it is loaded */
    const unsigned char *bytes; /* the model file's bytes, in the map */
} eki_state;

ek_status eki_state_write(const ek_trainer *trainer, const ek_position *position, const eki_identity *model,
                          const eki_identity *previous, eki_writer *writer, ek_error *err);
/* ---- state_read.c ---- */
ek_status eki_state_read(const char *path, eki_state **state, ek_error *err);
void eki_state_free(eki_state *state);

/* Layout of the state file, see docs/training.md. Numbers are little-endian. */
#define EKI_STATE_MAGIC "EKSTATE\x1a"
enum { EKI_STATE_VERSION = 1, EKI_STATE_HEADER = 16, EKI_SECTION_HEADER = 24 };

typedef struct eki_section_header {
    char tag[4];
    uint32_t payload_crc;
    uint64_t size;
    uint32_t zero;
    uint32_t header_crc; /* of the 20 bytes before */
} eki_section_header;

typedef struct eki_position_record { /* "POSN" */
    int64_t epoch, batch, correct, seen, step, skipped;
    double loss_sum;
    uint32_t optimizer, arrays;
    uint64_t slots;
} eki_position_record;

typedef struct eki_pair_record { /* "PAIR" */
    uint64_t size, previous_size;
    uint32_t crc, previous_crc, has_previous, zero;
} eki_pair_record;

typedef struct eki_slot_record { /* "SLOT": this, the name, then the arrays */
    uint32_t name_bytes, arrays;
    uint64_t count;
} eki_slot_record;

typedef struct eki_average_record { /* "AVER": the average of weights, where one is kept; "AVRG": as "SLOT", one array
                                     */
    int64_t steps;
    uint32_t kind, zero;
    uint64_t parameters;
} eki_average_record;

typedef struct eki_end_record { /* "END!" */
    uint32_t crc, sections;     /* of everything before this section's header */
} eki_end_record;

#endif
