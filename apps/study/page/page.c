/* page.c: the page as one HTML file: no network, complete without script, light and dark, readable in print.
 *
 * Style and script are real files (style/, script/), embedded when the program is built. The results are in the page a
 * second time, as JSON in a script element of a type that no browser runs.
 */
#include "study/page/page.h"
#include "study/page/page_live.h"

static const eki_page document = {
    .title = "Batch Normalization: 15 Interview Questions",
    .description = "Fifteen interview questions on batch normalization, answered, and the answers put to the test on "
                   "this machine.",
    .skip = "Skip to the questions",
    .skip_to = "questions",
    .css = eks_page_css,
};

static void document_foot(FILE *out, const eks_study *study) {
    fputs("<footer class=\"colophon\"><p>Made by <code>evenkeel study</code>. Every number on this page is also in the "
          "file that <code>--results FILE.json</code> writes, and in the source of this page.</p></footer>\n"
          "<script type=\"application/json\" id=\"results\">",
          out);
    eks_report(out, study, 1);
    fputs("</script>\n<script>\n", out);
    fputs(eks_page_js, out);
    fputs("</script>\n", out);
    eks_page_live_script(out);
    eki_page_close(out);
}

int eks_page_has_extras(void) {
    for (int i = 0; i < EKS_EXTRAS; i++)
        if (eks_design_of(eks_extra_texts[i].number)) return 1;
    return 0;
}

static void extras(FILE *out, const eks_study *study) {
    if (!eks_page_has_extras()) return;
    fputs("<section id=\"extras\" class=\"questions\" aria-labelledby=\"extras-title\">\n"
          "<h2 id=\"extras-title\" class=\"section-title\">Beyond the fifteen</h2>\n"
          "<p class=\"section-lede\">What follows from the fifteen, and what an engine can do with it.</p>\n",
          out);
    eks_page_fold(out, "The extras");
    for (int i = 0; i < EKS_EXTRAS; i++)
        if (eks_design_of(eks_extra_texts[i].number)) eks_page_card(out, study, &eks_extra_texts[i]);
    eks_page_unfold(out);
    fputs("</section>\n", out);
}

void eks_page(FILE *out, const eks_study *study) {
    eki_page_open(out, &document);
    eks_page_top(out, study);
    fputs("<main>\n", out);
    eks_page_acts(out, study);
    eks_page_live(out);
    extras(out, study);
    eks_page_quiz(out, study);
    eks_page_closing(out);
    eks_page_ledger(out);
    eks_page_handout(out, study);
    fputs("</main>\n", out);
    document_foot(out, study);
}

const char *eks_level_class(eks_level level) {
    static const char *const names[] = {"easy", "medium", "hard"};
    return names[level];
}

void eks_report_page(eki_json *json) {
    eki_json_object(json, "page");
    eks_report_top(json);
    eks_report_first(json);
    eks_report_acts(json);
    eks_report_how_to_read(json);
    eks_report_example(json);
    eks_report_quiz(json);
    eks_report_closing(json);
    eks_report_ledger(json);
    eki_json_close(json);
}
