/* strokes.c: the built-in set: digits drawn with a wavering pen, 1 x 28 x 28.
 *
 * A digit is a style of glyphs.c whose points are displaced at random, mapped by a random scale, slant, rotation and
 * shift, and inked with a random width, pressure and noise. Curves are Catmull-Rom splines; coverage falls from 1 to 0
 * over one pixel around the pen's edge. Only + - * / and sqrt on doubles are used, whose results IEEE 754 fixes, so the
 * pixels are the same on every machine. Example i depends on (split, i) alone: COUNT only says how many there are.
 */
#include "base/random.h"
#include "base/threads.h"
#include "data/formats.h"
#include "data/glyphs.h"

#include <math.h>
#include <string.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE, STEPS = 6, DEFAULT_TRAIN = 12000, DEFAULT_TEST = 2000, MOST = 10000000 };

static const uint64_t strokes_seed = 20240229;
static const char prefix[] = "builtin:";
static const char name[] = "builtin:strokes";

bool eki_strokes_claims(const char *spec) { return strncmp(spec, prefix, sizeof prefix - 1) == 0; }

/* Draws numbers one after the other from one stream. */
typedef struct dice {
    eki_random random;
    uint64_t next;
} dice;

static double between(dice *d, double low, double high) {
    return low + (high - low) * eki_random_uniform(d->random, d->next++);
}

/* Roughly normal, within 3 deviations: the sum of three uniforms. */
static double bell(dice *d, double deviation) {
    return deviation * (between(d, -1, 1) + between(d, -1, 1) + between(d, -1, 1));
}

typedef struct point {
    double x, y;
} point;

typedef struct canvas {
    double ink[PIXELS];      /* coverage 0..1 */
    double radius;           /* of the pen, in pixels */
    double a, b, c, d, x, y; /* glyph to pixels: (a u + b v + x, c u + d v + y) */
} canvas;

static double distance(point p, point from, point to) {
    double dx = to.x - from.x, dy = to.y - from.y, length = dx * dx + dy * dy;
    double t = length > 0 ? ((p.x - from.x) * dx + (p.y - from.y) * dy) / length : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    double ex = p.x - (from.x + t * dx), ey = p.y - (from.y + t * dy);
    return sqrt(ex * ex + ey * ey);
}

static int clip(double v) { return v < 0 ? 0 : v > SIDE - 1 ? SIDE - 1 : (int)v; }

static void draw_segment(canvas *c, point from, point to) {
    double reach = c->radius + 1.5;
    int x0 = clip((from.x < to.x ? from.x : to.x) - reach), x1 = clip((from.x < to.x ? to.x : from.x) + reach);
    int y0 = clip((from.y < to.y ? from.y : to.y) - reach), y1 = clip((from.y < to.y ? to.y : from.y) + reach);
    for (int y = y0; y <= y1; y++) {
        for (int x = x0; x <= x1; x++) {
            double cover = c->radius + 0.5 - distance((point){x + 0.5, y + 0.5}, from, to);
            cover = cover > 1 ? 1 : cover;
            if (cover > c->ink[y * SIDE + x]) c->ink[y * SIDE + x] = cover;
        }
    }
}

/* Catmull-Rom between p[1] and p[2]. */
static point spline(const point p[4], double t) {
    double t2 = t * t, t3 = t2 * t;
    double w0 = -t3 + 2 * t2 - t, w1 = 3 * t3 - 5 * t2 + 2, w2 = -3 * t3 + 4 * t2 + t, w3 = t3 - t2;
    return (point){0.5 * (w0 * p[0].x + w1 * p[1].x + w2 * p[2].x + w3 * p[3].x),
                   0.5 * (w0 * p[0].y + w1 * p[1].y + w2 * p[2].y + w3 * p[3].y)};
}

static void draw_stroke(canvas *c, const eki_stroke *s, double wobble, dice *d) {
    point p[EKI_GLYPH_POINTS + 2];
    for (int i = 0; i < s->count; i++) {
        double u = s->points[i][0] / 100.0 - 0.5 + bell(d, wobble), v = s->points[i][1] / 100.0 - 0.5 + bell(d, wobble);
        p[i + 1] = (point){c->a * u + c->b * v + c->x, c->c * u + c->d * v + c->y};
    }
    p[0] = p[1];
    p[s->count + 1] = p[s->count];
    for (int i = 0; i + 1 < s->count; i++) {
        point last = p[i + 1];
        for (int step = 1; s->smooth && step < STEPS; step++) {
            point next = spline(p + i, (double)step / STEPS);
            draw_segment(c, last, next);
            last = next;
        }
        draw_segment(c, last, p[i + 2]);
    }
}

/* Scale, slant, rotation (by the half-angle tangent: no sine needed) and shift. */
static void place(canvas *c, dice *d) {
    double width = between(d, 11, 20), height = between(d, 14, 22), slant = bell(d, 0.2), half = bell(d, 0.06);
    double cosine = (1 - half * half) / (1 + half * half), sine = 2 * half / (1 + half * half);
    c->a = cosine * width;
    c->b = (-slant * cosine - sine) * height;
    c->c = sine * width;
    c->d = (-slant * sine + cosine) * height;
    c->x = SIDE / 2.0 + bell(d, 1.2);
    c->y = SIDE / 2.0 + bell(d, 1.2);
    c->radius = between(d, 0.6, 1.6);
}

/* Ink to bytes, with noise that is different for every pixel: four random words a block, four pixels. */
static void develop(const canvas *c, double pressure, double noise, eki_random random, unsigned char *pixels) {
    for (int i = 0; i < PIXELS; i += 4) {
        uint32_t words[4];
        eki_random_block(random, (uint64_t)i, words);
        for (int j = 0; j < 4; j++) {
            double grain = ((words[j] & 0xffff) + (double)(words[j] >> 16)) / 65536.0 - 1.0;
            double v = 255 * (c->ink[i + j] * pressure + noise * grain) + 0.5;
            pixels[i + j] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
}

/* Each block of ten examples has the ten digits in an order of its own. */
static int digit_of(uint64_t split, uint64_t index) {
    uint64_t order[10];
    eki_random_permutation(strokes_seed + split, "digits", index / 10, order, 10);
    return (int)order[index % 10];
}

typedef struct drawing {
    ek_dataset *set;
    uint64_t split;
} drawing;

static void draw_example(void *argument, size_t index) {
    const drawing *job = argument;
    uint64_t split = job->split;
    int digit = digit_of(split, index);
    dice d = {.random = eki_random_stream(strokes_seed, "digit", split, index)};
    const eki_glyph *glyph = eki_glyph_find(digit, (int)between(&d, 0, eki_glyph_styles(digit)));
    canvas c;
    memset(&c, 0, sizeof c);
    place(&c, &d);
    double wobble = between(&d, 0.015, 0.052);
    for (int i = 0; i < glyph->strokes; i++) draw_stroke(&c, &glyph->stroke[i], wobble, &d);
    double pressure = between(&d, 0.4, 1), noise = between(&d, 0, 0.3);
    develop(&c, pressure, noise, eki_random_stream(strokes_seed, "grain", split, index),
            job->set->pixels + index * PIXELS);
    job->set->labels[index] = digit;
}

/* "builtin:strokes" or "builtin:strokes:COUNT". */
static ek_status parse_count(const char *spec, ek_split split, int64_t *count, ek_error *err) {
    *count = split == EK_SPLIT_TRAIN ? DEFAULT_TRAIN : DEFAULT_TEST;
    size_t length = sizeof name - 1;
    if (strncmp(spec, name, length) != 0 || (spec[length] != '\0' && spec[length] != ':')) {
        return eki_fail(err, EK_ERR_ARG, "%s: there is no such built-in set; the one there is: %s", spec, name);
    }
    if (spec[length] == '\0') return EK_OK;
    int64_t value = 0;
    const char *p = spec + length + 1;
    for (; *p >= '0' && *p <= '9' && value <= MOST; p++) value = value * 10 + (*p - '0');
    if (*p != '\0' || value < 1 || value > MOST) {
        return eki_fail(err, EK_ERR_ARG, "%s: the count after the colon must be a number from 1 to %d, as in %s:6000",
                        spec, MOST, name);
    }
    *count = split == EK_SPLIT_TRAIN ? value : (value + 5) / 6;
    return EK_OK;
}

ek_status eki_strokes_open(ek_dataset *dataset, const eki_open_args *args, ek_error *err) {
    int64_t count, chw[3] = {1, SIDE, SIDE};
    EKI_TRY(parse_count(args->spec, args->split, &count, err));
    EKI_TRY(eki_dataset_reserve(dataset, name, EK_U8, eki_open_count(args, count), chw, err));
    drawing job = {.set = dataset, .split = args->split == EK_SPLIT_TEST};
    eki_parallel_for(NULL, (size_t)dataset->info.count, draw_example, &job);
    return eki_dataset_name_classes(dataset, 10, NULL, err);
}
