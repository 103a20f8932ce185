/* message.h: what the tool says on standard error, and the one map from status to exit status. */
#ifndef EK_TOOL_MESSAGE_H
#define EK_TOOL_MESSAGE_H

#include <evenkeel/status.h>

enum {
    EXIT_DONE = 0,
    EXIT_CHECK = 1,
    EXIT_USAGE = 2,
    EXIT_INPUT = 3,
    EXIT_IO = 4,
    EXIT_MEMORY = 5,
    EXIT_NUMERICS = 6,
    EXIT_DISTRIBUTED = 7,
    EXIT_INTERRUPTED = 130,
    EXIT_PIPE = 141 /* what a shell gives for SIGPIPE */
};

/* How this run talks; set once by main. */
typedef struct voice {
    const char *command; /* "train", or NULL outside a command */
    int quiet, json;
    int rank, ranks; /* of a run over ranks: 0 speaks, the others only of errors, with their number */
    int colour;      /* standard error is a terminal that wants colour */
} voice;
extern voice tool_voice;

/* The exit status of a status. EK_ERR_ARG is taken to concern an option. */
int exit_of(ek_status status);

/* Fills err and returns its status. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
ek_status
fail(ek_error *err, ek_status status, const char *format, ...);

/* Puts `format` and ": " in front of the text of err; returns its status. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
ek_status
fail_in(ek_error *err, const char *format, ...);

/* An error on standard error; the run may go on. */
void say_error(const char *text);
/* Reports err on standard error (with --json also as an object on standard output); returns the exit status. A usage
 * error (EXIT_USAGE) is followed by where to find help. */
int report(const ek_error *err);
/* The same for an error that is about input, not options: EK_ERR_ARG exits as EXIT_INPUT. */
int report_input(const ek_error *err);

/* A line on standard error, unless quiet. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void note(const char *format, ...);
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void warn(const char *format, ...);

/* `word` as a shell takes it: in quotes where it needs them. Valid until the fourth call from now. */
const char *quoted(const char *word);

/* Flushes standard output; the exit status to use: `status`, or EXIT_IO when the output could not be written, or
 * EXIT_PIPE, without a word, when whoever read it has ended. */
int finish_output(int status);

/* Whether `file` is a terminal, and whether colour is wanted on it (NO_COLOR, TERM=dumb). */
int is_terminal(int descriptor);
int wants_colour(int descriptor);

#endif
