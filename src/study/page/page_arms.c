/* page_arms.c: the arms of an experiment: for each metric a chart of all seeds with mean and interval, and a table. */
#include "study/page/page.h"

#include <math.h>

/* 91.2% or 0.2345, as the metric is shown. */
static void metric_text(const eks_evidence *evidence, int metric, double value, char text[64]) {
    (evidence->metric_percent[metric] ? eks_percent : eks_number)(value, text);
}

static void seed_cells(FILE *out, const eks_evidence *evidence, int metric, const eks_arm *arm) {
    fputs("<td class=\"seeds\">", out);
    for (int s = 0; s < evidence->seed_count; s++) {
        char text[64];
        metric_text(evidence, metric, arm->value[metric][s], text);
        fprintf(out, "%s%s", s ? ", " : "", text);
    }
    fputs("</td>", out);
}

static void arm_row(FILE *out, const eks_evidence *evidence, int metric, const eks_arm *arm) {
    char mean[64], low[64], high[64];
    double middle, from, to;
    eks_interval(arm->value[metric], evidence->seed_count, &middle, &from, &to);
    metric_text(evidence, metric, middle, mean);
    metric_text(evidence, metric, from, low);
    metric_text(evidence, metric, to, high);
    eks_put(out, "<tr><th scope=\"row\">", arm->name, "</th>");
    fprintf(out, "<td>%s", mean);
    if (isfinite(from)) fprintf(out, " <span class=\"interval\">%s to %s</span>", low, high);
    fputs("</td>", out);
    if (evidence->seed_count > 1) seed_cells(out, evidence, metric, arm);
    fputs("</tr>\n", out);
}

static void arm_table(FILE *out, const eks_evidence *evidence, int metric, int number) {
    fprintf(out,
            "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"arms-%d-%d\"><table class=\"data "
            "arms\"><caption id=\"arms-%d-%d\">",
            number, metric, number, metric);
    eks_put(out, "", evidence->metrics[metric], ": mean over the seeds, its interval at 95%");
    fputs("</caption><thead><tr><th scope=\"col\">arm</th><th scope=\"col\">mean, interval</th>", out);
    if (evidence->seed_count > 1) fputs("<th scope=\"col\">each seed</th>", out);
    fputs("</tr></thead><tbody>\n", out);
    for (int a = 0; a < evidence->arm_count; a++) arm_row(out, evidence, metric, &evidence->arms[a]);
    fputs("</tbody></table></div>\n", out);
}

void eks_page_arms(FILE *out, const eks_design *design, const eks_evidence *evidence) {
    if (evidence->arm_count == 0) return;
    for (int m = 0; m < evidence->metric_count; m++) {
        fputs("<div class=\"pair\"><figure>", out);
        eks_svg_arms(out, evidence, m, design->number);
        eks_put(out, "<figcaption><strong>", evidence->metrics[m],
                "</strong> of each arm. A dot is one seed; the bar is "
                "the mean, the line its interval.</figcaption>"
                "</figure>\n");
        arm_table(out, evidence, m, design->number);
        fputs("</div>\n", out);
    }
}
