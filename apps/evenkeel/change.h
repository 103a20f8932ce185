/* change.h: what the commands that examine and change models share. */
#ifndef EK_TOOL_CHANGE_H
#define EK_TOOL_CHANGE_H

#include "command.h"
#include "report/json_out.h"

#include <evenkeel/surgery.h>

#define OPTION_OUTPUT_MODEL                                                                                            \
    {                                                                                                                  \
        .name = "output", .letter = 'o', .alias = "out", .type = OPT_FILE, .argument = "FILE.onnx", .group = "Result", \
        .help = "the model to write; may be the one that is read"                                                      \
    }
#define OPTION_DRY_RUN                                                                                                 \
    { .name = "dry-run", .type = OPT_FLAG, .group = "Result", .help = "do and show everything, write nothing" }
#define OPTION_SEED_INPUTS                                                                                             \
    {                                                                                                                  \
        .name = "seed", .type = OPT_INT, .argument = "S", .fallback = "1", .group = "Check",                           \
        .help = "of the random inputs"                                                                                 \
    }

#define OPTION_TOLERANCE                                                                                               \
    {                                                                                                                  \
        .name = "tolerance", .type = OPT_REAL, .argument = "T", .maximum = 1, .group = "Check",                        \
        .help = "largest relative difference between the model before and after; default: by what its numbers are "    \
                "stored in, 1e-4, 1e-2 in float16, 5e-2 in bfloat16"                                                   \
    }
#define OPTION_RUNS                                                                                                    \
    {                                                                                                                  \
        .name = "runs", .type = OPT_INT, .argument = "N", .fallback = "3", .minimum = 1, .maximum = 10000,             \
        .group = "Check", .help = "random inputs to compare on, two examples each"                                     \
    }
#define OPTION_SIZE_INPUTS                                                                                             \
    {                                                                                                                  \
        .name = "input-size", .type = OPT_INT, .argument = "N", .fallback = "0", .maximum = 16384, .group = "Check",   \
        .help = "height and width of the inputs where the model leaves them open; 0 = 64, else 224, else 32"           \
    }
#define OPTION_SHAPE_INPUTS                                                                                            \
    {                                                                                                                  \
        .name = "input-shape", .type = OPT_TEXT, .argument = "NAME=1x3x224x224", .traits = OPT_REPEAT,                 \
        .group = "Check",                                                                                              \
        .help = "shape of an input, or of a value that a changed part reads, where neither file nor inference tells"   \
    }
#define OPTION_CHECK_INPUTS                                                                                            \
    {                                                                                                                  \
        .name = "check-input", .type = OPT_FILE, .argument = "NAME=X.npy", .traits = OPT_REPEAT, .group = "Check",     \
        .help = "an input, or a value that a changed part reads, in place of random numbers"                           \
    }

/* What the tables of these commands share: where the result goes, and how it is compared with what was read
 * (prove_open, proof_options.h). */
#define OPTIONS_WRITE OPTION_OUTPUT_MODEL, OPTION_DRY_RUN
#define OPTIONS_CHANGE                                                                                                 \
    OPTIONS_WRITE, OPTION_TOLERANCE, OPTION_RUNS, OPTION_SIZE_INPUTS, OPTION_SHAPE_INPUTS, OPTION_CHECK_INPUTS,        \
        OPTION_SEED_INPUTS

/* A command that changes a model: what it had, what it made, and whether both do the same. */
typedef struct change {
    const arguments *args;
    const char *did, *detail; /* "folded", "into": words for rows that changed */
    const char *noun;         /* what a row is about */
    int strict;               /* 1 = nothing is written above the tolerance */
    int wanted;               /* 1 = the check fails where nothing of what was asked for was done */
    int timed;                /* runs of each model to take the time of */
    ek_model *before, *after;
    ek_edit_report *report;
    ek_proof *proof;
    void (*more_json)(const struct change *c, eki_json *json); /* optional: further results */
    void (*more_text)(const struct change *c);
    void *context;
} change;

/* Proves what was changed, shows the result and writes it, or says why not. */
EK_NODISCARD ek_status change_finish(change *c, ek_error *err);
/* Frees everything; the exit status. */
int change_end(change *c, ek_status status, const ek_error *err);

/* Either --output, which can be written, or --dry-run: EK_ERR_ARG, EK_ERR_IO. */
EK_NODISCARD ek_status output_check(const arguments *args, ek_error *err);
/* Saves the model to --output; nothing with --dry-run. */
EK_NODISCARD ek_status output_save(const arguments *args, const ek_model *model, ek_error *err);

/* Bytes of all initializers. */
int64_t model_bytes(const ek_model *model);

#endif
