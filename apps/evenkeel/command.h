/* command.h: the shape of a command: one table of options, from which parsing, help, man page, completion and
 * suggestions are made.
 *
 * A command is one cmd_NAME.c that defines `const command command_NAME`, and one line in main.c.
 */
#ifndef EK_TOOL_COMMAND_H
#define EK_TOOL_COMMAND_H

#include <evenkeel/status.h>
#include <stdint.h>
#include <stdio.h>

typedef enum option_type {
    OPT_FLAG,  /* present or not */
    OPT_INT,   /* whole number in [minimum, maximum] */
    OPT_REAL,  /* finite number in [minimum, maximum] */
    OPT_TEXT,  /* anything */
    OPT_FILE,  /* a path (completion) */
    OPT_CHOICE /* one of `choices` */
} option_type;

enum {
    OPT_REPEAT = 1,   /* may be given more than once; all values are kept */
    OPT_OPTIONAL = 2, /* the value may be left out; `implied` stands for it then */
    OPT_NEXT = 4,     /* with OPT_OPTIONAL: a following word that is no option is the value */
    OPT_HIDDEN = 8,   /* not in help, man page or completion */
    OPT_REQUIRED = 16,
    OPT_FREE = 32,    /* train: may differ when training is resumed */
    OPT_UNSAVED = 64, /* train: concerns one run only; not kept with a checkpoint */
    OPT_PATTERN = 128 /* a path, or names with * and ? */
};

typedef struct option {
    const char *name;     /* without dashes; NULL ends a table */
    char letter;          /* short form, 0 = none */
    option_type type;     /* */
    const char *argument; /* placeholder in help: "N" */
    const char *choices;  /* OPT_CHOICE: "sgd|adam|adamw" */
    const char *fallback; /* value when not given, as text; NULL = none */
    double minimum, maximum;
    unsigned traits;
    const char *group; /* heading in help; the groups stand together */
    const char *help;
    const char *alias;   /* a second long name, not shown in lists */
    const char *implied; /* OPT_OPTIONAL */
} option;

/* An option as given (or its fallback). */
typedef struct option_value {
    int given;          /* times on the command line */
    const char **texts; /* `count` values in order */
    int count;
} option_value;

typedef struct arguments arguments;

typedef struct command {
    const char *name;
    const char *summary;     /* one line, no full stop */
    const char *operands;    /* usage text of the operands, "" = none */
    int minimum, maximum;    /* how many operands */
    const char *example;     /* first thing help shows; lines without indent */
    const char *description; /* paragraphs; may be "" */
    const char *next;        /* the likely next command */
    const option *options;
    int (*run)(const arguments *args); /* gives the exit status */
} command;

struct arguments {
    const command *command;
    option_value *values; /* one per option of the table */
    const char **operands;
    int operand_count;
    const char **store; /* all texts, one block */
    char *words;        /* owned words, when they were not the program's own (resuming) */
    /* A word that stands behind an option which takes a value only after '=', and that option; NULL = there is none. */
    const char *loose, *loose_option;
};

#define OPTION_END                                                                                                     \
    { .name = NULL }
#define OPTION_JSON                                                                                                    \
    {                                                                                                                  \
        .name = "json", .type = OPT_FLAG, .group = "General", .traits = OPT_UNSAVED,                                   \
        .help = "write the result as JSON on standard output"                                                          \
    }
#define OPTION_QUIET                                                                                                   \
    {                                                                                                                  \
        .name = "quiet", .letter = 'q', .type = OPT_FLAG, .group = "General", .traits = OPT_UNSAVED,                   \
        .help = "no progress and no notes, only results and errors"                                                    \
    }
#define OPTION_HELP                                                                                                    \
    {                                                                                                                  \
        .name = "help", .letter = 'h', .type = OPT_FLAG, .group = "General", .traits = OPT_UNSAVED,                    \
        .help = "show this help; with --json, as JSON"                                                                 \
    }
#define OPTION_THREADS                                                                                                 \
    {                                                                                                                  \
        .name = "threads", .type = OPT_INT, .argument = "N", .fallback = "0", .maximum = 4096, .group = "General",     \
        .traits = OPT_FREE, .help = "threads to use; 0 = as many as OpenMP gives"                                      \
    }
#define OPTION_PRECISION(group_)                                                                                       \
    {                                                                                                                  \
        .name = "precision", .type = OPT_CHOICE, .choices = "f32|bf16", .fallback = "f32", .group = group_,            \
        .help = "of activations and convolutions; bf16 needs a processor with AVX512_BF16"                             \
    }
#define OPTION_MEMORY                                                                                                  \
    {                                                                                                                  \
        .name = "memory", .type = OPT_TEXT, .argument = "BYTES", .group = "General", .traits = OPT_UNSAVED,            \
        .help = "take no more memory than this, as 800M or 2G; what needs more is refused with status 5"               \
    }
#define OPTION_MEMORY_PLAN                                                                                             \
    {                                                                                                                  \
        .name = "memory", .type = OPT_TEXT, .argument = "BYTES|least|fastest", .group = "General",                     \
        .traits = OPT_UNSAVED,                                                                                         \
        .help =                                                                                                        \
            "take no more memory than this, as 800M or 2G: what backward needs is computed again rather than kept, "   \
            "as far as that takes; least: for about a quarter more time; fastest: nothing is"                          \
    }
#define OPTIONS_REST OPTION_JSON, OPTION_QUIET, OPTION_HELP
#define OPTIONS_COMMON OPTION_MEMORY, OPTIONS_REST

/* ---- options.c: parsing ---- */

/* Parses words[0..count-1]. On failure `err` says what and the status is EK_ERR_ARG. */
EK_NODISCARD ek_status arguments_parse(const command *cmd, int count, char **words, arguments *args, ek_error *err);
/* What a table demands beyond the words: required options and the number of operands. */
EK_NODISCARD ek_status arguments_check(const arguments *args, ek_error *err);
/* Takes over the values of the options in `from` that are given and have one of `traits`; `from` must outlive args. */
void arguments_adopt(arguments *args, const arguments *from, unsigned traits);
/* Where an error is about a word that may be meant as the value of the option before it: says how that is written. */
void arguments_hint(const arguments *args, ek_error *err);
/* Makes operand 0, where there is one, the value of the option `name`. EK_ERR_ARG: both were given. */
EK_NODISCARD ek_status arguments_operand_as(const arguments *args, const char *name, ek_error *err);
void arguments_free(arguments *args);

/* Values by option name; the name must be in the table (else the program is wrong, and aborts). */
const option_value *option_get(const arguments *args, const char *name);
int option_known(const arguments *args, const char *name); /* whether the table has it */
int option_given(const arguments *args, const char *name);
const char *option_text(const arguments *args, const char *name); /* the last one given; NULL = none */
int64_t option_int(const arguments *args, const char *name);
double option_real(const arguments *args, const char *name);
int option_flag(const arguments *args, const char *name);
int option_choice(const arguments *args, const char *name); /* index in `choices` */

/* EK_ERR_ARG: the value does not fit the option. */
EK_NODISCARD ek_status option_check_value(const option *opt, const char *value, ek_error *err);

/* ---- word.c ---- */

/* EK_ERR_ARG: a path as it stands because a shell did not expand it, or an address. `what`: who wants it. */
EK_NODISCARD ek_status word_check_path(const char *what, const char *word, ek_error *err);
/* How a number in another notation (0,5 or 5% or 1e3) is written here, as "; ..."; "" = no idea. */
void word_number_hint(const char *word, int whole, char hint[64]);
/* EK_ERR_ARG: the name of a file to write does not end in `wanted`, or, of a model, ends as another kind of file. */
EK_NODISCARD ek_status word_check_extension(const char *what, const char *word, const char *wanted, ek_error *err);
EK_NODISCARD ek_status word_check_model_output(const char *word, ek_error *err);

/* ---- suggest.c ---- */

/* The candidate nearest to `word`, or NULL when none is near. */
const char *suggest(const char *word, const char *const *candidates, size_t count);

/* ---- help.c, help_json.c, man.c, completion.c, completion_zsh.c, completion_fish.c ---- */
void help_overview(FILE *file);
void help_command(FILE *file, const command *cmd);
int help_json(FILE *file, const command *cmd); /* 0 = writing failed */
void man_page(FILE *file, const command *cmd); /* NULL = of the program */
void completion_bash(FILE *file);
void completion_zsh(FILE *file);
void completion_fish(FILE *file);

/* ---- main.c ---- */
extern const command *const commands[]; /* ends in NULL */
const command *command_find(const char *name);
ek_error *unknown_command(const char *name, ek_error *err);

#endif
