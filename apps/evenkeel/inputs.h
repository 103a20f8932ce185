/* inputs.h: opening data and models for the commands, with errors that name both sides when they do not fit. */
#ifndef EK_TOOL_INPUTS_H
#define EK_TOOL_INPUTS_H

#include "command.h"

#include <evenkeel/data.h>
#include <evenkeel/model.h>

#define OPTION_DATA                                                                                                    \
    {                                                                                                                  \
        .name = "data", .type = OPT_FILE, .argument = "SPEC", .group = "Data", .traits = OPT_FREE,                     \
        .help = "a folder (IDX, CIFAR-10, images by class or with a table), table.csv, x.npy,labels.npy, "             \
                "builtin:strokes[:N]"                                                                                  \
    }
#define OPTION_SIZE                                                                                                    \
    {                                                                                                                  \
        .name = "size", .type = OPT_TEXT, .argument = "HxW", .group = "Data",                                          \
        .help = "resize images to this; default: as they are, image folders to the size of the model"                  \
    }
/* Of image files, which always have the size of the model. */
#define OPTION_OPEN_SIZE                                                                                               \
    {                                                                                                                  \
        .name = "size", .type = OPT_TEXT, .argument = "HxW", .group = "Images",                                        \
        .help = "height and width of the images, where neither the model nor training fixed them"                      \
    }

/* Which part of --data; `otherwise` is "train" or "test". Read it with data_split. Only image folders and tables have a
 * validation part. */
#define OPTION_SPLIT(otherwise)                                                                                        \
    {                                                                                                                  \
        .name = "split", .type = OPT_CHOICE, .choices = "train|test|validation", .fallback = otherwise,                \
        .group = "Data", .help = "which part of the data"                                                              \
    }
#define OPTION_LIMIT                                                                                                   \
    {                                                                                                                  \
        .name = "limit", .type = OPT_INT, .argument = "N", .fallback = "0", .group = "Data",                           \
        .help = "use the first N examples only (of a folder of images: evenly spread); 0 = all"                        \
    }
/* Where the batch size changes no result. */
#define OPTION_BATCH(otherwise, heading)                                                                               \
    {                                                                                                                  \
        .name = "batch", .type = OPT_INT, .argument = "N", .fallback = otherwise, .minimum = 1, .maximum = 1048576,    \
        .group = heading, .help = "examples at a time; changes time and memory, never results"                         \
    }

/* Another exposure of the same images. */
#define OPTION_INPUT_AFFINE OPTION_INPUT_AFFINE_OF("Data")
#define OPTION_INPUT_AFFINE_OF(heading)                                                                                \
    {                                                                                                                  \
        .name = "input-affine", .type = OPT_TEXT, .argument = "A,B", .group = heading,                                 \
        .help = "take A x + B for every pixel x in [0, 1] (before mean and deviation), as under another light"         \
    }

/* Which output the logits are taken from. */
#define OPTION_HEAD(heading)                                                                                           \
    {                                                                                                                  \
        .name = "head", .type = OPT_TEXT, .argument = "NAME", .group = heading,                                        \
        .help = "of a model with several outputs, the one with the logits; default: the first"                         \
    }

/* Images to look at; `otherwise` as with OPTION_SPLIT. */
#define OPTIONS_IMAGES(otherwise) OPTION_DATA, OPTION_SPLIT(otherwise), OPTION_LIMIT, OPTION_SIZE, OPTION_INPUT_AFFINE

ek_split data_split(const arguments *args);

/* What the model (may be NULL) says of its images, and options that open some for it: resized by --size, with
 * --input-affine where the command has it, as gray or RGB as the model says. */
EK_NODISCARD ek_status image_options(const arguments *args, const ek_model *model, ek_model_images *images,
                                     ek_dataset_options *options, ek_error *err);
/* The same for image files: their size and channels must be known. EK_ERR_ARG, EK_ERR_UNSUPPORTED. */
EK_NODISCARD ek_status file_options(const arguments *args, const ek_model *model, ek_model_images *images,
                                    ek_dataset_options *options, ek_error *err);
/* Says that gray images became RGB, or the reverse. */
void tell_channels(const char *spec, int stored, int taken);

/* Says that the model takes images channels last, and which of several outputs is taken; where neither is so, nothing.
 */
void tell_layout(const arguments *args, const ek_model *model);

/* Opens --data (or `spec`) so, with at most --limit examples; an image folder is resized to the model. */
EK_NODISCARD ek_status data_open(const arguments *args, const char *spec, ek_split split, const ek_model *model,
                                 ek_dataset **dataset, ek_error *err);
/* The same, for what needs no labels: images without any are welcome. */
EK_NODISCARD ek_status data_open_unlabelled(const arguments *args, const char *spec, ek_split split,
                                            const ek_model *model, ek_dataset **dataset, ek_error *err);
/* The test split of --test, with at most --test-limit examples. */
EK_NODISCARD ek_status data_open_test(const arguments *args, const char *spec, const ek_model *model,
                                      ek_dataset **dataset, ek_error *err);

/* Whether a word names a file rather than a built-in model. */
int model_is_file(const char *name);

/* Classes a model tells apart at --head, where the command has it: the one extent of its logits, besides the first,
 * that is not 1; -1 = not fixed in the file. */
int64_t model_classes(const arguments *args, const ek_model *model);

/* EK_OK when model and data fit: channels, extents, classes. Else EK_ERR_SHAPE with both named. */
EK_NODISCARD ek_status data_fits(const arguments *args, const ek_model *model, const ek_dataset *dataset,
                                 const char *spec, ek_error *err);
/* The value of --head; NULL = not given, or not an option of the command. */
const char *head_name(const arguments *args);
ek_dtype precision_asked(const arguments *args);

/* Compares class names, where model and data have some: a warning where they differ, EK_ERR_SHAPE where the same names
 * stand in another order. */
EK_NODISCARD ek_status classes_fit(const ek_model *model, const ek_dataset *dataset, const char *spec, ek_error *err);

/* EK_ERR_IO where there is no such file; the error says what may be meant. */
EK_NODISCARD ek_status model_there(const char *path, ek_error *err);

/* ek_model_load; where there is no such file, the error says what may be meant. */
EK_NODISCARD ek_status model_open(const char *path, ek_model **model, ek_error *err);
/* Norms that the file has in training mode take their running statistics in what is written; says so. */
void model_to_inference(ek_model *model);

/* Whether both are names of one file. */
int same_file(const char *a, const char *b);

/* "3x32x32", "?" for extents not fixed. */
void dims_text(int rank, const int64_t *dims, char *text, size_t room);

/* Values in all of the initializers. */
int64_t model_values(const ek_model *model);

const char *dtype_name(ek_dtype dtype);

#endif
