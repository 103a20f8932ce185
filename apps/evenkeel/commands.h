/* commands.h: the commands of the program, in the order of the overview. */
#ifndef EK_TOOL_COMMANDS_H
#define EK_TOOL_COMMANDS_H

#include "command.h"

#define COMMANDS(ROW)                                                                                                  \
    ROW(train)                                                                                                         \
    ROW(eval)                                                                                                          \
    ROW(predict)                                                                                                       \
    ROW(run)                                                                                                           \
    ROW(models)                                                                                                        \
    ROW(inspect)                                                                                                       \
    ROW(fold)                                                                                                          \
    ROW(unfold)                                                                                                        \
    ROW(convert)                                                                                                       \
    ROW(diff)                                                                                                          \
    ROW(recalibrate)                                                                                                   \
    ROW(freeze)                                                                                                        \
    ROW(env)                                                                                                           \
    ROW(study)                                                                                                         \
    ROW(bench)                                                                                                         \
    ROW(help)                                                                                                          \
    ROW(completion)                                                                                                    \
    ROW(version)

#define COMMAND_DECLARED(name) extern const command command_##name;
COMMANDS(COMMAND_DECLARED)

#endif
