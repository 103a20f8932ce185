/* help.c: --help, made from the option tables.
 *
 * Help begins with an example and ends with the likely next command. Widths follow the terminal, at most 100 columns.
 */
#include "command.h"
#include "terminal.h"

#include <string.h>

enum { LABEL = 30 };

/* "-o, --output FILE" as it stands in help. */
static void option_label(const option *opt, char text[128]) {
    char shortcut[8] = "    ", value[80] = "";
    if (opt->letter != 0) snprintf(shortcut, sizeof shortcut, "-%c, ", opt->letter);
    if (opt->type != OPT_FLAG) {
        const char *name = opt->argument ? opt->argument : opt->choices;
        if (opt->traits & OPT_OPTIONAL)
            snprintf(value, sizeof value, "[=%s]", name);
        else
            snprintf(value, sizeof value, " %s", name);
    }
    snprintf(text, 128, "%s--%s%s", shortcut, opt->name, value);
}

/* Text in lines of at most `width`, all but the first indented; an empty line stays one. */
static void wrap(FILE *file, const char *text, int indent, int width) {
    int column = indent;
    for (int first = 1; *text != 0; first = 0) {
        int word = (int)strcspn(text, " \n");
        if (!first && column + 1 + word > width) {
            fprintf(file, "\n%*s", indent, "");
            column = indent;
        } else if (!first && column > indent) {
            putc(' ', file);
            column++;
        }
        fprintf(file, "%.*s", word, text);
        column += word;
        text += word;
        for (; *text == ' ' || *text == '\n'; text++) {
            if (*text != '\n') continue;
            fprintf(file, "\n%*s", text[1] == '\n' ? 0 : indent, "");
            column = indent;
        }
    }
    putc('\n', file);
}

static void print_option(FILE *file, const option *opt, int width) {
    char label[128], help[1024];
    option_label(opt, label);
    int shown = opt->fallback != NULL && strcmp(opt->fallback, "0") != 0;
    snprintf(help, sizeof help, "%s%s%s%s", opt->help, shown ? " (default " : "", shown ? opt->fallback : "",
             shown ? ")" : "");
    if (strlen(label) > LABEL - 3)
        fprintf(file, "  %s\n%*s", label, LABEL, "");
    else
        fprintf(file, "  %-*s ", LABEL - 3, label);
    wrap(file, help, LABEL, width);
}

static void print_groups(FILE *file, const command *cmd, int width) {
    const char *group = NULL;
    for (const option *o = cmd->options; o->name != NULL; o++) {
        if (o->traits & OPT_HIDDEN) continue;
        if (group == NULL || strcmp(group, o->group) != 0) {
            group = o->group;
            fprintf(file, "\n%s:\n", group);
        }
        print_option(file, o, width);
    }
}

/* Lines of `text`, each behind two spaces. */
static void print_lines(FILE *file, const char *text) {
    while (*text != 0) {
        int length = (int)strcspn(text, "\n");
        fprintf(file, "  %.*s\n", length, text);
        text += length + (text[length] == '\n');
    }
}

void help_command(FILE *file, const command *cmd) {
    int width = terminal_width(fileno(file), 100);
    if (width > 100) width = 100;
    if (width < 50) width = 50;
    fprintf(file, "Example:\n");
    print_lines(file, cmd->example);
    fprintf(file, "\nUsage: evenkeel %s%s%s [options]\n\n", cmd->name, cmd->operands[0] ? " " : "", cmd->operands);
    fprintf(file, "%s.\n", cmd->summary);
    if (cmd->description[0] != 0) {
        putc('\n', file);
        wrap(file, cmd->description, 0, width);
    }
    print_groups(file, cmd, width);
    fprintf(file, "\nNext:\n");
    print_lines(file, cmd->next);
}

void help_overview(FILE *file) {
    fprintf(file, "Example:\n  evenkeel train --data builtin:strokes -o digits.onnx\n\n"
                  "Usage: evenkeel COMMAND [options]\n\n"
                  "Trains, evaluates and runs neural networks with normalization, as ONNX files.\n\nCommands:\n");
    for (size_t i = 0; commands[i] != NULL; i++) fprintf(file, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(file, "\n  --version    the version\n"
                  "\nExit status: 0 done, 1 a check failed, 2 usage, 3 bad input, 4 input/output, 5 memory or limit,\n"
                  "6 numbers not finite, 7 distributed, 130 interrupted.\n\n"
                  "Next:\n  evenkeel train --help\n");
}
