/* change.h: what the commands that examine and change models share. */
#ifndef EK_TOOL_CHANGE_H
#define EK_TOOL_CHANGE_H

#include "command.h"

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

/* Either --output, which can be written, or --dry-run: EK_ERR_ARG, EK_ERR_IO. */
EK_NODISCARD ek_status output_check(const arguments *args, ek_error *err);
/* Saves the model to --output; nothing with --dry-run. */
EK_NODISCARD ek_status output_save(const arguments *args, const ek_model *model, ek_error *err);

/* Bytes of all initializers. */
int64_t model_bytes(const ek_model *model);
const char *norm_kind_name(ek_norm_kind kind);

#endif
