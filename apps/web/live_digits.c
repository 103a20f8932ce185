/* live_digits.c: digits drawn with a wavering pen, 16x16, white on black.
 *
 * A digit is a line through points, displaced at random, mapped by a random scale, slant, rotation and shift, inked
 * with a random width and pressure, with grain. An image depends on its split, index and digit alone.
 */
#include "web/live_net.h"

#include <math.h>
#include <string.h>

enum { POINTS = 11 };

/* x to the right, y down, 0 to 100; (-1, -1) ends the line. */
static const signed char glyphs[LIVE_CLASSES][POINTS][2] = {
    {{50, 4}, {22, 18}, {12, 50}, {22, 82}, {50, 96}, {78, 82}, {88, 50}, {78, 18}, {50, 4}, {-1, -1}},
    {{26, 26}, {54, 4}, {54, 50}, {54, 96}, {-1, -1}},
    {{14, 26}, {30, 8}, {60, 5}, {82, 24}, {74, 48}, {46, 70}, {14, 95}, {52, 95}, {90, 95}, {-1, -1}},
    {{14, 12}, {42, 4}, {74, 12}, {78, 32}, {42, 48}, {80, 62}, {82, 82}, {48, 96}, {12, 88}, {-1, -1}},
    {{66, 96}, {66, 50}, {66, 4}, {38, 36}, {10, 68}, {50, 68}, {92, 68}, {-1, -1}},
    {{84, 6}, {54, 6}, {24, 6}, {20, 44}, {56, 40}, {84, 58}, {80, 84}, {50, 96}, {14, 88}, {-1, -1}},
    {{76, 8}, {44, 18}, {20, 46}, {14, 74}, {34, 95}, {68, 94}, {84, 72}, {66, 50}, {36, 52}, {16, 70}, {-1, -1}},
    {{12, 6}, {50, 6}, {88, 6}, {66, 50}, {44, 96}, {-1, -1}},
    {{50, 48}, {20, 28}, {34, 6}, {66, 6}, {80, 28}, {50, 48}, {14, 74}, {34, 95}, {68, 95}, {86, 74}, {50, 48}},
    {{82, 36}, {60, 52}, {28, 46}, {18, 26}, {36, 6}, {66, 6}, {82, 30}, {76, 66}, {56, 96}, {-1, -1}},
};

typedef struct point {
    double x, y;
} point;

typedef struct pen {
    double a, b, c, d, x, y; /* glyph to pixels: (a u + b v + x, c u + d v + y) */
    double radius;
    uint64_t stream, next;
} pen;

static double between(pen *p, double low, double high) {
    return low + (high - low) * live_uniform(p->stream, p->next++);
}
static double about(pen *p, double deviation) { return deviation * live_bell(p->stream + 1, p->next++); }

/* Scale, slant, rotation (by the tangent of the half angle) and shift. */
static pen take(uint64_t stream) {
    pen p = {.stream = stream};
    double width = between(&p, 6, 11.5), height = between(&p, 8, 13), slant = about(&p, 0.22), half = about(&p, 0.07);
    double cosine = (1 - half * half) / (1 + half * half), sine = 2 * half / (1 + half * half);
    p.a = cosine * width;
    p.b = (-slant * cosine - sine) * height;
    p.c = sine * width;
    p.d = (-slant * sine + cosine) * height;
    p.x = LIVE_SIDE / 2.0 + about(&p, 0.9);
    p.y = LIVE_SIDE / 2.0 + about(&p, 0.9);
    p.radius = between(&p, 0.35, 0.95);
    return p;
}

static double distance(point p, point from, point to) {
    double dx = to.x - from.x, dy = to.y - from.y, length = dx * dx + dy * dy;
    double t = length > 0 ? ((p.x - from.x) * dx + (p.y - from.y) * dy) / length : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    double ex = p.x - (from.x + t * dx), ey = p.y - (from.y + t * dy);
    return sqrt(ex * ex + ey * ey);
}

static int clip(double v) { return v < 0 ? 0 : v > LIVE_SIDE - 1 ? LIVE_SIDE - 1 : (int)v; }

static void segment(const pen *p, point from, point to, float *ink) {
    double reach = p->radius + 1.5;
    int x0 = clip((from.x < to.x ? from.x : to.x) - reach), x1 = clip((from.x < to.x ? to.x : from.x) + reach);
    int y0 = clip((from.y < to.y ? from.y : to.y) - reach), y1 = clip((from.y < to.y ? to.y : from.y) + reach);
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            double cover = p->radius + 0.5 - distance((point){x + 0.5, y + 0.5}, from, to);
            float *at = ink + y * LIVE_SIDE + x;
            if (cover > (double)*at) *at = (float)(cover > 1 ? 1 : cover);
        }
}

static point place(pen *p, const signed char at[2]) {
    double u = at[0] / 100.0 - 0.5 + about(p, 0.028), v = at[1] / 100.0 - 0.5 + about(p, 0.028);
    return (point){p->a * u + p->b * v + p->x, p->c * u + p->d * v + p->y};
}

static void develop(pen *p, float *pixels) {
    double pressure = between(p, 0.55, 1), noise = between(p, 0, 0.2);
    for (int i = 0; i < LIVE_PIXELS; i++) {
        double v = (double)pixels[i] * pressure + noise * (live_uniform(p->stream + 2, (uint64_t)i) - 0.5);
        pixels[i] = (float)(v < 0 ? 0 : v > 1 ? 1 : v);
    }
}

void live_draw(uint64_t split, uint64_t index, int digit, float *pixels) {
    pen p = take(live_word(split, index));
    memset(pixels, 0, LIVE_PIXELS * sizeof *pixels);
    point last = place(&p, glyphs[digit][0]);
    for (int i = 1; i < POINTS && glyphs[digit][i][0] >= 0; i++) {
        point next = place(&p, glyphs[digit][i]);
        segment(&p, last, next, pixels);
        last = next;
    }
    develop(&p, pixels);
}

int live_digit_of(uint64_t split, uint64_t index) { return (int)(live_word(split + 16, index) % LIVE_CLASSES); }

int live_digit(int image) { return live_digit_of(LIVE_SPLIT_TEST, (uint64_t)image); }

const float *live_test_image(int image) {
    static float drawn[LIVE_TESTS][LIVE_PIXELS];
    static int ready[LIVE_TESTS];
    if (!ready[image]) live_draw(LIVE_SPLIT_TEST, (uint64_t)image, live_digit(image), drawn[image]);
    ready[image] = 1;
    return drawn[image];
}
