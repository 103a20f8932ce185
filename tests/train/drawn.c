/* drawn.c: see drawn.h. */
#include "drawn.h"

#include <math.h>

/* Top, upper left, upper right, middle, lower left, lower right, bottom; x and y from 0 to 1. */
static const drawn_stroke strokes[DRAWN_STROKES] = {
    {0, 0, 1, 0}, {0, 0, 0, 0.5}, {1, 0, 1, 0.5}, {0, 0.5, 1, 0.5}, {0, 0.5, 0, 1.0}, {1, 0.5, 1, 1.0}, {0, 1, 1, 1}};
static const char *const digits[10] = {"1110111", "0010010", "1011101", "1011011", "0111010",
                                       "1101011", "1101111", "1010010", "1111111", "1111011"};

/* splitmix64: the next number of a stream, from low to high. */
double drawn_between(unsigned long long *stream, double low, double high) {
    unsigned long long z = *stream += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return low + (high - low) * (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

double drawn_distance(const drawn_stroke *s, double x, double y) {
    double dx = s->x1 - s->x0, dy = s->y1 - s->y0, t = (x - s->x0) * dx + (y - s->y0) * dy;
    t = fmin(1, fmax(0, t / (dx * dx + dy * dy)));
    return hypot(x - s->x0 - t * dx, y - s->y0 - t * dy);
}

/* Places the strokes of a digit; returns how many there are. */
int drawn_place(int digit, unsigned long long *stream, drawn_stroke placed[DRAWN_STROKES]) {
    double width = drawn_between(stream, 10, 13), height = drawn_between(stream, 18, 22), waver = 1;
    double left = (DRAWN_SIDE - width) / 2 + drawn_between(stream, -2, 2),
           top = (DRAWN_SIDE - height) / 2 + drawn_between(stream, -2, 2);
    int count = 0;
    for (int i = 0; i < DRAWN_STROKES; i++) {
        if (digits[digit][i] != '1') continue;
        placed[count].x0 = left + width * strokes[i].x0 + drawn_between(stream, -waver, waver);
        placed[count].y0 = top + height * strokes[i].y0 + drawn_between(stream, -waver, waver);
        placed[count].x1 = left + width * strokes[i].x1 + drawn_between(stream, -waver, waver);
        placed[count].y1 = top + height * strokes[i].y1 + drawn_between(stream, -waver, waver);
        count++;
    }
    return count;
}
