/* plot.c: columns, marks and the layer under the pointer. */
#include "plot.h"

#include "plot_axis.h"
#include "report/html_out.h"
#include "report/svg_out.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

/* The stretching coordinates; the widest box; how far marks are apart; how many columns stand without gaps. */
enum { EXTENT = 1000, WIDEST = 44, NEAR = 10, DENSE = 150 };
static const double thinnest = 9, bold = 26; /* heights: of any box; from which on the median is a line within it */

size_t plot_divide(plot_column columns[PLOT_COLUMNS], size_t norms) {
    size_t each = (norms + PLOT_COLUMNS - 1) / PLOT_COLUMNS, count = 0;
    for (size_t first = 0; first < norms; first += each) {
        size_t last = first + each <= norms ? first + each - 1 : norms - 1;
        columns[count] = (plot_column){.mark = -1, .first = first, .last = last};
        for (int q = 0; q < QUANTILES; q++) columns[count].at[q] = NAN;
        count++;
    }
    return count;
}

void plot_widen(plot_column *column, const double at[QUANTILES]) {
    for (int q = 0; q < QUANTILES; q++)
        if (q != Q_MEDIAN) column->at[q] = (q < Q_MEDIAN ? fmin : fmax)(column->at[q], at[q]);
    if (column->first == column->last) column->at[Q_MEDIAN] = at[Q_MEDIAN];
}

static double centre(const plot *p, size_t column) { return ((double)column + 0.5) * EXTENT / (double)p->count; }

static double height(const axis *a, double value) { return EXTENT * (1 - axis_share(a, value)); }

/* Many columns stand without gaps between them. */
static int dense(const plot *p) { return p->count > DENSE; }

static double width(const plot *p) {
    return dense(p) ? 1.15 * EXTENT / (double)p->count : fmin(0.7 * EXTENT / (double)p->count, WIDEST);
}

static int drawn(const plot_column *c) { return !isnan(c->at[Q_MIN]) && !isnan(c->at[Q_MAX]); }

static void grid(FILE *out, const plot *p, const axis *a) {
    double ticks[AXIS_TICKS];
    int count = axis_ticks(a, ticks);
    fputs("<path class=\"grid\" d=\"", out);
    for (int i = 0; i < count; i++) fprintf(out, "M0 %.1fH%d", height(a, ticks[i]), EXTENT);
    fputs("\"/>", out);
    for (int i = 0; i < p->line_count; i++)
        fprintf(out, "<path class=\"threshold\" d=\"M0 %.1fH%d\"/>", height(a, p->lines[i]), EXTENT);
}

static void guides(FILE *out, const plot *p) {
    for (int severity = 0; severity <= 2; severity++) {
        fprintf(out, "<path class=\"guide m%d\" d=\"", severity);
        for (size_t i = 0; i < p->count; i++)
            if (p->columns[i].mark == severity) fprintf(out, "M%.1f 0V%d", centre(p, i), EXTENT);
        fputs("\"/>", out);
    }
}

static void whiskers(FILE *out, const plot *p, const axis *a) {
    fputs("<path class=\"whole\" d=\"", out);
    for (size_t i = 0; i < p->count; i++)
        if (drawn(&p->columns[i]))
            fprintf(out, "M%.1f %.1fV%.1f", centre(p, i), height(a, p->columns[i].at[Q_MIN]),
                    height(a, p->columns[i].at[Q_MAX]));
    fputs("\"/>", out);
}

static void boxes(FILE *out, const plot *p, const axis *a, const char *class, quantile low, quantile high) {
    double wide = width(p);
    fprintf(out, "<path class=\"%s\" d=\"", class);
    for (size_t i = 0; i < p->count; i++) {
        const plot_column *c = &p->columns[i];
        if (isnan(c->at[low]) || isnan(c->at[high])) continue;
        double top = height(a, c->at[high]), tall = height(a, c->at[low]) - top;
        if (tall < thinnest) {
            top = fmax(0, fmin(top - (thinnest - tall) / 2, EXTENT - thinnest));
            tall = thinnest;
        }
        fprintf(out, "M%.1f %.1fh%.2fv%.1fh-%.2fz", centre(p, i) - wide / 2, top, wide, tall, wide);
    }
    fputs("\"/>", out);
}

static void medians(FILE *out, const plot *p, const axis *a) {
    double wide = width(p);
    fputs("<path class=\"median\" d=\"", out);
    for (size_t i = 0; i < p->count; i++) {
        const plot_column *c = &p->columns[i];
        if (isnan(c->at[Q_MEDIAN]) || height(a, c->at[Q_P25]) - height(a, c->at[Q_P75]) < bold) continue;
        fprintf(out, "M%.1f %.1fh%.2f", centre(p, i) - wide / 2, height(a, c->at[Q_MEDIAN]), wide);
    }
    fputs("\"/>", out);
}

/* Severe ones last, on top; those that would cover each other are one. */
static void marks(FILE *out, const plot *p) {
    for (int severity = 0; severity <= 2; severity++) {
        double before = -EXTENT;
        for (size_t i = 0; i < p->count; i++) {
            double x = centre(p, i);
            if (p->columns[i].mark != severity || x - before < NEAR) continue;
            before = x;
            fprintf(out, "<use href=\"#mark-%d\" x=\"%.2f%%\" y=\"-11\"/>", severity, 100 * x / EXTENT);
        }
    }
}

static void pointer_layer(FILE *out, const plot *p) {
    double wide = 100.0 / (double)p->count;
    fputs("<svg class=\"hits\" aria-hidden=\"true\" focusable=\"false\">", out);
    for (size_t i = 0; i < p->count; i++) {
        int leads = p->leads(p->context, p->columns[i].first);
        if (leads) fprintf(out, "<a href=\"#norm-%zu\" tabindex=\"-1\">", p->columns[i].first + 1);
        fprintf(out, "<rect x=\"%.3f%%\" width=\"%.3f%%\" height=\"100%%\"><title>", (double)i * wide, wide);
        p->tip(out, p->context, &p->columns[i]);
        fprintf(out, "</title></rect>%s", leads ? "</a>" : "");
    }
    fputs("</svg>", out);
}

/* A power of ten without its "1.0 × ". */
static void tick_text(double value, char text[64]) {
    static const char once[] = "1.0 × ";
    eki_number(value, text);
    char *found = strstr(text, once);
    if (found != NULL) memmove(found, found + sizeof once - 1, strlen(found + sizeof once - 1) + 1);
}

static int letters(const char *text) {
    int count = 0;
    for (; *text != 0; text++) count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

/* Opens the plot, with room for the longest of the numbers beside it. */
static void beside(FILE *out, const axis *a) {
    double ticks[AXIS_TICKS];
    char texts[AXIS_TICKS][64];
    int count = axis_ticks(a, ticks), longest = 0;
    for (int i = 0; i < count; i++) {
        tick_text(ticks[i], texts[i]);
        longest = letters(texts[i]) > longest ? letters(texts[i]) : longest;
    }
    fprintf(out, "<div class=\"plot\" style=\"--letters:%d\"><div class=\"ys\" aria-hidden=\"true\">", longest);
    for (int i = 0; i < count; i++)
        fprintf(out, "<span style=\"top:%.1f%%\">%s</span>", 100 * (1 - axis_share(a, ticks[i])), texts[i]);
    fputs("</div>", out);
}

static void below(FILE *out, const plot *p) {
    double step = fmax(1, eki_nice_step((double)p->norms));
    fputs("<div class=\"xs\" aria-hidden=\"true\">", out);
    for (double n = step > 1 ? step : 1; n <= (double)p->norms; n += step)
        fprintf(out, "<span style=\"left:%.2f%%\">%.0f</span>", 100 * (n - 0.5) / (double)p->norms, n);
    fputs("</div>", out);
}

const char *plot_draw(FILE *out, const plot *p) {
    axis a = axis_fit(p);
    beside(out, &a);
    fprintf(out, "<div class=\"field\"><svg class=\"drawn%s\"", dense(p) ? " dense" : "");
    eki_svg_label(out, p->id);
    fputs(">", out);
    eki_svg_title(out, p->id, p->title, p->description);
    fprintf(out, "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" width=\"100%%\" height=\"100%%\">", EXTENT,
            EXTENT);
    grid(out, p, &a);
    if (!dense(p)) guides(out, p);
    if (dense(p))
        boxes(out, p, &a, "band", Q_MIN, Q_MAX);
    else
        whiskers(out, p, &a);
    boxes(out, p, &a, "most", Q_P5, Q_P95);
    boxes(out, p, &a, "half", Q_P25, Q_P75);
    medians(out, p, &a);
    fputs("</svg>", out);
    marks(out, p);
    fputs("</svg>", out);
    pointer_layer(out, p);
    fputs("</div>", out);
    below(out, p);
    fputs("</div>\n", out);
    if (a.kind == AXIS_BOTH) return "The axis is linear around 0 and logarithmic beyond, as the values are far apart.";
    if (a.kind == AXIS_LINEAR) return "";
    return a.clipped ? "The axis is logarithmic; what is below stands at its lower edge." : "The axis is logarithmic.";
}

void plot_define_marks(FILE *out) {
    fputs("<svg class=\"defined\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>"
          "<g id=\"mark-0\"><circle class=\"m0\" r=\"4\"/></g>"
          "<g id=\"mark-1\"><path class=\"m1\" d=\"M0 -6L6.5 5H-6.5z\"/></g>"
          "<g id=\"mark-2\"><path class=\"m2\" d=\"M0 -7L7 0L0 7L-7 0z\"/></g>"
          "</defs></svg>\n",
          out);
}

void plot_mark(FILE *out, int severity) {
    fprintf(out, "<svg class=\"mark-svg\" viewBox=\"-8 -8 16 16\" aria-hidden=\"true\"><use href=\"#mark-%d\"/></svg>",
            severity);
}

void plot_lane(FILE *out, int severity, const size_t *norms, size_t count, size_t of) {
    double before = -EXTENT;
    fputs("<svg class=\"lane\" aria-hidden=\"true\"><line x1=\"0\" x2=\"100%\" y1=\"50%\" y2=\"50%\"/>", out);
    for (size_t i = 0; i < count; i++) {
        double x = ((double)norms[i] + 0.5) * EXTENT / (double)of;
        if (x - before < NEAR) continue;
        before = x;
        fprintf(out, "<use href=\"#mark-%d\" x=\"%.2f%%\" y=\"12\"/>", severity, 100 * x / EXTENT);
    }
    fputs("</svg>", out);
}
