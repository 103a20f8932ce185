/* predict_rows.h: what `evenkeel predict` prints: a row for each image, as text, CSV or JSON, as soon as it is known.
 */
#ifndef EK_TOOL_PREDICT_ROWS_H
#define EK_TOOL_PREDICT_ROWS_H

#include "report/json_out.h"

#include <evenkeel/image.h>
#include <evenkeel/train.h>

typedef enum row_format { ROWS_TEXT, ROWS_CSV, ROWS_JSON } row_format;

/* What is said of an image. */
typedef enum row_kind { ROWS_CLASS, ROWS_SEVERAL, ROWS_PIXELS, ROWS_NUMBERS } row_kind;

typedef struct rows {
    row_format format;
    row_kind kind;
    const ek_model *model;
    ek_model_images images;      /* for the names of the classes */
    int64_t top;                 /* classes a row */
    int path_width, class_width; /* of columns of text */
    int64_t classes;             /* 0 = not known yet */
    eki_json json;
} rows;

/* Before anything is put. */
void rows_start(rows *r);
/* Before the first row, once it is known how many classes there are. */
void rows_begin(rows *r, const ek_image_list *list, int64_t classes);
/* The `top` classes of an image, the likeliest first; of equal ones the lower number. */
void rows_put(rows *r, const char *path, const float *logits, const float *probabilities);
/* Of labels or numbers, each of them; of labels the logits become probabilities. */
void rows_put_values(rows *r, const char *path, const float *values, ek_scores scores);
void rows_put_mask(rows *r, const char *path, const char *mask);
/* An image that has no prediction; only JSON has a row for it. */
void rows_put_failed(rows *r, const char *path, const ek_error *err);

#endif
