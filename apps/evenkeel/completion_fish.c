/* completion_fish.c: a fish completion script, made from the option tables: `evenkeel completion fish`. */
#include "command.h"

#include <string.h>

static void quoted(FILE *file, const char *text) {
    putc('\'', file);
    for (; *text != 0; text++) {
        if (*text == '\'' || *text == '\\') putc('\\', file);
        putc(*text == '\n' ? ' ' : *text, file);
    }
    putc('\'', file);
}

static void one_option(FILE *file, const command *cmd, const option *o) {
    fprintf(file, "complete -c evenkeel -n '__fish_seen_subcommand_from %s' -l %s", cmd->name, o->name);
    if (o->letter != 0) fprintf(file, " -s %c", o->letter);
    if (o->choices != NULL) {
        fputs(" -x -a '", file);
        for (const char *s = o->choices; *s != 0; s++) putc(*s == '|' ? ' ' : *s, file);
        putc('\'', file);
    } else if (o->type != OPT_FLAG && !(o->traits & OPT_OPTIONAL)) {
        fputs(o->type == OPT_FILE ? " -r -F" : " -x", file);
    }
    fputs(" -d ", file);
    quoted(file, o->help);
    putc('\n', file);
}

void completion_fish(FILE *file) {
    fputs("# fish completion for evenkeel; install: evenkeel completion fish > "
          "~/.config/fish/completions/evenkeel.fish\n",
          file);
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(file, "complete -c evenkeel -n __fish_use_subcommand -f -a %s -d ", commands[i]->name);
        quoted(file, commands[i]->summary);
        putc('\n', file);
    }
    for (size_t i = 0; commands[i] != NULL; i++)
        for (const option *o = commands[i]->options; o->name != NULL; o++)
            if (!(o->traits & OPT_HIDDEN)) one_option(file, commands[i], o);
}
