/* terminal.h: the terminal's width, and the progress line. */
#ifndef EK_TOOL_TERMINAL_H
#define EK_TOOL_TERMINAL_H

#include <stdint.h>

/* Columns of the terminal behind `descriptor` (else of COLUMNS, else `otherwise`). */
int terminal_width(int descriptor, int otherwise);

/* Seconds of a clock that never goes back. */
double clock_seconds(void);

/* "1:02:03" or "2:03". */
void duration_text(double seconds, char text[32]);

/* A line that is drawn over itself on standard error, at most ten times a second; nothing where standard error is no
 * terminal or the tool is quiet. */
typedef struct progress {
    int shown; /* 0 = draws nothing */
    double began, drawn;
    int length; /* of what stands there now */
} progress;

void progress_start(progress *p);
/* Draws "what [====    ] 41 % 0:12 left tail". `fraction` in [0, 1] since progress_start. */
void progress_draw(progress *p, const char *what, double fraction, const char *tail);
void progress_clear(progress *p);

#endif
