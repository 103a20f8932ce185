/* page_top.c: what stands above the cards: title, lede, badges, the run in figures, tools, contents. */
#include "study/page/page.h"

#include <evenkeel/version.h>

static const char title[] = "Batch Normalization: 15 Interview Questions";
static const char lede[] =
    "One mean and one variance per channel, a scale and a shift that are learned, and a difference between training "
    "and evaluation from which most mistakes come. Here are the questions that are asked about it. Each has an answer "
    "in plain words and a formula; and each answer was put to an experiment that could have refuted it, run on this "
    "machine when this page was made.";

static void fact(FILE *out, const char *name, const char *class, int count) {
    fprintf(out, "<div class=\"%s\"><dt>%s</dt><dd>%d</dd></div>", class, name, count);
}

static void facts(FILE *out, const eks_study *study) {
    int ran = 0;
    for (int i = 0; i < EKS_CARDS; i++) ran += study->ran[i];
    fputs("<dl class=\"facts\">", out);
    fprintf(out, "<div><dt>answers measured</dt><dd>%d<span> of %d</span></dd></div>", ran, EKS_CARDS);
    fact(out, "supported", "is-supported", eks_count(study, EKS_SUPPORTED));
    fact(out, "refuted", "is-refuted", eks_count(study, EKS_REFUTED));
    fact(out, "inconclusive", "is-inconclusive", eks_count(study, EKS_INCONCLUSIVE));
    fprintf(out, "<div><dt>seconds, this run</dt><dd>%.1f</dd></div></dl>\n", eks_seconds(study));
    fprintf(out, "<p class=\"run\">Evenkeel %s, %s level, seed %llu, %s kernels", ek_version(), eks_level_text(study),
            (unsigned long long)study->options->seed, study->isa);
    if (study->options->data) eki_put(out, ", data ", study->options->data, "");
    if (study->options->more_data) eki_put(out, " and ", study->options->more_data, "");
    fputs(".</p>\n", out);
    if (study->options->sabotage)
        eki_put(out, "<p class=\"problem\">This run was sabotaged on purpose (", study->options->sabotage,
                "), so that a claim can be seen to fail.</p>\n");
}

static void masthead(FILE *out, const eks_study *study) {
    fputs("<header class=\"masthead\">\n<p class=\"kicker\">Evenkeel study</p>\n"
          "<h1>Batch Normalization: <span>15 Interview Questions</span></h1>\n",
          out);
    eki_put(out, "<p class=\"lede\">", lede, "</p>\n");
    eks_page_advice(out);
    eks_page_first(out, study);
    facts(out, study);
    fputs("</header>\n", out);
}

/* The script shows these; without it they would do nothing. */
static void tools(FILE *out) {
    static const char *const filters[][2] = {{"all", "All"}, {"easy", "Easy"}, {"medium", "Medium"}, {"hard", "Hard"}};
    fputs("<section class=\"tools\" aria-label=\"View\" hidden>\n"
          "<div class=\"filter\" role=\"group\" aria-label=\"Show questions by difficulty\">",
          out);
    for (int i = 0; i < 4; i++)
        fprintf(out, "<button type=\"button\" class=\"pill %s\" data-filter=\"%s\" aria-pressed=\"%s\">%s</button>",
                filters[i][0], filters[i][0], i ? "false" : "true", filters[i][1]);
    fputs("</div>\n<div class=\"views\"><button type=\"button\" class=\"pill\" id=\"ask\">Ask me one</button>"
          "<button type=\"button\" class=\"pill\" id=\"answers\" aria-pressed=\"false\">All answers</button>"
          "</div>\n<p class=\"sr\" role=\"status\" id=\"shown\"></p>\n</section>\n",
          out);
}

static void contents_row(FILE *out, const eks_study *study, const eks_text *text) {
    fprintf(out, "<li data-level=\"%s\" class=\"%s\" value=\"%d\"><span class=\"n\">%d</span><a href=\"#card-%d\">",
            eks_level_class(text->level), eks_level_class(text->level), text->number, text->number, text->number);
    eki_put(out, "", text->question, "</a><span class=\"marks\">");
    for (int r = 0; study->ran[text->number - 1] && r < eks_reading_count(eks_design_of(text->number)); r++) {
        eks_verdict verdict = study->evidence[text->number - 1].verdicts[r];
        fprintf(out, " <span class=\"mark %s\" role=\"img\" aria-label=\"%s\">%s</span>", eks_verdict_name(verdict),
                eks_verdict_name(verdict), eks_verdict_sign(verdict));
    }
    fputs("</span></li>\n", out);
}

static void contents(FILE *out, const eks_study *study) {
    fprintf(
        out,
        "<nav class=\"contents\" aria-labelledby=\"contents-title\"><h2 id=\"contents-title\">The fifteen questions, "
        "in three acts</h2>\n<div class=\"contents-acts\">");
    eks_page_acts_contents(out, contents_row, study);
    fprintf(out,
            "</div>\n<p class=\"jump\"><a href=\"#live\">Try it yourself</a> %s<a href=\"#quiz\">Quiz</a> "
            "<a href=\"#closing\">Checklist</a> <a href=\"#handout\">Two pages to hand out</a></p>\n</nav>\n",
            eks_page_has_extras() ? "<a href=\"#extras\">Extras</a> " : "");
}

void eks_page_top(FILE *out, const eks_study *study) {
    masthead(out, study);
    contents(out, study);
    eks_page_how_to_read(out);
    tools(out);
}

void eks_report_top(eki_json *json) {
    eki_json_text(json, "title", title);
    eki_json_text(json, "lede", lede);
}
