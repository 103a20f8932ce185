/* train_job.h: what the parts of `evenkeel train` share. */
#ifndef EK_TOOL_TRAIN_JOB_H
#define EK_TOOL_TRAIN_JOB_H

#include "command.h"
#include "divergence.h"
#include "eval_metrics.h"
#include "report/json_out.h"
#include "terms.h"
#include "train_history.h"
#include "train_log.h"

#include <evenkeel/surgery.h>
#include <evenkeel/train.h>

extern const option train_options[]; /* train_options.c */

/* What the end of training found, on so many training images. */
typedef struct settlement {
    int64_t images;
    int averaged, measured;               /* batch norms with running statistics; these were measured exactly */
    ek_eval_result running, batch, final; /* with the average; with the statistics of each batch; of the file */
} settlement;

typedef struct train_job {
    const arguments *args; /* with those of the checkpoint merged in */
    const char *output;    /* file to write; NULL only in a dry run */
    const char *data, *test_data;
    ek_split evaluated_on;       /* what `result` was measured on */
    ek_dataset *train, *test;    /* test may be NULL */
    ek_dataset *validation;      /* NULL = none; may be `test` */
    eval_metrics judged;         /* of the last validation, of a classifier */
    ek_measurement *measurement; /* the same, of other losses; after the test, of that */
    double *losses;              /* the same: of each example */
    ek_recalibration *norm_gaps; /* of the last epoch, for the report; NULL = none */
    ek_model *average;           /* of the weights, as last validated; NULL = the model itself was */
    char *best;                  /* file of the best model; NULL = none is kept */
    terms terms;                 /* of arrays, and what is made small */
    ek_model *model;
    ek_loader *loader;
    ek_loader_options loading;
    ek_train_options training;
    ek_trainer *trainer;
    ek_comm *comm;  /* of one rank unless mpirun started this process */
    char *flags;    /* text kept with checkpoints */
    char head[320]; /* what became of the classifier; "" = it is as it was */
    int phase;      /* epoch, from 1, whose switches are in force */

    int64_t batches, total_steps;        /* batches per epoch */
    int64_t chosen_epochs, chosen_batch; /* for few images; 0 = as the option says */
    settlement settled;
    ek_position position; /* where training is */
    ek_step_result last;
    int resumed;
    int saved;          /* checkpoints written by this process */
    int64_t saved_step; /* of the last one, also of the one resumed */
    divergence divergence;
    ek_checkpoint checkpoint; /* when resumed */

    int64_t images; /* trained on by this process */
    double seconds;
    history history; /* epochs that have ended */
    train_log log;
    char *history_text; /* as last kept with a checkpoint */
    int tested;
    ek_eval_result result;
} train_job;

/* ---- train_setup.c: data, model and trainer, before anything is computed ---- */
EK_NODISCARD ek_status train_open_data(train_job *job, ek_error *err);
/* Decodes all images, so that a damaged one is found before anything is computed; a resumed run has done so. */
EK_NODISCARD ek_status train_check_data(const train_job *job, ek_error *err);
EK_NODISCARD ek_status train_make_model(train_job *job, ek_error *err);
EK_NODISCARD ek_status train_make_loader(train_job *job, ek_error *err);
EK_NODISCARD ek_status train_make_trainer(train_job *job, ek_error *err);

/* ---- train_augment.c: how images are changed for training ---- */
EK_NODISCARD ek_status train_augment(const train_job *job, ek_loader_options *o, ek_error *err);

/* ---- train_validate.c: validation after each epoch, and the best model ---- */
/* After the training data, of which it may take a part. */
EK_NODISCARD ek_status train_open_validation(train_job *job, ek_error *err);
/* NAME.best.onnx beside NAME.onnx, which must be one that can be written. */
EK_NODISCARD ek_status train_best_path(train_job *job, ek_error *err);
/* At the end of an epoch, on all ranks: fills what the row has of validation. */
EK_NODISCARD ek_status train_validate(train_job *job, epoch_row *row, ek_error *err);
/* Whether the model is, at this step, the best so far. */
int train_is_best(const train_job *job);
/* Writes the best file where it is; after the checkpoint. */
EK_NODISCARD ek_status train_keep_best(train_job *job, ek_error *err);
/* When resumed: the best file is made what the checkpoint says of it. */
EK_NODISCARD ek_status train_find_best(train_job *job, const char *resume, ek_error *err);

/* ---- train_average.c: the average of the weights ---- */
EK_NODISCARD ek_status train_average_options(const train_job *job, ek_train_options *o, ek_error *err);
/* A model of the average with statistics measured for it; NULL = there is none yet, or none is kept. */
EK_NODISCARD ek_status train_average_model(const train_job *job, ek_model **average, ek_error *err);
/* At the end, on rank 0: the file gets the average. */
EK_NODISCARD ek_status train_average_settle(train_job *job, ek_error *err);

/* ---- train_gap.c: running statistics against those of the batches ---- */
/* For the report, on rank 0. */
EK_NODISCARD ek_status train_gap_measure(train_job *job, epoch_row *row, ek_error *err);

/* ---- train_watch.c: what is written down along the way, on rank 0 ---- */
EK_NODISCARD ek_status train_watch_check(const train_job *job, ek_error *err); /* before anything is opened */
EK_NODISCARD ek_status train_watch_open(train_job *job, ek_error *err);
EK_NODISCARD ek_status train_watch_step(train_job *job, ek_error *err);
/* After an epoch has been added to the history, before its checkpoint. */
EK_NODISCARD ek_status train_watch_epoch(train_job *job, ek_error *err);
void train_watch_close(train_job *job);

/* ---- train_size.c: epochs and batch, and what is too small ---- */
void train_choose_size(train_job *job);
int64_t train_batch(const train_job *job);
int64_t train_epochs(const train_job *job);
int64_t train_chosen(const train_job *job, const char *name); /* of an option that was not given; 0 = nothing */
int train_averages(const train_job *job);                     /* some batch norm updates its statistics */
void train_tell_size(const train_job *job);

/* ---- train_settle.c: the end, on rank 0 ---- */
/* Measures the statistics of batch norms exactly where they are asked for so, or do not fit. */
EK_NODISCARD ek_status train_settle(train_job *job, ek_error *err);
/* After the test: warns where the accuracy is that of the training images only. */
void train_compare(const train_job *job);

/* ---- train_ranks.c: training over the ranks that mpirun started ---- */
/* ek_comm_guard: before anything else. At least 0 = the exit status to return at once. */
int train_guard(const arguments *args);
EK_NODISCARD ek_status train_join(train_job *job, ek_error *err);
int train_threads(const train_job *job); /* 0 = as many as OpenMP gives */
void train_use_ranks(train_job *job);    /* fills the fields of job->training that are about ranks */
/* All ranks have the same options and data? */
EK_NODISCARD ek_status train_agree(const train_job *job, ek_error *err);
int train_stops(const train_job *job); /* stopping was asked for; the same on all ranks */

/* ---- train_adapt.c: a file made ready for other data ---- */
/* A new classifier where one is wanted or needed, and a batch that may have any size. */
EK_NODISCARD ek_status train_adapt(train_job *job, ek_error *err);
/* With arrays: batches of another size than the file fixes, where the graph allows it. */
void train_any_batch(train_job *job);

/* ---- train_phases.c: what is frozen when ---- */
/* Sets the switches of the norms for an epoch (from 1). `first`: says what matched. */
EK_NODISCARD ek_status train_freeze(train_job *job, int64_t epoch, int first, ek_error *err);
/* Gives the trainer the shares of the learning rate for an epoch. */
EK_NODISCARD ek_status train_scale(train_job *job, int64_t epoch, ek_error *err);
/* Before the first step of an epoch: both, where the epoch before had others. */
EK_NODISCARD ek_status train_enter_epoch(train_job *job, int64_t epoch, ek_error *err);

/* ---- train_flags.c: the options kept in a checkpoint ---- */

/* The text kept in ek_position.flags: one option a line, and the fingerprint of the data. */
EK_NODISCARD ek_status train_flags_write(train_job *job, ek_error *err);
/* Makes `merged` of the options in the checkpoint and those given now; refuses changed ones and names them. */
EK_NODISCARD ek_status train_flags_merge(const arguments *given, const char *flags, const char *path, arguments *merged,
                                         ek_error *err);
/* Steps done and all steps of a checkpoint; 0 = it does not say. */
int train_flags_progress(const ek_position *position, int64_t *done, int64_t *total);
/* Compares the data with what the checkpoint was trained on. */
EK_NODISCARD ek_status train_flags_check_data(const train_job *job, ek_error *err);
/* Says which of threads, instruction set and oneDNN differ from the checkpoint. */
void train_compare_environment(const train_job *job);

/* ---- train_keep.c ---- */
/* EK_ERR_ARG: the output is a checkpoint that has not ended and is not the one resumed; --overwrite allows it. */
EK_NODISCARD ek_status train_keep_unfinished(const train_job *job, const char *resume, ek_error *err);

/* ---- train_loop.c ---- */

/* Trains to the end, with checkpoints. EK_ERR_INTERRUPTED: stopped on request, checkpoint written. */
EK_NODISCARD ek_status train_loop(train_job *job, ek_error *err);
EK_NODISCARD ek_status train_plan(train_job *job, ek_error *err); /* what the first step will take; no step */
int64_t train_step(const train_job *job);                         /* steps done */
int train_ended(const train_job *job);                            /* all steps are done, or patience is over */
/* Whether what each epoch gave is kept with checkpoints. */
int train_keeps_history(const train_job *job);

/* ---- train_report.c ---- */
void report_plan(const train_job *job);       /* of a dry run, on standard output */
void report_start(const train_job *job);      /* a few lines on standard error */
void report_parameters(const train_job *job); /* the same: decayed and not decayed */
void report_epoch(const train_job *job, const epoch_row *row);
void report_result(const train_job *job); /* on standard output */

/* ---- train_profile.c ---- */
void report_profile(const train_job *job, FILE *file);
void profile_json(eki_json *json, const train_job *job);

#endif
