/* completion_zsh.c: a zsh completion function, made from the option tables: `evenkeel completion zsh`. */
#include "command.h"

#include <string.h>

/* Text within '...' of a specification of _arguments or _describe: their marks, and the quote, lose their meaning. */
static void quoted(FILE *file, const char *text) {
    for (; *text != 0; text++) {
        if (strchr("[]:\\", *text) != NULL) putc('\\', file);
        if (*text == '\'')
            fputs("'\\''", file);
        else
            putc(*text == '\n' ? ' ' : *text, file);
    }
}

/* ":message:action" of an option's value. */
static void value(FILE *file, const option *o) {
    fprintf(file, ":%s", o->traits & OPT_OPTIONAL ? ":" : "");
    quoted(file, o->argument != NULL ? o->argument : "value");
    if (o->choices != NULL) {
        fputs(":(", file);
        for (const char *s = o->choices; *s != 0; s++) putc(*s == '|' ? ' ' : *s, file);
        putc(')', file);
    } else {
        fputs(o->type == OPT_FILE ? ":_files" : ": ", file);
    }
}

static void specification(FILE *file, const option *o, const char *prefix, const char *name) {
    fprintf(file, "                '%s%s%s", o->traits & OPT_REPEAT ? "*" : "", prefix, name);
    if (o->type != OPT_FLAG && prefix[1] == '-') fputs(o->traits & OPT_OPTIONAL ? "=-" : "=", file);
    putc('[', file);
    quoted(file, o->help);
    putc(']', file);
    if (o->type != OPT_FLAG) value(file, o);
    fputs("' \\\n", file);
}

static void one_command(FILE *file, const command *cmd) {
    fprintf(file, "        %s)\n            _arguments -S \\\n", cmd->name);
    for (const option *o = cmd->options; o->name != NULL; o++) {
        if (o->traits & OPT_HIDDEN) continue;
        specification(file, o, "--", o->name);
        if (o->letter != 0) specification(file, o, "-", (char[]){o->letter, 0});
    }
    fputs("                '*:file:_files'\n            ;;\n", file);
}

void completion_zsh(FILE *file) {
    fputs("#compdef evenkeel\n"
          "# zsh completion for evenkeel; install: evenkeel completion zsh > a folder of $fpath, as _evenkeel\n"
          "_evenkeel() {\n"
          "    local -a commands=(\n",
          file);
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(file, "        '%s:", commands[i]->name);
        quoted(file, commands[i]->summary);
        fputs("'\n", file);
    }
    fputs("    )\n"
          "    if (( CURRENT == 2 )); then\n"
          "        _describe command commands\n"
          "        return\n"
          "    fi\n"
          "    shift words\n"
          "    (( CURRENT-- ))\n"
          "    case $words[1] in\n",
          file);
    for (size_t i = 0; commands[i] != NULL; i++) one_command(file, commands[i]);
    fputs("    esac\n"
          "}\n"
          "if [ \"$funcstack[1]\" = _evenkeel ]; then _evenkeel \"$@\"; else compdef _evenkeel evenkeel; fi\n",
          file);
}
