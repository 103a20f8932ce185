/* terms.h: --input, --target and --loss: arrays in place of images, and what is made small, for train and eval. */
#ifndef EK_TOOL_TERMS_H
#define EK_TOOL_TERMS_H

#include "columns.h"

#include <evenkeel/metrics.h>

#define OPTIONS_TERMS                                                                                                  \
    {.name = "input",                                                                                                  \
     .letter = 'i',                                                                                                    \
     .type = OPT_FILE,                                                                                                 \
     .argument = "[NAME=]X.npy|A,B",                                                                                   \
     .traits = OPT_REPEAT | OPT_FREE | OPT_PATTERN,                                                                    \
     .group = "Data",                                                                                                  \
     .help = "an input of the model: an array in place of --data, examples first, of any size and type; or columns "   \
             "of numbers of the table --data, such as a,b or 'x*'; without NAME, the first"},                          \
        {.name = "target",                                                                                             \
         .type = OPT_FILE,                                                                                             \
         .argument = "[NAME=]Y.npy|C,D",                                                                               \
         .traits = OPT_REPEAT | OPT_FREE | OPT_PATTERN,                                                                \
         .group = "Data",                                                                                              \
         .help = "what an output should be: NAME is that output, or an input of a loss file; may be left out where "   \
                 "there is one. An array, with --data in place of the labels; or columns of the table --data: a "      \
                 "class, with bce labels, with mse, mae and huber numbers"},                                           \
        {.name = "loss",                                                                                               \
         .type = OPT_TEXT,                                                                                             \
         .argument = "[OUTPUT=]NAME",                                                                                  \
         .traits = OPT_REPEAT,                                                                                         \
         .group = "Loss",                                                                                              \
         .help = "cross-entropy (default; of several labels bce), bce, mse, mae, huber, or FILE.onnx, whose inputs "   \
                 "are values of the model and "                                                                        \
                 "targets and whose output is one number; of several outputs each has its own"},                       \
        {.name = "loss-weight",                                                                                        \
         .type = OPT_TEXT,                                                                                             \
         .argument = "OUTPUT=W",                                                                                       \
         .traits = OPT_REPEAT,                                                                                         \
         .group = "Loss",                                                                                              \
         .help = "how much the loss of an output counts in the sum; default 1"},                                       \
        {.name = "label-smoothing",                                                                                    \
         .type = OPT_REAL,                                                                                             \
         .argument = "E",                                                                                              \
         .fallback = "0",                                                                                              \
         .maximum = 0.999,                                                                                             \
         .group = "Loss",                                                                                              \
         .help = "cross-entropy: E of a label is spread over all classes; bce: t (1 - E) + E / 2"},                    \
    {                                                                                                                  \
        .name = "class-weights", .type = OPT_TEXT, .argument = "auto|FILE", .group = "Loss",                           \
        .help = "how much each class counts: numbers in FILE (.npy or text); "                                         \
                "auto: the rarer, the more"                                                                            \
    }

enum { MAX_TERMS = 16 };

typedef struct terms {
    ek_loss losses[MAX_TERMS];
    size_t count; /* 0 = the classifier's own loss */
    ek_model *graphs[MAX_TERMS];
    float *class_weights;
    int places[MAX_TERMS]; /* a class for each place, not for each example */
    char names[MAX_ARRAYS][ARRAY_NAME], outputs[MAX_TERMS][ARRAY_NAME];
    ek_array_source arrays[MAX_ARRAYS]; /* of files */
    size_t array_count;
    char targets[MAX_ARRAYS][ARRAY_NAME]; /* names of arrays that are targets, of files and of columns */
    size_t target_count;
    const char *labelled; /* the output that the labels of images are for; NULL = not named */
} terms;

/* Whether --input gives arrays in place of --data. */
int terms_arrays(const arguments *args);
/* Reads --input and --target; nothing is opened. The model may be NULL where neither is given. */
EK_NODISCARD ek_status terms_read(terms *t, const arguments *args, const ek_model *model, ek_error *err);
/* The arrays as a set, at most --limit examples. */
EK_NODISCARD ek_status terms_open(const terms *t, const arguments *args, ek_dataset **dataset, ek_error *err);
/* What the loss is, on these examples (class weights are theirs). */
EK_NODISCARD ek_status terms_make(terms *t, const arguments *args, const ek_model *model, const ek_dataset *data,
                                  ek_error *err);
void terms_free(terms *t);
/* "cross-entropy of y, 0.5 bce of z". */
void terms_text(const terms *t, char *text, size_t room);
/* What the run is measured by: the first loss of classes of examples, else the first built-in one, which is term *at
 * (NULL = not wanted). */
ek_measure terms_measure(const terms *t, size_t *at);
/* Right or wrong can be said of an example. */
int terms_classify(const terms *t);

#endif
