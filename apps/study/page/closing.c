/* closing.c: the advice, which stands at the top too, and the checklist at the end. */
#include "study/page/page.h"

static const char callout_before[] = "Whatever the question, say which one you mean: ";
static const char callout_after[] =
    "The one normalizes by the batch and updates the running statistics; the other normalizes by the running "
    "statistics and depends on nothing else. Most of the right answers follow from these two sentences.";

static const char *const checklist[] = {
    "Write the formula from memory, ε inside the root, and say what γ and β are for.",
    "Tell training from evaluation: batch statistics against running statistics; then name the three switches.",
    "Give the update of the running averages, and say whose convention of momentum it is.",
    "Explain what a small batch does to the statistics, and name three remedies.",
    "Name the axes in a convolutional network: batch, height and width together, one set per channel.",
    "Tell layer norm from batch norm by which values share a mean; then group and instance norm.",
    "Know the side effects: a little regularization, less in large batches; weights whose scale no longer counts.",
    "Say when you would use group, layer or RMS norm instead, and when batch norm is still the one to beat.",
};
enum { ITEMS = sizeof checklist / sizeof checklist[0] };

void eks_page_advice(FILE *out) {
    fputs("<p class=\"callout\">", out);
    eki_put(out, "", callout_before,
            "<strong>train or eval</strong>, and where the <strong>running statistics</strong> "
            "come from. ");
    eki_put(out, "", callout_after, "</p>\n");
}

void eks_page_closing(FILE *out) {
    fputs("<section id=\"closing\" class=\"closing\" aria-labelledby=\"closing-title\">\n"
          "<h2 id=\"closing-title\" class=\"section-title\">Before the interview</h2>\n",
          out);
    eks_page_advice(out);
    fputs("<h3>Checklist</h3>\n<ul class=\"checklist\">\n", out);
    for (int i = 0; i < ITEMS; i++) eki_put(out, "<li>", checklist[i], "</li>\n");
    fputs("</ul>\n</section>\n", out);
}

void eks_report_closing(eki_json *json) {
    eki_json_array(json, "checklist");
    for (int i = 0; i < ITEMS; i++) eki_json_text(json, NULL, checklist[i]);
    eki_json_close(json);
}
