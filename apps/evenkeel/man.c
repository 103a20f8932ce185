/* man.c: man pages in roff (man macros), made from the option tables: `evenkeel help --man COMMAND`. */
#include "command.h"

#include <evenkeel/version.h>
#include <string.h>

/* Text with roff's special characters escaped; a line never begins with a control character. */
static void put(FILE *file, const char *text) {
    int at_start = 1;
    for (const char *s = text; *s != 0; s++) {
        if (at_start && (*s == '.' || *s == '\'')) fputs("\\&", file);
        if (*s == '\\')
            fputs("\\e", file);
        else if (*s == '-')
            fputs("\\-", file);
        else if (*s == '\n' && s[1] == '\n')
            fputs("\n.PP", file);
        else
            putc(*s, file);
        at_start = *s == '\n';
    }
}

static void put_example(FILE *file, const char *text) {
    fputs(".PP\n.nf\n.RS\n", file);
    put(file, text);
    fputs("\n.RE\n.fi\n", file);
}

static void put_option(FILE *file, const option *opt) {
    fputs(".TP\n.B ", file);
    if (opt->letter != 0) fprintf(file, "\\-%c, ", opt->letter);
    fputs("\\-\\-", file);
    put(file, opt->name);
    if (opt->type != OPT_FLAG) {
        fputs(opt->traits & OPT_OPTIONAL ? "[=" : " ", file);
        put(file, opt->argument ? opt->argument : opt->choices);
        if (opt->traits & OPT_OPTIONAL) putc(']', file);
    }
    putc('\n', file);
    put(file, opt->help);
    if (opt->fallback != NULL && strcmp(opt->fallback, "0") != 0) {
        fputs(" (default ", file);
        put(file, opt->fallback);
        putc(')', file);
    }
    putc('\n', file);
}

static void put_exit_status(FILE *file) {
    static const char *const rows[] = {"0",   "done",
                                       "1",   "ran, but a check or claim failed",
                                       "2",   "usage",
                                       "3",   "bad or unsupported input",
                                       "4",   "input/output",
                                       "5",   "out of memory or over a limit",
                                       "6",   "non-finite numbers",
                                       "7",   "distributed",
                                       "130", "interrupted, with a checkpoint written"};
    fputs(".SH EXIT STATUS\n", file);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i += 2) fprintf(file, ".TP\n%s\n%s\n", rows[i], rows[i + 1]);
}

static void program_page(FILE *file) {
    fprintf(file, ".TH EVENKEEL 1 \"\" \"evenkeel %s\" \"Evenkeel\"\n", EK_VERSION_STRING);
    fputs(".SH NAME\nevenkeel \\- normalization for neural networks, on ONNX files\n", file);
    fputs(".SH SYNOPSIS\n.B evenkeel\n.I COMMAND\n[options]\n.SH COMMANDS\n", file);
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(file, ".TP\n.B %s\n", commands[i]->name);
        put(file, commands[i]->summary);
        putc('\n', file);
    }
    put_exit_status(file);
    fputs(".SH SEE ALSO\n", file);
    for (size_t i = 0; commands[i] != NULL; i++)
        fprintf(file, ".BR evenkeel\\-%s (1)%s\n", commands[i]->name, commands[i + 1] ? "," : "");
}

void man_page(FILE *file, const command *cmd) {
    if (cmd == NULL) {
        program_page(file);
        return;
    }
    fprintf(file, ".TH EVENKEEL-%s 1 \"\" \"evenkeel %s\" \"Evenkeel\"\n", cmd->name, EK_VERSION_STRING);
    fprintf(file, ".SH NAME\nevenkeel\\-%s \\- ", cmd->name);
    put(file, cmd->summary);
    fprintf(file, "\n.SH SYNOPSIS\n.B evenkeel %s\n%s%s[options]\n", cmd->name, cmd->operands,
            cmd->operands[0] ? "\n" : "");
    fputs(".SH EXAMPLE\n", file);
    put_example(file, cmd->example);
    if (cmd->description[0] != 0) {
        fputs(".SH DESCRIPTION\n", file);
        put(file, cmd->description);
        putc('\n', file);
    }
    const char *group = NULL;
    fputs(".SH OPTIONS\n", file);
    for (const option *o = cmd->options; o->name != NULL; o++) {
        if (o->traits & OPT_HIDDEN) continue;
        if (group == NULL || strcmp(group, o->group) != 0) {
            group = o->group;
            fprintf(file, ".SS %s\n", group);
        }
        put_option(file, o);
    }
    put_exit_status(file);
    fputs(".SH NEXT\n", file);
    put_example(file, cmd->next);
    fputs(".SH SEE ALSO\n.BR evenkeel (1)\n", file);
}
