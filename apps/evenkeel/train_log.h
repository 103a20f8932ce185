/* train_log.h: the log of a training: a row for each epoch, and for every so many steps, as CSV or JSON lines. */
#ifndef EK_TOOL_TRAIN_LOG_H
#define EK_TOOL_TRAIN_LOG_H

#include "train_history.h"

typedef struct train_log {
    const char *path;
    FILE *file; /* NULL = no log is kept */
    int json;
    ek_measure measure; /* what the columns are */
} train_log;

/* Whether the name ends in .csv or .jsonl. EK_ERR_ARG. */
EK_NODISCARD ek_status log_check_name(const char *path, ek_error *err);
/* A new file, or with `steps` >= 0 the one of a training that is resumed after so many steps: rows of later ones are
 * cut off, and epochs of `past` that it lacks are put in. EK_ERR_FORMAT: the file is no such log. */
EK_NODISCARD ek_status log_open(train_log *log, const char *path, ek_measure measure, int64_t steps,
                                const history *past, ek_error *err);
EK_NODISCARD ek_status log_step(train_log *log, const epoch_row *row, ek_error *err);
/* `best`: the validation loss is the lowest so far. */
EK_NODISCARD ek_status log_epoch(train_log *log, const epoch_row *row, int best, ek_error *err);
void log_close(train_log *log);

#endif
