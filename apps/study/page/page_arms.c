/* page_arms.c: the arms of an experiment: one chart of all seeds for the metric that matters most, its seeds in a table
 * beside it, and means with intervals for all metrics. */
#include "study/page/page.h"

#include <math.h>

static void metric_text(const eks_evidence *evidence, int metric, double value, char text[64]) {
    (evidence->metric_percent[metric] ? eki_percent : eki_number)(value, text);
}

int eks_metric_charted(const eks_evidence *evidence) {
    const eks_chart *chart = &evidence->chart;
    if (chart->kind != EKS_CHART_BARS || chart->series_count == 0) return 0;
    for (int m = 0; m < evidence->metric_count; m++) {
        double mean, low, high;
        eks_interval(evidence->arms[0].value[m], evidence->seed_count, &mean, &low, &high);
        if (fabs(mean - chart->series[0].y[0]) <= 1e-12 * fabs(mean)) return m;
    }
    return 0;
}

static void mean_cell(FILE *out, const eks_evidence *evidence, int metric, const eks_arm *arm) {
    char mean[64], low[64], high[64];
    double middle, from, to;
    eks_interval(arm->value[metric], evidence->seed_count, &middle, &from, &to);
    metric_text(evidence, metric, middle, mean);
    metric_text(evidence, metric, from, low);
    metric_text(evidence, metric, to, high);
    fprintf(out, "<td>%s", mean);
    if (isfinite(from)) fprintf(out, " <span class=\"interval\">%s to %s</span>", low, high);
    fputs("</td>", out);
}

static void seeds_cell(FILE *out, const eks_evidence *evidence, int metric, const eks_arm *arm) {
    fputs("<td class=\"seeds\">", out);
    for (int s = 0; s < evidence->seed_count; s++) {
        char text[64];
        metric_text(evidence, metric, arm->value[metric][s], text);
        fprintf(out, "%s%s", s ? ", " : "", text);
    }
    fputs("</td>", out);
}

/* Opens a table whose caption has the id NAME-NUMBER. */
static void table_open(FILE *out, const char *name, int number) {
    fprintf(out,
            "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"%s-%d\"><table class=\"data arms\">"
            "<caption id=\"%s-%d\">",
            name, number, name, number);
}

static void seeds_table(FILE *out, const eks_evidence *evidence, int metric, int number) {
    table_open(out, "seeds", number);
    eki_put(out, "", evidence->metrics[metric], ", every seed</caption>");
    fputs("<thead><tr><th scope=\"col\">arm</th><th scope=\"col\">seeds</th></tr></thead><tbody>\n", out);
    for (int a = 0; a < evidence->arm_count; a++) {
        eki_put(out, "<tr><th scope=\"row\">", evidence->arms[a].name, "</th>");
        seeds_cell(out, evidence, metric, &evidence->arms[a]);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void means_table(FILE *out, const eks_evidence *evidence, int number) {
    const char *caption = evidence->caption ? evidence->caption : "Mean over seeds";
    table_open(out, "means", number);
    eki_put(out, "", caption, evidence->seed_count > 1 ? ", with its interval at 95%</caption>" : "</caption>");
    fputs("<thead><tr><th scope=\"col\">arm</th>", out);
    for (int m = 0; m < evidence->metric_count; m++) eki_put(out, "<th scope=\"col\">", evidence->metrics[m], "</th>");
    fputs("</tr></thead><tbody>\n", out);
    for (int a = 0; a < evidence->arm_count; a++) {
        eki_put(out, "<tr><th scope=\"row\">", evidence->arms[a].name, "</th>");
        for (int m = 0; m < evidence->metric_count; m++) mean_cell(out, evidence, m, &evidence->arms[a]);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void caption(FILE *out, const eks_evidence *evidence, int metric) {
    int own = evidence->chart.kind == EKS_CHART_BARS; /* the chart of these arms came with words of its own */
    eki_put(out, "<figcaption><strong>", own ? evidence->chart.title : evidence->metrics[metric], ".</strong> ");
    if (own) eki_put(out, "", evidence->chart.description, " ");
    fputs(evidence->seed_count > 1 ? "A ring is one seed, the bar their mean, the line its interval.</figcaption>"
                                   : "One seed.</figcaption>",
          out);
}

void eks_page_arms(FILE *out, const eks_design *design, const eks_evidence *evidence) {
    int metric = eks_metric_charted(evidence);
    fputs("<div class=\"pair\"><figure>", out);
    eks_svg_arms(out, evidence, metric, design->number);
    caption(out, evidence, metric);
    fputs("</figure>\n", out);
    seeds_table(out, evidence, metric, design->number);
    fputs("</div>\n", out);
    means_table(out, evidence, design->number);
}
