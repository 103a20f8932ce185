/* budget.h: --memory. */
#ifndef BUDGET_H
#define BUDGET_H

#include "command.h"

#include <evenkeel/session.h>

/* Sets the budget of memory where the command line has one. EK_ERR_ARG: it is no number of bytes, and no word that the
 * command knows. */
EK_NODISCARD ek_status budget_set(const arguments *args, ek_error *err);
/* Of a command whose --memory takes the words. */
ek_memory_use budget_use(const arguments *args);

#endif
