/* completion.c: a bash completion script, made from the option tables: `evenkeel completion bash`.
 *
 * The script holds everything; it never calls the program. Its three functions give the options of a command, the
 * values of an option, and whether a value is a file.
 */
#include "command.h"

#include <string.h>

static void option_words(FILE *file, const command *cmd) {
    fprintf(file, "        %s) words=\"", cmd->name);
    for (const option *o = cmd->options; o->name != NULL; o++)
        if (!(o->traits & OPT_HIDDEN)) fprintf(file, "--%s%s", o->name, o[1].name ? " " : "");
    fputs("\" ;;\n", file);
}

static void value_words(FILE *file, const command *cmd) {
    for (const option *o = cmd->options; o->name != NULL; o++) {
        if ((o->traits & OPT_HIDDEN) || o->choices == NULL) continue;
        fprintf(file, "        %s:--%s) values=\"", cmd->name, o->name);
        for (const char *s = o->choices; *s != 0; s++) putc(*s == '|' ? ' ' : *s, file);
        fputs("\" ;;\n", file);
    }
}

void completion_bash(FILE *file) {
    fputs("# bash completion for evenkeel; install: evenkeel completion bash > "
          "~/.local/share/bash-completion/completions/evenkeel\n"
          "_evenkeel() {\n"
          "    local now=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
          "    local command=\"${COMP_WORDS[1]}\" words=\"\" values=\"\"\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W \"",
          file);
    for (size_t i = 0; commands[i] != NULL; i++) fprintf(file, "%s%s", i ? " " : "", commands[i]->name);
    fputs("\" -- \"$now\"))\n        return\n    fi\n    case \"$command:$before\" in\n", file);
    for (size_t i = 0; commands[i] != NULL; i++) value_words(file, commands[i]);
    fputs("    esac\n"
          "    if [ -n \"$values\" ]; then\n"
          "        COMPREPLY=($(compgen -W \"$values\" -- \"$now\"))\n        return\n    fi\n"
          "    case \"$command\" in\n",
          file);
    for (size_t i = 0; commands[i] != NULL; i++) option_words(file, commands[i]);
    fputs("    esac\n"
          "    case \"$now\" in\n"
          "        -*) COMPREPLY=($(compgen -W \"$words\" -- \"$now\")) ;;\n"
          "        *) COMPREPLY=($(compgen -f -- \"$now\")) ;;\n"
          "    esac\n"
          "}\n"
          "complete -o filenames -F _evenkeel evenkeel\n",
          file);
}
