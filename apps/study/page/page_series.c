/* page_series.c: the points of a chart as a table, for charts that come without one. */
#include "study/page/page.h"

#include <string.h>

/* 1 = all series have the same x, so that each can be a column. */
static int aligned(const eks_chart *chart) {
    const eks_series *first = &chart->series[0];
    for (int s = 1; s < chart->series_count; s++)
        if (chart->series[s].count != first->count ||
            memcmp(chart->series[s].x, first->x, (size_t)first->count * sizeof *first->x) != 0)
            return 0;
    return 1;
}

static void value(FILE *out, const eks_chart *chart, double y) {
    char text[64];
    (chart->y_percent ? eki_percent : eki_number)(y, text);
    fprintf(out, "<td>%s</td>", text);
}

static void columns(FILE *out, const eks_chart *chart) {
    eki_put(out, "<thead><tr><th scope=\"col\">", chart->x_label, "</th>");
    for (int s = 0; s < chart->series_count; s++) eki_put(out, "<th scope=\"col\">", chart->series[s].name, "</th>");
    fputs("</tr></thead><tbody>\n", out);
    for (int i = 0; i < chart->series[0].count; i++) {
        char x[64];
        eki_number(chart->series[0].x[i], x);
        fprintf(out, "<tr><th scope=\"row\">%s</th>", x);
        for (int s = 0; s < chart->series_count; s++) value(out, chart, chart->series[s].y[i]);
        fputs("</tr>\n", out);
    }
}

static void rows(FILE *out, const eks_chart *chart) {
    eki_put(out, "<thead><tr><th scope=\"col\">series</th><th scope=\"col\">", chart->x_label, "</th>");
    eki_put(out, "<th scope=\"col\">", chart->y_label, "</th></tr></thead><tbody>\n");
    for (int s = 0; s < chart->series_count; s++)
        for (int i = 0; i < chart->series[s].count; i++) {
            char x[64];
            eki_number(chart->series[s].x[i], x);
            eki_put(out, "<tr><th scope=\"row\">", chart->series[s].name, "</th>");
            fprintf(out, "<td>%s</td>", x);
            value(out, chart, chart->series[s].y[i]);
            fputs("</tr>\n", out);
        }
}

void eks_page_series(FILE *out, const eks_chart *chart, int number) {
    fprintf(out,
            "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"series-%d\"><table class=\"data\">"
            "<caption id=\"series-%d\">",
            number, number);
    eki_put(out, "", chart->y_label, "</caption>");
    (aligned(chart) ? columns : rows)(out, chart);
    fputs("</tbody></table></div>\n", out);
}
