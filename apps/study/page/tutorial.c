/* tutorial.c: batch norm in a few minutes: the idea, the four lines, the two modes, which values share, how to read. */
#include "study/mathml.h"
#include "study/page/page.h"

typedef struct part {
    const char *heading, *text, *more; /* `more`: markup below the text, or NULL */
} part;

#define STEP(words, formula) "<li><span>" words "</span>" formula "</li>"
#define STEPS                                                                                                          \
    "<ol class=\"steps\">" STEP("Take the mean of the channel over the batch.",                                        \
                                MATH(SUB(I("μ"), I("B")) O("=") T("mean") F("(") I("x") F(")")))                       \
        STEP("Take its variance.", MATH(SUBSUP(I("σ"), I("B"), D("2")) O("=") T("mean") F("(") F("(") I("x") O("−")    \
                                            SUB(I("μ"), I("B")) SUP(F(")"), D("2")) F(")")))                           \
            STEP("Normalize. The small ε keeps the root away from zero.",                                              \
                 MATH(HAT(I("x")) O("=") FRAC(I("x") O("−") SUB(I("μ"), I("B")),                                       \
                                              ROOT(SUBSUP(I("σ"), I("B"), D("2")) O("+") I("ε")))))                    \
                STEP("Scale and shift, by two learned values per channel.",                                            \
                     MATH(I("y") O("=") I("γ") HAT(I("x")) O("+") I("β"))) "</ol>"

#define ROW(what, training, evaluation)                                                                                \
    "<tr><th scope=\"row\">" what "</th><td>" training "</td><td>" evaluation "</td></tr>"
#define MODES                                                                                                          \
    "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"Training against evaluation\">"                  \
    "<table class=\"modes\"><thead><tr><th scope=\"col\">What</th><th scope=\"col\">Training</th>"                     \
    "<th scope=\"col\">Evaluation</th></tr></thead><tbody>" ROW("mean and variance", "of this batch",                  \
                                                                "the running statistics")                              \
        ROW("running statistics", "move a little towards this batch", "stay as they are")                              \
            ROW("γ and β", "trained", "used, not trained") ROW("one image’s result", "depends on its batch mates",     \
                                                               "depends on the image alone") "</tbody></table></div>"

static const part parts[] = {
    {"The idea",
     "The channels that arrive at a layer come in whatever size the layers before it happen to give them, and that "
     "size "
     "moves while those layers learn. One learning rate then has to suit all of them. Batch norm removes the question: "
     "it measures each channel on the mini-batch at hand, brings it to a common centre and spread, and lets the "
     "network choose, by two learned values, what centre and spread it wants instead.",
     NULL},
    {"The four lines", "For one channel of a mini-batch B, with all its values x taken together:", STEPS},
    {"The two modes",
     "In training the statistics come from the batch. That is no way to serve a model: the answer for one image would "
     "depend on whoever happened to be asked about in the same moment. So training also keeps a running average of the "
     "mean and the variance, and evaluation uses that. When something is odd about batch norm, ask first which mode is "
     "on, and then where the running statistics came from.",
     MODES},
    {"Which values share a mean",
     "All the norms of this family compute the same four lines. They differ in one thing only: which values share a "
     "mean "
     "and a variance. In each picture a row is an image, a column is a channel, and every block is one map of height "
     "times width. The filled values make up one set.",
     NULL},
    {"How to read a card",
     "Each card gives the answer, one figure, and a verdict for each way to read the sentence. Prediction, thresholds "
     "and "
     "rules were fixed in the source before the seeds that are shown; what was changed since is listed at the end. In "
     "the "
     "figures a row is a difference with its interval at 95%; thin stroke: zero; dashed, with an arrow: the threshold. "
     "Disc: the rule is kept; cross: broken; hollow: not settled. Supported needs every endpoint, refuted one. A "
     "control "
     "that fails says that the instrument could not see. Every experiment can be broken on purpose, and must then "
     "fail.",
     NULL},
};
enum { PARTS = sizeof parts / sizeof parts[0], AXES_PART = 3, HOW_TO_READ = PARTS - 1 };

void eks_page_tutorial(FILE *out) {
    fputs("<section id=\"tutorial\" class=\"tutorial\" aria-labelledby=\"tutorial-title\">\n"
          "<h2 id=\"tutorial-title\" class=\"section-title\">Batch norm in five minutes</h2>\n",
          out);
    for (int i = 0; i < PARTS; i++) {
        if (i == HOW_TO_READ)
            eks_page_fold(out, parts[i].heading);
        else
            eki_put(out, "<h3>", parts[i].heading, "</h3>\n");
        eki_put(out, "<p>", parts[i].text, "</p>\n");
        if (parts[i].more) fprintf(out, "%s\n", parts[i].more);
        if (i == AXES_PART) eks_page_axes(out, 0);
        if (i == HOW_TO_READ) eks_page_unfold(out);
    }
    fputs("</section>\n", out);
}

void eks_report_tutorial(eki_json *json) {
    eki_json_array(json, "tutorial");
    for (int i = 0; i < PARTS; i++) {
        eki_json_object(json, NULL);
        eki_json_text(json, "heading", parts[i].heading);
        eki_json_text(json, "text", parts[i].text);
        eki_json_text(json, "markup", parts[i].more);
        eki_json_close(json);
    }
    eki_json_close(json);
}
