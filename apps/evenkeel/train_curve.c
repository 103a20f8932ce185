/* train_curve.c: see train_curve.h. Lines are paths in a coordinate system that stretches; text stands beside them. */
#include "train_curve.h"

#include "report/html_out.h"
#include "report/svg_out.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

enum { EXTENT = 1000 };

typedef struct scale {
    double low, high; /* of the values, or of their logarithms */
    int logarithmic;
} scale;

static double along(const scale *s, double value) { return s->logarithmic ? log10(value) : value; }

/* 0 = the lower edge, 1 = the upper. */
static double share(const scale *s, double value) { return (along(s, value) - s->low) / (s->high - s->low); }

static scale fit(const curve *c) {
    double low = INFINITY, high = -INFINITY;
    for (int l = 0; l < CURVE_LINES && c->lines[l].name != NULL; l++)
        for (size_t i = 0; i < c->count; i++) {
            double v = c->lines[l].values[i];
            if (!isfinite(v)) continue;
            low = fmin(low, v);
            high = fmax(high, v);
        }
    scale s = {.logarithmic = c->logarithmic && low > 0 && high > 3 * low};
    if (!(low <= high)) low = 0, high = 1;
    if (!s.logarithmic) low = fmin(low, 0);
    s.low = along(&s, low);
    s.high = along(&s, high);
    if (s.high - s.low < 1e-12 * fmax(1, fabs(s.high))) s.high = s.low + 1;
    s.high += 0.03 * (s.high - s.low);
    return s;
}

static double place(const curve *c, size_t i) {
    double first = c->epochs[0], last = c->epochs[c->count - 1];
    return last > first ? EXTENT * (c->epochs[i] - first) / (last - first) : EXTENT / 2.0;
}

static void tick(FILE *out, const scale *s, double value) {
    char text[64];
    double at = share(s, value);
    if (at < -1e-9 || at > 1) return;
    eki_number(value, text);
    fprintf(out, "<span style=\"top:%.1f%%\">%s</span>", 100 * (1 - at), text);
}

/* 1, 2 and 5 of each decade; of many decades 1 alone. */
static void log_ticks(FILE *out, const scale *s) {
    static const double digits[] = {1, 2, 5};
    int decades = (int)(ceil(s->high) - floor(s->low));
    for (int e = (int)floor(s->low); e <= (int)ceil(s->high); e++)
        for (int i = 0; i < 3; i++)
            if ((decades <= 3 || i == 0) && (decades <= 8 || e % (decades / 8 + 1) == 0))
                tick(out, s, digits[i] * pow(10, e));
}

static void ticks(FILE *out, const scale *s) {
    double step = eki_nice_step(s->high - s->low);
    fputs("<div class=\"ys\" aria-hidden=\"true\">", out);
    if (s->logarithmic) log_ticks(out, s);
    for (int i = (int)ceil(s->low / step - 1e-9); !s->logarithmic && i * step <= s->high; i++) tick(out, s, i * step);
    fputs("</div>", out);
}

static void path(FILE *out, const curve *c, const scale *s, int line) {
    const double *values = c->lines[line].values;
    int down = 0;
    fprintf(out, "<path class=\"curve c%d\" d=\"", line);
    for (size_t i = 0; i < c->count; i++) {
        int there = isfinite(values[i]);
        if (there) {
            fprintf(out, "%s%.1f %.1f", down ? "L" : "M", place(c, i), EXTENT * (1 - share(s, values[i])));
            if (!down && (i + 1 == c->count || !isfinite(values[i + 1]))) fputs("h.1", out); /* a point by itself */
        }
        down = there;
    }
    fputs("\"/>", out);
}

static void below(FILE *out, const curve *c) {
    double first = c->epochs[0], last = c->epochs[c->count - 1], step = fmax(1, eki_nice_step(last - first + 1));
    fputs("<div class=\"xs\" aria-hidden=\"true\">", out);
    if (!(last > first)) fprintf(out, "<span style=\"left:50%%\">%.0f</span>", first);
    for (double e = ceil(first / step) * step; last > first && e <= last; e += step)
        fprintf(out, "<span style=\"left:%.2f%%\">%.0f</span>", 100 * (e - first) / (last - first), e);
    fputs("</div>", out);
}

static void key(FILE *out, const curve *c) {
    fputs("<ul class=\"key-list\">", out);
    for (int l = 0; l < CURVE_LINES && c->lines[l].name != NULL; l++) {
        fprintf(out,
                "<li><svg class=\"sample\" viewBox=\"0 0 40 10\" aria-hidden=\"true\"><path class=\"curve c%d\" d=\"M0 "
                "5H40\"/></svg>",
                l);
        eki_put(out, "", c->lines[l].name, "</li>");
    }
    if (!isnan(c->best))
        fprintf(out,
                "<li><svg class=\"sample\" viewBox=\"0 0 40 10\" aria-hidden=\"true\"><path class=\"chosen\" d=\"M20 "
                "0V10\"/></svg>best, epoch %.0f</li>",
                c->best);
    fputs("</ul>\n", out);
}

void curve_draw(FILE *out, const curve *c) {
    char description[256];
    if (c->count == 0) return;
    scale s = fit(c);
    fprintf(out, "<figure class=\"quantity\" id=\"%s\"><h3>%s</h3>\n", c->id, c->title);
    key(out, c);
    fputs("<div class=\"plot\" style=\"--letters:6\">", out);
    ticks(out, &s);
    fputs("<div class=\"field\"><svg class=\"drawn\"", out);
    eki_svg_label(out, c->id);
    fputs(">", out);
    snprintf(description, sizeof description, "Lines over epochs %.0f to %.0f; the numbers are in the table of epochs.",
             c->epochs[0], c->epochs[c->count - 1]);
    eki_svg_title(out, c->id, c->title, description);
    fprintf(out, "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" width=\"100%%\" height=\"100%%\">", EXTENT,
            EXTENT);
    for (size_t i = 0; i < c->count; i++)
        if (c->epochs[i] == c->best) fprintf(out, "<path class=\"chosen\" d=\"M%.1f 0V%d\"/>", place(c, i), EXTENT);
    for (int l = 0; l < CURVE_LINES && c->lines[l].name != NULL; l++) path(out, c, &s, l);
    fputs("</svg></svg></div>", out);
    below(out, c);
    fprintf(out, "</div>\n<figcaption>%s%s</figcaption></figure>\n", c->caption,
            s.logarithmic ? " The axis is logarithmic." : "");
}
