/* svg_arms.c: one row per arm, its name above it: every seed a dot, the mean a bar across, its 95 % interval a line. */
#include "study/page/svg.h"

#include <math.h>

enum { ROW = 48, LEFT = 4, RIGHT = 456, TOP = 4 };

typedef struct scale {
    double from, to, step;
    int percent;
} scale;

static double px(const scale *s, double x) {
    return LEFT + 6 + (x - s->from) / (s->to - s->from) * (RIGHT - LEFT - 12);
}

static scale measure(const eks_evidence *evidence, int metric) {
    scale s = {INFINITY, -INFINITY, 0, evidence->metric_percent[metric]};
    for (int a = 0; a < evidence->arm_count; a++)
        for (int i = 0; i < evidence->seed_count; i++) {
            double value = evidence->arms[a].value[metric][i];
            if (!isfinite(value)) continue;
            s.from = fmin(s.from, value);
            s.to = fmax(s.to, value);
        }
    if (!isfinite(s.from)) s.from = 0, s.to = 1; /* nothing to draw */
    if (!(s.to > s.from)) s.to = s.from + fmax(fabs(s.from) * 0.1, 1e-9);
    s.step = eki_nice_step(s.to - s.from);
    s.from = floor(s.from / s.step) * s.step;
    s.to = ceil(s.to / s.step) * s.step;
    return s;
}

static void value_text(const scale *s, double value, char text[64]) {
    (s->percent ? eki_percent : eki_number)(value, text);
}

static void axis(FILE *out, const scale *s, int bottom) {
    for (double x = s->from; x <= s->to + s->step * 1e-6; x += s->step) {
        char text[64];
        value_text(s, fabs(x) < s->step * 1e-6 ? 0 : x, text);
        fprintf(out,
                "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>"
                "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>",
                px(s, x), px(s, x), TOP, bottom, px(s, x), bottom + 20, text);
    }
}

static void interval(FILE *out, const scale *s, const eks_evidence *evidence, int metric, const eks_arm *arm,
                     double y) {
    double mean, low, high;
    char text[64], tip[SVG_TIP];
    eks_interval(arm->value[metric], evidence->seed_count, &mean, &low, &high);
    if (!isfinite(mean)) return;
    value_text(s, mean, text);
    eks_svg_tip(tip, arm->name, "mean", text);
    if (isfinite(low))
        fprintf(out, "<line class=\"whisker\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                px(s, fmax(low, s->from)), px(s, fmin(high, s->to)), y, y);
    fprintf(out, "<rect class=\"mean\" x=\"%.1f\" y=\"%.1f\" width=\"4\" height=\"20\"", px(s, mean) - 2, y - 10);
    eki_put(out, " data-tip=\"", tip, "\"/>");
}

static void row(FILE *out, const scale *s, const eks_evidence *evidence, int metric, int a) {
    const eks_arm *arm = &evidence->arms[a];
    double y = TOP + a * ROW + 33;
    fprintf(out, "<text class=\"bar-label\" x=\"%d\" y=\"%.1f\">", LEFT, y - 17);
    eki_put(out, "", arm->name, "</text>");
    interval(out, s, evidence, metric, arm, y);
    for (int i = 0; i < evidence->seed_count; i++) {
        double value = arm->value[metric][i];
        char text[64], tip[SVG_TIP];
        if (!isfinite(value)) continue;
        value_text(s, value, text);
        eks_svg_tip(tip, arm->name, "one seed", text);
        eks_svg_circle(out, "seed", px(s, value), y, 3.5, tip);
    }
}

void eks_svg_arms(FILE *out, const eks_evidence *evidence, int metric, int number) {
    char id[32];
    int bottom = TOP + evidence->arm_count * ROW;
    snprintf(id, sizeof id, "arms-chart-%d", number);
    scale s = measure(evidence, metric);
    eks_svg_open(out, id, bottom + 28, evidence->metrics[metric],
                 "One row per arm, every seed a dot, with mean and interval. The table beside has the numbers.");
    axis(out, &s, bottom);
    for (int a = 0; a < evidence->arm_count; a++) row(out, &s, evidence, metric, a);
    fputs("</svg>", out);
}
