/* page.c: the page as one HTML file: no network, complete without script, light and dark, readable in print.
 *
 * Style and script are page.css and page.js beside this file, embedded when the program is built. The results are in
 * the page a second time, as JSON in a script element of a type that no browser runs.
 */
#include "study/write.h"

#include <evenkeel/cpu.h>
#include <evenkeel/version.h>

static void document_head(FILE *out) {
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta name=\"description\" content=\"Fifteen interview questions on batch normalization, answered, and "
          "seven of the answers measured on this machine.\">\n"
          "<title>Batch Normalization: 15 Interview Questions</title>\n"
          "<link rel=\"icon\" href=\"data:,\">\n<style>\n",
          out);
    fputs(eks_page_css, out);
    fputs("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#questions\">Skip to the questions</a>\n", out);
}

static void summary(FILE *out, const eks_study *study) {
    int ran = 0;
    for (int i = 0; i < EKS_CARDS; i++) ran += study->ran[i];
    fprintf(out,
            "<dl class=\"facts\"><div><dt>answers measured</dt><dd>%d<span> of %d</span></dd></div>"
            "<div><dt>supported</dt><dd>%d</dd></div><div><dt>refuted</dt><dd>%d</dd></div>"
            "<div><dt>inconclusive</dt><dd>%d</dd></div>"
            "<div><dt>seconds, this run</dt><dd>%.1f</dd></div></dl>\n",
            ran, EKS_CARDS, eks_count(study, EKS_SUPPORTED), eks_count(study, EKS_REFUTED),
            eks_count(study, EKS_INCONCLUSIVE), study->seconds);
    fprintf(out,
            "<p class=\"run\">Evenkeel %s, quick level, seed %llu, %s kernels. The longer levels, which train networks "
            "for the other eight questions, are not built yet.</p>\n",
            ek_version(), (unsigned long long)study->options->seed, ek_cpu_isa());
    if (study->options->sabotage) {
        fputs("<p class=\"problem\">This run was sabotaged on purpose (", out);
        eks_escaped(out, study->options->sabotage);
        fputs("), so that a claim can be seen to fail.</p>\n", out);
    }
}

static void masthead(FILE *out, const eks_study *study) {
    fputs("<header class=\"masthead\">\n<p class=\"kicker\">Evenkeel study</p>\n"
          "<h1>Batch Normalization: <span>15 Interview Questions</span></h1>\n"
          "<p class=\"lede\">One mean and one variance per channel, a scale and a shift that are learned, and a "
          "difference between training and inference that most mistakes come from. Here are the questions that are "
          "asked about it, each with an answer and its formula. Where the answer can be checked, it was: by an "
          "experiment with a prediction that could have failed, run on this machine when this page was made.</p>\n"
          "<ul class=\"badges\" aria-label=\"Topics\"><li>Mean and variance</li><li>γ and β</li><li>Training</li>"
          "<li>Running statistics</li></ul>\n",
          out);
    summary(out, study);
    fputs("</header>\n", out);
}

static void contents(FILE *out, const eks_study *study) {
    static const char *const levels[] = {"easy", "medium", "hard"};
    fputs("<nav class=\"contents\" aria-label=\"Questions\"><h2>Questions</h2><div class=\"filter\" role=\"group\" "
          "aria-label=\"Show questions by difficulty\" hidden>"
          "<button type=\"button\" data-filter=\"all\" aria-pressed=\"true\">All</button>"
          "<button type=\"button\" data-filter=\"easy\" aria-pressed=\"false\">Easy</button>"
          "<button type=\"button\" data-filter=\"medium\" aria-pressed=\"false\">Medium</button>"
          "<button type=\"button\" data-filter=\"hard\" aria-pressed=\"false\">Hard</button></div>"
          "<p class=\"sr\" role=\"status\" id=\"shown\"></p>\n<ol>\n",
          out);
    for (int i = 0; i < EKS_CARDS; i++) {
        const eks_text *text = &eks_texts[i];
        fprintf(out, "<li data-level=\"%s\"><a href=\"#q%d\">", levels[text->level], text->number);
        eks_escaped(out, text->question);
        fputs("</a>", out);
        if (study->ran[i])
            fprintf(out, " <span class=\"mark %s\">%s</span>", eks_verdict_name(study->evidence[i].verdict),
                    eks_verdict_name(study->evidence[i].verdict));
        fputs("</li>\n", out);
    }
    fputs("</ol></nav>\n", out);
}

static void closing(FILE *out) {
    fputs(
        "<section class=\"closing\" aria-labelledby=\"closing\"><h2 id=\"closing\">Before the interview</h2>\n"
        "<p class=\"callout\">Whatever the question, say which you mean: <strong>training or evaluation</strong>. And "
        "say where the <strong>running statistics</strong> come from. Most of the right answers follow from these "
        "two.</p>\n"
        "<ul class=\"checklist\">"
        "<li>Write the formula from memory, ε included, and say what γ and β are for.</li>"
        "<li>Tell training from evaluation: batch statistics against running ones; and name the three switches.</li>"
        "<li>Give the update of the running statistics, and the convention of its momentum.</li>"
        "<li>Name the axes in a convolutional network: N, H, W for each channel; 2C parameters.</li>"
        "<li>Explain what a small batch does, and three remedies.</li>"
        "<li>Tell layer, group and instance norm apart by which values share a mean.</li>"
        "<li>Know the side effects: a little regularization; weights whose scale no longer matters.</li>"
        "<li>Say when you would use something else, and when not.</li></ul></section>\n",
        out);
}

static void document_foot(FILE *out, const eks_study *study) {
    fputs(
        "<footer class=\"colophon\"><p>Made by <code>evenkeel study --quick</code>. Every number on this page is also "
        "in the file that <code>--results FILE.json</code> writes, and in this page's own source.</p></footer>\n"
        "<script type=\"application/json\" id=\"results\">",
        out);
    eks_report(out, study, 1);
    fputs("</script>\n<script>\n", out);
    fputs(eks_page_js, out);
    fputs("</script>\n</body>\n</html>\n", out);
}

void eks_page(FILE *out, const eks_study *study) {
    document_head(out);
    masthead(out, study);
    contents(out, study);
    fputs("<main id=\"questions\">\n", out);
    for (int i = 0; i < EKS_CARDS; i++) eks_page_card(out, study, &eks_texts[i]);
    closing(out);
    fputs("</main>\n", out);
    document_foot(out, study);
}
