/* page_evidence.c: what was claimed, fixed and measured: readings with verdicts, endpoints, charts, tables, command. */
#include "study/page/page.h"

#include <math.h>
#include <string.h>

const char *eks_verdict_sign(eks_verdict verdict) {
    return verdict == EKS_SUPPORTED ? "✓" : verdict == EKS_REFUTED ? "✗" : "?";
}

static void verdict_chip(FILE *out, eks_verdict verdict) {
    const char *name = eks_verdict_name(verdict);
    fprintf(out, "<span class=\"verdict %s\"><span aria-hidden=\"true\">%s</span> %s</span>", name,
            eks_verdict_sign(verdict), name);
}

static void heading(FILE *out, const eks_design *design, const eks_evidence *evidence) {
    char took[64];
    if (evidence->seconds < 0.01)
        snprintf(took, sizeof took, "milliseconds");
    else
        snprintf(took, sizeof took, "%.2f s", evidence->seconds);
    fprintf(out, "<div class=\"evidence-head\"><h4 id=\"evidence-%d\">Put to the test</h4>", design->number);
    fprintf(out, "<span class=\"took\">in %s</span></div>\n", took);
}

/* Readings of the sentence, from `first` to before `end`, each with its verdict and what was seen. */
static void readings(FILE *out, const eks_study *study, const eks_design *design, int first, int end) {
    const eks_evidence *evidence = &study->evidence[design->number - 1];
    if (first >= end) return;
    fputs("<ul class=\"readings\">\n", out);
    for (int i = first; i < end; i++) {
        char seen[EKS_SEEN_TEXT];
        eks_reading reading = eks_reading_of(design, i);
        eks_seen(design, evidence, i, seen);
        fprintf(out, "<li data-verdict=\"%s\">", eks_verdict_name(evidence->verdicts[i]));
        verdict_chip(out, evidence->verdicts[i]);
        eki_put(out, " <q>", reading.sentence, "</q>");
        eki_put(out, " <span class=\"label\">", reading.label, "</span>");
        eki_put(out, " <span class=\"seen\">", seen, "</span></li>\n");
    }
    fputs("</ul>\n", out);
}

static void claim(FILE *out, const eks_design *design, const eks_evidence *evidence) {
    fputs("<dl class=\"claim\">", out);
    eki_put(out, "<div><dt>Predicted</dt><dd>", design->prediction, "</dd></div>");
    eki_put(out, "<div><dt>Refuted by</dt><dd>", design->refuter, "</dd></div>");
    eki_put(out, "<div><dt>Measured on</dt><dd>", design->method, "");
    if (evidence->data) eki_put(out, " Data: ", evidence->data, ".");
    fputs("</dd></div></dl>\n", out);
}

static void endpoint_row(FILE *out, const eks_design *design, const eks_evidence *evidence, int i) {
    static const char *const classes[] = {"missing", "yes", "no", "unclear"};
    static const char *const words[] = {"–", "✓ yes", "✗ no", "? unclear"};
    const eks_endpoint *endpoint = &design->endpoints[i];
    eks_state state = eks_endpoint_state(endpoint, evidence->values[i], evidence->low[i], evidence->high[i]);
    char rule[80], measured[EKS_MEASURED_TEXT];
    eks_rule(endpoint, rule);
    eks_measured(endpoint, evidence->values[i], evidence->low[i], evidence->high[i], measured);
    eki_put(out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">", endpoint->what, "");
    if (endpoint->control) fputs(" <span class=\"control\">control</span>", out);
    if (endpoint->reading && !endpoint->control)
        eki_put(out, " <span class=\"control\">", eks_reading_of(design, endpoint->reading).label, "</span>");
    fprintf(out,
            "</th><td role=\"cell\">%s</td><td role=\"cell\" data-label=\"Measured\">%s</td>"
            "<td role=\"cell\" class=\"%s\">%s</td></tr>\n",
            rule, measured, classes[state], words[state]);
}

static void endpoints(FILE *out, const eks_design *design, const eks_evidence *evidence) {
    static const char *const columns[] = {"Endpoint", "Rule", "Measured", "Held"};
    fprintf(
        out,
        "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"fixed-%d\">"
        "<table class=\"endpoints\" role=\"table\"><caption id=\"fixed-%d\">What was fixed before the run, and what "
        "was measured</caption><thead role=\"rowgroup\"><tr role=\"row\">",
        design->number, design->number);
    for (int i = 0; i < 4; i++) fprintf(out, "<th role=\"columnheader\" scope=\"col\">%s</th>", columns[i]);
    fputs("</tr></thead><tbody role=\"rowgroup\">\n", out);
    for (int i = 0; i < design->endpoint_count; i++) endpoint_row(out, design, evidence, i);
    fputs("</tbody></table></div>\n", out);
}

static void data_table(FILE *out, const eks_table *table, int number) {
    fprintf(out,
            "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"table-%d\"><table class=\"data\">"
            "<caption id=\"table-%d\">",
            number, number);
    eki_put(out, "", table->caption, "</caption><thead><tr>");
    for (int c = 0; c < table->column_count; c++) eki_put(out, "<th scope=\"col\">", table->columns[c], "</th>");
    fputs("</tr></thead><tbody>\n", out);
    for (int r = 0; r < table->row_count; r++) {
        fputs("<tr>", out);
        for (int c = 0; c < table->column_count; c++) {
            char text[64];
            if (table->percent[c] && !table->cells[r][c].text[0])
                eki_percent(table->cells[r][c].value, text);
            else
                eks_cell_words(&table->cells[r][c], text);
            eki_put(out, c ? "<td>" : "<th scope=\"row\">", text, c ? "</td>" : "</th>");
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void drawing(FILE *out, const eks_chart *chart, int number) {
    fputs("<figure>", out);
    eks_svg(out, chart, number);
    eki_put(out, "<figcaption><strong>", chart->title, ".</strong></figcaption></figure>\n");
}

/* The one figure that carries the point: a chart over x, else differences against their thresholds, else bars. */
static void figure(FILE *out, const eks_design *design, const eks_evidence *evidence) {
    if (evidence->chart.kind == EKS_CHART_XY)
        drawing(out, &evidence->chart, design->number);
    else if (eks_has_differences(design, evidence))
        eks_page_differences(out, design, evidence);
    else if (evidence->chart.kind == EKS_CHART_BARS && evidence->arm_count == 0)
        drawing(out, &evidence->chart, design->number);
}

/* The tables behind it, and the arms with all their seeds. */
static void figures(FILE *out, const eks_design *design, const eks_evidence *evidence) {
    int chart =
        evidence->chart.kind == EKS_CHART_XY || (evidence->chart.kind == EKS_CHART_BARS && evidence->arm_count == 0);
    if (chart && eks_has_differences(design, evidence)) eks_page_differences(out, design, evidence);
    if (evidence->table.column_count > 0)
        data_table(out, &evidence->table, design->number);
    else if (chart)
        eks_page_series(out, &evidence->chart, design->number);
    if (evidence->arm_count > 0) eks_page_arms(out, design, evidence);
}

static void command(FILE *out, const eks_study *study, const eks_design *design) {
    char line[512];
    const ek_study_options *o = study->options;
    snprintf(line, sizeof line, "evenkeel study %s--card %d --seed %llu%s%.120s%s%.120s -o card%d.html",
             o->quick  ? "--quick "
             : o->full ? "--full "
                       : "",
             design->number, (unsigned long long)o->seed, o->data ? " --data " : "", o->data ? o->data : "",
             o->more_data ? " --data " : "", o->more_data ? o->more_data : "", design->number);
    eki_put(out, "<div class=\"again\"><p>Measure it yourself, and see it fail when ", design->sabotage_what,
            ":</p><pre tabindex=\"0\" aria-label=\"Commands\"><code>");
    eki_put(out, "", line, "\n");
    eki_put(out, "", line, " --sabotage ");
    eki_put(out, "", design->sabotage, "</code></pre></div>\n");
}

void eks_page_evidence(FILE *out, const eks_study *study, const eks_design *design) {
    const eks_evidence *evidence = &study->evidence[design->number - 1];
    fprintf(out, "<div class=\"evidence\" role=\"group\" aria-labelledby=\"evidence-%d\">\n", design->number);
    heading(out, design, evidence);
    if (eks_sabotages(design, study->options->sabotage))
        eki_put(out, "<p class=\"problem\">Sabotaged on purpose in this run: ", design->sabotage_what, ".</p>\n");
    if (evidence->problem[0]) eki_put(out, "<p class=\"problem\">Not measured: ", evidence->problem, "</p>\n");
    figure(out, design, evidence);
    readings(out, study, design, 0, 1);
    eks_page_fold(out,
                  eks_reading_count(design) > 1 ? "Other readings, and how it was measured" : "How it was measured");
    readings(out, study, design, 1, eks_reading_count(design));
    claim(out, design, evidence);
    endpoints(out, design, evidence);
    figures(out, design, evidence);
    command(out, study, design);
    eks_page_unfold(out);
    fputs("</div>\n", out);
}
