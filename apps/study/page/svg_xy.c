/* svg_xy.c: lines and dots over linear or logarithmic axes, with a legend that the script turns into switches. */
#include "study/page/svg.h"

#include <math.h>

enum { HEIGHT = 300, LEFT = 76, RIGHT = 446, TOP = 14, BOTTOM = 242 };

typedef struct frame {
    const eks_chart *chart;
    double x_min, x_max, y_min, y_max, y_step;
} frame;

static double along(const frame *f, double x) { return f->chart->x_log ? log10(x) : x; }

static double up(const frame *f, double y) { return f->chart->y_log ? log10(y) : y; }

static double px(const frame *f, double x) {
    return LEFT + 8 + (along(f, x) - f->x_min) / (f->x_max - f->x_min) * (RIGHT - LEFT - 16);
}

/* `y` as `up` gives it. */
static double py(const frame *f, double y) { return BOTTOM - (y - f->y_min) / (f->y_max - f->y_min) * (BOTTOM - TOP); }

static int drawn(const frame *f, const eks_series *series, int i) {
    return isfinite(series->x[i]) && isfinite(series->y[i]) && (!f->chart->y_log || series->y[i] > 0);
}

static void span(frame *f) {
    for (int s = 0; s < f->chart->series_count; s++)
        for (int i = 0; i < f->chart->series[s].count; i++) {
            if (!drawn(f, &f->chart->series[s], i)) continue;
            double x = along(f, f->chart->series[s].x[i]), y = up(f, f->chart->series[s].y[i]);
            f->x_min = fmin(f->x_min, x);
            f->x_max = fmax(f->x_max, x);
            double reach = f->chart->y_log ? 0 : f->chart->series[s].reach[i];
            f->y_min = fmin(f->y_min, y - reach);
            f->y_max = fmax(f->y_max, y + reach);
        }
}

static frame measure(const eks_chart *chart) {
    frame f = {chart, INFINITY, -INFINITY, INFINITY, -INFINITY, 0};
    span(&f);
    if (!isfinite(f.x_min)) f.x_min = f.y_min = 0, f.x_max = f.y_max = 1; /* nothing to draw */
    if (!(f.x_max > f.x_min)) f.x_max = f.x_min + 1;
    if (chart->y_log) {
        f.y_step = 1;
        f.y_min = floor(f.y_min);
        f.y_max = fmax(ceil(f.y_max), f.y_min + 1);
    } else if (chart->y_max > 0) {
        f.y_min = 0;
        f.y_max = fmax(f.y_max, chart->y_max);
        f.y_step = eki_nice_step(f.y_max);
    } else {
        if (!(f.y_max > f.y_min)) f.y_max = f.y_min + 1;
        f.y_step = eki_nice_step(f.y_max - f.y_min);
        f.y_min = floor(f.y_min / f.y_step) * f.y_step;
        f.y_max = ceil(f.y_max / f.y_step) * f.y_step;
    }
    return f;
}

static void y_text(const eks_chart *chart, double y, char text[64]) {
    (chart->y_percent ? eki_percent : eki_number)(y, text);
}

static void x_tick(FILE *out, const frame *f, double x) {
    char text[64];
    eki_number(x, text);
    fprintf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", px(f, x), BOTTOM + 20,
            text);
}

static void y_axis(FILE *out, const frame *f) {
    char text[64];
    for (double y = f->y_min; y <= f->y_max + f->y_step * 1e-6; y += f->y_step) {
        double near = fabs(y) < f->y_step * 1e-6 ? 0 : y;
        y_text(f->chart, f->chart->y_log ? pow(10, near) : near, text);
        fprintf(out,
                "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                LEFT, RIGHT, py(f, y), py(f, y), LEFT - 8, py(f, y) + 4.5, text);
    }
    fprintf(out, "<text class=\"axis\" transform=\"translate(13 %d) rotate(-90)\" text-anchor=\"middle\">",
            (TOP + BOTTOM) / 2);
    eki_put(out, "", f->chart->y_label, "</text>");
}

static void x_axis(FILE *out, const frame *f) {
    const eks_series *first = &f->chart->series[0];
    if (!f->chart->x_log) {
        double step = fmax(1, eki_nice_step(f->x_max - f->x_min));
        for (double x = ceil(f->x_min / step) * step; x <= f->x_max; x += step) x_tick(out, f, x);
    } else if (first->count <= 6) {
        for (int i = 0; i < first->count; i++) x_tick(out, f, first->x[i]);
    } else {
        for (double e = ceil(f->x_min - 1e-9); e <= f->x_max + 1e-9; e++) x_tick(out, f, pow(10, e));
    }
    fprintf(out, "<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + RIGHT) / 2, HEIGHT - 10);
    eki_put(out, "", f->chart->x_label, "</text>");
}

static void draw_line(FILE *out, const frame *f, const eks_series *series, int kind) {
    int down = 0; /* the pen */
    fprintf(out, "<path class=\"line s%d\" d=\"", kind);
    for (int i = 0; i < series->count; i++) {
        if (drawn(f, series, i))
            fprintf(out, "%c%.1f %.1f", down ? 'L' : 'M', px(f, series->x[i]), py(f, up(f, series->y[i])));
        down = drawn(f, series, i);
    }
    fputs("\"/>", out);
}

/* The intervals round the points of a series, those of several beside each other. */
static void draw_reach(FILE *out, const frame *f, const eks_series *series, int kind) {
    for (int i = 0; i < series->count; i++) {
        if (!drawn(f, series, i) || !(series->reach[i] > 0)) continue;
        double x = px(f, series->x[i]) + 4 * (kind - 1), top = py(f, fmin(series->y[i] + series->reach[i], f->y_max));
        fprintf(out, "<path class=\"bracket s%d\" d=\"M%.1f %.1fh6m-3 0V%.1fm-3 0h6\"/>", kind, x - 3, top,
                py(f, fmax(series->y[i] - series->reach[i], f->y_min)));
    }
}

static void draw_points(FILE *out, const frame *f, const eks_series *series, int kind) {
    int marked = series->mark == EKS_DOTS || series->count <= SVG_FEW;
    for (int i = 0; i < series->count; i++) {
        if (!drawn(f, series, i)) continue;
        char x[64], y[64], tip[SVG_TIP];
        eki_number(series->x[i], x);
        y_text(f->chart, series->y[i], y);
        eks_svg_tip(tip, series->name, x, y);
        if (marked)
            eks_svg_marker(out, kind, px(f, series->x[i]), py(f, up(f, series->y[i])), tip);
        else
            eks_svg_circle(out, "hit", px(f, series->x[i]), py(f, up(f, series->y[i])), 4, tip);
    }
}

static void legend(FILE *out, const eks_chart *chart) {
    fputs("<ul class=\"legend\">", out);
    for (int s = 0; s < chart->series_count; s++) {
        const eks_series *series = &chart->series[s];
        fprintf(out, "<li data-series=\"%d\"><svg class=\"key\" viewBox=\"0 0 34 14\" aria-hidden=\"true\">", s);
        if (series->mark == EKS_LINE) fprintf(out, "<path class=\"line s%d\" d=\"M1 7H33\"/>", s);
        if (series->mark == EKS_DOTS || series->count <= SVG_FEW) eks_svg_marker(out, s, 17, 7, NULL);
        eki_put(out, "</svg><span>", series->name, "</span></li>");
    }
    fputs("</ul>", out);
}

void eks_svg_xy(FILE *out, const eks_chart *chart, const char *id) {
    frame f = measure(chart);
    eks_svg_open(out, id, HEIGHT, chart->title, chart->description);
    y_axis(out, &f);
    x_axis(out, &f);
    for (int s = 0; s < chart->series_count; s++) {
        fprintf(out, "<g class=\"series\" data-series=\"%d\">", s);
        if (chart->series[s].mark == EKS_LINE) draw_line(out, &f, &chart->series[s], s);
        draw_reach(out, &f, &chart->series[s], s);
        draw_points(out, &f, &chart->series[s], s);
        fputs("</g>", out);
    }
    fputs("</svg>", out);
    legend(out, chart);
}
