/* page_card.c: one card as HTML: question, answer, formula, and the evidence with chart, tables and verdict. */
#include "study/write.h"

#include <math.h>

static void element(FILE *out, const char *open, const char *text, const char *close) {
    fputs(open, out);
    eks_escaped(out, text);
    fputs(close, out);
}

static const char *verdict_sign(eks_verdict verdict) {
    switch (verdict) {
    case EKS_SUPPORTED: return "✓";
    case EKS_REFUTED: return "✗";
    case EKS_INCONCLUSIVE:
    case EKS_NOT_MEASURED: break;
    }
    return "?";
}

static void head(FILE *out, const eks_text *text) {
    static const char *const levels[] = {"easy", "medium", "hard"};
    const char *level = levels[text->level];
    fprintf(out,
            "<article class=\"card %s\" id=\"q%d\" data-level=\"%s\" aria-labelledby=\"h%d-title\">\n"
            "<header class=\"card-head\"><span class=\"number\" aria-hidden=\"true\">%d</span>"
            "<h2 id=\"h%d-title\"><a class=\"self\" href=\"#q%d\"><span class=\"sr\">%d. </span>",
            level, text->number, level, text->number, text->number, text->number, text->number, text->number);
    eks_escaped(out, text->question);
    fprintf(out, "</a></h2><span class=\"chip %s\"><span class=\"sr\">Difficulty: </span>%s</span></header>\n", level,
            eks_level_name(text->level));
}

static void answer(FILE *out, const eks_text *text) {
    element(out, "<p class=\"answer\">", text->answer, "</p>\n");
    fputs("<div class=\"formula\" role=\"group\" tabindex=\"0\" aria-label=\"Formula: ", out);
    eks_escaped(out, text->formula_text);
    fprintf(out, "\">%s</div>\n", text->formula);
    if (text->exact) element(out, "<p class=\"exact\"><strong>To be exact.</strong> ", text->exact, "</p>\n");
}

static void endpoints(FILE *out, const eks_design *design, const eks_evidence *evidence) {
    fprintf(
        out,
        "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"e%d\">"
        "<table class=\"endpoints\" role=\"table\">"
        "<caption id=\"e%d\">What was fixed before the run, and what was measured</caption><thead role=\"rowgroup\">"
        "<tr role=\"row\">"
        "<th role=\"columnheader\" scope=\"col\">Endpoint</th><th role=\"columnheader\" scope=\"col\">Rule</th><th "
        "role=\"columnheader\" scope=\"col\">Measured</th>"
        "<th role=\"columnheader\" scope=\"col\">Held</th></tr></thead><tbody role=\"rowgroup\">\n",
        design->number, design->number);
    for (int i = 0; i < design->endpoint_count; i++) {
        const eks_endpoint *endpoint = &design->endpoints[i];
        eks_state state = eks_endpoint_state(endpoint, evidence->values[i], evidence->low[i], evidence->high[i]);
        int holds = state == EKS_HOLDS, missing = state == EKS_MISSING;
        char rule[80], measured[64];
        eks_rule(endpoint, rule);
        eks_number(evidence->values[i], measured);
        element(out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">", endpoint->what, "");
        if (endpoint->control) fputs(" <span class=\"control\">control</span>", out);
        fprintf(out,
                "</th><td role=\"cell\">%s</td>"
                "<td role=\"cell\" data-label=\"Measured\">%s</td><td role=\"cell\" class=\"%s\">%s</td></tr>\n",
                rule, measured,
                missing ? "missing"
                : holds ? "yes"
                        : "no",
                missing ? "–"
                : holds ? "✓ yes"
                        : "✗ no");
    }
    fputs("</tbody></table></div>\n", out);
}

static void data_table(FILE *out, const eks_table *table, int number) {
    fprintf(out,
            "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"c%d\"><table class=\"data\">"
            "<caption id=\"c%d\">",
            number, number);
    eks_escaped(out, table->caption);
    fputs("</caption><thead><tr>", out);
    for (int c = 0; c < table->column_count; c++) element(out, "<th scope=\"col\">", table->columns[c], "</th>");
    fputs("</tr></thead><tbody>\n", out);
    for (int r = 0; r < table->row_count; r++) {
        fputs("<tr>", out);
        for (int c = 0; c < table->column_count; c++) {
            char text[64];
            eks_cell_words(&table->cells[r][c], text);
            element(out, c ? "<td>" : "<th scope=\"row\">", text, c ? "</td>" : "</th>");
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void command(FILE *out, const eks_study *study, const eks_design *design) {
    char line[256], line_sabotaged[320];
    const ek_study_options *o = study->options;
    snprintf(line, sizeof line, "evenkeel study --quick --card %d --seed %llu%s%.120s -o card%d.html", design->number,
             (unsigned long long)o->seed, o->data ? " --data " : "", o->data ? o->data : "", design->number);
    snprintf(line_sabotaged, sizeof line_sabotaged, "%s --sabotage %s", line, design->sabotage);
    fputs("<div class=\"again\"><p>Measure it yourself, and see it fail when ", out);
    element(out, "", design->sabotage_what, ":</p><pre tabindex=\"0\" aria-label=\"Commands\"><code>");
    element(out, "", line, "\n");
    element(out, "", line_sabotaged, "</code></pre></div>\n");
}

static void evidence_section(FILE *out, const eks_study *study, const eks_design *design) {
    const eks_evidence *evidence = &study->evidence[design->number - 1];
    const char *verdict = eks_verdict_name(evidence->verdict);
    char took[64];
    if (evidence->seconds < 0.01)
        snprintf(took, sizeof took, "under 0.01 s");
    else
        snprintf(took, sizeof took, "%.2f s", evidence->seconds);
    fprintf(out,
            "<div class=\"evidence\" data-verdict=\"%s\"><div class=\"evidence-head\">"
            "<h3>Put to the test</h3><p class=\"verdict %s\"><span aria-hidden=\"true\">%s</span> %s</p>"
            "<p class=\"took\">measured in %s</p></div>\n",
            verdict, verdict, verdict_sign(evidence->verdict), verdict, took);
    if (eks_sabotages(design, study->options->sabotage))
        element(out, "<p class=\"problem\">Sabotaged on purpose in this run: ", design->sabotage_what, ".</p>\n");
    if (evidence->problem[0]) element(out, "<p class=\"problem\">Not measured: ", evidence->problem, "</p>\n");
    fputs("<dl class=\"claim\">", out);
    element(out, "<div><dt>Taught</dt><dd>", design->taught, "</dd></div>");
    element(out, "<div><dt>Predicted</dt><dd>", design->prediction, "</dd></div>");
    element(out, "<div><dt>Refuted by</dt><dd>", design->refuter, "</dd></div>");
    element(out, "<div><dt>Measured on</dt><dd>", design->method, "</dd></div></dl>\n");
    endpoints(out, design, evidence);
    if (evidence->chart.kind != EKS_CHART_NONE) {
        fputs("<div class=\"pair\"><figure>", out);
        eks_svg(out, &evidence->chart, design->number);
        element(out, "<figcaption><strong>", evidence->chart.title, ".</strong> ");
        element(out, "", evidence->chart.description, "</figcaption></figure>\n");
        data_table(out, &evidence->table, design->number);
        fputs("</div>\n", out);
    }
    command(out, study, design);
    fputs("</div>\n", out);
}

static void foot(FILE *out, const eks_text *text) {
    fputs("<footer class=\"card-foot\"><p>Related: ", out);
    for (int i = 0; i < 4 && text->related[i]; i++) {
        const eks_text *other = eks_text_of(text->related[i]);
        fprintf(out, "%s<a href=\"#q%d\" title=\"", i ? ", " : "", other->number);
        eks_escaped(out, other->question);
        fprintf(out, "\">question %d</a>", other->number);
    }
    fputs("</p><p>Sources: ", out);
    for (int i = 0; i < 4 && text->sources[i].label; i++) {
        fprintf(out, "%s<a rel=\"noreferrer\" href=\"", i ? "; " : "");
        eks_escaped(out, text->sources[i].url);
        element(out, "\">", text->sources[i].label, "</a>");
    }
    fputs("</p></footer>\n</article>\n", out);
}

void eks_page_card(FILE *out, const eks_study *study, const eks_text *text) {
    const eks_design *design = eks_design_of(text->number);
    head(out, text);
    answer(out, text);
    if (design && study->ran[text->number - 1]) {
        evidence_section(out, study, design);
    } else {
        fputs("<p class=\"later\"><strong>Not measured in this run.</strong> Run the study without --card.</p>\n", out);
    }
    foot(out, text);
}
