/* svg_bars.c: one horizontal, hatched bar per label, the label above it; and which chart is drawn how. */
#include "study/page/svg.h"

#include <math.h>

enum { BAR = 46, LEFT = 2, VALUE = 100 };

static void bar(FILE *out, const eks_chart *chart, const char *hatch, int i, double most) {
    char text[64], tip[SVG_TIP];
    double value = chart->series[0].y[i], y = 6 + i * BAR;
    double length = most > 0 && value > 0 ? value / most * (SVG_WIDTH - LEFT - VALUE) : 0;
    (chart->y_percent ? eki_percent : eki_number)(value, text);
    eks_svg_tip(tip, chart->labels[i], "", text);
    eki_put(out, "<g data-tip=\"", tip, "\">");
    fprintf(out, "<text class=\"bar-label\" x=\"%d\" y=\"%.1f\">", LEFT, y + 11);
    eki_put(out, "", chart->labels[i], "</text>");
    fprintf(out, "<line class=\"base\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, LEFT, y + 17, y + 37);
    if (length >= 0.5)
        fprintf(out, "<rect class=\"bar\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"16\" fill=\"url(#%s)\"/>", LEFT,
                y + 19, length, hatch);
    fprintf(out, "<text class=\"bar-value\" x=\"%.1f\" y=\"%.1f\">%s</text></g>", LEFT + length + 8, y + 32, text);
}

static void draw_bars(FILE *out, const eks_chart *chart, const char *id) {
    const eks_series *bars = &chart->series[0];
    double most = chart->y_max;
    char hatch[32];
    snprintf(hatch, sizeof hatch, "%s-h", id);
    for (int i = 0; i < bars->count; i++) most = fmax(most, bars->y[i]);
    eks_svg_open(out, id, bars->count * BAR + 12, chart->title, chart->description);
    fprintf(out,
            "<defs><pattern id=\"%s\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" "
            "patternTransform=\"rotate(45)\"><rect class=\"ground\" width=\"7\" height=\"7\"/>"
            "<line class=\"hatch\" x1=\"0\" x2=\"0\" y1=\"0\" y2=\"7\"/></pattern></defs>",
            hatch);
    for (int i = 0; i < bars->count; i++) bar(out, chart, hatch, i, most);
    fputs("</svg>", out);
}

void eks_svg(FILE *out, const eks_chart *chart, int number) {
    char id[24];
    snprintf(id, sizeof id, "chart-%d", number);
    if (chart->kind == EKS_CHART_BARS)
        draw_bars(out, chart, id);
    else
        eks_svg_xy(out, chart, id);
}
