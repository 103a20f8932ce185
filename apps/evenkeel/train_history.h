/* train_history.h: what each epoch of a training gave; kept with checkpoints, so that a resumed run knows it. */
#ifndef EK_TOOL_TRAIN_HISTORY_H
#define EK_TOOL_TRAIN_HISTORY_H

#include "measures.h"

#include <evenkeel/status.h>
#include <stdint.h>
#include <stdio.h>

/* The loss on the same training images in inference and in training. */
typedef struct norm_gap {
    int measured;
    double running, batch; /* with running statistics, with those of each batch */
} norm_gap;

typedef struct epoch_row {
    int64_t epoch, step; /* from 1; steps done at its end */
    double loss, accuracy, lr;
    double seconds;                          /* in this process; 0 = it ended in another one */
    double gradient_norm, gradient_norm_max; /* mean and largest of its steps; 0 = not measured */
    int64_t clipped;                         /* steps with clipped gradients */
    int validated;
    double validation_loss;
    double metrics[MEASURES]; /* of the validation data, as measure_names has them */
    norm_gap gap;
} epoch_row;

/* The gradients of the steps of an epoch so far. */
typedef struct gradient_sums {
    double sum, most;
    int64_t steps, clipped;
} gradient_sums;

typedef struct history {
    epoch_row *rows;
    size_t count, room;
    double *shifts; /* of each norm, for each row: how far the mean of the batches lies from the running one */
    size_t norms, shift_room;
    gradient_sums gradients; /* of the epoch that is under way */
    int ended;               /* patience did, before the last step */
} history;

void history_add_gradient(history *h, double norm, int clipped); /* of a step */
/* Adds an epoch, with the gradients of its steps; the next one begins. */
EK_NODISCARD ek_status history_add(history *h, epoch_row *row, ek_error *err);
/* Before the row that they belong to is added: of each norm, after an epoch. */
EK_NODISCARD ek_status history_add_shifts(history *h, const double *shifts, size_t norms, ek_error *err);
void history_free(history *h);
/* The row with the lowest finite validation loss, the first of equals; NULL = there is none. */
const epoch_row *history_best(const history *h);
/* Validated epochs since the best one. */
int64_t history_waited(const history *h);

/* As text, with every bit of the numbers; seconds are left out. NULL = out of memory; else the caller frees it. */
char *history_text(const history *h);
/* EK_ERR_FORMAT: the text is not one of history_text. NULL is an empty history. */
EK_NODISCARD ek_status history_read(history *h, const char *text, ek_error *err);

#endif
