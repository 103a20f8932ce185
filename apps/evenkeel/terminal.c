/* terminal.c: a progress line with the time left.
 *
 * Drawn with a carriage return and spaces only (no cursor control), so that it needs nothing of the terminal. Without
 * a terminal there is no animation at all: the commands then print one line per epoch or stage instead.
 */
#include "terminal.h"
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

int terminal_width(int descriptor, int otherwise) {
    struct winsize size;
    if (isatty(descriptor) && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    const char *columns = getenv("COLUMNS");
    int width = columns ? atoi(columns) : 0;
    return width > 0 && width < 10000 ? width : otherwise;
}

double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void duration_text(double seconds, char text[32]) {
    if (!(seconds > 0)) seconds = 0;
    if (seconds > 359999) seconds = 359999;
    int s = (int)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text, 32, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, 32, "%d:%02d", s / 60, s % 60);
}

void progress_start(progress *p) {
    memset(p, 0, sizeof *p);
    const char *term = getenv("TERM");
    p->shown = !tool_voice.quiet && tool_voice.rank == 0 && isatty(STDERR_FILENO) &&
               (term == NULL || strcmp(term, "dumb") != 0);
    p->began = clock_seconds();
}

void progress_draw(progress *p, const char *what, double fraction, const char *tail) {
    double now = clock_seconds();
    if (!p->shown || (p->drawn != 0 && now - p->drawn < 0.1)) return;
    p->drawn = now;
    if (!(fraction > 0)) fraction = 0;
    if (fraction > 1) fraction = 1;
    enum { CELLS = 24 };
    char bar[CELLS + 1], left[32] = "-:--", line[512];
    for (int i = 0; i < CELLS; i++) bar[i] = i < (int)(fraction * CELLS + 0.5) ? '=' : ' ';
    bar[CELLS] = 0;
    if (fraction > 0.001) duration_text((now - p->began) * (1 - fraction) / fraction, left);
    int width = terminal_width(STDERR_FILENO, 80) - 1;
    int length = snprintf(line, sizeof line, "%s [%s] %3.0f %% %s left  %s", what, bar, 100 * fraction, left, tail);
    if (length > width)
        length = snprintf(line, sizeof line, "%s %3.0f %% %s left  %s", what, 100 * fraction, left, tail);
    if (length > width) length = width;
    if (length > (int)sizeof line - 1) length = (int)sizeof line - 1;
    if (length < 0) length = 0;
    int blanks = p->length > length ? p->length - length : 0;
    fprintf(stderr, "\r%.*s%*s", length, line, blanks, "");
    fflush(stderr);
    p->length = length;
}

void progress_clear(progress *p) {
    if (!p->shown || p->length == 0) return;
    fprintf(stderr, "\r%*s\r", p->length, "");
    fflush(stderr);
    p->length = 0;
}
