/* commands.h: the commands of the program, in the order of the overview. */
#ifndef EK_TOOL_COMMANDS_H
#define EK_TOOL_COMMANDS_H

#include "command.h"

extern const command command_train, command_eval, command_predict, command_run, command_models, command_inspect,
    command_fold, command_unfold, command_convert, command_diff, command_recalibrate, command_freeze, command_env,
    command_study, command_bench, command_help, command_completion, command_version;

#endif
