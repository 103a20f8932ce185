/* convert_pixels.h: `evenkeel convert` where it is about what the file does to images before the model sees them. */
#ifndef EK_TOOL_CONVERT_PIXELS_H
#define EK_TOOL_CONVERT_PIXELS_H

#include "command.h"

#define OPTIONS_PIXELS                                                                                                 \
    {.name = "preprocess",                                                                                             \
     .type = OPT_CHOICE,                                                                                               \
     .choices = "uint8-nhwc|uint8-nchw|float",                                                                         \
     .group = "Preprocessing",                                                                                         \
     .help = "the file takes pixels of any size: resize, scaling, mean and deviation go into it; float: 0 to 255, "    \
             "[N,C,H,W]"},                                                                                             \
        {.name = "channels",                                                                                           \
         .type = OPT_CHOICE,                                                                                           \
         .choices = "1|3",                                                                                             \
         .group = "Preprocessing",                                                                                     \
         .help = "the pixels are gray (1) or RGB (3), whatever the model takes; alone: with --preprocess float"},      \
        {.name = "probabilities",                                                                                      \
         .type = OPT_FLAG,                                                                                             \
         .group = "Preprocessing",                                                                                     \
         .help = "with --preprocess: a Softmax behind the logits, where there is none"},                               \
    {                                                                                                                  \
        .name = "strip-preprocess", .type = OPT_FLAG, .group = "Preprocessing",                                        \
        .help = "take out what --preprocess put in: the bytes are as they were"                                        \
    }

/* Whether one of these options was given. */
int pixels_wanted(const arguments *args);
/* Does what they say and nothing else; the exit status. */
int run_convert_pixels(const arguments *args);

#endif
