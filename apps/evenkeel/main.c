/* main.c: picks the command, parses its options and turns what it returns into the exit status. */
#include "budget.h"
#include "commands.h"
#include "interrupt.h"
#include "message.h"
#include "spin.h"

#include <evenkeel/cpu.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_LISTED(name) &command_##name,
const command *const commands[] = {COMMANDS(COMMAND_LISTED) NULL};

const command *command_find(const char *name) {
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

ek_error *unknown_command(const char *name, ek_error *err) {
    const char *names[sizeof commands / sizeof commands[0]];
    size_t n = 0;
    for (; commands[n] != NULL; n++) names[n] = commands[n]->name;
    const char *near = suggest(name, names, n);
    if (name[0] == '-')
        fail(err, EK_ERR_ARG, "'%s' where a command is expected: evenkeel COMMAND [options]", name);
    else if (near != NULL)
        fail(err, EK_ERR_ARG, "unknown command '%s'; did you mean '%s'?", name, near);
    else
        fail(err, EK_ERR_ARG, "unknown command '%s'", name);
    return err;
}

/* Whether an option word stands before any `--`; needed before parsing, which may fail. */
static int has_word(int count, char **words, const char *word) {
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], word) == 0) return 1;
    return 0;
}

/* The library takes a name that it does not know as no cap; a user should hear of it. */
static void check_isa(void) {
    const char *isa = getenv("EVENKEEL_ISA");
    ek_error err;
    if (isa != NULL && isa[0] != 0 && ek_cpu_set_isa(isa, &err) == EK_ERR_ARG)
        warn("EVENKEEL_ISA caps nothing: %s", err.text);
}

static int run_command(const command *cmd, int count, char **words) {
    tool_voice.command = cmd->name;
    tool_voice.json = has_word(count, words, "--json");
    tool_voice.colour = wants_colour(STDERR_FILENO);
    if (has_word(count, words, "--help") || has_word(count, words, "-h")) {
        if (tool_voice.json)
            help_json(stdout, cmd);
        else
            help_command(stdout, cmd);
        return EXIT_DONE;
    }
    ek_error err = {0};
    arguments args;
    ek_status status = arguments_parse(cmd, count, words, &args, &err);
    if (status == EK_OK) {
        tool_voice.quiet = option_flag(&args, "quiet");
        status = arguments_check(&args, &err);
    }
    if (status == EK_OK) status = budget_set(&args, &err);
    if (status == EK_OK) check_isa();
    int code = status == EK_OK ? cmd->run(&args) : report(&err);
    arguments_free(&args);
    return code;
}

int main(int argc, char **argv) {
    /* A write that fails must come back as an error, not end the program: exit statuses are for us to choose. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    interrupt_prepare();
    int code = EXIT_USAGE;
    ek_error err = {0};
    if (argc < 2) {
        help_overview(stderr);
        return code;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "-v") == 0) {
        code = run_command(&command_version, argc - 2, argv + 2);
    } else if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_overview(stdout);
        code = EXIT_DONE;
    } else if (command_find(argv[1]) == NULL) {
        tool_voice.colour = wants_colour(STDERR_FILENO);
        code = report(unknown_command(argv[1], &err));
    } else {
        spin_bounded(argv);
        code = run_command(command_find(argv[1]), argc - 2, argv + 2);
    }
    return finish_output(code);
}
