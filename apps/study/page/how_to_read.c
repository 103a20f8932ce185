/* how_to_read.c: what the parts and signs of a card mean. */
#include "study/page/page.h"

static const char text[] =
    "Each card gives the answer, one figure, and a verdict for each way to read the sentence. Prediction, thresholds "
    "and "
    "rules were fixed in the source before the seeds that are shown; what was changed since is listed at the end. In "
    "the "
    "figures a row is a difference with its interval at 95%; thin stroke: zero; dashed, with an arrow: the threshold. "
    "Disc: the rule is kept; cross: broken; hollow: not settled. Supported needs every endpoint, refuted one. A "
    "control "
    "that fails says that the instrument could not see. Every experiment can be broken on purpose, and must then fail.";

void eks_page_how_to_read(FILE *out) {
    fputs("<section id=\"how-to-read\" aria-label=\"How to read a card\">", out);
    eks_page_fold(out, "How to read a card");
    eki_put(out, "<p>", text, "</p>\n");
    eks_page_unfold(out);
    fputs("</section>\n", out);
}

void eks_report_how_to_read(eki_json *json) { eki_json_text(json, "how_to_read", text); }
