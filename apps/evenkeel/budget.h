/* budget.h: --memory. */
#ifndef BUDGET_H
#define BUDGET_H

#include "command.h"

/* Sets the budget of memory where the command line has one. EK_ERR_ARG: it is no number of bytes. */
EK_NODISCARD ek_status budget_set(const arguments *args, ek_error *err);

#endif
