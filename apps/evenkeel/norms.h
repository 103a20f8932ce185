/* norms.h: the word of --norm, and finding a built-in model. */
#ifndef EK_TOOL_NORMS_H
#define EK_TOOL_NORMS_H

#include "command.h"

#include <evenkeel/model.h>

#define OPTION_NORM                                                                                                    \
    {                                                                                                                  \
        .name = "norm", .type = OPT_TEXT, .argument = "KIND", .fallback = "batch", .group = "Model",                   \
        .help = "batch, layer, group:G (default 8 groups), instance, rms or none"                                      \
    }

/* Reads "batch", "group:8", ... into `norm` and `groups`. */
/* The error of a "group:G" without a number of groups. */
ek_status norm_groups(const char *text, ek_error *err);
EK_NODISCARD ek_status norm_parse(const char *text, ek_build_options *build, ek_error *err);

/* The architecture of that name, or NULL with a suggestion in err. */
const ek_architecture *architecture_find(const char *name, ek_error *err);

#endif
