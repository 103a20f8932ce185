/* bench_model.h: the second half of `evenkeel bench`. */
#ifndef EK_TOOL_BENCH_MODEL_H
#define EK_TOOL_BENCH_MODEL_H

#include "command.h"

/* Times the model args->operands[1], as it is and folded. Gives the exit status. */
int bench_model(const arguments *args);

#endif
