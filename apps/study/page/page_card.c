/* page_card.c: one card as HTML: question, prediction, answer, formula, correction, evidence, related cards, sources.
 */
#include "study/page/page.h"

static void head(FILE *out, const eks_text *text) {
    const char *level = eks_level_class(text->level);
    int n = text->number;
    fprintf(out,
            "<article class=\"card %s%s\" id=\"card-%d\" data-level=\"%s\" aria-labelledby=\"title-%d\">\n"
            "<header class=\"card-head\"><span class=\"number\" aria-hidden=\"true\">%d</span>"
            "<h3 id=\"title-%d\"><a class=\"self\" href=\"#card-%d\"><span class=\"sr\">%d. </span>",
            level, n > EKS_CARDS ? " extra" : "", n, level, n, n, n, n, n);
    eki_put(out, "", text->question, "</a></h3>");
    fprintf(out, "<span class=\"chip %s\"><span class=\"sr\">Difficulty: </span>%s</span></header>\n", level,
            eks_level_name(text->level));
}

void eks_page_fold(FILE *out, const char *summary) {
    eki_put(out, "<details class=\"more\" open><summary>", summary, "</summary>\n");
}

void eks_page_unfold(FILE *out) { fputs("</details>\n", out); }

static void formula(FILE *out, const eks_text *text) {
    eki_put(out, "<div class=\"formula\" role=\"group\" tabindex=\"0\" aria-label=\"Formula: ", text->formula_text,
            "\">");
    fprintf(out, "%s</div>\n", text->formula);
    if (text->exact) eki_put(out, "<p class=\"exact\"><strong>To be exact.</strong> ", text->exact, "</p>\n");
}

static void notes(FILE *out, const eks_text *text) {
    if (!text->notes[0].says) return;
    fputs("<div class=\"notes\"><h4>What the literature says", out);
    fputs(text->contested ? " <span class=\"contested\">contested</span></h4>\n<ul>" : "</h4>\n<ul>", out);
    for (size_t i = 0; i < sizeof text->notes / sizeof text->notes[0] && text->notes[i].says; i++) {
        const eks_note *note = &text->notes[i];
        eki_put(out, "<li>", note->says, " ");
        if (note->source.label) {
            eki_put(out, "<a rel=\"noreferrer\" href=\"", note->source.url, "\">");
            eki_put(out, "", note->source.label, "</a>");
        }
        fputs("</li>\n", out);
    }
    fputs("</ul></div>\n", out);
}

static void foot(FILE *out, const eks_text *text) {
    fputs("<footer class=\"card-foot\"><p>Related: ", out);
    for (int i = 0; i < 4 && text->related[i]; i++) {
        const eks_text *other = eks_text_of(text->related[i]);
        fprintf(out, "%s<a href=\"#card-%d\">", i ? " · " : "", other->number);
        eki_put(out, "", other->question, "</a>");
    }
    fputs("</p><p>Sources: ", out);
    for (int i = 0; i < 4 && text->sources[i].label; i++) {
        eki_put(out, i ? "; <a rel=\"noreferrer\" href=\"" : "<a rel=\"noreferrer\" href=\"", text->sources[i].url,
                "\">");
        eki_put(out, "", text->sources[i].label, "</a>");
    }
    fputs("</p></footer>\n", out);
}

static void snippet(FILE *out, const eks_text *text) {
    char code[EKS_SNIPPET_TEXT];
    if (!eks_snippet(text->number, code)) return;
    eks_page_fold(out, "In PyTorch");
    fputs("<pre class=\"snippet\" tabindex=\"0\" aria-label=\"The same effect in PyTorch\"><code>", out);
    eki_html(out, code);
    fputs("</code></pre>\n", out);
    eks_page_unfold(out);
}

void eks_page_card(FILE *out, const eks_study *study, const eks_text *text) {
    const eks_design *design = eks_design_of(text->number);
    head(out, text);
    if (text->number <= EKS_CARDS) eks_page_prediction(out, study, text);
    fprintf(out, "<div class=\"body\" id=\"body-%d\">\n", text->number);
    eki_put(out, "<p class=\"answer\">", text->answer, "</p>\n");
    if (design && study->ran[text->number - 1])
        eks_page_evidence(out, study, design);
    else
        fputs("<p class=\"later\"><strong>Not measured in this run.</strong> Run the study without --card.</p>\n", out);
    eks_page_fold(out, "Formula, literature, sources");
    formula(out, text);
    eks_page_axes(out, text->number);
    if (text->number == 1) eks_page_example(out);
    notes(out, text);
    foot(out, text);
    eks_page_unfold(out);
    snippet(out, text);
    fputs("</div>\n</article>\n", out);
}
