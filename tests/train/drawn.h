/* drawn.h: digits as up to seven strokes whose ends waver; a number decides all of one. */
#ifndef TESTS_DRAWN_H
#define TESTS_DRAWN_H

enum { DRAWN_SIDE = 32, DRAWN_STROKES = 7 };

typedef struct drawn_stroke {
    double x0, y0, x1, y1;
} drawn_stroke;

/* The next number of a stream, from low to high. */
double drawn_between(unsigned long long *stream, double low, double high);
/* Places the strokes of a digit in DRAWN_SIDE x DRAWN_SIDE pixels; returns how many there are. */
int drawn_place(int digit, unsigned long long *stream, drawn_stroke placed[DRAWN_STROKES]);
double drawn_distance(const drawn_stroke *stroke, double x, double y);

#endif
