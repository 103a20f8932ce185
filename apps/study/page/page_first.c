/* page_first.c: figures that are made of the arms of a card: the page's first, batch against group and layer norm in
 * ever smaller batches, beside the curve that Wu and He published; and accuracy over the learning rate, of act three.
 */
#include "study/page/svg.h"
#include "study/sweep.h"

#include <math.h>

enum { SWEEP_CARD = 10, RATES_CARD = 2, KINDS = 3, RATES = 3, SMALL_BATCHES = 2 };

static const char *const norms[EKS_SWEEP_NORMS] = {"batch norm", "group norm", "layer norm"};

/* Error of ResNet-50 on ImageNet by images per processor (Wu and He 2018, arXiv:1803.08494); NAN: not in the paper. */
static const double published[EKS_SWEEP_NORMS][EKS_SWEEP_SIZES] = {
    {0.347, 0.273, 0.248, 0.237, 0.236},
    {0.241, 0.242, 0.240, 0.242, 0.241},
    {NAN, NAN, NAN, NAN, 0.253},
};

static const char caption[] =
    "Published: 2 to 32 images on each of eight processors. Here: batches of 2 to 32, the rate in proportion, equal "
    "epochs; means with intervals at 95%. Compare the shapes, not the sizes.";

static const eks_evidence *arms_of(const eks_study *study, int card, int arms) {
    const eks_evidence *evidence = &study->evidence[card - 1];
    return study->ran[card - 1] && evidence->arm_count >= arms && !evidence->problem[0] ? evidence : NULL;
}

static eks_chart begin(const char *title, const char *x_label, const char *y_label) {
    eks_chart chart = {.kind = EKS_CHART_XY, .title = title, .x_label = x_label, .y_label = y_label};
    chart.x_log = chart.y_percent = 1;
    return chart;
}

/* The mean of an arm's first metric, and how far its interval reaches. */
static void point(eks_series *series, double x, const eks_evidence *evidence, int arm, int as_error) {
    double mean, low, high;
    eks_interval(evidence->arms[arm].value[0], evidence->seed_count, &mean, &low, &high);
    series->reach[series->count] = isfinite(low) ? high - mean : 0;
    eks_point(series, x, as_error ? 1 - mean : mean);
}

static void panel(FILE *out, const eks_chart *chart, const char *id) {
    eki_put(out, "<figure><figcaption class=\"panel-title\">", chart->title, "</figcaption>");
    eks_svg_xy(out, chart, id);
    fputs("</figure>\n", out);
}

static void paper_panel(FILE *out) {
    eks_chart chart = begin("Wu and He 2018: ImageNet", "images per processor", "test error");
    chart.description = "Batch norm's error rises from 32 images to 2; group norm's stays.";
    for (int n = 0; n < EKS_SWEEP_NORMS; n++) {
        eks_series *series = eks_chart_series(&chart, norms[n], EKS_LINE);
        for (int k = 0; k < EKS_SWEEP_SIZES; k++) eks_point(series, eks_sweep_sizes[k], published[n][k]);
    }
    panel(out, &chart, "first-paper");
}

static void own_panel(FILE *out, const eks_evidence *evidence) {
    eks_chart chart = begin("Here: six convolutions", "images per batch", "test error");
    chart.description = "The same norms, trained for this page.";
    for (int n = 0; n < EKS_SWEEP_NORMS; n++) {
        eks_series *series = eks_chart_series(&chart, norms[n], EKS_LINE);
        for (int k = 0; k < EKS_SWEEP_SIZES; k++) point(series, eks_sweep_sizes[k], evidence, EKS_SWEEP_ARM(n, k), 1);
    }
    panel(out, &chart, "first-here");
}

static void cell(FILE *out, double error) {
    char text[64];
    eki_percent(error, text);
    fprintf(out, "<td>%s</td>", text);
}

static void table(FILE *out, const eks_evidence *evidence) {
    eks_page_fold(out, "The numbers of this figure");
    fputs("<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"first-table\"><table class=\"data\">"
          "<caption id=\"first-table\">Test error by images per batch</caption><thead><tr><th scope=\"col\">norm</th>",
          out);
    for (int k = 0; k < EKS_SWEEP_SIZES; k++) fprintf(out, "<th scope=\"col\">%d</th>", eks_sweep_sizes[k]);
    fputs("</tr></thead><tbody>\n", out);
    for (int n = 0; n < 2 * EKS_SWEEP_NORMS; n++) {
        int norm = n % EKS_SWEEP_NORMS, own = n >= EKS_SWEEP_NORMS;
        if (own && !evidence) break;
        fprintf(out, "<tr><th scope=\"row\">%s, %s</th>", norms[norm], own ? "here" : "Wu and He");
        for (int k = 0; k < EKS_SWEEP_SIZES; k++) {
            double mean = published[norm][k], low, high;
            if (own)
                eks_interval(evidence->arms[EKS_SWEEP_ARM(norm, k)].value[0], evidence->seed_count, &mean, &low, &high);
            cell(out, own ? 1 - mean : mean);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
    eks_page_unfold(out);
}

void eks_page_first(FILE *out, const eks_study *study) {
    const eks_evidence *evidence = arms_of(study, SWEEP_CARD, EKS_SWEEP_ARMS);
    char seen[EKS_SEEN_TEXT] = "";
    if (evidence) eks_seen(eks_design_of(SWEEP_CARD), evidence, SMALL_BATCHES, seen);
    fputs("<section class=\"first\" id=\"first\" aria-labelledby=\"first-title\">\n<h2 id=\"first-title\">What a small "
          "batch costs</h2>\n<div class=\"panels\">\n",
          out);
    paper_panel(out);
    if (evidence) own_panel(out, evidence);
    fputs("</div>\n<p class=\"caption\">", out);
    if (seen[0]) eki_put(out, "<strong>", seen, "</strong> ");
    eki_put(out, "", caption, " ");
    if (evidence && evidence->data) eki_put(out, "Data: ", evidence->data, ". ");
    fprintf(out, "<a href=\"#card-%d\">Card %d</a></p>\n", SWEEP_CARD, SWEEP_CARD);
    table(out, evidence);
    fputs("</section>\n", out);
}

void eks_report_first(eki_json *json) {
    eki_json_object(json, "first");
    eki_json_text(json, "caption", caption);
    eki_json_array(json, "images");
    for (int k = 0; k < EKS_SWEEP_SIZES; k++) eki_json_int(json, NULL, eks_sweep_sizes[k]);
    eki_json_close(json);
    eki_json_array(json, "published");
    for (int n = 0; n < EKS_SWEEP_NORMS; n++) {
        eki_json_array(json, NULL);
        for (int k = 0; k < EKS_SWEEP_SIZES; k++) eki_json_real(json, NULL, published[n][k]);
        eki_json_close(json);
    }
    eki_json_close(json);
    eki_json_close(json);
}

void eks_page_rates(FILE *out, const eks_study *study) {
    static const char *const kinds[KINDS] = {"plain", "batch norm", "noisy batch norm"};
    static const double rates[RATES] = {0.01, 0.1, 1};
    const eks_evidence *evidence = arms_of(study, RATES_CARD, KINDS * RATES);
    if (!evidence) return;
    eks_chart chart =
        begin("Accuracy over the learning rate, six layers of sigmoids", "learning rate", "test accuracy");
    chart.description = "The plain network against the same with batch norm, and with noise behind each batch norm.";
    chart.y_max = 1;
    for (int n = 0; n < KINDS; n++) {
        eks_series *series = eks_chart_series(&chart, kinds[n], EKS_LINE);
        for (int k = 0; k < RATES; k++) point(series, rates[k], evidence, n * RATES + k, 0);
    }
    fputs("<figure>", out);
    eks_svg_xy(out, &chart, "rates");
    eki_put(out, "<figcaption><strong>", chart.title, ".</strong> Means with intervals. ");
    fprintf(out, "<a href=\"#card-%d\">Card %d</a></figcaption></figure>\n", RATES_CARD, RATES_CARD);
    eks_page_fold(out, "The numbers of this figure");
    eks_page_series(out, &chart, 0);
    eks_page_unfold(out);
}
