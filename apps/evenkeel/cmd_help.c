/* cmd_help.c: `help` and `completion`. */
#include "command.h"
#include "message.h"

#include <string.h>

static const option help_options[] = {
    {.name = "man", .type = OPT_FLAG, .group = "Output", .help = "write a man page (roff) instead"},
    OPTIONS_COMMON,
    OPTION_END,
};

static int run_help(const arguments *args) {
    ek_error err = {0};
    const command *cmd = NULL;
    if (args->operand_count > 0) {
        cmd = command_find(args->operands[0]);
        if (cmd == NULL) return report(unknown_command(args->operands[0], &err));
    }
    if (option_flag(args, "man"))
        man_page(stdout, cmd);
    else if (cmd != NULL && option_flag(args, "json"))
        help_json(stdout, cmd);
    else if (cmd != NULL)
        help_command(stdout, cmd);
    else
        help_overview(stdout);
    return EXIT_DONE;
}

const command command_help = {
    .name = "help",
    .summary = "Show help for a command",
    .operands = "[COMMAND]",
    .maximum = 1,
    .example = "evenkeel help train\nevenkeel help --man train | man -l -",
    .description = "",
    .next = "evenkeel train --data builtin:strokes -o digits.onnx",
    .options = help_options,
    .run = run_help,
};

static const option completion_options[] = {
    OPTIONS_COMMON,
    OPTION_END,
};

static const struct {
    const char *shell;
    void (*write)(FILE *file);
} completions[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};

static int run_completion(const arguments *args) {
    for (size_t i = 0; i < sizeof completions / sizeof completions[0]; i++) {
        if (strcmp(args->operands[0], completions[i].shell) != 0) continue;
        completions[i].write(stdout);
        return EXIT_DONE;
    }
    ek_error err = {0};
    fail(&err, EK_ERR_ARG, "no completion for '%s'; there is one for bash, zsh and fish", args->operands[0]);
    return report(&err);
}

const command command_completion = {
    .name = "completion",
    .summary = "Write a shell completion script",
    .operands = "SHELL",
    .minimum = 1,
    .maximum = 1,
    .example = "evenkeel completion bash > ~/.local/share/bash-completion/completions/evenkeel\n"
               "evenkeel completion zsh > ~/.zfunc/_evenkeel\n"
               "evenkeel completion fish > ~/.config/fish/completions/evenkeel.fish",
    .description = "SHELL is bash, zsh or fish. For zsh the folder must be in fpath before compinit runs.",
    .next = "evenkeel help",
    .options = completion_options,
    .run = run_completion,
};
