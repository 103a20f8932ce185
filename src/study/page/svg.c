/* svg.c: line, dot and bar charts as inline SVG.
 *
 * Colours come from the page's style sheet, so that charts follow light and dark; every series also has its own dash
 * and marker, every bar its own hatching, so that none needs colour to be told apart. The drawing carries title and
 * description for those who do not see it, and the page puts the numbers in a table beside it.
 */
#include "study/write.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 460, HEIGHT = 300, LEFT = 76, RIGHT = 446, TOP = 14, BOTTOM = 242, BAR = 36, BAR_LEFT = 152 };

typedef struct frame {
    const eks_chart *chart;
    double x_min, x_max, y_min, y_max, y_step;
} frame;

static double along(const frame *f, double x) { return f->chart->x_log ? log10(x) : x; }

static double px(const frame *f, double x) {
    return LEFT + 8 + (along(f, x) - f->x_min) / (f->x_max - f->x_min) * (RIGHT - LEFT - 16);
}

static double py(const frame *f, double y) { return BOTTOM - (y - f->y_min) / (f->y_max - f->y_min) * (BOTTOM - TOP); }

/* 1, 2 or 5 times a power of ten, so that about five steps span the range. */
static double nice_step(double range) {
    double rough = range / 5, power = pow(10, floor(log10(rough))), share = rough / power;
    return (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10) * power;
}

static frame measure(const eks_chart *chart) {
    frame f = {chart, INFINITY, -INFINITY, INFINITY, -INFINITY, 0};
    for (int s = 0; s < chart->series_count; s++)
        for (int i = 0; i < chart->series[s].count; i++) {
            double x = along(&f, chart->series[s].x[i]), y = chart->series[s].y[i];
            f.x_min = fmin(f.x_min, x);
            f.x_max = fmax(f.x_max, x);
            f.y_min = fmin(f.y_min, y);
            f.y_max = fmax(f.y_max, y);
        }
    if (!(f.x_max > f.x_min)) f.x_max = f.x_min + 1;
    if (chart->y_max > 0) {
        f.y_min = 0;
        f.y_max = fmax(f.y_max, chart->y_max);
        f.y_step = nice_step(f.y_max);
    } else {
        if (!(f.y_max > f.y_min)) f.y_max = f.y_min + 1;
        f.y_step = nice_step(f.y_max - f.y_min);
        f.y_min = floor(f.y_min / f.y_step) * f.y_step;
        f.y_max = ceil(f.y_max / f.y_step) * f.y_step;
    }
    return f;
}

static void tick_text(const frame *f, double y, char text[64]) {
    if (f->chart->y_percent)
        eks_percent(y, text);
    else
        eks_number(fabs(y) < 1e-9 ? 0 : y, text);
}

static void x_tick(FILE *out, const frame *f, double x) {
    char text[64];
    eks_number(x, text);
    fprintf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", px(f, x), BOTTOM + 20,
            text);
}

static void axes(FILE *out, const frame *f) {
    char text[64];
    for (double y = f->y_min; y <= f->y_max + f->y_step * 1e-6; y += f->y_step) {
        tick_text(f, y, text);
        fprintf(out,
                "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                LEFT, RIGHT, py(f, y), py(f, y), LEFT - 8, py(f, y) + 4.5, text);
    }
    const eks_series *first = &f->chart->series[0];
    if (!f->chart->x_log) {
        double step = fmax(1, nice_step(f->x_max - f->x_min));
        for (double x = ceil(f->x_min / step) * step; x <= f->x_max; x += step) x_tick(out, f, x);
    } else if (first->count <= 6) {
        for (int i = 0; i < first->count; i++) x_tick(out, f, first->x[i]);
    } else {
        for (double e = ceil(f->x_min - 1e-9); e <= f->x_max + 1e-9; e++) x_tick(out, f, pow(10, e));
    }
    fprintf(out, "<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + RIGHT) / 2, HEIGHT - 10);
    eks_escaped(out, f->chart->x_label);
    fprintf(out, "</text><text class=\"axis\" transform=\"translate(13 %d) rotate(-90)\" text-anchor=\"middle\">",
            (TOP + BOTTOM) / 2);
    eks_escaped(out, f->chart->y_label);
    fputs("</text>", out);
}

/* Circle, square, diamond, triangle. */
static void marker(FILE *out, int kind, double x, double y) {
    static const char *const shapes[] = {"M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z", "M-4 -4h8v8h-8z",
                                         "M0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z", "M0 -5l5 9h-10z"};
    fprintf(out, "<path class=\"dot s%d\" transform=\"translate(%.1f %.1f)\" d=\"%s\"/>", kind, x, y, shapes[kind]);
}

static void draw_series(FILE *out, const frame *f, const eks_series *series, int kind) {
    if (series->mark == EKS_LINE) {
        fprintf(out, "<path class=\"line s%d\" d=\"", kind);
        for (int i = 0; i < series->count; i++)
            fprintf(out, "%c%.1f %.1f", i ? 'L' : 'M', px(f, series->x[i]), py(f, series->y[i]));
        fputs("\"/>", out);
    }
    if (series->mark == EKS_DOTS || series->count <= 8)
        for (int i = 0; i < series->count; i++) marker(out, kind, px(f, series->x[i]), py(f, series->y[i]));
}

static void legend(FILE *out, const eks_chart *chart) {
    fputs("<ul class=\"legend\">", out);
    for (int s = 0; s < chart->series_count; s++) {
        const eks_series *series = &chart->series[s];
        fputs("<li><svg class=\"key\" viewBox=\"0 0 34 14\" aria-hidden=\"true\">", out);
        if (series->mark == EKS_LINE) fprintf(out, "<path class=\"line s%d\" d=\"M1 7H33\"/>", s);
        if (series->mark == EKS_DOTS || series->count <= 8) marker(out, s, 17, 7);
        fputs("</svg>", out);
        eks_escaped(out, series->name);
        fputs("</li>", out);
    }
    fputs("</ul>", out);
}

static void open_svg(FILE *out, const eks_chart *chart, int number, int height) {
    fprintf(out,
            "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"t%d d%d\">"
            "<title id=\"t%d\">",
            WIDTH, height, number, number, number);
    eks_escaped(out, chart->title);
    fprintf(out, "</title><desc id=\"d%d\">", number);
    eks_escaped(out, chart->description);
    fputs("</desc>", out);
}

static void draw_bars(FILE *out, const eks_chart *chart, int number) {
    const eks_series *bars = &chart->series[0];
    double most = chart->y_max;
    for (int i = 0; i < bars->count; i++) most = fmax(most, bars->y[i]);
    open_svg(out, chart, number, bars->count * BAR + 12);
    fprintf(out,
            "<defs><pattern id=\"h%d\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" "
            "patternTransform=\"rotate(45)\"><rect class=\"hatch-ground\" width=\"7\" height=\"7\"/>"
            "<line class=\"hatch\" x1=\"0\" x2=\"0\" y1=\"0\" y2=\"7\"/></pattern></defs>",
            number);
    for (int i = 0; i < bars->count; i++) {
        char text[64];
        double y = 6 + i * BAR, length = most > 0 ? bars->y[i] / most * (WIDTH - BAR_LEFT - 92) : 0;
        if (chart->y_percent)
            eks_percent(bars->y[i], text);
        else
            eks_number(bars->y[i], text);
        fprintf(out, "<text class=\"bar-label\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", BAR_LEFT - 10, y + 21);
        eks_escaped(out, chart->labels[i]);
        fprintf(out, "</text><line class=\"base\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", BAR_LEFT, BAR_LEFT,
                y + 2, y + BAR - 6);
        if (length >= 0.5)
            fprintf(out, "<rect class=\"bar\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"url(#h%d)\"/>",
                    BAR_LEFT, y + 4, length, BAR - 12, number);
        fprintf(out, "<text class=\"bar-value\" x=\"%.1f\" y=\"%.1f\">%s</text>", BAR_LEFT + length + 8, y + 21, text);
    }
    fputs("</svg>", out);
}

void eks_svg(FILE *out, const eks_chart *chart, int number) {
    if (chart->kind == EKS_CHART_BARS) {
        draw_bars(out, chart, number);
        return;
    }
    frame f = measure(chart);
    open_svg(out, chart, number, HEIGHT);
    axes(out, &f);
    for (int s = 0; s < chart->series_count; s++) draw_series(out, &f, &chart->series[s], s);
    fputs("</svg>", out);
    legend(out, chart);
}
