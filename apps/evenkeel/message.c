/* message.c: errors, notes and exit statuses.
 *
 * Results go to standard output and everything said here to standard error, so that a pipe never sees a message.
 * The map from ek_status to the exit statuses of docs/cli.md stands here and nowhere else.
 */
#include "message.h"
#include "print.h"
#include "report/json_out.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

voice tool_voice;

int exit_of(ek_status status) {
    switch (status) {
    case EK_OK: return EXIT_DONE;
    case EK_ERR_CHECK: return EXIT_CHECK;
    case EK_ERR_ARG: return EXIT_USAGE;
    case EK_ERR_FORMAT:
    case EK_ERR_UNSUPPORTED:
    case EK_ERR_SHAPE:
    case EK_ERR_STATE:
    case EK_ERR_DTYPE: return EXIT_INPUT;
    case EK_ERR_IO: return EXIT_IO;
    case EK_ERR_NOMEM:
    case EK_ERR_LIMIT: return EXIT_MEMORY;
    case EK_ERR_NONFINITE: return EXIT_NUMERICS;
    case EK_ERR_DIST: return EXIT_DISTRIBUTED;
    case EK_ERR_INTERRUPTED: return EXIT_INTERRUPTED;
    }
    return EXIT_INPUT;
}

ek_status fail(ek_error *err, ek_status status, const char *format, ...) {
    va_list list;
    va_start(list, format);
    print_text(err->text, sizeof err->text, format, list);
    va_end(list);
    err->status = status;
    return status;
}

ek_status fail_in(ek_error *err, const char *format, ...) {
    char old[EK_ERROR_TEXT], front[EK_ERROR_TEXT];
    memcpy(old, err->text, sizeof old);
    va_list list;
    va_start(list, format);
    print_text(front, sizeof front, format, list);
    va_end(list);
    int room = (int)sizeof err->text;
    if (snprintf(err->text, sizeof err->text, "%.*s: %s", room / 2, front, old) >= room)
        memcpy(err->text + room - 4, "...", 4);
    return err->status;
}

void say_error(const char *text) {
    const char *red = tool_voice.colour ? "\033[1;31m" : "", *plain = tool_voice.colour ? "\033[0m" : "";
    char who[32] = "";
    if (tool_voice.ranks > 1) snprintf(who, sizeof who, " [rank %d]", tool_voice.rank);
    fprintf(stderr, "evenkeel%s%s%s: %serror:%s %s\n", tool_voice.command ? " " : "",
            tool_voice.command ? tool_voice.command : "", who, red, plain, text);
}

static int report_as(const ek_error *err, int status) {
    say_error(err->text[0] ? err->text : ek_status_name(err->status));
    if (status == EXIT_USAGE)
        fprintf(stderr, "Try: evenkeel %s%s--help\n", tool_voice.command ? tool_voice.command : "",
                tool_voice.command ? " " : "");
    if (tool_voice.json && tool_voice.rank == 0) {
        eki_json json;
        eki_json_start(&json, stdout, 2);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "error", err->text);
        eki_json_text(&json, "status", ek_status_name(err->status));
        eki_json_int(&json, "exit", status);
        eki_json_finish(&json);
    }
    return status;
}

int report(const ek_error *err) { return report_as(err, exit_of(err->status)); }

int report_input(const ek_error *err) {
    return report_as(err, err->status == EK_ERR_ARG ? EXIT_INPUT : exit_of(err->status));
}

/* The same note twice in a row (of training and test images, say) is said once. */
void note(const char *format, ...) {
    static char last[2048];
    char text[2048];
    if (tool_voice.quiet || tool_voice.rank > 0) return;
    va_list list;
    va_start(list, format);
    print_text(text, sizeof text, format, list);
    va_end(list);
    if (strcmp(text, last) == 0) return;
    strcpy(last, text);
    fprintf(stderr, "%s\n", text);
}

void warn(const char *format, ...) {
    if (tool_voice.rank > 0) return;
    const char *yellow = tool_voice.colour ? "\033[1;33m" : "", *plain = tool_voice.colour ? "\033[0m" : "";
    fprintf(stderr, "evenkeel: %swarning:%s ", yellow, plain);
    va_list list;
    va_start(list, format);
    print_list(stderr, format, list);
    va_end(list);
    putc('\n', stderr);
}

int finish_output(int status) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    struct pollfd out = {.fd = STDOUT_FILENO};
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR))
        return status == EXIT_DONE || status == EXIT_CHECK ? EXIT_PIPE : status; /* nobody reads on, as after head */
    fprintf(stderr, "evenkeel: error: cannot write to standard output: %s\n",
            errno ? strerror(errno) : "an earlier write failed");
    return status == EXIT_DONE || status == EXIT_CHECK ? EXIT_IO : status;
}

int is_terminal(int descriptor) { return isatty(descriptor); }

int wants_colour(int descriptor) {
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    if (no_colour != NULL && no_colour[0] != 0) return 0;
    if (term == NULL || strcmp(term, "dumb") == 0) return 0;
    return isatty(descriptor);
}
